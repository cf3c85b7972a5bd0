//! What is wrong with a request, all of it at once, each fault at its JSON pointer.

use std::fmt;

/// One fault: where (RFC 6901 pointer into the body), which rule, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Fault {
    pub pointer: String,
    pub code: &'static str,
    pub message: String,
}

/// All the faults of one request. Never empty once it travels as an error.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// More faults than this are left out: a hostile body must not buy a huge answer.
    pub const MOST: usize = 100;

    pub fn add(&mut self, pointer: impl Into<String>, code: &'static str, message: impl Into<String>) {
        if self.0.len() < Self::MOST {
            self.0.push(Fault { pointer: pointer.into(), code, message: message.into() });
        }
    }

    #[must_use]
    pub fn one(pointer: impl Into<String>, code: &'static str, message: impl Into<String>) -> Self {
        let mut faults = Self::default();
        faults.add(pointer, code, message);
        faults
    }

    /// The value when nothing is wrong, else every fault found on the way.
    pub fn into_result<T>(self, value: T) -> Result<T, Self> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }

    /// These, and the others after them.
    pub fn extend(&mut self, others: Self) {
        let room = Self::MOST - self.0.len();
        self.0.extend(others.0.into_iter().take(room));
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Fault> {
        self.0.iter()
    }

    #[must_use]
    pub fn into_vec(self) -> Vec<Fault> {
        self.0
    }
}

impl fmt::Display for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, fault) in self.0.iter().enumerate() {
            let gap = if n == 0 { "" } else { "; " };
            write!(f, "{gap}{}: {}", fault.pointer, fault.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Faults {}
