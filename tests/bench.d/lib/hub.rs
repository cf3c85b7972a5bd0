//! A State Hub for the benchmark: takes everything, and answers after the time given in milliseconds. As little work as can be, since it
//! shares the cores with what is measured. Prints its address, then serves until it is ended.

#![allow(clippy::unwrap_used, reason = "a tool that cannot go on should stop where it stands")]

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::task::TaskTracker;

const ANSWER: &[u8] = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}";

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let pause = Duration::from_millis(std::env::args().nth(1).unwrap().parse().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    println!("http://{}", listener.local_addr().unwrap());
    let tasks = TaskTracker::new();
    while let Ok((stream, _)) = listener.accept().await {
        _ = stream.set_nodelay(true);
        tasks.spawn(serve(stream, pause));
    }
}

async fn serve(mut stream: TcpStream, pause: Duration) {
    let mut buffer = Vec::with_capacity(8 << 10);
    loop {
        let Some(length) = request_length(&buffer) else {
            if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                return;
            }
            continue;
        };
        buffer.drain(..length);
        tokio::time::sleep(pause).await;
        if stream.write_all(ANSWER).await.is_err() {
            return;
        }
    }
}

/// How long the first request in the buffer is, once it is there as a whole.
fn request_length(buffer: &[u8]) -> Option<usize> {
    let head = buffer.windows(4).position(|window| window == b"\r\n\r\n")? + 4;
    let text = std::str::from_utf8(&buffer[..head]).ok()?;
    let length = text.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length:")?.trim().parse::<usize>().ok())?;
    (buffer.len() >= head + length).then_some(head + length)
}
