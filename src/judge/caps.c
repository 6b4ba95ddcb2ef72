/* SPDX-License-Identifier: Apache-2.0 */
/* The words of the caps. A word of 0 is nobody's; no handle bears its tag but the zeroed one, which
 * leads to the first word, and that one is never given away. */
#include "judge/caps.h"

#include <math.h>

static uint64_t word_of(double most, uint32_t tag)
{
    uint64_t word;
    memcpy(&word, &most, sizeof(word));
    return (word & ~VAGUS__CAP_TAG) | tag;
}

uint64_t vagus__caps[VAGUS__CAPS] = {[0] = UINT64_C(0x7ff) << 52 /* infinity */};
static uint32_t next_index;

struct vagus_cap cap_claim(uint32_t generation)
{
    uint32_t tag = generation % (uint32_t)(VAGUS__CAP_TAG - 1) + 1;
    /* In turn, so that a handle that was kept too long meets no successor for as long as can be. */
    for (unsigned tries = 0; tries < VAGUS__CAPS; tries++) {
        uint32_t index = __atomic_fetch_add(&next_index, 1, __ATOMIC_RELAXED) % VAGUS__CAPS;
        uint64_t nobody = 0;
        if (__atomic_compare_exchange_n(&vagus__caps[index], &nobody, word_of(INFINITY, tag), false,
                                        __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
            return (struct vagus_cap){index, tag};
    }
    return (struct vagus_cap){0, 0};
}

void cap_set(struct vagus_cap cap, double most)
{
    if (cap.tag != 0)
        __atomic_store_n(&vagus__caps[cap.index], word_of(most, cap.tag), __ATOMIC_RELAXED);
}

void cap_free(struct vagus_cap cap)
{
    if (cap.tag != 0)
        __atomic_store_n(&vagus__caps[cap.index], 0, __ATOMIC_RELEASE);
}
