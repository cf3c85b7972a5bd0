//! The entrance without a listener: for a process that opens the store itself and yet wants exactly what a server would answer.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, HeaderValue, Method, Request};
use tower::ServiceExt as _;

/// The routes, to be called in the process.
#[derive(Debug, Clone)]
pub struct LocalRoutes(Router);

impl LocalRoutes {
    pub const fn new(routes: Router) -> Self {
        Self(routes)
    }

    /// The status and the body of the answer; `Err` where what was asked is no request at all.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        body: Option<Vec<u8>>,
    ) -> Result<(u16, Vec<u8>), String> {
        let mut request = Request::builder().method(method.parse::<Method>().map_err(|error| error.to_string())?).uri(path);
        for (name, value) in headers {
            let name = name.parse::<HeaderName>().map_err(|error| error.to_string())?;
            request = request.header(name, HeaderValue::try_from(value).map_err(|error| error.to_string())?);
        }
        let request = request.body(body.map_or_else(Body::empty, Body::from)).map_err(|error| error.to_string())?;
        let Ok(response) = self.0.clone().oneshot(request).await;
        let status = response.status().as_u16();
        let body = to_bytes(response.into_body(), usize::MAX).await.map_err(|error| error.to_string())?;
        Ok((status, body.to_vec()))
    }
}
