/* SPDX-License-Identifier: Apache-2.0 */
/* Block devices, mounts and a process's I/O over any bytes; and counters, which never fall whatever
 * is read. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "host/counters.h"
#include "host/devices.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void texts(const char *text, size_t size)
{
    struct host_device_statistics statistics;
    struct host_device device;
    struct host_mount mount;
    struct host_process_io io;
    char name[HOST_DEVICE_NAME_MAX];
    host_parse_device_statistics(text, size, &statistics);
    if (host_parse_diskstats_line(text, size, &device, name, &statistics) == 0 &&
        (memchr(name, '\0', sizeof(name)) == NULL || name[0] == '\0' || device.major > INT32_MAX))
        __builtin_trap();
    if (host_parse_mount(text, size, &mount) &&
        (memchr(mount.source, '\0', sizeof(mount.source)) == NULL ||
         memchr(mount.type, '\0', sizeof(mount.type)) == NULL || mount.type[0] == '\0' ||
         (mount.source[0] != '\0' && mount.source[0] != '/')))
        __builtin_trap();
    host_parse_process_io(text, size, &io);
}

static void counters(const uint8_t *data, size_t size)
{
    struct host_counter c[3] = {{0}};
    uint64_t now[3], before[3];
    for (size_t at = 0; at + sizeof(now) <= size; at += sizeof(now)) {
        memcpy(now, data + at, sizeof(now));
        for (size_t i = 0; i < 3; i++)
            before[i] = c[i].total;
        host_counters_take(c, now, 3, at > 0);
        for (size_t i = 0; i < 3; i++)
            if (c[i].total < before[i] || c[i].last != now[i])
                __builtin_trap();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A copy of exactly this size, so that one byte too far is noticed. */
    char *text = malloc(size > 0 ? size : 1);
    if (text == NULL)
        return 0;
    memcpy(text, data, size);
    texts(text, size);
    counters(data, size);
    free(text);
    return 0;
}
