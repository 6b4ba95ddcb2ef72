#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What cannot be written: each verb's output to a full disk, to a pipe that nobody reads, to a
# closed descriptor. No success is told, nothing crashes, and one message says it, or none where a
# signal does.
set -euo pipefail
: "${VAGUS:?the vagus command}"
source=$(cd "$(dirname "$0")/../.." && pwd)

folder=$(mktemp -d -p /dev/shm)
pid=
trap '[[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true; rm -rf "$folder"' EXIT
export XDG_RUNTIME_DIR=$folder TERM=dumb
mkdir -m 0700 "$folder/vagus"
cd "$folder"
failed=0
fault() {
    echo "$*" >&2
    failed=1
}

"$VAGUS" demo --declared >story.txt 2>&1 &
pid=$!
for _ in {1..300}; do
    grep -q 'awake' story.txt && break
    sleep 0.1
done
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
pid=
place=$(echo "$folder"/vagus/demo-*.vagus)
"$VAGUS" record -p "$place" -o before.vrec >/dev/null

mapfile -t verbs < <("$VAGUS" help | awk '/^  [a-z]/ && !/usage/ { print $1 }')

# Sets `arguments`: what makes a verb print something.
needs() { # VERB
    local help
    help=$("$VAGUS" help "$1")
    arguments=()
    case $1 in
    check) arguments=(preset:default) ;;
    test) arguments=("$source/policies/default.test.yaml") ;;
    replay) arguments=(before.vrec) ;;
    record) arguments=(-o out.vrec) ;;
    demo) arguments=(--declared) ;;
    *) [[ ! $help =~ ^usage:\ vagus\ $1\ METRIC ]] || arguments=(memory.usage) ;;
    esac
    [[ $1 == doctor || ! $help =~ -p\ PID\|NAME ]] || arguments+=(-p "$place")
}

refused() { # VERB WHERE: `status` and err.txt are judged
    ((status != 0 && status < 124)) || fault "$1, $2: exit status $status: $(cat err.txt)"
    [[ $1 != health ]] || ((status == 3)) || fault "health, $2: exit status $status is a verdict"
    (($(wc -l <err.txt) == 1)) || fault "$1, $2: not one message: $(cat err.txt)"
}

for verb in "${verbs[@]}"; do
    needs "$verb"
    # The demo tells its story to its end; it is tried elsewhere whether it ends in order.
    [[ $verb != demo ]] || continue
    # Of a process that has ended top and watch may have nothing to show.
    "$VAGUS" "$verb" "${arguments[@]}" >out.txt 2>err.txt </dev/null & # not waited for without end
    pid=$!
    for _ in {1..1500}; do
        kill -0 "$pid" 2>/dev/null || break
        sleep 0.1
    done
    kill -KILL "$pid" 2>/dev/null && fault "$verb does not end on a process that has ended"
    wait "$pid" || true
    pid=
    [[ -s out.txt ]] || continue

    status=0
    timeout 60 "$VAGUS" "$verb" "${arguments[@]}" >/dev/full 2>err.txt </dev/null || status=$?
    refused "$verb" 'a full disk'

    status=0
    timeout 60 "$VAGUS" "$verb" "${arguments[@]}" >&- 2>err.txt </dev/null || status=$?
    refused "$verb" 'closed output'

    # A pipe whose reader has gone, first as a shell leaves SIGPIPE, then as Python does.
    {
        sleep 0.2
        status=0
        timeout 60 "$VAGUS" "$verb" "${arguments[@]}" 2>err.txt </dev/null || status=$?
        echo "$status" >status.txt
    } | true
    [[ $(cat status.txt) == 141 && ! -s err.txt ]] ||
        fault "$verb, a closed pipe: exit status $(cat status.txt): $(cat err.txt)"
    (
        trap '' PIPE
        {
            sleep 0.2
            status=0
            timeout 60 "$VAGUS" "$verb" "${arguments[@]}" 2>err.txt </dev/null || status=$?
            echo "$status" >status.txt
        } | true
    )
    status=$(cat status.txt)
    refused "$verb" 'a closed pipe, SIGPIPE ignored'
done

# Messages that cannot be written change nothing.
for where in /dev/full closed; do
    status=0
    if [[ $where == closed ]]; then
        "$VAGUS" show no.such.metric -p "$place" 2>&- >out.txt || status=$?
    else
        "$VAGUS" show no.such.metric -p "$place" 2>"$where" >out.txt || status=$?
    fi
    ((status == 1)) || fault "a message to $where: exit status $status"
done

# With the standard streams closed the record does not get what was to be printed.
"$VAGUS" record -p "$place" -o closed.vrec >&- 2>&- || true
"$VAGUS" replay closed.vrec >/dev/null || fault 'a record made with its streams closed is damaged'

# A device is written to, not replaced; so is a pipe.
status=0
"$VAGUS" record -p "$place" -o /dev/full >/dev/null 2>err.txt || status=$?
((status == 1)) || fault "record -o /dev/full: exit status $status"
[[ -c /dev/full ]] || fault '/dev/full is no device any more'
mkfifo pipe
cat pipe >piped.vrec &
"$VAGUS" record -p "$place" -o pipe >/dev/null || fault 'record into a pipe'
wait
"$VAGUS" replay piped.vrec >/dev/null || fault 'what came through the pipe is no record'
exit "$failed"
