/* SPDX-License-Identifier: Apache-2.0 */
/* vagus top: the state of a monitored process, live. This file is its loop; top.h says where the
 * rest is. */
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cli/target.h"
#include "cli/top.h"
#include "report/findings.h"

extern const struct cli_verb cli_verb_top;

#define EACH_MIN_NS (100 * VAGUS_MILLISECOND_NS)
#define EACH_MAX_NS (3600 * VAGUS_SECOND_NS)
#define NOTICE_FOR_NS (60 * VAGUS_SECOND_NS)

struct top_options {
    const char *process;
    const char *dir;
    int64_t each_ns;
};

/* --- What is watched. --- */

struct top {
    const struct top_options *options;
    struct top_reading reading;
    struct top_state state;
    struct top_view view;
    struct canvas canvas;
    int64_t noticed_ns;
};

static void notice(struct top *top, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void notice(struct top *top, const char *format, ...)
{
    struct text text;
    va_list arguments;
    text_init(&text, top->state.notice, sizeof(top->state.notice));
    va_start(arguments, format);
    text_addv(&text, format, arguments);
    va_end(arguments);
    top->noticed_ns = clock_now_ns(&clock_of_machine);
}

/* The one that runs under the name that was given, after the one that was watched. */
struct successor {
    const char *name;
    uint64_t stamp; /* of the one that was watched */
    struct segment_found found;
    bool any;
};

static bool on_found(const struct segment_found *found, void *arg)
{
    struct successor *successor = arg;
    if (!found->alive)
        return false; /* those alive come first */
    if (found->error != 0 || found->header.stamp == successor->stamp ||
        (strcmp(found->header.agent, successor->name) != 0 &&
         strcmp(found->header.program, successor->name) != 0))
        return true;
    successor->found = *found;
    successor->any = true;
    return false;
}

/* Goes over to another process of the name that was asked for, if one runs by now. */
static void follow(struct top *top)
{
    static struct successor successor;
    struct segment_reader reader;
    int64_t before = top->state.report.header.pid;
    bool closed = report_life(&top->state.report) == REPORT_CLOSED;
    if (top->options->process == NULL)
        return;
    successor = (struct successor){.name = top->options->process,
                                   .stamp = top->reading.reader.header.stamp};
    segment_list(top->options->dir, on_found, &successor);
    if (!successor.any || segment_attach(successor.found.path, &reader) != 0)
        return;
    if (top_attach(&top->reading, &top->state, &reader) != 0) {
        segment_detach(&reader);
        return;
    }
    top->view.scroll = 0;
    notice(top, "pid %lld %s; pid %lld of the same name is shown from here on", (long long)before,
           closed ? "was closed in order" : "ended without closing",
           (long long)successor.found.header.pid);
    top_look(&top->reading, &top->state);
}

static void look(struct top *top)
{
    int error = top_look(&top->reading, &top->state);
    if (error != 0)
        notice(top, "it cannot be read any more (%s): this is the last that was known",
               vagus_error_message(error));
    else if (report_span_ns(top->noticed_ns, clock_now_ns(&clock_of_machine)) > NOTICE_FOR_NS)
        top->state.notice[0] = '\0';
    if (!top->state.report.alive || error != 0)
        follow(top);
}

/* Until a key or a signal ends it; returns the signal, or 0. */
static int watch(struct top *top)
{
    int64_t next_ns = 0;
    int ended = 0;
    for (;;) {
        int64_t now_ns = clock_now_ns(&clock_of_machine);
        if (now_ns >= next_ns && (!top->view.paused || next_ns == 0)) {
            look(top);
            next_ns = clock_add_ns(now_ns, top->options->each_ns);
        }
        top_sort(&top->state, top->view.sort);
        top_draw(&top->state, &top->view, &top->canvas);
        top_terminal_show(&top->canvas);
        now_ns = clock_now_ns(&clock_of_machine);
        int64_t wait_ns = top->view.paused ? EACH_MAX_NS : next_ns - now_ns;
        enum top_key key = top_terminal_wait(wait_ns > 0 ? wait_ns : 0, &top->canvas, &ended);
        if (ended != 0 || !top_key(&top->state, &top->view, key))
            return ended;
    }
}

static int run(int argc, char **argv)
{
    static struct segment_found target;
    static struct top top;
    struct top_options options = {.each_ns = VAGUS_SECOND_NS};
    struct segment_reader reader;
    int status = cli_parse(&cli_verb_top, argc, argv, &options);
    if (status != CLI_OK)
        return status;
    if (options.each_ns < EACH_MIN_NS || options.each_ns > EACH_MAX_NS)
        return cli_usage_error(&cli_verb_top, "--every is not within 100ms and 1h");
    status = target_find(&cli_verb_top, options.dir, options.process, &target);
    if (status != CLI_OK)
        return status == CLI_FAILED ? CLI_UNREADABLE : status;
    top.options = &options;
    top.view.focus = TOP_PANEL_COUNT;
    int error = segment_attach(target.path, &reader);
    if (error == 0 && (error = top_attach(&top.reading, &top.state, &reader)) != 0)
        segment_detach(&reader);
    if (error != 0)
        return target_unreadable(&cli_verb_top, target.path, error);
    if (isatty(STDIN_FILENO) != 1 || isatty(STDOUT_FILENO) != 1) {
        top_detach(&top.reading);
        return cli_error(&cli_verb_top, "it needs a terminal, for keys and picture; vagus health "
                                        "prints the same once, and vagus watch each change");
    }
    const char *why = top_terminal_begin(&top.canvas);
    int ended = why == NULL ? watch(&top) : 0;
    top_terminal_end();
    top_detach(&top.reading);
    canvas_finish(&top.canvas);
    if (why != NULL)
        return cli_error(&cli_verb_top, "%s", why);
    if (ended != 0)
        raise(ended); /* as whoever sent it expects, now that the terminal is given back */
    return CLI_OK;
}

static const struct cli_argument takes[] = {
    CLI_PROCESS_OPTION(struct top_options),
    {.name = "every",
     .kind = CLI_SPAN,
     .value = "TIME",
     .help = "how often it is read: 100ms to 1h; 1s if not given",
     CLI_AT(struct top_options, each_ns)},
    CLI_DIR_OPTION(struct top_options),
    {0},
};

static const struct cli_exit exits[] = {
    {0, "quit by q"},
    {1, "there is no terminal, or none that it could be shown on"},
    {CLI_UNREADABLE, "the process could not be read or told of"},
    {0},
};

const struct cli_verb cli_verb_top = {
    .name = "top",
    .summary = "watch a monitored process live",
    .arguments = takes,
    .about =
        "The verdict and the mode with their reasons, raised signals, organs with what is used "
        "of each and the last minute, budgets, the busiest operations (in flight, begun each "
        "second, 99th percentile of the last minute), the newest transitions, and what the "
        "monitor costs. A small terminal shows the most important of these.\n"
        "\n"
        "Keys: q quits, p pauses, s sorts operations, Tab and Shift-Tab choose a panel that "
        "goes first, the arrows scroll it, ? explains.\n"
        "\n"
        "When the process ends its last picture stays, with its age. When another one of the "
        "NAME given by -p starts, that one is shown from there on, and said so. Colours are "
        "left out with NO_COLOR; without a locale of UTF-8 all is drawn in ASCII.",
    .exits = exits,
    .examples = "vagus top\n"
                "vagus top -p researcher --every 500ms\n",
    .run = run,
};
