//! What operators order of servers: reads it, finds whose they are, has it taken in, and waits until HAProxy was read
//! again. What is refused is decided by the core; here it gets its words.

mod answer;
mod body;

use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Extension, Router};
use failover::status::Status;
use failover::{
    Admin, FailBackError, Given, Name, Outcome, Override, OverrideChange, OverrideRefusal, ServerId, Time,
};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};

use self::answer::Done;
use self::body::{Order, PinOrder, Wanted};
use super::changed::{Action, Changed};
use super::failback::meant;
use super::peer::Peer;
use super::write::operator;
use super::{Front, OVERRIDE_PATH, PIN_PATH, error, stopping};
use crate::engine::{FailedBack, OrderQuery, Query, Taken};
use crate::feed::ANSWER_LIMIT;
use crate::fleet::Reach;
use crate::orders::Kept;

/// For HAProxy to be as ordered, and for the disk. A change takes some milliseconds; whoever ordered it waits no longer than
/// they would look at a prompt, and is told that it goes on.
const CONFIRM_LIMIT: Duration = Duration::from_millis(2500);

/// Between two looks at what came of it: a change is read back within some milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(15);

pub(super) fn routes() -> Router<Front> {
    Router::new().route(OVERRIDE_PATH, post(order)).route(PIN_PATH, post(pin))
}

async fn order(State(front): State<Front>, Extension(peer): Extension<Peer>, body: Body) -> Response {
    match read_order(&front, peer, body).await {
        Ok((action, parts)) => carry_out(action, parts).await.unwrap_or_else(|refusal| refusal),
        Err(refusal) => refusal,
    }
}

async fn pin(State(front): State<Front>, Extension(peer): Extension<Peer>, body: Body) -> Response {
    match read_pin(&front, peer, body).await {
        Ok((action, parts)) => carry_out(action, parts).await.unwrap_or_else(|refusal| refusal),
        Err(refusal) => refusal,
    }
}

/// Servers with the instance that each belongs to.
type Grouped = Vec<(Reach, Vec<ServerId>)>;

/// An order's part that one instance has to do.
struct Part {
    reach: Reach,
    servers: Vec<ServerId>,
    change: OverrideChange,
}

async fn read_order(front: &Front, peer: Peer, body: Body) -> Result<(Action, Vec<Part>), Response> {
    let by = operator(peer).await?;
    let order: Order = body::read(body).await.map_err(|text| error(StatusCode::BAD_REQUEST, &text))?;
    let state = order.state;
    let given = match state.admin() {
        Some(_) => Some(given(peer, order.given(), order.force).await?),
        None => None,
    };
    // What is ordered can be ended, also where its backend has left the configuration.
    let ordered = if state == Wanted::Auto { ordered_everywhere(front).await? } else { Grouped::new() };
    let mut by_instance = if order.all {
        ordered
    } else {
        grouped(front, &order.servers, &ordered).map_err(|(code, text)| error(code, &text))?
    };
    by_instance.retain(|(_, servers)| !servers.is_empty());
    let change = |servers: &[ServerId]| match (state.admin(), &given) {
        (Some(state), Some(given)) => {
            let kill_sessions = order.kill_sessions && state != Admin::Ready;
            OverrideChange::Set(servers.to_vec(), Override { state, kill_sessions, given: given.clone() })
        }
        (None, _) | (_, None) => OverrideChange::End { servers: servers.to_vec(), by: by.clone() },
    };
    let parts = by_instance.into_iter().map(|(reach, servers)| {
        let change = change(&servers);
        Part { reach, servers, change }
    });
    Ok((state.action(), parts.collect()))
}

async fn read_pin(front: &Front, peer: Peer, body: Body) -> Result<(Action, Vec<Part>), Response> {
    let by = operator(peer).await?;
    let order: PinOrder = body::read(body).await.map_err(|text| error(StatusCode::BAD_REQUEST, &text))?;
    match (&order.server, &order.unpin) {
        (Some(server), None) => {
            let given = given(peer, order.given(), order.force).await?;
            let found = grouped(front, std::slice::from_ref(server), &[]);
            let found = found.map_err(|(code, text)| error(code, &text))?;
            let parts = found.into_iter().flat_map(|(reach, servers)| {
                let given = given.clone();
                servers.into_iter().map(move |server| {
                    let change = OverrideChange::Pin(server.clone(), given.clone());
                    Part { reach: reach.clone(), servers: vec![server], change }
                })
            });
            Ok((Action::Pin, parts.collect()))
        }
        (None, Some(wanted)) => {
            let reached = front.reached.borrow().clone();
            let (reach, backend) = meant(&reached, wanted).map_err(|(code, text)| error(code, &text))?;
            let status = status_of(reach).await?;
            let pinned = status.backends.iter().find(|there| there.name == backend.as_str());
            let pinned = pinned.and_then(|there| there.pinned.as_ref());
            let servers: Vec<ServerId> =
                pinned.map(|pin| ServerId::new(backend.clone(), pin.server.as_str())).into_iter().collect();
            let change = OverrideChange::End { servers: servers.clone(), by };
            Ok((Action::Auto, vec![Part { reach: reach.clone(), servers, change }]))
        }
        (Some(_), Some(_)) | (None, None) => {
            Err(error(StatusCode::BAD_REQUEST, "name either `server` to pin to it, or a backend to `unpin`"))
        }
    }
}

async fn given(peer: Peer, of: body::Given<'_>, force: bool) -> Result<Given, Response> {
    let since = jiff::Timestamp::now();
    let (reason, until) = of.checked(since).map_err(|text| error(StatusCode::BAD_REQUEST, &text))?;
    // Their name stands in a file.
    let named = tokio::task::spawn_blocking(move || peer.name()).await;
    let by = named.unwrap_or_else(|_| peer.to_string());
    Ok(Given { by, by_uid: peer.uid(), since, until, reason, force })
}

/// Whose servers they are. All that is named has to be known before anything is done.
fn grouped(
    front: &Front,
    wanted: &[String],
    ordered: &[(Reach, Vec<ServerId>)],
) -> Result<Grouped, (StatusCode, String)> {
    let reached = front.reached.borrow().clone();
    let mut grouped = Grouped::new();
    for name in wanted {
        let form = || (StatusCode::BAD_REQUEST, format!("a server is written BACKEND/SERVER, not `{name}`"));
        let (place, server) = name.split_once('/').ok_or_else(form)?;
        let id = ServerId::new(place, server);
        let holders: Vec<&Reach> =
            ordered.iter().filter(|(_, servers)| servers.contains(&id)).map(|(reach, _)| reach).collect();
        let (reach, id) = match (meant(&reached, place), holders.as_slice()) {
            (Err((StatusCode::NOT_FOUND, _)), [holder]) => (*holder, id),
            (found, _) => {
                let (reach, backend) = found?;
                (reach, ServerId::new(backend.clone(), server))
            }
        };
        match grouped.iter_mut().find(|(known, _)| known.name == reach.name) {
            Some((_, servers)) if servers.contains(&id) => {}
            Some((_, servers)) => servers.push(id),
            None => grouped.push((reach.clone(), vec![id])),
        }
    }
    Ok(grouped)
}

/// All servers of which something is ordered.
async fn ordered_everywhere(front: &Front) -> Result<Grouped, Response> {
    let reached = front.reached.borrow().clone();
    let mut ordered = Vec::new();
    for reach in reached.iter() {
        let servers = ask(reach, |done| Query::Order(OrderQuery::Ordered(done))).await?;
        ordered.push((reach.clone(), servers));
    }
    Ok(ordered)
}

/// Has the traffic of a backend go back to where it belongs, and waits as for any order. `by` is who wants that.
pub(super) async fn fail_back(reach: &Reach, backend: &Name, by: String) -> Result<Changed, Response> {
    let was = status_of(reach).await?;
    let wanted = backend.clone();
    let FailedBack { to, since } = ask(reach, |done| Query::FailBack { by, backend: wanted, done }).await?;
    let to = match to {
        Ok(to) => to,
        Err(FailBackError::NothingWaits(_)) => Vec::new(),
        Err(never @ FailBackError::Never(_)) => return Err(error(StatusCode::CONFLICT, &never.to_string())),
        Err(FailBackError::UnknownBackend(_)) => {
            let text = format!("{backend} was not seen in HAProxy yet; `hactl status` says why");
            return Err(error(StatusCode::SERVICE_UNAVAILABLE, &text));
        }
    };
    let servers: Vec<ServerId> =
        to.into_iter().map(|server| ServerId::new(backend.clone(), server)).collect();
    let outcomes = confirmed(reach, &servers, since, Instant::now() + CONFIRM_LIMIT).await?;
    let done = Done { servers, was, is: status_of(reach).await?, outcomes, unkept: None };
    Ok(answer::changed(Action::Failback, &[done]))
}

/// Nothing is done where a part of it would be refused.
async fn carry_out(action: Action, parts: Vec<Part>) -> Result<Response, Response> {
    if let [_, _, ..] = parts.as_slice() {
        for part in &parts {
            have_taken(action, part, true).await?;
        }
    }
    let until = Instant::now() + CONFIRM_LIMIT;
    let mut done = Vec::new();
    for part in parts {
        let was = status_of(&part.reach).await?;
        let taken = have_taken(action, &part, false).await?;
        let outcomes = confirmed(&part.reach, &part.servers, taken.since, until).await?;
        let unkept = kept(taken, until).await;
        let is = status_of(&part.reach).await?;
        done.push(Done { servers: part.servers, was, is, outcomes, unkept });
    }
    Ok(answer::changed(action, &done).into_response())
}

async fn have_taken(action: Action, part: &Part, dry: bool) -> Result<Taken, Response> {
    let change = part.change.clone();
    let taken = ask(&part.reach, |done| Query::Order(OrderQuery::Order { change, dry, done })).await?;
    taken.map_err(|refusal: OverrideRefusal| answer::refused(action, &part.servers, &refusal))
}

/// Waits until HAProxy is as ordered, or will not be for now.
async fn confirmed(
    reach: &Reach,
    servers: &[ServerId],
    since: Time,
    until: Instant,
) -> Result<Vec<Outcome>, Response> {
    loop {
        let servers = servers.to_vec();
        let outcomes = ask(reach, |done| Query::Order(OrderQuery::Outcomes { servers, since, done })).await?;
        if !outcomes.contains(&Outcome::Pending) || Instant::now() >= until {
            return Ok(outcomes);
        }
        sleep(LOOK_EVERY).await;
    }
}

/// Waits until a restart would know of it; why it would not.
async fn kept(taken: Taken, until: Instant) -> Option<String> {
    let Taken { change, mut kept, .. } = taken;
    let is_known = |kept: &Kept| kept.change >= change || kept.failing.is_some();
    match tokio::time::timeout_at(until, kept.wait_for(is_known)).await {
        Ok(Ok(kept)) if kept.change >= change => None,
        Ok(Ok(kept)) => kept.failing.clone(),
        Ok(Err(_)) => Some("hactl is stopping".to_owned()),
        Err(_) => Some("the disk does not answer".to_owned()),
    }
}

async fn status_of(reach: &Reach) -> Result<Status, Response> {
    ask(reach, Query::Status).await
}

/// Asks the decision loop of an instance.
pub(super) async fn ask<T>(
    reach: &Reach,
    query: impl FnOnce(oneshot::Sender<T>) -> Query,
) -> Result<T, Response> {
    let (done, answer) = oneshot::channel();
    if reach.queries.try_send(query(done)).is_err() {
        return Err(error(StatusCode::SERVICE_UNAVAILABLE, "too many ask at once; ask again"));
    }
    match timeout(ANSWER_LIMIT, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(_)) => Err(stopping()),
        Err(_) => {
            let text = format!("the decision loop of {} did not answer in 2 s", reach.name);
            Err(error(StatusCode::SERVICE_UNAVAILABLE, &text))
        }
    }
}
