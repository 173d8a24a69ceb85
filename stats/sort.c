// SPDX-License-Identifier: Apache-2.0
#include "stats/sort.h"

#include <stdlib.h>

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
