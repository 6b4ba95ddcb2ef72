/* SPDX-License-Identifier: Apache-2.0 */
/* memory: what is left under the limit that will bind first, be it the host's, one of the cgroup
 * ancestors', RLIMIT_AS or the one that the policy declares. */
#include <math.h>

#include "host/cgroup.h"
#include "host/memory_wake.h"
#include "host/procfs.h"
#include "host/statgrab.h"
#include "vagus/collector.h"

enum {
    SYSTEM_LIMIT,
    SYSTEM_AVAILABLE,
    PAGING_LIMIT,
    LIMIT,
    USAGE,
    HEADROOM,
    HEADROOM_RATIO,
    METRIC_COUNT,
};

static const struct vagus_metric_desc table[METRIC_COUNT] = {
    [SYSTEM_LIMIT] = {.name = "system.memory.limit",
                      .unit = "By",
                      .help = "memory of the host",
                      .resource = "memory",
                      .kind = VAGUS_GAUGE,
                      .tier = VAGUS_TIER_10S,
                      .resolution = 4096},
    [SYSTEM_AVAILABLE] = {.name = "system.linux.memory.available",
                          .unit = "By",
                          .help = "memory of the host that can be had without swapping",
                          .resource = "memory",
                          .kind = VAGUS_GAUGE,
                          .tier = VAGUS_TIER_100MS,
                          .resolution = 4096},
    [PAGING_LIMIT] = {.name = "system.paging.limit",
                      .unit = "By",
                      .help = "swap of the host",
                      .resource = "memory",
                      .kind = VAGUS_GAUGE,
                      .tier = VAGUS_TIER_60S,
                      .resolution = 4096},
    [LIMIT] = {.name = "memory.limit",
               .unit = "By",
               .help = "the smallest of host, cgroup ancestors, RLIMIT_AS and the declared limit",
               .resource = "memory",
               .kind = VAGUS_GAUGE,
               .tier = VAGUS_TIER_1S,
               .resolution = 4096},
    [USAGE] = {.name = "memory.usage",
               .unit = "By",
               .help = "what counts against that limit",
               .resource = "memory",
               .kind = VAGUS_GAUGE,
               .tier = VAGUS_TIER_100MS,
               .resolution = 4096},
    [HEADROOM] = {.name = "memory.headroom",
                  .unit = "By",
                  .help = "the least that is left under any limit",
                  .resource = "memory",
                  .kind = VAGUS_GAUGE,
                  .tier = VAGUS_TIER_100MS,
                  .resolution = 4096},
    [HEADROOM_RATIO] = {.name = "memory.headroom.ratio",
                        .unit = "1",
                        .help = "the least share that is left under any limit",
                        .resource = "memory",
                        .kind = VAGUS_GAUGE,
                        .tier = VAGUS_TIER_100MS,
                        .max = 1,
                        .resolution = 0.001},
};

/* One limit that applies. */
struct source {
    uint64_t limit_bytes, usage_bytes;
    int level; /* of the cgroup ancestry; -1: another limit */
};
#define SOURCES_MAX (HOST_CGROUP_DEPTH_MAX + 3)

/* Of all limits that apply: the smallest, what counts against it, and the least that is left. */
struct least {
    bool any;
    uint64_t limit_bytes, usage_bytes, headroom_bytes;
    double headroom_ratio;
    unsigned count;
    struct source sources[SOURCES_MAX];
};

struct state {
    bool limits_read;
    int limits_error;
    struct host_limits limits;
    double rate; /* bytes that can go in a second */
    int memory_error;
    struct host_memory memory; /* of the newest tick */
    struct least least;        /* as last put */
};

/* The host's memory is read anew between ticks only if it could be gone in this time. */
#define HOST_FAR_S 0.4

static void consider(struct least *least, uint64_t limit, uint64_t usage, int level)
{
    least->sources[least->count++] = (struct source){limit, usage, level};
    uint64_t headroom = usage < limit ? limit - usage : 0;
    double ratio = limit > 0 ? (double)headroom / (double)limit : 0;
    if (!least->any || limit < least->limit_bytes) {
        least->limit_bytes = limit;
        least->usage_bytes = usage;
    }
    if (!least->any || headroom < least->headroom_bytes)
        least->headroom_bytes = headroom;
    if (!least->any || ratio < least->headroom_ratio)
        least->headroom_ratio = ratio;
    least->any = true;
}

/* A limit that applies but cannot be read makes the whole unknown: what the others leave would be
 * too rosy. One that this machine does not have is no limit. */
static int consider_all(struct vagus_collector *collector, const struct host_memory *memory,
                        int memory_error, struct least *least)
{
    struct host *host = vagus_collector_arg(collector);
    const struct state *state = vagus_collector_state(collector);
    struct host_cgroup_memory levels[HOST_CGROUP_DEPTH_MAX];
    unsigned count = 0;
    int error = host_cgroup_memory(host, levels, &count);
    if (error != 0 && error != VAGUS_EUNSUPPORTED)
        return error;
    for (unsigned i = 0; error == 0 && i < count; i++)
        consider(least, levels[i].limit_bytes, levels[i].working_set_bytes, (int)levels[i].level);

    uint64_t space = state->limits_error == 0 ? state->limits.address_space_bytes : HOST_UNLIMITED;
    uint64_t declared = host_declared_limit_bytes(host);
    if (state->limits_error != 0 && state->limits_error != VAGUS_EUNSUPPORTED)
        return state->limits_error;
    if (space != HOST_UNLIMITED || declared != HOST_UNLIMITED) {
        struct host_process_size size;
        error = host_process_size(host, &size);
        if (error != 0)
            return error;
        if (space != HOST_UNLIMITED)
            consider(least, space, size.virtual_bytes, -1);
        if (declared != HOST_UNLIMITED)
            consider(least, declared, size.resident_bytes, -1);
    }

    if (memory_error == 0)
        consider(least, memory->total_bytes, memory->total_bytes - memory->available_bytes, -1);
    else if (memory_error != VAGUS_EUNSUPPORTED)
        return memory_error;
    return least->any ? 0 : VAGUS_EUNSUPPORTED;
}

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    struct host *host = vagus_collector_arg(collector);
    struct state *state = vagus_collector_state(collector);
    if (!state->limits_read || (due & 1u << VAGUS_TIER_10S) != 0) {
        state->limits_error = host_limits(host, &state->limits);
        state->limits_read = true;
    }
    /* Somebody may lower a limit, or move the process below another one, at any time. */
    if ((due & 1u << VAGUS_TIER_1S) != 0) {
        host_cgroup_resolve(host); /* if this fails the next reading says so */
        host_cgroup_memory_refresh(host);
    }

    struct host_memory memory = {0};
    int memory_error = (due & 1u << VAGUS_TIER_60S) != 0 ? host_memory(host, &memory)
                                                         : host_memory_available(host, &memory);
    state->memory = memory;
    state->memory_error = memory_error;
    state->least = (struct least){0};
    struct least *least = &state->least;
    int error = consider_all(collector, &memory, memory_error, least);
    if ((due & 1u << VAGUS_TIER_100MS) != 0) {
        vagus_put_result(collector, SYSTEM_AVAILABLE, 0, memory_error,
                         (double)memory.available_bytes);
        vagus_put_result(collector, USAGE, 0, error, (double)least->usage_bytes);
        vagus_put_result(collector, HEADROOM, 0, error, (double)least->headroom_bytes);
        vagus_put_result(collector, HEADROOM_RATIO, 0, error, least->headroom_ratio);
    }
    if ((due & 1u << VAGUS_TIER_1S) != 0)
        vagus_put_result(collector, LIMIT, 0, error, (double)least->limit_bytes);
    if ((due & 1u << VAGUS_TIER_10S) != 0)
        vagus_put_result(collector, SYSTEM_LIMIT, 0, memory_error, (double)memory.total_bytes);
    if ((due & 1u << VAGUS_TIER_60S) != 0) {
        uint64_t swap = memory.swap_total_bytes;
        int swap_error = memory_error == 0 && memory.swap_known ? 0 : host_swap_total(host, &swap);
        vagus_put_result(collector, PAGING_LIMIT, 0, swap_error, (double)swap);
    }
    return 0;
}

/* --- What can run out. --- */

static double greatest_rate(struct vagus_collector *collector)
{
    struct host *host = vagus_collector_arg(collector);
    struct state *state = vagus_collector_state(collector);
    uint64_t cpus = 0;
    double quota = INFINITY;
    if (host_affinity(host, &cpus) != 0 || cpus == 0)
        cpus = 1;
    host_cgroup_cpu_quota(host, &quota);
    state->rate = 8e9 * fmax(1, fmin((double)cpus, quota));
    return state->rate;
}

static int sample_usage(struct vagus_collector *collector, size_t instance)
{
    struct host *host = vagus_collector_arg(collector);
    struct state *state = vagus_collector_state(collector);
    struct least least = {0};
    (void)instance;
    if (state->memory_error == 0 &&
        (double)state->memory.available_bytes < state->rate * HOST_FAR_S)
        state->memory_error = host_memory_available(host, &state->memory);
    int error = consider_all(collector, &state->memory, state->memory_error, &least);
    if (error != 0)
        return error;
    state->least = least;
    vagus_put(collector, USAGE, 0, (double)least.usage_bytes);
    vagus_put(collector, HEADROOM, 0, (double)least.headroom_bytes);
    vagus_put(collector, HEADROOM_RATIO, 0, least.headroom_ratio);
    return 0;
}

/* The metrics are the least over several limits, and each of these may be the first to reach the
 * threshold. Where the kernel wakes us before a cgroup's does, that one need not be watched. */
static double bytes_ahead(struct vagus_collector *collector, size_t metric, size_t instance,
                          double threshold)
{
    const struct state *state = vagus_collector_state(collector);
    const struct host *host = vagus_collector_arg(collector);
    double nearest = INFINITY;
    (void)instance;
    for (unsigned i = 0; i < state->least.count; i++) {
        const struct source *source = &state->least.sources[i];
        double limit = (double)source->limit_bytes, usage = (double)source->usage_bytes;
        double at = metric == USAGE            ? threshold
                    : metric == HEADROOM_RATIO ? limit * (1 - threshold)
                                               : limit - threshold;
        if (metric == USAGE && source->limit_bytes != state->least.limit_bytes)
            continue;
        double distance = fabs(at - usage);
        if (distance < nearest &&
            (source->level < 0 || !host_memory_wakes(host, (unsigned)source->level, at)))
            nearest = distance;
    }
    return nearest;
}

static const struct vagus_limited memory_limit = {
    .name = "memory",
    .metrics = (const struct vagus_limited_metric[]){{USAGE, VAGUS_NO_WHOLE},
                                                     {HEADROOM, VAGUS_NO_WHOLE},
                                                     {HEADROOM_RATIO, LIMIT}},
    .metric_count = 3,
    .rate = greatest_rate,
    .sample = sample_usage,
    .ahead = bytes_ahead,
};

extern const struct vagus_collector_desc vagus__collector_memory;
const struct vagus_collector_desc vagus__collector_memory = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "memory",
    .help = "what is left under the memory limit that binds first",
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .state_size = sizeof(struct state),
    .sample = take_sample,
    .limited = &memory_limit,
    .limited_count = 1,
};
