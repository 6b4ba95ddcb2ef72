/* SPDX-License-Identifier: Apache-2.0 */
/* cgroup: the limits of each level of the ancestry and which of them binds, and what happened in
 * the process's own cgroup. One instance for each level, called by its path. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "host/cgroup_levels.h"
#include "vagus/collector.h"

enum {
    VERSION,
    UNIFIED,
    HIDDEN,
    FROZEN,
    EVENTS_LOW,
    EVENTS_HIGH,
    EVENTS_MAX,
    EVENTS_OOM,
    EVENTS_OOM_KILL,
    UNSHOWN,
    /* The rest is of each level. */
    MEMORY_LIMIT,
    MEMORY_HIGH,
    MEMORY_USAGE,
    MEMORY_BINDS,
    CPU_LIMIT,
    CPU_BINDS,
    PIDS_LIMIT,
    PIDS_USAGE,
    PIDS_BINDS,
    METRIC_COUNT,
};

#define GAUGE(name_, unit_, tier_, resource_, help_)                                               \
    {                                                                                              \
        .name = name_, .unit = unit_, .help = help_, .resource = resource_, .kind = VAGUS_GAUGE,   \
        .tier = tier_, .resolution = 1                                                             \
    }
#define EVENTS(name_, help_)                                                                       \
    {                                                                                              \
        .name = name_, .unit = "{event}", .help = help_, .resource = "memory",                     \
        .kind = VAGUS_COUNTER, .tier = VAGUS_TIER_1S, .resolution = 1                              \
    }
#define LEVEL(name_, unit_, resource_, resolution_, help_)                                         \
    {                                                                                              \
        .name = name_, .instance = "*", .label = "cgroup", .unit = unit_, .help = help_,           \
        .resource = resource_, .kind = VAGUS_GAUGE, .tier = VAGUS_TIER_10S,                        \
        .resolution = resolution_                                                                  \
    }

static const struct vagus_metric_desc table[METRIC_COUNT] = {
    [VERSION] = GAUGE("cgroup.version", "{version}", VAGUS_TIER_60S, "cgroup",
                      "1 or 2: the hierarchy that has the memory controller; 0: none visible"),
    [UNIFIED] = GAUGE("cgroup.unified", "1", VAGUS_TIER_60S, "cgroup",
                      "1 if the v2 hierarchy is visible; beside version 1 this is a hybrid"),
    [HIDDEN] = GAUGE("cgroup.hidden", "1", VAGUS_TIER_60S, "cgroup",
                     "1 if there are levels above, whose limits nobody here can read"),
    [FROZEN] = GAUGE("cgroup.frozen", "1", VAGUS_TIER_1S, "cgroup",
                     "1 while this cgroup or one above it is frozen or about to be"),
    [EVENTS_LOW] = EVENTS("cgroup.memory.events.low", "reclaimed though below memory.low"),
    [EVENTS_HIGH] = EVENTS("cgroup.memory.events.high", "slowed down for being above memory.high"),
    [EVENTS_MAX] = EVENTS("cgroup.memory.events.max", "the memory limit was met"),
    [EVENTS_OOM] = EVENTS("cgroup.memory.events.oom", "the limit was met and nothing reclaimed"),
    [EVENTS_OOM_KILL] = EVENTS("cgroup.memory.events.oom_kill",
                               "processes of this cgroup killed for want of memory"),
    [UNSHOWN] = GAUGE("cgroup.levels.unshown", "{cgroup}", VAGUS_TIER_10S, "cgroup",
                      "levels for which there was no instance left"),
    [MEMORY_LIMIT] = LEVEL("cgroup.memory.limit", "By", "memory", 4096, "memory limit of a level"),
    [MEMORY_HIGH] = LEVEL("cgroup.memory.high", "By", "memory", 4096,
                          "memory.high of a level, beyond which its tasks are slowed down"),
    [MEMORY_USAGE] = LEVEL("cgroup.memory.usage", "By", "memory", 4096,
                           "what a level uses, page cache included"),
    [MEMORY_BINDS] = LEVEL("cgroup.memory.binds", "1", "memory", 1,
                           "1 for the level with the least left under its limit, else 0"),
    [CPU_LIMIT] = LEVEL("cgroup.cpu.limit", "{cpu}", "cpu", 0.001, "CPU quota of a level"),
    [CPU_BINDS] =
        LEVEL("cgroup.cpu.binds", "1", "cpu", 1, "1 for the level with the least quota, else 0"),
    [PIDS_LIMIT] = LEVEL("cgroup.pids.limit", "{process}", "process", 1,
                         "how many processes and threads a level may hold"),
    [PIDS_USAGE] = LEVEL("cgroup.pids.usage", "{process}", "process", 1, "how many a level holds"),
    [PIDS_BINDS] = LEVEL("cgroup.pids.binds", "1", "process", 1,
                         "1 for the level with the least left under its limit, else 0"),
};

/* Where a controller's metrics stand. */
static const struct {
    size_t limit, high, usage, binds; /* 0: it has none */
} columns[HOST_CGROUP_CONTROLLERS] = {
    [HOST_CGROUP_MEMORY] = {MEMORY_LIMIT, MEMORY_HIGH, MEMORY_USAGE, MEMORY_BINDS},
    [HOST_CGROUP_CPU] = {CPU_LIMIT, 0, 0, CPU_BINDS},
    [HOST_CGROUP_PIDS] = {PIDS_LIMIT, 0, PIDS_USAGE, PIDS_BINDS},
};

/* The instance of a level: its path, or where that is too long its depth and its end. Levels of
 * several v1 controllers with the same path share it. */
static int instance_of(struct vagus_collector *collector, enum host_cgroup_controller controller,
                       unsigned level)
{
    static const size_t room = VAGUS_INSTANCE_MAX - 1 - 6; /* "12:…" is 6 bytes */
    char path[1024], name[VAGUS_INSTANCE_MAX];
    unsigned depth = host_cgroup_level_path(vagus_collector_arg(collector), controller, level, path,
                                            sizeof(path));
    size_t length = strlen(path);
    if (length < VAGUS_INSTANCE_MAX)
        return vagus_collector_instance_add(collector, path);
    const char *tail = path + length - room;
    while (((unsigned char)*tail & 0xc0) == 0x80)
        tail++; /* not in the middle of a UTF-8 character */
    snprintf(name, sizeof(name), "%u:…%s", depth % 100, tail);
    return vagus_collector_instance_add(collector, name);
}

/* A level without this limit has no number for it. */
static void put_level(struct vagus_collector *collector, size_t metric, size_t instance, int error,
                      double value)
{
    if (metric == 0)
        return;
    if (error == 0 && isfinite(value))
        vagus_put(collector, metric, instance, value);
    else
        vagus_put_missing(collector, metric, instance, error != 0 ? error : VAGUS_EUNSUPPORTED);
}

/* What is left under a memory limit is what reclaim cannot simply make room for, as the memory
 * sense has it: that of the levels with a limit; the others stay as they are. */
static void use_working_sets(struct host *host, double left[HOST_CGROUP_DEPTH_MAX])
{
    struct host_cgroup_memory sets[HOST_CGROUP_DEPTH_MAX];
    unsigned count = 0;
    if (host_cgroup_memory(host, sets, &count) != 0)
        return;
    for (unsigned i = 0; i < count; i++)
        left[sets[i].level] = (double)sets[i].limit_bytes - (double)sets[i].working_set_bytes;
}

/* The level with the least left, or `count` if none has a limit. */
static unsigned binding_of(const double *left, unsigned count)
{
    unsigned binding = count;
    for (unsigned level = 0; level < count; level++)
        if (isfinite(left[level]) && (binding == count || left[level] < left[binding]))
            binding = level;
    return binding;
}

/* Returns how many levels found no instance. */
static unsigned sample_levels(struct vagus_collector *collector,
                              enum host_cgroup_controller controller)
{
    struct host *host = vagus_collector_arg(collector);
    int instances[HOST_CGROUP_DEPTH_MAX], unknown = 0;
    double left[HOST_CGROUP_DEPTH_MAX];
    unsigned count = host_cgroup_level_count(host, controller), unshown = 0;
    for (unsigned level = 0; level < count; level++) {
        struct host_cgroup_limit limit = {INFINITY, INFINITY, NAN};
        int error = host_cgroup_level_limit(host, controller, level, &limit);
        left[level] = isnan(limit.usage) ? limit.limit : limit.limit - limit.usage;
        unknown = error != 0 ? error : unknown;
        instances[level] = instance_of(collector, controller, level);
        if (instances[level] < 0) {
            unshown += instances[level] != VAGUS_EUNSUPPORTED;
            continue;
        }
        size_t instance = (size_t)instances[level];
        put_level(collector, columns[controller].limit, instance, error, limit.limit);
        put_level(collector, columns[controller].high, instance, error, limit.high);
        put_level(collector, columns[controller].usage, instance, error, limit.usage);
    }
    if (controller == HOST_CGROUP_MEMORY)
        use_working_sets(host, left);
    unsigned binding = binding_of(left, count);
    /* Which one binds is not known while any of them is not. */
    for (unsigned level = 0; level < count; level++)
        if (instances[level] >= 0)
            put_level(collector, columns[controller].binds, (size_t)instances[level], unknown,
                      level == binding);
    return unshown;
}

static void put_event(struct vagus_collector *collector, size_t metric, int error, uint64_t count)
{
    vagus_put_result(collector, metric, 0,
                     error == 0 && count == HOST_CGROUP_UNTOLD ? VAGUS_EUNSUPPORTED : error,
                     (double)count);
}

static void sample_own(struct vagus_collector *collector)
{
    struct host *host = vagus_collector_arg(collector);
    struct host_cgroup_memory_events events = {0};
    bool frozen = false;
    int error = host_cgroup_memory_events(host, &events);
    put_event(collector, EVENTS_LOW, error, events.low);
    put_event(collector, EVENTS_HIGH, error, events.high);
    put_event(collector, EVENTS_MAX, error, events.max);
    put_event(collector, EVENTS_OOM, error, events.oom);
    put_event(collector, EVENTS_OOM_KILL, error, events.oom_kill);
    error = host_cgroup_frozen(host, &frozen);
    vagus_put_result(collector, FROZEN, 0, error, frozen);
}

static void sample_place(struct vagus_collector *collector, int error)
{
    struct host *host = vagus_collector_arg(collector);
    struct host_cgroup_place memory, unified;
    bool hidden = false;
    host_cgroup_memory_place(host, &memory);
    host_cgroup_unified_place(host, &unified);
    vagus_put_result(collector, VERSION, 0, error,
                     memory.directory[0] != '\0' ? memory.version : 0);
    vagus_put_result(collector, UNIFIED, 0, error, unified.directory[0] != '\0');
    if (error == 0)
        error = host_cgroup_hidden(host, &hidden);
    vagus_put_result(collector, HIDDEN, 0, error, hidden);
}

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    const unsigned slow = 1u << VAGUS_TIER_10S, slowest = 1u << VAGUS_TIER_60S;
    int error =
        (due & (slow | slowest)) != 0 ? host_cgroup_resolve(vagus_collector_arg(collector)) : 0;
    if ((due & slowest) != 0)
        sample_place(collector, error);
    if ((due & slow) != 0) {
        unsigned unshown = 0;
        for (unsigned i = 0; error == 0 && i < HOST_CGROUP_CONTROLLERS; i++)
            unshown += sample_levels(collector, (enum host_cgroup_controller)i);
        vagus_put_result(collector, UNSHOWN, 0, error, unshown);
    }
    if ((due & 1u << VAGUS_TIER_1S) != 0)
        sample_own(collector);
    return 0;
}

extern const struct vagus_collector_desc vagus__collector_cgroup;
const struct vagus_collector_desc vagus__collector_cgroup = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "cgroup",
    .help = "limits along the cgroup ancestry, and events of the own cgroup",
    .instances_max = 24,
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .sample = take_sample,
};
