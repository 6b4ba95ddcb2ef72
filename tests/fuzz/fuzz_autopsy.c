/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes as an autopsy, with what the segment's reader guarantees: strings are ended and
 * counts clamped. Whatever the numbers are, the text has no control characters and fits its size,
 * as does the JSON, whose brackets pair. The first input byte chooses what is made possible. And as
 * records of the kernel's log. */
#include <stdlib.h>

#include "report/autopsy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct autopsy autopsy;
static char output[AUTOPSY_JSON_BYTES_MAX];

#define END(array) ((array)[sizeof(array) - 1] = '\0')

#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            __builtin_trap();                                                                      \
    } while (0)

static void end_signal(struct segment_signal *entry)
{
    END(entry->signal.resource);
    END(entry->signal.rule);
    END(entry->signal.metric);
    END(entry->signal.instance);
    END(entry->signal.unit);
    END(entry->signal.reason);
    END(entry->signal.label);
    entry->deed_count %= SEGMENT_DEEDS_MAX + 1;
    for (size_t k = 0; k < SEGMENT_DEEDS_MAX; k++)
        END(entry->deeds[k].listener);
}

static void end_snapshot(struct vagus_system_snapshot *s)
{
    END(s->mode.name);
    END(s->mode.before);
    for (size_t i = 0; i < VAGUS_SNAPSHOT_SIGNALS; i++)
        END(s->signals[i].resource);
    for (size_t i = 0; i < VAGUS_SNAPSHOT_BUDGETS; i++) {
        END(s->budgets[i].name);
        END(s->budgets[i].unit);
    }
}

static void end_metric(struct segment_metric *metric)
{
    END(metric->name);
    END(metric->label);
    END(metric->instance);
    END(metric->unit);
}

static void end_strings(void)
{
    struct report *report = &autopsy.report;
    END(report->header.agent);
    END(report->header.program);
    END(autopsy.facts.header.boot_id);
    END(autopsy.facts.boot_id);
    END(autopsy.facts.log.program);
    END(autopsy.facts.continuity.cgroup);
    end_snapshot(&report->snapshot);
    end_snapshot(&autopsy.facts.snapshot);
    for (size_t i = 0; i < SEGMENT_SIGNALS_MAX; i++)
        end_signal(&report->signals[i]);
    for (size_t i = 0; i < SEGMENT_NOTES_MAX; i++)
        END(report->notes[i].text);
    for (size_t i = 0; i < AUTOPSY_VITALS_MAX; i++)
        end_metric(&autopsy.vitals[i].metric);
    for (size_t i = 0; i < SEGMENT_OPERATIONS_MAX; i++) {
        END(autopsy.operations[i].name);
        END(autopsy.operations[i].instance);
    }
    for (size_t i = 0; i < SEGMENT_TICKETS_MAX; i++) {
        END(autopsy.tickets[i].budget);
        END(autopsy.tickets[i].unit);
    }
}

/* The input is repeated over the whole: small inputs reach every field. */
static void make(const uint8_t *data, size_t size)
{
    uint8_t flags = data[0];
    data++;
    size--;
    memset(&autopsy, 0, sizeof(autopsy));
    for (size_t at = 0; size > 0 && at < sizeof(autopsy); at += size)
        memcpy((char *)&autopsy + at, data,
               size < sizeof(autopsy) - at ? size : sizeof(autopsy) - at);
    end_strings();
    autopsy.facts.alive = flags & 1;
    autopsy.facts.log_by_name = flags & 2;
    autopsy.facts.kills_told = flags & 4;
    if (flags & 8)
        autopsy.facts.snapshot_error = autopsy.report.snapshot_error = 0;
    if (flags & 16)
        autopsy.facts.log_error = autopsy.facts.kills_error = 0;
    if (flags & 32)
        autopsy.facts.header.life = SEGMENT_RUNNING;
    if (flags & 64)
        memcpy(autopsy.facts.boot_id, autopsy.facts.header.boot_id, sizeof(autopsy.facts.boot_id));
    autopsy.report.alive = false;
    autopsy.report.signal_count %= SEGMENT_SIGNALS_MAX + 1;
    autopsy.report.note_count %= SEGMENT_NOTES_MAX + 1;
    autopsy.vital_count %= AUTOPSY_VITALS_MAX + 1;
    autopsy.operation_count %= SEGMENT_OPERATIONS_MAX + 1;
    autopsy.ticket_count %= SEGMENT_TICKETS_MAX + 1;
    ending_judge(&autopsy.facts, &autopsy.ending);
}

static void check_json(void)
{
    int depth = 0;
    bool quoted = false;
    for (const char *c = output; *c != '\0'; c++) {
        REQUIRE((unsigned char)*c >= 0x20 || (*c == '\n' && c[1] == '\0'));
        if (quoted && *c == '\\')
            c++;
        else if (*c == '"')
            quoted = !quoted;
        else if (!quoted)
            depth += (*c == '{' || *c == '[') - (*c == '}' || *c == ']');
        REQUIRE(depth >= 0);
    }
    REQUIRE(depth == 0 && !quoted);
}

static void parse_record(const uint8_t *data, size_t size)
{
    struct host_oom_kill kill;
    char *record = malloc(size + 1); /* of its own size: a byte too many is seen */
    if (record == NULL)
        return;
    memcpy(record, data, size);
    if (host_parse_oom_record(record, size, &kill))
        REQUIRE(kill.pid >= 0 && kill.at_ns >= 0 &&
                memchr(kill.program, 0, sizeof(kill.program)) != NULL);
    free(record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    parse_record(data, size);
    make(data, size);
    struct text text;
    text_init(&text, output, AUTOPSY_TEXT_BYTES_MAX);
    autopsy_text(&autopsy, data[0] & 128 ? 40 : 0, false, &text);
    REQUIRE(!text_cut(&text));
    for (const unsigned char *c = (const unsigned char *)output; *c != '\0'; c++)
        REQUIRE(*c == '\n' || (*c >= 0x20 && *c != 0x7f));
    text_init(&text, output, sizeof(output));
    autopsy_json(&autopsy, &text);
    REQUIRE(!text_cut(&text));
    check_json();
    return 0;
}
