//! Where in a tracker an issue lies: which owner, repository or project. Each tracker uses the parts that mean something to it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::domain::base::text::{fold, is_dots};
use crate::domain::base::vocabulary::vocabulary;

vocabulary! {
    /// The parts of a project's name.
    ProjectField { Owner = "owner", Repo = "repo", Project = "project" }
}

/// A project as it is used: in calls, and in the link of every issue in it. Parts that the tracker
/// does not have are empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(default)]
pub struct Project {
    #[serde(skip_serializing_if = "String::is_empty")]
    pub owner: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub repo: String,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub project: String,
}

/// A project as it is configured: `{target_repo}` stands for the task's repository.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProjectTemplate {
    pub owner: Option<String>,
    pub repo: Option<String>,
    pub project: Option<String>,
}

const TARGET_REPO: &str = "{target_repo}";

impl Project {
    #[must_use]
    pub fn get(&self, field: ProjectField) -> &str {
        match field {
            ProjectField::Owner => &self.owner,
            ProjectField::Repo => &self.repo,
            ProjectField::Project => &self.project,
        }
    }

    /// The project with those names. Names that differ only in case keep our spelling.
    #[must_use]
    pub fn or_else_at(&self, owner: &str, repo: &str, project: &str) -> Self {
        let same = |ours: &str, told: &str| fold(ours) == fold(told);
        if same(&self.owner, owner) && same(&self.repo, repo) && same(&self.project, project) {
            return self.clone();
        }
        Self { owner: owner.to_owned(), repo: repo.to_owned(), project: project.to_owned() }
    }
}

impl fmt::Display for Project {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let parts: Vec<&str> = [&*self.owner, &self.repo, &self.project].into_iter().filter(|part| !part.is_empty()).collect();
        f.write_str(&parts.join("/"))
    }
}

/// Whether a part between slashes is `.` or `..`: URL parsers would leave the folder, also where the dots are escaped.
#[must_use]
pub fn leaves_its_folder(text: &str) -> bool {
    text.split('/').any(is_dots)
}

impl ProjectTemplate {
    #[must_use]
    pub fn get(&self, field: ProjectField) -> Option<&str> {
        match field {
            ProjectField::Owner => self.owner.as_deref(),
            ProjectField::Repo => self.repo.as_deref(),
            ProjectField::Project => self.project.as_deref(),
        }
    }

    /// What is wrong with the braces, if anything: a misspelt name must not become part of an address.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        ProjectField::ALL.iter().find_map(|field| {
            let text = self.get(*field)?;
            if leaves_its_folder(text) {
                return Some(format!("{field}: no part may be '.' or '..'"));
            }
            let rest = text.replace(TARGET_REPO, "");
            rest.contains(['{', '}']).then(|| format!("{field}: only {TARGET_REPO} may stand in braces"))
        })
    }

    /// The project for a task: each part is this template's value, or else that of `beneath`. Only
    /// the parts in `needs` are filled, so that one rule may name several trackers. The error says
    /// what is missing.
    pub fn fill(&self, beneath: &Self, needs: &[ProjectField], target_repo: Option<&str>) -> Result<Project, String> {
        let mut project = Project::default();
        for field in needs {
            let template = self.get(*field).or_else(|| beneath.get(*field)).filter(|text| !text.is_empty());
            let template = template.ok_or_else(|| format!("no {field} is configured"))?;
            let text = match target_repo {
                Some(repo) => template.replace(TARGET_REPO, repo),
                None if template.contains(TARGET_REPO) => {
                    return Err(format!("its {field} is {template}, and the task has no target_repo"));
                }
                None => template.to_owned(),
            };
            if leaves_its_folder(&text) {
                return Err(format!("its {field} would be {text}, which is no name"));
            }
            match field {
                ProjectField::Owner => project.owner = text,
                ProjectField::Repo => project.repo = text,
                ProjectField::Project => project.project = text,
            }
        }
        Ok(project)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_project_is_a_folder_or_the_one_above_it() {
        let template = |repo: &str| ProjectTemplate { owner: Some("acme".to_owned()), repo: Some(repo.to_owned()), project: None };
        let needs = [ProjectField::Owner, ProjectField::Repo];
        let fill = |template: &ProjectTemplate, target| template.fill(&ProjectTemplate::default(), &needs, Some(target));
        assert_eq!(fill(&template(TARGET_REPO), "tools").unwrap().repo, "tools");
        assert!(fill(&template(TARGET_REPO), "..").unwrap_err().contains(".."));
        assert!(fill(&template("a/{target_repo}"), ".").unwrap_err().contains("a/."));
        assert!(template("..").fault().is_some() && template("a/../b").fault().is_some() && template("a..b").fault().is_none());
    }
}
