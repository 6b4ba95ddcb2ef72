/* SPDX-License-Identifier: Apache-2.0 */
/* What each rule is at, for who tries a policy. */
#include "judge/watch.h"

void judge_watched(const struct judge *judge,
                   void (*on_watched)(const struct judge_watched *watched, void *arg), void *arg)
{
    for (uint32_t i = 0; i < judge->rest_count; i++) {
        const struct watch *watch = judge->rests[i].watch;
        struct judge_watched watched = {.rule = watch->rule, .known = watch->known};
        for (unsigned s = 0; s < SEVERITIES; s++) {
            watched.raised[s] = watch_raised(watch, s);
            watched.escalated[s] = watched.raised[s] && watch->effects[s].escalated != 0;
        }
        on_watched(&watched, arg);
    }
}
