#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What the monitor feels of NVIDIA's GPUs beside what nvidia-smi says, before and after: each reading
# must lie between the two, give or take the error that stands below. Skipped where there is no GPU.
# usage: compare.sh GPU_PRINT [ROOT]
set -euo pipefail

skip() {
    echo "skipped: $*" >&2
    exit 77
}
command -v nvidia-smi >/dev/null || skip "no nvidia-smi on this machine"
nvidia-smi -L 2>/dev/null | grep -q '^GPU ' || skip "nvidia-smi lists no GPU"

fields=index,memory.total,memory.used,memory.free,utilization.gpu,power.draw,enforced.power.limit
fields+=,temperature.gpu,ecc.errors.corrected.aggregate.total
fields+=,ecc.errors.uncorrected.aggregate.total,mig.mode.current
ask() {
    nvidia-smi --query-gpu="$fields" --format=csv,noheader,nounits
}

work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
ask >"$work/before"
"$@" >"$work/felt"
ask >"$work/after"

awk '
BEGIN {
    MiB = 1048576
    # Column of nvidia-smi, metric, unit of the column, error: what nvidia-smi rounds away, and what
    # changes in between on a GPU that nobody uses.
    check[2] = "hw.gpu.memory.limit";     unit[2] = MiB; slack[2] = MiB
    check[3] = "hw.gpu.memory.usage";     unit[3] = MiB; slack[3] = 64 * MiB
    check[4] = "hw.gpu.memory.free";      unit[4] = MiB; slack[4] = 64 * MiB
    check[5] = "hw.gpu.utilization";      unit[5] = .01; slack[5] = 0.2
    check[6] = "hw.gpu.power";            unit[6] = 1;   slack[6] = 30
    check[7] = "hw.gpu.power.limit";      unit[7] = 1;   slack[7] = 0.1
    check[8] = "hw.gpu.temperature";      unit[8] = 1;   slack[8] = 3
    check[9] = "hw.gpu.ecc.corrected";    unit[9] = 1;   slack[9] = 0
    check[10] = "hw.gpu.ecc.uncorrected"; unit[10] = 1;  slack[10] = 0
    check[11] = "hw.gpu.mig.mode";        unit[11] = 1;  slack[11] = 0
}
function number(text) {
    return text == "Enabled" ? 1 : text == "Disabled" ? 0 : text
}
function is_number(text) {
    return text ~ /^-?[0-9.]+$/
}
FILENAME ~ /felt$/ {
    felt[$1, $2] = $3
    if ($1 ~ /^(gpu|vagus)/)
        print $1, $3
    next
}
{
    count = split($0, value, / *, */)
    for (i = 2; i <= count; i++)
        if (FILENAME ~ /before$/)
            before[value[1], i] = number(value[i])
        else
            after[value[1], i] = number(value[i])
    gpus[value[1]] = 1
}
END {
    for (gpu in gpus)
        for (i = 2; i <= 11; i++) {
            got = felt[check[i], gpu]
            low = before[gpu, i]
            high = after[gpu, i]
            verdict = "ok"
            if (!is_number(low) || !is_number(high)) {
                # What nvidia-smi cannot tell is not to be had by us either.
                if (is_number(got))
                    verdict = "DIFFERS"
            } else {
                if (low > high) { swap = low; low = high; high = swap }
                low = low * unit[i] - slack[i]
                high = high * unit[i] + slack[i]
                if (!is_number(got) || got < low || got > high)
                    verdict = "DIFFERS"
            }
            compared++
            failed += verdict != "ok"
            printf "%-26s gpu %s  felt %-16s nvidia-smi %s .. %s %s\n", check[i], gpu, got,
                before[gpu, i], after[gpu, i], verdict
        }
    printf "%d compared, %d differ\n", compared, failed
    exit failed > 0 || compared == 0
}' "$work/felt" "$work/before" "$work/after"
