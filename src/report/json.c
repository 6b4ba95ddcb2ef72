/* SPDX-License-Identifier: Apache-2.0 */
/* Writing JSON into bounded text. Numbers are such that no locale writes with a comma. */
#include "report/json.h"

#include <math.h>

#include "report/findings.h"

void json_key(struct json *json, const char *name)
{
    text_addf(json->text, "%s\"%s\":", json->filled ? "," : "", name);
    json->filled = true;
}

void json_open(struct json *json, const char *bracket)
{
    text_add(json->text, bracket);
    json->filled = false;
}

void json_close(struct json *json, const char *bracket)
{
    text_add(json->text, bracket);
    json->filled = true;
}

void json_element(struct json *json)
{
    if (json->filled)
        text_add(json->text, ",");
    json_open(json, "{");
}

void json_null(struct json *json, const char *name)
{
    json_key(json, name);
    text_add(json->text, "null");
}

void json_string(struct json *json, const char *name, const char *value)
{
    json_key(json, name);
    text_add_json(json->text, value);
}

void json_number(struct json *json, const char *name, double value)
{
    json_key(json, name);
    text_add_json_number(json->text, value);
}

void json_count(struct json *json, const char *name, uint64_t value)
{
    json_key(json, name);
    text_addf(json->text, "%llu", (unsigned long long)value);
}

void json_bool(struct json *json, const char *name, bool value)
{
    json_key(json, name);
    text_add(json->text, value ? "true" : "false");
}

void json_error(struct json *json, const char *name, int error)
{
    if (error == 0)
        json_null(json, name);
    else
        json_string(json, name, vagus_error_name(error));
}

void json_level(struct json *json, double level)
{
    json_number(json, "level", rint(level * 1e4) / 1e4);
}

void json_span(struct json *json, const char *name, int64_t ns)
{
    json_key(json, name);
    text_add_json_seconds(json->text, ns);
}

void json_age(struct json *json, const char *name, int64_t at_ns, int64_t now_ns)
{
    if (at_ns != 0)
        json_span(json, name, report_span_ns(at_ns, now_ns));
    else
        json_null(json, name);
}

void json_reading(struct json *json, const char *name, const struct vagus_reading *reading,
                  const char *unit, int64_t now_ns)
{
    enum vagus_state state = vagus_reading_state(reading, now_ns);
    json_key(json, name);
    json_open(json, "{");
    if (state == VAGUS_STATE_OK || state == VAGUS_STATE_STALE)
        json_number(json, "value", reading->value);
    else
        json_null(json, "value");
    json_string(json, "unit", unit);
    json_string(json, "state", vagus_state_name(state));
    json_age(json, "age_s", reading->taken_ns, now_ns);
    if (reading->taken_ns != 0) {
        if (reading->good_until_ns == INT64_MAX)
            json_null(json, "good_for_s");
        else
            json_span(json, "good_for_s", report_span_ns(now_ns, reading->good_until_ns));
        json_string(json, "source", vagus_source_name(reading->source));
    }
    if (state == VAGUS_STATE_ERROR)
        json_error(json, "error", reading->error);
    json_close(json, "}");
}
