/* SPDX-License-Identifier: Apache-2.0 */
/* A lane: a thread for work that may block for ever. Asking for the work and taking note of its end
 * never block, so a driver that hangs makes nothing else late. */
#ifndef SENSE_LANE_H
#define SENSE_LANE_H

#include <stdbool.h>
#include <stdint.h>

struct lane;
struct wake;

/* `work` runs in the lane each time it is requested. `release` runs once, in the lane too, since it
 * may hang as the work may: during lane_close(), or when a lane that was left behind returns. On
 * failure it does not run, and arg stays the caller's. */
int lane_create(const char *name, void (*work)(void *arg), void (*release)(void *arg), void *arg,
                struct lane **lane);

/* Asks for one run. False, and nothing happens, while the lane is at work or its last run was not
 * taken note of by lane_take(). Async-signal-safe. */
bool lane_request(struct lane *lane);

/* The same, and the lane rings this bell when the run is done and can be taken note of. For the
 * sampler, which alone asks this lane. The bell is static memory or NULL. */
bool lane_request_ring(struct lane *lane, struct wake *bell, uint32_t why);

/* True if a request would be taken: nothing of the lane's last run is still to come. */
bool lane_idle(const struct lane *lane);

/* True once after each run: what the run wrote may be read until the next request.
 * Async-signal-safe. */
bool lane_take(struct lane *lane);

/* When the run at work began (CLOCK_MONOTONIC), or 0. */
int64_t lane_busy_since_ns(const struct lane *lane);

/* CPU time that the lane ever used; the newest known if it is hard to tell. */
int64_t lane_cpu_ns(const struct lane *lane);

/* Tells the lane to end, and does not wait: before lane_close(), where there are several. */
void lane_end(struct lane *lane);

/* Ends the lane and has arg released; false if it did not come back by deadline_ns
 * (CLOCK_MONOTONIC) and was left behind. NULL is fine. The lane must not be used afterwards. */
bool lane_close(struct lane *lane, int64_t deadline_ns);

#endif
