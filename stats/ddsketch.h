// SPDX-License-Identifier: Apache-2.0
// Quantiles with a bounded relative error, whatever the order: a signed DDSketch (Masson, Rim,
// Lee, VLDB 2019) with linearly interpolated buckets, 64 to an octave, so that a bucket is the
// top bits of the number and its middle is within 0.8% of every value in it.
//
// Its range is fixed, and with it what collapses: magnitudes under 2^-64 count as zero, those
// from 2^64 on fall into the outermost bucket. Hence at most 16,385 buckets, and no state that
// depends on what came first.
#ifndef WEIR_STATS_DDSKETCH_H
#define WEIR_STATS_DDSKETCH_H

#include "stats/buffer.h"
#include "weir/summary.h"

enum { WEIR_DDSKETCH_BUCKETS = 16385 }; // 8,192 negative, zero, 8,192 positive

// Values are looked at as x - origin. NULL: memory is out.
struct weir_ddsketch *weir_ddsketch_create(double origin);
void weir_ddsketch_destroy(struct weir_ddsketch *sketch);
void weir_ddsketch_reset(struct weir_ddsketch *sketch);

// Adds finite values. WEIR_ENOMEM leaves the sketch with some of them.
int weir_ddsketch_add(struct weir_ddsketch *sketch, const double *x, size_t n);
// Origins must be equal (WEIR_EINVAL).
int weir_ddsketch_merge(struct weir_ddsketch *into, const struct weir_ddsketch *from);

uint64_t weir_ddsketch_count(const struct weir_ddsketch *sketch);
double weir_ddsketch_origin(const struct weir_ddsketch *sketch);
// The value of rank q (n - 1) of n, as its bucket's middle; NAN where there is none.
double weir_ddsketch_quantile(const struct weir_ddsketch *sketch, double q);
// Calls `each` for every bucket that is not empty, ascending: values in [low, high), about the
// origin, `count` of them.
void weir_ddsketch_each(const struct weir_ddsketch *sketch,
                        void (*each)(void *context, double low, double high, uint64_t count),
                        void *context);
size_t weir_ddsketch_memory(const struct weir_ddsketch *sketch);

// The origin is not among the bytes. Reading adds; a fault fails the reader.
int weir_ddsketch_write(const struct weir_ddsketch *sketch, struct weir_buffer *out);
int weir_ddsketch_read(struct weir_ddsketch *sketch, struct weir_reader *in);

#endif
