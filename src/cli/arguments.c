/* SPDX-License-Identifier: Apache-2.0 */
/* The arguments of a verb, out of argv and into the verb's own struct, as its table says. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/span.h"

#define OPTIONS_MAX 32
#define LONG_ONLY 256 /* + its place in the table: what getopt_long() calls an option */

struct names {
    struct option names[OPTIONS_MAX + 1];
    char letters[2 * OPTIONS_MAX + 2];
};

static void list_names(const struct cli_verb *verb, struct names *names)
{
    size_t count = 0, letters = 0;
    names->letters[letters++] = ':'; /* tell a missing value from an unknown option */
    for (size_t i = 0; verb->arguments != NULL && verb->arguments[i].kind != CLI_END; i++) {
        const struct cli_argument *argument = &verb->arguments[i];
        bool takes = argument->kind != CLI_FLAG;
        if (argument->name != NULL && count < OPTIONS_MAX)
            names->names[count++] = (struct option){
                argument->name, takes ? required_argument : no_argument, NULL, LONG_ONLY + (int)i};
        if (argument->letter != 0 && letters < 2 * OPTIONS_MAX) {
            names->letters[letters++] = argument->letter;
            if (takes)
                names->letters[letters++] = ':';
        }
    }
    names->names[count] = (struct option){0};
    names->letters[letters] = '\0';
}

/* How an argument is called in a message: "--last", "-p", "METRIC". */
static void add_name(struct text *text, const struct cli_argument *argument)
{
    if (cli_is_operand(argument))
        text_add(text, argument->value);
    else if (argument->name != NULL)
        text_addf(text, "--%s", argument->name);
    else
        text_addf(text, "-%c", argument->letter);
}

static int refuse(const struct cli_verb *verb, const struct cli_argument *argument,
                  const char *given, const char *why)
{
    char name[64];
    struct text text;
    text_init(&text, name, sizeof(name));
    add_name(&text, argument);
    return cli_usage_error(verb, "%s '%s' %s", name, given, why);
}

static int refuse_word(const struct cli_verb *verb, const struct cli_argument *argument,
                       const char *given)
{
    char why[512];
    struct text text;
    struct nearest nearest;
    nearest_init(&nearest, given);
    text_init(&text, why, sizeof(why));
    text_add(&text, "is none of ");
    for (size_t i = 0; argument->words[i] != NULL; i++) {
        text_addf(&text, "%s%s", i > 0 ? ", " : "", argument->words[i]);
        nearest_offer(&nearest, argument->words[i]);
    }
    if (nearest.best != NULL)
        text_addf(&text, "; did you mean '%s'?", nearest.best);
    return refuse(verb, argument, given, why);
}

static bool parse_number(const char *given, uint64_t *number)
{
    char *end;
    if (given[0] < '0' || given[0] > '9')
        return false;
    errno = 0;
    *number = strtoull(given, &end, 10);
    return *end == '\0' && errno == 0 && *number > 0;
}

/* Sets the field of one argument; `given` is NULL for a flag alone. */
static int take(const struct cli_verb *verb, const struct cli_argument *argument, char *given,
                void *options)
{
    void *field = (char *)options + argument->offset;
    const char *why;
    uint64_t number;
    int64_t ns;
    switch (argument->kind) {
    case CLI_END:
        break;
    case CLI_FLAG:
        *(bool *)field = true;
        break;
    case CLI_TEXT:
    case CLI_PROCESS:
    case CLI_METRIC:
    case CLI_FILE:
    case CLI_DIR:
    case CLI_VERB:
        *(const char **)field = given;
        break;
    case CLI_SPAN:
        if (span_parse(given, &ns, &why) != 0)
            return refuse(verb, argument, given, why);
        *(int64_t *)field = ns;
        break;
    case CLI_NUMBER:
        if (!parse_number(given, &number))
            return refuse(verb, argument, given, "is no whole number from 1 on");
        *(uint64_t *)field = number;
        break;
    case CLI_WORD:
        for (int i = 0; argument->words[i] != NULL; i++)
            if (strcmp(argument->words[i], given) == 0) {
                *(int *)field = i;
                return CLI_OK;
            }
        return refuse_word(verb, argument, given);
    }
    return CLI_OK;
}

static int unknown_option(const struct cli_verb *verb, const char *given)
{
    char name[64];
    struct nearest nearest;
    if (optopt != 0) /* one letter of several, perhaps */
        return cli_usage_error(verb, "unknown option -%c", optopt);
    size_t length = strcspn(given, "=");
    snprintf(name, sizeof(name), "%.*s", (int)length, given);
    nearest_init(&nearest, name + strspn(name, "-"));
    for (size_t i = 0; verb->arguments != NULL && verb->arguments[i].kind != CLI_END; i++)
        if (verb->arguments[i].name != NULL && !(verb->arguments[i].flags & CLI_HIDDEN))
            nearest_offer(&nearest, verb->arguments[i].name);
    if (nearest.best != NULL)
        return cli_usage_error(verb, "unknown option %s; did you mean --%s?", given, nearest.best);
    return cli_usage_error(verb, "unknown option %s", given);
}

static const struct cli_argument *find(const struct cli_verb *verb, int option)
{
    if (option >= LONG_ONLY)
        return &verb->arguments[option - LONG_ONLY];
    for (const struct cli_argument *at = verb->arguments; at->kind != CLI_END; at++)
        if (at->letter == option)
            return at;
    return NULL;
}

static int missing(const struct cli_verb *verb, const struct cli_argument *argument)
{
    char name[64];
    struct text text;
    text_init(&text, name, sizeof(name));
    add_name(&text, argument);
    if (!cli_is_operand(argument))
        return cli_usage_error(verb, "%s %s is needed", name, argument->value);
    /* METRIC[{LABEL=INSTANCE}] is asked for as "which metric?" */
    size_t length = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    for (size_t i = 0; i < length; i++)
        name[i] = (char)(name[i] - 'A' + 'a');
    name[length] = '\0';
    return cli_usage_error(verb, "which %s?", name);
}

/* What is left of argv, from optind on. */
static int take_operands(const struct cli_verb *verb, int argc, char **argv, void *options)
{
    const struct cli_argument *at = verb->arguments;
    for (; at != NULL && at->kind != CLI_END; at++) {
        if (!cli_is_operand(at))
            continue;
        if (optind >= argc && !(at->flags & CLI_OPTIONAL))
            return missing(verb, at);
        if (optind >= argc)
            continue;
        if (at->flags & CLI_MANY) {
            *(char ***)((char *)options + at->offset) = argv + optind;
            return CLI_OK;
        }
        int status = take(verb, at, argv[optind++], options);
        if (status != CLI_OK)
            return status;
    }
    if (optind < argc)
        return cli_usage_error(verb, "unexpected argument '%s'", argv[optind]);
    return CLI_OK;
}

int cli_parse(const struct cli_verb *verb, int argc, char **argv, void *options)
{
    struct names names;
    bool given[OPTIONS_MAX] = {false};
    list_names(verb, &names);
    opterr = 0;
    optind = 0; /* begin anew, with GNU's own state */
    for (int option; (option = getopt_long(argc, argv, names.letters, names.names, NULL)) != -1;) {
        const char *last = argv[optind - 1];
        if (option == ':')
            return cli_usage_error(verb, "%s needs a value", last);
        if (option == '?' && optopt >= LONG_ONLY)
            return cli_usage_error(verb, "--%s takes no value", find(verb, optopt)->name);
        if (option == '?')
            return unknown_option(verb, last);
        const struct cli_argument *argument = find(verb, option);
        int status = take(verb, argument, optarg, options);
        if (status != CLI_OK)
            return status;
        given[argument - verb->arguments] = true;
    }
    for (size_t i = 0; verb->arguments != NULL && verb->arguments[i].kind != CLI_END; i++)
        if ((verb->arguments[i].flags & CLI_REQUIRED) && !given[i])
            return missing(verb, &verb->arguments[i]);
    return take_operands(verb, argc, argv, options);
}
