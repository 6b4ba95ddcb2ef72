/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a record: once as they are, and once with checksums that fit, so that what lies
 * behind these is met too. What is accepted can be walked through to its end, in order of time. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/record.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool condition)
{
    if (!condition)
        __builtin_trap();
}

static void walk(const struct record *record)
{
    for (uint32_t i = 0; i < record->series_count; i++) {
        struct record_cursor cursor;
        struct record_entry entry;
        int64_t newest_ns = INT64_MIN;
        uint64_t count = 0;
        record_seek_begin(&cursor, &record->series[i]);
        for (; record_next(&cursor, &entry); count++) {
            require(entry.at_ns >= newest_ns && entry.width_ns >= 0);
            require(entry.count == 0 || isfinite(entry.last));
            newest_ns = entry.at_ns;
        }
        require(count == record->series[i].count);
    }
}

static void try_open(const uint8_t *data, size_t size, bool sign)
{
    struct record_header header;
    struct record record;
    const char *why = NULL;
    uint8_t *copy = malloc(size + 1);
    if (copy == NULL)
        return;
    if (size > 0)
        memcpy(copy, data, size);
    if (sign && size >= sizeof(header)) {
        header = (struct record_header){.magic = RECORD_MAGIC,
                                        .version = RECORD_VERSION,
                                        .header_bytes = sizeof(header),
                                        .payload_bytes = size - sizeof(header)};
        header.payload_crc = record_crc(copy + sizeof(header), size - sizeof(header));
        header.header_crc = record_crc(&header, offsetof(struct record_header, header_crc));
        memcpy(copy, &header, sizeof(header));
    }
    int error = record_open(&record, copy, size, &why);
    require(error == 0 || why != NULL);
    if (error == 0)
        walk(&record);
    record_close(&record);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_open(data, size, false);
    try_open(data, size, true);
    return 0;
}
