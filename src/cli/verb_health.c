/* SPDX-License-Identifier: Apache-2.0 */
/* vagus health: the health summary of another process, read from its segment. */
#include <time.h>

#include "cli/target.h"
#include "report/findings.h"
#include "report/screen.h"

extern const struct cli_verb cli_verb_health;

#define HEALTH_UNKNOWN 3
#define LOAD_TRIES 5

struct health_options {
    const char *process;
    const char *dir;
    bool json, brief, alive, ready;
};

/* Four tries of the reader may all have met a busy writer, so a few more, a little later. */
static int load(struct report *report, const struct segment_reader *reader, bool whole)
{
    int error = 0;
    for (int try = 0; try < LOAD_TRIES; try++) {
        int64_t now_ns = target_now_ns(&reader->header);
        error = whole ? report_load(report, reader, now_ns)
                      : report_load_snapshot(report, reader, now_ns);
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

/* The answer to --alive or --ready: a line, and no or yes as the status. */
static int probe(const struct report *report, bool ready, struct text *text)
{
    char line[512];
    struct text reason;
    text_init(&reason, line, sizeof(line));
    bool yes = ready ? report_is_ready(report, &reason) : report_is_alive(report, &reason);
    text_addf(text, "%s%s: %s\n", yes ? "" : "not ", ready ? "ready" : "alive", line);
    return yes ? 0 : 1;
}

/* What was asked for, and its status. */
static int render(const struct report *report, const struct health_options *options,
                  struct text *text)
{
    bool colour = cli_colour(stdout);
    if (options->alive || options->ready)
        return probe(report, options->ready, text);
    if (options->json)
        report_health_json(report, text);
    else if (options->brief)
        report_health_brief(report, colour, text);
    else
        report_health_text(report, colour, screen_columns_of(fileno(stdout)), text);
    return status_of(report_verdict(report));
}

static int parse(int argc, char **argv, struct health_options *options)
{
    int status = cli_parse(&cli_verb_health, argc, argv, options);
    if (status == CLI_OK && options->json + options->brief + options->alive + options->ready > 1)
        return cli_usage_error(&cli_verb_health,
                               "only one of --json, --brief, --alive and --ready");
    return status;
}

static int run(int argc, char **argv)
{
    static struct segment_found target;
    static struct report report;
    static char output[REPORT_JSON_BYTES_MAX];
    struct health_options options = {0};
    int status = parse(argc, argv, &options);
    if (status != CLI_OK)
        return status;
    status = target_find(&cli_verb_health, options.dir, options.process, &target);
    if (status != CLI_OK) /* 1 would say that it is degraded */
        return status == CLI_FAILED ? HEALTH_UNKNOWN : status;

    struct segment_reader reader;
    int error = segment_attach(target.path, &reader);
    if (error == 0) {
        error = load(&report, &reader, !options.brief && !options.alive && !options.ready);
        segment_detach(&reader);
    }
    if (error != 0)
        return target_unreadable(&cli_verb_health, target.path, error);
    struct text text;
    text_init(&text, output, sizeof(output));
    status = render(&report, &options, &text);
    /* That nothing could be written is said once, at the end of main(). */
    if (fputs(output, stdout) == EOF || fflush(stdout) != 0)
        return HEALTH_UNKNOWN;
    return status;
}

static const struct cli_argument takes[] = {
    CLI_PROCESS_OPTION(struct health_options),
    CLI_JSON_OPTION(struct health_options),
    {.name = "brief",
     .kind = CLI_FLAG,
     .help = "one line instead: verdict, reason, the organ in question",
     CLI_AT(struct health_options, brief)},
    {.name = "alive",
     .kind = CLI_FLAG,
     .help = "only whether it should be left running: 0 yes, 1 no",
     CLI_AT(struct health_options, alive)},
    {.name = "ready",
     .kind = CLI_FLAG,
     .help = "only whether it can take work: 0 yes, 1 no",
     CLI_AT(struct health_options, ready)},
    CLI_DIR_OPTION(struct health_options),
    {0},
};

static const struct cli_exit exits[] = {
    {0, "ok; alive or ready, where that was asked"},
    {1, "degraded; not alive or not ready"},
    {2, "critical"},
    {HEALTH_UNKNOWN, "unknown: it ended, does not publish, or could not be read or told of"},
    {0},
};

const struct cli_verb cli_verb_health = {
    .name = "health",
    .summary = "print the health of a monitored process",
    .arguments = takes,
    .about =
        "One screen: the verdict and why; each raised signal, the worst first, and what was "
        "done about it, and whether it helped; the organs, each with the share that is used up "
        "and its last minute; budgets; what happened lately; the monitor itself.\n"
        "\n"
        "--alive and --ready are for the probes of orchestrators. A process is not alive if "
        "it ended, has not published for 10 s, or a rule raises shutdown about the agent "
        "itself; never because of load. It is not ready if it is not alive, its verdict is "
        "unknown, or defer or shutdown is raised.",
    .exits = exits,
    .examples = "vagus health\n"
                "vagus health -p researcher --json\n"
                "vagus health --brief\n"
                "vagus health -p researcher --alive\n",
    .run = run,
};
