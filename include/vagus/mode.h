/* SPDX-License-Identifier: Apache-2.0 */
/* Modes: what the agent is in (normal, alert, degraded, lockdown, recovery, or the policy's own),
 * derived from the raised signals, and the caps that hold in it. A service reads its cap in one
 * load each time before it begins something. */
#ifndef VAGUS_MODE_H
#define VAGUS_MODE_H

#include <string.h>

#include "base.h"

VAGUS_BEGIN_DECLS

struct vagus_monitor;

#define VAGUS_MODE_MAX 32 /* bytes of a mode's name, the final 0 included */

/* The mode in a snapshot, and how it came to be. */
struct vagus_snapshot_mode {
    char name[VAGUS_MODE_MAX];      /* "" in a snapshot of a writer that knew no modes */
    char before[VAGUS_MODE_MAX];    /* the one that was left for it; "" at first */
    char waits_for[VAGUS_MODE_MAX]; /* a transition there waits for consent; "" */
    int64_t since_ns;               /* monotonic */
    uint64_t changes;               /* ever */
    uint32_t index;                 /* in the order of the policy */
    uint32_t count;                 /* modes that there are */
    char unknown[64];               /* a metric that would have to be known for all to be clear, and
                                       is not, which holds a transition back; "" */
    uint64_t reserved[5];
};

/* The mode as of the newest step: a plain copy, as vagus_snapshot_read(). 0, VAGUS_EAGAIN,
 * VAGUS_ECLOSED, VAGUS_EINVAL; *mode is untouched on failure. */
VAGUS_API int vagus_mode_read(struct vagus_monitor *monitor, struct vagus_snapshot_mode *mode);

/* Its index alone, in one load; 0, the first mode, before start and after close. */
VAGUS_API uint32_t vagus_mode_index(const struct vagus_monitor *monitor);

/* Agrees to the transition to this mode which waits for it; the next step takes it, if its
 * condition still holds then. Any thread. VAGUS_ENOENT: there is no such mode; VAGUS_ESTATE: no
 * transition there is waiting; VAGUS_ECLOSED, VAGUS_EINVAL. */
VAGUS_API int vagus_mode_consent(struct vagus_monitor *monitor, const char *to);

/* A cap by its name. A zeroed one, and one of a closed monitor, limit nothing and are harmless. */
struct vagus_cap {
    uint32_t index;
    uint32_t tag;
};

#define VAGUS__CAPS 256
#define VAGUS__CAP_TAG UINT64_C(0xfff)
extern VAGUS_API uint64_t vagus__caps[VAGUS__CAPS];

/* Finds the cap of that name. One that no mode names is zeroed: it limits nothing. */
VAGUS_API struct vagus_cap vagus_cap_find(struct vagus_monitor *monitor, const char *name);

/* How much the present mode allows; INFINITY: it sets no limit. One load, on any thread, at any
 * time. Exact up to 2^41, to twelve digits beyond. */
static inline double vagus_cap_value(struct vagus_cap cap)
{
    uint64_t word = __atomic_load_n(&vagus__caps[cap.index % VAGUS__CAPS], __ATOMIC_RELAXED);
    double value;
    if (VAGUS_UNLIKELY(((word ^ cap.tag) & VAGUS__CAP_TAG) != 0))
        return __builtin_inf();
    word &= ~VAGUS__CAP_TAG;
    memcpy(&value, &word, sizeof(value));
    return value;
}

VAGUS_END_DECLS

#endif
