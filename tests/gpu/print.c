/* SPDX-License-Identifier: Apache-2.0 */
/* Prints what a monitor feels of this machine's GPUs, for compare.sh: "metric instance value" to a
 * line, and the state where there is no good value. usage: gpu_print [ROOT] */
#include <stdio.h>
#include <unistd.h>

#include "vagus/vagus.h"

#define GPUS 16

static const char *const metrics[] = {
    "hw.gpu.memory.limit",
    "hw.gpu.memory.usage",
    "hw.gpu.memory.free",
    "hw.gpu.utilization",
    "hw.gpu.power",
    "hw.gpu.power.limit",
    "hw.gpu.temperature",
    "hw.gpu.throttle.reasons",
    "hw.gpu.energy",
    "hw.gpu.ecc.corrected",
    "hw.gpu.ecc.uncorrected",
    "hw.gpu.mig.mode",
    "hw.gpu.numa_node",
    "hw.gpu.package",
    "process.gpu.memory.usage",
};

static void print_one(struct vagus_monitor *m, const char *name, const char *instance)
{
    struct vagus_reading reading;
    if (vagus_reading_get(m, name, instance, &reading) != 0)
        return;
    enum vagus_state state = vagus_reading_state(&reading, vagus_now_ns());
    printf("%s %s ", name, instance != NULL ? instance : "-");
    if (state == VAGUS_STATE_OK)
        printf("%.10g\n", reading.value);
    else
        printf("%s\n", vagus_state_name(state));
}

int main(int argc, char **argv)
{
    struct vagus_monitor *m = NULL;
    int error = vagus_monitor_open(
        &(struct vagus_monitor_options){.size = sizeof(struct vagus_monitor_options),
                                        .policy_text = "agent: compare\n",
                                        .host_root = argc > 1 ? argv[1] : NULL,
                                        .metrics_max = 2048,
                                        .flags = VAGUS_ANONYMOUS_SEGMENT},
        &m);
    if (error == 0)
        error = vagus_monitor_start(m);
    if (error != 0) {
        fprintf(stderr, "gpu_print: %s\n", vagus_error_message(error));
        return 1;
    }
    struct vagus_reading reading = {0};
    for (int i = 0; i < 300 && reading.taken_ns == 0 && reading.error == 0; i++) {
        usleep(100000); /* initialising a driver takes seconds where nothing else keeps it awake */
        vagus_reading_get(m, "gpu.nvidia.count", NULL, &reading);
    }
    sleep(2); /* readings of a driver that is awake */
    print_one(m, "gpu.nvidia.count", NULL);
    print_one(m, "vagus.gpu.call.duration", NULL);
    print_one(m, "vagus.gpu.connect.duration", NULL);
    for (int gpu = 0; gpu < GPUS; gpu++)
        for (size_t i = 0; i < sizeof(metrics) / sizeof(metrics[0]); i++)
            print_one(m, metrics[i],
                      (const char[]){(char)('0' + gpu / 10), (char)('0' + gpu % 10), '\0'} +
                          (gpu < 10));
    vagus_monitor_close(m);
    return 0;
}
