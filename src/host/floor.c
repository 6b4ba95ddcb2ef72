/* SPDX-License-Identifier: Apache-2.0 */
/* The machine without /proc: what POSIX and libstatgrab tell, behind the same functions as on
 * Linux. What neither tells rightly is VAGUS_EUNSUPPORTED: src/host/floor.cmake writes a function
 * that says so for each that is not defined here. libstatgrab's differences and its file systems
 * are never asked for: the ones overflow, the others block. Unlike the Linux sources, libstatgrab
 * may allocate at each call. Injected roots tell nothing here. */
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <statgrab.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "host/inside.h"
#include "host/network.h"

#define DESCRIPTORS_AT_ONCE 256
#define DESCRIPTORS_MOST 65536

void host_procfs_open(struct host *host)
{
    host->descriptors_fd = -1;
    host->descriptors_error = VAGUS_EUNSUPPORTED;
}

/* Absolute times; the library's own percentages leave iowait out of their total. Steal and
 * interrupts are not told, so that a busy host may seem less so. */
int host_cpu_times(struct host *host, struct host_cpu_times *times)
{
    size_t entries = 0;
    const sg_cpu_stats *cpu = host->statgrab_open ? sg_get_cpu_stats(&entries) : NULL;
    if (cpu == NULL || entries == 0)
        return VAGUS_EUNSUPPORTED;
    *times = (struct host_cpu_times){.user = cpu->user,
                                     .nice = cpu->nice,
                                     .system = cpu->kernel,
                                     .idle = cpu->idle,
                                     .iowait = cpu->iowait};
    return 0;
}

/* What is free, the file cache included where the system counts it so. It errs high where shared
 * memory is cache, hence `available_estimated`. */
int host_memory_available(struct host *host, struct host_memory *memory)
{
    size_t entries = 0;
    const sg_mem_stats *found = host->statgrab_open ? sg_get_mem_stats(&entries) : NULL;
    if (found == NULL || entries == 0)
        return VAGUS_EUNSUPPORTED;
    if (found->total == 0 || found->free > found->total)
        return VAGUS_EPARSE;
    *memory = (struct host_memory){
        .total_bytes = found->total, .available_bytes = found->free, .available_estimated = true};
    return 0;
}

int host_memory(struct host *host, struct host_memory *memory)
{
    struct host_memory found;
    size_t entries = 0;
    int error = host_memory_available(host, &found);
    if (error != 0)
        return error;
    const sg_swap_stats *swap = sg_get_swap_stats(&entries);
    if (swap != NULL && entries > 0 && swap->free <= swap->total) {
        found.swap_total_bytes = swap->total;
        found.swap_free_bytes = swap->free;
        found.swap_known = true;
    }
    *memory = found;
    return 0;
}

int host_process_cpu_ns(struct host *host, uint64_t *cpu_ns)
{
    struct timespec used;
    if (!host->machine || clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) != 0)
        return VAGUS_EUNSUPPORTED;
    *cpu_ns = (uint64_t)used.tv_sec * 1000000000u + (uint64_t)used.tv_nsec;
    return 0;
}

static int limit_of(int resource, uint64_t *value)
{
    struct rlimit limit;
    if (getrlimit(resource, &limit) != 0)
        return VAGUS_EIO;
    *value = limit.rlim_cur == RLIM_INFINITY ? HOST_UNLIMITED : limit.rlim_cur;
    return 0;
}

int host_limits(struct host *host, struct host_limits *limits)
{
    struct host_limits found;
    if (!host->machine)
        return VAGUS_EUNSUPPORTED;
    int error = limit_of(RLIMIT_AS, &found.address_space_bytes);
    if (error == 0)
        error = limit_of(RLIMIT_NOFILE, &found.descriptors);
    if (error == 0)
        *limits = found;
    return error;
}

/* poll() marks what is not open, 256 at once: 65536 possible descriptors take some 2 ms. */
int host_descriptor_count(struct host *host, uint64_t *count)
{
    struct host_limits limits;
    uint64_t found = 0;
    int error = host_limits(host, &limits);
    if (error != 0)
        return error;
    if (limits.descriptors > DESCRIPTORS_MOST)
        return VAGUS_EUNSUPPORTED;
    for (uint64_t first = 0; first < limits.descriptors; first += DESCRIPTORS_AT_ONCE) {
        struct pollfd some[DESCRIPTORS_AT_ONCE];
        uint64_t rest = limits.descriptors - first;
        nfds_t asked = rest < DESCRIPTORS_AT_ONCE ? (nfds_t)rest : DESCRIPTORS_AT_ONCE;
        for (nfds_t i = 0; i < asked; i++)
            some[i] = (struct pollfd){.fd = (int)(first + i)};
        int result;
        do
            result = poll(some, asked, 0);
        while (result < 0 && errno == EINTR);
        if (result < 0)
            return VAGUS_EIO;
        for (nfds_t i = 0; i < asked; i++)
            found += (some[i].revents & POLLNVAL) == 0;
    }
    *count = found;
    return 0;
}

int host_cpus(struct host *host, uint64_t *cpus)
{
    long online = host->machine ? sysconf(_SC_NPROCESSORS_ONLN) : -1;
    if (online <= 0)
        return VAGUS_EUNSUPPORTED;
    *cpus = (uint64_t)online;
    return 0;
}

#ifdef CPU_COUNT_S
int host_affinity(struct host *host, uint64_t *cpus)
{
    cpu_set_t mask[16]; /* as on Linux: the kernel refuses a mask that is smaller than its own */
    if (!host->machine || sched_getaffinity(getpid(), sizeof(mask), mask) != 0)
        return VAGUS_EUNSUPPORTED;
    *cpus = (uint64_t)CPU_COUNT_S(sizeof(mask), mask);
    return 0;
}
#else
int host_affinity(struct host *host, uint64_t *cpus)
{
    (void)host;
    (void)cpus;
    return VAGUS_EUNSUPPORTED;
}
#endif

/* Absolute counts. What was dropped is not told. */
int host_interfaces(struct host *host,
                    void (*each)(void *arg, const struct host_interface *interface), void *arg,
                    uint64_t *count)
{
    size_t entries = 0;
    const sg_network_io_stats *found =
        host->statgrab_open ? sg_get_network_io_stats(&entries) : NULL;
    if (found == NULL)
        return VAGUS_EUNSUPPORTED;
    for (size_t i = 0; i < entries; i++) {
        struct host_interface one = {.counts = {[HOST_RECEIVED_BYTES] = found[i].rx,
                                                [HOST_RECEIVED_PACKETS] = found[i].ipackets,
                                                [HOST_RECEIVE_ERRORS] = found[i].ierrors,
                                                [HOST_SENT_BYTES] = found[i].tx,
                                                [HOST_SENT_PACKETS] = found[i].opackets,
                                                [HOST_SEND_ERRORS] = found[i].oerrors},
                                     .untold = 1u << HOST_RECEIVE_DROPS | 1u << HOST_SEND_DROPS};
        text_copy(one.name, sizeof(one.name), found[i].interface_name);
        each(arg, &one);
    }
    *count = entries;
    return 0;
}

/* No cgroup: a place of no version. */
void host_cgroup_memory_place(const struct host *host, struct host_cgroup_place *place)
{
    (void)host;
    *place = (struct host_cgroup_place){.directory = ""};
}

void host_cgroup_cpu_place(const struct host *host, struct host_cgroup_place *place)
{
    host_cgroup_memory_place(host, place);
}

void host_cgroup_unified_place(const struct host *host, struct host_cgroup_place *place)
{
    host_cgroup_memory_place(host, place);
}
