/* SPDX-License-Identifier: Apache-2.0 */
/* The organs of `vagus top`: what of a snapshot becomes a bar, a sparkline and words. What is not
 * known is a row of dots and a reason, never an empty bar. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/top.h"
#include "report/findings.h"

static bool is_known(const struct vagus_reading *reading, int64_t as_of_ns)
{
    enum vagus_state state = vagus_reading_state(reading, as_of_ns);
    return state == VAGUS_STATE_OK || state == VAGUS_STATE_STALE;
}

static double known_value(const struct vagus_reading *reading, int64_t as_of_ns)
{
    return is_known(reading, as_of_ns) ? reading->value : NAN;
}

static double share(double part, double whole)
{
    return whole > 0 ? part / whole : NAN;
}

static enum screen_style style_of(const struct report *report, const char *resource)
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

struct line {
    const struct top_state *state;
    struct top_organ *organ;
    struct text detail;
};

/* The next organ, whose state is that of its foremost reading; a trail is found by its metric. */
static struct line begin(struct top_state *state, const char *name, const char *resource,
                         const struct vagus_reading *foremost, double used_ratio)
{
    struct top_organ *organ = &state->organs[state->organ_count++];
    struct line line = {.state = state, .organ = organ};
    enum vagus_state known = vagus_reading_state(foremost, state->as_of_ns);
    memset(organ, 0, sizeof(*organ));
    text_copy(organ->name, sizeof(organ->name), name);
    text_copy(organ->short_name, sizeof(organ->short_name), name);
    text_init(&line.detail, organ->detail, sizeof(organ->detail));
    organ->stale = known != VAGUS_STATE_OK;
    organ->used_ratio = is_known(foremost, state->as_of_ns) ? used_ratio : NAN;
    organ->level = known == VAGUS_STATE_OK ? used_ratio : NAN;
    organ->style = organ->stale ? SCREEN_DIM : style_of(&state->report, resource);
    report_add_state(&line.detail, foremost, state->as_of_ns);
    return line;
}

static void separate(struct line *line)
{
    if (line->detail.length > 0)
        text_add(&line->detail, " · ");
}

/* What is not known is left out: the foremost reading said why. */
static void add(struct line *line, const char *before, const struct vagus_reading *reading,
                const char *unit, const char *after)
{
    if (!is_known(reading, line->state->as_of_ns))
        return;
    if (strcmp(before, "of ") == 0) /* goes on with what was said */
        text_add(&line->detail, " ");
    else
        separate(line);
    text_add(&line->detail, before);
    text_add_value(&line->detail, reading->value, unit);
    text_add(&line->detail, after);
}

/* Of which metric the sparkline is: level = offset + scale * its value. */
static void from(struct line *line, const char *metric, const char *instance, double offset,
                 double scale)
{
    text_copy(line->organ->metric, sizeof(line->organ->metric), metric);
    text_copy(line->organ->instance, sizeof(line->organ->instance), instance);
    line->organ->offset = offset;
    line->organ->scale = scale;
}

static void add_memory(struct top_state *state)
{
    const struct vagus_snapshot_memory *memory = &state->report.snapshot.memory;
    struct line line =
        begin(state, "memory", "memory", &memory->headroom_ratio, 1 - memory->headroom_ratio.value);
    from(&line, "memory.headroom.ratio", "", 1, -1);
    add(&line, "", &memory->headroom, "By", " left");
    add(&line, "of ", &memory->limit, "By", "");
    add(&line, "waits ", &memory->pressure_ratio, "1", "");
}

static void add_cpu(struct top_state *state)
{
    const struct vagus_snapshot_cpu *cpu = &state->report.snapshot.cpu;
    struct line line =
        begin(state, "cpu", "cpu", &cpu->process_utilization, cpu->process_utilization.value);
    from(&line, "process.cpu.utilization", "", 0, 1);
    if (is_known(&cpu->process_cores, state->as_of_ns)) {
        separate(&line);
        text_add_fixed(&line.detail, cpu->process_cores.value, 2);
        text_add(&line.detail, " cores");
    }
    add(&line, "of ", &cpu->allowance_cores, "", "");
    add(&line, "host ", &cpu->utilization, "1", "");
    add(&line, "load ", &cpu->load_1m, "", "");
    add(&line, "throttled ", &cpu->throttled_ratio, "1", "");
}

static void add_process(struct top_state *state)
{
    const struct vagus_snapshot_process *process = &state->report.snapshot.process;
    double used = share(process->descriptors.value,
                        known_value(&process->descriptors_limit, state->as_of_ns));
    struct line line = begin(state, "process", "process", &process->descriptors, used);
    from(&line, "process.unix.file_descriptor.count", "", 0,
         share(1, known_value(&process->descriptors_limit, state->as_of_ns)));
    add(&line, "", &process->descriptors, "", " files");
    add(&line, "", &process->threads, "", " threads");
    add(&line, "", &process->resident, "By", " resident");
}

/* The end of a path tells more than its beginning. */
static void shorten(char short_name[8], const char *path)
{
    char safe[512];
    struct text text;
    text_init(&text, safe, sizeof(safe));
    text_add_safe(&text, path, sizeof(safe) / 2);
    const char *at = safe;
    while (canvas_width(at) > 7)
        do
            at++;
        while (((unsigned char)*at & 0xc0) == 0x80);
    text_copy(short_name, 8, at);
}

static void add_path(struct top_state *state, const struct vagus_snapshot_path *path,
                     bool of_several)
{
    struct line line = begin(state, "disk", "disk", &path->free_ratio, 1 - path->free_ratio.value);
    from(&line, "disk.free.ratio", path->path, 1, -1);
    if (of_several)
        shorten(line.organ->short_name, path->path);
    add(&line, "", &path->free, "By", " free");
    separate(&line);
    text_add_safe(&line.detail, path->path, 48);
    add(&line, "", &path->inodes_free_ratio, "1", " inodes free");
}

static void add_gpu(struct top_state *state, const struct vagus_snapshot_gpu *gpu, bool of_several)
{
    bool memory = is_known(&gpu->memory_utilization, state->as_of_ns);
    const struct vagus_reading *foremost = memory ? &gpu->memory_utilization : &gpu->utilization;
    struct line line = begin(state, "gpu", memory ? "vram" : "gpu", foremost, foremost->value);
    from(&line, memory ? "hw.gpu.memory.utilization" : "hw.gpu.utilization", gpu->device, 0, 1);
    if (of_several)
        shorten(line.organ->short_name, gpu->device);
    add(&line, "busy ", &gpu->utilization, "1", "");
    add(&line, "", &gpu->memory_free, "By", " free");
    add(&line, "", &gpu->temperature, "Cel", "");
    add(&line, "", &gpu->power, "W", "");
    if (is_known(&gpu->throttled, state->as_of_ns) && gpu->throttled.value > 0) {
        separate(&line);
        text_add(&line.detail, "throttled");
    }
    separate(&line);
    text_add_safe(&line.detail, gpu->device, 40);
}

static void add_network(struct top_state *state)
{
    const struct vagus_snapshot_network *network = &state->report.snapshot.network;
    if (vagus_reading_state(&network->receive_rate, state->as_of_ns) == VAGUS_STATE_NEVER)
        return; /* not sensed, so not missed */
    double both = network->receive_rate.value + network->transmit_rate.value;
    struct line line = begin(state, "network", "network", &network->receive_rate, both);
    struct text flow;
    line.organ->flows = true;
    text_init(&flow, line.organ->flow, sizeof(line.organ->flow));
    if (is_known(&network->receive_rate, state->as_of_ns)) {
        text_add(&flow, "↓");
        text_add_size(&flow, network->receive_rate.value);
        text_add(&flow, " ↑");
        text_add_size(&flow, known_value(&network->transmit_rate, state->as_of_ns));
    }
    add(&line, "", &network->established, "", " connections");
    add(&line, "", &network->retransmit_ratio, "1", " sent again");
    add(&line, "", &network->sockets, "", " sockets");
}

void top_organs(struct top_state *state)
{
    const struct vagus_system_snapshot *snapshot = &state->report.snapshot;
    state->organ_count = 0;
    if (state->report.snapshot_error != 0)
        return;
    add_memory(state);
    add_cpu(state);
    add_process(state);
    for (uint32_t i = 0; i < snapshot->path_count && i < VAGUS_SNAPSHOT_PATHS; i++)
        add_path(state, &snapshot->paths[i], snapshot->path_count > 1);
    for (uint32_t i = 0; i < snapshot->gpu_count && i < VAGUS_SNAPSHOT_GPUS; i++)
        add_gpu(state, &snapshot->gpus[i], snapshot->gpu_count > 1);
    add_network(state);
}

unsigned top_organs_count(const struct top_state *state)
{
    return state->organ_count;
}

/* --- The last minute of each. --- */

static void forget(struct top_trail *trail, const struct top_organ *organ)
{
    memcpy(trail->name, organ->name, sizeof(trail->name));
    memcpy(trail->instance, organ->instance, sizeof(trail->instance));
    trail->end_ns = 0;
    for (unsigned i = 0; i < TOP_TRAIL; i++)
        trail->values[i] = NAN;
}

/* Looks come a second apart, more or less: one that is a little late has missed nothing. True if
 * seconds were missed. */
static bool go_on(struct top_trail *trail, double level, int64_t now_ns)
{
    int64_t steps = (report_span_ns(trail->end_ns, now_ns) + VAGUS_SECOND_NS / 2) / VAGUS_SECOND_NS;
    if (trail->end_ns == 0) {
        steps = TOP_TRAIL;
        trail->end_ns = now_ns;
    } else {
        trail->end_ns += steps * VAGUS_SECOND_NS;
    }
    unsigned shift = steps < TOP_TRAIL ? (unsigned)steps : TOP_TRAIL;
    memmove(trail->values, trail->values + shift, (TOP_TRAIL - shift) * sizeof(double));
    for (unsigned i = TOP_TRAIL - shift; i < TOP_TRAIL; i++)
        trail->values[i] = shift <= 2 ? level : NAN;
    trail->values[TOP_TRAIL - 1] = level;
    return shift > 2;
}

uint32_t top_trails(struct top_state *state, int64_t now_ns)
{
    uint32_t holes = 0;
    for (unsigned i = 0; i < state->organ_count; i++) {
        const struct top_organ *organ = &state->organs[i];
        struct top_trail *trail = &state->trails[i];
        if (strcmp(trail->name, organ->name) != 0 || strcmp(trail->instance, organ->instance) != 0)
            forget(trail, organ);
        if (go_on(trail, organ->level, now_ns))
            holes |= 1u << i;
    }
    return holes;
}

/* --- Drawing one. --- */

void top_organ_draw(const struct top_state *state, unsigned index, struct canvas *canvas,
                    unsigned row)
{
    const struct top_organ *organ = &state->organs[index];
    const struct top_trail *trail = &state->trails[index];
    unsigned width = canvas->columns, bar = width >= 60 ? 12 : 8, column = 9;
    unsigned cells = width >= 118 ? TOP_TRAIL : width >= 60 ? TOP_TRAIL / 3 : TOP_TRAIL / 4;
    double low = 0, high = 1;
    bool narrow = width < 60;
    canvas_put(canvas, row, 1, 9, SCREEN_BOLD, narrow ? organ->short_name : organ->name);
    if (organ->flows) {
        canvas_put(canvas, row, column, column + bar + 6, SCREEN_PLAIN, organ->flow);
        high = 0;
        for (unsigned i = 0; i < TOP_TRAIL; i++)
            high = isfinite(trail->values[i]) ? fmax(high, trail->values[i]) : high;
        high = high > 0 ? high : 1;
    } else {
        char percent[16] = "  ? %";
        canvas_bar(canvas, row, column, bar, organ->style, organ->used_ratio);
        if (organ->used_ratio > -10 && organ->used_ratio < 100)
            snprintf(percent, sizeof(percent), "%3.0f %%", organ->used_ratio * 100);
        canvas_put_right(canvas, row, column + bar, column + bar + 6, SCREEN_PLAIN, percent);
    }
    column += bar + 7;
    canvas_spark(canvas, row, column, cells, trail->values, TOP_TRAIL, low, high);
    column += cells + 2;
    if (column + 8 <= width)
        canvas_put(canvas, row, column, width, organ->stale ? SCREEN_WARN : SCREEN_PLAIN,
                   organ->detail);
}
