/* SPDX-License-Identifier: Apache-2.0 */
/* What a person looks at, over a segment that anybody may have left: the input is laid over a real
 * one, behind its header, and goes through `vagus top` and `vagus show` in all their forms. Nothing
 * but printable characters may reach the terminal, and everything must end. */
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/show.h"
#include "cli/top.h"
#include "metrics/metrics.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What main.c would give: nothing of this finds its process by name. */
int cli_usage_error(const struct cli_verb *verb, const char *format, ...)
{
    (void)verb;
    (void)format;
    return CLI_USAGE;
}

int cli_error(const struct cli_verb *verb, const char *format, ...)
{
    (void)verb;
    (void)format;
    return CLI_FAILED;
}

static struct segment segment;
static struct metrics metrics;
static unsigned char *pristine;

static int64_t fixed_ns(void *arg)
{
    (void)arg;
    return 1000 * VAGUS_SECOND_NS;
}
static const struct vagus_clock fixed = {.monotonic_ns = fixed_ns, .wall_ns = fixed_ns};

static void define(const char *name, enum vagus_metric_kind kind, const char *unit)
{
    const char *why;
    struct vagus_metric_desc desc = {
        .name = name, .unit = unit, .kind = kind, .tier = VAGUS_TIER_1S, .max = 1e6};
    int index = metrics_define(&metrics, &desc, METRIC_SENSED, &why);
    for (int i = 0; index >= 0 && kind != VAGUS_HISTOGRAM && i < 100; i++)
        metrics_put(&metrics, (uint32_t)index, (900 + i) * VAGUS_SECOND_NS, i * i);
}

/* A segment in anonymous memory, with an operation and a gauge. */
static void begin(void)
{
    static struct vagus_system_snapshot snapshot = {.size = sizeof(snapshot),
                                                    .version = VAGUS_SNAPSHOT_VERSION,
                                                    .published_ns = 1,
                                                    .signal_count = 2,
                                                    .path_count = 2,
                                                    .gpu_count = 1,
                                                    .budget_count = 2,
                                                    .good_until_ns = INT64_MAX};
    struct segment_options options = {.agent = "fuzz",
                                      .bytes = SEGMENT_BYTES_MIN,
                                      .metrics_max = 16,
                                      .anonymous = true,
                                      .clock = &fixed};
    if (segment_create(&options, &segment) != 0 ||
        metrics_init(&metrics, &segment, 16, 2, cells_door_take(), &fixed) != 0)
        abort();
    define("x.started", VAGUS_COUNTER, "{call}");
    define("x.errors", VAGUS_COUNTER, "{error}");
    define("x.duration", VAGUS_HISTOGRAM, "ns");
    define("x.in_flight", VAGUS_GAUGE, "{call}");
    define("memory.usage", VAGUS_GAUGE, "By");
    metrics_mirror(&metrics, 1000 * VAGUS_SECOND_NS);
    segment_publish(segment.sections[SEGMENT_SNAPSHOT], 1, &snapshot);
    pristine = malloc(segment.bytes);
    if (pristine == NULL)
        abort();
    memcpy(pristine, segment.header, segment.bytes);
}

static void check_printable(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c != '\0'; c++)
        if (*c != '\n' && (*c < 0x20 || *c == 0x7f))
            abort();
}

static void look(const struct segment_reader *reader)
{
    static struct top_reading reading;
    static struct top_state state;
    static struct canvas canvas;
    static char drawn[1 << 20];
    struct top_view view = {.focus = TOP_RECENT, .scroll = 3};
    struct text text;
    if (top_attach(&reading, &state, reader) != 0)
        abort();
    for (unsigned i = 0; i < 2; i++) {
        top_look(&reading, &state);
        top_sort(&state, i);
        if (!canvas_resize(&canvas, i == 0 ? 24 : 12, i == 0 ? 80 : 40))
            abort();
        top_draw(&state, &view, &canvas);
        text_init(&text, drawn, sizeof(drawn));
        canvas_text(&canvas, &text);
        check_printable(drawn);
        view.help = false;
    }
    reading.attached = false; /* the reader is the caller's */
    top_detach(&reading);
}

static void show(const struct segment_reader *reader, uint32_t index, enum show_form form,
                 const char *from, int64_t by_ns)
{
    static struct segment_metric described[1];
    struct show_window window = {.from = from, .by_ns = by_ns, .form = form, .columns = 60};
    struct shown shown = {.index = index, .now_ns = fixed_ns(NULL), .alive = true};
    struct segment_head head;
    uint64_t got = 0;
    char why[256] = "";
    if (segment_read_entries(reader, SEGMENT_DIRECTORY, index, 1, described, &got, &head) != 0 ||
        got == 0)
        return;
    shown.metric = described[0];
    if (show_read(reader, &window, &shown, why) == 0 && form == SHOW_TEXT) {
        size_t room = 65536;
        char *printed = malloc(room);
        struct text text;
        if (printed == NULL)
            abort();
        text_init(&text, printed, room);
        show_text(&shown, 60, by_ns == 0, &text);
        check_printable(printed);
        free(printed);
    }
    show_finish(&shown);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segment_reader reader;
    if (pristine == NULL)
        begin();
    memcpy(segment.header, pristine, segment.bytes);
    /* Twelve bytes of input choose a place, near the beginning of a section, and what is laid
     * there. */
    for (size_t at = 0; at + 12 <= size; at += 12) {
        uint32_t place;
        memcpy(&place, data + at, 4);
        const struct segment_extent *extent = &segment.extents[place % SEGMENT_SECTION_COUNT];
        uint64_t room = extent->bytes < 24576 ? extent->bytes : 24576;
        if (room > 8)
            memcpy((char *)segment.header + extent->offset + place / 16 % (room - 8), data + at + 4,
                   8);
    }
    segment_attach_own(&segment, &reader);
    look(&reader);
    for (uint32_t index = 0; index < 5; index++) {
        show(&reader, index, SHOW_TEXT, NULL, 0);
        show(&reader, index, SHOW_TEXT, "-30s", 2 * VAGUS_SECOND_NS);
        show(&reader, index, SHOW_JSON, NULL, 0);
    }
    return 0;
}
