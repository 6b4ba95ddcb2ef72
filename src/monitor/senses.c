/* SPDX-License-Identifier: Apache-2.0 */
/* Which senses a monitor has, and which paths it watches. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config/cadence.h"
#include "config/filter.h"
#include "config/schema.h"
#include "host/paths.h"
#include "monitor/monitor.h"

size_t monitor_watch_paths(struct vagus_monitor *monitor, const char *paths[])
{
    const struct vagus_config *config = monitor->config;
    const char *temporary = secure_getenv("TMPDIR");
    char directory[PATH_MAX];
    size_t count = 0;
    /* It may have been removed. Asked in a way that does not look at it, which might block. */
    if (getcwd(directory, sizeof(directory)) != NULL)
        paths[count++] = ".";
    paths[count++] = temporary != NULL && temporary[0] == '/' ? temporary : "/tmp";
    for (uint32_t i = 0; i < config->watch_path_count && count < HOST_PATHS_MAX; i++)
        paths[count++] = config->watch_paths[i];
    return count;
}

static void release_host(void *host)
{
    host_unref(host);
}

static void release_watch(void *watch)
{
    host_unref(((struct host_watch *)watch)->host);
}

/* Once for each path, so that each has a lane of its own: disk, disk_1, and so on. */
static int add_of_paths(struct vagus_monitor *monitor, const struct vagus_collector_desc *desc)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < host_path_count(monitor->host); i++) {
        char name[32];
        struct vagus_collector_desc one = *desc;
        snprintf(name, sizeof(name), i > 0 ? "%.24s_%zu" : "%.24s", desc->name, i);
        one.name = name;
        host_ref(monitor->host);
        error = sense_add(monitor->sense, &one, host_path_watch(monitor->host, i), release_watch);
    }
    return error;
}

void monitor_note_tiers(struct vagus_monitor *monitor, const struct vagus_collector_desc *desc)
{
    const struct vagus_config *config = monitor->config;
    for (uint32_t i = 0; i < config->tier_count; i++) {
        const struct config_tier *tier = &config->tiers[i];
        unsigned wanted = (unsigned)tier->tier + 1;
        bool quick = cadence_names(tier->name, desc->name) && wanted < cadence_quickest(desc);
        for (size_t j = 0; j < desc->metric_count; j++)
            quick |= strcmp(tier->name, desc->metrics[j].name) == 0 &&
                     (wanted < cadence_tier(&desc->metrics[j]) || cadence_is_limited(desc, j));
        if (quick)
            monitor_note(monitor, SEGMENT_NOTE_REFUSED,
                         "tier of %s refused: %s cannot be had at %s; it stays on its own",
                         tier->name, desc->name, schema_tiers[tier->tier]);
    }
}

static void note_left_out(struct vagus_monitor *monitor)
{
    const struct vagus_config *config = monitor->config;
    char names[120];
    struct text text;
    text_init(&text, names, sizeof(names));
    for (uint32_t i = 0; i < config->without_count; i++)
        text_addf(&text, "%s%s", i > 0 ? ", " : "", config->without[i]);
    if (config->without_count > 0)
        monitor_note(monitor, SEGMENT_NOTE_INFO, "left out by the policy: %s", names);
}

int monitor_add_senses(struct vagus_monitor *monitor)
{
    int error = 0;
    note_left_out(monitor);
    for (size_t i = 0; error == 0 && sense_builtin[i] != NULL; i++) {
        if (filter_drops_collector(monitor->config, sense_builtin[i]->name))
            continue;
        error = sense_is_of_paths[i] ? add_of_paths(monitor, sense_builtin[i])
                                     : sense_add(monitor->sense, sense_builtin[i],
                                                 host_ref(monitor->host), release_host);
    }
    return error;
}
