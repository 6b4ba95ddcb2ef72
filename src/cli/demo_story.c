/* SPDX-License-Identifier: Apache-2.0 */
/* Each line is one call of printf, which keeps lines of several threads apart, and is flushed: who
 * watches through a pipe sees the story as it happens. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli/demo_story.h"

#define MIB (1024.0 * 1024.0)
#define BAR_CELLS 24

static int64_t begun_ns;
static bool in_colour;

static const char *paint(const char *code)
{
    return in_colour ? code : "";
}

#define PLAIN paint("\033[0m")
#define BOLD paint("\033[1m")
#define DIM paint("\033[2m")
#define GREEN paint("\033[32m")

static const char *paint_of_kind(uint32_t kind)
{
    switch (kind) {
    case VAGUS_THROTTLE:
        return paint("\033[33m");
    case VAGUS_DEFER:
        return paint("\033[35m");
    case VAGUS_SHUTDOWN:
        return paint("\033[1;31m");
    default:
        return GREEN;
    }
}

void demo_story_begin(bool colour)
{
    begun_ns = vagus_now_ns();
    in_colour = colour;
}

int64_t demo_story_elapsed_ns(void)
{
    return vagus_now_ns() - begun_ns;
}

static double elapsed_s(void)
{
    return (double)demo_story_elapsed_ns() / (double)VAGUS_SECOND_NS;
}

/* Reasons and paths may hold what would steer a terminal. */
static void print_line(const char *who, const char *mark, char *text)
{
    for (char *c = text; *c != '\0'; c++)
        if (*c < ' ' || *c > '~')
            *c = '?';
    printf("%s%5.1f s%s  %s%-10s%s %s%s%s\n", DIM, elapsed_s(), PLAIN, BOLD, who, PLAIN, mark, text,
           PLAIN);
    fflush(stdout);
}

void demo_story_says(const char *who, const char *format, ...)
{
    char text[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    print_line(who, "", text);
}

void demo_story_hears(const char *who, const struct vagus_signal *signal)
{
    char text[256];
    bool cleared = signal->change == VAGUS_SIGNAL_CLEARED;
    snprintf(text, sizeof(text), "%s %s: %s", vagus_signal_kind_name(signal->kind),
             cleared ? "cleared" : "raised", signal->reason);
    print_line(who, cleared ? GREEN : paint_of_kind(signal->kind), text);
}

void demo_story_columns(double limit_bytes)
{
    char memory[64];
    snprintf(memory, sizeof(memory), "MiB in use, of %.0f", limit_bytes / MIB);
    printf("\n%s   time  %-*s  state           messages waiting  tokens%s\n", DIM, BAR_CELLS + 4,
           memory, PLAIN);
    fflush(stdout);
}

void demo_story_pulse(const struct demo_pulse *pulse)
{
    char bar[BAR_CELLS + 1], usage[16] = "   ?", state[32] = "unknown";
    double ratio = pulse->usage_bytes / pulse->limit_bytes;
    size_t full = 0;
    if (isfinite(ratio)) {
        full = (size_t)lround(fmin(fmax(ratio, 0), 1) * BAR_CELLS);
        snprintf(usage, sizeof(usage), "%4.0f", pulse->usage_bytes / MIB);
    }
    memset(bar, '.', BAR_CELLS);
    memset(bar, '#', full);
    bar[BAR_CELLS] = '\0';
    if (pulse->known && pulse->kind == 0)
        snprintf(state, sizeof(state), "ok");
    else if (pulse->known)
        snprintf(state, sizeof(state), "%s %.2f", vagus_signal_kind_name(pulse->kind),
                 pulse->level);
    const char *mood = paint_of_kind(pulse->kind);
    printf("%s%5.1f s%s  %s%.*s%s%s%s%s%s  %s%-14s%s %9llu %7llu %7llu\n", DIM, elapsed_s(), PLAIN,
           mood, (int)full, bar, PLAIN, DIM, bar + full, PLAIN, usage, mood, state, PLAIN,
           (unsigned long long)pulse->messages, (unsigned long long)pulse->waiting,
           (unsigned long long)pulse->tokens);
    fflush(stdout);
}
