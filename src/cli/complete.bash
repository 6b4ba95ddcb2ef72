# SPDX-License-Identifier: Apache-2.0
# Completion of vagus for bash. What may come next the command itself knows; see complete.c.
# shellcheck shell=bash

_vagus() {
    local line=${COMP_LINE:0:COMP_POINT} kind candidate current
    local -a words lines
    # shellcheck disable=SC2162 # a backslash before a space keeps a word together
    read -a words <<<"$line"
    [[ $line != *[[:space:]] ]] || words+=('')
    current=${words[-1]}
    mapfile -t lines < <("${1/#\~/$HOME}" complete -- "${words[@]:1}" 2>/dev/null)
    kind=${lines[0]:-}
    # Bash itself takes a word apart at '=' and ':'; it wants what follows the last of them.
    local whole=${current%"${COMP_WORDS[COMP_CWORD]}"}
    [[ ${COMP_WORDS[COMP_CWORD]} != [=:] ]] || whole=$current
    COMPREPLY=()
    case $kind in
    :files) compopt -o default ;; # readline's own, which knows how to quote
    :folders) compopt -o dirnames ;;
    :words)
        for candidate in "${lines[@]:1}"; do
            candidate=${candidate%%$'\t'*}
            COMPREPLY+=("${candidate#"$whole"}")
        done
        ;;
    esac
}
complete -F _vagus vagus
