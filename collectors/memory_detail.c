/* SPDX-License-Identifier: Apache-2.0 */
/* memory_detail: where memory has gone, each 10 s: swap and its traffic, the process's peak and
 * what of it is swapped out, locked, anonymous or huge, huge pages of the machine. */
#include "host/status.h"
#include "vagus/collector.h"

enum {
    PAGING_USAGE,
    PAGING_IN,
    PAGING_OUT,
    PAGING_RATE,
    HUGE_LIMIT,
    HUGE_FREE,
    HUGE_RESERVED,
    HUGE_TRANSPARENT,
    PEAK,
    SWAPPED,
    LOCKED,
    ANONYMOUS,
    HUGE,
    METRIC_COUNT,
};

#define BYTES_10S(name_, help_)                                                                    \
    {                                                                                              \
        .name = name_, .unit = "By", .help = help_, .resource = "memory", .kind = VAGUS_GAUGE,     \
        .tier = VAGUS_TIER_10S, .resolution = 4096                                                 \
    }

static const struct vagus_metric_desc table[METRIC_COUNT] = {
    [PAGING_USAGE] = BYTES_10S("system.paging.usage", "swap of the host that is in use"),
    [PAGING_IN] = {.name = "system.paging.in",
                   .unit = "By",
                   .help = "read back from swap since boot, by the whole host",
                   .resource = "memory",
                   .kind = VAGUS_COUNTER,
                   .tier = VAGUS_TIER_10S,
                   .resolution = 4096},
    [PAGING_OUT] = {.name = "system.paging.out",
                    .unit = "By",
                    .help = "written to swap since boot, by the whole host",
                    .resource = "memory",
                    .kind = VAGUS_COUNTER,
                    .tier = VAGUS_TIER_10S,
                    .resolution = 4096},
    [PAGING_RATE] = {.name = "system.paging.rate",
                     .unit = "By/s",
                     .help = "to and from swap since the sample before, by the whole host",
                     .resource = "memory",
                     .kind = VAGUS_GAUGE,
                     .tier = VAGUS_TIER_10S,
                     .resolution = 1},
    [HUGE_LIMIT] = BYTES_10S("system.linux.memory.hugepages.limit",
                             "pool of huge pages (hugetlbfs) of the default size"),
    [HUGE_FREE] = BYTES_10S("system.linux.memory.hugepages.free", "huge pages of it that are free"),
    [HUGE_RESERVED] = BYTES_10S("system.linux.memory.hugepages.reserved",
                                "huge pages of it that are promised, and not taken yet"),
    [HUGE_TRANSPARENT] = BYTES_10S("system.linux.memory.hugepages.transparent",
                                   "anonymous memory of the host in transparent huge pages"),
    [PEAK] = BYTES_10S("process.memory.peak", "the largest resident size that this process had"),
    [SWAPPED] = BYTES_10S("process.memory.swapped", "of this process, in swap"),
    [LOCKED] = BYTES_10S("process.memory.locked", "of this process, locked by mlock() or its like"),
    [ANONYMOUS] = BYTES_10S("process.memory.anonymous", "resident and of no file: heaps, stacks"),
    [HUGE] = BYTES_10S("process.memory.hugepages", "of hugetlbfs; no part of the resident size"),
};

struct state {
    bool paging_known;
    uint64_t paged_bytes; /* in and out, at: */
    int64_t sampled_ns;
};

/* HOST_UNTOLD is unsupported, not a number. */
static void put(struct vagus_collector *collector, size_t metric, int error, uint64_t bytes)
{
    if (error == 0 && bytes != HOST_UNTOLD)
        vagus_put(collector, metric, 0, (double)bytes);
    else
        vagus_put_missing(collector, metric, 0, error != 0 ? error : VAGUS_EUNSUPPORTED);
}

static void sample_paging(struct vagus_collector *collector)
{
    struct host *host = vagus_collector_arg(collector);
    struct state *state = vagus_collector_state(collector);
    struct host_paging paging = {0};
    int error = host_paging(host, &paging);
    put(collector, PAGING_IN, error, paging.in_bytes);
    put(collector, PAGING_OUT, error, paging.out_bytes);
    int64_t now_ns = vagus_collector_now_ns(collector);
    uint64_t paged_bytes = paging.in_bytes + paging.out_bytes;
    bool known = error == 0 && paging.in_bytes != HOST_UNTOLD && paging.out_bytes != HOST_UNTOLD;
    if (!known)
        put(collector, PAGING_RATE, error, HOST_UNTOLD);
    /* A count that ran backward was begun anew: there is no rate across that. */
    else if (state->paging_known && now_ns > state->sampled_ns && paged_bytes >= state->paged_bytes)
        vagus_put(collector, PAGING_RATE, 0,
                  (double)(paged_bytes - state->paged_bytes) /
                      ((double)(now_ns - state->sampled_ns) / 1e9));
    state->paging_known = known;
    state->paged_bytes = paged_bytes;
    state->sampled_ns = now_ns;
}

static void sample_machine(struct vagus_collector *collector)
{
    struct host_memory_detail detail = {0};
    int error = host_memory_detail(vagus_collector_arg(collector), &detail);
    put(collector, PAGING_USAGE, error, detail.swap_used_bytes);
    put(collector, HUGE_LIMIT, error, detail.huge_total_bytes);
    put(collector, HUGE_FREE, error, detail.huge_free_bytes);
    put(collector, HUGE_RESERVED, error, detail.huge_reserved_bytes);
    put(collector, HUGE_TRANSPARENT, error, detail.transparent_bytes);
}

static void sample_process(struct vagus_collector *collector)
{
    struct host_process_memory memory = {0};
    int error = host_process_memory(vagus_collector_arg(collector), &memory);
    put(collector, PEAK, error, memory.peak_bytes);
    put(collector, SWAPPED, error, memory.swapped_bytes);
    put(collector, LOCKED, error, memory.locked_bytes);
    put(collector, ANONYMOUS, error, memory.anonymous_bytes);
    put(collector, HUGE, error, memory.huge_bytes);
}

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    if ((due & 1u << VAGUS_TIER_10S) != 0) {
        sample_paging(collector);
        sample_machine(collector);
        sample_process(collector);
    }
    return 0;
}

extern const struct vagus_collector_desc vagus__collector_memory_detail;
const struct vagus_collector_desc vagus__collector_memory_detail = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "memory_detail",
    .help = "swap, peak, locked and huge memory of the process and the host",
    .quickest = VAGUS_TIER_1S,
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .state_size = sizeof(struct state),
    .sample = take_sample,
};
