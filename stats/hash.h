// SPDX-License-Identifier: Apache-2.0
// The one hash of bytes: that of struct weir_string (XXH3, 64 bits, seed 0).
#ifndef WEIR_STATS_HASH_H
#define WEIR_STATS_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t weir_hash(const void *data, size_t length);

#endif
