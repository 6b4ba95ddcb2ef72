/* SPDX-License-Identifier: Apache-2.0 */
/* The snapshot for a person, line by line: what is known of each part, and the names of what is
 * not. A line is put together in a small buffer, so that a stream needs no large one. */
#include <string.h>

#include "report/findings.h"
#include "report/view.h"

#define COLUMNS 78
#define NAME_COLUMNS 22

struct page {
    struct text *text; /* where lines go, or */
    FILE *stream;      /* there */
    bool failed;
    char buffer[1024];
    struct text line;
};

static void begin_line(struct page *page)
{
    text_init(&page->line, page->buffer, sizeof(page->buffer));
}

static void end_line(struct page *page)
{
    if (page->text != NULL) {
        text_add(page->text, page->buffer);
        text_add(page->text, "\n");
    } else if (fputs(page->buffer, page->stream) == EOF || fputc('\n', page->stream) == EOF) {
        page->failed = true;
    }
    begin_line(page);
}

static void add_safe(struct page *page, const char *field, size_t bytes)
{
    char copy[VIEW_STRING_MAX];
    text_add_safe(&page->line, view_string(copy, field, bytes), 4 * bytes);
}
#define ADD_SAFE(page, field) add_safe(page, field, sizeof(field))

static void add_age(struct page *page, const char *before, int64_t at_ns, int64_t now_ns)
{
    text_add(&page->line, before);
    text_add_duration(&page->line, report_span_ns(at_ns, now_ns));
}

static bool is_overdue(const struct vagus_system_snapshot *s, int64_t now_ns)
{
    return now_ns > s->good_until_ns;
}

/* Until when a mode and a signal are known to have lasted. */
static int64_t known_until_ns(const struct vagus_system_snapshot *s, int64_t now_ns)
{
    return is_overdue(s, now_ns) ? s->published_ns : now_ns;
}

static void put_head(struct page *page, const struct vagus_system_snapshot *s, int64_t now_ns)
{
    text_addf(&page->line, "%s", vagus_verdict_name(vagus_snapshot_verdict(s, now_ns)));
    if (s->published_ns == 0) {
        text_add(&page->line, ": nothing was published");
        end_line(page);
        return;
    }
    add_age(page, ": published ", s->published_ns, now_ns);
    text_addf(&page->line, " ago%s, number %llu%s", is_overdue(s, now_ns) ? " and overdue" : "",
              (unsigned long long)s->sequence, is_overdue(s, now_ns) ? "; then it was:" : "");
    end_line(page);
    if (s->mode.name[0] != '\0') {
        text_add(&page->line, "mode ");
        ADD_SAFE(page, s->mode.name);
        add_age(page, " for ", s->mode.since_ns, known_until_ns(s, now_ns));
        if (s->mode.waits_for[0] != '\0') {
            text_add(&page->line, ", consent is awaited for ");
            ADD_SAFE(page, s->mode.waits_for);
        }
        end_line(page);
    }
}

static void put_signals(struct page *page, const struct vagus_system_snapshot *s, int64_t now_ns)
{
    for (uint32_t i = 0; i < view_signal_count(s); i++) {
        const struct vagus_snapshot_signal *signal = &s->signals[i];
        text_addf(&page->line, "%s on ", vagus_signal_kind_name(signal->kind));
        ADD_SAFE(page, signal->resource);
        add_age(page, " for ", signal->since_ns, known_until_ns(s, now_ns));
        text_add(&page->line, ", level ");
        text_add_fixed(&page->line, (double)signal->level, 2);
        text_add(&page->line, ", rule ");
        ADD_SAFE(page, signal->rule);
        end_line(page);
        if (signal->reason[0] != '\0') {
            text_add(&page->line, "  ");
            ADD_SAFE(page, signal->reason);
            end_line(page);
        }
    }
    if (s->signal_count > VAGUS_SNAPSHOT_SIGNALS) {
        text_addf(&page->line, "and %u more signals", s->signal_count - VAGUS_SNAPSHOT_SIGNALS);
        end_line(page);
    }
}

/* "pressure_ratio" in words; of "online_s" the unit stands behind the value. */
static void add_label(struct text *text, const char *name)
{
    for (const char *c = name; *c != '\0' && strcmp(c, "_s") != 0; c++)
        text_add_bytes(text, *c == '_' || *c == '.' ? " " : c, 1);
}

static void put_known(struct page *page, const struct view_field *field, const void *element,
                      const struct vagus_reading *reading, int64_t now_ns)
{
    char copy[VIEW_STRING_MAX];
    enum vagus_state state = vagus_reading_state(reading, now_ns);
    text_add(&page->line, "  ");
    add_label(&page->line, field->part == VIEW_metric ? "value" : field->name);
    do
        text_add(&page->line, " ");
    while (page->line.length < NAME_COLUMNS);
    if (state != VAGUS_STATE_ERROR)
        view_add_value(&page->line, reading->value, view_shown_unit(copy, field, element));
    if (state == VAGUS_STATE_STALE)
        text_add(&page->line, ", ");
    if (reading->error == VAGUS_EAGAIN) /* of a window that has not passed yet */
        text_add(&page->line, "not known yet");
    else
        report_add_state(&page->line, reading, now_ns);
    end_line(page);
}

/* The names of all fields of an element that are in a state, over as many lines as they need. A
 * count of which nothing is known is named once, without its windows. */
static void put_unknown(struct page *page, const struct vagus_system_snapshot *s,
                        enum view_part_id part, const void *element, enum vagus_state wanted,
                        const char *words, int64_t now_ns)
{
    const struct view_field *field = NULL;
    const char *separator = words, *whole = "";
    char name[VIEW_STRING_MAX];
    while ((field = view_next(part, field)) != NULL) {
        struct vagus_reading reading = view_reading(s, field, element);
        size_t length = strcspn(field->name, ".");
        if (vagus_reading_state(&reading, now_ns) != wanted ||
            (whole[0] != '\0' && strncmp(field->name, whole, length + 1) == 0))
            continue;
        whole = strcmp(field->name + length, ".total") == 0 ? field->name : "";
        if (whole[0] == '\0')
            length = strlen(field->name);
        if (page->line.length + strlen(separator) + length > COLUMNS) {
            text_add(&page->line, ",");
            end_line(page);
            separator = "    ";
        }
        text_add(&page->line, separator);
        add_label(&page->line, view_string(name, field->name, length));
        separator = ", ";
    }
    if (separator != words)
        end_line(page);
}

/* The element's own line, if it has one: what it is called, and what is said of it in words. */
static void put_name(struct page *page, enum view_part_id part, const void *element)
{
    char name[VIEW_STRING_MAX];
    struct text text;
    text_init(&text, name, sizeof(name));
    view_add_element(&text, part, element);
    text_add_safe(&page->line, name, 3 * sizeof(name));
    if (part == VIEW_budget) {
        const struct vagus_snapshot_budget *budget = element;
        text_add(&page->line, budget->window_ns > 0 ? " over " : ", without a window");
        if (budget->window_ns > 0)
            text_add_duration(&page->line, budget->window_ns);
    } else if (part == VIEW_continuity) {
        const struct vagus_snapshot_continuity *continuity = element;
        text_add(&page->line, ": last run: ");
        report_add_end(&page->line, continuity);
    }
    end_line(page);
}

static void put_element(struct page *page, const struct vagus_system_snapshot *s,
                        enum view_part_id part, const void *element, int64_t now_ns)
{
    const struct view_field *field = NULL;
    put_name(page, part, element);
    while ((field = view_next(part, field)) != NULL) {
        struct vagus_reading reading = view_reading(s, field, element);
        enum vagus_state state = vagus_reading_state(&reading, now_ns);
        if (state != VAGUS_STATE_NEVER && state != VAGUS_STATE_UNSUPPORTED)
            put_known(page, field, element, &reading, now_ns);
    }
    put_unknown(page, s, part, element, VAGUS_STATE_UNSUPPORTED, "  not supported here: ", now_ns);
    put_unknown(page, s, part, element, VAGUS_STATE_NEVER, "  never read: ", now_ns);
}

static void put_all(struct page *page, const struct vagus_system_snapshot *s, int64_t now_ns)
{
    begin_line(page);
    put_head(page, s, now_ns);
    put_signals(page, s, now_ns);
    for (int part = 0; part < VIEW_PARTS; part++)
        for (uint32_t i = 0; i < view_count(s, (enum view_part_id)part); i++)
            put_element(page, s, (enum view_part_id)part,
                        view_element(s, (enum view_part_id)part, i), now_ns);
}

int vagus_snapshot_format(const struct vagus_system_snapshot *snapshot, int64_t now_ns, char *out,
                          size_t capacity, size_t *length)
{
    struct text text;
    if (snapshot == NULL || (out == NULL && capacity > 0))
        return VAGUS_EINVAL;
    text_init(&text, out, capacity);
    struct page page = {.text = &text};
    put_all(&page, snapshot, now_ns);
    if (length != NULL)
        *length = text.length;
    return 0;
}

int vagus_snapshot_print(const struct vagus_system_snapshot *snapshot, int64_t now_ns, FILE *stream)
{
    if (snapshot == NULL || stream == NULL)
        return VAGUS_EINVAL;
    struct page page = {.stream = stream};
    put_all(&page, snapshot, now_ns);
    return page.failed || fflush(stream) != 0 ? VAGUS_EIO : 0;
}
