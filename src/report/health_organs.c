/* SPDX-License-Identifier: Apache-2.0 */
/* The organs of the health summary: name, bar of what is used, share, details. A bar takes the
 * colour of the signals on its resource: whether a share is bad is the policy's to say. */
#include "report/health_parts.h"

#include <math.h>

#include "report/findings.h"

#define ORGAN_COLUMN 9
#define BAR_CELLS 12
#define DETAIL_COLUMN (ORGAN_COLUMN + BAR_CELLS + 8)

struct organ {
    struct screen *screen;
    int64_t as_of_ns;
    enum vagus_state state; /* of the organ's foremost reading */
};

static enum screen_style style_of_resource(const struct report *report, const char *resource)
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

/* Begins a line with its bar. `foremost` decides the state of the organ, used_ratio its bar. */
static void organ_begin(struct organ *organ, const struct report *report, const char *resource,
                        const struct vagus_reading *foremost, double used_ratio)
{
    struct screen *screen = organ->screen;
    organ->state = vagus_reading_state(foremost, organ->as_of_ns);
    bool has_value = organ->state == VAGUS_STATE_OK || organ->state == VAGUS_STATE_STALE;

    screen_add(screen, SCREEN_PLAIN, " ");
    screen_add(screen, SCREEN_BOLD, resource);
    screen_to(screen, ORGAN_COLUMN);
    if (has_value && isfinite(used_ratio)) {
        screen_bar(screen,
                   organ->state == VAGUS_STATE_OK ? style_of_resource(report, resource)
                                                  : SCREEN_DIM,
                   used_ratio, BAR_CELLS);
        double percent = used_ratio * 100;
        if (percent > -1000 && percent < 10000)
            screen_addf(screen, SCREEN_PLAIN, " %3.0f %%", percent);
        else
            screen_add(screen, SCREEN_PLAIN, "   ? %");
    } else {
        screen_add(screen, SCREEN_DIM, "············");
        screen_add(screen, SCREEN_PLAIN, "   ? %");
    }
    screen_to(screen, DETAIL_COLUMN);
    screen->indent = DETAIL_COLUMN;

    organ_say_state(organ, foremost);
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
        text_add_value(&text, reading->value, unit);
        text_add(&text, after);
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
    screen_item(organ->screen, state == VAGUS_STATE_OK ? SCREEN_PLAIN : SCREEN_WARN, item);
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
    screen_item(organ->screen, organ->state == VAGUS_STATE_OK ? SCREEN_PLAIN : SCREEN_WARN, item);
}

static double quotient(const struct vagus_reading *part, const struct vagus_reading *whole)
{
    return whole->value > 0 ? part->value / whole->value : NAN;
}

static bool is_ok(const struct vagus_reading *reading, int64_t as_of_ns)
{
    return vagus_reading_state(reading, as_of_ns) == VAGUS_STATE_OK;
}

static void add_memory(const struct report *report, struct organ *organ)
{
    const struct vagus_snapshot_memory *memory = &report->snapshot.memory;
    const struct vagus_reading *foremost = &memory->headroom_ratio;
    double used_ratio = 1 - memory->headroom_ratio.value;
    if (!is_ok(foremost, organ->as_of_ns) && is_ok(&memory->usage, organ->as_of_ns)) {
        foremost = &memory->usage;
        used_ratio = quotient(&memory->usage, &memory->limit);
    }
    organ_begin(organ, report, "memory", foremost, used_ratio);
    organ_detail(organ, "", &memory->headroom, "By", " left");
    organ_detail(organ, "limit ", &memory->limit, "By", "");
    screen_line(organ->screen, 0);
}

static void add_cpu(const struct report *report, struct organ *organ)
{
    const struct vagus_snapshot_cpu *cpu = &report->snapshot.cpu;
    organ_begin(organ, report, "cpu", &cpu->process_utilization, cpu->process_utilization.value);
    organ_share(organ, &cpu->process_cores, &cpu->allowance_cores, " cores");
    organ_detail(organ, "host ", &cpu->utilization, "1", "");
    organ_detail(organ, "load ", &cpu->load_1m, "", "");
    screen_line(organ->screen, 0);
}

static void add_process(const struct report *report, struct organ *organ)
{
    const struct vagus_snapshot_process *process = &report->snapshot.process;
    organ_begin(organ, report, "process", &process->descriptors,
                quotient(&process->descriptors, &process->descriptors_limit));
    organ_share(organ, &process->descriptors, &process->descriptors_limit, " files");
    organ_detail(organ, "", &process->threads, "", " threads");
    organ_detail(organ, "", &process->resident, "By", " resident");
    screen_line(organ->screen, 0);
}

static void add_path(const struct report *report, const struct vagus_snapshot_path *path,
                     struct organ *organ)
{
    char item[160];
    struct text text;
    organ_begin(organ, report, "disk", &path->free_ratio, 1 - path->free_ratio.value);
    organ_detail(organ, "", &path->free, "By", " free");
    organ_detail(organ, "", &path->inodes_free_ratio, "1", " inodes free");
    text_init(&text, item, sizeof(item));
    text_add_safe(&text, path->path, 52);
    screen_item(organ->screen, SCREEN_PLAIN, item);
    screen_line(organ->screen, 0);
}

static void add_agent(const struct report *report, struct organ *organ)
{
    const struct vagus_snapshot_agent *agent = &report->snapshot.agent;
    const struct {
        const struct vagus_reading *reading;
        const char *name;
    } counters[] = {
        {&agent->messages.total, " messages"},
        {&agent->tokens.total, " tokens"},
        {&agent->errors.total, " errors"},
        {&agent->tool_calls.total, " tool calls"},
    };
    bool begun = false;
    for (size_t i = 0; i < sizeof(counters) / sizeof(counters[0]); i++) {
        if (vagus_reading_state(counters[i].reading, organ->as_of_ns) == VAGUS_STATE_NEVER)
            continue; /* not defined, so not missed */
        if (!begun) {
            screen_add(organ->screen, SCREEN_BOLD, " agent");
            screen_to(organ->screen, ORGAN_COLUMN);
            organ->screen->indent = ORGAN_COLUMN;
            organ_say_state(organ, counters[i].reading);
            begun = true;
        }
        organ_detail(organ, "", counters[i].reading, "", counters[i].name);
    }
    if (begun)
        screen_line(organ->screen, 0);
}

void report_add_organs(const struct report *report, int64_t as_of_ns, struct screen *screen)
{
    const struct vagus_system_snapshot *snapshot = &report->snapshot;
    struct organ organ = {.screen = screen, .as_of_ns = as_of_ns};
    add_memory(report, &organ);
    add_cpu(report, &organ);
    add_process(report, &organ);
    for (uint32_t i = 0; i < snapshot->path_count && i < VAGUS_SNAPSHOT_PATHS; i++)
        add_path(report, &snapshot->paths[i], &organ);
    add_agent(report, &organ);
}
