/* SPDX-License-Identifier: Apache-2.0 */
/* The table of all fields, made of src/report/snapshot.def, and how one gets at them. */
#include <math.h>
#include <string.h>

#include "base/notation.h"
#include "report/view.h"

#define AT(member) offsetof(struct vagus_system_snapshot, member)
#define ONE(member)                                                                                \
    .offset = AT(member), .bytes = sizeof(struct vagus_snapshot_##member), .capacity = 1
#define MANY(member, type, count, most)                                                            \
    .offset = AT(member), .bytes = sizeof(struct vagus_snapshot_##type),                           \
    .count_offset = AT(count), .capacity = most
#define NAMED(type, member)                                                                        \
    {                                                                                              \
        offsetof(struct vagus_snapshot_##type, member),                                            \
            sizeof(((struct vagus_snapshot_##type *)0)->member)                                    \
    }

const struct view_part view_parts[VIEW_PARTS] = {
    [VIEW_cpu] = {"cpu", "cpu", ONE(cpu)},
    [VIEW_memory] = {"memory", "memory", ONE(memory)},
    [VIEW_network] = {"network", "network", ONE(network)},
    [VIEW_process] = {"process", "process", ONE(process)},
    [VIEW_agent] = {"agent", "agent", ONE(agent)},
    [VIEW_continuity] = {"continuity", "continuity", ONE(continuity)},
    [VIEW_monitor] = {"monitor", "monitor", ONE(monitor)},
    [VIEW_gpu] = {"gpu", "gpus", "device", MANY(gpus, gpu, gpu_count, VAGUS_SNAPSHOT_GPUS),
                  .names = {NAMED(gpu, device)}},
    [VIEW_path] = {"disk", "disks", "path", MANY(paths, path, path_count, VAGUS_SNAPSHOT_PATHS),
                   .names = {NAMED(path, path)}},
    [VIEW_budget] = {"budget", "budgets", "name",
                     MANY(budgets, budget, budget_count, VAGUS_SNAPSHOT_BUDGETS),
                     .names = {NAMED(budget, name)}},
    [VIEW_forecast] = {"forecast", "forecasts", "rule",
                       MANY(forecasts, forecast, forecast_count, VAGUS_SNAPSHOT_FORECASTS),
                       .names = {NAMED(forecast, rule), NAMED(forecast, instance)}},
    [VIEW_metric] = {"metric", "metrics", "metric",
                     MANY(metrics, metric, metric_count, VAGUS_SNAPSHOT_METRICS),
                     .names = {NAMED(metric, name), NAMED(metric, instance)}},
};

#define TYPE_OF(member)                                                                            \
    _Generic((member), struct vagus_reading                                                        \
             : VIEW_READING, uint64_t                                                              \
             : VIEW_U64, uint32_t                                                                  \
             : VIEW_U32, int64_t                                                                   \
             : VIEW_I64, double                                                                    \
             : VIEW_F64)
#define FIELD(struct_part, member, unit, shown)                                                    \
    {VIEW_##struct_part, shown, unit, offsetof(struct vagus_snapshot_##struct_part, member),       \
     TYPE_OF(((struct vagus_snapshot_##struct_part *)0)->member)},

static const struct view_field fields[] = {
#define SNAPSHOT_FIELD(part, field, metric, unit) FIELD(part, field, unit, #field)
#define SNAPSHOT_EITHER(part, field, metric, other, unit) FIELD(part, field, unit, #field)
#define SNAPSHOT_RATIO(part, field, over, under) FIELD(part, field, "1", #field)
#define SNAPSHOT_QUANTILE(part, field, metric, quantile) FIELD(part, field, "s", #field)
#define SNAPSHOT_NETWORK_RATE(part, field, metric, unit) FIELD(part, field, unit, #field)
#define SNAPSHOT_COUNT(field, metric, unit)                                                        \
    FIELD(agent, field.total, unit, #field ".total")                                               \
    FIELD(agent, field.hour, unit, #field ".hour") FIELD(agent, field.day, unit, #field ".day")
#define SNAPSHOT_PATH_FIELD(field, metric, unit) FIELD(path, field, unit, #field)
#define SNAPSHOT_GPU_FIELD(field, metric, unit) FIELD(gpu, field, unit, #field)
#define SNAPSHOT_BUDGET_NUMBER(field, unit) FIELD(budget, status.field, unit, #field)
#define SNAPSHOT_DERIVED(part, field, unit) FIELD(part, field, unit, #field)
#include "report/snapshot.def"
};

#define FIELD_COUNT (sizeof(fields) / sizeof(fields[0]))

/* In the order of the struct, whatever that of the table is; mostly they are the same. */
const struct view_field *view_next(enum view_part_id part, const struct view_field *field)
{
    const struct view_field *next = NULL;
    if (field != NULL && field + 1 < fields + FIELD_COUNT && field[1].part == part &&
        field->type == VIEW_READING &&
        field[1].offset == field->offset + sizeof(struct vagus_reading))
        return field + 1;
    for (size_t i = 0; i < FIELD_COUNT; i++)
        if (fields[i].part == part && (field == NULL || fields[i].offset > field->offset) &&
            (next == NULL || fields[i].offset < next->offset))
            next = &fields[i];
    return next;
}

enum view_meaning view_meaning(const struct view_field *field)
{
    static const struct {
        const char *name;
        enum view_meaning meaning;
    } others[] = {{"uptime", VIEW_SINCE},       {"progress_age", VIEW_SINCE},
                  {"exhausted_in", VIEW_UNTIL}, {"ticks", VIEW_CLOCK},
                  {"writable", VIEW_FLAG},      {"throttled", VIEW_FLAG},
                  {"shared_slot", VIEW_FLAG},   {"anonymous_segment", VIEW_FLAG}};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strcmp(field->name, others[i].name) == 0)
            return others[i].meaning;
    return VIEW_AMOUNT;
}

uint32_t view_count(const struct vagus_system_snapshot *snapshot, enum view_part_id part)
{
    const struct view_part *p = &view_parts[part];
    uint32_t count;
    if (p->capacity == 1)
        return 1;
    memcpy(&count, (const char *)snapshot + p->count_offset, sizeof(count));
    return count < p->capacity ? count : p->capacity;
}

const void *view_element(const struct vagus_system_snapshot *snapshot, enum view_part_id part,
                         uint32_t index)
{
    const struct view_part *p = &view_parts[part];
    return (const char *)snapshot + p->offset + index * p->bytes;
}

static double number_at(const void *at, enum view_type type)
{
    union {
        uint64_t u64;
        int64_t i64;
        uint32_t u32;
        double f64;
    } number;
    memcpy(&number, at, type == VIEW_U32 ? sizeof(number.u32) : sizeof(number.u64));
    return type == VIEW_U64   ? (double)number.u64
           : type == VIEW_I64 ? (double)number.i64
           : type == VIEW_U32 ? (double)number.u32
                              : number.f64;
}

struct vagus_reading view_reading(const struct vagus_system_snapshot *snapshot,
                                  const struct view_field *field, const void *element)
{
    const void *at = (const char *)element + field->offset;
    struct vagus_reading reading = {.taken_ns = snapshot->published_ns, .good_until_ns = INT64_MAX};
    if (field->type == VIEW_READING) {
        memcpy(&reading, at, sizeof(reading));
        return reading;
    }
    reading.value = number_at(at, field->type);
    /* Of a budget of which nothing is known, these two mean nothing. */
    if (field->part == VIEW_budget &&
        ((const struct vagus_snapshot_budget *)element)->status.known == 0 &&
        (strcmp(field->name, "left") == 0 || strcmp(field->name, "limit") == 0))
        reading.taken_ns = 0;
    return reading;
}

const char *view_string(char copy[VIEW_STRING_MAX], const char *string, size_t bytes)
{
    size_t length = strnlen(string, bytes < VIEW_STRING_MAX ? bytes : VIEW_STRING_MAX - 1);
    memcpy(copy, string, length);
    copy[length] = '\0';
    return copy;
}

const char *view_shown_unit(char copy[VIEW_STRING_MAX], const struct view_field *field,
                            const void *element)
{
    return view_meaning(field) == VIEW_FLAG ? VIEW_FLAG_UNIT : view_unit(copy, field, element);
}

const char *view_unit(char copy[VIEW_STRING_MAX], const struct view_field *field,
                      const void *element)
{
    if (field->unit != NULL)
        return field->unit;
    if (field->part == VIEW_budget)
        return VIEW_STRING(copy, ((const struct vagus_snapshot_budget *)element)->unit);
    return VIEW_STRING(copy, ((const struct vagus_snapshot_metric *)element)->unit);
}

uint32_t view_signal_count(const struct vagus_system_snapshot *snapshot)
{
    return snapshot->signal_count < VAGUS_SNAPSHOT_SIGNALS ? snapshot->signal_count
                                                           : VAGUS_SNAPSHOT_SIGNALS;
}

bool view_same_element(enum view_part_id part, const void *a, const void *b)
{
    for (int i = 0; i < 2; i++) {
        const struct view_string *name = &view_parts[part].names[i];
        if (strncmp((const char *)a + name->offset, (const char *)b + name->offset, name->bytes) !=
            0)
            return false;
    }
    return true;
}

void view_add_element(struct text *text, enum view_part_id part, const void *element)
{
    const struct view_part *p = &view_parts[part];
    char name[VIEW_STRING_MAX], label[VIEW_STRING_MAX], instance[VIEW_STRING_MAX];
    if (part == VIEW_metric) {
        const struct vagus_snapshot_metric *metric = element;
        char key[NOTATION_MAX];
        notation_key(key, VIEW_STRING(name, metric->name), VIEW_STRING(label, metric->label),
                     VIEW_STRING(instance, metric->instance));
        text_add(text, key);
        return;
    }
    text_add(text, p->name);
    if (p->capacity == 1)
        return;
    text_addf(text, "{%s",
              view_string(name, (const char *)element + p->names[0].offset, p->names[0].bytes));
    if (p->names[1].bytes > 0 && ((const char *)element)[p->names[1].offset] != '\0')
        text_addf(
            text, ",%s",
            view_string(instance, (const char *)element + p->names[1].offset, p->names[1].bytes));
    text_add(text, "}");
}

void view_add_value(struct text *text, double value, const char *unit)
{
    if (isinf(value)) {
        text_add(text, strcmp(unit, "s") == 0 && value > 0 ? "not at this pace" : "?");
    } else if (strcmp(unit, "By/s") == 0 && isfinite(value)) {
        text_add_size(text, value);
        text_add(text, "/s");
    } else if (strcmp(unit, "{microUSD}") == 0 && isfinite(value)) {
        text_add(text, "$");
        text_add_fixed(text, value / 1e6, fabs(value) < 1e7 ? 4 : 2);
    } else if (strcmp(unit, "Cel") == 0 && isfinite(value)) {
        text_add_digits(text, value, 3);
        text_add(text, " °C");
    } else if (strcmp(unit, VIEW_FLAG_UNIT) == 0) {
        text_add(text, value != 0 ? "yes" : "no");
    } else {
        text_add_value(text, value, unit);
    }
}

const char *view_signal_advice(uint32_t kind)
{
    switch (kind) {
    case VAGUS_THROTTLE:
        return "do the same more slowly";
    case VAGUS_DEFER:
        return "take on nothing new and give back what can be given back";
    case VAGUS_SHUTDOWN:
        return "save what matters and end in order now";
    default:
        return "hold back";
    }
}
