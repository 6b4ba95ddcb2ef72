/* SPDX-License-Identifier: Apache-2.0 */
/* The snapshot as one JSON object, from the table of all its fields. */
#include <string.h>

#include "report/findings.h"
#include "report/json.h"
#include "report/view.h"

static void put_head(struct json *json, const struct vagus_system_snapshot *s, int64_t now_ns)
{
    json_string(json, "verdict", vagus_verdict_name(vagus_snapshot_verdict(s, now_ns)));
    json_count(json, "version", s->version);
    json_count(json, "sequence", s->sequence);
    json_age(json, "published_age_s", s->published_ns, now_ns);
    json_time(json, "unix_s", s->wall_ns);
    json_age(json, "started_age_s", s->started_ns, now_ns);
}

static void put_signals(struct json *json, const struct vagus_system_snapshot *s, int64_t now_ns)
{
    char copy[VIEW_STRING_MAX];
    json_count(json, "signal_count", s->signal_count);
    json_key(json, "signals");
    json_open(json, "[");
    for (uint32_t i = 0; i < view_signal_count(s); i++) {
        const struct vagus_snapshot_signal *signal = &s->signals[i];
        json_element(json);
        json_string(json, "kind", vagus_signal_kind_name(signal->kind));
        json_string(json, "resource", VIEW_STRING(copy, signal->resource));
        json_level(json, (double)signal->level);
        json_age(json, "since_age_s", signal->since_ns, now_ns);
        json_string(json, "rule", VIEW_STRING(copy, signal->rule));
        json_string(json, "reason", VIEW_STRING(copy, signal->reason));
        json_close(json, "}");
    }
    json_close(json, "]");
}

void view_json_mode(struct json *json, const struct vagus_system_snapshot *s, int64_t now_ns)
{
    const struct vagus_snapshot_mode *mode = &s->mode;
    char copy[VIEW_STRING_MAX];
    if (mode->name[0] == '\0') {
        json_null(json, "mode");
        return;
    }
    json_key(json, "mode");
    json_open(json, "{");
    json_string(json, "name", VIEW_STRING(copy, mode->name));
    json_count(json, "index", mode->index);
    json_count(json, "count", mode->count);
    json_age(json, "since_age_s", mode->since_ns, now_ns);
    json_count(json, "changes", mode->changes);
    json_string(json, "before", VIEW_STRING(copy, mode->before));
    json_string(json, "waits_for", VIEW_STRING(copy, mode->waits_for));
    json_string(json, "unknown", VIEW_STRING(copy, mode->unknown));
    json_close(json, "}");
}

/* The names of an element, and what else is said of it in words. */
static void put_names(struct json *json, enum view_part_id part, const void *element)
{
    const struct view_part *p = &view_parts[part];
    char copy[VIEW_STRING_MAX];
    if (p->capacity > 1)
        json_string(
            json, p->label,
            view_string(copy, (const char *)element + p->names[0].offset, p->names[0].bytes));
    if (part == VIEW_budget) {
        const struct vagus_snapshot_budget *budget = element;
        json_string(json, "unit", VIEW_STRING(copy, budget->unit));
        json_string(json, "resource", VIEW_STRING(copy, budget->resource));
        json_span(json, "window_s", budget->window_ns);
        json_bool(json, "known", budget->status.known != 0);
    } else if (part == VIEW_forecast) {
        const struct vagus_snapshot_forecast *forecast = element;
        json_string(json, "metric", VIEW_STRING(copy, forecast->metric));
        json_string(json, "instance", VIEW_STRING(copy, forecast->instance));
        json_string(json, "resource", VIEW_STRING(copy, forecast->resource));
    } else if (part == VIEW_metric) {
        const struct vagus_snapshot_metric *metric = element;
        json_string(json, "label", VIEW_STRING(copy, metric->label));
        json_string(json, "instance", VIEW_STRING(copy, metric->instance));
    } else if (part == VIEW_continuity) {
        const struct vagus_snapshot_continuity *continuity = element;
        json_string(json, "last_end", report_end_name(continuity->last_end));
        json_count(json, "end_signal", continuity->end_signal);
        json_time(json, "last_started_unix_s", continuity->last_started_wall_ns);
        json_time(json, "last_ended_unix_s", continuity->last_ended_wall_ns);
    }
}

/* "tokens.total" is "tokens", "tokens.hour" is "tokens_hour". */
static const char *key_of(char key[VIEW_STRING_MAX], const struct view_field *field)
{
    size_t length = strcspn(field->name, ".");
    struct text text;
    text_init(&text, key, VIEW_STRING_MAX);
    text_add_bytes(&text, field->name, length);
    if (field->name[length] == '.' && strcmp(field->name + length, ".total") != 0)
        text_addf(&text, "_%s", field->name + length + 1);
    return key;
}

/* A reading as an object, a plain number as a number. */
static void put_field(struct json *json, const struct vagus_system_snapshot *s,
                      const struct view_field *field, const void *element, int64_t now_ns)
{
    char copy[VIEW_STRING_MAX], key[VIEW_STRING_MAX];
    struct vagus_reading reading = view_reading(s, field, element);
    key_of(key, field);
    if (field->type == VIEW_READING)
        json_reading(json, key, &reading, view_unit(copy, field, element), now_ns);
    else if (view_meaning(field) == VIEW_FLAG)
        json_bool(json, key, reading.value != 0);
    else if (reading.taken_ns == 0 && field->part == VIEW_budget)
        json_null(json, key);
    else
        json_number(json, key, reading.value);
}

static void put_element(struct json *json, const struct vagus_system_snapshot *s,
                        enum view_part_id part, uint32_t index, int64_t now_ns)
{
    const void *element = view_element(s, part, index);
    const struct view_field *field = NULL;
    put_names(json, part, element);
    while ((field = view_next(part, field)) != NULL)
        put_field(json, s, field, element, now_ns);
}

void view_json_part(struct json *json, const char *key, const struct vagus_system_snapshot *s,
                    enum view_part_id part, int64_t now_ns)
{
    const struct view_part *p = &view_parts[part];
    json_key(json, key);
    if (p->capacity == 1) {
        json_open(json, "{");
        put_element(json, s, part, 0, now_ns);
        json_close(json, "}");
        return;
    }
    json_open(json, "[");
    for (uint32_t i = 0; i < view_count(s, part); i++) {
        json_element(json);
        put_element(json, s, part, i, now_ns);
        json_close(json, "}");
    }
    json_close(json, "]");
}

int vagus_snapshot_json(const struct vagus_system_snapshot *snapshot, int64_t now_ns, char *out,
                        size_t capacity, size_t *length)
{
    struct text text;
    if (snapshot == NULL || (out == NULL && capacity > 0))
        return VAGUS_EINVAL;
    text_init(&text, out, capacity);
    struct json json = {.text = &text};
    json_open(&json, "{");
    put_head(&json, snapshot, now_ns);
    put_signals(&json, snapshot, now_ns);
    view_json_mode(&json, snapshot, now_ns);
    for (int part = 0; part < VIEW_PARTS; part++)
        view_json_part(&json, view_parts[part].key, snapshot, (enum view_part_id)part, now_ns);
    json_close(&json, "}");
    if (length != NULL)
        *length = text.length;
    return 0;
}
