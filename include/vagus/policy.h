/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: checking a file without starting anything. */
#ifndef VAGUS_POLICY_H
#define VAGUS_POLICY_H

#include "base.h"

VAGUS_BEGIN_DECLS

struct vagus_monitor;

/* Reads a policy file and names every fault in it. 0 (warnings may stand in the list), or
 * VAGUS_EPOLICY, VAGUS_ENOENT, VAGUS_EIO, VAGUS_EPERM, VAGUS_ENOMEM, and the list (may be NULL)
 * says why. *rules (may be NULL) is how many rules it has, untouched on failure. `preset:NAME` is a
 * policy that is compiled in. Any thread. */
VAGUS_API int vagus_policy_check(const char *path, struct vagus_fault_list *faults,
                                 uint32_t *rules);

/* Puts another policy, or the same file as it is now (path NULL), into force while the monitor
 * runs. It is read, checked and built on the calling thread; the sampler swaps it in between two
 * looks. Rules that say the same under the same name keep their states; signals that no rule has a
 * reason for any more are cleared; budgets of the same name keep what was spent. What cannot change
 * while it runs is told as a warning: it takes effect at the next start. Returns when the policy is
 * in force (a stepped monitor's, and one asked for from the sampler's thread: at the next step); if
 * the sampler hangs, after a second. With any fault nothing changes, and health says why.
 * 0 or what vagus_policy_check() returns; VAGUS_ENOENT also if the monitor was opened without a
 * file and path is NULL; VAGUS_ESTATE before start, VAGUS_EFULL (budgets), VAGUS_ECLOSED. Any
 * thread, listeners' callbacks too. */
VAGUS_API int vagus_policy_reload(struct vagus_monitor *monitor, const char *path,
                                  struct vagus_fault_list *faults);

VAGUS_END_DECLS

#endif
