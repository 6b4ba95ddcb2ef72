/* SPDX-License-Identifier: Apache-2.0 */
/* The process tree over machines that the test makes: what one walk sums up, and what the account
 * of CPU time makes of all that may happen between two walks. */
#include "check.h"

#include "host/tree.h"
#include "root_fixture.h"

#define TICK_NS UINT64_C(10000000)
#define ROOT 10

struct process {
    int pid, parent;
    unsigned long started, ticks, children_ticks; /* half of the ticks are system time */
    unsigned threads, pages;
    char state;
    const char *children; /* NULL: there is no such file */
};

static bool have_children; /* the made kernel has the file `children` */

static void write_stat(const char *path, const struct process *p)
{
    root_print(path,
               "%d (a) b (c) %c %d 1 1 0 -1 4194304 100 0 0 0 %lu %lu %lu %lu 20 0 %u 0 %lu 9 9 "
               "18446744073709551615 1 1\n",
               p->pid, p->state != 0 ? p->state : 'S', p->parent, p->ticks - p->ticks / 2,
               p->ticks / 2, p->children_ticks - p->children_ticks / 2, p->children_ticks / 2,
               p->threads != 0 ? p->threads : 1, p->started);
}

static void make(struct process p)
{
    char path[64];
    snprintf(path, sizeof(path), "proc/%d/stat", p.pid);
    write_stat(path, &p);
    if (p.pid == ROOT)
        write_stat("proc/self/stat", &p);
    snprintf(path, sizeof(path), "proc/%d/statm", p.pid);
    unsigned size = p.state == 'Z' ? 0 : 1000;
    root_print(path, "%u %u 0 0 0 0 0\n", size, p.state == 'Z' ? 0 : p.pages);
    snprintf(path, sizeof(path), "proc/%d/task/%d/children", p.pid, p.pid);
    if (have_children)
        root_print(path, "%s", p.children != NULL ? p.children : "");
}

static void gone(int pid)
{
    char path[32];
    snprintf(path, sizeof(path), "proc/%d", pid);
    root_remove(path);
}

static struct host *host;
static struct host_tree *tree;
static struct host_tree_sum sum;

static bool begin(void)
{
    if (host_open(&(struct host_options){.root = root_dir}, &host) != 0)
        return false;
    return host_tree_create(host, &tree) == 0;
}

static void end(void)
{
    host_tree_destroy(tree);
    host_unref(host);
    root_end();
}

/* One walk, so many ticks after the machine was booted. */
static int walk_at(unsigned long ticks)
{
    root_print("proc/uptime", "%lu.%02lu 0.00\n", ticks / 100, ticks % 100);
    return host_tree_sample(tree, &sum);
}

#define CHECK_TICKS(wanted) CHECK_EQ(sum.cpu_ns / TICK_NS, wanted)

/* 10 has 11 and 12 by its main thread and 14 by another, 12 has 13; 1 and 99 are none of them. */
static void make_family(void)
{
    CHECK(root_begin());
    root_print("proc/uptime", "10.00 0.00\n");
    make((struct process){
        .pid = 1, .started = 1, .ticks = 1000, .pages = 500, .children = "10 99 "});
    make((struct process){.pid = ROOT,
                          .parent = 1,
                          .started = 50,
                          .ticks = 100,
                          .children_ticks = 40,
                          .threads = 2,
                          .pages = 100,
                          .children = "11 12 "});
    if (have_children)
        root_print("proc/10/task/20/children", "14 ");
    make((struct process){.pid = 11, .parent = ROOT, .started = 60, .ticks = 7, .pages = 10});
    make((struct process){
        .pid = 12, .parent = ROOT, .started = 61, .ticks = 8, .pages = 20, .children = "13 "});
    make((struct process){
        .pid = 13, .parent = 12, .started = 62, .ticks = 9, .threads = 3, .pages = 30});
    make((struct process){.pid = 14, .parent = ROOT, .started = 63, .ticks = 1, .pages = 40});
    make((struct process){.pid = 99, .parent = 1, .started = 2, .ticks = 5000, .pages = 900});
}

static void one_walk_sums_up(void)
{
    for (int with = 0; with < 2; with++) {
        have_children = with;
        make_family();
        REQUIRE(begin());
        CHECK_EQ(walk_at(1000), 0);
        CHECK_EQ(sum.processes, 5);
        CHECK_EQ(sum.threads, 8);
        CHECK_EQ(sum.resident_error, 0);
        CHECK_EQ(sum.resident_bytes, 200 * 4096);
        CHECK_TICKS(100 + 40 + 7 + 8 + 9 + 1);
        CHECK_EQ(sum.escaped, 0);
        CHECK_EQ(sum.unseen, 0);
        CHECK_EQ(walk_at(2000), 0); /* nothing moved */
        CHECK_TICKS(165);
        end();
    }
    have_children = true;
}

/* 13 ends and is waited for by 12; then 12 by 10. Each tick counts once. */
static void what_is_waited_for_counts_once(void)
{
    make_family();
    REQUIRE(begin());
    CHECK_EQ(walk_at(1000), 0);
    gone(13);
    make((struct process){
        .pid = 12, .parent = ROOT, .started = 61, .ticks = 8, .children_ticks = 12});
    CHECK_EQ(walk_at(2000), 0);
    CHECK_TICKS(165 + 3);
    gone(12);
    make((struct process){.pid = ROOT,
                          .parent = 1,
                          .started = 50,
                          .ticks = 101,
                          .children_ticks = 40 + 25,
                          .threads = 2,
                          .children = "11 "});
    CHECK_EQ(walk_at(3000), 0);
    CHECK_TICKS(165 + 3 + 5 + 1);
    CHECK_EQ(sum.processes, 3);
    end();
}

/* Both at once: 13's time comes to 10 by way of 12. */
static void a_line_that_ends_at_once(void)
{
    make_family();
    REQUIRE(begin());
    CHECK_EQ(walk_at(1000), 0);
    gone(12);
    gone(13);
    make((struct process){.pid = ROOT,
                          .parent = 1,
                          .started = 50,
                          .ticks = 100,
                          .children_ticks = 40 + 20,
                          .threads = 2,
                          .children = "11 "});
    CHECK_EQ(walk_at(2000), 0);
    CHECK_TICKS(165 + 3); /* 20 came, 17 of them were counted already */
    CHECK_EQ(sum.escaped, 0);
    end();
}

/* Who ignores SIGCHLD is told nothing; what was seen stays, and what comes later counts. */
static void what_nobody_waits_for_stays_counted(void)
{
    make_family();
    REQUIRE(begin());
    CHECK_EQ(walk_at(1000), 0);
    gone(13);
    make((struct process){.pid = 12, .parent = ROOT, .started = 61, .ticks = 8});
    CHECK_EQ(walk_at(2000), 0);
    CHECK_TICKS(165);
    CHECK_EQ(walk_at(3000), 0);
    make((struct process){
        .pid = 12, .parent = ROOT, .started = 61, .ticks = 8, .children_ticks = 6});
    CHECK_EQ(walk_at(4000), 0); /* others that came and went meanwhile */
    CHECK_TICKS(165 + 6);
    end();
}

/* A child that ends between the reading of its parent and its own is told one walk later. */
static void what_is_told_late_counts_once(void)
{
    make_family();
    REQUIRE(begin());
    CHECK_EQ(walk_at(1000), 0);
    gone(13);
    make((struct process){.pid = 12, .parent = ROOT, .started = 61, .ticks = 8});
    CHECK_EQ(walk_at(2000), 0);
    CHECK_TICKS(165);
    make((struct process){
        .pid = 12, .parent = ROOT, .started = 61, .ticks = 8, .children_ticks = 10});
    CHECK_EQ(walk_at(3000), 0);
    CHECK_TICKS(165 + 1);
    end();
}

/* 12 ends and 13 goes to 1, as daemons do. It is named as long as it lives. */
static void who_loses_its_parent_has_escaped(void)
{
    make_family();
    REQUIRE(begin());
    CHECK_EQ(walk_at(1000), 0);
    gone(12);
    make((struct process){.pid = 13, .parent = 1, .started = 62, .ticks = 500, .pages = 30});
    make((struct process){.pid = ROOT,
                          .parent = 1,
                          .started = 50,
                          .ticks = 100,
                          .children_ticks = 40 + 10,
                          .threads = 2,
                          .pages = 100,
                          .children = "11 "});
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(walk_at(2000), 0);
        CHECK_EQ(sum.processes, 3);
        CHECK_EQ(sum.escaped, 1);
        CHECK_EQ(sum.resident_bytes, 150 * 4096);
        CHECK_TICKS(165 + 2); /* 12 used 2 more; of 13 only what was seen before */
    }
    make((struct process){.pid = 13, .parent = 1, .started = 2500, .ticks = 1}); /* another one */
    CHECK_EQ(walk_at(3000), 0);
    CHECK_EQ(sum.escaped, 0);
    CHECK_TICKS(167);
    end();
}

/* The same PID with another start is another process. */
static void a_pid_that_is_used_again(void)
{
    make_family();
    REQUIRE(begin());
    CHECK_EQ(walk_at(1000), 0);
    make((struct process){.pid = 11, .parent = ROOT, .started = 1500, .ticks = 30});
    make((struct process){.pid = ROOT,
                          .parent = 1,
                          .started = 50,
                          .ticks = 100,
                          .children_ticks = 40 + 7,
                          .threads = 2,
                          .children = "11 12 "});
    CHECK_EQ(walk_at(2000), 0);
    CHECK_TICKS(165 + 30);
    /* And once more, by a process that is none of ours. */
    make((struct process){.pid = 11, .parent = 1, .started = 2500, .ticks = 3000});
    CHECK_EQ(walk_at(3000), 0);
    CHECK_TICKS(165 + 30);
    CHECK_EQ(sum.escaped, 0);
    CHECK_EQ(sum.processes, 4);
    end();
}

/* The kernel may leave out siblings of one that ends while the file is read. */
static void a_child_that_is_left_out_is_found(void)
{
    make_family();
    REQUIRE(begin());
    CHECK_EQ(walk_at(1000), 0);
    make((struct process){.pid = ROOT,
                          .parent = 1,
                          .started = 50,
                          .ticks = 100,
                          .children_ticks = 40,
                          .threads = 2,
                          .pages = 100,
                          .children = "11 "});
    CHECK_EQ(walk_at(2000), 0);
    CHECK_EQ(sum.processes, 5);
    CHECK_EQ(sum.resident_bytes, 200 * 4096);
    CHECK_EQ(sum.escaped, 0);
    CHECK_TICKS(165);
    end();
}

/* To a subreaper come processes of others, with time that was used elsewhere. */
static void who_comes_from_outside_counts_from_then_on(void)
{
    make_family();
    REQUIRE(begin());
    CHECK_EQ(walk_at(1000), 0);
    make((struct process){.pid = 99, .parent = ROOT, .started = 2, .ticks = 5000});
    root_print("proc/10/task/20/children", "14 99 ");
    CHECK_EQ(walk_at(2000), 0);
    CHECK_EQ(sum.processes, 6);
    CHECK_TICKS(165);
    make((struct process){.pid = 99, .parent = ROOT, .started = 2, .ticks = 5004});
    CHECK_EQ(walk_at(3000), 0);
    CHECK_TICKS(165 + 4);
    end();
}

static void zombies(void)
{
    make_family();
    make((struct process){.pid = 11, .parent = ROOT, .started = 60, .ticks = 7, .state = 'Z'});
    REQUIRE(begin());
    CHECK_EQ(walk_at(1000), 0);
    CHECK_EQ(sum.processes, 5);
    CHECK_EQ(sum.resident_error, 0);
    CHECK_EQ(sum.resident_bytes, 190 * 4096);
    /* One whose main thread alone has ended still has memory; the kernel does not tell how much. */
    make((struct process){
        .pid = 11, .parent = ROOT, .started = 60, .ticks = 7, .state = 'Z', .threads = 4});
    CHECK_EQ(walk_at(2000), 0);
    CHECK_EQ(sum.resident_error, VAGUS_EPARSE);
    CHECK_TICKS(165);
    end();
}

static void more_than_fit(void)
{
    static char children[16000];
    size_t length = 0;
    make_family();
    for (int i = 0; i < 1100; i++) {
        length += (size_t)sprintf(children + length, "%d ", 2000 + i);
        make((struct process){.pid = 2000 + i, .parent = 11, .started = 70, .ticks = 1});
    }
    make((struct process){.pid = 11, .parent = ROOT, .started = 60, .children = children});
    REQUIRE(begin());
    CHECK_EQ(walk_at(1000), 0);
    CHECK_EQ(sum.processes, HOST_TREE_PROCESSES_MAX);
    CHECK_EQ(sum.processes + sum.unseen, 1105);
    CHECK_EQ(walk_at(2000), 0);
    CHECK_EQ(sum.processes + sum.unseen, 1105);
    CHECK_EQ(sum.escaped, 0);
    end();
}

/* Texts that no kernel writes end the walk, and the next one goes on from the one before. */
static void damaged_files(void)
{
    static const char *const bad[] = {"", "12", "x ", "-1 ", "12 99999999999 ", "12,"};
    static const char *const bad_stat[] = {"", "11 (x", "11 (x) S 10 1 1\n", "12 (x) S 10"};
    make_family();
    REQUIRE(begin());
    CHECK_EQ(walk_at(1000), 0);
    sum.cpu_ns = 99;
    for (size_t i = 1; i < sizeof(bad) / sizeof(bad[0]); i++) {
        root_print("proc/12/task/12/children", "%s", bad[i]);
        CHECK_EQ(walk_at(2000), VAGUS_EPARSE);
    }
    root_print("proc/12/task/12/children", "13 ");
    for (size_t i = 0; i < sizeof(bad_stat) / sizeof(bad_stat[0]); i++) {
        root_print("proc/11/stat", "%s", bad_stat[i]);
        CHECK_EQ(walk_at(2000), VAGUS_EPARSE);
    }
    CHECK_EQ(sum.cpu_ns, 99); /* left alone */
    make((struct process){.pid = 11, .parent = ROOT, .started = 60, .ticks = 17});
    /* Cycles, and the same child twice. */
    root_print("proc/12/task/12/children", "13 13 10 12 0 ");
    CHECK_EQ(walk_at(3000), 0);
    CHECK_EQ(sum.processes, 5);
    CHECK_EQ(sum.unseen, 1); /* 0 stands for one outside of the PID namespace */
    CHECK_TICKS(165 + 10);
    root_remove("proc/self");
    CHECK_EQ(walk_at(4000), VAGUS_EIO);
    host_tree_destroy(tree);
    CHECK_EQ(host_tree_create(host, &tree), VAGUS_EUNSUPPORTED);
    host_unref(host);
    root_end();
}

/* --- A model: processes that work, fork, end, and are waited for, at random. --- */

#define MODEL_MAX 24

static struct process model[MODEL_MAX]; /* pid 0: none */
static uint64_t random_state;

static unsigned any(unsigned below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(random_state >> 33) % below;
}

static struct process *model_of(int pid)
{
    for (unsigned i = 0; i < MODEL_MAX; i++)
        if (pid != 0 && model[i].pid == pid)
            return &model[i];
    return NULL;
}

static bool has_children(int pid)
{
    for (unsigned i = 0; i < MODEL_MAX; i++)
        if (model[i].pid != 0 && model[i].parent == pid)
            return true;
    return false;
}

/* One thing happens to one process; *used counts every tick that the tree ever used. */
static void model_event(unsigned long now, uint64_t *used)
{
    struct process *p = &model[any(MODEL_MAX)];
    unsigned ticks = any(20);
    if (p->pid == 0) { /* somebody forks; a PID may be one of those used before */
        struct process *parent = &model[any(MODEL_MAX)];
        int pid = 11 + (int)any(40);
        if (parent->pid != 0 && model_of(pid) == NULL)
            *p = (struct process){.pid = pid, .parent = parent->pid, .started = now, .pages = 1};
        return;
    }
    p->ticks += ticks;
    *used += ticks;
    if (any(3) == 0 && p->pid != ROOT && !has_children(p->pid)) {
        model_of(p->parent)->children_ticks += p->ticks + p->children_ticks;
        gone(p->pid);
        *p = (struct process){0};
    }
}

static void model_write(void)
{
    char children[MODEL_MAX * 8];
    for (unsigned i = 0; i < MODEL_MAX; i++) {
        size_t length = 0;
        children[0] = '\0';
        for (unsigned j = 0; j < MODEL_MAX; j++)
            if (model[i].pid != 0 && model[j].pid != 0 && model[j].parent == model[i].pid)
                length += (size_t)sprintf(children + length, "%d ", model[j].pid);
        model[i].children = children;
        if (model[i].pid != 0)
            make(model[i]);
    }
}

/* As long as everybody waits for his children, no tick is lost and none counts twice. */
static void every_tick_counts_once(void)
{
    for (unsigned seed = 1; seed <= 8; seed++) {
        uint64_t used = 5;
        random_state = seed;
        memset(model, 0, sizeof(model));
        model[0] = (struct process){.pid = ROOT, .parent = 1, .started = 50, .ticks = 5};
        have_children = seed % 4 != 0;
        CHECK(root_begin());
        root_print("proc/uptime", "1.00 0.00\n");
        model_write();
        REQUIRE(begin());
        for (unsigned long now = 1000; now < 1000 + 40 * 10; now += 10) {
            for (unsigned events = any(30); events > 0; events--)
                model_event(now + 1, &used);
            model_write();
            CHECK_EQ(walk_at(now + 5), 0);
            CHECK_TICKS(used);
        }
        CHECK_EQ(sum.escaped, 0);
        end();
    }
    have_children = true;
}

static void one_process(void)
{
    static const char text[] = "7 (x) y) R 3 1 1 0 -1 1 1 0 0 0 5 6 7 8 20 0 2 0 99 1 1\n";
    struct host_tree_process p = {.pid = -1};
    CHECK_EQ(host_parse_tree_process(text, strlen(text), 100, &p), 0);
    CHECK_EQ(p.pid, 7);
    CHECK_EQ(p.parent_pid, 3);
    CHECK_EQ(p.own_ns, 11 * TICK_NS);
    CHECK_EQ(p.children_ns, 15 * TICK_NS);
    CHECK_EQ(p.threads, 2);
    CHECK_EQ(p.started, 99);
    CHECK_EQ(p.state, 'R');
    static const char *const bad[] = {
        "0 (x) R 3 1 1 0 -1 1 1 0 0 0 5 6 7 8 20 0 2 0 99 1\n",
        "7 (x) RR 3 1 1 0 -1 1 1 0 0 0 5 6 7 8 20 0 2 0 99 1\n",
        "7 (x) R -3 1 1 0 -1 1 1 0 0 0 5 6 7 8 20 0 2 0 99 1\n",
        "7 (x) R 3 1 1 0 -1 1 1 0 0 0 -5 6 7 8 20 0 2 0 99 1\n",
        "7 (x) R 3 1 1 0 -1 1 1 0 0 0 18446744073709551615 6 7 8 20 0 2 0 99 1\n",
        "7 (x) R 3 1 1 0 -1 1 1 0 0 0 5 6 1844674407370955161 8 20 0 2 0 99 1\n",
        "7 (x) R 4294967296 1 1 0 -1 1 1 0 0 0 5 6 7 8 20 0 2 0 99 1\n",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_EQ(host_parse_tree_process(bad[i], strlen(bad[i]), 100, &p), VAGUS_EPARSE);
    /* Cut anywhere before the start's end it is damaged. */
    size_t whole = (size_t)(strstr(text, "99 ") - text) + 3;
    for (size_t length = 0; length < whole; length++)
        CHECK_EQ(host_parse_tree_process(text, length, 100, &p), VAGUS_EPARSE);
    CHECK_EQ(p.pid, 7);
}

int main(void)
{
    have_children = true;
    RUN(one_process);
    RUN(one_walk_sums_up);
    RUN(what_is_waited_for_counts_once);
    RUN(a_line_that_ends_at_once);
    RUN(what_nobody_waits_for_stays_counted);
    RUN(what_is_told_late_counts_once);
    RUN(who_loses_its_parent_has_escaped);
    RUN(a_pid_that_is_used_again);
    RUN(a_child_that_is_left_out_is_found);
    RUN(who_comes_from_outside_counts_from_then_on);
    RUN(zombies);
    RUN(more_than_fit);
    RUN(damaged_files);
    RUN(every_tick_counts_once);
    return check_result();
}
