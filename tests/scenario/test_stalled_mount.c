/* SPDX-License-Identifier: Apache-2.0 */
/* A file system in FUSE that stalls among the watched paths: its own readings grow stale, while
 * memory, cpu and the other paths go on. It is picked up again when it answers. */
#include <sched.h>
#include <unistd.h>

#include "check.h"
#include "fuse_fixture.h"
#include "vagus/vagus.h"

static char stalling[64];

/* Of the folder that stalls, or NULL; whatever is read. */
static enum vagus_state state_of(struct vagus_monitor *m, const char *name, const char *instance,
                                 struct vagus_reading *reading)
{
    CHECK_EQ(vagus_reading_get(m, name, instance, reading), 0);
    return vagus_reading_state(reading, vagus_now_ns());
}

/* A reading of a disk is good for 15 s, so it takes that long and more. */
static bool comes_to(struct vagus_monitor *m, enum vagus_state wanted)
{
    struct vagus_reading r = {0};
    for (int i = 0; i < 4000; i++) {
        if (state_of(m, "disk.free", stalling, &r) == wanted)
            return true;
        usleep(10000);
    }
    fprintf(stderr, "disk.free{%s} is %s\n", stalling,
            vagus_state_name(vagus_reading_state(&r, vagus_now_ns())));
    return false;
}

static struct vagus_monitor *start(void)
{
    /* 40 % are free there: one percent above a threshold it is read each 5 ms, not each 10 s, so it
     * stalls within a read as soon as it is told to. */
    static const char *const policy = "watch: {paths: [%s, /dev]}\n"
                                      "rules:\n"
                                      "  - name: full\n"
                                      "    metric: disk.free.ratio\n"
                                      "    instance: %s\n"
                                      "    throttle: { below: 39%%, clear: 50%% }\n";
    char text[320];
    struct vagus_monitor *m = NULL;
    snprintf(text, sizeof(text), policy, stalling, stalling);
    CHECK_EQ(vagus_monitor_open(
                 &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                                 .policy_text = text,
                                                 .flags = VAGUS_ANONYMOUS_SEGMENT},
                 &m),
             0);
    CHECK_EQ(vagus_monitor_start(m), 0);
    return m;
}

static void stall(void)
{
    atomic_store(&fuse_shared->stalled, true);
    for (int i = 0; i < 1000 && atomic_load(&fuse_shared->held) == 0; i++)
        usleep(10000);
    CHECK(atomic_load(&fuse_shared->held) > 0); /* somebody waits for it */
}

static void others_go_on(void)
{
    static const struct {
        const char *name, *instance;
    } others[] = {{"memory.headroom", NULL},
                  {"system.cpu.utilization", NULL},
                  {"disk.free", "/dev"}, /* after it in the list */
                  {"process.thread.count", NULL}};
    struct vagus_monitor *m = start();
    struct vagus_reading r, stalled_reading;
    REQUIRE(m != NULL);
    CHECK(comes_to(m, VAGUS_STATE_OK));
    CHECK_EQ(state_of(m, "disk.free", stalling, &r), VAGUS_STATE_OK);
    CHECK_NEAR(r.value, FUSE_BLOCKS_FREE * 4096.0, 0);

    stall();
    CHECK(comes_to(m, VAGUS_STATE_STALE));
    CHECK_EQ(state_of(m, "disk.free", stalling, &stalled_reading), VAGUS_STATE_STALE);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        CHECK_EQ(state_of(m, others[i].name, others[i].instance, &r), VAGUS_STATE_OK);
        CHECK(r.taken_ns - stalled_reading.taken_ns > VAGUS_SECOND_NS); /* taken since */
    }
    struct vagus_system_snapshot s;
    CHECK_EQ(vagus_snapshot_read(m, &s), 0);
    CHECK_EQ(s.monitor.failed_collectors, 1);

    atomic_store(&fuse_shared->stalled, false);
    CHECK(comes_to(m, VAGUS_STATE_OK));
    CHECK_EQ(vagus_monitor_close(m), 0);
}

static void closing_leaves_it_behind(void)
{
    struct vagus_monitor *m = start();
    REQUIRE(m != NULL);
    CHECK(comes_to(m, VAGUS_STATE_OK));
    stall();
    int64_t before_ns = vagus_now_ns();
    CHECK_EQ(vagus_monitor_close(m), VAGUS_EABANDONED);
    CHECK(vagus_now_ns() - before_ns < 10 * VAGUS_SECOND_NS); /* it came back at all */
    atomic_store(&fuse_shared->stalled, false);
    usleep(200000); /* the lane returns to a monitor that is gone */
}

static void starting_does_not_wait_for_it(void)
{
    atomic_store(&fuse_shared->stalled, true);
    struct vagus_monitor *m = start();
    struct vagus_reading r;
    REQUIRE(m != NULL);
    CHECK_EQ(state_of(m, "disk.free", stalling, &r), VAGUS_STATE_NEVER);
    CHECK_EQ(state_of(m, "memory.headroom", NULL, &r), VAGUS_STATE_OK);
    atomic_store(&fuse_shared->stalled, false);
    CHECK(comes_to(m, VAGUS_STATE_OK));
    CHECK_EQ(vagus_monitor_close(m), 0);
}

int main(void)
{
    strcpy(stalling, "/tmp/vagus-stall-XXXXXX");
    if (mkdtemp(stalling) == NULL)
        return 1;
    /* What is mounted here is seen by nobody else, and gone with this process. */
    if (unshare(CLONE_NEWNS) != 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        !fuse_begin(stalling)) {
        fprintf(stderr, "skipped: no file system in FUSE can be mounted here: %s\n",
                strerror(errno));
        rmdir(stalling);
        return 77;
    }
    RUN(others_go_on);
    RUN(starting_does_not_wait_for_it);
    RUN(closing_leaves_it_behind);
    fuse_end(stalling);
    rmdir(stalling);
    return check_result();
}
