/* SPDX-License-Identifier: Apache-2.0 */
/* All verbs, in the order of verbs.def, and what is made of their tables. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "cli/cli.h"

extern const struct cli_verb *const cli_verbs[]; /* ended by NULL */

const struct cli_verb *cli_verb_find(const char *name);

/* Says that there is no such verb, and which may be meant; returns CLI_USAGE. */
int cli_verb_unknown(const char *name);

/* "METRIC [-p PID|NAME] [--json]", or what the verb says itself. */
struct text;
void verb_synopsis(const struct cli_verb *verb, struct text *text);

/* The exit code number `index` of a verb, its own and those that go without saying; false after the
 * last one. */
bool verb_exit(const struct cli_verb *verb, size_t index, struct cli_exit *shown);

/* "-p PID|NAME", "--last TIME", "METRIC". */
void verb_argument_name(const struct cli_argument *argument, struct text *text);

void verb_help(const struct cli_verb *verb, FILE *stream);

/* The manual page of a verb; NULL: of the command. */
void verb_page(const struct cli_verb *verb, FILE *stream);

/* All verbs in a few lines. */
void verbs_help(FILE *stream);

#endif
