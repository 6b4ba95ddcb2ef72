/* SPDX-License-Identifier: Apache-2.0 */
/* Each YAML block of docs/policies.md is a policy without faults, and each key has its line. */
#include <stdlib.h>

#include "check.h"
#include "config/config.h"
#include "config/schema.h"
#include "monitor/monitor.h"

static struct vagus_fault_list faults;
static char page[64 * 1024];

static void blocks_are_valid(void)
{
    int blocks = 0;
    for (char *at = page; (at = strstr(at, "```yaml\n")) != NULL; blocks++) {
        char *block = at + strlen("```yaml\n"), *end = strstr(block, "\n```");
        REQUIRE(end != NULL);
        char *text = strndup(block, (size_t)(end - block) + 1);
        struct vagus_config *config = NULL;
        if (config_load(NULL, text, &monitor_vocabulary, &faults, &config) != 0)
            CHECK_FAIL_("block %d, line %u: %s", blocks + 1, faults.faults[0].line,
                        faults.faults[0].text);
        config_free(config);
        free(text);
        at = end;
    }
    CHECK(blocks >= 3);
}

static void documented(const struct schema *schema)
{
    for (size_t i = 0; i < schema->count; i++) {
        const struct schema_key *key = &schema->keys[i];
        char plain[64], dotted[64];
        snprintf(plain, sizeof(plain), "`%s`", key->name);
        snprintf(dotted, sizeof(dotted), ".%s`", key->name);
        if (key->type < SCHEMA_SECTION && strstr(page, plain) == NULL &&
            strstr(page, dotted) == NULL)
            CHECK_FAIL_("docs/policies.md says nothing about %s", key->name);
        if (key->type == SCHEMA_SECTION || key->type == SCHEMA_PART || key->type == SCHEMA_MANY)
            documented(key->of);
    }
}

static void keys_are_there(void)
{
    documented(&schema_policy);
}

int main(void)
{
    char path[512];
    size_t root = strlen(FIXTURES) - strlen("tests/fixtures");
    snprintf(path, sizeof(path), "%.*sdocs/policies.md", (int)root, FIXTURES);
    FILE *file = fopen(path, "r");
    if (file == NULL || fread(page, 1, sizeof(page) - 1, file) == 0)
        return 1;
    fclose(file);
    RUN(blocks_are_valid);
    RUN(keys_are_there);
    return check_result();
}
