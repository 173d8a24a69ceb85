// SPDX-License-Identifier: Apache-2.0
// Whole numbers of 128 bits, for sums that do not depend on the order of their terms.
#ifndef WEIR_STATS_WIDE_H
#define WEIR_STATS_WIDE_H

#include "stats/buffer.h"

__extension__ typedef __int128 weir_wide;
__extension__ typedef unsigned __int128 weir_unsigned_wide;

// Wraps as unsigned numbers do, so that the order never matters.
static inline weir_wide weir_wide_add(weir_wide a, weir_wide b)
{
    return (weir_wide)((weir_unsigned_wide)a + (weir_unsigned_wide)b);
}

static inline void weir_put_wide(struct weir_buffer *out, weir_wide value)
{
    weir_put_long(out, (int64_t)(value >> 64));
    weir_put_fixed64(out, (uint64_t)value);
}

static inline weir_wide weir_get_wide(struct weir_reader *in)
{
    uint64_t high = (uint64_t)weir_get_long(in);
    return (weir_wide)((weir_unsigned_wide)high << 64 | weir_get_fixed64(in));
}

#endif
