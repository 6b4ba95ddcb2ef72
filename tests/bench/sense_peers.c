/* SPDX-License-Identifier: Apache-2.0 */
/* How others read the same things: libstatgrab, libgtop, psutil. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <statgrab.h>

#include "bench.h"
#include "bench_sense.h"

#ifdef HAVE_LIBGTOP
#include <glibtop.h>
#include <glibtop/cpu.h>
#include <glibtop/fsusage.h>
#include <glibtop/loadavg.h>
#include <glibtop/mem.h>
#include <glibtop/netload.h>
#include <glibtop/procmem.h>
#include <glibtop/procstate.h>
#include <glibtop/proctime.h>
#include <glibtop/swap.h>

static void loop_libgtop(void *arg, uint64_t iterations)
{
    static bool ready;
    union {
        glibtop_cpu cpu;
        glibtop_mem mem;
        glibtop_swap swap;
        glibtop_loadavg load;
        glibtop_fsusage space;
        glibtop_netload net;
        glibtop_proc_time time;
        glibtop_proc_mem size;
        glibtop_proc_state state;
    } u;
    (void)arg;
    if (!ready)
        ready = glibtop_init() != NULL;
    for (uint64_t i = 0; i < iterations; i++) {
        glibtop_get_cpu(&u.cpu);
        glibtop_get_mem(&u.mem);
        glibtop_get_swap(&u.swap);
        glibtop_get_loadavg(&u.load);
        glibtop_get_fsusage(&u.space, ".");
        glibtop_get_fsusage(&u.space, "/tmp");
        glibtop_get_netload(&u.net, "lo");
        glibtop_get_proc_time(&u.time, getpid());
        glibtop_get_proc_mem(&u.size, getpid());
        glibtop_get_proc_state(&u.state, getpid());
    }
}
#endif

static void loop_statgrab(void *arg, uint64_t iterations)
{
    static bool ready;
    size_t entries;
    (void)arg;
    if (!ready)
        ready = sg_init(1) == SG_ERROR_NONE;
    for (uint64_t i = 0; i < iterations; i++) {
        sg_get_cpu_stats(&entries);
        sg_get_mem_stats(&entries);
        sg_get_swap_stats(&entries);
        sg_get_load_stats(&entries);
        sg_get_fs_stats(&entries);
        sg_get_disk_io_stats(&entries);
        sg_get_network_io_stats(&entries);
    }
}

void (*sense_peer_loop(const char *name))(void *arg, uint64_t iterations)
{
#ifdef HAVE_LIBGTOP
    if (strcmp(name, "libgtop") == 0)
        return loop_libgtop;
#endif
    return strcmp(name, "libstatgrab") == 0 ? loop_statgrab : NULL;
}

double sense_peer_psutil_ns(void)
{
    static const char program[] =
        "import psutil, time\n"
        "p = psutil.Process()\n"
        "def once():\n"
        "    psutil.cpu_times(); psutil.virtual_memory(); psutil.swap_memory()\n"
        "    psutil.getloadavg(); psutil.disk_usage('.'); psutil.disk_usage('/tmp')\n"
        "    psutil.disk_io_counters(); psutil.net_io_counters(pernic=True)\n"
        "    p.cpu_times(); p.memory_info(); p.num_threads(); p.num_fds(); p.num_ctx_switches()\n"
        "once()\n"
        "took = []\n"
        "for _ in range(201):\n"
        "    begin = time.perf_counter_ns(); once(); took.append(time.perf_counter_ns() - begin)\n"
        "print('value', sorted(took)[100])\n";
    static const char *const arguments[] = {"/usr/bin/python3", "-c", program,
                                            NULL}; /* which Debian's package is for */
    struct child child;
    double ns = NAN;
    if (!child_exec(&child, arguments))
        return NAN;
    if (fscanf(child.out, "value %lf", &ns) != 1)
        ns = NAN;
    return child_end(&child) ? ns : NAN;
}
