/* SPDX-License-Identifier: Apache-2.0 */
/* vagus show: one metric of another process, its newest value and its history, read from its
 * segment. */
#include <stdlib.h>

#include "base/nearest.h"
#include "cli/show.h"
#include "cli/target.h"
#include "cli/terminal.h"
#include "metrics/outside.h"

extern const struct cli_verb cli_verb_show;

#define METRICS_MAX 65536

struct show_options {
    const char *metric;
    const char *process;
    const char *dir;
    struct show_window window;
    bool json, csv;
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

/* CLI_OK, CLI_FAILED or CLI_UNREADABLE after a message. */
static int load(const struct segment_reader *reader, const struct show_options *options,
                struct shown *shown)
{
    struct segment_head head;
    char why[256] = "";
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
        error = show_read(reader, &options->window, shown, why);
    if (error == 0)
        return status;
    if (why[0] != '\0')
        return cli_usage_error(&cli_verb_show, "%s", why);
    cli_error(&cli_verb_show, "%s", vagus_error_message(error));
    return CLI_UNREADABLE;
}

static int print(const struct shown *shown, const struct show_window *window)
{
    if (window->form == SHOW_CSV)
        return show_csv(shown, window->by_ns != 0, stdout) && fflush(stdout) == 0 ? CLI_OK
                                                                                  : CLI_UNREADABLE;
    size_t steps = shown->spread != NULL ? shown->grid.count : 0;
    size_t room = 32768 + (shown->history.count + shown->grid.count) * 256 + steps * 128;
    char *output = malloc(room);
    struct text text;
    int error = output == NULL ? VAGUS_ENOMEM : 0;
    if (error == 0) {
        text_init(&text, output, room);
        if (window->form == SHOW_JSON)
            show_json(shown, window->by_ns != 0, &text);
        else
            error = show_text(shown, window->columns, !terminal_utf8(), &text);
    }
    if (error != 0) {
        free(output);
        cli_error(&cli_verb_show, "%s", vagus_error_message(error));
        return CLI_UNREADABLE;
    }
    /* That nothing could be written is said once, at the end of main(). */
    bool written = fputs(output, stdout) != EOF && fflush(stdout) == 0;
    free(output);
    return written ? CLI_OK : CLI_UNREADABLE;
}

/* CLI_OK, or CLI_USAGE after a message. */
static int take_options(int argc, char **argv, struct show_options *options)
{
    struct show_window *window = &options->window;
    int status = cli_parse(&cli_verb_show, argc, argv, options);
    if (status != CLI_OK)
        return status;
    if (options->json && options->csv)
        return cli_usage_error(&cli_verb_show, "either --json or --csv");
    if (window->from != NULL && window->to != NULL && window->last_ns != 0)
        return cli_usage_error(&cli_verb_show, "--from, --to and --last: two of them say it all");
    window->form = options->json ? SHOW_JSON : options->csv ? SHOW_CSV : SHOW_TEXT;
    window->columns = terminal_columns();
    return CLI_OK;
}

static int run(int argc, char **argv)
{
    static struct segment_found target;
    struct show_options options = {0};
    struct shown shown = {0};
    int status = take_options(argc, argv, &options);
    if (status != CLI_OK)
        return status;
    status = target_find(&cli_verb_show, options.dir, options.process, &target);
    if (status != CLI_OK) /* 1 would say that there is no such metric */
        return status == CLI_FAILED ? CLI_UNREADABLE : status;

    struct segment_reader reader;
    int error = segment_attach(target.path, &reader);
    if (error != 0)
        return target_unreadable(&cli_verb_show, target.path, error);
    status = load(&reader, &options, &shown);
    segment_detach(&reader);
    if (status == CLI_OK)
        status = print(&shown, &options.window);
    show_finish(&shown);
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
     CLI_AT(struct show_options, window.last_ns)},
    {.name = "from",
     .kind = CLI_TEXT,
     .value = "WHEN",
     .help = "not before: 14:05, '2026-11-21 14:05', -10m, seconds since 1970; local time, UTC if "
             "ended by Z",
     CLI_AT(struct show_options, window.from)},
    {.name = "to",
     .kind = CLI_TEXT,
     .value = "WHEN",
     .help = "not after",
     CLI_AT(struct show_options, window.to)},
    {.name = "by",
     .kind = CLI_SPAN,
     .value = "TIME",
     .help = "one column, row or point for each so long, at whole multiples of it",
     CLI_AT(struct show_options, window.by_ns)},
    CLI_JSON_OPTION(struct show_options),
    {.name = "csv",
     .kind = CLI_FLAG,
     .help = "a table instead: time in UTC and in seconds, then minimum, maximum, mean and last of "
             "each row; what is not known is empty",
     CLI_AT(struct show_options, csv)},
    CLI_DIR_OPTION(struct show_options),
    {0},
};

static const struct cli_exit exits[] = {
    {0, "shown"},
    {1, "no such metric"},
    {CLI_UNREADABLE, "the process could not be read or told of"},
    {0},
};

const struct cli_verb cli_verb_show = {
    .name = "show",
    .summary = "print one metric of a monitored process and its history",
    .arguments = takes,
    .about =
        "Its newest value with state and age, the span that is really covered, minimum, mean, "
        "maximum and last, and a chart as wide as the terminal, 80 columns elsewhere, in which "
        "a dot is where nothing is known. A counter is drawn by how fast it grew; a histogram "
        "by the median and the 99th percentile of its values, and the rate of its count.",
    .exits = exits,
    .examples = "vagus show memory.usage\n"
                "vagus show 'disk.free{path=/var}' -p researcher --last 1h --json\n"
                "vagus show agent.tokens --from 14:05 --to 15:00 --by 1m --csv > tokens.csv\n",
    .run = run,
};
