/* SPDX-License-Identifier: Apache-2.0 */
/* What `vagus top` draws from a report, compared with tests/fixtures/report/top-*. VAGUS_REFRESH=1
 * writes those anew. No terminal is needed: scenario/test_top.c has one. */
#include <stdlib.h>

#include "cli/top.h"
#include "report_fixture.h"

static struct top_state state;
static struct top_view view;
static struct canvas canvas;

static void one_gpu(void)
{
    struct vagus_snapshot_gpu *gpu = &report.snapshot.gpus[report.snapshot.gpu_count++];
    strcpy(gpu->device, "nvidia0");
    gpu->utilization = taken(0.81, 0.4);
    gpu->memory_utilization = taken(0.62, 0.4);
    gpu->memory_free = taken(30 * 1024 * MIB, 0.4);
    gpu->temperature = taken(61, 2);
}

static void one_budget(const char *name, uint64_t used, uint64_t reserved, uint64_t limit,
                       double empty_s)
{
    struct vagus_snapshot_budget *budget = &report.snapshot.budgets[report.snapshot.budget_count++];
    strcpy(budget->name, name);
    strcpy(budget->unit, "{token}");
    budget->window_ns = SECONDS(3600);
    budget->status = (struct vagus_budget_status){.limit = limit,
                                                  .left = (int64_t)(limit - used - reserved),
                                                  .used = used,
                                                  .reserved = reserved,
                                                  .known = 1};
    budget->exhausted_in = taken(empty_s, 0.4);
}

static void put_operation(const char *name, double in_flight, double rate, double p99_s,
                          double errors_rate)
{
    struct top_operation *operation = &state.operations[state.operation_count++];
    strcpy(operation->name, name);
    operation->in_flight = in_flight;
    operation->rate = rate;
    operation->p99_s = p99_s;
    operation->errors_rate = errors_rate;
}

/* Everything that there is to see, after a while. */
static void make_state(void)
{
    memset(&state, 0, sizeof(state));
    view = (struct top_view){.focus = TOP_PANEL_COUNT};
    make_degraded();
    one_gpu();
    one_budget("tokens-hour", 41000, 5000, 100000, 1325);
    one_budget("cents-day", 990, 0, 1000, INFINITY);
    report.snapshot.network.receive_rate = taken(1.5 * MIB, 4);
    report.snapshot.network.receive_rate.good_until_ns = NOW_NS + SECONDS(20);
    report.snapshot.network.transmit_rate = report.snapshot.network.receive_rate;
    report.snapshot.network.transmit_rate.value = 31000;
    for (unsigned slot = 0; slot < REPORT_ORGANS_MAX; slot++) {
        struct report_spark *spark = &report.sparks[slot];
        spark->known = true;
        for (int i = 0; i < REPORT_SPARK_STEPS; i++)
            spark->values[i] = i < 10 ? NAN : slot == REPORT_SPARK_CPU ? 0.12 : i / 60.0;
    }
    state.report = report;
    state.as_of_ns = NOW_NS;
    top_organs(&state);
    put_operation("llm.call", 3, 12.4, 1.2, 0);
    put_operation("tool.calls{tool=browser}", 1, 0.5, 8.1, 0.1);
    put_operation("tool.calls{tool=shell}", 0, NAN, NAN, 0);
}

static const char *draw(unsigned rows, unsigned columns, bool ascii)
{
    struct text text;
    canvas.ascii = ascii;
    CHECK(canvas_resize(&canvas, rows, columns));
    top_sort(&state, view.sort);
    top_draw(&state, &view, &canvas);
    text_init(&text, output, sizeof(output));
    canvas_text(&canvas, &text);
    return output;
}

static void at_80_by_24(void)
{
    make_state();
    check_output("top-80x24.txt", draw(24, 80, false));
}

static void at_40_by_12(void)
{
    make_state();
    check_output("top-40x12.txt", draw(12, 40, false));
}

static void at_130_by_40_in_ascii(void)
{
    make_state();
    check_output("top-130x40-ascii.txt", draw(40, 130, true));
    for (const char *c = output; *c != '\0'; c++)
        CHECK((unsigned char)*c < 0x80);
}

static void one_that_was_killed(void)
{
    make_state();
    state.report.alive = false;
    state.report.now_ns += SECONDS(42);
    state.as_of_ns = report.snapshot.published_ns;
    draw(24, 80, false);
    CHECK_CONTAINS(output, "UNKNOWN — ended without closing, last published 42 s ago\n");
    CHECK_CONTAINS(output, "pid 4242 · its last picture");
    CHECK_CONTAINS(output, "memory  "); /* the picture stays */
}

static void nothing_published_yet(void)
{
    make_state();
    state.report.snapshot_error = VAGUS_EAGAIN;
    memset(&state.report.snapshot, 0, sizeof(state.report.snapshot));
    top_organs(&state);
    CHECK_CONTAINS(draw(12, 40, false), "UNKNOWN — nothing published yet\n");
}

static void foreign_text_is_made_safe(void)
{
    make_state();
    strcpy(state.report.header.agent, "a\033[2Jb");
    strcpy(state.report.snapshot.signals[0].reason, "x\r\ny \xff \u202e \u4f60 z");
    strcpy(state.report.snapshot.paths[0].path, "/\033]0;x\a");
    strcpy(state.report.snapshot.budgets[0].name, "\n");
    strcpy(state.report.snapshot.budgets[0].unit, "\033c");
    strcpy(state.report.snapshot.mode.name, "\033[31m");
    strcpy(state.report.notes[0].text, "\b\b\b");
    top_organs(&state);
    draw(40, 100, false);
    for (size_t i = 0; i < (size_t)canvas.rows * canvas.columns; i++)
        CHECK(canvas.cells[i].glyph >= 0x20 && canvas.cells[i].glyph != 0x7f &&
              canvas.cells[i].glyph != 0x4f60);
}

/* Whatever the size: the verdict above, the keys below, nothing outside (a sanitizer looks). */
static void every_size_is_fit(void)
{
    make_state();
    strcpy(state.notice, "pid 1 ended without closing; pid 2 of the same name is shown");
    for (unsigned rows = 0; rows <= 42; rows++)
        for (unsigned columns = 0; columns <= 140; columns += columns < 20 ? 1 : 7)
            for (unsigned focus = 0; focus <= TOP_PANEL_COUNT; focus++) {
                view = (struct top_view){.focus = focus, .scroll = 1000, .help = rows % 5 == 0};
                draw(rows, columns, columns % 2 == 0);
                if (rows >= 2 && columns >= 40) {
                    CHECK(strncmp(output, "DEGRADED", 8) == 0);
                    CHECK_CONTAINS(output, "q quit");
                }
            }
}

static void the_chosen_panel_goes_first_and_scrolls(void)
{
    make_state();
    for (int i = 0; i < 60; i++)
        put_signal(VAGUS_THROTTLE, VAGUS_SIGNAL_UPDATED, 5, "memory", "m", 0.1, 0.2, 0.1, "again");
    snprintf(report.signals[report.signal_count - 1].signal.reason, 20, "the newest");
    snprintf(report.signals[0].signal.reason, 20, "the oldest");
    state.report = report;
    while (view.focus != TOP_RECENT)
        CHECK(top_key(&state, &view, TOP_KEY_NEXT));
    CHECK_CONTAINS(draw(12, 80, false), "▌");
    CHECK_CONTAINS(output, "the newest");
    for (int i = 0; i < 200; i++)
        top_key(&state, &view, TOP_KEY_DOWN), draw(12, 80, false);
    CHECK_CONTAINS(output, "the oldest");
    unsigned at_end = view.scroll;
    top_key(&state, &view, TOP_KEY_UP);
    draw(12, 80, false);
    CHECK_EQ(view.scroll, at_end - 1);
    top_key(&state, &view, TOP_KEY_BEFORE);
    CHECK_EQ(view.focus, TOP_OPERATIONS);
    CHECK_EQ(view.scroll, 0);
}

static void keys_do_what_they_say(void)
{
    make_state();
    draw(24, 80, false);
    CHECK(strstr(output, "llm.call") < strstr(output, "browser"));
    top_key(&state, &view, TOP_KEY_SORT);
    top_key(&state, &view, TOP_KEY_SORT); /* by p99 */
    CHECK_EQ(view.sort, TOP_BY_P99);
    draw(24, 80, false);
    CHECK(strstr(output, "browser") < strstr(output, "llm.call"));
    top_key(&state, &view, TOP_KEY_PAUSE);
    CHECK_CONTAINS(draw(24, 80, false), "PAUSED");
    CHECK_CONTAINS(output, "p go on");
    top_key(&state, &view, TOP_KEY_HELP);
    CHECK_CONTAINS(draw(12, 40, false), "p99 of a minute");
    CHECK(!top_key(&state, &view, TOP_KEY_QUIT));
}

int main(void)
{
    RUN(at_80_by_24);
    RUN(at_40_by_12);
    RUN(at_130_by_40_in_ascii);
    RUN(one_that_was_killed);
    RUN(nothing_published_yet);
    RUN(foreign_text_is_made_safe);
    RUN(every_size_is_fit);
    RUN(the_chosen_panel_goes_first_and_scrolls);
    RUN(keys_do_what_they_say);
    canvas_finish(&canvas);
    return check_result();
}
