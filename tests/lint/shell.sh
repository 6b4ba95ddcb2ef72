#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The shell scripts parse, and shellcheck has nothing to say where it is installed.
set -euo pipefail
cd "$(dirname "$0")/../.."
mapfile -t scripts < <(find tests -name '*.sh'; echo dev; echo .ci/run; echo src/cli/complete.bash)
for script in "${scripts[@]}"; do
    bash -n "$script"
done
if command -v shellcheck >/dev/null; then
    shellcheck --severity=warning "${scripts[@]}"
fi
