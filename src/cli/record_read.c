/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a record. It may come from anywhere: every length is checked, every string ended, every
 * entry decoded once before anything of it is believed. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/record.h"

/* --- Bytes. --- */

struct stream {
    const uint8_t *at, *end;
    bool failed;
};

static uint64_t take_count(struct stream *stream)
{
    uint64_t value = 0;
    for (unsigned shift = 0; stream->at < stream->end && shift < 64; shift += 7) {
        uint8_t byte = *stream->at++;
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return value;
    }
    stream->failed = true;
    return 0;
}

static int64_t take_signed(struct stream *stream)
{
    uint64_t value = take_count(stream);
    return (int64_t)(value >> 1 ^ (0 - (value & 1)));
}

static const uint8_t *take_bytes(struct stream *stream, uint64_t count)
{
    const uint8_t *at = stream->at;
    if (stream->failed || (uint64_t)(stream->end - at) < count) {
        stream->failed = true;
        return NULL;
    }
    stream->at += count;
    return at;
}

static double take_double(struct stream *stream)
{
    double value = NAN;
    const uint8_t *bytes = take_bytes(stream, sizeof(value));
    if (bytes != NULL)
        memcpy(&value, bytes, sizeof(value));
    return value;
}

static void take_string(struct stream *stream, char *field, size_t capacity)
{
    uint64_t length = take_count(stream);
    const uint8_t *bytes = length < capacity ? take_bytes(stream, length) : NULL;
    if (bytes == NULL || memchr(bytes, '\0', length) != NULL) {
        stream->failed = true;
        return;
    }
    memcpy(field, bytes, length);
    field[length] = '\0';
}

/* A number that fits its field. */
static uint32_t take_small(struct stream *stream, uint32_t most)
{
    uint64_t value = take_count(stream);
    if (value > most)
        stream->failed = true;
    return value > most ? 0 : (uint32_t)value;
}

/* --- Entries. --- */

static void take_values(struct stream *stream, double resolution, double *values, int count)
{
    uint64_t raw = take_count(stream);
    for (int i = 0; i < count; i++) {
        if (raw == 1) {
            values[i] = take_double(stream);
        } else {
            int64_t before =
                        fabs(values[i] / resolution) < 0x1p52 ? llround(values[i] / resolution) : 0,
                    number;
            if (__builtin_add_overflow(before, take_signed(stream), &number))
                stream->failed = true;
            else
                values[i] = (double)number * resolution;
        }
        stream->failed = stream->failed || !isfinite(values[i]);
    }
    stream->failed = stream->failed || raw > 1;
}

static bool take_entry(struct stream *stream, struct record_cursor *cursor,
                       struct record_entry *entry)
{
    int64_t end_ns;
    *entry = cursor->before;
    if (__builtin_add_overflow(cursor->step_ns, take_signed(stream), &cursor->step_ns) ||
        __builtin_add_overflow(entry->at_ns, cursor->step_ns, &entry->at_ns))
        return false;
    entry->count = take_count(stream);
    uint64_t width_ns = take_count(stream);
    if (width_ns > 60 * (uint64_t)VAGUS_SECOND_NS ||
        __builtin_add_overflow(entry->at_ns, (int64_t)width_ns, &end_ns))
        return false;
    entry->width_ns = (int64_t)width_ns;
    if (entry->count > 0) {
        double values[] = {entry->last, entry->min, entry->max, entry->sum};
        take_values(stream, cursor->resolution, values, width_ns > 0 ? 4 : 1);
        entry->last = values[0];
        entry->min = width_ns > 0 ? values[1] : values[0];
        entry->max = width_ns > 0 ? values[2] : values[0];
        entry->sum = width_ns > 0 ? values[3] : values[0];
    }
    cursor->before = *entry;
    return !stream->failed;
}

void record_seek_begin(struct record_cursor *cursor, const struct record_series *series)
{
    double resolution = series->metric.resolution;
    *cursor = (struct record_cursor){.at = series->entries,
                                     .end = series->end,
                                     .left = series->count,
                                     .resolution = resolution > 0 ? resolution : 1};
}

bool record_next(struct record_cursor *cursor, struct record_entry *entry)
{
    struct stream stream = {cursor->at, cursor->end, false};
    if (cursor->left == 0 || !take_entry(&stream, cursor, entry))
        return false;
    cursor->at = stream.at;
    cursor->left--;
    return true;
}

/* --- The parts. --- */

static bool look_through(struct record_series *series)
{
    struct record_cursor cursor;
    struct record_entry entry;
    int64_t newest_ns = INT64_MIN;
    record_seek_begin(&cursor, series);
    while (record_next(&cursor, &entry)) {
        if (entry.at_ns < newest_ns || entry.at_ns < 0 || entry.at_ns > INT64_MAX / 2)
            return false; /* time runs forward, and not beyond all bounds */
        if (newest_ns == INT64_MIN)
            series->first_ns = entry.at_ns;
        newest_ns = entry.at_ns;
        series->last_ns = entry.at_ns + entry.width_ns;
        if (entry.width_ns > series->coarsest_ns)
            series->coarsest_ns = entry.width_ns;
    }
    return cursor.left == 0 && cursor.at == cursor.end;
}

static bool take_metric(struct stream *stream, struct record_series *series)
{
    struct segment_metric *metric = &series->metric;
    take_string(stream, metric->name, sizeof(metric->name));
    take_string(stream, metric->instance, sizeof(metric->instance));
    take_string(stream, metric->label, sizeof(metric->label));
    take_string(stream, metric->help, sizeof(metric->help));
    take_string(stream, metric->unit, sizeof(metric->unit));
    take_string(stream, metric->resource, sizeof(metric->resource));
    metric->kind = take_small(stream, VAGUS_HISTOGRAM);
    metric->tier = take_small(stream, VAGUS_TIER_COUNT - 1);
    metric->min = take_double(stream);
    metric->max = take_double(stream);
    metric->resolution = take_double(stream);
    metric->good_for_ns = take_signed(stream);
    series->count = take_count(stream);
    uint64_t bytes = take_count(stream);
    series->entries = take_bytes(stream, bytes);
    if (stream->failed || series->count > bytes || !isfinite(metric->min) ||
        !isfinite(metric->max) || !(metric->resolution >= 0 && metric->resolution < 1e300) ||
        !text_is_name(metric->name, VAGUS_NAME_MAX - 1))
        return false;
    series->end = series->entries + bytes;
    return look_through(series);
}

static void take_signal(struct stream *stream, struct segment_signal *one)
{
    struct vagus_signal *signal = &one->signal;
    one->wall_ns = take_signed(stream);
    one->shadow = take_small(stream, 1);
    one->told = take_small(stream, UINT32_MAX);
    signal->kind = take_small(stream, UINT32_MAX);
    signal->change = take_small(stream, VAGUS_SIGNAL_CLEARED);
    signal->sequence = take_count(stream);
    signal->at_ns = take_signed(stream);
    signal->since_ns = take_signed(stream);
    signal->sample_age_ns = take_signed(stream);
    signal->level = take_double(stream);
    signal->value = take_double(stream);
    signal->threshold = take_double(stream);
    take_string(stream, signal->resource, sizeof(signal->resource));
    take_string(stream, signal->rule, sizeof(signal->rule));
    take_string(stream, signal->metric, sizeof(signal->metric));
    take_string(stream, signal->instance, sizeof(signal->instance));
    take_string(stream, signal->unit, sizeof(signal->unit));
    take_string(stream, signal->reason, sizeof(signal->reason));
}

static int take_all(struct record *record, struct stream *stream)
{
    struct record_about *about = &record->about;
    take_string(stream, about->agent, sizeof(about->agent));
    take_string(stream, about->program, sizeof(about->program));
    take_string(stream, about->library_version, sizeof(about->library_version));
    about->pid = take_signed(stream);
    about->from_ns = take_signed(stream);
    about->to_ns = take_signed(stream);
    about->wall_to_ns = take_signed(stream);
    uint32_t metrics = take_small(stream, RECORD_METRICS_MAX);
    /* Each metric takes more than 32 bytes: what cannot be there is not made room for. */
    if (stream->failed || metrics > (size_t)(stream->end - stream->at) / 32)
        return VAGUS_ECORRUPT;
    record->series = calloc(metrics + 1, sizeof(*record->series));
    if (record->series == NULL)
        return VAGUS_ENOMEM;
    for (; record->series_count < metrics; record->series_count++)
        if (!take_metric(stream, &record->series[record->series_count]))
            return VAGUS_ECORRUPT;
    uint32_t signals = take_small(stream, SEGMENT_SIGNALS_MAX);
    record->signals = calloc(signals + 1, sizeof(*record->signals));
    if (record->signals == NULL)
        return VAGUS_ENOMEM;
    for (; record->signal_count < signals; record->signal_count++)
        take_signal(stream, &record->signals[record->signal_count]);
    return stream->failed || stream->at != stream->end ? VAGUS_ECORRUPT : 0;
}

static int open_checked(struct record *record, size_t length, const char **why)
{
    struct record_header header = {0};
    memcpy(&header, record->data, length < sizeof(header) ? length : sizeof(header));
    *why = "this is no record of vagus";
    if (length < sizeof(header) || header.magic != RECORD_MAGIC)
        return VAGUS_ECORRUPT;
    *why = "it was made by another version of vagus";
    if (header.version != RECORD_VERSION)
        return VAGUS_EVERSION;
    *why = "it is damaged: its header does not agree with itself";
    if (header.header_bytes != sizeof(header) ||
        header.header_crc != record_crc(&header, offsetof(struct record_header, header_crc)))
        return VAGUS_ECORRUPT;
    *why = "it is cut off, or something was added to it";
    if (header.payload_bytes != length - sizeof(header))
        return VAGUS_ECORRUPT;
    *why = "it is damaged: its checksum is another";
    if (header.payload_crc != record_crc(record->data + sizeof(header), length - sizeof(header)))
        return VAGUS_ECORRUPT;
    struct stream stream = {record->data + sizeof(header), record->data + length, false};
    int error = take_all(record, &stream);
    *why = error == VAGUS_ENOMEM ? vagus_error_message(error) : "it is damaged: it makes no sense";
    return error;
}

int record_open(struct record *record, uint8_t *data, size_t length, const char **why)
{
    *record = (struct record){.data = data};
    return open_checked(record, length, why);
}

int record_open_file(struct record *record, const char *path, const char **why)
{
    struct stat status;
    size_t length = 0;
    uint8_t *data = NULL;
    *record = (struct record){0};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    *why = strerrordesc_np(errno);
    if (fd < 0)
        return errno == ENOENT ? VAGUS_ENOENT : VAGUS_EIO;
    int error = VAGUS_EIO;
    if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode)) {
        *why = "it is no regular file";
    } else if ((uint64_t)status.st_size > RECORD_BYTES_MAX + sizeof(struct record_header)) {
        *why = "it is larger than any record";
    } else if ((data = malloc((size_t)status.st_size + 1)) == NULL) {
        *why = vagus_error_message(error = VAGUS_ENOMEM);
    } else {
        ssize_t got;
        while ((got = read(fd, data + length, (size_t)status.st_size + 1 - length)) > 0)
            length += (size_t)got;
        *why = got < 0 ? strerrordesc_np(errno) : NULL;
        error = got < 0 ? VAGUS_EIO : 0;
    }
    close(fd);
    if (error == 0)
        return record_open(record, data, length, why);
    free(data);
    return error;
}

void record_close(struct record *record)
{
    free(record->data);
    free(record->series);
    free(record->signals);
    *record = (struct record){0};
}
