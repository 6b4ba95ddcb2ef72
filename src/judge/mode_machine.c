/* SPDX-License-Identifier: Apache-2.0 */
/* The state machine of the modes. */
#include "judge/mode_machine.h"

#include <string.h>

enum stance { LAPSED, NOT_KNOWN, HOLDS };

void mode_add(struct mode_machine *machine, const struct mode_transition *transition)
{
    uint32_t place = machine->transition_count++;
    for (; place > 0 && machine->transitions[place - 1].when < transition->when; place--)
        machine->transitions[place] = machine->transitions[place - 1];
    machine->transitions[place] = *transition;
}

static enum stance stance_of(const struct mode_transition *transition,
                             const struct mode_pressure *pressure)
{
    uint32_t raised = 0;
    unsigned least = transition->when > 0 ? transition->when - 1u : 0;
    for (unsigned severity = least; severity < 3; severity++)
        raised |= pressure->raised[severity] & transition->resources;
    if (transition->when != CONFIG_WHEN_CLEAR)
        return raised != 0 ? HOLDS : LAPSED;
    if (raised != 0)
        return LAPSED;
    return pressure->gap || (pressure->unknown & transition->resources) != 0 ? NOT_KNOWN : HOLDS;
}

static void forget(struct mode_transition *transition)
{
    transition->holds = false;
    transition->held_ns = 0;
    __atomic_store_n(&transition->waiting, 0, __ATOMIC_RELAXED);
}

/* True if it may be taken now. */
static bool is_due(struct mode_machine *machine, struct mode_transition *transition,
                   const struct mode_pressure *pressure, int64_t since_last_ns)
{
    switch (stance_of(transition, pressure)) {
    case LAPSED:
        forget(transition);
        return false;
    case NOT_KNOWN:
        machine->unknown = true;
        transition->holds = false;
        __atomic_store_n(&transition->waiting, 0, __ATOMIC_RELAXED);
        return false;
    case HOLDS:
        break;
    }
    if (transition->holds)
        transition->held_ns += since_last_ns;
    transition->holds = true;
    if (transition->held_ns < transition->for_ns)
        return false;
    if (!transition->consent)
        return true;
    if (transition->waiting == 0) {
        machine->requests += machine->requests == UINT32_MAX ? 2 : 1;
        __atomic_store_n(&transition->waiting, machine->requests, __ATOMIC_RELEASE);
        return false;
    }
    return __atomic_load_n(&transition->consented, __ATOMIC_ACQUIRE) == transition->waiting;
}

struct mode_transition *mode_step(struct mode_machine *machine,
                                  const struct mode_pressure *pressure, int64_t now_ns)
{
    int64_t since_last_ns = machine->last_ns != 0 ? now_ns - machine->last_ns : 0;
    struct mode_transition *taken = NULL;
    if (machine->last_ns == 0)
        machine->since_ns = now_ns;
    machine->last_ns = now_ns;
    machine->unknown = false;
    for (uint32_t i = 0; i < machine->transition_count; i++) {
        struct mode_transition *transition = &machine->transitions[i];
        if (transition->from == machine->mode &&
            is_due(machine, transition, pressure, since_last_ns) && taken == NULL)
            taken = transition;
    }
    if (taken == NULL)
        return NULL;
    /* What counts in the next mode counts from now on. */
    for (uint32_t i = 0; i < machine->transition_count; i++) {
        struct mode_transition *transition = &machine->transitions[i];
        forget(transition);
        transition->holds =
            transition->from == taken->to && stance_of(transition, pressure) == HOLDS;
    }
    __atomic_store_n(&machine->mode, taken->to, __ATOMIC_RELAXED);
    machine->since_ns = now_ns;
    machine->unknown = false;
    return taken;
}

const struct mode_transition *mode_waiting(const struct mode_machine *machine)
{
    for (uint32_t i = 0; i < machine->transition_count; i++)
        if (machine->transitions[i].waiting != 0)
            return &machine->transitions[i];
    return NULL;
}

bool mode_consent(struct mode_machine *machine, uint32_t to)
{
    bool any = false;
    for (uint32_t i = 0; i < machine->transition_count; i++) {
        struct mode_transition *transition = &machine->transitions[i];
        uint32_t waiting = __atomic_load_n(&transition->waiting, __ATOMIC_ACQUIRE);
        if (transition->to != to || waiting == 0)
            continue;
        __atomic_store_n(&transition->consented, waiting, __ATOMIC_RELEASE);
        any = true;
    }
    return any;
}
