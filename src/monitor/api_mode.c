/* SPDX-License-Identifier: Apache-2.0 */
/* The public calls on modes and caps. */
#include <string.h>

#include "monitor/monitor.h"

int vagus_mode_read(struct vagus_monitor *monitor, struct vagus_snapshot_mode *mode)
{
    struct vagus_system_snapshot snapshot;
    if (mode == NULL)
        return VAGUS_EINVAL;
    int error =
        vagus_snapshot_copy(monitor, &snapshot, offsetof(struct vagus_system_snapshot, cpu));
    if (error == 0)
        *mode = snapshot.mode;
    return error;
}

uint32_t vagus_mode_index(const struct vagus_monitor *monitor)
{
    return monitor == NULL ? 0 : __atomic_load_n(&monitor->mode, __ATOMIC_ACQUIRE);
}

int vagus_mode_consent(struct vagus_monitor *monitor, const char *to)
{
    if (monitor == NULL || to == NULL)
        return VAGUS_EINVAL;
    if (!monitor_enter(monitor))
        return VAGUS_ECLOSED;
    pthread_mutex_lock(&monitor->step_lock); /* another policy may bring other modes */
    int error = modes_consent(&monitor->modes, to);
    pthread_mutex_unlock(&monitor->step_lock);
    monitor_leave();
    return error;
}

struct vagus_cap vagus_cap_find(struct vagus_monitor *monitor, const char *name)
{
    if (monitor == NULL || name == NULL || !monitor_enter(monitor))
        return (struct vagus_cap){0, 0};
    pthread_mutex_lock(&monitor->step_lock);
    struct vagus_cap cap = modes_cap(&monitor->modes, name);
    pthread_mutex_unlock(&monitor->step_lock);
    monitor_leave();
    return cap;
}
