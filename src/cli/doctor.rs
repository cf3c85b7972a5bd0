//! `issue doctor`: checks everything that a command needs, says what is wrong, and how to mend it.

use std::path::Path;

use clap::Args;
use console::Style;
use serde_json::Value;

use super::api::IssueApi;
use super::error::CliError;
use super::reach::ServerArgs;
use super::screen::OutputLook;
use crate::config::{LoadedSettings, ServerContexts};

#[derive(Debug, Args)]
pub(super) struct DoctorArgs {}

/// The findings so far.
#[derive(Default)]
struct DoctorFindings {
    wrong: usize,
}

impl DoctorFindings {
    fn tell<T>(&mut self, what: &str, found: Result<T, String>) -> Option<T> {
        let (mark, rest) = match &found {
            Ok(_) => (Style::new().green().apply_to("ok   "), String::new()),
            Err(why) => (Style::new().red().bold().apply_to("WRONG"), format!(": {why}")),
        };
        println!("{mark} {what}{rest}");
        self.wrong += usize::from(found.is_err());
        found.ok()
    }
}

impl DoctorArgs {
    pub(super) async fn run(self, reach: ServerArgs, config: Option<&Path>, look: OutputLook) -> Result<(), CliError> {
        let mut findings = DoctorFindings::default();
        findings.tell("the settings are sound", LoadedSettings::from_environment(config).map_err(|error| error.to_string()));
        let path = ServerContexts::path();
        findings
            .tell(&format!("contexts can be read ({})", path.display()), ServerContexts::load(&path).map_err(|error| error.to_string()));
        match reach.open(config, look).await {
            Err(error) => _ = findings.tell::<()>("a server is there to be called", Err(error.to_string())),
            Ok(session) => {
                examine(&mut findings, &session.api).await;
                session.api.close().await;
            }
        }
        match findings.wrong {
            0 => Ok(()),
            1 => Err(CliError::Failed("one thing is wrong".to_owned())),
            several => Err(CliError::Failed(format!("{several} things are wrong"))),
        }
    }
}

async fn examine(findings: &mut DoctorFindings, api: &IssueApi) {
    let ask = async |path: &str| api.get(path).await.and_then(|answer| answer.json::<Value>()).map_err(|error| error.to_string());
    let Some(health) = findings.tell(&format!("{} answers", api.whom()), ask("/healthz").await) else { return };
    let (theirs, ours) = (health["version"].as_str().unwrap_or("another"), env!("CARGO_PKG_VERSION"));
    let same = if theirs == ours { Ok(()) } else { Err(format!("it is version {theirs}, this is {ours}; run the same on both sides")) };
    findings.tell("it is of our version", same);
    let ready = findings.tell("it is ready for work", ask("/readyz?verbose=true").await);
    for target in ready.iter().flat_map(|ready| ready["targets"].as_array().into_iter().flatten()) {
        let (name, breaker) = (target["target"].as_str().unwrap_or("a target"), target["breaker"].as_str().unwrap_or("closed"));
        let answers = if breaker == "open" {
            Err("it does not; its messages wait. Check the target, or `issue messages list`".to_owned())
        } else {
            Ok(())
        };
        findings.tell(&format!("{name} answers it"), answers);
    }
    findings.tell("we may read issues", ask("/issues?limit=1").await);
    let dead = ask("/messages?state=dead&limit=1").await;
    let none = dead.and_then(|page| match page["items"].as_array().map(Vec::len) {
        Some(1..) => Err("some were; `issue messages list --state dead` shows why, `issue messages retry --all` tries again".to_owned()),
        Some(0) | None => Ok(()),
    });
    findings.tell("no message was given up", none);
}
