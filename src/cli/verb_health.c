/* SPDX-License-Identifier: Apache-2.0 */
/* vagus health: the health summary of another process, read from its segment. */
#include <getopt.h>
#include <time.h>

#include "cli/target.h"
#include "report/report.h"

extern const struct cli_verb cli_verb_health;

#define HEALTH_UNKNOWN 3
#define LOAD_TRIES 5

struct health_options {
    const char *process;
    const char *dir;
    bool json;
};

/* CLI_OK, or CLI_USAGE after a message. */
static int parse_options(int argc, char **argv, struct health_options *options)
{
    static const struct option names[] = {
        {"json", no_argument, NULL, 'j'},
        {"dir", required_argument, NULL, 'd'},
        {NULL, 0, NULL, 0},
    };
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
        case ':':
            return cli_usage_error(&cli_verb_health, "%s needs a value", argv[optind - 1]);
        default:
            return cli_usage_error(&cli_verb_health, "unknown option %s", argv[optind - 1]);
        }
    }
    if (optind < argc)
        return cli_usage_error(&cli_verb_health, "unexpected argument '%s'", argv[optind]);
    return CLI_OK;
}

/* Four tries of the reader may all have met a busy writer, so a few more, a little later. */
static int load(struct report *report, const struct segment_reader *reader)
{
    int error = 0;
    for (int try = 0; try < LOAD_TRIES; try++) {
        error = report_load(report, reader, target_now_ns(&reader->header));
        if (error != 0 || report->snapshot_error != VAGUS_EAGAIN || !report->alive)
            break;
        nanosleep(&(struct timespec){.tv_nsec = 2 * VAGUS_MILLISECOND_NS}, NULL);
    }
    return error;
}

static int status_of(enum vagus_verdict verdict)
{
    switch (verdict) {
    case VAGUS_VERDICT_OK:
        return 0;
    case VAGUS_VERDICT_DEGRADED:
        return 1;
    case VAGUS_VERDICT_CRITICAL:
        return 2;
    case VAGUS_VERDICT_UNKNOWN:
        break;
    }
    return HEALTH_UNKNOWN;
}

static int run(int argc, char **argv)
{
    static struct segment_found target;
    static struct report report;
    static char output[REPORT_JSON_BYTES_MAX];
    struct health_options options = {0};
    int status = parse_options(argc, argv, &options);
    if (status != CLI_OK)
        return status;
    status = target_find(&cli_verb_health, options.dir, options.process, &target);
    if (status != CLI_OK) /* 1 would say that it is degraded */
        return status == CLI_FAILED ? HEALTH_UNKNOWN : status;

    struct segment_reader reader;
    int error = segment_attach(target.path, &reader);
    if (error == 0) {
        error = load(&report, &reader);
        segment_detach(&reader);
    }
    if (error != 0) {
        cli_error(&cli_verb_health, "%s: %s", target.path, vagus_error_message(error));
        return error == VAGUS_ENOENT ? CLI_NOT_FOUND : HEALTH_UNKNOWN;
    }
    struct text text;
    text_init(&text, output, sizeof(output));
    if (options.json)
        report_health_json(&report, &text);
    else
        report_health_text(&report, cli_colour(stdout), &text);
    /* That nothing could be written is said once, at the end of main(). */
    if (fputs(output, stdout) == EOF || fflush(stdout) != 0)
        return HEALTH_UNKNOWN;
    return status_of(report_verdict(&report));
}

const struct cli_verb cli_verb_health = {
    .name = "health",
    .summary = "print the health of a monitored process",
    .synopsis = "[-p PID|NAME] [--json] [--dir DIR]",
    .help = "One screen: the verdict and why; each raised signal, the worst first, and what was\n"
            "done about it; the organs; what happened lately; the monitor itself.\n"
            "\n"
            "  -p PID|NAME  the process, by pid, agent or program; without it, the only one that\n"
            "               runs. One that has ended is shown as it was last.\n"
            "  --json       one JSON object instead\n"
            "  --dir DIR    look for segments there\n"
            "\n"
            "Exit status: 0 ok, 1 degraded, 2 critical, 3 unknown (it ended, does not publish, or\n"
            "could not be read or told of), 4 no such process, 64 wrong arguments or several\n"
            "processes run.\n"
            "\n"
            "  vagus health\n"
            "  vagus health -p researcher --json\n",
    .run = run,
};
