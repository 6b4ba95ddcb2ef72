/* SPDX-License-Identifier: Apache-2.0 */
/* The snapshot as a tree of parts, elements and fields, so that what prints it, compares it or puts
 * it into JSON walks one table. Every byte of a snapshot is a stranger's: counts are clamped,
 * strings need not end. */
#ifndef REPORT_VIEW_H
#define REPORT_VIEW_H

#include "base/text.h"
#include "vagus/snapshot_view.h"

/* By the names of their structs, so that the table can name them. */
enum view_part_id {
    VIEW_cpu,
    VIEW_memory,
    VIEW_network,
    VIEW_process,
    VIEW_agent,
    VIEW_continuity,
    VIEW_monitor,
    VIEW_gpu,
    VIEW_path,
    VIEW_budget,
    VIEW_forecast,
    VIEW_metric,
    VIEW_PARTS
};

/* A part: one struct of the snapshot, or an array of such. */
struct view_part {
    const char *name;  /* "memory", "disk" */
    const char *key;   /* in JSON: "memory", "disks" */
    const char *label; /* of an array: what names an element, "path"; else NULL */
    size_t offset;     /* of the struct, or of the first */
    size_t bytes;      /* of one */
    size_t count_offset;
    uint32_t capacity; /* 1: it is no array */
    struct view_string {
        size_t offset, bytes;
    } names[2]; /* of an array: what tells one element from another; bytes 0: none */
};

/* What a number means when time passes. */
enum view_meaning {
    VIEW_AMOUNT, /* nothing */
    VIEW_SINCE,  /* seconds since a moment */
    VIEW_UNTIL,  /* seconds until a moment */
    VIEW_CLOCK,  /* it counts by itself */
    VIEW_FLAG,   /* no number: yes or no */
};

enum view_type { VIEW_READING, VIEW_U64, VIEW_U32, VIEW_I64, VIEW_F64 };

struct view_field {
    enum view_part_id part;
    const char *name; /* "headroom"; of a window of an agent's counts "messages.hour" */
    const char *unit; /* NULL: the element's own */
    size_t offset;    /* in the element */
    enum view_type type;
};

extern const struct view_part view_parts[VIEW_PARTS];

/* The next field of a part after `field`, or the first if it is NULL; NULL: there is no other. In
 * the order of the struct. */
const struct view_field *view_next(enum view_part_id part, const struct view_field *field);

enum view_meaning view_meaning(const struct view_field *field);

/* How many elements of a part there are, and one of them. */
uint32_t view_count(const struct vagus_system_snapshot *snapshot, enum view_part_id part);
const void *view_element(const struct vagus_system_snapshot *snapshot, enum view_part_id part,
                         uint32_t index);

/* A field's reading. What is a plain number is one that was taken when the snapshot was published.
 */
struct vagus_reading view_reading(const struct vagus_system_snapshot *snapshot,
                                  const struct view_field *field, const void *element);

/* A string of fixed room that need not end, ended by 0. */
#define VIEW_STRING_MAX 192
const char *view_string(char copy[VIEW_STRING_MAX], const char *string, size_t bytes);
#define VIEW_STRING(copy, field) view_string(copy, field, sizeof(field))

/* A field's unit. */
const char *view_unit(char copy[VIEW_STRING_MAX], const struct view_field *field,
                      const void *element);

/* The same for view_add_value(), which writes what is no number as yes and no. */
#define VIEW_FLAG_UNIT "{flag}"
const char *view_shown_unit(char copy[VIEW_STRING_MAX], const struct view_field *field,
                            const void *element);

/* How many raised signals are listed. */
uint32_t view_signal_count(const struct vagus_system_snapshot *snapshot);

/* Whether two elements of a part bear the same names. */
bool view_same_element(enum view_part_id part, const void *a, const void *b);

/* "disk{/tmp}", not escaped; "memory" of what is no array; of a metric as it is written elsewhere.
 */
void view_add_element(struct text *text, enum view_part_id part, const void *element);

/* As text_add_value(), and rates, money, temperatures, and what never comes. */
void view_add_value(struct text *text, double value, const char *unit);

/* A part of the snapshot as the member `key` of a JSON object, and the mode as "mode", null where
 * the writer knew none. */
struct json;
void view_json_part(struct json *json, const char *key,
                    const struct vagus_system_snapshot *snapshot, enum view_part_id part,
                    int64_t now_ns);
void view_json_mode(struct json *json, const struct vagus_system_snapshot *snapshot,
                    int64_t now_ns);

/* What a signal means to who gets it: "work more slowly". */
const char *view_signal_advice(uint32_t kind);

#endif
