// SPDX-License-Identifier: Apache-2.0
// State of a merger: what is restored must take partials, and save again.
#include "tests/fuzz/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct engine engine;
    struct weir_error error;
    struct weir_buffer again;
    size_t length;
    if (!engine.plan)
        engine_start(&engine);
    uint8_t *state = engine_change(&engine.merger, data, size, &length);
    struct weir_merger *merger = engine_merger(&engine);
    if (!weir_merger_restore(merger, state, length, &error)) {
        struct weir_reader in = weir_reader_make(engine.partials.data, engine.partials.length);
        while (weir_reader_left(&in)) {
            struct weir_span value, key = {0};
            value.data = weir_get_bytes(&in, &value.length);
            if (weir_merger_accept(merger, key, value, &error))
                abort();
        }
        weir_buffer_init(&again, WEIR_BUFFER_MAXIMUM);
        if (weir_merger_save(merger, &again))
            abort();
        struct weir_merger *other = engine_merger(&engine);
        if (weir_merger_restore(other, again.data, again.length, &error))
            abort();
        weir_merger_destroy(other);
        weir_buffer_free(&again);
    }
    weir_merger_destroy(merger);
    free(state);
    return 0;
}
