/* SPDX-License-Identifier: Apache-2.0 */
/* How hot the CPU is and how fast it runs, where the machine tells: few virtual ones do. A driver
 * may ask its hardware and take milliseconds, so call these from a lane: they share nothing with
 * the other readers. For one thread at a time; nothing allocates. */
#ifndef HOST_SENSORS_H
#define HOST_SENSORS_H

#include "host/host.h"

/* In degrees Celsius, of the hottest package. 0, VAGUS_EUNSUPPORTED (no known sensor), VAGUS_EPERM,
 * VAGUS_EIO, VAGUS_EPARSE; the output is untouched then. */
int host_cpu_temperature(struct host *host, double *celsius);

/* The mean of up to eight CPUs, from cpufreq; else of the first ones in /proc/cpuinfo, where a
 * virtual machine tells its nominal one. */
int host_cpu_frequency(struct host *host, double *hertz);

/* The parsers alone, over any bytes, for tests and fuzzing. 0 or VAGUS_EPARSE. */
int host_parse_temperature(const char *text, size_t length, double *celsius);
/* VAGUS_EUNSUPPORTED: not a word about it, as on ARM. A cut end is passed over. */
int host_parse_cpuinfo_frequency(const char *text, size_t length, double *hertz);

#endif
