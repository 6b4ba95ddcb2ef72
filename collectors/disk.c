/* SPDX-License-Identifier: Apache-2.0 */
/* disk: room on the file system of a watched path. It is added once for each path and works in a
 * lane of its own there: a mount that does not answer makes its own path's readings stale. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "host/devices.h"
#include "host/paths.h"
#include "vagus/collector.h"

enum {
    LIMIT,
    FREE,
    FREE_RATIO,
    FREE_RATE,
    INODES_FREE,
    INODES_FREE_RATIO,
    WRITABLE,
    WRITE_ERRNO,
    METRIC_COUNT,
};

/* A disk fills slowly beside what is free on it: 10 s are its slowest pace, not its only one. A
 * read that is missing shows before the next. */
#define GOOD_FOR_NS (15 * VAGUS_SECOND_NS)

static const struct vagus_metric_desc table[METRIC_COUNT] = {
    [LIMIT] = {.name = "disk.limit",
               .instance = "*",
               .label = "path",
               .unit = "By",
               .help = "size of the file system of a watched path",
               .kind = VAGUS_GAUGE,
               .tier = VAGUS_TIER_10S,
               .resolution = 4096},
    [FREE] = {.name = "disk.free",
              .instance = "*",
              .label = "path",
              .unit = "By",
              .help = "bytes free for this user",
              .kind = VAGUS_GAUGE,
              .tier = VAGUS_TIER_10S,
              .good_for_ns = GOOD_FOR_NS,
              .resolution = 4096},
    [FREE_RATIO] = {.name = "disk.free.ratio",
                    .instance = "*",
                    .label = "path",
                    .unit = "1",
                    .help = "their share",
                    .kind = VAGUS_GAUGE,
                    .tier = VAGUS_TIER_10S,
                    .good_for_ns = GOOD_FOR_NS,
                    .max = 1,
                    .resolution = 0.001},
    [FREE_RATE] = {.name = "disk.free.rate",
                   .instance = "*",
                   .label = "path",
                   .unit = "By/s",
                   .help =
                       "how fast the bytes free change since the sample before; filling: negative",
                   .kind = VAGUS_GAUGE,
                   .tier = VAGUS_TIER_10S,
                   .good_for_ns = GOOD_FOR_NS,
                   .resolution = 4096},
    [INODES_FREE] = {.name = "disk.inodes.free",
                     .instance = "*",
                     .label = "path",
                     .unit = "{inode}",
                     .help = "inodes free",
                     .kind = VAGUS_GAUGE,
                     .tier = VAGUS_TIER_10S,
                     .resolution = 1},
    [INODES_FREE_RATIO] = {.name = "disk.inodes.free.ratio",
                           .instance = "*",
                           .label = "path",
                           .unit = "1",
                           .help = "share of inodes free",
                           .kind = VAGUS_GAUGE,
                           .tier = VAGUS_TIER_10S,
                           .good_for_ns = GOOD_FOR_NS,
                           .max = 1,
                           .resolution = 0.001},
    [WRITABLE] = {.name = "disk.writable",
                  .instance = "*",
                  .label = "path",
                  .unit = "1",
                  .help = "1 if a small file could be written there, 0 if not (watch.probe)",
                  .kind = VAGUS_GAUGE,
                  .tier = VAGUS_TIER_60S,
                  .max = 1,
                  .resolution = 1},
    [WRITE_ERRNO] = {.name = "disk.write.errno",
                     .instance = "*",
                     .label = "path",
                     .unit = "{errno}",
                     .help = "why it could not: errno, ENOSPC 28, EDQUOT 122; 0 if it could",
                     .kind = VAGUS_GAUGE,
                     .tier = VAGUS_TIER_60S,
                     .resolution = 1},
};

struct state {
    size_t instance;
    int64_t sampled_ns; /* 0: there is nothing to compare with */
    struct host_space before;
    struct host_space newest; /* near a limit it is read more often than the rate is taken */
};

/* What a path is called: itself, or where it is too long its number and its end. */
static void name_instance(const char *path, size_t index, char name[VAGUS_INSTANCE_MAX])
{
    size_t length = strlen(path), room = VAGUS_INSTANCE_MAX - 1 - 5; /* "3:…" is 5 bytes */
    if (length < VAGUS_INSTANCE_MAX) {
        memcpy(name, path, length + 1);
        return;
    }
    const char *tail = path + length - room;
    while (((unsigned char)*tail & 0xc0) == 0x80)
        tail++; /* not in the middle of a UTF-8 character */
    snprintf(name, VAGUS_INSTANCE_MAX, "%zu:…%s", index, tail);
}

static int open_path(struct vagus_collector *collector)
{
    const struct host_watch *watch = vagus_collector_arg(collector);
    struct state *state = vagus_collector_state(collector);
    char name[VAGUS_INSTANCE_MAX];
    name_instance(host_path(watch->host, watch->index), watch->index, name);
    int instance = vagus_collector_instance_add(collector, name);
    if (instance < 0)
        return instance;
    state->instance = (size_t)instance;
    return 0;
}

static void put(struct vagus_collector *collector, size_t metric, int error, double value)
{
    const struct state *state = vagus_collector_state(collector);
    vagus_put_result(collector, metric, state->instance, error, value);
}

/* A file system that grew, shrank or was replaced has no rate across that moment. */
static void put_rate(struct vagus_collector *collector, const struct host_space *space)
{
    struct state *state = vagus_collector_state(collector);
    int64_t now_ns = vagus_collector_now_ns(collector);
    if (state->sampled_ns != 0 && now_ns > state->sampled_ns &&
        space->total_bytes == state->before.total_bytes)
        put(collector, FREE_RATE, 0,
            ((double)space->free_bytes - (double)state->before.free_bytes) /
                ((double)(now_ns - state->sampled_ns) / 1e9));
    state->before = *space;
    state->sampled_ns = now_ns;
}

static void sample_space(struct vagus_collector *collector, const struct host_watch *watch,
                         bool with_rate)
{
    struct state *state = vagus_collector_state(collector);
    struct host_space space = {0};
    int error = host_path_space(watch->host, watch->index, &space);
    /* Some file systems have as many inodes as there is room for. */
    int inodes_error = error == 0 && space.inodes_total == 0 ? VAGUS_EUNSUPPORTED : error;
    state->newest = space;
    put(collector, LIMIT, error, (double)space.total_bytes);
    put(collector, INODES_FREE, inodes_error, (double)space.inodes_free);
    put(collector, FREE, error, (double)space.free_bytes);
    put(collector, FREE_RATIO, error, (double)space.free_bytes / (double)space.total_bytes);
    put(collector, INODES_FREE_RATIO, inodes_error,
        (double)space.inodes_free / (double)space.inodes_total);
    if (!with_rate)
        return;
    if (error == 0) {
        put_rate(collector, &space);
    } else {
        put(collector, FREE_RATE, error, 0);
        state->sampled_ns = 0;
    }
}

static void probe(struct vagus_collector *collector, const struct host_watch *watch)
{
    int number = 0;
    int error = host_path_probe(watch->host, watch->index, &number);
    put(collector, WRITABLE, error, number == 0);
    put(collector, WRITE_ERRNO, error, number);
}

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    const struct host_watch *watch = vagus_collector_arg(collector);
    if ((due & 1u << VAGUS_TIER_10S) != 0)
        sample_space(collector, watch, true);
    /* For disk_io, which must not wait for a path itself. */
    if ((due & 1u << VAGUS_TIER_10S) != 0)
        host_path_find_device(watch->host, watch->index);
    if ((due & 1u << VAGUS_TIER_60S) != 0)
        probe(collector, watch);
    return 0;
}

static int read_space(struct vagus_collector *collector, size_t instance)
{
    (void)instance;
    sample_space(collector, vagus_collector_arg(collector), false);
    return 0;
}

static double inodes_ahead(struct vagus_collector *collector, size_t metric, size_t instance,
                           double threshold)
{
    const struct state *state = vagus_collector_state(collector);
    (void)instance;
    if (metric == INODES_FREE_RATIO)
        threshold *= (double)state->newest.inodes_total;
    return fabs((double)state->newest.inodes_free - threshold);
}

static const struct vagus_limited space_limited[] = {
    {.name = "disk",
     .metrics = (const struct vagus_limited_metric[]){{FREE, VAGUS_NO_WHOLE}, {FREE_RATIO, LIMIT}},
     .metric_count = 2,
     .max_rate = 2e9,
     .sample = read_space},
    {.name = "inodes",
     .metrics = (const struct vagus_limited_metric[]){{INODES_FREE, VAGUS_NO_WHOLE},
                                                      {INODES_FREE_RATIO, VAGUS_NO_WHOLE}},
     .metric_count = 2,
     .max_rate = 200e3,
     .sample = read_space,
     .ahead = inodes_ahead},
};

extern const struct vagus_collector_desc vagus__collector_disk;
const struct vagus_collector_desc vagus__collector_disk = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "disk",
    .help = "room on the file system of a watched path",
    .quickest = VAGUS_TIER_1S,
    .flags = VAGUS_COLLECTOR_BLOCKING,
    .instances_max = 1,
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .state_size = sizeof(struct state),
    .open = open_path,
    .sample = take_sample,
    .limited = space_limited,
    .limited_count = sizeof(space_limited) / sizeof(space_limited[0]),
};
