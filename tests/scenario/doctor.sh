#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The doctor where something is missing: no pressure, a hidden cgroup file system, another user, a
# mount that does not answer. Each place is a mount namespace of its own.
set -euo pipefail
: "${VAGUS:?the vagus command}"

if ! unshare -m true 2>/dev/null; then
    echo "no mount namespace may be made here"
    exit 77
fi
folder=$(mktemp -d)
chmod 755 "$folder"
trap 'rm -rf "$folder"' EXIT
failed=0

# Asks the JSON: an expression of Python on `d`, with fact(section, name) at hand.
expect() { # FILE EXPRESSION
    python3 - "$@" <<'PYTHON' || failed=1
import json, sys
d = json.load(open(sys.argv[1]))
def fact(section, name):
    return next((f for f in d["facts"] if (f["section"], f["name"]) == (section, name)), None)
if not eval(sys.argv[2]):
    print(sys.argv[1], "does not say:", sys.argv[2], file=sys.stderr)
    print(json.dumps(d["facts"], indent=1), file=sys.stderr)
    sys.exit(1)
PYTHON
}

status_is() { # STATUS WANTED NAME
    if [[ " $2 " != *" $1 "* ]]; then
        echo "$3: exit status $1, not one of $2" >&2
        failed=1
    fi
}

# --- Here, as it is. ---
segments() { compgen -G "/dev/shm/vagus-$UID/doctor-*" || true; }
before=$(segments)
status=0
"$VAGUS" doctor --json >"$folder/here" || status=$?
status_is $status '0 1' here
expect "$folder/here" 'd["verdict"] == ["ok", "worth_changing"]['"$status"']'
expect "$folder/here" 'all(s["warm_ns"] and s["cold_ns"] for s in d["senses"] if s["felt"])'
expect "$folder/here" 'd["memory_limit_bytes"] > 0 and d["cpu_ratio"] < 0.5'
expect "$folder/here" 'sum(s["felt"] for s in d["senses"]) >= 20'
expect "$folder/here" 'fact("black_box", "segment")["gravity"] == "ok"'
if [[ $(segments) != "$before" ]]; then
    echo 'the doctor left a segment behind' >&2
    failed=1
fi
"$VAGUS" doctor >"$folder/text" || true
if grep -q $'\e' "$folder/text" || ! grep -q '^What is felt$' "$folder/text"; then
    echo 'the text is coloured or empty' >&2
    failed=1
fi

# --- Without pressure. ---
if [[ -e /proc/pressure ]]; then
    status=0
    unshare -m sh -c 'mount -t tmpfs -o ro none /proc/pressure && exec "$0" doctor --json' "$VAGUS" \
        >"$folder/calm" || status=$?
    status_is $status 1 'no pressure'
    expect "$folder/calm" '"no /proc/pressure" in fact("machine", "pressure")["text"]'
    expect "$folder/calm" '"psi=1" in fact("machine", "pressure")["action"]'
fi

# --- The cgroup file system is hidden. ---
status=0
unshare -m sh -c 'umount -R /sys/fs/cgroup 2>/dev/null || mount -t tmpfs none /sys/fs/cgroup
    exec "$0" doctor --json' "$VAGUS" >"$folder/hidden" || status=$?
status_is $status '1 2' 'hidden cgroup'
expect "$folder/hidden" '"no memory cgroup" in fact("machine", "cgroup")["text"]'
expect "$folder/hidden" '"limits.memory" in fact("machine", "cgroup")["action"]'

# --- The cgroup file system can be read and not written: no wake-up from v1. ---
memory=$(awk '$3 == "cgroup" && $4 ~ /(^|,)memory(,|$)/ { print $2; exit }' /proc/mounts)
if [[ -n $memory ]]; then
    status=0
    unshare -m sh -c 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && exec "$0" doctor \
        --json' "$VAGUS" "$memory" >"$folder/readonly" || status=$?
    status_is $status '0 1' 'read-only cgroup'
    expect "$folder/readonly" '"read more often" in fact("machine", "memory wake-up")["text"]'
    expect "$folder/readonly" 'fact("machine", "cgroup")["gravity"] == "ok"'
fi

# --- No room for a black box. ---
status=0
unshare -m sh -c 'mount -t tmpfs -o size=1m none /dev/shm && exec env -u XDG_RUNTIME_DIR "$0" \
    doctor --json' "$VAGUS" >"$folder/small" || status=$?
status_is $status 2 'small /dev/shm'
expect "$folder/small" 'fact("black_box", "segment")["gravity"] == "serious"'

# --- As nobody, who may lock nothing. ---
if id nobody >/dev/null 2>&1 && command -v setpriv >/dev/null; then
    cp "$VAGUS" "$folder/vagus"
    status=0
    (
        ulimit -l 64
        exec setpriv --reuid=nobody --regid=nogroup --clear-groups --bounding-set=-all \
            --inh-caps=-all env -u XDG_RUNTIME_DIR "$folder/vagus" doctor --json
    ) >"$folder/nobody" || status=$?
    status_is $status '1 2' nobody
    # Sanitizers answer mlock() themselves, and say that it went well.
    if ! "$VAGUS" version | grep -qE 'address|thread'; then
        expect "$folder/nobody" '"refused" in fact("machine", "memory lock")["text"]'
        expect "$folder/nobody" '"ulimit -l" in fact("machine", "memory lock")["action"]'
    fi
    rm -rf "/dev/shm/vagus-$(id -u nobody)"
fi

# --- A watched path that does not answer: named, and the doctor goes on. ---
mkdir "$folder/stalled"
echo "watch: { paths: [., $folder/stalled] }" >"$folder/stalled.yaml"
status=0
# The search for leaks would wait for the thread that is stuck in the kernel.
ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0 "${1:?the program of doctor.c}" "$folder/stalled" \
    timeout -s KILL 20 "$VAGUS" doctor --policy "$folder/stalled.yaml" --json >"$folder/hung" || status=$?
if ((status == 77)); then
    echo 'skipped: no file system that stalls can be mounted here'
else
    status_is $status '1 2' 'a stalled mount'
    expect "$folder/hung" '"does not answer" in fact("senses", "disk")["text"]'
    expect "$folder/hung" '[s["felt"] > 0 for s in d["senses"] if s["name"] == "memory"] == [True]'
fi

# --- A rule on what this place cannot tell. ---
status=0
"$VAGUS" doctor --root "$folder" --json >"$folder/nothing" || status=$?
status_is $status 2 'an empty root'
expect "$folder/nothing" '"cannot be had" in fact("senses", "rule")["text"]'
expect "$folder/nothing" 'fact("senses", "memory limit")["gravity"] == "serious"'

# --- Wrong arguments, a faulty policy, another's sockets. ---
status=0
"$VAGUS" doctor --what >/dev/null 2>&1 || status=$?
status_is $status 64 'an unknown option'
echo 'rules: [ { name: x } ]' >"$folder/faulty.yaml"
status=0
"$VAGUS" doctor --policy "$folder/faulty.yaml" >/dev/null 2>&1 || status=$?
status_is $status 3 'a faulty policy'
status=0
"$VAGUS" doctor -p 999999999 >/dev/null 2>&1 || status=$?
status_is $status 4 'no such process'

exit $failed
