//! `issue backend discover`: what a tracker's credential can see, page by page.

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::api::{ApiPage, escaped, with_query};
use super::error::CliError;
use super::facts::text;
use super::names::parsed;
use super::reach::CommandSession;
use super::table::{TableCell, table};

/// How trackers are leafed through: their own marks, not our cursors.
#[derive(Debug, Deserialize)]
struct DiscoverPage {
    items: Vec<Box<RawValue>>,
    next: Option<String>,
}

pub(super) async fn run(session: &CommandSession, backend: &str, workspace: Option<&str>) -> Result<(), CliError> {
    let root = format!("/backends/{}/workspaces", escaped(backend));
    let (path, titles): (_, &[(&str, &str)]) = match workspace {
        None => (root, &[("ID", "id"), ("NAME", "name"), ("URL", "workspace_url")]),
        Some(id) => (
            format!("{root}/{}/resources", escaped(id)),
            &[("NAME", "name"), ("OWNER", "owner"), ("REPO", "repo"), ("PROJECT", "project"), ("URL", "resource_url")],
        ),
    };
    let list = all(session, &path).await?;
    let rows: Vec<Value> = parsed(&list.items)?;
    let row = |item: &Value| titles.iter().map(|(_, field)| TableCell::new(text(&item[*field]))).collect();
    let rows: Vec<Vec<TableCell>> = rows.iter().map(row).collect();
    let heads: Vec<&str> = titles.iter().map(|(title, _)| *title).collect();
    session.screen.list(&list, || table(&heads, &rows, heads.len() - 1, session.screen.width()))
}

async fn all(session: &CommandSession, path: &str) -> Result<ApiPage, CliError> {
    let mut all = ApiPage::default();
    let mut query = Vec::new();
    loop {
        let part: DiscoverPage = session.api.get(&with_query(path, &query)).await?.json()?;
        all.items.extend(part.items);
        let Some(next) = part.next else { return Ok(all) };
        query = vec![("page", next)];
    }
}
