// SPDX-License-Identifier: Apache-2.0
// The wire primitives: the first byte of each pair says what to read next.
#include <stdlib.h>

#include "stats/buffer.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    size_t script = data[0] % size;
    struct weir_reader reader = weir_reader_make(data + script, size - script);
    char text[16];
    size_t length;
    for (size_t i = 1; i < script + 1 && i < size; i++) {
        switch (data[i] % 7) {
        case 0:
            weir_get_long(&reader);
            break;
        case 1:
            weir_get_double(&reader);
            break;
        case 2:
            weir_get_fixed64(&reader);
            break;
        case 3:
            weir_get_bytes(&reader, &length);
            break;
        case 4:
            if (weir_get_count(&reader, 100) > 100)
                abort();
            break;
        case 5:
            weir_get_string(&reader, text, sizeof text);
            break;
        default:
            free(weir_get_string_alloc(&reader, 64));
        }
        if (weir_reader_left(&reader) > size)
            abort();
    }
    return 0;
}
