/* SPDX-License-Identifier: Apache-2.0 */
/* A policy on trial. It goes the way of any program: a stepped monitor, a clock and collectors of
 * its own. Two things have no public door and are taken from the monitor itself: the ring of
 * signals, since shadow rules reach no listener, and what each rule is at, for coverage. */
#include "cli/rehearsal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "monitor/monitor.h"

#define PLAIN_MAX 255 /* metrics without instances in one collector */

/* A collector: of metrics without instances, or of all instances of one metric. */
struct group {
    struct rehearsal *rehearsal;
    struct vagus_collector_desc desc;
    struct vagus_metric_desc *metrics;
    char name[16];
    size_t first; /* in fed, + 1; 0: none */
};

enum fed_what { FED_NOTHING = 0, FED_VALUE, FED_MISSING };

struct fed {
    const struct rehearsal_metric *metric;
    size_t next; /* of the same group, + 1 */
    size_t place, instance;
    enum fed_what what;
    double value;
    double total; /* of a recorded counter */
    struct vagus_counter counter;
    struct vagus_gauge gauge;
};

struct rehearsal {
    struct vagus_monitor *monitor;
    struct vagus_listener listener;
    struct vagus_clock clock;
    int64_t now_ns, wall_offset_ns;
    bool started;
    uint64_t seen, lost; /* signals */
    void (*on_signal)(const struct segment_signal *signal, void *arg);
    void *arg;
    struct fed *fed;
    size_t count;
    struct group groups[SEGMENT_COLLECTORS_MAX];
    unsigned group_count;
    struct sigaction before;
    bool watching;
};

/* --- The last resort: the monitor sends SIGTERM to its own process, which is this one. --- */

static volatile sig_atomic_t resorted;

static void on_terminate(int number, siginfo_t *info, void *context)
{
    (void)context;
    if (info->si_pid == getpid()) {
        resorted = 1;
        return;
    }
    signal(number, SIG_DFL);
    raise(number);
}

bool rehearsal_last_resort(struct rehearsal *rehearsal)
{
    bool due = resorted != 0;
    (void)rehearsal;
    resorted = 0;
    return due;
}

static void watch_for_it(struct rehearsal *rehearsal)
{
    struct sigaction action = {.sa_sigaction = on_terminate, .sa_flags = SA_SIGINFO | SA_RESTART};
    resorted = 0;
    rehearsal->watching = sigaction(SIGTERM, &action, &rehearsal->before) == 0;
}

/* --- Feeding. --- */

static int open_group(struct vagus_collector *collector)
{
    struct group *group = vagus_collector_arg(collector);
    struct fed *fed = group->rehearsal->fed;
    for (size_t i = group->first; i != 0; i = fed[i - 1].next) {
        const char *instance = fed[i - 1].metric->desc.instance;
        int place = instance != NULL ? vagus_collector_instance_add(collector, instance) : 0;
        if (place < 0)
            return place;
        fed[i - 1].instance = (size_t)place;
    }
    return 0;
}

static int sample_group(struct vagus_collector *collector, unsigned due)
{
    struct group *group = vagus_collector_arg(collector);
    struct fed *all = group->rehearsal->fed;
    (void)due;
    for (size_t i = group->first; i != 0; i = all[i - 1].next) {
        struct fed *fed = &all[i - 1];
        if (fed->what == FED_VALUE)
            vagus_put(collector, fed->place, fed->instance, fed->value);
        else if (fed->what == FED_MISSING)
            vagus_put_missing(collector, fed->place, fed->instance, VAGUS_EIO);
        fed->what = FED_NOTHING;
    }
    return 0;
}

/* The group that a metric belongs to: made if there is none. NULL: no room. */
static struct group *group_for(struct rehearsal *rehearsal, const struct vagus_metric_desc *desc)
{
    size_t room = desc->instance != NULL ? 2 : PLAIN_MAX + 1;
    for (unsigned i = 0; i < rehearsal->group_count; i++) {
        struct group *group = &rehearsal->groups[i];
        bool many = group->metrics[1].instance != NULL;
        if (desc->instance == NULL ? !many && group->desc.metric_count < room
                                   : many && strcmp(group->metrics[1].name, desc->name) == 0)
            return group;
    }
    if (rehearsal->group_count == SEGMENT_COLLECTORS_MAX)
        return NULL;
    struct group *group = &rehearsal->groups[rehearsal->group_count];
    group->metrics = calloc(room, sizeof(*group->metrics));
    if (group->metrics == NULL)
        return NULL;
    /* On the instant tier, and never put: so that the collector is asked at each step. */
    group->metrics[0] = (struct vagus_metric_desc){
        .name = "vagus.rehearsal", .kind = VAGUS_GAUGE, .tier = VAGUS_TIER_INSTANT};
    snprintf(group->name, sizeof(group->name), "rehearsal_%u", rehearsal->group_count++);
    group->rehearsal = rehearsal;
    group->desc = (struct vagus_collector_desc){.size = sizeof(group->desc),
                                                .name = group->name,
                                                .metrics = group->metrics,
                                                .metric_count = 1,
                                                .open = open_group,
                                                .sample = sample_group,
                                                .arg = group};
    return group;
}

static int sense(struct rehearsal *rehearsal, size_t index)
{
    struct fed *fed = &rehearsal->fed[index];
    const struct vagus_metric_desc *desc = &fed->metric->desc;
    struct group *group = group_for(rehearsal, desc);
    if (group == NULL)
        return VAGUS_EFULL;
    if (desc->instance == NULL || group->desc.metric_count == 1) {
        fed->place = group->desc.metric_count++;
        group->metrics[fed->place] = *desc;
        group->metrics[fed->place].instance = desc->instance != NULL ? "*" : NULL;
    } else {
        fed->place = 1;
    }
    if (desc->instance != NULL && group->desc.instances_max++ == VAGUS_COLLECTOR_INSTANCES_MAX)
        return VAGUS_EFULL;
    fed->next = group->first;
    group->first = index + 1;
    return 0;
}

static int record(struct rehearsal *rehearsal, size_t index)
{
    struct fed *fed = &rehearsal->fed[index];
    const struct vagus_metric_desc *desc = &fed->metric->desc;
    if (desc->kind == VAGUS_COUNTER)
        fed->counter = vagus_counter_define(rehearsal->monitor, desc);
    else
        fed->gauge = vagus_gauge_define(rehearsal->monitor, desc);
    return fed->counter.generation == 0 && fed->gauge.generation == 0 ? VAGUS_EINVAL : 0;
}

/* What the monitor would tell by itself, of its former runs, is fed here like all else. */
static void leave_to_us(struct rehearsal *rehearsal)
{
    struct vagus_monitor *monitor = rehearsal->monitor;
    for (unsigned i = 0; i < CONTINUITY_METRICS; i++) {
        int *metric = &monitor->continuity.metrics[i];
        const char *name =
            *metric >= 0 ? metrics_describe(&monitor->metrics, (uint32_t)*metric)->name : "";
        for (size_t j = 0; j < rehearsal->count; j++)
            if (strcmp(rehearsal->fed[j].metric->desc.name, name) == 0)
                *metric = -1;
    }
}

static int define_all(struct rehearsal *rehearsal, const struct rehearsal_options *options,
                      const char **which)
{
    int error = 0;
    for (size_t i = 0; error == 0 && i < options->metric_count; i++) {
        rehearsal->fed[i].metric = &options->metrics[i];
        *which = options->metrics[i].desc.name;
        error = options->metrics[i].recorded ? record(rehearsal, i) : sense(rehearsal, i);
    }
    for (unsigned i = 0; error == 0 && i < rehearsal->group_count; i++) {
        *which = rehearsal->groups[i].metrics[1].name;
        error = vagus_collector_add(rehearsal->monitor, &rehearsal->groups[i].desc);
    }
    if (error == 0) {
        *which = NULL;
        leave_to_us(rehearsal);
    }
    return error;
}

int rehearsal_put(struct rehearsal *rehearsal, size_t metric, double value)
{
    struct fed *fed = &rehearsal->fed[metric];
    if (!fed->metric->recorded) {
        fed->what = FED_VALUE;
        fed->value = value;
        return 0;
    }
    if (fed->metric->desc.kind == VAGUS_GAUGE) {
        vagus_set(fed->gauge, value);
        return 0;
    }
    if (!(value >= fed->total && value < 0x1p53))
        return VAGUS_EINVAL;
    vagus_add(fed->counter, (uint64_t)value - (uint64_t)fed->total);
    fed->total = value;
    return 0;
}

int rehearsal_miss(struct rehearsal *rehearsal, size_t metric)
{
    struct fed *fed = &rehearsal->fed[metric];
    if (fed->metric->recorded)
        return VAGUS_EINVAL;
    fed->what = FED_MISSING;
    return 0;
}

/* --- Life. --- */

static int64_t monotonic_ns(void *arg)
{
    return ((const struct rehearsal *)arg)->now_ns;
}

static int64_t wall_ns(void *arg)
{
    const struct rehearsal *rehearsal = arg;
    return rehearsal->now_ns + rehearsal->wall_offset_ns;
}

static int open_monitor(struct rehearsal *rehearsal, const struct rehearsal_options *options)
{
    int error = vagus_monitor_open(
        &(struct vagus_monitor_options){
            .size = sizeof(struct vagus_monitor_options),
            .agent_name = "rehearsal",
            .policy_path = options->policy_path,
            .policy_text = options->policy_text,
            .clock = &rehearsal->clock,
            .flags = VAGUS_STEPPED | VAGUS_NO_COLLECTORS | VAGUS_ANONYMOUS_SEGMENT,
            .threads_max = 1,
            .faults = options->faults,
        },
        &rehearsal->monitor);
    if (error != 0)
        return error;
    /* That every chain is closed is to be proved where the agent runs. */
    rehearsal->monitor->config->strict = false;
    return vagus_listener_add(rehearsal->monitor,
                              &(struct vagus_listener_desc){
                                  .size = sizeof(struct vagus_listener_desc),
                                  .name = "rehearsal",
                                  .kinds = VAGUS_SIGNAL_ANY,
                                  .flags = VAGUS_LISTENER_POLLED,
                              },
                              &rehearsal->listener);
}

int rehearsal_open(const struct rehearsal_options *options, struct rehearsal **result,
                   const char **which)
{
    struct rehearsal *rehearsal = calloc(1, sizeof(*rehearsal));
    *which = NULL;
    if (rehearsal == NULL)
        return VAGUS_ENOMEM;
    rehearsal->fed = calloc(options->metric_count + 1, sizeof(*rehearsal->fed));
    rehearsal->count = options->metric_count;
    rehearsal->now_ns = 1;
    rehearsal->wall_offset_ns = options->wall_offset_ns;
    rehearsal->on_signal = options->on_signal;
    rehearsal->arg = options->arg;
    rehearsal->clock = (struct vagus_clock){monotonic_ns, wall_ns, rehearsal};
    int error = rehearsal->fed == NULL ? VAGUS_ENOMEM : open_monitor(rehearsal, options);
    if (error == 0)
        error = define_all(rehearsal, options, which);
    if (error != 0) {
        rehearsal_close(rehearsal);
        return error;
    }
    watch_for_it(rehearsal);
    *result = rehearsal;
    return 0;
}

void rehearsal_close(struct rehearsal *rehearsal)
{
    if (rehearsal == NULL)
        return;
    vagus_monitor_close(rehearsal->monitor);
    if (rehearsal->watching)
        sigaction(SIGTERM, &rehearsal->before, NULL);
    for (unsigned i = 0; i < rehearsal->group_count; i++)
        free(rehearsal->groups[i].metrics);
    free(rehearsal->fed);
    free(rehearsal);
}

/* --- Stepping. --- */

static void hand_over(struct rehearsal *rehearsal)
{
    struct segment *segment = &rehearsal->monitor->segment;
    const struct segment_head *head = segment_head(segment, SEGMENT_SIGNALS);
    const struct segment_signal *ring = segment_entries(segment, SEGMENT_SIGNALS);
    struct vagus_signal taken;
    if (head->count == rehearsal->seen)
        return;
    if (head->count - rehearsal->seen > SEGMENT_SIGNALS_MAX) {
        rehearsal->lost += head->count - rehearsal->seen - SEGMENT_SIGNALS_MAX;
        rehearsal->seen = head->count - SEGMENT_SIGNALS_MAX;
    }
    for (; rehearsal->seen < head->count; rehearsal->seen++)
        rehearsal->on_signal(&ring[rehearsal->seen % SEGMENT_SIGNALS_MAX], rehearsal->arg);
    while (vagus_listener_next(rehearsal->listener, &taken) == 0)
        ; /* it only stands for the services that would be there */
}

int rehearsal_step(struct rehearsal *rehearsal, int64_t now_ns)
{
    rehearsal->now_ns = now_ns > rehearsal->now_ns ? now_ns : rehearsal->now_ns;
    int error = rehearsal->started ? vagus_step(rehearsal->monitor, NULL)
                                   : vagus_monitor_start(rehearsal->monitor);
    rehearsal->started = true;
    if (error == 0)
        hand_over(rehearsal);
    return error;
}

struct vagus_monitor *rehearsal_monitor(struct rehearsal *rehearsal)
{
    return rehearsal->monitor;
}

uint64_t rehearsal_lost(const struct rehearsal *rehearsal)
{
    return rehearsal->lost;
}

void rehearsal_watched(const struct rehearsal *rehearsal,
                       void (*on_watched)(const struct judge_watched *watched, void *arg),
                       void *arg)
{
    judge_watched(rehearsal->monitor->judge, on_watched, arg);
}

void rehearsal_transition(const struct rehearsal *rehearsal,
                          struct rehearsal_transition *transition)
{
    const struct modes *modes = &rehearsal->monitor->modes;
    *transition = (struct rehearsal_transition){.changes = modes->changes};
    if (modes->changes == 0)
        return;
    const struct mode_transition *taken = &modes->machine.transitions[modes->entered_by];
    transition->from = modes->names[taken->from];
    transition->to = modes->names[taken->to];
    transition->when = taken->when;
    if (taken->resources != MODE_ANY_RESOURCE)
        transition->resource =
            bus_resource_name(rehearsal->monitor->bus, (unsigned)__builtin_ctz(taken->resources));
}
