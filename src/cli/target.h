/* SPDX-License-Identifier: Apache-2.0 */
/* The monitored process that a verb is about: -p PID|NAME, else the only one that runs. */
#ifndef CLI_TARGET_H
#define CLI_TARGET_H

#include "cli/cli.h"
#include "segment/reader.h"

/* Finds the segment of a process by its pid, as counted here or in its own PID namespace, by the
 * name of its agent or program, or, where there is a slash in it, by its file; wanted NULL:
 * the only one alive. One that runs goes before any that ended, of those the newest. dir as for
 * segment_list(). Returns CLI_OK; else, after a message on stderr that names the candidates,
 * CLI_NOT_FOUND, CLI_USAGE (several run) or CLI_FAILED, and *target is untouched. */
int target_find(const struct cli_verb *verb, const char *dir, const char *wanted,
                struct segment_found *target);

/* The same, but of those that match the newest that has ended goes before any that runs; the others
 * are named on stderr. wanted NULL: any. */
int target_find_ended(const struct cli_verb *verb, const char *dir, const char *wanted,
                      struct segment_found *target);

/* Says why a segment that was found cannot be read; returns CLI_NOT_FOUND if it is gone, else
 * CLI_UNREADABLE. */
int target_unreadable(const struct cli_verb *verb, const char *path, int error);

/* The reason alone: "it is a symbolic link, which is not followed". */
struct text;
void target_add_fault(struct text *text, const char *path, int error);

/* Says why a folder that was named cannot be listed; returns CLI_NOT_FOUND or CLI_FAILED. */
int target_cannot_look(const struct cli_verb *verb, const char *dir, int error);

/* Now, on the monotonic clock by which a segment was written: after a reboot, which begins that
 * clock anew, reckoned by wall clock. */
int64_t target_now_ns(const struct segment_header *header);

#endif
