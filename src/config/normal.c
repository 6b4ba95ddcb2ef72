/* SPDX-License-Identifier: Apache-2.0 */
/* The normalised text: one line of flow style, every key of the schema that has a value. */
#include "config/normal.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "config/check.h"

/* Room for what one rule says; of what is longer, the length counts. */
#define CONTENT_BYTES 8192

static void write_mapping(struct text *text, const struct schema *schema,
                          const struct tree_node *mapping);

/* As a whole number times a power of two: exact, and without a decimal separator, which strtod()
 * takes from whatever locale the host has set. */
static void write_double(struct text *text, double value)
{
    int exponent;
    double mantissa = frexp(value, &exponent);
    int64_t whole = (int64_t)ldexp(mantissa, 53);
    text_addf(text, "%s0x%" PRIx64 "p%d", whole < 0 ? "-" : "",
              (uint64_t)(whole < 0 ? -whole : whole), exponent - 53);
}

/* In double quotes, everything that is not plain ASCII as an escape. The text is UTF-8: libyaml
 * made it. */
static void write_string(struct text *text, const char *string)
{
    text_add(text, "\"");
    for (const unsigned char *s = (const unsigned char *)string; *s != '\0';) {
        uint32_t point = *s;
        unsigned more = *s >= 0xf0 ? 3 : *s >= 0xe0 ? 2 : *s >= 0xc0 ? 1 : 0;
        if (more > 0)
            point &= 0x3fu >> more;
        for (s++; more > 0 && *s != '\0'; more--, s++)
            point = point << 6 | (*s & 0x3fu);
        if (point >= 0x20 && point < 0x7f && point != '"' && point != '\\')
            text_add_bytes(text, (const char[]){(char)point}, 1);
        else
            text_addf(text, "\\U%08" PRIx32, point);
    }
    text_add(text, "\"");
}

static void write_scalar(struct text *text, const struct schema_key *key,
                         const struct tree_node *node)
{
    switch (key->type) {
    case SCHEMA_BOOL:
        text_add(text, node->value.truth ? "true" : "false");
        break;
    case SCHEMA_COUNT:
    case SCHEMA_BYTES:
    case SCHEMA_AMOUNT:
    case SCHEMA_TIME:
    case SCHEMA_WORD:
        text_addf(text, "%" PRId64, node->value.whole);
        break;
    case SCHEMA_VALUE:
    case SCHEMA_LIMIT:
    case SCHEMA_SHARE:
        write_double(text, node->value.number);
        break;
    default:
        write_string(text, node->text);
    }
}

static void write_list(struct text *text, const struct schema_key *key,
                       const struct tree_node *list)
{
    text_add(text, "[");
    for (const struct tree_node *node = list->first; node != NULL; node = node->next) {
        if (key->type == SCHEMA_MANY)
            write_mapping(text, key->of, node);
        else
            write_string(text, node->text);
        text_add(text, node->next != NULL ? ", " : "");
    }
    text_add(text, "]");
}

/* Lists and values carry their default as it is to be written; other types read it as they would
 * read it in a file. */
static void write_default(struct text *text, const struct schema_key *key)
{
    if (schema_is_list(key) || key->type == SCHEMA_VALUE) {
        text_add(text, key->absent);
        return;
    }
    struct check silent = {0};
    struct tree_node node = {.kind = TREE_SCALAR, .plain = true, .text = key->absent};
    check_scalar(&silent, key, &node);
    write_scalar(text, key, &node);
}

static void write_value(struct text *text, const struct schema_key *key,
                        const struct tree_node *mapping, const struct tree_node *node)
{
    switch (key->type) {
    case SCHEMA_SECTION:
    case SCHEMA_PART:
        write_mapping(text, key->of, node);
        break;
    case SCHEMA_PRESENT:
        text_add(text, mapping != NULL ? "true" : "false");
        break;
    case SCHEMA_HAS:
        text_add(text, tree_member(mapping, key->of) != NULL ? "true" : "false");
        break;
    case SCHEMA_FORM:
        text_addf(text, "%" PRIi64, mapping != NULL ? mapping->value.whole : 0);
        break;
    case SCHEMA_LINE:
        text_addf(text, "%" PRIu32, mapping != NULL ? mapping->place.line : 0);
        break;
    case SCHEMA_CONTENT:
        text_addf(text, "%" PRIu64, mapping != NULL ? mapping->content : 0);
        break;
    case SCHEMA_PATHS:
    case SCHEMA_METRICS:
    case SCHEMA_PATTERNS:
    case SCHEMA_SENSES:
    case SCHEMA_CHOICES:
    case SCHEMA_NAMES:
    case SCHEMA_MANY:
        if (node != NULL)
            write_list(text, key, node);
        else
            write_default(text, key);
        break;
    default:
        if (node != NULL)
            write_scalar(text, key, node);
        else
            write_default(text, key);
    }
}

/* A key with neither value nor default is left out: the member stays zero. */
static bool has_value(const struct schema_key *key, const struct tree_node *node)
{
    return node != NULL || key->type >= SCHEMA_SECTION ||
           (key->absent != NULL && key->absent != schema_required);
}

/* A mapping that is not in the file (NULL) is written with its defaults, since libcyaml has none.
 */
static void write_mapping(struct text *text, const struct schema *schema,
                          const struct tree_node *mapping)
{
    const char *comma = "";
    text_add(text, "{");
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_key *key = &schema->keys[i];
        const struct tree_node *node =
            key->type < SCHEMA_PRESENT ? tree_member(mapping, key->name) : NULL;
        if (!has_value(key, node))
            continue;
        text_add(text, comma);
        text_add(text, key->name);
        text_add(text, ": ");
        write_value(text, key, mapping, node);
        comma = ", ";
    }
    text_add(text, "}");
}

void normal_write(struct text *text, const struct tree_node *root)
{
    write_mapping(text, &schema_policy, root);
}

/* --- What is said, as one number (FNV-1a). --- */

static uint64_t hash_of(const struct text *text)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325) ^ text->length;
    for (size_t i = 0; i < text->length && i + 1 < text->capacity; i++)
        hash = (hash ^ (unsigned char)text->data[i]) * UINT64_C(0x100000001b3);
    return hash != 0 ? hash : 1;
}

uint64_t normal_content(const struct schema *schema, const struct tree_node *mapping,
                        const char *without)
{
    char buffer[CONTENT_BYTES];
    struct text text;
    text_init(&text, buffer, sizeof(buffer));
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_key *key = &schema->keys[i];
        const struct tree_node *node =
            key->type < SCHEMA_PRESENT ? tree_member(mapping, key->name) : NULL;
        if (key->type == SCHEMA_LINE || key->type == SCHEMA_CONTENT || !has_value(key, node) ||
            (without != NULL && strcmp(key->name, without) == 0))
            continue;
        text_add(&text, key->name);
        text_add(&text, ": ");
        write_value(&text, key, mapping, node);
    }
    return hash_of(&text);
}

uint64_t normal_content_of_key(const struct tree_node *root, const char *name)
{
    const struct schema_key *key = schema_find(&schema_policy, name);
    const struct tree_node *node = tree_member(root, name);
    char buffer[CONTENT_BYTES];
    struct text text;
    text_init(&text, buffer, sizeof(buffer));
    if (key != NULL && has_value(key, node))
        write_value(&text, key, root, node);
    return hash_of(&text);
}
