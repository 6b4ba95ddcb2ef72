#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the shared library exports and what the static one defines globally, against symbols.txt.
# usage: symbols.sh LIBVAGUS.SO LIBVAGUS.A; VAGUS_REFRESH=1 writes symbols.txt from the shared one.
set -euo pipefail
export LC_ALL=C
wanted=$(dirname "$0")/symbols.txt

shared=$(nm -D --defined-only --format=posix "$1" | cut -d' ' -f1 | sort)
static=$(nm -g --defined-only --format=posix "$2" | awk 'NF > 1 { print $1 }' | sort)

if [[ ${VAGUS_REFRESH:-} == 1 ]]; then
    printf '%s\n' "$shared" >"$wanted"
fi
failed=0
compare() { # NAME SYMBOLS
    if ! diff -u --label symbols.txt --label "$1" "$wanted" <(printf '%s\n' "$2"); then
        failed=1
    fi
    if foreign=$(printf '%s\n' "$2" | grep -v '^vagus_'); then
        echo "$1: not ours to define: ${foreign//$'\n'/, }"
        failed=1
    fi
}
compare libvagus.so "$shared"
compare libvagus.a "$static"
if ((failed)); then
    echo "If the change is meant, run VAGUS_REFRESH=1 ./dev test -R lint.symbols and commit symbols.txt."
fi
exit "$failed"
