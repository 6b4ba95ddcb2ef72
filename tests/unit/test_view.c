/* SPDX-License-Identifier: Apache-2.0 */
/* The table of fields is whole, and what is made of a snapshot says what stands in it. */
#include "report/view.h"

#include "check.h"
#include "golden.h"
#include "snapshot_fixture.h"

static char output[VAGUS_SNAPSHOT_JSON_MAX];

/* What stands in a part from its first reading to its reserved ones is in the table, all of it. */
static void the_table_has_every_field(void)
{
#define BETWEEN(part, first, end)                                                                  \
    [VIEW_##part] = {                                                                              \
        offsetof(struct vagus_snapshot_##part, first),                                             \
        offsetof(struct vagus_snapshot_##part, end)                                                \
    }
    static const struct {
        size_t first, end;
    } readings[VIEW_PARTS] = {
        BETWEEN(cpu, utilization, reserved),
        BETWEEN(memory, total, reserved),
        BETWEEN(network, receive_rate, reserved),
        BETWEEN(process, resident, reserved),
        BETWEEN(agent, messages, reserved),
        BETWEEN(continuity, starts, reserved),
        BETWEEN(monitor, cpu_ratio, reserved),
        BETWEEN(gpu, utilization, reserved),
        BETWEEN(path, free, reserved),
        BETWEEN(budget, exhausted_in, reserved),
        BETWEEN(forecast, exhausted_in, reserved),
        [VIEW_metric] = {offsetof(struct vagus_snapshot_metric, reading),
                         sizeof(struct vagus_snapshot_metric)},
    };
#undef BETWEEN
    static const size_t sizes[] = {[VIEW_READING] = sizeof(struct vagus_reading),
                                   [VIEW_U64] = 8,
                                   [VIEW_U32] = 4,
                                   [VIEW_I64] = 8,
                                   [VIEW_F64] = 8};
    for (int part = 0; part < VIEW_PARTS; part++) {
        char seen[2048] = {0};
        const struct view_field *field = NULL;
        while ((field = view_next((enum view_part_id)part, field)) != NULL) {
            CHECK(!seen[field->offset]);
            memset(seen + field->offset, 1, sizes[field->type]);
        }
        for (size_t at = readings[part].first; at < readings[part].end; at += 4)
            if (!seen[at]) {
                CHECK_FAIL_("%s: what stands at %zu is not in snapshot.def", view_parts[part].name,
                            at);
                break;
            }
    }
}

static void text_shows_what_is_known_and_names_what_is_not(void)
{
    size_t length, again;
    make_bad();
    CHECK_EQ(vagus_snapshot_format(&s, NOW_NS, output, sizeof(output), &length), 0);
    CHECK_EQ(strlen(output), length);
    check_golden("snapshot.txt", output);
    CHECK_EQ(vagus_snapshot_format(&s, NOW_NS, output, 100, &again), 0);
    CHECK_EQ(again, length);
    CHECK_EQ(strlen(output), 99);
    CHECK_EQ(vagus_snapshot_format(&s, NOW_NS, NULL, 0, &again), 0);
    CHECK_EQ(again, length);
    CHECK_EQ(vagus_snapshot_format(NULL, NOW_NS, output, 100, NULL), VAGUS_EINVAL);
}

static void a_stream_gets_the_same(void)
{
    static char printed[sizeof(output)];
    make_bad();
    FILE *stream = fmemopen(printed, sizeof(printed), "w");
    REQUIRE(stream != NULL);
    CHECK_EQ(vagus_snapshot_print(&s, NOW_NS, stream), 0);
    fclose(stream);
    CHECK_EQ(vagus_snapshot_format(&s, NOW_NS, output, sizeof(output), NULL), 0);
    CHECK_STR(printed, output);
    stream = fopen("/dev/full", "w");
    REQUIRE(stream != NULL);
    CHECK_EQ(vagus_snapshot_print(&s, NOW_NS, stream), VAGUS_EIO);
    fclose(stream);
}

static void nothing_published_says_so(void)
{
    memset(&s, 0, sizeof(s));
    CHECK_EQ(vagus_snapshot_format(&s, NOW_NS, output, sizeof(output), NULL), 0);
    CHECK_CONTAINS(output, "unknown: nothing was published\n");
    CHECK_CONTAINS(output, "  never read: total, available,");
    CHECK(strstr(output, "  total") == NULL); /* unknown is never 0 */
}

/* Of one that died in lockdown nobody knows that it was so ever since. */
static void what_is_overdue_was_so_then(void)
{
    int64_t later_ns = NOW_NS + 3600 * VAGUS_SECOND_NS;
    make_bad();
    CHECK_EQ(vagus_snapshot_format(&s, later_ns, output, sizeof(output), NULL), 0);
    CHECK_CONTAINS(output, "unknown: published 1 h 0 min ago and overdue, number 37801; then it "
                           "was:\nmode degraded for 5.9 s\ndefer on memory for 7.9 s, level");
}

static void json_has_every_field(void)
{
    size_t length;
    make_bad();
    CHECK_EQ(vagus_snapshot_json(&s, NOW_NS, output, sizeof(output), &length), 0);
    CHECK_EQ(strlen(output), length);
    check_golden("snapshot.json", output);
    for (int part = 0; part < VIEW_PARTS; part++) {
        const struct view_field *field = NULL;
        char key[64];
        snprintf(key, sizeof(key), "\"%s\":", view_parts[part].key);
        CHECK_CONTAINS(output, key);
        while ((field = view_next((enum view_part_id)part, field)) != NULL) {
            const char *dot = strchr(field->name, '.');
            bool window = dot != NULL && strcmp(dot, ".total") != 0;
            snprintf(key, sizeof(key), "\"%.*s%s%s\":", (int)strcspn(field->name, "."), field->name,
                     window ? "_" : "", window ? dot + 1 : "");
            CHECK_CONTAINS(output, key);
        }
    }
}

int main(void)
{
    RUN(the_table_has_every_field);
    RUN(text_shows_what_is_known_and_names_what_is_not);
    RUN(a_stream_gets_the_same);
    RUN(nothing_published_says_so);
    RUN(what_is_overdue_was_so_then);
    RUN(json_has_every_field);
    return check_result();
}
