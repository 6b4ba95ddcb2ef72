#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Includes run one way. A module includes itself, the public headers and what stands lower; modules
# of one line do not include each other. Foreign libraries are fenced. usage: layers.sh [ROOT]
set -euo pipefail
cd "${1:-$(dirname "$0")/../..}"

find src include collectors policies -name '*.[ch]' -print0 | LC_ALL=C sort -z | xargs -0 awk '
BEGIN {
    lines = split("base|host config|segment|metrics|signals journal|sense judge report|outlets|" \
                  "monitor|cli bindings", line, "|")
    for (i = 1; i <= lines; i++) {
        count = split(line[i], module, " ")
        for (j = 1; j <= count; j++)
            rank[module[j]] = i
    }
    fence["statgrab.h"] = fence["hwloc.h"] = fence["hwloc"] = "host"
    fence["ncurses.h"] = fence["curses.h"] = fence["term.h"] = "cli"
    fence["yaml.h"] = fence["cyaml"] = "config"
}

function fault(text) {
    printf "%s:%d: %s\n", FILENAME, FNR, text
    failed = 1
}

# Includes of our own: path is "module/file", or a bare file beside the public header.
function own(path,    to) {
    to = path
    sub(/\/.*/, "", to)
    if (here == "vagus") {
        if (path ~ /\//)
            fault("a public header includes " path)
    } else if (path ~ /^(\.\.\/\.\.\/)?(collectors\/collectors|policies\/(policies|presets))\.def$/)
        return
    else if (path !~ /\// || path ~ /\.\./)
        fault(path " does not name its module")
    else if (to == "vagus" || to == here)
        return
    else if (here == "policies")
        fault("a rule kind sees the public headers alone, not " path)
    else if (here == "collectors") {
        if (to != "host")
            fault("a collector sees the public headers and host, not " path)
    } else if (!(to in rank))
        fault("no such module: " path)
    else if (rank[to] >= rank[here])
        fault(here " must not include " path)
}

FNR == 1 {
    here = FILENAME
    if (here ~ /^include\//)
        here = "vagus"
    else {
        sub(/^src\//, "", here)
        sub(/\/.*/, "", here)
    }
    if (FILENAME ~ /^src\// && !(here in rank))
        fault(here " has no place in the order of modules: see tests/lint/layers.sh")
}

/^[ \t]*#[ \t]*include[ \t]*["<]/ {
    path = $0
    sub(/^[^"<]*["<]/, "", path)
    sub(/[">].*/, "", path)
    if ($0 ~ /include[ \t]*"/) {
        own(path)
        next
    }
    to = path
    sub(/\/.*/, "", to)
    if (to in rank)
        fault("headers of modules are included with quotes: " path)
    if ((to in fence) && fence[to] != here)
        fault("only src/" fence[to] " includes " path)
}

END { exit failed }'
