/* SPDX-License-Identifier: Apache-2.0 */
/* A machine as a temporary folder that the test fills, and every way in which one of its files may
 * be damaged. */
#ifndef TESTS_ROOT_FIXTURE_H
#define TESTS_ROOT_FIXTURE_H

#include <ftw.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"

static char root_dir[64];

static inline bool root_begin(void)
{
    snprintf(root_dir, sizeof(root_dir), "/tmp/vagus-root-XXXXXX");
    return mkdtemp(root_dir) != NULL;
}

static inline int root_remove_one(const char *path, const struct stat *status, int type,
                                  struct FTW *where)
{
    (void)status;
    (void)type;
    (void)where;
    return remove(path);
}

/* Removes a file below the root, or a folder with all that is in it; NULL: the root itself. */
static inline void root_remove(const char *name)
{
    char path[512];
    snprintf(path, sizeof(path), "%s/%s", root_dir, name != NULL ? name : "");
    nftw(path, root_remove_one, 16, FTW_DEPTH | FTW_PHYS);
    CHECK(access(path, F_OK) != 0);
}

static inline void root_end(void)
{
    root_remove(NULL);
}

/* Writes a file below the root, with the folders above it; text NULL: removes it. */
static inline void root_write_bytes(const char *name, const char *text, size_t length)
{
    char path[512];
    int end = snprintf(path, sizeof(path), "%s/%s", root_dir, name);
    CHECK(end > 0 && (size_t)end < sizeof(path));
    for (char *slash = path + strlen(root_dir) + 1; (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = '\0';
        mkdir(path, 0755);
        *slash = '/';
    }
    if (text == NULL) {
        unlink(path);
        return;
    }
    FILE *file = fopen(path, "w");
    CHECK(file != NULL && fwrite(text, 1, length, file) == length);
    if (file != NULL)
        fclose(file);
}

static inline void root_write(const char *name, const char *text)
{
    root_write_bytes(name, text, text != NULL ? strlen(text) : 0);
}

__attribute__((format(printf, 2, 3))) static inline void root_print(const char *name,
                                                                    const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int length = vasprintf(&text, format, arguments);
    va_end(arguments);
    CHECK(length >= 0);
    if (length >= 0)
        root_write_bytes(name, text, (size_t)length);
    free(text);
}

#define CHECK_REFUSED(parse, literal) CHECK(parse(literal, sizeof(literal) - 1) < 0)

/* Tries a parser on a good text and on each damaged form of it. `parse` returns 0 or an error. A
 * text that was cut must be refused where less than `needed` bytes are left; 0: all are needed. No
 * form may be read beyond its end: sanitizers see to that, as each is a copy of its own size. */
static inline void check_damage(const char *good, size_t needed,
                                int (*parse)(const char *text, size_t length))
{
    static const char *const bad[] = {
        "",        "\n",  " ",        "x",         "-1\n",
        "\xff\n",  "nan", "0x10\n",   "1e9\n",     "18446744073709551616\n",
        "- - -\n", "{}",  "\t\t\t\n", "max max\n", "1 2 3 4 5 6 7 8 9\n"};
    size_t length = strlen(good);
    CHECK_EQ(parse(good, length), 0);
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        if (strcmp(bad[i], good) != 0)
            CHECK(parse(bad[i], strlen(bad[i])) < 0);
    for (size_t cut = 0; cut < length; cut++) {
        char *copy = malloc(cut + 1);
        memcpy(copy, good, cut);
        int error = parse(copy, cut);
        if (cut < (needed != 0 ? needed : length) && error == 0)
            CHECK_FAIL_("accepted after %zu of %zu bytes: %.*s", cut, length, (int)cut, good);
        free(copy);
    }
    /* Each run of digits in turn becomes negative, too large, and no number at all. */
    static const char *const numbers[] = {"-1", "99999999999999999999999", "one"};
    for (size_t at = 0; at < (needed != 0 ? needed : length); at++) {
        size_t run = strspn(good + at, "0123456789");
        bool begins = run > 0 && (at == 0 || strchr(" :=\t\n", good[at - 1]) != NULL);
        for (size_t i = 0; begins && i < sizeof(numbers) / sizeof(numbers[0]); i++) {
            char *copy = malloc(length + 32);
            int made =
                snprintf(copy, length + 32, "%.*s%s%s", (int)at, good, numbers[i], good + at + run);
            if (parse(copy, (size_t)made) == 0)
                CHECK_FAIL_("accepted: %s", copy);
            free(copy);
        }
    }
}

#endif
