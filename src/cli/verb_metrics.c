/* SPDX-License-Identifier: Apache-2.0 */
/* vagus metrics: what a process measures: each metric with its newest value, and how far back its
 * history reaches. */
#include <fnmatch.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/nearest.h"
#include "base/notation.h"
#include "cli/canvas.h"
#include "cli/target.h"
#include "cli/terminal.h"
#include "metrics/outside.h"
#include "report/json.h"

extern const struct cli_verb cli_verb_metrics;

#define METRICS_MAX 65536
#define VALUE_COLUMN 40
#define DETAIL_INDENT 4

struct metrics_options {
    const char *pattern;
    const char *process;
    const char *dir;
    bool json;
};

struct listing {
    struct segment_metric *metrics;
    struct vagus_reading *readings;
    int64_t *since_ns; /* of the oldest that is kept; INT64_MAX: nothing is */
    uint64_t count;
    int64_t now_ns;
};

static const char *kind_name(uint32_t kind)
{
    return kind == VAGUS_COUNTER     ? "counter"
           : kind == VAGUS_GAUGE     ? "gauge"
           : kind == VAGUS_HISTOGRAM ? "histogram"
                                     : "?";
}

static const char *tier_name(uint32_t tier)
{
    static const char *const names[VAGUS_TIER_COUNT] = {"1s", "instant", "100ms",
                                                        "1s", "10s",     "60s"};
    return tier < VAGUS_TIER_COUNT ? names[tier] : "?";
}

/* --- Reading. --- */

static void find_reach(const struct segment_reader *reader, struct outside_block *blocks,
                       struct listing *listing)
{
    uint32_t count = outside_list_all(reader, blocks);
    for (uint64_t i = 0; i < listing->count; i++)
        listing->since_ns[i] = INT64_MAX;
    for (uint32_t i = 0; i < count; i++)
        if (blocks[i].metric < listing->count &&
            blocks[i].first_ns < listing->since_ns[blocks[i].metric])
            listing->since_ns[blocks[i].metric] = blocks[i].first_ns;
}

static int load(const struct segment_reader *reader, struct listing *listing)
{
    struct segment_head head;
    uint64_t room = reader->header.sections[SEGMENT_DIRECTORY].capacity, got = 0;
    room = room < METRICS_MAX ? room : METRICS_MAX;
    struct outside_block *blocks = calloc((size_t)outside_blocks_max(reader) + 1, sizeof(*blocks));
    listing->metrics = calloc(room + 1, sizeof(*listing->metrics));
    listing->readings = calloc(room + 1, sizeof(*listing->readings));
    listing->since_ns = calloc(room + 1, sizeof(*listing->since_ns));
    int error = blocks == NULL || listing->metrics == NULL || listing->readings == NULL ||
                        listing->since_ns == NULL
                    ? VAGUS_ENOMEM
                    : segment_read_entries(reader, SEGMENT_DIRECTORY, 0, room, listing->metrics,
                                           &listing->count, &head);
    if (error == 0)
        error = segment_read_entries(reader, SEGMENT_VALUES, 0, listing->count, listing->readings,
                                     &got, &head);
    if (error == 0) {
        listing->now_ns = target_now_ns(&reader->header);
        find_reach(reader, blocks, listing);
    }
    free(blocks);
    return error;
}

/* --- Choosing. --- */

static bool is_meant(const struct segment_metric *metric, const char *pattern)
{
    char key[NOTATION_MAX];
    if (pattern == NULL)
        return true;
    notation_key(key, metric->name, metric->label, metric->instance);
    if (strpbrk(pattern, "*?[") != NULL)
        return fnmatch(pattern, metric->name, 0) == 0 || fnmatch(pattern, key, 0) == 0;
    return strstr(key, pattern) != NULL;
}

static int nothing_is_meant(const struct listing *listing, const char *pattern)
{
    struct nearest nearest;
    nearest_init(&nearest, pattern);
    for (uint64_t i = 0; i < listing->count; i++)
        nearest_offer(&nearest, listing->metrics[i].name);
    if (nearest.best != NULL)
        return cli_error(&cli_verb_metrics, "no metric matches '%s'; did you mean '%s'?", pattern,
                         nearest.best);
    return cli_error(&cli_verb_metrics, "no metric matches '%s'", pattern);
}

/* --- For a person. --- */

static void add_newest(const struct listing *listing, uint64_t index, struct text *text)
{
    const struct segment_metric *metric = &listing->metrics[index];
    const struct vagus_reading *reading = &listing->readings[index];
    enum vagus_state state = vagus_reading_state(reading, listing->now_ns);
    bool ns = strcmp(metric->unit, "ns") == 0, values = metric->kind == VAGUS_HISTOGRAM;
    if (reading->taken_ns != 0) {
        text_add_value(text, ns && !values ? reading->value / 1e9 : reading->value,
                       values ? ""
                       : ns   ? "s"
                              : metric->unit);
        text_add(text, values ? " values, " : ", ");
    }
    if (state == VAGUS_STATE_ERROR)
        text_addf(text, "error: %s", vagus_error_message(reading->error));
    else if (state != VAGUS_STATE_OK)
        text_add(text, vagus_state_name(state));
    if (reading->taken_ns != 0) {
        text_add(text, state == VAGUS_STATE_OK ? "" : ", ");
        text_add_duration(text, clock_span_ns(reading->taken_ns, listing->now_ns));
        text_add(text, " old");
    }
}

static void add_details(const struct listing *listing, uint64_t index, struct text *text)
{
    const struct segment_metric *metric = &listing->metrics[index];
    text_addf(text, "%s in ", kind_name(metric->kind));
    text_add_safe(text, metric->unit, 4 * VAGUS_UNIT_MAX);
    text_addf(text, ", %s, ", tier_name(metric->tier));
    if (listing->since_ns[index] == INT64_MAX) {
        text_add(text, "no history");
    } else {
        text_add(text, "back ");
        text_add_duration(text, clock_span_ns(listing->since_ns[index], listing->now_ns));
    }
    if (metric->help[0] != '\0') {
        text_add(text, ": ");
        text_add_safe(text, metric->help, 4 * VAGUS_HELP_MAX);
    }
}

/* Words broken at spaces, each line indented. */
static void print_wrapped(const char *words, unsigned indent, unsigned width)
{
    while (*words != '\0') {
        size_t bytes = strlen(words);
        while (bytes > 0) {
            char part[1024];
            text_copy(part, bytes + 1 < sizeof(part) ? bytes + 1 : sizeof(part), words);
            if (canvas_width(part) + indent <= width)
                break;
            size_t space = bytes;
            while (space > 0 && words[space - 1] != ' ')
                space--;
            if (space <= 1)
                break; /* one word, however long */
            bytes = space - 1;
        }
        printf("%*s%.*s\n", (int)indent, "", (int)bytes, words);
        words += bytes;
        words += strspn(words, " ");
    }
}

static void print_metric(const struct listing *listing, uint64_t index, unsigned width, bool colour)
{
    const struct segment_metric *metric = &listing->metrics[index];
    char name[1024], line[1024];
    struct text text;
    text_init(&text, name, sizeof(name));
    notation_add(&text, metric->name, metric->label, metric->instance);
    text_init(&text, line, sizeof(line));
    add_newest(listing, index, &text);
    unsigned column = canvas_width(name), at = column < VALUE_COLUMN ? VALUE_COLUMN : column + 2;
    printf("%s%s%s", colour ? "\033[1m" : "", name, colour ? "\033[0m" : "");
    if (at + canvas_width(line) <= width || width >= TERMINAL_COLUMNS_MAX) {
        printf("%*s%s\n", (int)(at - column), "", line);
    } else {
        putchar('\n');
        print_wrapped(line, DETAIL_INDENT, width);
    }
    text_init(&text, line, sizeof(line));
    add_details(listing, index, &text);
    print_wrapped(line, DETAIL_INDENT, width);
}

/* --- For a program. --- */

static void print_metric_json(const struct listing *listing, uint64_t index, bool first)
{
    const struct segment_metric *metric = &listing->metrics[index];
    const struct vagus_reading *reading = &listing->readings[index];
    char line[8192];
    struct text text;
    text_init(&text, line, sizeof(line));
    text_add(&text, first ? "" : ",");
    struct json json = {.text = &text};
    json_open(&json, "{");
    json_string(&json, "metric", metric->name);
    json_string(&json, "label", metric->label);
    json_string(&json, "instance", metric->instance);
    json_string(&json, "kind", kind_name(metric->kind));
    json_string(&json, "unit", metric->unit);
    json_string(&json, "tier", tier_name(metric->tier));
    json_string(&json, "resource", metric->resource);
    json_string(&json, "help", metric->help);
    json_string(&json, "state", vagus_state_name(vagus_reading_state(reading, listing->now_ns)));
    json_number(&json, "value", reading->taken_ns != 0 ? reading->value : NAN);
    json_age(&json, "age_s", reading->taken_ns, listing->now_ns);
    if (listing->since_ns[index] != INT64_MAX)
        json_span(&json, "reach_s", clock_span_ns(listing->since_ns[index], listing->now_ns));
    else
        json_null(&json, "reach_s");
    json_close(&json, "}");
    fputs(line, stdout);
}

static int print(const struct listing *listing, const struct metrics_options *options)
{
    unsigned width = isatty(STDOUT_FILENO) == 1 ? terminal_columns() : TERMINAL_COLUMNS;
    bool colour = cli_colour(stdout);
    uint64_t shown = 0;
    for (uint64_t i = 0; i < listing->count && !ferror(stdout); i++) {
        if (!is_meant(&listing->metrics[i], options->pattern))
            continue;
        if (shown++ == 0 && options->json)
            fputs("{\"metrics\":[", stdout);
        if (options->json)
            print_metric_json(listing, i, shown == 1);
        else
            print_metric(listing, i, width, colour);
    }
    if (shown == 0 && options->pattern != NULL)
        return nothing_is_meant(listing, options->pattern);
    if (options->json)
        fputs(shown == 0 ? "{\"metrics\":[]}\n" : "]}\n", stdout);
    else if (shown == 0)
        puts("no metric so far");
    return fflush(stdout) == 0 ? CLI_OK : CLI_UNREADABLE;
}

static int run(int argc, char **argv)
{
    static struct segment_found target;
    struct metrics_options options = {0};
    struct listing listing = {0};
    struct segment_reader reader;
    int status = cli_parse(&cli_verb_metrics, argc, argv, &options);
    if (status != CLI_OK)
        return status;
    status = target_find(&cli_verb_metrics, options.dir, options.process, &target);
    if (status != CLI_OK) /* 1 would say that there is no such metric */
        return status == CLI_FAILED ? CLI_UNREADABLE : status;
    int error = segment_attach(target.path, &reader);
    if (error == 0) {
        error = load(&reader, &listing);
        segment_detach(&reader);
    }
    if (error == 0) {
        status = print(&listing, &options);
    } else {
        status = target_unreadable(&cli_verb_metrics, target.path, error);
    }
    free(listing.metrics);
    free(listing.readings);
    free(listing.since_ns);
    return status;
}

static const struct cli_argument takes[] = {
    {.kind = CLI_METRIC,
     .flags = CLI_OPTIONAL,
     .value = "PATTERN",
     .help = "those alone whose name or instance has it in it, or, with *, ? or [, is like it",
     CLI_AT(struct metrics_options, pattern)},
    CLI_PROCESS_OPTION(struct metrics_options),
    CLI_JSON_OPTION(struct metrics_options),
    CLI_DIR_OPTION(struct metrics_options),
    {0},
};

static const struct cli_exit exits[] = {
    {0, "shown"},
    {1, "no metric matches"},
    {CLI_UNREADABLE, "the process could not be read or told of"},
    {0},
};

const struct cli_verb cli_verb_metrics = {
    .name = "metrics",
    .summary = "list what a monitored process measures, with the newest values",
    .arguments = takes,
    .about =
        "Each metric by the name under which vagus show and policies know it, its newest value "
        "with its age and, unless it is good, its state; then its kind and unit, how often it "
        "is taken, how far back its history reaches, and what it is.",
    .exits = exits,
    .examples = "vagus metrics\n"
                "vagus metrics memory\n"
                "vagus metrics 'disk.*{path=/tmp}' -p researcher --json\n",
    .run = run,
};
