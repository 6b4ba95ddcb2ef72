/* SPDX-License-Identifier: Apache-2.0 */
/* Finding the monitored process that a verb is about. */
#include "cli/target.h"

#include <errno.h>
#include <stdlib.h>

#include "base/boot.h"
#include "base/clock.h"
#include "base/nearest.h"
#include "base/text.h"
#include "cli/lock_owner.h"

#define CANDIDATES_SHOWN 16

struct candidate {
    char path[sizeof(((struct segment_found *)NULL)->path)];
    char agent[SEGMENT_AGENT_MAX];
    char program[64];
    int64_t pid;
    bool alive;
};

struct search {
    const char *wanted;
    int64_t wanted_pid;              /* -1: wanted is no number */
    unsigned alive, ended;           /* that match */
    struct segment_found newest[2];  /* of those that match: ended, alive */
    struct segment_found unreadable; /* the first that may be meant; path "": none */
    struct candidate others[CANDIDATES_SHOWN];
    unsigned other_count; /* of all that exist, or of those that match if there are several */
    struct nearest nearest;
    char best[SEGMENT_AGENT_MAX];
};

/* By pid also where the writer lives in another PID namespace and has another pid here. */
static bool matches(const struct search *search, const struct segment_found *found)
{
    const struct segment_header *header = &found->header;
    return search->wanted == NULL ||
           (search->wanted_pid >= 0 && header->pid == search->wanted_pid) ||
           strcmp(header->agent, search->wanted) == 0 ||
           strcmp(header->program, search->wanted) == 0 ||
           (search->wanted_pid > 0 && found->alive &&
            lock_owner(found->path) == search->wanted_pid);
}

static void remember(struct search *search, const struct segment_found *found)
{
    nearest_offer(&search->nearest, found->header.agent);
    if (search->nearest.best == found->header.agent) { /* which is there for this call alone */
        text_copy(search->best, sizeof(search->best), found->header.agent);
        search->nearest.best = search->best;
    }
    if (search->other_count++ >= CANDIDATES_SHOWN)
        return;
    struct candidate *candidate = &search->others[search->other_count - 1];
    text_copy(candidate->agent, sizeof(candidate->agent), found->header.agent);
    text_copy(candidate->program, sizeof(candidate->program), found->header.program);
    text_copy(candidate->path, sizeof(candidate->path), found->path);
    candidate->pid = found->header.pid;
    candidate->alive = found->alive;
}

static bool on_found(const struct segment_found *found, void *arg)
{
    struct search *search = arg;
    if (found->error != 0) {
        if (search->unreadable.path[0] == '\0' && matches(search, found))
            search->unreadable = *found;
        return true;
    }
    if (!matches(search, found)) {
        if (search->alive + search->ended == 0)
            remember(search, found);
        return true;
    }
    if (search->alive + search->ended == 0)
        search->other_count = 0; /* from here on only those that match are of interest */
    unsigned *count = found->alive ? &search->alive : &search->ended;
    if ((*count)++ == 0)
        search->newest[found->alive] = *found;
    remember(search, found);
    return true;
}

/* True of one of several monitors in one process that have the same name, and where a pid came
 * again. */
static bool has_twin(const struct search *search, const struct candidate *candidate)
{
    for (unsigned i = 0; i < search->other_count && i < CANDIDATES_SHOWN; i++) {
        const struct candidate *other = &search->others[i];
        if (other != candidate && other->pid == candidate->pid &&
            strcmp(other->agent, candidate->agent) == 0)
            return true;
    }
    return false;
}

static void show_candidates(const struct search *search, bool alive_only)
{
    for (unsigned i = 0; i < search->other_count && i < CANDIDATES_SHOWN; i++) {
        const struct candidate *candidate = &search->others[i];
        if (alive_only && !candidate->alive)
            continue;
        char line[1024];
        struct text text;
        text_init(&text, line, sizeof(line));
        text_add_safe(&text, candidate->agent, 64);
        text_addf(&text, "  pid %lld  ", (long long)candidate->pid);
        text_add_safe(&text, candidate->program, 64);
        if (has_twin(search, candidate)) {
            text_add(&text, "  -p ");
            text_add_safe(&text, candidate->path, sizeof(candidate->path));
        }
        fprintf(stderr, "  %s%s\n", line, candidate->alive ? "" : "  (ended)");
    }
    unsigned count = alive_only ? search->alive : search->other_count;
    if (count > CANDIDATES_SHOWN) /* those alive come first */
        fprintf(stderr, "  and %u more\n", count - CANDIDATES_SHOWN);
}

static int not_found(const struct cli_verb *verb, const struct search *search)
{
    char near[4 * SEGMENT_AGENT_MAX];
    struct text text;
    text_init(&text, near, sizeof(near));
    text_add_safe(&text, search->best, SEGMENT_AGENT_MAX);
    if (search->wanted != NULL && search->best[0] != '\0')
        cli_error(verb, "no monitored process '%s'; did you mean '%s'? There are:", search->wanted,
                  near);
    else if (search->wanted != NULL)
        cli_error(verb, "no monitored process '%s'%s", search->wanted,
                  search->other_count > 0 ? "; there are:" : "");
    else if (search->ended > 0)
        cli_error(verb, "no monitored process runs; these ended and can be chosen by -p:");
    else
        cli_error(verb, "no monitored process runs");
    show_candidates(search, false);
    return CLI_NOT_FOUND;
}

static int64_t parse_pid(const char *wanted)
{
    char *end;
    if (wanted == NULL || wanted[0] < '0' || wanted[0] > '9')
        return -1;
    errno = 0;
    long long pid = strtoll(wanted, &end, 10);
    return *end == '\0' && errno == 0 ? pid : -1;
}

int target_cannot_look(const struct cli_verb *verb, const char *dir, int error)
{
    cli_error(verb, "cannot look into %s: %s", dir,
              error == VAGUS_EINVAL ? "it is not a folder" : vagus_error_message(error));
    return error == VAGUS_ENOENT ? CLI_NOT_FOUND : CLI_FAILED;
}

/* The segment in a file that is named. */
static int find_file(const struct cli_verb *verb, const char *path, struct segment_found *target)
{
    struct segment_reader reader;
    struct segment_found found = {.error = segment_attach(path, &reader)};
    if (!text_copy(found.path, sizeof(found.path), path) || found.error == VAGUS_ENOENT) {
        cli_error(verb, "no segment %s", path);
        return CLI_NOT_FOUND;
    }
    if (found.error == 0) {
        found.header = reader.header;
        found.alive = segment_alive(&reader);
        segment_detach(&reader);
    }
    *target = found; /* who reads it says why that cannot be, if it cannot */
    return CLI_OK;
}

/* Looks through the folders: CLI_OK, or a failure after a message. */
static int look(const struct cli_verb *verb, const char *dir, const char *wanted,
                struct search *search)
{
    *search = (struct search){.wanted = wanted, .wanted_pid = parse_pid(wanted)};
    nearest_init(&search->nearest, wanted != NULL ? wanted : "");
    int listed = segment_list(dir, on_found, search);
    if (listed < 0 && dir != NULL)
        return target_cannot_look(verb, dir, listed);
    if (listed < 0)
        return cli_error(verb, "%s", vagus_error_message(listed));
    return CLI_OK;
}

static int several(const struct cli_verb *verb, const struct search *search)
{
    cli_error(verb, "%u monitored processes %s: say which by -p PID or -p NAME", search->alive,
              search->wanted == NULL ? "run" : "match");
    show_candidates(search, true);
    return CLI_USAGE;
}

int target_find(const struct cli_verb *verb, const char *dir, const char *wanted,
                struct segment_found *target)
{
    static struct search search;
    if (wanted != NULL && strchr(wanted, '/') != NULL)
        return find_file(verb, wanted, target);
    int status = look(verb, dir, wanted, &search);
    if (status != CLI_OK)
        return status;
    if (search.alive > 1)
        return several(verb, &search);
    if (search.alive + search.ended == 0 && search.unreadable.path[0] != '\0') {
        *target = search.unreadable; /* who reads it says why that cannot be */
        return CLI_OK;
    }
    if (search.alive == 0 && (wanted == NULL || search.ended == 0))
        return not_found(verb, &search);
    *target = search.newest[search.alive > 0];
    return CLI_OK;
}

int target_find_ended(const struct cli_verb *verb, const char *dir, const char *wanted,
                      struct segment_found *target)
{
    static struct search search;
    if (wanted != NULL && strchr(wanted, '/') != NULL)
        return find_file(verb, wanted, target);
    int status = look(verb, dir, wanted, &search);
    if (status != CLI_OK)
        return status;
    if (search.ended == 0 && search.alive > 1)
        return several(verb, &search);
    if (search.alive + search.ended == 0 && search.unreadable.path[0] == '\0')
        return not_found(verb, &search);
    *target = search.ended > 0   ? search.newest[false]
              : search.alive > 0 ? search.newest[true]
                                 : search.unreadable;
    if (wanted != NULL && search.ended > 0 && search.alive + search.ended > 1) {
        cli_error(verb, "this is of pid %lld, which ended last; -p PID chooses another of:",
                  (long long)target->header.pid);
        show_candidates(&search, false);
    }
    return CLI_OK;
}

/* Where it cannot be told, the usual case is meant. */
static bool is_this_boot(const char *boot_id)
{
    char now[BOOT_ID_MAX];
    boot_id_read(now);
    return now[0] == '\0' || boot_id[0] == '\0' || strcmp(now, boot_id) == 0;
}

int64_t target_now_ns(const struct segment_header *header)
{
    if (is_this_boot(header->boot_id))
        return clock_now_ns(&clock_of_machine);
    int64_t passed_ns, now_ns;
    if (__builtin_sub_overflow(clock_wall_ns(&clock_of_machine), header->started_wall_ns,
                               &passed_ns) ||
        __builtin_add_overflow(header->started_ns, passed_ns, &now_ns))
        return INT64_MAX;
    return now_ns;
}
