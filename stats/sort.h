// SPDX-License-Identifier: Apache-2.0
// Sorting what is sorted in many places: in place, ascending. Of n == 0 the pointer may be NULL.
#ifndef WEIR_STATS_SORT_H
#define WEIR_STATS_SORT_H

#include <stddef.h>
#include <stdint.h>

void weir_sort_doubles(double *values, size_t n); // not NaN
void weir_sort_hashes(uint64_t *hashes, size_t n);

// By the upper 32 bits alone, in linear time; those that are equal there stay in their order.
// `room`: n.
void weir_sort_keys(uint64_t *keys, uint64_t *room, size_t n);
// Keys that sort as the numbers do (not NaN), for the upper bits; 0 and -0 are two.
uint32_t weir_float_key(float value);
float weir_key_float(uint32_t key);

#endif
