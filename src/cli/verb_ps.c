/* SPDX-License-Identifier: Apache-2.0 */
/* vagus ps: all monitored processes, those that ended and left a black box among them, and what of
 * the folder's segments cannot be read, with the reason. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/lock_owner.h"
#include "cli/target.h"
#include "cli/terminal.h"
#include "report/findings.h"
#include "report/json.h"

extern const struct cli_verb cli_verb_ps;

#define LINE_BYTES 4096
#define AGENT_COLUMNS 14
#define WIDE 76 /* from so many columns on there is a line of columns for each process */

struct ps_options {
    const char *dir;
    bool all, json;
};

/* What is known of the process of one segment. */
struct process {
    const struct segment_found *found;
    const struct report *report; /* header, life and snapshot alone */
    int64_t pid_here;            /* of a writer that is alive; else negative */
    uint64_t bytes;
};

struct listing {
    struct ps_options options;
    unsigned columns;
    bool colour;
    unsigned shown, left_out;
    char ended[SEGMENT_LIST_MAX][SEGMENT_AGENT_MAX]; /* agents of which one that ended is shown */
    unsigned ended_count;
};

/* --- What there is to say. --- */

static const struct report *load(const struct segment_found *found)
{
    static struct report report; /* most of it stays empty: rings and series are not read */
    struct segment_reader reader;
    report.header = found->header;
    report.alive = found->alive;
    report.now_ns = target_now_ns(&found->header);
    report.snapshot_error = segment_attach(found->path, &reader);
    if (report.snapshot_error == 0) {
        report.snapshot_error = segment_read_snapshot(&reader, &report.snapshot);
        segment_detach(&reader);
    }
    return &report;
}

static const char *mode_of(const struct process *process)
{
    const struct report *report = process->report;
    return report->snapshot_error == 0 ? report->snapshot.mode.name : "";
}

static bool is_elsewhere(const struct process *process)
{
    return process->found->alive && process->pid_here != VAGUS_EUNSUPPORTED &&
           process->pid_here != process->found->header.pid;
}

static void add_signals(const struct process *process, struct text *text)
{
    const struct report *report = process->report;
    int64_t as_of_ns = report_as_of_ns(report);
    for (uint32_t i = 0; i < report_raised_count(report); i++) {
        const struct vagus_snapshot_signal *raised = &report->snapshot.signals[i];
        text_addf(text, "%s%s on ", i > 0 ? ", " : "", vagus_signal_kind_name(raised->kind));
        text_add_safe(text, raised->resource, VAGUS_RESOURCE_MAX);
        text_add(text, " for ");
        text_add_duration(text, report_span_ns(raised->since_ns, as_of_ns));
    }
}

/* What does not fit into columns: how it ended or why it is not known, and what is raised. */
static void add_reason(const struct process *process, struct text *text)
{
    const struct report *report = process->report;
    bool unknown = report_verdict(report) == VAGUS_VERDICT_UNKNOWN;
    bool raised = report_raised_count(report) > 0;
    if (unknown || (report_verdict(report) != VAGUS_VERDICT_OK && !raised))
        report_add_reason(report, text);
    if (unknown && raised)
        text_add(text, "; raised then: ");
    add_signals(process, text);
    if (!is_elsewhere(process))
        return;
    text_add(text, text->length > 0 ? "; " : "");
    if (process->pid_here > 0)
        text_addf(text, "its pid here is %lld", (long long)process->pid_here);
    else
        text_add(text, "runs in a PID namespace that cannot be seen from here");
}

static int64_t span_of(const struct process *process)
{
    const struct report *report = process->report;
    int64_t end_ns = process->found->alive ? report->now_ns : report_last_sign_ns(report);
    return end_ns == 0 ? 0 : report_span_ns(process->found->header.started_ns, end_ns);
}

/* --- For people. --- */

static void pad(struct text *line, size_t to)
{
    size_t columns = 0;
    for (const char *at = line->data; *at != '\0'; at++)
        columns += ((unsigned char)*at & 0xc0) != 0x80;
    text_addf(line, "%*s", (int)(to > columns ? to - columns : 1), "");
}

static const char *paint(const struct listing *listing, enum vagus_verdict verdict)
{
    if (!listing->colour || verdict == VAGUS_VERDICT_UNKNOWN)
        return "";
    return verdict == VAGUS_VERDICT_OK         ? "\033[32m"
           : verdict == VAGUS_VERDICT_DEGRADED ? "\033[33m"
                                               : "\033[1;31m";
}

static void add_row(const struct listing *listing, const struct process *process, struct text *line)
{
    const struct segment_header *header = &process->found->header;
    bool wide = listing->columns >= WIDE;
    text_add_safe(line, header->agent, wide ? AGENT_COLUMNS - 2 : 30);
    pad(line, wide ? AGENT_COLUMNS : 0);
    text_addf(line, "%s%lld", wide ? "" : "pid ", (long long)header->pid);
    pad(line, wide ? AGENT_COLUMNS + 9 : 0);
    text_add(line, process->found->alive ? vagus_verdict_name(report_verdict(process->report))
                                         : report_life_name(report_life(process->report)));
    pad(line, wide ? AGENT_COLUMNS + 18 : 0);
    text_add_safe(line, mode_of(process)[0] != '\0' ? mode_of(process) : "-", 9);
    if (!wide)
        return;
    pad(line, AGENT_COLUMNS + 28);
    text_add_duration(line, span_of(process));
    pad(line, AGENT_COLUMNS + 43);
    text_add_size(line, (double)process->bytes);
    pad(line, AGENT_COLUMNS + 53);
    text_add_safe(line, header->program, listing->columns - AGENT_COLUMNS - 54);
}

/* Words below the row, filled. */
static void print_words(const struct listing *listing, const char *words)
{
    unsigned indent = listing->columns >= WIDE ? AGENT_COLUMNS : 2, column = indent;
    printf("%*s", (int)indent, "");
    for (bool first = true; *words != '\0'; first = false) {
        size_t length = strcspn(words, " ");
        if (!first && column + 1 + length > listing->columns) {
            printf("\n%*s", (int)indent, "");
            column = indent;
        } else if (!first) {
            putchar(' ');
            column++;
        }
        fwrite(words, 1, length, stdout);
        column += (unsigned)length;
        words += length + (words[length] == ' ');
    }
    putchar('\n');
}

static void print_process(const struct listing *listing, const struct process *process)
{
    char buffer[LINE_BYTES];
    struct text text;
    const char *colour = paint(listing, report_verdict(process->report));
    text_init(&text, buffer, sizeof(buffer));
    add_row(listing, process, &text);
    printf("%s%s%s\n", colour, buffer, colour[0] != '\0' ? "\033[0m" : "");
    text_init(&text, buffer, sizeof(buffer));
    if (listing->columns < WIDE) {
        text_add_safe(&text, process->found->header.program, 64);
        text_add(&text, ", ran ");
        text_add_duration(&text, span_of(process));
        text_add(&text, ", ");
        text_add_size(&text, (double)process->bytes);
        print_words(listing, buffer);
        text_init(&text, buffer, sizeof(buffer));
    }
    add_reason(process, &text);
    if (text.length > 0)
        print_words(listing, buffer);
}

static void print_damaged(const struct listing *listing, const struct segment_found *found)
{
    char buffer[LINE_BYTES];
    struct text text;
    text_init(&text, buffer, sizeof(buffer));
    text_add_safe(&text, found->header.agent, SEGMENT_AGENT_MAX);
    pad(&text, listing->columns >= WIDE ? AGENT_COLUMNS : 0);
    text_add(&text, "cannot be read");
    puts(buffer);
    text_init(&text, buffer, sizeof(buffer));
    target_add_fault(&text, found->path, found->error);
    text_add(&text, ": ");
    text_add_safe(&text, found->path, sizeof(found->path));
    print_words(listing, buffer);
}

static void print_heads(const struct listing *listing)
{
    char buffer[128];
    static const char *const heads[] = {"AGENT", "PID", "VERDICT", "MODE", "RAN", "SIZE"};
    static const unsigned columns[] = {0, 14, 23, 32, 42, 57};
    struct text text;
    if (listing->columns < WIDE)
        return;
    text_init(&text, buffer, sizeof(buffer));
    for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
        if (i > 0)
            pad(&text, columns[i]);
        text_add(&text, heads[i]);
    }
    pad(&text, 67);
    printf("%sPROGRAM\n", buffer);
}

/* --- For programs. --- */

static void put_life(struct json *json, const struct process *process)
{
    const struct segment_header *header = &process->found->header;
    const struct report *report = process->report;
    char reason[1024];
    struct text text;
    json_string(json, "program", header->program);
    json_integer(json, "pid", header->pid);
    if (process->pid_here > 0)
        json_integer(json, "pid_here", process->pid_here);
    else
        json_null(json, "pid_here");
    json_bool(json, "alive", process->found->alive);
    json_string(json, "life", report_life_name(report_life(report)));
    json_string(json, "verdict", vagus_verdict_name(report_verdict(report)));
    json_string(json, "mode", mode_of(process));
    json_time(json, "started_unix_s", header->started_wall_ns);
    json_span(json, "ran_s", span_of(process));
    json_age(json, "last_sign_age_s", report_last_sign_ns(report), report->now_ns);
    text_init(&text, reason, sizeof(reason));
    report_add_reason(report, &text);
    json_string(json, "reason", reason);
    json_key(json, "signals");
    json_open(json, "[");
    for (uint32_t i = 0; i < report_raised_count(report); i++) {
        const struct vagus_snapshot_signal *raised = &report->snapshot.signals[i];
        json_element(json);
        json_string(json, "kind", vagus_signal_kind_name(raised->kind));
        json_string(json, "resource", raised->resource);
        json_level(json, (double)raised->level);
        json_close(json, "}");
    }
    json_close(json, "]");
    json_count(json, "bytes", process->bytes);
}

static void print_json(const struct listing *listing, const struct segment_found *found,
                       const struct process *process)
{
    static char buffer[64 * 1024];
    struct text text;
    text_init(&text, buffer, sizeof(buffer));
    text_addf(&text, "%s\n ", listing->shown > 0 ? "," : "");
    struct json json = {.text = &text};
    json_open(&json, "{");
    json_string(&json, "agent", found->header.agent);
    json_string(&json, "path", found->path);
    if (process != NULL)
        put_life(&json, process);
    if (found->error != 0) {
        char why[128];
        struct text words;
        text_init(&words, why, sizeof(why));
        target_add_fault(&words, found->path, found->error);
        json_string(&json, "error", why);
    } else {
        json_null(&json, "error");
    }
    json_close(&json, "}");
    fputs(buffer, stdout);
}

/* --- The verb. --- */

/* Of those that ended, the newest of each agent, which is the first to come, unless all are asked
 * for. */
static bool is_left_out(struct listing *listing, const struct segment_found *found)
{
    if (found->alive || found->error != 0 || listing->options.all)
        return false;
    for (unsigned i = 0; i < listing->ended_count; i++)
        if (strcmp(listing->ended[i], found->header.agent) == 0)
            return true;
    if (listing->ended_count < SEGMENT_LIST_MAX)
        text_copy(listing->ended[listing->ended_count++], SEGMENT_AGENT_MAX, found->header.agent);
    return false;
}

static bool on_process(const struct segment_found *found, void *arg)
{
    struct listing *listing = arg;
    struct stat st;
    if (is_left_out(listing, found)) {
        listing->left_out++;
        return true;
    }
    struct process process = {.found = found, .pid_here = VAGUS_ENOENT};
    if (found->error == 0) {
        process.report = load(found);
        process.bytes = lstat(found->path, &st) == 0 ? (uint64_t)st.st_size : 0;
        if (found->alive)
            process.pid_here = lock_owner(found->path);
    }
    if (listing->options.json)
        print_json(listing, found, found->error == 0 ? &process : NULL);
    else if (listing->shown == 0)
        print_heads(listing);
    if (!listing->options.json && found->error == 0)
        print_process(listing, &process);
    else if (!listing->options.json)
        print_damaged(listing, found);
    listing->shown++;
    return ferror(stdout) == 0;
}

static void print_end(const struct listing *listing)
{
    if (listing->options.json)
        printf("%s],\"left_out\":%u}\n", listing->shown > 0 ? "\n" : "", listing->left_out);
    else if (listing->shown == 0)
        puts("no monitored process");
    else if (listing->left_out > 0)
        printf("%u more that ended; --all shows them\n", listing->left_out);
}

static int run(int argc, char **argv)
{
    static struct listing listing;
    listing = (struct listing){.columns = terminal_columns(), .colour = cli_colour(stdout)};
    int status = cli_parse(&cli_verb_ps, argc, argv, &listing.options);
    if (status != CLI_OK)
        return status;
    if (listing.options.json)
        printf("{\"processes\":[");
    int listed = segment_list(listing.options.dir, on_process, &listing);
    if (listed < 0 && listing.options.dir != NULL)
        return target_cannot_look(&cli_verb_ps, listing.options.dir, listed);
    if (listed < 0)
        return cli_error(&cli_verb_ps, "%s", vagus_error_message(listed));
    print_end(&listing);
    return CLI_OK;
}

static const struct cli_argument takes[] = {
    {.name = "all",
     .kind = CLI_FLAG,
     .help = "all that ended, not only the newest of each agent",
     CLI_AT(struct ps_options, all)},
    CLI_JSON_OPTION(struct ps_options),
    CLI_DIR_OPTION(struct ps_options),
    {0},
};

static const struct cli_exit exits[] = {
    {0, "listed, be it that there is none"},
    {1, "the folder could not be read"},
    {CLI_NOT_FOUND, "the folder of --dir is not there"},
    {0},
};

const struct cli_verb cli_verb_ps = {
    .name = "ps",
    .summary = "list the monitored processes, and those that left a black box",
    .arguments = takes,
    .about =
        "Those that run come first, then those that ended, the newest first: agent, pid, verdict, "
        "mode, for how long it ran, size of the segment, program; below it how it ended or why its "
        "verdict is not known, and what is raised. A pid is that of the process's own PID "
        "namespace; where it has another one here, that stands below. A segment that cannot be "
        "read is listed with the reason. Root sees those of all users.",
    .exits = exits,
    .examples = "vagus ps\n"
                "vagus ps --all --json\n",
    .run = run,
};
