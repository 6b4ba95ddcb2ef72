/* SPDX-License-Identifier: Apache-2.0 */
/* The machine and this process as /proc tells: one pread of a file that stays open, one pass over
 * its text. */
#include "host/procfs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sched.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "host/inside.h"
#include "host/parse.h"

static bool scaled(uint64_t number, uint64_t unit, uint64_t *product)
{
    return !__builtin_mul_overflow(number, unit, product);
}

int host_parse_cpu_times(const char *text, size_t length, struct host_cpu_times *times)
{
    struct host_cpu_times t = {0};
    uint64_t *const states[] = {&t.user,   &t.nice, &t.system,  &t.idle,
                                &t.iowait, &t.irq,  &t.softirq, &t.steal};
    struct parse rest = parse_text(text, length);
    if (!parse_literal(&rest, "cpu "))
        return VAGUS_EPARSE;
    for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++) {
        if (i >= 4 && rest.at < rest.end && *rest.at == '\n')
            break; /* an old kernel */
        if (!parse_u64(&rest, states[i]))
            return VAGUS_EPARSE;
    }
    *times = t;
    return 0;
}

int host_cpu_times(struct host *host, struct host_cpu_times *times)
{
    char text[512];
    size_t length;
    int error = host_file_read(host, &host->stat, text, sizeof(text), &length);
    return error != 0 ? error : host_parse_cpu_times(text, length, times);
}

enum { MEM_TOTAL, MEM_FREE, MEM_AVAILABLE, CACHED, SHMEM, SWAP_TOTAL, SWAP_FREE, MEMINFO_KEYS };

/* "MemTotal:   24684084 kB". */
static bool meminfo_value(struct parse line, const char *key, uint64_t *bytes)
{
    uint64_t kib;
    return parse_literal(&line, key) && parse_u64(&line, &kib) && parse_equals(line, " kB") &&
           scaled(kib, 1024, bytes);
}

int host_parse_memory(const char *text, size_t length, bool with_swap, struct host_memory *memory)
{
    static const char *const keys[MEMINFO_KEYS] = {
        "MemTotal:", "MemFree:", "MemAvailable:", "Cached:", "Shmem:", "SwapTotal:", "SwapFree:"};
    uint64_t values[MEMINFO_KEYS] = {0};
    unsigned found = 0;
    const unsigned all =
        with_swap ? (1u << MEMINFO_KEYS) - 1 : 1u << MEM_TOTAL | 1u << MEM_AVAILABLE;
    struct parse rest = parse_text(text, length), line;
    while ((found & all) != all && parse_line(&rest, &line, NULL)) {
        for (unsigned i = 0; i < MEMINFO_KEYS; i++) {
            struct parse after = line;
            if ((found & 1u << i) != 0 || !parse_literal(&after, keys[i]))
                continue;
            if (!meminfo_value(line, keys[i], &values[i]))
                return VAGUS_EPARSE;
            found |= 1u << i;
            break;
        }
    }
    const unsigned estimate = 1u << MEM_FREE | 1u << CACHED,
                   swap = 1u << SWAP_TOTAL | 1u << SWAP_FREE;
    if ((found & 1u << MEM_TOTAL) == 0 || values[MEM_TOTAL] == 0)
        return VAGUS_EPARSE;
    struct host_memory m = {.total_bytes = values[MEM_TOTAL],
                            .available_bytes = values[MEM_AVAILABLE],
                            .swap_total_bytes = values[SWAP_TOTAL],
                            .swap_free_bytes = values[SWAP_FREE],
                            .swap_known = (found & swap) == swap};
    if ((found & 1u << MEM_AVAILABLE) == 0) {
        if ((found & estimate) != estimate)
            return VAGUS_EPARSE;
        uint64_t file = values[CACHED] > values[SHMEM] ? values[CACHED] - values[SHMEM] : 0;
        m.available_estimated = true;
        if (__builtin_add_overflow(values[MEM_FREE], file, &m.available_bytes))
            return VAGUS_EPARSE;
    }
    if (m.available_bytes > m.total_bytes)
        m.available_bytes = m.total_bytes;
    *memory = m;
    return 0;
}

static int read_memory(struct host *host, bool with_swap, struct host_memory *memory)
{
    char text[4096];
    size_t length;
    int error = host_file_read(host, &host->meminfo, text, sizeof(text), &length);
    return error != 0 ? error : host_parse_memory(text, length, with_swap, memory);
}

int host_memory(struct host *host, struct host_memory *memory)
{
    return read_memory(host, true, memory);
}

int host_memory_available(struct host *host, struct host_memory *memory)
{
    return read_memory(host, false, memory);
}

int host_parse_process(const char *text, size_t length, long page_bytes, long ticks_per_second,
                       struct host_process *process)
{
    /* The name in parentheses may itself hold spaces and parentheses. */
    const char *name_end = length > 0 ? memrchr(text, ')', length) : NULL;
    if (name_end == NULL)
        return VAGUS_EPARSE;
    struct parse rest = {name_end + 1, text + length};
    uint64_t user, system, start, pages, tick_ns = (uint64_t)(VAGUS_SECOND_NS / ticks_per_second);
    struct host_process p;
    if (!parse_skip_words(&rest, 9) || !parse_u64(&rest, &p.major_faults) ||
        !parse_skip_words(&rest, 1) || !parse_u64(&rest, &user) || !parse_u64(&rest, &system) ||
        !parse_skip_words(&rest, 4) || !parse_u64(&rest, &p.threads) ||
        !parse_skip_words(&rest, 1) || !parse_u64(&rest, &start) ||
        !parse_u64(&rest, &p.virtual_bytes) || !parse_u64(&rest, &pages))
        return VAGUS_EPARSE;
    uint64_t ticks;
    if (p.virtual_bytes == 0)
        return VAGUS_EPARSE; /* as below */
    if (__builtin_add_overflow(user, system, &ticks) || !scaled(ticks, tick_ns, &p.cpu_ns) ||
        !scaled(start, tick_ns, &p.started_ns) ||
        !scaled(pages, (uint64_t)page_bytes, &p.resident_bytes))
        return VAGUS_EPARSE;
    *process = p;
    return 0;
}

int host_process(struct host *host, struct host_process *process)
{
    char text[1024];
    size_t length;
    int error = host_file_read(host, &host->self_stat, text, sizeof(text), &length);
    return error != 0 ? error
                      : host_parse_process(text, length, host->page_bytes, host->ticks_per_second,
                                           process);
}

int host_parse_process_size(const char *text, size_t length, long page_bytes,
                            struct host_process_size *size)
{
    struct parse rest = parse_text(text, length);
    struct host_process_size s;
    uint64_t virtual_pages, resident_pages;
    if (!parse_u64(&rest, &virtual_pages) || !parse_u64(&rest, &resident_pages) ||
        !scaled(virtual_pages, (uint64_t)page_bytes, &s.virtual_bytes) ||
        !scaled(resident_pages, (uint64_t)page_bytes, &s.resident_bytes))
        return VAGUS_EPARSE;
    /* Once the main thread has left by pthread_exit() the kernel tells zeros of the whole process,
     * though its other threads live and fill memory: that is not known, not nothing. */
    if (s.virtual_bytes == 0)
        return VAGUS_EPARSE;
    *size = s;
    return 0;
}

int host_process_size(struct host *host, struct host_process_size *size)
{
    char text[256];
    size_t length;
    int error = host_file_read(host, &host->self_statm, text, sizeof(text), &length);
    return error != 0 ? error : host_parse_process_size(text, length, host->page_bytes, size);
}

int host_process_cpu_ns(struct host *host, uint64_t *cpu_ns)
{
    struct timespec t;
    if (host->machine && clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t) == 0) {
        *cpu_ns = (uint64_t)t.tv_sec * (uint64_t)VAGUS_SECOND_NS + (uint64_t)t.tv_nsec;
        return 0;
    }
    struct host_process process;
    int error = host_process(host, &process);
    if (error == 0)
        *cpu_ns = process.cpu_ns;
    return error;
}

int host_uptime_ns(struct host *host, uint64_t *uptime_ns)
{
    struct timespec t;
    if (host->machine && clock_gettime(CLOCK_BOOTTIME, &t) == 0) {
        *uptime_ns = (uint64_t)t.tv_sec * (uint64_t)VAGUS_SECOND_NS + (uint64_t)t.tv_nsec;
        return 0;
    }
    char text[128];
    size_t length;
    double seconds;
    int error = host_file_read(host, &host->uptime, text, sizeof(text), &length);
    if (error != 0)
        return error;
    struct parse rest = parse_text(text, length);
    if (!parse_decimal(&rest, &seconds) || seconds > 9e9)
        return VAGUS_EPARSE;
    *uptime_ns = (uint64_t)(seconds * 1e9 + 0.5);
    return 0;
}

int host_procfs_load(struct host *host, double *load_1m)
{
    char text[128];
    size_t length;
    int error = host_file_read(host, &host->loadavg, text, sizeof(text), &length);
    if (error != 0)
        return error;
    struct parse rest = parse_text(text, length);
    return parse_decimal(&rest, load_1m) ? 0 : VAGUS_EPARSE;
}

static bool soft_limit(struct parse line, uint64_t *limit)
{
    while (line.at < line.end && *line.at == ' ')
        line.at++;
    if (parse_literal(&line, "unlimited ")) {
        *limit = HOST_UNLIMITED;
        return true;
    }
    return parse_u64(&line, limit);
}

int host_parse_limits(const char *text, size_t length, struct host_limits *limits)
{
    struct host_limits found;
    bool space = false, descriptors = false;
    struct parse rest = parse_text(text, length), line;
    while (!(space && descriptors) && parse_line(&rest, &line, NULL)) {
        bool known = true;
        if (parse_literal(&line, "Max address space "))
            known = space = soft_limit(line, &found.address_space_bytes);
        else if (parse_literal(&line, "Max open files "))
            known = descriptors = soft_limit(line, &found.descriptors);
        if (!known)
            return VAGUS_EPARSE;
    }
    if (!space || !descriptors)
        return VAGUS_EPARSE;
    *limits = found;
    return 0;
}

int host_limits(struct host *host, struct host_limits *limits)
{
    char text[2048];
    size_t length;
    int error = host_file_read(host, &host->self_limits, text, sizeof(text), &length);
    return error != 0 ? error : host_parse_limits(text, length, limits);
}

/* Lists the folder by the raw call, since opendir() allocates. */
static int list_descriptors(struct host *host, uint64_t *count)
{
    uint64_t found = 0;
    if (lseek(host->descriptors_fd, 0, SEEK_SET) != 0)
        return VAGUS_EIO;
    for (;;) {
        long bytes =
            syscall(SYS_getdents64, host->descriptors_fd, host->scratch, sizeof(host->scratch));
        if (bytes < 0)
            return VAGUS_EIO;
        if (bytes == 0)
            break;
        for (long at = 0; at < bytes;) {
            struct dirent64 *entry = (struct dirent64 *)(void *)(host->scratch + at);
            found += entry->d_name[0] != '.';
            at += entry->d_reclen;
        }
        if (found > HOST_DESCRIPTORS_LISTED_MAX)
            return VAGUS_EFULL;
    }
    if (found == 0 && host->machine)
        return VAGUS_EIO; /* the one that looks is missing: as with the sizes above */
    *count = found;
    return 0;
}

int host_descriptor_count(struct host *host, uint64_t *count)
{
    if (host->descriptors_fd < 0)
        return host->descriptors_error;
    if (host->on_read != NULL)
        host->on_read(host->on_read_arg, "proc/self/fd");
    struct stat s;
    if (host->descriptors_by_size && fstat(host->descriptors_fd, &s) == 0 && s.st_size > 0) {
        *count = (uint64_t)s.st_size;
        return 0;
    }
    return list_descriptors(host, count);
}

/* "Cpus_allowed_list:	0-3,8". */
static int affinity_from_status(struct host *host, uint64_t *cpus)
{
    size_t length;
    int error =
        host_file_read(host, &host->self_status, host->scratch, sizeof(host->scratch), &length);
    if (error != 0)
        return error;
    struct parse rest = parse_text(host->scratch, length), line;
    bool whole;
    while (parse_line(&rest, &line, &whole))
        if (parse_literal(&line, "Cpus_allowed_list:\t"))
            return whole && parse_list_count(line, cpus) ? 0 : VAGUS_EPARSE;
    return VAGUS_EPARSE;
}

int host_cpus(struct host *host, uint64_t *cpus)
{
    long online = host->machine ? sysconf(_SC_NPROCESSORS_ONLN) : -1;
    if (online <= 0)
        return VAGUS_EUNSUPPORTED;
    *cpus = (uint64_t)online;
    return 0;
}

int host_affinity(struct host *host, uint64_t *cpus)
{
    if (!host->machine)
        return affinity_from_status(host, cpus);
    /* Room for 16,384 CPUs: the kernel refuses a mask that is smaller than its own. */
    cpu_set_t mask[16];
    if (sched_getaffinity(getpid(), sizeof(mask), mask) != 0)
        return errno == EPERM ? VAGUS_EPERM : VAGUS_EIO;
    *cpus = (uint64_t)CPU_COUNT_S(sizeof(mask), mask);
    return 0;
}

static void open_descriptors(struct host *host)
{
    host->descriptors_fd =
        openat(host->root_fd, "proc/self/fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
    if (host->descriptors_fd < 0) {
        host->descriptors_error = errno == EACCES || errno == EPERM     ? VAGUS_EPERM
                                  : errno == ENOENT || errno == ENOTDIR ? VAGUS_EUNSUPPORTED
                                                                        : VAGUS_EIO;
        return;
    }
    /* On any other file system than proc the size of a folder says nothing of the kind. */
    struct statfs f;
    host->descriptors_by_size =
        fstatfs(host->descriptors_fd, &f) == 0 && f.f_type == PROC_SUPER_MAGIC;
}

void host_procfs_open(struct host *host)
{
    const struct {
        struct host_file *file;
        const char *name;
        bool injected_only; /* of the machine itself a system call tells the same */
    } files[] = {
        {&host->stat, "proc/stat", false},
        {&host->meminfo, "proc/meminfo", false},
        {&host->loadavg, "proc/loadavg", false},
        {&host->uptime, "proc/uptime", true},
        {&host->self_stat, "proc/self/stat", false},
        {&host->self_statm, "proc/self/statm", false},
        {&host->self_limits, "proc/self/limits", false},
        {&host->self_status, "proc/self/status", false},
        {&host->self_cgroup, "proc/self/cgroup", false},
        {&host->self_mountinfo, "proc/self/mountinfo", false},
        {&host->vmstat, "proc/vmstat", false},
        {&host->self_oom_score, "proc/self/oom_score", false},
        {&host->self_oom_score_adj, "proc/self/oom_score_adj", false},
    };
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        if (files[i].injected_only && host->machine)
            continue;
        files[i].file->name = files[i].name;
        host_file_open(host, files[i].file);
    }
    open_descriptors(host);
}

void host_procfs_close(struct host *host)
{
    struct host_file *const files[] = {&host->stat,
                                       &host->meminfo,
                                       &host->loadavg,
                                       &host->uptime,
                                       &host->self_stat,
                                       &host->self_statm,
                                       &host->self_limits,
                                       &host->self_status,
                                       &host->self_cgroup,
                                       &host->self_mountinfo,
                                       &host->vmstat,
                                       &host->self_oom_score,
                                       &host->self_oom_score_adj};
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
        host_file_close(files[i]);
    if (host->descriptors_fd >= 0)
        close(host->descriptors_fd);
}
