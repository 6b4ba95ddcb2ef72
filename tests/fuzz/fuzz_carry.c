/* SPDX-License-Identifier: Apache-2.0 */
/* The file of spending: the first half of the inputs as it lies on the disk, the other half with
 * head and checksum put right, so that entries are reached. What is taken comes into a budget. */
#include <string.h>

#include "judge/carry.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void restore(const struct carry *carry)
{
    const struct carry *const sources[2] = {carry, NULL};
    struct carry_now now = {1000000, 2000000, "boot"};
    for (uint32_t i = 0; i < carry->count; i++) {
        struct budget budget = {.handle = {.generation = 9}};
        struct allowance *a = budget.allowance = allowance_claim(&budget.handle.index);
        if (a == NULL)
            __builtin_trap();
        int64_t word = a->word;
        *a = (struct allowance){
            .word = word, .limit = 1000, .trip = INT64_MIN, .window_ns = 86400 * VAGUS_SECOND_NS};
        memcpy(a->name, carry->entries[i].name, sizeof(a->name));
        allowance_open(a, budget.handle.generation, 1000);
        if (!carry_restore(sources, &now, &budget) || allowance_left(a) > 1000)
            __builtin_trap();
        allowance_shut(a, budget.handle.index);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct carry carry, made;
    static unsigned char bytes[CARRY_FILE_BYTES_MAX];
    if (carry_parse(data, size, &carry) == 0)
        restore(&carry);
    if (size < sizeof(made.entries[0]))
        return 0;
    memset(&made, 0, sizeof(made));
    made.count = (uint32_t)(size / sizeof(made.entries[0]));
    made.count = made.count < SEGMENT_BUDGETS_MAX ? made.count : SEGMENT_BUDGETS_MAX;
    memcpy(made.boot_id, "boot", 5);
    memcpy(made.entries, data, made.count * sizeof(made.entries[0]));
    if (carry_parse(bytes, carry_write(&made, bytes), &carry) == 0)
        restore(&carry);
    return 0;
}
