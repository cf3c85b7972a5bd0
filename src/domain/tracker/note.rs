//! What an issue's history keeps of its way to the trackers: where it was sent and why, and where it arrived.

use serde::{Deserialize, Serialize};

use super::loss::Loss;
use super::route::{RouteDestination, RuleName};

/// Where a task goes, decided when it was filed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteNote {
    pub rule: RuleName,
    pub why: String,
    pub to: Vec<RouteDestination>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub losses: Vec<LossNote>,
}

/// What one of them cannot carry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossNote {
    pub backend: String,
    #[serde(flatten)]
    pub loss: Loss,
}

/// Where it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkNote {
    pub backend: String,
    pub key: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// It had been made before, and its answer was lost: it was found again by its marker.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub found_again: bool,
}
