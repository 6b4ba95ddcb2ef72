/* SPDX-License-Identifier: Apache-2.0 */
/* Temperature by hwmon, else by a thermal zone; frequency by cpufreq, else by /proc/cpuinfo. */
#include "host/sensors.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/inside.h"
#include "host/parse.h"

#define ENTRIES_MAX 64 /* hwmon devices or thermal zones looked at */
#define CPUINFO_BYTES 4096

/* --- Finding them, at open --- */

/* The first word of a small file. */
static bool read_name(struct host *host, const char *path, char *name, size_t capacity)
{
    struct host_file file = {.name = path};
    char text[128];
    size_t length = 0;
    host_file_open(host, &file);
    bool told = file.error == 0 && host_file_read(host, &file, text, sizeof(text), &length) == 0;
    host_file_close(&file);
    struct parse rest = parse_text(text, length), word;
    if (!told || !parse_word(&rest, &word) || (size_t)(word.end - word.at) >= capacity)
        return false;
    memcpy(name, word.at, (size_t)(word.end - word.at));
    name[word.end - word.at] = '\0';
    return true;
}

/* Takes the sensor on if its file is there. */
static bool add(struct host *host, struct host_sensor *sensors, unsigned *count, const char *path)
{
    if (*count == HOST_SENSORS_MAX)
        return false;
    struct host_sensor *sensor = &sensors[*count];
    snprintf(sensor->path, sizeof(sensor->path), "%s", path);
    sensor->file = (struct host_file){.name = sensor->path};
    host_file_open(host, &sensor->file);
    if (sensor->file.error == VAGUS_EUNSUPPORTED)
        sensor->file = (struct host_file){0};
    else
        ++*count;
    return sensor->file.name != NULL;
}

static bool is_one_of(const char *name, const char *const *names)
{
    while (*names != NULL && strcmp(name, *names) != 0)
        names++;
    return *names != NULL;
}

/* The folders "<stem>0", "<stem>1" …: takes `reading` of those whose `label` is a known name. */
static void find_temperatures(struct host *host, const char *folder, const char *stem,
                              const char *label, const char *const *names,
                              const char *const *readings)
{
    struct host_sensors *sensors = &host->sensors;
    char path[96], name[32];
    if (faccessat(host->root_fd, folder, F_OK, 0) != 0)
        return;
    for (unsigned i = 0; i < ENTRIES_MAX; i++) {
        snprintf(path, sizeof(path), "%s/%s%u/%s", folder, stem, i, label);
        if (!read_name(host, path, name, sizeof(name)) || !is_one_of(name, names))
            continue;
        for (const char *const *reading = readings; *reading != NULL; reading++) {
            snprintf(path, sizeof(path), "%s/%s%u/%s", folder, stem, i, *reading);
            if (add(host, sensors->temperatures, &sensors->temperature_count, path))
                break;
        }
    }
}

static void find_frequencies(struct host *host)
{
    struct host_sensors *sensors = &host->sensors;
    struct host_file file = {.name = "sys/devices/system/cpu/online"};
    char text[1024], path[96];
    size_t length = 0;
    uint64_t cpus = 0;
    host_file_open(host, &file);
    if (file.error != 0 || host_file_read(host, &file, text, sizeof(text), &length) != 0 ||
        !parse_list_count(parse_text(text, length), &cpus))
        cpus = 1;
    host_file_close(&file);
    uint64_t step = (cpus + HOST_SENSORS_MAX - 1) / HOST_SENSORS_MAX;
    for (uint64_t cpu = 0; cpu < cpus; cpu += step) {
        snprintf(path, sizeof(path), "sys/devices/system/cpu/cpu%u/cpufreq/scaling_cur_freq",
                 (unsigned)cpu);
        add(host, sensors->frequencies, &sensors->frequency_count, path);
    }
}

void host_sensors_open(struct host *host)
{
    static const char *const chips[] = {"coretemp", "k10temp", "zenpower", "cpu_thermal", NULL};
    static const char *const inputs[] = {"temp1_input", "device/temp1_input",
                                         NULL}; /* old: below */
    static const char *const zones[] = {"x86_pkg_temp", "cpu-thermal", "cpu_thermal",
                                        "soc-thermal",  "soc_thermal", NULL};
    static const char *const zone_inputs[] = {"temp", NULL};
    find_temperatures(host, "sys/class/hwmon", "hwmon", "name", chips, inputs);
    if (host->sensors.temperature_count == 0)
        find_temperatures(host, "sys/class/thermal", "thermal_zone", "type", zones, zone_inputs);
    find_frequencies(host);
    host->sensors.cpuinfo.name = "proc/cpuinfo";
    if (host->sensors.frequency_count == 0)
        host_file_open(host, &host->sensors.cpuinfo);
    else
        host->sensors.cpuinfo = (struct host_file){0};
}

void host_sensors_close(struct host *host)
{
    for (unsigned i = 0; i < HOST_SENSORS_MAX; i++) {
        host_file_close(&host->sensors.temperatures[i].file);
        host_file_close(&host->sensors.frequencies[i].file);
    }
    host_file_close(&host->sensors.cpuinfo);
}

/* --- Reading them --- */

int host_parse_temperature(const char *text, size_t length, double *celsius)
{
    struct parse rest = parse_text(text, length);
    uint64_t thousandths;
    bool below = parse_literal(&rest, "-");
    if (rest.at == rest.end || *rest.at == ' ' || !parse_u64(&rest, &thousandths) ||
        *rest.at != '\n' || thousandths > 1000000) /* nothing that still counts is as hot */
        return VAGUS_EPARSE;
    *celsius = (double)thousandths / (below ? -1000 : 1000);
    return 0;
}

/* "cpu MHz		: 2999.998" of each CPU. */
int host_parse_cpuinfo_frequency(const char *text, size_t length, double *hertz)
{
    struct parse rest = parse_text(text, length), line, key;
    double sum = 0, megahertz;
    unsigned count = 0;
    bool whole;
    while (parse_line(&rest, &line, &whole) && whole) {
        struct parse name = line;
        if (!parse_literal(&name, "cpu MHz"))
            continue;
        line.end++; /* the newline ends the number */
        if (!parse_until(&line, ':', &key) || !parse_decimal(&line, &megahertz))
            return VAGUS_EPARSE;
        sum += megahertz;
        count++;
    }
    if (count == 0)
        return VAGUS_EUNSUPPORTED;
    *hertz = sum / count * 1e6;
    return 0;
}

int host_cpu_temperature(struct host *host, double *celsius)
{
    struct host_sensors *sensors = &host->sensors;
    double hottest = -1e9;
    int error = VAGUS_EUNSUPPORTED;
    for (unsigned i = 0; i < sensors->temperature_count; i++) {
        char text[64];
        size_t length;
        double one;
        error = host_file_read(host, &sensors->temperatures[i].file, text, sizeof(text), &length);
        if (error == 0)
            error = host_parse_temperature(text, length, &one);
        if (error != 0)
            return error; /* the hottest may be the one that is not known */
        hottest = one > hottest ? one : hottest;
    }
    if (error == 0)
        *celsius = hottest;
    return error;
}

static int frequency_of_cpuinfo(struct host *host, double *hertz)
{
    char text[CPUINFO_BYTES];
    size_t length;
    int error = host_file_read(host, &host->sensors.cpuinfo, text, sizeof(text), &length);
    return error != 0 ? error : host_parse_cpuinfo_frequency(text, length, hertz);
}

int host_cpu_frequency(struct host *host, double *hertz)
{
    struct host_sensors *sensors = &host->sensors;
    double sum = 0;
    unsigned count = 0;
    int error = 0, failed = 0;
    if (sensors->frequency_count == 0)
        return frequency_of_cpuinfo(host, hertz);
    for (unsigned i = 0; i < sensors->frequency_count; i++) {
        char text[64];
        size_t length;
        uint64_t kilohertz;
        error = host_file_read(host, &sensors->frequencies[i].file, text, sizeof(text), &length);
        if (error == 0 && !parse_number_file(text, length, &kilohertz))
            error = VAGUS_EPARSE;
        if (error != 0) {
            failed = error; /* that CPU may have gone offline: the others make the mean */
            continue;
        }
        sum += (double)kilohertz;
        count++;
    }
    if (count == 0)
        return failed;
    *hertz = sum / count * 1000;
    return 0;
}
