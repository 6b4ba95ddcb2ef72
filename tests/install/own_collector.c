/* SPDX-License-Identifier: Apache-2.0 */
/* A program that brings a sense of its own to an installed vagus. */
#include <stdio.h>
#include <time.h>
#include <vagus/vagus.h>

struct room {
    double degrees;
};

static int room_open(struct vagus_collector *collector)
{
    struct room *room = vagus_collector_state(collector);
    room->degrees = *(const double *)vagus_collector_arg(collector);
    return 0;
}

static int room_sample(struct vagus_collector *collector, unsigned due)
{
    const struct room *room = vagus_collector_state(collector);
    if (due & (1u << VAGUS_TIER_100MS))
        vagus_put(collector, 0, 0, room->degrees);
    return 0;
}

static const struct vagus_metric_desc room_metrics[] = {
    {.name = "room.temperature",
     .unit = "Cel",
     .help = "temperature of the room",
     .kind = VAGUS_GAUGE,
     .tier = VAGUS_TIER_100MS},
};

int main(void)
{
    double degrees = 21.5;
    const struct vagus_collector_desc room = {
        .size = sizeof(room),
        .name = "room",
        .help = "the room that the robot stands in",
        .metrics = room_metrics,
        .metric_count = 1,
        .state_size = sizeof(struct room),
        .open = room_open,
        .sample = room_sample,
        .arg = &degrees,
    };
    struct vagus_monitor *monitor = NULL;
    struct vagus_reading reading = {0};
    int error = vagus_monitor_open(
        &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                        .agent_name = "consumer",
                                        .flags = VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT},
        &monitor);
    if (error == 0)
        error = vagus_collector_add(monitor, &room);
    if (error == 0)
        error = vagus_monitor_start(monitor);
    for (int step = 0; step < 100 && error == 0 && reading.taken_ns == 0; step++) {
        error = vagus_step(monitor, NULL);
        vagus_reading_get(monitor, "room.temperature", NULL, &reading);
        nanosleep(&(struct timespec){.tv_nsec = 20 * 1000 * 1000}, NULL);
    }
    printf("%s, %g\n", vagus_error_message(error), reading.value);
    return vagus_monitor_close(monitor) == 0 && error == 0 && reading.value == degrees ? 0 : 1;
}
