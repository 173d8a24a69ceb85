// SPDX-License-Identifier: Apache-2.0
// Records of the state topic: a byte says which key, two bytes how long the value is.
#include <stdlib.h>

#include "consumer/state/snapshot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const keys[] = {"t/manifest", "t/0", "t/1", "t/99999", "t/", "u/0", "t/01"};
    struct weir_snapshot_reader *reader;
    struct weir_snapshot snapshot = {0};
    struct weir_error error;
    size_t at = 0, chunks, sum = 0;
    if (weir_snapshot_reader_create("t", &reader, &error))
        return 0;
    while (at + 3 <= size) {
        const char *key = keys[data[at] % 7];
        size_t length = data[at + 1] + 256u * data[at + 2], left = size - at - 3;
        size_t key_length = 0;
        while (key[key_length])
            key_length++;
        struct weir_span value = {data + at + 3, length < left ? length : left};
        if (data[at] & 0x80)
            value = (struct weir_span){0};
        weir_snapshot_reader_offer(reader, (struct weir_span){(const uint8_t *)key, key_length},
                                   value, &error);
        at += 3 + (length < left ? length : left);
    }
    if (weir_snapshot_reader_finish(reader, &snapshot, &chunks, &error) > 0) {
        for (size_t i = 0; i < snapshot.state.length; i++)
            sum += snapshot.state.data[i];
        if (sum == SIZE_MAX)
            abort();
    }
    weir_snapshot_reader_destroy(reader);
    return 0;
}
