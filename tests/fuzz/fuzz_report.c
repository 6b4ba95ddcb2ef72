/* SPDX-License-Identifier: Apache-2.0 */
/* Random bytes as a report, with what the segment's reader guarantees: strings are ended and counts
 * clamped. Whatever the numbers are, both summaries fit their declared size, the text has no
 * control characters, and the JSON no unpaired bracket. */
#include "report/findings.h"
#include "report/screen.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct report report;
static char output[REPORT_JSON_BYTES_MAX];

#define END(array) ((array)[sizeof(array) - 1] = '\0')

/* Stops the fuzzer at the line that says what was expected. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            __builtin_trap();                                                                      \
    } while (0)

static void end_strings(void)
{
    struct vagus_system_snapshot *snapshot = &report.snapshot;
    END(report.header.agent);
    END(report.header.program);
    END(report.header.boot_id);
    END(report.header.library_version);
    uint32_t judged = snapshot->judged, paths = snapshot->path_count;
    segment_tidy_snapshot(snapshot);
    snapshot->judged = judged; /* a report has to bear any */
    snapshot->path_count = paths;
    for (size_t i = 0; i < REPORT_ORGANS_MAX; i++) {
        struct report_spark *spark = &report.sparks[i];
        spark->unit[0] = ' ';
        memcpy(spark->unit + 1, "steps", sizeof("steps")); /* a word of ours, never a stranger's */
        spark->known = (spark->values[0] > 0) != 0;
    }
    for (size_t i = 0; i < SEGMENT_SIGNALS_MAX; i++) {
        struct vagus_signal *signal = &report.signals[i].signal;
        END(signal->resource);
        END(signal->rule);
        END(signal->metric);
        END(signal->instance);
        END(signal->unit);
        END(signal->reason);
        END(signal->label);
        if (report.signals[i].deed_count > SEGMENT_DEEDS_MAX)
            report.signals[i].deed_count = SEGMENT_DEEDS_MAX;
        for (size_t k = 0; k < SEGMENT_DEEDS_MAX; k++)
            END(report.signals[i].deeds[k].listener);
    }
    for (size_t i = 0; i < SEGMENT_LISTENERS_MAX; i++) {
        END(report.listeners[i].name);
        END(report.listeners[i].last_resource);
    }
    for (size_t i = 0; i < SEGMENT_COLLECTORS_MAX; i++)
        END(report.collectors[i].name);
    for (size_t i = 0; i < SEGMENT_NOTES_MAX; i++)
        END(report.notes[i].text);
    for (size_t i = 0; i < REPORT_SERIES_MAX; i++) {
        END(report.series[i].name);
        END(report.series[i].label);
        END(report.series[i].instance);
    }
}

/* The input is repeated over the whole report: small inputs reach every field. */
static void make_report(const uint8_t *data, size_t size)
{
    uint8_t flags = data[0];
    data++;
    size--;
    memset(&report, 0, sizeof(report));
    for (size_t at = 0; size > 0 && at < sizeof(report); at += size)
        memcpy((char *)&report + at, data, size < sizeof(report) - at ? size : sizeof(report) - at);
    end_strings();
    report.alive = flags & 1;
    if (flags & 2)
        report.snapshot_error = 0;
    if (flags & 4)
        report.header.life = SEGMENT_RUNNING;
    if (flags & 8)
        report.snapshot.good_until_ns = INT64_MAX;
    if (flags & 16) /* so that raised signals find their transitions */
        for (size_t i = 0; i < VAGUS_SNAPSHOT_SIGNALS; i++) {
            struct vagus_snapshot_signal *raised = &report.snapshot.signals[i];
            report.signals[i].shadow = 0;
            report.signals[i].signal.kind = raised->kind = 1u << i % VAGUS_SIGNAL_KINDS;
            memcpy(report.signals[i].signal.resource, raised->resource, VAGUS_RESOURCE_MAX);
        }
    report.signal_count %= SEGMENT_SIGNALS_MAX + 1;
    report.listener_count %= SEGMENT_LISTENERS_MAX + 1;
    report.collector_count %= SEGMENT_COLLECTORS_MAX + 1;
    report.note_count %= SEGMENT_NOTES_MAX + 1;
    report.series_count %= REPORT_SERIES_MAX + 1;
    report.snapshot.path_count %= VAGUS_SNAPSHOT_PATHS + 1;
}

static void check_text(unsigned width)
{
    unsigned columns = 0;
    for (const unsigned char *c = (const unsigned char *)output; *c != '\0'; c++) {
        REQUIRE(*c == '\n' || (*c >= 0x20 && *c != 0x7f));
        columns = *c == '\n' ? 0 : columns + ((*c & 0xc0) != 0x80);
        REQUIRE(columns <= width);
    }
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

/* Who is ready is alive, and both say why. */
static void check_probes(void)
{
    struct text text;
    text_init(&text, output, 1024);
    bool alive = report_is_alive(&report, &text);
    REQUIRE(text.length > 0 && !text_cut(&text));
    check_text(1024);
    text_init(&text, output, 1024);
    bool ready = report_is_ready(&report, &text);
    REQUIRE(text.length > 0 && !text_cut(&text) && (alive || !ready));
    check_text(1024);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    make_report(data, size);
    static const unsigned widths[] = {0, 40, 32, 60, 120, 160, 1000, 1};
    unsigned columns = widths[data[size / 2] % 8], most = columns;
    bool colour = data[0] & 32;
    struct text text;
    text_init(&text, output, REPORT_TEXT_BYTES_MAX);
    report_health_text(&report, colour, columns, &text);
    REQUIRE(!text_cut(&text));
    most = most == 0 ? SCREEN_COLUMNS : most;
    most = most < SCREEN_COLUMNS_MIN ? SCREEN_COLUMNS_MIN : most;
    if (!colour)
        check_text(most < SCREEN_COLUMNS_MAX ? most : SCREEN_COLUMNS_MAX);
    text_init(&text, output, REPORT_TEXT_BYTES_MAX);
    report_health_brief(&report, false, &text);
    check_text(SCREEN_COLUMNS_MAX);
    check_probes();
    text_init(&text, output, sizeof(output));
    report_health_json(&report, &text);
    REQUIRE(!text_cut(&text));
    check_json();
    return 0;
}
