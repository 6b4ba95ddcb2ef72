/* SPDX-License-Identifier: Apache-2.0 */
/* What follows from what was felt and what was not: one finding for each sense and reason. */
#include <math.h>

#include "cli/doctor.h"

static const struct {
    int32_t error;
    enum doctor_gravity gravity;
    const char *action;
} remedies[] = {
    {VAGUS_EPERM, DOCTOR_CHANGE,
     "run it as the user that may read them, or have the container mount them readable"},
    {VAGUS_EIO, DOCTOR_CHANGE,
     "read the files by hand: they are there and do not answer; a broken mount or lxcfs does that"},
    {VAGUS_EPARSE, DOCTOR_CHANGE,
     "report the files' contents: this build does not understand them"},
    {VAGUS_ERESOURCE, DOCTOR_CHANGE, "raise the limits on threads and descriptors (ulimit -u, -n)"},
    {VAGUS_ENOENT, DOCTOR_CHANGE, "make what the policy names, or take it out of the policy"},
    {VAGUS_EUNSUPPORTED, DOCTOR_FINE, ""},
};

/* One fact for each reason that something is not felt. */
static void judge_error(struct doctor *doctor, const struct doctor_sense *sense, int32_t error)
{
    char names[200];
    struct text text;
    unsigned count = 0;
    text_init(&text, names, sizeof(names));
    for (unsigned i = 0; i < sense->metric_count; i++) {
        const struct doctor_metric *metric = &sense->metric[i];
        if (metric->error != error || metric->state == VAGUS_STATE_OK)
            continue;
        if (count++ < 3)
            text_addf(&text, "%s%s", count > 1 ? ", " : "", metric->name);
    }
    if (count == 0)
        return;
    if (count > 3)
        text_addf(&text, " and %u more", count - 3);
    enum doctor_gravity gravity = DOCTOR_CHANGE;
    const char *action = "";
    for (size_t i = 0; i < sizeof(remedies) / sizeof(remedies[0]); i++)
        if (remedies[i].error == error) {
            gravity = remedies[i].gravity;
            action = remedies[i].action;
        }
    doctor_advise(doctor_add(doctor, DOCTOR_SENSES, gravity, sense->name, "%s: %s",
                             vagus_error_message(error), names),
                  "%s", action);
}

void doctor_judge_senses(struct doctor *doctor)
{
    for (unsigned i = 0; i < doctor->sense_count; i++) {
        const struct doctor_sense *sense = &doctor->senses[i];
        if (sense->hung) {
            doctor_advise(doctor_add(doctor, DOCTOR_SENSES, DOCTOR_CHANGE, sense->name,
                                     "does not answer; costs were not measured because of it"),
                          "find what hangs (a network mount, a driver): until then its readings "
                          "are stale");
            continue;
        }
        for (int32_t error = -1; error >= VAGUS_ERESOURCE; error--)
            judge_error(doctor, sense, error);
    }
    if (isnan(doctor->headroom_bytes))
        doctor_advise(doctor_add(doctor, DOCTOR_SENSES, DOCTOR_SERIOUS, "memory limit",
                                 "it cannot be told how much memory is left: %s",
                                 vagus_error_message(doctor->limit_error)),
                      "mount /proc and /sys/fs/cgroup readable, or declare limits.memory in the "
                      "policy");
    if (doctor->cpu_ratio > 0.005)
        doctor_advise(doctor_add(doctor, DOCTOR_COST, DOCTOR_CHANGE, "cost",
                                 "the monitor used %.2f %% of a core while it was watched",
                                 doctor->cpu_ratio * 100),
                      "look below which sense it is, and whether the machine is overloaded");
}
