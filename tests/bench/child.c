/* SPDX-License-Identifier: Apache-2.0 */
/* Other processes: the client that is linked to the shared library, valgrind, and copies of this
 * one. They print "key number" lines. */
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"

/* In the child: its end of the pipe; in the parent: child->out. False if there is no child. */
static bool split(struct child *child, int *writing)
{
    int ends[2];
    *child = (struct child){0};
    if (pipe2(ends, O_CLOEXEC) != 0)
        return false;
    fflush(NULL);
    child->pid = fork();
    if (child->pid == 0) {
        *writing = ends[1];
        return true;
    }
    close(ends[1]);
    child->out = child->pid > 0 ? fdopen(ends[0], "r") : NULL;
    if (child->out == NULL)
        close(ends[0]);
    return child->pid > 0;
}

bool child_exec(struct child *child, const char *const arguments[])
{
    int writing = -1;
    if (!split(child, &writing))
        return false;
    if (writing >= 0) {
        /* Where the loader puts things decides which lines of the cache disturb each other: the
         * same loop takes 2.8 or 4.2 ns from one process to the next. Always in the same places. */
        personality(ADDR_NO_RANDOMIZE);
        int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
        if (dup2(writing, STDOUT_FILENO) >= 0 && dup2(nowhere, STDERR_FILENO) >= 0)
            execvp(arguments[0], (char *const *)arguments);
        _exit(127);
    }
    return true;
}

bool child_fork(struct child *child, void (*body)(FILE *out, void *arg), void *arg)
{
    int writing = -1;
    if (!split(child, &writing))
        return false;
    if (writing >= 0) {
        FILE *out = fdopen(writing, "w");
        if (out != NULL)
            body(out, arg);
        _exit(out != NULL && fflush(out) == 0 ? 0 : 1);
    }
    return true;
}

bool child_end(struct child *child)
{
    int status = -1;
    if (child->out != NULL)
        fclose(child->out);
    bool ended = child->pid > 0 && waitpid(child->pid, &status, 0) == child->pid;
    *child = (struct child){0};
    return ended && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Of a program beside this one. */
static const char *beside(char path[PATH_MAX + 32], const char *name)
{
    ssize_t length = readlink("/proc/self/exe", path, PATH_MAX);
    char *slash = length > 0 ? memrchr(path, '/', (size_t)length) : NULL;
    if (slash == NULL)
        return name;
    strcpy(slash + 1, name);
    return path;
}

const char *child_client(void)
{
    static char path[PATH_MAX + 32];
    return beside(path, "vagus-bench-client");
}

const char *child_command(void)
{
    static char path[PATH_MAX + 32];
    return beside(path, "../../vagus");
}

const char *child_peers(void)
{
    static char path[PATH_MAX + 32];
    return beside(path, "vagus-bench-peers");
}

void child_measure(const char *program, const char *verb, const char *argument,
                   struct bench_result *result)
{
    const char *const arguments[] = {program, verb, argument, NULL};
    const struct {
        const char *key;
        double *number;
    } keys[] = {{"value", &result->value},
                {"floor", &result->floor},
                {"peer", &result->peer},
                {"bound", &result->bound}};
    struct bench_result before = *result;
    struct child child;
    char key[16];
    double number;
    if (!child_exec(&child, arguments)) {
        result->why = "no process could be made";
        return;
    }
    while (fscanf(child.out, "%15s %lf", key, &number) == 2)
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
            if (strcmp(key, keys[i].key) == 0)
                *keys[i].number = number;
    if (!child_end(&child)) {
        *result = before;
        result->why = "vagus-bench-client could not measure it";
    }
}

void bench_client(const struct bench_row *row, struct bench_result *result)
{
    child_measure(child_client(), row->argument, NULL, result);
}

void bench_prometheus(const struct bench_row *row, struct bench_result *result)
{
    child_measure(child_peers(), "prometheus", row->argument, result);
}

void bench_mmv(const struct bench_row *row, struct bench_result *result)
{
    child_measure(child_peers(), "mmv", row->argument, result);
}
