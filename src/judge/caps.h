/* SPDX-License-Identifier: Apache-2.0 */
/* The words that services read their caps from: static memory, so that a handle is harmless after
 * its monitor was closed. Each bears in its low bits the tag of the monitor that it belongs to. */
#ifndef JUDGE_CAPS_H
#define JUDGE_CAPS_H

#include "vagus/mode.h"

/* A place that is nobody's, with no limit in it; the handle is zeroed if there is none. */
struct vagus_cap cap_claim(uint32_t generation);
void cap_set(struct vagus_cap cap, double most);
/* From now on the handle limits nothing. */
void cap_free(struct vagus_cap cap);

#endif
