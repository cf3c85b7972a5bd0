//! `issue labels`: which labels (milestones, people, repositories) issues have, and how many of each.

use clap::{Args, ValueEnum};

use super::error::CliError;
use super::names::parsed;
use super::reach::CommandSession;
use super::table::{TableCell, table};
use super::wire::Facet;

#[derive(Debug, Args)]
pub(super) struct LabelsArgs {
    /// What to count
    #[arg(value_enum, default_value_t = LabelsOf::Labels)]
    of: LabelsOf,
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
enum LabelsOf {
    Labels,
    Milestones,
    Assignees,
    Repos,
}

impl LabelsArgs {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        let path = match self.of {
            LabelsOf::Labels => "/labels",
            LabelsOf::Milestones => "/milestones",
            LabelsOf::Assignees => "/assignees",
            LabelsOf::Repos => "/repos",
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
        let count = |count: i64| TableCell::new(count.to_string());
        vec![TableCell::new(facet.name.clone()), count(facet.active), count(facet.closed), count(facet.total)]
    };
    table(&[title, "ACTIVE", "CLOSED", "ALL"], &rows.iter().map(row).collect::<Vec<_>>(), 0, width)
}
