/* SPDX-License-Identifier: Apache-2.0 */
/* vagus autopsy over real segments with entries written by hand: text, JSON, CSV, and what an
 * export does where it must not or cannot write. */
#include <fcntl.h>
#include <math.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"
#include "cli/target.c"
#include "cli/verb_autopsy.c"
#include "cli_fixture.h"
#include "segment_fixture.h"

static char printed[1 << 20];
static struct segment segment;
static char folder[64];

bool cli_colour(FILE *stream)
{
    (void)stream;
    return false;
}

static int autopsy_of(const char *first, const char *second, const char *third)
{
    char verb[] = "autopsy", dir[] = "--dir";
    char *argv[] = {verb, dir, fixture_dir, (char *)first, (char *)second, (char *)third, NULL};
    int argc = 3;
    while (argv[argc] != NULL)
        argc++;
    struct capture out;
    message[0] = '\0';
    capture_begin(&out, stdout);
    optind = 1;
    int status = cli_verb_autopsy.run(argc, argv);
    capture_end(&out, printed, sizeof(printed));
    return status;
}

#define ENTRY(type, id) ((struct type *)segment_entries(&segment, id))

static void fill(void)
{
    int64_t now_ns = vagus_now_ns();
    struct segment_head *head = segment_head(&segment, SEGMENT_SIGNALS);
    *ENTRY(segment_signal, SEGMENT_SIGNALS) = (struct segment_signal){
        .wall_ns = INT64_C(1795265751123) * VAGUS_MILLISECOND_NS,
        .told = 1,
        .signal = {.kind = VAGUS_SHUTDOWN,
                   .change = VAGUS_SIGNAL_RAISED,
                   .at_ns = now_ns,
                   .level = 0.5,
                   .resource = "memory",
                   .rule = "tank",
                   .metric = "tank.used",
                   .unit = "{l}",
                   .reason = "=1+1 \"quoted\"\033[31m"},
        .value_after = NAN,
        .deed_count = 1,
        .deeds = {{.listener = "cache", .took_ns = 2000000, .released = 42}}};
    head->count = 1;
    *ENTRY(segment_operation, SEGMENT_OPERATIONS) =
        (struct segment_operation){.name = "llm.call",
                                   .in_flight = 2,
                                   .since_ns = now_ns - 12 * VAGUS_SECOND_NS,
                                   .began_ns = now_ns - 3 * VAGUS_SECOND_NS,
                                   .started = 9,
                                   .ended = 7};
    ENTRY(segment_operation, SEGMENT_OPERATIONS)[1] = (struct segment_operation){.name = "idle"};
    segment_head(&segment, SEGMENT_OPERATIONS)->count = 2;
    *ENTRY(segment_ticket, SEGMENT_TICKETS) =
        (struct segment_ticket){.budget = "tokens",
                                .unit = "{token}",
                                .amount = 400,
                                .opened_ns = now_ns - VAGUS_SECOND_NS,
                                .until_ns = now_ns + 9 * VAGUS_SECOND_NS};
    segment_head(&segment, SEGMENT_TICKETS)->count = 70; /* more than there is room for */
    static struct vagus_system_snapshot s;
    s = (struct vagus_system_snapshot){.size = sizeof(s),
                                       .version = VAGUS_SNAPSHOT_VERSION,
                                       .published_ns = now_ns,
                                       .wall_ns = INT64_C(1795265751123) * VAGUS_MILLISECOND_NS};
    strcpy(s.mode.name, "degraded");
    strcpy(s.mode.before, "normal");
    s.mode.since_ns = now_ns - 5 * VAGUS_SECOND_NS;
    s.continuity.starts = 4;
    s.continuity.deaths = 2;
    s.continuity.last_end = VAGUS_END_UNCLOSED;
    segment_publish(segment_slots(&segment), 1, &s);
    segment_run(&segment);
}

/* Lets go of the lock as a kill does, and leaves the rest. */
static void die(void)
{
    CHECK_EQ(flock(segment.fd, LOCK_UN), 0);
}

static bool begin(void)
{
    setenv("TZ", "UTC", 1);
    bool good = fixture_begin() && fixture_create("alpha", 3, &segment) == 0;
    snprintf(folder, sizeof(folder), "%.50s/out", fixture_dir);
    if (good)
        fill();
    return good;
}

static void remove_folder(void)
{
    char kept[sizeof(fixture_dir)];
    memcpy(kept, fixture_dir, sizeof(kept));
    snprintf(fixture_dir, sizeof(fixture_dir), "%s", folder);
    if (fixture_count("") >= 0)
        fixture_end();
    memcpy(fixture_dir, kept, sizeof(kept));
}

static void end(void)
{
    remove_folder();
    segment_close(&segment);
    fixture_end();
}

static void of_one_that_died(void)
{
    REQUIRE(begin());
    die();
    CHECK_EQ(autopsy_of(NULL, NULL, NULL), CLI_OK);
    CHECK_CONTAINS(printed, "alpha, pid ");
    CHECK_CONTAINS(printed, "it ended without closing");
    CHECK_CONTAINS(printed, "2026-11-21 12:55:51.123");
    CHECK_CONTAINS(printed, "start 4 of this agent; 2 deaths before");
    CHECK_CONTAINS(printed, "degraded for 5 s, before that normal");
    CHECK_CONTAINS(printed, "shutdown on memory raised");
    CHECK_CONTAINS(printed, "cache took 2 ms, says it released 42");
    CHECK_CONTAINS(printed, "llm.call: 2 under way, the newest for 3 s; never none for 12 s");
    CHECK(strstr(printed, "idle") == NULL);
    CHECK_CONTAINS(printed, "tokens: 400, for 1 s; would have expired in 9 s");
    CHECK_CONTAINS(printed, "  and 54 more");
    CHECK(strchr(printed, '\033') == NULL);
    for (const char *line = printed, *next; *line != '\0'; line = next) {
        unsigned columns = 0;
        for (next = line; *next != '\0' && *next != '\n'; next++)
            columns += ((unsigned char)*next & 0xc0) != 0x80;
        next += *next == '\n';
        CHECK(columns <= 80);
    }
    end();
}

static void as_json(void)
{
    REQUIRE(begin());
    die();
    CHECK_EQ(autopsy_of("--json", NULL, NULL), CLI_OK);
    CHECK_CONTAINS(printed, "{\"agent\":\"alpha\",\"program\":");
    CHECK_CONTAINS(printed, "\"end\":{\"how\":\"unclosed\",\"signal\":null,");
    CHECK_CONTAINS(printed, "\"last_sign_unix_s\":1795265751.123");
    CHECK_CONTAINS(printed,
                   "\"name\":\"llm.call\",\"instance\":\"\",\"in_flight\":2,"
                   "\"newest_for_s\":3.000,\"never_none_for_s\":12.000,\"last_ended_s\":null");
    CHECK_CONTAINS(printed, "\"reservation_count\":70,\"reservations\":[{\"budget\":\"tokens\"");
    CHECK_CONTAINS(printed, "\"transition_count\":1,\"transitions\":[{");
    end();
}

static void of_one_that_runs(void)
{
    REQUIRE(begin());
    CHECK_EQ(autopsy_of("-p", "alpha", NULL), CLI_OK);
    CHECK_CONTAINS(printed, "it is still running");
    struct segment other;
    REQUIRE(fixture_create("alpha", 3, &other) == 0);
    segment_run(&other);
    segment_close(&other);
    CHECK_EQ(autopsy_of("-p", "alpha", NULL), CLI_OK); /* the dead one goes first */
    CHECK_CONTAINS(printed, "it ended in order");
    CHECK_CONTAINS(message, "this is of pid ");
    CHECK_EQ(autopsy_of("-p", "beta", NULL), CLI_NOT_FOUND);
    end();
}

/* The whole file; "" if there is none. */
static const char *file_text(const char *name)
{
    static char text[65536];
    char path[256];
    struct stat st;
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
    text[length > 0 ? length : 0] = '\0';
    if (fd >= 0) {
        CHECK(fstat(fd, &st) == 0 && (st.st_mode & 0777) == 0600);
        close(fd);
    }
    return text;
}

static void as_files(void)
{
    REQUIRE(begin());
    die();
    CHECK_EQ(autopsy_of("--export", folder, NULL), CLI_OK);
    CHECK_CONTAINS(printed, " files written to ");
    CHECK_CONTAINS(file_text("signals.csv"), "unix_s,kind,change,");
    CHECK_CONTAINS(file_text("signals.csv"), ",\"shutdown\",\"raised\",\"memory\",\"tank\",");
    CHECK_CONTAINS(file_text("signals.csv"), ",\"'=1+1 \"\"quoted\"\"\033[31m\",");
    CHECK_CONTAINS(file_text("listeners.csv"), ",\"cache\",");
    CHECK_CONTAINS(file_text("operations.csv"), "\"llm.call\",\"\",2,");
    CHECK_CONTAINS(file_text("reservations.csv"), "\"tokens\",\"{token}\",400,");
    CHECK_CONTAINS(file_text("metrics.csv"), "file,metric,label,instance,unit,kind,help\r\n");
    CHECK_CONTAINS(file_text("autopsy.json"), "\"how\":\"unclosed\"");
    /* Never over what is there. */
    CHECK_EQ(autopsy_of("--export", folder, NULL), CLI_FAILED);
    CHECK_CONTAINS(message, "is not empty");
    remove_folder();
    CHECK_EQ(mkdir(folder, 0700), 0); /* an empty one will do */
    CHECK_EQ(autopsy_of("--export", folder, NULL), CLI_OK);
    end();
}

static void where_nothing_can_be_written(void)
{
    REQUIRE(begin());
    die();
    CHECK_EQ(autopsy_of("--export", "/nowhere/at/all", NULL), CLI_FAILED);
    CHECK_CONTAINS(message, "cannot make the folder /nowhere/at/all: No such file");
    CHECK_EQ(autopsy_of("--export", "/dev/null", NULL), CLI_FAILED);
    CHECK_CONTAINS(message, "Not a directory");
    CHECK_EQ(autopsy_of("--export", "/proc/sys", NULL), CLI_FAILED);
    end();
}

static void on_a_full_disk(void)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
        SKIP_TEST("only root can make a full disk");
    REQUIRE(begin());
    die();
    REQUIRE(mkdir(folder, 0700) == 0);
    REQUIRE(mount("tmpfs", folder, "tmpfs", 0, "size=4k") == 0);
    CHECK_EQ(autopsy_of("--export", folder, NULL), CLI_FAILED);
    CHECK_CONTAINS(message, "No space left on device; what was written is removed");
    CHECK(rmdir(folder) != 0); /* it is a mount */
    CHECK_EQ(umount(folder), 0);
    CHECK_EQ(rmdir(folder), 0);
    segment_close(&segment);
    fixture_end();
}

int main(void)
{
    RUN(of_one_that_died);
    RUN(as_json);
    RUN(of_one_that_runs);
    RUN(as_files);
    RUN(where_nothing_can_be_written);
    RUN(on_a_full_disk);
    return check_result();
}
