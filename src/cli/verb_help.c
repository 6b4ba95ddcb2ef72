/* SPDX-License-Identifier: Apache-2.0 */
/* vagus help: the help of the command or of a verb, for a terminal or as a manual page. */
#include "cli/verbs.h"

extern const struct cli_verb cli_verb_help;

struct help_options {
    const char *verb;
    bool page;
};

static int run(int argc, char **argv)
{
    struct help_options options = {0};
    const struct cli_verb *verb = NULL;
    int status = cli_parse(&cli_verb_help, argc, argv, &options);
    if (status != CLI_OK)
        return status;
    if (options.verb != NULL && (verb = cli_verb_find(options.verb)) == NULL)
        return cli_verb_unknown(options.verb);
    if (options.page)
        verb_page(verb, stdout);
    else if (verb != NULL)
        verb_help(verb, stdout);
    else
        verbs_help(stdout);
    return CLI_OK;
}

static const struct cli_argument takes[] = {
    {.flags = CLI_OPTIONAL,
     .kind = CLI_VERB,
     .value = "VERB",
     .help = "without it, all verbs are named",
     CLI_AT(struct help_options, verb)},
    {.name = "man",
     .kind = CLI_FLAG,
     .help = "as the source of a manual page",
     CLI_AT(struct help_options, page)},
    {0},
};

static const struct cli_exit exits[] = {
    {0, "printed"},
    {0},
};

const struct cli_verb cli_verb_help = {
    .name = "help",
    .summary = "print the help of a verb",
    .arguments = takes,
    .about = "What 'vagus VERB --help' prints, or a manual page of the same content.",
    .exits = exits,
    .examples = "vagus help show\n"
                "vagus help show --man | man -l -\n",
    .run = run,
};
