/* SPDX-License-Identifier: Apache-2.0 */
/* A walk over the table that the check walks over too. */
#include "config/json_schema.h"

#include <string.h>

#include "config/schema.h"

#define NUMBER "[0-9]+(\\\\.[0-9]+)? ?"
#define SIZE_UNITS "B|kB|KiB|MB|MiB|GB|GiB|TB|TiB"
#define TIME_UNITS "ns|us|ms|s|min|h|d"

struct writer {
    struct text *text;
    const struct config_vocabulary *vocabulary;
    unsigned depth;
    bool begun; /* something stands in the object that is open */
};

static void line(struct writer *w)
{
    text_add(w->text, w->begun ? ",\n" : "\n");
    for (unsigned i = 0; i < w->depth; i++)
        text_add(w->text, "  ");
    w->begun = true;
}

static void member(struct writer *w, const char *name)
{
    line(w);
    text_add_json(w->text, name);
    text_add(w->text, ": ");
}

static void open_object(struct writer *w)
{
    text_add(w->text, "{");
    w->depth++;
    w->begun = false;
}

static void close_object(struct writer *w)
{
    w->depth--;
    w->begun = false;
    line(w);
    text_add(w->text, "}");
}

static void say(struct writer *w, const char *name, const char *value)
{
    member(w, name);
    text_add_json(w->text, value);
}

static void say_number(struct writer *w, const char *name, double value)
{
    member(w, name);
    text_add_json_number(w->text, value);
}

static void say_words(struct writer *w, const char *const *words)
{
    member(w, "enum");
    for (size_t i = 0; words[i] != NULL; i++) {
        text_add(w->text, i == 0 ? "[" : ", ");
        text_add_json(w->text, words[i]);
    }
    text_add(w->text, "]");
}

/* A number as YAML reads it, or a text of this form. */
static void say_quantity(struct writer *w, const char *type, double least, double most,
                         const char *pattern)
{
    member(w, "anyOf");
    text_addf(w->text, "[{\"type\": \"%s\"", type);
    if (least < most) {
        text_add(w->text, ", \"minimum\": ");
        text_add_json_number(w->text, least);
        text_add(w->text, ", \"maximum\": ");
        text_add_json_number(w->text, most);
    }
    text_addf(w->text, "}, {\"type\": \"string\", \"pattern\": \"%s\"}]", pattern);
}

static void write_object(struct writer *w, const struct schema *schema);

static void write_list(struct writer *w, const struct schema_key *key)
{
    say(w, "type", "array");
    say_number(w, "minItems", key->least);
    say_number(w, "maxItems", key->most);
    if (key->type != SCHEMA_MANY) {
        member(w, "uniqueItems");
        text_add(w->text, "true");
    }
    member(w, "items");
    open_object(w);
    if (key->type == SCHEMA_MANY)
        write_object(w, key->of);
    else if (key->type == SCHEMA_CHOICES)
        say_words(w, key->of);
    else if (key->type == SCHEMA_SENSES)
        say_words(w, w->vocabulary->collectors);
    else
        say(w, "type", "string");
    close_object(w);
}

static void write_text(struct writer *w, const struct schema_key *key)
{
    char pattern[64];
    struct text text;
    say(w, "type", "string");
    text_init(&text, pattern, sizeof(pattern));
    if (key->type == SCHEMA_NAME) {
        text_addf(&text, "^[a-z0-9._-]{1,%.0f}$", key->most);
        say(w, "pattern", pattern);
        return;
    }
    say_number(w, "minLength", key->least);
    say_number(w, "maxLength", key->most);
    if (key->type == SCHEMA_ABSOLUTE)
        say(w, "pattern", "^/");
}

static void write_type(struct writer *w, const struct schema_key *key)
{
    switch (key->type) {
    case SCHEMA_BOOL:
        say(w, "type", "boolean");
        break;
    case SCHEMA_COUNT:
        say(w, "type", "integer");
        say_number(w, "minimum", key->least);
        say_number(w, "maximum", key->most);
        break;
    case SCHEMA_BYTES:
        say_quantity(w, "integer", key->least, key->most, "^" NUMBER "(" SIZE_UNITS ")$");
        break;
    case SCHEMA_AMOUNT:
        say_quantity(w, "integer", key->least, key->most, "^" NUMBER "(k|M|G|" SIZE_UNITS ")$");
        break;
    case SCHEMA_SHARE:
        say_quantity(w, "number", key->least, key->most, "^" NUMBER "%$");
        break;
    case SCHEMA_TIME:
        member(w, "anyOf");
        text_add(w->text, "[{\"const\": 0}, {\"type\": \"string\", \"pattern\": \"^" NUMBER
                          "(" TIME_UNITS ")$\"}]");
        break;
    case SCHEMA_VALUE:
    case SCHEMA_LIMIT:
        say_quantity(w, "number", 0, 0,
                     "^-?" NUMBER "(%|k|M|G|" SIZE_UNITS "|" TIME_UNITS ")?(/s)?$");
        break;
    case SCHEMA_WORD:
    case SCHEMA_CHOICE:
        say_words(w, key->of);
        break;
    case SCHEMA_KIND:
        say_words(w, w->vocabulary->kinds);
        break;
    case SCHEMA_SECTION:
    case SCHEMA_PART:
        write_object(w, key->of);
        break;
    case SCHEMA_PATHS:
    case SCHEMA_METRICS:
    case SCHEMA_PATTERNS:
    case SCHEMA_SENSES:
    case SCHEMA_CHOICES:
    case SCHEMA_NAMES:
    case SCHEMA_MANY:
        write_list(w, key);
        break;
    default:
        write_text(w, key);
    }
}

/* As YAML would read it. */
static void write_default(struct writer *w, const struct schema_key *key)
{
    bool bare = key->type == SCHEMA_BOOL || key->type == SCHEMA_COUNT || schema_is_list(key) ||
                (key->absent != NULL && strcmp(key->absent, "0") == 0);
    if (key->absent == NULL || key->absent == schema_required || key->type == SCHEMA_VALUE)
        return;
    member(w, "default");
    if (bare)
        text_add(w->text, key->absent);
    else
        text_add_json(w->text, key->absent);
}

static void write_required(struct writer *w, const struct schema *schema)
{
    bool any = false;
    for (size_t i = 0; i < schema->count; i++) {
        if (schema->keys[i].absent != schema_required)
            continue;
        if (!any)
            member(w, "required");
        text_add(w->text, any ? ", " : "[");
        text_add_json(w->text, schema->keys[i].name);
        any = true;
    }
    if (any)
        text_add(w->text, "]");
}

static void write_object(struct writer *w, const struct schema *schema)
{
    say(w, "type", "object");
    member(w, "additionalProperties");
    text_add(w->text, "false");
    write_required(w, schema);
    member(w, "properties");
    open_object(w);
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_key *key = &schema->keys[i];
        if (key->type >= SCHEMA_PRESENT)
            continue;
        member(w, key->name);
        open_object(w);
        say(w, "description", key->help);
        write_type(w, key);
        write_default(w, key);
        close_object(w);
        w->begun = true;
    }
    close_object(w);
    w->begun = true;
}

void json_schema_write(struct text *text, const struct config_vocabulary *vocabulary)
{
    struct writer w = {.text = text, .vocabulary = vocabulary};
    open_object(&w);
    say(&w, "$schema", "https://json-schema.org/draft/2020-12/schema");
    say(&w, "title", "A policy of vagus");
    write_object(&w, &schema_policy);
    close_object(&w);
    text_add(text, "\n");
}
