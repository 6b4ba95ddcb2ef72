/* SPDX-License-Identifier: Apache-2.0 */
/* vagus record: the history of a process, out of its segment, into a file. */
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "cli/record.h"
#include "cli/target.h"
#include "metrics/outside.h"

extern const struct cli_verb cli_verb_record;

#define LAST_DEFAULT_NS (3600 * VAGUS_SECOND_NS)
#define PROGRESS_EACH 32 /* metrics */

struct options {
    const char *process, *dir, *output;
    int64_t last_ns;
};

/* What was taken, for the last line. */
struct taken {
    uint32_t metrics, signals;
    uint64_t entries;
    int64_t from_ns, to_ns; /* of what there is */
};

struct recording {
    struct record_writer writer;
    struct segment_reader *reader;
    struct outside_block *blocks; /* of all metrics */
    uint32_t block_count;
    int64_t from_ns, to_ns;
    struct taken taken;
};

/* --- Taking. --- */

static void on_entry(const struct block_entry *entry, int64_t width_ns, void *arg)
{
    struct recording *recording = arg;
    struct taken *taken = &recording->taken;
    struct record_entry put = {entry->at_ns, width_ns,   entry->last, entry->min,
                               entry->max,   entry->sum, entry->count};
    if (entry->count > 0 && !(isfinite(entry->last) && isfinite(entry->min) &&
                              isfinite(entry->max) && isfinite(entry->sum)))
        put.count = 0; /* the segment is a stranger's */
    if (taken->entries++ == 0 || entry->at_ns < taken->from_ns)
        taken->from_ns = entry->at_ns;
    if (taken->entries == 1 || entry->at_ns + width_ns > taken->to_ns)
        taken->to_ns = entry->at_ns + width_ns;
    record_put(&recording->writer, &put);
}

static void take_metric(struct recording *recording, uint32_t index,
                        const struct segment_metric *metric)
{
    uint32_t first = 0, count = 0;
    while (first < recording->block_count && recording->blocks[first].metric < index)
        first++;
    while (first + count < recording->block_count &&
           recording->blocks[first + count].metric == index)
        count++;
    record_metric_begin(&recording->writer, metric);
    outside_walk(recording->reader, index, metric->resolution, recording->blocks + first, count,
                 recording->from_ns, recording->to_ns, on_entry, recording);
    record_metric_end(&recording->writer);
}

static void show_progress(uint32_t done, uint64_t all)
{
    if (done % PROGRESS_EACH == 0 && all > PROGRESS_EACH && isatty(STDERR_FILENO) == 1)
        fprintf(stderr, "\rrecord: %u of %u metrics", done, (unsigned)all);
}

static int take_signals(struct recording *recording)
{
    static struct segment_signal signals[SEGMENT_SIGNALS_MAX];
    struct segment_head head;
    uint64_t got = 0;
    uint32_t kept = 0;
    int error = segment_read_entries(recording->reader, SEGMENT_SIGNALS, 0, SEGMENT_SIGNALS_MAX,
                                     signals, &got, &head);
    for (uint64_t i = 0; error == 0 && i < got; i++)
        if (signals[i].signal.at_ns > recording->from_ns &&
            signals[i].signal.at_ns <= recording->to_ns)
            signals[kept++] = signals[i];
    recording->taken.signals = kept;
    record_signals(&recording->writer, signals, kept);
    return error;
}

static struct record_about about(const struct recording *recording)
{
    const struct segment_header *header = &recording->reader->header;
    struct record_about about = {.pid = header->pid,
                                 .from_ns = recording->from_ns,
                                 .to_ns = recording->to_ns,
                                 /* A stranger's times may wrap. */
                                 .wall_to_ns = (int64_t)((uint64_t)header->started_wall_ns +
                                                         (uint64_t)recording->to_ns -
                                                         (uint64_t)header->started_ns)};
    text_copy(about.agent, sizeof(about.agent), header->agent);
    text_copy(about.program, sizeof(about.program), header->program);
    text_copy(about.library_version, sizeof(about.library_version), header->library_version);
    return about;
}

/* The end of what there is: now, or when the writer ended. */
static int64_t end_of(const struct recording *recording)
{
    int64_t end_ns = 0;
    for (uint32_t i = 0; i < recording->block_count; i++)
        if (recording->blocks[i].last_ns > end_ns)
            end_ns = recording->blocks[i].last_ns;
    return segment_alive(recording->reader) ? target_now_ns(&recording->reader->header) : end_ns;
}

static int take_all(struct recording *recording, struct segment_metric *metrics, uint64_t count)
{
    struct record_about said = about(recording);
    record_begin(&recording->writer, &said, (uint32_t)count);
    for (uint32_t i = 0; i < count && recording->writer.error == 0; i++) {
        show_progress(i, count);
        if (!text_is_name(metrics[i].name, VAGUS_NAME_MAX - 1))
            return VAGUS_ECORRUPT;
        take_metric(recording, i, &metrics[i]);
    }
    if (count > PROGRESS_EACH && isatty(STDERR_FILENO) == 1)
        fputs("\r\033[K", stderr);
    recording->taken.metrics = (uint32_t)count;
    int error = take_signals(recording);
    return error != 0 ? error : record_end(&recording->writer);
}

static int take(struct recording *recording, int64_t last_ns)
{
    const struct segment_reader *reader = recording->reader;
    struct segment_head head;
    uint64_t count = reader->header.sections[SEGMENT_DIRECTORY].capacity, got = 0;
    count = count < RECORD_METRICS_MAX ? count : RECORD_METRICS_MAX;
    struct segment_metric *metrics = calloc(count + 1, sizeof(*metrics));
    recording->blocks = calloc((size_t)outside_blocks_max(reader) + 1, sizeof(*recording->blocks));
    int error = metrics == NULL || recording->blocks == NULL ? VAGUS_ENOMEM : 0;
    if (error == 0)
        error = segment_read_entries(reader, SEGMENT_DIRECTORY, 0, count, metrics, &got, &head);
    if (error == 0) {
        recording->block_count = outside_list_all(reader, recording->blocks);
        recording->to_ns = end_of(recording);
        if (__builtin_sub_overflow(recording->to_ns, last_ns, &recording->from_ns))
            recording->from_ns = INT64_MIN;
        error = take_all(recording, metrics, got);
    }
    free(metrics);
    free(recording->blocks);
    return error;
}

/* --- Writing the file: whole, or not at all. --- */

static int write_all(int fd, const uint8_t *data, size_t length)
{
    while (length > 0) {
        ssize_t count = write(fd, data, length);
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return errno;
        data += count;
        length -= (size_t)count;
    }
    return fsync(fd) != 0 && errno != EINVAL && errno != EROFS ? errno : 0;
}

/* Into a file beside it, which then takes its name. Returns 0 or errno. */
static int replace_file(const char *path, const uint8_t *data, size_t length)
{
    char *temporary = NULL;
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0)
        return ENOMEM;
    int number = 0, fd = mkostemp(temporary, O_CLOEXEC); /* 0600 */
    if (fd < 0)
        number = errno;
    if (fd >= 0) {
        number = write_all(fd, data, length);
        if (close(fd) != 0 && number == 0)
            number = errno;
        if (number == 0 && rename(temporary, path) != 0)
            number = errno;
        if (number != 0)
            unlink(temporary);
    }
    free(temporary);
    return number;
}

/* Into what must not be replaced: a device, or a pipe to another program. */
static int fill_device(const char *path, const uint8_t *data, size_t length)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0)
        return errno;
    int number = write_all(fd, data, length);
    return close(fd) != 0 && number == 0 ? errno : number;
}

static int write_file(const char *path, const uint8_t *data, size_t length)
{
    struct stat st;
    bool regular = stat(path, &st) != 0 || S_ISREG(st.st_mode);
    int number = regular ? replace_file(path, data, length) : fill_device(path, data, length);
    if (number == 0)
        return CLI_OK;
    return cli_error(&cli_verb_record, "%s cannot be written: %s%s", path, strerror(number),
                     number == ENOSPC || number == EDQUOT ? "; nothing was left behind" : "");
}

static int write_record(const struct recording *recording, const char *path)
{
    const struct taken *taken = &recording->taken;
    int status = write_file(path, recording->writer.data, recording->writer.length);
    if (status != CLI_OK)
        return status;
    char line[512];
    struct text text;
    text_init(&text, line, sizeof(line));
    text_add_safe(&text, path, 200);
    text_add(&text, ": ");
    if (taken->entries > 0)
        text_add_duration(&text, taken->to_ns - taken->from_ns);
    else
        text_add(&text, "no history");
    text_addf(&text, " of %u metrics, %u signals, ", taken->metrics, taken->signals);
    text_add_size(&text, (double)recording->writer.length);
    puts(line);
    return CLI_OK;
}

/* --- The verb. --- */

static int run(int argc, char **argv)
{
    static struct segment_found target;
    struct options options = {.last_ns = LAST_DEFAULT_NS};
    struct segment_reader reader;
    struct recording recording = {.reader = &reader};
    int status = cli_parse(&cli_verb_record, argc, argv, &options);
    if (status == CLI_OK)
        status = target_find(&cli_verb_record, options.dir, options.process, &target);
    if (status != CLI_OK)
        return status;
    int error = segment_attach(target.path, &reader);
    if (error == 0) {
        error = take(&recording, options.last_ns);
        segment_detach(&reader);
    }
    if (error != 0)
        status = target_unreadable(&cli_verb_record, target.path, error);
    else
        status = write_record(&recording, options.output);
    record_writer_finish(&recording.writer);
    return status;
}

static const struct cli_argument takes[] = {
    CLI_PROCESS_OPTION(struct options),
    {.name = "last",
     .kind = CLI_SPAN,
     .value = "TIME",
     .help = "how far back: 30s, 10m, 1h; 1h if not given",
     CLI_AT(struct options, last_ns)},
    {.name = "output",
     .letter = 'o',
     .flags = CLI_REQUIRED,
     .kind = CLI_FILE,
     .value = "FILE",
     .help = "written whole or not at all; one that is there is replaced",
     CLI_AT(struct options, output)},
    CLI_DIR_OPTION(struct options),
    {0},
};

static const struct cli_exit exits[] = {
    {0, "written"},
    {1, "not written"},
    {CLI_UNREADABLE, "the process could not be read"},
    {0},
};

const struct cli_verb cli_verb_record = {
    .name = "record",
    .summary = "write the history of a monitored process to a file",
    .arguments = takes,
    .about = "All metrics at the best resolution that is left of them, and the signals, of a "
             "process that runs or has ended. The file is for `vagus replay`; only its owner can "
             "read it.",
    .exits = exits,
    .examples = "vagus record -p researcher --last 8h -o night.vrec\n",
    .run = run,
};
