//! The queue with a work that the test releases, so that the test chooses every order of events.

use std::sync::Mutex as Lock;

use super::*;

const ONE_TASK: GroupLimits = GroupLimits { tasks: 1, batch: 64, queue: 16, bytes: 1000 };
const LIGHT: usize = 1;

/// Work that reports its size when it begins, and ends when the test lets it. Its answers are its
/// inputs.
#[derive(Clone)]
struct Gate {
    begun: mpsc::UnboundedSender<usize>,
    open: Arc<Semaphore>,
    done: Arc<Lock<Vec<u32>>>,
    fails: bool,
}

fn gated(limits: GroupLimits, fails: bool, tracker: &TaskTracker) -> (CallQueue<u32, u32>, Gate, mpsc::UnboundedReceiver<usize>) {
    let (begun, sizes) = mpsc::unbounded_channel();
    let gate = Gate { begun, open: Arc::new(Semaphore::new(0)), done: Arc::default(), fails };
    let work = {
        let gate = gate.clone();
        move |inputs: Vec<u32>| {
            let gate = gate.clone();
            // Sent before the work is awaited: the test measures when it began.
            gate.begun.send(inputs.len()).unwrap();
            async move {
                gate.open.acquire().await.unwrap().forget();
                if gate.fails {
                    return Err((StoreError::Unavailable { store: "gate", reason: "away".to_owned() }, inputs));
                }
                gate.done.lock().unwrap().extend(&inputs);
                Ok(inputs)
            }
        }
    };
    (CallQueue::start("gate", limits, tracker, work), gate, sizes)
}

/// Starts one call and waits until its work has begun, so that later calls must queue.
async fn occupied(
    queue: &CallQueue<u32, u32>,
    sizes: &mut mpsc::UnboundedReceiver<usize>,
) -> tokio::task::JoinHandle<Result<u32, GroupError>> {
    let queue = queue.clone();
    let busy = TaskTracker::new().spawn(async move { queue.call(0, LIGHT).await });
    assert_eq!(sizes.recv().await, Some(1));
    busy
}

#[tokio::test]
async fn what_waits_at_the_same_time_is_taken_together_and_each_gets_its_own_answer() {
    let (queue, gate, mut sizes) = gated(GroupLimits { batch: 8, ..ONE_TASK }, false, &TaskTracker::new());
    let busy = occupied(&queue, &mut sizes).await;
    let waiting = futures_util::future::join_all((1..13).map(|n| queue.call(n, LIGHT)));
    let let_in = async {
        gate.open.add_permits(1);
        assert_eq!(sizes.recv().await, Some(8));
        gate.open.add_permits(1);
        assert_eq!(sizes.recv().await, Some(4));
        gate.open.add_permits(1);
    };
    let (answers, ()) = tokio::join!(waiting, let_in);
    assert_eq!(answers.into_iter().map(Result::unwrap).collect::<Vec<_>>(), (1..13).collect::<Vec<_>>());
    assert_eq!(busy.await.unwrap().unwrap(), 0);
}

#[tokio::test]
async fn a_full_queue_refuses_at_once_and_has_room_again_later() {
    let (queue, gate, mut sizes) = gated(GroupLimits { queue: 3, ..ONE_TASK }, false, &TaskTracker::new());
    let busy = occupied(&queue, &mut sizes).await;
    let mut waiting: Vec<_> = (1..4).map(|n| Box::pin(queue.call(n, LIGHT))).collect();
    for call in &mut waiting {
        assert!(futures_util::poll!(call).is_pending());
    }
    assert!(matches!(queue.call(4, LIGHT).await, Err(GroupError::Overloaded)));
    gate.open.add_permits(9);
    busy.await.unwrap().unwrap();
    assert!(futures_util::future::join_all(waiting).await.into_iter().all(|answer| answer.is_ok()));
    queue.call(5, LIGHT).await.unwrap();
    assert_eq!(*gate.done.lock().unwrap(), [0, 1, 2, 3, 5], "what was refused was not done");
}

#[tokio::test]
async fn heavy_calls_fill_the_queue_by_their_weight_and_one_alone_always_gets_in() {
    let (queue, gate, mut sizes) = gated(ONE_TASK, false, &TaskTracker::new());
    let mut first = Box::pin(queue.call(1, 600));
    assert!(futures_util::poll!(&mut first).is_pending());
    assert_eq!(sizes.recv().await, Some(1));
    assert!(matches!(queue.call(2, 600).await, Err(GroupError::Overloaded)), "two do not fit");
    gate.open.add_permits(9);
    first.await.unwrap();
    queue.call(3, 3000).await.unwrap();
}

#[tokio::test]
async fn work_whose_caller_went_away_is_done_all_the_same() {
    let (queue, gate, mut sizes) = gated(ONE_TASK, false, &TaskTracker::new());
    let busy = occupied(&queue, &mut sizes).await;
    let mut gone = Box::pin(queue.call(7, LIGHT));
    assert!(futures_util::poll!(&mut gone).is_pending());
    drop(gone);
    let waiting = queue.call(8, LIGHT);
    gate.open.add_permits(2);
    waiting.await.unwrap();
    busy.await.unwrap().unwrap();
    assert_eq!(*gate.done.lock().unwrap(), [0, 7, 8]);
}

#[tokio::test]
async fn a_store_that_is_away_is_reported_to_every_waiter_without_asking_again() {
    let (queue, gate, mut sizes) = gated(ONE_TASK, true, &TaskTracker::new());
    let busy = occupied(&queue, &mut sizes).await;
    let waiting = futures_util::future::join_all((0..5).map(|n| queue.call(n, LIGHT)));
    gate.open.add_permits(9);
    for answer in waiting.await {
        assert!(matches!(answer, Err(GroupError::Store(StoreError::Unavailable { .. }))), "{answer:?}");
    }
    busy.await.unwrap().unwrap_err();
    assert_eq!(sizes.recv().await, Some(5));
    assert!(sizes.try_recv().is_err());
}

#[tokio::test]
async fn a_call_is_never_answered_by_work_that_began_before_it() {
    let (queue, gate, mut sizes) = gated(ONE_TASK, false, &TaskTracker::new());
    let busy = occupied(&queue, &mut sizes).await;
    let late = queue.call(1, LIGHT);
    gate.open.add_permits(2);
    let (answer, begun) = tokio::join!(late, sizes.recv());
    assert_eq!((answer.unwrap(), begun), (1, Some(1)), "the second call began work of its own");
    busy.await.unwrap().unwrap();
}

#[tokio::test]
async fn the_tasks_finish_what_waits_and_end_when_the_last_handle_is_gone() {
    let tracker = TaskTracker::new();
    let (queue, gate, mut sizes) = gated(GroupLimits { tasks: 3, ..ONE_TASK }, false, &tracker);
    let waiting: Vec<_> = (0..10)
        .map(|n| {
            let queue = queue.clone();
            TaskTracker::new().spawn(async move { queue.call(n, LIGHT).await })
        })
        .collect();
    sizes.recv().await.unwrap();
    drop(queue);
    tracker.close();
    gate.open.add_permits(99);
    for call in waiting {
        call.await.unwrap().unwrap();
    }
    tracker.wait().await;
    assert_eq!(gate.done.lock().unwrap().len(), 10);
}

const THREE_TASKS: GroupLimits = GroupLimits { tasks: 3, ..ONE_TASK };

#[tokio::test(start_paused = true)]
async fn beside_work_under_way_a_batch_is_begun_when_a_quarter_of_one_waits() {
    let (queue, gate, mut sizes) = gated(GroupLimits { batch: 16, ..THREE_TASKS }, false, &TaskTracker::new());
    let busy = occupied(&queue, &mut sizes).await;
    let waiting = futures_util::future::join_all((1..5).map(|n| queue.call(n, LIGHT)));
    let begun = async {
        assert_eq!(sizes.recv().await, Some(4), "as soon as the fourth was there, and not one by one");
        gate.open.add_permits(9);
    };
    tokio::join!(waiting, begun).0.into_iter().for_each(|answer| assert!(answer.is_ok()));
    busy.await.unwrap().unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_call_beside_work_that_takes_long_is_not_held_up_for_long() {
    let (queue, gate, mut sizes) = gated(THREE_TASKS, false, &TaskTracker::new());
    let busy = occupied(&queue, &mut sizes).await;
    let (late, begun) = tokio::join!(queue.call(1, LIGHT), async {
        let asked = tokio::time::Instant::now();
        assert_eq!(sizes.recv().await, Some(1));
        gate.open.add_permits(9);
        asked.elapsed()
    });
    late.unwrap();
    assert!(begun <= GATHERING + Duration::from_millis(1), "{begun:?}");
    busy.await.unwrap().unwrap();
}
