/* SPDX-License-Identifier: Apache-2.0 */
/* An agent under attack in a real memory cgroup: what attacks, who watches, and what came of it. */
#ifndef SURVIVE_SURVIVE_H
#define SURVIVE_SURVIVE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#define MIB ((uint64_t)1 << 20)
#define LIMIT_BYTES (256 * MIB)
/* Where the first rule of the agent's policy lies: 20 % of the limit are left. */
#define RULE_BYTES (LIMIT_BYTES - LIMIT_BYTES / 5)
#define PREFILL_BYTES (RULE_BYTES - 20 * MIB)

struct attack {
    const char *name;
    uint64_t bytes_per_s; /* 0: as fast as it can, in huge pages, from an empty arena */
    unsigned threads;
};

enum watcher { WATCHER_KERNEL, WATCHER_READS, WATCHER_NONE, WATCHER_POLL_1S, WATCHER_POLL_100MS };

/* What a trial leaves behind, also if its process is killed; shared memory. */
struct trial {
    atomic_bool attacked;       /* it came so far */
    atomic_int_fast64_t beyond; /* when the attack passed the first rule */
    atomic_int_fast64_t relieved;
    atomic_uint_fast64_t peak_bytes; /* of the cgroup */
    char cgroup[1100];
    char why_not[320]; /* no cgroup could be had */
};

/* In a child: never returns. */
_Noreturn void agent_run(const struct attack *attack, enum watcher watcher, struct trial *trial);

#endif
