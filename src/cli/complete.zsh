#compdef vagus
# SPDX-License-Identifier: Apache-2.0
# Completion of vagus for zsh. What may come next the command itself knows; see complete.c.

_vagus() {
    local -a given lines described
    local line word
    given=("${(@Q)words[2,CURRENT]}")
    given[-1]=${(Q)PREFIX}
    lines=("${(@f)$(${(Q)~words[1]} complete -- "${given[@]}" 2>/dev/null)}")
    case $lines[1] in
    :files)
        compset -P '--*='
        _files
        ;;
    :folders)
        compset -P '--*='
        _files -/
        ;;
    :words)
        for line in "${(@)lines[2,-1]}"; do
            word=${line%%$'\t'*}
            described+=("${word//:/\\:}:${line#*$'\t'}")
        done
        _describe -V 'vagus' described
        ;;
    esac
}

_vagus "$@"
