/* SPDX-License-Identifier: Apache-2.0 */
/* Making a record in memory: numbers in as few bytes as they need, seven bits each. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/record.h"

uint32_t record_crc(const void *data, size_t length)
{
    static uint32_t table[256]; /* of CRC-32 as in zip and Ethernet; one thread */
    const uint8_t *bytes = data;
    uint32_t crc = ~0u;
    for (uint32_t i = 0; table[255] == 0 && i < 256; i++) {
        uint32_t value = i;
        for (int bit = 0; bit < 8; bit++)
            value = value >> 1 ^ (value & 1 ? 0xedb88320u : 0);
        table[i] = value;
    }
    for (size_t i = 0; i < length; i++)
        crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 0xff];
    return ~crc;
}

/* --- Bytes. --- */

static bool grow(struct record_writer *writer, uint8_t **data, size_t *room, size_t wanted)
{
    if (writer->error == 0 && wanted > RECORD_BYTES_MAX)
        writer->error = VAGUS_EFULL;
    if (writer->error != 0 || wanted <= *room)
        return writer->error == 0;
    size_t more = *room == 0 ? 4096 : 2 * *room;
    while (more < wanted)
        more *= 2;
    uint8_t *grown = realloc(*data, more);
    if (grown == NULL) {
        writer->error = VAGUS_ENOMEM;
        return false;
    }
    *data = grown;
    *room = more;
    return true;
}

static void put_bytes(struct record_writer *writer, const void *bytes, size_t count)
{
    if (!grow(writer, &writer->data, &writer->room, writer->length + count))
        return;
    if (count > 0)
        memcpy(writer->data + writer->length, bytes, count);
    writer->length += count;
}

static size_t code(uint8_t out[10], uint64_t value)
{
    size_t length = 0;
    for (; value >= 0x80; value >>= 7)
        out[length++] = (uint8_t)value | 0x80;
    out[length++] = (uint8_t)value;
    return length;
}

static uint64_t folded(int64_t value)
{
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static void put_count(struct record_writer *writer, uint64_t value)
{
    uint8_t bytes[10];
    put_bytes(writer, bytes, code(bytes, value));
}

static void put_signed(struct record_writer *writer, int64_t value)
{
    put_count(writer, folded(value));
}

static void put_double(struct record_writer *writer, double value)
{
    put_bytes(writer, &value, sizeof(value));
}

static void put_string(struct record_writer *writer, const char *string)
{
    size_t length = strlen(string);
    put_count(writer, length);
    put_bytes(writer, string, length);
}

/* --- The parts. --- */

void record_begin(struct record_writer *writer, const struct record_about *about, uint32_t metrics)
{
    static const struct record_header none;
    *writer = (struct record_writer){0};
    put_bytes(writer, &none, sizeof(none));
    put_string(writer, about->agent);
    put_string(writer, about->program);
    put_string(writer, about->library_version);
    put_signed(writer, about->pid);
    put_signed(writer, about->from_ns);
    put_signed(writer, about->to_ns);
    put_signed(writer, about->wall_to_ns);
    put_count(writer, metrics);
}

void record_metric_begin(struct record_writer *writer, const struct segment_metric *metric)
{
    put_string(writer, metric->name);
    put_string(writer, metric->instance);
    put_string(writer, metric->label);
    put_string(writer, metric->help);
    put_string(writer, metric->unit);
    put_string(writer, metric->resource);
    put_count(writer, metric->kind);
    put_count(writer, metric->tier);
    put_double(writer, metric->min);
    put_double(writer, metric->max);
    put_double(writer, metric->resolution);
    put_signed(writer, metric->good_for_ns);
    writer->entries_length = 0;
    writer->entry_count = 0;
    writer->resolution = metric->resolution > 0 ? metric->resolution : 1;
    writer->before = (struct record_entry){0};
    writer->step_ns = 0;
}

/* The value as a multiple of the resolution, if it comes back exactly. */
static bool whole(double value, double resolution, int64_t *number)
{
    double share = value / resolution;
    if (!(fabs(share) < 0x1p52))
        return false;
    *number = llround(share);
    return (double)*number * resolution == value && !(value == 0 && signbit(value));
}

static size_t put_values(const struct record_writer *writer, uint8_t *out, const double *values,
                         const double *before, int count)
{
    int64_t numbers[4], numbers_before[4];
    size_t length = 1;
    bool exact = true;
    for (int i = 0; i < count; i++)
        exact = exact && whole(values[i], writer->resolution, &numbers[i]) &&
                whole(before[i], writer->resolution, &numbers_before[i]);
    out[0] = !exact;
    for (int i = 0; i < count; i++) {
        if (exact) {
            length += code(out + length, folded(numbers[i] - numbers_before[i]));
        } else {
            memcpy(out + length, &values[i], sizeof(double));
            length += sizeof(double);
        }
    }
    return length;
}

void record_put(struct record_writer *writer, const struct record_entry *entry)
{
    uint8_t bytes[96];
    int64_t step_ns = (int64_t)((uint64_t)entry->at_ns - (uint64_t)writer->before.at_ns);
    size_t length = code(bytes, folded((int64_t)((uint64_t)step_ns - (uint64_t)writer->step_ns)));
    length += code(bytes + length, entry->count);
    length += code(bytes + length, (uint64_t)entry->width_ns);
    if (entry->count > 0) {
        const double values[] = {entry->last, entry->min, entry->max, entry->sum};
        const double before[] = {writer->before.last, writer->before.min, writer->before.max,
                                 writer->before.sum};
        length += put_values(writer, bytes + length, values, before, entry->width_ns > 0 ? 4 : 1);
    }
    if (!grow(writer, &writer->entries, &writer->entries_room, writer->entries_length + length))
        return;
    memcpy(writer->entries + writer->entries_length, bytes, length);
    writer->entries_length += length;
    writer->entry_count++;
    struct record_entry kept = *entry;
    if (entry->count == 0) { /* values go on from the last one */
        kept.last = writer->before.last;
        kept.min = writer->before.min;
        kept.max = writer->before.max;
        kept.sum = writer->before.sum;
    } else if (entry->width_ns == 0) {
        kept.min = kept.max = kept.sum = kept.last;
    }
    writer->before = kept;
    writer->step_ns = step_ns;
}

void record_metric_end(struct record_writer *writer)
{
    put_count(writer, writer->entry_count);
    put_count(writer, writer->entries_length);
    put_bytes(writer, writer->entries, writer->entries_length);
}

void record_signals(struct record_writer *writer, const struct segment_signal *signals,
                    uint32_t count)
{
    put_count(writer, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct vagus_signal *signal = &signals[i].signal;
        put_signed(writer, signals[i].wall_ns);
        put_count(writer, signals[i].shadow != 0);
        put_count(writer, signals[i].told);
        put_count(writer, signal->kind);
        put_count(writer, signal->change);
        put_count(writer, signal->sequence);
        put_signed(writer, signal->at_ns);
        put_signed(writer, signal->since_ns);
        put_signed(writer, signal->sample_age_ns);
        put_double(writer, signal->level);
        put_double(writer, signal->value);
        put_double(writer, signal->threshold);
        put_string(writer, signal->resource);
        put_string(writer, signal->rule);
        put_string(writer, signal->metric);
        put_string(writer, signal->instance);
        put_string(writer, signal->unit);
        put_string(writer, signal->reason);
    }
}

int record_end(struct record_writer *writer)
{
    struct record_header header = {.magic = RECORD_MAGIC,
                                   .version = RECORD_VERSION,
                                   .header_bytes = sizeof(header),
                                   .payload_bytes = writer->length - sizeof(header)};
    if (writer->error != 0)
        return writer->error;
    header.payload_crc = record_crc(writer->data + sizeof(header), writer->length - sizeof(header));
    header.header_crc = record_crc(&header, offsetof(struct record_header, header_crc));
    memcpy(writer->data, &header, sizeof(header));
    return 0;
}

void record_writer_finish(struct record_writer *writer)
{
    free(writer->data);
    free(writer->entries);
    *writer = (struct record_writer){0};
}
