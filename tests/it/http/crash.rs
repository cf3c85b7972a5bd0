//! The promise under SIGKILL: every task that was answered exists, and exists once.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;
use tokio::sync::{Mutex, Notify};
use tokio_util::task::TaskTracker;

use crate::support::database::Database;
use crate::support::server::{KEY, Server, binary, client, task};

crate::support::on_both_stores!(two_thousand_posts_half_of_them_repeats_survive_being_killed);

const TASKS: usize = 1000;
const CONNECTIONS: usize = 64;
/// Kill when this many posts have been answered.
const KILLS: [usize; 4] = [200, 700, 1200, 1700];

async fn two_thousand_posts_half_of_them_repeats_survive_being_killed(db: Database) {
    let mut server = Server::start(&db.url());
    let port = server.port();
    let base = server.base.clone();
    let answered = Arc::new(AtomicUsize::new(0));
    let progress = Arc::new(Notify::new());
    let queue = Arc::new(AtomicUsize::new(0));
    let ids: Arc<Mutex<HashMap<usize, Vec<String>>>> = Arc::default();

    let tasks = TaskTracker::new();
    let posters: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (base, answered, progress, queue, ids) = (base.clone(), answered.clone(), progress.clone(), queue.clone(), ids.clone());
            tasks.spawn(async move {
                let client = client();
                loop {
                    let n = queue.fetch_add(1, Ordering::SeqCst);
                    if n >= 2 * TASKS {
                        return;
                    }
                    // The repeat comes soon after the first, so that both are often in flight together.
                    let id = post_until_answered(&client, &base, n / 2).await;
                    ids.lock().await.entry(n / 2).or_default().push(id);
                    answered.fetch_add(1, Ordering::SeqCst);
                    progress.notify_one();
                }
            })
        })
        .collect();

    for kill_at in KILLS {
        while answered.load(Ordering::SeqCst) < kill_at {
            progress.notified().await;
        }
        server.kill();
        let mut command = binary();
        command
            .arg("serve")
            .env("DATABASE_URL", db.url())
            .env("ISSUE_CORE_API_KEY", KEY)
            .env("ISSUE_CORE__SERVER__BIND", format!("127.0.0.1:{port}"));
        server = Server::spawn(command);
    }
    for poster in posters {
        poster.await.unwrap();
    }

    let ids = ids.lock().await;
    assert_eq!(ids.len(), TASKS);
    for (n, answers) in ids.iter() {
        assert_eq!(answers.len(), 2);
        assert_eq!(answers[0], answers[1], "task {n} was created twice");
        let issue: Value = server.get(&format!("/issues/{}", answers[0])).send().await.unwrap().json().await.unwrap();
        assert_eq!(issue["title"], format!("task {n}"));
    }
    assert_eq!(db.count("issues").await, i64::try_from(TASKS).unwrap());
    assert_eq!(db.count("events").await, i64::try_from(TASKS).unwrap());
}

/// As activity-core does: a failure is answered by posting the same task again.
async fn post_until_answered(client: &reqwest::Client, base: &str, n: usize) -> String {
    loop {
        let sent = client.post(format!("{base}/issues/")).bearer_auth(KEY).json(&task(&format!("task {n}"), "run-1")).send().await;
        let Ok(answer) = sent else { continue };
        if !answer.status().is_success() {
            assert!(answer.status().is_server_error(), "{}", answer.text().await.unwrap());
            continue;
        }
        if let Ok(body) = answer.json::<Value>().await {
            return body["issue_id"].as_str().unwrap().to_owned();
        }
    }
}
