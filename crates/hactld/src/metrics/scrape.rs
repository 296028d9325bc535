//! Everything that is known at one moment, as metric families: gauges from the status, counters from the tallies.

use std::fmt;

use failover::status::{BackendStatus, HaproxyStatus, InstanceStatus, Status};
use failover::{ServerId, Time, Verdict};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

use super::servers::OneServer;
use super::tally::{Counts, OfBackend, SERVERS_MAX};
use super::writer::{Labels, Value, Writer};
use crate::VERSION;

/// What an instance's decision loop says of itself.
#[derive(Debug)]
pub(crate) struct Sample {
    pub(crate) status: Status,
    pub(crate) counts: Counts,
    /// When that was, ...
    pub(crate) now: Time,
    /// ... and the same in seconds since the epoch.
    pub(crate) unix_now: f64,
}

impl Sample {
    /// Of an instance that has counted nothing, because it could not be started.
    pub(crate) fn uncounted(status: Status) -> Self {
        Self { status, counts: Counts::default(), now: Time::ZERO, unix_now: 0.0 }
    }
}

/// What concerns the daemon as a whole.
#[derive(Clone, Copy, Debug)]
pub(super) struct OfDaemon {
    pub(super) paused: bool,
    pub(super) config_stale: bool,
    /// Seconds since the epoch.
    pub(super) loaded_at: f64,
}

/// One answer.
#[derive(Debug)]
pub(super) struct Scrape {
    pub(super) daemon: OfDaemon,
    pub(super) samples: Vec<Sample>,
}

/// What an instance, a backend or a server has in common with those that are named beside it.
type Of<'a, T> = (Labels<'a>, &'a Sample, &'a T);

impl Collector for Scrape {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut writer = Writer(encoder);
        let (servers, unexported) = self.servers();
        self.write_daemon(&mut writer, unexported)?;
        self.write_haproxy(&mut writer)?;
        self.write_changes(&mut writer)?;
        self.write_backends(&mut writer)?;
        super::servers::write(&mut writer, &servers)
    }
}

impl Scrape {
    /// The instance's name where there are several, as another HAProxy may have a backend of the same name. It is called
    /// `haproxy`, because Prometheus itself calls by `instance` where it has asked.
    fn labels<'a>(&self, instance: &'a str) -> Labels<'a> {
        if self.samples.len() > 1 { vec![("haproxy", instance)] } else { Vec::new() }
    }

    fn instances(&self) -> impl Iterator<Item = Of<'_, InstanceStatus>> {
        self.samples.iter().flat_map(move |sample| {
            sample
                .status
                .instances
                .iter()
                .map(move |instance| (self.labels(&instance.name), sample, instance))
        })
    }

    fn backends(&self) -> impl Iterator<Item = Of<'_, BackendStatus>> {
        self.samples.iter().flat_map(move |sample| {
            sample.status.backends.iter().map(move |backend| {
                let mut labels = self.labels(&backend.instance);
                labels.push(("proxy", &backend.name));
                (labels, sample, backend)
            })
        })
    }

    /// The servers that have series of their own, and how many others there are.
    fn servers(&self) -> (Vec<OneServer<'_>>, usize) {
        let mut servers = Vec::new();
        let mut unexported = 0;
        for (labels, sample, backend) in self.backends() {
            for server in backend.servers.iter().filter(|server| server.managed) {
                let counts = &sample.counts.servers;
                let counted = counts.get(&ServerId::new(backend.name.as_str(), server.name.as_str()));
                // Where there is no place for more, those that are counted have it.
                if servers.len() >= SERVERS_MAX || (counted.is_none() && counts.len() >= SERVERS_MAX) {
                    unexported += 1;
                    continue;
                }
                let mut labels = labels.clone();
                labels.push(("server", &server.name));
                servers.push(OneServer { labels, sample, backend, server, counted });
            }
        }
        (servers, unexported)
    }

    fn write_daemon(&self, writer: &mut Writer<'_>, unexported: usize) -> fmt::Result {
        let OfDaemon { paused, config_stale, loaded_at } = self.daemon;
        let mut one = |name, help, labels, value| writer.family(name, help, [(labels, value)]);
        one("build_info", "hactl's version.", vec![("version", VERSION)], Value::Number(1))?;
        one(
            "paused",
            "Somebody has paused hactl: nothing is changed in any HAProxy.",
            Vec::new(),
            paused.into(),
        )?;
        one(
            "config_last_reload_success",
            "The configuration that was read last is the one that runs.",
            Vec::new(),
            (!config_stale).into(),
        )?;
        one(
            "config_last_reload_timestamp",
            "When the configuration that runs was read.",
            Vec::new(),
            Value::Moment(loaded_at),
        )?;
        one(
            "servers_unexported",
            "Servers without series of their own, because there are too many.",
            Vec::new(),
            Value::Number(u64::try_from(unexported).unwrap_or(u64::MAX)),
        )
    }

    fn write_haproxy(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let mut all = |name, help, value: fn(&InstanceStatus) -> bool| {
            writer.family(
                name,
                help,
                self.instances().map(|(labels, _, instance)| (labels, value(instance).into())),
            )
        };
        all("haproxy_up", "HAProxy answers on its runtime API.", |instance| instance.haproxy.answering)?;
        all("applying", "Commands are sent to HAProxy and taken.", |instance| instance.applying)?;
        all(
            "observing",
            "Commands are listed in place of being sent, because it is paused or configured so.",
            |instance| instance.mode == "observe",
        )?;
        all("frozen", "No server answers, so nobody can be blamed and nothing is decided.", |instance| {
            instance.frozen_since.is_some()
        })?;
        writer.family(
            "problems",
            "What stands in hactl's way with this HAProxy: hactl status names each.",
            self.instances().map(|(labels, _, instance)| {
                let count = u64::try_from(instance.problems.len()).unwrap_or(u64::MAX);
                (labels, Value::Number(count))
            }),
        )?;
        let known: Vec<_> = self
            .instances()
            .filter_map(|(labels, _, instance)| {
                let HaproxyStatus { version, pid, .. } = &instance.haproxy;
                Some((labels, version.as_deref()?, (*pid)?.to_string()))
            })
            .collect();
        let infos = known.iter().map(|(labels, version, pid)| {
            let mut labels = labels.clone();
            labels.extend([("version", *version), ("pid", pid.as_str())]);
            (labels, Value::Number(1))
        });
        writer.family("haproxy_info", "The HAProxy process that answers.", infos)
    }

    fn write_changes(&self, writer: &mut Writer<'_>) -> fmt::Result {
        let counts = || self.instances().map(|(labels, sample, _)| (labels, &sample.counts));
        writer.family(
            "haproxy_reloads",
            "Times that another HAProxy process answered than before.",
            counts().map(|(labels, counts)| (labels, Value::Count(counts.reloads))),
        )?;
        writer.family(
            "apply",
            "Changes of a server's state in HAProxy, by what came of them.",
            counts().flat_map(|(labels, counts)| {
                [("applied", counts.applied), ("refused", counts.refused)].map(|(result, count)| {
                    let mut labels = labels.clone();
                    labels.push(("result", result));
                    (labels, Value::Count(count))
                })
            }),
        )?;
        writer.family(
            "apply_duration",
            "From a decision to its being read back from HAProxy.",
            counts().map(|(labels, counts)| (labels, Value::Took(&counts.apply_took))),
        )?;
        writer.family(
            "control_probe_up",
            "The control target answered when it was last asked past all servers; only asked when servers are silent.",
            counts().filter_map(|(labels, counts)| Some((labels, counts.control?.into()))),
        )
    }

    fn write_backends(&self, writer: &mut Writer<'_>) -> fmt::Result {
        writer.family(
            "backend_servers",
            "Servers of the backend by health.",
            self.backends().flat_map(|(labels, _, backend)| {
                [Verdict::Unknown, Verdict::Online, Verdict::Degraded, Verdict::Offline].map(|verdict| {
                    let count =
                        backend.servers.iter().filter(|server| server.health == Some(verdict)).count();
                    let mut labels = labels.clone();
                    labels.push(("state", verdict.as_str()));
                    (labels, Value::Number(u64::try_from(count).unwrap_or(u64::MAX)))
                })
            }),
        )?;
        writer.family(
            "backend_in_service",
            "Servers that HAProxy sends the backend's new connections to, as it was last seen.",
            self.backends().map(|(labels, _, backend)| {
                let count = u64::try_from(backend.in_service.len()).unwrap_or(u64::MAX);
                (labels, Value::Number(count))
            }),
        )?;
        let mut all = |name, help, value: fn(&BackendStatus) -> bool| {
            writer.family(
                name,
                help,
                self.backends().map(|(labels, _, backend)| (labels, value(backend).into())),
            )
        };
        all("backend_on_backup", "A less preferred server carries the traffic of the backend.", |backend| {
            backend.on_backup
        })?;
        all("backend_blackout", "No server of the backend is known to carry traffic.", |backend| {
            backend.blackout_since.is_some()
        })?;
        let mut counted = |name, help, value: fn(&OfBackend, Time) -> Value<'static>| {
            writer.family(
                name,
                help,
                self.backends().map(|(labels, sample, backend)| {
                    let known = sample.counts.backends.get(&failover::Name::from(backend.name.as_str()));
                    (labels, value(&known.cloned().unwrap_or_default(), sample.now))
                }),
            )
        };
        counted(
            "backend_switches",
            "Times that HAProxy began to send the backend's connections to other servers.",
            |of, _| Value::Count(of.switches),
        )?;
        counted("backend_blackouts", "Blackouts of the backend that have begun.", |of, _| {
            Value::Count(of.blackouts)
        })?;
        counted(
            "backend_blackout",
            "Time in which no server of the backend was known to carry traffic.",
            |of, now| Value::Lasted(of.blackout_seconds(now)),
        )
    }
}
