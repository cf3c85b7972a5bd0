//! `issue list`: what there is, newest first, without what is closed unless asked for.

use clap::Args;

use super::error::CliError;
use super::filter::FilterArgs;
use super::look;
use super::reach::CommandSession;

#[derive(Debug, Args)]
pub(super) struct ListArgs {
    #[command(flatten)]
    filter: FilterArgs,
    /// Closed ones too
    #[arg(short = 'A', long)]
    all: bool,
    /// created, updated, due, priority or number
    #[arg(long)]
    sort: Option<String>,
    /// asc or desc
    #[arg(long)]
    order: Option<String>,
    /// At most as many
    #[arg(short = 'n', long, default_value_t = 50)]
    limit: usize,
    /// Also show how many there are in all
    #[arg(long)]
    total: bool,
}

impl ListArgs {
    pub(super) async fn run(mut self, session: &CommandSession) -> Result<(), CliError> {
        if self.filter.state.is_empty() && !self.all {
            self.filter.state = ["open", "in_progress", "blocked"].map(str::to_owned).into();
        }
        let mut query = self.filter.query();
        query.extend(self.sort.map(|sort| ("sort", sort)));
        query.extend(self.order.map(|order| ("order", order)));
        query.extend(self.total.then(|| ("total", "true".to_owned())));
        let list = session.api.items("/issues", &query, self.limit.max(1)).await?;
        look::issues(&session.screen, &list)
    }
}
