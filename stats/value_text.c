// SPDX-License-Identifier: Apache-2.0
#include "stats/value_text.h"

#include <stdio.h>
#include <string.h>

const char *weir_count_text(uint64_t count, char *text)
{
    char digits[24];
    int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count), at = 0;
    for (int i = 0; i < n; i++) {
        if (i && (n - i) % 3 == 0)
            text[at++] = ',';
        text[at++] = digits[i];
    }
    text[at] = 0;
    return text;
}

const char *weir_records_text(uint64_t count, char *text)
{
    weir_count_text(count, text);
    strcat(text, count == 1 ? " record" : " records");
    return text;
}

int weir_value_text(const struct weir_column *column, uint32_t row, char *buffer, size_t size,
                    const char **text, size_t *length)
{
    if (column->state[row] != WEIR_STATE_VALUE)
        return 0;
    if (column->type == WEIR_TYPE_STRING || column->type == WEIR_TYPE_BYTES) {
        const struct weir_string *string = weir_column_string(column, column->values.code[row]);
        *text = string->data;
        *length = string->length;
        return 1;
    }
    int n = column->type == WEIR_TYPE_DOUBLE
                ? snprintf(buffer, size, "%.15g", column->values.f64[row])
            : column->type == WEIR_TYPE_BOOLEAN
                ? snprintf(buffer, size, "%s", column->values.i64[row] ? "true" : "false")
                : snprintf(buffer, size, "%lld", (long long)column->values.i64[row]);
    *text = buffer;
    *length = (size_t)n;
    return 1;
}
