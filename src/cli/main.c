/* SPDX-License-Identifier: Apache-2.0 */
/* The `vagus` command: finds the verb, prints help, and what all verbs share. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/nearest.h"
#include "base/text.h"
#include "cli/verbs.h"

bool cli_colour(FILE *stream)
{
    const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");
    return isatty(fileno(stream)) == 1 && (no_color == NULL || no_color[0] == '\0') &&
           term != NULL && strcmp(term, "dumb") != 0;
}

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

static int unknown_verb(const char *name)
{
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (size_t i = 0; cli_verbs[i] != NULL; i++)
        nearest_offer(&nearest, cli_verbs[i]->name);
    char quoted[128];
    struct text text;
    text_init(&text, quoted, sizeof(quoted));
    text_add_safe(&text, name, 64);
    fprintf(stderr, "vagus: no such verb '%s'", quoted);
    if (nearest.best != NULL)
        fprintf(stderr, "; did you mean '%s'?", nearest.best);
    fputs("\nTry 'vagus --help'.\n", stderr);
    return CLI_USAGE;
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

int main(int argc, char **argv)
{
    if (argc < 2) {
        verbs_help(stderr);
        return CLI_USAGE;
    }
    if (asks_for_help(argv[1]) || strcmp(argv[1], "help") == 0) {
        verbs_help(stdout);
        return finish_output(CLI_OK);
    }
    const struct cli_verb *verb =
        cli_verb_find(strcmp(argv[1], "--version") == 0 ? "version" : argv[1]);
    if (verb == NULL)
        return unknown_verb(argv[1]);
    for (int i = 2; i < argc && strcmp(argv[i], "--") != 0; i++)
        if (asks_for_help(argv[i])) {
            verb_help(verb, stdout);
            return finish_output(CLI_OK);
        }
    return finish_output(verb->run(argc - 1, argv + 1));
}
