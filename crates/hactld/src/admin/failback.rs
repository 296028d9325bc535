//! Sends traffic back to where it belongs, where that is left to people: finds whose backend is meant, and asks there.

use axum::Extension;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use failover::Name;

use super::overrides::fail_back;
use super::peer::Peer;
use super::write::operator;
use super::{Front, error};
use crate::config::suggestion;
use crate::fleet::Reach;

/// `wanted` is a backend's name; where several instances have one of that name, `INSTANCE:BACKEND`.
pub(super) async fn failback(
    State(front): State<Front>,
    Extension(peer): Extension<Peer>,
    Path(wanted): Path<String>,
) -> Response {
    let by = match operator(peer).await {
        Ok(by) => by,
        Err(refusal) => return refusal,
    };
    let reached = front.reached.borrow().clone();
    let (reach, backend) = match meant(&reached, &wanted) {
        Ok(found) => found,
        Err((code, text)) => return error(code, &text),
    };
    match fail_back(reach, backend, by).await {
        Ok(changed) => changed.into_response(),
        Err(refusal) => refusal,
    }
}

/// The one backend that goes by this name. Nothing is split: a colon may stand in either of the names.
pub(super) fn meant<'a>(
    reached: &'a [Reach],
    wanted: &str,
) -> Result<(&'a Reach, &'a Name), (StatusCode, String)> {
    let all = || reached.iter().flat_map(|reach| reach.backends.iter().map(move |backend| (reach, backend)));
    let full = |(reach, backend): (&Reach, &Name)| format!("{}:{backend}", reach.name);
    let is_meant = |known: &(&Reach, &Name)| known.1.as_str() == wanted || full((known.0, known.1)) == wanted;
    let listed = |names: Vec<String>| names.join(", ");
    match all().filter(is_meant).collect::<Vec<_>>().as_slice() {
        [one] => Ok(*one),
        [] => {
            let known: Vec<&str> = all().map(|(_, backend)| backend.as_str()).collect();
            let hint = suggestion(wanted, &known);
            Err((StatusCode::NOT_FOUND, format!("hactl steers no backend `{wanted}`; {hint}")))
        }
        several => {
            let names = listed(several.iter().map(|known| full(*known)).collect());
            Err((StatusCode::CONFLICT, format!("`{wanted}` may be any of {names}: name one of these")))
        }
    }
}
