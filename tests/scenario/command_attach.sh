#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# To attach: what a stopped and a killed process left, who may read, other PID namespaces, two
# monitors of one name, a full tmpfs. $1 is an agent that runs until its input ends.
set -euo pipefail
: "${VAGUS:?the vagus command}"
agent=$1

folder=$(mktemp -d -p /dev/shm)
folder=$(readlink -f "$folder")
pids=()
clean() {
    local pid
    for pid in "${pids[@]}"; do
        kill -CONT "$pid" 2>/dev/null || true
        kill -KILL "$pid" 2>/dev/null || true
    done
    rm -rf "$folder"
}
trap clean EXIT
export XDG_RUNTIME_DIR=$folder TERM=dumb
mkdir -m 0700 "$folder/vagus"
cd "$folder"
failed=0
fault() {
    echo "$*" >&2
    failed=1
}
skip() { # CASE WHY
    echo "skipped: $1: $2" >&2
}

# Starts an agent whose input stays open; sets `pid`, its own or that of the command before it, and
# `inner`, as it calls itself.
start() { # NAME COMMAND...
    local name=$1 ready
    shift
    rm -f "$name.in" "$name.out"
    mkfifo "$name.in"
    "$@" <"$name.in" >"$name.out" 2>&1 &
    pid=$!
    disown "$pid"
    pids+=("$pid")
    # shellcheck disable=SC2034 # kept open until this script ends
    exec {input}>"$name.in"
    for _ in {1..100}; do
        ready=$(grep -s '^ready' "$name.out" || true)
        [[ -z $ready ]] || break
        sleep 0.1
    done
    [[ -n $ready ]] || fault "$name did not start: $(cat "$name.out")"
    inner=${ready#ready }
}

see() { # STATUS VERB ARGUMENT...: sets `said`
    local wanted=$1 status=0
    shift
    said=$("$VAGUS" "$@" 2>&1) || status=$?
    [[ $status =~ ^($wanted)$ ]] || fault "$*: exit status $status, not $wanted: $said"
}
says() { # PATTERN...
    local pattern
    for pattern; do
        grep -q -E -- "$pattern" <<<"$said" || fault "not found: $pattern
$said"
    done
}
comes_to() { # PATTERN STATUS VERB ARGUMENT...
    local pattern=$1 status
    shift
    for _ in {1..100}; do
        status=0
        said=$("$VAGUS" "${@:2}" 2>&1) || status=$?
        [[ $status =~ ^($1)$ ]] && grep -q -E -- "$pattern" <<<"$said" && return 0
        sleep 0.1
    done
    fault "not come to: $pattern, exit status $1; it is $status: $said"
}

# --- Stopped: alive, and the last good copy with its age. ---
start plain "$agent" plain
plain=$pid
comes_to 'vagus: (OK|DEGRADED)' '0|1' health -p "$pid"
see 0 ps --dir "$folder/vagus"
says "^plain +$pid +(ok|degraded)"
kill -STOP "$plain"
comes_to 'vagus: UNKNOWN — overdue, last published .* ago' 3 health -p plain --dir "$folder/vagus"
says 'memory .*%|memory .*limit|memory .*free' # what it was
see 0 ps --dir "$folder/vagus"
says "^plain +$pid +unknown" 'overdue, last published [0-9]'
see 0 show memory.usage -p "$plain"
says 'stale, [0-9.]+ m?s old'
kill -CONT "$plain"
comes_to 'vagus: (OK|DEGRADED)' '0|1' health -p "$plain"

# --- Killed: noticed within a second, and still told. ---
kill -KILL "$plain"
for try in {1..10}; do
    see 0 ps --dir "$folder/vagus" --json
    grep -q '"life":"ended"' <<<"$said" && break
    ((try < 10)) || fault "a death is not noticed within a second: $said"
    sleep 0.1
done
see 3 health -p "$plain"
says 'UNKNOWN — ended without closing, last published .* ago'
see 0 ps --dir "$folder/vagus"
says '^plain .* ended' 'ended without closing, last published'

# --- Two monitors of one name: of two processes, and of one. ---
start first "$agent" same
first=$pid
start second "$agent" same
see 64 health -p same --dir "$folder/vagus"
says '2 monitored processes match' "pid $first" "pid $pid"
comes_to 'vagus: (OK|DEGRADED)' '0|1' health -p "$first"
kill -KILL "$first" "$pid"
rm -f "$folder"/vagus/same-*
start twins "$agent" twin 2
see 64 health -p twin --dir "$folder/vagus"
says '2 monitored processes match' "-p $folder/vagus/twin-[0-9a-f]{16}\\.vagus"
for path in "$folder"/vagus/twin-*; do
    comes_to 'vagus: (OK|DEGRADED)' '0|1' health -p "$path"
done
kill -KILL "$pid"

# --- Another PID namespace, with the folder shared. ---
if ! unshare --pid --fork --mount-proc true 2>/dev/null; then
    skip 'PID namespaces' 'unshare is not allowed here'
else
    start inside unshare --pid --fork --kill-child --mount-proc "$agent" inside
    outer=$(pgrep -P "$pid" || true)
    [[ $inner != "$outer" ]] || fault "it is not in a namespace of its own: $inner"
    comes_to "^inside +$inner +(ok|degraded)" 0 ps --dir "$folder/vagus"
    says "its pid here is $outer\$"
    comes_to 'vagus: (OK|DEGRADED)' '0|1' health -p inside --dir "$folder/vagus"
    comes_to 'vagus: (OK|DEGRADED)' '0|1' health -p "$outer" --dir "$folder/vagus"
    see 0 ps --json --dir "$folder/vagus"
    says "\"pid\":$inner,\"pid_here\":$outer,\"alive\":true"
    # From a sibling namespace the writer can't be named, but is seen to live.
    said=$(unshare --pid --fork --mount-proc "$VAGUS" ps --dir "$folder/vagus") ||
        fault "ps from another namespace: $said"
    says "^inside +$inner +(ok|degraded)" 'runs in a PID namespace that cannot be seen from here'
    kill -KILL "$outer"
    comes_to 'UNKNOWN — ended without closing' 3 health -p inside --dir "$folder/vagus"
fi

# --- Only the same user and root. ---
if ((EUID != 0)) || ! setpriv --reuid=65534 --regid=65534 --clear-groups true 2>/dev/null; then
    skip 'another user' 'setpriv is not allowed here'
else
    other=$(mktemp -d -p /dev/shm)
    other=$(readlink -f "$other")
    cp "$VAGUS" "$other/vagus-command"
    cp "$agent" "$other/agent"
    mkdir -m 0700 "$other/vagus"
    chown -R 65534:65534 "$other"
    as_other=(env "XDG_RUNTIME_DIR=$other" setpriv --reuid=65534 --regid=65534 --clear-groups)
    chmod 0755 "$folder"
    start mine "$agent" mine
    mine=$(echo "$folder"/vagus/mine-*.vagus)
    status=0
    said=$("${as_other[@]}" "$other/vagus-command" health -p "$mine" 2>&1) || status=$?
    ((status == 3)) || fault "another user: exit status $status: $said"
    says 'permission denied'
    status=0
    said=$("${as_other[@]}" "$other/vagus-command" ps --dir "$folder/vagus" 2>&1) || status=$?
    ((status == 1)) || fault "another user's folder: exit status $status: $said"
    said=$("${as_other[@]}" "$other/vagus-command" ps) || fault "ps of another user: $said"
    grep -q 'mine' <<<"$said" && fault "another user sees root's: $said"
    # A file that lets all read it is refused all the same where it is not one's own.
    cp "$mine" "$other/vagus/mine-0123456789abcdef.vagus"
    chmod 0644 "$other/vagus/mine-0123456789abcdef.vagus"
    for verb in health signals 'show memory.usage'; do
        status=0
        # shellcheck disable=SC2086 # a verb and its operand
        said=$("${as_other[@]}" "$other/vagus-command" $verb -p mine --dir "$other/vagus" 2>&1) ||
            status=$?
        ((status == 3)) || fault "$verb of another's file: exit status $status: $said"
        says 'belongs to another user, uid 0'
    done
    rm "$other"/vagus/mine-*
    # Root sees theirs.
    start theirs "${as_other[@]}" "$other/agent" theirs
    comes_to "^theirs +[0-9]+ +(ok|degraded)" 0 ps --dir "$other/vagus"
    comes_to 'vagus: (OK|DEGRADED)' '0|1' health -p theirs --dir "$other/vagus"
    kill -KILL "$pid"
    rm -rf "$other"
fi

# --- A full tmpfs: the agent runs, says that nobody can look, and leaves nothing. ---
if ! unshare --mount true 2>/dev/null; then
    skip 'a full tmpfs' 'unshare is not allowed here'
else
    # shellcheck disable=SC2016 # expanded inside
    unshare --mount bash -c '
        mount -t tmpfs -o size=3m,mode=0700 tmpfs "$2" || exit 77
        export XDG_RUNTIME_DIR=$2
        (sleep 1.5) | "$1" narrow 1 health >"$2/../narrow.txt" || exit 1
        ls "$2/vagus"
        '"'$VAGUS'"' ps --dir "$2/vagus"' - "$agent" "$(mkdir full && readlink -f full)" >ps.txt ||
        { (($? == 77)) || fault "on a full tmpfs: $(cat ps.txt narrow.txt)"; }
    if [[ -s narrow.txt ]]; then
        grep -q 'no monitored process' ps.txt || fault "on a full tmpfs: $(cat ps.txt)"
        grep -q -i 'no room\|No space' narrow.txt || fault "health on a full tmpfs: $(cat narrow.txt)"
    fi
fi
exit "$failed"
