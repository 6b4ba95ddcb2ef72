/* SPDX-License-Identifier: Apache-2.0 */
/* The first table of docs/metrics.md has a row for each metric of each built-in sense, with its
 * unit, tier and resource, and none for a metric that there is not. */
#include <stdlib.h>

#include "check.h"
#include "sense/sense.h"

static char page[64 * 1024];

#define METRICS_MAX 512
static struct {
    const struct vagus_metric_desc *desc;
    unsigned rows;
} all[METRICS_MAX];
static size_t count;

static void gather(void)
{
    for (size_t i = 0; sense_builtin[i] != NULL; i++)
        for (size_t j = 0; j < sense_builtin[i]->metric_count && count < METRICS_MAX; j++)
            all[count++].desc = &sense_builtin[i]->metrics[j];
}

static int find(const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strcmp(all[i].desc->name, name) == 0)
            return (int)i;
    return -1;
}

/* ".free" after "a.b.limit" is "a.b.free" or "a.free" or "a.b.limit.free": whichever there is. */
static int find_suffix(const char *first, const char *suffix)
{
    char name[160];
    for (size_t length = strlen(first); length > 0; length--) {
        if (first[length] != '\0' && first[length] != '.')
            continue;
        snprintf(name, sizeof(name), "%.*s%s", (int)length, first, suffix);
        int found = find(name);
        if (found >= 0)
            return found;
    }
    return -1;
}

static const char *tier_name(const struct vagus_metric_desc *desc)
{
    switch (desc->tier) {
    case VAGUS_TIER_100MS:
        return "100 ms";
    case VAGUS_TIER_10S:
        return "10 s";
    case VAGUS_TIER_60S:
        return "60 s";
    default:
        return "1 s";
    }
}

/* The number-th of what a cell lists, or the only one. */
static bool cell_says(const char *cell, unsigned number, const char *wanted)
{
    char text[160], *rest = text, *item = text;
    snprintf(text, sizeof(text), "%s", cell);
    for (unsigned i = 0; i <= number && rest != NULL; i++) {
        item = rest;
        if ((rest = strstr(rest, ", ")) != NULL) {
            *rest = '\0';
            rest += 2;
        }
    }
    return strcmp(item, wanted) == 0 || strncmp(item, wanted, strlen(wanted)) == 0;
}

static void check_cells(const struct vagus_metric_desc *desc, unsigned number, char *const cells[])
{
    char resource[64];
    snprintf(resource, sizeof(resource), "%.*s", (int)strcspn(desc->name, "."), desc->name);
    if (!cell_says(cells[1], number, desc->unit != NULL ? desc->unit : "1"))
        CHECK_FAIL_("%s has the unit %s, not %s", desc->name, desc->unit, cells[1]);
    if (!cell_says(cells[2], 0, tier_name(desc)))
        CHECK_FAIL_("%s is sensed each %s, not %s", desc->name, tier_name(desc), cells[2]);
    if (strcmp(cells[3], desc->resource != NULL ? desc->resource : resource) != 0)
        CHECK_FAIL_("%s is of %s, not %s", desc->name, desc->resource, cells[3]);
}

/* "| a | b |": the cells, without the spaces about them. */
static size_t split(char *row, char *cells[], size_t cells_max)
{
    size_t filled = 0;
    for (row++; filled < cells_max; filled++) {
        char *end = strchr(row, '|');
        if (end == NULL)
            break;
        cells[filled] = row + strspn(row, " ");
        row = end + 1;
        while (end > cells[filled] && end[-1] == ' ')
            end--;
        *end = '\0';
    }
    return filled;
}

/* What the snapshot is made of, by src/report/snapshot.def. */
static const struct shown {
    const char *name, *unit; /* NULL: of something made of it */
} shown[] = {
#define SNAPSHOT_FIELD(part, field, metric, unit) {metric, unit},
#define SNAPSHOT_EITHER(part, field, metric, other, unit) {metric, unit}, {other, unit},
#define SNAPSHOT_RATIO(part, field, over, under) {over, NULL}, {under, NULL},
#define SNAPSHOT_NETWORK_RATE(part, field, metric, unit) {metric, NULL},
#define SNAPSHOT_COUNT(field, metric, unit) {metric, unit},
#define SNAPSHOT_PATH_FIELD(field, metric, unit) {metric, unit},
#define SNAPSHOT_GPU_FIELD(field, metric, unit) {metric, unit},
#include "report/snapshot.def"
};
#define SHOWN (sizeof(shown) / sizeof(shown[0]))

static bool is_shown(const char *name)
{
    for (size_t i = 0; i < SHOWN; i++)
        if (strcmp(shown[i].name, name) == 0)
            return true;
    return false;
}

static void check_mark(const char *name, const char *after)
{
    if ((strncmp(after, " *", 2) == 0) != is_shown(name))
        CHECK_FAIL_("%s: marked * in docs/metrics.md is what the snapshot shows", name);
}

static void check_row(char *row)
{
    char *cells[4], *names, *end, first[128] = "";
    REQUIRE(split(row, cells, 4) == 4);
    names = cells[0];
    for (unsigned number = 0; (names = strchr(names, '`')) != NULL; number++) {
        end = strchr(++names, '`');
        REQUIRE(end != NULL);
        *end = '\0';
        bool suffix = names[0] == '.';
        int found = suffix ? find_suffix(first, names) : find(names);
        if (!suffix)
            snprintf(first, sizeof(first), "%s", names);
        if (found >= 0) {
            all[found].rows++;
            check_mark(all[found].desc->name, end + 1);
            for (size_t i = 0; i < count; i++) /* two senses may have metrics of one name */
                if (strcmp(all[i].desc->name, all[found].desc->name) == 0)
                    check_cells(all[i].desc, number, cells);
        } else if (strncmp(first, "vagus.", 6) != 0 && strncmp(first, "continuity.", 11) != 0 &&
                   strcmp(names, ".avg10") != 0) {
            CHECK_FAIL_("docs/metrics.md tells of %s, which no sense has", names);
        }
        names = end + 1;
    }
}

/* Every metric that the snapshot shows is a sense's, in that unit, or is told of where an agent's
 * metrics are. */
static const char *agents; /* that table */

static void every_field_is_some_metrics(void)
{
    for (size_t i = 0; i < SHOWN; i++) {
        const char *name = shown[i].name;
        char marked[96];
        int found = find(name);
        snprintf(marked, sizeof(marked), "`%s` *", name);
        if (strncmp(name, "agent.", 6) == 0)
            found = strstr(agents, marked) != NULL;
        else if (found >= 0 && shown[i].unit != NULL)
            CHECK_STR(shown[i].unit, all[found].desc->unit != NULL ? all[found].desc->unit : "1");
        if (found < 0 && strncmp(name, "vagus.", 6) != 0)
            CHECK_FAIL_("no sense has %s, which the snapshot shows", name);
        if (found == 0 && strncmp(name, "agent.", 6) == 0)
            CHECK_FAIL_("docs/metrics.md does not mark %s", name);
    }
}

static void as_the_senses_have_them(void)
{
    char *at = strstr(page, "| `");
    gather();
    REQUIRE(at != NULL && count > 100 && count < METRICS_MAX);
    while (at[0] == '|') {
        char *end = strchr(at, '\n');
        REQUIRE(end != NULL);
        *end = '\0';
        check_row(at);
        at = end + 1;
    }
    agents = at;
    for (size_t i = 0; i < count; i++) {
        const char *name = all[i].desc->name, *average = strstr(name, ".avg10");
        unsigned rows = all[find(name)].rows;
        if (rows != 1 && average == NULL)
            CHECK_FAIL_("docs/metrics.md has %u rows for %s", rows, name);
    }
}

int main(void)
{
    char path[512];
    size_t root = strlen(FIXTURES) - strlen("tests/fixtures");
    snprintf(path, sizeof(path), "%.*sdocs/metrics.md", (int)root, FIXTURES);
    FILE *file = fopen(path, "r");
    if (file == NULL || fread(page, 1, sizeof(page) - 1, file) == 0)
        return 1;
    fclose(file);
    RUN(as_the_senses_have_them);
    RUN(every_field_is_some_metrics);
    return check_result();
}
