# SPDX-License-Identifier: Apache-2.0
# Completion of vagus for fish. What may come next the command itself knows; see complete.c.

function __vagus_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l lines ($words[1] complete -- $words[2..-1] "$current" 2>/dev/null)
    switch "$lines[1]"
        case :files
            __fish_complete_path $current
        case :folders
            __fish_complete_directories $current
        case :words
            printf '%s\n' $lines[2..-1]
    end
end

complete -c vagus -f -a '(__vagus_complete)'
