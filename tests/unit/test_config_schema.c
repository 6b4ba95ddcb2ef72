/* SPDX-License-Identifier: Apache-2.0 */
/* The table itself: a default that is no valid value would silently become zero. */
#include "config/schema.h"

#include "base/fault.h"
#include "check.h"
#include "config/check.h"

static struct vagus_fault_list faults;

static void check_table(const struct schema *schema)
{
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_key *key = &schema->keys[i];
        if (key->type == SCHEMA_SECTION || key->type == SCHEMA_PART || key->type == SCHEMA_MANY)
            check_table(key->of);
        if (key->type < SCHEMA_PRESENT && (key->help == NULL || key->help[0] == '\0'))
            CHECK_FAIL_("%s has no help", key->name);
        for (size_t j = 0; j < i; j++)
            if (strcmp(schema->keys[j].name, key->name) == 0)
                CHECK_FAIL_("%s stands twice in %s", key->name, schema->what);
        if (key->type >= SCHEMA_PATHS || key->type == SCHEMA_VALUE || key->absent == NULL ||
            key->absent == schema_required)
            continue;
        struct check check = {.faults = &faults};
        struct tree_node node = {.kind = TREE_SCALAR, .plain = true, .text = key->absent};
        fault_list_init(&faults, "defaults");
        check_scalar(&check, key, &node);
        if (!node.valid)
            CHECK_FAIL_("the default of %s: %s", key->name, faults.faults[0].text);
    }
}

static void defaults_are_valid(void)
{
    check_table(&schema_policy);
}

/* What the check tells by itself cannot be said in a file. */
static void told_keys_are_hidden(void)
{
    CHECK(schema_find(&schema_policy, "rules") != NULL);
    const struct schema *rule = schema_find(&schema_policy, "rules")->of;
    CHECK(schema_find(rule, "throttle") != NULL);
    CHECK(schema_find(rule, "is-in-line") == NULL);
    CHECK(schema_find(rule, "throttl") == NULL);
}

int main(void)
{
    RUN(defaults_are_valid);
    RUN(told_keys_are_hidden);
    return check_result();
}
