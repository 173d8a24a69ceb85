// SPDX-License-Identifier: Apache-2.0
#include "detectors/operations/input_hash.h"

#include <math.h>
#include <string.h>

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * 0x9E3779B97F4A7C15u;
    return hash ^ (hash >> 32);
}

static uint64_t value_hash(const struct weir_column *column, uint32_t at)
{
    if (column->state[at] != WEIR_STATE_VALUE)
        return 0x5bd1e995u + column->state[at];
    uint64_t bits = 0;
    double number;
    switch (column->type) {
    case WEIR_TYPE_DOUBLE:
        number = column->values.f64[at] + 0.0; // one zero
        if (isnan(number))
            return 0x7ff8000000000000u;
        memcpy(&bits, &number, sizeof bits);
        return bits;
    case WEIR_TYPE_LONG:
    case WEIR_TYPE_BOOLEAN:
        return (uint64_t)column->values.i64[at];
    case WEIR_TYPE_STRING:
    case WEIR_TYPE_BYTES:
        return weir_column_string(column, column->values.code[at])->hash;
    case WEIR_TYPE_UNKNOWN:
        break;
    }
    return 0;
}

void operations_input_hash(const struct weir_column *column, const uint32_t *rows, uint32_t n,
                           uint64_t *hashes)
{
    for (uint32_t i = 0; i < n; i++) {
        if (!column->offsets) {
            hashes[i] = mix(hashes[i], value_hash(column, rows[i]));
            continue;
        }
        uint32_t from = column->offsets[rows[i]], to = column->offsets[rows[i] + 1];
        hashes[i] = mix(hashes[i], to - from);
        for (uint32_t k = from; k < to; k++)
            hashes[i] = mix(hashes[i], value_hash(column, k));
    }
}
