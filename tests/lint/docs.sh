#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The README's example, and every C block that a page of docs marks with <!-- test: run -->, is
# compiled against the library, linked and run. usage: docs.sh LIBVAGUS.SO
set -euo pipefail
library=$1
cd "$(dirname "$0")/../.."
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

# Each marked block becomes FOLDER/<page>_<line>.c, which knows where it came from.
for page in README.md docs/*.md; do
    awk -v page="$page" -v folder="$folder" '
        /^<!-- test: run -->$/ { marked = 1; next }
        /^```c$/ && marked {
            name = page
            gsub(/[\/.]/, "_", name)
            out = folder "/" name "_" FNR ".c"
            printf "#line %d \"%s\"\n", FNR + 1, page >out
            next
        }
        /^```$/ { if (out != "") close(out); out = ""; marked = 0 }
        out != "" { print >out }' "$page"
done

failed=0
if ! ls "$folder"/README_md_*.c >/dev/null 2>&1; then
    echo "README.md: no example is marked <!-- test: run -->"
    failed=1
fi
for example in "$folder"/*.c; do
    [[ -e $example ]] || continue
    program=${example%.c}
    if ! "${CC:-cc}" -std=gnu11 -Wall -Wextra -Werror -Iinclude "$example" -o "$program" "$library" \
        -Wl,-rpath,"$(dirname "$library")"; then
        failed=1
    elif ! timeout 30 "$program" >"$program.log" 2>&1; then
        echo "$(basename "$program") failed:"
        cat "$program.log"
        failed=1
    fi
done
exit "$failed"
