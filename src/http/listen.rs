//! Connections: taken, served one by one, and let go in order.
//!
//! HTTP/1.1 only: in the cluster that is what probes, proxies and callers speak. Instead of axum's own loop because that one
//! has no bound on connections, and lets a client that never finishes a request's head keep one for ever.

use std::convert::Infallible;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service as _;

/// What a connection may cost.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionLimits {
    pub most: usize,
    /// For the head of the first request.
    pub header_timeout: Duration,
    /// For the head of every later one.
    pub idle_timeout: Duration,
}

/// Enough for the headers of any client; a head that is larger is answered 431.
const LARGEST_HEAD: usize = 32 << 10;
const READ_BUFFER: usize = 64 << 10;

/// How long to wait before the next try when the system has no socket to give.
const BREATH: Duration = Duration::from_millis(100);

/// Serves until `stop`; then takes no new connections, and ends when the requests in flight are answered.
pub async fn serve(listener: TcpListener, routes: Router, limits: ConnectionLimits, stop: CancellationToken) -> io::Result<()> {
    let room = Arc::new(Semaphore::new(limits.most));
    let open = TaskTracker::new();
    let next = async || {
        let place = Arc::clone(&room).acquire_owned().await;
        (accept(&listener).await, place)
    };
    while let Some((stream, place)) = stop.run_until_cancelled(next()).await {
        let (routes, stop) = (routes.clone(), stop.clone());
        open.spawn(async move {
            answer(stream, routes, limits, stop).await;
            drop(place);
        });
    }
    drop(listener);
    open.close();
    open.wait().await;
    Ok(())
}

async fn accept(listener: &TcpListener) -> TcpStream {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                // Answers are small: waiting to fill a packet would only delay them.
                _ = stream.set_nodelay(true);
                return stream;
            }
            Err(error) if is_the_peers(&error) => {}
            Err(error) => {
                tracing::error!(%error, "no connection can be accepted");
                tokio::time::sleep(BREATH).await;
            }
        }
    }
}

/// The connection was gone again before it was taken.
fn is_the_peers(error: &io::Error) -> bool {
    [io::ErrorKind::ConnectionRefused, io::ErrorKind::ConnectionAborted, io::ErrorKind::ConnectionReset].contains(&error.kind())
}

async fn answer(stream: TcpStream, routes: Router, limits: ConnectionLimits, stop: CancellationToken) {
    let served = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&served);
    let service = service_fn(move |request: Request<Incoming>| {
        asked.store(true, Ordering::Relaxed);
        let mut routes = routes.clone();
        async move { Ok::<_, Infallible>(routes.call(request).await.unwrap_or_else(|never| match never {})) }
    });
    let mut connection = pin!(
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(limits.idle_timeout)
            .max_header_size(LARGEST_HEAD)
            .max_buf_size(READ_BUFFER)
            .serve_connection(TokioIo::new(stream), service)
    );
    let mut first = pin!(tokio::time::sleep(limits.header_timeout));
    let (mut waiting, mut stopping) = (true, false);
    loop {
        tokio::select! {
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "a connection ended in the middle of something");
                }
                return;
            }
            () = first.as_mut(), if waiting => {
                if !served.load(Ordering::Relaxed) {
                    return;
                }
                waiting = false;
            }
            () = stop.cancelled(), if !stopping => {
                connection.as_mut().graceful_shutdown();
                stopping = true;
            }
        }
    }
}
