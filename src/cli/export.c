/* SPDX-License-Identifier: Apache-2.0 */
/* Writing CSV: RFC 4180, a heading in each file, times as seconds since 1970. A cell that a
 * spreadsheet would take for a formula is written with an apostrophe before it. */
#include "cli/export.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "metrics/outside.h"
#include "report/findings.h"

#define FILES_MAX (65536 + 8) /* a segment has no more metrics */
#define NAME_BYTES 96

struct export
{
    const struct autopsy *autopsy;
    const struct segment_reader *reader;
    int dir;
    bool made; /* the folder */
    int error; /* errno of what went wrong; 0 */
    char failed[NAME_BYTES];
    FILE *out; /* the file being written */
    unsigned count;
    char(*names)[NAME_BYTES];
    int64_t apart_ns; /* the wall's clock from the writer's */
};

/* --- Files. --- */

static bool begin_file(struct export *export, const char *name)
{
    if (export->error != 0 || export->count == FILES_MAX)
        return false;
    int fd = openat(export->dir, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    export->out = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (export->out == NULL) {
        export->error = errno != 0 ? errno : EIO;
        snprintf(export->failed, sizeof(export->failed), "%s", name);
        if (fd >= 0)
            close(fd);
        return false;
    }
    snprintf(export->names[export->count++], NAME_BYTES, "%s", name);
    return true;
}

static void end_file(struct export *export)
{
    errno = 0;
    bool good = fflush(export->out) == 0 && !ferror(export->out);
    int error = errno;
    good = fclose(export->out) == 0 && good;
    if (good || export->error != 0)
        return;
    export->error = error != 0 ? error : errno != 0 ? errno : EIO;
    snprintf(export->failed, sizeof(export->failed), "%s", export->names[export->count - 1]);
}

static void put_cell(struct export *export, const char *value)
{
    fputc('"', export->out);
    if (value[0] != '\0' && strchr("=+-@\t\r", value[0]) != NULL)
        fputc('\'', export->out);
    for (const char *c = value; *c != '\0'; c++) {
        if (*c == '"')
            fputc('"', export->out);
        fputc(*c, export->out);
    }
    fputc('"', export->out);
}

static void put_number(struct export *export, double value)
{
    char digits[64];
    struct text text;
    text_init(&text, digits, sizeof(digits));
    if (isfinite(value)) /* the same digits whatever the locale says */
        text_add_json_number(&text, value);
    fputs(digits, export->out);
}

/* A time of the writer, by the clock on the wall. */
static void put_time(struct export *export, int64_t at_ns)
{
    int64_t wall_ns;
    if (at_ns == 0 || __builtin_add_overflow(at_ns, export->apart_ns, &wall_ns) || wall_ns < 0)
        return;
    fprintf(export->out, "%" PRId64 ".%03d", wall_ns / VAGUS_SECOND_NS,
            (int)(wall_ns / VAGUS_MILLISECOND_NS % 1000));
}

static void put_comma(struct export *export)
{
    fputc(',', export->out);
}

/* --- Series. --- */

static void on_entry(const struct block_entry *entry, int64_t width_ns, void *arg)
{
    struct export *export = arg;
    int64_t end_ns;
    if (entry->count == 0 || __builtin_add_overflow(entry->at_ns, width_ns, &end_ns))
        return;
    put_time(export, end_ns);
    put_comma(export);
    put_number(export, (double)width_ns / 1e9);
    fprintf(export->out, ",%u,", (unsigned)entry->count);
    put_number(export, entry->sum / entry->count);
    put_comma(export);
    put_number(export, entry->min);
    put_comma(export);
    put_number(export, entry->max);
    put_comma(export);
    put_number(export, entry->last);
    fputs("\r\n", export->out);
}

/* "memory.usage.csv"; with an instance, or anything else that no file name should hold, by number,
 * too: metrics.csv says which is which. */
static void file_name(char name[NAME_BYTES], const struct segment_metric *metric, uint32_t index)
{
    char clean[VAGUS_NAME_MAX];
    bool plain = metric->instance[0] == '\0' && metric->name[0] != '.';
    snprintf(clean, sizeof(clean), "%s", metric->name);
    for (char *c = clean; *c != '\0'; c++)
        if (!islower((unsigned char)*c) && !isdigit((unsigned char)*c) &&
            strchr("._-", *c) == NULL) {
            *c = '_';
            plain = false;
        }
    if (plain)
        snprintf(name, NAME_BYTES, "series-%s.csv", clean);
    else
        snprintf(name, NAME_BYTES, "series-%s-%u.csv", clean, index);
}

static void write_series(struct export *export, const struct segment_metric *metric, uint32_t index,
                         const char *name)
{
    uint32_t room = outside_blocks_max(export->reader);
    struct outside_block *blocks = calloc((size_t)room + 1, sizeof(*blocks));
    if (blocks == NULL) {
        export->error = ENOMEM;
        return;
    }
    uint32_t count = outside_list(export->reader, index, blocks);
    if (count > 0 && begin_file(export, name)) {
        fputs("unix_s,width_s,count,mean,min,max,last\r\n", export->out);
        outside_walk(export->reader, index, metric->resolution, blocks, count, INT64_MIN, INT64_MAX,
                     on_entry, export);
        end_file(export);
    }
    free(blocks);
}

static void put_metric(struct export *export, const struct segment_metric *metric, const char *name)
{
    static const char *const kinds[] = {"?", "counter", "gauge", "histogram"};
    const char *cells[] = {name,          metric->name,
                           metric->label, metric->instance,
                           metric->unit,  kinds[metric->kind <= VAGUS_HISTOGRAM ? metric->kind : 0],
                           metric->help};
    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
        if (i > 0)
            put_comma(export);
        put_cell(export, cells[i]);
    }
    fputs("\r\n", export->out);
}

/* First the list of them, then a file for each that has any history. */
static void write_metrics(struct export *export)
{
    for (int pass = 0; pass < 2; pass++) {
        uint64_t got = 1;
        if (pass == 0 && !begin_file(export, "metrics.csv"))
            return;
        if (pass == 0)
            fputs("file,metric,label,instance,unit,kind,help\r\n", export->out);
        for (uint32_t i = 0; got == 1 && export->error == 0; i++) {
            struct segment_metric metric;
            char name[NAME_BYTES];
            if (segment_read_entries(export->reader, SEGMENT_DIRECTORY, i, 1, &metric, &got,
                                     NULL) != 0 ||
                got == 0)
                break;
            file_name(name, &metric, i);
            if (pass == 0)
                put_metric(export, &metric, name);
            else
                write_series(export, &metric, i, name);
        }
        if (pass == 0)
            end_file(export);
    }
}

/* --- The rest. --- */

static void put_transition(struct export *export, const struct segment_signal *entry)
{
    const struct vagus_signal *signal = &entry->signal;
    bool mode = signal->kind == VAGUS_MODE_CHANGE;
    const char *cells[] = {mode ? "mode" : vagus_signal_kind_name(signal->kind),
                           mode ? "" : report_change_name(signal->change),
                           signal->resource,
                           signal->rule,
                           signal->metric,
                           signal->instance,
                           signal->unit,
                           signal->reason,
                           report_outcome_name(entry->outcome)};
    put_time(export, signal->at_ns);
    for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
        put_comma(export);
        put_cell(export, cells[i]);
    }
    const double numbers[] = {entry->level_before, signal->level, signal->value, signal->threshold,
                              entry->value_after};
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        put_comma(export);
        put_number(export, numbers[i]);
    }
    fprintf(export->out, ",%d,%u\r\n", entry->shadow != 0, entry->told);
}

static void write_signals(struct export *export)
{
    const struct report *report = &export->autopsy->report;
    if (begin_file(export, "signals.csv")) {
        fputs("unix_s,kind,change,resource,rule,metric,instance,unit,reason,outcome,level_before,"
              "level,value,threshold,value_after,shadow,told\r\n",
              export->out);
        for (uint32_t i = 0; i < report->signal_count; i++)
            put_transition(export, &report->signals[i]);
        end_file(export);
    }
    if (!begin_file(export, "listeners.csv"))
        return;
    fputs("signal_unix_s,listener,began_unix_s,took_s,released\r\n", export->out);
    for (uint32_t i = 0; i < report->signal_count; i++)
        for (uint32_t k = 0; k < report->signals[i].deed_count && k < SEGMENT_DEEDS_MAX; k++) {
            const struct segment_deed *deed = &report->signals[i].deeds[k];
            put_time(export, report->signals[i].signal.at_ns);
            put_comma(export);
            put_cell(export, deed->listener);
            put_comma(export);
            put_time(export, deed->began_ns);
            put_comma(export);
            put_number(export, deed->took_ns >= 0 ? (double)deed->took_ns / 1e9 : NAN);
            put_comma(export);
            put_number(export, deed->released);
            fputs("\r\n", export->out);
        }
    end_file(export);
}

static void write_open(struct export *export)
{
    const struct autopsy *autopsy = export->autopsy;
    if (begin_file(export, "operations.csv")) {
        fputs("name,instance,in_flight,never_none_since_unix_s,newest_began_unix_s,"
              "last_ended_unix_s\r\n",
              export->out);
        for (uint32_t i = 0; i < autopsy->operation_count; i++) {
            const struct segment_operation *operation = &autopsy->operations[i];
            put_cell(export, operation->name);
            put_comma(export);
            put_cell(export, operation->instance);
            fprintf(export->out, ",%" PRIu64 ",", operation->in_flight);
            put_time(export, operation->since_ns);
            put_comma(export);
            put_time(export, operation->began_ns);
            put_comma(export);
            put_time(export, operation->ended_ns);
            fputs("\r\n", export->out);
        }
        end_file(export);
    }
    if (!begin_file(export, "reservations.csv"))
        return;
    fputs("budget,unit,amount,opened_unix_s,until_unix_s\r\n", export->out);
    for (uint32_t i = 0; i < autopsy->ticket_count; i++) {
        const struct segment_ticket *ticket = &autopsy->tickets[i];
        put_cell(export, ticket->budget);
        put_comma(export);
        put_cell(export, ticket->unit);
        fprintf(export->out, ",%" PRIu64 ",", ticket->amount);
        put_time(export, ticket->opened_ns);
        put_comma(export);
        put_time(export, ticket->until_ns);
        fputs("\r\n", export->out);
    }
    end_file(export);
}

static void write_summary(struct export *export)
{
    char *json = malloc(AUTOPSY_JSON_BYTES_MAX);
    struct text text;
    if (json == NULL) {
        export->error = ENOMEM;
        return;
    }
    text_init(&text, json, AUTOPSY_JSON_BYTES_MAX);
    autopsy_json(export->autopsy, &text);
    if (begin_file(export, "autopsy.json")) {
        fputs(json, export->out);
        end_file(export);
    }
    free(json);
}

/* --- The folder. --- */

static bool is_empty(int dir)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd >= 0 ? fdopendir(fd) : NULL;
    bool empty = entries != NULL;
    if (entries == NULL && fd >= 0)
        close(fd);
    for (struct dirent *entry; empty && (entry = readdir(entries)) != NULL;)
        empty = strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0;
    if (entries != NULL)
        closedir(entries);
    return empty;
}

static int open_folder(const struct cli_verb *verb, const char *path, struct export *export)
{
    export->made = mkdir(path, 0700) == 0;
    if (!export->made && errno != EEXIST)
        return cli_error(verb, "cannot make the folder %s: %s", path, strerror(errno));
    export->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (export->dir < 0)
        return cli_error(verb, "cannot open the folder %s: %s", path, strerror(errno));
    if (is_empty(export->dir))
        return CLI_OK;
    close(export->dir);
    return cli_error(verb, "%s is not empty: nothing was written", path);
}

static int give_up(const struct cli_verb *verb, const char *path, struct export *export)
{
    for (unsigned i = 0; i < export->count; i++)
        unlinkat(export->dir, export->names[i], 0);
    if (export->made)
        rmdir(path);
    return cli_error(verb, "cannot write %s%s%s: %s; what was written is removed", path,
                     export->failed[0] != '\0' ? "/" : "", export->failed, strerror(export->error));
}

int export_write(const struct cli_verb *verb, const char *dir, const struct autopsy *autopsy,
                 const struct segment_reader *reader, unsigned *files)
{
    struct export export = {.autopsy = autopsy, .reader = reader};
    const struct ending *ending = &autopsy->ending;
    if (__builtin_sub_overflow(ending->last_sign_wall_ns, ending->last_sign_ns, &export.apart_ns))
        export.apart_ns = 0;
    export.names = calloc(FILES_MAX, sizeof(*export.names));
    if (export.names == NULL)
        return cli_error(verb, "%s", vagus_error_message(VAGUS_ENOMEM));
    int status = open_folder(verb, dir, &export);
    if (status == CLI_OK) {
        write_summary(&export);
        write_signals(&export);
        write_open(&export);
        write_metrics(&export);
        *files = export.count;
        if (export.error != 0)
            status = give_up(verb, dir, &export);
        close(export.dir);
    }
    free(export.names);
    return status;
}
