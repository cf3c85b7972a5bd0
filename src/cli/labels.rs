//! `issue labels`: which labels (milestones, people, repositories) issues have, and how many of each.

use clap::{Args, ValueEnum};

use super::error::CliError;
use super::names::parsed;
use super::reach::Session;
use super::table::{Cell, table};
use super::wire::Facet;

#[derive(Debug, Args)]
pub(super) struct Labels {
    /// What to count
    #[arg(value_enum, default_value_t = Of::Labels)]
    of: Of,
    /// Only names that begin so
    #[arg(long)]
    prefix: Option<String>,
    /// The most frequent ones first
    #[arg(long)]
    by_count: bool,
    /// At most as many
    #[arg(short = 'n', long, default_value_t = 200)]
    limit: usize,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    Labels,
    Milestones,
    Assignees,
    Repos,
}

impl Labels {
    pub(super) async fn run(self, session: &Session) -> Result<(), CliError> {
        let path = match self.of {
            Of::Labels => "/labels",
            Of::Milestones => "/milestones",
            Of::Assignees => "/assignees",
            Of::Repos => "/repos",
        };
        let mut query = Vec::new();
        query.extend(self.prefix.map(|prefix| ("prefix", prefix)));
        query.extend(self.by_count.then(|| ("sort", "count".to_owned())));
        let list = session.api.items(path, &query, self.limit.max(1)).await?;
        let rows: Vec<Facet> = parsed(&list.items)?;
        session.screen.list(&list, || counts("NAME", &rows, session.screen.width()))
    }
}

pub(super) fn counts(title: &str, rows: &[Facet], width: Option<usize>) -> String {
    let row = |facet: &Facet| {
        let count = |count: i64| Cell::new(count.to_string());
        vec![Cell::new(facet.name.clone()), count(facet.active), count(facet.closed), count(facet.total)]
    };
    table(&[title, "ACTIVE", "CLOSED", "ALL"], &rows.iter().map(row).collect::<Vec<_>>(), 0, width)
}
