/* SPDX-License-Identifier: Apache-2.0 */
/* The reading side: signal level and health summary, each on a stepped monitor of the real
 * machine. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "vagus/vagus.h"

/* --- The level of signals; the floor takes one of three packed levels out of one word. --- */

static uint64_t packed_levels;
static double sink;

static void level(void *arg, uint64_t iterations)
{
    MEASURE_LOOP(iterations, sink = vagus_signal_level(arg, VAGUS_DEFER));
}

static void level_bare(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations,
                 sink =
                     (double)(__atomic_load_n(&packed_levels, __ATOMIC_RELAXED) >> 21 & 0x1fffff) /
                     0x1fffff);
}

int client_level(void)
{
    struct vagus_monitor *monitor = client_open(VAGUS_NO_COLLECTORS);
    struct contender contenders[] = {{.loop = level, .arg = monitor}, {.loop = level_bare}};
    if (!measure(contenders, 2, 1))
        return 1;
    client_print(&contenders[0], &contenders[1]);
    return vagus_monitor_close(monitor);
}

/* --- The health summary; the floor puts the same text together: each number by one snprintf, what
 * stands between them copied. --- */

#define HEALTH_BYTES (256 * 1024)
#define PIECES_MAX 16384

static char health_text[HEALTH_BYTES], health_out[HEALTH_BYTES];
static uint32_t health_flags;
static struct piece {
    const char *words;
    size_t length;
    unsigned long number; /* that follows the words */
} pieces[PIECES_MAX];
static unsigned piece_count;

static void cut_into_pieces(const char *text)
{
    for (piece_count = 0; piece_count < PIECES_MAX && *text != '\0'; piece_count++) {
        struct piece *piece = &pieces[piece_count];
        piece->words = text;
        piece->length = strcspn(text, "0123456789");
        text += piece->length;
        piece->number = strtoul(text, NULL, 10);
        text += strspn(text, "0123456789");
    }
}

static void put_together(void)
{
    char *at = health_out, *end = health_out + sizeof(health_out);
    for (unsigned i = 0; i < piece_count; i++) {
        memcpy(at, pieces[i].words, pieces[i].length);
        at += pieces[i].length;
        at += snprintf(at, (size_t)(end - at), "%lu", pieces[i].number);
    }
}

static void health(void *arg, uint64_t iterations)
{
    MEASURE_LOOP(iterations,
                 vagus_health_format(arg, health_flags, health_out, sizeof(health_out), NULL));
}

static void health_bare(void *arg, uint64_t iterations)
{
    (void)arg;
    MEASURE_LOOP(iterations, put_together());
}

int client_health(bool json)
{
    health_flags = json ? VAGUS_HEALTH_JSON : 0;
    struct vagus_monitor *monitor = client_open(0);
    struct contender contenders[] = {{.loop = health, .arg = monitor}, {.loop = health_bare}};
    if (vagus_step(monitor, NULL) != 0 ||
        vagus_health_format(monitor, health_flags, health_text, sizeof(health_text), NULL) != 0)
        return 1;
    cut_into_pieces(health_text);
    if (!measure(contenders, 2, 1))
        return 1;
    client_print(&contenders[0], &contenders[1]);
    return vagus_monitor_close(monitor);
}
