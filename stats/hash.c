// SPDX-License-Identifier: Apache-2.0
#include "stats/hash.h"

#include <xxhash.h>

uint64_t weir_hash(const void *data, size_t length)
{
    return XXH3_64bits(data, length);
}
