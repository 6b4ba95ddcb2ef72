/* SPDX-License-Identifier: Apache-2.0 */
/* Manual pages, out of the tables of the verbs, in the man(7) language that groff and mandoc read.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "cli/verbs.h"
#include "vagus/base.h"

/* Text that means only itself: a hyphen stays what can be copied into a shell, and a line that
 * begins with a point or an apostrophe is no request. */
static void put_literal(const char *string, size_t length, FILE *stream)
{
    for (size_t i = 0; i < length; i++)
        switch (string[i]) {
        case '\\':
            fputs("\\e", stream);
            break;
        case '-':
            fputs("\\-", stream);
            break;
        case '\'':
            fputs("\\(aq", stream);
            break;
        case '`':
            fputs("\\(ga", stream);
            break;
        case '^':
            fputs("\\(ha", stream);
            break;
        case '~':
            fputs("\\(ti", stream);
            break;
        case '.':
            fputs(i == 0 ? "\\&." : ".", stream);
            break;
        default:
            putc(string[i], stream);
        }
}

static void put_line(const char *string, FILE *stream)
{
    put_literal(string, strlen(string), stream);
    putc('\n', stream);
}

/* Running text in lines of about 80 characters, a paragraph where there is an empty line. */
static void put_paragraphs(const char *string, FILE *stream)
{
    size_t column = 0;
    while (*string != '\0') {
        size_t spaces = strspn(string, " \n");
        bool paragraph = spaces >= 2 && string[0] == '\n' && string[1] == '\n';
        string += spaces;
        size_t length = strcspn(string, " \n");
        if (length == 0)
            break;
        if (paragraph)
            fputs(column > 0 ? "\n.PP\n" : ".PP\n", stream);
        else if (column > 0)
            putc(column + length > 78 ? '\n' : ' ', stream);
        if (paragraph || column + length > 78)
            column = 0;
        put_literal(string, length, stream);
        column += length + 1;
        string += length;
    }
    putc('\n', stream);
}

/* The day of the page: of the build, which SOURCE_DATE_EPOCH makes repeatable. */
static void put_title(const char *name, FILE *stream)
{
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    time_t when = epoch != NULL ? (time_t)strtoll(epoch, NULL, 10) : time(NULL);
    char day[32] = "1970-01-01";
    struct tm parts;
    if (gmtime_r(&when, &parts) != NULL)
        strftime(day, sizeof(day), "%Y-%m-%d", &parts);
    fputs(".\\\" Made by `vagus help --man`; SPDX-License-Identifier: Apache-2.0\n.TH ", stream);
    for (; *name != '\0'; name++)
        putc(toupper((unsigned char)*name), stream);
    fprintf(stream, " 1 %s \"vagus %s\" \"User Commands\"\n", day, vagus_version());
}

static void put_arguments(const struct cli_verb *verb, FILE *stream)
{
    char name[128];
    struct text text;
    fputs(".SH OPTIONS\n", stream);
    for (const struct cli_argument *at = verb->arguments; at->kind != CLI_END; at++) {
        if (at->flags & CLI_HIDDEN)
            continue;
        text_init(&text, name, sizeof(name));
        verb_argument_name(at, &text);
        fputs(".TP\n.B ", stream);
        put_line(name, stream);
        put_paragraphs(at->help, stream);
        for (size_t i = 0; at->kind == CLI_WORD && at->words[i] != NULL; i++) {
            fputs(i == 0 ? ".br\nOne of " : ", ", stream);
            put_literal(at->words[i], strlen(at->words[i]), stream);
            if (at->words[i + 1] == NULL)
                fputs(".\n", stream);
        }
    }
}

static void put_verb(const struct cli_verb *verb, FILE *stream)
{
    char line[1024];
    struct text text;
    struct cli_exit shown;
    text_init(&text, line, sizeof(line));
    text_addf(&text, "vagus-%s", verb->name);
    put_title(line, stream);
    fputs(".SH NAME\n", stream);
    text_addf(&text, " \\- %s\n", verb->summary);
    fputs(line, stream);
    fprintf(stream, ".SH SYNOPSIS\n.B vagus %s\n", verb->name);
    text_init(&text, line, sizeof(line));
    verb_synopsis(verb, &text);
    if (text.length > 0)
        put_line(line, stream);
    fputs(".SH DESCRIPTION\n", stream);
    put_paragraphs(verb->about, stream);
    if (verb->arguments != NULL)
        put_arguments(verb, stream);
    fputs(".SH EXIT STATUS\n", stream);
    for (size_t i = 0; verb_exit(verb, i, &shown); i++) {
        fprintf(stream, ".TP\n.B %d\n", shown.code);
        put_line(shown.meaning, stream);
    }
    fputs(".SH EXAMPLES\n.EX\n", stream);
    for (const char *at = verb->examples; *at != '\0';) {
        size_t length = strcspn(at, "\n");
        put_literal(at, length, stream);
        putc('\n', stream);
        at += length + (at[length] == '\n');
    }
    fputs(".EE\n.SH SEE ALSO\n.BR vagus (1)\n", stream);
}

static void put_command(FILE *stream)
{
    put_title("vagus", stream);
    fputs(".SH NAME\nvagus \\- an agent\\(aqs sense of its own body\n"
          ".SH SYNOPSIS\n.B vagus\nVERB [ARGUMENT...]\n.br\n.B vagus\nVERB \\-\\-help\n"
          ".SH DESCRIPTION\n",
          stream);
    put_paragraphs("Looks at processes that are monitored by libvagus, from outside: at those that "
                   "run, and, by the segment that they leave, at those that have ended. Looking "
                   "costs the process nothing. Other verbs are about policies and about this "
                   "machine.",
                   stream);
    fputs(".SH VERBS\n", stream);
    for (size_t i = 0; cli_verbs[i] != NULL; i++) {
        if (cli_verbs[i]->hidden)
            continue;
        fprintf(stream, ".TP\n.BR vagus\\-%s (1)\n", cli_verbs[i]->name);
        put_line(cli_verbs[i]->summary, stream);
    }
    fputs(".SH EXIT STATUS\n", stream);
    put_paragraphs("0 stands for success, 4 for: no such process, 64 for wrong arguments; the page "
                   "of each verb names its own. Where output cannot be written, the exit status "
                   "is not 0.",
                   stream);
    fputs(".SH ENVIRONMENT\n.TP\n.B NO_COLOR\nIf it is set and not empty, nothing is coloured.\n"
          ".TP\n.B XDG_RUNTIME_DIR\nSegments lie in its folder \"vagus\", if it is on tmpfs.\n"
          ".SH FILES\n.TP\n.I /dev/shm/vagus\\-UID\nSegments of processes without a session. Only "
          "their user and root\ncan read them.\n",
          stream);
}

void verb_page(const struct cli_verb *verb, FILE *stream)
{
    if (verb != NULL)
        put_verb(verb, stream);
    else
        put_command(stream);
}
