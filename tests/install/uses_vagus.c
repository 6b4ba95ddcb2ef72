/* SPDX-License-Identifier: Apache-2.0 */
/* A program of somebody else: opens a monitor, records, reads back, closes. */
#include <stdio.h>
#include <string.h>
#include <vagus/vagus.h>

int main(void)
{
    struct vagus_monitor *monitor = NULL;
    int error = vagus_monitor_open(
        &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                        .agent_name = "consumer",
                                        .flags = VAGUS_STEPPED | VAGUS_ANONYMOUS_SEGMENT},
        &monitor);
    if (error != 0) {
        fprintf(stderr, "open: %s\n", vagus_error_message(error));
        return 1;
    }
    struct vagus_counter tokens = vagus_counter_define(
        monitor, &(struct vagus_metric_desc){
                     .name = "agent.tokens", .unit = "{token}", .help = "tokens used"});
    error = vagus_monitor_start(monitor);
    for (int i = 0; i < 100; i++)
        vagus_add(tokens, 5);
    uint64_t total = 0;
    if (error == 0)
        error = vagus_counter_total(tokens, &total);
    int closed = vagus_monitor_close(monitor);
    printf("%s: %d, %llu tokens, closed %d\n", vagus_version(), error, (unsigned long long)total,
           closed);
    return error == 0 && closed == 0 && total == 500 ? 0 : 1;
}
