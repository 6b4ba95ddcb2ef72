/* SPDX-License-Identifier: Apache-2.0 */
/* extends: the preset's tree is merged into the file's before anything is checked, so that the
 * check sees one policy. A preset may extend another. */
#include "config/preset.h"

#include <string.h>

#include "base/nearest.h"
#include "config/quote.h"

#define DEPTH_MAX 4 /* of presets that extend presets */

const char *const preset_names[] = {
#define VAGUS_PRESET(name, summary) #name,
#include "policies/presets.def"
#undef VAGUS_PRESET
    NULL,
};

const char *const preset_summaries[] = {
#define VAGUS_PRESET(name, summary) summary,
#include "policies/presets.def"
#undef VAGUS_PRESET
    NULL,
};

const struct preset_text *preset_find(const char *name)
{
    for (size_t i = 0; preset_names[i] != NULL; i++)
        if (strcmp(preset_names[i], name) == 0)
            return &preset_texts[i];
    return NULL;
}

static void append(struct tree_node *collection, struct tree_node *node)
{
    node->next = NULL;
    if (collection->last != NULL)
        collection->last->next = node;
    else
        collection->first = node;
    collection->last = node;
    collection->count++;
}

static const char *name_of(const struct tree_node *entry)
{
    const struct tree_node *name = tree_member(entry, "name");
    return name != NULL && name->kind == TREE_SCALAR ? name->text : NULL;
}

static struct tree_node *entry_named(const struct tree_node *list, const char *name)
{
    for (struct tree_node *entry = list->first; entry != NULL && name != NULL;
         entry = entry->next) {
        const char *its = name_of(entry);
        if (its != NULL && strcmp(its, name) == 0)
            return entry;
    }
    return NULL;
}

static bool has_text(const struct tree_node *list, const char *text)
{
    if (list == NULL || list->kind != TREE_SEQUENCE || text == NULL)
        return false;
    for (const struct tree_node *node = list->first; node != NULL; node = node->next)
        if (node->kind == TREE_SCALAR && strcmp(node->text, text) == 0)
            return true;
    return false;
}

/* The preset's entries in their order, then the file's. One of the file takes the place of the
 * preset's of its name, since rules about rules name those that stand before them; one that is
 * itself about rules of the file stays where it is. */
static void merge_entries(struct tree_node *list, const struct tree_node *preset,
                          const struct tree_node *disable)
{
    struct tree_node merged = {0};
    struct tree_node own = *list;
    for (struct tree_node *entry = preset->first, *next; entry != NULL; entry = next) {
        next = entry->next;
        const char *name = name_of(entry);
        struct tree_node *replacing = entry_named(&own, name);
        if (has_text(disable, name))
            continue;
        if (replacing == NULL) {
            append(&merged, entry);
        } else if (tree_member(replacing, "of") == NULL) {
            struct tree_node **link = &own.first;
            while (*link != replacing)
                link = &(*link)->next;
            *link = replacing->next;
            append(&merged, replacing);
        }
    }
    for (struct tree_node *entry = own.first, *next; entry != NULL; entry = next) {
        next = entry->next;
        append(&merged, entry);
    }
    list->first = merged.first;
    list->last = merged.last;
    list->count = merged.count;
}

/* Names that were disabled leave the preset's list also where the file has none. */
static void drop_entries(struct tree_node *list, const struct tree_node *disable)
{
    struct tree_node own = *list;
    list->first = list->last = NULL;
    list->count = 0;
    merge_entries(list, &own, disable);
}

static void merge_mapping(const struct schema *schema, struct tree_node *mapping,
                          const struct tree_node *preset, const struct tree_node *disable)
{
    for (struct tree_node *node = preset->first, *next; node != NULL; node = next) {
        next = node->next;
        const struct schema_key *key = schema_find(schema, node->key);
        struct tree_node *own = tree_member(mapping, node->key);
        bool section = key != NULL && key->type == SCHEMA_SECTION;
        bool many = key != NULL && key->type == SCHEMA_MANY && node->kind == TREE_SEQUENCE &&
                    schema_find(key->of, "name") != NULL;
        if (strcmp(node->key, "extends") == 0 || strcmp(node->key, "disable") == 0)
            continue;
        if (own == NULL) {
            if (many)
                drop_entries(node, disable);
            append(mapping, node);
        } else if (section && own->kind == TREE_MAPPING && node->kind == TREE_MAPPING) {
            merge_mapping(key->of, own, node, NULL);
        } else if (many && own->kind == TREE_SEQUENCE) {
            merge_entries(own, node, disable);
        }
    }
}

/* What `disable` names must be there. */
static void check_disabled(struct check *check, const struct tree_node *disable,
                           const struct tree_node *preset)
{
    if (disable == NULL || disable->kind != TREE_SEQUENCE)
        return;
    for (const struct tree_node *name = disable->first; name != NULL; name = name->next) {
        struct nearest nearest;
        bool found = false;
        if (name->kind != TREE_SCALAR)
            continue;
        nearest_init(&nearest, name->text);
        for (const struct tree_node *list = preset->first; list != NULL; list = list->next)
            for (const struct tree_node *entry = list->kind == TREE_SEQUENCE ? list->first : NULL;
                 entry != NULL; entry = entry->next) {
                const char *its = name_of(entry);
                found |= its != NULL && strcmp(its, name->text) == 0;
                if (its != NULL)
                    nearest_offer(&nearest, its);
            }
        if (!found)
            check_fault(check, name->place, "disable: the preset has nothing called %s%s%s%s",
                        quote(name->text).text, nearest.best != NULL ? ", did you mean \"" : "",
                        nearest.best != NULL ? nearest.best : "",
                        nearest.best != NULL ? "\"?" : "");
    }
}

/* Whatever is told of the preset's nodes is told where the file extends it. */
static void move_places(struct tree_node *node, struct tree_place place)
{
    node->place = node->key_place = place;
    node->of_preset = true;
    for (struct tree_node *child = node->first; child != NULL; child = child->next)
        move_places(child, place);
}

static int extend(struct check *check, struct tree *tree, unsigned depth)
{
    struct tree_node *root = tree->root;
    const struct tree_node *extends = tree_member(root, "extends");
    const struct tree_node *disable = tree_member(root, "disable");
    if (extends == NULL && disable != NULL)
        check_fault(check, disable->key_place,
                    "\"disable\" goes with \"extends\" alone: it drops what a preset has");
    if (extends == NULL || extends->kind != TREE_SCALAR)
        return 0;
    const struct preset_text *text = preset_find(extends->text);
    if (text == NULL || depth == DEPTH_MAX)
        return 0;

    struct tree preset;
    int error = tree_parse(&preset, text->text, text->bytes, NULL);
    if (error == 0)
        error = extend(check, &preset, depth + 1);
    struct tree_node *from = preset.root;
    tree_absorb(tree, &preset);
    if (error != 0 || from == NULL || from->kind != TREE_MAPPING)
        return error;
    check_disabled(check, disable, from);
    move_places(from, extends->place);
    merge_mapping(&schema_policy, root, from, disable);
    return 0;
}

int preset_extend(struct check *check, struct tree *tree)
{
    return tree->root != NULL && tree->root->kind == TREE_MAPPING ? extend(check, tree, 0) : 0;
}
