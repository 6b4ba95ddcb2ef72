/* SPDX-License-Identifier: Apache-2.0 */
/* vagus autopsy: how a process ended and what led there, from its black box. */
#include <stdlib.h>
#include <unistd.h>

#include "cli/export.h"
#include "cli/target.h"
#include "report/screen.h"

extern const struct cli_verb cli_verb_autopsy;

struct autopsy_options {
    const char *process;
    const char *dir;
    const char *folder; /* NULL: nothing is exported */
    bool json;
};

static int print(const struct autopsy *autopsy, bool json)
{
    char *output = malloc(AUTOPSY_JSON_BYTES_MAX);
    struct text text;
    if (output == NULL) {
        cli_error(&cli_verb_autopsy, "%s", vagus_error_message(VAGUS_ENOMEM));
        return CLI_UNREADABLE;
    }
    text_init(&text, output, AUTOPSY_JSON_BYTES_MAX);
    if (json)
        autopsy_json(autopsy, &text);
    else
        autopsy_text(autopsy, screen_columns_of(STDOUT_FILENO), cli_colour(stdout), &text);
    /* That nothing could be written is said once, at the end of main(). */
    bool written = fputs(output, stdout) != EOF && fflush(stdout) == 0;
    free(output);
    return written ? CLI_OK : CLI_UNREADABLE;
}

static int run(int argc, char **argv)
{
    static struct segment_found target;
    static struct autopsy autopsy;
    struct autopsy_options options = {0};
    struct segment_reader reader;
    unsigned files = 0;
    int status = cli_parse(&cli_verb_autopsy, argc, argv, &options);
    if (status == CLI_OK)
        status = target_find_ended(&cli_verb_autopsy, options.dir, options.process, &target);
    if (status != CLI_OK)
        return status;
    int error = segment_attach(target.path, &reader);
    if (error == 0)
        error = autopsy_load(&autopsy, &reader, target_now_ns(&reader.header));
    if (error != 0) {
        segment_detach(&reader);
        return target_unreadable(&cli_verb_autopsy, target.path, error);
    }
    if (options.folder != NULL)
        status = export_write(&cli_verb_autopsy, options.folder, &autopsy, &reader, &files);
    segment_detach(&reader);
    if (status != CLI_OK)
        return status;
    status = print(&autopsy, options.json);
    if (options.folder != NULL && !options.json && status == CLI_OK)
        printf("\n%u files written to %s\n", files, options.folder);
    return status;
}

static const struct cli_argument takes[] = {
    {.letter = 'p',
     .kind = CLI_PROCESS,
     .value = "PID|NAME",
     .help = "the process, by pid, agent or program; without it, the one that died last, or else "
             "the only one that runs",
     CLI_AT(struct autopsy_options, process)},
    CLI_JSON_OPTION(struct autopsy_options),
    {.name = "export",
     .kind = CLI_DIR,
     .value = "FOLDER",
     .help = "write every series, the signals and what was open as CSV files into this folder, "
             "which must be new or empty",
     CLI_AT(struct autopsy_options, folder)},
    CLI_DIR_OPTION(struct autopsy_options),
    {0},
};

static const struct cli_exit exits[] = {
    {0, "told"},
    {1, "the folder of segments could not be read, or the export not be written"},
    {CLI_UNREADABLE, "the black box could not be read or told of"},
    {0},
};

const struct cli_verb cli_verb_autopsy = {
    .name = "autopsy",
    .summary = "tell how a process ended, and what led there",
    .arguments = takes,
    .about = "How it ended, as far as can be known, with the evidence; the last minute of what "
             "matters as charts; the last signals with their reasons and what listeners did; "
             "operations that never ended and reservations that were open; the mode, budgets, "
             "notes.\n\n"
             "Of several that match -p, the one that ended last is told of, and the others are "
             "named on stderr. One that still runs is told of as such.",
    .exits = exits,
    .examples = "vagus autopsy\n"
                "vagus autopsy -p researcher\n"
                "vagus autopsy -p researcher --export last-night\n",
    .run = run,
};
