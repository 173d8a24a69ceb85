// SPDX-License-Identifier: Apache-2.0
// A hash of what a model sees of a record: alike for the same values, whatever the dictionary.
#ifndef WEIR_OPERATIONS_INPUT_HASH_H
#define WEIR_OPERATIONS_INPUT_HASH_H

#include "weir/batch.h"

// Mixes the values of the `n` rows into their hashes.
void operations_input_hash(const struct weir_column *column, const uint32_t *rows, uint32_t n,
                           uint64_t *hashes);

#endif
