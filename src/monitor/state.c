/* SPDX-License-Identifier: Apache-2.0 */
/* Where spending is kept over restarts. The folder is ours alone and no link; the file is replaced
 * as a whole, so that a crash or a full disk leaves the former one. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/boot.h"
#include "base/clock.h"
#include "base/text.h"
#include "monitor/monitor.h"
#include "segment/folder.h"
#include "segment/reader.h"

/* --- The folder. --- */

/* $XDG_STATE_HOME/vagus, else ~/.local/state/vagus; of root /var/lib/vagus. False if there is no
 * such place. */
static bool default_dir(char dir[STATE_PATH_MAX])
{
    const char *state = secure_getenv("XDG_STATE_HOME"), *home = secure_getenv("HOME");
    int length = -1;
    if (geteuid() == 0)
        length = snprintf(dir, STATE_PATH_MAX, "/var/lib/vagus");
    else if (state != NULL && state[0] == '/')
        length = snprintf(dir, STATE_PATH_MAX, "%s/vagus", state);
    else if (home != NULL && home[0] == '/')
        length = snprintf(dir, STATE_PATH_MAX, "%s/.local/state/vagus", home);
    return length > 0 && length < STATE_PATH_MAX;
}

/* A descriptor, or -1 with errno: EPERM if it is not ours alone. */
static int open_dir(const char *dir)
{
    struct stat st;
    int fd = open(dir, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return -1;
    if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 077) == 0)
        return fd;
    close(fd);
    errno = EPERM;
    return -1;
}

/* The folder and those above it, as far as they are missing. */
static int make_dir(const char *dir)
{
    char path[STATE_PATH_MAX];
    text_copy(path, sizeof(path), dir);
    for (char *slash = path + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    mkdir(path, 0700);
    return open_dir(dir);
}

static void file_name(char name[FOLDER_NAME_MAX], const char *agent, const char *suffix)
{
    snprintf(name, FOLDER_NAME_MAX, "%.32s%s", agent, suffix);
}

/* --- Writing: in the lane, or on the thread that closes. --- */

static bool write_all(int fd, const unsigned char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(fd, bytes, size);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0)
            return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

static bool replace(const struct state_work *work, int folder, const char *suffix,
                    const void *bytes, size_t size)
{
    char name[FOLDER_NAME_MAX], draft[FOLDER_NAME_MAX + sizeof(".draft")];
    file_name(name, work->agent, suffix);
    snprintf(draft, sizeof(draft), "%s.draft", name);
    unlinkat(folder, draft, 0); /* of one that was killed here */
    int fd = openat(folder, draft, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    bool good = write_all(fd, bytes, size) && fsync(fd) == 0;
    int error = errno;
    close(fd);
    errno = error;
    good = good && renameat(folder, draft, folder, name) == 0 && fsync(folder) == 0;
    if (!good) {
        error = errno;
        unlinkat(folder, draft, 0);
        errno = error;
    }
    return good;
}

static void write_files(void *arg)
{
    struct state_work *work = arg;
    int folder = make_dir(work->dir);
    work->error = 0;
    if (folder < 0 ||
        (work->budgets &&
         !replace(work, folder, ".budgets", work->bytes, carry_write(&work->carry, work->bytes))) ||
        (work->continues &&
         !replace(work, folder, ".continuity", &work->continuity, sizeof(work->continuity))))
        work->error = errno != 0 ? errno : EIO;
    if (folder >= 0)
        close(folder);
}

/* --- Reading. --- */

/* Its bytes, or a negative errno. */
static ssize_t read_bytes(int folder, const char *agent, const char *suffix, void *bytes,
                          size_t room)
{
    char name[FOLDER_NAME_MAX];
    struct stat st;
    file_name(name, agent, suffix);
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return -errno;
    ssize_t size = -EPERM;
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid()) {
        size = pread(fd, bytes, room, 0);
        size = size < 0 ? -errno : size;
    }
    close(fd);
    return size;
}

/* 0, ENOENT if there is none, or why it is not known what it says. */
static int read_budgets(int folder, const char *agent, struct carry *carry, const char **why)
{
    static const char damaged[] = "is damaged";
    unsigned char *bytes = malloc(CARRY_FILE_BYTES_MAX);
    if (bytes == NULL)
        return ENOMEM;
    ssize_t size = read_bytes(folder, agent, ".budgets", bytes, CARRY_FILE_BYTES_MAX);
    int error = size < 0 ? (int)-size : 0;
    if (error == 0 && carry_parse(bytes, (size_t)size, carry) != 0) {
        *why = damaged;
        error = EIO;
    }
    free(bytes);
    return error;
}

/* Both files; the return is that of the budgets. */
static int read_files(struct state *state, const char **why)
{
    const struct state_work *work = state->work;
    int folder = open_dir(work->dir);
    if (folder < 0) {
        state->none = errno == ENOENT;
        return errno == ENOTDIR ? ENOENT : errno;
    }
    ssize_t size = read_bytes(folder, work->agent, ".continuity", &state->continuity,
                              sizeof(state->continuity));
    state->none = size == -ENOENT;
    state->knows = size >= 0 && continuity_file_check(&state->continuity, (size_t)size) == 0;
    state->damaged = size >= 0 && !state->knows;
    int error = read_budgets(folder, work->agent, state->former[1], why);
    close(folder);
    return error;
}

struct previous {
    const char *agent;
    struct carry *carry;
    bool found;
};

/* The newest of the same agent that has ended. */
static bool on_segment(const struct segment_found *found, void *arg)
{
    struct previous *previous = arg;
    struct segment_reader reader;
    uint64_t got = 0;
    if (found->alive || found->error != 0 || strcmp(found->header.agent, previous->agent) != 0)
        return true;
    if (segment_attach(found->path, &reader) != 0)
        return true;
    int error = segment_read_entries(&reader, SEGMENT_BUDGETS, 0, SEGMENT_BUDGETS_MAX,
                                     previous->carry->entries, &got, NULL);
    segment_detach(&reader);
    if (error != 0)
        return true;
    previous->carry->count = (uint32_t)got;
    text_copy(previous->carry->boot_id, sizeof(previous->carry->boot_id), found->header.boot_id);
    /* A stranger's numbers, as those of the file. */
    previous->found = carry_check(previous->carry);
    return !previous->found;
}

static struct carry *read_previous(const char *dir, const char *agent)
{
    char own[FOLDER_PATH_MAX];
    struct previous previous = {agent, calloc(1, sizeof(struct carry)), false};
    if (previous.carry == NULL)
        return NULL;
    if (dir == NULL && !folder_of_session(own))
        folder_of_user(own);
    segment_list(dir != NULL ? dir : own, on_segment, &previous);
    if (previous.found)
        return previous.carry;
    free(previous.carry);
    return NULL;
}

void state_open(struct vagus_monitor *monitor, const char *agent, bool anonymous)
{
    struct state *state = &monitor->state;
    const struct vagus_config *config = monitor->config;
    const char *why = NULL;
    *state = (struct state){.on = (!anonymous || config->state_dir != NULL) &&
                                  text_is_name(agent, SEGMENT_AGENT_MAX - 1)};
    if (!state->on)
        return;
    state->work = calloc(1, sizeof(*state->work));
    state->former[1] = calloc(1, sizeof(struct carry));
    if (state->work == NULL || state->former[1] == NULL) {
        state->on = false;
        return;
    }
    boot_id_read(state->boot_id);
    text_copy(state->work->agent, sizeof(state->work->agent), agent);
    if (!anonymous)
        state->former[0] = read_previous(config->segment_dir, agent);
    if (config->state_dir != NULL)
        text_copy(state->work->dir, sizeof(state->work->dir), config->state_dir);
    else if (!default_dir(state->work->dir))
        state->work->dir[0] = '\0';
    int error = state->work->dir[0] != '\0' ? read_files(state, &why) : ENOENT;
    if (error == 0)
        return;
    free(state->former[1]);
    state->former[1] = NULL;
    state->unknown = error != ENOENT;
    snprintf(state->why, sizeof(state->why), "%.100s/%.32s.budgets: %s", state->work->dir, agent,
             why != NULL ? why : strerrordesc_np(error));
}

/* --- The monitor's budgets. --- */

static struct carry_now now_of(struct vagus_monitor *monitor, int64_t now_ns)
{
    return (struct carry_now){now_ns, clock_wall_ns(&monitor->clock), monitor->state.boot_id};
}

void state_restore(struct vagus_monitor *monitor, struct budget *budget)
{
    struct state *state = &monitor->state;
    const struct carry *const former[2] = {state->former[0], state->former[1]};
    struct carry_now now = now_of(monitor, budget->allowance->now_ns);
    if (!state->on || budget->allowance->window_ns == 0 || carry_restore(former, &now, budget) ||
        !state->unknown)
        return;
    bool refuses = budget->unknown == VAGUS_UNKNOWN_REFUSES;
    if (refuses)
        carry_exhaust(budget);
    monitor_note(monitor, SEGMENT_NOTE_WARNING,
                 "what was spent of budget %s before this start is not known, so it counts as %s: "
                 "%s",
                 budget->allowance->name, refuses ? "all of it" : "nothing", state->why);
}

static bool rolls(const struct vagus_monitor *monitor)
{
    for (uint32_t i = 0; i < monitor->budgets.count; i++)
        if (monitor->budgets.entries[i].allowance->window_ns > 0)
            return true;
    return false;
}

/* Grows with whatever any budget spends. */
static uint64_t spent_of_all(const struct vagus_monitor *monitor)
{
    uint64_t spent = 0;
    for (uint32_t i = 0; i < monitor->budgets.count; i++)
        spent += __atomic_load_n(&monitor->budgets.entries[i].allowance->spent, __ATOMIC_RELAXED);
    return spent;
}

void state_start(struct vagus_monitor *monitor)
{
    struct state *state = &monitor->state;
    state->rolls = state->on && rolls(monitor);
    state->asked = state->on && monitor->config->state_dir != NULL;
    if (!state->rolls && !state->asked) {
        state->on = false;
        return;
    }
    state->written_spent = spent_of_all(monitor); /* what was restored stands there already */
    if (state->work->dir[0] == '\0')
        monitor_note(monitor, SEGMENT_NOTE_WARNING,
                     "spending is not kept over restarts: no folder for it; state.dir names one");
    else if ((monitor->flags & VAGUS_STEPPED) == 0)
        lane_create("vagus-state", write_files, free, state->work, &state->lane);
}

/* What the lane is to write. */
static void fill_work(struct vagus_monitor *monitor, const struct carry_now *now, bool closed)
{
    struct state *state = &monitor->state;
    struct state_work *work = state->work;
    const struct segment_header *header = monitor->segment.header;
    work->budgets = state->rolls;
    work->continues = true;
    if (work->budgets)
        carry_of(&monitor->budgets, now, &work->carry);
    work->continuity = (struct continuity_file){.closed = closed,
                                                .stamp = header->stamp,
                                                .pid = header->pid,
                                                .started_ns = header->started_ns,
                                                .started_wall_ns = header->started_wall_ns,
                                                .last_ns = now->now_ns,
                                                .last_wall_ns = now->wall_ns,
                                                .state = monitor->continuity.state};
    text_copy(work->continuity.boot_id, sizeof(work->continuity.boot_id), state->boot_id);
    continuity_file_seal(&work->continuity);
    state->signed_ns = now->now_ns;
}

static void tell_error(struct vagus_monitor *monitor)
{
    struct state *state = &monitor->state;
    int error = state->work->error;
    if (error != 0 && error != state->told_error)
        monitor_note(monitor, SEGMENT_NOTE_WARNING, "spending is not kept over restarts: %s: %s",
                     state->work->dir, strerrordesc_np(error));
    state->told_error = error;
}

void state_step(struct vagus_monitor *monitor, int64_t now_ns)
{
    struct state *state = &monitor->state;
    if (!state->on)
        return;
    struct carry_now now = now_of(monitor, now_ns);
    if (state->rolls)
        carry_mirror(&monitor->budgets, &now, &monitor->segment);
    if (state->lane == NULL)
        return;
    if (lane_take(state->lane)) {
        if (state->work->error != 0)
            state->written_spent = UINT64_MAX; /* once more, when it is due again */
        tell_error(monitor);
    }
    uint64_t spent = spent_of_all(monitor);
    bool spends = spent != state->written_spent && now_ns - state->written_ns >= STATE_EVERY_NS;
    bool signs = state->signed_ns == 0 || now_ns - state->signed_ns >= STATE_SIGN_NS;
    if ((!spends && !signs) || !lane_idle(state->lane))
        return;
    fill_work(monitor, &now, false);
    lane_request(state->lane);
    state->written_spent = spent;
    if (spends)
        state->written_ns = now_ns;
}

bool state_close(struct vagus_monitor *monitor, int64_t deadline_ns)
{
    struct state *state = &monitor->state;
    struct state_work *work = state->work;
    if (!state->on || work == NULL || work->dir[0] == '\0' || monitor->publications == 0)
        return true;
    struct carry_now now = now_of(monitor, clock_now_ns(&monitor->clock));
    if (state->rolls)
        carry_mirror(&monitor->budgets, &now, &monitor->segment);
    if (state->lane == NULL) {
        fill_work(monitor, &now, true);
        write_files(work);
        return true;
    }
    for (int runs = 0; runs < 2;) {
        lane_take(state->lane);
        if (lane_idle(state->lane) && runs++ == 0) {
            fill_work(monitor, &now, true);
            lane_request(state->lane);
        } else if (vagus_now_ns() >= deadline_ns) {
            break;
        } else if (runs < 2) {
            poll(NULL, 0, 1);
        }
    }
    state->work = NULL; /* the lane's, to its end */
    return lane_close(state->lane, deadline_ns);
}

void state_free(struct vagus_monitor *monitor)
{
    struct state *state = &monitor->state;
    free(state->former[0]);
    free(state->former[1]);
    free(state->work);
    *state = (struct state){.on = false};
}
