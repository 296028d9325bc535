//! What is simulated: something that decides. A trait because there are two of them: the core, and a simple stand-in
//! by which the simulation itself is tested.

use failover::{Desired, Event, Evidence, Observed, Order, Time};

/// The decision core's methods, as its driver in the daemon calls them.
pub(crate) trait Brain {
    /// Takes in a sight of HAProxy.
    fn on_observed(&mut self, observed: &Observed, now: Time);

    /// Takes in what was seen of a probe.
    fn on_evidence(&mut self, evidence: &Evidence, now: Time);

    /// The time that it wanted to be called at has come.
    fn on_time(&mut self, now: Time);

    /// When it wants to be called.
    fn next_deadline(&self) -> Option<Time>;

    /// What is to be done about probes, since this was last called.
    fn take_orders(&mut self) -> Vec<Order>;

    /// What happened since this was last called.
    fn take_events(&mut self) -> Vec<Event>;

    /// What is wanted of every server.
    fn desired(&self) -> &Desired;
}
