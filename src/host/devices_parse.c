/* SPDX-License-Identifier: Apache-2.0 */
/* The texts in which the kernel tells of block devices, mounts and a process's I/O, over any bytes.
 */
#include <string.h>

#include "host/devices.h"
#include "host/parse.h"

static int parse_statistics(struct parse rest, struct host_device_statistics *statistics)
{
    struct host_device_statistics s;
    uint64_t merged;
    uint64_t *const fields[] = {&s.counts[HOST_DEVICE_READS],
                                &merged,
                                &s.counts[HOST_DEVICE_READ_SECTORS],
                                &s.counts[HOST_DEVICE_READ_MS],
                                &s.counts[HOST_DEVICE_WRITES],
                                &merged,
                                &s.counts[HOST_DEVICE_WRITE_SECTORS],
                                &s.counts[HOST_DEVICE_WRITE_MS],
                                &s.in_flight,
                                &s.counts[HOST_DEVICE_BUSY_MS],
                                &s.counts[HOST_DEVICE_QUEUE_MS]};
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
        if (!parse_u64(&rest, fields[i]))
            return VAGUS_EPARSE;
    *statistics = s;
    return 0;
}

int host_parse_device_statistics(const char *text, size_t length,
                                 struct host_device_statistics *statistics)
{
    struct parse rest = parse_text(text, length), line;
    bool whole;
    if (!parse_line(&rest, &line, &whole) || !whole)
        return VAGUS_EPARSE;
    line.end++; /* the newline ends the last number */
    return parse_statistics(line, statistics);
}

static bool copy_word(struct parse word, char *out, size_t capacity)
{
    size_t length = (size_t)(word.end - word.at);
    if (length == 0 || length >= capacity || memchr(word.at, '\0', length) != NULL)
        return false;
    memcpy(out, word.at, length);
    out[length] = '\0';
    return true;
}

int host_parse_diskstats_line(const char *line, size_t length, struct host_device *device,
                              char name[HOST_DEVICE_NAME_MAX],
                              struct host_device_statistics *statistics)
{
    struct parse rest = parse_text(line, length), word;
    uint64_t major, minor;
    if (!parse_u64(&rest, &major) || !parse_u64(&rest, &minor) || major > INT32_MAX ||
        minor > UINT32_MAX || !parse_word(&rest, &word) ||
        !copy_word(word, name, HOST_DEVICE_NAME_MAX))
        return VAGUS_EPARSE;
    int error = parse_statistics(rest, statistics);
    if (error == 0)
        *device = (struct host_device){(uint32_t)major, (uint32_t)minor};
    return error;
}

/* "27 1 254:0 / /point rw shared:1 - ext4 /dev/vda rw": any number of words may stand before the
 * lonely dash. */
bool host_parse_mount(const char *line, size_t length, struct host_mount *mount)
{
    struct parse rest = parse_text(line, length), word;
    struct host_mount m = {0};
    uint64_t parent, major, minor;
    if (!parse_u64(&rest, &m.id) || !parse_u64(&rest, &parent) || !parse_u64(&rest, &major) ||
        !parse_literal(&rest, ":") || !parse_u64(&rest, &minor) || major > INT32_MAX ||
        minor > UINT32_MAX)
        return false;
    m.device = (struct host_device){(uint32_t)major, (uint32_t)minor};
    do
        if (!parse_word(&rest, &word))
            return false;
    while (!parse_equals(word, "-"));
    if (!parse_word(&rest, &word) || !copy_word(word, m.type, sizeof(m.type)))
        return false;
    /* Escaped characters are left as they are: such a device is not found, and that is all. */
    if (!parse_word(&rest, &word) || word.at[0] != '/' ||
        !copy_word(word, m.source, sizeof(m.source)))
        m.source[0] = '\0';
    *mount = m;
    return true;
}

int host_parse_process_io(const char *text, size_t length, struct host_process_io *io)
{
    struct host_process_io found;
    if (!parse_keyed_u64(text, length, "read_bytes:", &found.read_bytes) ||
        !parse_keyed_u64(text, length, "write_bytes:", &found.written_bytes))
        return VAGUS_EPARSE;
    *io = found;
    return 0;
}
