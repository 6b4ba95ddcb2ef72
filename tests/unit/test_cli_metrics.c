/* SPDX-License-Identifier: Apache-2.0 */
/* vagus metrics over a real segment. The verb is built in here, with what main.c would give it. */
#include <getopt.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "check.h"
#include "cli/target.c"
#include "cli/verb_metrics.c"
#include "cli_fixture.h"
#include "metrics/metrics.h"
#include "segment_fixture.h"

bool cli_colour(FILE *stream)
{
    (void)stream;
    return false;
}

static char printed[1 << 20];
static struct segment segment;
static struct metrics metrics;
static int64_t at_ns;

static int run_verb(const char *first, const char *second)
{
    char *argv[] = {(char *)"metrics", (char *)"--dir", fixture_dir,
                    (char *)first,     (char *)second,  NULL};
    int argc = 3;
    struct capture out;
    while (argv[argc] != NULL)
        argc++;
    message[0] = '\0';
    capture_begin(&out, stdout);
    optind = 1;
    int status = cli_verb_metrics.run(argc, argv);
    capture_end(&out, printed, sizeof(printed));
    return status;
}

static uint32_t define(const char *name, const char *path, enum vagus_metric_kind kind,
                       const char *unit)
{
    const char *why;
    struct vagus_metric_desc desc = {.name = name,
                                     .instance = path,
                                     .label = path != NULL ? "path" : NULL,
                                     .unit = unit,
                                     .help =
                                         "what\033[31m it is, in a few more words than one line "
                                         "of a terminal has room for",
                                     .kind = kind,
                                     .tier = VAGUS_TIER_1S};
    return (uint32_t)metrics_define(&metrics, &desc, METRIC_SENSED, &why);
}

/* A gauge of two paths, a counter that cannot be read, a gauge that was never. */
static bool begin(void)
{
    if (!fixture_begin())
        return false;
    if (fixture_create("alpha", 3, &segment) != 0 ||
        metrics_init(&metrics, &segment, 64, 4, cells_door_take(), &clock_of_machine) != 0)
        return false;
    at_ns = vagus_now_ns();
    uint32_t a = define("disk.free", "/a", VAGUS_GAUGE, "By");
    uint32_t b = define("disk.free", "/b\033", VAGUS_GAUGE, "By");
    uint32_t calls = define("calls", NULL, VAGUS_COUNTER, "{call}");
    define("later", NULL, VAGUS_GAUGE, "1");
    for (int i = 0; i < 30; i++)
        metrics_put(&metrics, a, at_ns - (30 - i) * VAGUS_SECOND_NS, 1 << 20);
    metrics_put(&metrics, b, at_ns - 60 * VAGUS_SECOND_NS, 5);
    metrics_put_missing(&metrics, calls, at_ns, VAGUS_EIO);
    metrics_mirror(&metrics, at_ns);
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

static void each_is_told_with_its_state(void)
{
    if (!begin())
        SKIP_TEST("no /dev/shm");
    CHECK_EQ(run_verb(NULL, NULL), CLI_OK);
    CHECK_CONTAINS(printed, "disk.free{path=/a}                      1 MiB, 1");
    CHECK_CONTAINS(printed, "\n    gauge in By, 1s, back ");
    CHECK_CONTAINS(printed, "disk.free{path=/b\\x1b}                  5 B, stale, 1 min 0 s old\n");
    CHECK_CONTAINS(printed, "calls                                   error: ");
    CHECK_CONTAINS(printed, "later                                   never\n");
    CHECK_CONTAINS(printed, "no history: what\\x1b[31m it is");
    CHECK(strchr(printed, '\033') == NULL);
    for (const char *at = printed; *at != '\0'; at += strcspn(at, "\n") + 1)
        CHECK(strcspn(at, "\n") <= 80);
    end();
}

static unsigned listed(const char *pattern)
{
    unsigned count = 0;
    CHECK_EQ(run_verb(pattern, NULL), CLI_OK);
    for (const char *at = printed; *at != '\0'; at += strcspn(at, "\n") + 1)
        count += *at != ' ';
    return count;
}

static void patterns_choose(void)
{
    if (!begin())
        SKIP_TEST("no /dev/shm");
    CHECK_EQ(listed("disk"), 2);
    CHECK_EQ(listed("/a}"), 1);
    CHECK_EQ(listed("*"), 4);
    CHECK_EQ(listed("disk.*{path=/a}"), 1);
    CHECK_EQ(listed("[cl]a*"), 2);
    CHECK_EQ(run_verb("cals", NULL), CLI_FAILED);
    CHECK_STR(message, "no metric matches 'cals'; did you mean 'calls'?");
    CHECK_EQ(run_verb("nothing.like.it", NULL), CLI_FAILED);
    CHECK_STR(message, "no metric matches 'nothing.like.it'");
    CHECK_EQ(run_verb("nothing", "--json"), CLI_FAILED);
    CHECK_STR(printed, "");
    CHECK_EQ(run_verb("a", "b"), CLI_USAGE);
    CHECK_EQ(run_verb("-p", "beta"), CLI_NOT_FOUND);
    end();
    strcpy(fixture_dir, "/dev/null");
    CHECK_EQ(run_verb(NULL, NULL), CLI_UNREADABLE);
    CHECK_CONTAINS(message, "it is not a folder");
}

static void json_is_json(void)
{
    char path[256], command[1024];
    if (!begin())
        SKIP_TEST("no /dev/shm");
    CHECK_EQ(run_verb("--json", NULL), CLI_OK);
    CHECK_CONTAINS(printed, "\"metric\":\"later\",\"label\":\"\",\"instance\":\"\",");
    CHECK_CONTAINS(printed, "\"state\":\"never\",\"value\":null,\"age_s\":null,\"reach_s\":null}");
    snprintf(path, sizeof(path), "%s/metrics.json", fixture_dir);
    FILE *file = fopen(path, "w");
    REQUIRE(file != NULL);
    fputs(printed, file);
    fclose(file);
    snprintf(command, sizeof(command),
             "command -v python3 >/dev/null || exit 77; python3 -c \"\n"
             "import json\n"
             "metrics = json.load(open('%s'))['metrics']\n"
             "assert len(metrics) == 4\n"
             "assert metrics[0]['value'] == 1048576 and metrics[0]['reach_s'] > 29\n\"",
             path);
    int status = system(command);
    end();
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        SKIP_TEST("no python3");
    CHECK_EQ(status, 0);
}

int main(void)
{
    RUN(each_is_told_with_its_state);
    RUN(patterns_choose);
    RUN(json_is_json);
    return check_result();
}
