/* SPDX-License-Identifier: Apache-2.0 */
/* The threads' cells: who owns which slot. One process-wide lock
 * orders attaching, ending and closing; nobody takes it while recording. */
#include "metrics/cells.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "metrics/cells_block.h"
#include "vagus/operation.h"

#define RESTING_LEAST 4 /* closes that a block sits out before it is used again */

/* One thread's attachment to one block: with a slot of its own, or with the shared one. */
struct attachment {
    struct attachment *next, **link; /* in the block's list; link NULL: not attached */
    struct vagus__door *door;
    uint32_t slot;
};

/* A door is shut while it bears a generation of another door: no handle that comes to it can. */
#define SHUT(door) ((uint32_t)(door) ^ 1u)
#define SHUT_DOOR(door)                                                                            \
    {                                                                                              \
        SHUT(door), SHUT(door), NULL, NULL, NULL                                                   \
    }

__thread struct vagus__door vagus__doors[VAGUS__DOORS] = {SHUT_DOOR(0), SHUT_DOOR(1), SHUT_DOOR(2),
                                                          SHUT_DOOR(3)};
static __thread struct attachment attachments[VAGUS__DOORS];
static __thread bool thread_ended; /* its destructor ran: it gets no slot again */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t key_once = PTHREAD_ONCE_INIT;
static pthread_key_t key;
static bool key_works;

static struct {
    uint32_t generation; /* 0: free */
    uint32_t last;       /* generation that it had before */
    struct cells_block *block;
} doors[VAGUS__DOORS];

static struct cells_block *resting; /* oldest first */
static unsigned resting_count;

static void door_set(struct vagus__door *door, uint32_t own, uint32_t board)
{
    __atomic_store_n(&door->board_generation, board, __ATOMIC_RELAXED);
    __atomic_store_n(&door->generation, own, __ATOMIC_RELAXED);
}

static void door_shut(struct vagus__door *door, unsigned which)
{
    door_set(door, SHUT(which), SHUT(which));
}

/* Under the lock: ends an attachment, from the thread's own end or from closing. */
static void detach(struct cells_block *block, struct attachment *attachment)
{
    door_shut(attachment->door, block->generation % VAGUS__DOORS);
    if (attachment->slot < block->slots)
        block->taken[attachment->slot] = 0;
    *attachment->link = attachment->next;
    if (attachment->next != NULL)
        attachment->next->link = attachment->link;
    attachment->link = NULL;
}

static void thread_end(void *unused)
{
    (void)unused;
    pthread_mutex_lock(&lock);
    thread_ended = true;
    for (unsigned i = 0; i < VAGUS__DOORS; i++)
        if (attachments[i].link != NULL)
            detach(doors[i].block, &attachments[i]);
    pthread_mutex_unlock(&lock);
}

static void key_make(void)
{
    key_works = pthread_key_create(&key, thread_end) == 0;
}

uint32_t cells_door_take(void)
{
    uint32_t generation = 0;
    pthread_mutex_lock(&lock);
    for (uint32_t i = 0; i < VAGUS__DOORS && generation == 0; i++) {
        if (doors[i].generation != 0)
            continue;
        generation = doors[i].last == 0 ? VAGUS__DOORS + i : doors[i].last + VAGUS__DOORS;
        if (generation < VAGUS__DOORS)
            generation = VAGUS__DOORS + i; /* wrapped after a thousand million monitors */
        doors[i].last = generation;
        doors[i].block = NULL;
        __atomic_store_n(&doors[i].generation, generation, __ATOMIC_RELEASE);
    }
    pthread_mutex_unlock(&lock);
    return generation;
}

void cells_door_free(uint32_t generation)
{
    pthread_mutex_lock(&lock);
    if (doors[generation % VAGUS__DOORS].generation == generation)
        __atomic_store_n(&doors[generation % VAGUS__DOORS].generation, 0, __ATOMIC_RELEASE);
    pthread_mutex_unlock(&lock);
}

static size_t round_up(size_t bytes)
{
    return (bytes + 63) & ~(size_t)63;
}

/* Under the lock: a block that has rested for long enough and has this size, emptied. */
static struct cells_block *take_rested(size_t bytes)
{
    unsigned place = 0;
    for (struct cells_block **link = &resting; *link != NULL; link = &(*link)->next, place++) {
        struct cells_block *block = *link;
        if (place + RESTING_LEAST > resting_count)
            break;
        if (block->bytes != bytes)
            continue;
        *link = block->next;
        resting_count--;
        if (madvise(block, bytes, MADV_DONTNEED) != 0)
            memset(block, 0, bytes);
        return block;
    }
    return NULL;
}

/* Under the lock. A thread stopped between the check of its door and its store may still write
 * here, however much later, so the address stays mapped for ever; its pages are given back. Sizes
 * are powers of two, so that there are few of them and each is soon used again. */
static void put_to_rest(struct cells_block *block)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    struct cells_block **link = &resting;
    while (*link != NULL)
        link = &(*link)->next;
    block->next = NULL;
    madvise((char *)block + page, block->bytes - page, MADV_DONTNEED);
    *link = block;
    resting_count++;
}

static struct cells cells_of(struct cells_block *block)
{
    return (struct cells){block,           block->board, block->generation,
                          block->capacity, block->slots, block->row_words};
}

int cells_init(struct cells *cells, uint32_t generation, uint32_t capacity, uint32_t slots)
{
    size_t head = round_up(sizeof(struct cells_block)) + round_up(slots) + round_up(capacity);
    size_t board =
        round_up(sizeof(struct vagus__board) + (size_t)capacity * sizeof(struct vagus__gauge_cell));
    size_t row = round_up((size_t)capacity * sizeof(struct vagus__cell));
    size_t words = round_up(CELLS_WORDS(capacity) * sizeof(uint64_t));
    size_t named = round_up((size_t)capacity * sizeof(struct cells_named));
    size_t rows_end = head + board + ((size_t)slots + 1) * (row + words);
    uint32_t places = 16;
    while (places < 2 * capacity)
        places *= 2;
    size_t bytes = (size_t)sysconf(_SC_PAGESIZE);
    while (bytes < rows_end + named + places * sizeof(uint32_t))
        bytes *= 2;

    pthread_once(&key_once, key_make);
    pthread_mutex_lock(&lock);
    struct cells_block *block = take_rested(bytes);
    if (block == NULL) {
        void *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        block = memory == MAP_FAILED ? NULL : memory;
    }
    if (block != NULL) {
        char *at = (char *)block + round_up(sizeof(*block));
        *block = (struct cells_block){
            .bytes = bytes,
            .generation = generation,
            .capacity = (uint32_t)(row / sizeof(struct vagus__cell)),
            .slots = slots,
            .row_words = (uint32_t)(words / sizeof(uint64_t)),
            .taken = (uint8_t *)at,
            .armed = (uint8_t *)at + round_up(slots),
            .board = (void *)((char *)block + head),
            .cells = (void *)((char *)block + head + board),
            .words = (void *)((char *)block + head + board + ((size_t)slots + 1) * row),
            .named = (void *)((char *)block + rows_end),
            .places = (void *)((char *)block + rows_end + named),
            .places_mask = places - 1};
        block->board->tick = 1; /* 0 means that a gauge was never set */
        __atomic_store_n(&doors[generation % VAGUS__DOORS].block, block, __ATOMIC_RELEASE);
        *cells = cells_of(block);
        cells->capacity = capacity;
    }
    pthread_mutex_unlock(&lock);
    return block != NULL ? 0 : VAGUS_ENOMEM;
}

void cells_finish(struct cells *cells)
{
    struct cells_block *block = cells->block;
    if (block == NULL)
        return;
    pthread_mutex_lock(&lock);
    while (block->attached != NULL)
        detach(block, block->attached);
    __atomic_store_n(&doors[block->generation % VAGUS__DOORS].block, NULL, __ATOMIC_RELEASE);
    put_to_rest(block);
    pthread_mutex_unlock(&lock);
    cells->block = NULL;
}

uint32_t cells_used(const struct cells *cells)
{
    return __atomic_load_n(&cells->block->used, __ATOMIC_ACQUIRE);
}

bool cells_shared_used(const struct cells *cells)
{
    return __atomic_load_n(&cells->block->shared_used, __ATOMIC_ACQUIRE) != 0;
}

struct vagus__cell *cells_slot(const struct cells *cells, uint32_t slot)
{
    return block_row(cells->block, slot);
}

uint64_t cells_total(const struct cells *cells, uint32_t index)
{
    uint64_t total = 0;
    uint32_t used = cells_used(cells);
    for (uint32_t slot = 0; slot < used; slot++)
        total += __atomic_load_n(&cells_slot(cells, slot)[index].value, __ATOMIC_RELAXED);
    return total + __atomic_load_n(&cells_slot(cells, cells->slots)[index].value, __ATOMIC_RELAXED);
}

uint64_t *cells_words(const struct cells *cells, uint32_t slot)
{
    return block_words(cells->block, slot);
}

void cells_distribution(const struct cells *cells, uint32_t first,
                        const struct histogram_shape *shape,
                        struct vagus_distribution *distribution)
{
    uint32_t used = cells_used(cells);
    histogram_empty(shape, distribution);
    for (uint32_t slot = 0; slot < used; slot++)
        histogram_add(distribution, cells_words(cells, slot) + first);
    if (cells_shared_used(cells))
        histogram_add(distribution, cells_words(cells, cells->slots) + first);
}

static uint64_t run_count(const uint64_t *run, uint32_t buckets)
{
    uint64_t count = 0;
    for (uint32_t i = VAGUS__BELOW; i < VAGUS__BUCKETS + buckets; i++)
        count += __atomic_load_n(&run[i], __ATOMIC_RELAXED);
    return count;
}

uint64_t cells_distribution_count(const struct cells *cells, uint32_t first, uint32_t buckets)
{
    uint64_t count = 0;
    uint32_t used = cells_used(cells);
    for (uint32_t slot = 0; slot < used; slot++)
        count += run_count(cells_words(cells, slot) + first, buckets);
    if (cells_shared_used(cells))
        count += run_count(cells_words(cells, cells->slots) + first, buckets);
    return count;
}

void block_ring(const struct cells_block *block)
{
    struct wake *wake = __atomic_load_n(&block->wake, __ATOMIC_RELAXED);
    if (wake != NULL)
        wake_ring(wake);
}

void cells_ring(const struct cells *cells)
{
    block_ring(cells->block);
}

void cells_set_wake(struct cells *cells, struct wake *wake)
{
    __atomic_store_n(&cells->block->wake, wake, __ATOMIC_RELAXED);
}

static void set_trip(struct vagus__cell *cell, uint64_t room)
{
    uint64_t value = __atomic_load_n(&cell->value, __ATOMIC_RELAXED);
    uint64_t trip = room > UINT64_MAX - value ? UINT64_MAX : value + room;
    __atomic_store_n(&cell->trip, trip, __ATOMIC_RELAXED);
}

void cells_arm(struct cells *cells, uint32_t index, uint64_t headroom)
{
    struct cells_block *block = cells->block;
    pthread_mutex_lock(&lock); /* against a thread that attaches and looks for what is armed */
    bool shared = block->shared_used != 0;
    uint64_t parts = block->used + (shared ? 1 : 0);
    uint64_t room = UINT64_MAX;
    if (headroom > 0 && parts > 0)
        room = headroom / parts > 0 ? headroom / parts : 1;
    for (uint32_t slot = 0; slot < block->used; slot++)
        set_trip(&block_row(block, slot)[index], room);
    if (shared)
        set_trip(&block_row(block, block->slots)[index], room);
    block->armed[index] = headroom > 0;
    pthread_mutex_unlock(&lock);
}

/* Under the lock: a row that is used for the first time. Where a counter is armed its first add
 * trips, so that the sampler divides the headroom anew. A row that was used before has its share
 * already. */
static void open_row(struct cells_block *block, uint32_t slot)
{
    struct vagus__cell *row = block_row(block, slot);
    for (uint32_t i = 0; i < block->capacity; i++)
        set_trip(&row[i], block->armed[i] ? 1 : UINT64_MAX);
}

/* Attaches this thread to the monitor of that generation, if it is open. */
static bool attach(uint32_t generation)
{
    unsigned which = generation % VAGUS__DOORS;
    struct attachment *attachment = &attachments[which];
    struct vagus__door *door = &vagus__doors[which];
    /* Without a destructor the slot would never come back. */
    bool owner = key_works && !thread_ended && pthread_setspecific(key, attachments) == 0;

    pthread_mutex_lock(&lock);
    struct cells_block *block = doors[which].block;
    if (doors[which].generation != generation || block == NULL || attachment->link != NULL) {
        pthread_mutex_unlock(&lock);
        return false;
    }
    uint32_t slot = owner ? 0 : block->slots;
    while (slot < block->slots && block->taken[slot])
        slot++;
    if (slot < block->slots) {
        block->taken[slot] = 1;
        if (slot >= block->used) {
            open_row(block, slot);
            __atomic_store_n(&block->used, slot + 1, __ATOMIC_RELEASE);
        }
    } else if (!block->shared_used) {
        open_row(block, slot);
        __atomic_store_n(&block->shared_used, 1, __ATOMIC_RELEASE);
    }
    /* A thread whose destructor will not run, or did, would leave a dangling attachment behind: it
     * stays unattached and comes through here each time. */
    if (owner) {
        *attachment = (struct attachment){block->attached, &block->attached, door, slot};
        if (block->attached != NULL)
            block->attached->link = &attachment->next;
        block->attached = attachment;
        door->board = block->board;
        door->cells = block_row(block, slot);
        door->words = block_words(block, slot);
        door_set(door, slot < block->slots ? generation : SHUT(which), generation);
    }
    pthread_mutex_unlock(&lock);
    return true;
}

static bool is_open(uint32_t generation)
{
    return generation != 0 && __atomic_load_n(&doors[generation % VAGUS__DOORS].generation,
                                              __ATOMIC_ACQUIRE) == generation;
}

struct cells_block *block_enter(uint32_t generation)
{
    unsigned which = generation % VAGUS__DOORS;
    struct cells_block *block = NULL;
    int saved = errno; /* a thread's first key may cost an allocation, which may fail */
    if (is_open(generation) &&
        (__atomic_load_n(&vagus__doors[which].board_generation, __ATOMIC_RELAXED) == generation ||
         attach(generation)))
        block = __atomic_load_n(&doors[which].block, __ATOMIC_ACQUIRE);
    errno = saved;
    /* The monitor may have been closed meanwhile, and another opened in its place. */
    return block != NULL && block->generation == generation ? block : NULL;
}

int vagus_counter_total(struct vagus_counter counter, uint64_t *total)
{
    int error = VAGUS_ECLOSED;
    if (total == NULL)
        return VAGUS_EINVAL;
    pthread_mutex_lock(&lock);
    struct cells_block *block = doors[counter.generation % VAGUS__DOORS].block;
    if (is_open(counter.generation) && block != NULL && counter.index < block->capacity) {
        struct cells cells = cells_of(block);
        *total = cells_total(&cells, counter.index);
        error = 0;
    }
    pthread_mutex_unlock(&lock);
    return error;
}

/* Under the lock: the cells that a histogram's handle leads into. */
static bool cells_of_histogram(const struct vagus_histogram *histogram, struct cells *cells)
{
    struct cells_block *block = doors[histogram->generation % VAGUS__DOORS].block;
    if (!is_open(histogram->generation) || block == NULL ||
        histogram->buckets > VAGUS_BUCKETS_MAX || histogram->shift >= 32 ||
        histogram->first > block->row_words - VAGUS__BUCKETS - histogram->buckets)
        return false;
    *cells = cells_of(block);
    return true;
}

int vagus_histogram_read(struct vagus_histogram histogram, struct vagus_distribution *distribution)
{
    struct histogram_shape shape = {histogram.buckets, histogram.origin, histogram.shift};
    int error = VAGUS_ECLOSED;
    if (distribution == NULL)
        return VAGUS_EINVAL;
    pthread_mutex_lock(&lock);
    struct cells cells;
    if (cells_of_histogram(&histogram, &cells)) {
        cells_distribution(&cells, histogram.first, &shape, distribution);
        error = 0;
    }
    pthread_mutex_unlock(&lock);
    return error;
}

int vagus_operation_read(const struct vagus_operation *operation,
                         struct vagus_operation_state *state)
{
    int error = VAGUS_ECLOSED;
    if (operation == NULL || state == NULL)
        return VAGUS_EINVAL;
    const struct vagus_histogram *duration = &operation->duration;
    struct cells cells;
    pthread_mutex_lock(&lock);
    if (cells_of_histogram(duration, &cells) && operation->started.index < cells.capacity &&
        operation->errors.index < cells.capacity) {
        state->errors = cells_total(&cells, operation->errors.index);
        state->in_flight = cells_in_flight(&cells, operation->started.index, duration->first,
                                           duration->buckets, &state->ended);
        state->started = state->ended + state->in_flight;
        error = 0;
    }
    pthread_mutex_unlock(&lock);
    return error;
}

void cells_before_fork(void)
{
    pthread_mutex_lock(&lock);
}

void cells_after_fork_in_parent(void)
{
    pthread_mutex_unlock(&lock);
}

/* The other threads are gone, and with them the memory that their attachments lie in. */
void cells_after_fork_in_child(void)
{
    for (unsigned i = 0; i < VAGUS__DOORS; i++) {
        door_shut(&vagus__doors[i], i);
        attachments[i].link = NULL;
        doors[i].generation = 0;
        if (doors[i].block != NULL) {
            doors[i].block->attached = NULL;
            put_to_rest(doors[i].block);
        }
        doors[i].block = NULL;
    }
    pthread_mutex_unlock(&lock);
}
