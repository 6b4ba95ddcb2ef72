#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each public header compiles alone, warning-free, as C11 and as C++17, with each compiler that is
# here. Pedantically in C; not in C++, where the flexible array of the recording path, which every
# compiler here takes, is no part of the standard.
set -euo pipefail
cd "$(dirname "$0")/../.."

failed=0 tried=0
compile() { # HEADER COMPILER FLAG...
    local header=$1
    shift
    command -v "$1" >/dev/null || return 0
    tried=$((tried + 1))
    # Included twice: the guard must hold.
    if ! printf '#include <vagus/%s>\n#include <vagus/%s>\nextern int unused;\n' "$header" "$header" |
        "$@" -Iinclude -Wall -Wextra -Wshadow -Wundef -Wwrite-strings -Wpointer-arith -Wcast-qual \
            -Werror -fsyntax-only -; then
        echo "$header does not compile alone with $*"
        failed=1
    fi
}
for header in include/vagus/*.h; do
    for c in gcc clang; do compile "${header##*/}" "$c" -x c -std=c11 -pedantic; done
    for cxx in g++ clang++; do compile "${header##*/}" "$cxx" -x c++ -std=c++17; done
done
echo "$tried compilations"
((tried > 0)) || exit 77
exit "$failed"
