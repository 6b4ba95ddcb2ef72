/* SPDX-License-Identifier: Apache-2.0 */
/* Any bytes as a snapshot, strings without an end among them. The text has no control characters,
 * the JSON no unpaired bracket, both fit their declared rooms, as changes do; and the prompt is at
 * most 600 characters of vagus's own alphabet, with no word of those who may not speak there. */
#include <ctype.h>

#include "report/view.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct vagus_system_snapshot snapshot, other;
static char output[VAGUS_SNAPSHOT_JSON_MAX];

/* Stops the fuzzer at the line that says what was expected. */
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition))                                                                          \
            __builtin_trap();                                                                      \
    } while (0)

/* The input is repeated over the whole: small inputs reach every field. */
static void fill(struct vagus_system_snapshot *s, const uint8_t *data, size_t size)
{
    memset(s, 0, sizeof(*s));
    for (size_t at = 0; size > 0 && at < sizeof(*s); at += size)
        memcpy((char *)s + at, data, size < sizeof(*s) - at ? size : sizeof(*s) - at);
}

static void check_lines(void)
{
    for (const unsigned char *c = (const unsigned char *)output; *c != '\0'; c++)
        REQUIRE(*c == '\n' || (*c >= 0x20 && *c != 0x7f));
}

static void check_json(void)
{
    int depth = 0;
    bool quoted = false;
    for (const char *c = output; *c != '\0'; c++) {
        REQUIRE((unsigned char)*c >= 0x20);
        if (quoted && *c == '\\')
            c++;
        else if (*c == '"')
            quoted = !quoted;
        else if (!quoted)
            depth += (*c == '{' || *c == '[') - (*c == '}' || *c == ']');
        REQUIRE(depth >= 0);
    }
    REQUIRE(depth == 0 && !quoted);
}

#define STRANGER "zqxj-word"
#define SAY(field) memcpy(field, STRANGER, sizeof(STRANGER))

/* Puts well-formed words where strangers have their say. */
static void let_strangers_speak(void)
{
    SAY(snapshot.mode.unknown);
    SAY(snapshot.mode.before);
    for (int i = 0; i < VAGUS_SNAPSHOT_SIGNALS; i++)
        SAY(snapshot.signals[i].reason);
    for (int i = 0; i < VAGUS_SNAPSHOT_GPUS; i++)
        SAY(snapshot.gpus[i].device);
    for (int i = 0; i < VAGUS_SNAPSHOT_PATHS; i++)
        SAY(snapshot.paths[i].path);
    for (int i = 0; i < VAGUS_SNAPSHOT_BUDGETS; i++)
        SAY(snapshot.budgets[i].unit);
    for (int i = 0; i < VAGUS_SNAPSHOT_FORECASTS; i++) {
        SAY(snapshot.forecasts[i].metric);
        SAY(snapshot.forecasts[i].instance);
    }
    for (int i = 0; i < VAGUS_SNAPSHOT_METRICS; i++) {
        SAY(snapshot.metrics[i].name);
        SAY(snapshot.metrics[i].instance);
        SAY(snapshot.metrics[i].label);
        SAY(snapshot.metrics[i].unit);
    }
}

static void check_prompt(int64_t now_ns, size_t capacity)
{
    REQUIRE(vagus_snapshot_prompt(&snapshot, now_ns, output, capacity) == 0);
    size_t length = strlen(output), word = 0;
    REQUIRE(length < capacity && length <= 600);
    REQUIRE(length == 0 || output[length - 1] == '.');
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)output[i];
        REQUIRE(isalnum(c) || strchr(" .,:;()_-", c) != NULL);
        word = c == ' ' || c == '(' ? 0 : word + 1;
        REQUIRE(word <= 32 + 2); /* "name):" */
    }
    REQUIRE(strstr(output, "zqxj") == NULL);
}

static void check_diff(void)
{
    struct vagus_snapshot_change changes[16];
    int count = vagus_snapshot_diff(&other, &snapshot, changes, 16);
    REQUIRE(count >= 0);
    for (int i = 0; i < count && i < 16; i++) {
        size_t length;
        REQUIRE(vagus_snapshot_change_format(&changes[i], output, sizeof(output), &length) == 0);
        REQUIRE(length < VAGUS_SNAPSHOT_CHANGE_MAX);
        check_lines();
        REQUIRE(vagus_snapshot_change_json(&changes[i], output, sizeof(output), &length) == 0);
        REQUIRE(length < VAGUS_SNAPSHOT_CHANGE_MAX);
        check_json();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t length;
    if (size < 2)
        return 0;
    uint8_t flags = data[0];
    int64_t now_ns = flags & 1 ? INT64_MAX : (int64_t)data[1] << 40;
    fill(&snapshot, data + 2, size - 2);
    fill(&other, data + 2, (size - 2) / 2);
    if (flags & 2)
        snapshot.good_until_ns = INT64_MAX;
    if (flags & 4)
        snapshot.judged = flags >> 6;
    REQUIRE(vagus_snapshot_format(&snapshot, now_ns, output, VAGUS_SNAPSHOT_TEXT_MAX, &length) ==
            0);
    REQUIRE(length < VAGUS_SNAPSHOT_TEXT_MAX);
    check_lines();
    REQUIRE(vagus_snapshot_json(&snapshot, now_ns, output, sizeof(output), &length) == 0);
    REQUIRE(length < sizeof(output));
    check_json();
    check_diff();
    if (memmem(&snapshot, sizeof(snapshot), "zqxj", 4) != NULL)
        return 0; /* those who may speak say it themselves */
    let_strangers_speak();
    check_prompt(now_ns, VAGUS_SNAPSHOT_PROMPT_MAX);
    check_prompt(now_ns, 1 + data[1]);
    return 0;
}
