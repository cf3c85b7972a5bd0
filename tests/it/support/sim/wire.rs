//! HTTP as the simulators speak it: read and written by hand, so that an answer can break off or never come.

use std::collections::HashMap;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub method: String,
    /// Without its query, as it was sent.
    pub path: String,
    pub query: Vec<(String, String)>,
    pub headers: HashMap<String, String>,
    pub body: Vec<u8>,
    /// What a page holds at most, where a test says so.
    pub cap: Option<usize>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }

    pub(crate) fn is_proxied(&self) -> bool {
        self.path.starts_with("/proxy/")
    }

    /// As the vendor sees it.
    pub(crate) fn direct(&self) -> Self {
        Self { path: self.path.strip_prefix("/proxy").unwrap_or(&self.path).to_owned(), ..self.clone() }
    }

    /// The parts of the path, unescaped.
    pub(crate) fn segments(&self) -> Vec<String> {
        self.path.trim_matches('/').split('/').map(unescaped).collect()
    }

    pub(crate) fn query(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// What a page holds at most.
    pub(super) fn cap(&self, usual: usize) -> usize {
        self.cap.unwrap_or(usual)
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

impl Reply {
    pub(crate) fn json(status: u16, body: &Value) -> Self {
        Self { status, headers: vec![("content-type", "application/json".to_owned())], body: body.to_string().into_bytes() }
    }

    pub(crate) fn empty(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Vec::new() }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// The path that a redirect leads to.
    pub(super) fn leads_to(&self) -> Option<String> {
        let (_, to) = self.headers.iter().find(|(name, _)| *name == "location").filter(|_| self.status / 100 == 3)?;
        let path = to.split_once("://").and_then(|(_, rest)| rest.find('/').map(|at| &rest[at..])).unwrap_or(to);
        // The query goes along as it was.
        path.split('?').next().map(str::to_owned)
    }

    fn head(&self) -> String {
        let mut head = format!("HTTP/1.1 {} x\r\ncontent-length: {}\r\n", self.status, self.body.len());
        for (name, value) in &self.headers {
            head.extend([name, ": ", value, "\r\n"]);
        }
        head + "\r\n"
    }
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        let code = tail.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        if let (b'%', Some(code)) = (first, code) {
            bytes.push(code);
            rest = &tail[2..];
        } else {
            bytes.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(bytes).unwrap()
}

pub(super) async fn read(stream: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut first = String::new();
    if stream.read_line(&mut first).await.ok()? == 0 {
        return None;
    }
    let mut words = first.split_whitespace();
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = HashMap::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.ok()?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        headers.insert(name.to_lowercase(), value.trim().to_owned());
    }
    let mut body = vec![0; headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).await.ok()?;
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let pair = |part: &str| part.split_once('=').map(|(name, value)| (unescaped(name), unescaped(value)));
    Some(Request { method, path: path.to_owned(), query: query.split('&').filter_map(pair).collect(), headers, body, cap: None })
}

pub(super) async fn write(stream: &mut BufReader<TcpStream>, reply: &Reply) -> bool {
    let mut bytes = reply.head().into_bytes();
    bytes.extend_from_slice(&reply.body);
    stream.get_mut().write_all(&bytes).await.is_ok()
}

/// The head, half of the body, and the end.
pub(super) async fn write_half(stream: &mut BufReader<TcpStream>, reply: &Reply) {
    let mut bytes = reply.head().into_bytes();
    // An answer without a body breaks off in its head.
    let end = if reply.body.is_empty() { bytes.len() / 2 } else { bytes.len() };
    bytes.truncate(end);
    bytes.extend_from_slice(&reply.body[..reply.body.len() / 2]);
    _ = stream.get_mut().write_all(&bytes).await;
    _ = stream.get_mut().shutdown().await;
}
