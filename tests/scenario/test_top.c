/* SPDX-License-Identifier: Apache-2.0 */
/* vagus top on a terminal of its own, beside an agent that works, ends, and is started again. */
#include <sys/resource.h>
#include <termios.h>

#include "check.h"
#include "segment_fixture.h"
#include "terminal.h"
#include "vagus/vagus.h"

#define LONG_MS 20000 /* for what comes at once, on a busy machine too */

static struct terminal terminal;

/* An agent that works until it is killed, or told to end in order. */
static volatile sig_atomic_t told;

static void on_told(int number)
{
    told = number;
}

static int agent(const char *name, int ready)
{
    char policy[512];
    struct vagus_monitor *monitor;
    struct vagus_operation call;
    snprintf(policy, sizeof(policy), "agent: %s\nsegment: { dir: %s }\n", name, fixture_dir);
    if (vagus_monitor_open(
            &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                            .policy_text = policy},
            &monitor) != 0)
        return 1;
    vagus_operation_define(monitor, &(struct vagus_metric_desc){.name = "llm.call"}, 0, &call);
    if (vagus_monitor_start(monitor) != 0)
        return 1;
    nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL); /* something is published */
    if (write(ready, "", 1) != 1)
        return 1;
    while (!told) {
        VAGUS_SPAN(span, &call);
        nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    }
    vagus_monitor_close(monitor);
    return 0;
}

/* Comes back when it is there to be looked at. */
static pid_t start_agent(const char *name)
{
    int ready[2];
    char byte;
    if (pipe(ready) != 0)
        return -1;
    pid_t pid = fork();
    if (pid == 0) {
        signal(SIGTERM, on_told);
        _exit(agent(name, ready[1]));
    }
    close(ready[1]);
    CHECK_EQ(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void end_agent(pid_t pid, int number)
{
    kill(pid, number);
    waitpid(pid, NULL, 0);
}

static bool top(int rows, int columns, const char *process)
{
    char *argv[] = {getenv("VAGUS"), (char *)"top",     (char *)"--dir", fixture_dir, (char *)"-p",
                    (char *)process, (char *)"--every", (char *)"200ms", NULL};
    return terminal_begin(&terminal, rows, columns, argv);
}

#define CHECK_SCREEN(text)                                                                         \
    do {                                                                                           \
        if (!terminal_wait(&terminal, text, LONG_MS))                                              \
            CHECK_FAIL_("the screen does not show \"%s\":\n%s", text, terminal_screen(&terminal)); \
    } while (0)

/* The terminal is as it was: the shell's screen, a cursor, and lines that are echoed. */
static void check_given_back(void)
{
    CHECK(!terminal.alternate);
    CHECK(!terminal.hidden);
    CHECK_STR(terminal.unknown, "");
}

static void it_draws_at_80_by_24_and_takes_keys(void)
{
    pid_t pid = start_agent("alpha");
    setenv("TERM", "xterm-256color", 1);
    REQUIRE(top(24, 80, "alpha"));
    CHECK_SCREEN("alpha · pid ");
    CHECK_SCREEN("memory  ");
    CHECK_SCREEN("llm.call");
    CHECK_SCREEN("q quit ? help p pause s sort Tab panel ↑↓ scroll");
    CHECK(terminal.alternate);
    CHECK(terminal.coloured);
    terminal_type(&terminal, "p");
    CHECK_SCREEN("PAUSED");
    terminal_type(&terminal, "p?");
    CHECK_SCREEN("  arrows scroll it");
    terminal_type(&terminal, "?s");
    CHECK_SCREEN("operations by rate");
    terminal_type(&terminal, "\t");
    CHECK_SCREEN("▌");
    terminal_type(&terminal, "\033[B\033[A\033OB");
    terminal_type(&terminal, "q");
    int status = terminal_end(&terminal);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    check_given_back();
    end_agent(pid, SIGTERM);
}

/* No line runs into the next: each row begins as one does. */
static void check_rows(int rows, int columns)
{
    CHECK_SCREEN("q quit");
    terminal_wait(&terminal, NULL, 500);
    const char *screen = terminal_screen(&terminal);
    int lines = 0;
    for (const char *at = screen; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    CHECK_EQ(lines, rows);
    CHECK(strncmp(screen, "OK — ", 7) == 0 || strncmp(screen, "DEGRADED — ", 13) == 0 ||
          strncmp(screen, "UNKNOWN — ", 12) == 0);
    CHECK_CONTAINS(screen, "\nalpha · pid ");
    CHECK(strstr(screen, "\nq quit") != NULL || columns < 20);
    const char *keys = strstr(screen, "q quit");
    CHECK(keys != NULL && strchr(keys, '\n') == strrchr(screen, '\n')); /* the last row */
}

static void it_is_useful_at_40_by_12_and_follows_the_size(void)
{
    pid_t pid = start_agent("alpha");
    REQUIRE(top(12, 40, "alpha"));
    CHECK_SCREEN("llm.call");
    CHECK_SCREEN("cpu  ");
    CHECK_SCREEN("monitor ");
    check_rows(12, 40);
    terminal_resize(&terminal, 30, 120);
    CHECK_SCREEN("operations by in flight\n");
    terminal_resize(&terminal, 8, 30);
    terminal_wait(&terminal, NULL, 1000);
    check_rows(8, 30);
    terminal_resize(&terminal, 1, 5);
    terminal_wait(&terminal, NULL, 500);
    terminal_resize(&terminal, 24, 80);
    CHECK_SCREEN("Tab panel ↑↓ scroll");
    check_rows(24, 80);
    end_agent(pid, SIGTERM);
    CHECK_SCREEN("UNKNOWN — closed in order");
    terminal_type(&terminal, "q");
    CHECK_EQ(terminal_end(&terminal), 0);
    check_given_back();
}

static void one_that_is_killed_keeps_its_last_picture_and_is_followed(void)
{
    char line[80];
    pid_t pid = start_agent("alpha");
    REQUIRE(top(24, 80, "alpha"));
    CHECK_SCREEN("llm.call");
    end_agent(pid, SIGKILL);
    CHECK_SCREEN("UNKNOWN — ended without closing, last published ");
    CHECK_SCREEN("memory  "); /* the picture stays */
    CHECK_SCREEN(" · its last picture; vagus autopsy tells more");
    pid_t next = start_agent("alpha");
    snprintf(line, sizeof(line), "pid %d ended without closing; pid %d of the same", pid, next);
    CHECK_SCREEN(line);
    snprintf(line, sizeof(line), "alpha · pid %d", next);
    CHECK_SCREEN(line);
    end_agent(next, SIGTERM);
    terminal_type(&terminal, "q");
    CHECK_EQ(terminal_end(&terminal), 0);
}

static void signals_give_the_terminal_back(void)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    pid_t pid = start_agent("alpha");
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        REQUIRE(top(24, 80, "alpha"));
        CHECK_SCREEN("q quit");
        kill(terminal.pid, numbers[i]);
        int status = terminal_end(&terminal);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == numbers[i]);
        check_given_back();
    }
    /* The key, by way of the terminal. */
    REQUIRE(top(24, 80, "alpha"));
    CHECK_SCREEN("q quit");
    terminal_type(&terminal, "\003");
    int status = terminal_end(&terminal);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT);
    check_given_back();
    end_agent(pid, SIGTERM);
}

/* It neither stays nor burns a core. */
static void a_terminal_that_goes_away_ends_it(void)
{
    pid_t pid = start_agent("alpha");
    REQUIRE(top(24, 80, "alpha"));
    CHECK_SCREEN("q quit");
    close(terminal.fd);
    int status = -1;
    for (int i = 0; i < 200 && waitpid(terminal.pid, &status, WNOHANG) == 0; i++)
        nanosleep(&(struct timespec){.tv_nsec = 50000000}, NULL);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGHUP);
    end_agent(pid, SIGTERM);
}

static void without_colours_and_without_utf8(void)
{
    pid_t pid = start_agent("alpha");
    setenv("NO_COLOR", "1", 1);
    REQUIRE(top(24, 80, "alpha"));
    CHECK_SCREEN("q quit");
    terminal_type(&terminal, "q");
    CHECK_EQ(terminal_end(&terminal), 0);
    CHECK(!terminal.coloured);
    unsetenv("NO_COLOR");
    setenv("TERM", "vt100", 1);
    setenv("LC_ALL", "C", 1);
    REQUIRE(top(24, 80, "alpha"));
    CHECK_SCREEN("alpha . pid ");
    CHECK_SCREEN("Tab panel Up Down scroll");
    for (const char *c = terminal_screen(&terminal); *c != '\0'; c++)
        CHECK((unsigned char)*c < 0x80);
    terminal_type(&terminal, "q");
    CHECK_EQ(terminal_end(&terminal), 0);
    CHECK(!terminal.coloured);
    CHECK_STR(terminal.unknown, "");
    setenv("LC_ALL", "C.UTF-8", 1);
    end_agent(pid, SIGTERM);
}

static void check_refused(const char *term, const char *process, const char *says, int code)
{
    if (term == NULL)
        unsetenv("TERM");
    else
        setenv("TERM", term, 1);
    REQUIRE(top(24, 80, process));
    int status = terminal_end(&terminal);
    terminal.said[terminal.said_bytes] = '\0';
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == code);
    CHECK_CONTAINS(terminal.said, says);
    setenv("TERM", "xterm-256color", 1);
}

static void what_cannot_be_shown_says_why(void)
{
    pid_t pid = start_agent("alpha");
    setenv("TERM", "xterm-256color", 1);
    REQUIRE(top(24, 80, "alpha"));
    CHECK_SCREEN("q quit");
    terminal_type(&terminal, "q");
    CHECK_EQ(terminal_end(&terminal), 0);
    check_refused("no-such-terminal", "alpha", "is not known here", 1);
    check_refused("dumb", "alpha", "cannot move its cursor", 1);
    check_refused(NULL, "alpha", "TERM is not set", 1);
    check_refused("xterm", "beta", "no monitored process 'beta'", 4);
    char command[512];
    snprintf(command, sizeof(command),
             "\"$VAGUS\" top --dir %s -p alpha 2>&1 | "
             "grep -q 'it needs a terminal'",
             fixture_dir);
    CHECK_EQ(system(command), 0);
    snprintf(command, sizeof(command),
             "\"$VAGUS\" top --every 1ms 2>&1 | "
             "grep -q 'not within 100ms and 1h'");
    CHECK_EQ(system(command), 0);
    end_agent(pid, SIGTERM);
}

/* What the looks cost, said and not judged: this machine may be busy. */
static void it_costs_little(void)
{
    pid_t pid = start_agent("alpha");
    char *argv[] = {getenv("VAGUS"), (char *)"top", (char *)"--dir", fixture_dir, NULL};
    struct rusage usage;
    REQUIRE(terminal_begin(&terminal, 24, 80, argv));
    CHECK_SCREEN("q quit");
    terminal_wait(&terminal, NULL, 5000);
    terminal_type(&terminal, "q");
    REQUIRE(wait4(terminal.pid, NULL, 0, &usage) == terminal.pid);
    close(terminal.fd);
    double ms = (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1e3 +
                (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e3;
    printf("some 5 looks cost %.1f ms in all\n", ms);
    CHECK(ms < 2000); /* it does not spin */
    end_agent(pid, SIGTERM);
}

int main(void)
{
    if (getenv("VAGUS") == NULL || !fixture_begin())
        return 77;
    if (system("\"$VAGUS\" version | grep -q ncurses") != 0) {
        puts("skipped: built without ncurses");
        return 77;
    }
    setenv("LC_ALL", "C.UTF-8", 1);
    unsetenv("NO_COLOR");
    RUN(it_draws_at_80_by_24_and_takes_keys);
    RUN(it_is_useful_at_40_by_12_and_follows_the_size);
    RUN(one_that_is_killed_keeps_its_last_picture_and_is_followed);
    RUN(signals_give_the_terminal_back);
    RUN(a_terminal_that_goes_away_ends_it);
    RUN(without_colours_and_without_utf8);
    RUN(what_cannot_be_shown_says_why);
    RUN(it_costs_little);
    fixture_end();
    return check_result();
}
