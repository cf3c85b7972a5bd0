//! How many issues there are of what: read from counts that every commit keeps, never counted on request.

use chrono::{NaiveDate, TimeDelta};

use crate::app::{App, AppError, Caller, ListPage, Scope};
use crate::domain::find::facet::{Facet, FacetCount, FacetOrder, FacetQuery, ShownFacetValue};

/// How many values of one facet the statistics show, the most frequent ones.
const SHOWN: u32 = 100;

/// Ten years of days: older ones count with the last of them.
const DAYS: u32 = 3660;

/// The whole at a glance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssueStats {
    pub states: Vec<ShownFacetValue>,
    pub backends: Vec<ShownFacetValue>,
    pub repos: Vec<ShownFacetValue>,
    /// Of what is not closed: how many were filed in the last so many days, today included, and not in fewer.
    pub ages: Vec<(Age, i64)>,
    pub archived: i64,
}

/// Days up to which an issue counts in, by calendar days in UTC. `None`: older than all others.
pub type Age = Option<u16>;

const AGES: [Age; 5] = [Some(1), Some(7), Some(30), Some(90), None];

impl App {
    pub async fn facet(&self, caller: &Caller, query: FacetQuery) -> Result<ListPage<ShownFacetValue>, AppError> {
        caller.need(Scope::Read)?;
        let limit = query.limit as usize;
        let mut items = self.store.facet(&FacetQuery { limit: query.limit + 1, ..query.clone() }).await?;
        // The most frequent ones are one page.
        let more = items.len() > limit && query.by == FacetOrder::Name;
        items.truncate(limit);
        Ok(ListPage { items, more })
    }

    pub async fn stats(&self, caller: &Caller) -> Result<IssueStats, AppError> {
        caller.need(Scope::Read)?;
        let archived = self.top(Facet::Archived, 1).await?;
        Ok(IssueStats {
            states: self.top(Facet::State, SHOWN).await?,
            backends: self.top(Facet::Backend, SHOWN).await?,
            repos: self.top(Facet::Repo, SHOWN).await?,
            ages: ages(&self.days().await?, self.clock.now().date_naive()),
            archived: archived.iter().map(|value| value.count.total()).sum(),
        })
    }

    async fn top(&self, facet: Facet, limit: u32) -> Result<Vec<ShownFacetValue>, AppError> {
        let query = FacetQuery { facet, prefix: String::new(), after: String::new(), by: FacetOrder::Count, limit };
        Ok(self.store.facet(&query).await?)
    }

    async fn days(&self) -> Result<Vec<ShownFacetValue>, AppError> {
        let query = FacetQuery { facet: Facet::Day, prefix: String::new(), after: String::new(), by: FacetOrder::Name, limit: DAYS };
        Ok(self.store.facet(&query).await?)
    }
}

fn ages(days: &[ShownFacetValue], today: NaiveDate) -> Vec<(Age, i64)> {
    let mut ages: Vec<(Age, i64)> = AGES.map(|age| (age, 0)).to_vec();
    for ShownFacetValue { key, count: FacetCount { active, .. }, .. } in days {
        let Ok(day) = key.parse::<NaiveDate>() else { continue };
        let young = |age: &Age| age.is_none_or(|days| day > today - TimeDelta::days(i64::from(days)));
        if let Some((_, sum)) = ages.iter_mut().find(|(age, _)| young(age)) {
            *sum += active;
        }
    }
    ages
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_counts_in_the_first_age_it_fits() {
        let today = NaiveDate::from_ymd_opt(2027, 6, 30).unwrap();
        let day = |before: i64, active| ShownFacetValue {
            key: (today - TimeDelta::days(before)).to_string(),
            name: String::new(),
            count: FacetCount { active, closed: 9 },
        };
        let days = [day(-1, 1), day(0, 2), day(1, 4), day(6, 8), day(7, 16), day(90, 32), day(900, 64)];
        assert_eq!(ages(&days, today), [(Some(1), 3), (Some(7), 12), (Some(30), 16), (Some(90), 0), (None, 96)]);
    }
}
