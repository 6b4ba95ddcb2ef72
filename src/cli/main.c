/* SPDX-License-Identifier: Apache-2.0 */
/* The `vagus` command: finds the verb, prints help, and what all verbs share. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/verbs.h"

static void complain(const struct cli_verb *verb, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void complain(const struct cli_verb *verb, const char *format, va_list arguments)
{
    char message[1024], safe[2048];
    vsnprintf(message, sizeof(message), format, arguments);
    struct text text;
    text_init(&text, safe, sizeof(safe));
    text_add_safe(&text, message, sizeof(message)); /* it may quote arguments and file names */
    fflush(stdout); /* so that the order is kept where both streams are one */
    fprintf(stderr, "vagus %s: %s\n", verb->name, safe);
}

int cli_usage_error(const struct cli_verb *verb, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain(verb, format, arguments);
    va_end(arguments);
    fprintf(stderr, "Try 'vagus %s --help'.\n", verb->name);
    return CLI_USAGE;
}

int cli_error(const struct cli_verb *verb, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    complain(verb, format, arguments);
    va_end(arguments);
    return CLI_FAILED;
}

static bool asks_for_help(const char *argument)
{
    return strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0;
}

/* What could not be written, on a full disk for one, must not look like success. */
static int finish_output(int status)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    fprintf(stderr, "vagus: cannot write: %s\n", strerror(errno));
    return status == CLI_OK ? CLI_FAILED : status;
}

/* Where a standard stream is closed, the next file would take its number, and what is printed
 * would go into that file. In its place stands what refuses every write. */
static void occupy_standard_streams(void)
{
    while (true) {
        int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (fd > STDERR_FILENO)
            close(fd);
        if (fd < 0 || fd > STDERR_FILENO)
            return;
    }
}

int main(int argc, char **argv)
{
    occupy_standard_streams();
    if (argc < 2) {
        verbs_help(stderr);
        return CLI_USAGE;
    }
    if (asks_for_help(argv[1])) {
        verbs_help(stdout);
        return finish_output(CLI_OK);
    }
    const struct cli_verb *verb =
        cli_verb_find(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
    if (verb == NULL)
        return cli_verb_unknown(argv[1]);
    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (asks_for_help(argv[i])) {
            verb_help(verb, stdout);
            return finish_output(CLI_OK);
        }
    return finish_output(verb->run(argc - 1, argv + 1));
}
