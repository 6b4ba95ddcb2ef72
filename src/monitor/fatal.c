/* SPDX-License-Identifier: Apache-2.0 */
/* The number of the signal that ends the process, noted in the segment: only for a host that asked
 * for it. The handlers note, and then let happen what would have happened without them. What runs
 * in a handler here is async-signal-safe: loads, stores, sigaction, tgkill. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "monitor/monitor.h"

static const int fatal_signals[] = {SIGSEGV, SIGABRT, SIGBUS, SIGFPE, SIGILL};
#define FATAL_SIGNALS (sizeof(fatal_signals) / sizeof(fatal_signals[0]))

/* Of the monitors that are open; NULL: none. */
static struct segment_header *headers[VAGUS__DOORS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* of what follows */
static unsigned wanted;                                  /* monitors that asked for handlers */
static struct sigaction before[FATAL_SIGNALS];
static bool installed[FATAL_SIGNALS];

static void note(int number, int code, uint64_t address)
{
    struct timespec now;
    int64_t at_ns =
        clock_gettime(CLOCK_MONOTONIC, &now) == 0 ? now.tv_sec * VAGUS_SECOND_NS + now.tv_nsec : 0;
    for (int i = 0; i < VAGUS__DOORS; i++) {
        struct segment_header *header = __atomic_load_n(&headers[i], __ATOMIC_ACQUIRE);
        if (header == NULL)
            continue;
        /* The newest one counts: a host may have recovered from those before. */
        __atomic_store_n(&header->fatal.number, 0, __ATOMIC_RELEASE);
        header->fatal.at_ns = at_ns;
        header->fatal.address = address;
        header->fatal.code = code;
        header->fatal.thread = (int32_t)syscall(SYS_gettid);
        __atomic_store_n(&header->fatal.number, number, __ATOMIC_RELEASE);
    }
}

void vagus_fatal_note(int signal_number)
{
    if (signal_number <= 0 || signal_number > 64)
        return;
    int kept = errno;
    note(signal_number, 0, 0);
    errno = kept;
}

static void take_default(int number)
{
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(number, &action, NULL);
}

/* What the kernel raised happens again as the handler returns, and then for good, with a core that
 * shows where; what was sent must be sent again. */
static void let_die(int number, const siginfo_t *info)
{
    take_default(number);
    if (info->si_code <= 0 || (number == SIGBUS && info->si_code == BUS_MCEERR_AO))
        syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), number);
}

/* It may recover: we stay installed, unless it was to run but once, since it may count on the
 * default for what follows. */
static void run_former(const struct sigaction *former, int number, siginfo_t *info, void *context)
{
    if ((former->sa_flags & (int)SA_RESETHAND) != 0)
        take_default(number);
    if ((former->sa_flags & SA_SIGINFO) != 0)
        former->sa_sigaction(number, info, context);
    else
        former->sa_handler(number);
}

static void on_fatal(int number, siginfo_t *info, void *context)
{
    int kept = errno;
    size_t i = 0;
    while (i < FATAL_SIGNALS && fatal_signals[i] != number)
        i++;
    if (i == FATAL_SIGNALS)
        return;
    const struct sigaction *former = &before[i];
    bool ignored = former->sa_handler == SIG_IGN; /* whatever its flags: it is one union */
    bool forced = info->si_code > 0;              /* the kernel does not let a fault be ignored */
    if (!ignored || forced)
        note(number, info->si_code,
             forced && number != SIGABRT ? (uint64_t)(uintptr_t)info->si_addr : 0);
    if (ignored || former->sa_handler == SIG_DFL) {
        if (!ignored || forced)
            let_die(number, info);
    } else {
        run_former(former, number, info, context);
    }
    errno = kept;
}

static void install(void)
{
    struct sigaction action = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    for (size_t i = 0; i < FATAL_SIGNALS; i++) {
        sigaction(fatal_signals[i], NULL, &before[i]);
        /* As the former one would have run: a host's handler finds the mask that it asked for. */
        action.sa_mask = before[i].sa_mask;
        action.sa_flags = SA_SIGINFO | SA_ONSTACK | (before[i].sa_flags & SA_NODEFER);
        installed[i] = sigaction(fatal_signals[i], &action, NULL) == 0;
    }
}

/* Where somebody put his own handler over ours since, it stays, and leads to what ours led to. */
static void uninstall(void)
{
    for (size_t i = 0; i < FATAL_SIGNALS; i++) {
        struct sigaction now;
        if (installed[i] && sigaction(fatal_signals[i], NULL, &now) == 0 &&
            (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_fatal)
            sigaction(fatal_signals[i], &before[i], NULL);
        installed[i] = false;
    }
}

void fatal_begin(struct vagus_monitor *monitor)
{
    monitor_hold_forks();
    pthread_mutex_lock(&lock);
    for (int i = 0; i < VAGUS__DOORS; i++)
        if (headers[i] == NULL) {
            __atomic_store_n(&headers[i], monitor->segment.header, __ATOMIC_RELEASE);
            break;
        }
    monitor->notes_fatal = (monitor->flags & VAGUS_NOTE_FATAL) != 0;
    if (monitor->notes_fatal && wanted++ == 0)
        install();
    pthread_mutex_unlock(&lock);
    monitor_leave();
}

void fatal_end(struct vagus_monitor *monitor)
{
    pthread_mutex_lock(&lock);
    for (int i = 0; i < VAGUS__DOORS; i++)
        if (headers[i] != NULL && headers[i] == monitor->segment.header)
            __atomic_store_n(&headers[i], NULL, __ATOMIC_RELEASE);
    if (monitor->notes_fatal && --wanted == 0)
        uninstall();
    monitor->notes_fatal = false;
    pthread_mutex_unlock(&lock);
}

void fatal_after_fork_in_child(void)
{
    if (wanted > 0)
        uninstall();
    wanted = 0;
    memset(headers, 0, sizeof(headers));
}
