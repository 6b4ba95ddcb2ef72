/* SPDX-License-Identifier: Apache-2.0 */
/* The command: one file for each verb, one line each in verbs.def. A verb says what it takes in one
 * table, of which come its parsing, its help, its manual page and its completions. */
#ifndef CLI_CLI_H
#define CLI_CLI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Exit codes that mean the same in every verb; each names its own in its table. */
#define CLI_OK 0
#define CLI_FAILED 1
#define CLI_UNREADABLE 3 /* of verbs with -p: the process could not be read or told of */
#define CLI_NOT_FOUND 4  /* no such process */
#define CLI_USAGE 64     /* wrong arguments, as in sysexits.h */

/* What a value is: how it is checked, what completes it, and the type of its field. */
enum cli_kind {
    CLI_END = 0,
    CLI_FLAG,    /* no value; bool */
    CLI_TEXT,    /* anything; const char *, as the five below */
    CLI_PROCESS, /* of a monitored process: pid, agent or program */
    CLI_METRIC,
    CLI_FILE,
    CLI_DIR,
    CLI_VERB,
    CLI_SPAN,   /* 30s, 10m, 1h; int64_t, in ns */
    CLI_NUMBER, /* a whole number from 1 on; uint64_t */
    CLI_WORD,   /* one of words; int, its place there */
};

enum cli_argument_flags {
    CLI_OPTIONAL = 1, /* an operand that may be absent */
    CLI_REQUIRED = 2, /* an option that may not */
    CLI_MANY = 4,     /* the last operand, once or more; char **, ended by NULL */
    CLI_HIDDEN = 8,   /* in no help */
};

/* An option, or, without a name and a letter, an operand. Operands stand in their order. */
struct cli_argument {
    const char *name; /* of an option, without dashes: "last" */
    char letter;      /* 'p'; 0: none */
    uint8_t flags;    /* enum cli_argument_flags */
    enum cli_kind kind;
    const char *value;        /* what stands for its value: "TIME"; NULL of a flag */
    const char *help;         /* a phrase without a full stop */
    const char *const *words; /* of CLI_WORD, ended by NULL */
    size_t offset;            /* of the field, in the struct that cli_parse() fills */
};

#define CLI_AT(type, field) .offset = offsetof(type, field)

/* What many verbs take, for a struct with fields of these names. */
#define CLI_PROCESS_OPTION(type)                                                                   \
    {                                                                                              \
        .letter = 'p', .kind = CLI_PROCESS, .value = "PID|NAME",                                   \
        .help = "the process, by pid, agent or program, also one that has ended; without it, the " \
                "only one that runs",                                                              \
        CLI_AT(type, process)                                                                      \
    }
#define CLI_JSON_OPTION(type)                                                                      \
    {                                                                                              \
        .name = "json", .kind = CLI_FLAG, .help = "one JSON object instead", CLI_AT(type, json)    \
    }
#define CLI_DIR_OPTION(type)                                                                       \
    {                                                                                              \
        .name = "dir", .kind = CLI_DIR, .value = "DIR", .help = "look for segments there",         \
        CLI_AT(type, dir)                                                                          \
    }

struct cli_exit {
    int code;
    const char *meaning; /* NULL ends a list */
};

struct cli_verb {
    const char *name;
    const char *summary;  /* one line, no full stop: "print the health of a monitored process" */
    const char *synopsis; /* NULL: made of the arguments; of a verb with several forms, its own */
    const struct cli_argument *arguments; /* ended by {0}; NULL: none */
    const char *about; /* paragraphs between empty lines; they are filled when they are shown */
    const struct cli_exit *exits; /* ended by {0}; 64, and 4 of a verb with -p, go without saying */
    const char *examples;         /* whole lines, at least one */
    bool hidden;                  /* from help, pages and completions */
    int (*run)(int argc, char **argv); /* argv[0] is the verb; returns the exit code */
};

/* Fills the fields of *options that arguments name; the others, defaults among them, stay as they
 * are. argv is put into another order. CLI_OK, or CLI_USAGE after a message. */
int cli_parse(const struct cli_verb *verb, int argc, char **argv, void *options);

/* True of an argument that is an operand. */
static inline bool cli_is_operand(const struct cli_argument *argument)
{
    return argument->name == NULL && argument->letter == 0;
}

/* True if colour may be used on the stream: it is a terminal, NO_COLOR is unset or empty, TERM is
 * not "dumb". */
bool cli_colour(FILE *stream);

/* "vagus VERB: message" on stderr; returns CLI_USAGE after "Try 'vagus VERB --help'." */
int cli_usage_error(const struct cli_verb *verb, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same without the hint; returns CLI_FAILED. */
int cli_error(const struct cli_verb *verb, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
