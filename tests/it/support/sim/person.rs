//! The actions of people in the tracker, and the visible results.

use super::Sim;
use issue_core::domain::issue::relation::Relation;
use issue_core::domain::tracker::Project;

/// A person's comment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SimComment {
    pub id: String,
    pub author: String,
    pub text: String,
}

/// A person's change; an absent field stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::option_option, reason = "left as it is, taken away, or another one")]
pub(crate) struct SimEdit {
    pub title: Option<String>,
    /// As it is typed: paragraphs with empty lines between them.
    pub body: Option<String>,
    pub closed: Option<bool>,
    pub add_label: Option<String>,
    pub remove_label: Option<String>,
    /// A user of `Vendor::people`, added to the present assignees, or in their place where there
    /// can be one only.
    pub person: Option<String>,
    /// Removes the present assignees, before another one is added.
    pub nobody: bool,
    /// Taken off first, where there can be several.
    pub remove_person: Option<String>,
    pub milestone: Option<Option<String>>,
    /// A day.
    pub due: Option<Option<String>>,
    /// Where the vendor has a field for it.
    pub priority: Option<&'static str>,
}

/// Our names for priorities, most urgent first.
pub(super) const PRIORITIES: [&str; 3] = ["high", "medium", "low"];

/// How much was asked and answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Traffic {
    pub requests: usize,
    /// Of the bodies of answers.
    pub bytes: usize,
}

/// By the simulator's clock.
impl Sim {
    pub(crate) fn person_edits(&self, id: &str, edit: &SimEdit) {
        self.core(|core| {
            let now = core.now();
            core.vendor.person_edits(id, edit, now);
        });
    }

    /// Answers the comment's id.
    pub(crate) fn person_comments(&self, id: &str, author: &str, text: &str) -> String {
        self.core(|core| {
            let now = core.now();
            core.vendor.person_comments(id, author, text, now)
        })
    }

    pub(crate) fn person_edits_comment(&self, id: &str, comment: &str, text: &str) {
        self.core(|core| {
            let now = core.now();
            core.vendor.person_edits_comment(id, comment, Some(text), now);
        });
    }

    pub(crate) fn person_deletes_comment(&self, id: &str, comment: &str) {
        self.core(|core| {
            let now = core.now();
            core.vendor.person_edits_comment(id, comment, None, now);
        });
    }

    /// Puts a relation of an issue to another one in, or takes it out.
    pub(crate) fn person_relates(&self, id: &str, relation: Relation, other: &str, there: bool) {
        self.core(|core| {
            let now = core.now();
            core.vendor.person_relates(id, relation, other, there, now);
        });
    }

    /// Deletes an issue, as a client sees it.
    pub(crate) fn removes(&self, id: &str) {
        self.core(|core| core.vendor.removes(id));
    }

    /// Everything is as it was then: put back from a backup.
    pub(crate) fn becomes(&self, then: Box<dyn super::Vendor>) {
        self.core(|core| core.vendor = then);
    }

    /// Moves an issue to another project (or renames its project, where issues cannot be moved),
    /// and answers where it is now.
    pub(crate) fn moves(&self, id: &str) -> (Project, String) {
        self.core(|core| {
            let now = core.now();
            core.vendor.moves(id, now)
        })
    }

    /// From now on the credential may not see the issue, not even in lists. Whether the vendor says so, or that it is not there.
    pub(crate) fn forbid(&self, id: &str) -> bool {
        self.core(|core| core.vendor.forbid(id))
    }

    /// That many issues, made by people one second after the other, the last one now.
    pub(crate) fn plant_many(&self, count: usize) {
        self.core(|core| {
            let now = core.now();
            for n in 0..count {
                let ago = chrono::TimeDelta::seconds(i64::try_from(count - 1 - n).unwrap());
                core.vendor.plant(&format!("planted {n}"), &format!("text of {n}"), false, now - ago);
            }
        });
    }

    /// What a page of a list holds at most from now on; `None`: the little that it does otherwise.
    pub(crate) fn set_page_cap(&self, cap: Option<usize>) {
        self.core(|core| core.cap = cap);
    }

    /// From now on lists of changes are as many requests behind, where a vendor's list can be. Reading an issue never is.
    pub(crate) fn late(&self, requests: usize) {
        self.core(|core| {
            core.late = requests;
            core.past.clear();
        });
    }

    /// Since it was last asked, and begins anew.
    pub(crate) fn traffic(&self) -> Traffic {
        self.core(|core| std::mem::take(&mut core.traffic))
    }
}
