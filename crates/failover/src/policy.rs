//! From health to what HAProxy should be told. `order`: HAProxy's own order, unhealthy servers out, healthy ones in,
//! so that backup ordering does the rest.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use crate::{Name, Verdict};

/// What is wanted of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Want {
    /// In rotation: it was proved to carry traffic.
    Ready,
    /// Out of rotation: it was proved not to.
    Maint,
    /// As it is: it was proved not to carry traffic, but there is nothing better.
    AsIs,
    /// As it is: nothing is proved yet.
    Unknown,
}

/// What is wanted of one server at the address that it was judged at. At another address nothing is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// What is wanted.
    pub want: Want,
    /// Why, in words, where it is not wanted in rotation; as it was when that began.
    pub why: Option<Name>,
    /// Where it was probed; `None` where HAProxy had no address for it.
    pub address: Option<SocketAddr>,
}

/// What is wanted of every managed server of every backend.
pub type Desired = BTreeMap<Name, BTreeMap<Name, Wish>>;

/// One managed server, as the policy sees it.
#[derive(Clone, Debug)]
pub struct ServerView {
    /// Its name.
    pub name: Name,
    /// What the detector says.
    pub verdict: Verdict,
    /// It could take over, as far as is known at this moment.
    pub verified: bool,
    /// It fell silent together with everything else, so that nobody knows whose fault that was.
    pub lost: bool,
    /// It has become so slow that it is to make room for a faster one.
    pub too_slow: bool,
    /// What was wanted of it until now.
    pub previous: Want,
}

/// One backend, as the policy sees it.
#[derive(Clone, Debug, Default)]
pub struct BackendView {
    /// Its managed servers, in HAProxy's order of preference.
    pub servers: Vec<ServerView>,
    /// HAProxy has a usable server here that hactl was told to leave alone: traffic may go to it.
    pub other_usable: bool,
}

/// The `order` policy.
///
/// While some server could take over, what is online is wanted ready, and what is condemned or too slow is wanted out.
/// Where none could at this moment, nobody is moved to an unverified one; what fell silent together with everything else
/// is not moved before it was compared; and where none carries traffic at all (`when_all_down = last-good`), the last good
/// state of affairs stays: what was out stays out, everything else stays as it is.
#[must_use]
pub fn order(backend: &BackendView) -> BTreeMap<Name, Want> {
    // HAProxy moves traffic to the first that is left, so that is the one that has to be verified. What fell silent together
    // with everything else is left, too.
    let stays = |server: &&ServerView| match server.verdict {
        Verdict::Online => !server.too_slow,
        Verdict::Degraded | Verdict::Offline => server.lost && server.previous != Want::Maint,
        Verdict::Unknown => false,
    };
    let first = backend.servers.iter().find(stays);
    let successor = backend.other_usable || first.is_some_and(|first| first.verified && !first.lost);
    let want = |server: &ServerView| match (server.verdict, successor, server.previous) {
        (Verdict::Online, true, _) | (Verdict::Online, false, Want::Maint) if server.too_slow => Want::Maint,
        (Verdict::Online, _, _) => Want::Ready,
        (Verdict::Unknown, _, _) => Want::Unknown,
        (Verdict::Degraded | Verdict::Offline, true, _) if server.lost && server.previous != Want::Maint => {
            Want::AsIs
        }
        (Verdict::Degraded | Verdict::Offline, true, _)
        | (Verdict::Degraded | Verdict::Offline, false, Want::Maint) => Want::Maint,
        (Verdict::Degraded | Verdict::Offline, false, Want::Ready | Want::AsIs | Want::Unknown) => Want::AsIs,
    };
    backend.servers.iter().map(|server| (server.name.clone(), want(server))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(verdicts: [Verdict; 3], previous: [Want; 3], other_usable: bool) -> Vec<Want> {
        let servers = ["wg1", "wg2", "warp"]
            .iter()
            .zip(verdicts)
            .zip(previous)
            .map(|((name, verdict), previous)| {
                let verified = verdict == Verdict::Online;
                ServerView {
                    name: Name::from(*name),
                    verdict,
                    verified,
                    lost: false,
                    too_slow: false,
                    previous,
                }
            })
            .collect();
        let wanted = order(&BackendView { servers, other_usable });
        ["wg1", "wg2", "warp"].map(|name| wanted[&Name::from(name)]).to_vec()
    }

    #[test]
    fn with_a_successor_condemned_servers_go_out_and_unknown_ones_are_left_alone() {
        use Verdict::{Degraded, Offline, Online, Unknown};
        use Want::{AsIs, Maint, Ready};
        assert_eq!(wants([Degraded, Online, Online], [Ready; 3], false), [Maint, Ready, Ready]);
        assert_eq!(wants([Degraded, Offline, Online], [AsIs; 3], false), [Maint, Maint, Ready]);
        assert_eq!(wants([Unknown, Degraded, Online], [AsIs; 3], false), [Want::Unknown, Maint, Ready]);
        assert_eq!(wants([Degraded, Degraded, Degraded], [AsIs; 3], true), [Maint; 3]);
    }

    #[test]
    fn with_everything_down_the_last_good_state_of_affairs_stays() {
        use Verdict::{Degraded, Offline, Unknown};
        use Want::{AsIs, Maint, Ready};
        assert_eq!(wants([Degraded, Offline, Degraded], [Maint, Maint, Ready], false), [Maint, Maint, AsIs]);
        assert_eq!(wants([Degraded; 3], [Ready; 3], false), [AsIs; 3]);
        assert_eq!(
            wants([Unknown, Degraded, Unknown], [Want::Unknown; 3], false),
            [Want::Unknown, AsIs, Want::Unknown]
        );
    }
}
