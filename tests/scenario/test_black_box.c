/* SPDX-License-Identifier: Apache-2.0 */
/* Runs that end in every way, for real, and what the next start and the autopsy make of them. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "cli/demo_cgroup.h"
#include "monitor/continuity_file.h"
#include "report/autopsy.h"
#include "root_fixture.h"
#include "sanitized.h"
#include "segment_fixture.h"
#include "vagus/vagus.h"

#define MIB ((uint64_t)1 << 20)

static struct vagus_monitor *m;
static struct vagus_operation call;
static struct autopsy autopsy;
static char state_key[256], state_dir[128];
static const char *more = ""; /* of the policy */
static void *kept;            /* so that no compiler drops what is written there */

static const char crash_loop[] = "rules:\n"
                                 "  - name: crash-loop\n"
                                 "    metric: continuity.deaths.hour\n"
                                 "    resource: agent\n"
                                 "    defer: { above: 2.5, clear: 1 }\n"
                                 "modes: [{ name: normal }, { name: degraded }]\n"
                                 "transitions:\n"
                                 "  - { from: normal, to: degraded, when: defer }\n"
                                 "  - { from: degraded, to: normal, when: clear, for: 30s }\n";

static bool begin(unsigned flags)
{
    char policy[2048];
    struct vagus_fault_list faults;
    snprintf(policy, sizeof(policy),
             "agent: boxed\n"
             "segment: { dir: %s }\n"
             "%s",
             fixture_dir, more);
    struct vagus_monitor_options options = {.size = sizeof(options),
                                            .policy_text = policy,
                                            .segment_bytes = 4 << 20,
                                            .metrics_max = 512,
                                            .faults = &faults,
                                            .flags = flags};
    int error = vagus_monitor_open(&options, &m);
    for (uint32_t i = 0; error == VAGUS_EPOLICY && i < faults.count; i++)
        fprintf(stderr, "%u: %s\n", faults.faults[i].line, faults.faults[i].text);
    if (error == 0)
        vagus_operation_define(m, &(struct vagus_metric_desc){.name = "llm.call"}, 0, &call);
    return error == 0 && vagus_monitor_start(m) == 0;
}

static struct vagus_snapshot_continuity continuity(void)
{
    struct vagus_system_snapshot s = {0};
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    return s.continuity;
}

/* --- Ways to end. --- */

static void be_killed(void)
{
    kill(getpid(), SIGKILL);
}

static void end_in_order(void)
{
    vagus_monitor_close(m);
    _exit(0);
}

static void exit_without_closing(void)
{
    _exit(3);
}

static void abort_it(void)
{
    abort();
}

static int *volatile nowhere = (int *)64;

static void touch_nothing(void)
{
    *(volatile int *)nowhere = 1;
}

static void take_all_memory(void)
{
    for (;;) {
        kept = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        memset(kept, 1, MIB);
    }
}

/* A process that is monitored for a moment and then ends so. Its status, as waitpid() has it. */
static int live(unsigned flags, bool (*prepare)(void), void (*end)(void))
{
    int status = -1;
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        if (prepare != NULL && !prepare())
            _exit(77);
        if (!begin(flags))
            _exit(99);
        usleep(400000);
        end();
        _exit(98);
    }
    CHECK(pid > 0 && waitpid(pid, &status, 0) == pid);
    CHECK(!WIFEXITED(status) || WEXITSTATUS(status) < 98);
    return status;
}

static bool on_box(const struct segment_found *found, void *arg)
{
    *(struct segment_found *)arg = *found;
    return false;
}

/* Opens the newest of them. */
static bool examine(void)
{
    static struct segment_found found;
    struct segment_reader reader;
    if (segment_list(fixture_dir, on_box, &found) < 1 || segment_attach(found.path, &reader) != 0)
        return false;
    int error = autopsy_load(&autopsy, &reader, vagus_now_ns());
    segment_detach(&reader);
    return error == 0;
}

static const char *all_evidence(void)
{
    static char text[ENDING_EVIDENCE_MAX * ENDING_EVIDENCE_BYTES];
    text[0] = '\0';
    for (unsigned i = 0; i < autopsy.ending.evidence_count; i++) {
        strcat(text, autopsy.ending.evidence[i]);
        strcat(text, "\n");
    }
    return text;
}

/* --- What is made of it. --- */

static void the_first_start_knows_of_none(void)
{
    REQUIRE(begin(VAGUS_STEPPED | VAGUS_NO_COLLECTORS));
    struct vagus_snapshot_continuity c = continuity();
    CHECK_EQ(c.starts, 1);
    CHECK_EQ(c.deaths, 0);
    CHECK_EQ(c.last_end, VAGUS_END_UNKNOWN);
    vagus_monitor_close(m);
    REQUIRE(begin(VAGUS_STEPPED | VAGUS_NO_COLLECTORS));
    c = continuity();
    CHECK_EQ(c.starts, 2);
    CHECK_EQ(c.deaths, 0);
    CHECK_EQ(c.last_end, VAGUS_END_CLOSED);
    CHECK(c.last_started_wall_ns > 0 && c.last_ended_wall_ns >= c.last_started_wall_ns);
    vagus_monitor_close(m);
    fixture_clear();
}

static void three_kills_start_in_degraded(void)
{
    struct vagus_system_snapshot s;
    more = crash_loop;
    for (int i = 0; i < 3; i++)
        CHECK_EQ(WTERMSIG(live(VAGUS_NO_COLLECTORS, NULL, be_killed)), SIGKILL);
    REQUIRE(begin(VAGUS_STEPPED | VAGUS_NO_COLLECTORS));
    more = "";
    /* The first publication says so already. */
    REQUIRE(vagus_snapshot_read(m, &s) == 0);
    CHECK_EQ(s.sequence, 1);
    CHECK_EQ(s.continuity.starts, 4);
    CHECK_EQ(s.continuity.deaths, 3);
    CHECK_EQ(s.continuity.deaths_hour, 3);
    CHECK_EQ(s.continuity.deaths_day, 3);
    CHECK_EQ(s.continuity.last_end, VAGUS_END_UNCLOSED);
    CHECK(s.continuity.online_s > 0.5 && s.continuity.online_s < 60);
    CHECK_STR(s.mode.name, "degraded");
    CHECK_EQ(s.judged, VAGUS_VERDICT_DEGRADED);
    vagus_monitor_close(m);
    /* More black boxes than are kept: what is known of the runs goes on. */
    for (int i = 0; i < 3; i++)
        live(VAGUS_NO_COLLECTORS, NULL, end_in_order);
    REQUIRE(begin(VAGUS_STEPPED | VAGUS_NO_COLLECTORS));
    CHECK_EQ(fixture_count("boxed"), 4); /* three, and our own */
    CHECK_EQ(continuity().starts, 8);
    CHECK_EQ(continuity().deaths, 3);
    CHECK_EQ(continuity().deaths_hour, 3);
    vagus_monitor_close(m);
    fixture_clear();
}

static void one_that_goes_on_beside_us_is_no_death(void)
{
    int ready[2];
    char byte;
    REQUIRE(pipe(ready) == 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (begin(VAGUS_NO_COLLECTORS) && write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    close(ready[1]);
    REQUIRE(pid > 0 && read(ready[0], &byte, 1) == 1);
    REQUIRE(begin(VAGUS_STEPPED | VAGUS_NO_COLLECTORS));
    CHECK_EQ(continuity().starts, 2);
    CHECK_EQ(continuity().deaths, 0);
    vagus_monitor_close(m);
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    close(ready[0]);
    /* It died after one that started later: it is counted nevertheless, and once. */
    for (int i = 0; i < 2; i++) {
        REQUIRE(begin(VAGUS_STEPPED | VAGUS_NO_COLLECTORS));
        CHECK_EQ(continuity().starts, 3 + i);
        CHECK_EQ(continuity().deaths, 1);
        vagus_monitor_close(m);
    }
    fixture_clear();
}

static void begin_things(void)
{
    struct vagus_ticket ticket;
    struct vagus_budget tokens;
    struct vagus_span span = vagus_span_begin(&call);
    CHECK_EQ(vagus_budget_find(m, "tokens", &tokens), 0);
    CHECK_EQ(vagus_budget_reserve(tokens, 400, 60 * VAGUS_SECOND_NS, &ticket, NULL), 0);
    usleep(400000);
    CHECK(span.operation != NULL);
    be_killed();
}

static void what_was_open_is_told(void)
{
    REQUIRE(root_begin());
    snprintf(state_key, sizeof(state_key),
             "state: { dir: %s/state }\n"
             "budgets: [{ name: tokens, limit: 1000, unit: \"{token}\", window: 1h }]\n",
             root_dir);
    more = state_key;
    live(VAGUS_NO_COLLECTORS, NULL, begin_things);
    more = "";
    root_end();
    REQUIRE(examine());
    CHECK_EQ(autopsy.ending.end, VAGUS_END_UNCLOSED);
    REQUIRE(autopsy.operation_count == 1);
    CHECK_STR(autopsy.operations[0].name, "llm.call");
    CHECK_EQ(autopsy.operations[0].in_flight, 1);
    int64_t for_ns = autopsy.end_ns - autopsy.operations[0].since_ns;
    CHECK(for_ns >= 0 && for_ns < VAGUS_SECOND_NS);
    CHECK_EQ(autopsy.operations[0].began_ns, autopsy.operations[0].since_ns);
    CHECK_EQ(autopsy.operations[0].ended_ns, 0);
    REQUIRE(autopsy.ticket_count == 1 && autopsy.ticket_total == 1);
    CHECK_STR(autopsy.tickets[0].budget, "tokens");
    CHECK_STR(autopsy.tickets[0].unit, "{token}");
    CHECK_EQ(autopsy.tickets[0].amount, 400);
    CHECK_EQ(autopsy.tickets[0].until_ns - autopsy.tickets[0].opened_ns, 60 * VAGUS_SECOND_NS);
    fixture_clear();
}

static void an_end_in_order_and_one_without_a_word(void)
{
    live(VAGUS_NO_COLLECTORS, NULL, end_in_order);
    REQUIRE(examine());
    CHECK_EQ(autopsy.ending.end, VAGUS_END_CLOSED);
    live(VAGUS_NO_COLLECTORS, NULL, exit_without_closing);
    REQUIRE(examine());
    CHECK_EQ(autopsy.ending.end, VAGUS_END_UNCLOSED);
    CHECK_EQ(autopsy.ending.signal, 0);
    fixture_clear();
}

static void a_fatal_signal_is_noted_where_it_is_asked_for(void)
{
    int status = live(VAGUS_NO_COLLECTORS, NULL, abort_it);
    CHECK(!WIFSIGNALED(status) || WTERMSIG(status) == SIGABRT);
    REQUIRE(examine());
    CHECK_EQ(autopsy.ending.end, VAGUS_END_UNCLOSED); /* nobody asked */

    status = live(VAGUS_NO_COLLECTORS | VAGUS_NOTE_FATAL, NULL, abort_it);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    REQUIRE(examine());
    CHECK_EQ(autopsy.ending.end, VAGUS_END_SIGNAL);
    CHECK_EQ(autopsy.ending.signal, SIGABRT);

    status = live(VAGUS_NO_COLLECTORS | VAGUS_NOTE_FATAL, NULL, touch_nothing);
    CHECK(SANITIZED || (WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV));
    REQUIRE(examine());
    CHECK_EQ(autopsy.ending.end, VAGUS_END_SIGNAL);
    CHECK_EQ(autopsy.ending.signal, SIGSEGV);
    CHECK_CONTAINS(all_evidence(), "SIGSEGV (11)");
    CHECK_CONTAINS(all_evidence(), "address 0x40");

    REQUIRE(begin(VAGUS_STEPPED | VAGUS_NO_COLLECTORS));
    CHECK_EQ(continuity().last_end, VAGUS_END_SIGNAL);
    CHECK_EQ(continuity().end_signal, SIGSEGV);
    vagus_monitor_close(m);
    fixture_clear();
}

static volatile sig_atomic_t hosts_own;

static void on_hosts_own(int number)
{
    hosts_own = number;
}

static void the_hosts_own_handlers_stay(void)
{
    struct sigaction now, own = {.sa_handler = on_hosts_own};
    sigaction(SIGFPE, &own, NULL);
    REQUIRE(begin(VAGUS_STEPPED | VAGUS_NO_COLLECTORS | VAGUS_NOTE_FATAL));
    raise(SIGFPE); /* the host's handler recovers from it */
    CHECK_EQ(hosts_own, SIGFPE);
    usleep(1100000);
    CHECK_EQ(vagus_step(m, NULL), 0);
    REQUIRE(examine()); /* it went on: no cause of anything */
    CHECK(autopsy.ending.running);
    CHECK_CONTAINS(all_evidence(), "it went on");
    vagus_monitor_close(m);
    sigaction(SIGFPE, NULL, &now);
    CHECK(now.sa_handler == on_hosts_own);
    sigaction(SIGSEGV, NULL, &now);
    CHECK(SANITIZED || now.sa_handler == SIG_DFL);
    signal(SIGFPE, SIG_DFL);

    REQUIRE(begin(VAGUS_STEPPED | VAGUS_NO_COLLECTORS));
    pid_t pid = fork();
    if (pid == 0)
        _exit(0);
    waitpid(pid, NULL, 0);
    vagus_fatal_note(SIGSEGV); /* as a host's own handler would */
    vagus_fatal_note(0);
    vagus_fatal_note(4711);
    REQUIRE(examine());
    CHECK_CONTAINS(all_evidence(), "SIGSEGV");
    vagus_monitor_close(m);
    vagus_fatal_note(SIGSEGV); /* into nothing */
    fixture_clear();
}

static bool enter_cgroup(void)
{
    static struct demo_cgroup cgroup;
    return demo_cgroup_enter(&cgroup, 64 * MIB);
}

static bool handle_it_once(void)
{
    struct sigaction own = {.sa_handler = on_hosts_own, .sa_flags = (int)SA_RESETHAND};
    alarm(20); /* if it never ends */
    return sigaction(SIGSEGV, &own, NULL) == 0;
}

/* Such a handler returns, and leaves the rest to the default. */
static void a_handler_that_runs_once_runs_once(void)
{
    int status = live(VAGUS_NO_COLLECTORS | VAGUS_NOTE_FATAL, handle_it_once, touch_nothing);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
    REQUIRE(examine());
    CHECK_EQ(autopsy.ending.signal, SIGSEGV);
    fixture_clear();
}

static void an_oom_kill_leaves_evidence(void)
{
    if (SANITIZED)
        SKIP_TEST("a sanitizer takes more memory than the cgroup of this test has");
    int status = live(0, enter_cgroup, take_all_memory);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        SKIP_TEST("no memory cgroup can be had here");
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    REQUIRE(examine());
    CHECK_EQ(autopsy.ending.end, VAGUS_END_OUT_OF_MEMORY);
    CHECK_CONTAINS(all_evidence(), "more than when it last looked");
    REQUIRE(begin(VAGUS_STEPPED | VAGUS_NO_COLLECTORS));
    CHECK_EQ(continuity().last_end, VAGUS_END_OUT_OF_MEMORY);
    vagus_monitor_close(m);
    CHECK_EQ(rmdir(autopsy.facts.continuity.cgroup), 0);
    fixture_clear();
}

/* --- Former boxes that are no good. --- */

static void put_file(const char *name, const void *bytes, size_t size)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", fixture_dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    CHECK(fd >= 0 && write(fd, bytes, size) == (ssize_t)size);
    close(fd);
}

static const char *health(void)
{
    static char text[1 << 20];
    CHECK(vagus_health_format(m, VAGUS_HEALTH_JSON, text, sizeof(text), NULL) == 0);
    return text;
}

static void damaged_boxes_hurt_nobody(void)
{
    static char garbage[8192];
    char path[256], link_path[256];
    live(VAGUS_NO_COLLECTORS, NULL, be_killed);
    memset(garbage, 0x5a, sizeof(garbage));
    put_file("boxed-0000000000000001.vagus", garbage, sizeof(garbage));
    put_file("boxed-0000000000000002.vagus", garbage, 100);
    put_file("boxed-0000000000000003.vagus", garbage, 0);
    snprintf(link_path, sizeof(link_path), "%s/boxed-0000000000000004.vagus", fixture_dir);
    CHECK_EQ(symlink("/etc/passwd", link_path), 0);
    snprintf(path, sizeof(path), "%s/boxed-0000000000000005.vagus", fixture_dir);
    CHECK_EQ(mkfifo(path, 0600), 0);
    if (geteuid() == 0) { /* root may read it, and takes it for what it is: garbage */
        put_file("boxed-0000000000000006.vagus", garbage, sizeof(garbage));
        snprintf(path, sizeof(path), "%s/boxed-0000000000000006.vagus", fixture_dir);
        CHECK_EQ(chown(path, 65534, 65534), 0);
    }
    int64_t before_ns = vagus_now_ns();
    REQUIRE(begin(VAGUS_STEPPED | VAGUS_NO_COLLECTORS));
    CHECK(vagus_now_ns() - before_ns < 5 * VAGUS_SECOND_NS);
    CHECK_EQ(continuity().starts, 2);
    CHECK_EQ(continuity().deaths, 1);
    CHECK_EQ(continuity().last_end, VAGUS_END_UNCLOSED);
    CHECK_CONTAINS(health(), "of former runs cannot be read: boxed-");
    struct stat st;
    CHECK(lstat(link_path, &st) == 0 && S_ISLNK(st.st_mode)); /* nor are they followed or removed */
    vagus_monitor_close(m);
    fixture_clear();
}

/* The newest box, with some of its bytes changed. */
static void change_box(off_t at, const void *bytes, size_t size)
{
    static struct segment_found found;
    CHECK_EQ(segment_list(fixture_dir, on_box, &found), 1);
    int fd = open(found.path, O_WRONLY | O_CLOEXEC);
    CHECK(fd >= 0 && pwrite(fd, bytes, size, at) == (ssize_t)size);
    close(fd);
}

static void a_reboot_is_known_by_its_number(void)
{
    live(VAGUS_NO_COLLECTORS, NULL, be_killed);
    change_box(offsetof(struct segment_header, boot_id), "11111111", 8);
    REQUIRE(examine());
    CHECK_EQ(autopsy.ending.end, VAGUS_END_REBOOT);
    REQUIRE(begin(VAGUS_STEPPED | VAGUS_NO_COLLECTORS));
    CHECK_EQ(continuity().last_end, VAGUS_END_REBOOT);
    CHECK_EQ(continuity().deaths, 1);
    vagus_monitor_close(m);
    fixture_clear();
}

/* Whatever stands in the sections that are carried on. */
static void impossible_numbers_are_not_carried_on(void)
{
    unsigned char bytes[sizeof(struct segment_continuity)];
    live(VAGUS_NO_COLLECTORS, NULL, be_killed);
    REQUIRE(examine());
    off_t at = (off_t)(autopsy.report.header.sections[SEGMENT_CONTINUITY].offset +
                       sizeof(struct segment_head));
    memset(bytes, 0xff, sizeof(bytes));
    change_box(at, bytes, sizeof(bytes));
    REQUIRE(begin(VAGUS_STEPPED | VAGUS_NO_COLLECTORS));
    CHECK_EQ(continuity().starts, 2); /* the file itself is one */
    CHECK_EQ(continuity().deaths, 1);
    vagus_monitor_close(m);
    fixture_clear();
}

/* --- The file beside the budgets'. --- */

static int state_file(int flags)
{
    char path[256];
    snprintf(path, sizeof(path), "%.120s/boxed.continuity", state_dir);
    return open(path, flags | O_CLOEXEC);
}

/* A run of another boot left it there. */
static void change_boot(void)
{
    static struct continuity_file file;
    int fd = state_file(O_RDWR);
    REQUIRE(fd >= 0 && read(fd, &file, sizeof(file)) == (ssize_t)sizeof(file));
    CHECK_EQ(continuity_file_check(&file, sizeof(file)), 0);
    CHECK_EQ(file.closed, 0);
    memcpy(file.boot_id, "11111111", 8);
    continuity_file_seal(&file);
    CHECK_EQ(pwrite(fd, &file, sizeof(file), 0), sizeof(file));
    close(fd);
}

static void a_file_outlives_the_machine(void)
{
    REQUIRE(root_begin());
    snprintf(state_dir, sizeof(state_dir), "%s/state", root_dir);
    snprintf(state_key, sizeof(state_key), "state: { dir: %s }\n", state_dir);
    more = state_key;
    REQUIRE(begin(VAGUS_STEPPED | VAGUS_NO_COLLECTORS));
    CHECK_EQ(continuity().last_end, VAGUS_END_NONE); /* here it is known */
    vagus_monitor_close(m);
    live(VAGUS_NO_COLLECTORS, NULL, be_killed);
    fixture_clear(); /* memory: it goes with the machine */
    change_boot();
    for (int i = 0; i < 2; i++) {
        REQUIRE(begin(VAGUS_STEPPED | VAGUS_NO_COLLECTORS));
        CHECK_EQ(continuity().starts, 3 + i);
        CHECK_EQ(continuity().deaths, 1);
        CHECK_EQ(continuity().last_end, i == 0 ? VAGUS_END_REBOOT : VAGUS_END_CLOSED);
        vagus_monitor_close(m);
        fixture_clear();
    }
    live(VAGUS_NO_COLLECTORS, NULL, be_killed); /* of this boot, and its segment was removed */
    fixture_clear();
    REQUIRE(begin(VAGUS_STEPPED | VAGUS_NO_COLLECTORS));
    CHECK_EQ(continuity().last_end, VAGUS_END_UNCLOSED);
    CHECK_EQ(continuity().deaths, 2);
    vagus_monitor_close(m);
    fixture_clear();
    int fd = state_file(O_WRONLY);
    CHECK(fd >= 0 && pwrite(fd, "xyz", 3, 100) == 3);
    close(fd);
    REQUIRE(begin(VAGUS_STEPPED | VAGUS_NO_COLLECTORS));
    CHECK_EQ(continuity().starts, 1);
    CHECK_EQ(continuity().last_end, VAGUS_END_UNKNOWN);
    CHECK_CONTAINS(health(), "boxed.continuity is damaged");
    vagus_monitor_close(m);
    more = "";
    fixture_clear();
    root_end();
}

int main(void)
{
    if (!fixture_begin())
        return 77;
    RUN(the_first_start_knows_of_none);
    RUN(three_kills_start_in_degraded);
    RUN(one_that_goes_on_beside_us_is_no_death);
    RUN(what_was_open_is_told);
    RUN(an_end_in_order_and_one_without_a_word);
    RUN(a_fatal_signal_is_noted_where_it_is_asked_for);
    RUN(the_hosts_own_handlers_stay);
    RUN(a_handler_that_runs_once_runs_once);
    RUN(an_oom_kill_leaves_evidence);
    RUN(damaged_boxes_hurt_nobody);
    RUN(a_reboot_is_known_by_its_number);
    RUN(impossible_numbers_are_not_carried_on);
    RUN(a_file_outlives_the_machine);
    fixture_end();
    return check_result();
}
