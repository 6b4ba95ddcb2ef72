/* SPDX-License-Identifier: Apache-2.0 */
/* From a policy to plain data: read it, build the tree, check it, write it normalised, fill. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/nearest.h"
#include "base/text.h"
#include "config/check.h"
#include "config/file.h"
#include "config/fill.h"
#include "config/normal.h"
#include "config/preset.h"
#include "config/quote.h"
#include "config/tree.h"

/* Faults come in the order in which they are found; people read from the top. */
static void sort_faults(struct vagus_fault_list *faults)
{
    for (uint32_t i = 1; i < faults->count; i++) {
        struct vagus_fault fault = faults->faults[i];
        uint32_t j = i;
        for (; j > 0; j--) {
            const struct vagus_fault *before = &faults->faults[j - 1];
            if (before->line < fault.line ||
                (before->line == fault.line && before->column <= fault.column))
                break;
            faults->faults[j] = *before;
        }
        faults->faults[j] = fault;
    }
}

/* libcyaml reads the checked tree in its normalised form. */
static int fill_from_tree(const struct tree *tree, struct vagus_fault_list *faults,
                          struct vagus_config **config)
{
    struct text text;
    text_init(&text, NULL, 0);
    normal_write(&text, tree->root);
    size_t length = text.length;
    char *buffer = malloc(length + 1);
    if (buffer == NULL)
        return VAGUS_ENOMEM;
    text_init(&text, buffer, length + 1);
    normal_write(&text, tree->root);
    char why[160];
    int error = fill_config(buffer, length, config, why, sizeof(why));
    free(buffer);
    if (error == VAGUS_EPOLICY)
        fault_add(faults, &(struct fault_at){.code = VAGUS_EPOLICY},
                  "a mistake of vagus: a policy without faults could not be loaded: %s", why);
    return error;
}

const char *const config_fixed_keys[] = {"agent",     "segment",   "limits",  "watch",
                                         "recording", "retention", "reload",  "monitor",
                                         "state",     "tiers",     "filters", NULL};
_Static_assert(sizeof(config_fixed_keys) / sizeof(config_fixed_keys[0]) <= CONFIG_FIXED_MAX,
               "there is no room for so many");

static void note_fixed(const struct tree_node *root, struct vagus_config *config)
{
    for (size_t i = 0; config_fixed_keys[i] != NULL; i++) {
        const struct tree_node *node = tree_member(root, config_fixed_keys[i]);
        config->fixed[i] = (struct config_fixed){normal_content_of_key(root, config_fixed_keys[i]),
                                                 node != NULL ? node->key_place.line : 0,
                                                 node != NULL ? node->key_place.column : 0};
    }
}

static int load_text(const char *text, size_t length, const struct config_vocabulary *vocabulary,
                     struct vagus_fault_list *faults, struct vagus_config **config)
{
    struct tree tree;
    struct check check = {.vocabulary = vocabulary, .faults = faults};
    int error = tree_parse(&tree, text, length, faults);
    if (error == 0)
        error = preset_extend(&check, &tree);
    if (error == 0) {
        check_policy(&check, tree.root);
        if (faults->errors == 0)
            check_twins(&check, tree.root);
        sort_faults(faults);
        error = faults->errors > 0 ? VAGUS_EPOLICY : fill_from_tree(&tree, faults, config);
        if (error == 0)
            note_fixed(tree.root, *config);
    }
    tree_finish(&tree);
    return error;
}

static int preset_of_path(const char *path, struct vagus_fault_list *faults, const char **text,
                          size_t *length)
{
    const char *name = path + strlen(PRESET_PREFIX);
    const struct preset_text *preset = preset_find(name);
    struct nearest nearest;
    if (preset != NULL) {
        *text = preset->text;
        *length = preset->bytes;
        return 0;
    }
    nearest_init(&nearest, name);
    for (size_t i = 0; preset_names[i] != NULL; i++)
        nearest_offer(&nearest, preset_names[i]);
    fault_add(faults, &(struct fault_at){.code = VAGUS_ENOENT},
              "there is no preset %s%s%s%s; vagus check --list-presets names them",
              quote(name).text, nearest.best != NULL ? ", did you mean \"" : "",
              nearest.best != NULL ? nearest.best : "", nearest.best != NULL ? "\"?" : "");
    return VAGUS_ENOENT;
}

static int load(const char *path, const char *text, const struct config_vocabulary *vocabulary,
                struct vagus_fault_list *faults, struct vagus_config **config)
{
    size_t length;
    char *file = NULL;
    int error = 0;
    if (path != NULL && strncmp(path, PRESET_PREFIX, strlen(PRESET_PREFIX)) == 0) {
        fault_list_init(faults, path);
        error = preset_of_path(path, faults, &text, &length);
    } else if (path != NULL) {
        fault_list_init(faults, path);
        error = file_read(path, faults, &file, &length);
        text = file;
    } else if (text != NULL) {
        fault_list_init(faults, "policy text");
        length = strnlen(text, CONFIG_FILE_BYTES_MAX + 1);
    } else {
        fault_list_init(faults, "built-in policy");
        text = preset_texts[0].text;
        length = preset_texts[0].bytes;
    }
    if (error == 0 && length > CONFIG_FILE_BYTES_MAX) {
        error = VAGUS_EPOLICY;
        fault_add(faults, &(struct fault_at){.code = error}, "the policy is longer than 1 MiB");
    }
    if (error == 0)
        error = load_text(text, length, vocabulary, faults, config);
    if (error == VAGUS_ENOMEM)
        fault_add(faults, &(struct fault_at){.code = error}, "%s", vagus_error_message(error));
    free(file);
    return error;
}

int config_load(const char *path, const char *text, const struct config_vocabulary *vocabulary,
                struct vagus_fault_list *faults, struct vagus_config **config)
{
    struct vagus_fault_list own;
    if (path != NULL && text != NULL)
        return VAGUS_EINVAL;
    return load(path, text, vocabulary, faults != NULL ? faults : &own, config);
}
