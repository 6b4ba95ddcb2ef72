/* SPDX-License-Identifier: Apache-2.0 */
/* vagus health: the health summary of another process, read from its segment. */
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
    int status = cli_parse(&cli_verb_health, argc, argv, &options);
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
        report_health_text(&report, cli_colour(stdout), 0, &text);
    /* That nothing could be written is said once, at the end of main(). */
    if (fputs(output, stdout) == EOF || fflush(stdout) != 0)
        return HEALTH_UNKNOWN;
    return status_of(report_verdict(&report));
}

static const struct cli_argument takes[] = {
    CLI_PROCESS_OPTION(struct health_options),
    CLI_JSON_OPTION(struct health_options),
    CLI_DIR_OPTION(struct health_options),
    {0},
};

static const struct cli_exit exits[] = {
    {0, "ok"},
    {1, "degraded"},
    {2, "critical"},
    {HEALTH_UNKNOWN, "unknown: it ended, does not publish, or could not be read or told of"},
    {0},
};

const struct cli_verb cli_verb_health = {
    .name = "health",
    .summary = "print the health of a monitored process",
    .arguments = takes,
    .about = "One screen: the verdict and why; each raised signal, the worst first, and what was "
             "done about it; the organs; what happened lately; the monitor itself.",
    .exits = exits,
    .examples = "vagus health\n"
                "vagus health -p researcher --json\n",
    .run = run,
};
