/* SPDX-License-Identifier: Apache-2.0 */
/* ./dev bench: runs the rows whose names begin with one of the arguments, or all, prints each as a
 * line of a table and writes all that were measured as JSON. No figure changes the exit status. */
#include <ftw.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bench.h"

static const struct bench_row rows[] = {
#define BENCH_ROW(name, unit, run, argument, most, times_floor, peer)                              \
    {name, unit, run, argument, most, times_floor, peer},
#include "bench.def"
#undef BENCH_ROW
};

#define ROWS (sizeof(rows) / sizeof(rows[0]))

static struct bench_result results[ROWS];
static bool colour;

/* --- The table --- */

/* Three significant digits, sizes in binary units. */
static const char *in_words(char text[32], double number, const char *unit)
{
    static const char *const sizes[] = {"B", "KiB", "MiB", "GiB"};
    unsigned size = 0;
    if (strcmp(unit, "B") == 0) {
        for (; fabs(number) >= 1024 && size < 3; size++)
            number /= 1024;
        unit = sizes[size];
    } else if (strcmp(unit, "instructions") == 0) {
        unit = "instr";
    }
    int decimals = fabs(number) >= 100 ? 0 : fabs(number) >= 10 ? 1 : fabs(number) >= 1 ? 2 : 3;
    if (isnan(number))
        snprintf(text, 32, "-");
    else
        snprintf(text, 32, "%.*f %s", decimals, number, unit);
    return text;
}

/* The tightest of the bounds that the row and its measurement give; NaN: none. */
static double bound_of(const struct bench_row *row, const struct bench_result *result)
{
    double bound = result->bound;
    if (row->most > 0)
        bound = fmin(bound, row->most);
    if (row->times_floor > 0)
        bound = fmin(bound, row->times_floor * result->floor);
    return bound;
}

static void print_head(void)
{
    struct utsname machine;
    char line[256], model[128] = "unknown CPU";
    FILE *cpuinfo = fopen("/proc/cpuinfo", "r");
    while (cpuinfo != NULL && fgets(line, sizeof(line), cpuinfo) != NULL)
        if (sscanf(line, "model name : %127[^\n]", model) == 1)
            break;
    if (cpuinfo != NULL)
        fclose(cpuinfo);
    if (uname(&machine) == 0)
        printf("%s, %ld CPUs, %s %s\n", model, sysconf(_SC_NPROCESSORS_ONLN), machine.sysname,
               machine.release);
    printf("%-36s %12s %12s %7s  %-18s %s\n", "", "value", "floor", "ratio", "bound", "peer");
}

static void print_row(const struct bench_row *row, const struct bench_result *result)
{
    char value[32], floor[32], ratio[32] = "-", bound[32], judged[48] = "-", peer[32];
    if (isnan(result->value)) {
        printf("%-36s %12s  %s\n", row->name, "not measured",
               result->why != NULL ? result->why : "");
        return;
    }
    double most = bound_of(row, result);
    bool over = result->value > most;
    if (result->floor > 0)
        snprintf(ratio, sizeof(ratio), "%.2f", result->value / result->floor);
    if (!isnan(most))
        snprintf(judged, sizeof(judged), "%s %s", over ? "over" : "ok  ",
                 in_words(bound, most, row->unit));
    printf("%-36s %12s %12s %7s  %s%-18s%s", row->name, in_words(value, result->value, row->unit),
           in_words(floor, result->floor, row->unit), ratio, over && colour ? "\033[31m" : "",
           judged, over && colour ? "\033[0m" : "");
    if (!isnan(result->peer))
        printf(" %s %s", row->peer, in_words(peer, result->peer, row->unit));
    putchar('\n');
}

/* --- JSON --- */

static void write_number(FILE *json, const char *key, double number)
{
    if (!isnan(number))
        fprintf(json, ", \"%s\": %.6g", key, number);
}

static bool write_json(const char *path)
{
    FILE *json = fopen(path, "w");
    const char *between = "\n";
    if (json == NULL)
        return false;
    fputs("{\"results\": [", json);
    for (size_t i = 0; i < ROWS; i++) {
        if (isnan(results[i].value))
            continue;
        fprintf(json, "%s  {\"name\": \"%s\", \"unit\": \"%s\"", between, rows[i].name,
                rows[i].unit);
        write_number(json, "value", results[i].value);
        write_number(json, "floor", results[i].floor);
        if (!isnan(results[i].peer))
            fprintf(json, ", \"peer\": \"%s\"", rows[i].peer);
        write_number(json, "peer_value", results[i].peer);
        fputc('}', json);
        between = ",\n";
    }
    fputs("\n]}\n", json);
    bool written = ferror(json) == 0;
    return fclose(json) == 0 && written;
}

/* --- A folder of its own for the segments of measured monitors --- */

static char folder[] = "/dev/shm/vagus-bench-XXXXXX";

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

static bool wanted(const struct bench_row *row, char *const prefixes[], int count)
{
    for (int i = 0; i < count; i++)
        if (strncmp(row->name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return count == 0;
}

static int usage(void)
{
    fputs("usage: vagus-bench [--json FILE] [ROW...]\nRows, any beginning of which will do:\n",
          stderr);
    for (size_t i = 0; i < ROWS; i++)
        fprintf(stderr, "  %s\n", rows[i].name);
    return 64;
}

int main(int argc, char **argv)
{
    const char *json = NULL;
    int first = 1;
    unsigned ran = 0;
    if (argc > 2 && strcmp(argv[1], "--json") == 0) {
        json = argv[2];
        first = 3;
    }
    bool has_folder = mkdtemp(folder) != NULL && setenv("XDG_RUNTIME_DIR", folder, 1) == 0;
    colour = isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL;
    for (size_t i = 0; i < ROWS; i++) {
        results[i] = (struct bench_result){NAN, NAN, NAN, NAN, NULL};
        if (!wanted(&rows[i], argv + first, argc - first))
            continue;
        if (ran++ == 0)
            print_head();
        rows[i].run(&rows[i], &results[i]);
        print_row(&rows[i], &results[i]);
        fflush(stdout);
    }
    if (has_folder)
        nftw(folder, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    if (ran == 0)
        return usage();
    if (json != NULL && !write_json(json)) {
        fprintf(stderr, "vagus-bench: %s could not be written\n", json);
        return 1;
    }
    return 0;
}
