/* SPDX-License-Identifier: Apache-2.0 */
/* The health summary of a monitor of this process: on demand, and on a signal where the host asked
 * for one. Rendered in memory that was set aside at open. */
#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "monitor/monitor.h"
#include "report/findings.h"
#include "report/screen.h"

/* What the lane that answers a signal holds; it may outlive the monitor. */
struct health_lane {
    struct vagus_monitor *monitor;
    uint32_t generation;
    int fd;
    struct report report;
    char text[MONITOR_HEALTH_TEXT_BYTES];
};

static int render(struct vagus_monitor *monitor, struct report *report, uint32_t flags,
                  unsigned columns, struct text *text)
{
    struct segment_reader reader;
    segment_attach_own(&monitor->segment, &reader);
    int64_t now_ns = clock_now_ns(&monitor->clock);
    bool brief = (flags & VAGUS_HEALTH_JSON) == 0 && (flags & VAGUS_HEALTH_BRIEF) != 0;
    int error = brief ? report_load_snapshot(report, &reader, now_ns)
                      : report_load(report, &reader, now_ns);
    if (error != 0)
        return error;
    if (brief)
        report_health_brief(report, (flags & VAGUS_HEALTH_COLOUR) != 0, text);
    else if ((flags & VAGUS_HEALTH_JSON) != 0)
        report_health_json(report, text);
    else
        report_health_text(report, (flags & VAGUS_HEALTH_COLOUR) != 0, columns, text);
    return 0;
}

static int format(struct vagus_monitor *monitor, uint32_t flags, unsigned columns,
                  struct text *text)
{
    if (!monitor_enter(monitor))
        return VAGUS_ECLOSED;
    pthread_mutex_lock(&monitor->report_lock);
    int error = render(monitor, monitor->report, flags, columns, text);
    pthread_mutex_unlock(&monitor->report_lock);
    monitor_leave();
    return error;
}

int vagus_health_format(struct vagus_monitor *monitor, uint32_t flags, char *buffer,
                        size_t capacity, size_t *length)
{
    struct text text;
    if (monitor == NULL || (buffer == NULL && capacity > 0))
        return VAGUS_EINVAL;
    text_init(&text, buffer, capacity);
    int error = format(monitor, flags, 0, &text);
    if (error == 0 && length != NULL)
        *length = text.length;
    return error;
}

static bool wants_colour(int fd)
{
    const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fd) && (no_colour == NULL || no_colour[0] == '\0') &&
           (term == NULL || strcmp(term, "dumb") != 0);
}

int vagus_health_print(struct vagus_monitor *monitor, FILE *stream)
{
    char buffer[MONITOR_HEALTH_TEXT_BYTES];
    struct text text;
    if (monitor == NULL || stream == NULL)
        return VAGUS_EINVAL;
    text_init(&text, buffer, sizeof(buffer));
    int fd = fileno(stream);
    int error =
        format(monitor, wants_colour(fd) ? VAGUS_HEALTH_COLOUR : 0, screen_columns_of(fd), &text);
    if (error == 0 && (fputs(buffer, stream) == EOF || fflush(stream) != 0))
        error = VAGUS_EIO;
    return error;
}

/* --- Alive and ready. --- */

static bool ask(struct vagus_monitor *monitor, char *buffer, size_t capacity,
                bool (*answer)(const struct report *report, struct text *reason))
{
    struct text reason;
    text_init(&reason, buffer, buffer != NULL ? capacity : 0);
    if (monitor == NULL || !monitor_enter(monitor)) {
        text_add(&reason, monitor == NULL ? "no monitor" : vagus_error_message(VAGUS_ECLOSED));
        return false;
    }
    struct segment_reader reader;
    segment_attach_own(&monitor->segment, &reader);
    pthread_mutex_lock(&monitor->report_lock);
    bool yes = report_load_snapshot(monitor->report, &reader, clock_now_ns(&monitor->clock)) == 0 &&
               answer(monitor->report, &reason);
    pthread_mutex_unlock(&monitor->report_lock);
    monitor_leave();
    return yes;
}

bool vagus_alive(struct vagus_monitor *monitor, char *reason, size_t capacity)
{
    return ask(monitor, reason, capacity, report_is_alive);
}

bool vagus_ready(struct vagus_monitor *monitor, char *reason, size_t capacity)
{
    return ask(monitor, reason, capacity, report_is_ready);
}

/* --- On a signal. --- */

static int handlers_at_work;

static void on_signal(int number)
{
    int saved = errno;
    __atomic_add_fetch(&handlers_at_work, 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < VAGUS__DOORS; i++) {
        struct vagus_monitor *monitor = monitor_at(i);
        struct lane *lane = __atomic_load_n(&monitor->health_lane, __ATOMIC_SEQ_CST);
        if (lane == NULL || monitor->health_signal != number)
            continue;
        lane_take(lane); /* nobody else waits for what it did last */
        lane_request(lane);
    }
    __atomic_sub_fetch(&handlers_at_work, 1, __ATOMIC_SEQ_CST);
    errno = saved;
}

static void write_summary(void *arg)
{
    struct health_lane *health = arg;
    struct text text;
    if (monitor_enter_generation(health->generation) == NULL)
        return;
    text_init(&text, health->text, sizeof(health->text));
    render(health->monitor, &health->report, wants_colour(health->fd) ? VAGUS_HEALTH_COLOUR : 0,
           screen_columns_of(health->fd), &text);
    monitor_leave();
    size_t length = strlen(health->text), at = 0;
    while (at < length) {
        ssize_t written = write(health->fd, health->text + at, length - at);
        if (written <= 0 && errno != EINTR)
            return;
        at += written > 0 ? (size_t)written : 0;
    }
}

static int start_lane(struct vagus_monitor *monitor, const struct vagus_monitor_options *options)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};
    struct health_lane *health = calloc(1, sizeof(*health));
    if (health == NULL)
        return VAGUS_ENOMEM;
    health->monitor = monitor;
    health->generation = monitor->generation;
    health->fd = options->health_fd;
    int error = lane_create("vagus-health", write_summary, free, health, &monitor->health_lane);
    if (error != 0) {
        free(health);
        return error;
    }
    sigemptyset(&action.sa_mask);
    if (sigaction(options->health_signal, &action, &monitor->health_before) != 0)
        return VAGUS_EINVAL;
    monitor->health_signal = options->health_signal;
    return 0;
}

int health_init(struct vagus_monitor *monitor, const struct vagus_monitor_options *options)
{
    pthread_mutex_init(&monitor->report_lock, NULL);
    monitor->report = calloc(1, sizeof(*monitor->report));
    if (monitor->report == NULL)
        return VAGUS_ENOMEM;
    return options->health_signal != 0 ? start_lane(monitor, options) : 0;
}

/* What was there before us comes back, unless the host has put something else there since. */
static void restore_signal(const struct vagus_monitor *monitor)
{
    struct sigaction now;
    if (sigaction(monitor->health_signal, NULL, &now) == 0 && now.sa_handler == on_signal)
        sigaction(monitor->health_signal, &monitor->health_before, NULL);
}

/* True if other monitors answer the same signal: the handler stays, and those that found it there
 * when they came take over what this one found. */
static bool hand_on(const struct vagus_monitor *monitor)
{
    bool shared = false;
    for (unsigned i = 0; i < VAGUS__DOORS; i++) {
        struct vagus_monitor *other = monitor_at(i);
        if (other == monitor || other->health_signal != monitor->health_signal)
            continue;
        shared = true;
        if (other->health_before.sa_handler == on_signal)
            other->health_before = monitor->health_before;
    }
    return shared;
}

bool health_finish(struct vagus_monitor *monitor, int64_t deadline_ns)
{
    if (monitor->health_signal != 0 && !hand_on(monitor))
        restore_signal(monitor);
    monitor->health_signal = 0;
    /* The handler may be at work on another thread with the lane in its hand: take it away first,
     * then see the handlers out. They are a few instructions long. */
    struct lane *lane = __atomic_exchange_n(&monitor->health_lane, NULL, __ATOMIC_SEQ_CST);
    while (__atomic_load_n(&handlers_at_work, __ATOMIC_SEQ_CST) > 0)
        sched_yield();
    bool ended = lane_close(lane, deadline_ns);
    free(monitor->report);
    monitor->report = NULL;
    return ended;
}

void health_after_fork_in_child(struct vagus_monitor *monitor)
{
    handlers_at_work = 0;
    if (monitor->health_signal != 0 && !hand_on(monitor))
        restore_signal(monitor);
    monitor->health_signal = 0;
    monitor->health_lane = NULL;
}
