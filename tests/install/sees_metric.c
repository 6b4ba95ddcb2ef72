/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a stepped monitor until the metric that is named has a good value. usage: sees_metric NAME
 */
#include <stdio.h>
#include <time.h>
#include <vagus/vagus.h>

int main(int argc, char **argv)
{
    struct vagus_monitor *monitor = NULL;
    struct vagus_reading reading = {0};
    int error = vagus_monitor_open(
        &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                        .agent_name = "consumer",
                                        .flags = VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT},
        &monitor);
    if (argc != 2 || error != 0)
        return 1;
    error = vagus_monitor_start(monitor);
    bool seen = false;
    for (int step = 0; step < 200 && error == 0 && !seen; step++) {
        int64_t next_ns = 0;
        error = vagus_step(monitor, &next_ns);
        seen = vagus_reading_get(monitor, argv[1], NULL, &reading) == 0 &&
               vagus_reading_state(&reading, vagus_now_ns()) == VAGUS_STATE_OK;
        nanosleep(&(struct timespec){.tv_nsec = seen ? 0 : 20 * 1000 * 1000}, NULL);
    }
    printf("%s: %s, %g\n", argv[1], seen ? "seen" : "never seen", reading.value);
    return vagus_monitor_close(monitor) == 0 && seen ? 0 : 1;
}
