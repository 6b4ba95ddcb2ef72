/* SPDX-License-Identifier: Apache-2.0 */
/* The texts in which the kernel says where a process's cgroups are, over any bytes. */
#include <string.h>

#include "host/cgroup.h"
#include "host/inside.h"
#include "host/parse.h"

/* True if `name` is one of the words of "cpu,cpuacct". */
static bool list_has(struct parse list, const char *name)
{
    struct parse word;
    while (parse_until(&list, ',', &word))
        if (parse_equals(word, name))
            return true;
    return parse_equals(list, name);
}

static bool copy_path(struct parse path, char *out, size_t capacity)
{
    size_t length = (size_t)(path.end - path.at);
    if (length == 0 || length >= capacity || path.at[0] != '/' ||
        memchr(path.at, '\0', length) != NULL)
        return false;
    memcpy(out, path.at, length);
    out[length] = '\0';
    return true;
}

/* Each line is "4:memory:/a/b", "2:cpu,cpuacct:/a", "9:name=systemd:/" or, for v2, "0::/a". */
int host_parse_cgroup_path(const char *text, size_t length, const char *controller, char *path,
                           size_t capacity)
{
    struct parse rest = parse_text(text, length), line, id, controllers;
    bool whole;
    while (parse_line(&rest, &line, &whole)) {
        if (!parse_until(&line, ':', &id) || !parse_until(&line, ':', &controllers))
            return VAGUS_EPARSE;
        bool wanted = controller[0] == '\0'
                          ? controllers.at == controllers.end && parse_equals(id, "0")
                          : list_has(controllers, controller);
        if (wanted)
            return whole && copy_path(line, path, capacity) ? 0 : VAGUS_EPARSE;
    }
    return VAGUS_ENOENT;
}

static bool is_octal(char c)
{
    return c >= '0' && c <= '7';
}

/* Undoes \040 and the like. */
static bool unescape_path(struct parse word, char *out, size_t capacity)
{
    size_t length = 0;
    if (word.at == word.end || *word.at != '/')
        return false;
    while (word.at < word.end) {
        unsigned c = (unsigned char)*word.at;
        size_t used = 1;
        if (c == '\\' && word.end - word.at >= 4 && is_octal(word.at[1]) && is_octal(word.at[2]) &&
            is_octal(word.at[3])) {
            c = (unsigned)(word.at[1] - '0') << 6 | (unsigned)(word.at[2] - '0') << 3 |
                (unsigned)(word.at[3] - '0');
            used = 4;
        }
        if (c == 0 || c > 255 || length + 1 >= capacity)
            return false;
        out[length++] = (char)c;
        word.at += used;
    }
    out[length] = '\0';
    return true;
}

/* "36 35 0:32 /root /mount/point rw shared:1 - cgroup cgroup rw,memory": any number of words may
 * stand before the lonely dash. */
bool host_parse_cgroup_mount(const char *text, size_t length, const char *controller,
                             struct host_cgroup_mount *mount)
{
    struct parse line = parse_text(text, length), root, point, word, type, options;
    if (!parse_skip_words(&line, 3) || !parse_word(&line, &root) || !parse_word(&line, &point))
        return false;
    do
        if (!parse_word(&line, &word))
            return false;
    while (!parse_equals(word, "-"));
    if (!parse_word(&line, &type) || !parse_word(&line, &options))
        return false;
    while (parse_word(&line, &word))
        options = word; /* the last one: the source before it may be empty */
    bool wanted = controller[0] == '\0'
                      ? parse_equals(type, "cgroup2")
                      : parse_equals(type, "cgroup") && list_has(options, controller);
    return wanted && unescape_path(root, mount->root, sizeof(mount->root)) &&
           unescape_path(point, mount->point, sizeof(mount->point));
}

int host_parse_cpu_max(const char *text, size_t length, double *cores)
{
    struct parse rest = parse_text(text, length);
    uint64_t quota = 0, period;
    bool none = parse_literal(&rest, "max ");
    if ((!none && !parse_u64(&rest, &quota)) || !parse_u64(&rest, &period) || period == 0 ||
        (!none && quota == 0))
        return VAGUS_EPARSE;
    *cores = none ? __builtin_inf() : (double)quota / (double)period;
    return 0;
}
