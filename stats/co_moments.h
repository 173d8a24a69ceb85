// SPDX-License-Identifier: Apache-2.0
// Sums of products of several numbers a record, from which the correlation of each pair follows, of
// the records that have both. Sums are whole numbers, so that neither the order of records nor that
// of merging matters.
#ifndef WEIR_STATS_CO_MOMENTS_H
#define WEIR_STATS_CO_MOMENTS_H

#include <stddef.h>
#include <stdint.h>

#include "stats/buffer.h"

enum { WEIR_CO_MOMENTS_MOST = 64, WEIR_CO_MOMENTS_BLOCK = 256 };
// Numbers come standardised, and cut there.
#define WEIR_CO_MOMENTS_REACH 10.0

struct weir_co_moments; // about 4,000 million records fit, of the farthest

// Of 1 to WEIR_CO_MOMENTS_MOST numbers. WEIR_EINVAL, WEIR_ENOMEM.
int weir_co_moments_create(size_t n, struct weir_co_moments **out);
void weir_co_moments_destroy(struct weir_co_moments *moments); // may be NULL
size_t weir_co_moments_size(const struct weir_co_moments *moments);
size_t weir_co_moments_memory(const struct weir_co_moments *moments);

// Up to WEIR_CO_MOMENTS_BLOCK records: number j of record r at [j * WEIR_CO_MOMENTS_BLOCK + r], 0
// where there is none, and in `present` 1 or 0. Both are written to behind the last record.
void weir_co_moments_add(struct weir_co_moments *moments, double *z, double *present,
                         size_t records);
// WEIR_EINVAL where sizes differ.
int weir_co_moments_merge(struct weir_co_moments *into, const struct weir_co_moments *from);
void weir_co_moments_write(const struct weir_co_moments *moments, struct weir_buffer *out);
// WEIR_ECORRUPT, WEIR_ENOMEM.
int weir_co_moments_read(struct weir_reader *in, struct weir_co_moments **out);

struct weir_correlation {
    uint64_t n;   // records that have both
    double r;     // NAN: one of them does not vary, or there are fewer than 2
    double error; // of r, at most, by the rounding of the sums
};
struct weir_correlation weir_co_moments_correlation(const struct weir_co_moments *moments, size_t j,
                                                    size_t k);
// Of one number: sample variance (n - 1), in the units it came in. NAN: fewer than 2.
double weir_co_moments_variance(const struct weir_co_moments *moments, size_t j);

#endif
