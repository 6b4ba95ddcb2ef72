/* SPDX-License-Identifier: Apache-2.0 */
/* What may stand next on a line. Segments of a folder of the test's own are the processes. */
#include "check.h"
#include "cli/complete.h"
#include "cli_fixture.h"
#include "metrics/metrics.h"
#include "segment_fixture.h"

static char offered[64 * 1024];

/* Completes a line of words divided by single spaces; the last may be empty. */
__attribute__((format(printf, 1, 2))) static const char *at(const char *format, ...)
{
    static char words[512], *argv[32];
    int argc = 0;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof(words), format, arguments);
    va_end(arguments);
    for (char *word = words; word != NULL && argc < 31; argc++) {
        argv[argc] = word;
        word = strchr(word, ' ');
        if (word != NULL)
            *word++ = '\0';
    }
    argv[argc] = NULL;
    struct capture out;
    capture_begin(&out, stdout);
    complete(argv, stdout);
    capture_end(&out, offered, sizeof(offered));
    return offered;
}

static bool offers(const char *word)
{
    char line[128];
    snprintf(line, sizeof(line), "\n%s\t", word);
    return strstr(offered, line) != NULL;
}

static void verbs_and_options(void)
{
    CHECK_STR(at("heal"), ":words\nhealth\tprint the health of a monitored process\n");
    at("%s", "");
    CHECK(offers("ps") && offers("version") && !offers("complete"));
    at("show --");
    CHECK(offers("--last") && offers("--json") && offers("--help") && !offers("-p"));
    at("show --json --");
    CHECK(!offers("--json") && offers("--last"));
    at("show -");
    CHECK(offers("-p") && offers("--last"));
    at("show x ");
    CHECK(offers("--last")); /* no operand is left */
    at("show -- --");
    CHECK(!offers("--last"));
    CHECK_STR(at("nonsense "), "");
}

static void values(void)
{
    at("check --show-preset ");
    CHECK(offers("container") && !offers("--json"));
    CHECK_CONTAINS(at("check --show-preset=con"), "\n--show-preset=container\t");
    CHECK_STR(at("check "), ":files\n");
    CHECK_STR(at("record -o "), ":files\n");
    CHECK_STR(at("record -ox"), ":files\n");
    CHECK_STR(at("ps --dir "), ":folders\n");
    CHECK_STR(at("test a b "), ":files\n");
    at("show --last 1");
    CHECK(offers("10m") && offers("1h") && !offers("24h"));
    CHECK_STR(at("signals --last "), ":words\n");
    at("help re");
    CHECK(offers("record") && offers("replay") && !offers("ps"));
}

static void processes_and_their_metrics(void)
{
    static struct segment segment;
    static struct metrics metrics;
    struct segment other;
    const char *why, *dir = fixture_dir;
    char pid[32];
    if (!fixture_begin())
        SKIP_TEST("no /dev/shm");
    REQUIRE(fixture_create("alpha", 3, &segment) == 0);
    REQUIRE(fixture_create("beta", 3, &other) == 0);
    REQUIRE(metrics_init(&metrics, &segment, 64, 4, cells_door_take(), &clock_of_machine) == 0);
    static const char *const instances[] = {"/", "/var"};
    for (int i = 0; i < 2; i++) {
        struct vagus_metric_desc desc = {.name = "thing.free",
                                         .instance = instances[i],
                                         .unit = "By",
                                         .help = "what is\033[31m left",
                                         .kind = VAGUS_GAUGE,
                                         .tier = VAGUS_TIER_1S};
        metrics_define(&metrics, &desc, METRIC_SENSED, &why);
    }
    metrics_mirror(&metrics, vagus_now_ns());
    snprintf(pid, sizeof(pid), "%d", (int)getpid());
    at("health --dir %s -p ", dir);
    CHECK(offers("alpha") && offers("beta") && offers(pid));
    at("health --dir %s -p al", dir);
    CHECK(offers("alpha") && !offers("beta"));
    CHECK_STR(at("show --dir %s -p alpha thing", dir),
              ":words\nthing.free\twhat is\\x1b[31m left\n"); /* once, whatever instances it has */
    CHECK_STR(at("show --dir %s -p beta thing", dir), ":words\n");
    CHECK_STR(at("show --dir /nonexistent -p alpha thing"), ":words\n");
    uint32_t generation = metrics.cells.generation;
    metrics_finish(&metrics);
    cells_door_free(generation);
    segment_close(&segment);
    segment_close(&other);
    fixture_end();
}

int main(void)
{
    RUN(verbs_and_options);
    RUN(values);
    RUN(processes_and_their_metrics);
    return check_result();
}
