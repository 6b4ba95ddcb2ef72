/* SPDX-License-Identifier: Apache-2.0 */
/* The walk over the process tree, and the account of CPU time that goes on from one walk to the
 * next. /proc stands still for nobody: a process may end, be reaped or lose its parent between any
 * two readings, so each is known by its PID and its start, and parents are read before children. */
#include "host/tree.h"

#include <stdlib.h>
#include <string.h>

#include "host/inside.h"
#include "host/tree_read.h"

#define NONE UINT32_MAX

enum fate { FATE_LIVES, FATE_GONE, FATE_ESCAPED };

struct member {
    struct host_tree_process is;
    uint32_t parent; /* in the same walk; it stands before. NONE: the root */
    uint32_t again;  /* where it stands in the other walk; NONE: not there */
    enum fate fate;  /* of one of the walk before */
    /* Of children that ended: counted while they lived, and not told by the parent so far. */
    uint64_t owed_ns, owed_before_ns;
};

struct walk {
    uint32_t count;
    uint64_t began_ns; /* since boot */
    struct member members[HOST_TREE_PROCESSES_MAX];
};

struct escaped {
    int32_t pid;
    uint64_t started;
};

struct host_tree {
    uint64_t cpu_ns;
    struct walk *now, *before; /* the two below, in turn */
    uint32_t escaped_count;
    uint64_t escaped_surplus;
    struct escaped escaped[HOST_TREE_ESCAPED_MAX];
    struct walk walks[2];
    struct tree_reader reader;
};

static uint32_t find(const struct walk *walk, int32_t pid)
{
    for (uint32_t i = 0; i < walk->count; i++)
        if (walk->members[i].is.pid == pid)
            return i;
    return NONE;
}

static bool same(const struct host_tree_process *a, const struct host_tree_process *b)
{
    return a->pid == b->pid && a->started == b->started;
}

static void add(struct host_tree *tree, const struct host_tree_process *process, uint32_t parent)
{
    struct walk *now = tree->now;
    if (now->count == HOST_TREE_PROCESSES_MAX) {
        tree->reader.unseen++;
        return;
    }
    uint32_t again = find(tree->before, process->pid);
    if (again != NONE && !same(&tree->before->members[again].is, process))
        again = NONE; /* the PID was given to another */
    if (again != NONE) {
        tree->before->members[again].again = now->count;
        tree->before->members[again].fate = FATE_LIVES;
    }
    now->members[now->count++] = (struct member){.is = *process, .parent = parent, .again = again};
}

static int take_child(void *arg, int32_t pid)
{
    struct host_tree *tree = arg;
    struct host_tree_process process;
    if (find(tree->now, pid) != NONE)
        return 0;
    int error = tree_read_process(&tree->reader, pid, &process);
    if (error == VAGUS_EPERM)
        tree->reader.unseen++;
    if (error == VAGUS_ENOENT || error == VAGUS_EPERM)
        return 0;
    if (error != 0)
        return error;
    /* Its parent ended meanwhile, or its PID is another's by now. */
    uint32_t parent = find(tree->now, process.parent_pid);
    if (parent != NONE)
        add(tree, &process, parent);
    return 0;
}

/* Children of all from `first` on, and of those that this adds. */
static int descend(struct host_tree *tree, uint32_t first)
{
    int error = 0;
    for (uint32_t i = first; error == 0 && i < tree->now->count; i++) {
        const struct host_tree_process process = tree->now->members[i].is;
        error = tree_read_children(&tree->reader, &process, take_child, tree);
    }
    return error;
}

static void note_escaped(struct host_tree *tree, const struct host_tree_process *process)
{
    for (uint32_t i = 0; i < tree->escaped_count; i++)
        if (tree->escaped[i].pid == process->pid && tree->escaped[i].started == process->started)
            return;
    if (tree->escaped_count == HOST_TREE_ESCAPED_MAX)
        tree->escaped_surplus++;
    else
        tree->escaped[tree->escaped_count++] =
            (struct escaped){.pid = process->pid, .started = process->started};
}

/* What became of those that the walk did not meet again. The file `children` may leave out siblings
 * of one that ends while it is read: these are found here, as are those that lost their parent. */
static int follow_up(struct host_tree *tree)
{
    int error = 0;
    for (uint32_t i = 0; error == 0 && i < tree->before->count; i++) {
        struct member *member = &tree->before->members[i];
        struct host_tree_process process;
        if (member->again != NONE)
            continue;
        error = tree_read_process(&tree->reader, member->is.pid, &process);
        bool lives = error == 0 && same(&member->is, &process);
        if (error == VAGUS_ENOENT || error == VAGUS_EPERM)
            error = 0;
        uint32_t parent = lives ? find(tree->now, process.parent_pid) : NONE;
        if (parent != NONE) {
            uint32_t first = tree->now->count;
            add(tree, &process, parent);
            error = descend(tree, first);
        }
        if (member->again == NONE) {
            /* One that does not fit in any more has not escaped. */
            member->fate = !lives ? FATE_GONE : parent != NONE ? FATE_LIVES : FATE_ESCAPED;
            if (member->fate == FATE_ESCAPED)
                note_escaped(tree, &process);
        }
    }
    return error;
}

/* Forgets escaped ones that ended, or that came back below a subreaper. */
static void sift_escaped(struct host_tree *tree)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < tree->escaped_count; i++) {
        struct escaped one = tree->escaped[i];
        struct host_tree_process process;
        if (find(tree->now, one.pid) == NONE &&
            tree_read_process(&tree->reader, one.pid, &process) == 0 &&
            process.started == one.started && process.state != 'Z')
            tree->escaped[kept++] = one;
    }
    tree->escaped_count = kept;
    if (kept < HOST_TREE_ESCAPED_MAX)
        tree->escaped_surplus = 0;
}

/* What an ended process was seen to use comes again in the account of who waited for it, or of that
 * one's parent: it must not be counted twice. What an escaped one owes is of no interest. */
static void owe(struct walk *before)
{
    for (uint32_t i = 0; i < before->count; i++) {
        const struct member *gone = &before->members[i];
        uint32_t to = gone->parent;
        if (gone->fate != FATE_GONE)
            continue;
        while (to != NONE && before->members[to].fate == FATE_GONE)
            to = before->members[to].parent;
        if (to != NONE)
            before->members[to].owed_ns += gone->is.own_ns + gone->is.children_ns;
    }
}

static uint64_t grown(uint64_t now, uint64_t before)
{
    return now > before ? now - before : 0;
}

static uint64_t growth_of(const struct host_tree *tree, struct member *member)
{
    if (member->again == NONE) {
        /* Older than the last walk and not in it: it came from outside with time that it used
         * there, as to a subreaper. A start is cut to a tick. */
        uint64_t tick_ns = (uint64_t)(VAGUS_SECOND_NS / tree->reader.host->ticks_per_second);
        bool stranger =
            tree->before->count > 0 && member->is.started + 1 < tree->before->began_ns / tick_ns;
        return stranger ? 0 : member->is.own_ns + member->is.children_ns;
    }
    const struct member *before = &tree->before->members[member->again];
    uint64_t children_ns = grown(member->is.children_ns, before->is.children_ns);
    uint64_t owed_ns = before->owed_ns + before->owed_before_ns;
    uint64_t paid_ns = children_ns < owed_ns ? children_ns : owed_ns;
    /* Not all came yet: a child that was read after its parent, and ended after that, is told with
     * the next walk. A parent that never waits (SIGCHLD ignored) pays nothing, so a debt is kept
     * for one walk only. */
    owed_ns -= paid_ns;
    member->owed_before_ns = owed_ns < before->owed_ns ? owed_ns : before->owed_ns;
    return grown(member->is.own_ns, before->is.own_ns) + children_ns - paid_ns;
}

static void account(struct host_tree *tree)
{
    struct walk *now = tree->now;
    owe(tree->before);
    for (uint32_t i = 0; i < now->count; i++)
        tree->cpu_ns += growth_of(tree, &now->members[i]);
}

static int walk(struct host_tree *tree)
{
    struct host_tree_process root;
    int error = host_uptime_ns(tree->reader.host, &tree->now->began_ns);
    if (error == 0)
        error = tree_reader_begin(&tree->reader);
    if (error == 0)
        error = tree_read_process(&tree->reader, 0, &root);
    if (error != 0)
        return error == VAGUS_ENOENT ? VAGUS_EIO : error;
    tree->now->count = 0;
    for (uint32_t i = 0; i < tree->before->count; i++)
        tree->before->members[i].again = NONE;
    add(tree, &root, NONE);
    error = descend(tree, 0);
    return error != 0 ? error : follow_up(tree);
}

static void sum_up(struct host_tree *tree, struct host_tree_sum *sum)
{
    *sum = (struct host_tree_sum){.cpu_ns = tree->cpu_ns, .processes = tree->now->count};
    for (uint32_t i = 0; i < tree->now->count; i++) {
        uint64_t bytes = 0;
        int error = tree_read_resident(&tree->reader, &tree->now->members[i].is, &bytes);
        if (error == 0 && __builtin_add_overflow(sum->resident_bytes, bytes, &sum->resident_bytes))
            error = VAGUS_EPARSE;
        if (sum->resident_error == 0)
            sum->resident_error = error;
        sum->threads += tree->now->members[i].is.threads;
    }
    sum->escaped = tree->escaped_count + tree->escaped_surplus;
    sum->unseen = tree->reader.unseen;
}

int host_tree_sample(struct host_tree *tree, struct host_tree_sum *sum)
{
    int error = walk(tree);
    if (error != 0)
        return error;
    sift_escaped(tree);
    account(tree);
    sum_up(tree, sum);
    struct walk *now = tree->now;
    tree->now = tree->before;
    tree->before = now;
    return 0;
}

int host_tree_create(struct host *host, struct host_tree **result)
{
    struct host_tree *tree = calloc(1, sizeof(*tree));
    if (tree == NULL)
        return VAGUS_ENOMEM;
    tree->now = &tree->walks[0];
    tree->before = &tree->walks[1];
    int error = tree_reader_open(&tree->reader, host);
    if (error != 0) {
        host_tree_destroy(tree);
        return error;
    }
    *result = tree;
    return 0;
}

void host_tree_destroy(struct host_tree *tree)
{
    if (tree == NULL)
        return;
    tree_reader_close(&tree->reader);
    free(tree);
}
