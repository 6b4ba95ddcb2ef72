/* SPDX-License-Identifier: Apache-2.0 */
/* Reading and writing name{label=instance}. */
#include "base/notation.h"

#include <string.h>

static bool take(char *field, size_t capacity, const char *from, size_t length)
{
    if (length >= capacity)
        return false;
    memcpy(field, from, length);
    field[length] = '\0';
    return true;
}

bool notation_parse(const char *written, struct notation *notation)
{
    size_t length = strnlen(written, NOTATION_MAX), name = strcspn(written, "{");
    *notation = (struct notation){.name = ""};
    if (length == NOTATION_MAX || !take(notation->name, sizeof(notation->name), written, name) ||
        !text_is_name(notation->name, VAGUS_NAME_MAX - 1))
        return false;
    if (name == length)
        return true;
    if (written[length - 1] != '}' || length - name < 3 ||
        !take(notation->inner, sizeof(notation->inner), written + name + 1, length - name - 2))
        return false;
    size_t label = strcspn(notation->inner, "=");
    const char *rest = notation->inner + label + 1;
    if (notation->inner[label] == '=' && rest[0] != '\0' &&
        take(notation->label, sizeof(notation->label), notation->inner, label) &&
        text_is_name(notation->label, VAGUS_LABEL_MAX - 1) &&
        take(notation->instance, sizeof(notation->instance), rest, strlen(rest)))
        return true;
    notation->label[0] = '\0';
    return take(notation->instance, sizeof(notation->instance), notation->inner,
                strlen(notation->inner));
}

bool notation_means(const struct notation *notation, const char *name, const char *label,
                    const char *instance)
{
    if (strcmp(notation->name, name) != 0)
        return false;
    return strcmp(notation->inner, instance) == 0 ||
           (notation->label[0] != '\0' && strcmp(notation->label, label) == 0 &&
            strcmp(notation->instance, instance) == 0);
}

void notation_add(struct text *text, const char *name, const char *label, const char *instance)
{
    text_add_safe(text, name, VAGUS_NAME_MAX);
    if (instance[0] == '\0')
        return;
    text_add(text, "{");
    if (label[0] != '\0') {
        text_add_safe(text, label, VAGUS_LABEL_MAX);
        text_add(text, "=");
    }
    text_add_safe(text, instance, VAGUS_INSTANCE_MAX);
    text_add(text, "}");
}

void notation_key(char key[NOTATION_MAX], const char *name, const char *label, const char *instance)
{
    struct text text;
    text_init(&text, key, NOTATION_MAX);
    text_add(&text, name);
    if (instance[0] == '\0')
        return;
    text_add(&text, "{");
    text_add(&text, label);
    text_add(&text, "=");
    text_add(&text, instance);
    text_add(&text, "}");
}
