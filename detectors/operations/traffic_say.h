// SPDX-License-Identifier: Apache-2.0
// Words for traffic that is not as it usually is.
#ifndef WEIR_OPERATIONS_TRAFFIC_SAY_H
#define WEIR_OPERATIONS_TRAFFIC_SAY_H

#include "detectors/operations/traffic.h"

struct operations_found {
    const struct operations_part *part;
    struct weir_count_decision decision;
    uint64_t rows; // in this window
    int is_outer;  // it was to be told of, whatever it lies within
    int told;      // else it is only likely to be silent, and goes with others that are
};

// `parts`: those of the stream that are silent with it.
void operations_say_stream_silent(const struct operations_step *step,
                                  const struct operations_found *stream,
                                  const struct operations_found *parts, size_t n);
// An alert each, or one for all partitions, or producers, where they are many.
void operations_say_parts_silent(const struct operations_step *step,
                                 const struct operations_found *parts, size_t n);
void operations_say_throughput(const struct operations_step *step,
                               const struct operations_found *found);

#endif
