/* SPDX-License-Identifier: Apache-2.0 */
/* Three services, each heard and answered on a thread of its own: the llm is throttled, the cache
 * sheds, the lifecycle ends the rest. A callback sets what its worker looks at and returns. */
#include <time.h>

#include "cli/demo_agent.h"
#include "cli/demo_story.h"

#define MIB ((size_t)1 << 20)
#define CALL_MS 40
#define THROTTLED_PAUSE_MS 160
#define CACHE_BOUND_BYTES (16 * MIB)
#define CACHE_SHED_BYTES (4 * MIB)
#define EVICT_EACH_MS                                                                              \
    30 /* an answer: faster than the llm makes them, or it would never catch up                    \
        */
#define PAGE_BYTES MIB
#define PAGE_EACH_MS 20

static void sleep_ms(int ms)
{
    nanosleep(&(struct timespec){.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L}, NULL);
}

/* --- llm: throttled, it makes a call every 200 ms instead of every 40 ms. --- */

static void llm_on_signal(const struct vagus_signal *signal, void *arg)
{
    struct demo_agent *agent = arg;
    if (signal->change == VAGUS_SIGNAL_UPDATED)
        return;
    bool throttled = signal->change == VAGUS_SIGNAL_RAISED;
    demo_story_hears("llm", signal);
    atomic_store(&agent->call_pause_ms, throttled ? THROTTLED_PAUSE_MS : 0);
    if (throttled)
        demo_story_says("llm", "slows down: a call every %d ms at most, not every %d ms",
                        CALL_MS + THROTTLED_PAUSE_MS, CALL_MS);
    else
        demo_story_says("llm", "is back at full speed");
}

static bool take_message(struct demo_agent *agent)
{
    unsigned count = atomic_load(&agent->inbox);
    while (count > 0)
        if (atomic_compare_exchange_weak(&agent->inbox, &count, count - 1))
            return true;
    return false;
}

static void *llm_work(void *arg)
{
    struct demo_agent *agent = arg;
    for (unsigned call = 1; !atomic_load(&agent->llm.stop); call++) {
        if (!take_message(agent)) {
            sleep_ms(10);
            continue;
        }
        sleep_ms(CALL_MS);
        vagus_add(agent->tokens, 400 + call * 37 % 200);
        vagus_add(agent->messages, 1);
        demo_pool_grow(&agent->answers, DEMO_ANSWER_BYTES);
        sleep_ms(atomic_load(&agent->call_pause_ms));
    }
    return NULL;
}

/* --- cache: sheds its oldest answers, a few at a time, so that nothing else waits for it. --- */

static void cache_on_signal(const struct vagus_signal *signal, void *arg)
{
    struct demo_agent *agent = arg;
    if (signal->change == VAGUS_SIGNAL_UPDATED)
        return;
    demo_story_hears("cache", signal);
    if (signal->change == VAGUS_SIGNAL_CLEARED) {
        atomic_store(&agent->bound_bytes, CACHE_BOUND_BYTES);
        demo_story_says("cache", "has shed %zu MiB, and evicts in time from now on",
                        atomic_load(&agent->evicted_bytes) / MIB);
        return;
    }
    demo_story_says("cache", "sheds its load: %zu MiB of answers, the oldest first",
                    atomic_load(&agent->answers.held_bytes) / MIB);
    atomic_store(&agent->evicted_bytes, 0);
    atomic_store(&agent->bound_bytes, CACHE_SHED_BYTES);
    atomic_store(&agent->forgets, false);
}

static void *cache_work(void *arg)
{
    struct demo_agent *agent = arg;
    for (; !atomic_load(&agent->cache.stop); sleep_ms(EVICT_EACH_MS)) {
        bool over = atomic_load(&agent->answers.held_bytes) > atomic_load(&agent->bound_bytes);
        if (over && !atomic_load(&agent->forgets))
            atomic_fetch_add(&agent->evicted_bytes, demo_pool_shrink(&agent->answers));
    }
    return NULL;
}

/* --- browser: a tool that listens to nobody. --- */

static void *browser_work(void *arg)
{
    struct demo_agent *agent = arg;
    double owed_bytes = 0;
    bool refused = false;
    for (int64_t last = vagus_now_ns(); !atomic_load(&agent->browser.stop);) {
        sleep_ms(PAGE_EACH_MS);
        int64_t now = vagus_now_ns(), elapsed_ns = now - last;
        /* A machine that stood still is not made to catch up: that would be a burst. */
        if (elapsed_ns > 2 * PAGE_EACH_MS * VAGUS_MILLISECOND_NS)
            elapsed_ns = 2 * PAGE_EACH_MS * VAGUS_MILLISECOND_NS;
        last = now;
        owed_bytes += DEMO_BROWSER_MIB_PER_S * (double)MIB * (double)elapsed_ns / 1e9;
        for (; owed_bytes >= PAGE_BYTES && !atomic_load(&agent->browser.stop);
             owed_bytes -= PAGE_BYTES) {
            vagus_add(agent->tool_calls, 1);
            if (demo_pool_grow(&agent->pages, PAGE_BYTES) || refused)
                continue;
            demo_story_says("browser", "gets no more: the demo keeps clear of its limit");
            refused = true;
        }
    }
    return NULL;
}

/* --- lifecycle: ends the agent in order. --- */

static void lifecycle_on_signal(const struct vagus_signal *signal, void *arg)
{
    struct demo_agent *agent = arg;
    if (signal->change != VAGUS_SIGNAL_RAISED)
        return;
    /* What leaks ends at once, before a word that might block; the brainstem sees `ending` at its
     * next beat and ends the rest. */
    atomic_store(&agent->browser.stop, true);
    demo_story_hears("lifecycle", signal);
    demo_story_says("lifecycle", "ends the agent in order");
    atomic_store(&agent->ending, true);
}

/* --- Wiring and life. --- */

static int add_service(struct demo_agent *agent, const char *name, uint32_t kinds,
                       vagus_signal_fn *on_signal)
{
    return vagus_listener_add(agent->monitor,
                              &(struct vagus_listener_desc){
                                  .size = sizeof(struct vagus_listener_desc),
                                  .name = name,
                                  .kinds = kinds,
                                  .resources = (const char *const[]){"memory", NULL},
                                  .on_signal = on_signal,
                                  .arg = agent,
                              },
                              NULL);
}

static struct vagus_counter define_counter(struct demo_agent *agent, const char *name,
                                           const char *unit, const char *help)
{
    return vagus_counter_define(
        agent->monitor, &(struct vagus_metric_desc){
                            .name = name, .unit = unit, .help = help, .kind = VAGUS_COUNTER});
}

int demo_agent_init(struct demo_agent *agent, struct vagus_monitor *monitor)
{
    agent->monitor = monitor;
    agent->messages = define_counter(agent, "agent.messages", "{message}", "messages answered");
    agent->tokens = define_counter(agent, "agent.tokens", "{token}", "LLM tokens used");
    agent->tool_calls = define_counter(agent, "agent.tool.calls", "{call}", "tools called");
    agent->waiting =
        vagus_gauge_define(monitor, &(struct vagus_metric_desc){.name = "agent.waiting",
                                                                .unit = "{message}",
                                                                .help = "messages not yet answered",
                                                                .kind = VAGUS_GAUGE});
    demo_pool_init(&agent->answers, &agent->allowance);
    demo_pool_init(&agent->pages, &agent->allowance);
    atomic_store(&agent->bound_bytes, CACHE_BOUND_BYTES);

    int error = add_service(agent, "llm", VAGUS_THROTTLE, llm_on_signal);
    if (error == 0)
        error = add_service(agent, "cache", VAGUS_DEFER, cache_on_signal);
    if (error == 0)
        error = add_service(agent, "lifecycle", VAGUS_SHUTDOWN, lifecycle_on_signal);
    return error;
}

static int start_worker(struct demo_agent *agent, struct demo_worker *worker, void *(*work)(void *))
{
    worker->running = pthread_create(&worker->thread, NULL, work, agent) == 0;
    return worker->running ? 0 : VAGUS_EAGAIN;
}

static bool end_worker(struct demo_worker *worker)
{
    if (!worker->running)
        return false;
    atomic_store(&worker->stop, true);
    pthread_join(worker->thread, NULL);
    worker->running = false;
    return true;
}

int demo_agent_start(struct demo_agent *agent, size_t most_bytes)
{
    agent->allowance.most_bytes = most_bytes;
    int error = start_worker(agent, &agent->llm, llm_work);
    return error != 0 ? error : start_worker(agent, &agent->cache, cache_work);
}

bool demo_agent_is_at_ease(const struct demo_agent *agent)
{
    return atomic_load(&agent->call_pause_ms) == 0 &&
           atomic_load(&agent->bound_bytes) == CACHE_BOUND_BYTES;
}

void demo_agent_forget_to_evict(struct demo_agent *agent)
{
    atomic_store(&agent->forgets, true);
}

int demo_agent_open_browser(struct demo_agent *agent)
{
    return start_worker(agent, &agent->browser, browser_work);
}

void demo_agent_end(struct demo_agent *agent)
{
    if (end_worker(&agent->browser))
        demo_story_says("browser", "closed, with %zu MiB of pages lost in it",
                        atomic_load(&agent->pages.held_bytes) / MIB);
    if (end_worker(&agent->llm))
        demo_story_says("llm", "closed, its last call finished");
    if (end_worker(&agent->cache))
        demo_story_says("cache", "closed");
}

void demo_agent_finish(struct demo_agent *agent)
{
    if (agent->monitor == NULL)
        return;
    demo_pool_finish(&agent->answers);
    demo_pool_finish(&agent->pages);
}
