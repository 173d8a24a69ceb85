// SPDX-License-Identifier: Apache-2.0
#include "stats/sort.h"

#include <stdlib.h>
#include <string.h>

static int by_double(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int by_hash(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

void weir_sort_doubles(double *values, size_t n)
{
    if (n > 1)
        qsort(values, n, sizeof *values, by_double);
}

void weir_sort_hashes(uint64_t *hashes, size_t n)
{
    if (n > 1)
        qsort(hashes, n, sizeof *hashes, by_hash);
}

// ---- keys

enum { BITS = 8, BUCKETS = 1 << BITS };

void weir_sort_keys(uint64_t *keys, uint64_t *room, size_t n)
{
    for (int shift = 32; shift < 64; shift += 2 * BITS) {
        uint64_t *from = keys, *to = room;
        for (int half = shift; half < shift + 2 * BITS; half += BITS) {
            size_t first[BUCKETS] = {0}, sum = 0;
            for (size_t i = 0; i < n; i++)
                first[from[i] >> half & (BUCKETS - 1)]++;
            for (size_t k = 0; k < BUCKETS; k++) {
                size_t count = first[k];
                first[k] = sum;
                sum += count;
            }
            for (size_t i = 0; i < n; i++)
                to[first[from[i] >> half & (BUCKETS - 1)]++] = from[i];
            uint64_t *other = from;
            from = to;
            to = other;
        }
    }
}

uint32_t weir_float_key(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits & 0x80000000 ? ~bits : bits | 0x80000000;
}

float weir_key_float(uint32_t key)
{
    uint32_t bits = key & 0x80000000 ? key & 0x7fffffff : ~key;
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}
