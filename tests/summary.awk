# SPDX-License-Identifier: Apache-2.0
# Reads what `ctest --verbose` prints: shows what failing tests said and why others were skipped,
# and ends with the counts. Exit status 1 if any test failed or none passed.

# "12: what test 12 prints"; check.h ends with "5 run, 1 skipped, 0 checks failed".
/^[0-9]+: (Test command:|Working Directory:|Environment variables:| VAGUS=|Test timeout )/ { next }
/^[0-9]+: / {
    number = $1 + 0
    line = substr($0, length($1) + 2)
    said[number] = said[number] line "\n"
    if (line ~ /^skipped/)
        why[number] = why[number] "    " line "\n"
    if (line ~ /^[0-9]+ run, [0-9]+ skipped, [0-9]+ checks failed$/) {
        split(line, word, " ")
        cases[number] = word[3]
    }
    next
}

# " 3/40 Test #12: unit.test_text ....   Passed    0.01 sec", or "...***Failed  0.01 sec".
/^ *[0-9]+\/[0-9]+ Test +#[0-9]+: / {
    match($0, /#[0-9]+/)
    number = substr($0, RSTART + 1, RLENGTH - 1) + 0
    match($0, /: [^ ]+/)
    name = substr($0, RSTART + 2, RLENGTH - 2)
    sub(/\.\.\..*/, "", name)
    if (/ Passed +[0-9.]+ sec/) {
        passed++
        skipped += cases[number]
    } else if (/\*\*\*(Skipped|Not Run \(Disabled\))/)
        skipped += cases[number] > 0 ? cases[number] : 1
    else {
        failed++
        outcome = $0
        sub(/^.*: [^ ]+ \.*/, "", outcome)
        sub(/\*\*\*/, " ", outcome)
        printf "\n%s: %s\n%s", name, outcome, said[number]
        next
    }
    if (why[number] != "")
        notes = notes "  " name "\n" why[number]
    else if (/\*\*\*Skipped/)
        notes = notes "  " name "\n"
}

END {
    if (notes != "")
        printf "skipped:\n%s", notes
    printf "%d passed, %d failed, %d skipped\n", passed, failed, skipped
    exit failed > 0 || passed == 0
}
