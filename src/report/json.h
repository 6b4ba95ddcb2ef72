/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON into bounded text: objects and arrays that know whether a comma is due. */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include "base/text.h"
#include "vagus/metric.h"

struct json {
    struct text *text;
    bool filled; /* something stands in the object or array under way */
};

void json_key(struct json *json, const char *name);
void json_open(struct json *json, const char *bracket);
void json_close(struct json *json, const char *bracket);

/* The next element of an array: an object, to be closed by "}". */
void json_element(struct json *json);

void json_null(struct json *json, const char *name);
void json_string(struct json *json, const char *name, const char *value);
void json_number(struct json *json, const char *name, double value);
void json_count(struct json *json, const char *name, uint64_t value);
void json_integer(struct json *json, const char *name, int64_t value);
void json_bool(struct json *json, const char *name, bool value);

/* The name of an error, or null. */
void json_error(struct json *json, const char *name, int error);

/* A level, no more exact than a transition makes it. */
void json_level(struct json *json, double level);

/* A span in seconds, to the millisecond; 0 if it is negative. */
void json_span(struct json *json, const char *name, int64_t ns);

/* A time by the clock on the wall, in seconds since 1970; null if it is not known. */
void json_time(struct json *json, const char *name, int64_t wall_ns);

/* How long ago something was; null if it never was. */
void json_age(struct json *json, const char *name, int64_t at_ns, int64_t now_ns);

/* {"value", "unit", "state", "age_s", "good_for_s", "source"}, with "error" in that state; the
 * value is null unless it is, or once was, good. */
void json_reading(struct json *json, const char *name, const struct vagus_reading *reading,
                  const char *unit, int64_t now_ns);

#endif
