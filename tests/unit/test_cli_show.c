/* SPDX-License-Identifier: Apache-2.0 */
/* vagus show over a real segment with real series, filled with values of the past. The verb is
 * built in here, with what main.c would give it. */
#include <getopt.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "check.h"
#include "cli/target.c"
#include "cli/verb_show.c"
#include "cli_fixture.h"
#include "metrics/metrics.h"
#include "segment_fixture.h"

#define S VAGUS_SECOND_NS

static char printed[8 << 20];

static char complained[4096];

/* Runs `vagus show --dir FIXTURE …`. */
static int show(const char *first, const char *second, const char *third, const char *fourth)
{
    char verb[] = "show", dir[] = "--dir";
    char *argv[] = {verb,           dir,           fixture_dir,    (char *)first,
                    (char *)second, (char *)third, (char *)fourth, NULL};
    int argc = 3;
    while (argv[argc] != NULL)
        argc++;
    struct capture out, err;
    message[0] = '\0';
    capture_begin(&out, stdout);
    capture_begin(&err, stderr);
    optind = 1;
    int status = cli_verb_show.run(argc, argv);
    capture_end(&err, complained, sizeof(complained));
    capture_end(&out, printed, sizeof(printed));
    return status;
}

static struct segment segment;
static struct metrics metrics;
static int64_t start_ns; /* of the newest whole minute */

static bool begin(void)
{
    if (!fixture_begin())
        return false;
    if (fixture_create("alpha", 3, &segment) != 0 ||
        metrics_init(&metrics, &segment, 64, 4, cells_door_take(), &clock_of_machine) != 0)
        return false;
    start_ns = vagus_now_ns() - vagus_now_ns() % (60 * S);
    return true;
}

static void end(void)
{
    uint32_t generation = metrics.cells.generation;
    metrics_finish(&metrics);
    cells_door_free(generation);
    segment_close(&segment);
    fixture_end();
}

static uint32_t define(const char *name, const char *instance, enum vagus_tier tier,
                       double resolution)
{
    const char *why;
    struct vagus_metric_desc desc = {.name = name,
                                     .instance = instance,
                                     .label = "path",
                                     .unit = "{thing}",
                                     .help = "Things\033[31m at hand",
                                     .kind = VAGUS_GAUGE,
                                     .tier = tier,
                                     .resolution = resolution};
    return (uint32_t)metrics_define(&metrics, &desc, METRIC_SENSED, &why);
}

static unsigned occurrences(const char *what)
{
    unsigned count = 0;
    for (const char *at = printed; (at = strstr(at, what)) != NULL; at += strlen(what))
        count++;
    return count;
}

/* 8 values 0 … 7, a second between them, the fourth one missing. */
static void a_gap_is_no_zero(void)
{
    if (!begin())
        SKIP_TEST("no /dev/shm");
    uint32_t index = define("things.some", NULL, VAGUS_TIER_1S, 1);
    for (int i = 0; i < 8; i++) {
        if (i == 3)
            metrics_put_missing(&metrics, index, start_ns - (8 - i) * S, VAGUS_EIO);
        else
            metrics_put(&metrics, index, start_ns - (8 - i) * S, 10 + i);
    }
    metrics_mirror(&metrics, start_ns);
    CHECK_EQ(show("things.some", NULL, NULL, NULL), CLI_OK);
    CHECK_CONTAINS(printed, "things.some [{thing}]  Things\\x1b[31m at hand\n");
    CHECK_CONTAINS(printed, "now   17");
    CHECK_CONTAINS(printed, "\nreach 1s for ");
    CHECK_CONTAINS(printed, "span  7 s of 10 min 0 s\n");
    CHECK_CONTAINS(printed, "min   10\n");
    CHECK_CONTAINS(printed, "max   17\n");
    CHECK_CONTAINS(printed, "6 columns are 1 s: its mean");
    CHECK_CONTAINS(printed, "······"); /* the gap, six cells wide */
    CHECK_EQ(occurrences("·"), 6);
    CHECK_EQ(show("--json", "things.some", "-p", "alpha"), CLI_OK);
    CHECK_CONTAINS(printed, "{\"metric\":\"things.some\",\"label\":\"\",\"instance\":\"\"");
    CHECK_CONTAINS(printed, ",\"min\":10,\"mean\":13.5714286,\"max\":17,\"last\":17,");
    CHECK_EQ(occurrences("{\"age_s\":"), 8);
    CHECK_EQ(occurrences("\"value\":null}"), 1);
    /* Points a second apart are so in time, too. */
    double times[2] = {0, 0};
    const char *at = printed;
    for (int i = 0; i < 2 && (at = strstr(at, "\"time\":")) != NULL; i++)
        times[i] = strtod(at += strlen("\"time\":"), NULL);
    CHECK_NEAR(times[1] - times[0], 1, 0.001);
    CHECK_NEAR(times[0], (double)time(NULL), 120);
    end();
}

/* 20 hours of noise are more than the pool holds at 1 s: 10 s buckets must answer, and what these
 * have not closed yet is not lost. */
static void a_long_span_fits_the_line(void)
{
    if (!begin())
        SKIP_TEST("no /dev/shm");
    uint32_t index = define("things.many", NULL, VAGUS_TIER_1S, 0);
    for (int i = 20 * 3600; i > 0; i--)
        metrics_put(&metrics, index, start_ns - i * S, sin(0.37 * i * i));
    metrics_put(&metrics, index, start_ns, 200000);
    metrics_mirror(&metrics, start_ns);
    CHECK_EQ(show("things.many", "--last", "10m", NULL), CLI_OK);
    CHECK_CONTAINS(printed, "of 10 min 0 s\n");
    CHECK_CONTAINS(printed, "last  200000\n");
    CHECK_CONTAINS(printed, "a column is 10 s: its mean");
    CHECK_EQ(occurrences("·"), 0);
    CHECK_EQ(show("things.many", "--last", "20h", NULL), CLI_OK);
    CHECK_CONTAINS(printed, "max   200000\n");
    CHECK_CONTAINS(printed, "last  200000\n");
    CHECK_EQ(occurrences("·"), 0);
    CHECK_EQ(show("things.many", "--last", "20h", "--json"), CLI_OK);
    unsigned points = occurrences("{\"age_s\":");
    CHECK(points > 20 * 60 && points < 20 * 3600 / 2);
    CHECK_CONTAINS(printed, ",\"value\":200000}]}\n");
    CHECK_EQ(show("things.many", "--by", "1m", "--json"), CLI_OK);
    CHECK_CONTAINS(printed, ",\"by_s\":60,\"points\":[");
    unsigned minutes = occurrences("{\"age_s\":");
    CHECK(minutes >= 10 && minutes <= 12);
    end();
}

static void an_unknown_metric_is_answered_with_the_nearest(void)
{
    if (!begin())
        SKIP_TEST("no /dev/shm");
    define("things.some", NULL, VAGUS_TIER_1S, 1);
    uint32_t a = define("things.each", "/a", VAGUS_TIER_1S, 1);
    define("things.each", "/b\033", VAGUS_TIER_1S, 1);
    metrics_put(&metrics, a, start_ns, 5);
    metrics_mirror(&metrics, start_ns);
    CHECK_EQ(show("things.smoe", NULL, NULL, NULL), CLI_FAILED);
    CHECK_CONTAINS(message, "no metric 'things.smoe'; did you mean 'things.some'?");
    CHECK_EQ(show("things.each", NULL, NULL, NULL), CLI_FAILED);
    CHECK_CONTAINS(message, "there is things.each{path=/a}, things.each{path=/b\\x1b}");
    CHECK_EQ(show("things.each{/a}", NULL, NULL, NULL), CLI_OK);
    CHECK_CONTAINS(printed, "things.each{path=/a} [");
    CHECK_EQ(show("things.each{path=/a}", NULL, NULL, NULL), CLI_OK);
    CHECK_CONTAINS(printed, "things.each{path=/a} [");
    CHECK_EQ(show("things.some", NULL, NULL, NULL), CLI_OK);
    CHECK_CONTAINS(printed, "now   never\nspan  nothing of 10 min 0 s\n");
    CHECK_EQ(show("things.some", "-p", "beta", NULL), CLI_NOT_FOUND);
    end();
    strcpy(fixture_dir, "/dev/null");
    CHECK_EQ(show("things.some", NULL, NULL, NULL), CLI_UNREADABLE);
}

static void wrong_arguments_are_named(void)
{
    strcpy(fixture_dir, "/nonexistent");
    CHECK_EQ(show(NULL, NULL, NULL, NULL), CLI_USAGE);
    CHECK_CONTAINS(message, "which metric?");
    CHECK_EQ(show("a", "b", NULL, NULL), CLI_USAGE);
    CHECK_CONTAINS(message, "unexpected argument 'b'");
    CHECK_EQ(show("a", "--last", "10", NULL), CLI_USAGE);
    CHECK_CONTAINS(message, "--last '10' has no unit");
    CHECK_EQ(show("a", "--last", "0s", NULL), CLI_USAGE);
    CHECK_EQ(show("a", "--jason", NULL, NULL), CLI_USAGE);
    CHECK_EQ(show("a", "-p", NULL, NULL), CLI_USAGE);
    CHECK_EQ(show("a", "--last", "1h", NULL), CLI_NOT_FOUND);
}

static void a_counter_is_drawn_as_a_rate(void)
{
    if (!begin())
        SKIP_TEST("no /dev/shm");
    const char *why;
    struct vagus_metric_desc desc = {
        .name = "calls", .unit = "{call}", .kind = VAGUS_COUNTER, .tier = VAGUS_TIER_1S};
    uint32_t index = (uint32_t)metrics_define(&metrics, &desc, METRIC_SENSED, &why);
    double total = 100;
    for (int i = 0; i < 20; i++, total += i < 10 ? 2 : 5)
        metrics_put(&metrics, index, start_ns - (20 - i) * S, total);
    metrics_mirror(&metrics, start_ns);
    CHECK_EQ(show("calls", NULL, NULL, NULL), CLI_OK);
    CHECK_CONTAINS(printed, "\nmin   2/s\n");
    CHECK_CONTAINS(printed, "max   5/s\n");
    CHECK_CONTAINS(printed, "     6/s┤\n");
    CHECK_CONTAINS(printed, "     0/s└");
    CHECK_EQ(show("calls", "--json", NULL, NULL), CLI_OK);
    CHECK_CONTAINS(printed, "\"drawn\":\"rate\",\"grown\":68,");
    metrics_put(&metrics, index, start_ns, 3); /* it was reset: no rate, and none backward */
    CHECK_EQ(show("calls", NULL, NULL, NULL), CLI_OK);
    CHECK_CONTAINS(printed, "···\n");
    end();
}

static void a_histogram_is_shown_with_its_quantiles_over_time(void)
{
    if (!begin())
        SKIP_TEST("no /dev/shm");
    const char *why;
    struct vagus_metric_desc desc = {.name = "took",
                                     .unit = "ns",
                                     .kind = VAGUS_HISTOGRAM,
                                     .tier = VAGUS_TIER_1S,
                                     .min = 100,
                                     .max = 3.6e12};
    uint32_t index = (uint32_t)metrics_define(&metrics, &desc, METRIC_RECORDED, &why);
    const struct metric *metric = &metrics.entries[index];
    struct vagus_histogram histogram = {
        metrics.cells.generation, index, metric->first, metric->shape.buckets, metric->shape.origin,
        metric->shape.shift};
    int64_t last_ns = vagus_now_ns() - 31 * S;
    for (int i = 0; i < 30; i++) {
        for (int k = 0; k < 10; k++)
            vagus_record_value(histogram, i < 20 ? 1e6 : k < 9 ? 1e6 : 1e9);
        metrics_fold(&metrics, ~0u, last_ns + S, last_ns);
        last_ns += S;
    }
    metrics_mirror(&metrics, last_ns);
    CHECK_EQ(show("took", "--last", "30s", NULL), CLI_OK);
    CHECK_CONTAINS(printed, "2 columns are 1 s: its median, and shaded above it p99");
    CHECK_CONTAINS(printed, "  1 s┤"); /* p99 */
    CHECK_CONTAINS(printed, "▒▒▒▒▒▒▒▒▒▒");
    CHECK_CONTAINS(printed, "rate ");
    CHECK_EQ(show("took", NULL, NULL, NULL), CLI_OK);
    CHECK_CONTAINS(printed, "now   300, ok");
    CHECK_CONTAINS(printed, "mean  10/s\n");
    CHECK_CONTAINS(printed, "of 300 values\n");
    CHECK_CONTAINS(printed, "\np50   957 µs\n");
    CHECK_CONTAINS(printed, "\np99   980 ms\n");
    CHECK_EQ(show("took", "--json", NULL, NULL), CLI_OK);
    CHECK_CONTAINS(printed, "\"values\":{\"count\":300,\"sum\":10290000000,");
    CHECK_CONTAINS(printed, "\"count\":10,\"p50\":957950.477");
    end();
}

/* Arguments beyond those that show() takes. */
static int show_many(const char *arguments)
{
    static char copy[512];
    char *argv[24] = {(char *)"show", (char *)"--dir", fixture_dir}, *rest = copy;
    int argc = 3;
    struct capture out;
    snprintf(copy, sizeof(copy), "%s", arguments);
    for (char *word; argc < 23 && (word = strsep(&rest, "|")) != NULL;)
        argv[argc++] = word;
    message[0] = '\0';
    capture_begin(&out, stdout);
    optind = 1;
    int status = cli_verb_show.run(argc, argv);
    capture_end(&out, printed, sizeof(printed));
    return status;
}

static void a_table_is_read_back(void)
{
    if (!begin())
        SKIP_TEST("no /dev/shm");
    uint32_t index = define("things.some", NULL, VAGUS_TIER_1S, 0.001);
    for (int i = 0; i < 120; i++) {
        if (i == 3)
            metrics_put_missing(&metrics, index, start_ns - (120 - i) * S, VAGUS_EIO);
        else
            metrics_put(&metrics, index, start_ns - (120 - i) * S, 10.5 + i);
    }
    metrics_mirror(&metrics, start_ns);
    CHECK_EQ(show("things.some", "--csv", "--last", "1h"), CLI_OK);
    CHECK(strncmp(printed, "time,seconds,min [{thing}],max [{thing}],mean [{thing}],", 56) == 0);
    CHECK_EQ(occurrences("\r\n"), 121);
    CHECK_CONTAINS(printed, ",10.5,10.5,10.5,10.5,1\r\n");
    CHECK_EQ(occurrences(",,,,,0\r\n"), 1); /* the gap */
    CHECK_EQ(show_many("things.some|--csv|--last|1h|--by|1m"), CLI_OK);
    unsigned rows = occurrences("\r\n") - 1;
    CHECK(rows == 2 || rows == 3);
    CHECK_EQ(occurrences(":00.000Z,"), rows); /* whole minutes */

    char path[256], command[1024];
    snprintf(path, sizeof(path), "%s/table.csv", fixture_dir);
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    fputs(printed, file);
    fclose(file);
    snprintf(command, sizeof(command),
             "command -v python3 >/dev/null || exit 77; python3 -c \"\n"
             "import csv, datetime\n"
             "rows = list(csv.DictReader(open('%s', newline='')))\n"
             "assert sum(int(r['count']) for r in rows) == 119\n"
             "for r in rows:\n"
             "    t = datetime.datetime.fromisoformat(r['time'].replace('Z', '+00:00'))\n"
             "    assert abs(t.timestamp() - float(r['seconds'])) < 0.001\n"
             "    assert float(r['min [{thing}]']) <= float(r['mean [{thing}]'])\n"
             "    assert float(r['mean [{thing}]']) <= float(r['max [{thing}]'])\n\"",
             path);
    int status = system(command);
    end();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        SKIP_TEST("no python3");
    CHECK_EQ(status, 0);
}

static void a_span_may_begin_and_end_anywhere(void)
{
    if (!begin())
        SKIP_TEST("no /dev/shm");
    uint32_t index = define("things.some", NULL, VAGUS_TIER_1S, 1);
    for (int i = 0; i < 600; i++)
        metrics_put(&metrics, index, start_ns - (600 - i) * S, i);
    metrics_mirror(&metrics, start_ns);
    CHECK_EQ(show_many("things.some|--from|-5m|--to|-4m|--json"), CLI_OK);
    unsigned points = occurrences("{\"age_s\":");
    CHECK(points >= 59 && points <= 61);
    CHECK_EQ(show_many("things.some|--from|-5m|--last|1m|--json"), CLI_OK);
    CHECK_EQ(occurrences("{\"age_s\":"), points);
    CHECK_EQ(show_many("things.some|--from|1000000000|--to|1000000100"), CLI_OK);
    CHECK_CONTAINS(printed, "span  nothing of 1 min 40 s\n");
    CHECK_EQ(show_many("things.some|--from|soon"), CLI_USAGE);
    CHECK_CONTAINS(message, "--from 'soon' is no time: write 14:05");
    CHECK_EQ(show_many("things.some|--to|2026-02-30"), CLI_USAGE);
    CHECK_CONTAINS(message, "--to '2026-02-30' is no time that there is");
    CHECK_EQ(show_many("things.some|--from|-1m|--to|-2m"), CLI_USAGE);
    CHECK_CONTAINS(message, "--from '-1m' is not before --to");
    CHECK_EQ(show_many("things.some|--from|8000000000"), CLI_USAGE);
    CHECK_CONTAINS(message, "is not in the past");
    CHECK_EQ(show_many("things.some|--from|-1m|--to|-2m|--last|1m"), CLI_USAGE);
    CHECK_CONTAINS(message, "two of them say it all");
    CHECK_EQ(show_many("things.some|--json|--csv"), CLI_USAGE);
    CHECK_CONTAINS(message, "either --json or --csv");
    CHECK_EQ(show_many("things.some|--by|0s"), CLI_USAGE);
    end();
}

int main(void)
{
    setenv("LC_ALL", "C.UTF-8", 1);
    RUN(a_gap_is_no_zero);
    RUN(a_long_span_fits_the_line);
    RUN(an_unknown_metric_is_answered_with_the_nearest);
    RUN(wrong_arguments_are_named);
    RUN(a_counter_is_drawn_as_a_rate);
    RUN(a_histogram_is_shown_with_its_quantiles_over_time);
    RUN(a_table_is_read_back);
    RUN(a_span_may_begin_and_end_anywhere);
    return check_result();
}
