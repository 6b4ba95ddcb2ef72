/* SPDX-License-Identifier: Apache-2.0 */
/* vagus snapshot: the whole SystemSnapshot of a process, as its own brainstem reads it. */
#include <time.h>

#include "base/text.h"
#include "cli/live.h"
#include "vagus/snapshot_view.h"

extern const struct cli_verb cli_verb_snapshot;

struct snapshot_options {
    const char *process;
    const char *dir;
    bool json;
    bool prompt;
};

/* Whose snapshot it is: a line before the text, which has none of that. */
static void print_identity(const struct segment_header *header, bool alive)
{
    char line[512];
    struct text text;
    text_init(&text, line, sizeof(line));
    text_add_safe(&text, header->agent, sizeof(header->agent));
    text_addf(&text, " · pid %lld · program ", (long long)header->pid);
    text_add_safe(&text, header->program, sizeof(header->program));
    if (!alive)
        text_addf(&text, " · %s", live_end_words(header));
    puts(line);
}

static int print(const struct live *live, const struct snapshot_options *options)
{
    static char output[VAGUS_SNAPSHOT_JSON_MAX];
    int64_t now_ns = target_now_ns(&live->reader.header);
    if (options->prompt) {
        vagus_snapshot_prompt(&live->snapshot, now_ns, output, VAGUS_SNAPSHOT_PROMPT_MAX);
        if (output[0] != '\0')
            puts(output);
    } else if (options->json) {
        vagus_snapshot_json(&live->snapshot, now_ns, output, sizeof(output), NULL);
        puts(output);
    } else {
        print_identity(&live->reader.header, live->alive);
        vagus_snapshot_print(&live->snapshot, now_ns, stdout);
    }
    return fflush(stdout) == 0 ? CLI_OK : LIVE_UNREADABLE;
}

static int run(int argc, char **argv)
{
    static struct live live;
    struct snapshot_options options = {0};
    int status = cli_parse(&cli_verb_snapshot, argc, argv, &options);
    if (status != CLI_OK)
        return status;
    if (options.json && options.prompt)
        return cli_usage_error(&cli_verb_snapshot, "--json and --prompt exclude each other");
    status = live_attach(&live, &cli_verb_snapshot, options.dir, options.process);
    if (status != CLI_OK)
        return status;
    status = print(&live, &options);
    segment_detach(&live.reader);
    return status;
}

static const struct cli_argument takes[] = {
    CLI_PROCESS_OPTION(struct snapshot_options),
    CLI_JSON_OPTION(struct snapshot_options),
    {.name = "prompt",
     .kind = CLI_FLAG,
     .help = "at most 600 characters for a language model instead; nothing if all is well",
     CLI_AT(struct snapshot_options, prompt)},
    CLI_DIR_OPTION(struct snapshot_options),
    {0},
};

static const struct cli_exit exits[] = {
    {0, "shown, whatever the verdict"},
    {1, "the folder could not be read"},
    {LIVE_UNREADABLE, "the process could not be read or told of"},
    {0},
};

const struct cli_verb cli_verb_snapshot = {
    .name = "snapshot",
    .summary = "print the whole snapshot of a process",
    .arguments = takes,
    .about = "All that a process knows of itself at one instant: verdict, mode and raised signals, "
             "then every field of each part that has a value, and the names of those that have "
             "none. What is stale says how old it is.",
    .exits = exits,
    .examples = "vagus snapshot\n"
                "vagus snapshot -p researcher --json\n"
                "vagus snapshot --prompt\n",
    .run = run,
};
