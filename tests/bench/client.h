/* SPDX-License-Identifier: Apache-2.0 */
/* The verbs of vagus-bench-client, the program that is linked to the shared library. Each returns
 * an exit status. */
#ifndef BENCH_CLIENT_H
#define BENCH_CLIENT_H

#include "measure.h"

struct vagus_monitor;

/* A started monitor that is stepped, without a file. Ends the program if there is none. */
struct vagus_monitor *client_open(unsigned flags);

struct vagus_monitor *client_open_with(unsigned flags, const char *policy);

void client_print(const struct contender *value, const struct contender *floor);

/* "reserve.1t", "take.2t". */
int client_budget(const char *verb);
/* "mode.cap". */
int client_mode(void);
int client_level(void);
int client_snapshot(void);
int client_snapshot_cold(void);
int client_health(bool json);

/* From the event to the callback. */
int client_instant(bool median);
int client_tier(void);

/* Runs a monitor as an agent would for so many seconds and prints what share of a core it took. */
int client_sample(unsigned long seconds);

/* The same of one that stands still near a limit, and of its reads alone. */
int client_near(unsigned long seconds);

/* Prints the resident memory of a process without its segment; idle: one that opened nothing. */
int client_rss(bool idle);

#endif
