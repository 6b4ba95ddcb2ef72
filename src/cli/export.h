/* SPDX-License-Identifier: Apache-2.0 */
/* A black box as CSV files, in a folder that is new or empty. */
#ifndef CLI_EXPORT_H
#define CLI_EXPORT_H

#include "cli/cli.h"
#include "report/autopsy.h"

/* Writes all of it, each file for its owner alone; nothing is ever written over. CLI_OK, or
 * CLI_FAILED after a message: what was written until then is removed. *files: how many. */
int export_write(const struct cli_verb *verb, const char *dir, const struct autopsy *autopsy,
                 const struct segment_reader *reader, unsigned *files);

#endif
