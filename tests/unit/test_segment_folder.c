/* SPDX-License-Identifier: Apache-2.0 */
/* Which folders are trusted, which files may go, and what happens where there is no room. */
#include "segment/folder.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "check.h"
#include "segment/reader.h"
#include "segment_fixture.h"

static void names_are_recognised(void)
{
    char name[FOLDER_NAME_MAX], agent[SEGMENT_AGENT_MAX] = "untouched";
    folder_file_name(name, "my-agent.1", UINT64_C(0x0123456789abcdef));
    CHECK_STR(name, "my-agent.1-0123456789abcdef.vagus");
    REQUIRE(folder_is_segment(name, agent));
    CHECK_STR(agent, "my-agent.1");
    folder_file_name(name, "abcdefghijklmnopqrstuvwxyz012345", UINT64_MAX);
    CHECK(folder_is_segment(name, agent));
    static const char *const others[] = {
        "",
        ".vagus",
        "-0123456789abcdef.vagus",
        "a-0123456789abcdeg.vagus",
        "a-0123456789abcde.vagus",
        "a-0123456789ABCDEF.vagus",
        "a-0123456789abcdef.vagus2",
        "A-0123456789abcdef.vagus",
        "a b-0123456789abcdef.vagus",
        "abcdefghijklmnopqrstuvwxyz0123456-0123456789abcdef.vagus",
        "0123456789abcdef.draft",
    };
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        CHECK(!folder_is_segment(others[i], agent));
    CHECK_STR(agent, "abcdefghijklmnopqrstuvwxyz012345");
}

/* Creates in `dir` and expects memory without a file, for that reason. */
static void expect_anonymous(const char *dir, const char *why)
{
    struct segment segment;
    struct segment_options options = fixture_options("agent", 3);
    options.dir = dir;
    REQUIRE(segment_create(&options, &segment) == 0);
    CHECK_EQ(segment.fd, -1);
    CHECK_STR(segment.path, "");
    CHECK_CONTAINS(segment.why_anonymous, why);
    segment.header->reserved[27] = 1;
    struct vagus_system_snapshot snapshot = {.sequence = 5};
    segment_publish(segment_slots(&segment), 1, &snapshot);
    CHECK_EQ(segment_snapshot_copy(segment_slots(&segment), &snapshot, sizeof(snapshot)), 0);
    segment_close(&segment);
}

static void an_unsafe_folder_is_refused(void)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/link", fixture_dir);
    REQUIRE(symlink("/dev/shm", path) == 0);
    expect_anonymous(path, "is not a folder");
    strcat(path, "/"); /* with it the kernel would follow */
    expect_anonymous(path, "is not a folder");
    path[strlen(path) - 1] = 0;
    unlink(path);
    REQUIRE(chmod(fixture_dir, 0750) == 0);
    expect_anonymous(fixture_dir, "is open to other users");
    REQUIRE(chmod(fixture_dir, 0700) == 0);
    expect_anonymous("relative/path", "not an absolute path");
    expect_anonymous("/dev/null", "is not a folder");
    expect_anonymous("/nowhere/at/all", "No such file");
    char longer[400];
    memset(longer, 'x', sizeof(longer));
    longer[0] = '/';
    longer[sizeof(longer) - 1] = 0;
    expect_anonymous(longer, "path too long");
    CHECK_EQ(fixture_count(""), 0);
}

static void a_disk_is_refused(void)
{
    char path[] = "/var/tmp/vagus-test-XXXXXX";
    if (mkdtemp(path) == NULL)
        SKIP_TEST("no /var/tmp");
    int fd = open(path, O_RDONLY | O_DIRECTORY);
    char why[160];
    int folder = folder_open("/dev/shm", why, sizeof(why));
    CHECK_EQ(folder, -1); /* open to all */
    folder = folder_open(path, why, sizeof(why));
    close(fd);
    rmdir(path);
    if (folder >= 0) {
        close(folder);
        SKIP_TEST("/var/tmp is a tmpfs here");
    }
    CHECK_CONTAINS(why, "is not on tmpfs");
}

static void a_strangers_folder_is_refused(void)
{
    if (geteuid() != 0)
        SKIP_TEST("needs root to give a folder away");
    REQUIRE(chown(fixture_dir, 65534, 65534) == 0);
    expect_anonymous(fixture_dir, "belongs to another user");
    REQUIRE(chown(fixture_dir, 0, 0) == 0);
}

static void the_folder_is_made(void)
{
    char dir[128];
    snprintf(dir, sizeof(dir), "%s/new", fixture_dir);
    struct segment_options options = fixture_options("agent", 3);
    options.dir = dir;
    struct segment segment;
    REQUIRE(segment_create(&options, &segment) == 0);
    CHECK_STR(segment.why_anonymous, "");
    struct stat st;
    CHECK(stat(dir, &st) == 0 && (st.st_mode & 07777) == 0700);
    segment_discard(&segment);
    CHECK_EQ(rmdir(dir), 0); /* nothing was left in it */
}

static void the_session_decides(void)
{
    char path[FOLDER_PATH_MAX], user[FOLDER_PATH_MAX];
    setenv("XDG_RUNTIME_DIR", fixture_dir, 1);
    CHECK(folder_of_session(path));
    CHECK_CONTAINS(path, fixture_dir);
    setenv("XDG_RUNTIME_DIR", "relative", 1);
    CHECK(!folder_of_session(path));
    CHECK_STR(path, "");
    setenv("XDG_RUNTIME_DIR", "/proc", 1);
    CHECK(!folder_of_session(path));
    setenv("XDG_RUNTIME_DIR", "/nowhere", 1);
    CHECK(!folder_of_session(path));
    unsetenv("XDG_RUNTIME_DIR");
    CHECK(!folder_of_session(path));
    folder_of_user(user);
    snprintf(path, sizeof(path), "/dev/shm/vagus-%u", (unsigned)geteuid());
    CHECK_STR(user, path);
}

/* A clock that the tests turn. */
static int64_t turned_ns = 1;
static int64_t turned(void *arg)
{
    (void)arg;
    return turned_ns;
}
static const struct vagus_clock turned_clock = {turned, turned, NULL};

/* Leaves a closed segment of that start behind and tells its path. */
static void leave(const char *agent, int64_t at_ns, char path[256])
{
    struct segment segment;
    struct segment_options options = fixture_options(agent, 1000);
    options.clock = &turned_clock;
    turned_ns = at_ns;
    path[0] = 0;
    REQUIRE(segment_create(&options, &segment) == 0);
    snprintf(path, 256, "%s", segment.path);
    segment_close(&segment);
}

static void put_file(const char *name, const char *content)
{
    char path[256];
    snprintf(path, sizeof(path), "%s/%s", fixture_dir, name);
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
    CHECK(fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content));
    close(fd);
}

static bool is_there(const char *path)
{
    return access(path, F_OK) == 0;
}

static void the_oldest_dead_go_first(void)
{
    char old[256], middle[256], young[256], other[256];
    leave("agent", 3000, young);
    leave("agent", 1000, old);
    leave("agent", 2000, middle);
    leave("another", 500, other);
    struct segment alive, segment;
    REQUIRE(fixture_create("agent", 1000, &alive) == 0);
    REQUIRE(fixture_create("agent", 2, &segment) == 0);
    CHECK(!is_there(old));
    CHECK(is_there(middle));
    CHECK(is_there(young));
    CHECK(is_there(other));
    CHECK(is_there(alive.path));
    segment_discard(&segment);
    REQUIRE(fixture_create("agent", 0, &segment) == 0);
    CHECK_EQ(fixture_count("agent-"), 2); /* those that live */
    CHECK(is_there(alive.path) && is_there(segment.path) && is_there(other));
    segment_close(&segment);
    segment_close(&alive);
    fixture_clear();
}

static void only_our_own_segments_go(void)
{
    char path[256], young[256];
    leave("agent", 3000, young);
    put_file("agent-00000000000000aa.vagus", "garbage is older than all");
    put_file("agent-00000000000000bb.vagus2", "not a segment's name");
    put_file("notes.txt", "somebody's");
    put_file("00000000000000cc.draft", "its maker died");
    snprintf(path, sizeof(path), "%s/agent-00000000000000dd.vagus", fixture_dir);
    REQUIRE(symlink("/etc/passwd", path) == 0);
    snprintf(path, sizeof(path), "%s/agent-00000000000000ee.vagus", fixture_dir);
    REQUIRE(mkfifo(path, 0600) == 0);
    put_file("00000000000000ff.draft", "its maker works");
    snprintf(path, sizeof(path), "%s/00000000000000ff.draft", fixture_dir);
    int draft = open(path, O_RDWR);
    REQUIRE(flock(draft, LOCK_EX | LOCK_NB) == 0);

    struct segment segment;
    REQUIRE(fixture_create("agent", 1, &segment) == 0);
    CHECK_EQ(fixture_count("agent-00000000000000aa"), 0);
    CHECK(is_there(young));
    CHECK_EQ(fixture_count("agent-00000000000000bb"), 1);
    CHECK_EQ(fixture_count("notes.txt"), 1);
    CHECK_EQ(fixture_count("00000000000000cc"), 0);
    CHECK_EQ(fixture_count("agent-00000000000000dd"), 1);
    CHECK_EQ(fixture_count("agent-00000000000000ee"), 1);
    CHECK_EQ(fixture_count("00000000000000ff"), 1);
    close(draft);
    segment_close(&segment);
    fixture_clear();
}

static void hundreds_of_dead_go_too(void)
{
    for (int i = 0; i < 300; i++) {
        char name[64];
        folder_file_name(name, "agent", (uint64_t)i);
        put_file(name, "");
    }
    struct segment segment;
    REQUIRE(fixture_create("agent", 5, &segment) == 0);
    CHECK_EQ(fixture_count("agent-"), 6);
    segment_close(&segment);
    fixture_clear();
}

static void a_limit_on_file_sizes_kills_nobody(void)
{
    struct rlimit before, small = {4096, RLIM_INFINITY};
    getrlimit(RLIMIT_FSIZE, &before);
    small.rlim_max = before.rlim_max;
    REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
    expect_anonymous(fixture_dir, "RLIMIT_FSIZE");
    setrlimit(RLIMIT_FSIZE, &before);
    CHECK_EQ(fixture_count(""), 0);
}

/* What follows runs on a tmpfs of 3 MiB, in which a segment takes 1 MiB. */
static void full_and_all_alive(void)
{
    struct segment living[2];
    REQUIRE(fixture_create("agent", 0, &living[0]) == 0);
    REQUIRE(fixture_create("agent", 0, &living[1]) == 0);
    put_file("ballast", "");
    char path[128];
    snprintf(path, sizeof(path), "%s/ballast", fixture_dir);
    int fd = open(path, O_WRONLY);
    REQUIRE(posix_fallocate(fd, 0, 512 << 10) == 0);
    close(fd);
    expect_anonymous(fixture_dir, "No space left");
    CHECK_EQ(fixture_count(""), 3); /* nothing half-made is left */
    segment_close(&living[0]);
    segment_close(&living[1]);
    fixture_clear();
}

static void room_is_made_in_order(void)
{
    char own_old[256], own_young[256], other[256];
    leave("another", 10, other);
    leave("agent", 2000, own_young);
    leave("agent", 1000, own_old);
    struct segment first, second, third;
    REQUIRE(fixture_create("agent", 9, &first) == 0);
    CHECK(first.fd >= 0 && !is_there(own_old) && is_there(own_young) && is_there(other));
    REQUIRE(fixture_create("agent", 9, &second) == 0);
    CHECK(second.fd >= 0 && !is_there(own_young) && is_there(other));
    REQUIRE(fixture_create("agent", 9, &third) == 0);
    CHECK(third.fd >= 0 && !is_there(other));
    memset(third.sections[SEGMENT_SERIES], 1, third.extents[SEGMENT_SERIES].bytes); /* no SIGBUS */
    segment_close(&first);
    segment_close(&second);
    segment_close(&third);
    fixture_clear();
}

static void no_black_box_goes_in_vain(void)
{
    char dead[256];
    leave("agent", 10, dead);
    struct segment segment;
    struct segment_options options = fixture_options("agent", 9);
    options.bytes = 4 << 20; /* more than there is */
    REQUIRE(segment_create(&options, &segment) == 0);
    CHECK_EQ(segment.fd, -1);
    CHECK_CONTAINS(segment.why_anonymous, "No space left");
    CHECK(is_there(dead));
    CHECK_EQ(fixture_count(""), 1);
    segment_close(&segment);
    fixture_clear();
}

static void on_a_small_tmpfs(void)
{
    if (geteuid() != 0 || unshare(CLONE_NEWNS) != 0 ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", fixture_dir, "tmpfs", 0, "size=3m,mode=0700") != 0)
        SKIP_TEST("needs root to mount a small tmpfs");
    full_and_all_alive();
    room_is_made_in_order();
    /* Three of 1 MiB just fit: folders and links are not counted. */
    no_black_box_goes_in_vain();
    CHECK_EQ(umount(fixture_dir), 0);
}

/* Leaves one behind whose writer was killed, that published last at that time. */
static void leave_killed(int64_t started_ns, int64_t published_ns, char path[256])
{
    struct segment segment;
    struct segment_options options = fixture_options("agent", 1000);
    static struct vagus_system_snapshot snapshot;
    options.clock = &turned_clock;
    turned_ns = started_ns;
    path[0] = 0;
    REQUIRE(segment_create(&options, &segment) == 0);
    snapshot.wall_ns = published_ns;
    segment_publish(segment_slots(&segment), 1, &snapshot);
    snprintf(path, 256, "%s", segment.path);
    munmap(segment.header, segment.bytes);
    close(segment.fd);
}

static void what_is_too_old_goes(void)
{
    enum { DAY = 86400 };
    char closed[256], long_run[256], old_run[256], others[256], path[256];
    struct segment segment;
    int64_t day_ns = DAY * VAGUS_SECOND_NS, start_ns = 1000 * day_ns;
    leave("agent", start_ns, closed);
    leave("other", start_ns, others);
    leave_killed(start_ns, start_ns + 9 * day_ns, long_run); /* it lived until yesterday */
    leave_killed(start_ns, start_ns + day_ns, old_run);
    struct segment_options options = fixture_options("agent", 1000);
    options.clock = &turned_clock;
    options.keep_for_ns = 7 * day_ns;
    turned_ns = start_ns + 7 * day_ns;
    REQUIRE(segment_create(&options, &segment) == 0);
    CHECK(is_there(closed)); /* to the moment */
    segment_discard(&segment);
    turned_ns = start_ns + 10 * day_ns;
    REQUIRE(segment_create(&options, &segment) == 0);
    CHECK(!is_there(closed) && !is_there(old_run));
    CHECK(is_there(long_run) && is_there(others));
    /* One that runs is never too old; nor is any whose time is yet to come. */
    struct segment second;
    turned_ns = start_ns + 100 * day_ns;
    REQUIRE(segment_create(&options, &second) == 0);
    CHECK(is_there(segment.path) && !is_there(long_run));
    segment_close(&segment);
    turned_ns = start_ns;
    snprintf(path, sizeof(path), "%s", second.path);
    segment_close(&second);
    REQUIRE(segment_create(&options, &segment) == 0);
    CHECK(is_there(path));
    segment_discard(&segment);
    options.keep_for_ns = 0; /* for ever */
    turned_ns = INT64_MAX / 2;
    REQUIRE(segment_create(&options, &segment) == 0);
    CHECK(is_there(path));
    segment_discard(&segment);
    fixture_clear();
}

int main(void)
{
    if (!fixture_begin())
        return 77;
    RUN(names_are_recognised);
    RUN(an_unsafe_folder_is_refused);
    RUN(a_disk_is_refused);
    RUN(a_strangers_folder_is_refused);
    RUN(the_folder_is_made);
    RUN(the_session_decides);
    RUN(the_oldest_dead_go_first);
    RUN(only_our_own_segments_go);
    RUN(hundreds_of_dead_go_too);
    RUN(what_is_too_old_goes);
    RUN(a_limit_on_file_sizes_kills_nobody);
    RUN(on_a_small_tmpfs);
    fixture_end();
    return check_result();
}
