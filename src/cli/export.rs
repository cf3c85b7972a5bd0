//! `issue export`: every issue with its history, a line of JSON each, by number. Interrupted, it can go on where it was: a mark
//! beside the file says how far it is whole, and goes away with the end.

use std::fs::{File, OpenOptions};
use std::io::{BufWriter, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use clap::Args;
use serde::{Deserialize, Serialize};

use super::api::{ApiPage, with_query};
use super::error::CliError;
use super::progress::{ProgressUnit, bar};
use super::reach::CommandSession;
use super::wire::Stats;

#[derive(Debug, Args)]
pub(super) struct ExportArgs {
    /// Write to this file instead of standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Go on where an interrupted export into this file ended
    #[arg(long, requires = "output")]
    resume: bool,
}

/// How far the file is whole, and where the next page begins.
#[derive(Default, Serialize, Deserialize)]
struct ExportMark {
    bytes: u64,
    cursor: Option<String>,
}

impl ExportArgs {
    pub(super) async fn run(self, session: &CommandSession) -> Result<(), CliError> {
        let Some(path) = &self.output else {
            let print = |page: &ApiPage| page.items.iter().try_for_each(|line| session.screen.print(&format!("{}\n", line.get())));
            return pages(session, None, false, print).await;
        };
        let marked = path.with_added_extension("resume");
        let failed = |reason| CliError::Write { path: path.clone(), reason };
        let ExportMark { mut bytes, cursor } = if self.resume { read(&marked) } else { ExportMark::default() };
        if bytes > 0 && cursor.is_none() {
            // Only the mark was left when it ended.
            return std::fs::remove_file(&marked).map_err(failed);
        }
        let mut file = open(path, bytes).map_err(failed)?;
        let write = |page: &ApiPage| {
            let text: String = page.items.iter().flat_map(|line| [line.get(), "\n"]).collect();
            bytes += text.len() as u64;
            let mark = serde_json::to_string(&ExportMark { bytes, cursor: page.next_cursor.clone() }).unwrap_or_default();
            file.write_all(text.as_bytes()).and_then(|()| file.flush()).and_then(|()| std::fs::write(&marked, mark)).map_err(failed)
        };
        pages(session, cursor, true, write).await?;
        std::fs::remove_file(&marked).map_err(failed)
    }
}

/// Hands over page after page, from that cursor on.
async fn pages(
    session: &CommandSession,
    mut cursor: Option<String>,
    shown: bool,
    mut take: impl FnMut(&ApiPage) -> Result<(), CliError>,
) -> Result<(), CliError> {
    let all = session.api.get("/stats").await?.json::<Stats>()?.all();
    let bar = bar(all, ProgressUnit::Issues, shown);
    loop {
        let mut query = vec![("limit", "200".to_owned())];
        query.extend(cursor.take().map(|cursor| ("cursor", cursor)));
        let page: ApiPage = session.api.get(&with_query("/export", &query)).await?.json()?;
        take(&page)?;
        bar.inc(page.items.len() as u64);
        cursor = page.next_cursor;
        if cursor.is_none() {
            bar.finish_and_clear();
            return Ok(());
        }
    }
}

fn read(marked: &Path) -> ExportMark {
    std::fs::read(marked).ok().and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// What is behind the mark was cut off in the middle.
fn open(path: &Path, bytes: u64) -> std::io::Result<BufWriter<File>> {
    let mut file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.set_len(bytes)?;
    file.seek(std::io::SeekFrom::Start(bytes))?;
    Ok(BufWriter::new(file))
}
