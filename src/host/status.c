/* SPDX-License-Identifier: Apache-2.0 */
/* What the kernel keeps of memory and of this process beyond the first look: the files status,
 * vmstat, meminfo and oom_score*, each read whole and parsed in place. */
#include "host/status.h"

#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "host/inside.h"
#include "host/parse.h"

#define STAT_BYTES_MAX (UINT64_C(4) << 20)

static bool scaled(uint64_t number, uint64_t unit, uint64_t *product)
{
    return !__builtin_mul_overflow(number, unit, product);
}

/* One line that is looked for: its key, and where its number goes. */
struct wanted {
    const char *key;
    uint64_t unit;   /* 1024: the line must end in " kB" */
    uint64_t *value; /* HOST_UNTOLD until found */
};

static bool take(struct parse line, const struct wanted *wanted)
{
    uint64_t number;
    line.end++; /* the newline ends the number */
    if (!parse_u64(&line, &number) || (wanted->unit == 1024 && !parse_literal(&line, " kB")) ||
        !parse_equals(line, "\n"))
        return false;
    return scaled(number, wanted->unit, wanted->value) && *wanted->value != HOST_UNTOLD;
}

/* Finds each of the lines, in whatever order. A line that is cut or damaged spoils the whole. */
static bool find_lines(const char *text, size_t length, const struct wanted *wanted, size_t count)
{
    struct parse rest = parse_text(text, length), line;
    size_t missing = count;
    bool whole;
    for (size_t i = 0; i < count; i++)
        *wanted[i].value = HOST_UNTOLD;
    while (missing > 0 && parse_line(&rest, &line, &whole)) {
        for (size_t i = 0; i < count; i++) {
            struct parse after = line;
            if (*wanted[i].value != HOST_UNTOLD || !parse_literal(&after, wanted[i].key))
                continue;
            if (!whole || !take(after, &wanted[i]))
                return false;
            missing--;
            break;
        }
    }
    return true;
}

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

int host_parse_process_memory(const char *text, size_t length, struct host_process_memory *memory)
{
    struct host_process_memory m;
    const struct wanted lines[] = {
        {"VmLck:", 1024, &m.locked_bytes},      {"VmHWM:", 1024, &m.peak_bytes},
        {"RssAnon:", 1024, &m.anonymous_bytes}, {"VmSwap:", 1024, &m.swapped_bytes},
        {"HugetlbPages:", 1024, &m.huge_bytes},
    };
    if (!find_lines(text, length, lines, COUNT(lines)) || m.peak_bytes == HOST_UNTOLD)
        return VAGUS_EPARSE;
    *memory = m;
    return 0;
}

int host_process_memory(struct host *host, struct host_process_memory *memory)
{
    size_t length;
    int error =
        host_file_read(host, &host->self_status, host->scratch, sizeof(host->scratch), &length);
    return error != 0 ? error : host_parse_process_memory(host->scratch, length, memory);
}

int host_parse_paging(const char *text, size_t length, long page_bytes, struct host_paging *paging)
{
    struct host_paging p;
    uint64_t faults; /* every kernel counts them: a text without is no vmstat */
    const struct wanted lines[] = {{"pswpin ", (uint64_t)page_bytes, &p.in_bytes},
                                   {"pswpout ", (uint64_t)page_bytes, &p.out_bytes},
                                   {"pgfault ", 1, &faults}};
    if (!find_lines(text, length, lines, COUNT(lines)) || faults == HOST_UNTOLD ||
        (p.in_bytes != HOST_UNTOLD && p.in_bytes > INT64_MAX) ||
        (p.out_bytes != HOST_UNTOLD && p.out_bytes > INT64_MAX))
        return VAGUS_EPARSE; /* so that their sum is one, too */
    *paging = p;
    return 0;
}

int host_paging(struct host *host, struct host_paging *paging)
{
    size_t length;
    int error = host_file_read(host, &host->vmstat, host->scratch, sizeof(host->scratch), &length);
    return error != 0 ? error : host_parse_paging(host->scratch, length, host->page_bytes, paging);
}

int host_parse_memory_detail(const char *text, size_t length, struct host_memory_detail *detail)
{
    struct host_memory_detail d;
    uint64_t memory, swap, swap_free, total, idle, reserved, size;
    const struct wanted lines[] = {
        {"MemTotal:", 1024, &memory},      {"SwapTotal:", 1024, &swap},
        {"SwapFree:", 1024, &swap_free},   {"AnonHugePages:", 1024, &d.transparent_bytes},
        {"HugePages_Total:", 1, &total},   {"HugePages_Free:", 1, &idle},
        {"HugePages_Rsvd:", 1, &reserved}, {"Hugepagesize:", 1024, &size},
    };
    if (!find_lines(text, length, lines, COUNT(lines)) || memory == HOST_UNTOLD)
        return VAGUS_EPARSE;
    d.swap_used_bytes = d.huge_total_bytes = d.huge_free_bytes = d.huge_reserved_bytes =
        HOST_UNTOLD;
    if (swap != HOST_UNTOLD && swap_free != HOST_UNTOLD) {
        if (swap_free > swap)
            return VAGUS_EPARSE;
        d.swap_used_bytes = swap - swap_free;
    }
    if (total != HOST_UNTOLD && idle != HOST_UNTOLD && reserved != HOST_UNTOLD &&
        size != HOST_UNTOLD) {
        if (idle > total || !scaled(total, size, &d.huge_total_bytes) ||
            !scaled(idle, size, &d.huge_free_bytes) ||
            !scaled(reserved, size, &d.huge_reserved_bytes))
            return VAGUS_EPARSE;
    }
    *detail = d;
    return 0;
}

int host_memory_detail(struct host *host, struct host_memory_detail *detail)
{
    char text[4096];
    size_t length;
    int error = host_file_read(host, &host->meminfo, text, sizeof(text), &length);
    return error != 0 ? error : host_parse_memory_detail(text, length, detail);
}

int host_parse_switches(const char *text, size_t length, struct host_switches *switches)
{
    struct host_switches s;
    uint64_t threads;
    const struct wanted lines[] = {{"Threads:", 1, &threads},
                                   {"voluntary_ctxt_switches:", 1, &s.voluntary},
                                   {"nonvoluntary_ctxt_switches:", 1, &s.involuntary}};
    if (!find_lines(text, length, lines, COUNT(lines)) || threads == HOST_UNTOLD || threads == 0)
        return VAGUS_EPARSE;
    if (threads > 1 || s.voluntary == HOST_UNTOLD || s.involuntary == HOST_UNTOLD)
        return VAGUS_EUNSUPPORTED;
    *switches = s;
    return 0;
}

int host_switches(struct host *host, struct host_switches *switches)
{
    struct rusage usage;
    if (host->machine) {
        if (getrusage(RUSAGE_SELF, &usage) != 0)
            return VAGUS_EIO;
        *switches = (struct host_switches){.voluntary = (uint64_t)usage.ru_nvcsw,
                                           .involuntary = (uint64_t)usage.ru_nivcsw};
        return 0;
    }
    size_t length;
    int error =
        host_file_read(host, &host->self_status, host->scratch, sizeof(host->scratch), &length);
    return error != 0 ? error : host_parse_switches(host->scratch, length, switches);
}

int host_parse_signed_file(const char *text, size_t length, int64_t *value)
{
    struct parse rest = parse_text(text, length);
    bool negative = parse_literal(&rest, "-");
    uint64_t number;
    if (rest.at < rest.end && (*rest.at == ' ' || *rest.at == '\t'))
        return VAGUS_EPARSE;
    if (!parse_u64(&rest, &number) || !parse_equals(rest, "\n") || number > INT64_MAX)
        return VAGUS_EPARSE;
    *value = negative ? -(int64_t)number : (int64_t)number;
    return 0;
}

static int read_signed(struct host *host, struct host_file *file, int64_t least, int64_t most,
                       int64_t *value)
{
    char text[64];
    size_t length;
    int64_t number;
    int error = host_file_read(host, file, text, sizeof(text), &length);
    if (error == 0)
        error = host_parse_signed_file(text, length, &number);
    if (error == 0 && (number < least || number > most))
        error = VAGUS_EPARSE;
    if (error == 0)
        *value = number;
    return error;
}

int host_oom_score(struct host *host, uint64_t *score)
{
    int64_t number;
    /* The scale changed more than once; on none did it pass 2000 much. */
    int error = read_signed(host, &host->self_oom_score, 0, INT32_MAX, &number);
    if (error == 0)
        *score = (uint64_t)number;
    return error;
}

int host_oom_score_adj(struct host *host, int64_t *adjustment)
{
    return read_signed(host, &host->self_oom_score_adj, -1000, 1000, adjustment);
}

/* `btime` comes after a line for each CPU and one for all interrupts: pieces pass through. */
static int find_btime(struct host *host, uint64_t *seconds)
{
    size_t kept = 0, count;
    for (uint64_t offset = 0; offset < STAT_BYTES_MAX; offset += count) {
        int error = host_file_read_at(host, &host->stat, host->scratch + kept,
                                      sizeof(host->scratch) - kept, offset, &count);
        if (error != 0)
            return error;
        if (count == 0)
            break;
        struct parse rest = parse_text(host->scratch, kept + count), line;
        bool whole = true;
        kept = 0;
        while (parse_line(&rest, &line, &whole) && whole)
            if (parse_literal(&line, "btime"))
                return take(line, &(struct wanted){.unit = 1, .value = seconds}) ? 0 : VAGUS_EPARSE;
        if (!whole && (size_t)(line.end - line.at) < sizeof(host->scratch)) {
            kept = (size_t)(line.end - line.at);
            memmove(host->scratch, line.at, kept);
        }
    }
    return VAGUS_EPARSE;
}

int host_boot_wall_ns(struct host *host, uint64_t *wall_ns)
{
    struct timespec wall, boot;
    if (host->machine && clock_gettime(CLOCK_REALTIME, &wall) == 0 &&
        clock_gettime(CLOCK_BOOTTIME, &boot) == 0) {
        int64_t ns = (wall.tv_sec - boot.tv_sec) * VAGUS_SECOND_NS + wall.tv_nsec - boot.tv_nsec;
        if (ns <= 0)
            return VAGUS_EUNSUPPORTED; /* a machine whose clock was never set */
        *wall_ns = (uint64_t)ns;
        return 0;
    }
    uint64_t seconds, ns;
    int error = find_btime(host, &seconds);
    if (error != 0)
        return error;
    if (!scaled(seconds, (uint64_t)VAGUS_SECOND_NS, &ns))
        return VAGUS_EPARSE;
    *wall_ns = ns;
    return 0;
}
