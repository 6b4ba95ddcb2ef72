/* SPDX-License-Identifier: Apache-2.0 */
/* What is felt here, and what that costs. One monitor runs for a second as in an agent, so that
 * lanes that hang, rates and its own share of a core are as they would be; another is stepped on a
 * clock of its own, so that every tier can be sampled warm and after a rest. */
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/doctor.h"
#include "monitor/monitor.h"

#define WATCHED_NS (1250 * VAGUS_MILLISECOND_NS)
#define REST_NS (100 * VAGUS_MILLISECOND_NS)
#define MEASURED_S 10
#define WARM_ROUNDS 5
#define COLD_ROUNDS 5

/* --- Out of the segment. --- */

struct look {
    struct segment_metric *metrics;
    struct vagus_reading *readings;
    uint64_t count;
    int64_t now_ns;
};

static void look_free(struct look *look)
{
    free(look->metrics);
    free(look->readings);
    *look = (struct look){0};
}

static int look_take(struct look *look, const struct segment_reader *reader, int64_t now_ns)
{
    struct segment_head head;
    uint64_t capacity = reader->header.sections[SEGMENT_DIRECTORY].capacity, values = 0;
    *look = (struct look){.now_ns = now_ns};
    look->metrics = calloc(capacity + 1, sizeof(*look->metrics));
    look->readings = calloc(capacity + 1, sizeof(*look->readings));
    int error = look->metrics == NULL || look->readings == NULL ? VAGUS_ENOMEM : 0;
    if (error == 0)
        error = segment_read_entries(reader, SEGMENT_DIRECTORY, 0, capacity, look->metrics,
                                     &look->count, &head);
    if (error == 0)
        error = segment_read_entries(reader, SEGMENT_VALUES, 0, look->count, look->readings,
                                     &values, &head);
    if (error == 0)
        look->count = values < look->count ? values : look->count;
    else
        look_free(look);
    return error;
}

/* How a state ranks when one of several instances is to speak for all. */
static unsigned rank(enum vagus_state state)
{
    static const unsigned char ranks[] = {[VAGUS_STATE_OK] = 4,
                                          [VAGUS_STATE_STALE] = 3,
                                          [VAGUS_STATE_ERROR] = 2,
                                          [VAGUS_STATE_UNSUPPORTED] = 1,
                                          [VAGUS_STATE_NEVER] = 0};
    return ranks[state];
}

static struct doctor_metric look_for(const struct look *look, const char *name)
{
    struct doctor_metric metric = {.state = VAGUS_STATE_NEVER};
    text_copy(metric.name, sizeof(metric.name), name);
    for (uint64_t i = 0; i < look->count; i++) {
        if (strcmp(look->metrics[i].name, name) != 0)
            continue;
        enum vagus_state state = vagus_reading_state(&look->readings[i], look->now_ns);
        if (metric.instances++ == 0 || rank(state) > rank(metric.state)) {
            metric.state = state;
            metric.error = look->readings[i].error;
        }
    }
    return metric;
}

/* Those that brought no value yet: rates need two samples of their tier. */
static void update_sense(struct doctor_sense *sense, const struct vagus_collector_desc *desc,
                         const struct look *look)
{
    sense->felt = sense->pending = sense->metric_count = 0;
    for (size_t i = 0; i < desc->metric_count; i++) {
        struct doctor_metric before = {.state = VAGUS_STATE_NEVER};
        struct doctor_metric metric = look_for(look, desc->metrics[i].name);
        if (i < DOCTOR_METRICS_MAX && sense->metrics > 0)
            before = sense->metric[i];
        if (rank(before.state) > rank(metric.state))
            metric = before;
        sense->felt += metric.state == VAGUS_STATE_OK || metric.state == VAGUS_STATE_STALE;
        sense->pending += metric.state == VAGUS_STATE_NEVER;
        if (i < DOCTOR_METRICS_MAX)
            sense->metric[sense->metric_count++] = metric;
    }
    sense->metrics = (unsigned)desc->metric_count;
}

/* A sense of paths is there once for each: "disk", "disk_2". */
static bool is_of_sense(const char *collector, const char *sense)
{
    size_t length = strlen(sense);
    if (strncmp(collector, sense, length) != 0)
        return false;
    const char *rest = collector + length;
    rest += *rest == '_' || *rest == '-' || *rest == '.';
    return rest[strspn(rest, "0123456789")] == '\0';
}

static void update_senses(struct doctor *doctor, const struct report *report,
                          const struct look *look)
{
    for (size_t i = 0; sense_builtin[i] != NULL && i < DOCTOR_SENSES_MAX; i++) {
        const struct vagus_collector_desc *desc = sense_builtin[i];
        struct doctor_sense *sense = &doctor->senses[i];
        if (i >= doctor->sense_count) {
            *sense = (struct doctor_sense){.warm_ns = NAN, .cold_ns = NAN};
            text_copy(sense->name, sizeof(sense->name), desc->name);
            text_copy(sense->help, sizeof(sense->help), desc->help != NULL ? desc->help : "");
            sense->lane = (desc->flags & VAGUS_COLLECTOR_BLOCKING) != 0;
            doctor->sense_count = (unsigned)i + 1;
        }
        update_sense(sense, desc, look);
        for (uint32_t c = 0; c < report->collector_count; c++) {
            const struct segment_collector *shown = &report->collectors[c];
            if (!is_of_sense(shown->name, sense->name))
                continue;
            sense->error = shown->error;
            sense->hung |= shown->busy_since_ns != 0 &&
                           look->now_ns - shown->busy_since_ns > VAGUS_SECOND_NS / 2;
        }
    }
}

static double value_of(const struct look *look, const char *name, int32_t *error)
{
    *error = VAGUS_ENOENT;
    for (uint64_t i = 0; i < look->count; i++)
        if (strcmp(look->metrics[i].name, name) == 0) {
            *error = look->readings[i].error;
            return *error == 0 && look->readings[i].taken_ns != 0 ? look->readings[i].value : NAN;
        }
    return NAN;
}

/* A collector that measures what each call of its driver costs shows it as "*.duration" by call. */
static void note_calls(struct doctor *doctor, const struct look *look)
{
    for (uint64_t i = 0; i < look->count && doctor->call_count < DOCTOR_CALLS_MAX; i++) {
        const struct segment_metric *metric = &look->metrics[i];
        size_t length = strlen(metric->name);
        if (length < 9 || strcmp(metric->name + length - 9, ".duration") != 0 ||
            strcmp(metric->unit, "s") != 0 || metric->instance[0] == '\0' ||
            strcmp(metric->name, "vagus.collector.duration") == 0 || look->readings[i].error != 0 ||
            look->readings[i].taken_ns == 0)
            continue;
        struct doctor_call *call = &doctor->calls[doctor->call_count++];
        snprintf(call->name, sizeof(call->name), "%s{%s}", metric->name, metric->instance);
        call->seconds = look->readings[i].value;
    }
}

/* --- The first monitor. --- */

/* What it says of itself, but for what a doctor brings about: no service listens to it. */
static void take_notes(struct doctor *doctor, const struct report *report)
{
    for (uint32_t i = 0; i < report->note_count; i++) {
        const struct segment_note *note = &report->notes[i];
        if (note->kind == SEGMENT_NOTE_UNWIRED || strncmp(note->text, "no black box", 12) == 0 ||
            strncmp(note->text, "no memory cgroup", 16) == 0) /* looked at more closely below */
            continue;
        doctor_add(doctor, DOCTOR_MACHINE,
                   note->kind == SEGMENT_NOTE_INFO ? DOCTOR_FINE : DOCTOR_CHANGE, "monitor", "%s",
                   note->text);
    }
}

/* A rule whose metric cannot be felt never raises anything. What the agent itself records is not
 * known here. */
static void check_rules(struct doctor *doctor, const struct vagus_config *config)
{
    for (uint32_t r = 0; r < config->rule_count; r++)
        for (unsigned s = 0; s < doctor->sense_count; s++)
            for (unsigned m = 0; m < doctor->senses[s].metric_count; m++) {
                const struct doctor_metric *metric = &doctor->senses[s].metric[m];
                const char *judged = config->rules[r].metric; /* NULL: it judges other rules */
                if (judged == NULL || strcmp(metric->name, judged) != 0 || metric->error == 0)
                    continue;
                doctor_advise(doctor_add(doctor, DOCTOR_SENSES, DOCTOR_SERIOUS, "rule",
                                         "%s judges %s, which cannot be had here: %s",
                                         config->rules[r].name, metric->name,
                                         vagus_error_message(metric->error)),
                              "make %s readable, or take the rule %s out of the policy",
                              metric->name, config->rules[r].name);
            }
}

static int64_t cpu_used_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (int64_t)used.tv_sec * VAGUS_SECOND_NS + used.tv_nsec;
}

static int watch(struct doctor *doctor, struct vagus_monitor *monitor)
{
    static struct report report;
    struct segment_reader reader;
    struct look look;
    int64_t began_ns = vagus_now_ns(), end_ns = began_ns + WATCHED_NS;
    int64_t used_ns = cpu_used_ns();
    for (int64_t now_ns; (now_ns = vagus_now_ns()) < end_ns;)
        nanosleep(&(struct timespec){.tv_sec = (time_t)((end_ns - now_ns) / VAGUS_SECOND_NS),
                                     .tv_nsec = (long)((end_ns - now_ns) % VAGUS_SECOND_NS)},
                  NULL);
    /* This thread slept, so what was used is the sampler's and the lanes'. */
    doctor->cpu_ratio = (double)(cpu_used_ns() - used_ns) / (double)(vagus_now_ns() - began_ns);
    segment_attach_own(&monitor->segment, &reader);
    text_copy(doctor->segment_path, sizeof(doctor->segment_path), monitor->segment.path);
    text_copy(doctor->why_anonymous, sizeof(doctor->why_anonymous), monitor->segment.why_anonymous);
    int error = report_load(&report, &reader, vagus_now_ns());
    if (error == 0)
        error = look_take(&look, &reader, report.now_ns);
    if (error != 0)
        return error;
    int32_t ignored;
    update_senses(doctor, &report, &look);
    note_calls(doctor, &look);
    doctor->limit_bytes = value_of(&look, "memory.limit", &doctor->limit_error);
    doctor->headroom_bytes = value_of(&look, "memory.headroom", &ignored);
    take_notes(doctor, &report);
    check_rules(doctor, monitor->config);
    look_free(&look);
    return 0;
}

static void hear_nothing(const struct vagus_signal *signal, void *arg)
{
    (void)signal;
    (void)arg;
}

static int open_and_start(const struct doctor_options *options,
                          struct vagus_monitor_options monitor_options,
                          struct vagus_monitor **monitor)
{
    monitor_options.size = sizeof(monitor_options);
    monitor_options.agent_name = "doctor";
    monitor_options.policy_path = options->policy_path;
    monitor_options.host_root = options->root;
    int error = vagus_monitor_open(&monitor_options, monitor);
    if (error != 0)
        return error;
    /* So that a strict policy finds somebody who listens. */
    vagus_listener_add(*monitor,
                       &(struct vagus_listener_desc){.size = sizeof(struct vagus_listener_desc),
                                                     .name = "doctor",
                                                     .kinds = VAGUS_SIGNAL_ANY,
                                                     .on_signal = hear_nothing},
                       NULL);
    error = vagus_monitor_start(*monitor);
    if (error != 0) {
        vagus_monitor_close(*monitor);
        *monitor = NULL;
    }
    return error;
}

static int watch_as_an_agent(struct doctor *doctor, const struct doctor_options *options)
{
    struct vagus_monitor *monitor = NULL;
    int error = open_and_start(options, (struct vagus_monitor_options){0}, &monitor);
    if (error != 0)
        return error;
    error = watch(doctor, monitor);
    vagus_monitor_close(monitor);
    if (doctor->segment_path[0] != '\0')
        unlink(doctor->segment_path); /* a look is no life to remember */
    return error;
}

/* --- The second one: costs. --- */

static int64_t leap_ns; /* by which the second monitor's clock is ahead */

static int64_t leaping_now_ns(void *arg)
{
    (void)arg;
    return vagus_now_ns() + leap_ns;
}

static const struct vagus_clock leaping = {leaping_now_ns, leaping_now_ns, NULL};

/* One step that finds `ahead_ns` gone; how long it took. */
static double step_ns(struct vagus_monitor *monitor, int64_t ahead_ns)
{
    leap_ns += ahead_ns;
    int64_t began_ns = vagus_now_ns();
    vagus_step(monitor, NULL);
    return (double)(vagus_now_ns() - began_ns);
}

static double least(double a, double b)
{
    return isnan(a) || b < a ? b : a;
}

static void note_costs(struct doctor *doctor, struct vagus_monitor *monitor, bool cold)
{
    static struct report report;
    struct segment_reader reader;
    segment_attach_own(&monitor->segment, &reader);
    if (report_load(&report, &reader, vagus_now_ns()) != 0)
        return;
    for (unsigned s = 0; s < doctor->sense_count; s++)
        for (uint32_t c = 0; c < report.collector_count; c++) {
            struct doctor_sense *sense = &doctor->senses[s];
            const struct segment_collector *shown = &report.collectors[c];
            if (!is_of_sense(shown->name, sense->name) || shown->samples == 0)
                continue;
            double *cost = cold ? &sense->cold_ns : &sense->warm_ns;
            *cost = least(*cost, (double)shown->took_ns);
        }
}

/* The least of several: what the machine did meanwhile is not the sense's. */
static void measure(struct doctor *doctor, struct vagus_monitor *monitor)
{
    static struct report report;
    struct segment_reader reader;
    struct look look;
    for (int i = 0; i < WARM_ROUNDS; i++) {
        step_ns(monitor, 60 * VAGUS_SECOND_NS);
        note_costs(doctor, monitor, false);
        doctor->tick_warm_ns = least(doctor->tick_warm_ns, step_ns(monitor, REST_NS));
    }
    for (int i = 0; i < COLD_ROUNDS; i++) {
        nanosleep(&(struct timespec){.tv_nsec = REST_NS}, NULL);
        if (i % 2 == 1) {
            doctor->tick_cold_ns = least(doctor->tick_cold_ns, step_ns(monitor, 0));
            continue;
        }
        step_ns(monitor, 60 * VAGUS_SECOND_NS);
        note_costs(doctor, monitor, true);
    }
    segment_attach_own(&monitor->segment, &reader);
    if (report_load(&report, &reader, leaping_now_ns(NULL)) == 0 &&
        look_take(&look, &reader, report.now_ns) == 0) {
        update_senses(doctor, &report, &look);
        look_free(&look);
    }
}

/* In a thread of its own with findings of its own: what hangs only now is left behind. */
struct measuring {
    struct doctor doctor;
    const struct doctor_options *options;
};

static void *measure_apart(void *arg)
{
    struct measuring *measuring = arg;
    struct vagus_monitor *monitor = NULL;
    struct vagus_monitor_options stepped = {.flags = VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT,
                                            .clock = &leaping};
    if (open_and_start(measuring->options, stepped, &monitor) == 0)
        measure(&measuring->doctor, monitor);
    vagus_monitor_close(monitor);
    return NULL;
}

static void measure_within(struct doctor *doctor, const struct doctor_options *options)
{
    static struct measuring measuring;
    struct timespec until;
    pthread_t thread;
    measuring = (struct measuring){.doctor = *doctor, .options = options};
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += MEASURED_S;
    if (pthread_create(&thread, NULL, measure_apart, &measuring) != 0)
        return;
    if (pthread_timedjoin_np(thread, NULL, &until) == 0)
        *doctor = measuring.doctor;
    else
        doctor_advise(doctor_add(doctor, DOCTOR_COST, DOCTOR_CHANGE, "cost",
                                 "not measured: a sense did not answer within %d s", MEASURED_S),
                      "find what hangs (a network mount, a driver) and try again");
}

int doctor_feel(struct doctor *doctor, const struct doctor_options *options)
{
    doctor->cpu_ratio = doctor->tick_warm_ns = doctor->tick_cold_ns = NAN;
    doctor->limit_bytes = doctor->headroom_bytes = NAN;
    doctor->limit_error = VAGUS_ENOENT;
    int error = watch_as_an_agent(doctor, options);
    bool hung = false;
    for (unsigned i = 0; i < doctor->sense_count; i++)
        hung |= doctor->senses[i].hung;
    /* A stepped monitor has no lanes: what hangs would hang the doctor. */
    if (error != 0 || hung)
        return error;
    measure_within(doctor, options);
    return 0;
}
