//! The streams and the consumers: made when they are missing and we may, checked when they are there.
//!
//! A stream that an operator made is never changed; if it does not fit, the error names the setting
//! and the reason.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, Consumer, pull};
use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind, GetStreamError, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, ConsumerError, ConsumerErrorKind, RetentionPolicy, StorageType, Stream};
use async_nats::jetstream::{self, ErrorCode};

use super::link::NatsLink;
use crate::config::NatsSettings;

/// Tasks that may be with us, unacknowledged: those that wait for their next attempt count, and must not shut others out.
const MOST_PENDING: i64 = 1000;

/// Why something is not there, and what to do. One sentence for an operator.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StreamTrouble(String);

/// One durable consumer: its name and what it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConsumerFilter {
    pub consumer: String,
    pub subject: String,
}

/// The consumers the settings ask for: one for everything, or one for each repository.
///
/// One consumer with several filters would need NATS 2.10, and an older server takes such a consumer and sends it everything.
pub fn filters(settings: &NatsSettings) -> Vec<ConsumerFilter> {
    let NatsSettings { consumer, tasks_prefix, repos, .. } = settings;
    if repos.is_empty() {
        return vec![ConsumerFilter { consumer: consumer.clone(), subject: format!("{tasks_prefix}.create.>") }];
    }
    // A consumer's name must not hold a dot, a repository's must not hold '='.
    let filter = |repo: &String| ConsumerFilter {
        consumer: format!("{consumer}-{}", repo.replace('.', "=")),
        subject: format!("{tasks_prefix}.create.{repo}"),
    };
    repos.iter().map(filter).collect()
}

/// What must be there, and the link it is reached by.
#[derive(Clone, Copy)]
pub struct TaskStreams<'a> {
    pub link: &'a NatsLink,
    pub settings: &'a NatsSettings,
}

impl TaskStreams<'_> {
    /// The stream our events are kept in.
    pub async fn events(self) -> Result<(), StreamTrouble> {
        let all = format!("{}.>", self.settings.events_prefix);
        let stream = self.ensure(&self.settings.events_stream, "events_stream", &all, "Events of issue-core").await?;
        covers(&stream, &[all])
    }

    /// The stream tasks come from. The dead ones are kept in it too.
    pub async fn tasks(self) -> Result<(), StreamTrouble> {
        let NatsSettings { tasks_stream, tasks_prefix, .. } = self.settings;
        let stream = self.ensure(tasks_stream, "tasks_stream", &format!("{tasks_prefix}.>"), "Tasks for issue-core").await?;
        let needed = filters(self.settings).into_iter().map(|filter| filter.subject);
        covers(&stream, &needed.chain([format!("{tasks_prefix}.dead.>")]).collect::<Vec<_>>())
    }

    async fn ensure(self, name: &str, setting: &str, subjects: &str, about: &str) -> Result<Stream, StreamTrouble> {
        let jetstream = self.link.jetstream();
        match jetstream.get_stream(name).await {
            Ok(stream) => return Ok(stream),
            Err(error) if is_missing_stream(&error) && self.settings.create_streams => {}
            Err(error) if is_missing_stream(&error) => {
                return Err(StreamTrouble(format!(
                    "NATS has no stream {name} for {subjects}: create it, or set nats.create_streams = true"
                )));
            }
            Err(error) => return Err(self.trouble(&format!("read the stream {name}"), &format!("$JS.API.STREAM.INFO.{name}"), &error)),
        }
        let config = Config {
            name: name.to_owned(),
            description: Some(about.to_owned()),
            subjects: vec![subjects.to_owned()],
            retention: RetentionPolicy::Limits,
            storage: StorageType::File,
            max_age: self.settings.max_age,
            duplicate_window: self.settings.duplicate_window,
            num_replicas: self.settings.replicas,
            ..Config::default()
        };
        match jetstream.create_stream(config).await {
            Ok(stream) => {
                tracing::info!(nats.stream = name, nats.subjects = subjects, "created the stream");
                Ok(stream)
            }
            Err(error) if is_overlap(&error) => Err(StreamTrouble(format!(
                "NATS keeps {subjects} in another stream already: set nats.{setting} to that stream's name, or choose another prefix"
            ))),
            Err(error) => Err(self.trouble(&format!("create the stream {name}"), &format!("$JS.API.STREAM.CREATE.{name}"), &error)),
        }
    }

    /// The durable consumer; its limits follow the settings.
    pub async fn consumer(self, filter: &ConsumerFilter) -> Result<Consumer<pull::Config>, StreamTrouble> {
        let (stream, ConsumerFilter { consumer: name, subject }) = (&self.settings.tasks_stream, filter);
        let wanted = self.wanted(filter);
        let found: Result<Consumer<pull::Config>, _> = self.link.jetstream().get_consumer_from_stream(name.as_str(), stream.as_str()).await;
        let found = match found {
            Ok(consumer) => Some(consumer),
            Err(error) if is_missing_consumer(&error) => None,
            Err(error) => {
                return Err(self.trouble(&format!("read the consumer {name}"), &format!("$JS.API.CONSUMER.INFO.{stream}.{name}"), &error));
            }
        };
        match found {
            Some(consumer) if serves(&consumer.cached_info().config, &wanted) => Ok(consumer),
            Some(consumer) if !self.settings.create_streams => unwilling(consumer, &wanted),
            None if !self.settings.create_streams => Err(StreamTrouble(format!(
                "the stream {stream} has no consumer {name} for {subject}: create it, or set nats.create_streams = true"
            ))),
            None | Some(_) => {
                let made = self.link.jetstream().create_consumer_on_stream(wanted, stream).await;
                let api = format!("$JS.API.CONSUMER.CREATE.{stream}.{name}.{subject}");
                made.map_err(|error| self.trouble(&format!("create the consumer {name}"), &api, &error))
            }
        }
    }

    fn wanted(self, filter: &ConsumerFilter) -> pull::Config {
        pull::Config {
            durable_name: Some(filter.consumer.clone()),
            description: Some("issue-core takes tasks".to_owned()),
            filter_subject: filter.subject.clone(),
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.settings.ack_wait,
            // We count deliveries ourselves: a message that NATS stops to deliver would lie there
            // unseen, and never be reported as dead.
            max_deliver: -1,
            max_ack_pending: MOST_PENDING.max(i64::try_from(self.settings.concurrency).unwrap_or(MOST_PENDING) * 4),
            ..pull::Config::default()
        }
    }

    /// A request without an answer is most often a missing permission; the server reports that
    /// beside it, on the connection.
    fn trouble(self, doing: &str, api: &str, error: &impl std::fmt::Display) -> StreamTrouble {
        if self.link.refused(api) {
            return StreamTrouble(format!("cannot {doing}: NATS does not let our user publish to {api:?}; grant that, or do it yourself"));
        }
        StreamTrouble(format!("cannot {doing}: {error} (is JetStream enabled for our account, and may our user publish to {api:?}?)"))
    }
}

fn is_missing_stream(error: &GetStreamError) -> bool {
    matches!(error.kind(), GetStreamErrorKind::JetStream(refused) if refused.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

fn is_overlap(error: &CreateStreamError) -> bool {
    matches!(error.kind(), CreateStreamErrorKind::JetStream(refused) if refused.error_code() == ErrorCode::STREAM_SUBJECT_OVERLAP)
}

fn is_missing_consumer(error: &ConsumerError) -> bool {
    matches!(error.kind(), ConsumerErrorKind::JetStream(refused) if refused.error_code() == ErrorCode::CONSUMER_NOT_FOUND)
}

/// Whether the consumer that is there is what the settings ask for.
fn serves(found: &jetstream::consumer::Config, wanted: &pull::Config) -> bool {
    found.filter_subject == wanted.filter_subject
        && found.ack_policy == AckPolicy::Explicit
        && found.ack_wait == wanted.ack_wait
        && found.max_deliver == wanted.max_deliver
        && found.max_ack_pending == wanted.max_ack_pending
}

/// A consumer that an operator made: it keeps its limits, but its messages must be those that we
/// read.
fn unwilling(consumer: Consumer<pull::Config>, wanted: &pull::Config) -> Result<Consumer<pull::Config>, StreamTrouble> {
    let info = consumer.cached_info();
    let (name, found) = (&info.name, &info.config);
    if found.filter_subject != wanted.filter_subject || found.ack_policy != AckPolicy::Explicit {
        return Err(StreamTrouble(format!(
            "the consumer {name} must acknowledge explicitly and filter {}, it filters {:?}: change it, or name another in nats.consumer",
            wanted.filter_subject, found.filter_subject
        )));
    }
    if found.max_deliver > 0 {
        tracing::warn!(
            nats.consumer = %name,
            "the consumer has max_deliver {}: a task whose last delivery is cut off stays in the stream unseen; set it to -1 (we count ourselves)",
            found.max_deliver
        );
    }
    if found.ack_wait < Duration::from_secs(5) {
        tracing::warn!(nats.consumer = %name, "the consumer has ack_wait {:?}: a slow commit will be delivered again", found.ack_wait);
    }
    Ok(consumer)
}

/// Every subject we need must be among those the stream keeps.
fn covers(stream: &Stream, needed: &[String]) -> Result<(), StreamTrouble> {
    let config = &stream.cached_info().config;
    let lacking = needed.iter().find(|subject| !config.subjects.iter().any(|kept| is_within(subject, kept)));
    match lacking {
        None => Ok(()),
        Some(subject) => Err(StreamTrouble(format!(
            "the stream {} does not keep {subject} (it keeps {}): add it",
            config.name,
            config.subjects.join(", ")
        ))),
    }
}

/// Whether everything that matches `subject` also matches `pattern`.
fn is_within(subject: &str, pattern: &str) -> bool {
    let (mut subject, mut pattern) = (subject.split('.'), pattern.split('.'));
    loop {
        match (subject.next(), pattern.next()) {
            (None, None) | (Some(_), Some(">")) => return true,
            (Some(">") | None, Some(_)) | (Some(_), None) => return false,
            (Some("*"), Some(token)) if token != "*" => return false,
            (Some(mine), Some(token)) if token != "*" && mine != token => return false,
            (Some(_), Some(_)) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_covers_what_its_patterns_contain() {
        for (subject, pattern, expected) in [
            ("act.tasks.create.>", "act.tasks.>", true),
            ("act.tasks.create.>", "act.>", true),
            ("act.tasks.create.>", ">", true),
            ("act.tasks.create.>", "act.tasks.create.>", true),
            ("act.tasks.create.>", "act.tasks.create.*", false),
            ("act.tasks.create.>", "act.tasks.create", false),
            ("act.tasks.create.a", "act.tasks.*.a", true),
            ("act.tasks.create.a", "act.tasks.create", false),
            ("act.tasks.create.a.b", "act.tasks.create.*", false),
            ("act.tasks.dead.>", "act.tasks.create.>", false),
        ] {
            assert_eq!(is_within(subject, pattern), expected, "{subject} in {pattern}");
        }
    }
}
