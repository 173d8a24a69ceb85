// SPDX-License-Identifier: Apache-2.0
// What a worker does with one task: records to the engine, and the passing of time.
#ifndef WEIR_RUNTIME_READING_H
#define WEIR_RUNTIME_READING_H

#include "consumer/runtime/inside.h"

// Takes what the partition's queue has, at most a batch. 1: something was done, 0: nothing to do,
// negative: the process must stop.
int weir_input_read(struct weir_input *input, int64_t now, struct weir_error *error);
// Idleness and the clock of live streams. Same results.
int weir_owned_clock(struct weir_owned *owned, int64_t now, struct weir_error *error);

#endif
