/* SPDX-License-Identifier: Apache-2.0 */
/* Open, start, step, close. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fault.h"
#include "config/preset.h"
#include "host/cgroup.h"
#include "monitor/monitor.h"
#include "sense/watcher.h"

#define METRICS_MAX_DEFAULT 1024
#define METRICS_MAX_MOST 16384
#define THREADS_MAX_DEFAULT 64
#define THREADS_MAX_MOST 1024

static uint32_t given_or(uint32_t given, uint32_t otherwise)
{
    return given != 0 ? given : otherwise;
}

/* The options as this build knows them, whatever the size of the caller's struct. */
static int take_options(const struct vagus_monitor_options *given,
                        struct vagus_monitor_options *options)
{
    *options = (struct vagus_monitor_options){.size = sizeof(*options)};
    if (given != NULL) {
        if (given->size < offsetof(struct vagus_monitor_options, flags))
            return VAGUS_EINVAL;
        memcpy(options, given, given->size < sizeof(*options) ? given->size : sizeof(*options));
    }
    options->metrics_max = given_or(options->metrics_max, METRICS_MAX_DEFAULT);
    options->threads_max = given_or(options->threads_max, THREADS_MAX_DEFAULT);
    bool bad_clock = options->clock != NULL && (options->flags & VAGUS_STEPPED) == 0;
    bool unknown_flags = (options->flags & ~(uint32_t)VAGUS_MONITOR_FLAGS) != 0;
    bool two_policies = options->policy_path != NULL && options->policy_text != NULL;
    bool bad_name =
        options->agent_name != NULL && !text_is_name(options->agent_name, SEGMENT_AGENT_MAX - 1);
    if (options->metrics_max > METRICS_MAX_MOST || options->threads_max > THREADS_MAX_MOST ||
        bad_clock || two_policies || bad_name || unknown_flags)
        return VAGUS_EINVAL;
    return 0;
}

/* "My Agent" becomes "my-agent". */
static void name_of_program(char *name, size_t capacity)
{
    text_copy(name, capacity, program_invocation_short_name);
    for (char *c = name; *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
        if (!text_is_name((const char[]){*c, '\0'}, 1))
            *c = '-';
    }
    if (name[0] == '\0')
        text_copy(name, capacity, "agent");
}

static int open_segment(struct vagus_monitor *monitor, const struct vagus_monitor_options *options)
{
    const struct vagus_config *config = monitor->config;
    char program[SEGMENT_AGENT_MAX];
    uint64_t bytes = options->segment_bytes != 0  ? options->segment_bytes
                     : config->segment_bytes != 0 ? config->segment_bytes
                                                  : SEGMENT_BYTES_DEFAULT;
    name_of_program(program, sizeof(program));
    struct segment_options wanted = {.dir = config->segment_dir,
                                     .agent = options->agent_name != NULL ? options->agent_name
                                              : config->agent != NULL     ? config->agent
                                                                          : program,
                                     .bytes = bytes,
                                     .metrics_max = options->metrics_max,
                                     .keep = config->segment_keep,
                                     .keep_for_ns = config->segment_keep_for_ns,
                                     .continuity = &monitor->continuity.state,
                                     .anonymous = (options->flags & VAGUS_ANONYMOUS_SEGMENT) != 0,
                                     .clock = &monitor->clock};
    state_open(monitor, wanted.agent, wanted.anonymous);
    continuity_open(monitor, wanted.agent, wanted.anonymous);
    monitor_hold_forks();
    int error = segment_create(&wanted, &monitor->segment);
    monitor_leave();
    if (error == 0)
        fatal_begin(monitor);
    if (error == 0 && monitor->segment.why_anonymous[0] != '\0')
        monitor_note(monitor, SEGMENT_NOTE_WARNING, "no black box: %s",
                     monitor->segment.why_anonymous);
    return error;
}

static void set_rates(struct vagus_monitor *monitor)
{
    const struct vagus_config *config = monitor->config;
    const struct sense_rate rates[] = {{"memory", (double)config->max_rate_memory},
                                       {"disk", (double)config->max_rate_disk},
                                       {"vram", (double)config->max_rate_vram},
                                       {"descriptors", config->max_rate_descriptors}};
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
        if (rates[i].units_per_s > 0)
            sense_set_rate(monitor->sense, rates[i].name, rates[i].units_per_s);
}

static int open_senses(struct vagus_monitor *monitor, const struct vagus_monitor_options *options)
{
    const char *paths[HOST_PATHS_MAX];
    struct host_options wanted = {.root = options->host_root,
                                  .watch_paths = paths,
                                  .watch_path_count = monitor_watch_paths(monitor, paths),
                                  .probe_paths = monitor->config->watch_probe,
                                  .memory_limit_bytes = monitor->config->memory_limit_bytes,
                                  .per_core = monitor->config->per_core};
    int error = sense_create(&monitor->metrics, &monitor->clock, &monitor->sense);
    if (error == 0) {
        sense_set_policy(monitor->sense, monitor->config);
        set_rates(monitor);
    }
    if (error != 0 || (options->flags & VAGUS_NO_COLLECTORS) != 0)
        return error;
    error = host_open(&wanted, &monitor->host);
    if (error == 0) {
        struct host_cgroup_place place;
        host_cgroup_memory_place(monitor->host, &place);
        if (place.directory[0] == '\0')
            monitor_note(monitor, SEGMENT_NOTE_INFO,
                         "no memory cgroup can be seen here: a limit that it sets is not known, "
                         "unless limits.memory of the policy declares it");
    }
    return error != 0 ? error : monitor_add_senses(monitor);
}

static void define_own(struct vagus_monitor *monitor)
{
    const struct {
        int32_t *index;
        struct vagus_metric_desc desc;
    } own[] = {
        {&monitor->cpu_index,
         {.name = "vagus.monitor.cpu.ratio",
          .kind = VAGUS_GAUGE,
          .help = "CPU that the monitor used, as a share of one core"}},
        {&monitor->stretch_index,
         {.name = "vagus.monitor.stretch",
          .unit = "{times}",
          .kind = VAGUS_GAUGE,
          .resolution = 1,
          .help = "how many times slower its tiers are, to keep to its budget"}},
        {&monitor->near_index,
         {.name = "vagus.monitor.near.reads",
          .unit = "{read}",
          .kind = VAGUS_COUNTER,
          .resolution = 1,
          .help = "reads between two ticks, near a limit"}},
        {&monitor->missed_index,
         {.name = "vagus.monitor.missed",
          .unit = "{tick}",
          .kind = VAGUS_COUNTER,
          .resolution = 1,
          .help = "ticks that passed while the sampler did not come"}},
    };
    const char *why;
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++)
        *own[i].index = metrics_define(&monitor->metrics, &own[i].desc, METRIC_SENSED, &why);
    pace_init(&monitor->pace, monitor->config->cpu_budget_ratio);
}

static int derive_metrics(struct vagus_monitor *monitor)
{
    recorded_know(monitor);
    const char *which = "", *why = NULL;
    int error = derive_init(&monitor->derive, monitor->config, &monitor->metrics, &which, &why);
    if (error == 0 || why == NULL)
        return error;
    /* Its name is taken, or there is no room: the rest of the monitor works without it. */
    monitor_note(monitor, SEGMENT_NOTE_REFUSED, "derived metric %s refused, and those after it: %s",
                 which, why);
    return 0;
}

static struct vagus_budget_mark mark_of(const struct config_mark *mark)
{
    return (struct vagus_budget_mark){.at_ratio = mark->present ? mark->at_ratio : 0,
                                      .raises = VAGUS_THROTTLE << mark->raises};
}

struct vagus_budget_desc monitor_budget_desc(const struct config_budget *budget)
{
    return (struct vagus_budget_desc){.name = budget->name,
                                      .unit = budget->unit,
                                      .resource = budget->resource,
                                      .limit = budget->limit,
                                      .window_ns = budget->window_ns,
                                      .counts = budget->counts,
                                      .live = budget->live,
                                      .unknown = (enum vagus_unknown)budget->unknown,
                                      .warning = mark_of(&budget->warning),
                                      .critical = mark_of(&budget->critical)};
}

static void define_budgets(struct vagus_monitor *monitor)
{
    for (uint32_t i = 0; i < monitor->config->budget_count; i++) {
        const struct config_budget *budget = &monitor->config->budgets[i];
        struct vagus_budget_desc desc = monitor_budget_desc(budget);
        struct vagus_budget handle;
        int error = monitor_budget_define(monitor, &desc, &handle);
        if (error != 0)
            monitor_note(monitor, SEGMENT_NOTE_REFUSED, "budget %s refused: %s", budget->name,
                         vagus_error_message(error));
    }
}

/* Frees what open() made, from the last to the first; half-built is fine. */
static void free_all(struct vagus_monitor *monitor)
{
    health_finish(monitor, 0);
    modes_finish(&monitor->modes);
    judge_free(monitor->judge);
    reload_finish(monitor);
    budgets_finish(&monitor->budgets);
    state_free(monitor);
    derive_finish(&monitor->derive);
    metrics_finish(&monitor->metrics);
    host_unref(monitor->host);
    config_free(monitor->config);
    latch_finish(&monitor->sampler_ready);
    latch_finish(&monitor->sampler_ended);
    pthread_mutex_destroy(&monitor->step_lock);
    pthread_mutex_destroy(&monitor->note_lock);
    pthread_mutex_destroy(&monitor->reload_lock);
}

/* A place that may have served another monitor before. What others may read at any time without a
 * lock (life, levels, published) is never wiped while they might. */
static void make_new(struct vagus_monitor *monitor, const struct vagus_monitor_options *options)
{
    char *private_part = (char *)&monitor->clock;
    memset(private_part, 0, sizeof(*monitor) - (size_t)(private_part - (char *)monitor));
    __atomic_store_n(&monitor->levels, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&monitor->mode, 0, __ATOMIC_RELAXED);
    __atomic_store_n(&monitor->published.newest, 0, __ATOMIC_RELEASE);
    monitor->flags = options->flags;
    monitor->clock = options->clock != NULL ? *options->clock : clock_of_machine;
    monitor->cpu_index = -1;
    monitor->dropped_before = cells_dropped();
    pthread_mutex_init(&monitor->note_lock, NULL);
    pthread_mutex_init(&monitor->reload_lock, NULL);
    pthread_mutex_init(&monitor->step_lock, NULL);
    latch_init(&monitor->sampler_ready);
    latch_init(&monitor->sampler_ended);
}

/* To read it again, wherever the process works then. */
static void keep_path(struct vagus_monitor *monitor, const char *path)
{
    bool relative =
        path != NULL && path[0] != '/' && strncmp(path, PRESET_PREFIX, strlen(PRESET_PREFIX)) != 0;
    char folder[PATH_MAX];
    struct text text;
    text_init(&text, monitor->policy_path, sizeof(monitor->policy_path));
    if (relative && getcwd(folder, sizeof(folder)) != NULL)
        text_addf(&text, "%s/", folder);
    if (path != NULL)
        text_add(&text, path);
    if (text_cut(&text))
        monitor->policy_path[0] = '\0';
}

int vagus_monitor_open(const struct vagus_monitor_options *given, struct vagus_monitor **result)
{
    struct vagus_monitor_options options;
    if (result == NULL)
        return VAGUS_EINVAL;
    int error = take_options(given, &options);
    if (error != 0)
        return error;
    struct vagus_monitor *monitor = monitor_take();
    if (monitor == NULL)
        return VAGUS_EFULL;
    make_new(monitor, &options);

    if (options.policy_path != NULL)
        stat(options.policy_path, &monitor->policy_stat);
    error = config_load(options.policy_path, options.policy_text, &monitor_vocabulary,
                        options.faults, &monitor->config);
    if (error != 0)
        goto fail_before_segment;
    error = open_segment(monitor, &options);
    if (error != 0)
        goto fail_before_segment;
    if ((error = metrics_init(&monitor->metrics, &monitor->segment, options.metrics_max,
                              options.threads_max, monitor->generation, &monitor->clock)) != 0)
        goto fail;
    monitor->metrics.keep_day = (const char *const *)monitor->config->keep_day;
    monitor->metrics.keep_day_count = monitor->config->keep_day_count;
    monitor->metrics.keep_day_given = monitor->config->keep_day_given;
    if ((error = bus_create(monitor->generation, &monitor->clock, &monitor->levels,
                            &monitor->bus)) != 0 ||
        (error = open_senses(monitor, &options)) != 0 || (error = derive_metrics(monitor)) != 0 ||
        (error = judge_create(monitor->config, &monitor->metrics, monitor->bus, &monitor->segment,
                              &monitor->judge)) != 0 ||
        (error = modes_init(&monitor->modes, monitor->config, monitor->judge, monitor->bus,
                            &monitor->metrics, monitor->generation, &monitor->mode)) != 0 ||
        (error = health_init(monitor, &options)) != 0)
        goto fail;
    define_own(monitor);
    continuity_define(monitor);
    budgets_init(&monitor->budgets, &monitor->metrics, &monitor->wake, monitor->generation);
    define_budgets(monitor);
    cells_set_wake(&monitor->metrics.cells, &monitor->wake);
    keep_path(monitor, options.policy_path);
    *result = monitor;
    __atomic_store_n(&monitor->life, MONITOR_OPEN, __ATOMIC_RELEASE);
    return 0;

fail:
    sense_close(monitor->sense, 0, NULL, 0);
    if (monitor->bus != NULL)
        bus_close(monitor->bus, 0, NULL, 0);
    monitor_hold_forks(); /* no child finds a lock that nobody holds */
    fatal_end(monitor);
    segment_discard(&monitor->segment);
    monitor_leave();
fail_before_segment:
    free_all(monitor);
    monitor_give_back(monitor, MONITOR_FREE);
    return error;
}

static int start(struct vagus_monitor *monitor)
{
    bool threads = (monitor->flags & VAGUS_STEPPED) == 0;
    if (monitor->life != MONITOR_OPEN)
        return VAGUS_ESTATE;
    sense_set_thresholds(monitor->sense, &(struct sense_thresholds){judge_nearest, monitor->judge},
                         &monitor->wake);
    recorded_define(monitor);
    int error = sense_start(monitor->sense, threads);
    if (error != 0)
        return error;
    unsigned unwired = sampler_begin(monitor);
    if (unwired > 0 && ((monitor->flags & VAGUS_STRICT) != 0 || monitor->config->strict))
        return VAGUS_EUNWIRED;
    state_start(monitor);
    sampler_first(monitor);
    if (threads)
        kernel_wake_start(monitor);
    if (threads && (error = sampler_start_thread(monitor)) != 0)
        return error;
    watch_file_start(monitor);
    segment_run(&monitor->segment);
    /* Somebody may have begun to close it meanwhile, and waits for us. */
    uint32_t open = MONITOR_OPEN;
    if (__atomic_compare_exchange_n(&monitor->life, &open, MONITOR_STARTED, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST))
        return 0;
    sampler_stop_thread(monitor, 0);
    return VAGUS_ECLOSED;
}

int vagus_monitor_start(struct vagus_monitor *monitor)
{
    if (monitor == NULL)
        return VAGUS_EINVAL;
    int error = monitor_borrow(monitor);
    if (error != 0)
        return error;
    error = start(monitor);
    monitor_return(monitor);
    return error;
}

int vagus_collector_add(struct vagus_monitor *monitor, const struct vagus_collector_desc *desc)
{
    if (monitor == NULL || desc == NULL)
        return VAGUS_EINVAL;
    int error = monitor_borrow(monitor);
    if (error != 0)
        return error;
    error = VAGUS_ESTATE;
    if (monitor->life == MONITOR_OPEN)
        error = sense_add(monitor->sense, desc, desc->arg, NULL);
    if (error == 0)
        monitor_note_tiers(monitor, desc);
    monitor_return(monitor);
    return error;
}

/* Whoever comes between two deadlines gets a whole step, too. */
static void step_what_is_due(struct vagus_monitor *monitor)
{
    int64_t now_ns = clock_now_ns(&monitor->clock);
    bool rung = __atomic_exchange_n(&monitor->wake.rung, 0, __ATOMIC_ACQUIRE) != 0;
    bool near = now_ns >= sense_near_next_ns(monitor->sense);
    if (near)
        sampler_near_step(monitor);
    if (!near || rung || now_ns >= schedule_next_ns(&monitor->schedule))
        sampler_step(monitor);
}

int vagus_step(struct vagus_monitor *monitor, int64_t *next_ns)
{
    if (monitor == NULL)
        return VAGUS_EINVAL;
    int error = monitor_borrow(monitor);
    if (error != 0)
        return error;
    error = VAGUS_ESTATE;
    if ((monitor->flags & VAGUS_STEPPED) != 0 && monitor->life == MONITOR_STARTED) {
        step_what_is_due(monitor);
        if (next_ns != NULL)
            *next_ns = sampler_next_ns(monitor);
        error = 0;
    }
    monitor_return(monitor);
    return error;
}

/* Everything else is at rest: ends the threads and frees what they used. How many did not end. All
 * are told before any is waited for, so that one that hangs leaves the others their time. */
static unsigned close_all(struct vagus_monitor *monitor, int64_t deadline_ns)
{
    char name[VAGUS_NAME_MAX] = "";
    sense_end(monitor->sense);
    unsigned left = bus_close(monitor->bus, deadline_ns, name, sizeof(name));
    left += sense_close(monitor->sense, deadline_ns, name, sizeof(name));
    left += !watch_file_stop(monitor, deadline_ns);
    left += !health_finish(monitor, deadline_ns);
    left += !state_close(monitor, deadline_ns);
    left += !kernel_wake_finish(monitor, deadline_ns);
    if (left > 0)
        monitor_note(monitor, SEGMENT_NOTE_WARNING, "closed with %u thread(s) left behind: %s",
                     left, name[0] != '\0' ? name : "the health summary");
    monitor_hold_forks();
    fatal_end(monitor);
    if (monitor->publications > 0)
        segment_close(&monitor->segment);
    else
        segment_discard(&monitor->segment);
    monitor_leave();
    free_all(monitor);
    return left;
}

/* A thread is inside a sense that does not return, and holds the monitor. It will find that it has
 * been given up; until then nobody is told anything any more, and the place is not used again. */
static void give_up(struct vagus_monitor *monitor, int64_t deadline_ns)
{
    __atomic_store_n(&monitor->quit, 1, __ATOMIC_RELEASE);
    monitor_note(monitor, SEGMENT_NOTE_WARNING, "closed with the sampler left behind");
    pthread_mutex_lock(&monitor->step_lock); /* held over no host's code */
    modes_finish(&monitor->modes);
    pthread_mutex_unlock(&monitor->step_lock);
    bus_ref(monitor->bus); /* for that thread */
    bus_close(monitor->bus, deadline_ns, NULL, 0);
    watch_file_stop(monitor, deadline_ns);
    health_finish(monitor, deadline_ns);
    watcher_close(monitor->watcher, deadline_ns); /* the host is in that thread's hands */
    monitor_give_back(monitor, MONITOR_LOST);
}

int vagus_monitor_close(struct vagus_monitor *monitor)
{
    if (monitor == NULL)
        return 0;
    if (!monitor_enter(monitor))
        return VAGUS_ECLOSED;
    bool own_thread = monitor_is_inside(monitor) || bus_is_own_thread(monitor->bus);
    monitor_leave();
    if (own_thread)
        return VAGUS_ESTATE;
    if (!monitor_begin_close(monitor))
        return VAGUS_ECLOSED;
    int64_t deadline_ns = vagus_now_ns() + MONITOR_CLOSE_NS;
    /* First who starts it: only then it is sure whether there is a sampler. */
    if (!monitor_wait_returned(monitor, deadline_ns) ||
        !sampler_stop_thread(monitor, deadline_ns)) {
        give_up(monitor, deadline_ns);
        return VAGUS_EABANDONED;
    }
    unsigned left = close_all(monitor, deadline_ns);
    monitor_give_back(monitor, MONITOR_FREE);
    return left > 0 ? VAGUS_EABANDONED : 0;
}
