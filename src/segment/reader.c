/* SPDX-License-Identifier: Apache-2.0 */
/* Reading with suspicion. All that comes out of here is bounded: offsets were checked against the
 * file, strings end in 0, and a stamp is looked at before and after whatever it guards. */
#include "segment/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIRECTORY_PART 8 /* entries that are read at once */

/* Reads bytes that the writer may be changing. All offsets and sizes are multiples of 8. */
static int fetch(const struct segment_reader *reader, uint64_t offset, void *to, uint64_t bytes)
{
    if (bytes > reader->bytes || offset > reader->bytes - bytes)
        return reader->bytes == 0 ? VAGUS_EINVAL : VAGUS_ECORRUPT;
    if (reader->memory != NULL) {
        segment_copy(to, (const char *)reader->memory + offset, bytes);
        segment_fence_acquire();
        return 0;
    }
    for (uint64_t done = 0; done < bytes;) {
        ssize_t n = pread(reader->fd, (char *)to + done, bytes - done, (off_t)(offset + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return VAGUS_EIO;
        if (n == 0) /* it was truncated since it was attached */
            return VAGUS_ECORRUPT;
        done += (uint64_t)n;
    }
    /* The kernel's copy is no barrier everywhere. */
    segment_fence_acquire();
    return 0;
}

static int fetch_word(const struct segment_reader *reader, uint64_t offset, uint64_t *word)
{
    return fetch(reader, offset, word, sizeof(*word));
}

static int fault_of_errno(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return VAGUS_ENOENT;
    case EACCES:
    case EPERM:
    case ELOOP: /* a link */
        return VAGUS_EPERM;
    case ENXIO: /* a socket */
        return VAGUS_ECORRUPT;
    default:
        return VAGUS_EIO;
    }
}

static int check_file(struct segment_reader *reader)
{
    struct stat st;
    if (fstat(reader->fd, &st) != 0)
        return VAGUS_EIO;
    if (!S_ISREG(st.st_mode))
        return VAGUS_ECORRUPT;
    if (geteuid() != 0 && st.st_uid != geteuid())
        return VAGUS_EPERM;
    if (st.st_size < SEGMENT_HEADER_BYTES)
        return VAGUS_ECORRUPT;
    reader->bytes = (uint64_t)st.st_size;
    int error = fetch(reader, 0, &reader->header, sizeof(reader->header));
    return error != 0 ? error : segment_header_check(&reader->header, reader->bytes);
}

int segment_attach_at(int folder, const char *name, struct segment_reader *reader)
{
    memset(reader, 0, sizeof(*reader));
    /* O_NONBLOCK: to open a FIFO would wait for its writer. */
    reader->fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (reader->fd < 0)
        return fault_of_errno(errno);
    int error = check_file(reader);
    if (error != 0) {
        close(reader->fd);
        reader->fd = -1;
        reader->bytes = 0;
    }
    return error;
}

int segment_attach(const char *path, struct segment_reader *reader)
{
    return segment_attach_at(AT_FDCWD, path, reader);
}

void segment_attach_own(const struct segment *segment, struct segment_reader *reader)
{
    memset(reader, 0, sizeof(*reader));
    reader->fd = -1;
    if (segment->header == NULL)
        return;
    reader->memory = segment->header;
    reader->bytes = segment->bytes;
    segment_copy(&reader->header, segment->header, sizeof(reader->header));
    /* Where things lie is taken from private memory: the mapping never steers this process. */
    memcpy(reader->header.sections, segment->extents, sizeof(segment->extents));
    reader->header.agent[sizeof(reader->header.agent) - 1] = 0;
    reader->header.program[sizeof(reader->header.program) - 1] = 0;
    reader->header.boot_id[sizeof(reader->header.boot_id) - 1] = 0;
    reader->header.library_version[sizeof(reader->header.library_version) - 1] = 0;
}

int segment_refresh(struct segment_reader *reader)
{
    struct segment_header header;
    int error = fetch(reader, 0, &header, sizeof(header));
    if (error == 0)
        error = segment_header_check(&header, reader->bytes);
    if (error != 0)
        return error;
    /* Whoever reads made room for what the sections were: they never change. */
    if (header.stamp != reader->header.stamp ||
        memcmp(header.sections, reader->header.sections, sizeof(header.sections)) != 0)
        return VAGUS_ECORRUPT;
    reader->header = header;
    return 0;
}

void segment_detach(struct segment_reader *reader)
{
    if (reader->bytes != 0 && reader->memory == NULL && reader->fd >= 0)
        close(reader->fd);
    reader->fd = -1;
    reader->memory = NULL;
    reader->bytes = 0;
}

bool segment_alive(const struct segment_reader *reader)
{
    if (reader->bytes == 0 || reader->memory != NULL)
        return reader->memory != NULL;
    if (flock(reader->fd, LOCK_SH | LOCK_NB) == 0) {
        flock(reader->fd, LOCK_UN);
        return false;
    }
    return errno == EWOULDBLOCK;
}

/* Ends the string in a field by 0. */
#define END(field) ((field)[sizeof(field) - 1] = 0)

void segment_tidy_snapshot(struct vagus_system_snapshot *snapshot)
{
    for (int i = 0; i < VAGUS_SNAPSHOT_SIGNALS; i++) {
        END(snapshot->signals[i].resource);
        END(snapshot->signals[i].rule);
        END(snapshot->signals[i].reason);
    }
    for (int i = 0; i < VAGUS_SNAPSHOT_GPUS; i++)
        END(snapshot->gpus[i].device);
    for (int i = 0; i < VAGUS_SNAPSHOT_PATHS; i++)
        END(snapshot->paths[i].path);
    for (int i = 0; i < VAGUS_SNAPSHOT_BUDGETS; i++) {
        END(snapshot->budgets[i].name);
        END(snapshot->budgets[i].unit);
        END(snapshot->budgets[i].resource);
    }
    for (int i = 0; i < VAGUS_SNAPSHOT_FORECASTS; i++) {
        END(snapshot->forecasts[i].rule);
        END(snapshot->forecasts[i].metric);
        END(snapshot->forecasts[i].instance);
        END(snapshot->forecasts[i].resource);
    }
    for (int i = 0; i < VAGUS_SNAPSHOT_METRICS; i++) {
        END(snapshot->metrics[i].name);
        END(snapshot->metrics[i].instance);
        END(snapshot->metrics[i].label);
        END(snapshot->metrics[i].unit);
    }
    END(snapshot->mode.name);
    END(snapshot->mode.before);
    END(snapshot->mode.waits_for);
    END(snapshot->mode.unknown);
    if (snapshot->path_count > VAGUS_SNAPSHOT_PATHS)
        snapshot->path_count = VAGUS_SNAPSHOT_PATHS;
    if (snapshot->judged > VAGUS_VERDICT_CRITICAL)
        snapshot->judged = VAGUS_VERDICT_UNKNOWN;
}

/* One try: 0, VAGUS_EAGAIN if the writer was met, or a failure. What the writer did not know of a
 * slot stays as it is. */
static int try_snapshot(const struct segment_reader *reader, struct segment_slot *slot)
{
    const struct segment_extent *extent = &reader->header.sections[SEGMENT_SNAPSHOT];
    uint64_t section = extent->offset, stride = extent->entry_bytes;
    uint64_t number, stamp;
    int error = fetch_word(reader, section + offsetof(struct segment_slots, newest), &number);
    if (error != 0 || number == 0)
        return error != 0 ? error : VAGUS_EAGAIN;
    uint64_t offset =
        section + offsetof(struct segment_slots, slots) + number % SEGMENT_SLOTS * stride;
    uint64_t bytes = stride < sizeof(*slot) ? stride : sizeof(*slot);
    /* Slot and first stamp may come in one read: `newest` already said that the slot is whole. */
    if ((error = fetch(reader, offset, slot, bytes)) != 0 ||
        (error = fetch_word(reader, offset, &stamp)) != 0)
        return error;
    return slot->stamp == 2 * number + 2 && stamp == slot->stamp ? 0 : VAGUS_EAGAIN;
}

int segment_read_snapshot(const struct segment_reader *reader,
                          struct vagus_system_snapshot *snapshot)
{
    struct segment_slot slot;
    int error = VAGUS_EAGAIN;
    if (reader->header.sections[SEGMENT_SNAPSHOT].entry_bytes < sizeof(slot))
        memset(&slot, 0, sizeof(slot));
    for (int try = 0; try < SEGMENT_TRIES && error == VAGUS_EAGAIN; try++)
        error = try_snapshot(reader, &slot);
    if (error != 0)
        return error;
    segment_tidy_snapshot(&slot.snapshot);
    *snapshot = slot.snapshot;
    return 0;
}

static void tidy_signal(struct segment_signal *entry)
{
    END(entry->signal.resource);
    END(entry->signal.rule);
    END(entry->signal.metric);
    END(entry->signal.instance);
    END(entry->signal.unit);
    END(entry->signal.reason);
    END(entry->signal.label);
    if (entry->deed_count > SEGMENT_DEEDS_MAX)
        entry->deed_count = SEGMENT_DEEDS_MAX;
    for (int i = 0; i < SEGMENT_DEEDS_MAX; i++)
        END(entry->deeds[i].listener);
}

static void tidy_metric(struct segment_metric *entry)
{
    END(entry->name);
    END(entry->instance);
    END(entry->help);
    END(entry->unit);
    END(entry->resource);
    END(entry->label);
    if (entry->tier >= VAGUS_TIER_COUNT)
        entry->tier = VAGUS_TIER_DEFAULT;
}

static void tidy_continuity(struct segment_continuity *entry)
{
    END(entry->cgroup);
    if (entry->counted_count > SEGMENT_COUNTED_MAX)
        entry->counted_count = SEGMENT_COUNTED_MAX;
}

static void tidy_entries(enum segment_section_id id, void *entries, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (id == SEGMENT_DIRECTORY)
            tidy_metric((struct segment_metric *)entries + i);
        else if (id == SEGMENT_SIGNALS)
            tidy_signal((struct segment_signal *)entries + i);
        else if (id == SEGMENT_COLLECTORS)
            END(((struct segment_collector *)entries)[i].name);
        else if (id == SEGMENT_NOTES)
            END(((struct segment_note *)entries)[i].text);
        else if (id == SEGMENT_BUDGETS)
            END(((struct segment_budget *)entries)[i].name);
        else if (id == SEGMENT_CONTINUITY)
            tidy_continuity((struct segment_continuity *)entries + i);
        else if (id == SEGMENT_OPERATIONS) {
            END(((struct segment_operation *)entries)[i].name);
            END(((struct segment_operation *)entries)[i].instance);
        } else if (id == SEGMENT_TICKETS) {
            END(((struct segment_ticket *)entries)[i].budget);
            END(((struct segment_ticket *)entries)[i].unit);
        } else if (id == SEGMENT_LISTENERS) {
            struct segment_listener *listener = (struct segment_listener *)entries + i;
            END(listener->name);
            END(listener->last_resource);
        }
    }
}

/* What of [first, first + count) a section holds whose head says that `written` entries ever were
 * written. Of a longer ring than this build knows, the newest entries are what it has room for. */
static uint64_t cut(const struct segment_extent *extent, bool ring, uint64_t written,
                    uint64_t *first, uint64_t count)
{
    uint64_t kept = extent->capacity < SEGMENT_SIGNALS_MAX ? extent->capacity : SEGMENT_SIGNALS_MAX;
    if (ring && written > kept && *first < written - kept)
        *first = written - kept;
    if (!ring && written > extent->capacity)
        written = extent->capacity;
    if (*first >= written)
        return 0;
    return count < written - *first ? count : written - *first;
}

/* `count` entries from number `at` on, which lie side by side: of each what both sides know, zeroes
 * for what the writer did not. */
static int fetch_entries(const struct segment_reader *reader, enum segment_section_id id,
                         uint64_t at, uint64_t count, char *entries)
{
    const struct segment_extent *extent = &reader->header.sections[id];
    uint64_t theirs = extent->entry_bytes, own = segment_entry_bytes(id);
    uint64_t from = extent->offset + sizeof(struct segment_head) + at * theirs;
    if (theirs == own)
        return fetch(reader, from, entries, count * own);
    uint64_t both = theirs < own ? theirs : own;
    int error = 0;
    for (uint64_t i = 0; i < count && error == 0; i++) {
        error = fetch(reader, from + i * theirs, entries + i * own, both);
        memset(entries + i * own + both, 0, own - both);
    }
    return error;
}

/* One try: 0, VAGUS_EAGAIN if the writer was met, or a failure. head->stamp tells what it was. */
static int try_entries(const struct segment_reader *reader, enum segment_section_id id,
                       uint64_t first, uint64_t count, char *entries, uint64_t *got,
                       struct segment_head *head)
{
    const struct segment_extent *extent = &reader->header.sections[id];
    memset(head, 0, sizeof(*head));
    *got = 0;
    if (extent->capacity == 0) /* the writer knew no such section */
        return reader->bytes == 0 ? VAGUS_EINVAL : 0;
    int error = fetch(reader, extent->offset, head, sizeof(*head));
    if (error != 0)
        return error;
    bool ring = id == SEGMENT_SIGNALS;
    *got = cut(extent, ring, head->count, &first, count);
    uint64_t at = ring ? first % extent->capacity : first;
    uint64_t part = *got < extent->capacity - at ? *got : extent->capacity - at;
    if (*got > 0 && (error = fetch_entries(reader, id, at, part, entries)) != 0)
        return error;
    /* The rest of a ring that wraps. */
    if (*got > part && (error = fetch_entries(reader, id, 0, *got - part,
                                              entries + part * segment_entry_bytes(id))) != 0)
        return error;
    uint64_t stamp;
    if ((error = fetch_word(reader, extent->offset, &stamp)) != 0)
        return error;
    return stamp == head->stamp && stamp % 2 == 0 ? 0 : VAGUS_EAGAIN;
}

/* True if a stamp stays odd because the writer died in the middle of a change: nothing will ever
 * move again, and half of the last change is better than none of what came before. */
static bool is_left_odd(const struct segment_reader *reader, uint64_t stamp)
{
    return stamp % 2 == 1 && !segment_alive(reader);
}

int segment_read_entries(const struct segment_reader *reader, enum segment_section_id id,
                         uint64_t first, uint64_t count, void *entries, uint64_t *got,
                         struct segment_head *head)
{
    if (id <= SEGMENT_SNAPSHOT || id == SEGMENT_SERIES || id >= SEGMENT_SECTION_COUNT)
        return VAGUS_EINVAL;
    struct segment_head its_head;
    uint64_t its_count = 0;
    int error = VAGUS_EAGAIN;
    for (int try = 0; try < SEGMENT_TRIES && error == VAGUS_EAGAIN; try++)
        error = try_entries(reader, id, first, count, entries, &its_count, &its_head);
    if (error == VAGUS_EAGAIN && is_left_odd(reader, its_head.stamp))
        /* Once more: the writer may have gone on until it died just now. */
        error = try_entries(reader, id, first, count, entries, &its_count, &its_head);
    if (error != 0 && !(error == VAGUS_EAGAIN && is_left_odd(reader, its_head.stamp)))
        return error;
    tidy_entries(id, entries, its_count);
    *got = its_count;
    if (head != NULL)
        *head = its_head;
    return 0;
}

int segment_each_metric(const struct segment_reader *reader,
                        bool (*on_metric)(const struct segment_metric *metric, uint32_t index,
                                          void *arg),
                        void *arg)
{
    struct segment_metric part[DIRECTORY_PART];
    uint64_t got = DIRECTORY_PART;
    for (uint64_t first = 0; got == DIRECTORY_PART; first += got) {
        int error = segment_read_entries(reader, SEGMENT_DIRECTORY, first, DIRECTORY_PART, part,
                                         &got, NULL);
        if (error != 0)
            return error;
        for (uint64_t i = 0; i < got; i++)
            if (!on_metric(&part[i], (uint32_t)(first + i), arg))
                return 0;
    }
    return 0;
}

bool segment_block_check(const struct segment_block_head *head)
{
    int64_t period_ns = segment_level_ns(head->level);
    int64_t span_ns, last_ns;
    return head->number != 0 && period_ns != 0 &&
           (head->fields == 1 || head->fields == 2 || head->fields == 5) &&
           head->bits <= SERIES_BLOCK_BITS && head->entries <= SERIES_BLOCK_ENTRIES_MAX &&
           head->pending <= head->entries && head->gaps <= head->entries &&
           !__builtin_mul_overflow((int64_t)head->span, period_ns, &span_ns) &&
           !__builtin_add_overflow(head->first_ns, span_ns, &last_ns) &&
           last_ns < INT64_MAX - period_ns;
}

/* The first bytes of a block, its head among them. */
static int try_block(const struct segment_reader *reader, uint64_t offset, void *part, size_t bytes)
{
    struct segment_block_head *head = part;
    uint64_t before, after;
    int error = fetch_word(reader, offset, &before);
    if (error == 0)
        error = fetch(reader, offset, part, bytes);
    if (error == 0)
        error = fetch_word(reader, offset, &after);
    if (error != 0)
        return error;
    head->stamp = after;
    return before == after && after % 2 == 0 ? 0 : VAGUS_EAGAIN;
}

static int read_part(const struct segment_reader *reader, uint32_t place, void *part, size_t bytes)
{
    const struct segment_extent *extent = &reader->header.sections[SEGMENT_SERIES];
    const struct segment_block_head *head = part;
    if (reader->bytes == 0)
        return VAGUS_EINVAL;
    if (place >= extent->capacity)
        return VAGUS_ENOENT;
    uint64_t offset =
        extent->offset + sizeof(struct segment_head) + (uint64_t)place * SERIES_BLOCK_BYTES;
    int error = VAGUS_EAGAIN;
    for (int try = 0; try < SEGMENT_TRIES && error == VAGUS_EAGAIN; try++)
        error = try_block(reader, offset, part, bytes);
    if (error == VAGUS_EAGAIN && is_left_odd(reader, head->stamp))
        error = try_block(reader, offset, part, bytes);
    if (error != 0 && !(error == VAGUS_EAGAIN && is_left_odd(reader, head->stamp)))
        return error;
    if (head->number == 0)
        return VAGUS_ENOENT;
    return segment_block_check(head) ? 0 : VAGUS_ECORRUPT;
}

int segment_read_block(const struct segment_reader *reader, uint32_t place,
                       struct segment_block *block)
{
    struct segment_block its_block;
    int error = read_part(reader, place, &its_block, sizeof(its_block));
    if (error == 0)
        *block = its_block;
    return error;
}

int segment_read_block_head(const struct segment_reader *reader, uint32_t place,
                            struct segment_block_head *head)
{
    struct segment_block_head its_head;
    int error = read_part(reader, place, &its_head, sizeof(its_head));
    if (error == 0)
        *head = its_head;
    return error;
}
