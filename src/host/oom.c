/* SPDX-License-Identifier: Apache-2.0 */
/* The OOM killer's traces. All of this is text of the kernel about strangers: bounded, and believed
 * only where it is well-formed. */
#include "host/oom.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "host/cgroup_levels.h"
#include "host/parse.h"

#define RECORD_BYTES_MAX 8192 /* the kernel's own bound is 8 KiB */

static int fault_of_errno(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENODEV: /* the cgroup was removed while it was open */
        return VAGUS_ENOENT;
    case EACCES:
    case EPERM:
        return VAGUS_EPERM;
    default:
        return VAGUS_EIO;
    }
}

int host_oom_kills(const char *folder, enum host_cgroup_version version, uint64_t *kills)
{
    bool v1 = version == HOST_CGROUP_V1;
    struct host_cgroup_memory_events events;
    char path[1200], text[512];
    if (folder[0] != '/' ||
        snprintf(path, sizeof(path), "%s/%s", folder,
                 v1 ? "memory.oom_control" : "memory.events") >= (int)sizeof(path))
        return VAGUS_ENOENT;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0)
        return fault_of_errno(errno);
    ssize_t length = read(fd, text, sizeof(text));
    int error = length < 0 ? fault_of_errno(errno) : length == 0 ? VAGUS_EPARSE : 0;
    close(fd);
    if (error == 0)
        error = v1 ? host_parse_oom_control(text, (size_t)length, &events)
                   : host_parse_memory_events(text, (size_t)length, &events);
    if (error == 0 && events.oom_kill == HOST_CGROUP_UNTOLD)
        error = VAGUS_EUNSUPPORTED;
    if (error == 0)
        *kills = events.oom_kill;
    return error;
}

/* "…Killed process 123 (name) total-vm…": what stands behind "Killed process ". */
static bool parse_killed(struct parse text, struct host_oom_kill *kill)
{
    static const char words[] = "Killed process ";
    const char *found = memmem(text.at, (size_t)(text.end - text.at), words, sizeof(words) - 1);
    struct parse name;
    uint64_t pid;
    if (found == NULL)
        return false;
    text.at = found + sizeof(words) - 1;
    if (!parse_u64(&text, &pid) || pid > INT32_MAX || !parse_literal(&text, " (") ||
        !parse_until(&text, ')', &name))
        return false;
    size_t length = (size_t)(name.end - name.at);
    if (length >= sizeof(kill->program))
        length = sizeof(kill->program) - 1;
    kill->pid = (int64_t)pid;
    memset(kill->program, 0, sizeof(kill->program));
    memcpy(kill->program, name.at, length);
    return true;
}

bool host_parse_oom_record(const char *record, size_t length, struct host_oom_kill *kill)
{
    struct parse text = parse_text(record, length), line, field;
    struct host_oom_kill found;
    uint64_t at_us;
    /* "3,11907,17147681621,-;text"; lines that follow are about the device. */
    if (!parse_line(&text, &line, NULL) || !parse_until(&line, ',', &field) ||
        !parse_until(&line, ',', &field) || !parse_u64(&line, &at_us) || at_us > INT64_MAX / 1000 ||
        !parse_until(&line, ';', &field) || !parse_killed(line, &found))
        return false;
    found.at_ns = (int64_t)at_us * 1000;
    *kill = found;
    return true;
}

int host_oom_log(const char *path, int64_t since_ns, int64_t budget_ns,
                 bool (*wanted)(const struct host_oom_kill *kill, const void *arg), const void *arg,
                 struct host_oom_kill *kill)
{
    int64_t deadline_ns = vagus_now_ns() + budget_ns;
    char record[RECORD_BYTES_MAX];
    bool found = false, ended = false;
    int fd = open(path != NULL ? path : "/dev/kmsg", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return errno == ENOENT ? VAGUS_EUNSUPPORTED : fault_of_errno(errno);
    int error = 0;
    while (!ended && vagus_now_ns() < deadline_ns) {
        struct host_oom_kill one;
        ssize_t length = read(fd, record, sizeof(record));
        if (length < 0 && (errno == EPIPE || errno == EINTR || errno == EINVAL))
            continue; /* records were overwritten meanwhile, or one is longer than any may be */
        ended = length <= 0;
        if (length < 0 && errno != EAGAIN)
            error = fault_of_errno(errno);
        if (length > 0 && host_parse_oom_record(record, (size_t)length, &one) &&
            one.at_ns >= since_ns && wanted(&one, arg)) {
            *kill = one;
            found = true;
        }
    }
    close(fd);
    if (found)
        return 0;
    return error != 0 ? error : ended ? VAGUS_ENOENT : VAGUS_EAGAIN;
}
