/* SPDX-License-Identifier: Apache-2.0 */
/* Whole verbs against whatever a segment may hold. The first byte of the input chooses a verb and
 * whether it prints JSON; the rest is laid over a segment of a real monitor by exclusive or: over
 * the header, over the start of each section and over a place in the series. So an empty input
 * reads the good one. A new verb that takes -p is run as well. */
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "cli/verbs.h"
#include "cli_fixture.h"
#include "segment/reader.h"
#include "vagus/vagus.h"

#define SECTION_BYTES 1024 /* of each section are laid over */
#define VERBS_MAX 32

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char folder[] = "/dev/shm/vagus-fuzz-XXXXXX";
static char path[256];
static int file = -1;
static unsigned char *good; /* what the file is put back to */
static struct segment_header header;
static const struct cli_verb *verbs[VERBS_MAX];
static unsigned verb_count;

static void remove_all(void)
{
    char command[64];
    snprintf(command, sizeof(command), "rm -rf %s", folder);
    if (system(command) != 0)
        abort();
}

static const struct cli_argument *find(const struct cli_verb *verb, enum cli_kind kind)
{
    for (const struct cli_argument *at = verb->arguments; at != NULL && at->kind != CLI_END; at++)
        if (at->kind == kind)
            return at;
    return NULL;
}

/* Not those that run a monitor, or a screen. */
static void find_verbs(void)
{
    for (size_t i = 0; cli_verbs[i] != NULL; i++)
        if (find(cli_verbs[i], CLI_PROCESS) != NULL && strcmp(cli_verbs[i]->name, "doctor") != 0 &&
            strcmp(cli_verbs[i]->name, "top") != 0 && verb_count < VERBS_MAX)
            verbs[verb_count++] = cli_verbs[i];
}

static void prepare(void)
{
    struct vagus_monitor *monitor;
    struct segment_reader reader;
    struct stat st;
    glob_t found;
    if (mkdtemp(folder) == NULL)
        abort();
    atexit(remove_all);
    setenv("XDG_RUNTIME_DIR", folder, 1);
    struct vagus_monitor_options options = {.size = sizeof(options), .agent_name = "fuzz"};
    if (vagus_monitor_open(&options, &monitor) != 0 || vagus_monitor_start(monitor) != 0)
        abort();
    nanosleep(&(struct timespec){.tv_sec = 1, .tv_nsec = 300000000}, NULL);
    vagus_monitor_close(monitor);
    char pattern[128];
    snprintf(pattern, sizeof(pattern), "%s/vagus/fuzz-*.vagus", folder);
    if (glob(pattern, 0, NULL, &found) != 0 || found.gl_pathc != 1)
        abort();
    snprintf(path, sizeof(path), "%s", found.gl_pathv[0]);
    globfree(&found);
    if (segment_attach(path, &reader) != 0)
        abort();
    header = reader.header;
    segment_detach(&reader);
    file = open(path, O_RDWR | O_CLOEXEC);
    if (file < 0 || fstat(file, &st) != 0 || (good = malloc((size_t)st.st_size)) == NULL ||
        pread(file, good, (size_t)st.st_size, 0) != st.st_size)
        abort();
    if (freopen("/dev/null", "w", stdout) == NULL)
        abort();
    find_verbs();
}

static size_t lay_part(const uint8_t *data, size_t bytes, uint64_t offset, bool restore)
{
    unsigned char part[SECTION_BYTES];
    for (size_t i = 0; i < bytes; i++)
        part[i] = good[offset + i] ^ data[i];
    if (pwrite(file, restore ? good + offset : part, bytes, (off_t)offset) != (ssize_t)bytes)
        abort();
    return bytes;
}

/* Lays the input over the good segment, or takes it away again. */
static void lay(const uint8_t *data, size_t size, bool restore)
{
    size_t done = lay_part(data, size < SECTION_BYTES ? size : SECTION_BYTES, 0, restore);
    for (int i = 0; i < SEGMENT_SECTION_COUNT && done < size; i++) {
        size_t part = size - done < SECTION_BYTES ? size - done : SECTION_BYTES;
        done += lay_part(data + done, part, header.sections[i].offset, restore);
    }
}

static int run(const struct cli_verb *verb, bool json)
{
    static char words[8][256];
    char *argv[9];
    int argc = 0;
    snprintf(words[argc++], sizeof(words[0]), "%s", verb->name);
    snprintf(words[argc++], sizeof(words[0]), "-p");
    snprintf(words[argc++], sizeof(words[0]), "%s", path);
    for (const struct cli_argument *at = verb->arguments; at->kind != CLI_END && argc < 7; at++) {
        if (at->kind == CLI_METRIC && cli_is_operand(at))
            snprintf(words[argc++], sizeof(words[0]), "memory.usage");
        else if (at->kind == CLI_FLAG && json && strcmp(at->name, "json") == 0)
            snprintf(words[argc++], sizeof(words[0]), "--json");
        else if (at->flags & CLI_REQUIRED)
            snprintf(words[argc++], sizeof(words[0]), "--%.100s=/dev/null", at->name);
    }
    for (int i = 0; i < argc; i++)
        argv[i] = words[i];
    argv[argc] = NULL;
    return verb->run(argc, argv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cli_exit code;
    if (file < 0)
        prepare();
    if (size == 0 || size > 1 + (1 + SEGMENT_SECTION_COUNT) * SECTION_BYTES)
        return 0;
    const struct cli_verb *verb = verbs[(data[0] & 127) % verb_count];
    lay(data + 1, size - 1, false);
    int status = run(verb, data[0] & 128);
    bool named = false;
    for (size_t i = 0; verb_exit(verb, i, &code); i++)
        named |= code.code == status;
    if (!named) /* an exit status that the help does not name */
        abort();
    lay(data + 1, size - 1, true);
    return 0;
}
