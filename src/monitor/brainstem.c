/* SPDX-License-Identifier: Apache-2.0 */
/* The brainstem: one beat, and the sleep between two. It listens as any polled listener does and
 * enters the monitor for moments only, so the monitor may close at any time: the end of the
 * listener wakes the loop, and the memory lives until both have let go of it. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "monitor/monitor.h"
#include "vagus/brainstem.h"

#define PERIOD_NS (100 * VAGUS_MILLISECOND_NS)
#define PERIOD_MIN_NS VAGUS_MILLISECOND_NS
#define PERIOD_MAX_NS (3600 * VAGUS_SECOND_NS)

/* What the loop was asked for. */
enum asked { ASKED_STOP = 1, ASKED_CLOSE = 2 };

struct vagus_brainstem {
    unsigned references; /* atomic: the host's and the listener's */
    uint32_t asked;      /* atomic: enum asked */
    uint32_t beating;    /* atomic */
    int wake;            /* eventfd, readable from the first request on */
    pid_t pid;           /* whose loop it is: a forked child has the same eventfd */
    int events;          /* epoll: that, and the listener's descriptor */
    struct vagus_monitor *monitor;
    struct vagus_listener listener;
    struct vagus_brainstem_options options;
    struct vagus_cap caps[VAGUS_BRAINSTEM_CAPS];

    /* Who beats. */
    struct vagus_beat beat;
    int64_t next_ns;    /* the next regular beat */
    int64_t hook_ns;    /* when the newest hook came back */
    uint64_t agreed_in; /* the snapshot whose request was agreed to; 0 */
    double cap_values[VAGUS_BRAINSTEM_CAPS];
    struct vagus_signal signals[BUS_SLOTS_ALL];
    struct vagus_system_snapshot selves[2];
};

/* --- Life. --- */

static void unref(struct vagus_brainstem *stem)
{
    if (__atomic_sub_fetch(&stem->references, 1, __ATOMIC_ACQ_REL) > 0)
        return;
    if (stem->wake >= 0)
        close(stem->wake);
    free(stem);
}

/* In a signal handler too. */
static void ask(struct vagus_brainstem *stem, enum asked what)
{
    int error = errno;
    uint64_t one = 1;
    __atomic_fetch_or(&stem->asked, (uint32_t)what, __ATOMIC_SEQ_CST);
    if (stem->pid == getpid() && write(stem->wake, &one, sizeof(one)) < 0)
        errno = error; /* it is readable many times over already */
    errno = error;
}

/* The monitor closes, or somebody removed the listener. */
static void on_listener_end(void *arg)
{
    ask(arg, ASKED_CLOSE);
    unref(arg);
}

static bool is_within(int64_t value_ns, int64_t least_ns, int64_t most_ns)
{
    return value_ns >= least_ns && value_ns <= most_ns;
}

/* Takes the options over, with what is left open filled in. */
static bool take_options(struct vagus_brainstem *stem, const struct vagus_brainstem_options *given)
{
    struct vagus_brainstem_options *options = &stem->options;
    memcpy(options, given, given->size < sizeof(*options) ? given->size : sizeof(*options));
    if (options->name == NULL)
        options->name = "brainstem";
    if (options->period_ns == 0)
        options->period_ns = PERIOD_NS;
    if (options->rest_ns == 0)
        options->rest_ns = options->period_ns / 10;
    if (options->slow_ns == 0)
        options->slow_ns = options->period_ns;
    if (options->kinds == 0)
        options->kinds = VAGUS_SIGNAL_ANY | VAGUS_MODE_CHANGE;
    return options->act != NULL && options->flags == 0 &&
           is_within(options->period_ns, PERIOD_MIN_NS, PERIOD_MAX_NS) &&
           is_within(options->rest_ns, 0, options->period_ns) &&
           is_within(options->slow_ns, 0, INT64_MAX);
}

static int find_caps(struct vagus_brainstem *stem)
{
    const char *const *names = stem->options.caps;
    for (; names != NULL && names[stem->beat.cap_count] != NULL; stem->beat.cap_count++) {
        if (stem->beat.cap_count == VAGUS_BRAINSTEM_CAPS)
            return VAGUS_EINVAL;
        stem->caps[stem->beat.cap_count] =
            vagus_cap_find(stem->monitor, names[stem->beat.cap_count]);
    }
    return 0;
}

static int watch(struct vagus_brainstem *stem, int fd)
{
    struct epoll_event event = {.events = EPOLLIN};
    return epoll_ctl(stem->events, EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : VAGUS_ERESOURCE;
}

static int listen_to(struct vagus_brainstem *stem)
{
    stem->references++; /* first: the listener may end before this thread goes on */
    int error = vagus_listener_add(stem->monitor,
                                   &(struct vagus_listener_desc){
                                       .size = sizeof(struct vagus_listener_desc),
                                       .name = stem->options.name,
                                       .kinds = stem->options.kinds,
                                       .flags = VAGUS_LISTENER_POLLED,
                                       .arg = stem,
                                       .destroy = on_listener_end,
                                   },
                                   &stem->listener);
    if (error != 0) {
        stem->references--;
        return error;
    }
    /* From inside, so that the descriptor is still the listener's. epoll holds on to what it stands
     * for, and not to its number. */
    struct vagus_monitor *monitor = monitor_enter_generation(stem->listener.generation);
    if (monitor == NULL)
        return VAGUS_ECLOSED;
    error = watch(stem, bus_listener_fd(monitor->bus, stem->listener));
    monitor_leave();
    return error;
}

int vagus_brainstem_create(struct vagus_monitor *monitor,
                           const struct vagus_brainstem_options *options,
                           struct vagus_brainstem **brainstem)
{
    if (monitor == NULL || options == NULL || brainstem == NULL ||
        options->size < sizeof(options->size))
        return VAGUS_EINVAL;
    struct vagus_brainstem *stem = calloc(1, sizeof(*stem));
    if (stem == NULL)
        return VAGUS_ENOMEM;
    stem->references = 1;
    stem->monitor = monitor;
    stem->pid = getpid();
    stem->events = epoll_create1(EPOLL_CLOEXEC);
    stem->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    stem->beat.self = stem->beat.self_before = &stem->selves[0];
    stem->beat.signals = stem->signals;
    stem->beat.caps = stem->cap_values;
    int error = take_options(stem, options) ? find_caps(stem) : VAGUS_EINVAL;
    if (error == 0)
        error = stem->events < 0 || stem->wake < 0 ? VAGUS_ERESOURCE : watch(stem, stem->wake);
    if (error == 0)
        error = listen_to(stem);
    if (error != 0) {
        vagus_brainstem_destroy(stem);
        return error;
    }
    stem->options.name = NULL; /* the caller's, and copied */
    stem->options.caps = NULL;
    stem->beat.listener = stem->listener;
    *brainstem = stem;
    return 0;
}

void vagus_brainstem_destroy(struct vagus_brainstem *stem)
{
    if (stem == NULL)
        return;
    /* First: the listener's descriptor may soon be another listener's. */
    if (stem->events >= 0)
        close(stem->events);
    vagus_listener_remove(stem->listener);
    unref(stem);
}

void vagus_brainstem_stop(struct vagus_brainstem *stem)
{
    if (stem != NULL)
        ask(stem, ASKED_STOP);
}

int vagus_brainstem_fd(const struct vagus_brainstem *stem)
{
    return stem != NULL ? stem->events : VAGUS_EINVAL;
}

/* --- The look. --- */

/* Counts the regular beats that fell out and finds the next one. */
static void keep_time(struct vagus_brainstem *stem, int64_t now_ns)
{
    struct vagus_beat *beat = &stem->beat;
    const struct vagus_brainstem_options *options = &stem->options;
    int64_t ahead_ns = clock_span_ns(now_ns, stem->next_ns);
    beat->elapsed_ns = beat->number > 0 ? clock_span_ns(beat->now_ns, now_ns) : 0;
    beat->missed = 0;
    if (beat->number == 0 || ahead_ns > options->period_ns) { /* or the clock went back */
        stem->next_ns = clock_add_ns(now_ns, options->period_ns);
    } else if (ahead_ns <= 0) {
        beat->missed = (uint64_t)(-ahead_ns / options->period_ns);
        stem->next_ns = clock_add_ns(now_ns, options->period_ns - -ahead_ns % options->period_ns);
    } else if (ahead_ns < options->rest_ns) {
        /* It came early, and so late that it stands for the regular one too. */
        stem->next_ns = clock_add_ns(stem->next_ns, options->period_ns);
    }
    beat->missed_total += beat->missed;
    beat->number++;
    beat->now_ns = now_ns;
}

static void take_signals(struct vagus_brainstem *stem, struct bus *bus)
{
    struct vagus_beat *beat = &stem->beat;
    beat->signal_count = 0;
    while (beat->signal_count < BUS_SLOTS_ALL &&
           bus_listener_next(bus, stem->listener, &stem->signals[beat->signal_count]) == 0)
        beat->signal_count++;
}

static bool has_signal(const struct vagus_system_snapshot *self,
                       const struct vagus_snapshot_signal *wanted)
{
    for (uint32_t i = 0; i < self->signal_count && i < VAGUS_SNAPSHOT_SIGNALS; i++)
        if (self->signals[i].kind == wanted->kind &&
            strcmp(self->signals[i].resource, wanted->resource) == 0)
            return true;
    return false;
}

static bool signals_differ(const struct vagus_system_snapshot *a,
                           const struct vagus_system_snapshot *b)
{
    bool differ = a->signal_count != b->signal_count;
    for (uint32_t i = 0; !differ && i < a->signal_count && i < VAGUS_SNAPSHOT_SIGNALS; i++)
        differ = !has_signal(b, &a->signals[i]);
    return differ;
}

static uint32_t changes_of(const struct vagus_beat *beat, uint32_t kinds_before)
{
    const struct vagus_snapshot_mode *mode = &beat->self->mode, *before = &beat->self_before->mode;
    if (beat->number == 1)
        return VAGUS_BEAT_VERDICT | VAGUS_BEAT_MODE | VAGUS_BEAT_SIGNALS | VAGUS_BEAT_WAITS;
    bool signals = beat->kinds != kinds_before || signals_differ(beat->self, beat->self_before);
    bool modes = mode->changes != before->changes || strcmp(mode->name, before->name) != 0;
    return (beat->verdict != beat->verdict_before ? VAGUS_BEAT_VERDICT : 0) |
           (modes ? VAGUS_BEAT_MODE : 0) | (signals ? VAGUS_BEAT_SIGNALS : 0) |
           (strcmp(mode->waits_for, before->waits_for) != 0 ? VAGUS_BEAT_WAITS : 0);
}

/* All that a beat is told. False if the monitor is closed. */
static bool look(struct vagus_brainstem *stem)
{
    struct vagus_beat *beat = &stem->beat;
    struct vagus_system_snapshot *spare =
        beat->self == &stem->selves[0] ? &stem->selves[1] : &stem->selves[0];
    struct vagus_monitor *monitor = monitor_enter_generation(stem->listener.generation);
    if (monitor == NULL)
        return false;
    take_signals(stem, monitor->bus); /* first: the snapshot is at least as new */
    bool copied = vagus_snapshot_copy(monitor, spare, sizeof(*spare)) == 0;
    uint64_t levels = __atomic_load_n(&monitor->levels, __ATOMIC_RELAXED);
    keep_time(stem, clock_now_ns(&monitor->clock));
    monitor_leave();

    uint32_t kinds_before = beat->kinds;
    beat->self_before = beat->self;
    if (copied)
        beat->self = spare;
    beat->kinds = 0;
    for (uint32_t kind = VAGUS_THROTTLE; kind <= VAGUS_SHUTDOWN; kind <<= 1)
        beat->kinds |= bus_level(levels, kind) > 0 ? kind : 0;
    beat->verdict_before = beat->verdict;
    beat->verdict = vagus_snapshot_verdict(beat->self, beat->now_ns);
    for (uint32_t i = 0; i < beat->cap_count; i++)
        stem->cap_values[i] = vagus_cap_value(stem->caps[i]);
    beat->changed = changes_of(beat, kinds_before);
    return true;
}

/* --- The hooks. --- */

/* Where the slowest one of a beat is gathered for the next. */
struct slowest {
    const char *hook;
    int64_t ns;
};

/* A hook came back. What cannot be told, since it closed the monitor, took no time. */
static void note(struct vagus_brainstem *stem, const char *hook, struct slowest *slowest)
{
    struct vagus_monitor *monitor = monitor_enter_generation(stem->listener.generation);
    if (monitor == NULL)
        return;
    int64_t now_ns = clock_now_ns(&monitor->clock);
    monitor_leave();
    int64_t took_ns = clock_span_ns(stem->hook_ns, now_ns);
    stem->hook_ns = now_ns;
    if (took_ns > stem->options.slow_ns && took_ns > slowest->ns)
        *slowest = (struct slowest){hook, took_ns};
}

/* An agreement holds for the request that is waiting. By the next look at the modes it is taken or
 * gone, and the snapshot tells which: until then it is not asked for again. */
static void ask_for_consent(struct vagus_brainstem *stem, struct slowest *slowest)
{
    const struct vagus_beat *beat = &stem->beat;
    const struct vagus_brainstem_options *options = &stem->options;
    const char *to = beat->self->mode.waits_for;
    if (options->consent == NULL || to[0] == '\0' || beat->verdict == VAGUS_VERDICT_UNKNOWN ||
        stem->agreed_in == beat->self->sequence)
        return;
    bool agrees = options->consent(beat, to, options->arg);
    note(stem, "consent", slowest);
    struct vagus_monitor *monitor = monitor_enter_generation(stem->listener.generation);
    if (monitor == NULL)
        return;
    pthread_mutex_lock(&monitor->step_lock); /* another policy may bring other modes */
    if (!agrees)
        modes_refuse(&monitor->modes);
    else if (modes_consent(&monitor->modes, to) == 0)
        stem->agreed_in = beat->self->sequence;
    pthread_mutex_unlock(&monitor->step_lock);
    monitor_leave();
}

int vagus_brainstem_decide(const struct vagus_beat *beat)
{
    if (beat->kinds & VAGUS_SHUTDOWN)
        return VAGUS_DECISION_END;
    if ((beat->kinds & VAGUS_DEFER) || beat->verdict == VAGUS_VERDICT_UNKNOWN)
        return VAGUS_DECISION_WAIT;
    return beat->kinds & VAGUS_THROTTLE ? VAGUS_DECISION_SLOW : VAGUS_DECISION_GO;
}

static void live(struct vagus_brainstem *stem)
{
    const struct vagus_brainstem_options *options = &stem->options;
    struct vagus_beat *beat = &stem->beat;
    struct slowest slowest = {NULL, 0};
    int decision;
    stem->hook_ns = beat->now_ns;
    if (options->before != NULL) {
        options->before(beat, options->arg);
        note(stem, "before", &slowest);
    }
    ask_for_consent(stem, &slowest);
    if (options->decide != NULL) {
        decision = options->decide(beat, options->arg);
        note(stem, "decide", &slowest);
    } else {
        decision = vagus_brainstem_decide(beat);
    }
    options->act(beat, decision, options->arg);
    note(stem, "act", &slowest);
    if (options->after != NULL) {
        options->after(beat, options->arg);
        note(stem, "after", &slowest);
    }
    beat->slow = slowest.hook;
    beat->slow_ns = slowest.ns;
}

int vagus_brainstem_beat(struct vagus_brainstem *stem, int64_t *next_ns)
{
    if (stem == NULL)
        return VAGUS_EINVAL;
    if (__atomic_exchange_n(&stem->beating, 1, __ATOMIC_ACQUIRE))
        return VAGUS_ESTATE;
    int error = 0;
    uint32_t asked = __atomic_load_n(&stem->asked, __ATOMIC_ACQUIRE);
    if (asked & ASKED_STOP)
        error = VAGUS_ESTATE;
    else if ((asked & ASKED_CLOSE) != 0 || !look(stem))
        error = VAGUS_ECLOSED;
    if (error == 0) {
        live(stem);
        if (next_ns != NULL)
            *next_ns = stem->next_ns;
    }
    __atomic_store_n(&stem->beating, 0, __ATOMIC_RELEASE);
    return error;
}

/* --- The sleep. --- */

/* Until something comes in, or that time; true if there is reason to beat no more. */
static bool wait_for(struct vagus_brainstem *stem, int fd, int64_t until_ns)
{
    for (;;) {
        if (__atomic_load_n(&stem->asked, __ATOMIC_ACQUIRE) != 0)
            return true;
        struct vagus_monitor *monitor = monitor_enter_generation(stem->listener.generation);
        if (monitor == NULL)
            return true;
        int64_t wait_ns = clock_span_ns(clock_now_ns(&monitor->clock), until_ns);
        monitor_leave();
        if (wait_ns <= 0)
            return false;
        struct timespec wait = {.tv_sec = wait_ns / VAGUS_SECOND_NS,
                                .tv_nsec = wait_ns % VAGUS_SECOND_NS};
        struct pollfd waiting = {.fd = fd, .events = POLLIN};
        if (ppoll(&waiting, 1, &wait, NULL) > 0)
            return __atomic_load_n(&stem->asked, __ATOMIC_ACQUIRE) != 0;
    }
}

int vagus_brainstem_run(struct vagus_brainstem *stem)
{
    int64_t next_ns;
    int error;
    while ((error = vagus_brainstem_beat(stem, &next_ns)) == 0) {
        int64_t rested_ns = clock_add_ns(stem->hook_ns, stem->options.rest_ns);
        if (!wait_for(stem, stem->wake, rested_ns))
            wait_for(stem, stem->events, next_ns);
    }
    bool stopped = stem != NULL && error == VAGUS_ESTATE &&
                   (__atomic_load_n(&stem->asked, __ATOMIC_ACQUIRE) & ASKED_STOP) != 0;
    return stopped ? 0 : error;
}
