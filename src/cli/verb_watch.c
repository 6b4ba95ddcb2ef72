/* SPDX-License-Identifier: Apache-2.0 */
/* vagus watch: a JSON line for each change of a process, until it ends. Signals and modes come from
 * the ring of transitions, so that none between two looks is missed; the rest from what two
 * snapshots differ in. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/live.h"
#include "report/ending.h"
#include "report/findings.h"
#include "report/json.h"
#include "report/report.h"
#include "vagus/snapshot_view.h"

extern const struct cli_verb cli_verb_watch;

#define EVERY_DEFAULT_NS (100 * VAGUS_MILLISECOND_NS)
#define ALIVE_EVERY_NS (500 * VAGUS_MILLISECOND_NS) /* its end is noticed within that */
#define LOG_NS (2 * VAGUS_SECOND_NS)                /* for the kernel's log, at the end */
#define CHANGES_MAX 512                             /* more fields than a snapshot has */

struct watch_options {
    const char *process;
    const char *dir;
    int64_t for_ns; /* 0: until it ends */
    int64_t every_ns;
    bool values;
};

struct watch {
    struct watch_options options;
    struct live live;
    struct vagus_system_snapshot before;
    enum vagus_verdict verdict;
    uint64_t transitions; /* that were told, or are older than the watch */
    bool deaf;            /* nobody reads what is written any more */
    struct segment_signal entries[SEGMENT_SIGNALS_MAX];
    struct vagus_snapshot_change changes[CHANGES_MAX];
    char line[VAGUS_SNAPSHOT_JSON_MAX + 4096];
};

/* A line begins with its event and ends with a flush, so that who reads a pipe has it at once. */
static struct text begin_line(struct watch *watch, const char *event)
{
    struct text text;
    text_init(&text, watch->line, sizeof(watch->line));
    text_addf(&text, "{\"event\":\"%s\"", event);
    return text;
}

static void end_line(struct watch *watch, struct text *text)
{
    text_add(text, "}\n");
    if (fputs(watch->line, stdout) == EOF || fflush(stdout) != 0)
        watch->deaf = true;
}

static void add_time(struct text *text, int64_t wall_ns)
{
    struct json json = {.text = text, .filled = true};
    json_time(&json, "unix_s", wall_ns);
}

/* Goes on with the members of an object that was written elsewhere. */
static void add_members(struct text *text, const char *object)
{
    size_t length = strlen(object);
    if (length < 2)
        return;
    text_add(text, ",");
    text_add_bytes(text, object + 1, length - 2);
}

static void tell_whole(struct watch *watch)
{
    static char object[VAGUS_SNAPSHOT_JSON_MAX];
    const struct segment_header *header = &watch->live.reader.header;
    struct text text = begin_line(watch, "snapshot");
    struct json json = {.text = &text, .filled = true};
    vagus_snapshot_json(&watch->live.snapshot, target_now_ns(header), object, sizeof(object), NULL);
    add_time(&text, watch->live.snapshot.wall_ns);
    json_string(&json, "agent", header->agent);
    json_string(&json, "program", header->program);
    json_integer(&json, "pid", header->pid);
    json_key(&json, "snapshot");
    text_add(&text, object);
    end_line(watch, &text);
}

static void tell_transition(struct watch *watch, const struct segment_signal *entry, int64_t now_ns)
{
    static char object[4 * REPORT_TRANSITION_BYTES_MAX];
    struct text its;
    bool mode = entry->signal.kind == VAGUS_MODE_CHANGE;
    struct text text = begin_line(watch, mode ? "mode" : "signal");
    text_init(&its, object, sizeof(object));
    report_transition_json(entry, now_ns, &its);
    add_members(&text, object);
    end_line(watch, &text);
}

static void tell_transitions(struct watch *watch)
{
    struct segment_head head;
    uint64_t got = 0;
    if (segment_read_entries(&watch->live.reader, SEGMENT_SIGNALS, watch->transitions,
                             SEGMENT_SIGNALS_MAX, watch->entries, &got, &head) != 0)
        return;                          /* they are still there at the next look */
    if (head.count < watch->transitions) /* a damaged head */
        return;
    uint64_t lost = head.count - watch->transitions - got;
    watch->transitions = head.count;
    if (lost > 0) {
        struct text text = begin_line(watch, "lost");
        text_addf(&text, ",\"transitions\":%llu", (unsigned long long)lost);
        end_line(watch, &text);
    }
    int64_t now_ns = target_now_ns(&watch->live.reader.header);
    for (uint64_t i = 0; i < got && !watch->deaf; i++)
        tell_transition(watch, &watch->entries[i], now_ns);
}

static void tell_verdict(struct watch *watch)
{
    enum vagus_verdict verdict =
        vagus_snapshot_verdict(&watch->live.snapshot, target_now_ns(&watch->live.reader.header));
    if (verdict == watch->verdict)
        return;
    struct text text = begin_line(watch, "verdict");
    struct json json = {.text = &text, .filled = true};
    add_time(&text, clock_wall_ns(&clock_of_machine));
    json_string(&json, "before", vagus_verdict_name(watch->verdict));
    json_string(&json, "after", vagus_verdict_name(verdict));
    end_line(watch, &text);
    watch->verdict = verdict;
}

/* Whether a change is told: not what other lines tell, and values only where they are wanted. */
static bool is_told(const struct watch *watch, const struct vagus_snapshot_change *change)
{
    static const char *const others[] = {"throttle{", "defer{", "shutdown{"};
    if (change->kind == VAGUS_CHANGE_WORD)
        return strcmp(change->what, "verdict") != 0 && strcmp(change->what, "mode") != 0;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strncmp(change->what, others[i], strlen(others[i])) == 0)
            return false;
    return change->kind != VAGUS_CHANGE_VALUE || watch->options.values;
}

static void tell_changes(struct watch *watch)
{
    char object[VAGUS_SNAPSHOT_CHANGE_MAX];
    if (watch->live.snapshot.sequence == watch->before.sequence)
        return;
    int count =
        vagus_snapshot_diff(&watch->before, &watch->live.snapshot, watch->changes, CHANGES_MAX);
    for (int i = 0; i < count && i < CHANGES_MAX && !watch->deaf; i++) {
        if (!is_told(watch, &watch->changes[i]))
            continue;
        struct text text = begin_line(watch, "change");
        add_time(&text, watch->live.snapshot.wall_ns);
        vagus_snapshot_change_json(&watch->changes[i], object, sizeof(object), NULL);
        add_members(&text, object);
        end_line(watch, &text);
    }
    watch->before = watch->live.snapshot;
}

static void tell_end(struct watch *watch)
{
    static struct ending_facts facts;
    static struct ending ending;
    char sentence[512];
    struct text text, words;
    segment_refresh(&watch->live.reader); /* whether it was closed */
    ending_load(&watch->live.reader, &facts);
    ending_look(&facts, LOG_NS);
    ending_judge(&facts, &ending);
    text_init(&words, sentence, sizeof(sentence));
    ending_add_sentence(&ending, &words);
    text = begin_line(watch, "end");
    struct json json = {.text = &text, .filled = true};
    add_time(&text, clock_wall_ns(&clock_of_machine));
    json_string(&json, "how", report_end_name(ending.end));
    json_string(&json, "words", sentence);
    end_line(watch, &text);
}

/* Sleeps, but not when nobody reads any more: the end of a pipe wakes it. False if so. */
static bool sleep_for(int64_t ns)
{
    struct pollfd out = {.fd = STDOUT_FILENO, .events = 0};
    struct timespec span = {.tv_sec = ns / VAGUS_SECOND_NS, .tv_nsec = ns % VAGUS_SECOND_NS};
    return ppoll(&out, 1, &span, NULL) == 0 || errno == EINTR;
}

static int look(struct watch *watch)
{
    int error = live_read(&watch->live);
    if (error != 0)
        return error;
    tell_transitions(watch);
    tell_changes(watch);
    tell_verdict(watch);
    if (!watch->live.alive && !watch->deaf)
        tell_end(watch);
    return 0;
}

/* Until it ends, the time is over, or nobody reads. 0, or why the segment cannot be read. */
static int follow(struct watch *watch)
{
    const struct watch_options *options = &watch->options;
    int64_t now_ns = clock_now_ns(&clock_of_machine);
    int64_t end_ns = options->for_ns > 0 ? clock_add_ns(now_ns, options->for_ns) : INT64_MAX;
    int64_t look_ns = clock_add_ns(now_ns, options->every_ns);
    while (watch->live.alive && !watch->deaf && now_ns < end_ns) {
        int64_t wake_ns = look_ns < end_ns ? look_ns : end_ns;
        if (wake_ns - now_ns > ALIVE_EVERY_NS)
            wake_ns = now_ns + ALIVE_EVERY_NS;
        if (wake_ns > now_ns && !sleep_for(wake_ns - now_ns))
            return 0;
        now_ns = clock_now_ns(&clock_of_machine);
        if (now_ns < look_ns && now_ns < end_ns && segment_alive(&watch->live.reader))
            continue;
        look_ns = clock_add_ns(now_ns, options->every_ns);
        int error = look(watch);
        if (error != 0)
            return error;
    }
    return 0;
}

static int run(int argc, char **argv)
{
    static struct watch watch;
    struct segment_head head;
    uint64_t got;
    memset(&watch, 0, sizeof(watch));
    watch.options.every_ns = EVERY_DEFAULT_NS;
    int status = cli_parse(&cli_verb_watch, argc, argv, &watch.options);
    if (status == CLI_OK && watch.options.every_ns < VAGUS_MILLISECOND_NS)
        status = cli_usage_error(&cli_verb_watch, "--every is less than a millisecond");
    if (status == CLI_OK)
        status =
            live_attach(&watch.live, &cli_verb_watch, watch.options.dir, watch.options.process);
    if (status != CLI_OK)
        return status;
    if (segment_read_entries(&watch.live.reader, SEGMENT_SIGNALS, 0, 0, NULL, &got, &head) == 0)
        watch.transitions = head.count;
    watch.before = watch.live.snapshot;
    watch.verdict =
        vagus_snapshot_verdict(&watch.live.snapshot, target_now_ns(&watch.live.reader.header));
    tell_whole(&watch);
    if (!watch.live.alive && !watch.deaf)
        tell_end(&watch);
    int error = follow(&watch);
    segment_detach(&watch.live.reader);
    if (error != 0)
        cli_error(&cli_verb_watch, "%s: %s", watch.live.target.path, vagus_error_message(error));
    return error != 0 ? LIVE_UNREADABLE : CLI_OK;
}

static const struct cli_argument takes[] = {
    CLI_PROCESS_OPTION(struct watch_options),
    {.name = "for",
     .kind = CLI_SPAN,
     .value = "SPAN",
     .help = "end after so long; without it, when the process ends",
     CLI_AT(struct watch_options, for_ns)},
    {.name = "every",
     .kind = CLI_SPAN,
     .value = "SPAN",
     .help = "look so often (100ms)",
     CLI_AT(struct watch_options, every_ns)},
    {.name = "values",
     .kind = CLI_FLAG,
     .help = "tell values that moved, too",
     CLI_AT(struct watch_options, values)},
    CLI_DIR_OPTION(struct watch_options),
    {0},
};

static const struct cli_exit exits[] = {
    {0, "the process ended, the time is over, or nobody reads any more"},
    {1, "the folder could not be read, or nothing could be written"},
    {LIVE_UNREADABLE, "the process could not be read"},
    {0},
};

const struct cli_verb cli_verb_watch = {
    .name = "watch",
    .summary = "print a JSON line for each change of a process",
    .arguments = takes,
    .about = "The first line has the whole snapshot. Then comes a line for each transition of a "
             "signal or of the mode, for each change of the verdict, and for whatever is no longer "
             "known, is known again, appeared or vanished; with --values also for each number "
             "that moved by more than its resolution. Transitions between two looks are not "
             "missed, values are told as they stand at each. The last line says how the process "
             "ended.",
    .exits = exits,
    .examples = "vagus watch\n"
                "vagus watch -p researcher --values --every 1s\n"
                "vagus watch --for 10m | jq -c 'select(.event == \"signal\")'\n",
    .run = run,
};
