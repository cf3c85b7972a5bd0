//! `issue search`: by words in titles, descriptions and comments, the best match first.

use clap::Args;

use super::error::CliError;
use super::filter::FilterArgs;
use super::look;
use super::reach::CommandSession;

#[derive(Debug, Args)]
pub(super) struct SearchArgs {
    /// All of them must occur: word, begin*, "a phrase"
    #[arg(required = true)]
    words: Vec<String>,
    #[command(flatten)]
    filter: FilterArgs,
    /// At most as many
    #[arg(short = 'n', long, default_value_t = 20)]
    limit: usize,
}

impl SearchArgs {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        // The shell took the quotes of a phrase away.
        let words =
            self.words.iter().map(|word| if word.contains(' ') && !word.contains('"') { format!("\"{word}\"") } else { word.clone() });
        let mut query = self.filter.query();
        query.push(("q", words.collect::<Vec<_>>().join(" ")));
        let list = session.api.items("/issues", &query, self.limit.max(1)).await?;
        look::issues(&session.screen, &list)
    }
}
