/* SPDX-License-Identifier: Apache-2.0 */
/* What modes and transitions say together: each mode can be reached from the first and left again,
 * and no two transitions contradict each other. */
#include <string.h>

#include "base/nearest.h"
#include "config/check.h"
#include "config/quote.h"

/* The modes as a graph. Bit m of `ways[k]`: a transition leads from k to m. */
struct graph {
    const struct tree_node *modes[CONFIG_MODES_MAX];
    unsigned count;
    uint32_t ways[CONFIG_MODES_MAX];
    uint32_t calm[CONFIG_MODES_MAX]; /* on clear, about whatever resource */
    bool whole; /* every transition was understood: what is missing is really missing */
};

static const char *name_of(const struct tree_node *mapping, const char *key)
{
    const struct tree_node *node = check_valid_member(mapping, key);
    return node != NULL ? node->text : NULL;
}

static bool same(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool is_list(const struct tree_node *node)
{
    return node != NULL && node->kind == TREE_SEQUENCE && node->count > 0;
}

/* The mode that a transition names, or -1 after a fault. */
static int mode_of(struct check *check, const struct graph *graph,
                   const struct tree_node *transition, const char *key)
{
    const struct tree_node *node = check_valid_member(transition, key);
    struct nearest nearest;
    if (node == NULL)
        return -1; /* told already */
    nearest_init(&nearest, node->text);
    for (unsigned i = 0; i < graph->count; i++) {
        const char *name = name_of(graph->modes[i], "name");
        if (name == NULL)
            continue;
        if (strcmp(name, node->text) == 0)
            return (int)i;
        nearest_offer(&nearest, name);
    }
    check_fault(check, node->place, "%s: there is no mode %s%s%s%s", key, quote(node->text).text,
                nearest.best != NULL ? ", did you mean \"" : "",
                nearest.best != NULL ? nearest.best : "", nearest.best != NULL ? "\"?" : "");
    return -1;
}

/* Of two transitions on one condition only the first would ever be taken. */
static void check_once(struct check *check, const struct tree_node *list,
                       const struct tree_node *transition)
{
    const char *from = name_of(transition, "from"), *when = name_of(transition, "when");
    if (from == NULL || when == NULL)
        return;
    for (const struct tree_node *other = list->first; other != transition; other = other->next) {
        if (other->kind != TREE_MAPPING || !same(name_of(other, "from"), from) ||
            !same(name_of(other, "when"), when) ||
            !same(name_of(other, "resource"), name_of(transition, "resource")))
            continue;
        check_fault(check, transition->place,
                    "from %s on %s there is a transition already, in line %u",
                    quote_plain(from).text, when, other->place.line);
        return;
    }
}

static void check_transition(struct check *check, struct graph *graph,
                             const struct tree_node *transition)
{
    int from = mode_of(check, graph, transition, "from");
    int to = mode_of(check, graph, transition, "to");
    const struct tree_node *when = check_valid_member(transition, "when");
    graph->whole = graph->whole && from >= 0 && to >= 0 && when != NULL;
    if (from < 0 || to < 0)
        return;
    if (from == to) {
        check_fault(check, tree_member(transition, "to")->place, "to: %s leads to itself",
                    quote(name_of(transition, "to")).text);
        return;
    }
    graph->ways[from] |= 1u << to;
    if (when != NULL && when->value.whole == CONFIG_WHEN_CLEAR)
        graph->calm[from] |= 1u << to;
}

/* All modes that a way of these leads to from one. */
static uint32_t reached(const uint32_t *ways, unsigned from)
{
    uint32_t seen = 1u << from;
    for (unsigned round = 0; round < CONFIG_MODES_MAX; round++)
        for (unsigned i = 0; i < CONFIG_MODES_MAX; i++)
            if (seen & 1u << i)
                seen |= ways[i];
    return seen;
}

static void check_ways(struct check *check, const struct graph *graph)
{
    const char *first = name_of(graph->modes[0], "name");
    uint32_t seen = reached(graph->ways, 0);
    for (unsigned i = 0; i < graph->count; i++) {
        const char *name = name_of(graph->modes[i], "name");
        struct tree_place place = graph->modes[i]->place;
        if (name == NULL || first == NULL)
            continue;
        if (!(seen & 1u << i))
            check_fault(check, place, "mode %s cannot be reached from %s, the first",
                        quote(name).text, quote(first).text);
        else if (graph->ways[i] == 0 && graph->count > 1)
            check_fault(check, place, "mode %s cannot be left: no transition is from it",
                        quote(name).text);
        else if (!(reached(graph->calm, i) & 1u))
            check_warning(check, place,
                          "from mode %s no transitions on clear lead back to %s: it may stay when "
                          "all is well again",
                          quote(name).text, quote(first).text);
    }
}

/* A cap of the first mode that a later one does not name is lifted there, when things are worse. */
static void check_caps(struct check *check, const struct graph *graph)
{
    for (unsigned i = 0; i < graph->count; i++) {
        const struct tree_node *caps = tree_member(graph->modes[i], "caps");
        if (caps != NULL && caps->kind == TREE_SEQUENCE)
            check_names(check, caps, "cap");
    }
    const struct tree_node *first = tree_member(graph->modes[0], "caps");
    for (const struct tree_node *cap = is_list(first) ? first->first : NULL; cap != NULL;
         cap = cap->next) {
        const char *name = name_of(cap, "name");
        for (unsigned i = 1; name != NULL && i < graph->count; i++) {
            const struct tree_node *there = tree_member(graph->modes[i], "caps");
            const struct tree_node *other = is_list(there) ? there->first : NULL;
            while (other != NULL && !same(name_of(other, "name"), name))
                other = other->next;
            if (other == NULL && name_of(graph->modes[i], "name") != NULL)
                check_warning(check, graph->modes[i]->place,
                              "mode %s names no cap %s: there is no limit to it there",
                              quote(name_of(graph->modes[i], "name")).text, quote(name).text);
        }
    }
}

/* All names of caps have their place in the memory that services read. */
static void check_cap_count(struct check *check, const struct graph *graph)
{
    const char *names[CONFIG_CAPS_MAX];
    unsigned count = 0;
    for (unsigned i = 0; i < graph->count; i++) {
        const struct tree_node *caps = tree_member(graph->modes[i], "caps");
        const struct tree_node *cap = is_list(caps) ? caps->first : NULL;
        for (; cap != NULL; cap = cap->next) {
            const char *name = name_of(cap, "name");
            unsigned at = 0;
            while (name != NULL && at < count && strcmp(names[at], name) != 0)
                at++;
            if (name == NULL || at < count)
                continue;
            if (count == CONFIG_CAPS_MAX) {
                check_fault(check, cap->place, "more than %d different caps", CONFIG_CAPS_MAX);
                return;
            }
            names[count++] = name;
        }
    }
}

void check_modes(struct check *check, const struct tree_node *root)
{
    const struct tree_node *modes = tree_member(root, "modes");
    const struct tree_node *transitions = tree_member(root, "transitions");
    struct graph graph = {.whole = true};
    if (!is_list(modes)) {
        if (is_list(transitions))
            check_fault(check, transitions->key_place,
                        "\"transitions\" goes with \"modes\": the built-in modes have their own");
        return;
    }
    for (const struct tree_node *mode = modes->first; mode != NULL; mode = mode->next) {
        if (mode->kind != TREE_MAPPING || graph.count == CONFIG_MODES_MAX)
            return; /* told already */
        graph.modes[graph.count++] = mode;
    }
    check_names(check, modes, "mode");
    check_caps(check, &graph);
    check_cap_count(check, &graph);
    if (is_list(transitions))
        for (const struct tree_node *one = transitions->first; one != NULL; one = one->next) {
            if (one->kind != TREE_MAPPING) {
                graph.whole = false;
                continue;
            }
            check_transition(check, &graph, one);
            check_once(check, transitions, one);
        }
    if (graph.whole)
        check_ways(check, &graph);
}
