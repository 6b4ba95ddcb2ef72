#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# One process is felt from another: `vagus health` on a demo that runs, on one that was killed, and
# on one that ended in order.
set -euo pipefail
: "${VAGUS:?the vagus command}"

folder=$(mktemp -d -p /dev/shm)
export XDG_RUNTIME_DIR=$folder # segments of its own
pid=
trap '[[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true; rm -rf "$folder"' EXIT
cd "$folder"
failed=0
fault() {
    echo "$*" >&2
    failed=1
}

health() { # STATUS ARGUMENT...: sets `said`, checks the exit status
    local wanted=$1 status=0
    shift
    said=$("$VAGUS" health --dir "$folder/vagus" "$@" 2>&1) || status=$?
    [[ $status =~ ^($wanted)$ ]] || fault "health $*: exit status $status, not $wanted: $said"
}

says() { # PATTERN...
    local pattern
    for pattern; do
        grep -q -E -- "$pattern" <<<"$said" || fault "not found: $pattern
$said"
    done
}

# Values of a JSON summary, a line each: the text is parsed by somebody else's parser.
json() { # ARGUMENT...
    "$VAGUS" health --dir "$folder/vagus" --json "$@" >health.json || true
    if command -v python3 >/dev/null; then
        python3 -c 'import json; s = json.load(open("health.json"))
print(s["verdict"], s["agent"], s["pid"], s["life"], len(s["signals"]) == s["signal_count"])'
    fi
}

# Until the exit status is one of these and all patterns are found: the machine may be busy. What it
# said last is told where it does not come to that.
comes_to() { # STATUS PATTERN...: sets `said`
    local wanted=$1 status pattern found
    shift
    for _ in {1..200}; do
        status=0 found=1
        said=$("$VAGUS" health --dir "$folder/vagus" -p demo 2>&1) || status=$?
        [[ $status =~ ^($wanted)$ ]] || found=
        for pattern; do
            grep -q -E -- "$pattern" <<<"$said" || found=
        done
        [[ -z $found ]] || return 0
        sleep 0.1
    done
    fault "not come to: exit status $wanted, $*; it is $status: $said"
}

start_demo() {
    rm -f story.txt # of the one before: it tells of having been awake
    "$VAGUS" demo --declared >story.txt 2>&1 &
    pid=$!
    for _ in {1..300}; do
        grep -q 'awake' story.txt && return
        sleep 0.1
    done
    fault "the demo did not wake up: $(cat story.txt)"
}

mkdir -m 0700 vagus
health 4 -p demo # nobody there yet
says 'demo'

# It begins calm; on a slow machine its first leak may be felt before it was looked at.
running='0|1'
start_demo
comes_to "$running" '^vagus: (OK|DEGRADED)' "^demo .* pid $pid" 'memory .* limit 256 MiB' \
    '[0-9]+ messages' '4 listeners'
health "$running" -p "$pid"
says "pid $pid"
said=$("$VAGUS" health -p "$pid") || (($? == 1)) || fault "health -p $pid: $said" # not told where
says "pid $pid"
health "$running" # the only one that runs
says "pid $pid"
if command -v python3 >/dev/null; then
    [[ $(json -p demo) =~ ^(ok|degraded)\ demo\ $pid\ running\ True$ ]] ||
        fault "json: $(json -p demo)"
fi

# It counts on: this is no copy of an earlier state.
before=$(grep -oE '[0-9]+ messages' <<<"$said")
for _ in {1..200}; do
    health "$running" -p demo
    [[ $(grep -oE '[0-9]+ messages' <<<"$said") == "$before" ]] || break
    sleep 0.1
done
[[ $(grep -oE '[0-9]+ messages' <<<"$said") != "$before" ]] || fault "it stands at $before"

# Stopped, it publishes nothing more, and nobody takes its last words for the truth.
kill -STOP "$pid"
comes_to 3 '^vagus: UNKNOWN'
kill -CONT "$pid"
comes_to "$running" '^vagus: (OK|DEGRADED)'

# Killed: the black box still tells.
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
health 3 -p "$pid"
says '^vagus: UNKNOWN' "pid $pid" '[0-9]+ messages'
if command -v python3 >/dev/null; then
    [[ $(json -p "$pid") == "unknown demo $pid "*" True" ]] || fault "json: $(json -p "$pid")"
fi

# The whole story from outside: throttle is seen, and the end in order. The demo gives up where the
# machine is so busy that its own deadlines pass: it is then told anew.
for _ in {1..3}; do
    start_demo
    seen='' status=0
    while kill -0 "$pid" 2>/dev/null; do
        health '0|1|2|3' -p "$pid"
        if [[ $said == *'throttle on memory'* && $said == *'told 1 listener: llm'* ]]; then
            seen=1
        fi
        sleep 0.1
    done
    wait "$pid" || status=$?
    if ((status == 0)) || ! grep -q 'rather than be killed' story.txt; then
        break
    fi
done
((status == 0)) || fault "exit status $status: $(cat story.txt)"
[[ -n $seen ]] || fault "throttle was never seen from outside"
health 3 -p demo
says '^vagus: UNKNOWN .* closed in order' "pid $pid" 'shutdown on memory' 'limit 256 MiB'
pid=
exit "$failed"
