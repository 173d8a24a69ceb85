// SPDX-License-Identifier: Apache-2.0
// What the charts of slow drift were fed over the last weeks: each signal of each field, the mean
// of an hour or of a window that is longer. A change that took days is dated by it.
#ifndef WEIR_DRIFT_TRACE_H
#define WEIR_DRIFT_TRACE_H

#include <stddef.h>
#include <stdint.h>

#include "stats/buffer.h"

enum { DRIFT_TRACE = 720 }; // steps: of an hour, 30 days

struct drift_trace {
    size_t most, width; // steps that are kept, signals of each; 0: nothing is
    size_t first, n;    // a ring
    int64_t *start, *end;
    int16_t *of; // [step][signal], in 4096ths; INT16_MIN: none
    // The step under way, where windows are shorter.
    float *sum;
    uint32_t *count;
    int64_t from, to; // the same: there is none
    int passes;       // the window under way has records in common with the last one
};

// 2 bytes a signal, so 20 a field and step: how many steps are kept of so many fields.
size_t drift_trace_steps(size_t n_fields);
int drift_trace_init(struct drift_trace *trace, size_t most, size_t width); // WEIR_ENOMEM
void drift_trace_free(struct drift_trace *trace);
void drift_trace_reset(struct drift_trace *trace);
// A window, its signals, and its end.
void drift_trace_begin(struct drift_trace *trace, int64_t start, int64_t end);
void drift_trace_put(struct drift_trace *trace, size_t signal, double value);
void drift_trace_end(struct drift_trace *trace);
// Forgets the first `n` signals from `signal` on of steps that began in a stretch of time.
void drift_trace_erase(struct drift_trace *trace, size_t signal, size_t n, int64_t from,
                       int64_t to);
// The steps from a time on that have a value of a signal, oldest first; room for `most`. Returns
// how many.
size_t drift_trace_take(const struct drift_trace *trace, size_t signal, int64_t from, double *y,
                        int64_t *start, int64_t *end);
void drift_trace_write(const struct drift_trace *trace, struct weir_buffer *out);
// What was written of `n_saved` fields of `a_field` signals: the i-th is map[i] now; -1: no more.
// WEIR_ECORRUPT, WEIR_ENOMEM.
int drift_trace_read(struct drift_trace *trace, struct weir_reader *in, const int *map,
                     size_t n_saved, size_t a_field);

#endif
