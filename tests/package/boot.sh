#!/bin/sh
# Inside a booted Debian 12 with the package, an HAProxy and three SOCKS servers: configures hactl as its user would, starts
# the service, and sees traffic leave a tunnel that is dead behind its open port, and come back. What it prints is checked
# outside, and `done` is the last line.
set -eu

say() { printf '%s\n' "$*"; }
# DESCRIPTION COMMAND...: within a minute.
wait_until() {
    what=$1
    shift
    for _ in $(seq 300); do
        if "$@" >/dev/null 2>&1; then
            say "seen: $what"
            return 0
        fi
        sleep 0.2
    done
    say "NOT SEEN: $what"
    hactl status || true
    journalctl -u hactl --no-pager | tail -n 30
    return 1
}
# SERVER STATE: administrative state in HAProxy, 0 is ready and 1 is maint.
has_state() {
    echo 'show servers state' | hactl_raw | awk -v server="$1" -v state="$2" '$4 == server { found = $7 == state } END { exit !found }'
}
hactl_raw() { hactl raw --haproxy /run/haproxy/admin.sock "$(cat)"; }
served() { curl --silent --fail --max-time 2 --proxy socks5h://127.0.0.1:7891 http://127.0.0.1:8099/; }

# The service was enabled by the package, and not started by it; nor has this boot made it steer what it was not told to.
say "enabled: $(systemctl is-enabled hactl)"
systemctl stop hactl
wait_until 'HAProxy' test -S /run/haproxy/admin.sock
wait_until 'SOCKS servers' served

hactl init --haproxy /run/haproxy/admin.sock >/tmp/hactl.toml
cat >>/tmp/hactl.toml <<'CONFIG'
[probe]
targets = ["http://127.0.0.1:8099/", "http://127.0.0.2:8099/"]
profile = "fast"
CONFIG
install -m 640 -g hactl /tmp/hactl.toml /etc/hactl/hactl.toml
hactl config check /etc/hactl/hactl.toml
hactl doctor --pre || say "doctor ended with $?"

systemctl start hactl
say "active: $(systemctl is-active hactl)"
say "security: $(systemd-analyze security hactl.service --no-pager --threshold=13 >/dev/null && echo 'within 1.3' || echo 'over 1.3')"
wait_until 'all online' hactl status
hactl doctor || say "doctor ended with $?"
pid=$(systemctl show -p MainPID --value wg1)
kill -STOP "$pid"
wait_until 'wg1 in maint' has_state wg1 1
served >/dev/null && say 'clients are served'
kill -CONT "$pid"
wait_until 'wg1 ready' has_state wg1 0
systemctl reload hactl && say 'reloaded'
say "restarts: $(systemctl show -p NRestarts --value hactl)"
say "denied: $(journalctl -k --no-pager 2>/dev/null | grep -c 'type=1326.*hactl' || true)"
systemctl stop hactl
say "ended: $(systemctl show -p Result --value hactl)"
say 'done'
