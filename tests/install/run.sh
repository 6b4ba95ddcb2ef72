#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The installed library as its users meet it. usage: run.sh CASE BUILD; the case `prefix` installs
# into BUILD/tests/prefix, the others use what lies there.
set -euo pipefail
case=$1 build=$2
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
prefix=$build/tests/prefix
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cc=${CC:-cc}
warnings=(-Wall -Wextra -Werror)

need() { # PROGRAM
    command -v "$1" >/dev/null && return
    echo "skipped: $1 is not here"
    exit 77
}

# pkg-config sees the prefix before the system.
pc() {
    local folder
    folder=$(dirname "$(find "$prefix" -name vagus.pc)")
    PKG_CONFIG_PATH=$folder pkg-config "$@"
}

library_folder() {
    pc --variable=libdir vagus
}

# Runs a program against the libraries of the prefix.
run() {
    LD_LIBRARY_PATH=$(library_folder) timeout 30 "$@"
}

needs_shared_library() { # PROGRAM: it loads libvagus.so
    LC_ALL=C readelf -d "$1" | grep -q 'NEEDED.*libvagus\.so\.'
}

case $case in
prefix)
    rm -rf "$prefix"
    cmake --install "$build" --prefix "$prefix" >/dev/null
    run "$prefix/bin/vagus" version
    for file in man/man1/vagus.1 man/man1/vagus-health.1 zsh/site-functions/_vagus \
        bash-completion/completions/vagus fish/vendor_completions.d/vagus.fish; do
        [[ -s $prefix/share/$file ]] || { echo "share/$file is not installed"; exit 1; }
    done
    ! compgen -G "$prefix/share/man/man1/vagus-complete*" >/dev/null # hidden
    ;;
pkgconfig)
    # shellcheck disable=SC2046 # flags are words
    "$cc" "${warnings[@]}" "$here/uses_vagus.c" -o "$work/program" $(pc --cflags --libs vagus)
    needs_shared_library "$work/program"
    run "$work/program"
    ;;
pkgconfig_static)
    # Where both libraries lie in one folder, -lvagus means the shared one: hence the -l:.
    # shellcheck disable=SC2046 # flags are words
    "$cc" "${warnings[@]}" "$here/uses_vagus.c" "$here/own_names.c" -o "$work/program" \
        $(pc --static --cflags --libs vagus | sed 's/-lvagus\b/-l:libvagus.a/')
    if needs_shared_library "$work/program"; then
        echo "the program still needs libvagus.so"
        exit 1
    fi
    timeout 30 "$work/program"
    ;;
cmake)
    cmake -G Ninja -S "$here/consumer" -B "$work" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$cc" \
        -DCMAKE_BUILD_TYPE=Debug >"$work/log" || { cat "$work/log"; exit 1; }
    cmake --build "$work" >"$work/log" || { cat "$work/log"; exit 1; }
    needs_shared_library "$work/shared"
    ! needs_shared_library "$work/static"
    timeout 30 "$work/shared"
    timeout 30 "$work/static"
    ;;
cplusplus)
    need "${CXX:-c++}"
    # shellcheck disable=SC2046 # flags are words
    "${CXX:-c++}" -std=c++17 "${warnings[@]}" "$here/uses_vagus.cpp" -o "$work/program" \
        $(pc --cflags --libs vagus)
    run "$work/program"
    ;;
own_collector)
    # shellcheck disable=SC2046 # flags are words
    "$cc" "${warnings[@]}" "$here/own_collector.c" -o "$work/program" $(pc --cflags --libs vagus)
    run "$work/program"
    ;;
fifth_collector)
    # A sense more is one new file and one line: in a copy of the tree, nothing else is touched.
    cp -r "$source"/{CMakeLists.txt,include,src,collectors,policies} "$work"
    cp "$source/tests/lint/fifth/clock.c" "$work/collectors/"
    echo 'VAGUS_COLLECTOR(clock)' >>"$work/collectors/collectors.def"
    {
        cmake -S "$work" -B "$work/build" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DVAGUS_TESTS=OFF
        cmake --build "$work/build" --target vagus_shared
    } >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
    "$cc" "${warnings[@]}" -I"$work/include" "$here/sees_metric.c" -o "$work/program" \
        "$work/build/libvagus.so" -Wl,-rpath,"$work/build"
    timeout 30 "$work/program" fifth.clock.wall
    ;;
*)
    echo "run.sh: no such case: $case"
    exit 64
    ;;
esac
