/* SPDX-License-Identifier: Apache-2.0 */
/* A machine that the test makes: a temporary folder to be a host's root, written file by file. */
#ifndef TESTS_MADE_ROOT_H
#define TESTS_MADE_ROOT_H

#include <ftw.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char made_root[64];

static inline bool made_begin(void)
{
    strcpy(made_root, "/tmp/vagus-root-XXXXXX");
    return mkdtemp(made_root) != NULL;
}

/* Writes one file, with the folders above it. */
__attribute__((format(printf, 2, 3))) static inline bool made_file(const char *path,
                                                                   const char *format, ...)
{
    char full[256];
    va_list args;
    snprintf(full, sizeof(full), "%s/%s", made_root, path);
    for (char *slash = full + strlen(made_root) + 1; (slash = strchr(slash, '/')) != NULL;
         slash++) {
        *slash = '\0';
        mkdir(full, 0700);
        *slash = '/';
    }
    FILE *file = fopen(full, "w");
    if (file == NULL)
        return false;
    va_start(args, format);
    int length = vfprintf(file, format, args);
    va_end(args);
    return fclose(file) == 0 && length >= 0;
}

static inline int made_remove_one(const char *path, const struct stat *s, int kind, struct FTW *at)
{
    (void)s, (void)kind, (void)at;
    return remove(path);
}

/* Removes a file, or a folder with all that is in it. */
static inline void made_remove(const char *path)
{
    char full[256];
    snprintf(full, sizeof(full), "%s/%s", made_root, path);
    nftw(full, made_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void made_end(void)
{
    nftw(made_root, made_remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

#endif
