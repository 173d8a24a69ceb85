// SPDX-License-Identifier: Apache-2.0
// Values and counts as the texts that people read.
#ifndef WEIR_STATS_VALUE_TEXT_H
#define WEIR_STATS_VALUE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "weir/batch.h"

// 1204 -> "1,204", into `text` of 32 bytes, which it returns.
const char *weir_count_text(uint64_t count, char *text);

// "1 record", "1,204 records", into `text` of 40 bytes, which it returns.
const char *weir_records_text(uint64_t count, char *text);

// A value of a column as text: strings stay where they are, anything else is printed into `buffer`.
// 0 where the row has no value, else 1.
int weir_value_text(const struct weir_column *column, uint32_t row, char *buffer, size_t size,
                    const char **text, size_t *length);

#endif
