/* SPDX-License-Identifier: Apache-2.0 */
/* The table of schema.def, for who walks over it. */
#ifndef CONFIG_SCHEMA_H
#define CONFIG_SCHEMA_H

#include <stddef.h>

enum schema_type {
    SCHEMA_BOOL,     /* true or false */
    SCHEMA_COUNT,    /* a whole number */
    SCHEMA_BYTES,    /* a size in whole bytes */
    SCHEMA_AMOUNT,   /* a whole number, 200k, or a size */
    SCHEMA_TIME,     /* ns */
    SCHEMA_SHARE,    /* 80% */
    SCHEMA_VALUE,    /* a number in the unit of the rule's measure */
    SCHEMA_LIMIT,    /* a number in the unit of the rule's metric */
    SCHEMA_NAME,     /* [a-z0-9._-] */
    SCHEMA_TEXT,     /* anything */
    SCHEMA_ABSOLUTE, /* an absolute path */
    SCHEMA_KIND,     /* a rule kind, by name */
    SCHEMA_CHOICE,   /* one of `of`, by name */
    SCHEMA_WORD,     /* one of `of`, by its place in it */
    SCHEMA_METRIC,   /* a name, with {label=instance} or without */
    SCHEMA_PATTERN,  /* the same with * and ? */
    SCHEMA_SENSE,    /* a collector of vagus, by name */
    SCHEMA_PATHS,    /* a list of paths; from here on lists: */
    SCHEMA_METRICS,  /* of metrics */
    SCHEMA_PATTERNS, /* of patterns of metrics */
    SCHEMA_SENSES,   /* of collectors */
    SCHEMA_CHOICES,  /* of words out of `of` */
    SCHEMA_NAMES,    /* of names, or of what names begin with */
    SCHEMA_MANY,     /* of mappings, and up to here */
    SCHEMA_SECTION,  /* a mapping */
    SCHEMA_PART,     /* a mapping that fills a struct of its own */
    SCHEMA_ANY,      /* whatever it is, its reader looks at it */
    /* Told by the check, never by the file. */
    SCHEMA_PRESENT, /* true if the mapping is there */
    SCHEMA_HAS,     /* true if the key `of` is there */
    SCHEMA_FORM,    /* in which dimension its thresholds were written */
    SCHEMA_LINE,    /* where the mapping stands */
    SCHEMA_CONTENT, /* a hash of all that the rule says, its name and line apart */
};

struct schema_key {
    const char *name;
    enum schema_type type;
    const char *absent; /* the default; NULL: none; schema_required: it must be given */
    double least, most;
    const void *of; /* of a mapping or list its struct schema, of a word the words, of has a key */
    const char *help;
};

static inline int schema_is_list(const struct schema_key *key)
{
    return key->type >= SCHEMA_PATHS && key->type <= SCHEMA_MANY;
}

struct schema {
    const char *what; /* "a rule" */
    const struct schema_key *keys;
    size_t count;
};

extern const struct schema schema_policy, schema_rule, schema_derived, schema_budget;
extern const struct schema schema_tier, schema_recorded, schema_listener;
extern const char schema_required[];
extern const char *const schema_stats[];   /* in the order of enum vagus_stat */
extern const char *const schema_missing[]; /* in the order of enum config_missing */

extern const char *const schema_severities[];
extern const char *const schema_reloads[];      /* in the order of enum config_reload */
extern const char *const schema_last_resorts[]; /* in the order of enum config_last_resort */
extern const char *const schema_unknown[];      /* in the order of enum vagus_unknown */
extern const char *const schema_whens[];        /* in the order of enum config_when */
extern const char *const schema_hows[];         /* in the order of enum config_how */
extern const char *const schema_kinds[]; /* of metrics, in the order of enum vagus_metric_kind */
extern const char *const schema_tiers[]; /* in the order of enum vagus_tier, from INSTANT on */

/* The key of that name that a file may hold, or NULL. */
const struct schema_key *schema_find(const struct schema *schema, const char *name);

#define SCHEMA_MS_NS 1000000.0
#define SCHEMA_DAY_NS (86400.0 * 1e9)
#define SCHEMA_MIB (1024.0 * 1024)

#endif
