#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Completion in the real shells: verbs, options, words, agents and metrics of what runs or has
# ended, files and folders.
set -euo pipefail
: "${VAGUS:?the vagus command}"
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)

folder=$(mktemp -d -p /dev/shm)
pid=
trap '[[ -z $pid ]] || kill -KILL "$pid" 2>/dev/null || true; rm -rf "$folder"' EXIT
export XDG_RUNTIME_DIR=$folder HOME=$folder TERM=vt100 XDG_CONFIG_HOME=$folder XDG_DATA_HOME=$folder
mkdir -m 0700 "$folder/vagus" "$folder/bin" "$folder/zsh" "$folder/policies"
ln -s "$VAGUS" "$folder/bin/vagus"
cp "$source/src/cli/complete.zsh" "$folder/zsh/_vagus"
touch "$folder/policy one.yaml"
export PATH=$folder/bin:$PATH
cd "$folder"

# A black box is enough.
"$VAGUS" demo --declared >story.txt 2>&1 &
pid=$!
for _ in {1..300}; do
    grep -q 'awake' story.txt && break
    sleep 0.1
done
kill -KILL "$pid"
wait "$pid" 2>/dev/null || true
pid=

failed=0 tried=0
skip() { # SHELL WHY
    echo "skipped: $1: $2" >&2
}

if ! command -v python3 >/dev/null; then
    skip 'bash and zsh' 'there is no python3, which types for us'
else
    for shell in bash zsh; do
        command -v $shell >/dev/null || { skip $shell 'it is not installed'; continue; }
        script=$source/src/cli/complete.bash
        [[ $shell != zsh ]] || script=$folder/zsh/_vagus
        timeout 100 python3 "$here/completion.py" $shell "$script" || failed=1
        tried=1
    done
fi

fish_says() { # LINE CANDIDATE...
    local line=$1 said candidate
    shift
    said=$(fish --no-config -c "source $source/src/cli/complete.fish; complete -C '$line'" 2>&1) || true
    for candidate; do
        if ! grep -q -F -e "$candidate" <<<"$said"; then
            echo "fish: '$line' does not offer '$candidate': $said" >&2
            failed=1
        fi
    done
}

if command -v fish >/dev/null; then
    fish_says 'vagus heal' $'health\tprint the health'
    fish_says 'vagus s' show signals
    fish_says 'vagus ' ps doctor version
    fish_says 'vagus show --las' --last
    fish_says 'vagus show --last ' 10m 24h
    fish_says 'vagus check --show-preset cont' container
    fish_says 'vagus check --show-preset=cont' --show-preset=container
    fish_says 'vagus health -p de' demo
    fish_says 'vagus show -p demo memory.' memory.usage memory.headroom
    fish_says 'vagus check po' 'policy one.yaml' policies
    fish_says 'vagus health --dir po' policies
    tried=1
else
    skip fish 'it is not installed'
fi
((tried)) || exit 77
exit "$failed"
