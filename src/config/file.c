/* SPDX-License-Identifier: Apache-2.0 */
/* A policy decides when an agent shuts down: a file that others may write to is refused. */
#include "config/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/text.h"
#include "config/config.h"

struct safe_path {
    char text[160];
};

static struct safe_path safe(const char *path)
{
    struct safe_path safe_path;
    struct text text;
    text_init(&text, safe_path.text, sizeof(safe_path.text));
    text_add_safe(&text, path, 150);
    return safe_path;
}

#define REFUSE(faults, error_code, ...)                                                            \
    (fault_add(faults, &(struct fault_at){.code = error_code}, __VA_ARGS__), error_code)

static int error_of(int number)
{
    switch (number) {
    case ENOENT:
    case ENOTDIR:
        return VAGUS_ENOENT;
    case EACCES:
    case EPERM:
        return VAGUS_EPERM;
    case ENOMEM:
        return VAGUS_ENOMEM;
    default:
        return VAGUS_EIO;
    }
}

static const char *kind_of(mode_t mode)
{
    return S_ISDIR(mode)    ? "a folder"
           : S_ISFIFO(mode) ? "a pipe"
           : S_ISCHR(mode)  ? "a device"
           : S_ISBLK(mode)  ? "a device"
                            : "something else";
}

static int check_file(const char *path, const struct stat *status, struct vagus_fault_list *faults)
{
    if (!S_ISREG(status->st_mode))
        return REFUSE(faults, VAGUS_EIO, "this is %s; expected a regular file",
                      kind_of(status->st_mode));
    if (status->st_uid != 0 && status->st_uid != geteuid())
        return REFUSE(faults, VAGUS_EPERM,
                      "it belongs to user %u, who is neither root nor this one: chown %u %s",
                      (unsigned)status->st_uid, (unsigned)geteuid(), safe(path).text);
    if ((status->st_mode & (S_IWGRP | S_IWOTH)) != 0)
        return REFUSE(faults, VAGUS_EPERM, "others may write to it: chmod go-w %s",
                      safe(path).text);
    if (status->st_size > CONFIG_FILE_BYTES_MAX)
        return REFUSE(faults, VAGUS_EIO, "it has %lld bytes; a policy has at most 1 MiB",
                      (long long)status->st_size);
    return 0;
}

/* Reads until the end or until `room` is full; the file may have grown since fstat(). */
static ssize_t read_all(int fd, char *text, size_t room)
{
    size_t length = 0;
    while (length < room) {
        ssize_t count = read(fd, text + length, room - length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return -1;
        if (count == 0)
            break;
        length += (size_t)count;
    }
    return (ssize_t)length;
}

int file_read(const char *path, struct vagus_fault_list *faults, char **text, size_t *length)
{
    struct stat status;
    char *buffer = NULL;
    ssize_t count;
    /* O_NONBLOCK: opening a pipe must not wait for its writer. O_NOCTTY: nor adopt a terminal. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return REFUSE(faults, error_of(errno), "it cannot be opened: %s", strerrordesc_np(errno));
    int error = 0;
    if (fstat(fd, &status) != 0)
        error = REFUSE(faults, VAGUS_EIO, "it cannot be looked at: %s", strerrordesc_np(errno));
    else
        error = check_file(path, &status, faults);
    if (error != 0)
        goto out;
    size_t room = (size_t)status.st_size + 1; /* one more: to see that it has grown */
    buffer = malloc(room + 1);
    if (buffer == NULL) {
        error = VAGUS_ENOMEM;
        goto out;
    }
    count = read_all(fd, buffer, room);
    if (count < 0)
        error = REFUSE(faults, error_of(errno), "it cannot be read: %s", strerrordesc_np(errno));
    else if ((size_t)count == room)
        error = REFUSE(faults, VAGUS_EIO, "it grew while it was read: try again");
    if (error != 0)
        goto out;
    buffer[count] = '\0';
    *text = buffer;
    *length = (size_t)count;
    buffer = NULL;
out:
    free(buffer);
    close(fd);
    return error;
}
