/* SPDX-License-Identifier: Apache-2.0 */
/* The organs of the health summary, a line each: name, bar of what is used, share, the last minute,
 * details. A bar takes the colour of the signals on its resource: whether a share is bad is the
 * policy's to say. */
#include <math.h>

#include "report/findings.h"
#include "report/health_parts.h"
#include "report/organs.h"

#define ORGAN_COLUMN 9
#define PERCENT_COLUMNS 6
#define PATH_AND_MORE 72 /* columns: of less there is room for a path alone */
#define SPAN_LEAST 0.1   /* of a share: what moves less is drawn flat */

struct organ {
    struct screen *screen;
    int64_t as_of_ns;
    enum vagus_state state; /* of the organ's foremost reading */
};

/* What a line of so many columns has room for. */
struct layout {
    unsigned from; /* columns */
    unsigned bar, spark;
};

static const struct layout *layout_of(const struct screen *screen)
{
    static const struct layout layouts[] = {{100, 12, 30}, {72, 8, 20}, {56, 6, 12}, {0, 4, 6}};
    const struct layout *layout = layouts;
    while (screen->columns < layout->from)
        layout++;
    return layout;
}

enum screen_style report_style_of_resource(const struct report *report, const char *resource)
{
    enum screen_style style = SCREEN_GOOD;
    for (uint32_t i = 0; i < report_raised_count(report); i++) {
        const struct vagus_snapshot_signal *raised = &report->snapshot.signals[i];
        if (strcmp(raised->resource, resource) != 0)
            continue;
        if (raised->kind == VAGUS_SHUTDOWN)
            return SCREEN_BAD;
        style = SCREEN_WARN;
    }
    return style;
}

/* The state of an organ's foremost reading is the organ's, and said once if it is not good. */
static void organ_say_state(struct organ *organ, const struct vagus_reading *foremost)
{
    char item[160];
    struct text text;
    organ->state = vagus_reading_state(foremost, organ->as_of_ns);
    if (organ->state == VAGUS_STATE_OK)
        return;
    text_init(&text, item, sizeof(item));
    report_add_state(&text, foremost, organ->as_of_ns);
    screen_item(organ->screen, SCREEN_WARN, item);
}

void report_add_bar(struct screen *screen, enum screen_style style, double used_ratio)
{
    static const char dots[] = "············";
    unsigned cells = layout_of(screen)->bar;
    double percent = used_ratio * 100;
    if (isfinite(used_ratio))
        screen_bar(screen, style, used_ratio, cells);
    else
        screen_addf(screen, SCREEN_DIM, "%.*s", (int)(strlen("·") * cells), dots);
    if (percent > -1000 && percent < 10000)
        screen_addf(screen, SCREEN_PLAIN, " %3.0f %%", percent);
    else
        screen_add(screen, SCREEN_PLAIN, "   ? %");
}

/* Of what has no limit: how much passes in a second, in place of bar and share. */
static void add_rate(struct screen *screen, const struct report_organ *organ)
{
    char words[80];
    struct text text;
    const double *newest = organ->spark + REPORT_SPARK_STEPS;
    while (newest > organ->spark && !isfinite(newest[-1]))
        newest--;
    if (newest == organ->spark)
        return;
    text_init(&text, words, sizeof(words));
    if (organ->unit[0] == '\0')
        text_add_size(&text, newest[-1]);
    else if (newest[-1] >= 100 && newest[-1] < 1e9)
        text_add_fixed(&text, newest[-1], 0);
    else
        text_add_digits(&text, newest[-1], 3);
    text_add(&text, organ->unit);
    text_add(&text, "/s");
    screen_cut_to(screen, SCREEN_PLAIN, words, layout_of(screen)->bar + PERCENT_COLUMNS);
}

static void add_spark(struct screen *screen, const struct report_organ *organ)
{
    unsigned columns = layout_of(screen)->spark;
    screen_to(screen, ORGAN_COLUMN + layout_of(screen)->bar + PERCENT_COLUMNS + 1);
    screen_spark(screen, SCREEN_DIM, organ->spark, columns, REPORT_SPARK_STEPS / columns,
                 organ->shared && organ->unit[0] == '\0' ? SPAN_LEAST : 0);
    screen_to(screen, screen->column + 1);
    screen->indent = screen->column;
}

/* Begins a line with its name, bar and last minute. */
static void organ_begin(struct organ *organ, const struct report *report,
                        const struct report_organ *its)
{
    struct screen *screen = organ->screen;
    organ->state = vagus_reading_state(&its->foremost, organ->as_of_ns);
    screen_add(screen, SCREEN_PLAIN, " ");
    screen_add(screen, SCREEN_BOLD, its->name);
    if (strcmp(its->name, "gpu") == 0 && report->snapshot.gpu_count > 1)
        screen_addf(screen, SCREEN_BOLD, " %u", its->number); /* a path stands in its own line */
    screen_to(screen, ORGAN_COLUMN);
    if (its->shared)
        report_add_bar(screen,
                       organ->state == VAGUS_STATE_OK ? report_style_of_resource(report, its->name)
                                                      : SCREEN_DIM,
                       its->used_ratio);
    else if (its->spark != NULL)
        add_rate(screen, its);
    add_spark(screen, its);
    organ_say_state(organ, &its->foremost);
}

/* What is as the whole organ is may be left out of a line that has no room for it; what is worse is
 * said. */
static void organ_item(struct organ *organ, enum vagus_state state, const char *item)
{
    enum screen_style style = state == VAGUS_STATE_OK ? SCREEN_PLAIN : SCREEN_WARN;
    if (organ->screen->begun && (state == VAGUS_STATE_OK || state == organ->state))
        screen_item_if_room(organ->screen, style, item);
    else
        screen_item(organ->screen, style, item);
}

/* A detail: before, value, after. One that is not good says so, unless the organ said the same. */
static void organ_detail(struct organ *organ, const char *before,
                         const struct vagus_reading *reading, const char *unit, const char *after)
{
    enum vagus_state state = vagus_reading_state(reading, organ->as_of_ns);
    bool has_value = state == VAGUS_STATE_OK || state == VAGUS_STATE_STALE;
    if (!has_value && state == organ->state)
        return;
    char item[160];
    struct text text;
    text_init(&text, item, sizeof(item));
    text_add(&text, before);
    if (has_value) {
        report_add_amount(&text, reading->value, unit, after);
    } else {
        /* "threads not supported here", "limit never read". */
        if (before[0] == '\0')
            text_addf(&text, "%s ", after + 1);
        report_add_state(&text, reading, organ->as_of_ns);
    }
    if (state == VAGUS_STATE_STALE && organ->state != VAGUS_STATE_STALE) {
        text_add(&text, " (");
        report_add_state(&text, reading, organ->as_of_ns);
        text_add(&text, ")");
    }
    organ_item(organ, state, item);
}

/* "12 of 1024 files", or the two apart where they are not alike. */
static void organ_share(struct organ *organ, const struct vagus_reading *part,
                        const struct vagus_reading *whole, const char *after)
{
    if (vagus_reading_state(part, organ->as_of_ns) != organ->state ||
        vagus_reading_state(whole, organ->as_of_ns) != organ->state ||
        (organ->state != VAGUS_STATE_OK && organ->state != VAGUS_STATE_STALE)) {
        organ_detail(organ, "", part, "", after);
        organ_detail(organ, "limit ", whole, "", "");
        return;
    }
    char item[120];
    struct text text;
    text_init(&text, item, sizeof(item));
    text_add_fixed(&text, part->value, part->value == rint(part->value) ? 0 : 2);
    text_add(&text, " of ");
    text_add_value(&text, whole->value, "");
    text_add(&text, after);
    organ_item(organ, organ->state, item);
}

/* A detail that is not missed where nobody senses it. */
static void organ_extra(struct organ *organ, const char *before,
                        const struct vagus_reading *reading, const char *unit, const char *after)
{
    if (vagus_reading_state(reading, organ->as_of_ns) == VAGUS_STATE_OK)
        organ_detail(organ, before, reading, unit, after);
}

static void add_memory(const struct report *report, struct organ *organ)
{
    const struct vagus_snapshot_memory *memory = &report->snapshot.memory;
    organ_detail(organ, "", &memory->headroom, "By", " left");
    organ_detail(organ, "limit ", &memory->limit, "By", "");
    if (memory->pressure_ratio.value > 0)
        organ_extra(organ, "waits ", &memory->pressure_ratio, "1", "");
}

static void add_cpu(const struct report *report, struct organ *organ)
{
    const struct vagus_snapshot_cpu *cpu = &report->snapshot.cpu;
    organ_share(organ, &cpu->process_cores, &cpu->allowance_cores, " cores");
    if (cpu->throttled_ratio.value > 0)
        organ_extra(organ, "throttled ", &cpu->throttled_ratio, "1", "");
    organ_detail(organ, "host ", &cpu->utilization, "1", "");
    organ_detail(organ, "load ", &cpu->load_1m, "", "");
    organ_extra(organ, "", &cpu->temperature, "", " °C");
}

static void add_process(const struct report *report, struct organ *organ)
{
    const struct vagus_snapshot_process *process = &report->snapshot.process;
    organ_share(organ, &process->descriptors, &process->descriptors_limit, " files");
    organ_detail(organ, "", &process->threads, "", " threads");
    organ_detail(organ, "", &process->resident, "By", " resident");
    if (process->tree.value > 1)
        organ_extra(organ, "", &process->tree, "", " processes");
}

/* Names of paths and devices are cut where the line ends, paths at their beginning. */
static void add_name(const char *name, bool path, struct organ *organ)
{
    char item[5 * VAGUS_INSTANCE_MAX];
    struct text text;
    text_init(&text, item, sizeof(item));
    text_add_safe(&text, name, sizeof(item) - sizeof("…"));
    if (path)
        screen_item_tail(organ->screen, SCREEN_PLAIN, item);
    else
        organ_item(organ, VAGUS_STATE_OK, item);
}

static void add_gpu(const struct vagus_snapshot_gpu *gpu, struct organ *organ)
{
    organ_extra(organ, "", &gpu->memory_free, "By", " free");
    organ_extra(organ, "busy ", &gpu->utilization, "1", "");
    if (vagus_reading_state(&gpu->throttled, organ->as_of_ns) == VAGUS_STATE_OK &&
        gpu->throttled.value > 0)
        screen_item(organ->screen, SCREEN_WARN, "held down");
    organ_extra(organ, "", &gpu->temperature, "", " °C");
    organ_extra(organ, "", &gpu->power, "W", "");
    add_name(gpu->device, false, organ);
}

static void add_path(const struct vagus_snapshot_path *path, struct organ *organ)
{
    if (organ->screen->columns < PATH_AND_MORE) {
        add_name(path->path, true, organ); /* the share is there; whose it is must be told */
        return;
    }
    organ_detail(organ, "", &path->free, "By", " free");
    if (vagus_reading_state(&path->writable, organ->as_of_ns) == VAGUS_STATE_OK &&
        path->writable.value == 0)
        screen_item(organ->screen, SCREEN_WARN, "not writable");
    /* They run out more rarely, so they are told when there are few. */
    if (!(path->inodes_free_ratio.value > 0.2))
        organ_detail(organ, "", &path->inodes_free_ratio, "1", " inodes free");
    add_name(path->path, true, organ);
}

static void add_network(const struct report *report, struct organ *organ)
{
    const struct vagus_snapshot_network *network = &report->snapshot.network;
    organ_extra(organ, "", &network->receive_rate, "By", "/s in");
    organ_extra(organ, "", &network->transmit_rate, "By", "/s out");
    organ_extra(organ, "", &network->established, "", " tcp");
    organ_extra(organ, "sent again ", &network->retransmit_ratio, "1", "");
}

static void add_agent(const struct report *report, struct organ *organ)
{
    const struct vagus_snapshot_agent *agent = &report->snapshot.agent;
    const struct {
        const struct vagus_reading *reading;
        const char *before, *unit, *after;
    } details[] = {
        {&agent->context_used, "context ", "1", ""},
        {&agent->queue_saturation, "queue ", "1", ""},
        {&agent->messages.total, "", "", " messages"},
        {&agent->errors.total, "", "", " errors"},
        {&agent->tokens.total, "", "", " tokens"},
        {&agent->tool_calls.total, "", "", " tool calls"},
        {&agent->deferrals.total, "", "", " deferred"},
        {&agent->llm_p99, "llm p99 ", "s", ""},
        {&agent->progress_age, "last step ", "s", " ago"},
    };
    for (size_t i = 0; i < sizeof(details) / sizeof(details[0]); i++)
        if (vagus_reading_state(details[i].reading, organ->as_of_ns) != VAGUS_STATE_NEVER)
            organ_detail(organ, details[i].before, details[i].reading, details[i].unit,
                         details[i].after);
}

void report_add_organs(const struct report *report, int64_t as_of_ns, struct screen *screen)
{
    const struct vagus_system_snapshot *snapshot = &report->snapshot;
    struct report_organ organs[REPORT_ORGANS_MAX];
    struct organ organ = {.screen = screen, .as_of_ns = as_of_ns};
    uint32_t count = report_organs(report, as_of_ns, organs);
    for (uint32_t i = 0; i < count; i++) {
        const char *name = organs[i].name;
        organ_begin(&organ, report, &organs[i]);
        if (strcmp(name, "memory") == 0)
            add_memory(report, &organ);
        else if (strcmp(name, "cpu") == 0)
            add_cpu(report, &organ);
        else if (strcmp(name, "gpu") == 0)
            add_gpu(&snapshot->gpus[organs[i].number], &organ);
        else if (strcmp(name, "disk") == 0)
            add_path(&snapshot->paths[organs[i].number], &organ);
        else if (strcmp(name, "network") == 0)
            add_network(report, &organ);
        else if (strcmp(name, "process") == 0)
            add_process(report, &organ);
        else
            add_agent(report, &organ);
        screen_line(screen, 0);
    }
}
