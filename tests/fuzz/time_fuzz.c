// SPDX-License-Identifier: Apache-2.0
// Event times as text: what parses lies within the years 0 to 9999, give or take a zone.
#include <stdlib.h>

#include "consumer/codec/builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    int64_t ms = 1;
    if (weir_time_parse((const char *)data, size, &ms)) {
        if (ms != 1)
            abort();
    } else if (ms < -62167305600000 || ms > 253402387200000) {
        abort();
    }
    return 0;
}
