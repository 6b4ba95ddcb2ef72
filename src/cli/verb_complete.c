/* SPDX-License-Identifier: Apache-2.0 */
/* vagus complete: what the completions of bash, zsh and fish call at each tab. */
#include "cli/cli.h"
#include "cli/complete.h"

extern const struct cli_verb cli_verb_complete;

struct complete_options {
    char **words;
};

static int run(int argc, char **argv)
{
    struct complete_options options = {0};
    int status = cli_parse(&cli_verb_complete, argc, argv, &options);
    if (status == CLI_OK)
        complete(options.words, stdout);
    return status;
}

static const struct cli_argument takes[] = {
    {.flags = CLI_MANY,
     .kind = CLI_TEXT,
     .value = "WORD",
     .help = "what stands after 'vagus', up to the cursor",
     CLI_AT(struct complete_options, words)},
    {0},
};

static const struct cli_exit exits[] = {
    {0, "printed"},
    {0},
};

const struct cli_verb cli_verb_complete = {
    .name = "complete",
    .summary = "print what may stand next on the line of a shell",
    .synopsis = "-- WORD...",
    .arguments = takes,
    .about = "The completions of bash, zsh and fish call it. The first line is :files, :folders or "
             ":words; after :words comes a candidate on each line, a tab, and what it is.",
    .exits = exits,
    .examples = "vagus complete -- show --l\n",
    .hidden = true,
    .run = run,
};
