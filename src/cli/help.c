/* SPDX-License-Identifier: Apache-2.0 */
/* The help of a verb, out of its table, for a terminal as wide as it is. */
#include <string.h>

#include "base/text.h"
#include "cli/terminal.h"
#include "cli/verbs.h"

#define NAME_COLUMNS_MAX 18 /* a longer name has a line of its own */

/* Running text is read best in lines that are not too long. */
static unsigned help_columns(void)
{
    unsigned columns = terminal_columns();
    return columns < 40 ? 40 : columns < TERMINAL_COLUMNS ? columns : TERMINAL_COLUMNS;
}

static unsigned width_of(const char *string, size_t bytes)
{
    unsigned width = 0;
    for (size_t i = 0; i < bytes; i++)
        width += ((unsigned char)string[i] & 0xc0) != 0x80;
    return width;
}

/* A word, or what stands in brackets as a whole, if that is short. */
static size_t word_length(const char *string)
{
    size_t length = strcspn(string, " \n"), whole = strcspn(string, "]\n");
    if (string[0] != '[' || string[whole] != ']' || whole > 30)
        return length;
    return whole + 1 + strcspn(string + whole + 1, " \n");
}

/* Words of one paragraph, from column `at` on, later lines from column `indent` on. An empty line
 * in it begins the next paragraph. */
static void fill(FILE *stream, const char *string, unsigned at, unsigned indent, unsigned columns)
{
    bool first = true;
    for (;;) {
        size_t spaces = strspn(string, " \n");
        bool paragraph = spaces >= 2 && string[0] == '\n' && string[1] == '\n';
        string += spaces;
        size_t length = word_length(string);
        if (length == 0)
            break;
        unsigned width = width_of(string, length);
        if (!first && (paragraph || at + 1 + width > columns)) {
            fprintf(stream, "\n%s%*s", paragraph ? "\n" : "", (int)indent, "");
            at = indent;
        } else if (!first) {
            putc(' ', stream);
            at++;
        }
        fwrite(string, 1, length, stream);
        at += width;
        string += length;
        first = false;
    }
    putc('\n', stream);
}

static void add_row(FILE *stream, const char *name, const char *help, unsigned indent,
                    unsigned columns)
{
    unsigned width = width_of(name, strlen(name));
    fprintf(stream, "  %s", name);
    if (width + 4 > indent)
        fprintf(stream, "\n%*s", (int)indent, "");
    else
        fprintf(stream, "%*s", (int)(indent - width - 2), "");
    fill(stream, help, indent, indent, columns);
}

static void argument_help(const struct cli_argument *argument, struct text *text)
{
    text_add(text, argument->help);
    if (argument->kind != CLI_WORD)
        return;
    for (size_t i = 0; argument->words[i] != NULL; i++)
        text_addf(text, "%s%s", i == 0 ? ": " : ", ", argument->words[i]);
}

static void print_arguments(const struct cli_verb *verb, FILE *stream, unsigned columns)
{
    char name[128], help[1024];
    struct text text;
    unsigned indent = 0;
    for (const struct cli_argument *at = verb->arguments; at->kind != CLI_END; at++) {
        text_init(&text, name, sizeof(name));
        verb_argument_name(at, &text);
        unsigned width = width_of(name, strlen(name));
        if (width <= NAME_COLUMNS_MAX && width > indent && !(at->flags & CLI_HIDDEN))
            indent = width;
    }
    indent = columns < 60 ? 6 : indent + 4;
    for (const struct cli_argument *at = verb->arguments; at->kind != CLI_END; at++) {
        if (at->flags & CLI_HIDDEN)
            continue;
        text_init(&text, name, sizeof(name));
        verb_argument_name(at, &text);
        text_init(&text, help, sizeof(help));
        argument_help(at, &text);
        add_row(stream, name, help, indent, columns);
    }
    putc('\n', stream);
}

static void print_examples(const struct cli_verb *verb, FILE *stream)
{
    fputs("\nexamples:\n", stream);
    for (const char *line = verb->examples; *line != '\0';) {
        size_t length = strcspn(line, "\n");
        fprintf(stream, "  %.*s\n", (int)length, line);
        line += length + (line[length] == '\n');
    }
}

void verb_help(const struct cli_verb *verb, FILE *stream)
{
    char synopsis[1024];
    struct text text;
    struct cli_exit shown;
    unsigned columns = help_columns();
    text_init(&text, synopsis, sizeof(synopsis));
    text_addf(&text, "usage: vagus %s ", verb->name);
    verb_synopsis(verb, &text);
    fill(stream, synopsis, 0, 10, columns);
    putc('\n', stream);
    fill(stream, verb->about, 0, 0, columns);
    putc('\n', stream);
    if (verb->arguments != NULL)
        print_arguments(verb, stream, columns);
    fputs("exit status:\n", stream);
    for (size_t i = 0; verb_exit(verb, i, &shown); i++) {
        char code[16];
        snprintf(code, sizeof(code), "%d", shown.code);
        add_row(stream, code, shown.meaning, 6, columns);
    }
    print_examples(verb, stream);
}

void verbs_help(FILE *stream)
{
    unsigned columns = help_columns();
    fputs("vagus: an agent's sense of its own body\n\n"
          "usage: vagus VERB [ARGUMENT...]\n"
          "       vagus VERB --help\n\n",
          stream);
    for (size_t i = 0; cli_verbs[i] != NULL; i++)
        if (!cli_verbs[i]->hidden)
            add_row(stream, cli_verbs[i]->name, cli_verbs[i]->summary, columns < 60 ? 6 : 13,
                    columns);
}
