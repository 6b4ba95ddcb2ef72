#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Boots a Debian kernel under qemu's software emulation, with cgroup v2 alone, and runs there what
# needs it: see init. Nothing is installed: the kernel is unpacked from its package into the build
# folder. Prints TAP; exits with 0 if all is well, 1 if not, 77 if the guest cannot be had.
#
#   run.sh BUILD             run
#   run.sh BUILD --capture   run, then write the kernel's files into tests/fixtures/v2-guest
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
build=$(cd "$1" && pwd)
mode=${2:-}
guest=$build/guest
root=$guest/root
log=$guest/console.log
timeout_s=240

skip() {
    echo "1..0 # SKIP $*"
    exit 77
}

# The kernel of the machine's own distribution, fetched once.
fetch_kernel() {
    local package
    kernel=$(compgen -G "$guest/kernel/boot/vmlinuz-*" | sort -V | tail -n 1) || true
    if [[ -n $kernel ]]; then
        return
    fi
    package=$(apt-cache depends linux-image-cloud-amd64 2>/dev/null |
        sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p' | head -n 1)
    [[ -n $package ]] || skip 'no package linux-image-cloud-amd64 in the lists'
    mkdir -p "$guest/kernel"
    (cd "$guest" && apt-get download "$package" >apt.log 2>&1) ||
        skip "the kernel's package cannot be fetched: $(tail -n 1 "$guest/apt.log")"
    dpkg-deb --fsys-tarfile "$guest/$package"_*.deb | tar -x -C "$guest/kernel" --wildcards './boot/*'
    rm -f "$guest/$package"_*.deb
    kernel=$(compgen -G "$guest/kernel/boot/vmlinuz-*" | sort -V | tail -n 1)
}

# A program and the libraries that it needs.
bundle() { # PROGRAM FOLDER
    local library
    mkdir -p "$root$2"
    strip -o "$root$2/$(basename "$1")" "$1"
    { ldd "$1" 2>/dev/null || true; } | sed -n 's|^[^/]*\(/[^ ]*\).*|\1|p' |
        while read -r library; do
            [[ -e $root$library ]] || install -D "$library" "$root$library"
        done
}

for program in qemu-system-x86_64 cpio busybox; do
    command -v "$program" >/dev/null || skip "no $program here"
done
fetch_kernel
rm -rf "$root"
mkdir -p "$root/bin" "$root/tests"
bundle "$(command -v busybox)" /bin
bundle "$build/vagus" /bin
while read -r program; do
    bundle "$build/tests/$program" /tests
done <"$here/programs"
ln -s busybox "$root/bin/sh"
mkdir -p "$root$(dirname "$here")" # the tests look for their fixtures where they were built
cp -r "$here/../fixtures" "$root$(dirname "$here")/fixtures"
install -m 755 "$here/init" "$root/init"
(cd "$root" && find . | cpio -o -H newc --quiet | gzip -1) >"$guest/initrd"

status=0
timeout "$timeout_s" qemu-system-x86_64 -accel tcg,thread=multi -cpu max -smp 2 -m 768 \
    -nodefaults -no-user-config -no-reboot -display none -serial stdio \
    -kernel "$kernel" -initrd "$guest/initrd" \
    -append "console=ttyS0 quiet psi=1 panic=-1 cgroup_no_v1=all ${mode#--}" \
    </dev/null >"$log" 2>"$guest/qemu.log" || status=$?

tr -d '\r' <"$log" | sed '/^--- fixture begins$/,/^--- fixture ends$/d' |
    grep -E '^(ok|not ok|#|1\.\.)' || true
if ((status != 0)); then
    echo "not ok - the guest ended with status $status; see $log"
    exit 1
fi
plan=$(tr -d '\r' <"$log" | sed -n 's/^1\.\.\([0-9]*\)$/\1/p')
if [[ -z $plan || $plan == 0 ]]; then
    echo "not ok - the guest did not come to its end; see $log"
    exit 1
fi
if grep -q '^not ok' "$log"; then
    exit 1
fi
passed=$(tr -d '\r' <"$log" | grep -c '^ok ') || true # none: 0, and grep says 1
if ((passed != plan)); then
    echo "not ok - $passed of $plan passed; see $log"
    exit 1
fi

if [[ $mode == --capture ]]; then
    fixture=$here/../fixtures/v2-guest
    rm -rf "$fixture"
    mkdir -p "$fixture"
    tr -d '\r' <"$log" | sed -n '/^--- fixture begins$/,/^--- fixture ends$/p' | grep -v '^---' |
        base64 -d | tar -xz -C "$fixture"
    echo "# captured $(find "$fixture" -type f | wc -l) files into tests/fixtures/v2-guest"
fi
