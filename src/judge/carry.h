/* SPDX-License-Identifier: Apache-2.0 */
/* What budgets carry over a restart: the spending of windows that roll, as entries that lie in the
 * segment and in a small file. Pure but for the budgets themselves; files are the monitor's. */
#ifndef JUDGE_CARRY_H
#define JUDGE_CARRY_H

#include "base/boot.h"
#include "judge/budgets.h"
#include "segment/layout.h"
#include "segment/writer.h"

/* What one source says: a former segment, or the file. */
struct carry {
    uint32_t count;
    char boot_id[BOOT_ID_MAX];
    struct segment_budget entries[SEGMENT_BUDGETS_MAX];
};

/* The file: this head, then the entries. */
struct carry_file_head {
    char magic[8];
    uint32_t version, count;
    uint64_t checksum; /* of boot_id and entries */
    char boot_id[BOOT_ID_MAX];
};
#define CARRY_FILE_BYTES_MAX (sizeof(struct carry_file_head) + sizeof(struct carry))

/* The bytes of the file; how many. */
size_t carry_write(const struct carry *carry, void *bytes);
/* What a file says. VAGUS_ECORRUPT, VAGUS_EVERSION; *carry is untouched then. */
int carry_parse(const void *bytes, size_t size, struct carry *carry);

/* Whether every entry is a possible one: of a source that came from outside. */
bool carry_check(const struct carry *carry);

/* When and where it is, for the ages of what was spent. */
struct carry_now {
    int64_t now_ns, wall_ns;
    const char *boot_id;
};

/* Of all budgets whose window rolls, as of now. The sampler, or while it is at rest. */
void carry_of(struct budgets *budgets, const struct carry_now *now, struct carry *carry);

/* Puts into a budget that is new what the sources say was spent of it, the greater of both for each
 * sixtieth; a source may be NULL. What was spent never vanishes early: of the same boot, the
 * monotonic clock tells how old it is, else the clock on the wall, and a time to come is now.
 * Returns whether any source knew it. */
bool carry_restore(const struct carry *const sources[2], const struct carry_now *now,
                   struct budget *budget);
/* As if all of it had been spent just now. */
void carry_exhaust(struct budget *budget);

/* Mirrors into the segment what changed since. The sampler. */
void carry_mirror(struct budgets *budgets, const struct carry_now *now, struct segment *segment);

#endif
