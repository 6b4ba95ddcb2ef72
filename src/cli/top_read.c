/* SPDX-License-Identifier: Apache-2.0 */
/* What `vagus top` reads of a segment at each look. The directory is read again only when it has
 * grown, histories only where nothing else tells: a look costs less than a millisecond. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/notation.h"
#include "cli/target.h"
#include "cli/top.h"
#include "metrics/outside.h"
#include "report/ending.h"
#include "report/findings.h"

#define NONE UINT32_MAX
#define METRICS_MAX 65536
#define LOG_NS (50 * VAGUS_MILLISECOND_NS) /* of the kernel's log, once a process has ended */
#define MINUTE_NS (60 * VAGUS_SECOND_NS)
#define QUANTILES_EACH_NS (5 * VAGUS_SECOND_NS)
/* Rates are over so long at least: what begins every few seconds would else jump. */
#define RATE_OVER_NS (5 * VAGUS_SECOND_NS)

int top_attach(struct top_reading *reading, struct top_state *state,
               const struct segment_reader *reader)
{
    uint64_t room = reader->header.sections[SEGMENT_DIRECTORY].capacity;
    room = room < METRICS_MAX ? room : METRICS_MAX;
    struct top_reading made = {.reader = *reader, .attached = true, .metrics_room = room};
    made.metrics = calloc(room + 1, sizeof(*made.metrics));
    made.values = calloc(room + 1, sizeof(*made.values));
    made.blocks = calloc((size_t)outside_blocks_max(reader) + 1, sizeof(*made.blocks));
    if (made.metrics == NULL || made.values == NULL || made.blocks == NULL) {
        free(made.metrics);
        free(made.values);
        free(made.blocks);
        return VAGUS_ENOMEM;
    }
    top_detach(reading);
    *reading = made;
    memset(state, 0, sizeof(*state));
    state->report.snapshot_error = VAGUS_EAGAIN;
    return 0;
}

void top_detach(struct top_reading *reading)
{
    if (reading->attached)
        segment_detach(&reading->reader);
    free(reading->metrics);
    free(reading->values);
    free(reading->blocks);
    memset(reading, 0, sizeof(*reading));
}

/* --- Operations. --- */

/* "<base><suffix>" of the same instance. */
static uint32_t find_part(const struct top_reading *reading, const char *base, size_t length,
                          const char *suffix, const char *instance)
{
    for (uint64_t i = 0; i < reading->metric_count; i++) {
        const struct segment_metric *metric = &reading->metrics[i];
        if (strncmp(metric->name, base, length) == 0 &&
            strcmp(metric->name + length, suffix) == 0 && strcmp(metric->instance, instance) == 0)
            return (uint32_t)i;
    }
    return NONE;
}

/* An operation is what has x.in_flight, x.started and x.duration. */
static void find_operations(struct top_reading *reading)
{
    static const char suffix[] = ".in_flight";
    reading->operation_count = 0;
    reading->quantiles_ns = 0;
    for (uint64_t i = 0; i < reading->metric_count; i++) {
        const struct segment_metric *metric = &reading->metrics[i];
        size_t length = strlen(metric->name);
        if (length <= sizeof(suffix) - 1 ||
            strcmp(metric->name + length - (sizeof(suffix) - 1), suffix) != 0 ||
            reading->operation_count == TOP_OPERATIONS_MAX)
            continue;
        length -= sizeof(suffix) - 1;
        uint32_t started = find_part(reading, metric->name, length, ".started", metric->instance);
        uint32_t took = find_part(reading, metric->name, length, ".duration", metric->instance);
        if (started == NONE || took == NONE)
            continue;
        struct top_reading_operation *operation = &reading->operations[reading->operation_count++];
        memset(operation, 0, sizeof(*operation));
        operation->in_flight = (uint32_t)i;
        operation->started = started;
        operation->duration = took;
        operation->errors = find_part(reading, metric->name, length, ".errors", metric->instance);
        operation->rate = operation->errors_rate = operation->p99_s = NAN;
    }
}

static void on_record(const struct spread_record *record, void *arg)
{
    spread_add(arg, record);
}

/* Of the last minute; NaN if nothing ended in it, or it cannot be told. */
static double p99_of(const struct top_reading *reading, uint32_t metric,
                     const struct outside_block *blocks, uint32_t count, int64_t now_ns)
{
    static struct vagus_distribution all;
    struct histogram_shape shape;
    double value = NAN;
    if (count == 0 || !spread_shape(&reading->metrics[metric], &shape))
        return NAN;
    histogram_empty(&shape, &all);
    struct outside_spread walk = {.on_record = on_record, .arg = &all};
    int64_t from_ns = clock_add_ns(now_ns, -MINUTE_NS);
    unsigned level = blocks[outside_level_for(blocks, count, from_ns)].level;
    outside_walk_spread(&reading->reader, metric, &shape, blocks, count, level, from_ns, now_ns,
                        &walk);
    if (vagus_distribution_quantile(&all, 0.99, &value) != 0)
        return NAN;
    return strcmp(reading->metrics[metric].unit, "ns") == 0 ? value / 1e9 : value;
}

/* The pool is looked through once for all of them. */
static void look_at_quantiles(struct top_reading *reading, int64_t now_ns)
{
    if (reading->operation_count == 0 ||
        (reading->quantiles_ns != 0 &&
         report_span_ns(reading->quantiles_ns, now_ns) < QUANTILES_EACH_NS))
        return;
    reading->quantiles_ns = now_ns;
    uint32_t count = outside_list_all_spread(&reading->reader, reading->blocks);
    for (unsigned i = 0; i < reading->operation_count; i++) {
        struct top_reading_operation *operation = &reading->operations[i];
        uint32_t first = 0, end;
        while (first < count && reading->blocks[first].metric < operation->duration)
            first++;
        end = first;
        while (end < count && reading->blocks[end].metric == operation->duration)
            end++;
        operation->p99_s =
            p99_of(reading, operation->duration, reading->blocks + first, end - first, now_ns);
    }
}

/* How fast a counter grew since a while ago. */
static void look_at_rate(struct top_counted *counted, const struct vagus_reading *now, double *rate)
{
    if (now->taken_ns == 0 || now->value < counted->newest.value) {
        *counted = (struct top_counted){0}; /* began anew */
        *rate = NAN;
    }
    if (now->taken_ns == 0 || now->taken_ns == counted->newest.taken_ns)
        return;
    counted->newest = *now;
    if (counted->before.taken_ns == 0)
        counted->before = counted->middle = *now;
    int64_t span_ns = report_span_ns(counted->before.taken_ns, now->taken_ns);
    if (span_ns > 0)
        *rate = (now->value - counted->before.value) / ((double)span_ns / 1e9);
    if (report_span_ns(counted->middle.taken_ns, now->taken_ns) >= RATE_OVER_NS) {
        counted->before = counted->middle;
        counted->middle = *now;
    }
}

static void show_operations(struct top_reading *reading, struct top_state *state)
{
    state->operation_count = reading->operation_count;
    for (unsigned i = 0; i < reading->operation_count; i++) {
        struct top_reading_operation *operation = &reading->operations[i];
        struct top_operation *shown = &state->operations[i];
        const struct segment_metric *metric = &reading->metrics[operation->started];
        char name[VAGUS_NAME_MAX];
        struct text text;
        look_at_rate(&operation->begun, &reading->values[operation->started], &operation->rate);
        if (operation->errors != NONE)
            look_at_rate(&operation->failed, &reading->values[operation->errors],
                         &operation->errors_rate);
        text_copy(name, sizeof(name), metric->name);
        name[strlen(name) - strlen(".started")] = '\0';
        text_init(&text, shown->name, sizeof(shown->name));
        notation_add(&text, name, metric->label, metric->instance);
        shown->in_flight = reading->values[operation->in_flight].value;
        shown->rate = operation->rate;
        shown->errors_rate = operation->errors_rate;
        shown->p99_s = operation->p99_s;
    }
}

static void look_at_operations(struct top_reading *reading, struct top_state *state, int64_t now_ns)
{
    struct segment_head head;
    uint64_t got = 0, room = reading->metrics_room;
    const struct segment_reader *reader = &reading->reader;
    if (segment_read_entries(reader, SEGMENT_DIRECTORY, 0, 0, NULL, &got, &head) != 0)
        return;
    if ((head.count < room ? head.count : room) != reading->metric_count &&
        segment_read_entries(reader, SEGMENT_DIRECTORY, 0, room, reading->metrics, &got, &head) ==
            0) {
        reading->metric_count = got;
        find_operations(reading);
    }
    if (segment_read_entries(reader, SEGMENT_VALUES, 0, reading->metric_count, reading->values,
                             &got, &head) != 0)
        return;
    look_at_quantiles(reading, now_ns);
    show_operations(reading, state);
}

/* --- All of it. --- */

/* Once: the machine's part of it takes a while. */
static void tell_ending(const struct segment_reader *reader, struct top_state *state)
{
    static struct ending_facts facts;
    static struct ending ending;
    enum report_life life = report_life(&state->report);
    struct text text;
    if ((life != REPORT_CLOSED && life != REPORT_ENDED) || state->ended[0] != '\0' ||
        ending_load(reader, &facts) != 0)
        return;
    ending_look(&facts, LOG_NS);
    ending_judge(&facts, &ending);
    if (ending.running)
        return; /* it has just ended, and the next look knows more */
    text_init(&text, state->ended, sizeof(state->ended));
    if (ending.end == VAGUS_END_CLOSED ||
        ending.end == VAGUS_END_UNCLOSED) /* the verdict says it */
        text_add(&text, "vagus autopsy tells more");
    else
        ending_add_sentence(&ending, &text);
}

int top_look(struct top_reading *reading, struct top_state *state)
{
    static struct report next;
    struct segment_reader *reader = &reading->reader;
    int error = segment_refresh(reader);
    int64_t now_ns = target_now_ns(&reader->header);
    state->report.now_ns = now_ns;
    if (error != 0)
        return error;
    error = report_load_present(&next, reader, now_ns);
    if (error != 0)
        return error;
    /* Where the writer was met, or what it wrote cannot be read, the one before is shown, with its
     * age. */
    if (next.snapshot_error != 0 && state->report.snapshot_error == 0) {
        error = next.snapshot_error == VAGUS_EAGAIN ? 0 : next.snapshot_error;
        next.snapshot = state->report.snapshot;
        next.snapshot_error = 0;
    }
    report_load_sparks(&next, reader);
    state->report = next;
    state->as_of_ns = report_as_of_ns(&state->report);
    top_organs(state);
    tell_ending(reader, state);
    look_at_operations(reading, state, state->as_of_ns);
    return error;
}
