/* SPDX-License-Identifier: Apache-2.0 */
/* Looking at a process's snapshot. */
#include "cli/live.h"

#include <time.h>

#define TRIES 5

int live_read(struct live *live)
{
    /* First whether it is alive: what is read afterwards of one that is not is its last word. */
    live->alive = segment_alive(&live->reader);
    int error = VAGUS_EAGAIN;
    for (int try = 0; try < TRIES && error == VAGUS_EAGAIN; try++) {
        if (try > 0) /* four tries of the reader all met a busy writer */
            nanosleep(&(struct timespec){.tv_nsec = 2 * VAGUS_MILLISECOND_NS}, NULL);
        error = segment_read_snapshot(&live->reader, &live->snapshot);
        if (!live->alive)
            break;
    }
    if (!live->alive && live->snapshot.good_until_ns > live->snapshot.published_ns)
        live->snapshot.good_until_ns = live->snapshot.published_ns;
    return error == VAGUS_EAGAIN ? 0 : error;
}

int live_attach(struct live *live, const struct cli_verb *verb, const char *dir,
                const char *process)
{
    int status = target_find(verb, dir, process, &live->target);
    if (status != CLI_OK)
        return status;
    int error = segment_attach(live->target.path, &live->reader);
    if (error == 0 && (error = live_read(live)) != 0)
        segment_detach(&live->reader);
    return error == 0 ? CLI_OK : target_unreadable(verb, live->target.path, error);
}

const char *live_end_words(const struct segment_header *header)
{
    return header->life == SEGMENT_CLOSED ? "closed in order" : "ended without closing";
}
