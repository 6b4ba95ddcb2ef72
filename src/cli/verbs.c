/* SPDX-License-Identifier: Apache-2.0 */
/* The table of verbs, and what their tables say by themselves. */
#include "cli/verbs.h"

#include <string.h>

#include "base/nearest.h"
#include "base/text.h"

#define VERB_EXITS_MAX 16

#define VAGUS_VERB(name) extern const struct cli_verb cli_verb_##name;
#include "cli/verbs.def"
#undef VAGUS_VERB

const struct cli_verb *const cli_verbs[] = {
#define VAGUS_VERB(name) &cli_verb_##name,
#include "cli/verbs.def"
#undef VAGUS_VERB
    NULL,
};

const struct cli_verb *cli_verb_find(const char *name)
{
    for (size_t i = 0; cli_verbs[i] != NULL; i++)
        if (strcmp(cli_verbs[i]->name, name) == 0)
            return cli_verbs[i];
    return NULL;
}

int cli_verb_unknown(const char *name)
{
    struct nearest nearest;
    nearest_init(&nearest, name);
    for (size_t i = 0; cli_verbs[i] != NULL; i++)
        if (!cli_verbs[i]->hidden)
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

void verb_argument_name(const struct cli_argument *argument, struct text *text)
{
    if (argument->letter != 0)
        text_addf(text, "-%c", argument->letter);
    if (argument->letter != 0 && argument->name != NULL)
        text_add(text, ", ");
    if (argument->name != NULL)
        text_addf(text, "--%s", argument->name);
    if (argument->value != NULL)
        text_addf(text, "%s%s", cli_is_operand(argument) ? "" : " ", argument->value);
}

void verb_synopsis(const struct cli_verb *verb, struct text *text)
{
    if (verb->synopsis != NULL)
        text_add(text, verb->synopsis);
    if (verb->synopsis != NULL || verb->arguments == NULL)
        return;
    const char *between = "";
    for (int operands = 1; operands >= 0; operands--) /* these first */
        for (const struct cli_argument *at = verb->arguments; at->kind != CLI_END; at++) {
            if (cli_is_operand(at) != (operands == 1) || (at->flags & CLI_HIDDEN))
                continue;
            bool optional = (at->flags & (operands == 1 ? CLI_OPTIONAL : CLI_REQUIRED)) ==
                            (operands == 1 ? CLI_OPTIONAL : 0);
            text_addf(text, "%s%s", between, optional ? "[" : "");
            verb_argument_name(at, text);
            text_addf(text, "%s%s", at->flags & CLI_MANY ? "..." : "", optional ? "]" : "");
            between = " ";
        }
}

static bool finds_process(const struct cli_verb *verb)
{
    for (const struct cli_argument *at = verb->arguments; at != NULL && at->kind != CLI_END; at++)
        if (at->kind == CLI_PROCESS)
            return true;
    return false;
}

static bool has_exit(const struct cli_verb *verb, int code)
{
    for (const struct cli_exit *at = verb->exits; at->meaning != NULL; at++)
        if (at->code == code)
            return true;
    return false;
}

bool verb_exit(const struct cli_verb *verb, size_t index, struct cli_exit *shown)
{
    bool process = finds_process(verb);
    struct cli_exit all[VERB_EXITS_MAX] = {0};
    size_t count = 0;
    while (count < VERB_EXITS_MAX - 2 && verb->exits[count].meaning != NULL) {
        all[count] = verb->exits[count];
        count++;
    }
    if (process && !has_exit(verb, CLI_NOT_FOUND))
        all[count++] = (struct cli_exit){CLI_NOT_FOUND, "no such process"};
    if (!has_exit(verb, CLI_USAGE))
        all[count++] = (struct cli_exit){
            CLI_USAGE, process ? "wrong arguments, or several processes run" : "wrong arguments"};
    if (index >= count)
        return false;
    *shown = all[index];
    return true;
}
