//! How far long work has come, for a person at a terminal; nothing elsewhere.

use std::io::IsTerminal as _;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ProgressUnit {
    Issues,
    Bytes,
    /// The text of its message.
    Words,
}

/// A bar on standard error; of unknown length where `all` is nought.
pub(super) fn bar(all: u64, unit: ProgressUnit, wanted: bool) -> ProgressBar {
    let bar = if all > 0 { ProgressBar::new(all) } else { ProgressBar::new_spinner() };
    bar.set_draw_target(if wanted && std::io::stderr().is_terminal() {
        ProgressDrawTarget::stderr()
    } else {
        ProgressDrawTarget::hidden()
    });
    let amount = match unit {
        ProgressUnit::Issues => "{pos}/{len} issues",
        ProgressUnit::Bytes => "{bytes}/{total_bytes}",
        ProgressUnit::Words => "{msg}",
    };
    let template = match unit {
        ProgressUnit::Words => format!("{{spinner}} {amount}"),
        ProgressUnit::Issues | ProgressUnit::Bytes => format!("{{bar:40.green}} {amount}  {{eta}} left"),
    };
    bar.set_style(ProgressStyle::with_template(&template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    bar
}
