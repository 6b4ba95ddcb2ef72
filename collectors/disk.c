/* SPDX-License-Identifier: Apache-2.0 */
/* disk: room on the file system of each watched path. A network mount may not answer for a long
 * time, so this sense works in a lane of its own. */
#include <stdio.h>
#include <string.h>

#include "host/paths.h"
#include "vagus/collector.h"

enum { LIMIT, FREE, FREE_RATIO, INODES_LIMIT, INODES_FREE_RATIO, METRIC_COUNT };

/* A disk fills slowly beside what is free on it, and the more often the less that is: 10 s are its
 * slowest pace, not its only one. A read that is missing shows before the next. */
#define GOOD_FOR_NS (15 * VAGUS_SECOND_NS)

static const struct vagus_metric_desc table[METRIC_COUNT] = {
    [LIMIT] = {.name = "disk.limit",
               .instance = "*",
               .unit = "By",
               .help = "size of the file system of a watched path",
               .kind = VAGUS_GAUGE,
               .tier = VAGUS_TIER_10S,
               .resolution = 4096},
    [FREE] = {.name = "disk.free",
              .instance = "*",
              .unit = "By",
              .help = "bytes free for this user",
              .kind = VAGUS_GAUGE,
              .tier = VAGUS_TIER_10S,
              .resolution = 4096,
              .good_for_ns = GOOD_FOR_NS},
    [FREE_RATIO] = {.name = "disk.free.ratio",
                    .instance = "*",
                    .unit = "1",
                    .help = "their share",
                    .kind = VAGUS_GAUGE,
                    .tier = VAGUS_TIER_10S,
                    .max = 1,
                    .resolution = 0.001,
                    .good_for_ns = GOOD_FOR_NS},
    [INODES_LIMIT] = {.name = "disk.inodes.limit",
                      .instance = "*",
                      .unit = "{inode}",
                      .help = "inodes of the file system, used and free",
                      .resource = "disk",
                      .kind = VAGUS_GAUGE,
                      .tier = VAGUS_TIER_10S,
                      .resolution = 1},
    [INODES_FREE_RATIO] = {.name = "disk.inodes.free.ratio",
                           .instance = "*",
                           .unit = "1",
                           .help = "share of inodes free",
                           .kind = VAGUS_GAUGE,
                           .tier = VAGUS_TIER_10S,
                           .max = 1,
                           .resolution = 0.001,
                           .good_for_ns = GOOD_FOR_NS},
};

/* The number of each path's instance; negative where it could not be added. */
struct state {
    int instances[HOST_PATHS_MAX];
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

static int open_paths(struct vagus_collector *collector)
{
    struct host *host = vagus_collector_arg(collector);
    struct state *state = vagus_collector_state(collector);
    for (size_t i = 0; i < host_path_count(host); i++) {
        char name[VAGUS_INSTANCE_MAX];
        name_instance(host_path(host, i), i, name);
        state->instances[i] = vagus_collector_instance_add(collector, name);
        if (state->instances[i] < 0)
            return state->instances[i];
    }
    return 0;
}

static void sample_path(struct vagus_collector *collector, unsigned due, size_t path,
                        size_t instance)
{
    struct host_space space;
    int error = host_path_space(vagus_collector_arg(collector), path, &space);
    if (error != 0) {
        for (size_t metric = 0; metric < METRIC_COUNT; metric++)
            if ((due & 1u << table[metric].tier) != 0)
                vagus_put_missing(collector, metric, instance, error);
        return;
    }
    vagus_put(collector, LIMIT, instance, (double)space.total_bytes);
    vagus_put(collector, FREE, instance, (double)space.free_bytes);
    vagus_put(collector, FREE_RATIO, instance,
              (double)space.free_bytes / (double)space.total_bytes);
    if (space.inodes_total > 0) {
        vagus_put(collector, INODES_LIMIT, instance, (double)space.inodes_total);
        vagus_put(collector, INODES_FREE_RATIO, instance,
                  (double)space.inodes_free / (double)space.inodes_total);
    } else {
        vagus_put_missing(collector, INODES_LIMIT, instance, VAGUS_EUNSUPPORTED);
        vagus_put_missing(collector, INODES_FREE_RATIO, instance, VAGUS_EUNSUPPORTED);
    }
}

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    struct host *host = vagus_collector_arg(collector);
    const struct state *state = vagus_collector_state(collector);
    for (size_t i = 0; i < host_path_count(host); i++)
        sample_path(collector, due, i, (size_t)state->instances[i]);
    return 0;
}

static int sample_one(struct vagus_collector *collector, size_t instance)
{
    const struct host *host = vagus_collector_arg(collector);
    const struct state *state = vagus_collector_state(collector);
    for (size_t i = 0; i < host_path_count(host); i++)
        if (state->instances[i] == (int)instance)
            sample_path(collector, 1u << VAGUS_TIER_10S, i, instance);
    return 0;
}

static const struct vagus_limited space[] = {
    {.name = "disk",
     .metrics = (const struct vagus_limited_metric[]){{FREE, VAGUS_NO_WHOLE}, {FREE_RATIO, LIMIT}},
     .metric_count = 2,
     .max_rate = 2e9,
     .sample = sample_one},
    {.name = "inodes",
     .metrics = (const struct vagus_limited_metric[]){{INODES_FREE_RATIO, INODES_LIMIT}},
     .metric_count = 1,
     .max_rate = 200e3,
     .sample = sample_one},
};

extern const struct vagus_collector_desc vagus__collector_disk;
const struct vagus_collector_desc vagus__collector_disk = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "disk",
    .help = "room on the file systems of the watched paths",
    .flags = VAGUS_COLLECTOR_BLOCKING,
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .state_size = sizeof(struct state),
    .open = open_paths,
    .sample = take_sample,
    .limited = space,
    .limited_count = sizeof(space) / sizeof(space[0]),
};
