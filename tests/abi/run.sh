#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Programs that were compiled against other headers than the library's: those of former days, which
# the tree keeps, and such of days to come, whose structs have grown. usage: run.sh CASE LIBVAGUS.SO;
# a CASE is a folder of tests/fixtures/abi, or "grown"
set -euo pipefail
case=$1 library=$2
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
segments=$(mktemp -d /dev/shm/vagus-abi-XXXXXX) || exit 77
trap 'rm -rf "$work" "$segments"' EXIT

flags=()
case $case in
grown)
    cp -r "$here/../../include" "$work"
    # What a later version may do: a longer snapshot, longer options.
    sed -i '/^struct vagus_system_snapshot {/,/^};/ s/reserved\[64\];/reserved[64];\n    uint64_t grown[64];/' \
        "$work/include/vagus/snapshot.h"
    sed -i '/^struct vagus_monitor_options {/,/^};/ s/^};/    void *grown[4];\n};/' \
        "$work/include/vagus/monitor.h"
    sed -i '/^struct vagus_budget_desc {/,/^};/ s/^};/    uint64_t grown[4];\n};/' \
        "$work/include/vagus/budget.h"
    sed -i '/^struct vagus_listener_desc {/,/^};/ s/^};/    uint64_t grown[4];\n};/' \
        "$work/include/vagus/signal.h"
    if [[ $(grep -rc 'grown\[' "$work/include/vagus" | grep -c ':1$') != 4 ]]; then
        echo "the headers are no longer as this test takes them to be"
        exit 1
    fi
    headers=$work/include
    flags=(-DGROWN)
    ;;
*)
    headers=$here/../fixtures/abi/$case/include
    ;;
esac
"${CC:-cc}" -std=gnu11 -Wall -Wextra -Werror "${flags[@]}" -I"$headers" "$here/old_program.c" \
    -o "$work/elder" "$library" -Wl,-rpath,"$(dirname "$library")"
timeout 30 "$work/elder" "$segments"
# What it left behind can be looked at.
"${VAGUS:-vagus}" signals --dir "$segments" -p elder >"$work/shown"
grep -q 'throttle on queue raised' "$work/shown"
