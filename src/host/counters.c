/* SPDX-License-Identifier: Apache-2.0 */
/* Counters of the kernel made to run forward only. */
#include "host/counters.h"

/* Further than this no counter of 32 bits runs between two readings that are ten seconds apart,
 * short of 100 MB/s in bytes; such a wrap looks like a new start and adds too little. */
#define WRAP_MOST (UINT64_C(1) << 30)

/* A device that began anew shows it in most of its counters; a wrap is seen in one or two. */
static bool began_anew(const struct host_counter *counters, const uint64_t *now, size_t count)
{
    size_t used = 0, back = 0;
    for (size_t i = 0; i < count; i++) {
        used += counters[i].last > 0;
        back += now[i] < counters[i].last / 2;
    }
    return used > 1 && 2 * back > used;
}

static uint64_t grown(uint64_t now, uint64_t last)
{
    uint64_t wrapped = now + (UINT64_C(1) << 32) - last;
    if (now >= last || now - last < WRAP_MOST) /* modulo 2^64 */
        return now - last;
    if (last <= UINT32_MAX && wrapped < WRAP_MOST)
        return wrapped;
    /* From 0 up to here, if it began anew. Else a small step back, which is nothing. */
    return now < last / 2 ? now : 0;
}

bool host_counters_take(struct host_counter *counters, const uint64_t *now, size_t count,
                        bool known)
{
    bool anew = known && began_anew(counters, now, count);
    for (size_t i = 0; i < count; i++) {
        struct host_counter *c = &counters[i];
        c->grown = !known || anew ? now[i] : grown(now[i], c->last);
        if (!known)
            c->total = 0;
        if (__builtin_add_overflow(c->total, c->grown, &c->total))
            c->total = UINT64_MAX;
        c->last = now[i];
    }
    return known && !anew;
}
