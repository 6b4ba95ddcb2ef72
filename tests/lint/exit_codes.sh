#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The table of exit codes in docs/command.md is what the verbs' help says. UPDATE=1 writes it anew.
set -euo pipefail
: "${VAGUS:?the vagus command}"
cd "$(dirname "$0")/../.."
page=docs/command.md
table=$(mktemp)
trap 'rm -f "$table" "$table.page"' EXIT
{
    printf '| verb | exit status |\n| --- | --- |\n'
    for verb in $("$VAGUS" help | awk '/^  [a-z]/ && !/usage/ { print $1 }'); do
        "$VAGUS" help "$verb" | awk -v verb="$verb" '
            /^exit status:/ { on = 1; next }
            /^$/ { on = 0 }
            on && /^  [0-9]/ {
                code = $1
                sub(/^ *[0-9]+ +/, "")
                if (code != 4 && code != 64 || (!/^no such process$/ && !/^wrong arguments(, or several processes run)?$/)) {
                    line = line (line == "" ? "" : "<br>") "**" code "** " $0
                    own = 1
                } else
                    own = 0
                next
            }
            on && own { sub(/^ +/, ""); line = line " " $0 }
            END { printf "| `%s` | %s |\n", verb, line }'
    done
} >"$table"
awk -v table="$table" '
    /^<!-- exit status: made by/ { print; while ((getline line <table) > 0) print line; skip = 1; next }
    /^<!-- end of exit status -->/ { skip = 0 }
    !skip { print }' "$page" >"$table.page"
if [[ -n ${UPDATE:-} ]]; then
    cp "$table.page" "$page"
elif ! diff -u "$page" "$table.page"; then
    echo "$page is not what the verbs say: UPDATE=1 ./dev lint -R exit_codes"
    exit 1
fi
