// SPDX-License-Identifier: Apache-2.0
// The mean of random Fourier features (Rahimi and Recht, 2007) of a record's numbers: an embedding
// of their joint distribution by a Gaussian kernel, of fixed size. The distance of two such means
// is the maximum mean discrepancy of what they were made of (Gretton et al., 2012). Features follow
// from the number of numbers and the kernel's width alone, sums are whole numbers: neither the
// order of records nor that of merging matters.
#ifndef WEIR_STATS_EMBEDDING_H
#define WEIR_STATS_EMBEDDING_H

#include <stddef.h>
#include <stdint.h>

#include "stats/buffer.h"
#include "stats/two_sample.h"

enum { WEIR_EMBEDDING_FEATURES = 256, WEIR_EMBEDDING_MOST = 512, WEIR_EMBEDDING_BLOCK = 256 };

struct weir_embedding;

// Of 1 to WEIR_EMBEDDING_MOST numbers; `width` > 0, finite. WEIR_EINVAL, WEIR_ENOMEM.
int weir_embedding_create(size_t n, double width, struct weir_embedding **out);
void weir_embedding_destroy(struct weir_embedding *embedding); // may be NULL
uint64_t weir_embedding_records(const struct weir_embedding *embedding);
size_t weir_embedding_size(const struct weir_embedding *embedding);
double weir_embedding_width(const struct weir_embedding *embedding);

// Up to WEIR_EMBEDDING_BLOCK records: number j of record r at z[j * stride + r]; finite.
void weir_embedding_add(struct weir_embedding *embedding, const float *z, size_t stride,
                        size_t records);
int weir_embedding_same(const struct weir_embedding *a, const struct weir_embedding *b);
// WEIR_EINVAL where features differ.
int weir_embedding_merge(struct weir_embedding *into, const struct weir_embedding *from);
void weir_embedding_write(const struct weir_embedding *embedding, struct weir_buffer *out);
// WEIR_ECORRUPT, WEIR_ENOMEM.
int weir_embedding_read(struct weir_reader *in, struct weir_embedding **out);

// How records scatter about their mean: trace of the features' covariance, and of its square. From
// a sample, as weir_embedding_add() takes them but of any number (2 at least). WEIR_ENOMEM.
struct weir_embedding_spread {
    double trace, square;
};
int weir_embedding_spread(const struct weir_embedding *embedding, const float *z, size_t stride,
                          size_t records, struct weir_embedding_spread *out);

// The distance of the means; p by a chi-square with the mean and variance that the spread gives two
// samples of one distribution. `spread` NULL: p by the one direction that would make it largest
// (Szekely and Bakirov, 2003), which is cautious. Features must be the same.
struct weir_test weir_embedding_distance(const struct weir_embedding *a,
                                         const struct weir_embedding *b,
                                         const struct weir_embedding_spread *spread);

#endif
