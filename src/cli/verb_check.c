/* SPDX-License-Identifier: Apache-2.0 */
/* vagus check: every fault of a policy file, as a compiler would print it. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/cli.h"
#include "config/json_schema.h"
#include "config/preset.h"
#include "monitor/monitor.h"
#include "vagus/policy.h"

/* Longer lines are shown around the place alone. */
#define SHOWN_BEFORE 60
#define SHOWN_BYTES 160

static int run(int argc, char **argv);

struct check_options {
    const char *path;
    bool json, list_presets, json_schema;
    int preset; /* its place in preset_names; -1 */
};

static const struct cli_argument takes[] = {
    {.flags = CLI_OPTIONAL,
     .kind = CLI_FILE,
     .value = "FILE",
     .help = "the policy; preset:NAME is one that is compiled in",
     CLI_AT(struct check_options, path)},
    CLI_JSON_OPTION(struct check_options),
    {.name = "list-presets",
     .kind = CLI_FLAG,
     .help = "name the policies that are compiled in",
     CLI_AT(struct check_options, list_presets)},
    {.name = "show-preset",
     .kind = CLI_WORD,
     .value = "NAME",
     .help = "print one of them",
     .words = preset_names,
     CLI_AT(struct check_options, preset)},
    {.name = "json-schema",
     .kind = CLI_FLAG,
     .help = "print a JSON Schema of policies, for editors",
     CLI_AT(struct check_options, json_schema)},
    {0},
};

static const struct cli_exit exits[] = {
    {0, "the policy can be used"},
    {1, "it has faults or cannot be read"},
    {0},
};

const struct cli_verb cli_verb_check = {
    .name = "check",
    .summary = "name every fault of a policy file",
    .synopsis = "FILE [--json] | --list-presets | --show-preset NAME | --json-schema",
    .arguments = takes,
    .about = "Reads a policy and changes nothing. Each fault is printed with its line and column, "
             "what was found, what was expected, and the nearest valid name.",
    .exits = exits,
    .examples = "vagus check /etc/vagus/agent.yaml\n"
                "vagus check preset:container\n",
    .run = run,
};

/* The file once more, to show its lines. NULL if that fails: then they are not shown. */
static char *read_source(const char *path)
{
    struct stat status;
    char *source = NULL;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return NULL;
    if (fstat(fd, &status) == 0 && S_ISREG(status.st_mode) && status.st_size <= 1 << 20)
        source = calloc(1, (size_t)status.st_size + 1);
    if (source != NULL && read(fd, source, (size_t)status.st_size) < 0)
        source[0] = '\0';
    close(fd);
    return source;
}

/* Skips up to `count` characters (not bytes) of a line. */
static char *skip_characters(char *line, size_t count)
{
    while (count > 0 && *line != '\0') {
        line++;
        while (((unsigned char)*line & 0xc0) == 0x80)
            line++;
        count--;
    }
    return line;
}

static size_t count_characters(const char *s)
{
    size_t count = 0;
    for (; *s != '\0'; s++)
        count += ((unsigned char)*s & 0xc0) != 0x80;
    return count;
}

/* The line of the fault and a caret under its column. */
static void print_source(char *source, const struct vagus_fault *fault, bool colour)
{
    char *line = source;
    for (uint32_t i = 1; i < fault->line && line != NULL; i++) {
        line = strchr(line, '\n');
        line = line != NULL ? line + 1 : NULL;
    }
    if (line == NULL)
        return;
    size_t length = strcspn(line, "\r\n");
    char end = line[length];
    line[length] = '\0';

    size_t before = fault->column - 1;
    size_t hidden = before > SHOWN_BEFORE ? before - SHOWN_BEFORE : 0;
    char *start = skip_characters(line, hidden);
    char *place = skip_characters(start, before - hidden);
    char head[4 * 4 * SHOWN_BEFORE + 8], tail[4 * SHOWN_BYTES + 8];
    struct text text;
    char at_place = *place;
    *place = '\0';
    text_init(&text, head, sizeof(head));
    text_add(&text, hidden > 0 ? "…" : "");
    text_add_safe(&text, start, sizeof(head) - 8);
    *place = at_place;
    text_init(&text, tail, sizeof(tail));
    text_add_safe(&text, place, SHOWN_BYTES);
    line[length] = end;

    printf("%5" PRIu32 " | %s%s\n", fault->line, head, tail);
    printf("      | %*s%s^%s\n", (int)count_characters(head), "", colour ? "\033[1;32m" : "",
           colour ? "\033[0m" : "");
}

static void print_people(const char *path, const struct vagus_fault_list *faults, char *source,
                         bool colour)
{
    for (uint32_t i = 0; i < faults->count; i++) {
        const struct vagus_fault *fault = &faults->faults[i];
        const char *paint = !colour ? "" : fault->warning ? "\033[1;35m" : "\033[1;31m";
        printf("%s:", path);
        if (fault->line > 0)
            printf("%" PRIu32 ":%" PRIu32 ":", fault->line, fault->column);
        printf(" %s%s:%s %s\n", paint, fault->warning ? "warning" : "error",
               colour ? "\033[0m" : "", fault->text);
        if (fault->line > 0 && source != NULL)
            print_source(source, fault, colour);
    }
    if (faults->total > faults->count)
        printf("%s: %" PRIu32 " more are not shown\n", path, faults->total - faults->count);
}

static void print_summary(const char *path, int error, const struct vagus_fault_list *faults,
                          uint32_t rules)
{
    uint32_t warnings = faults->total - faults->errors;
    if (error == 0)
        printf("%s: ok, %" PRIu32 " rule%s", path, rules, rules == 1 ? "" : "s");
    else
        printf("%s: %" PRIu32 " fault%s", path, faults->errors, faults->errors == 1 ? "" : "s");
    if (warnings > 0)
        printf(", %" PRIu32 " warning%s", warnings, warnings == 1 ? "" : "s");
    printf("\n");
}

static void print_json_string(const char *string)
{
    /* A path may be longer than any buffer here; six bytes are the most that one becomes. */
    char buffer[6 * 4096 + 8];
    struct text text;
    text_init(&text, buffer, sizeof(buffer));
    text_add_json(&text, string);
    fputs(text_cut(&text) ? "null" : buffer, stdout);
}

static void print_json(const char *path, int error, const struct vagus_fault_list *faults,
                       uint32_t rules)
{
    printf("{\"file\": ");
    print_json_string(path);
    printf(", \"ok\": %s, \"rules\": ", error == 0 ? "true" : "false");
    if (error == 0)
        printf("%" PRIu32, rules);
    else
        printf("null");
    printf(", \"errors\": %" PRIu32 ", \"warnings\": %" PRIu32 ", \"faults\": [", faults->errors,
           faults->total - faults->errors);
    for (uint32_t i = 0; i < faults->count; i++) {
        const struct vagus_fault *fault = &faults->faults[i];
        printf("%s\n  {\"line\": %" PRIu32 ", \"column\": %" PRIu32
               ", \"severity\": \"%s\", \"code\": \"%s\", \"text\": ",
               i == 0 ? "" : ",", fault->line, fault->column, fault->warning ? "warning" : "error",
               vagus_error_name(fault->code));
        print_json_string(fault->text);
        printf("}");
    }
    printf("%s]}\n", faults->count > 0 ? "\n" : "");
}

static int list_presets(void)
{
    for (size_t i = 0; preset_names[i] != NULL; i++)
        printf("%-13s %s\n", preset_names[i], preset_summaries[i]);
    return CLI_OK;
}

static int show_preset(const char *name)
{
    const struct preset_text *preset = preset_find(name);
    fwrite(preset->text, 1, preset->bytes, stdout);
    return CLI_OK;
}

static int print_json_schema(void)
{
    struct text text;
    text_init(&text, NULL, 0);
    json_schema_write(&text, &monitor_vocabulary);
    size_t capacity = text.length + 1;
    char *schema = malloc(capacity);
    if (schema == NULL)
        return cli_error(&cli_verb_check, "out of memory");
    text_init(&text, schema, capacity);
    json_schema_write(&text, &monitor_vocabulary);
    fputs(schema, stdout);
    free(schema);
    return CLI_OK;
}

static int check_file(const struct check_options *options)
{
    static struct vagus_fault_list faults;
    uint32_t rules = 0;
    int error = vagus_policy_check(options->path, &faults, &rules);
    if (options->json) {
        print_json(options->path, error, &faults, rules);
    } else {
        char shown[1024];
        struct text text;
        text_init(&text, shown, sizeof(shown));
        text_add_safe(&text, options->path, sizeof(shown) - 8);
        char *source = read_source(options->path);
        print_people(shown, &faults, source, cli_colour(stdout));
        print_summary(shown, error, &faults, rules);
        free(source);
    }
    return error == 0 ? CLI_OK : CLI_FAILED;
}

static int run(int argc, char **argv)
{
    struct check_options options = {.preset = -1};
    int status = cli_parse(&cli_verb_check, argc, argv, &options);
    if (status != CLI_OK)
        return status;
    int forms =
        (options.path != NULL) + options.list_presets + (options.preset >= 0) + options.json_schema;
    if (forms == 0)
        return cli_usage_error(&cli_verb_check, "which file?");
    if (forms > 1)
        return cli_usage_error(&cli_verb_check, "one thing at a time");
    if (options.list_presets)
        return list_presets();
    if (options.preset >= 0)
        return show_preset(preset_names[options.preset]);
    return options.json_schema ? print_json_schema() : check_file(&options);
}
