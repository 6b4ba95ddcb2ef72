#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Sources are formatted as .clang-format says; `./dev format` does it. Versions of clang-format
# differ in small things, so only the one that the project uses may judge.
set -euo pipefail
cd "$(dirname "$0")/../.."
if ! clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
    echo "skipped: clang-format 14 is not here"
    exit 77
fi
if ! find src include collectors policies tests -name '*.[ch]' -print0 |
    xargs -0 clang-format --dry-run -Werror 2>&1 | sed -n 's/:.*Wclang-format-violations.*//p' |
    sort -u | awk '{ print } END { exit NR > 0 }'; then
    echo "These are not formatted. Run ./dev format."
    exit 1
fi
