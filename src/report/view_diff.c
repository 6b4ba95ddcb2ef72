/* SPDX-License-Identifier: Apache-2.0 */
/* What changed from one snapshot to another. States are those at each one's publication, so that
 * the same two snapshots always differ in the same. */
#include <math.h>
#include <string.h>

#include "report/findings.h"
#include "report/json.h"
#include "report/view.h"

struct diff {
    const struct vagus_system_snapshot *before, *after;
    struct vagus_snapshot_change *changes;
    size_t max;
    int count;
};

/* Where the next change goes; one that there is no room for goes into `spare`. */
static struct vagus_snapshot_change *add(struct diff *diff, enum vagus_change_kind kind,
                                         struct vagus_snapshot_change *spare, struct text *what)
{
    struct vagus_snapshot_change *change =
        (size_t)diff->count < diff->max ? &diff->changes[diff->count] : spare;
    diff->count++;
    memset(change, 0, sizeof(*change));
    change->kind = kind;
    text_init(what, change->what, sizeof(change->what));
    return change;
}

static void add_word(struct diff *diff, const char *what, const char *before, const char *after)
{
    struct vagus_snapshot_change spare, *change;
    struct text text;
    if (strcmp(before, after) == 0)
        return;
    change = add(diff, VAGUS_CHANGE_WORD, &spare, &text);
    text_add(&text, what);
    text_copy(change->before_word, sizeof(change->before_word), before);
    text_copy(change->after_word, sizeof(change->after_word), after);
}

static void compare_words(struct diff *diff)
{
    const struct vagus_system_snapshot *before = diff->before, *after = diff->after;
    char a[VIEW_STRING_MAX], b[VIEW_STRING_MAX];
    add_word(diff, "verdict", vagus_verdict_name((enum vagus_verdict)before->judged),
             vagus_verdict_name((enum vagus_verdict)after->judged));
    add_word(diff, "mode", VIEW_STRING(a, before->mode.name), VIEW_STRING(b, after->mode.name));
    add_word(diff, "mode.waits_for", VIEW_STRING(a, before->mode.waits_for),
             VIEW_STRING(b, after->mode.waits_for));
}

/* --- Signals. --- */

static const struct vagus_snapshot_signal *find_signal(const struct vagus_system_snapshot *snapshot,
                                                       const struct vagus_snapshot_signal *wanted)
{
    for (uint32_t i = 0; i < view_signal_count(snapshot); i++) {
        const struct vagus_snapshot_signal *signal = &snapshot->signals[i];
        if (signal->kind == wanted->kind &&
            strncmp(signal->resource, wanted->resource, sizeof(signal->resource)) == 0)
            return signal;
    }
    return NULL;
}

static void add_signal(struct diff *diff, enum vagus_change_kind kind,
                       const struct vagus_snapshot_signal *before,
                       const struct vagus_snapshot_signal *after)
{
    const struct vagus_snapshot_signal *signal = after != NULL ? after : before;
    struct vagus_snapshot_change spare;
    struct text text;
    char resource[VIEW_STRING_MAX];
    struct vagus_snapshot_change *change = add(diff, kind, &spare, &text);
    text_addf(&text, "%s{%s}%s", vagus_signal_kind_name(signal->kind),
              VIEW_STRING(resource, signal->resource), kind == VAGUS_CHANGE_VALUE ? ".level" : "");
    text_copy(change->unit, sizeof(change->unit), "1");
    if (before != NULL)
        change->before.value = (double)before->level;
    if (after != NULL)
        change->after.value = (double)after->level;
}

static void compare_signals(struct diff *diff)
{
    for (uint32_t i = 0; i < view_signal_count(diff->after); i++) {
        const struct vagus_snapshot_signal *after = &diff->after->signals[i];
        const struct vagus_snapshot_signal *before = find_signal(diff->before, after);
        if (before == NULL)
            add_signal(diff, VAGUS_CHANGE_APPEARED, NULL, after);
        else if (fabs((double)after->level - (double)before->level) >= 0.001)
            add_signal(diff, VAGUS_CHANGE_VALUE, before, after);
    }
    for (uint32_t i = 0; i < view_signal_count(diff->before); i++)
        if (find_signal(diff->after, &diff->before->signals[i]) == NULL)
            add_signal(diff, VAGUS_CHANGE_VANISHED, &diff->before->signals[i], NULL);
}

/* --- Readings. --- */

/* The least difference that is no noise, between two numbers of which `big` is the greater. */
static double resolution(const char *unit, double big)
{
    static const struct {
        const char *unit;
        double least, share;
    } units[] = {{"By", 4096, 0.001}, {"By/s", 1024, 0.01}, {"1", 0.001, 0}, {"s", 0.001, 0.01},
                 {"1/s", 0, 0.01},    {"Cel", 0.5, 0},      {"W", 0.5, 0}};
    if (unit[0] == '{')
        return 0.01;
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
        if (strcmp(unit, units[i].unit) == 0)
            return fmax(units[i].least, units[i].share * big);
    return 0.001 * big;
}

static bool differs(const struct view_field *field, const char *unit,
                    const struct vagus_reading *before, const struct vagus_reading *after)
{
    double a = before->value, b = after->value, noise;
    if (isnan(a) || isnan(b) || isinf(a) || isinf(b))
        return isnan(a) != isnan(b) || (!isnan(a) && a != b);
    noise = resolution(unit, fmax(fabs(a), fabs(b)));
    /* From here on in seconds, between two moments: how far the one was from the other when both
     * were looked at. */
    double passed_s = ((double)after->taken_ns - (double)before->taken_ns) / 1e9;
    switch (view_meaning(field)) {
    case VIEW_CLOCK:
        return false;
    case VIEW_SINCE:
        return fabs(b - passed_s - a) > 1.0;
    case VIEW_UNTIL:
        return fabs(b + passed_s - a) > fmax(1.0, 0.1 * fmin(fabs(a), fabs(b)));
    case VIEW_AMOUNT:
    case VIEW_FLAG:
        break;
    }
    return fabs(b - a) >= noise && a != b;
}

static bool has_value(enum vagus_state state)
{
    return state == VAGUS_STATE_OK || state == VAGUS_STATE_STALE;
}

static void compare_field(struct diff *diff, const struct view_field *field, const void *before,
                          const void *after)
{
    struct vagus_reading was = view_reading(diff->before, field, before);
    struct vagus_reading is = view_reading(diff->after, field, after);
    enum vagus_state was_state = vagus_reading_state(&was, diff->before->published_ns);
    enum vagus_state is_state = vagus_reading_state(&is, diff->after->published_ns);
    bool state_changed = was_state != is_state || was.error != is.error;
    char copy[VIEW_STRING_MAX];
    const char *unit = view_shown_unit(copy, field, after);
    if (!state_changed && !(has_value(is_state) && differs(field, unit, &was, &is)))
        return;
    struct vagus_snapshot_change spare, *change;
    struct text what;
    change = add(diff, state_changed ? VAGUS_CHANGE_STATE : VAGUS_CHANGE_VALUE, &spare, &what);
    view_add_element(&what, field->part, after);
    if (field->part != VIEW_metric)
        text_addf(&what, ".%s", field->name);
    change->before_state = was_state;
    change->after_state = is_state;
    change->before = was;
    change->after = is;
    text_copy(change->unit, sizeof(change->unit), unit);
}

/* --- Parts. --- */

static const void *find_element(const struct vagus_system_snapshot *snapshot,
                                enum view_part_id part, const void *wanted)
{
    if (view_parts[part].capacity == 1)
        return view_element(snapshot, part, 0);
    for (uint32_t i = 0; i < view_count(snapshot, part); i++) {
        const void *element = view_element(snapshot, part, i);
        if (view_same_element(part, element, wanted))
            return element;
    }
    return NULL;
}

static void add_element(struct diff *diff, enum vagus_change_kind kind, enum view_part_id part,
                        const void *element)
{
    struct vagus_snapshot_change spare;
    struct text what;
    add(diff, kind, &spare, &what);
    view_add_element(&what, part, element);
}

static bool is_called(const struct view_field *field, const char *end)
{
    size_t length = strlen(field->name), tail = strlen(end);
    return length > tail && strcmp(field->name + length - tail, end) == 0;
}

/* Of an hour or a day that has not passed yet: it is the total so far, and tells nothing else. */
static bool is_the_total(const struct vagus_system_snapshot *snapshot,
                         const struct view_field *total, const struct view_field *window,
                         const void *element)
{
    struct vagus_reading all = view_reading(snapshot, total, element);
    struct vagus_reading some = view_reading(snapshot, window, element);
    return all.taken_ns == some.taken_ns && all.error == some.error && all.value == some.value;
}

static void compare_fields(struct diff *diff, enum view_part_id part, const void *before,
                           const void *after)
{
    const struct view_field *field = NULL, *total = NULL;
    while ((field = view_next(part, field)) != NULL) {
        if (is_called(field, ".total"))
            total = field;
        else if (total != NULL && (is_called(field, ".hour") || is_called(field, ".day")) &&
                 is_the_total(diff->before, total, field, before) &&
                 is_the_total(diff->after, total, field, after))
            continue;
        compare_field(diff, field, before, after);
    }
}

static void compare_part(struct diff *diff, enum view_part_id part)
{
    for (uint32_t i = 0; i < view_count(diff->after, part); i++) {
        const void *after = view_element(diff->after, part, i);
        const void *before = find_element(diff->before, part, after);
        if (before == NULL)
            add_element(diff, VAGUS_CHANGE_APPEARED, part, after);
        else
            compare_fields(diff, part, before, after);
    }
    for (uint32_t i = 0; i < view_count(diff->before, part); i++) {
        const void *before = view_element(diff->before, part, i);
        if (find_element(diff->after, part, before) == NULL)
            add_element(diff, VAGUS_CHANGE_VANISHED, part, before);
    }
}

int vagus_snapshot_diff(const struct vagus_system_snapshot *before,
                        const struct vagus_system_snapshot *after,
                        struct vagus_snapshot_change *changes, size_t max)
{
    struct diff diff = {before, after, changes, max, 0};
    if (before == NULL || after == NULL || (changes == NULL && max > 0))
        return VAGUS_EINVAL;
    compare_words(&diff);
    compare_signals(&diff);
    for (int part = 0; part < VIEW_PARTS; part++)
        compare_part(&diff, (enum view_part_id)part);
    return diff.count;
}

/* --- One change, written. --- */

const char *vagus_change_name(uint32_t kind)
{
    static const char *const names[] = {"?", "value", "state", "word", "appeared", "vanished"};
    return names[kind < sizeof(names) / sizeof(names[0]) ? kind : 0];
}

static void add_side(struct text *text, const struct vagus_reading *reading, uint32_t state,
                     const char *unit, bool states)
{
    if (!states || has_value(state))
        view_add_value(text, reading->value, unit);
    if (states && state != VAGUS_STATE_OK)
        text_addf(text, "%s%s", has_value(state) ? " " : "", vagus_state_name(state));
    if (states && state == VAGUS_STATE_ERROR)
        text_addf(text, " (%s)", vagus_error_name(reading->error));
}

static int finish(const struct text *text, size_t *length)
{
    if (length != NULL)
        *length = text->length;
    return 0;
}

int vagus_snapshot_change_format(const struct vagus_snapshot_change *change, char *out,
                                 size_t capacity, size_t *length)
{
    struct text text;
    char copy[VIEW_STRING_MAX], unit[VIEW_STRING_MAX];
    if (change == NULL || (out == NULL && capacity > 0))
        return VAGUS_EINVAL;
    text_init(&text, out, capacity);
    text_add_safe(&text, VIEW_STRING(copy, change->what), sizeof(change->what) * 4);
    VIEW_STRING(copy, change->unit);
    unit[0] = '\0';
    struct text safe;
    text_init(&safe, unit, sizeof(unit));
    text_add_safe(&safe, copy, sizeof(change->unit) * 4);
    bool states = change->kind == VAGUS_CHANGE_STATE;
    switch (change->kind) {
    case VAGUS_CHANGE_VALUE:
    case VAGUS_CHANGE_STATE:
        text_add(&text, " ");
        add_side(&text, &change->before, change->before_state, unit, states);
        text_add(&text, " -> ");
        add_side(&text, &change->after, change->after_state, unit, states);
        break;
    case VAGUS_CHANGE_WORD:
        text_add(&text, " ");
        VIEW_STRING(copy, change->before_word);
        text_add_safe(&text, copy[0] != '\0' ? copy : "none", sizeof(change->before_word) * 4);
        text_add(&text, " -> ");
        VIEW_STRING(copy, change->after_word);
        text_add_safe(&text, copy[0] != '\0' ? copy : "none", sizeof(change->after_word) * 4);
        break;
    default:
        text_addf(&text, " %s", vagus_change_name(change->kind));
    }
    return finish(&text, length);
}

static void put_side(struct json *json, const char *name, const char *state_name,
                     const struct vagus_reading *reading, uint32_t state, bool states)
{
    if (!states || has_value(state))
        json_number(json, name, reading->value);
    else
        json_null(json, name);
    if (states)
        json_string(json, state_name, vagus_state_name((enum vagus_state)state));
}

int vagus_snapshot_change_json(const struct vagus_snapshot_change *change, char *out,
                               size_t capacity, size_t *length)
{
    struct text text;
    char copy[VIEW_STRING_MAX];
    if (change == NULL || (out == NULL && capacity > 0))
        return VAGUS_EINVAL;
    text_init(&text, out, capacity);
    struct json json = {.text = &text};
    json_open(&json, "{");
    json_string(&json, "change", vagus_change_name(change->kind));
    json_string(&json, "what", VIEW_STRING(copy, change->what));
    bool states = change->kind == VAGUS_CHANGE_STATE;
    if (change->kind == VAGUS_CHANGE_WORD) {
        json_string(&json, "before", VIEW_STRING(copy, change->before_word));
        json_string(&json, "after", VIEW_STRING(copy, change->after_word));
    } else if (states || change->kind == VAGUS_CHANGE_VALUE) {
        json_string(&json, "unit", VIEW_STRING(copy, change->unit));
        put_side(&json, "before", "before_state", &change->before, change->before_state, states);
        put_side(&json, "after", "after_state", &change->after, change->after_state, states);
        if (change->after_state == VAGUS_STATE_ERROR && states)
            json_error(&json, "error", change->after.error);
    }
    json_close(&json, "}");
    return finish(&text, length);
}
