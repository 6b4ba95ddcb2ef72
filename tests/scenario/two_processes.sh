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

start_demo() {
    "$VAGUS" demo --declared >story.txt 2>&1 &
    pid=$!
    for _ in {1..100}; do
        grep -q 'awake' story.txt && return
        sleep 0.1
    done
    fault "the demo did not wake up: $(cat story.txt)"
}

mkdir -m 0700 vagus
health 4 -p demo # nobody there yet
says 'demo'

start_demo
health 0 -p demo
says '^vagus: OK' "^demo .* pid $pid" 'memory .* limit 256 MiB' '[0-9]+ messages' '3 listeners'
said=$("$VAGUS" health -p "$pid") || fault "health -p $pid: $said" # found without being told where
says "pid $pid"
health 0 # the only one that runs
says "pid $pid"
if command -v python3 >/dev/null; then
    [[ $(json -p demo) == "ok demo $pid running True" ]] || fault "json: $(json -p demo)"
fi

# It counts on: this is no copy of an earlier state.
before=$(grep -oE '[0-9]+ messages' <<<"$said")
sleep 1
health 0 -p demo
[[ $(grep -oE '[0-9]+ messages' <<<"$said") != "$before" ]] || fault "it stands at $before"

# Stopped, it publishes nothing more, and nobody takes its last words for the truth.
kill -STOP "$pid"
sleep 2
health 3 -p demo
says '^vagus: UNKNOWN'
kill -CONT "$pid"
sleep 0.5
health 0 -p demo

# Killed: the black box still tells.
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
health 3 -p "$pid"
says '^vagus: UNKNOWN' "pid $pid" '[0-9]+ messages'
if command -v python3 >/dev/null; then
    [[ $(json -p "$pid") == "unknown demo $pid "*" True" ]] || fault "json: $(json -p "$pid")"
fi

# The whole story from outside: throttle is seen, and the end in order.
start_demo
seen=
while kill -0 "$pid" 2>/dev/null; do
    health '0|1|2|3' -p "$pid"
    if [[ $said == *'throttle on memory'* && $said == *'told 1 listener: llm'* ]]; then
        seen=1
    fi
    sleep 0.3
done
status=0
wait "$pid" || status=$?
((status == 0)) || fault "exit status $status: $(cat story.txt)"
[[ -n $seen ]] || fault "throttle was never seen from outside"
health 3 -p demo
says '^vagus: UNKNOWN .* closed in order' "pid $pid" 'shutdown on memory' 'limit 256 MiB'
pid=
exit "$failed"
