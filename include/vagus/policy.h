/* SPDX-License-Identifier: Apache-2.0 */
/* Policies: checking a file without starting anything. */
#ifndef VAGUS_POLICY_H
#define VAGUS_POLICY_H

#include "base.h"

VAGUS_BEGIN_DECLS

/* Reads a policy file and names every fault in it. 0 (warnings may stand in the list), or
 * VAGUS_EPOLICY, VAGUS_ENOENT, VAGUS_EIO, VAGUS_EPERM, VAGUS_ENOMEM, and the list (may be NULL)
 * says why. *rules (may be NULL) is how many rules it has, untouched on failure. Any thread. */
VAGUS_API int vagus_policy_check(const char *path, struct vagus_fault_list *faults,
                                 uint32_t *rules);

VAGUS_END_DECLS

#endif
