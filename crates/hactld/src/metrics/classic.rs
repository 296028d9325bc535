//! The text format that came before OpenMetrics, for whoever does not ask for that: curl, and older Prometheus.

/// The same exposition in the classic format, where a counter is called by its samples' name and units are not told.
pub(super) fn classic(open_metrics: &str) -> String {
    let mut text = String::with_capacity(open_metrics.len());
    let mut lines = open_metrics.lines().peekable();
    while let Some(line) = lines.next() {
        if line.starts_with("# UNIT ") || line == "# EOF" {
            continue;
        }
        if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|rest| rest.split_once(' ')) {
            let is_counter = lines.peek().is_some_and(|next| next.ends_with(" counter"));
            let total = if is_counter { "_total" } else { "" };
            text.extend(["# HELP ", name, total, " ", help, "\n"]);
        } else if let Some(name) = line.strip_prefix("# TYPE ").and_then(|rest| rest.strip_suffix(" counter"))
        {
            text.extend(["# TYPE ", name, "_total counter\n"]);
        } else {
            text.extend([line, "\n"]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_counter_is_called_by_its_samples_name_and_units_are_left_out() {
        let open_metrics = "\
# HELP hactl_probe Probes of type counter
# TYPE hactl_probe counter
hactl_probe_total{server=\"wg1\"} 3
# HELP hactl_took_seconds Time.
# TYPE hactl_took_seconds histogram
# UNIT hactl_took_seconds seconds
hactl_took_seconds_sum 1.5
# EOF
";
        assert_eq!(
            classic(open_metrics),
            "\
# HELP hactl_probe_total Probes of type counter
# TYPE hactl_probe_total counter
hactl_probe_total{server=\"wg1\"} 3
# HELP hactl_took_seconds Time.
# TYPE hactl_took_seconds histogram
hactl_took_seconds_sum 1.5
"
        );
    }
}
