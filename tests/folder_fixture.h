/* SPDX-License-Identifier: Apache-2.0 */
/* A machine made of files: a temporary folder to be the host's root, filled by the test. */
#ifndef TESTS_FOLDER_FIXTURE_H
#define TESTS_FOLDER_FIXTURE_H

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char folder[64];

static inline void folder_make(void)
{
    strcpy(folder, "/tmp/vagus-root-XXXXXX");
    if (mkdtemp(folder) == NULL) {
        perror(folder);
        exit(1);
    }
}

/* Writes `length` bytes to a file below it, whose folders are made. */
static inline void folder_write(const char *name, const char *text, size_t length)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    for (char *slash = path + strlen(folder) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(path, 0700);
        *slash = '/';
    }
    FILE *file = fopen(path, "we");
    if (file == NULL || fwrite(text, 1, length, file) != length || fclose(file) != 0) {
        perror(path);
        exit(1);
    }
}

static inline void folder_text(const char *name, const char *text)
{
    folder_write(name, text, strlen(text));
}

static inline int folder_remove_one(const char *path, const struct stat *s, int kind,
                                    struct FTW *place)
{
    (void)s;
    (void)kind;
    (void)place;
    return remove(path);
}

static inline void folder_remove(void)
{
    nftw(folder, folder_remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

#endif
