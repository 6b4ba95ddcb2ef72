/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of segments against whatever a file may hold. The input is laid over a good segment by
 * exclusive or: its first bytes over the header, the next over the start of each section. So an
 * empty input is the good one, and every field is one flipped bit away. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "report/continuity.h"
#include "report/ending.h"
#include "segment/reader.h"

#define SECTION_BYTES 512 /* of each section are laid over */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int file = -1;
static unsigned char *good; /* what the file is put back to */
static struct segment_extent extents[SEGMENT_SECTION_COUNT];
static char path[] = "/dev/shm/vagus-fuzz-XXXXXX";

static void put(const void *from, size_t bytes, uint64_t offset)
{
    if (pwrite(file, from, bytes, (off_t)offset) != (ssize_t)bytes)
        abort();
}

static void remove_file(void)
{
    unlink(path);
}

static void prepare(void)
{
    struct segment segment;
    struct segment_options options = {.agent = "fuzz",
                                      .bytes = SEGMENT_BYTES_MIN,
                                      .metrics_max = 16,
                                      .anonymous = true,
                                      .clock = &clock_of_machine};
    file = mkstemp(path);
    good = malloc(SEGMENT_BYTES_MIN);
    if (file < 0 || good == NULL || segment_create(&options, &segment) != 0)
        abort();
    atexit(remove_file);
    struct vagus_system_snapshot snapshot = {.sequence = 1};
    segment_publish(segment_slots(&segment), 1, &snapshot);
    memcpy(good, segment.header, SEGMENT_BYTES_MIN);
    memcpy(extents, segment.extents, sizeof(extents));
    put(good, SEGMENT_BYTES_MIN, 0);
    segment_close(&segment);
}

static void lay_part(const uint8_t *data, size_t bytes, uint64_t offset, bool restore)
{
    unsigned char part[sizeof(struct segment_header)];
    for (size_t i = 0; i < bytes; i++)
        part[i] = good[offset + i] ^ data[i];
    put(restore ? good + offset : part, bytes, offset);
}

/* Lays the input over the good segment, or takes it away again. */
static void lay(const uint8_t *data, size_t size, bool restore)
{
    size_t header = sizeof(struct segment_header), done = size < header ? size : header;
    lay_part(data, done, 0, restore);
    for (int i = 0; i < SEGMENT_SECTION_COUNT && done < size; i++) {
        size_t part = size - done < SECTION_BYTES ? size - done : SECTION_BYTES;
        lay_part(data + done, part, extents[i].offset, restore);
        done += part;
    }
}

static void end_is_there(const char *field, size_t capacity)
{
    if (memchr(field, 0, capacity) == NULL)
        abort();
}

static void read_all(const struct segment_reader *reader)
{
    struct vagus_system_snapshot snapshot;
    struct segment_head head = {0};
    struct segment_block block;
    static char entries[SEGMENT_SIGNALS_MAX * sizeof(struct segment_signal)];
    uint64_t got;
    end_is_there(reader->header.agent, sizeof(reader->header.agent));
    if (segment_read_snapshot(reader, &snapshot) == 0)
        end_is_there(snapshot.paths[0].path, sizeof(snapshot.paths[0].path));
    for (int i = SEGMENT_DIRECTORY; i < SEGMENT_SECTION_COUNT; i++) {
        if (i == SEGMENT_SERIES)
            continue;
        /* Exactly as much room as was asked for, so that a byte too many is seen. */
        uint32_t count = 16;
        char *room = malloc(count * (size_t)segment_entry_bytes(i));
        if (segment_read_entries(reader, i, 0, count, room, &got, &head) == 0 && got > count)
            abort();
        segment_read_entries(reader, i, head.count - 3, count, room, &got, &head);
        free(room);
    }
    if (segment_read_entries(reader, SEGMENT_SIGNALS, 0, SEGMENT_SIGNALS_MAX, entries, &got,
                             &head) == 0)
        for (uint64_t i = 0; i < got; i++)
            end_is_there(((struct segment_signal *)entries)[i].signal.reason, 160);
    struct ending ending;
    static struct ending_facts facts;
    if (ending_load(reader, &facts) == 0) {
        ending_judge(&facts, &ending);
        for (unsigned i = 0; i < ending.evidence_count; i++)
            end_is_there(ending.evidence[i], sizeof(ending.evidence[i]));
        if (continuity_check(&facts.continuity)) {
            continuity_roll(&facts.continuity, INT64_C(1700000000) * VAGUS_SECOND_NS);
            continuity_add_death(&facts.continuity, facts.header.started_wall_ns);
            continuity_mark(&facts.continuity, facts.header.stamp);
        }
    }
    for (uint32_t place = 0; place < 3; place++)
        if (segment_read_block(reader, place, &block) == 0 &&
            (block.head.entries > SERIES_BLOCK_ENTRIES_MAX || block.head.bits > SERIES_BLOCK_BITS))
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct segment_reader reader;
    if (file < 0)
        prepare();
    if (size > sizeof(struct segment_header) + SEGMENT_SECTION_COUNT * SECTION_BYTES)
        return 0;
    lay(data, size, false);
    if (segment_attach(path, &reader) == 0)
        read_all(&reader);
    segment_detach(&reader);
    lay(data, size, true);
    return 0;
}
