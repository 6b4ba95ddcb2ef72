/* SPDX-License-Identifier: Apache-2.0 */
/* The check of single values, one function for each type of the schema. */
#include <math.h>
#include <string.h>

#include "base/nearest.h"
#include "base/notation.h"
#include "config/check.h"
#include "config/filter.h"
#include "config/quote.h"
#include "vagus/metric.h"

/* What would be right, for the end of a fault. */
struct expected {
    char text[120];
};

static void add_words(struct text *text, const char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++)
        text_addf(text, "%s%s", i == 0 ? "" : words[i + 1] != NULL ? ", " : " or ", words[i]);
}

static struct expected expected(const struct schema_key *key)
{
    struct expected expected;
    struct text text;
    text_init(&text, expected.text, sizeof(expected.text));
    switch (key->type) {
    case SCHEMA_BOOL:
        text_add(&text, "true or false");
        break;
    case SCHEMA_COUNT:
        text_addf(&text, "a whole number from %.0f to %.0f", key->least, key->most);
        break;
    case SCHEMA_BYTES:
        text_add(&text, "a size from ");
        text_add_size(&text, key->least);
        text_add(&text, " to ");
        text_add_size(&text, key->most);
        break;
    case SCHEMA_AMOUNT:
        text_add(&text, "a whole number such as 5000 or 200k, or a size such as 512MiB");
        break;
    case SCHEMA_SHARE:
        text_add(&text, "a share from ");
        text_add_value(&text, key->least, "1");
        text_add(&text, " to ");
        text_add_value(&text, key->most, "1");
        break;
    case SCHEMA_TIME:
        text_add(&text, "a time from ");
        text_add_duration(&text, (int64_t)key->least);
        text_add(&text, " to ");
        text_add_duration(&text, (int64_t)key->most);
        break;
    case SCHEMA_NAME:
        text_addf(&text, "1 to %.0f characters out of a-z 0-9 . _ -", key->most);
        break;
    case SCHEMA_METRIC:
        text_add(&text, "a metric, such as memory.usage or disk.free{path=/var}");
        break;
    case SCHEMA_PATTERN:
        text_add(&text, "a metric with * and ?, such as numa.* or network.*{interface=veth*}");
        break;
    case SCHEMA_TEXT:
        text_addf(&text, "a text of 1 to %.0f bytes", key->most);
        break;
    case SCHEMA_ABSOLUTE:
        text_addf(&text, "an absolute path of at most %.0f bytes", key->most);
        break;
    case SCHEMA_WORD:
    case SCHEMA_CHOICE:
        add_words(&text, key->of);
        break;
    case SCHEMA_VALUE:
    case SCHEMA_LIMIT:
        text_add(&text, "a number with its unit");
        break;
    default:
        text_add(&text, "a word");
    }
    return expected;
}

static void refuse(struct check *check, const struct schema_key *key, const struct tree_node *node,
                   const char *why)
{
    check_fault(check, node->place, "%s: %s %s; expected %s", key->name, quote(node->text).text,
                why, expected(key).text);
}

static bool within(struct check *check, const struct schema_key *key, const struct tree_node *node,
                   double value)
{
    if (value >= key->least && value <= key->most)
        return true;
    refuse(check, key, node, value < key->least ? "is too small" : "is too large");
    return false;
}

static void check_bool(struct check *check, const struct schema_key *key, struct tree_node *node)
{
    bool is_true = node->plain && strcmp(node->text, "true") == 0;
    node->valid = is_true || (node->plain && strcmp(node->text, "false") == 0);
    node->value.truth = is_true;
    if (!node->valid)
        refuse(check, key, node, "is not known");
}

static void check_count(struct check *check, const struct schema_key *key, struct tree_node *node)
{
    const char *why = "is not a whole number";
    double value = 0;
    bool digits = node->text[0] != '\0' && node->text[strspn(node->text, "0123456789")] == '\0';
    if (!digits || quantity_parse(node->text, DIMENSION_NUMBER, &value, &why) != 0) {
        refuse(check, key, node, why);
        return;
    }
    node->valid = within(check, key, node, value);
    node->value.whole = node->valid ? (int64_t)value : 0;
}

static void check_bytes(struct check *check, const struct schema_key *key, struct tree_node *node)
{
    const char *why;
    double value;
    if (quantity_parse(node->text, DIMENSION_BYTES, &value, &why) != 0) {
        refuse(check, key, node, why);
        return;
    }
    node->valid = within(check, key, node, value);
    node->value.whole = node->valid ? (int64_t)value : 0;
}

static void check_amount(struct check *check, const struct schema_key *key, struct tree_node *node)
{
    const char *why = "is not a whole number", *size_why;
    double value;
    if (quantity_parse(node->text, DIMENSION_NUMBER, &value, &why) != 0 &&
        quantity_parse(node->text, DIMENSION_BYTES, &value, &size_why) != 0) {
        refuse(check, key, node, why);
        return;
    }
    if (value != floor(value)) {
        refuse(check, key, node, "is not a whole number");
        return;
    }
    node->valid = within(check, key, node, value);
    node->value.whole = node->valid ? (int64_t)value : 0;
}

static void check_share(struct check *check, const struct schema_key *key, struct tree_node *node)
{
    const char *why;
    if (quantity_parse(node->text, DIMENSION_RATIO, &node->value.number, &why) != 0)
        refuse(check, key, node, why);
    else
        node->valid = within(check, key, node, node->value.number);
}

static void check_time(struct check *check, const struct schema_key *key, struct tree_node *node)
{
    const char *why;
    if (duration_parse(node->text, &node->value.whole, &why) != 0)
        refuse(check, key, node, why);
    else
        node->valid = within(check, key, node, (double)node->value.whole);
}

/* Where the unit of the metric is not known, the first threshold decides for the rule. A bare 0
 * goes with any. */
static int parse_by_form(struct check *check, struct tree_node *node, const char **why)
{
    static const enum dimension forms[] = {DIMENSION_RATIO, DIMENSION_BYTES, DIMENSION_TIME};
    double *value = &node->value.number;
    if (quantity_parse(node->text, DIMENSION_NUMBER, value, why) == 0) {
        check->dimension_known = *value != 0;
        check->dimension = DIMENSION_NUMBER;
        return 0;
    }
    const char *number_why = *why;
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (quantity_parse(node->text, forms[i], value, why) != 0)
            continue;
        check->dimension_known = true;
        check->dimension = forms[i];
        return 0;
    }
    *why = number_why;
    return VAGUS_EPARSE;
}

/* "10MB/s": the unit is the metric's. */
static const char *without_per_second(const struct check *check, const char *text, char *buffer,
                                      size_t capacity)
{
    size_t length = strlen(text);
    if (!check->per_second || length < 3 || length - 2 >= capacity ||
        strcmp(text + length - 2, "/s") != 0)
        return text;
    memcpy(buffer, text, length - 2);
    buffer[length - 2] = '\0';
    return buffer;
}

static void check_value(struct check *check, const struct schema_key *key, struct tree_node *node)
{
    const char *why;
    char buffer[64];
    struct tree_node plain = *node;
    plain.text = without_per_second(check, node->text, buffer, sizeof(buffer));
    int error = check->dimension_known
                    ? quantity_parse(plain.text, check->dimension, &plain.value.number, &why)
                    : parse_by_form(check, &plain, &why);
    if (error == 0 && check->unit_known && check->dimension != DIMENSION_NUMBER &&
        plain.value.number < 0 && !check->per_second) {
        error = VAGUS_EPARSE;
        why = "is negative, and the metric never is";
    }
    node->valid = error == 0;
    node->value.number = plain.value.number;
    if (error != 0)
        check_fault(check, node->place, "%s: %s %s; expected a value such as %s", key->name,
                    quote(node->text).text, why,
                    dimension_example(check->dimension_known ? check->dimension : DIMENSION_RATIO));
}

/* A value of the metric, whatever the rule makes of it. */
static void check_limit(struct check *check, const struct schema_key *key, struct tree_node *node)
{
    struct check of_metric = *check;
    of_metric.dimension_known = check->metric_known;
    of_metric.dimension = check->metric_dimension;
    of_metric.per_second = false;
    check_value(&of_metric, key, node);
}

static void check_name(struct check *check, const struct schema_key *key, struct tree_node *node)
{
    node->valid = text_is_name(node->text, (size_t)key->most);
    if (!node->valid)
        refuse(check, key, node,
               text_is_name(node->text, strlen(node->text)) ? "is too long" : "is not a name");
}

static void check_metric(struct check *check, const struct schema_key *key, struct tree_node *node)
{
    struct notation notation;
    node->valid = notation_parse(node->text, &notation);
    if (!node->valid)
        refuse(check, key, node, "is not the name of a metric");
}

static void check_pattern(struct check *check, const struct schema_key *key, struct tree_node *node)
{
    node->valid = filter_is_pattern(node->text);
    if (!node->valid)
        refuse(check, key, node, "is no pattern of metrics");
}

static void check_text(struct check *check, const struct schema_key *key, struct tree_node *node)
{
    size_t length = strlen(node->text);
    const char *why = NULL;
    if (length < (size_t)key->least)
        why = "is empty";
    else if (length > (size_t)key->most)
        why = "is too long";
    else if (key->type == SCHEMA_ABSOLUTE && node->text[0] != '/')
        why = "does not begin with /";
    node->valid = why == NULL;
    if (why != NULL)
        refuse(check, key, node, why);
}

/* Refuses a word that is not among those that may stand there, and names the nearest. */
static void check_word_in(struct check *check, const struct schema_key *key, struct tree_node *node,
                          const char *const *words)
{
    struct nearest nearest;
    nearest_init(&nearest, node->text);
    for (size_t i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], node->text) == 0) {
            node->valid = true;
            node->value.whole = (int64_t)i;
            return;
        }
        nearest_offer(&nearest, words[i]);
    }
    char list[400]; /* a fault is cut, and says so */
    struct text text;
    text_init(&text, list, sizeof(list));
    add_words(&text, words);
    if (nearest.best != NULL)
        check_fault(check, node->place, "%s: %s is not known, did you mean \"%s\"? expected %s",
                    key->name, quote(node->text).text, nearest.best, list);
    else
        check_fault(check, node->place, "%s: %s is not known; expected %s", key->name,
                    quote(node->text).text, list);
}

static void check_kind(struct check *check, const struct schema_key *key, struct tree_node *node)
{
    if (check->vocabulary != NULL && check->vocabulary->kinds != NULL)
        check_word_in(check, key, node, check->vocabulary->kinds);
    else
        node->valid = text_is_name(node->text, VAGUS_NAME_MAX - 1);
}

static void check_sense(struct check *check, const struct schema_key *key, struct tree_node *node)
{
    if (check->vocabulary != NULL && check->vocabulary->collectors != NULL)
        check_word_in(check, key, node, check->vocabulary->collectors);
    else
        node->valid = text_is_name(node->text, VAGUS_NAME_MAX - 1);
}

static bool is_nothing(const struct tree_node *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    for (size_t i = 0; node->plain && i < sizeof(words) / sizeof(words[0]); i++)
        if (strcmp(node->text, words[i]) == 0)
            return true;
    return false;
}

void check_scalar(struct check *check, const struct schema_key *key, struct tree_node *node)
{
    if (is_nothing(node)) {
        check_fault(check, node->place, "%s: there is no value; expected %s", key->name,
                    expected(key).text);
        return;
    }
    switch (key->type) {
    case SCHEMA_BOOL:
        check_bool(check, key, node);
        break;
    case SCHEMA_COUNT:
        check_count(check, key, node);
        break;
    case SCHEMA_BYTES:
        check_bytes(check, key, node);
        break;
    case SCHEMA_AMOUNT:
        check_amount(check, key, node);
        break;
    case SCHEMA_TIME:
        check_time(check, key, node);
        break;
    case SCHEMA_SHARE:
        check_share(check, key, node);
        break;
    case SCHEMA_VALUE:
        check_value(check, key, node);
        break;
    case SCHEMA_LIMIT:
        check_limit(check, key, node);
        break;
    case SCHEMA_NAME:
        check_name(check, key, node);
        break;
    case SCHEMA_METRIC:
        check_metric(check, key, node);
        break;
    case SCHEMA_PATTERN:
        check_pattern(check, key, node);
        break;
    case SCHEMA_SENSE:
        check_sense(check, key, node);
        break;
    case SCHEMA_WORD:
    case SCHEMA_CHOICE:
        check_word_in(check, key, node, key->of);
        break;
    case SCHEMA_KIND:
        check_kind(check, key, node);
        break;
    default:
        check_text(check, key, node);
    }
}
