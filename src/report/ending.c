/* SPDX-License-Identifier: Apache-2.0 */
/* Judging an end. A killed process says nothing: what speaks for one cause or another is gathered
 * here, and the most certain of it decides. */
#include "report/ending.h"

#include <math.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "report/findings.h"

#define SURVIVED_NS VAGUS_SECOND_NS         /* published for so long after a fatal signal */
#define LOG_BEFORE_NS (5 * VAGUS_SECOND_NS) /* two clocks of the kernel, drifting */
#define LOG_AFTER_NS (600 * VAGUS_SECOND_NS)
#define PID_NAMESPACE_FIRST 0xEFFFFFFCu /* PROC_PID_INIT_INO */
#define PROGRAM_BYTES 15                /* of a name that the kernel keeps */

/* --- What the segment says. --- */

struct kills {
    const struct segment_reader *reader;
    struct ending_facts *facts;
};

/* The newest value of the counter, wherever it stands in the directory. */
static bool on_metric(const struct segment_metric *metric, uint32_t index, void *arg)
{
    const struct kills *kills = arg;
    struct vagus_reading reading;
    uint64_t got = 0;
    if (strcmp(metric->name, "cgroup.memory.events.oom_kill") != 0 ||
        segment_read_entries(kills->reader, SEGMENT_VALUES, index, 1, &reading, &got, NULL) != 0 ||
        got == 0 || reading.error != 0 || reading.taken_ns == 0 ||
        !(reading.value >= 0 && reading.value < 1e15))
        return true;
    kills->facts->kills_told = true;
    kills->facts->kills_then = (uint64_t)reading.value;
    return false;
}

int ending_load(const struct segment_reader *reader, struct ending_facts *facts)
{
    uint64_t got = 0;
    memset(facts, 0, sizeof(*facts));
    if (reader->bytes == 0)
        return VAGUS_EINVAL;
    facts->header = reader->header;
    facts->alive = segment_alive(reader);
    facts->snapshot_error = segment_read_snapshot(reader, &facts->snapshot);
    if (segment_read_entries(reader, SEGMENT_CONTINUITY, 0, 1, &facts->continuity, &got, NULL) !=
            0 ||
        got == 0)
        memset(&facts->continuity, 0, sizeof(facts->continuity));
    facts->kills_error = facts->log_error = VAGUS_ENOENT;
    struct kills kills = {reader, facts};
    segment_each_metric(reader, on_metric, &kills);
    return 0;
}

/* --- What the machine says. --- */

static int64_t last_sign_ns(const struct ending_facts *facts)
{
    if (facts->header.life == SEGMENT_CLOSED)
        return facts->header.closed_ns;
    int64_t published_ns = facts->snapshot_error == 0 ? facts->snapshot.published_ns : 0;
    return published_ns > facts->header.started_ns ? published_ns : facts->header.started_ns;
}

static int64_t last_sign_wall_ns(const struct ending_facts *facts)
{
    if (facts->header.life == SEGMENT_CLOSED)
        return facts->header.closed_wall_ns;
    return facts->snapshot_error == 0 && facts->snapshot.wall_ns > 0
               ? facts->snapshot.wall_ns
               : facts->header.started_wall_ns;
}

static bool is_rebooted(const struct ending_facts *facts)
{
    return facts->header.boot_id[0] != '\0' && facts->boot_id[0] != '\0' &&
           strcmp(facts->header.boot_id, facts->boot_id) != 0;
}

static bool by_pid(const struct host_oom_kill *kill, const void *arg)
{
    const struct ending_facts *facts = arg;
    return kill->pid == facts->header.pid &&
           report_span_ns(last_sign_ns(facts), kill->at_ns) < LOG_AFTER_NS;
}

static bool by_name(const struct host_oom_kill *kill, const void *arg)
{
    const struct ending_facts *facts = arg;
    return strncmp(kill->program, facts->header.program, PROGRAM_BYTES) == 0 &&
           report_span_ns(last_sign_ns(facts), kill->at_ns) < LOG_BEFORE_NS;
}

/* In another PID namespace than the first one, processes have other numbers in the log. */
static bool counts_as_the_kernel(void)
{
    struct stat st;
    return stat("/proc/self/ns/pid", &st) == 0 && st.st_ino == PID_NAMESPACE_FIRST;
}

static void look_into_log(struct ending_facts *facts, int64_t budget_ns)
{
    int64_t since_ns;
    if (__builtin_sub_overflow(last_sign_ns(facts), LOG_BEFORE_NS, &since_ns))
        return;
    facts->log_error = host_oom_log(NULL, since_ns, budget_ns, by_pid, facts, &facts->log);
    if (facts->log_error != VAGUS_ENOENT || counts_as_the_kernel())
        return;
    facts->log_error = host_oom_log(NULL, since_ns, budget_ns, by_name, facts, &facts->log);
    facts->log_by_name = facts->log_error == 0;
}

void ending_look(struct ending_facts *facts, int64_t log_ns)
{
    const struct segment_continuity *continuity = &facts->continuity;
    boot_id_read(facts->boot_id);
    if (facts->alive || facts->header.life == SEGMENT_CLOSED || is_rebooted(facts))
        return;
    if (continuity->cgroup[0] != '\0')
        facts->kills_error =
            host_oom_kills(continuity->cgroup, (enum host_cgroup_version)continuity->cgroup_version,
                           &facts->kills_now);
    look_into_log(facts, log_ns);
}

/* --- What follows. --- */

__attribute__((format(printf, 2, 3))) static struct text add(struct ending *ending,
                                                             const char *format, ...)
{
    struct text text;
    char *line = ending->evidence[ending->evidence_count];
    va_list arguments;
    if (ending->evidence_count < ENDING_EVIDENCE_MAX - 1)
        ending->evidence_count++; /* the last line is written over if ever there are more */
    text_init(&text, line, ENDING_EVIDENCE_BYTES);
    va_start(arguments, format);
    text_addv(&text, format, arguments);
    va_end(arguments);
    return text;
}

static void add_signal_name(struct text *text, int number)
{
    const char *name = sigabbrev_np(number);
    text_addf(text, "%s%s (%d)", name != NULL ? "SIG" : "signal", name != NULL ? name : "", number);
}

/* True if the process died of it. */
static bool judge_fatal(const struct ending_facts *facts, struct ending *ending)
{
    const struct segment_fatal *fatal = &facts->header.fatal;
    if (fatal->number <= 0 || fatal->number > 64)
        return false;
    struct text text = add(ending, "its handler noted ");
    add_signal_name(&text, fatal->number);
    text_addf(&text, " in thread %d", fatal->thread);
    if (fatal->address != 0)
        text_addf(&text, ", about address 0x%llx", (unsigned long long)fatal->address);
    if (fatal->code <= 0)
        text_add(&text, fatal->code == SI_TKILL ? ", raised by abort() or the like"
                                                : ", sent by a process");
    int64_t on_ns = report_span_ns(fatal->at_ns, last_sign_ns(facts));
    if (on_ns > SURVIVED_NS || facts->header.life == SEGMENT_CLOSED) {
        text_add(&text, "; it went on for ");
        text_add_duration(&text, on_ns);
        return false;
    }
    ending->signal = (uint32_t)fatal->number;
    return true;
}

/* True if the evidence speaks for an OOM kill. */
static bool judge_kills(const struct ending_facts *facts, struct ending *ending)
{
    struct text text;
    bool killed = facts->log_error == 0;
    if (killed) {
        text = add(ending, "the kernel's log tells of an OOM kill of process %lld (",
                   (long long)facts->log.pid);
        text_add_safe(&text, facts->log.program, sizeof(facts->log.program));
        text_add(&text, facts->log_by_name ? "), the same program, at that time"
                                           : "), this one, at that time");
    } else if (facts->log_error == VAGUS_ENOENT) {
        add(ending, "the kernel's log tells of no OOM kill of it");
    } else if (facts->log_error == VAGUS_EAGAIN) {
        add(ending, "the kernel's log is long, and was not read to its end");
    } else {
        add(ending, "the kernel's log cannot be read: %s", vagus_error_message(facts->log_error));
    }
    if (facts->continuity.cgroup[0] == '\0')
        return killed;
    if (facts->kills_error != 0 || !facts->kills_told) {
        text = add(ending, "whether the OOM killer struck in its cgroup is not known: %s: ",
                   facts->kills_error == VAGUS_ENOENT ? "it is gone"
                   : facts->kills_error != 0          ? vagus_error_message(facts->kills_error)
                                                      : "it was not read");
    } else if (facts->kills_now > facts->kills_then) {
        uint64_t more = facts->kills_now - facts->kills_then;
        text = add(ending, "its cgroup counts %llu OOM kill%s more than when it last looked: ",
                   (unsigned long long)more, more == 1 ? "" : "s");
        killed = true;
    } else {
        text = add(ending, "its cgroup counts as many OOM kills as when it last looked (%llu): ",
                   (unsigned long long)facts->kills_now);
    }
    text_add_safe(&text, facts->continuity.cgroup, SEGMENT_CGROUP_MAX);
    return killed;
}

/* How things stood at the last. */
static void add_last_state(const struct ending_facts *facts, struct ending *ending)
{
    const struct vagus_system_snapshot *s = &facts->snapshot;
    const struct vagus_reading *left = &s->memory.headroom, *ratio = &s->memory.headroom_ratio;
    if (facts->snapshot_error != 0)
        return;
    if (left->taken_ns != 0 && left->error == 0 && ratio->taken_ns != 0 && ratio->error == 0) {
        struct text text = add(ending, "at the last ");
        text_add_value(&text, left->value, "By");
        text_add(&text, " of memory were left (");
        text_add_value(&text, ratio->value, "1");
        text_add(&text, ")");
    }
    for (uint32_t i = 0; i < s->signal_count && i < VAGUS_SNAPSHOT_SIGNALS; i++) {
        if (s->signals[i].kind != VAGUS_SHUTDOWN)
            continue;
        struct text text = add(ending, "shutdown on ");
        text_add_safe(&text, s->signals[i].resource, VAGUS_RESOURCE_MAX);
        text_add(&text, " was raised, for ");
        text_add_duration(&text, report_span_ns(s->signals[i].since_ns, s->published_ns));
    }
}

void ending_judge(const struct ending_facts *facts, struct ending *ending)
{
    memset(ending, 0, sizeof(*ending));
    ending->last_sign_ns = last_sign_ns(facts);
    ending->last_sign_wall_ns = last_sign_wall_ns(facts);
    ending->running = facts->alive;
    bool fatal = judge_fatal(facts, ending);
    if (facts->alive)
        return;
    if (facts->header.life == SEGMENT_CLOSED) {
        ending->end = VAGUS_END_CLOSED;
        return;
    }
    if (fatal)
        ending->end = VAGUS_END_SIGNAL;
    else if (is_rebooted(facts))
        ending->end = VAGUS_END_REBOOT;
    else
        ending->end = judge_kills(facts, ending) ? VAGUS_END_OUT_OF_MEMORY : VAGUS_END_UNCLOSED;
    add_last_state(facts, ending);
}

void ending_add_sentence(const struct ending *ending, struct text *text)
{
    if (ending->running) {
        text_add(text, "it is still running");
        return;
    }
    switch (ending->end) {
    case VAGUS_END_CLOSED:
        text_add(text, "it ended in order: the monitor was closed");
        break;
    case VAGUS_END_UNCLOSED:
        text_add(text, "it ended without closing, of no known cause: kill -9 looks like this, and "
                       "so does an exit that skips the close");
        break;
    case VAGUS_END_OUT_OF_MEMORY:
        text_add(text, "it ended without closing, and the evidence speaks for an OOM kill");
        break;
    case VAGUS_END_SIGNAL:
        text_add(text, "it was ended by the fatal signal ");
        add_signal_name(text, (int)ending->signal);
        break;
    case VAGUS_END_REBOOT:
        text_add(text, "it did not close before the machine went down: this boot is another one");
        break;
    default:
        text_add(text, "how it ended is not known");
    }
}
