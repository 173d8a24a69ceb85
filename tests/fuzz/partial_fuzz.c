// SPDX-License-Identifier: Apache-2.0
// Records of the partials topic. Changed ones get a checksum that is right, so that what is
// behind it is reached: pieces of panes, rule counts and control records.
#include <xxhash.h>

#include "consumer/task/partial.h"
#include "tests/fuzz/engine.h"

static void sign(uint8_t *bytes, size_t length)
{
    struct weir_buffer out;
    if (length < 8)
        return;
    weir_buffer_init(&out, 16);
    weir_put_fixed64(&out, XXH3_64bits(bytes, length - 8));
    memcpy(bytes + length - 8, out.data, 8);
    weir_buffer_free(&out);
}

// What does not even read as a partial changes no merger: there is no need to make one.
static int reads(const uint8_t *bytes, size_t length)
{
    char key[256];
    struct weir_partial partial;
    struct weir_error error;
    return !weir_partial_read(bytes, length, key, &partial, &error);
}

enum { RECORDS = 400, AFTER = 6 }; // partials at most; those that follow the changed one

static struct weir_buffer before[RECORDS]; // the merger's state before each partial
static struct weir_span partials[RECORDS];
static int unchanged[RECORDS]; // it was offered as it is: once is enough

static void remember(struct engine *engine)
{
    struct weir_merger *merger = engine_merger(engine);
    struct weir_reader in = weir_reader_make(engine->partials.data, engine->partials.length);
    struct weir_span key = {0};
    struct weir_error error;
    if (engine->n_partials > RECORDS)
        abort();
    for (size_t i = 0; i < engine->n_partials; i++) {
        partials[i].data = weir_get_bytes(&in, &partials[i].length);
        weir_buffer_init(&before[i], WEIR_BUFFER_MAXIMUM);
        if (weir_merger_save(merger, &before[i]) ||
            weir_merger_accept(merger, key, partials[i], &error))
            abort();
    }
    weir_merger_destroy(merger);
}

static void offer(struct engine *engine, size_t at, const uint8_t *bytes, size_t length)
{
    struct weir_merger *merger = engine_merger(engine), *other = engine_merger(engine);
    struct weir_span key = {0};
    struct weir_buffer state;
    struct weir_error error;
    if (weir_merger_restore(merger, before[at].data, before[at].length, &error))
        abort();
    weir_merger_accept(merger, key, (struct weir_span){bytes, length}, &error);
    for (size_t i = at + 1; i < engine->n_partials && i <= at + AFTER; i++)
        weir_merger_accept(merger, key, partials[i], &error);
    weir_buffer_init(&state, WEIR_BUFFER_MAXIMUM);
    if (weir_merger_save(merger, &state) ||
        weir_merger_restore(other, state.data, state.length, &error))
        abort();
    weir_merger_destroy(other);
    weir_buffer_free(&state);
    weir_merger_destroy(merger);
}

// The first byte says which record is changed, in a merger that has had those before it.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct engine engine;
    size_t length;
    if (!engine.plan) {
        engine_start(&engine);
        remember(&engine);
    }
    size_t at = size ? data[0] * engine.n_partials / 256 : 0;
    if (reads(data, size))
        offer(&engine, at, data, size);
    struct weir_buffer whole = {.data = (uint8_t *)(uintptr_t)partials[at].data,
                                .length = partials[at].length};
    uint8_t *changed = engine_change(&whole, size ? data + 1 : data, size ? size - 1 : 0, &length);
    sign(changed, length);
    int same = length == whole.length && !memcmp(changed, whole.data, length);
    if (!(same && unchanged[at]) && reads(changed, length))
        offer(&engine, at, changed, length);
    unchanged[at] |= same;
    free(changed);
    return 0;
}
