//! What each room wants to know, out of the settings. Translation only: rules about settings stand in `config`.

use crate::app::WorkRules;
use crate::config::Settings;
use crate::domain::queue::backoff::Backoff;
use crate::domain::queue::breaker::BreakerRule;
use crate::http::{ConnectionLimits, HttpOptions, RequestLimits};
use crate::sink::state_hub::{HubTopic, StateHubOptions};
use crate::worker::WorkerLimits;

pub(super) fn worker_limits(settings: &Settings) -> WorkerLimits {
    let worker = &settings.worker;
    WorkerLimits {
        concurrency: worker.concurrency,
        batch: worker.batch,
        poll: worker.poll,
        margin: worker.lease / 2,
        history: worker.history,
        webhooks: settings.webhooks.history,
        sample: worker.sample,
    }
}

pub(super) fn state_hub_options(url: &str, settings: &Settings) -> StateHubOptions {
    let hub = &settings.state_hub;
    let repos = hub.topics.keys().chain(hub.workstreams.keys());
    let place = |repo: &String| HubTopic { topic: hub.topics.get(repo).copied(), workstream: hub.workstreams.get(repo).copied() };
    StateHubOptions {
        url: url.trim_end_matches('/').to_owned(),
        token: hub.token.clone(),
        author: hub.author.clone(),
        timeout: hub.timeout,
        events: hub.events.clone(),
        place: HubTopic { topic: hub.topic_id, workstream: hub.workstream_id },
        by_repo: repos.map(|repo| (repo.clone(), place(repo))).collect(),
        concurrency: settings.worker.concurrency as usize,
    }
}

pub(super) fn work_rules(settings: &Settings) -> WorkRules {
    let worker = &settings.worker;
    WorkRules {
        lease: worker.lease,
        backoff: Backoff { base: worker.retry_base, most: worker.retry_max },
        breaker: BreakerRule {
            failures: worker.breaker_failures,
            pause: Backoff { base: worker.breaker_pause, most: worker.breaker_pause_max },
        },
        dispatch_attempts: worker.dispatch_attempts,
        publish_attempts: worker.publish_attempts,
        push_attempts: worker.push_attempts,
    }
}

pub(super) fn http_options(settings: &Settings) -> HttpOptions {
    let server = &settings.server;
    let ordinary = RequestLimits {
        body_limit: server.body_limit,
        body_timeout: server.body_timeout,
        timeout: server.request_timeout,
        require_if_match: settings.http.require_if_match,
    };
    HttpOptions {
        ordinary,
        webhooks: RequestLimits { body_limit: settings.webhooks.body_limit, ..ordinary },
        batch: RequestLimits { body_limit: server.batch_body_limit, timeout: server.batch_timeout, ..ordinary },
        max_in_flight: server.max_in_flight,
        compress_above: server.compress_above,
        cors_origins: server.cors_origins.clone(),
        connections: ConnectionLimits {
            most: server.max_connections,
            header_timeout: server.header_timeout,
            idle_timeout: server.idle_timeout,
        },
    }
}
