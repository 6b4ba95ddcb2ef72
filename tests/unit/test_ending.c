/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from what is known of an end: each kind of evidence by itself and against others. */
#include "report/ending.h"
#include "report/findings.h"

#include <signal.h>

#include "check.h"

#define S VAGUS_SECOND_NS
#define LAST (1000 * S)

static struct ending_facts facts;
static struct ending ending;

static struct vagus_reading taken(double value)
{
    return (struct vagus_reading){.value = value, .taken_ns = LAST, .good_until_ns = LAST + S};
}

/* One that was killed at 1000 s, with nothing that speaks for anything. */
static void make_killed(void)
{
    memset(&facts, 0, sizeof(facts));
    facts.header.life = SEGMENT_RUNNING;
    facts.header.pid = 77;
    facts.header.started_ns = 100 * S;
    strcpy(facts.header.boot_id, "boot-a");
    strcpy(facts.boot_id, "boot-a");
    facts.snapshot.published_ns = LAST;
    facts.snapshot.wall_ns = INT64_C(1700000000) * S;
    facts.log_error = VAGUS_ENOENT;
    facts.kills_error = VAGUS_ENOENT;
}

static const char *judged(void)
{
    static char text[ENDING_EVIDENCE_MAX * ENDING_EVIDENCE_BYTES];
    ending_judge(&facts, &ending);
    text[0] = '\0';
    for (unsigned i = 0; i < ending.evidence_count; i++)
        strcat(strcat(text, ending.evidence[i]), "\n");
    return text;
}

static const char *sentence(void)
{
    static char words[256];
    struct text text;
    text_init(&text, words, sizeof(words));
    ending_add_sentence(&ending, &text);
    return words;
}

static void running_and_closed(void)
{
    make_killed();
    facts.alive = true;
    CHECK_STR(judged(), "");
    CHECK(ending.running);
    CHECK_EQ(ending.end, VAGUS_END_UNKNOWN);
    CHECK_STR(sentence(), "it is still running");
    make_killed();
    facts.header.life = SEGMENT_CLOSED;
    facts.header.closed_ns = LAST + S;
    facts.header.closed_wall_ns = 42;
    CHECK_STR(judged(), "");
    CHECK_EQ(ending.end, VAGUS_END_CLOSED);
    CHECK_EQ(ending.last_sign_ns, LAST + S);
    CHECK_EQ(ending.last_sign_wall_ns, 42);
}

static void without_a_cause(void)
{
    make_killed();
    CHECK_CONTAINS(judged(), "the kernel's log tells of no OOM kill of it");
    CHECK_EQ(ending.end, VAGUS_END_UNCLOSED);
    CHECK_EQ(ending.last_sign_ns, LAST);
    CHECK_CONTAINS(sentence(), "of no known cause");
    facts.log_error = VAGUS_EAGAIN;
    CHECK_CONTAINS(judged(), "was not read to its end");
    facts.log_error = VAGUS_EPERM;
    CHECK_CONTAINS(judged(), "the kernel's log cannot be read: ");
    CHECK_EQ(ending.end, VAGUS_END_UNCLOSED);
    facts.snapshot_error = VAGUS_EAGAIN; /* it died before it ever published */
    judged();
    CHECK_EQ(ending.last_sign_ns, 100 * S);
}

static void the_counter_of_its_cgroup(void)
{
    make_killed();
    strcpy(facts.continuity.cgroup, "/sys/fs/cgroup/memory/a");
    facts.kills_told = true;
    facts.kills_then = 2;
    CHECK_CONTAINS(judged(), "is not known: it is gone: /sys/fs/cgroup/memory/a");
    CHECK_EQ(ending.end, VAGUS_END_UNCLOSED);
    facts.kills_error = 0;
    facts.kills_now = 2;
    CHECK_CONTAINS(judged(), "as many OOM kills as when it last looked (2)");
    CHECK_EQ(ending.end, VAGUS_END_UNCLOSED);
    facts.kills_now = 3;
    CHECK_CONTAINS(judged(), "counts 1 OOM kill more than");
    CHECK_EQ(ending.end, VAGUS_END_OUT_OF_MEMORY);
    facts.kills_now = 0; /* made anew under its name */
    judged();
    CHECK_EQ(ending.end, VAGUS_END_UNCLOSED);
    facts.kills_told = false;
    facts.kills_now = 3;
    CHECK_CONTAINS(judged(), "is not known: it was not read");
    CHECK_EQ(ending.end, VAGUS_END_UNCLOSED);
}

static void the_log_and_the_last_state(void)
{
    make_killed();
    facts.log_error = 0;
    facts.log = (struct host_oom_kill){.pid = 77, .program = "x\033[31m"};
    facts.snapshot.memory.headroom = taken(1 << 20);
    facts.snapshot.memory.headroom_ratio = taken(0.015);
    facts.snapshot.signal_count = 1;
    facts.snapshot.signals[0] = (struct vagus_snapshot_signal){
        .kind = VAGUS_SHUTDOWN, .since_ns = LAST - 2 * S, .resource = "memory"};
    const char *text = judged();
    CHECK_EQ(ending.end, VAGUS_END_OUT_OF_MEMORY);
    CHECK_CONTAINS(text, "tells of an OOM kill of process 77 (x\\x1b");
    CHECK_CONTAINS(text, "at the last 1 MiB of memory were left (1.5 %)");
    CHECK_CONTAINS(text, "shutdown on memory was raised, for 2 s");
    CHECK_CONTAINS(sentence(), "the evidence speaks for an OOM kill");
    facts.snapshot.signal_count = UINT32_MAX; /* a stranger's number */
    for (int i = 0; i < VAGUS_SNAPSHOT_SIGNALS; i++)
        facts.snapshot.signals[i].kind = VAGUS_SHUTDOWN;
    judged();
    CHECK(ending.evidence_count <= ENDING_EVIDENCE_MAX);
}

static void a_fatal_signal(void)
{
    make_killed();
    facts.header.fatal = (struct segment_fatal){
        .at_ns = LAST + 1, .number = SIGSEGV, .code = 1, .thread = 78, .address = 0x40};
    CHECK_CONTAINS(judged(), "noted SIGSEGV (11) in thread 78, about address 0x40");
    CHECK_EQ(ending.end, VAGUS_END_SIGNAL);
    CHECK_EQ(ending.signal, SIGSEGV);
    CHECK_STR(sentence(), "it was ended by the fatal signal SIGSEGV (11)");
    strcpy(facts.boot_id, "boot-b"); /* it is known, whatever came later */
    judged();
    CHECK_EQ(ending.end, VAGUS_END_SIGNAL);
    facts.header.fatal.at_ns = LAST - 5 * S;
    CHECK_CONTAINS(judged(), "it went on for 5 s");
    CHECK_EQ(ending.end, VAGUS_END_REBOOT);
    CHECK_EQ(ending.signal, 0);
    facts.header.fatal.number = 4711;
    judged();
    CHECK_EQ(ending.signal, 0);
    facts.header.fatal = (struct segment_fatal){.at_ns = LAST, .number = 63, .code = -6};
    CHECK_CONTAINS(judged(), "signal (63)");
    CHECK_CONTAINS(judged(), "raised by abort() or the like");
    facts.header.fatal.code = 0; /* SI_USER */
    CHECK_CONTAINS(judged(), "sent by a process");
}

static void another_boot(void)
{
    make_killed();
    strcpy(facts.boot_id, "boot-b");
    facts.log_error = 0; /* of this boot: of no meaning */
    judged();
    CHECK_EQ(ending.end, VAGUS_END_REBOOT);
    facts.boot_id[0] = '\0'; /* cannot be told */
    facts.log_error = VAGUS_ENOENT;
    judged();
    CHECK_EQ(ending.end, VAGUS_END_UNCLOSED);
}

static void names(void)
{
    CHECK_STR(report_end_name(VAGUS_END_NONE), "none");
    CHECK_STR(report_end_name(VAGUS_END_OUT_OF_MEMORY), "out of memory");
    CHECK_STR(report_end_name(4711), "unknown");
}

int main(void)
{
    RUN(running_and_closed);
    RUN(without_a_cause);
    RUN(the_counter_of_its_cgroup);
    RUN(the_log_and_the_last_state);
    RUN(a_fatal_signal);
    RUN(another_boot);
    RUN(names);
    return check_result();
}
