#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Whatever stands in the place of a segment, each verb that looks at one says what is wrong, with
# an exit status of its own, and none crashes or hangs. Verbs are found by their help: a new one is
# walked too.
set -euo pipefail
: "${VAGUS:?the vagus command}"

folder=$(mktemp -d -p /dev/shm)
pid=
trap '[[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true; rm -rf "$folder"' EXIT
export XDG_RUNTIME_DIR=$folder TERM=dumb
mkdir -m 0700 "$folder/vagus" "$folder/work"
cd "$folder/work"
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
good=$(echo "$folder"/vagus/demo-*.vagus)
[[ -f $good ]] || { echo "no segment: $good"; exit 1; }
mv "$good" segment
size=$(stat -c %s segment)
place=$folder/vagus/demo-0123456789abcdef.vagus

mapfile -t verbs < <("$VAGUS" help | awk '/^  [a-z]/ && !/usage/ { print $1 }' |
    while read -r verb; do
        "$VAGUS" help "$verb" | grep -q -e '-p PID|NAME' && echo "$verb"
    done)
((${#verbs[@]} >= 5)) || fault "too few verbs: ${verbs[*]}"

# Sets `arguments`: what a verb needs beside -p.
needs() { # VERB
    local usage
    usage=$("$VAGUS" help "$1" | sed '/^$/,$d')
    arguments=()
    [[ ! $usage =~ vagus\ $1\ METRIC ]] || arguments+=(memory.usage)
    [[ ! $usage =~ \ -o,\ --output\ FILE || $usage =~ \[-o, ]] || arguments+=(-o "$folder/work/out")
}

# Runs a verb on what lies there; sets `status` and `said`.
look() { # VERB ARGUMENT...
    local verb=$1
    shift
    needs "$verb"
    status=0
    timeout 60 "$VAGUS" "$verb" "${arguments[@]}" "$@" >out.txt 2>err.txt </dev/null || status=$?
    said=$(cat err.txt)
}

expected() { # VERB: the exit codes that its help names
    "$VAGUS" help "$1" | sed -n '/^exit status:/,/^$/s/^  \([0-9]*\) .*/\1/p'
}

# It must be refused with one message that names the reason.
refused() { # DAMAGE REASON
    local verb
    for verb in "${verbs[@]}"; do
        look "$verb" -p "$place"
        ((status != 0 && status < 124)) || fault "$verb, $1: exit status $status: $said"
        grep -q -x "$status" <(expected "$verb") || fault "$verb, $1: its help names no $status"
        (($(wc -l <err.txt) == 1)) || fault "$verb, $1: not one message: $said"
        [[ $said =~ ^"vagus $verb: ".*($2) ]] || fault "$verb, $1: not '$2': $said"
        [[ ! -s out.txt ]] || fault "$verb, $1: prints all the same: $(head -c 200 out.txt)"
    done
    "$VAGUS" ps --dir "$folder/vagus" >out.txt 2>&1 || fault "ps, $1: exit status $?"
    grep -q 'demo.*cannot be read' out.txt || fault "ps, $1: $(cat out.txt)"
    "$VAGUS" ps --dir "$folder/vagus" --json >out.txt || fault "ps --json, $1: exit status $?"
    grep -q -E "$2" out.txt || fault "ps --json, $1: $(cat out.txt)"
    rm -rf "$place"
}

# What is damaged inside may be shown or refused, but nobody crashes or hangs.
survived() { # DAMAGE
    local verb
    for verb in "${verbs[@]}"; do
        [[ $verb != doctor ]] || continue # it runs a monitor of its own, and looks at the pid alone
        look "$verb" -p "$place"
        grep -q -x "$status" <(expected "$verb") || fault "$verb, $1: exit status $status: $said"
        if LC_ALL=C grep -q $'[\x01-\x08\x0b-\x1f\x7f]' out.txt; then
            fault "$verb, $1: prints control characters"
        fi
    done
    timeout 60 "$VAGUS" ps --dir "$folder/vagus" >/dev/null || fault "ps, $1: exit status $?"
    rm -rf "$place"
}

put_bytes() { # OFFSET BYTES: over the copy at the place
    printf '%b' "$2" | dd of="$place" bs=1 seek="$1" conv=notrunc status=none
}

# --- What is not read at all. ---
corrupt='damaged'
touch "$place"
refused 'empty' "$corrupt"
head -c 5000 segment >"$place"
refused 'truncated to little' "$corrupt"
cp segment "$place"
truncate -s -4096 "$place"
refused 'truncated by a page' "$corrupt"
cp segment "$place"
truncate -s +4096 "$place"
refused 'grown' "$corrupt"
cp segment "$place"
put_bytes 8 '\x63'
refused 'of another version' 'another version'
head -c "$size" /dev/urandom >"$place"
refused 'garbage' "$corrupt"
head -c "$size" /dev/zero >"$place"
refused 'zeroes' "$corrupt"
ln -s "$folder/work/segment" "$place"
refused 'a symbolic link' 'symbolic link|permission denied'
ln -s "$folder/nowhere" "$place"
refused 'a dangling link' 'symbolic link|permission denied'
mkfifo -m 0600 "$place"
refused 'a FIFO' "$corrupt|FIFO"
mkdir "$place"
refused 'a folder' "$corrupt|folder"
python3 - "$place" 2>/dev/null <<'END' && refused 'a socket' "$corrupt|socket"
import socket, sys
socket.socket(socket.AF_UNIX).bind(sys.argv[1])
END
rm -rf "$place"

# --- What is read with suspicion: each section, and words of the header, overwritten. ---
for offset in 16 24 40 48 64 72 $(seq 88 24 304); do
    cp segment "$place"
    put_bytes "$offset" '\xff\xff\xff\xff\xff\xff\xff\x7f'
    survived "header at $offset"
done
for round in 1 2 3 4 5 6 7 8; do
    cp segment "$place"
    # A page of noise in each 64 KiB, the header spared.
    for ((at = 4096 + round * 512; at < size; at += 65536 * round)); do
        head -c 1024 /dev/urandom | dd of="$place" bs=512 seek=$((at / 512)) conv=notrunc status=none
    done
    survived "noise, round $round"
done

# Whole again, it is read.
cp segment "$place"
for verb in "${verbs[@]}"; do
    look "$verb" -p "$place"
    grep -q -x "$status" <(expected "$verb") || fault "$verb: exit status $status: $said"
done
exit "$failed"
