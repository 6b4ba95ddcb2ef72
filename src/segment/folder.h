/* SPDX-License-Identifier: Apache-2.0 */
/* The folder that segments lie in: whose it is, what it lies on, which files in it are segments,
 * and which of those may go. */
#ifndef SEGMENT_FOLDER_H
#define SEGMENT_FOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "segment/layout.h"

#define FOLDER_PATH_MAX 200 /* the final 0 included */
#define FOLDER_NAME_MAX 64  /* of a segment's file */

/* $XDG_RUNTIME_DIR/vagus if that folder is absolute, ours and on tmpfs; false and "" otherwise. */
bool folder_of_session(char path[FOLDER_PATH_MAX]);

/* /dev/shm/vagus-UID. */
void folder_of_user(char path[FOLDER_PATH_MAX]);

/* Opens a folder to make segments in, and makes it if it is not there: no link, ours, closed to
 * all others, on tmpfs or ramfs. A descriptor, or -1 with the reason in why. */
int folder_open(const char *path, char *why, size_t capacity);

/* Writes AGENT-STAMP.vagus, the stamp in 16 hexadecimal digits. */
void folder_file_name(char name[FOLDER_NAME_MAX], const char *agent, uint64_t stamp);

/* Writes the name under which a file is made ready before it gets its own. */
void folder_draft_name(char name[FOLDER_NAME_MAX], uint64_t stamp);

/* True for the name of a segment; its agent's name goes to `agent`. */
bool folder_is_segment(const char *name, char agent[SEGMENT_AGENT_MAX]);

/* Removes dead segments of one agent (NULL: of any), the oldest first, until `keep` are left or
 * `most` are removed. Files without a valid header count as the oldest. What is locked, is no
 * regular file of ours, or bears another kind of name is never touched. Returns how many went. */
unsigned folder_evict(int folder, const char *agent, uint32_t keep, unsigned most);

/* Removes dead segments of one agent whose last sign of life is older than this. Of one that cannot
 * be read that is the last change of its file. Returns how many went. */
unsigned folder_evict_older(int folder, const char *agent, int64_t wall_ns);

/* False if not even the removal of all dead segments would make room for so many bytes more. */
bool folder_has_room(int folder, uint64_t bytes);

/* Removes drafts whose makers died. */
void folder_sweep(int folder);

#endif
