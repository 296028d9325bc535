//! What stands before every answer: who may ask by which name, that nothing but reading is asked, and what a browser is
//! told to do with what it gets. A page of somebody else's that has its own name lead here (DNS rebinding) reads nothing.

use std::net::IpAddr;
use std::sync::{Arc, LazyLock};

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, HOST, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use axum::http::uri::Authority;
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Version};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::clients::Place;
use super::live;
use crate::text::Shown;

/// The page's own script and style and nothing else; they are known by their hashes, so that even markup that got into
/// the page could not bring others.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let (script, style) = live::hashes();
    let policy = format!(
        "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; img-src data:; \
         connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// The names by which it may be asked for.
pub(super) struct Hosts {
    /// In lower case.
    names: Vec<String>,
}

impl Hosts {
    /// `localhost`, and further ones. Addresses are always allowed: no name leads to them, so nobody can make one do so.
    pub(super) fn new(further: impl Iterator<Item = String>) -> Self {
        Self { names: ["localhost".to_owned()].into_iter().chain(further).collect() }
    }

    /// Of whatever says where the request is meant for.
    fn check(&self, request: &Request) -> Result<(), Refusal> {
        let mut hosts = request.headers().get_all(HOST).iter();
        let host = hosts.next();
        if hosts.next().is_some() {
            return Err(Refusal::NoHost);
        }
        match host {
            Some(host) => {
                let host = host.to_str().ok().and_then(|host| host.parse::<Authority>().ok());
                self.check_authority(host.as_ref().ok_or(Refusal::NoHost)?)?;
            }
            // As HAProxy's `option httpchk` asks. No browser speaks it.
            None if request.version() == Version::HTTP_10 => {}
            None => return Err(Refusal::NoHost),
        }
        request.uri().authority().map_or(Ok(()), |authority| self.check_authority(authority))
    }

    fn check_authority(&self, authority: &Authority) -> Result<(), Refusal> {
        let host = authority.host().to_ascii_lowercase();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(&host);
        let allowed = bare.parse::<IpAddr>().is_ok() || self.names.contains(&host);
        if allowed && !authority.as_str().contains('@') { Ok(()) } else { Err(Refusal::Host(host)) }
    }
}

enum Refusal {
    NoHost,
    Host(String),
    Method,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::NoHost => {
                (StatusCode::BAD_REQUEST, "the request does not say, in one Host header, whom it is for\n")
                    .into_response()
            }
            Self::Host(host) => {
                let host = Shown(&host);
                let text = format!(
                    "the name `{host}` is not one of this listener\n  next: allow it in hactl.toml: [web] hosts = [\"{host}\"]\n"
                );
                (StatusCode::MISDIRECTED_REQUEST, text).into_response()
            }
            Self::Method => {
                let text = "nothing can be changed here; `hactl` on this host can\n";
                (StatusCode::METHOD_NOT_ALLOWED, [(ALLOW, "GET, HEAD")], text).into_response()
            }
        }
    }
}

/// Around every answer.
pub(super) async fn guard(
    State(hosts): State<Arc<Hosts>>,
    Extension(place): Extension<Place>,
    request: Request,
    next: Next,
) -> Response {
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let mut response = match hosts.check(&request) {
        Err(refusal) => refusal.into_response(),
        Ok(()) if !reads => Refusal::Method.into_response(),
        Ok(()) => next.run(request).await,
    };
    let headers = response.headers_mut();
    if headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream")) {
        place.follow();
    }
    headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-store"),
        // Not even to be embedded by others, who could tell from its size how it is.
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
