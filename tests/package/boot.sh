#!/bin/sh
# Inside a booted Debian 12 with the package, an HAProxy and three SOCKS servers: configures hactl by the steps that the package
# has printed, and sees traffic leave a tunnel that is dead behind its open port, and come back; then what an operator does to a
# service: runs it by hand, removes its package, and installs it again. What it prints is checked outside, and `done` is the
# last line.
set -eu

config=/etc/hactl/hactl.toml

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
    hactl_raw 'show servers state' | awk -v server="$1" -v state="$2" '$4 == server { found = $7 == state } END { exit !found }'
}
hactl_raw() { hactl raw --haproxy /run/haproxy/admin.sock "$1"; }
served() { curl --silent --fail --max-time 2 --proxy socks5h://127.0.0.1:7891 http://127.0.0.1:8099/; }
observes() { hactl status -o json | tr -d ' \n' | grep -q '"mode":"observe"'; }
events_are_a_problem() {
    told=$(hactl) && return 1
    [ $? = 1 ] && echo "$told" | grep -q 'events cannot be written to their file.*Read-only file system'
}
# NUMBER: one of the commands that the package has printed.
step() { sh -c "$(sed -n "$1p" /opt/steps)"; }
# The tunnel behind wg1.
wg1() { kill -"$1" "$(systemctl show -p MainPID --value wg1)"; }

# A container inside another one may not set up its loopback, without which there is nothing to see.
if ! grep -q '127\.0\.0\.1' /proc/net/fib_trie; then
    say 'no loopback'
    exit
fi

# Enabled by the package and not configured yet: this boot has started it, and it looks on.
say "enabled: $(systemctl is-enabled hactl)"
wait_until 'HAProxy' test -S /run/haproxy/admin.sock
wait_until 'SOCKS servers' served
wait_until 'it observes' observes
say "as they were: $(hactl_raw 'show servers state' | grep -c '^[0-9].* wg1 .* 2 0 ')"

step 1
cat >>$config <<'CONFIG'
[probe]
targets = ["http://127.0.0.1:8099/", "http://127.0.0.2:8099/"]
profile = "fast"
[events]
file = "/var/log/hactl/events.jsonl"
CONFIG
say "rights: $(stat -c '%U:%G %a' $config)"
hactl config check $config
step 2 || say "doctor ended with $?"
step 3
say "active: $(systemctl is-active hactl)"
say "security: $(systemd-analyze security hactl.service --no-pager --threshold=13 >/dev/null && echo 'within 1.3' || echo 'over 1.3')"
wait_until 'all online' hactl status
hactl doctor || say "doctor ended with $?"
# As documented for `master`, and with no more rights than the service has.
runuser -u hactl -- hactl raw --haproxy master:/run/haproxy-master.sock 'show info' | grep -q '^Name: HAProxy' && say 'master read'
wg1 STOP
wait_until 'wg1 in maint' has_state wg1 1
served >/dev/null && say 'clients are served'
wg1 CONT
wait_until 'wg1 ready' has_state wg1 0
systemctl reload hactl && say 'reloaded'
say "restarts: $(systemctl show -p NRestarts --value hactl)"
say "denied: $(journalctl -k --no-pager 2>/dev/null | grep -c 'type=1326.*hactl' || true)"
systemctl stop hactl
say "ended: $(systemctl show -p Result --value hactl)"

# By hand and as root, while a tunnel dies: the service can read what that has left.
hactl run --config $config --record /var/lib/hactl/recording.jsonl >/by-hand 2>&1 &
by_hand=$!
wait_until 'by hand' hactl status
wg1 STOP
wait_until 'wg1 in maint by hand' has_state wg1 1
kill "$by_hand"
wait "$by_hand"
say "left to root: $(find /var/lib/hactl /var/log/hactl ! -user hactl | wc -l)"

# Who has stopped HAProxy does not find it started.
systemctl stop haproxy
systemctl restart hactl
say "HAProxy: $(systemctl is-active haproxy)"
systemctl start haproxy
wait_until 'wg1 in maint by the service' has_state wg1 1

dpkg --remove hactl
dpkg --install /opt/hactl.deb
say "after the removal: $(systemctl is-active hactl)"
systemctl start hactl
wg1 CONT
wait_until 'wg1 ready after the removal' has_state wg1 0
wait_until 'a log of its own' test -s /var/log/hactl/events.jsonl
# Where the unit lets it write nothing.
sed -i 's,/var/log/hactl/,/var/log/,' $config
systemctl restart hactl
wait_until 'events are a problem' events_are_a_problem
systemctl stop hactl
say 'done'
