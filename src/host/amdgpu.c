/* SPDX-License-Identifier: Apache-2.0 */
/* AMD's GPUs in sysfs: files kept open, one for each reading. */
#include "host/amdgpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/inside.h"
#include "host/listing.h"
#include "host/parse.h"

#define CARDS "sys/class/drm"
#define NUMBER_MAX 64 /* of /sys/class/drm/card63 */

struct card {
    unsigned number;
    char name[16];
    char bus[32];
    char directory[64];     /* of the device, with a slash at its end */
    char sensors[96];       /* of its hwmon, likewise; "": none */
    struct host_file sleep; /* "active", "suspended", … */
    struct host_file files[AMDGPU_FILES];
};

struct amdgpu {
    struct host *host;
    uint32_t count;
    struct card cards[AMDGPU_CARDS_MAX];
};

static void open_below(struct host *host, struct host_file *file, const char *directory,
                       const char *name)
{
    *file = (struct host_file){
        .directory = directory, .directory_length = strlen(directory), .name = name};
    host_file_open(host, file);
}

static bool is_amd(struct host *host, unsigned number)
{
    char name[64], text[16];
    struct host_file file = {.name = name};
    size_t length = 0;
    snprintf(name, sizeof(name), CARDS "/card%u/device/vendor", number);
    host_file_open(host, &file);
    int error = host_file_read(host, &file, text, sizeof(text), &length);
    host_file_close(&file);
    return error == 0 && length == 7 && memcmp(text, "0x1002\n", 7) == 0;
}

/* Sensors are numbered in the order in which the machine's drivers came up. */
static void find_sensors(struct host *host, struct card *card)
{
    struct host_listing listing;
    char path[80];
    card->sensors[0] = '\0';
    snprintf(path, sizeof(path), "%shwmon", card->directory);
    if (host_listing_open(host, path, &listing) != 0)
        return;
    for (const char *name; (name = host_listing_next(&listing)) != NULL;)
        if (strncmp(name, "hwmon", 5) == 0 && strlen(name) < 12) {
            snprintf(card->sensors, sizeof(card->sensors), "%s/%.11s/", path, name);
            break;
        }
    host_listing_close(&listing);
}

static void open_sensors(struct host *host, struct card *card)
{
    if (card->sensors[0] == '\0')
        return;
    struct host_file *power = &card->files[AMDGPU_POWER_MICROWATTS];
    open_below(host, power, card->sensors, "power1_average");
    if (power->error == VAGUS_EUNSUPPORTED)
        open_below(host, power, card->sensors, "power1_input");
    open_below(host, &card->files[AMDGPU_POWER_LIMIT_MICROWATTS], card->sensors, "power1_cap");
    open_below(host, &card->files[AMDGPU_TEMPERATURE_MILLICELSIUS], card->sensors, "temp1_input");
}

static void open_card(struct host *host, struct card *card, unsigned number)
{
    char target[256];
    *card = (struct card){.number = number};
    snprintf(card->name, sizeof(card->name), "card%u", number);
    snprintf(card->directory, sizeof(card->directory), CARDS "/card%u/device/", number);
    char link[sizeof(card->directory)];
    snprintf(link, sizeof(link), CARDS "/card%u/device", number);
    ssize_t length = readlinkat(host->root_fd, link, target, sizeof(target) - 1);
    if (length > 0) {
        target[length] = '\0';
        const char *slash = strrchr(target, '/');
        snprintf(card->bus, sizeof(card->bus), "%.31s", slash != NULL ? slash + 1 : target);
    }
    open_below(host, &card->sleep, card->directory, "power/runtime_status");
    open_below(host, &card->files[AMDGPU_VRAM_TOTAL_BYTES], card->directory, "mem_info_vram_total");
    open_below(host, &card->files[AMDGPU_VRAM_USED_BYTES], card->directory, "mem_info_vram_used");
    open_below(host, &card->files[AMDGPU_BUSY_PERCENT], card->directory, "gpu_busy_percent");
    find_sensors(host, card);
    open_sensors(host, card);
}

static void close_card(struct card *card)
{
    host_file_close(&card->sleep);
    for (size_t i = 0; i < AMDGPU_FILES; i++)
        host_file_close(&card->files[i]);
}

/* A driver that was loaded anew has sensors of another number. */
static bool has_lost(const struct card *card)
{
    for (size_t i = 0; i < AMDGPU_FILES; i++)
        if (card->files[i].error == VAGUS_EIO)
            return true;
    return false;
}

void amdgpu_find(struct amdgpu *amdgpu)
{
    struct host *host = amdgpu->host;
    for (unsigned number = 0; number < NUMBER_MAX; number++) {
        char path[32];
        snprintf(path, sizeof(path), CARDS "/card%u", number);
        uint32_t at = 0;
        while (at < amdgpu->count && amdgpu->cards[at].number != number)
            at++;
        if ((at < amdgpu->count && !has_lost(&amdgpu->cards[at])) || at == AMDGPU_CARDS_MAX ||
            faccessat(host->root_fd, path, F_OK, 0) != 0 || !is_amd(host, number))
            continue;
        if (at < amdgpu->count)
            close_card(&amdgpu->cards[at]);
        else
            amdgpu->count++;
        open_card(host, &amdgpu->cards[at], number);
    }
}

int amdgpu_create(struct host *host, struct amdgpu **result)
{
    struct amdgpu *amdgpu = calloc(1, sizeof(*amdgpu));
    if (amdgpu == NULL)
        return VAGUS_ENOMEM;
    amdgpu->host = host;
    amdgpu_find(amdgpu);
    if (amdgpu->count == 0) {
        free(amdgpu);
        return VAGUS_EUNSUPPORTED;
    }
    *result = amdgpu;
    return 0;
}

void amdgpu_destroy(struct amdgpu *amdgpu)
{
    for (uint32_t i = 0; amdgpu != NULL && i < amdgpu->count; i++)
        close_card(&amdgpu->cards[i]);
    free(amdgpu);
}

uint32_t amdgpu_count(const struct amdgpu *amdgpu)
{
    return amdgpu->count;
}

const char *amdgpu_name(const struct amdgpu *amdgpu, uint32_t card)
{
    return amdgpu->cards[card].name;
}

const char *amdgpu_bus(const struct amdgpu *amdgpu, uint32_t card)
{
    return amdgpu->cards[card].bus;
}

/* Reading a sensor of a GPU that sleeps wakes it, which costs watts. */
static bool sleeps(struct amdgpu *amdgpu, struct card *card)
{
    char text[16];
    size_t length = 0;
    return host_file_read(amdgpu->host, &card->sleep, text, sizeof(text), &length) == 0 &&
           length >= 7 && memcmp(text, "suspend", 7) == 0;
}

int amdgpu_read(struct amdgpu *amdgpu, uint32_t number, enum amdgpu_file which, uint64_t *value)
{
    char text[32];
    size_t length = 0;
    uint64_t found;
    if (number >= amdgpu->count)
        return VAGUS_EINVAL;
    struct card *card = &amdgpu->cards[number];
    if (which != AMDGPU_VRAM_TOTAL_BYTES && which != AMDGPU_VRAM_USED_BYTES && sleeps(amdgpu, card))
        return VAGUS_EAGAIN;
    int error = host_file_read(amdgpu->host, &card->files[which], text, sizeof(text), &length);
    if (error != 0)
        return error;
    if (!parse_number_file(text, length, &found) || found == UINT64_MAX)
        return VAGUS_EPARSE;
    *value = found;
    return 0;
}
