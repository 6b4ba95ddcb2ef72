/* SPDX-License-Identifier: Apache-2.0 */
/* The health summary for a person, compared with what lies under tests/fixtures/report/. */
#include "report_fixture.h"

static unsigned width; /* 0: 80 */

static const char *render(bool colour)
{
    struct text text;
    text_init(&text, output, REPORT_TEXT_BYTES_MAX);
    report_health_text(&report, colour, width, &text);
    CHECK(!text_cut(&text));
    return output;
}

/* No line beyond its columns; returns how many lines there are. */
static int check_lines(const char *screen)
{
    int lines = 0, columns = 0, most = width == 0 ? 80 : (int)width;
    for (const char *c = screen; *c != '\0'; c++) {
        if (*c == '\n') {
            lines++;
            columns = 0;
        } else if (((unsigned char)*c & 0xc0) != 0x80 && ++columns > most) {
            CHECK_FAIL_("line %d is longer than %d columns", lines + 1, most);
            return lines;
        }
    }
    return lines;
}

static void check_screen(const char *fixture)
{
    const char *screen = render(false);
    CHECK(check_lines(screen) <= (report.snapshot.signal_count > 1 ? 27 : 24));
    check_output(fixture, screen);
}

static void calm_says_so(void)
{
    make_calm();
    check_screen("calm.txt");
}

static void degraded_names_the_worst_first(void)
{
    make_degraded();
    check_screen("degraded.txt");
}

static void critical_is_said_first(void)
{
    make_degraded();
    report.snapshot.judged = VAGUS_VERDICT_CRITICAL;
    report.snapshot.signal_count = 0;
    memset(report.snapshot.signals, 0, sizeof(report.snapshot.signals));
    put_signal(VAGUS_SHUTDOWN, VAGUS_SIGNAL_RAISED, 1.2, "memory", "memory.headroom.ratio", 0.028,
               0.03, 0.07, "memory.headroom.ratio 2.8 % is below 3 % for 1 s");
    report.signals[report.signal_count - 1].told = 0;
    put_raised(VAGUS_SHUTDOWN, 1.2, "memory", 0.07);
    put_raised(VAGUS_DEFER, 8, "memory", 1);
    check_screen("critical.txt");
}

static void an_overdue_publication_is_unknown(void)
{
    make_calm();
    report.now_ns += SECONDS(12);
    CHECK_EQ(report_verdict(&report), VAGUS_VERDICT_UNKNOWN);
    check_screen("overdue.txt");
}

static void a_killed_writer_is_shown_as_it_was(void)
{
    make_degraded();
    report.alive = false;
    report.now_ns += SECONDS(7260);
    CHECK_EQ(report_verdict(&report), VAGUS_VERDICT_UNKNOWN);
    check_screen("killed.txt");
}

static void a_closed_writer_ended_in_order(void)
{
    make_calm();
    report.alive = false;
    report.header.life = SEGMENT_CLOSED;
    report.header.closed_ns = NOW_NS;
    report.now_ns += SECONDS(95);
    check_screen("closed.txt");
}

static void what_cannot_be_had_is_never_zero(void)
{
    make_calm();
    struct vagus_system_snapshot *s = &report.snapshot;
    s->judged = VAGUS_VERDICT_DEGRADED;
    s->memory.headroom_ratio = s->memory.headroom = s->memory.usage = taken(0.5, 12);
    s->memory.headroom.value = 128 * MIB;
    s->cpu.load_1m = missing(VAGUS_EUNSUPPORTED);
    s->cpu.process_cores = missing(VAGUS_EIO);
    s->process.threads = missing(VAGUS_EPARSE);
    s->process.descriptors_limit = missing(VAGUS_EPERM);
    s->paths[0].free = s->paths[0].free_ratio = s->paths[0].inodes_free_ratio =
        missing(VAGUS_EUNSUPPORTED);
    memset(&s->agent, 0, sizeof(s->agent));
    s->monitor.cpu_ratio = (struct vagus_reading){0};
    check_screen("unfelt.txt");
}

static void nothing_published_yet(void)
{
    memset(&report, 0, sizeof(report));
    put_header(SEGMENT_RUNNING, true);
    report.snapshot_error = VAGUS_EAGAIN;
    put_note(SEGMENT_NOTE_WARNING, 1, "no black box: /dev/shm is not writable");
    check_screen("unpublished.txt");
}

static void foreign_text_is_made_safe(void)
{
    make_degraded();
    strcpy(report.snapshot.paths[0].path, "/tmp/\033[2J\xff evil");
    strcpy(report.signals[3].signal.reason, "rm\r\nall is well");
    strcpy(report.notes[0].text, "bell \a");
    strcpy(report.snapshot.mode.name, "ok\033[2J");
    strcpy(report.snapshot.mode.waits_for, "\n");
    strcpy(report.snapshot.mode.unknown, "disk\r");
    strcpy(report.header.program, "a\nvagus: OK");
    check_screen("hostile.txt");
    for (const char *c = output; *c != '\0'; c++)
        CHECK(*c == '\n' || (unsigned char)*c >= 0x20);
}

static void colour_only_when_asked(void)
{
    make_degraded();
    CHECK(strchr(render(false), '\033') == NULL);
    render(true);
    CHECK_CONTAINS(output, "\033[33mDEGRADED\033[0m");
    check_output("degraded.ansi", output);
}

/* Every organ, budgets, what is ahead and what was before still fit one screen. */
static void everything_in_one_screen(void)
{
    make_calm();
    add_everything();
    check_screen("full.txt");
}

static void a_narrow_terminal_gets_whole_lines(void)
{
    static const unsigned widths[] = {32, 40, 56, 71, 100, 132, 160};
    make_degraded();
    add_everything();
    strcpy(report.snapshot.paths[0].path, "/var/lib/researcher/of/the/long/kind");
    report.snapshot.paths[0].free_ratio = taken(0.18, 0.4);
    for (size_t i = 0; i < sizeof(widths) / sizeof(widths[0]); i++) {
        width = widths[i];
        check_lines(render(false));
    }
    width = 40;
    check_output("degraded.40.txt", render(false));
    make_calm();
    add_everything();
    check_output("full.40.txt", render(false));
    width = 120;
    check_output("full.120.txt", render(false));
    width = 0;
}

static void whether_it_helped_is_said(void)
{
    make_degraded();
    report.signals[3].outcome = SEGMENT_OUTCOME_NO_RELIEF;
    report.signals[3].outcome_ns = report.signals[3].signal.at_ns + SECONDS(5);
    report.signals[3].value_after = 0.0621;
    render(false);
    CHECK_CONTAINS(output, "   no relief after 5 s: 8.1 % to 6.21 %\n");
    report.signals[3].outcome = SEGMENT_OUTCOME_OPEN;
    CHECK(strstr(render(false), "relief") == NULL);
}

/* It was handed a defer since; what it did about the throttle is in the record. */
static void who_took_an_older_signal_is_still_told(void)
{
    make_degraded();
    struct segment_signal *entry = &report.signals[report.signal_count - 1];
    struct segment_listener *llm = &report.listeners[0];
    llm->last_kind = VAGUS_SHUTDOWN;
    llm->busy_since_ns = 0;
    CHECK(strstr(render(false), "llm took 7 ms") == NULL);
    entry->deed_count = 1;
    entry->deeds[0] = (struct segment_deed){.took_ns = 7 * VAGUS_MILLISECOND_NS, .released = NAN};
    strcpy(entry->deeds[0].listener, llm->name);
    CHECK_CONTAINS(render(false), "llm took 7 ms");
    entry->deeds[0].took_ns = -1; /* not back yet: nothing is made up */
    CHECK(strstr(render(false), "llm took") == NULL);
    entry->deeds[0].flags = VAGUS_LISTENER_POLLED;
    CHECK_CONTAINS(render(false), "llm took it");
}

static const char *brief(void)
{
    struct text text;
    text_init(&text, output, REPORT_TEXT_BYTES_MAX);
    report_health_brief(&report, false, &text);
    return output;
}

static void one_is_no_plural(void)
{
    make_degraded();
    report.snapshot.agent.errors.total = taken(1, 0.05);
    CHECK(strstr(render(false), "1 error ") != NULL || strstr(render(false), "1 error\n") != NULL);
}

static void the_brief_line(void)
{
    make_degraded();
    CHECK_STR(brief(), "DEGRADED defer on memory for 8 s, and 1 more; memory 93.8 %\n");
    make_calm();
    CHECK_STR(brief(), "OK no signal is raised; disk /var/lib/researcher 82 %\n");
    /* What it is about comes before what is fuller. */
    put_raised(VAGUS_THROTTLE, 2, "memory", 0.3);
    report.snapshot.judged = VAGUS_VERDICT_DEGRADED;
    CHECK_STR(brief(), "DEGRADED throttle on memory for 2 s; memory 61 %\n");
    make_calm();
    add_everything();
    CHECK_STR(brief(), "OK no signal is raised; gpu GPU-4e5f6071 99.5 %\n");
    report.now_ns += SECONDS(100); /* what is stale is the worst of nothing */
    CHECK_STR(brief(), "UNKNOWN overdue, last published 1 min 40 s ago\n");
    report.snapshot_error = VAGUS_EAGAIN;
    CHECK_STR(brief(), "UNKNOWN nothing published yet\n");
}

static void a_small_buffer_cuts_and_tells_the_length(void)
{
    struct text text;
    char small[100];
    make_degraded();
    text_init(&text, small, sizeof(small));
    report_health_text(&report, false, 0, &text);
    CHECK_EQ(strlen(small), sizeof(small) - 1);
    CHECK_EQ(text.length, strlen(render(false)));
}

int main(void)
{
    RUN(calm_says_so);
    RUN(degraded_names_the_worst_first);
    RUN(critical_is_said_first);
    RUN(an_overdue_publication_is_unknown);
    RUN(a_killed_writer_is_shown_as_it_was);
    RUN(a_closed_writer_ended_in_order);
    RUN(what_cannot_be_had_is_never_zero);
    RUN(nothing_published_yet);
    RUN(foreign_text_is_made_safe);
    RUN(colour_only_when_asked);
    RUN(everything_in_one_screen);
    RUN(a_narrow_terminal_gets_whole_lines);
    RUN(whether_it_helped_is_said);
    RUN(who_took_an_older_signal_is_still_told);
    RUN(one_is_no_plural);
    RUN(the_brief_line);
    RUN(a_small_buffer_cuts_and_tells_the_length);
    return check_result();
}
