/* SPDX-License-Identifier: Apache-2.0 */
/* What a library leaves resident that was loaded for a moment. */
#ifndef BASE_LOADED_H
#define BASE_LOADED_H

#include <stddef.h>

/* How many objects the process has loaded. */
size_t loaded_count(void);

/* Of the objects that were loaded since there were `count`, gives back the pages that are as in
 * their files: whoever uses one again has it from there. Returns how many such objects it saw. */
size_t loaded_let_go(size_t count);

#endif
