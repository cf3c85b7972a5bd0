//! The base of every other folder of the domain: texts and their limits, faults, unchecked input,
//! closed vocabularies, ids and stamps.
//!
//! It uses nothing of the domain. To add a word list, use [`vocabulary`]; to add a text field, give its limit in [`text`].

pub mod fault;
pub mod id;
pub mod input;
pub mod stamp;
pub mod text;
pub mod vocabulary;
pub mod word;
