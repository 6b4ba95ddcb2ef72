/* SPDX-License-Identifier: Apache-2.0 */
/* Where the sections of a segment lie, and whether a stranger's header can be believed. */
#include "segment/layout.h"

#define METRICS_MAX 65536
#define BLOCKS_MAX (SEGMENT_BYTES_MAX / SERIES_BLOCK_BYTES)
#define ENTRY_BYTES_MAX (1u << 20)

/* What this build knows of each section. */
static const struct {
    uint32_t entry_bytes;
    uint32_t capacity; /* 0: as many as there may be metrics */
} known[SEGMENT_SECTION_COUNT] = {
    [SEGMENT_SNAPSHOT] = {sizeof(struct segment_slot), SEGMENT_SLOTS},
    [SEGMENT_DIRECTORY] = {sizeof(struct segment_metric), 0},
    [SEGMENT_VALUES] = {sizeof(struct vagus_reading), 0},
    [SEGMENT_SERIES] = {SERIES_BLOCK_BYTES, 0}, /* whatever is left over */
    [SEGMENT_SIGNALS] = {sizeof(struct segment_signal), SEGMENT_SIGNALS_MAX},
    [SEGMENT_LISTENERS] = {sizeof(struct segment_listener), SEGMENT_LISTENERS_MAX},
    [SEGMENT_COLLECTORS] = {sizeof(struct segment_collector), SEGMENT_COLLECTORS_MAX},
    [SEGMENT_NOTES] = {sizeof(struct segment_note), SEGMENT_NOTES_MAX},
    [SEGMENT_BUDGETS] = {sizeof(struct segment_budget), SEGMENT_BUDGETS_MAX},
    [SEGMENT_CONTINUITY] = {sizeof(struct segment_continuity), 1},
    [SEGMENT_OPERATIONS] = {sizeof(struct segment_operation), SEGMENT_OPERATIONS_MAX},
    [SEGMENT_TICKETS] = {sizeof(struct segment_ticket), SEGMENT_TICKETS_MAX},
    [SEGMENT_CHAINS] = {sizeof(struct segment_chains), 0},
};

static uint64_t aligned(uint64_t bytes)
{
    return (bytes + 63) & ~UINT64_C(63);
}

/* A section's bytes: head and entries. The four stamped slots bring a head of the same size. */
static uint64_t section_bytes(const struct segment_extent *extent)
{
    return sizeof(struct segment_head) + (uint64_t)extent->entry_bytes * extent->capacity;
}

bool segment_lay_out(uint64_t bytes, uint32_t metrics_max,
                     struct segment_extent extents[SEGMENT_SECTION_COUNT])
{
    if (bytes < SEGMENT_BYTES_MIN || bytes > SEGMENT_BYTES_MAX || metrics_max == 0 ||
        metrics_max > METRICS_MAX)
        return false;
    uint64_t fixed = SEGMENT_HEADER_BYTES;
    for (int i = 0; i < SEGMENT_SECTION_COUNT; i++) {
        extents[i].entry_bytes = known[i].entry_bytes;
        extents[i].capacity = known[i].capacity != 0 ? known[i].capacity : metrics_max;
        if (i == SEGMENT_SERIES)
            extents[i].capacity = 0;
        fixed += aligned(section_bytes(&extents[i]));
    }
    uint64_t blocks = fixed < bytes ? (bytes - fixed) / SERIES_BLOCK_BYTES : 0;
    if (blocks < 2 * (uint64_t)metrics_max)
        return false;
    extents[SEGMENT_SERIES].capacity = (uint32_t)blocks;
    uint64_t offset = SEGMENT_HEADER_BYTES;
    for (int i = 0; i < SEGMENT_SECTION_COUNT; i++) {
        extents[i].offset = offset;
        extents[i].bytes = section_bytes(&extents[i]);
        offset += aligned(extents[i].bytes);
    }
    return true;
}

/* A section that the writer did not know: whoever reads it finds it empty. */
static bool is_absent(const struct segment_extent *extent)
{
    return extent->offset == 0 && extent->bytes == 0 && extent->entry_bytes == 0 &&
           extent->capacity == 0;
}

/* Whether entries of this size can be read: shorter ones of a writer that knew less, longer ones of
 * one that knew more. A block of a series is a code of its own. */
static bool is_readable(int id, uint32_t entry_bytes)
{
    if (id == SEGMENT_SERIES)
        return entry_bytes == SERIES_BLOCK_BYTES;
    uint32_t least = id == SEGMENT_SNAPSHOT ? offsetof(struct segment_slot, snapshot) + 8 : 8;
    return entry_bytes % 8 == 0 && entry_bytes >= least && entry_bytes <= ENTRY_BYTES_MAX;
}

static int extent_check(const struct segment_extent *extent, int id, uint64_t total_bytes)
{
    uint32_t most = id == SEGMENT_SERIES ? BLOCKS_MAX : METRICS_MAX;
    if (is_absent(extent))
        return id < SEGMENT_FIRST_SECTIONS ? VAGUS_ECORRUPT : 0;
    if (!is_readable(id, extent->entry_bytes) ||
        (id == SEGMENT_SNAPSHOT && extent->capacity != SEGMENT_SLOTS))
        return VAGUS_EVERSION;
    if (extent->capacity == 0 || extent->capacity > most)
        return VAGUS_ECORRUPT;
    if (extent->offset < SEGMENT_HEADER_BYTES || extent->offset % 64 != 0 ||
        extent->offset > total_bytes || extent->bytes > total_bytes - extent->offset ||
        extent->bytes < section_bytes(extent))
        return VAGUS_ECORRUPT;
    return 0;
}

uint32_t segment_entry_bytes(enum segment_section_id id)
{
    return known[id].entry_bytes;
}

int segment_header_check(struct segment_header *header, uint64_t file_bytes)
{
    if (header->magic != SEGMENT_MAGIC)
        return VAGUS_ECORRUPT;
    if (header->version != SEGMENT_VERSION)
        return VAGUS_EVERSION;
    if (header->header_bytes != SEGMENT_HEADER_BYTES || header->total_bytes != file_bytes ||
        file_bytes < SEGMENT_BYTES_MIN || file_bytes > SEGMENT_BYTES_MAX)
        return VAGUS_ECORRUPT;
    for (int i = 0; i < SEGMENT_SECTION_COUNT; i++) {
        int error = extent_check(&header->sections[i], i, file_bytes);
        if (error != 0)
            return error;
    }
    header->agent[sizeof(header->agent) - 1] = 0;
    header->program[sizeof(header->program) - 1] = 0;
    header->boot_id[sizeof(header->boot_id) - 1] = 0;
    header->library_version[sizeof(header->library_version) - 1] = 0;
    return 0;
}

_Static_assert(offsetof(struct segment_slots, slots) == sizeof(struct segment_head),
               "the slots begin where the entries of any section do");
