#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The demo tells its whole story, in a cgroup of its own where it may have one and under a declared
# limit, and leaves nothing behind: at its end, after a signal, when its reader goes away, and when
# one before it was killed.
set -euo pipefail
: "${VAGUS:?the vagus command}"

folder=$(mktemp -d -p /dev/shm)
export XDG_RUNTIME_DIR=$folder # segments of its own
trap 'rm -rf "$folder"' EXIT
cd "$folder"
failed=0
fault() {
    echo "$*" >&2
    failed=1
}

# Each pattern is found below the one before it.
in_order() { # FILE PATTERN...
    local file=$1 line=0 found pattern
    shift
    for pattern; do
        found=$(tail -n +$((line + 1)) "$file" | grep -n -m1 -E -- "$pattern" | cut -d: -f1) || true
        if [[ -z $found ]]; then
            fault "$file: not found below line $line: $pattern"
            cat "$file" >&2
            return
        fi
        line=$((line + found))
    done
}

# Services and brainstem are threads of their own: their lines mix as they come, but for what the
# one waits for from the other.
whole_story() { # FILE
    in_order "$1" '^ +[0-9.]+ s +body' 'awake at 10 Hz' ' ok ' 'leaks 40 MiB/s' \
        'llm +throttle raised: memory.headroom .* below 128 MiB' ' throttle [01]\.' \
        'cache +defer raised: memory.headroom .* below 80 MiB' 'sheds its load' \
        'cache +defer cleared' 'llm +throttle cleared' 'brainstem +recovered' ' ok ' \
        'browser +a worse leak' 'llm +throttle raised' 'cache +defer raised' \
        'lifecycle +shutdown raised: memory.headroom .* below 48 MiB' 'ends the agent in order' \
        'browser +closed' 'llm +closed' 'cache +closed' 'all ended in order' '^vagus: CRITICAL' \
        '^demo .* pid' 'shutdown on memory' '[0-9]+ messages .* tokens'
    in_order "$1" 'llm +slows down' 'llm +is back at full speed' 'llm +slows down'
    in_order "$1" 'cache +has shed [0-9]+ MiB' 'browser +a worse leak'
    in_order "$1" 'brainstem +defers' 'brainstem +takes messages again' 'brainstem +recovered'
    if grep -q $'\e' "$1"; then
        fault "$1: escape sequences, though it is no terminal"
    fi
}

# Not inside of cgroup_of, whose faults a subshell would keep to itself.
tells_its_cgroup() { # FILE
    grep -qE 'moved into a memory cgroup|uses a declared limit' "$1" ||
        fault "$1 does not say whether it has a cgroup"
}

# Where the demo says that its cgroup is; nothing if it says that it has none.
cgroup_of() { # FILE
    grep -m1 -oE '/.*/vagus-demo-[0-9]+$' "$1" || true
}

wait_for() { # FILE PATTERN
    for _ in {1..100}; do
        grep -qs -E -- "$2" "$1" && return
        sleep 0.1
    done
    fault "$1: no '$2' within 10 s"
}

demo() { # FILE [ARGUMENT...]: in the background; Ctrl-C is not ignored, as bash has it there
    exec env --default-signal=INT "$VAGUS" demo "${@:2}" >"$1" 2>&1
}

# --- The story, both ways at once. ---
demo own.txt &
own=$!
demo declared.txt --declared &
declared=$!
wait_for own.txt 'awake'
if grep -q 'uses a declared limit' own.txt; then
    echo "no cgroup here: $(sed -n 2p own.txt)"
elif ! grep -q "memory:.*/vagus-demo-$own\$\|^0::.*/vagus-demo-$own\$" "/proc/$own/cgroup"; then
    fault "process $own is not in the cgroup that it speaks of: $(cat "/proc/$own/cgroup")"
fi
for pid in $own $declared; do
    status=0
    wait "$pid" || status=$?
    ((status == 0)) || fault "exit status $status of process $pid"
done
((SECONDS < 20)) || fault "the story took $SECONDS s"
whole_story own.txt
whole_story declared.txt
in_order declared.txt 'uses a declared limit' 'declared asks for it'
cgroup=$(cgroup_of own.txt)
[[ -z $cgroup || ! -e $cgroup ]] || fault "left behind: $cgroup"

# --- Signals. ---
for signal in INT:130 TERM:143 HUP:129; do
    story=${signal%:*}.txt
    demo "$story" &
    pid=$!
    wait_for "$story" ' ok '
    kill -"${signal%:*}" "$pid"
    status=0
    wait "$pid" || status=$?
    ((status == ${signal#*:})) || fault "exit status $status after $signal"
    in_order "$story" 'leaves in order' 'llm +closed' 'all ended in order'
    cgroup=$(cgroup_of "$story")
    [[ -z $cgroup || ! -e $cgroup ]] || fault "left behind after $signal: $cgroup"
done

# --- A reader that goes away: it ends soon, in order, and silently. ---
status=0
"$VAGUS" demo 2>head.err | head -n 5 >head.txt || status=$?
((status == 141)) || fault "exit status $status after its reader went away"
[[ ! -s head.err ]] || fault "after its reader went away: $(cat head.err)"
tells_its_cgroup head.txt
cgroup=$(cgroup_of head.txt)
[[ -z $cgroup || ! -e $cgroup ]] || fault "left behind after its reader went away: $cgroup"

# --- A kill: the next one cleans up. ---
demo killed.txt &
pid=$!
wait_for killed.txt 'awake'
kill -KILL "$pid"
status=0
wait "$pid" || status=$?
((status == 137)) || fault "exit status $status after a kill"
tells_its_cgroup killed.txt
killed=$(cgroup_of killed.txt)
demo next.txt &
pid=$!
wait_for next.txt 'awake'
kill -TERM "$pid"
wait "$pid" || true
[[ -z $killed || ! -e $killed ]] || fault "left behind after a kill: $killed"

# --- No permission: said, and a declared limit instead. ---
if ((EUID == 0)) && command -v setpriv >/dev/null; then
    mkdir others
    chown 65534 others
    chmod 0711 .
    XDG_RUNTIME_DIR=$folder/others setpriv --reuid 65534 --regid 65534 --clear-groups \
        "$VAGUS" demo >others/story.txt 2>&1 &
    pid=$!
    wait_for others/story.txt 'awake|declared limit'
    kill -TERM "$pid" || true
    wait "$pid" || true
    in_order others/story.txt 'uses a declared limit' 'may not create a cgroup in .*: Permission denied'
fi

status=0
"$VAGUS" demo --nonsense >usage.txt 2>&1 || status=$?
((status == 64)) || fault "exit status $status after a wrong argument"
exit "$failed"
