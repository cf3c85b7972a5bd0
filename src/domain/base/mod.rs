//! What every other folder of the domain stands on: texts and their limits, faults, unchecked input, closed lists of words,
//! ids and stamps.
//!
//! It uses nothing of the domain. To add a word list, use [`vocabulary`]; to add a text field, give its limit in [`text`].

pub mod fault;
pub mod id;
pub mod input;
pub mod stamp;
pub mod text;
pub mod vocabulary;
pub mod word;
