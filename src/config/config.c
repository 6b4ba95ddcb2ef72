/* SPDX-License-Identifier: Apache-2.0 */
/* From a policy to plain data: read it, build the tree, check it, write it normalised, fill. */
#include "config/config.h"

#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/text.h"
#include "config/check.h"
#include "config/default_policy.h"
#include "config/file.h"
#include "config/fill.h"
#include "config/normal.h"
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

static int load_text(const char *text, size_t length, const struct config_vocabulary *vocabulary,
                     struct vagus_fault_list *faults, struct vagus_config **config)
{
    struct tree tree;
    struct check check = {.vocabulary = vocabulary, .faults = faults};
    int error = tree_parse(&tree, text, length, faults);
    if (error == 0) {
        check_policy(&check, tree.root);
        sort_faults(faults);
        error = faults->errors > 0 ? VAGUS_EPOLICY : fill_from_tree(&tree, faults, config);
    }
    tree_finish(&tree);
    return error;
}

static int load(const char *path, const char *text, const struct config_vocabulary *vocabulary,
                struct vagus_fault_list *faults, struct vagus_config **config)
{
    size_t length;
    char *file = NULL;
    int error = 0;
    if (path != NULL) {
        fault_list_init(faults, path);
        error = file_read(path, faults, &file, &length);
        text = file;
    } else if (text != NULL) {
        fault_list_init(faults, "policy text");
        length = strnlen(text, CONFIG_FILE_BYTES_MAX + 1);
    } else {
        fault_list_init(faults, "built-in policy");
        text = config_default_policy;
        length = config_default_policy_bytes;
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
