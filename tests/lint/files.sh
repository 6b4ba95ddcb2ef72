#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Every source says its licence and what it is, and keeps its size: above 600 lines a file says
# "This file is long because" in its first ten lines, above 1,000 it is split. Functions above 60
# lines are named, not refused.
set -euo pipefail
cd "$(dirname "$0")/../.."

sources() {
    find src include collectors policies tests .ci -type f \
        \( -name '*.[ch]' -o -name '*.sh' -o -name '*.cmake' -o -name CMakeLists.txt -o -path .ci/run \) -print0
    printf '%s\0' CMakeLists.txt dev
}
sources | LC_ALL=C sort -z | xargs -0 awk '
function fault(text) {
    printf "%s: %s\n", file, text
    failed = 1
}
function finish() {
    if (file == "")
        return
    if (!licensed)
        fault("no SPDX-License-Identifier: Apache-2.0 in its first two lines")
    if (length_ > 1000 || (length_ > 600 && !explained))
        fault(length_ " lines")
}
FNR == 1 {
    finish()
    file = FILENAME
    licensed = explained = start = 0
}
{ length_ = FNR }
FNR <= 2 && /SPDX-License-Identifier: Apache-2\.0/ { licensed = 1 }
FNR <= 10 && /This file is long because/ { explained = 1 }
FILENAME ~ /\.[ch]$/ && FNR == 1 && !/^\/\* SPDX/ { fault("does not begin with its licence") }
FILENAME ~ /\.[ch]$/ && FNR == 2 && !/^\/\*/ { fault("does not go on with what it is") }
/^{/ { start = FNR }
/^}/ && start {
    if (FNR - start - 1 > 60)
        printf "%s:%d: note: a function of %d lines\n", file, start, FNR - start - 1
    start = 0
}
END {
    finish()
    exit failed
}'
