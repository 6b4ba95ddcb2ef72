/* SPDX-License-Identifier: Apache-2.0 */
/* vagus ps over real segments: of this process, of one that closed, of files that are none; and
 * what completion offers of them. The verb is built in here, with what main.c would give it. */
#include <fcntl.h>

#include "check.h"
#include "cli/target.c"
#include "cli/verb_ps.c"
#include "cli_fixture.h"
#include "segment_fixture.h"

static char printed[1 << 20];
static char complained[4096];
static unsigned columns = 80;

bool cli_colour(FILE *stream)
{
    (void)stream;
    return false;
}

unsigned terminal_columns(void)
{
    return columns;
}

/* Runs `vagus ps --dir FIXTURE …`. */
static int ps(const char *first)
{
    char verb[] = "ps", dir[] = "--dir";
    char *argv[] = {verb, dir, fixture_dir, (char *)first, NULL};
    struct capture out, err;
    message[0] = '\0';
    capture_begin(&out, stdout);
    capture_begin(&err, stderr);
    int status = cli_verb_ps.run(first != NULL ? 4 : 3, argv);
    capture_end(&err, complained, sizeof(complained));
    capture_end(&out, printed, sizeof(printed));
    return status;
}

static void publish(struct segment *segment, uint32_t judged, uint32_t signals)
{
    static uint64_t number;
    static struct vagus_system_snapshot snapshot;
    snapshot.size = sizeof(snapshot);
    snapshot.version = VAGUS_SNAPSHOT_VERSION;
    snapshot.judged = judged;
    snapshot.published_ns = vagus_now_ns();
    snapshot.good_until_ns = snapshot.published_ns + 3600 * VAGUS_SECOND_NS;
    strcpy(snapshot.mode.name, "calm");
    snapshot.signal_count = signals;
    for (uint32_t i = 0; i < signals && i < VAGUS_SNAPSHOT_SIGNALS; i++) {
        snapshot.signals[i].kind = VAGUS_THROTTLE;
        snapshot.signals[i].level = 0.5f;
        snapshot.signals[i].since_ns = snapshot.published_ns - 3 * VAGUS_SECOND_NS;
        snprintf(snapshot.signals[i].resource, VAGUS_RESOURCE_MAX, "thing\033%u", i);
    }
    segment_publish(segment_slots(segment), ++number, &snapshot);
}

static void nobody_is_there(void)
{
    if (!fixture_begin())
        SKIP_TEST("no /dev/shm");
    CHECK_EQ(ps(NULL), CLI_OK);
    CHECK_STR(printed, "no monitored process\n");
    CHECK_EQ(ps("--json"), CLI_OK);
    CHECK_STR(printed, "{\"processes\":[],\"left_out\":0}\n");
    fixture_end();
    CHECK_EQ(ps(NULL), CLI_NOT_FOUND);
    CHECK_CONTAINS(message, "cannot look into");
    strcpy(fixture_dir, "/dev/null");
    CHECK_EQ(ps(NULL), CLI_FAILED);
    CHECK_CONTAINS(message, "it is not a folder");
}

static void put_file(const char *name, const char *content)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", fixture_dir, name);
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    CHECK(write(fd, content, strlen(content)) == (ssize_t)strlen(content));
    close(fd);
}

static void each_is_told_in_its_way(void)
{
    struct segment alive, closed, older;
    char row[128];
    if (!fixture_begin())
        SKIP_TEST("no /dev/shm");
    REQUIRE(fixture_create("alive", 3, &alive) == 0);
    REQUIRE(fixture_create("closed", 3, &older) == 0);
    publish(&older, VAGUS_VERDICT_OK, 0);
    segment_close(&older);
    REQUIRE(fixture_create("closed", 3, &closed) == 0);
    publish(&alive, VAGUS_VERDICT_DEGRADED, 2);
    publish(&closed, VAGUS_VERDICT_OK, 0);
    segment_close(&closed);
    put_file("broken-0123456789abcdef.vagus", "nothing of the kind");

    CHECK_EQ(ps(NULL), CLI_OK);
    CHECK(strncmp(printed, "AGENT         PID      VERDICT  MODE", 36) == 0);
    snprintf(row, sizeof(row), "\nalive         %-8d degraded calm", (int)getpid());
    CHECK_CONTAINS(printed, row);
    CHECK_CONTAINS(printed, "\n              throttle on thing\\x1b0 for 3 s, throttle on thing");
    CHECK_CONTAINS(printed, "closed        ");
    CHECK_CONTAINS(printed, "\n              closed in order ");
    CHECK_CONTAINS(printed, "broken        cannot be read\n              the segment is damaged:");
    CHECK_CONTAINS(printed, "\n1 more that ended; --all shows them\n");
    CHECK(strstr(printed, "alive") < strstr(printed, "closed"));
    CHECK_EQ(ps("--all"), CLI_OK);
    CHECK(strstr(printed, "--all") == NULL);

    columns = 40;
    CHECK_EQ(ps("--all"), CLI_OK);
    CHECK_CONTAINS(printed, "degraded calm\n  test_cli_ps, ran ");
    for (char *line = strtok(printed, "\n"); line != NULL; line = strtok(NULL, "\n"))
        CHECK(strlen(line) <= 40 || strchr(line, '/') != NULL);
    columns = 80;

    CHECK_EQ(ps("--json"), CLI_OK);
    CHECK_CONTAINS(printed, "\"verdict\":\"degraded\",\"mode\":\"calm\",\"started_unix_s\":1");
    CHECK_CONTAINS(printed, "{\"kind\":\"throttle\",\"resource\":\"thing\\u001b0\",\"level\":0.5}");
    CHECK_CONTAINS(printed, "\"life\":\"closed\",\"verdict\":\"unknown\"");
    CHECK_CONTAINS(printed, "\"error\":\"the segment is damaged\"}");
    CHECK_CONTAINS(printed, "],\"left_out\":1}\n");
    if (access("/proc/locks", R_OK) == 0) {
        snprintf(row, sizeof(row), "\"pid\":%d,\"pid_here\":%d,\"alive\":true", (int)getpid(),
                 (int)getpid());
        CHECK_CONTAINS(printed, row);
    }
    segment_close(&alive);
    fixture_end();
}

/* Whatever a snapshot holds, a row is a row. */
static void a_strange_snapshot_is_survived(void)
{
    struct segment segment;
    if (!fixture_begin())
        SKIP_TEST("no /dev/shm");
    REQUIRE(fixture_create("strange", 3, &segment) == 0);
    static struct vagus_system_snapshot snapshot;
    memset(&snapshot, 0xff, sizeof(snapshot));
    segment_publish(segment_slots(&segment), 1, &snapshot);
    CHECK_EQ(ps(NULL), CLI_OK);
    CHECK_CONTAINS(printed, "strange");
    CHECK_EQ(ps("--json"), CLI_OK);
    CHECK_CONTAINS(printed, "\"level\":null");
    segment_close(&segment);
    fixture_end();
}

int main(void)
{
    RUN(nobody_is_there);
    RUN(each_is_told_in_its_way);
    RUN(a_strange_snapshot_is_survived);
    return check_result();
}
