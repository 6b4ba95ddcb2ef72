/* SPDX-License-Identifier: Apache-2.0 */
/* The organs of `vagus top`: those of the report, each with a bar, its last minute and words. What
 * is not known is a row of dots and a reason, never an empty bar. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli/top.h"
#include "report/findings.h"
#include "report/health_parts.h"

#define NAME_COLUMN 1
#define BAR_COLUMN 9

static bool is_known(const struct vagus_reading *reading, int64_t as_of_ns)
{
    enum vagus_state state = vagus_reading_state(reading, as_of_ns);
    return state == VAGUS_STATE_OK || state == VAGUS_STATE_STALE;
}

/* --- Words. --- */

struct words {
    int64_t as_of_ns;
    struct text text;
};

static void separate(struct words *words)
{
    if (words->text.length > 0)
        text_add(&words->text, " · ");
}

/* What is not known is left out: the foremost reading says why. */
static void add(struct words *words, const char *before, const struct vagus_reading *reading,
                const char *unit, const char *after)
{
    if (!is_known(reading, words->as_of_ns))
        return;
    if (strcmp(before, "of ") == 0) /* goes on with what was said */
        text_add(&words->text, " ");
    else
        separate(words);
    text_add(&words->text, before);
    report_add_amount(&words->text, reading->value, unit, after);
}

static void add_memory(const struct vagus_snapshot_memory *memory, struct words *words)
{
    add(words, "", &memory->headroom, "By", " left");
    add(words, "of ", &memory->limit, "By", "");
    add(words, "waits ", &memory->pressure_ratio, "1", "");
}

static void add_cpu(const struct vagus_snapshot_cpu *cpu, struct words *words)
{
    if (is_known(&cpu->process_cores, words->as_of_ns)) {
        separate(words);
        text_add_fixed(&words->text, cpu->process_cores.value, 2);
        text_add(&words->text, " cores");
        add(words, "of ", &cpu->allowance_cores, "", "");
    }
    add(words, "host ", &cpu->utilization, "1", "");
    add(words, "load ", &cpu->load_1m, "", "");
    add(words, "throttled ", &cpu->throttled_ratio, "1", "");
}

static void add_process(const struct vagus_snapshot_process *process, struct words *words)
{
    add(words, "", &process->descriptors, "", " files");
    add(words, "", &process->threads, "", " threads");
    add(words, "", &process->resident, "By", " resident");
}

static void add_gpu(const struct vagus_snapshot_gpu *gpu, struct words *words)
{
    add(words, "busy ", &gpu->utilization, "1", "");
    add(words, "", &gpu->memory_free, "By", " free");
    add(words, "", &gpu->temperature, "Cel", "");
    add(words, "", &gpu->power, "W", "");
    if (is_known(&gpu->throttled, words->as_of_ns) && gpu->throttled.value > 0) {
        separate(words);
        text_add(&words->text, "throttled");
    }
}

static void add_path(const struct vagus_snapshot_path *path, struct words *words)
{
    add(words, "", &path->free, "By", " free");
    separate(words);
    text_add_safe(&words->text, path->path, 48);
    add(words, "", &path->inodes_free_ratio, "1", " inodes free");
}

static void add_network(const struct vagus_snapshot_network *network, struct words *words)
{
    add(words, "", &network->established, "", " connections");
    add(words, "", &network->retransmit_ratio, "1", " sent again");
    add(words, "", &network->sockets, "", " sockets");
}

static void add_agent(const struct vagus_snapshot_agent *agent, struct words *words)
{
    add(words, "", &agent->messages.total, "", " messages");
    add(words, "", &agent->tokens.total, "", " tokens");
    add(words, "", &agent->errors.total, "", " errors");
    add(words, "", &agent->tool_calls.total, "", " tool calls");
    add(words, "progress ", &agent->progress_age, "s", " ago");
}

static void add_details(const struct top_state *state, const struct report_organ *organ,
                        struct words *words)
{
    const struct vagus_system_snapshot *snapshot = &state->report.snapshot;
    if (strcmp(organ->name, "memory") == 0)
        add_memory(&snapshot->memory, words);
    else if (strcmp(organ->name, "cpu") == 0)
        add_cpu(&snapshot->cpu, words);
    else if (strcmp(organ->name, "process") == 0)
        add_process(&snapshot->process, words);
    else if (strcmp(organ->name, "gpu") == 0)
        add_gpu(&snapshot->gpus[organ->number], words);
    else if (strcmp(organ->name, "disk") == 0)
        add_path(&snapshot->paths[organ->number], words);
    else if (strcmp(organ->name, "network") == 0)
        add_network(&snapshot->network, words);
    else if (strcmp(organ->name, "agent") == 0)
        add_agent(&snapshot->agent, words);
}

/* In place of a bar, of what is no share of anything. */
static void add_flow(const struct top_state *state, const struct report_organ *organ,
                     struct text *text)
{
    const struct vagus_snapshot_network *network = &state->report.snapshot.network;
    if (strcmp(organ->name, "network") == 0) {
        if (!is_known(&network->receive_rate, state->as_of_ns))
            return;
        text_add(text, "↓");
        text_add_size(text, network->receive_rate.value);
        text_add(text, " ↑");
        text_add_size(text, is_known(&network->transmit_rate, state->as_of_ns)
                                ? network->transmit_rate.value
                                : NAN);
    } else if (is_known(&organ->foremost, state->as_of_ns)) {
        text_add_value(text, organ->foremost.value, "");
        text_add_safe(text, organ->unit, 32);
    }
}

/* --- The lines. --- */

/* The end of a path tells more than its beginning. */
static void shorten(char short_name[SHORT_NAME_BYTES], const char *path)
{
    char safe[512];
    struct text text;
    text_init(&text, safe, sizeof(safe));
    text_add_safe(&text, path, sizeof(safe) / 2);
    const char *at = safe;
    unsigned room = canvas_width(safe) > 7 ? 6 : 7; /* columns; the first is an ellipsis */
    while (canvas_width(at) > room)
        do
            at++;
        while (((unsigned char)*at & 0xc0) == 0x80);
    text_init(&text, short_name, SHORT_NAME_BYTES);
    text_add(&text, room == 6 ? "…" : "");
    text_add(&text, at);
}

static bool has_sibling(const struct top_state *state, const struct report_organ *organ)
{
    for (unsigned i = 0; i < state->organ_count; i++)
        if (strcmp(state->organs[i].organ.name, organ->name) == 0 &&
            state->organs[i].organ.number != organ->number)
            return true;
    return false;
}

static void fill(const struct top_state *state, struct top_organ *line)
{
    const struct report_organ *organ = &line->organ;
    struct words words = {.as_of_ns = state->as_of_ns};
    struct text flow;
    line->stale = vagus_reading_state(&organ->foremost, state->as_of_ns) != VAGUS_STATE_OK;
    line->style = line->stale ? SCREEN_DIM : report_style_of_resource(&state->report, organ->name);
    text_copy(line->short_name, sizeof(line->short_name), organ->name);
    if (organ->instance[0] != '\0' && has_sibling(state, organ))
        shorten(line->short_name, organ->instance);
    text_init(&words.text, line->detail, sizeof(line->detail));
    report_add_state(&words.text, &organ->foremost, state->as_of_ns);
    add_details(state, organ, &words);
    text_init(&flow, line->flow, sizeof(line->flow));
    if (!organ->shared)
        add_flow(state, organ, &flow);
}

void top_organs(struct top_state *state)
{
    struct report_organ organs[REPORT_ORGANS_MAX];
    state->organ_count = 0;
    if (state->report.snapshot_error != 0)
        return;
    state->organ_count = report_organs(&state->report, state->as_of_ns, organs);
    for (unsigned i = 0; i < state->organ_count; i++)
        state->organs[i].organ = organs[i];
    for (unsigned i = 0; i < state->organ_count; i++)
        fill(state, &state->organs[i]);
}

unsigned top_organs_count(const struct top_state *state)
{
    return state->organ_count;
}

static void draw_spark(const struct report_organ *organ, struct canvas *canvas, unsigned row,
                       unsigned column, unsigned cells)
{
    double nothing[REPORT_SPARK_STEPS], high = 1;
    const double *values = organ->spark;
    for (unsigned i = 0; i < REPORT_SPARK_STEPS && values == NULL; i++)
        nothing[i] = NAN;
    values = values != NULL ? values : nothing;
    if (!organ->shared) {
        high = 0;
        for (unsigned i = 0; i < REPORT_SPARK_STEPS; i++)
            high = isfinite(values[i]) ? fmax(high, values[i]) : high;
    }
    canvas_spark(canvas, row, column, cells, values, REPORT_SPARK_STEPS, 0, high > 0 ? high : 1);
}

void top_organ_draw(const struct top_state *state, unsigned index, struct canvas *canvas,
                    unsigned row)
{
    const struct top_organ *line = &state->organs[index];
    const struct report_organ *organ = &line->organ;
    unsigned width = canvas->columns, bar = width >= 60 ? 12 : 8, column = BAR_COLUMN;
    unsigned cells = width >= 118  ? REPORT_SPARK_STEPS
                     : width >= 60 ? REPORT_SPARK_STEPS / 3
                                   : REPORT_SPARK_STEPS / 4;
    canvas_put(canvas, row, NAME_COLUMN, BAR_COLUMN - 1, SCREEN_BOLD,
               width < 60 ? line->short_name : organ->name);
    if (organ->shared) {
        char percent[16] = "  ? %";
        canvas_bar(canvas, row, column, bar, line->style, organ->used_ratio);
        if (organ->used_ratio > -10 && organ->used_ratio < 100)
            snprintf(percent, sizeof(percent), "%3.0f %%", organ->used_ratio * 100);
        canvas_put_right(canvas, row, column + bar, column + bar + 6, SCREEN_PLAIN, percent);
    } else {
        canvas_put(canvas, row, column, column + bar + 6, SCREEN_PLAIN, line->flow);
    }
    column += bar + 7;
    draw_spark(organ, canvas, row, column, cells);
    column += cells + 2;
    if (column + 8 <= width)
        canvas_put(canvas, row, column, width, line->stale ? SCREEN_WARN : SCREEN_PLAIN,
                   line->detail);
}
