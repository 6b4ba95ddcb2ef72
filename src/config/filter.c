/* SPDX-License-Identifier: Apache-2.0 */
/* Matching what is sensed against the filters of a policy. */
#include "config/filter.h"

#include <string.h>

#include "base/notation.h"

/* * stands for any characters, ? for one byte. Goes back to the newest * alone, so that no pattern
 * takes more than pattern times text. */
static bool matches(const char *pattern, size_t length, const char *text)
{
    const char *end = pattern + length, *star = NULL, *resume = NULL;
    while (*text != '\0') {
        if (pattern < end && *pattern == '*') {
            star = ++pattern;
            resume = text;
        } else if (pattern < end && (*pattern == '?' || *pattern == *text)) {
            pattern++;
            text++;
        } else if (star != NULL) {
            pattern = star;
            text = ++resume;
        } else {
            return false;
        }
    }
    while (pattern < end && *pattern == '*')
        pattern++;
    return pattern == end;
}

bool filter_is_pattern(const char *pattern)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789._-*?";
    size_t length = strnlen(pattern, NOTATION_MAX), name = strspn(pattern, allowed);
    if (length == NOTATION_MAX || name == 0 || name >= VAGUS_NAME_MAX)
        return false;
    return name == length ||
           (pattern[name] == '{' && pattern[length - 1] == '}' && length - name > 2);
}

bool filter_matches(const char *pattern, const char *name, const char *label, const char *instance)
{
    size_t length = strcspn(pattern, "{"), label_length = strlen(label);
    if (!matches(pattern, length, name))
        return false;
    if (pattern[length] == '\0')
        return true;
    if (instance == NULL)
        return false;
    const char *inner = pattern + length + 1;
    size_t inner_length = strlen(inner) - 1; /* without the brace that ends it */
    if (label_length > 0 && label_length < inner_length &&
        strncmp(inner, label, label_length) == 0 && inner[label_length] == '=' &&
        matches(inner + label_length + 1, inner_length - label_length - 1, instance))
        return true;
    return matches(inner, inner_length, instance);
}

bool filter_drops(const struct vagus_config *config, const char *name, const char *label,
                  const char *instance)
{
    for (uint32_t i = 0; i < config->left_out_count; i++)
        if (filter_matches(config->left_out[i], name, label, instance))
            return true;
    return false;
}

bool filter_drops_collector(const struct vagus_config *config, const char *name)
{
    for (uint32_t i = 0; i < config->without_count; i++)
        if (strcmp(config->without[i], name) == 0)
            return true;
    return false;
}
