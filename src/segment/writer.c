/* SPDX-License-Identifier: Apache-2.0 */
/* Making a segment. A file is made under a draft name, locked, reserved and filled, and only then
 * gets the name that readers look for: what they find is whole, and locked while its writer lives.
 */
#include "segment/writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/boot.h"
#include "base/clock.h"
#include "base/text.h"
#include "segment/folder.h"

#define DRAFT_TRIES 4
#define OVERTAKEN_TRIES 1000
#define RESERVE_STEP_BYTES (UINT64_C(128) << 10)
#define RESERVE_INTERRUPTIONS_MAX 1000

static void say_anonymous(struct segment *segment, const char *what, int error)
{
    const char *why = error != 0 ? strerrordesc_np(error) : NULL;
    snprintf(segment->why_anonymous, sizeof(segment->why_anonymous), "%.110s%s%.40s", what,
             why != NULL ? ": " : "", why != NULL ? why : "");
}

/* Reserves every page, or the first store into a full tmpfs would be a SIGBUS. In steps: the tmpfs
 * of older kernels gives up on any signal and forgets what the call had reserved, and a host under
 * a profiler is full of signals. */
static int reserve(int fd, uint64_t bytes)
{
    unsigned interruptions = 0;
    for (uint64_t done = 0; done < bytes;) {
        uint64_t step = bytes - done < RESERVE_STEP_BYTES ? bytes - done : RESERVE_STEP_BYTES;
        int error = posix_fallocate(fd, (off_t)done, (off_t)step);
        if (error == EINTR && interruptions++ < RESERVE_INTERRUPTIONS_MAX)
            continue;
        if (error != 0)
            return error;
        done += step;
    }
    return 0;
}

/* Removes one dead segment: this agent's go before those of others, the oldest first. */
static bool evict_one(int folder, const struct segment_options *options)
{
    return folder_evict(folder, options->agent, 0, 1) > 0 || folder_evict(folder, NULL, 0, 1) > 0;
}

/* Reserves, and makes room where there is none; no black box is thrown away in vain. */
static int reserve_evicting(int fd, int folder, const struct segment_options *options)
{
    int error = reserve(fd, options->bytes);
    struct stat st;
    if (error != ENOSPC || fstat(fd, &st) != 0)
        return error;
    uint64_t had = (uint64_t)st.st_blocks * 512;
    if (had < options->bytes && !folder_has_room(folder, options->bytes - had))
        return ENOSPC;
    while (error == ENOSPC && evict_one(folder, options))
        error = reserve(fd, options->bytes);
    return error;
}

/* Opens a locked draft; its name and stamp come back. A sweep of another process may take the lock
 * or the file in the moment between the two calls: then the next one is tried. */
static int draft_open(int folder, const struct segment_options *options, char name[FOLDER_NAME_MAX],
                      uint64_t *stamp)
{
    int error = EAGAIN;
    for (int try = 0; try < DRAFT_TRIES; try++) {
        if (getrandom(stamp, sizeof(*stamp), 0) != sizeof(*stamp))
            return -errno;
        folder_draft_name(name, *stamp);
        int fd = openat(folder, name, O_CREAT | O_EXCL | O_NOFOLLOW | O_RDWR | O_CLOEXEC, 0600);
        if (fd < 0) {
            error = errno;
            if (error == ENOSPC && !evict_one(folder, options)) /* a tmpfs out of inodes */
                return -error;
            continue;
        }
        struct stat st;
        if (flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &st) == 0 && st.st_nlink == 1)
            return fd;
        unlinkat(folder, name, 0);
        close(fd);
    }
    return -error;
}

static void fill_header(struct segment *segment, const struct segment_options *options,
                        uint64_t stamp)
{
    struct segment_header *header = segment->header;
    header->version = SEGMENT_VERSION;
    header->header_bytes = SEGMENT_HEADER_BYTES;
    header->total_bytes = segment->bytes;
    header->stamp = stamp;
    header->pid = getpid();
    header->started_ns = clock_now_ns(segment->clock);
    header->started_wall_ns = clock_wall_ns(segment->clock);
    header->life = SEGMENT_OPENING;
    text_copy(header->agent, sizeof(header->agent), options->agent);
    text_copy(header->program, sizeof(header->program), program_invocation_short_name);
    boot_id_read(header->boot_id);
    text_copy(header->library_version, sizeof(header->library_version), vagus_version());
    memcpy(header->sections, segment->extents, sizeof(segment->extents));
    if (options->continuity != NULL) {
        /* Before it is announced: whoever dies a moment later has been counted. */
        struct segment_head *head =
            (void *)((char *)header + segment->extents[SEGMENT_CONTINUITY].offset);
        memcpy(head + 1, options->continuity, sizeof(*options->continuity));
        head->updated_ns = header->started_ns;
        head->count = 1;
    }
    __atomic_store_n(&header->magic, SEGMENT_MAGIC, __ATOMIC_RELEASE);
}

/* Makes, fills and announces the file. False, with the reason said and nothing left behind, if it
 * could not be had. */
static bool file_make(struct segment *segment, const struct segment_options *options, int folder,
                      const char *dir)
{
    char draft[FOLDER_NAME_MAX], name[FOLDER_NAME_MAX];
    uint64_t stamp;
    int fd = draft_open(folder, options, draft, &stamp);
    if (fd < 0) {
        say_anonymous(segment, "a file could not be made", -fd);
        return false;
    }
    void *memory = MAP_FAILED;
    int error = reserve_evicting(fd, folder, options);
    if (error != 0) {
        say_anonymous(segment, "no room in the folder of segments", error);
        goto out;
    }
    memory = mmap(NULL, segment->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED) {
        say_anonymous(segment, "a file could not be mapped", errno);
        goto out;
    }
    segment->header = memory;
    fill_header(segment, options, stamp);
    folder_file_name(name, options->agent, stamp);
    if (renameat(folder, draft, folder, name) != 0) {
        say_anonymous(segment, "a file could not be named", errno);
        goto out;
    }
    segment->fd = fd;
    struct text path;
    text_init(&path, segment->path, sizeof(segment->path));
    text_addf(&path, "%s%s%s", dir, dir[strlen(dir) - 1] == '/' ? "" : "/", name);
    return true;
out:
    if (memory != MAP_FAILED)
        munmap(memory, segment->bytes);
    segment->header = NULL;
    unlinkat(folder, draft, 0);
    close(fd);
    return false;
}

static bool file_create(struct segment *segment, const struct segment_options *options)
{
    char dir[FOLDER_PATH_MAX];
    /* To reserve beyond this limit is not only refused: SIGXFSZ kills whoever tries. */
    struct rlimit limit;
    if (getrlimit(RLIMIT_FSIZE, &limit) == 0 && limit.rlim_cur < segment->bytes) {
        say_anonymous(segment, "RLIMIT_FSIZE is smaller than a segment", 0);
        return false;
    }
    if (options->dir == NULL && !folder_of_session(dir))
        folder_of_user(dir);
    const char *path = options->dir != NULL ? options->dir : dir;
    int folder = folder_open(path, segment->why_anonymous, sizeof(segment->why_anonymous));
    if (folder < 0)
        return false;
    folder_sweep(folder);
    bool made = file_make(segment, options, folder, path);
    if (made) {
        folder_evict(folder, options->agent, options->keep, UINT32_MAX);
        if (options->keep_for_ns > 0)
            folder_evict_older(folder, options->agent,
                               clock_wall_ns(segment->clock) - options->keep_for_ns);
    }
    close(folder);
    return made;
}

static int anonymous_create(struct segment *segment, const struct segment_options *options)
{
    /* Shared, as a file would be: after a fork of the host, stores cost no copied pages. */
    void *memory = mmap(NULL, segment->bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
    if (memory == MAP_FAILED)
        return VAGUS_ENOMEM;
    uint64_t stamp = 0;
    if (getrandom(&stamp, sizeof(stamp), GRND_NONBLOCK) != sizeof(stamp))
        stamp = (uint64_t)clock_now_ns(segment->clock);
    segment->header = memory;
    fill_header(segment, options, stamp);
    return 0;
}

int segment_create(const struct segment_options *options, struct segment *segment)
{
    struct segment made = {.fd = -1, .bytes = options->bytes, .clock = options->clock};
    if (options->agent == NULL || !text_is_name(options->agent, SEGMENT_AGENT_MAX - 1) ||
        !segment_lay_out(options->bytes, options->metrics_max, made.extents))
        return VAGUS_EINVAL;
    if (made.clock == NULL)
        made.clock = &clock_of_machine;
    made.series_blocks = made.extents[SEGMENT_SERIES].capacity;
    if (options->anonymous || !file_create(&made, options)) {
        int error = anonymous_create(&made, options);
        if (error != 0)
            return error;
    }
    for (int i = 0; i < SEGMENT_SECTION_COUNT; i++)
        made.sections[i] = (char *)made.header + made.extents[i].offset;
    *segment = made;
    return 0;
}

static void let_go(struct segment *segment)
{
    if (segment->header != NULL) {
        munmap(segment->header, segment->bytes);
        if (segment->fd >= 0)
            close(segment->fd); /* and with it the lock */
    }
    memset(segment, 0, sizeof(*segment));
    segment->fd = -1;
}

void segment_close(struct segment *segment)
{
    struct segment_header *header = segment->header;
    if (header != NULL) {
        header->closed_ns = clock_now_ns(segment->clock);
        header->closed_wall_ns = clock_wall_ns(segment->clock);
        __atomic_store_n(&header->life, SEGMENT_CLOSED, __ATOMIC_RELEASE);
    }
    let_go(segment);
}

void segment_discard(struct segment *segment)
{
    if (segment->header != NULL && segment->path[0] != 0)
        unlink(segment->path);
    let_go(segment);
}

void segment_after_fork_in_child(struct segment *segment)
{
    if (segment->header == NULL)
        return;
    mmap(segment->header, segment->bytes, PROT_READ | PROT_WRITE,
         MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    /* The lock belongs to the open file, which the parent still holds: this close leaves it, and
     * without it the lock would outlive the parent. */
    if (segment->fd >= 0)
        close(segment->fd);
    segment->fd = -1;
    segment->path[0] = 0;
}

void segment_publish(struct segment_slots *slots, uint64_t number,
                     const struct vagus_system_snapshot *snapshot)
{
    const struct segment_range whole = {0, sizeof(*snapshot)};
    segment_publish_ranges(slots, number, snapshot, &whole, 1);
}

void segment_publish_ranges(struct segment_slots *slots, uint64_t number,
                            const struct vagus_system_snapshot *snapshot,
                            const struct segment_range *ranges, unsigned count)
{
    struct segment_slot *slot = &slots->slots[number % SEGMENT_SLOTS];
    __atomic_store_n(&slot->stamp, 2 * number + 1, __ATOMIC_RELAXED);
    segment_fence_release();
    for (unsigned i = 0; i < count; i++)
        segment_copy((char *)&slot->snapshot + ranges[i].begin,
                     (const char *)snapshot + ranges[i].begin, ranges[i].end - ranges[i].begin);
    __atomic_store_n(&slot->stamp, 2 * number + 2, __ATOMIC_RELEASE);
    __atomic_store_n(&slots->newest, number, __ATOMIC_RELEASE);
}

int segment_snapshot_copy(const struct segment_slots *slots, struct vagus_system_snapshot *snapshot,
                          size_t bytes)
{
    bool touched = false;
    for (int try = 0; try < (touched ? OVERTAKEN_TRIES : SEGMENT_TRIES); try++) {
        uint64_t number = __atomic_load_n(&slots->newest, __ATOMIC_ACQUIRE);
        const struct segment_slot *slot = &slots->slots[number % SEGMENT_SLOTS];
        uint64_t whole = 2 * number + 2;
        if (number == 0 || VAGUS_UNLIKELY(__atomic_load_n(&slot->stamp, __ATOMIC_ACQUIRE) != whole))
            continue;
        /* Straight into the output: a second copy would double the price. */
        segment_copy(snapshot, &slot->snapshot, bytes);
        segment_fence_acquire();
        if (VAGUS_LIKELY(__atomic_load_n(&slot->stamp, __ATOMIC_RELAXED) == whole))
            return 0;
        touched = true;
    }
    /* Only if someone damages the stamps at that very moment: a zeroed snapshot is one whose
     * verdict is unknown. */
    if (touched)
        memset(snapshot, 0, bytes);
    return VAGUS_EAGAIN;
}
