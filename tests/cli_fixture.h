/* SPDX-License-Identifier: Apache-2.0 */
/* What main.c would give a verb that is built into a test, and what the verb prints. */
#ifndef TESTS_CLI_FIXTURE_H
#define TESTS_CLI_FIXTURE_H

#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cli/cli.h"

static char message[4096];

__attribute__((format(printf, 1, 0))) static void note_message(const char *format,
                                                               va_list arguments)
{
    vsnprintf(message, sizeof(message), format, arguments);
}

int cli_usage_error(const struct cli_verb *verb, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note_message(format, arguments);
    va_end(arguments);
    (void)verb;
    return CLI_USAGE;
}

int cli_error(const struct cli_verb *verb, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    note_message(format, arguments);
    va_end(arguments);
    (void)verb;
    return CLI_FAILED;
}

/* What was written to a stream while the verb ran. */
struct capture {
    FILE *stream;
    int fd, kept;
};

static inline void capture_begin(struct capture *capture, FILE *stream)
{
    fflush(stream);
    capture->stream = stream;
    capture->kept = dup(fileno(stream));
    capture->fd = memfd_create("capture", MFD_CLOEXEC);
    dup2(capture->fd, fileno(stream));
}

static inline void capture_end(struct capture *capture, char *text, size_t capacity)
{
    fflush(capture->stream);
    ssize_t length = pread(capture->fd, text, capacity - 1, 0);
    text[length > 0 ? length : 0] = '\0';
    dup2(capture->kept, fileno(capture->stream));
    close(capture->kept);
    close(capture->fd);
}

#endif
