/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel keeps of memory and of this process beyond the first look of procfs.h: peaks,
 * paging, huge pages, switches, its place before the OOM killer. The rules of procfs.h hold
 * here too. */
#ifndef HOST_STATUS_H
#define HOST_STATUS_H

#include "host/procfs.h"

/* In place of a number that this kernel does not tell. */
#define HOST_UNTOLD UINT64_MAX

/* From self/status, 5 to 8 µs. `peak` is there always; the others may be HOST_UNTOLD: `swapped`
 * before 2.6.34, `huge` before 4.4, `anonymous` before 4.5. Of a process whose main thread has
 * ended the kernel tells nothing: VAGUS_EPARSE. */
struct host_process_memory {
    uint64_t peak_bytes;      /* the largest resident size ever */
    uint64_t swapped_bytes;   /* without shared memory that is swapped out */
    uint64_t locked_bytes;    /* by mlock() and its like */
    uint64_t anonymous_bytes; /* resident, and of no file: heaps and stacks */
    uint64_t huge_bytes;      /* of hugetlbfs; these are no part of the resident size */
};
int host_process_memory(struct host *host, struct host_process_memory *memory);

/* Pages from and to swap since boot, of the whole machine, in bytes; HOST_UNTOLD without swap in
 * the kernel. From vmstat: 12 to 20 µs, for every 10 s. */
struct host_paging {
    uint64_t in_bytes, out_bytes;
};
int host_paging(struct host *host, struct host_paging *paging);

/* Of the whole machine, from meminfo: 2.5 to 6 µs; HOST_UNTOLD where the kernel has none of the
 * kind. */
struct host_memory_detail {
    uint64_t swap_used_bytes;
    uint64_t huge_total_bytes, huge_free_bytes, huge_reserved_bytes; /* of the default size */
    uint64_t transparent_bytes; /* anonymous memory in huge pages */
};
int host_memory_detail(struct host *host, struct host_memory_detail *detail);

/* Context switches of all threads, those that ended too: by getrusage(), 0.4 µs and 21 µs with
 * 1,000 threads. Below an injected root there is self/status alone, which speaks of the main
 * thread: VAGUS_EUNSUPPORTED if the process has more. */
struct host_switches {
    uint64_t voluntary, involuntary;
};
int host_switches(struct host *host, struct host_switches *switches);

/* How readily the OOM killer takes this process, from 0; and what it was told, -1000 to 1000.
 * 0.8 and 0.5 µs. */
int host_oom_score(struct host *host, uint64_t *score);
int host_oom_score_adj(struct host *host, int64_t *adjustment);

/* When the machine was booted, in ns of the wall clock as it is set now; from `btime` of the file
 * stat, in whole seconds, below an injected root. */
int host_boot_wall_ns(struct host *host, uint64_t *wall_ns);

/* The parsers alone. 0 or VAGUS_EPARSE. */
int host_parse_process_memory(const char *text, size_t length, struct host_process_memory *memory);
int host_parse_paging(const char *text, size_t length, long page_bytes, struct host_paging *paging);
int host_parse_memory_detail(const char *text, size_t length, struct host_memory_detail *detail);
int host_parse_switches(const char *text, size_t length, struct host_switches *switches);
int host_parse_signed_file(const char *text, size_t length, int64_t *value);

#endif
