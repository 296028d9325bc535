//! `[ui]`: how what is known is shown, by `hactl status`, `hactl top` and the page alike.

use failover::status::LatencyBounds;
use schemars::JsonSchema;
use serde::Deserialize;

use super::resolve::Resolver;

/// A minute: no probe takes longer, so a bound beyond it is a slip.
const LATENCY_MAX: u32 = 60_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default, expecting = "a table")]
pub(super) struct RawUi {
    /// From how many milliseconds on a latency is shown as raised, and from how many as high: two whole numbers, the
    /// smaller one first. Nothing is decided by them.
    #[schemars(inner(range(min = 1, max = LATENCY_MAX)), extend("examples" = [[80, 250]]))]
    latency_ms: Vec<u32>,
}

impl Default for RawUi {
    fn default() -> Self {
        let LatencyBounds { raised, high } = LatencyBounds::default();
        Self { latency_ms: vec![raised, high] }
    }
}

impl Resolver<'_> {
    pub(super) fn latency(&mut self, raw: &RawUi) -> LatencyBounds {
        let LatencyBounds { raised, high } = LatencyBounds::default();
        let what = match raw.latency_ms.as_slice() {
            [raised, high] if (1..*high).contains(raised) && *high <= LATENCY_MAX => {
                return LatencyBounds { raised: *raised, high: *high };
            }
            [0, _] => "0 is no bound: every latency would be raised".to_owned(),
            [_, high] if *high > LATENCY_MAX => format!("{high} is more than a minute ({LATENCY_MAX})"),
            [raised, high] => format!("{high} is not more than {raised}, so that nothing would be raised"),
            others => format!("it has {} of the two numbers", others.len()),
        };
        let next = format!("write two numbers, the smaller one first, such as [{raised}, {high}]");
        self.report(&what, &next, &["ui", "latency_ms"]);
        LatencyBounds::default()
    }
}
