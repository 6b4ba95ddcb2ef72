/* SPDX-License-Identifier: Apache-2.0 */
/* The modes of one monitor. */
#include "judge/modes.h"

#include <math.h>
#include <string.h>

#include "base/text.h"
#include "judge/watch.h"

static const struct vagus_metric_desc mode_metric = {
    .name = "vagus.mode",
    .unit = "{mode}", /* a number, no share */
    .kind = VAGUS_GAUGE,
    .help = "which mode the agent is in, counted from 0 in the order of the policy",
    .tier = VAGUS_TIER_1S,
    .resolution = 1,
};
static const struct vagus_metric_desc time_metric = {
    .name = "vagus.mode.time",
    .kind = VAGUS_GAUGE,
    .unit = "s",
    .help = "how long it has been in it",
    .tier = VAGUS_TIER_1S,
    .resolution = 0.001,
};

/* --- Life. --- */

static uint32_t index_of(const struct modes *modes, const char *name)
{
    uint32_t i = 0;
    while (i < modes->machine.count && strcmp(modes->names[i], name) != 0)
        i++;
    return i;
}

/* former: of the modes that are succeeded to, whose caps keep their words; or NULL. */
static struct mode_cap *add_cap(struct modes *modes, const struct modes *former, const char *name)
{
    for (uint32_t i = 0; i < modes->cap_count; i++)
        if (strcmp(modes->caps[i].name, name) == 0)
            return &modes->caps[i];
    if (modes->cap_count == CONFIG_CAPS_MAX)
        return NULL;
    struct vagus_cap kept = former != NULL ? modes_cap(former, name) : (struct vagus_cap){0, 0};
    struct vagus_cap cap = kept.tag != 0 ? kept : cap_claim(modes->generation);
    if (cap.tag == 0)
        return NULL;
    struct mode_cap *added = &modes->caps[modes->cap_count++];
    text_copy(added->name, sizeof(added->name), name);
    added->cap = cap;
    added->fresh = kept.tag == 0;
    for (unsigned i = 0; i < CONFIG_MODES_MAX; i++)
        added->most[i] = INFINITY;
    return added;
}

static int add_mode(struct modes *modes, const struct modes *former, const struct config_mode *mode)
{
    uint32_t at = modes->machine.count++;
    text_copy(modes->names[at], sizeof(modes->names[at]), mode->name);
    for (uint32_t i = 0; i < mode->cap_count; i++) {
        struct mode_cap *cap = add_cap(modes, former, mode->caps[i].name);
        if (cap == NULL)
            return VAGUS_EFULL;
        cap->most[at] = (double)mode->caps[i].most;
    }
    return 0;
}

static int add_transition(struct modes *modes, struct bus *bus,
                          const struct config_transition *transition)
{
    int resource = 0;
    if (transition->resource != NULL && (resource = bus_resource(bus, transition->resource)) < 0)
        return resource;
    mode_add(&modes->machine,
             &(struct mode_transition){
                 .from = (uint8_t)index_of(modes, transition->from),
                 .to = (uint8_t)index_of(modes, transition->to),
                 .when = (uint8_t)transition->when,
                 .consent = transition->consent,
                 .resources = transition->resource != NULL ? 1u << resource : MODE_ANY_RESOURCE,
                 .for_ns = transition->for_ns,
             });
    return 0;
}

static int build(struct modes *modes, const struct modes *former, const struct vagus_config *config,
                 struct bus *bus)
{
    int error = 0;
    modes->builtin = config->mode_count == 0;
    if (modes->builtin)
        config = &modes_builtin;
    for (uint32_t i = 0; i < config->mode_count && error == 0; i++)
        error = add_mode(modes, former, &config->modes[i]);
    for (uint32_t i = 0; i < config->transition_count && error == 0; i++)
        error = add_transition(modes, bus, &config->transitions[i]);
    return error;
}

static void apply_caps(const struct modes *modes)
{
    for (uint32_t i = 0; i < modes->cap_count; i++)
        cap_set(modes->caps[i].cap, modes->caps[i].most[modes->machine.mode]);
}

int modes_init(struct modes *modes, const struct vagus_config *config, struct judge *judge,
               struct bus *bus, struct metrics *metrics, uint32_t generation, uint32_t *index)
{
    const char *why;
    *modes = (struct modes){.generation = generation,
                            .judge = judge,
                            .metrics = metrics,
                            .index = index,
                            .entered_by = -1};
    int error = build(modes, NULL, config, bus);
    if (error != 0)
        return error;
    apply_caps(modes);
    modes->metric_mode = metrics_define(metrics, &mode_metric, METRIC_SENSED, &why);
    modes->metric_time = metrics_define(metrics, &time_metric, METRIC_SENSED, &why);
    return 0;
}

void modes_finish(struct modes *modes)
{
    for (uint32_t i = 0; i < modes->cap_count; i++)
        cap_free(modes->caps[i].cap);
    modes->cap_count = 0;
    if (modes->index != NULL)
        __atomic_store_n(modes->index, 0, __ATOMIC_RELAXED);
}

/* --- The step. --- */

static void add_why(struct text *text, const struct modes *modes,
                    const struct mode_transition *taken)
{
    static const char *const words[] = {"all was clear", "throttle was raised", "defer was raised",
                                        "shutdown was raised"};
    text_add(text, words[taken->when]);
    if (taken->resources != MODE_ANY_RESOURCE)
        text_addf(text, " on %s",
                  bus_resource_name(modes->judge->bus, (unsigned)__builtin_ctz(taken->resources)));
    if (taken->for_ns > 0) {
        text_add(text, " for ");
        text_add_duration(text, taken->for_ns);
    }
    if (taken->consent)
        text_add(text, ", and somebody agreed");
}

/* What listeners hear, and the record keeps, of the present mode. */
static struct vagus_signal change_to(const struct modes *modes, int64_t since_ns, int64_t now_ns)
{
    struct vagus_signal change = {.kind = VAGUS_MODE_CHANGE,
                                  .change = VAGUS_SIGNAL_UPDATED,
                                  .at_ns = now_ns,
                                  .since_ns = since_ns,
                                  .value = modes->machine.mode,
                                  .threshold = NAN};
    text_copy(change.resource, sizeof(change.resource), "mode");
    text_copy(change.rule, sizeof(change.rule), modes->names[modes->machine.mode]);
    text_copy(change.metric, sizeof(change.metric), mode_metric.name);
    return change;
}

/* The mode that all begins with: nothing changed, but who listens is to know it. */
static void tell_first(struct modes *modes, int64_t now_ns)
{
    struct vagus_signal change = change_to(modes, now_ns, now_ns);
    text_copy(change.reason, sizeof(change.reason), "the first mode");
    bus_post_mode(modes->judge->bus, &change);
}

/* taken: NULL, if another policy has no such mode. */
static void tell(struct modes *modes, const char *from, const struct mode_transition *taken,
                 int64_t since_ns, int64_t now_ns)
{
    struct vagus_signal change = change_to(modes, since_ns, now_ns);
    char words[2 * sizeof(change.reason)];
    struct text text;
    text_init(&text, words, sizeof(words));
    text_addf(&text, "%s to %s: ", from, modes->names[modes->machine.mode]);
    if (taken != NULL)
        add_why(&text, modes, taken);
    else
        text_addf(&text, "the policy was replaced, and has no mode %s any more", from);
    text_copy(change.reason, sizeof(change.reason), words);
    text_copy(change.instance, sizeof(change.instance), from);
    unsigned told = bus_post_mode(modes->judge->bus, &change);
    judge_record(modes->judge, &change, told);
}

/* The way back that was taken too early: it led into the mode that is left again. */
static void look_for_flapping(struct modes *modes, struct mode_transition *taken, int64_t held_ns,
                              int64_t now_ns)
{
    const struct mode_transition *entered =
        modes->entered_by >= 0 ? &modes->machine.transitions[modes->entered_by] : NULL;
    bool came_back = entered != NULL && entered->to == taken->from;
    if (!flips_add(&taken->flips, came_back ? held_ns : -1, now_ns) || !came_back)
        return;
    struct flap *flap = judge_flap(modes->judge);
    if (flap == NULL)
        return;
    struct text text;
    text_init(&text, flap->text, sizeof(flap->text));
    text_addf(&text, "flapping: mode %s to %s", modes->names[taken->from], modes->names[taken->to]);
    flap->key_length = (unsigned)text.length;
    text_addf(&text, " three times within 10 min; with \"for: %llds\" from %s to %s it would have ",
              (long long)((entered->for_ns + flips_proposed_ns(&taken->flips)) / VAGUS_SECOND_NS),
              modes->names[entered->from], modes->names[entered->to]);
    text_add(&text, "stayed");
    taken->flips.told_ns = now_ns;
}

static void put(const struct modes *modes, int64_t now_ns)
{
    if (modes->metric_mode >= 0)
        metrics_put(modes->metrics, (uint32_t)modes->metric_mode, now_ns, modes->machine.mode);
    if (modes->metric_time >= 0)
        metrics_put(modes->metrics, (uint32_t)modes->metric_time, now_ns,
                    (double)(now_ns - modes->machine.since_ns) / (double)VAGUS_SECOND_NS);
}

void modes_step(struct modes *modes, unsigned due, bool gap, int64_t now_ns)
{
    struct mode_pressure pressure;
    int64_t since_ns = modes->machine.since_ns;
    if (modes->machine.last_ns == 0)
        tell_first(modes, now_ns);
    judge_pressure(modes->judge, &pressure);
    pressure.gap = gap;
    struct mode_transition *taken = mode_step(&modes->machine, &pressure, now_ns);
    if (taken != NULL) {
        apply_caps(modes);
        __atomic_store_n(modes->index, modes->machine.mode, __ATOMIC_RELEASE);
        tell(modes, modes->names[taken->from], taken, since_ns, now_ns);
        look_for_flapping(modes, taken, now_ns - since_ns, now_ns);
        text_copy(modes->before, sizeof(modes->before), modes->names[taken->from]);
        modes->changes++;
        modes->entered_by = (int32_t)(taken - modes->machine.transitions);
    }
    if (taken != NULL || (due & (1u << VAGUS_TIER_1S)) != 0)
        put(modes, now_ns);
}

void modes_show(const struct modes *modes, struct vagus_snapshot_mode *mode)
{
    const struct mode_machine *machine = &modes->machine;
    const struct mode_transition *waiting = mode_waiting(machine);
    text_copy(mode->name, sizeof(mode->name), modes->names[machine->mode]);
    text_copy(mode->before, sizeof(mode->before), modes->before);
    text_copy(mode->waits_for, sizeof(mode->waits_for),
              waiting != NULL ? modes->names[waiting->to] : "");
    mode->since_ns = machine->since_ns;
    mode->changes = modes->changes;
    mode->index = machine->mode;
    mode->count = machine->count;
    text_copy(mode->unknown, sizeof(mode->unknown),
              machine->unknown ? judge_unknown_metric(modes->judge) : "");
}

struct vagus_cap modes_cap(const struct modes *modes, const char *name)
{
    for (uint32_t i = 0; i < modes->cap_count; i++)
        if (strcmp(modes->caps[i].name, name) == 0)
            return modes->caps[i].cap;
    return (struct vagus_cap){0, 0};
}

void modes_refuse(struct modes *modes)
{
    __atomic_store_n(&modes->answered, true, __ATOMIC_RELAXED);
}

int modes_consent(struct modes *modes, const char *to)
{
    uint32_t mode = index_of(modes, to);
    __atomic_store_n(&modes->answered, true, __ATOMIC_RELAXED);
    if (mode == modes->machine.count)
        return VAGUS_ENOENT;
    return mode_consent(&modes->machine, mode) ? 0 : VAGUS_ESTATE;
}

/* --- Another policy. --- */

int modes_prepare(struct modes *heir, const struct modes *before, const struct vagus_config *config)
{
    *heir = (struct modes){.generation = before->generation, .entered_by = -1};
    int error = build(heir, before, config, before->judge->bus);
    /* Those that no mode names any more keep their words as long as there is room, in case a
     * policy names them again. They limit nothing. */
    for (uint32_t i = 0; error == 0 && i < before->cap_count; i++)
        add_cap(heir, before, before->caps[i].name);
    return error;
}

void modes_discard(struct modes *heir)
{
    for (uint32_t i = 0; i < heir->cap_count; i++)
        if (heir->caps[i].fresh)
            cap_free(heir->caps[i].cap);
    heir->cap_count = 0;
}

/* What is the same in both goes on waiting, or flapping. */
static void inherit_transitions(const struct modes *modes, struct modes *heir)
{
    for (uint32_t i = 0; i < heir->machine.transition_count; i++)
        for (uint32_t j = 0; j < modes->machine.transition_count; j++) {
            struct mode_transition *to = &heir->machine.transitions[i];
            const struct mode_transition *from = &modes->machine.transitions[j];
            if (strcmp(heir->names[to->from], modes->names[from->from]) != 0 ||
                strcmp(heir->names[to->to], modes->names[from->to]) != 0 ||
                to->when != from->when || to->resources != from->resources ||
                to->consent != from->consent)
                continue;
            to->holds = from->holds;
            to->held_ns = from->held_ns;
            to->waiting = from->waiting;
            to->consented = from->consented;
            to->flips = from->flips;
            if (modes->entered_by == (int32_t)j)
                heir->entered_by = (int32_t)i;
        }
}

void modes_succeed(struct modes *modes, const struct modes *heir, struct judge *judge,
                   int64_t now_ns)
{
    struct modes next = *heir;
    const char *present = modes->names[modes->machine.mode];
    uint32_t place = index_of(&next, present);
    bool stays = place < next.machine.count;
    inherit_transitions(modes, &next);
    next.judge = judge;
    next.metrics = modes->metrics;
    next.index = modes->index;
    next.metric_mode = modes->metric_mode;
    next.metric_time = modes->metric_time;
    next.changes = modes->changes + !stays;
    next.machine.mode = stays ? place : 0;
    next.machine.requests = modes->machine.requests;
    next.machine.last_ns = modes->machine.last_ns;
    next.answered = __atomic_load_n(&modes->answered, __ATOMIC_RELAXED);
    next.machine.since_ns = stays ? modes->machine.since_ns : now_ns;
    text_copy(next.before, sizeof(next.before), stays ? modes->before : present);
    for (uint32_t i = 0; i < next.cap_count; i++)
        next.caps[i].fresh = false;
    for (uint32_t i = 0; i < modes->cap_count; i++)
        if (modes_cap(&next, modes->caps[i].name).tag == 0)
            cap_free(modes->caps[i].cap); /* no room for it any more */
    int64_t since_ns = modes->machine.since_ns;
    *modes = next;
    apply_caps(modes);
    __atomic_store_n(modes->index, modes->machine.mode, __ATOMIC_RELEASE);
    if (!stays)
        tell(modes, next.before, NULL, since_ns, now_ns);
    put(modes, now_ns);
}
