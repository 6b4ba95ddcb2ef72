/* SPDX-License-Identifier: Apache-2.0 */
/* cpu_sensors: how hot the CPU is and how fast it runs, where the machine tells. Drivers may be
 * slow to answer, so this sense works in a lane of its own. */
#include "host/sensors.h"
#include "vagus/collector.h"

enum { TEMPERATURE, FREQUENCY, METRIC_COUNT };

static const struct vagus_metric_desc table[METRIC_COUNT] = {
    [TEMPERATURE] = {.name = "cpu.temperature",
                     .unit = "Cel",
                     .help = "of the hottest CPU package",
                     .resource = "cpu",
                     .kind = VAGUS_GAUGE,
                     .tier = VAGUS_TIER_10S,
                     .resolution = 0.1},
    [FREQUENCY] = {.name = "system.cpu.frequency",
                   .unit = "Hz",
                   .help = "mean of up to eight CPUs; a virtual machine may tell the nominal one",
                   .resource = "cpu",
                   .kind = VAGUS_GAUGE,
                   .tier = VAGUS_TIER_10S,
                   .resolution = 1000},
};

static int take_sample(struct vagus_collector *collector, unsigned due)
{
    struct host *host = vagus_collector_arg(collector);
    double value = 0;
    (void)due; /* there is but one tier */
    int error = host_cpu_temperature(host, &value);
    vagus_put_result(collector, TEMPERATURE, 0, error, value);
    error = host_cpu_frequency(host, &value);
    vagus_put_result(collector, FREQUENCY, 0, error, value);
    return 0;
}

extern const struct vagus_collector_desc vagus__collector_cpu_sensors;
const struct vagus_collector_desc vagus__collector_cpu_sensors = {
    .size = sizeof(struct vagus_collector_desc),
    .name = "cpu_sensors",
    .help = "temperature and frequency of the CPU",
    .quickest = VAGUS_TIER_1S,
    .flags = VAGUS_COLLECTOR_BLOCKING,
    .metrics = table,
    .metric_count = METRIC_COUNT,
    .sample = take_sample,
};
