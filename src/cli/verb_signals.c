/* SPDX-License-Identifier: Apache-2.0 */
/* vagus signals: why each signal of a process came about and what it brought, from the ring of
 * transitions in its segment. */
#include "cli/target.h"
#include "report/report.h"

extern const struct cli_verb cli_verb_signals;

struct signals_options {
    const char *process;
    const char *dir;
    uint64_t last;
    bool json;
};

/* False if nothing could be written; that is said once, at the end of main(). */
static bool print_text(const struct segment_signal *entries, uint64_t count, uint64_t ever)
{
    static char output[REPORT_TRANSITION_BYTES_MAX];
    for (uint64_t i = 0; i < count; i++) {
        struct text text;
        text_init(&text, output, sizeof(output));
        report_transition_text(&entries[i], &text);
        if (fputs(output, stdout) == EOF)
            return false;
    }
    if (ever == 0)
        fputs("no signal so far\n", stdout);
    else if (ever > count)
        printf("%llu of %llu transitions shown\n", (unsigned long long)count,
               (unsigned long long)ever);
    return fflush(stdout) == 0;
}

static bool print_json(const struct segment_signal *entries, uint64_t count, uint64_t ever,
                       int64_t now_ns)
{
    static char output[4 * REPORT_TRANSITION_BYTES_MAX];
    printf("{\"transition_count\":%llu,\"transitions\":[", (unsigned long long)ever);
    for (uint64_t i = 0; i < count; i++) {
        struct text text;
        text_init(&text, output, sizeof(output));
        report_transition_json(&entries[i], now_ns, &text);
        if (i > 0)
            putchar(',');
        if (fputs(output, stdout) == EOF)
            return false;
    }
    puts("]}");
    return fflush(stdout) == 0;
}

static int run(int argc, char **argv)
{
    static struct segment_found target;
    static struct segment_signal entries[SEGMENT_SIGNALS_MAX];
    struct signals_options options = {.last = SEGMENT_SIGNALS_MAX};
    struct segment_reader reader;
    struct segment_head head = {0};
    uint64_t got = 0;
    int status = cli_parse(&cli_verb_signals, argc, argv, &options);
    if (status == CLI_OK)
        status = target_find(&cli_verb_signals, options.dir, options.process, &target);
    if (status != CLI_OK)
        return status;
    int error = segment_attach(target.path, &reader);
    if (error == 0) {
        error = segment_read_entries(&reader, SEGMENT_SIGNALS, 0, SEGMENT_SIGNALS_MAX, entries,
                                     &got, &head);
        segment_detach(&reader);
    }
    if (error != 0)
        return target_unreadable(&cli_verb_signals, target.path, error);
    uint64_t shown = got < options.last ? got : options.last;
    const struct segment_signal *first = entries + (got - shown);
    bool written = options.json
                       ? print_json(first, shown, head.count, target_now_ns(&target.header))
                       : print_text(first, shown, head.count);
    return written ? CLI_OK : CLI_UNREADABLE;
}

static const struct cli_argument takes[] = {
    CLI_PROCESS_OPTION(struct signals_options),
    {.name = "last",
     .kind = CLI_NUMBER,
     .value = "N",
     .help = "the newest N alone",
     CLI_AT(struct signals_options, last)},
    CLI_JSON_OPTION(struct signals_options),
    CLI_DIR_OPTION(struct signals_options),
    {0},
};

static const struct cli_exit exits[] = {
    {0, "shown"},
    {1, "the folder could not be read"},
    {CLI_UNREADABLE, "the process could not be read or told of"},
    {0},
};

const struct cli_verb cli_verb_signals = {
    .name = "signals",
    .summary = "print why each signal of a process came about, and what it brought",
    .arguments = takes,
    .about = "The newest 128 transitions, the oldest first: what changed, the reason with the age "
             "of the value, each listener that took it with what it says it released, and whether "
             "the metric moved. What shadow rules would have raised is marked (shadow).",
    .exits = exits,
    .examples = "vagus signals\n"
                "vagus signals -p researcher --last 5\n",
    .run = run,
};
