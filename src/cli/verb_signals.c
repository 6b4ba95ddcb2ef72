/* SPDX-License-Identifier: Apache-2.0 */
/* vagus signals: why each signal of a process came about and what it brought, from the ring of
 * transitions in its segment. */
#include <getopt.h>
#include <stdlib.h>

#include "cli/target.h"
#include "report/report.h"

extern const struct cli_verb cli_verb_signals;

#define SIGNALS_UNREADABLE 3

struct signals_options {
    const char *process;
    const char *dir;
    uint64_t last;
    bool json;
};

/* CLI_OK, or CLI_USAGE after a message. */
static int parse_options(int argc, char **argv, struct signals_options *options)
{
    static const struct option names[] = {
        {"json", no_argument, NULL, 'j'},
        {"dir", required_argument, NULL, 'd'},
        {"last", required_argument, NULL, 'l'},
        {NULL, 0, NULL, 0},
    };
    char *end;
    opterr = 0;
    for (int option; (option = getopt_long(argc, argv, "+:p:", names, NULL)) != -1;) {
        switch (option) {
        case 'p':
            options->process = optarg;
            break;
        case 'j':
            options->json = true;
            break;
        case 'd':
            options->dir = optarg;
            break;
        case 'l':
            options->last = strtoul(optarg, &end, 10);
            if (options->last == 0 || *end != '\0' || optarg[0] == '-')
                return cli_usage_error(&cli_verb_signals, "--last '%s' is no number of signals",
                                       optarg);
            break;
        case ':':
            return cli_usage_error(&cli_verb_signals, "%s needs a value", argv[optind - 1]);
        default:
            return cli_usage_error(&cli_verb_signals, "unknown option %s", argv[optind - 1]);
        }
    }
    if (optind < argc)
        return cli_usage_error(&cli_verb_signals, "unexpected argument '%s'", argv[optind]);
    return CLI_OK;
}

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
    int status = parse_options(argc, argv, &options);
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
    if (error != 0) {
        cli_error(&cli_verb_signals, "%s: %s", target.path, vagus_error_message(error));
        return error == VAGUS_ENOENT ? CLI_NOT_FOUND : SIGNALS_UNREADABLE;
    }
    uint64_t shown = got < options.last ? got : options.last;
    const struct segment_signal *first = entries + (got - shown);
    bool written = options.json
                       ? print_json(first, shown, head.count, target_now_ns(&target.header))
                       : print_text(first, shown, head.count);
    return written ? CLI_OK : SIGNALS_UNREADABLE;
}

const struct cli_verb cli_verb_signals = {
    .name = "signals",
    .summary = "print why each signal of a process came about, and what it brought",
    .synopsis = "[-p PID|NAME] [--last N] [--json] [--dir DIR]",
    .help = "The newest 128 transitions, the oldest first: what changed, the reason with the age\n"
            "of the value, each listener that took it with what it says it released, and whether\n"
            "the metric moved. What shadow rules would have raised is marked (shadow).\n"
            "\n"
            "  -p PID|NAME  the process, by pid, agent or program; without it, the only one that\n"
            "               runs. One that has ended is shown as it was last.\n"
            "  --last N     the newest N alone\n"
            "  --json       one JSON object instead\n"
            "  --dir DIR    look for segments there\n"
            "\n"
            "Exit status: 0 shown, 1 the folder could not be read, 3 the process could not be\n"
            "read, 4 no such process, 64 wrong arguments or several processes run.\n"
            "\n"
            "  vagus signals\n"
            "  vagus signals -p researcher --last 5\n",
    .run = run,
};
