/* SPDX-License-Identifier: Apache-2.0 */
/* The command: one file for each verb, one line each in verbs.def. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stdio.h>

/* Exit codes that mean the same in every verb; health adds its own, which its help names. */
#define CLI_OK 0
#define CLI_FAILED 1
#define CLI_USAGE 64 /* wrong arguments, as in sysexits.h */

struct cli_verb {
    const char *name;
    const char *summary;  /* one line, no full stop: "print the health of a monitored process" */
    const char *synopsis; /* "[-p PID|NAME] [--json]" */
    const char *help;     /* options, exit codes, at least one example; ends with a newline */
    /* argv[0] is the verb. Returns the exit code. */
    int (*run)(int argc, char **argv);
};

/* True if colour may be used on the stream: it is a terminal, NO_COLOR is unset or empty, TERM is
 * not "dumb". */
bool cli_colour(FILE *stream);

/* "vagus VERB: message" on stderr; returns CLI_USAGE after "Try 'vagus VERB --help'." */
int cli_usage_error(const struct cli_verb *verb, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same without the hint; returns CLI_FAILED. */
int cli_error(const struct cli_verb *verb, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
