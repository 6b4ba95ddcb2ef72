/* SPDX-License-Identifier: Apache-2.0 */
/* Continuity. The newest segment of the agent, of a run that has ended or of one that goes on
 * beside this one, tells what was known; each run whose end nobody counted yet is counted now,
 * once. All of it is read as suspiciously as a stranger's, and at most SEGMENT_LIST_MAX segments
 * are. */
#include "monitor/continuity.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "host/cgroup.h"
#include "monitor/monitor.h"
#include "report/ending.h"
#include "segment/folder.h"

#define CHANGED (1u << VAGUS_TIER_10S)
#define LOG_NS (50 * VAGUS_MILLISECOND_NS) /* of a start, after a run that did not close */

/* One of the same agent's. */
struct former {
    bool ended;
    struct segment_header header;
    int64_t last_ns, last_wall_ns; /* its last sign of life */
    uint32_t end, signal;          /* of one that ended */
};

struct search {
    struct continuity *continuity;
    const char *agent;
    struct segment_continuity best; /* with the most starts; starts 0: none was found */
    struct ending_facts facts;
    struct ending ending;
    unsigned count, ended;                       /* formers; those of them that ended */
    struct former formers[SEGMENT_LIST_MAX + 1]; /* and the one that a file knows of */
};

static void note_damaged(struct continuity *continuity, const struct segment_found *found)
{
    const char *name = strrchr(found->path, '/');
    if (continuity->damaged++ > 0)
        return;
    struct text text;
    text_init(&text, continuity->damaged_why, sizeof(continuity->damaged_why));
    text_addf(&text, "%.100s: %s", name != NULL ? name + 1 : found->path,
              vagus_error_message(found->error));
}

/* Those alive come first, then the newest first: so the first that ended is the last run, whose end
 * alone is looked into closely. */
static bool on_segment(const struct segment_found *found, void *arg)
{
    struct search *search = arg;
    struct segment_reader reader;
    if (strcmp(found->header.agent, search->agent) != 0)
        return true;
    if (found->error != 0) {
        note_damaged(search->continuity, found);
        return true;
    }
    if (segment_attach(found->path, &reader) != 0)
        return true;
    ending_load(&reader, &search->facts);
    segment_detach(&reader);
    if (!search->facts.alive && search->ended == 0)
        ending_look(&search->facts, LOG_NS);
    ending_judge(&search->facts, &search->ending);
    struct former *former = &search->formers[search->count++];
    *former = (struct former){.ended = !search->facts.alive,
                              .header = search->facts.header,
                              .last_ns = search->ending.last_sign_ns,
                              .last_wall_ns = search->ending.last_sign_wall_ns,
                              .end = search->ending.end,
                              .signal = search->ending.signal};
    search->ended += former->ended;
    if (continuity_check(&search->facts.continuity) &&
        search->facts.continuity.starts > search->best.starts)
        search->best = search->facts.continuity;
    return search->count < SEGMENT_LIST_MAX;
}

static void count(struct segment_continuity *state, const struct former *former)
{
    int64_t online_ns;
    if (!former->ended || continuity_counted(state, former->header.stamp))
        return;
    continuity_mark(state, former->header.stamp);
    if (!__builtin_sub_overflow(former->last_ns, former->header.started_ns, &online_ns) &&
        online_ns > 0 && __builtin_add_overflow(state->online_ns, online_ns, &online_ns) == 0) {
        struct segment_continuity sum = *state;
        sum.online_ns = online_ns;
        if (continuity_check(&sum)) /* a damaged time is no time */
            state->online_ns = online_ns;
    }
    if (former->end != VAGUS_END_CLOSED)
        continuity_add_death(state, former->last_wall_ns);
}

static bool is_alive(int64_t pid)
{
    return pid == getpid() ? false : pid > 0 && (kill((pid_t)pid, 0) == 0 || errno == EPERM);
}

/* The file may know of a run that left no segment: before a reboot, or without a folder. */
static void add_file(struct search *search, const struct state *state)
{
    const struct continuity_file *file = &state->continuity;
    struct former *former = &search->formers[search->count];
    if (!state->knows)
        return;
    if (file->state.starts > search->best.starts)
        search->best = file->state;
    for (unsigned i = 0; i < search->count; i++)
        if (search->formers[i].header.stamp == file->stamp)
            return;
    bool same_boot = strcmp(file->boot_id, state->boot_id) == 0;
    /* It may go on elsewhere. */
    if (same_boot && !file->closed && is_alive(file->pid))
        return;
    *former = (struct former){.ended = true,
                              .last_ns = file->last_ns,
                              .last_wall_ns = file->last_wall_ns,
                              .end = file->closed ? VAGUS_END_CLOSED
                                     : same_boot  ? VAGUS_END_UNCLOSED
                                                  : VAGUS_END_REBOOT};
    former->header.stamp = file->stamp;
    former->header.started_ns = file->started_ns;
    former->header.started_wall_ns = file->started_wall_ns;
    search->count++;
}

static void conclude(struct search *search, int64_t wall_ns)
{
    struct segment_continuity *state = &search->continuity->state;
    const struct former *last = NULL;
    *state = search->best;
    if (state->starts == 0)
        state->starts = search->count; /* of a version that did not count */
    state->starts++;
    continuity_roll(state, wall_ns);
    for (unsigned i = search->count; i > 0; i--) {
        struct former *former = &search->formers[i - 1];
        count(state, former);
        if (former->ended &&
            (last == NULL || former->header.started_wall_ns >= last->header.started_wall_ns))
            last = former;
    }
    state->last_end = state->end_signal = 0;
    state->last_started_wall_ns = state->last_ended_wall_ns = 0;
    if (last != NULL) {
        state->last_end = last->end;
        state->end_signal = last->signal;
        state->last_started_wall_ns = last->header.started_wall_ns;
        state->last_ended_wall_ns = last->last_wall_ns;
    }
    if (state->first_started_wall_ns == 0)
        state->first_started_wall_ns =
            last != NULL ? search->formers[search->count - 1].header.started_wall_ns : wall_ns;
    memset(state->cgroup, 0, sizeof(state->cgroup));
    state->cgroup_version = 0;
}

void continuity_open(struct vagus_monitor *monitor, const char *agent, bool anonymous)
{
    struct continuity *continuity = &monitor->continuity;
    int64_t wall_ns = clock_wall_ns(&monitor->clock);
    char own[FOLDER_PATH_MAX];
    const char *dir = monitor->config->segment_dir;
    *continuity = (struct continuity){.state = {.starts = 1, .first_started_wall_ns = wall_ns}};
    continuity_roll(&continuity->state, wall_ns);
    struct search *search = calloc(1, sizeof(*search));
    if (search == NULL)
        return;
    if (dir == NULL && !folder_of_session(own))
        folder_of_user(own);
    search->continuity = continuity;
    search->agent = agent;
    if (!anonymous)
        segment_list(dir != NULL ? dir : own, on_segment, search);
    add_file(search, &monitor->state);
    conclude(search, wall_ns);
    if (search->count == 0 && monitor->config->state_dir != NULL && monitor->state.none)
        continuity->state.last_end = VAGUS_END_NONE;
    free(search);
}

void continuity_define(struct vagus_monitor *monitor)
{
    static const struct vagus_metric_desc own[CONTINUITY_METRICS] = {
        [CONTINUITY_STARTS] = {.name = "continuity.starts",
                               .unit = "{start}",
                               .help = "starts of this agent, this one included, as far as known"},
        [CONTINUITY_DEATHS] = {.name = "continuity.deaths",
                               .unit = "{death}",
                               .help = "runs that ended otherwise than closed"},
        [CONTINUITY_DEATHS_HOUR] = {.name = "continuity.deaths.hour",
                                    .unit = "{death}",
                                    .help = "deaths of the last 60 minutes"},
        [CONTINUITY_DEATHS_DAY] = {.name = "continuity.deaths.day",
                                   .unit = "{death}",
                                   .help = "deaths of the last 24 hours"},
        [CONTINUITY_ONLINE] = {.name = "continuity.online",
                               .unit = "s",
                               .help = "how long all runs were online together"},
    };
    const struct continuity *continuity = &monitor->continuity;
    const char *why;
    if (monitor->state.damaged)
        monitor_note(monitor, SEGMENT_NOTE_WARNING,
                     "what is known of former runs may be incomplete: %.100s/%.32s.continuity is "
                     "damaged",
                     monitor->state.work->dir, monitor->state.work->agent);
    if (continuity->damaged > 0)
        monitor_note(monitor, SEGMENT_NOTE_INFO,
                     "%u black box(es) of former runs cannot be read: %s", continuity->damaged,
                     continuity->damaged_why);
    /* Without a black box and without a file nothing is known, and nothing is claimed. */
    bool known = monitor->segment.fd >= 0 || monitor->config->state_dir != NULL;
    for (int i = 0; i < CONTINUITY_METRICS; i++) {
        struct vagus_metric_desc desc = own[i];
        desc.kind = VAGUS_GAUGE;
        desc.tier = VAGUS_TIER_10S;
        desc.resolution = 1;
        monitor->continuity.metrics[i] =
            known ? metrics_define(&monitor->metrics, &desc, METRIC_SENSED, &why) : VAGUS_ENOENT;
    }
}

static void mirror(struct vagus_monitor *monitor)
{
    struct segment_head *head = segment_head(&monitor->segment, SEGMENT_CONTINUITY);
    struct segment_continuity *entry = segment_entries(&monitor->segment, SEGMENT_CONTINUITY);
    segment_write_begin(&head->stamp);
    *entry = monitor->continuity.state;
    head->count = 1;
    head->updated_ns = clock_now_ns(&monitor->clock);
    segment_write_end(&head->stamp);
}

void continuity_start(struct vagus_monitor *monitor)
{
    struct segment_continuity *state = &monitor->continuity.state;
    struct host_cgroup_place place;
    if (monitor->host != NULL) {
        host_cgroup_memory_place(monitor->host, &place);
        /* Where it does not fit, whoever asks later had better know nothing. */
        if (text_copy(state->cgroup, sizeof(state->cgroup), place.directory))
            state->cgroup_version = place.version;
        else
            state->cgroup[0] = '\0';
        mirror(monitor);
    }
    continuity_show(state, &monitor->snapshot.continuity);
}

void continuity_step(struct vagus_monitor *monitor, unsigned due, int64_t now_ns)
{
    struct continuity *continuity = &monitor->continuity;
    struct segment_continuity *state = &continuity->state;
    if ((due & CHANGED) == 0)
        return;
    continuity_roll(state, clock_wall_ns(&monitor->clock));
    const double values[CONTINUITY_METRICS] = {
        [CONTINUITY_STARTS] = (double)state->starts,
        [CONTINUITY_DEATHS] = (double)state->deaths,
        [CONTINUITY_DEATHS_HOUR] = continuity_deaths(state, 60),
        [CONTINUITY_DEATHS_DAY] = continuity_deaths(state, SEGMENT_DEATH_MINUTES),
        [CONTINUITY_ONLINE] =
            (double)state->online_ns / 1e9 + (double)(now_ns - monitor->started_ns) / 1e9,
    };
    for (int i = 0; i < CONTINUITY_METRICS; i++)
        if (continuity->metrics[i] >= 0)
            metrics_put(&monitor->metrics, (uint32_t)continuity->metrics[i], now_ns, values[i]);
}
