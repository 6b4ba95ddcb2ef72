/* SPDX-License-Identifier: Apache-2.0 */
/* Notes: what health must say once. Few, bounded, each text only once. */
#include <string.h>

#include "base/clock.h"
#include "monitor/monitor.h"

/* Under the lock. */
static void mirror(struct vagus_monitor *monitor)
{
    struct segment_head *head = segment_head(&monitor->segment, SEGMENT_NOTES);
    segment_write_begin(&head->stamp);
    memcpy(segment_entries(&monitor->segment, SEGMENT_NOTES), monitor->notes,
           sizeof(monitor->notes));
    head->count = monitor->note_count;
    head->updated_ns = clock_now_ns(&monitor->clock);
    segment_write_end(&head->stamp);
}

/* Under the lock. */
static void add(struct vagus_monitor *monitor, enum segment_note_kind kind, const char *text)
{
    for (uint32_t i = 0; i < monitor->note_count; i++) {
        if (monitor->notes[i].kind == (uint32_t)kind && strcmp(monitor->notes[i].text, text) == 0) {
            monitor->notes[i].times++;
            return;
        }
    }
    if (monitor->note_count == SEGMENT_NOTES_MAX) {
        struct segment_note *last = &monitor->notes[SEGMENT_NOTES_MAX - 1];
        last->times++;
        text_copy(last->text, sizeof(last->text), "and more, for which there is no room here");
        return;
    }
    struct segment_note *note = &monitor->notes[monitor->note_count++];
    *note = (struct segment_note){
        .at_ns = clock_now_ns(&monitor->clock), .kind = (uint32_t)kind, .times = 1};
    text_copy(note->text, sizeof(note->text), text);
}

void monitor_note(struct vagus_monitor *monitor, enum segment_note_kind kind, const char *format,
                  ...)
{
    char buffer[sizeof(monitor->notes[0].text)];
    struct text text;
    va_list arguments;

    text_init(&text, buffer, sizeof(buffer));
    va_start(arguments, format);
    text_addv(&text, format, arguments);
    va_end(arguments);
    pthread_mutex_lock(&monitor->note_lock);
    add(monitor, kind, buffer);
    mirror(monitor);
    pthread_mutex_unlock(&monitor->note_lock);
}

void monitor_note_again(struct vagus_monitor *monitor, enum segment_note_kind kind,
                        const char *text, size_t key_length)
{
    uint32_t i = 0;
    pthread_mutex_lock(&monitor->note_lock);
    while (i < monitor->note_count && (monitor->notes[i].kind != (uint32_t)kind ||
                                       strncmp(monitor->notes[i].text, text, key_length) != 0))
        i++;
    if (i == monitor->note_count) {
        add(monitor, kind, text);
    } else {
        struct segment_note *note = &monitor->notes[i];
        note->times++;
        note->at_ns = clock_now_ns(&monitor->clock);
        text_copy(note->text, sizeof(note->text), text);
    }
    mirror(monitor);
    pthread_mutex_unlock(&monitor->note_lock);
}

/* Under the lock. */
static void drop(struct vagus_monitor *monitor, enum segment_note_kind kind)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < monitor->note_count; i++)
        if (monitor->notes[i].kind != (uint32_t)kind)
            monitor->notes[kept++] = monitor->notes[i];
    monitor->note_count = kept;
}

void monitor_note_drop(struct vagus_monitor *monitor, enum segment_note_kind kind)
{
    pthread_mutex_lock(&monitor->note_lock);
    drop(monitor, kind);
    mirror(monitor);
    pthread_mutex_unlock(&monitor->note_lock);
}

void monitor_note_wiring(struct vagus_monitor *monitor)
{
    pthread_mutex_lock(&monitor->note_lock);
    drop(monitor, SEGMENT_NOTE_UNWIRED);
    for (uint32_t i = 0; i < monitor->wiring.count; i++)
        add(monitor, SEGMENT_NOTE_UNWIRED, monitor->wiring.faults[i].text);
    monitor->unwired = monitor->wiring.total;
    mirror(monitor);
    pthread_mutex_unlock(&monitor->note_lock);
}
