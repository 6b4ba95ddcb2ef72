/* SPDX-License-Identifier: Apache-2.0 */
/* Performance Co-Pilot's values in mapped memory, by handle and by name. An increment is a plain
 * one on the shared word, so with two threads it would lose some: there is no such row. */
#include <pcp/pmapi.h>
/* What it uses comes first. */
#include <pcp/mmv_stats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "measure.h"
#include "peer.h"

#define METRICS 12 /* as many as the bench knows names */

static void *map;
static pmAtomValue *counter;

static void inc(void *arg, uint64_t iterations)
{
    void *mapped = map;
    pmAtomValue *value = counter;
    (void)arg;
    MEASURE_LOOP(iterations, mmv_inc(mapped, value));
}

static void inc_by_name(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, mmv_stats_inc(map, "bench.counter0", NULL));
}

/* Its file goes where the segments of the bench go; false if it could not be made. */
static bool start(void)
{
    static char names[METRICS][32]; /* the registry keeps pointers */
    char folder[4096];
    const char *place = getenv("XDG_RUNTIME_DIR");
    pmUnits units = MMV_UNITS(0, 0, 1, 0, 0, PM_COUNT_ONE);
    if (place == NULL || snprintf(folder, sizeof(folder), "%s/mmv", place) >= (int)sizeof(folder) ||
        (mkdir(folder, 0700) != 0 && access(folder, W_OK) != 0) ||
        setenv("PCP_TMP_DIR", place, 1) != 0)
        return false;
    mmv_registry_t *registry = mmv_stats_registry("vagus-bench", 321, MMV_FLAG_PROCESS);
    for (int i = 0; registry != NULL && i < METRICS; i++) {
        char *name = names[i];
        snprintf(name, sizeof(names[i]), "bench.counter%d", i);
        mmv_stats_add_metric(registry, name, i + 1, MMV_TYPE_U64, MMV_SEM_COUNTER, units,
                             (int)MMV_INDOM_NULL, name, name);
    }
    map = registry != NULL ? mmv_stats_start(registry) : NULL;
    counter = map != NULL ? mmv_lookup_value_desc(map, "bench.counter0", NULL) : NULL;
    return counter != NULL;
}

peer_loop *peer_mmv_loop(const char *name)
{
    if (counter == NULL && !start())
        return NULL;
    if (strcmp(name, "counter") == 0)
        return inc;
    return strcmp(name, "by_name") == 0 ? inc_by_name : NULL;
}
