/* SPDX-License-Identifier: Apache-2.0 */
/* The demo agent: services that hear the nerve, workers that do the work, and two leaks. It knows
 * the public interface of vagus and nothing else. */
#ifndef CLI_DEMO_AGENT_H
#define CLI_DEMO_AGENT_H

#include <pthread.h>
#include <stdatomic.h>

#include "cli/demo_memory.h"
#include "vagus/vagus.h"

struct demo_worker {
    pthread_t thread;
    bool running;
    atomic_bool stop;
};

struct demo_agent {
    struct vagus_monitor *monitor;
    struct vagus_counter messages, tokens, tool_calls;
    struct vagus_gauge waiting;

    /* llm: answers messages, a call for each. */
    struct demo_worker llm;
    atomic_uint inbox; /* accepted and not yet answered */
    atomic_int call_pause_ms;

    /* cache: keeps answers up to a bound, until it forgets to evict. */
    struct demo_worker cache;
    struct demo_pool answers;
    atomic_size_t bound_bytes;
    atomic_size_t evicted_bytes; /* since defer was raised */
    atomic_bool forgets;

    /* browser: the tool that keeps every page. */
    struct demo_worker browser;
    struct demo_pool pages;

    atomic_bool ending; /* the lifecycle service heard shutdown */
    struct demo_allowance allowance;
};

/* Defines the metrics and registers the services; before vagus_monitor_start(). 0 or VAGUS_E… */
int demo_agent_init(struct demo_agent *agent, struct vagus_monitor *monitor);

/* The workers llm and cache begin. The agent takes no more than most_bytes. */
int demo_agent_start(struct demo_agent *agent, size_t most_bytes);

/* True while no service holds back: each raise has had its clear. */
bool demo_agent_is_at_ease(const struct demo_agent *agent);

/* The two leaks. */
void demo_agent_forget_to_evict(struct demo_agent *agent);
int demo_agent_open_browser(struct demo_agent *agent);

/* Ends what was started, in order, each worker with its work finished. Twice does no harm. */
void demo_agent_end(struct demo_agent *agent);

/* Gives all memory back; after vagus_monitor_close(), since listeners hold the agent until then. */
void demo_agent_finish(struct demo_agent *agent);

/* What leaks how fast; the llm makes one answer of each message. */
#define DEMO_MESSAGES_PER_S 10
#define DEMO_ANSWER_BYTES ((size_t)4 << 20)
#define DEMO_BROWSER_MIB_PER_S 150

#endif
