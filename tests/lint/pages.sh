#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each verb has a manual page, and mandoc and groff have nothing to say about it. usage: pages.sh
# FOLDER
set -euo pipefail
: "${VAGUS:?the vagus command}"
cd "$1"
failed=0
verbs=$("$VAGUS" help | awk '/^  [a-z]/ && !/usage/ { print $1 }')
[[ -n $verbs ]] || { echo 'the help names no verb'; failed=1; }
for verb in $verbs; do
    [[ -s vagus-$verb.1 ]] || { echo "no page of $verb"; failed=1; }
    grep -q "vagus\\\\-$verb (1)" vagus.1 || { echo "vagus.1 does not name $verb"; failed=1; }
done
command -v mandoc >/dev/null || command -v groff >/dev/null || {
    echo 'skipped: neither mandoc nor groff is here'
    exit $((failed ? 1 : 77))
}
for page in *.1; do
    said=
    if command -v mandoc >/dev/null; then
        said=$(mandoc -Tlint -Wwarning "$page" 2>&1) || said+=" (mandoc ended with $?)"
    fi
    if command -v groff >/dev/null; then
        said+=$(groff -man -ww -Tutf8 -z "$page" 2>&1) || said+=" (groff ended with $?)"
    fi
    if [[ -n $said ]]; then
        echo "$page: $said"
        failed=1
    fi
done
exit "$failed"
