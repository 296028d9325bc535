//! A small page fetched whole through a SOCKS5 server, for what it says rather than for whether it comes. Judges nobody.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use crate::fault::Fault;
use crate::outcome::Outcome;
use crate::position::Way;
use crate::target::Target;
use crate::walk::{Extent, Step, Walk};
use crate::{Prober, Upstream};

impl Prober {
    /// The body of `target`'s answer through `upstream`, of at most 4 KiB, within `limit` in all. It is fetched once there
    /// is room for it, which is none of its time.
    ///
    /// # Errors
    /// Why there is none, in words for people: where it ended, or that the answer's status is not 200.
    pub async fn page(
        &self,
        upstream: &Upstream,
        target: &Target,
        limit: Duration,
    ) -> Result<Vec<u8>, String> {
        // The semaphore is never closed; without a permit there would merely be no bound.
        let _permit = self.permits().acquire().await;
        let way = Way::Through { address: upstream.address, credentials: upstream.credentials.as_ref() };
        let mut walk = Walk::new(self.tls(), way, target, Extent::Page, Instant::now());
        let miss = match timeout(limit, fetched(&mut walk)).await {
            Ok(Ok(page)) => return Ok(page),
            Ok(Err(fault)) => walk.position.missed(fault),
            Err(_) => walk.position.timed_out(),
        };
        match Outcome::from(miss) {
            Outcome::Failed(failure) => Err(failure.text),
            Outcome::Void(why) => Err(why),
            Outcome::Passed(_) => Err("nothing came".to_owned()),
        }
    }
}

async fn fetched(walk: &mut Walk<'_>) -> Result<Vec<u8>, Fault> {
    let mut place = walk.start();
    loop {
        match walk.step(place).await? {
            Step::Passed(_, next) => place = next,
            Step::Over(_, answer) => return Ok(answer.page),
        }
    }
}
