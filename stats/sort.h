// SPDX-License-Identifier: Apache-2.0
// Sorting what is sorted in many places: in place, ascending. Of n == 0 the pointer may be NULL.
#ifndef WEIR_STATS_SORT_H
#define WEIR_STATS_SORT_H

#include <stddef.h>
#include <stdint.h>

void weir_sort_doubles(double *values, size_t n); // not NaN
void weir_sort_hashes(uint64_t *hashes, size_t n);

#endif
