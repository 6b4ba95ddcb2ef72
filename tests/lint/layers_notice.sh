#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# layers.sh must notice what it is there for: one planted violation at a time.
set -euo pipefail
layers=$(cd "$(dirname "$0")" && pwd)/layers.sh
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

failed=0
expect() { # pass|fail FILE INCLUDE
    rm -rf "${root:?}"/*
    mkdir -p "$root"/{src,include/vagus,collectors,policies} "$root/$(dirname "$2")"
    printf '/* planted */\n#include %s\n' "$3" >"$root/$2"
    got=pass
    bash "$layers" "$root" >/dev/null || got=fail
    if [[ $got != "$1" ]]; then
        echo "$2 includes $3: $got, not $1"
        failed=1
    fi
}
expect pass src/metrics/a.c '"segment/writer.h"'
expect pass src/metrics/a.c '"metrics/b.h"'
expect pass src/metrics/a.c '"vagus/metric.h"'
expect pass src/sense/a.c '"../../collectors/collectors.def"'
expect pass src/judge/a.c '"policies/policies.def"'
expect pass src/host/a.c '<hwloc.h>'
expect pass src/config/a.c '<cyaml/cyaml.h>'
expect pass collectors/a.c '"host/host.h"'
expect pass policies/a.c '<math.h>'
expect fail src/segment/a.c '"metrics/metrics.h"'
expect fail src/host/a.c '"config/config.h"'
expect fail src/judge/a.h '"report/report.h"'
expect fail src/monitor/a.c '"cli/cli.h"'
expect fail src/monitor/a.c '  "../cli/cli.h"'
expect fail src/base/a.c '"fault.h"'
expect fail src/judge/a.c '"policies/level.c"'
expect fail src/judge/a.c '"../../policies/level.c"'
expect fail src/helpers/a.c '"base/text.h"'
expect fail src/judge/a.c '"helpers/helpers.h"'
expect fail src/judge/a.c '<base/text.h>'
expect fail include/vagus/a.h '"base/text.h"'
expect fail include/vagus/a.h '<statgrab.h>'
expect fail collectors/a.c '"metrics/metrics.h"'
expect fail collectors/a.c '<statgrab.h>'
expect fail policies/a.c '"host/host.h"'
expect fail policies/a.c '"base/text.h"'
expect fail src/sense/a.c '<hwloc/glibc-sched.h>'
expect fail src/judge/a.c '<yaml.h>'
expect fail src/cli/a.c '<cyaml/cyaml.h>'
exit "$failed"
