//! `issue stats`: how many issues there are, by state, age, backend and repository.

use clap::Args;

use super::error::CliError;
use super::labels::counts;
use super::reach::CommandSession;
use super::wire::{Age, Stats as Numbers};

#[derive(Debug, Args)]
pub(super) struct StatsArgs {}

impl StatsArgs {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        let answer = session.api.get("/stats").await?;
        let numbers: Numbers = answer.json()?;
        let width = session.screen.width();
        session.screen.one(&answer.raw()?, || {
            let mut text = String::new();
            for (title, rows) in [("STATE", &numbers.states), ("REPOSITORY", &numbers.repos), ("BACKEND", &numbers.backends)] {
                if !rows.is_empty() {
                    text += &(counts(title, rows, width) + "\n");
                }
            }
            let ages: Vec<String> = numbers.ages.iter().map(age).collect();
            text + &format!("not closed, filed {}; archived {}\n", ages.join(", "), numbers.archived)
        })
    }
}

fn age(Age { days, active }: &Age) -> String {
    match days {
        Some(1) => format!("today {active}"),
        Some(days) => format!("in the last {days} days {active}"),
        None => format!("before {active}"),
    }
}
