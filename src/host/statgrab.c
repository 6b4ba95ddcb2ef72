/* SPDX-License-Identifier: Apache-2.0 */
/* Load, host information and swap total. The only includer of libstatgrab, whose state belongs to
 * the process: it is initialised for the first host and shut down with the last. */
#include "host/statgrab.h"

#include <pthread.h>
#include <statgrab.h>
#include <string.h>

#include "base/text.h"
#include "host/inside.h"
#include "host/parse.h"

static pthread_mutex_t library_lock = PTHREAD_MUTEX_INITIALIZER;
static unsigned library_users;
/* An sg_init() that runs out of memory returns with its own lock held (0.92.1), and the next one
 * would wait for ever: after a failure it is not called again. */
static bool library_broken;
/* Grows with each initialisation; a thread is prepared for one of them. Never 0 once used. */
static unsigned library_generation;
static __thread unsigned prepared_generation __attribute__((tls_model("initial-exec")));

static bool library_acquire(void)
{
    pthread_mutex_lock(&library_lock);
    bool ready = !library_broken && (library_users > 0 || sg_init(1) == SG_ERROR_NONE);
    library_broken = !ready;
    if (ready && library_users++ == 0)
        __atomic_store_n(&library_generation, library_generation + 1, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&library_lock);
    return ready;
}

static void library_release(void)
{
    pthread_mutex_lock(&library_lock);
    if (--library_users == 0)
        sg_shutdown();
    pthread_mutex_unlock(&library_lock);
}

/* A file of one line below an injected root. */
static bool read_line(struct host *host, const char *name, char *field, size_t capacity)
{
    struct host_file file = {.name = name};
    char text[256];
    size_t length = 0;
    host_file_open(host, &file);
    int error = host_file_read(host, &file, text, sizeof(text) - 1, &length);
    host_file_close(&file);
    struct parse rest = parse_text(text, length), line;
    if (error != 0 || !parse_line(&rest, &line, NULL) || line.at == line.end)
        return false;
    text[line.end - text] = '\0';
    text_copy(field, capacity, text);
    return true;
}

static void identify(struct host *host)
{
    struct host_identity *identity = &host->identity;
    bool found = false;
    if (host->statgrab_open) {
        size_t entries = 0;
        const sg_host_info *info = sg_get_host_info(&entries);
        found = info != NULL && entries > 0;
        if (found) {
            text_copy(identity->os, sizeof(identity->os), info->os_name);
            text_copy(identity->release, sizeof(identity->release), info->os_release);
            text_copy(identity->hostname, sizeof(identity->hostname), info->hostname);
        }
    } else if (!host->machine) {
        found = read_line(host, "proc/sys/kernel/ostype", identity->os, sizeof(identity->os));
        found &= read_line(host, "proc/sys/kernel/osrelease", identity->release,
                           sizeof(identity->release));
        found &= read_line(host, "proc/sys/kernel/hostname", identity->hostname,
                           sizeof(identity->hostname));
    }
    host->identity_error = found ? 0 : VAGUS_EUNSUPPORTED;
}

void host_statgrab_open(struct host *host)
{
    host->statgrab_open = host->machine && host_memory_to_spare() && library_acquire();
    host->statgrab_swap_error = VAGUS_EUNSUPPORTED;
    identify(host);
    if (!host->statgrab_open)
        return;
    size_t entries = 0;
    const sg_swap_stats *swap = sg_get_swap_stats(&entries);
    if (swap != NULL && entries > 0) {
        host->statgrab_swap_bytes = swap->total;
        host->statgrab_swap_error = 0;
    }
    host_thread_prepare(host);
}

void host_statgrab_close(struct host *host)
{
    if (host->statgrab_open)
        library_release();
}

void host_thread_prepare(struct host *host)
{
    size_t entries;
    if (host->statgrab_open && sg_get_load_stats(&entries) != NULL)
        prepared_generation = __atomic_load_n(&library_generation, __ATOMIC_RELAXED);
}

int host_load(struct host *host, double *load_1m)
{
    if (host->statgrab_open &&
        prepared_generation == __atomic_load_n(&library_generation, __ATOMIC_RELAXED)) {
        size_t entries = 0;
        const sg_load_stats *load = sg_get_load_stats(&entries);
        if (load != NULL && entries > 0 && load->min1 >= 0) {
            *load_1m = load->min1;
            return 0;
        }
    }
    return host_procfs_load(host, load_1m);
}

int host_identity(const struct host *host, struct host_identity *identity)
{
    if (host->identity_error == 0)
        *identity = host->identity;
    return host->identity_error;
}

int host_swap_total(const struct host *host, uint64_t *bytes)
{
    if (host->statgrab_swap_error == 0)
        *bytes = host->statgrab_swap_bytes;
    return host->statgrab_swap_error;
}
