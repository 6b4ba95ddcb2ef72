/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzz target once over each file of its corpus, without a fuzzer: what was found stays
 * found. Takes folders; an empty or missing one fails. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return -1;
    /* Exactly as large as the input, so that a sanitizer sees a read beyond its end. */
    long size = fseek(file, 0, SEEK_END) == 0 ? ftell(file) : -1;
    uint8_t *data = size < 0 ? NULL : malloc(size > 0 ? (size_t)size : 1);
    rewind(file);
    int result = -1;
    if (data != NULL && fread(data, 1, (size_t)size, file) == (size_t)size) {
        LLVMFuzzerTestOneInput(data, (size_t)size);
        result = 0;
    }
    free(data);
    fclose(file);
    return result;
}

static int replay_folder(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort), replayed = 0, failed = 0;
    for (int i = 0; i < count; i++) {
        char path[4096];
        snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.') {
            replayed++;
            if (replay_file(path) != 0) {
                fprintf(stderr, "%s: cannot be read\n", path);
                failed = 1;
            }
        }
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    printf("%s: %d inputs\n", folder, replayed);
    return failed != 0 || replayed == 0 ? -1 : 0;
}

int main(int argc, char **argv)
{
    int status = argc > 1 ? 0 : 1;
    for (int i = 1; i < argc; i++)
        if (replay_folder(argv[i]) != 0)
            status = 1;
    return status;
}
