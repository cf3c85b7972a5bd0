//! A small TCP balancer: hands each new connection to the next process that says it is ready, as a Service of Kubernetes does.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};

use super::start;

/// How often each process is asked.
const PERIOD: Duration = Duration::from_millis(50);

#[derive(Clone)]
pub(crate) struct Balancer {
    pub(crate) address: SocketAddr,
    backends: Arc<Mutex<Vec<Backend>>>,
}

struct Backend {
    address: SocketAddr,
    ready: bool,
    /// Connections it was given.
    given: usize,
}

impl Balancer {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let balancer = Self { address: listener.local_addr().unwrap(), backends: Arc::default() };
        let (accepting, asking) = (balancer.clone(), balancer.clone());
        start(async move {
            while let Ok((inside, _)) = listener.accept().await {
                let balancer = accepting.clone();
                start(async move { balancer.carry(inside).await });
            }
        });
        start(async move {
            loop {
                asking.ask_all().await;
                tokio::time::sleep(PERIOD).await;
            }
        });
        balancer
    }

    /// From now on this process is asked, and given connections once it is ready.
    pub(crate) fn add(&self, port: u16) {
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        self.backends.lock().unwrap().push(Backend { address, ready: false, given: 0 });
    }

    /// Forgets the process, and says how many connections it was given.
    pub(crate) fn remove(&self, port: u16) -> usize {
        let mut backends = self.backends.lock().unwrap();
        let at = backends.iter().position(|backend| backend.address.port() == port).unwrap();
        backends.remove(at).given
    }

    /// Until so many processes are ready.
    pub(crate) async fn until_ready(&self, count: usize) {
        let waiting = async {
            while self.backends.lock().unwrap().iter().filter(|backend| backend.ready).count() < count {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("not enough processes became ready");
    }

    async fn ask_all(&self) {
        let addresses: Vec<_> = self.backends.lock().unwrap().iter().map(|backend| backend.address).collect();
        for address in addresses {
            let ready = tokio::time::timeout(Duration::from_secs(1), is_ready(address)).await.is_ok_and(|answer| answer.is_some());
            if let Some(backend) = self.backends.lock().unwrap().iter_mut().find(|backend| backend.address == address) {
                backend.ready = ready;
            }
        }
    }

    /// The ready one with the fewest connections so far.
    fn choose(&self) -> Option<SocketAddr> {
        let mut backends = self.backends.lock().unwrap();
        let chosen = backends.iter_mut().filter(|backend| backend.ready).min_by_key(|backend| backend.given)?;
        chosen.given += 1;
        Some(chosen.address)
    }

    async fn carry(&self, mut inside: TcpStream) {
        let Some(address) = self.choose() else { return };
        let Ok(mut outside) = TcpStream::connect(address).await else { return };
        _ = (inside.set_nodelay(true), outside.set_nodelay(true));
        _ = copy_bidirectional(&mut inside, &mut outside).await;
    }
}

async fn is_ready(address: SocketAddr) -> Option<()> {
    let mut stream = TcpStream::connect(address).await.ok()?;
    stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: probe\r\nconnection: close\r\n\r\n").await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    answer.starts_with("HTTP/1.1 200").then_some(())
}
