/* SPDX-License-Identifier: Apache-2.0 */
/* Spending as entries with times that mean something to another process, and back. Whatever is
 * uncertain counts as newer than it may be, so that it is forgotten late rather than early. */
#include "judge/carry.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

#define VERSION 1
#define WALL_MOVED_NS VAGUS_SECOND_NS /* less is the two clocks' drift */

static const char magic[8] = {'v', 'a', 'g', 'u', 's', 'b', 'u', 'd'};

_Static_assert(SEGMENT_BUDGET_BUCKETS == ALLOWANCE_BUCKETS, "an entry holds the whole window");
_Static_assert(SEGMENT_BUDGETS_MAX >= VAGUS_BUDGETS_MAX, "every budget has an entry");
_Static_assert(sizeof(struct carry_file_head) == 64, "the entries are aligned");

/* --- The file. --- */

/* FNV-1a, 64 bits: against damage, not against forgery; the folder is ours alone. */
static uint64_t checksum_of(const char boot_id[BOOT_ID_MAX], const struct segment_budget *entries,
                            uint32_t count)
{
    uint64_t sum = UINT64_C(14695981039346656037);
    const unsigned char *parts[2] = {(const unsigned char *)boot_id,
                                     (const unsigned char *)entries};
    size_t sizes[2] = {BOOT_ID_MAX, count * sizeof(*entries)};
    for (int part = 0; part < 2; part++)
        for (size_t i = 0; i < sizes[part]; i++)
            sum = (sum ^ parts[part][i]) * UINT64_C(1099511628211);
    return sum;
}

size_t carry_write(const struct carry *carry, void *bytes)
{
    struct carry_file_head head = {.version = VERSION, .count = carry->count};
    size_t size = carry->count * sizeof(carry->entries[0]);
    memcpy(head.magic, magic, sizeof(magic));
    memcpy(head.boot_id, carry->boot_id, sizeof(head.boot_id));
    head.checksum = checksum_of(carry->boot_id, carry->entries, carry->count);
    memcpy(bytes, &head, sizeof(head));
    memcpy((char *)bytes + sizeof(head), carry->entries, size);
    return sizeof(head) + size;
}

static bool entry_is_possible(const struct segment_budget *entry)
{
    if (memchr(entry->name, 0, sizeof(entry->name)) == NULL ||
        !text_is_name(entry->name, VAGUS_NAME_MAX - 1) || entry->window_ns < VAGUS_BUDGET_BUCKETS)
        return false;
    for (int i = 0; i < SEGMENT_BUDGET_BUCKETS; i++)
        if (entry->buckets[i] > VAGUS_AMOUNT_MAX)
            return false;
    return true;
}

bool carry_check(const struct carry *carry)
{
    for (uint32_t i = 0; i < carry->count; i++)
        if (!entry_is_possible(&carry->entries[i]))
            return false;
    return carry->count <= SEGMENT_BUDGETS_MAX;
}

int carry_parse(const void *bytes, size_t size, struct carry *carry)
{
    struct carry_file_head head;
    if (size < sizeof(head))
        return VAGUS_ECORRUPT;
    memcpy(&head, bytes, sizeof(head));
    if (memcmp(head.magic, magic, sizeof(magic)) != 0)
        return VAGUS_ECORRUPT;
    if (head.version != VERSION)
        return VAGUS_EVERSION;
    if (head.count > SEGMENT_BUDGETS_MAX ||
        size != sizeof(head) + head.count * sizeof(carry->entries[0]) ||
        memchr(head.boot_id, 0, sizeof(head.boot_id)) == NULL)
        return VAGUS_ECORRUPT;
    const struct segment_budget *entries = (const void *)((const char *)bytes + sizeof(head));
    struct segment_budget entry;
    if (checksum_of(head.boot_id, entries, head.count) != head.checksum)
        return VAGUS_ECORRUPT;
    for (uint32_t i = 0; i < head.count; i++) {
        memcpy(&entry, &entries[i], sizeof(entry));
        if (!entry_is_possible(&entry))
            return VAGUS_ECORRUPT;
    }
    carry->count = head.count;
    memcpy(carry->boot_id, head.boot_id, sizeof(head.boot_id));
    memcpy(carry->entries, entries, head.count * sizeof(entry));
    return 0;
}

/* --- From budgets. --- */

static int64_t sixtieth_of(const struct allowance *allowance)
{
    return allowance->window_ns / VAGUS_BUDGET_BUCKETS;
}

static void fill_entry(struct budget *budget, const struct carry_now *now,
                       struct segment_budget *entry)
{
    const struct allowance *a = budget->allowance;
    uint64_t spent = __atomic_load_n(&a->spent, __ATOMIC_ACQUIRE);
    int64_t apart_ns = now->wall_ns - now->now_ns;
    /* Kept while the clocks only drift, so that two entries of one run agree. */
    if (budget->apart_ns == 0 || llabs(apart_ns - budget->apart_ns) > WALL_MOVED_NS)
        budget->apart_ns = apart_ns;
    *entry = (struct segment_budget){.window_ns = a->window_ns, .limit = a->limit};
    text_copy(entry->name, sizeof(entry->name), a->name);
    entry->newest_end_ns = (a->newest + 1) * sixtieth_of(a);
    entry->newest_end_wall_ns = entry->newest_end_ns + budget->apart_ns;
    for (int i = 0; i < ALLOWANCE_BUCKETS; i++)
        entry->buckets[i] = a->buckets[allowance_place(a->newest - i)];
    entry->buckets[0] += spent - a->in_buckets;
}

void carry_of(struct budgets *budgets, const struct carry_now *now, struct carry *carry)
{
    carry->count = 0;
    text_copy(carry->boot_id, sizeof(carry->boot_id), now->boot_id);
    for (uint32_t i = 0; i < budgets->count; i++)
        if (budgets->entries[i].allowance->window_ns > 0)
            fill_entry(&budgets->entries[i], now, &carry->entries[carry->count++]);
}

void carry_mirror(struct budgets *budgets, const struct carry_now *now, struct segment *segment)
{
    struct segment_head *head = segment_head(segment, SEGMENT_BUDGETS);
    struct segment_budget *entries = segment_entries(segment, SEGMENT_BUDGETS);
    uint32_t place = 0;
    for (uint32_t i = 0; i < budgets->count; i++) {
        struct budget *budget = &budgets->entries[i];
        const struct allowance *a = budget->allowance;
        if (a->window_ns == 0)
            continue;
        uint64_t spent = __atomic_load_n(&a->spent, __ATOMIC_RELAXED);
        if (place < head->count && spent == budget->mirrored_spent &&
            a->newest == budget->mirrored_newest) {
            place++;
            continue;
        }
        struct segment_budget entry;
        fill_entry(budget, now, &entry);
        segment_write_begin(&head->stamp);
        entries[place++] = entry;
        if (head->count < place)
            head->count = place;
        head->updated_ns = now->now_ns;
        segment_write_end(&head->stamp);
        budget->mirrored_spent = spent;
        budget->mirrored_newest = a->newest;
    }
}

/* --- Into budgets. --- */

static const struct segment_budget *entry_of(const struct carry *carry, const char *name)
{
    for (uint32_t i = 0; carry != NULL && i < carry->count; i++)
        if (strcmp(carry->entries[i].name, name) == 0)
            return &carry->entries[i];
    return NULL;
}

/* The last moment of a sixtieth, on our monotonic clock: not after now, wherever the clock on the
 * wall was set to since. */
static int64_t last_ns_of(const struct carry *carry, const struct segment_budget *entry, int bucket,
                          const struct carry_now *now)
{
    bool same_boot = now->boot_id[0] != '\0' && strcmp(carry->boot_id, now->boot_id) == 0;
    int64_t end_ns = same_boot ? entry->newest_end_ns : entry->newest_end_wall_ns;
    int64_t back_ns, age_ns, at_ns;
    if (__builtin_mul_overflow(entry->window_ns / VAGUS_BUDGET_BUCKETS, (int64_t)bucket,
                               &back_ns) ||
        __builtin_sub_overflow(end_ns, back_ns + 1, &end_ns) ||
        __builtin_sub_overflow(same_boot ? now->now_ns : now->wall_ns, end_ns, &age_ns) ||
        __builtin_sub_overflow(now->now_ns, age_ns, &at_ns))
        return now->now_ns;
    return at_ns < now->now_ns ? at_ns : now->now_ns;
}

/* The sixtieth that a moment lies in, before time began too. */
static int64_t number_of(const struct allowance *a, int64_t at_ns)
{
    int64_t number = at_ns / sixtieth_of(a);
    return at_ns < 0 && at_ns % sixtieth_of(a) != 0 ? number - 1 : number;
}

static void spread(const struct carry *carry, const struct segment_budget *entry,
                   const struct carry_now *now, const struct allowance *a,
                   uint64_t amounts[ALLOWANCE_BUCKETS])
{
    for (int i = 0; i < SEGMENT_BUDGET_BUCKETS; i++) {
        int64_t back = a->newest - number_of(a, last_ns_of(carry, entry, i, now));
        if (back >= ALLOWANCE_BUCKETS)
            continue;
        back = back > 0 ? back : 0;
        amounts[back] += entry->buckets[i];
        if (amounts[back] > VAGUS_AMOUNT_MAX)
            amounts[back] = VAGUS_AMOUNT_MAX;
    }
}

/* So much lies in the bucket that is `back` before the newest. */
static void put_spent(struct budget *budget, int64_t back, uint64_t amount)
{
    struct allowance *a = budget->allowance;
    a->buckets[allowance_place(a->newest - back)] += amount;
    a->spent += amount;
    a->in_buckets += amount;
    allowance_add(a, budget->handle.generation, -(int64_t)amount);
}

bool carry_restore(const struct carry *const sources[2], const struct carry_now *now,
                   struct budget *budget)
{
    uint64_t most[ALLOWANCE_BUCKETS] = {0};
    uint64_t total = 0;
    bool known = false;
    for (int source = 0; source < 2; source++) {
        uint64_t amounts[ALLOWANCE_BUCKETS] = {0};
        const struct segment_budget *entry = entry_of(sources[source], budget->allowance->name);
        if (entry == NULL)
            continue;
        known = true;
        spread(sources[source], entry, now, budget->allowance, amounts);
        for (int i = 0; i < ALLOWANCE_BUCKETS; i++)
            most[i] = amounts[i] > most[i] ? amounts[i] : most[i];
    }
    for (int i = 0; i < ALLOWANCE_BUCKETS; i++) {
        /* The word that holds what is left has its ends. */
        uint64_t room = VAGUS_AMOUNT_MAX - total;
        uint64_t amount = most[i] < room ? most[i] : room;
        total += amount;
        if (amount > 0)
            put_spent(budget, i, amount);
    }
    return known;
}

void carry_exhaust(struct budget *budget)
{
    put_spent(budget, 0, budget->allowance->limit);
}
