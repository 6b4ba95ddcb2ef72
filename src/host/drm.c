/* SPDX-License-Identifier: Apache-2.0 */
/* DRM's fdinfo: "drm-memory-vram: 24 KiB", one key to a line. Documented in the kernel's
 * drm-usage-stats.rst; drivers differ in which of the keys they have. */
#include "host/drm.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "host/inside.h"
#include "host/listing.h"
#include "host/parse.h"

#define FDINFO_BYTES 8192

/* --- Parsing. --- */

/* What a driver says of the same memory in up to three ways, the best first. */
enum { RESIDENT, MEMORY, TOTAL, WAYS };

struct sums {
    bool told[WAYS];
    uint64_t bytes[WAYS];
};

static void skip_blanks(struct parse *text)
{
    while (text->at < text->end && (*text->at == ' ' || *text->at == '\t'))
        text->at++;
}

/* "24", "24 KiB", "24 MiB". */
static bool take_bytes(struct parse value, uint64_t *bytes)
{
    uint64_t number;
    struct parse unit;
    if (!parse_u64(&value, &number))
        return false;
    unsigned shift = 0;
    if (parse_word(&value, &unit)) {
        if (parse_equals(unit, "KiB"))
            shift = 10;
        else if (parse_equals(unit, "MiB"))
            shift = 20;
        else
            return false;
    }
    return !__builtin_mul_overflow(number, UINT64_C(1) << shift, bytes);
}

static bool add_bytes(struct sums *sums, int way, struct parse value)
{
    uint64_t bytes;
    if (!take_bytes(value, &bytes) ||
        __builtin_add_overflow(sums->bytes[way], bytes, &sums->bytes[way]))
        return false;
    sums->told[way] = true;
    return true;
}

/* Regions of the GPU's own memory are "vram", "vram0", "local0"; all others lie in the machine's.
 */
static bool is_vram(struct parse region)
{
    struct parse other = region;
    return parse_literal(&region, "vram") || parse_literal(&other, "local");
}

static bool add_engine(struct parse key, struct parse value, struct drm_client *client)
{
    uint64_t ns;
    struct parse unit;
    if (parse_literal(&key, "capacity-"))
        return true; /* how many engines there are of that kind */
    if (!parse_u64(&value, &ns) || !parse_word(&value, &unit) || !parse_equals(unit, "ns") ||
        __builtin_add_overflow(client->engine_ns, ns, &client->engine_ns))
        return false;
    client->has_engines = true;
    return true;
}

static bool take_text(struct parse value, char *field, size_t capacity)
{
    struct parse word;
    value.end--; /* the newline */
    if (!parse_word(&value, &word) || (size_t)(word.end - word.at) >= capacity)
        return false;
    memcpy(field, word.at, (size_t)(word.end - word.at));
    field[word.end - word.at] = '\0';
    return true;
}

struct found {
    struct drm_client client;
    struct sums vram, shared;
    char driver[32];
    bool has_id;
};

/* The value ends with the newline, which ends its number. */
static bool take_line(struct parse key, struct parse value, struct found *found)
{
    static const char *const ways[WAYS] = {"resident-", "memory-", "total-"};
    struct parse rest = key;
    if (parse_equals(key, "driver"))
        return take_text(value, found->driver, sizeof(found->driver));
    if (parse_equals(key, "pdev"))
        return take_text(value, found->client.device, sizeof(found->client.device));
    if (parse_equals(key, "client-id"))
        return found->has_id = parse_u64(&value, &found->client.id);
    if (parse_literal(&rest, "engine-"))
        return add_engine(rest, value, &found->client);
    for (int way = 0; way < WAYS; way++) {
        rest = key;
        if (!parse_literal(&rest, ways[way]))
            continue;
        struct parse cycles = rest;
        if (way == TOTAL && parse_literal(&cycles, "cycles"))
            return true; /* "drm-total-cycles-rcs" is no memory */
        return add_bytes(is_vram(rest) ? &found->vram : &found->shared, way, value);
    }
    return true;
}

static bool best_of(const struct sums *sums, uint64_t *bytes)
{
    for (int way = 0; way < WAYS; way++)
        if (sums->told[way]) {
            *bytes = sums->bytes[way];
            return true;
        }
    return false;
}

int host_parse_drm(const char *text, size_t length, struct drm_client *client)
{
    struct parse rest = parse_text(text, length), line, key;
    struct found found = {.has_id = false};
    bool whole;
    while (parse_line(&rest, &line, &whole)) {
        if (!whole)
            return VAGUS_EPARSE; /* cut: more may have stood there */
        if (!parse_literal(&line, "drm-") || !parse_until(&line, ':', &key))
            continue;
        line.end++; /* with the newline */
        skip_blanks(&line);
        if (!take_line(key, line, &found))
            return VAGUS_EPARSE;
    }
    if (found.driver[0] == '\0' || !found.has_id)
        return VAGUS_EUNSUPPORTED;
    if (found.client.device[0] == '\0')
        memcpy(found.client.device, found.driver, sizeof(found.driver));
    found.client.has_vram = best_of(&found.vram, &found.client.vram_bytes);
    found.client.has_shared = best_of(&found.shared, &found.client.shared_bytes);
    *client = found.client;
    return 0;
}

/* --- Reading. --- */

bool drm_present(struct host *host)
{
    return faccessat(host->root_fd, "dev/dri", F_OK, 0) == 0 ||
           faccessat(host->root_fd, "dev/accel", F_OK, 0) == 0;
}

static bool is_gpu(int folder_fd, const char *descriptor)
{
    char target[16];
    ssize_t length = readlinkat(folder_fd, descriptor, target, sizeof(target));
    struct parse dri = parse_text(target, length > 0 ? (size_t)length : 0), accel = dri;
    return parse_literal(&dri, "/dev/dri/") || parse_literal(&accel, "/dev/accel/");
}

static int read_client(struct host *host, const char *descriptor, struct drm_client *client)
{
    char name[64], text[FDINFO_BYTES];
    struct host_file file = {.name = name};
    size_t length = 0;
    snprintf(name, sizeof(name), "proc/self/fdinfo/%.20s", descriptor);
    host_file_open(host, &file);
    int error = host_file_read(host, &file, text, sizeof(text), &length);
    host_file_close(&file);
    return error != 0 ? error : host_parse_drm(text, length, client);
}

static bool is_listed(const struct drm_client *clients, uint32_t count,
                      const struct drm_client *client)
{
    for (uint32_t i = 0; i < count; i++)
        if (clients[i].id == client->id && strcmp(clients[i].device, client->device) == 0)
            return true;
    return false;
}

int drm_clients(struct host *host, struct drm_client clients[DRM_CLIENTS_MAX], uint32_t *count,
                uint32_t *surplus)
{
    struct host_listing listing;
    struct drm_client client;
    uint32_t looked = 0;
    *count = *surplus = 0;
    int result = host_listing_open(host, "proc/self/fd", &listing);
    if (result != 0)
        return result;
    for (const char *name; (name = host_listing_next(&listing)) != NULL;) {
        if (looked == DRM_DESCRIPTORS_MAX) {
            (*surplus)++;
            continue;
        }
        looked++;
        if (!is_gpu(listing.fd, name))
            continue;
        int error = read_client(host, name, &client);
        if (error != 0) {
            /* One that was closed meanwhile, or whose driver does not tell, is no failure. */
            if (error == VAGUS_EPARSE || error == VAGUS_EPERM)
                result = error;
        } else if (is_listed(clients, *count, &client)) {
            continue;
        } else if (*count == DRM_CLIENTS_MAX) {
            (*surplus)++;
        } else {
            clients[(*count)++] = client;
        }
    }
    host_listing_close(&listing);
    return result;
}
