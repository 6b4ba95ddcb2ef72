/* SPDX-License-Identifier: Apache-2.0 */
/* Reading a policy file that can be trusted to be its owner's. */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include <stddef.h>

#include "vagus/base.h"

/* The whole file, to be freed, with a final 0 that is not counted. Never blocks, whatever the path
 * leads to. VAGUS_ENOENT, VAGUS_EPERM, VAGUS_EIO, VAGUS_ENOMEM; a fault says what to do about it.
 */
int file_read(const char *path, struct vagus_fault_list *faults, char **text, size_t *length);

#endif
