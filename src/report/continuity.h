/* SPDX-License-Identifier: Apache-2.0 */
/* What is known of all runs of an agent name, from segment to segment. Pure functions. Times are by
 * the clock on the wall; one to come counts as now, so that a death is forgotten late rather than
 * early. */
#ifndef REPORT_CONTINUITY_H
#define REPORT_CONTINUITY_H

#include "segment/layout.h"

/* Whether an entry that came from outside is a possible one. */
bool continuity_check(const struct segment_continuity *entry);

/* Lets go of the deaths that lie a day back. */
void continuity_roll(struct segment_continuity *entry, int64_t wall_ns);

/* Whether the end of the run with this stamp was counted already; and that it is now. */
bool continuity_counted(const struct segment_continuity *entry, uint64_t stamp);
void continuity_mark(struct segment_continuity *entry, uint64_t stamp);

/* A run that ended then otherwise than closed. After continuity_roll(). */
void continuity_add_death(struct segment_continuity *entry, int64_t ended_wall_ns);

/* Deaths of the last so many minutes, at most a day of them: from the beginning of the minute that
 * lies so far back. After continuity_roll(). */
uint32_t continuity_deaths(const struct segment_continuity *entry, unsigned minutes);

/* As the snapshot tells it. */
void continuity_show(const struct segment_continuity *entry,
                     struct vagus_snapshot_continuity *shown);

#endif
