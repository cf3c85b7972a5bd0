//! The bindings: which places are followed, by which rules, and how far they are.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use super::{App, AppError, Caller, Scope};
use crate::domain::Faults;
use crate::domain::decide::Refusal;
use crate::domain::sync::{Binding, BindingSource, Bound};
use crate::domain::tracker::Place;
use crate::store::PutBinding;

/// The bindings as they were a moment ago: each push asks for its own.
#[derive(Default)]
pub struct Bindings(Mutex<Option<(DateTime<Utc>, Arc<[Binding]>)>>);

impl App {
    pub async fn bindings(&self, caller: &Caller) -> Result<Vec<Bound>, AppError> {
        caller.need(Scope::Read)?;
        Ok(self.store.bindings().await?)
    }

    pub async fn binding(&self, caller: &Caller, name: &str) -> Result<Bound, AppError> {
        caller.need(Scope::Read)?;
        self.find_binding(name).await
    }

    /// Makes a binding, or gives it other rules. With `read_edition` only over that edition (0: only a new one).
    pub async fn put_binding(&self, caller: &Caller, binding: Binding, read_edition: Option<i64>) -> Result<Bound, AppError> {
        caller.need(Scope::Admin)?;
        self.check_binding(&binding).await?;
        let wish = PutBinding { binding: &binding, source: BindingSource::Api, read_edition, now: self.clock.now() };
        let Some(bound) = self.store.put_binding(&wish).await? else {
            let current = self.find_binding(&binding.name).await.map_or(0, |bound| bound.edition);
            return Err(AppError::PreconditionFailed { current: current.to_string() });
        };
        self.bindings_changed();
        Ok(bound)
    }

    /// The bindings of the settings, as they are written there.
    pub async fn take_configured_bindings(&self, configured: &[Binding]) -> Result<(), AppError> {
        let now = self.clock.now();
        for binding in configured {
            self.store.put_binding(&PutBinding { binding, source: BindingSource::Config, read_edition: None, now }).await?;
        }
        let named = |bound: &Bound| configured.iter().any(|binding| binding.name == bound.binding.name);
        for bound in self.store.bindings().await?.iter().filter(|bound| bound.source == BindingSource::Config && !named(bound)) {
            tracing::info!(binding.name = bound.binding.name, "no longer in the settings: no longer followed");
            self.store.delete_binding(&bound.binding.name).await?;
        }
        Ok(())
    }

    pub async fn delete_binding(&self, caller: &Caller, name: &str) -> Result<(), AppError> {
        caller.need(Scope::Admin)?;
        let bound = self.find_binding(name).await?;
        not_configured(&bound)?;
        self.store.delete_binding(name).await?;
        self.bindings_changed();
        Ok(())
    }

    pub async fn pause_binding(&self, caller: &Caller, name: &str, paused: bool) -> Result<Bound, AppError> {
        caller.need(Scope::Admin)?;
        let bound = self.store.pause_binding(name, paused, self.clock.now()).await?.ok_or_else(|| missing(name))?;
        self.bindings_changed();
        Ok(bound)
    }

    /// Asks for a pass now; with `audit` over the whole list; with `allow_deletions` however much it lacks is believed.
    pub async fn hurry_binding(&self, caller: &Caller, name: &str, audit: bool, allow_deletions: bool) -> Result<Bound, AppError> {
        caller.need(Scope::Write)?;
        if allow_deletions {
            caller.need(Scope::Admin)?;
        }
        let audit = audit || allow_deletions;
        let bound = self.store.hurry_binding(name, audit, allow_deletions, self.clock.now()).await?.ok_or_else(|| missing(name))?;
        if bound.paused {
            return Err(Refusal { code: "binding_paused", message: format!("binding {name} is paused; resume it first") }.into());
        }
        self.bindings_changed();
        Ok(bound)
    }

    /// The rules for a place of a tracker, where it is followed. A pause stops the passes, not the agreeing of what is pushed.
    pub(super) async fn binding_of(&self, backend: &str, place: &Place) -> Result<Option<Binding>, AppError> {
        const FRESH: TimeDelta = TimeDelta::seconds(1);
        let now = self.clock.now();
        let known = self.bindings.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let list = match known {
            Some((asked, list)) if now < asked + FRESH => list,
            Some(_) | None => {
                let list: Arc<[Binding]> = self.store.bindings().await?.into_iter().map(|bound| bound.binding).collect();
                *self.bindings.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&list)));
                list
            }
        };
        Ok(list.iter().find(|binding| binding.backend == backend && binding.place == *place).cloned())
    }

    pub(super) async fn find_binding(&self, name: &str) -> Result<Bound, AppError> {
        let all = self.store.bindings().await?;
        all.into_iter().find(|bound| bound.binding.name == name).ok_or_else(|| missing(name))
    }

    /// A place belongs to one binding, and a binding to a tracker that is there.
    async fn check_binding(&self, binding: &Binding) -> Result<(), AppError> {
        let Some(tracker) = self.trackers.get(&binding.backend) else {
            let known: Vec<&str> = self.trackers.iter().map(|tracker| tracker.name.as_str()).collect();
            let text = format!("no backend of that name is configured; there are: {}", known.join(", "));
            return Err(Faults::one("/backend", "unknown_backend", text).into());
        };
        let mut faults = Faults::default();
        for field in tracker.backend.needs().iter().filter(|field| binding.place.get(**field).is_empty()) {
            faults.add(format!("/{field}"), "missing", format!("{} cannot be addressed without it", tracker.backend.kind()));
        }
        let all = self.store.bindings().await?;
        if let Some(bound) = all.iter().find(|bound| bound.binding.name == binding.name) {
            not_configured(bound)?;
        }
        let same = |bound: &&Bound| bound.binding.backend == binding.backend && bound.binding.place == binding.place;
        if let Some(other) = all.iter().find(same).filter(|other| other.binding.name != binding.name) {
            faults.add("/name", "place_taken", format!("{} is followed by binding {} already", binding.place, other.binding.name));
        }
        faults.into_result(()).map_err(AppError::from)
    }

    fn bindings_changed(&self) {
        *self.bindings.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.wake.ring(super::SYNC);
    }
}

fn missing(name: &str) -> AppError {
    AppError::NotFound { what: format!("binding {name}") }
}

fn not_configured(bound: &Bound) -> Result<(), Refusal> {
    if bound.source == BindingSource::Api {
        return Ok(());
    }
    let name = &bound.binding.name;
    Err(Refusal { code: "binding_configured", message: format!("binding {name} stands in the settings: change it in [bindings.{name}]") })
}
