// SPDX-License-Identifier: Apache-2.0
// Records of the partials topic. Changed ones get a checksum that is right, so that what is
// behind it is reached: pieces of panes, rule counts and control records.
#include <xxhash.h>

#include "tests/fuzz/engine.h"

static void offer(struct weir_merger *merger, uint8_t *bytes, size_t length)
{
    struct weir_error error;
    struct weir_buffer out;
    struct weir_span key = {0};
    if (length < 8)
        return;
    weir_buffer_init(&out, 16);
    weir_put_fixed64(&out, XXH3_64bits(bytes, length - 8));
    memcpy(bytes + length - 8, out.data, 8);
    weir_buffer_free(&out);
    weir_merger_accept(merger, key, (struct weir_span){bytes, length}, &error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct engine engine;
    struct weir_error error;
    struct weir_span key = {0};
    if (!engine.plan)
        engine_start(&engine);
    struct weir_merger *merger = engine_merger(&engine);
    weir_merger_accept(merger, key, (struct weir_span){data, size}, &error);
    struct weir_reader in = weir_reader_make(engine.partials.data, engine.partials.length);
    // The first byte says which record is changed; those before it come as they were.
    for (size_t i = 0; size && weir_reader_left(&in); i++) {
        struct weir_span value;
        value.data = weir_get_bytes(&in, &value.length);
        if (i != data[0] % engine.n_partials) {
            weir_merger_accept(merger, key, value, &error);
            continue;
        }
        struct weir_buffer whole = {.data = (uint8_t *)(uintptr_t)value.data,
                                    .length = value.length};
        size_t length;
        uint8_t *changed = engine_change(&whole, data + 1, size - 1, &length);
        offer(merger, changed, length);
        free(changed);
    }
    struct weir_buffer state;
    weir_buffer_init(&state, WEIR_BUFFER_MAXIMUM);
    if (weir_merger_save(merger, &state))
        abort();
    struct weir_merger *other = engine_merger(&engine);
    if (weir_merger_restore(other, state.data, state.length, &error))
        abort();
    weir_merger_destroy(other);
    weir_buffer_free(&state);
    weir_merger_destroy(merger);
    return 0;
}
