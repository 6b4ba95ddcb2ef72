/* SPDX-License-Identifier: Apache-2.0 */
/* From libyaml's events to a tree, without recursion and within bounds. Nodes and strings live in
 * chunks that are freed together. */
#include "config/tree.h"

#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/fault.h"
#include "config/quote.h"

#define CHUNK_BYTES (16u * 1024)

struct tree_chunk {
    struct tree_chunk *next;
    size_t used, capacity;
    _Alignas(16) char bytes[];
};

struct builder {
    struct tree *tree;
    struct vagus_fault_list *faults;
    struct tree_node *open[TREE_DEPTH_MAX]; /* the collections that the parser is in */
    unsigned depth;
    const char *key; /* waits for its value; NULL: the next scalar in a mapping is a key */
    struct tree_place key_place;
    bool key_repeated;
};

static void *take(struct tree *tree, size_t bytes)
{
    struct tree_chunk *chunk = tree->chunks;
    bytes = (bytes + 15) & ~(size_t)15;
    if (chunk == NULL || chunk->capacity - chunk->used < bytes) {
        size_t capacity = bytes > CHUNK_BYTES ? bytes : CHUNK_BYTES;
        chunk = malloc(sizeof(*chunk) + capacity);
        if (chunk == NULL)
            return NULL;
        *chunk = (struct tree_chunk){.next = tree->chunks, .capacity = capacity};
        tree->chunks = chunk;
    }
    void *memory = chunk->bytes + chunk->used;
    chunk->used += bytes;
    return memory;
}

void tree_finish(struct tree *tree)
{
    while (tree->chunks != NULL) {
        struct tree_chunk *next = tree->chunks->next;
        free(tree->chunks);
        tree->chunks = next;
    }
    tree->root = NULL;
}

void tree_absorb(struct tree *tree, struct tree *from)
{
    struct tree_chunk **end = &tree->chunks;
    while (*end != NULL)
        end = &(*end)->next;
    *end = from->chunks;
    tree->node_count += from->node_count;
    *from = (struct tree){0};
}

struct tree_node *tree_member(const struct tree_node *mapping, const char *key)
{
    if (mapping == NULL || mapping->kind != TREE_MAPPING)
        return NULL;
    for (struct tree_node *node = mapping->first; node != NULL; node = node->next)
        if (strcmp(node->key, key) == 0)
            return node;
    return NULL;
}

void tree_bring_first(struct tree_node *mapping, const char *key)
{
    for (struct tree_node **link = &mapping->first, *before = NULL; *link != NULL;
         before = *link, link = &(*link)->next) {
        struct tree_node *node = *link;
        if (strcmp(node->key, key) != 0)
            continue;
        *link = node->next;
        if (mapping->last == node)
            mapping->last = before;
        node->next = mapping->first;
        mapping->first = node;
        if (mapping->last == NULL)
            mapping->last = node;
        return;
    }
}

static struct tree_place place_of(const yaml_mark_t *mark)
{
    return (struct tree_place){(uint32_t)mark->line + 1, (uint32_t)mark->column + 1};
}

#define FAULT(builder, at, ...)                                                                    \
    fault_add((builder)->faults,                                                                   \
              &(struct fault_at){.code = VAGUS_EPOLICY, .line = (at).line, .column = (at).column}, \
              __VA_ARGS__)

static bool in_mapping(const struct builder *b)
{
    return b->depth > 0 && b->open[b->depth - 1]->kind == TREE_MAPPING;
}

/* Hangs a node where the parser is. A repeated key's value is kept out of the tree. */
static void attach(struct builder *b, struct tree_node *node)
{
    node->key = b->key;
    node->key_place = b->key_place;
    b->key = NULL;
    if (b->depth == 0) {
        b->tree->root = node;
        return;
    }
    struct tree_node *parent = b->open[b->depth - 1];
    if (node->key != NULL && b->key_repeated)
        return;
    if (parent->last == NULL)
        parent->first = node;
    else
        parent->last->next = node;
    parent->last = node;
    parent->count++;
}

static int add_node(struct builder *b, enum tree_kind kind, const yaml_mark_t *mark,
                    struct tree_node **out)
{
    struct tree_place place = place_of(mark);
    if (in_mapping(b) && b->key == NULL) {
        FAULT(b, place, "a key must be a word, not a list, a mapping or an alias");
        return VAGUS_EPOLICY;
    }
    if (b->tree->node_count == TREE_NODES_MAX) {
        FAULT(b, place, "more than %d values: too much for a policy", TREE_NODES_MAX);
        return VAGUS_EPOLICY;
    }
    struct tree_node *node = take(b->tree, sizeof(*node));
    if (node == NULL)
        return VAGUS_ENOMEM;
    b->tree->node_count++;
    *node = (struct tree_node){.kind = kind, .place = place};
    attach(b, node);
    *out = node;
    return 0;
}

static void refuse_extras(struct builder *b, const unsigned char *anchor, const unsigned char *tag,
                          const yaml_mark_t *mark)
{
    struct tree_place place = place_of(mark);
    if (anchor != NULL)
        FAULT(b, place, "an anchor (&%s): a policy has none, write the value out where it is used",
              quote_plain((const char *)anchor).text);
    if (tag != NULL)
        FAULT(b, place, "a tag (%s): a policy has none, leave it out",
              quote_plain((const char *)tag).text);
}

static int open_collection(struct builder *b, enum tree_kind kind, const yaml_mark_t *mark)
{
    struct tree_node *node;
    if (b->depth == TREE_DEPTH_MAX) {
        FAULT(b, place_of(mark), "nested more than %d deep: too much for a policy", TREE_DEPTH_MAX);
        return VAGUS_EPOLICY;
    }
    int error = add_node(b, kind, mark, &node);
    if (error == 0)
        b->open[b->depth++] = node;
    return error;
}

static int take_key(struct builder *b, const char *text, struct tree_place place)
{
    struct tree_node *mapping = b->open[b->depth - 1];
    struct tree_node *first = tree_member(mapping, text);
    if (mapping->count == TREE_KEYS_MAX) {
        FAULT(b, place, "more than %d keys in one mapping: too much for a policy", TREE_KEYS_MAX);
        return VAGUS_EPOLICY;
    }
    b->key = text;
    b->key_place = place;
    b->key_repeated = first != NULL;
    if (first != NULL)
        FAULT(b, place, "%s is given twice: first in line %u", quote(text).text,
              first->key_place.line);
    return 0;
}

static int add_scalar(struct builder *b, const yaml_event_t *event)
{
    const char *value = (const char *)event->data.scalar.value;
    size_t length = event->data.scalar.length;
    struct tree_place place = place_of(&event->start_mark);
    refuse_extras(b, event->data.scalar.anchor, event->data.scalar.tag, &event->start_mark);
    if (length > TREE_SCALAR_BYTES_MAX) {
        FAULT(b, place, "a text of more than %d bytes", TREE_SCALAR_BYTES_MAX);
        return VAGUS_EPOLICY;
    }
    if (memchr(value, '\0', length) != NULL) {
        FAULT(b, place, "a text with a zero byte in it");
        return VAGUS_EPOLICY;
    }
    char *text = take(b->tree, length + 1);
    if (text == NULL)
        return VAGUS_ENOMEM;
    memcpy(text, value, length);
    text[length] = '\0';
    if (in_mapping(b) && b->key == NULL)
        return take_key(b, text, place);
    struct tree_node *node;
    int error = add_node(b, TREE_SCALAR, &event->start_mark, &node);
    if (error != 0)
        return error;
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    node->text = text;
    return 0;
}

static int add_alias(struct builder *b, const yaml_event_t *event)
{
    struct tree_node *node;
    FAULT(b, place_of(&event->start_mark),
          "an alias (*%s): a policy has none, write the value out here",
          quote_plain((const char *)event->data.alias.anchor).text);
    return add_node(b, TREE_REFUSED, &event->start_mark, &node);
}

static int on_event(struct builder *b, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (b->tree->root == NULL)
            return 0;
        FAULT(b, place_of(&event->start_mark), "a second document: a policy is one document");
        return VAGUS_EPOLICY;
    case YAML_MAPPING_START_EVENT:
        refuse_extras(b, event->data.mapping_start.anchor, event->data.mapping_start.tag,
                      &event->start_mark);
        return open_collection(b, TREE_MAPPING, &event->start_mark);
    case YAML_SEQUENCE_START_EVENT:
        refuse_extras(b, event->data.sequence_start.anchor, event->data.sequence_start.tag,
                      &event->start_mark);
        return open_collection(b, TREE_SEQUENCE, &event->start_mark);
    case YAML_MAPPING_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
        b->depth--;
        return 0;
    case YAML_SCALAR_EVENT:
        return add_scalar(b, event);
    case YAML_ALIAS_EVENT:
        return add_alias(b, event);
    default:
        return 0;
    }
}

/* The reader tells only the byte at which it gave up. */
static struct tree_place place_of_byte(const char *text, size_t length, size_t offset)
{
    struct tree_place place = {1, 1};
    for (size_t i = 0; i < offset && i < length; i++) {
        if (text[i] == '\n')
            place = (struct tree_place){place.line + 1, 1};
        else if (((unsigned char)text[i] & 0xc0) != 0x80)
            place.column++;
    }
    return place;
}

static int parser_fault(struct builder *b, const yaml_parser_t *parser, const char *text,
                        size_t length)
{
    if (parser->error == YAML_MEMORY_ERROR)
        return VAGUS_ENOMEM;
    const char *problem = parser->problem != NULL ? parser->problem : "it cannot be read";
    if (parser->error == YAML_READER_ERROR) {
        FAULT(b, place_of_byte(text, length, parser->problem_offset), "not valid YAML: %s",
              problem);
        return VAGUS_EPOLICY;
    }
    struct tree_place place = place_of(&parser->problem_mark);
    if (parser->problem_mark.index < length && text[parser->problem_mark.index] == '\t')
        FAULT(b, place, "a tab where YAML wants spaces");
    else if (parser->context != NULL)
        FAULT(b, place, "not valid YAML: %s (%s, begun in line %u)", problem, parser->context,
              place_of(&parser->context_mark).line);
    else
        FAULT(b, place, "not valid YAML: %s", problem);
    return VAGUS_EPOLICY;
}

/* What libyaml would accept, or complain about in words that help nobody. */
static int check_bytes(struct builder *b, const char *text, size_t length)
{
    struct tree_place start = {1, 1};
    const unsigned char *bytes = (const unsigned char *)text;
    if (length >= 2 &&
        ((bytes[0] == 0xff && bytes[1] == 0xfe) || (bytes[0] == 0xfe && bytes[1] == 0xff))) {
        FAULT(b, start, "the file is in UTF-16: save it as UTF-8");
        return VAGUS_EPOLICY;
    }
    const char *zero = memchr(text, '\0', length);
    if (zero != NULL) {
        FAULT(b, place_of_byte(text, length, (size_t)(zero - text)),
              "a zero byte: this is not a text in UTF-8");
        return VAGUS_EPOLICY;
    }
    return 0;
}

int tree_parse(struct tree *tree, const char *text, size_t length, struct vagus_fault_list *faults)
{
    struct builder b = {.tree = tree, .faults = faults};
    yaml_parser_t parser;
    yaml_event_t event;
    int error = check_bytes(&b, text, length);
    bool ended = false;
    *tree = (struct tree){0};
    if (error != 0)
        return error;
    if (!yaml_parser_initialize(&parser))
        return VAGUS_ENOMEM;
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, length);
    while (error == 0 && !ended) {
        if (!yaml_parser_parse(&parser, &event)) {
            error = parser_fault(&b, &parser, text, length);
            break;
        }
        ended = event.type == YAML_STREAM_END_EVENT;
        error = on_event(&b, &event);
        yaml_event_delete(&event);
    }
    yaml_parser_delete(&parser);
    if (error != 0)
        tree->root = NULL;
    return error;
}
