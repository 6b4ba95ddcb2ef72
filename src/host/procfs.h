/* SPDX-License-Identifier: Apache-2.0 */
/* The machine and this process as /proc tells. For one thread at a time, the sampler's; nothing
 * allocates. Each returns 0, or VAGUS_EUNSUPPORTED (there is no such file), VAGUS_EPERM, VAGUS_EIO,
 * VAGUS_EPARSE (garbage, or cut), and leaves its output untouched then. Costs are of one read,
 * warm; a first read after 100 ms of sleep takes 4 to 10 times as long. */
#ifndef HOST_PROCFS_H
#define HOST_PROCFS_H

#include "host/host.h"

#define HOST_UNLIMITED UINT64_MAX

/* Time of all CPUs since boot, in clock ticks. `user` and `nice` contain guest time. Kernels before
 * 2.6.33 tell fewer states; what is not told is 0. The kernel may take some back (iowait, or a CPU
 * that went away): compute differences state by state and never below 0. 3.3 µs: the kernel writes
 * the whole file whatever is asked for, though only its first line is copied. */
struct host_cpu_times {
    uint64_t user, nice, system, idle, iowait, irq, softirq, steal;
};
int host_cpu_times(struct host *host, struct host_cpu_times *times);

/* 2.5 µs. Kernels before 3.14 do not tell what is available: it is then estimated as free + file
 * cache - shared, which cannot know how much of the cache is in use, so it errs high. */
struct host_memory {
    uint64_t total_bytes, available_bytes;
    uint64_t swap_total_bytes, swap_free_bytes;
    bool available_estimated, swap_known;
};
int host_memory(struct host *host, struct host_memory *memory);
/* The same without swap: parses no further than MemAvailable. */
int host_memory_available(struct host *host, struct host_memory *memory);

/* From self/stat: 1.6 µs, 22 µs with 1,000 threads. */
struct host_process {
    uint64_t cpu_ns; /* all threads, those that ended too; in steps of a clock tick */
    uint64_t threads;
    uint64_t started_ns; /* since boot */
    uint64_t virtual_bytes;
    uint64_t resident_bytes; /* up to 32 pages off for each CPU: see host_process_size() */
    uint64_t major_faults;   /* that waited for a disk: all threads, those that ended too */
};
int host_process(struct host *host, struct host_process *process);

/* From self/statm: 0.5 µs, whatever the number of threads. To the page as of Linux 6.18; earlier
 * ones are off by up to 32 pages for each CPU (from 6.2 on) or 64 for each thread. */
struct host_process_size {
    uint64_t virtual_bytes, resident_bytes;
};
int host_process_size(struct host *host, struct host_process_size *size);

/* CPU time of the process to the nanosecond; below an injected root as self/stat has it. 0.3 µs, 11
 * µs with 1,000 threads. */
int host_process_cpu_ns(struct host *host, uint64_t *cpu_ns);

/* Nanoseconds since boot, time in suspend included. */
int host_uptime_ns(struct host *host, uint64_t *uptime_ns);

/* Soft limits; HOST_UNLIMITED where there is none. */
struct host_limits {
    uint64_t address_space_bytes, descriptors;
};
int host_limits(struct host *host, struct host_limits *limits);

/* Open descriptors of the process. 0.8 µs; on kernels before 6.2 the folder must be listed, 8.5 µs
 * for a few and more with each descriptor. Beyond HOST_DESCRIPTORS_LISTED_MAX listing ends with
 * VAGUS_EFULL. */
#define HOST_DESCRIPTORS_LISTED_MAX 65536
int host_descriptor_count(struct host *host, uint64_t *count);

/* CPUs that the process's main thread may run on: its affinity within its cpuset. */
int host_affinity(struct host *host, uint64_t *cpus);
/* CPUs that are online. VAGUS_EUNSUPPORTED below an injected root. */
int host_cpus(struct host *host, uint64_t *cpus);

/* Load average over a minute, from loadavg: 0.6 µs. See host_load() in statgrab.h. */
int host_procfs_load(struct host *host, double *load_1m);

/* The limit that the policy declares for the process's resident size; HOST_UNLIMITED if none. */
uint64_t host_declared_limit_bytes(const struct host *host);

/* The parsers alone, over any bytes, for tests and fuzzing. 0 or VAGUS_EPARSE. */
int host_parse_cpu_times(const char *text, size_t length, struct host_cpu_times *times);
int host_parse_memory(const char *text, size_t length, bool with_swap, struct host_memory *memory);
int host_parse_process(const char *text, size_t length, long page_bytes, long ticks_per_second,
                       struct host_process *process);
int host_parse_process_size(const char *text, size_t length, long page_bytes,
                            struct host_process_size *size);
int host_parse_limits(const char *text, size_t length, struct host_limits *limits);

#endif
