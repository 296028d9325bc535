//! Who is served at the same time, and who has to go when there is no room. Those who ask once and those who follow have
//! rooms of their own, so that neither takes the other's places.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::task::AbortHandle;

use super::peer::Peer;

/// Clients at a time who ask once: an answer takes milliseconds.
pub(super) const CLIENTS_MAX: usize = 32;

/// Clients at a time who follow: some screens and programs of each of a few people.
pub(super) const FOLLOWERS_MAX: usize = 64;

/// The places; shared by all connections.
#[derive(Clone, Default)]
pub(super) struct Seats(Arc<Mutex<Vec<Seat>>>);

struct Seat {
    id: u64,
    peer: Peer,
    room: Room,
    task: AbortHandle,
}

/// One's own place.
#[derive(Clone)]
pub(crate) struct Place {
    seats: Seats,
    id: u64,
}

impl Place {
    /// It is that of one who follows.
    pub(super) fn follow(&self) {
        self.seats.follow(self.id);
    }
}

/// What a place is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Room {
    Client,
    Follower,
}

impl Room {
    const fn places(self) -> usize {
        match self {
            Self::Client => CLIENTS_MAX,
            Self::Follower => FOLLOWERS_MAX,
        }
    }
}

impl Seats {
    /// Gives a new client a place; where all are taken, somebody else's.
    pub(super) fn take(&self, id: u64, peer: Peer, task: AbortHandle) {
        let mut seats = self.seats();
        seats.retain(|seat| !seat.task.is_finished());
        make_room(&mut seats, Room::Client);
        seats.push(Seat { id, peer, room: Room::Client, task });
    }

    /// The place of the client of this number, whether it has been taken or not.
    pub(super) fn seat(&self, id: u64) -> Place {
        Place { seats: self.clone(), id }
    }

    fn follow(&self, id: u64) {
        let mut seats = self.seats();
        let Some(index) = seats.iter().position(|seat| seat.id == id && seat.room == Room::Client) else {
            return;
        };
        let seat = seats.remove(index);
        seats.retain(|seat| !seat.task.is_finished());
        make_room(&mut seats, Room::Follower);
        seats.push(Seat { room: Room::Follower, ..seat });
    }

    /// It holds nothing that a panic could leave half done.
    fn seats(&self) -> MutexGuard<'_, Vec<Seat>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Where all places of a room are taken, whoever has most of them loses the oldest one: first which user, then which of their
/// processes. An honest client has one, and is served in milliseconds, so it is not that one.
fn make_room(seats: &mut Vec<Seat>, room: Room) {
    let taken = || seats.iter().filter(|seat| seat.room == room);
    if taken().count() < room.places() {
        return;
    }
    let mut users: BTreeMap<Option<u32>, usize> = BTreeMap::new();
    let mut processes: BTreeMap<(Option<u32>, Option<i32>), usize> = BTreeMap::new();
    for seat in taken() {
        let whose = seat.peer.whose();
        *users.entry(whose.0).or_default() += 1;
        *processes.entry(whose).or_default() += 1;
    }
    let user = users.into_iter().max_by_key(|(_, places)| *places).map(|(user, _)| user);
    let of_user = processes.into_iter().filter(|((of, _), _)| Some(*of) == user);
    let most = of_user.max_by_key(|(_, places)| *places).map(|(whose, _)| whose);
    let oldest = seats.iter().position(|seat| seat.room == room && Some(seat.peer.whose()) == most);
    if let Some(oldest) = oldest {
        seats.remove(oldest).task.abort();
    }
}
