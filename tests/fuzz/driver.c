// SPDX-License-Identifier: Apache-2.0
// Feeds a fuzz target without libFuzzer: each file of the folders named, truncations and
// single-byte changes of each, and garbage from a fixed seed.
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t inputs;

// A heap copy of exactly `size` bytes, so that a sanitizer sees one byte too far.
static void feed(const uint8_t *data, size_t size)
{
    uint8_t *copy = calloc(size ? size : 1, 1);
    if (!copy)
        abort();
    if (size)
        memcpy(copy, data, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    inputs++;
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void feed_garbage(void)
{
    uint8_t bytes[512] = {0};
    uint64_t state = 0x9e3779b97f4a7c15u;
    feed(bytes, 0);
    for (int fill = 0; fill < 256; fill += 85) {
        memset(bytes, fill, sizeof bytes);
        for (size_t size = 1; size <= sizeof bytes; size *= 2)
            feed(bytes, size);
    }
    for (int i = 0; i < 200; i++) {
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (uint8_t)next_random(&state);
        feed(bytes, (size_t)(next_random(&state) % (sizeof bytes + 1)));
    }
}

// At most some 64 truncations and as many changes, spread over the length.
static void feed_variants(uint8_t *data, size_t size)
{
    size_t step = size / 64 + 1;
    feed(data, size);
    for (size_t at = 0; at < size; at += step) {
        feed(data, at);
        uint8_t kept = data[at];
        data[at] = (uint8_t)(kept ^ 0xff);
        feed(data, size);
        data[at] = kept;
    }
}

static int feed_file(const char *folder, const char *name)
{
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) {
        perror(path);
        return -1;
    }
    long size = ftell(file);
    rewind(file);
    uint8_t *data = malloc(size > 0 ? (size_t)size : 1);
    int read_all = data && size >= 0 && fread(data, 1, (size_t)size, file) == (size_t)size;
    fclose(file);
    if (read_all)
        feed_variants(data, (size_t)size);
    else
        fprintf(stderr, "%s: cannot be read\n", path);
    free(data);
    return read_all ? 0 : -1;
}

int main(int argc, char **argv)
{
    int faults = 0;
    feed_garbage();
    for (int i = 1; i < argc; i++) {
        DIR *folder = opendir(argv[i]);
        struct dirent *entry;
        if (!folder) {
            perror(argv[i]);
            return 1;
        }
        while ((entry = readdir(folder)) != NULL) {
            if (entry->d_name[0] != '.' && feed_file(argv[i], entry->d_name))
                faults++;
        }
        closedir(folder);
    }
    printf("%zu inputs\n", inputs);
    return faults != 0;
}
