/* SPDX-License-Identifier: Apache-2.0 */
/* vagus show: one metric of another process, its newest value and its history, read from its
 * segment. */
#include <math.h>
#include <stdlib.h>

#include "base/nearest.h"
#include "cli/show.h"
#include "cli/target.h"
#include "metrics/outside.h"

extern const struct cli_verb cli_verb_show;

#define SHOW_UNREADABLE 3
#define METRICS_MAX 65536
#define LAST_DEFAULT_NS (600 * VAGUS_SECOND_NS)

struct show_options {
    const char *metric;
    const char *process;
    const char *dir;
    int64_t last_ns;
    bool json;
};

/* --- Finding the metric. --- */

static int unknown_metric(const char *wanted, const struct segment_metric *metrics, uint64_t count,
                          const char *name, uint64_t of_name)
{
    char line[1024];
    struct text text;
    struct nearest nearest;
    nearest_init(&nearest, name);
    text_init(&text, line, sizeof(line));
    text_add(&text, "no metric '");
    text_add_safe(&text, wanted, 160);
    text_add(&text, "'");
    unsigned named = 0;
    for (uint64_t i = 0; i < count; i++) {
        nearest_offer(&nearest, metrics[i].name);
        if (strcmp(metrics[i].name, name) != 0 || named++ >= 4)
            continue;
        text_add(&text, named == 1 ? "; there is " : ", ");
        show_name(&text, &metrics[i]);
    }
    if (of_name > 4)
        text_add(&text, ", …");
    if (of_name == 0 && nearest.best != NULL) {
        text_add(&text, "; did you mean '");
        text_add_safe(&text, nearest.best, VAGUS_NAME_MAX);
        text_add(&text, "'?");
    }
    return cli_error(&cli_verb_show, "%s", line);
}

/* The metric that is meant; without an instance, the one without or the only one. */
static int find_metric(const char *wanted, const struct segment_metric *metrics, uint64_t count,
                       struct shown *shown)
{
    struct notation notation;
    uint64_t of_name = 0, found = count;
    if (!notation_parse(wanted, &notation))
        return unknown_metric(wanted, metrics, count, wanted, 0);
    for (uint64_t i = 0; i < count; i++) {
        if (strcmp(metrics[i].name, notation.name) != 0)
            continue;
        of_name++;
        if (notation_means(&notation, metrics[i].name, metrics[i].label, metrics[i].instance)) {
            shown->index = (uint32_t)i;
            shown->metric = metrics[i];
            return CLI_OK;
        }
        found = i;
    }
    if (notation.inner[0] != '\0' || of_name != 1)
        return unknown_metric(wanted, metrics, count, notation.name, of_name);
    shown->index = (uint32_t)found;
    shown->metric = metrics[found];
    return CLI_OK;
}

/* --- Reading its history. --- */

static void add_point(struct history *history, const struct block_entry *entry, int64_t width_ns)
{
    double value = entry->count > 0 ? entry->sum / entry->count : NAN;
    if (history->count == history->room) {
        size_t room = history->room == 0 ? 1024 : 2 * history->room;
        struct point *points = realloc(history->points, room * sizeof(*points));
        history->cut = points == NULL;
        if (points == NULL)
            return;
        history->points = points;
        history->room = room;
    }
    if (!isfinite(value) || !isfinite(entry->min) || !isfinite(entry->max))
        value = NAN;
    if (history->count == 0)
        history->first_ns = entry->at_ns;
    history->points[history->count++] = (struct point){entry->at_ns, value};
    history->last_ns = entry->at_ns + width_ns;
    if (isnan(value))
        return;
    history->min = history->values == 0 ? entry->min : fmin(history->min, entry->min);
    history->max = history->values == 0 ? entry->max : fmax(history->max, entry->max);
    history->sum += entry->sum;
    history->last = entry->last;
    history->values += entry->count;
}

static void on_entry(const struct block_entry *entry, int64_t width_ns, void *arg)
{
    add_point(arg, entry, width_ns);
}

/* Of a counter: how fast it grew since the entry before. No rate across a gap, none backward. */
static void on_count(const struct block_entry *entry, int64_t width_ns, void *arg)
{
    struct history *history = arg;
    struct block_entry rate = {.at_ns = entry->at_ns};
    int64_t end_ns = entry->at_ns + width_ns;
    double grown = entry->last - history->base;
    bool based = history->based;
    if (entry->count > 0 && based && grown >= 0 && end_ns > history->base_ns) {
        rate.sum = grown / ((double)(end_ns - history->base_ns) / 1e9);
        rate.last = rate.min = rate.max = rate.sum;
        rate.count = 1;
        history->grown += grown;
    }
    history->based = entry->count > 0;
    history->base = entry->last;
    history->base_ns = end_ns;
    if (based || entry->count == 0) /* the first has nothing to grow from */
        add_point(history, &rate, width_ns);
}

static int read_history(const struct segment_reader *reader, const struct show_options *options,
                        struct shown *shown)
{
    struct outside_block *blocks = calloc((size_t)outside_blocks_max(reader) + 1, sizeof(*blocks));
    int64_t to_ns = 0, from_ns;
    if (blocks == NULL)
        return VAGUS_ENOMEM;
    uint32_t count = outside_list(reader, shown->index, blocks);
    for (uint32_t i = 0; i < count; i++) {
        int64_t *since_ns = &shown->since_ns[blocks[i].level];
        *since_ns =
            *since_ns == 0 || blocks[i].first_ns < *since_ns ? blocks[i].first_ns : *since_ns;
    }
    /* Of one that ended, the last minutes are those before its end. */
    for (uint32_t i = 0; i < count; i++)
        to_ns = blocks[i].last_ns > to_ns ? blocks[i].last_ns : to_ns;
    if (shown->alive)
        to_ns = shown->now_ns > to_ns ? shown->now_ns : to_ns;
    if (__builtin_sub_overflow(to_ns, options->last_ns, &from_ns))
        from_ns = INT64_MIN;
    shown->last_wanted_ns = options->last_ns;
    shown->history.period_ns =
        outside_walk(reader, shown->index, shown->metric.resolution, blocks, count, from_ns, to_ns,
                     show_as_rate(shown) ? on_count : on_entry, &shown->history);
    free(blocks);
    if (shown->history.cut)
        return VAGUS_ENOMEM;
    return show_spread_read(reader, shown, from_ns, to_ns);
}

/* CLI_OK, CLI_FAILED or SHOW_UNREADABLE after a message. */
static int load(const struct segment_reader *reader, const struct show_options *options,
                struct shown *shown)
{
    struct segment_head head;
    uint64_t count = reader->header.sections[SEGMENT_DIRECTORY].capacity, got = 0;
    count = count < METRICS_MAX ? count : METRICS_MAX;
    struct segment_metric *metrics = calloc(count + 1, sizeof(*metrics));
    int error = metrics == NULL ? VAGUS_ENOMEM : 0, status = CLI_OK;
    if (error == 0)
        error = segment_read_entries(reader, SEGMENT_DIRECTORY, 0, count, metrics, &got, &head);
    if (error == 0)
        status = find_metric(options->metric, metrics, got, shown);
    free(metrics);
    if (error == 0 && status == CLI_OK) {
        shown->alive = segment_alive(reader);
        shown->now_ns = target_now_ns(&reader->header);
        error = segment_read_entries(reader, SEGMENT_VALUES, shown->index, 1, &shown->reading, &got,
                                     &head);
    }
    if (error == 0 && status == CLI_OK)
        error = read_history(reader, options, shown);
    if (error == 0)
        return status;
    cli_error(&cli_verb_show, "%s", vagus_error_message(error));
    return SHOW_UNREADABLE;
}

static int print(const struct shown *shown, bool json)
{
    size_t room = 16384 + shown->history.count * 96;
    char *output = malloc(room);
    struct text text;
    if (output == NULL) {
        cli_error(&cli_verb_show, "%s", vagus_error_message(VAGUS_ENOMEM));
        return SHOW_UNREADABLE;
    }
    text_init(&text, output, room);
    if (json)
        show_json(shown, &text);
    else
        show_text(shown, &text);
    /* That nothing could be written is said once, at the end of main(). */
    bool written = fputs(output, stdout) != EOF && fflush(stdout) == 0;
    free(output);
    return written ? CLI_OK : SHOW_UNREADABLE;
}

static int run(int argc, char **argv)
{
    static struct segment_found target;
    struct show_options options = {.last_ns = LAST_DEFAULT_NS};
    struct shown shown = {0};
    int status = cli_parse(&cli_verb_show, argc, argv, &options);
    if (status != CLI_OK)
        return status;
    status = target_find(&cli_verb_show, options.dir, options.process, &target);
    if (status != CLI_OK) /* 1 would say that there is no such metric */
        return status == CLI_FAILED ? SHOW_UNREADABLE : status;

    struct segment_reader reader;
    int error = segment_attach(target.path, &reader);
    if (error != 0) {
        cli_error(&cli_verb_show, "%s: %s", target.path, vagus_error_message(error));
        return error == VAGUS_ENOENT ? CLI_NOT_FOUND : SHOW_UNREADABLE;
    }
    status = load(&reader, &options, &shown);
    segment_detach(&reader);
    if (status == CLI_OK)
        status = print(&shown, options.json);
    free(shown.history.points);
    free(shown.spread);
    return status;
}

static const struct cli_argument takes[] = {
    {.kind = CLI_METRIC,
     .value = "METRIC[{LABEL=INSTANCE}]",
     .help = "the metric, and which of its instances if it has several",
     CLI_AT(struct show_options, metric)},
    CLI_PROCESS_OPTION(struct show_options),
    {.name = "last",
     .kind = CLI_SPAN,
     .value = "TIME",
     .help = "how far back: 30s, 10m, 1h; 10m if not given; of one that has ended, before its end",
     CLI_AT(struct show_options, last_ns)},
    CLI_JSON_OPTION(struct show_options),
    CLI_DIR_OPTION(struct show_options),
    {0},
};

static const struct cli_exit exits[] = {
    {0, "shown"},
    {1, "no such metric"},
    {SHOW_UNREADABLE, "the process could not be read or told of"},
    {0},
};

const struct cli_verb cli_verb_show = {
    .name = "show",
    .summary = "print one metric of a monitored process and its history",
    .arguments = takes,
    .about = "Its newest value with state and age, the span that is really covered, minimum, mean, "
             "maximum and last, and a line of at most 60 columns; a dot is where nothing is known. "
             "A counter is drawn by how fast it grew; a histogram by that of its count, and with "
             "the quantiles of its values over time.",
    .exits = exits,
    .examples = "vagus show memory.usage\n"
                "vagus show 'disk.free{path=/var}' -p researcher --last 1h --json\n",
    .run = run,
};
