/* SPDX-License-Identifier: Apache-2.0 */
/* A folder of its own on /dev/shm for tests of segments. */
#ifndef TESTS_SEGMENT_FIXTURE_H
#define TESTS_SEGMENT_FIXTURE_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "segment/writer.h"

static char fixture_dir[64];

/* False, and said so, where the machine has no /dev/shm to write to. */
static inline bool fixture_begin(void)
{
    snprintf(fixture_dir, sizeof(fixture_dir), "/dev/shm/vagus-test-XXXXXX");
    if (mkdtemp(fixture_dir) != NULL)
        return true;
    perror("skipped: no folder in /dev/shm");
    return false;
}

static inline struct segment_options fixture_options(const char *agent, uint32_t keep)
{
    return (struct segment_options){.dir = fixture_dir,
                                    .agent = agent,
                                    .bytes = SEGMENT_BYTES_MIN,
                                    .metrics_max = 64,
                                    .keep = keep,
                                    .clock = &clock_of_machine};
}

static inline int fixture_create(const char *agent, uint32_t keep, struct segment *segment)
{
    struct segment_options options = fixture_options(agent, keep);
    return segment_create(&options, segment);
}

/* Counts the files of the folder whose names begin so; removes them too if told to. */
static inline int fixture_walk(const char *prefix, bool remove)
{
    int count = 0;
    DIR *entries = opendir(fixture_dir);
    if (entries == NULL)
        return -1;
    for (struct dirent *entry; (entry = readdir(entries)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
            strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
            continue;
        count++;
        if (remove)
            unlinkat(dirfd(entries), entry->d_name, 0);
    }
    closedir(entries);
    return count;
}

static inline int fixture_count(const char *prefix)
{
    return fixture_walk(prefix, false);
}

static inline void fixture_clear(void)
{
    fixture_walk("", true);
}

static inline void fixture_end(void)
{
    fixture_clear();
    rmdir(fixture_dir);
}

#endif
