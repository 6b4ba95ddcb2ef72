#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Memory, threads, descriptors, switches, faults and the process tree as vagus feels them, against
# psutil, which looks before and after, and /usr/bin/time, which is told by the kernel at the end.
# $1 is the program that is felt (process_right.c). Prints the error of each.
set -euo pipefail

program=$1
python=/usr/bin/python3 # the system's own, which Debian's packages are for
if ! "$python" -c 'import psutil' 2>/dev/null; then
    echo "skipped: there is no python3-psutil" >&2
    exit 77
fi
if [[ ! -x /usr/bin/time ]]; then
    echo "skipped: there is no /usr/bin/time" >&2
    exit 77
fi

if grep -qE '__(asan|tsan)_init' "$program"; then
    echo "skipped: a sanitizer's threads and shadow would be counted" >&2
    exit 77
fi

exec "$python" - "$program" <<'END'
import psutil, resource, subprocess, sys, time

PAGE = resource.getpagesize()
TICK = 0.01
# From Linux 6.2 on ru_maxrss is made of three counts that each CPU keeps in batches of its own,
# where statm and VmHWM add them up.
BATCHES = 3 * psutil.cpu_count() * max(32, 2 * psutil.cpu_count()) * PAGE
failures = 0


def check(what, felt, low, high, slack):
    """Felt between two looks of the other: the value lies between theirs, give or take slack."""
    global failures
    low, high = min(low, high), max(low, high)
    error = felt - high if felt > high else felt - low if felt < low else 0
    verdict = "ok" if abs(error) <= slack else "WRONG"
    failures += verdict != "ok"
    print(f"{what:<40} {felt:>16.3f}  error {error:+.3f}  allowed {slack:g}  {verdict}")


class Felt:
    def __init__(self, program):
        self.time = subprocess.Popen(
            ["/usr/bin/time", "-f", "time %M %U %S %w %c %F", program],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.do("none")
        self.process = psutil.Process(self.time.pid).children()[0]

    def do(self, command):
        self.time.stdin.write(command + "\n")
        self.time.stdin.flush()
        answer = {}
        for line in self.time.stdout:
            if line == "done\n":
                return answer
            name, value = line.split()
            try:
                answer[name] = float(value)
            except ValueError:
                print("not felt:", name, value)
        sys.exit("the program has ended")

    def psutil(self):
        p = self.process
        tree = [p] + p.children(recursive=True)
        cpu = [t.cpu_times() for t in tree]
        with p.oneshot():
            full, switches = p.memory_info(), p.num_ctx_switches()
            return {
                "process.memory.usage": full.rss,
                "process.memory.virtual": full.vms,
                "process.memory.swapped": sum(m.swap for m in p.memory_maps()),
                "process.thread.count": p.num_threads(),
                "process.unix.file_descriptor.count": p.num_fds(),
                "process.start_time": p.create_time(),
                "process.uptime": time.time() - p.create_time(),
                "process.cpu.time": p.cpu_times().user + p.cpu_times().system,
                "process.tree.count": len(tree),
                "process.tree.thread.count": sum(t.num_threads() for t in tree),
                "process.tree.cpu.time": sum(
                    c.user + c.system + c.children_user + c.children_system for c in cpu),
                "process.tree.memory.usage": sum(t.memory_info().rss for t in tree),
                "system.paging.usage": psutil.swap_memory().used,
                "system.paging.in": psutil.swap_memory().sin,
                "system.paging.out": psutil.swap_memory().sout,
            }, tree

    def look(self, what):
        print(what)
        before, tree = self.psutil()
        felt = self.do("look")
        after, tree = self.psutil()
        slack = {
            "process.start_time": 1.0 + TICK,  # psutil's btime is in whole seconds
            "process.uptime": 1.0 + TICK,
            "process.cpu.time": 2 * TICK,
            "process.tree.cpu.time": 2 * TICK * len(tree),
            "process.memory.usage": PAGE,
            "process.tree.memory.usage": PAGE * len(tree),
        }
        for name in before:
            if name in felt:
                check(name, felt[name], before[name], after[name], slack.get(name, 0))
            else:
                check(name + " is not felt", 1, 0, 0, 0)
        return felt

    def end(self):
        self.time.stdin.write("quit\n")
        self.time.stdin.flush()
        error = self.time.communicate()[1]
        told = [l for l in error.splitlines() if l.startswith("time ")][0].split()[1:]
        return dict(zip(("peak", "user", "system", "voluntary", "involuntary", "major"),
                        map(float, told)))


felt = Felt(sys.argv[1])
first = felt.look("at first")
felt.do("touch 48")
felt.do("threads 100")
felt.do("files 50")
second = felt.look("48 MiB touched, 100 threads, 50 descriptors")
check("48 MiB more are resident", second["process.memory.usage"] - first["process.memory.usage"],
      48 << 20, 48 << 20, 100 * 6 * PAGE)  # and what 100 stacks touch
check("100 threads more", second["process.thread.count"] - first["process.thread.count"], 100, 100, 0)
check("50 descriptors more", second["process.unix.file_descriptor.count"]
      - first["process.unix.file_descriptor.count"], 50, 50, 0)
if felt.do("lock 4").get("locked"):
    third = felt.look("4 MiB locked")
    check("4 MiB more are locked", third["process.memory.locked"] - first["process.memory.locked"],
          4 << 20, 4 << 20, 0)
for i in range(3):
    felt.do("burn 0.3")
fourth = felt.look("three children that used 0.3 s each")
check("0.9 s more of the tree", fourth["process.tree.cpu.time"] - second["process.tree.cpu.time"],
      0.9, 0.95, 8 * TICK)
felt.do("reap")
fifth = felt.look("the same, waited for")
check("the tree's time goes on", fifth["process.tree.cpu.time"], fourth["process.tree.cpu.time"],
      fourth["process.tree.cpu.time"] + 0.1, 0)
felt.do("switch 300")
last = felt.look("300 short sleeps")
check("300 voluntary switches more", last["process.context_switches.voluntary"]
      - fifth["process.context_switches.voluntary"], 300, 320, 0)
told = felt.end()
print("at the end, by /usr/bin/time")
check("peak of resident size", last["process.memory.peak"], told["peak"] * 1024,
      told["peak"] * 1024, BATCHES + 32 * PAGE)  # and what the end itself touches
check("CPU time of the tree", last["process.tree.cpu.time"], told["user"] + told["system"],
      told["user"] + told["system"], 6 * TICK)

# Without children, whose switches and faults it would add.
felt = Felt(sys.argv[1])
felt.do("switch 200")
last = felt.do("look")
told = felt.end()
check("voluntary switches", last["process.context_switches.voluntary"], told["voluntary"] - 8,
      told["voluntary"], 0)
check("major faults", last["process.paging.faults.major"], told["major"], told["major"], 0)
print("failures:", failures)
sys.exit(failures != 0)
END
