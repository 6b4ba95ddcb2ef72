#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What a live monitor signalled, and what a replay of its own record under the same policy says, are
# the same. A record of a process that was killed; a full disk; a damaged file.
set -euo pipefail
: "${VAGUS:?the vagus command}"

folder=$(mktemp -d -p /dev/shm)
export XDG_RUNTIME_DIR=$folder # segments of its own
pid=""
mounted=""
cleanup() {
    [[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true
    [[ -z $mounted ]] || umount "$mounted" || true
    rm -rf "$folder"
}
trap cleanup EXIT
cd "$folder"
failed=0
fault() {
    echo "$*" >&2
    failed=1
}

# The demo's own policy.
cat >demo.yaml <<'EOF'
agent: demo
limits: { memory: 256MiB }
rules:
  - name: memory-headroom
    metric: memory.headroom
    throttle: { below: 128MiB, clear: 176MiB }
    defer:    { below: 80MiB,  clear: 128MiB }
    shutdown: { below: 48MiB,  clear: 96MiB }
    min_hold: 500ms
EOF
cat >later.yaml <<'EOF'
rules:
  - name: memory-late
    metric: memory.headroom
    throttle: { below: 90MiB, clear: 176MiB }
    min_hold: 500ms
EOF

: >story.txt
"$VAGUS" demo --declared >story.txt 2>&1 &
pid=$!
for _ in {1..150}; do
    grep -q 'throttle cleared' story.txt && break
    sleep 0.1
done
grep -q 'throttle cleared' story.txt || fault "the demo did not get so far: $(cat story.txt)"

# Of a process that runs, then of the same one killed.
"$VAGUS" record -p demo -o alive.vrec >said.txt || fault "record: $(cat said.txt)"
grep -q ' of [0-9]* metrics, [0-9]* signals, ' said.txt || fault "record said $(cat said.txt)"
kill -KILL "$pid" || fault "the demo ended too early"
wait "$pid" 2>/dev/null || true
pid=
"$VAGUS" record -p demo -o dead.vrec >/dev/null || fault "a dead process cannot be recorded"
[[ $(stat -c %a dead.vrec) == 600 ]] || fault "dead.vrec has mode $(stat -c %a dead.vrec)"

for file in alive dead; do
    "$VAGUS" replay $file.vrec --policy demo.yaml >timeline.txt || fault "replay: exit status $?"
    grep -q '^open loop' timeline.txt || fault "it does not say that it is open-loop"
    grep -E '^  [<>]' timeline.txt | grep -v ' alone' && fault "$file: live and replay differ"
    last=$(tail -n 1 timeline.txt)
    [[ $last =~ demo.yaml:\ ([0-9]+)\ raised\ or\ cleared\;\ live:\ ([0-9]+)\;\ ([0-9]+)\ in\ both ]] ||
        fault "the last line is $last"
    [[ ${BASH_REMATCH[1]} -ge 1 && ${BASH_REMATCH[1]} == "${BASH_REMATCH[2]}" &&
        ${BASH_REMATCH[1]} == "${BASH_REMATCH[3]}" ]] || fault "$file: $(cat timeline.txt)"
done

# Two policies.
"$VAGUS" replay dead.vrec --policy demo.yaml --against later.yaml >timeline.txt
grep -q '^  > .* throttle raised .* by memory-late' timeline.txt || fault "$(cat timeline.txt)"
grep -q '^  < .* throttle raised .* by memory-headroom' timeline.txt || fault "$(cat timeline.txt)"

refused() { # PATTERN FILE...
    local pattern=$1 status=0
    shift
    said=$("$VAGUS" replay "$@" 2>&1) || status=$?
    [[ $status == 1 ]] && grep -q "$pattern" <<<"$said" || fault "replay $*: $status: $said"
}

# Damage.
head -c 1000 dead.vrec >cut.vrec
refused 'cut off' cut.vrec
cp dead.vrec flipped.vrec
printf '\377' | dd of=flipped.vrec bs=1 seek=500 conv=notrunc status=none
refused 'checksum' flipped.vrec
refused 'no record of vagus' demo.yaml
refused 'No such file' nowhere.vrec
chmod u+w dead.vrec
refused 'no regular file' .

# A full disk leaves no half file.
mkdir small
if mount -t tmpfs -o size=8k tmpfs small 2>/dev/null; then
    mounted=$folder/small
    status=0
    said=$("$VAGUS" record -p demo -o small/full.vrec 2>&1) || status=$?
    [[ $status == 1 ]] && grep -q 'No space left' <<<"$said" || fault "full disk: $status: $said"
    [[ -z $(ls -A small) ]] || fault "left behind: $(ls -lA small)"
    umount small
    mounted=
else
    echo "a full disk cannot be tried here: no mount" >&2
fi
exit $failed
