//! `issue-core healthcheck`: asks the service on this machine how it is, where there is no shell and no curl (the image).

use std::io::{self, Read as _, Write as _};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::Duration;

use clap::Args;

use super::error::CliError;
use crate::config::Settings;

/// Each of connecting, asking and reading may take so long.
const PATIENCE: Duration = Duration::from_secs(3);
/// More than any answer of a probe.
const MOST: u64 = 16 << 10;

#[derive(Debug, Args)]
pub(super) struct HealthcheckArgs {
    /// Ask whether work may be sent here (/readyz), not only whether the process is alive (/livez)
    #[arg(long)]
    ready: bool,
    /// Ask `issue-core worker`, at worker.bind instead of server.bind
    #[arg(long)]
    worker: bool,
    /// Ask here instead
    #[arg(long, value_name = "ADDRESS:PORT", conflicts_with = "worker")]
    address: Option<SocketAddr>,
}

impl HealthcheckArgs {
    pub(super) fn run(&self, settings: &Settings) -> Result<(), CliError> {
        let bound = if self.worker { settings.worker.bind } else { settings.server.bind };
        let address = nearby(self.address.unwrap_or(bound));
        let path = if self.ready { "/readyz" } else { "/livez" };
        let unhealthy = |reason: String| CliError::Unhealthy { address, path, reason };
        let answer = ask(address, path).map_err(|error| unhealthy(error.to_string()))?;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        match head.split_whitespace().nth(1) {
            Some("200") => Ok(()),
            Some(status) => Err(unhealthy(format!("status {status}: {}", body.trim()))),
            None => Err(unhealthy("that is not HTTP".to_owned())),
        }
    }
}

/// A service that listens on every address is checked on loopback.
fn nearby(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { IpAddr::V6(Ipv6Addr::LOCALHOST) });
    }
    address
}

fn ask(address: SocketAddr, path: &str) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n")?;
    let mut answer = String::new();
    stream.take(MOST).read_to_string(&mut answer)?;
    Ok(answer)
}
