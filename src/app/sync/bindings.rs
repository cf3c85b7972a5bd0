//! The bindings: which projects are synced, by which rules, and how far.

use std::sync::{Arc, Mutex, PoisonError};

use chrono::{DateTime, TimeDelta, Utc};

use crate::app::{App, AppError, Caller, ExpectedVersion, Scope};
use crate::domain::Faults;
use crate::domain::decide::Refusal;
use crate::domain::request::binding::BindingSpec;
use crate::domain::sync::{Binding, BindingSource, BindingState};
use crate::domain::tracker::Project;
use crate::store::PutBinding;

/// The bindings as they were a moment ago: each push asks for its own.
#[derive(Default)]
pub struct BindingCache(Mutex<Option<Read>>);

/// When they were read, and what they were.
type Read = (DateTime<Utc>, Arc<[BindingState]>);

/// What new rules may be written over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PutCondition {
    Anything,
    /// Only if there is none of that name.
    Nothing,
    /// Only if there is one, and it is in one of these editions.
    These(ExpectedVersion),
}

impl PutCondition {
    /// The edition that the store must find (0: no binding; `None`: any), or the edition that is
    /// there instead.
    fn edition(&self, before: Option<i64>) -> Result<Option<i64>, AppError> {
        let fits = match (self, before) {
            (Self::Anything, _) => return Ok(None),
            (Self::Nothing, before) => before.is_none(),
            (Self::These(ExpectedVersion::Any), before) => before.is_some(),
            (Self::These(ExpectedVersion::OneOf(editions)), before) => {
                before.is_some_and(|edition| editions.contains(&edition.to_string()))
            }
        };
        let edition = before.unwrap_or(0);
        if fits { Ok(Some(edition)) } else { Err(AppError::PreconditionFailed { current: edition.to_string() }) }
    }
}

impl App {
    pub async fn bindings(&self, caller: &Caller) -> Result<Vec<BindingState>, AppError> {
        caller.need(Scope::Read)?;
        Ok(self.store.bindings().await?)
    }

    pub async fn binding(&self, caller: &Caller, name: &str) -> Result<BindingState, AppError> {
        caller.need(Scope::Read)?;
        self.find_binding(name).await
    }

    /// Creates a binding, or replaces its rules. The answer also says whether it is new.
    pub async fn put_binding(
        &self,
        caller: &Caller,
        name: &str,
        spec: BindingSpec,
        over: &PutCondition,
    ) -> Result<(BindingState, bool), AppError> {
        caller.need(Scope::Admin)?;
        let binding = spec.parse(name)?;
        let before = self.check_binding(&binding).await?;
        let read_edition = over.edition(before)?;
        let request = PutBinding { binding: &binding, source: BindingSource::Api, read_edition, now: self.clock.now() };
        let Some(bound) = self.store.put_binding(&request).await? else {
            let current = self.find_binding(&binding.name).await.map_or(0, |bound| bound.edition);
            return Err(AppError::PreconditionFailed { current: current.to_string() });
        };
        self.bindings_changed();
        Ok((bound, before.is_none()))
    }

    /// The bindings of the settings, as they are written there.
    pub async fn store_configured_bindings(&self, configured: &[Binding]) -> Result<(), AppError> {
        let now = self.clock.now();
        for binding in configured {
            self.store.put_binding(&PutBinding { binding, source: BindingSource::Config, read_edition: None, now }).await?;
        }
        let named = |bound: &BindingState| configured.iter().any(|binding| binding.name == bound.binding.name);
        for bound in self.store.bindings().await?.iter().filter(|bound| bound.source == BindingSource::Config && !named(bound)) {
            tracing::info!(binding.name = bound.binding.name, "no longer in the settings: no longer followed");
            self.store.delete_binding(&bound.binding.name, None).await?;
        }
        Ok(())
    }

    /// Takes a binding away, where it still has the rules that were seen.
    pub async fn delete_binding(&self, caller: &Caller, name: &str, expected: Option<ExpectedVersion>) -> Result<(), AppError> {
        caller.need(Scope::Admin)?;
        let bound = self.find_binding(name).await?;
        not_configured(&bound)?;
        let read_edition = expected.map_or(Ok(None), |expected| PutCondition::These(expected).edition(Some(bound.edition)))?;
        if !self.store.delete_binding(name, read_edition).await? {
            // Gone meanwhile, or given other rules.
            let current = self.find_binding(name).await?.edition.to_string();
            return Err(AppError::PreconditionFailed { current });
        }
        self.bindings_changed();
        Ok(())
    }

    pub async fn pause_binding(&self, caller: &Caller, name: &str, paused: bool) -> Result<BindingState, AppError> {
        caller.need(Scope::Admin)?;
        let bound = self.store.pause_binding(name, paused, self.clock.now()).await?.ok_or_else(|| missing(name))?;
        self.bindings_changed();
        Ok(bound)
    }

    /// Requests a sync run now; with `audit` one over the whole list; with `allow_deletions` one
    /// without the deletion limit.
    pub async fn request_sync(&self, caller: &Caller, name: &str, audit: bool, allow_deletions: bool) -> Result<BindingState, AppError> {
        caller.need(Scope::Write)?;
        if allow_deletions {
            caller.need(Scope::Admin)?;
        }
        let audit = audit || allow_deletions;
        let bound = self.store.request_sync(name, audit, allow_deletions, self.clock.now()).await?.ok_or_else(|| missing(name))?;
        if !bound.binding.pulls() {
            let message = format!("binding {name} only pushes: nothing of its tracker is read");
            return Err(Refusal { code: "binding_push_only", message }.into());
        }
        if bound.paused {
            return Err(Refusal { code: "binding_paused", message: format!("binding {name} is paused; resume it first") }.into());
        }
        self.bindings_changed();
        Ok(bound)
    }

    /// The binding of a tracker's project, if there is one. A pause stops the sync runs, but pushes
    /// still reconcile.
    pub(in crate::app) async fn binding_of(&self, backend: &str, project: &Project) -> Result<Option<BindingState>, AppError> {
        const FRESH: TimeDelta = TimeDelta::seconds(1);
        let now = self.clock.now();
        let known = self.bindings.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let list = match known {
            Some((asked, list)) if now < asked + FRESH => list,
            Some(_) | None => {
                let list: Arc<[BindingState]> = self.store.bindings().await?.into();
                *self.bindings.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((now, Arc::clone(&list)));
                list
            }
        };
        let of = |is_it: &dyn Fn(&BindingState) -> bool| list.iter().find(|bound| bound.binding.backend == backend && is_it(bound));
        let called = || of(&|bound| bound.cursor.called.as_ref() == Some(project));
        Ok(of(&|bound| bound.binding.place == *project).or_else(called).cloned())
    }

    pub(in crate::app) async fn find_binding(&self, name: &str) -> Result<BindingState, AppError> {
        let all = self.store.bindings().await?;
        all.into_iter().find(|bound| bound.binding.name == name).ok_or_else(|| missing(name))
    }

    /// A project belongs to one binding, and a binding to a configured tracker. Answers the edition
    /// of the binding so far.
    async fn check_binding(&self, binding: &Binding) -> Result<Option<i64>, AppError> {
        let Some(tracker) = self.trackers.get(&binding.backend) else {
            let known: Vec<&str> = self.trackers.iter().map(|tracker| tracker.name.as_str()).collect();
            let text = format!("no backend of that name is configured; there are: {}", known.join(", "));
            return Err(Refusal { code: "unknown_backend", message: text }.into());
        };
        let mut faults = Faults::default();
        for field in tracker.backend.needs().iter().filter(|field| binding.place.get(**field).is_empty()) {
            faults.add(format!("/{field}"), "missing", format!("{} cannot be addressed without it", tracker.backend.kind()));
        }
        let all = self.store.bindings().await?;
        let before = all.iter().find(|bound| bound.binding.name == binding.name);
        before.map_or(Ok(()), not_configured)?;
        let same = |bound: &&BindingState| bound.binding.backend == binding.backend && bound.binding.place == binding.place;
        if let Some(other) = all.iter().find(same).filter(|other| other.binding.name != binding.name) {
            faults.add("name", "place_taken", format!("{} is followed by binding {} already", binding.place, other.binding.name));
        }
        faults.into_result(before.map(|bound| bound.edition)).map_err(AppError::from)
    }

    fn bindings_changed(&self) {
        self.forget_bindings();
        self.wake.ring(crate::app::SYNC);
    }

    /// They are read again before they are next asked for.
    pub(in crate::app) fn forget_bindings(&self) {
        *self.bindings.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

fn missing(name: &str) -> AppError {
    AppError::NotFound { what: format!("binding {name}") }
}

fn not_configured(bound: &BindingState) -> Result<(), Refusal> {
    if bound.source == BindingSource::Api {
        return Ok(());
    }
    let name = &bound.binding.name;
    Err(Refusal { code: "binding_configured", message: format!("binding {name} stands in the settings: change it in [bindings.{name}]") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_written_only_over_what_was_seen() {
        let one_of =
            |editions: &[&str]| PutCondition::These(ExpectedVersion::OneOf(editions.iter().map(|&edition| edition.to_owned()).collect()));
        let edition = |over: &PutCondition, before| over.edition(before).ok();
        assert_eq!((edition(&PutCondition::Anything, None), edition(&PutCondition::Anything, Some(3))), (Some(None), Some(None)));
        assert_eq!((edition(&PutCondition::Nothing, None), edition(&PutCondition::Nothing, Some(3))), (Some(Some(0)), None));
        assert_eq!(
            (edition(&PutCondition::These(ExpectedVersion::Any), None), edition(&PutCondition::These(ExpectedVersion::Any), Some(3))),
            (None, Some(Some(3)))
        );
        assert_eq!((edition(&one_of(&["2", "3"]), Some(3)), edition(&one_of(&["2"]), Some(3))), (Some(Some(3)), None));
        assert_eq!(edition(&one_of(&["2"]), None), None);
    }
}
