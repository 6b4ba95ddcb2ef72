/* SPDX-License-Identifier: Apache-2.0 */
/* Small looks at files below a root, for what doctor does once. */
#ifndef CLI_DOCTOR_PLACE_H
#define CLI_DOCTOR_PLACE_H

#include <stdbool.h>
#include <stddef.h>

/* The beginning of a file, ended by 0; false with errno set. */
bool doctor_read(const char *root, const char *path, char *text, size_t capacity);
bool doctor_exists(const char *root, const char *path);

#endif
