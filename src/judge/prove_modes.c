/* SPDX-License-Identifier: Apache-2.0 */
/* The proof of wiring for the modes that a policy names: a transition on a signal that nothing
 * raises, a mode that only such transitions lead to, and a request for consent that nobody is there
 * to answer. After judge_prove(), which finds what can be raised at all. */
#include <string.h>

#include "base/fault.h"
#include "base/text.h"
#include "judge/modes.h"
#include "judge/watch.h"

/* A person may take his time; but by then something should have shown that he can answer. */
#define ANSWERED_WITHIN_NS (600 * VAGUS_SECOND_NS)

static unsigned report(struct vagus_fault_list *faults, const struct text *text)
{
    struct fault_at at = {.code = VAGUS_EUNWIRED};
    fault_add(faults, &at, "%s", text->data);
    return 1;
}

/* All may be clear at any time; else some rule has to raise it, or something graver. */
static bool can_hold(const struct modes *modes, const struct mode_transition *transition)
{
    uint32_t raisable = 0;
    if (transition->when == CONFIG_WHEN_CLEAR)
        return true;
    for (unsigned i = transition->when - 1u; i < SEVERITIES; i++)
        raisable |= modes->judge->raisable[i] & transition->resources;
    return raisable != 0;
}

/* The modes that transitions which can hold lead to from the first one. */
static uint32_t reached_modes(const struct modes *modes)
{
    const struct mode_machine *machine = &modes->machine;
    uint32_t reached = 1;
    for (uint32_t round = 0; round < machine->count; round++)
        for (uint32_t i = 0; i < machine->transition_count; i++) {
            const struct mode_transition *one = &machine->transitions[i];
            if ((reached >> one->from & 1) && can_hold(modes, one))
                reached |= UINT32_C(1) << one->to;
        }
    return reached;
}

/* "nothing raises defer or shutdown on vram". */
static void add_what_lacks(struct text *text, const struct modes *modes,
                           const struct mode_transition *transition)
{
    static const char *const wanted[] = {"", "throttle, defer or shutdown", "defer or shutdown",
                                         "shutdown"};
    text_addf(text, "nothing raises %s", wanted[transition->when]);
    if (transition->resources != MODE_ANY_RESOURCE)
        text_addf(
            text, " on %s",
            bus_resource_name(modes->judge->bus, (unsigned)__builtin_ctz(transition->resources)));
}

static unsigned prove_mode(const struct modes *modes, uint32_t mode, uint32_t reached,
                           struct vagus_fault_list *faults)
{
    const struct mode_machine *machine = &modes->machine;
    char words[240];
    struct text text;
    bool any = false;
    text_init(&text, words, sizeof(words));
    text_addf(&text, "mode '%s' can never be entered: ", modes->names[mode]);
    for (uint32_t i = 0; i < machine->transition_count; i++) {
        const struct mode_transition *one = &machine->transitions[i];
        if (one->to != mode || !(reached >> one->from & 1))
            continue;
        text_add(&text, any ? ", and " : "");
        add_what_lacks(&text, modes, one);
        any = true;
    }
    if (!any)
        text_add(&text, "nor can any mode that leads to it");
    return report(faults, &text);
}

static unsigned prove_transition(const struct modes *modes, const struct mode_transition *one,
                                 struct vagus_fault_list *faults)
{
    char words[240];
    struct text text;
    bool unanswered = one->waiting != 0 && one->held_ns - one->for_ns >= ANSWERED_WITHIN_NS &&
                      !__atomic_load_n(&modes->answered, __ATOMIC_RELAXED);
    if (can_hold(modes, one) && !unanswered)
        return 0;
    text_init(&text, words, sizeof(words));
    text_addf(&text, "the transition from '%s' to '%s' ", modes->names[one->from],
              modes->names[one->to]);
    if (unanswered) {
        text_add(&text, "has waited for consent for ");
        text_add_duration(&text, ANSWERED_WITHIN_NS);
        text_add(&text, ", and nothing ever answered one: no call of vagus_mode_consent(), no "
                        "brainstem with a consent hook");
    } else {
        text_add(&text, "can never be taken: ");
        add_what_lacks(&text, modes, one);
    }
    return report(faults, &text);
}

unsigned modes_prove(const struct modes *modes, struct vagus_fault_list *faults)
{
    const struct mode_machine *machine = &modes->machine;
    unsigned found = 0;
    if (modes->builtin)
        return 0; /* they are for any policy: none need raise all that they know */
    uint32_t reached = reached_modes(modes);
    for (uint32_t i = 0; i < machine->count; i++)
        if (!(reached >> i & 1))
            found += prove_mode(modes, i, reached, faults);
    for (uint32_t i = 0; i < machine->transition_count; i++) {
        const struct mode_transition *one = &machine->transitions[i];
        if ((reached >> one->from & 1) && (reached >> one->to & 1))
            found += prove_transition(modes, one, faults);
    }
    return found;
}
