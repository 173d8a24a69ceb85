// SPDX-License-Identifier: Apache-2.0
// Prints partials as hexadecimal bytes and the fields they were made of: for partial_test.py.
#include "consumer/task/partial.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t draw(void)
{
    static uint64_t state = 42;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void print_hex(const uint8_t *data, size_t length)
{
    for (size_t i = 0; i < length; i++)
        printf("%02x", data[i]);
    putchar(' ');
}

// Everything that is read back must be what was written, and no truncation and no changed bit
// may be read at all.
static void check(const struct weir_buffer *out, const struct weir_partial *partial)
{
    struct weir_partial back;
    struct weir_error error;
    char key[256];
    if (weir_partial_read(out->data, out->length, key, &back, &error) ||
        back.type != partial->type || back.task != partial->task || back.hash != partial->hash ||
        back.start != partial->start || back.end != partial->end ||
        back.sequence != partial->sequence || back.tasks != partial->tasks ||
        back.idle != partial->idle || back.payload.length != partial->payload.length)
        abort();
    for (size_t n = 0; n < out->length; n++) {
        if (!weir_partial_read(out->data, n, key, &back, &error))
            abort();
    }
    for (size_t bit = 0; bit < out->length * 8; bit += 7) {
        out->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (!weir_partial_read(out->data, out->length, key, &back, &error))
            abort();
        out->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
}

int main(void)
{
    struct weir_buffer out;
    weir_buffer_init(&out, 1 << 16);
    for (int i = 0; i < 300; i++) {
        char key[64];
        uint8_t payload[80];
        size_t length = draw() % sizeof payload;
        for (size_t k = 0; k < length; k++)
            payload[k] = (uint8_t)draw();
        snprintf(key, sizeof key, "stream-%" PRIu64 "|60000:60000:5000:0", draw() % 1000);
        struct weir_partial partial = {.type = (enum weir_partial_type)(draw() % 3),
                                       .key = key,
                                       .task = (int32_t)(draw() >> 33 >> draw() % 31),
                                       .hash = draw(),
                                       .start = (int64_t)draw() >> (4 + draw() % 59),
                                       .end = (int64_t)draw() >> (4 + draw() % 59),
                                       .sequence = (int64_t)(draw() >> 1 >> draw() % 63),
                                       .tasks = (int32_t)(draw() % 300),
                                       .idle = (int)(draw() & 1),
                                       .payload = {payload, length}};
        weir_buffer_reset(&out);
        if (weir_partial_write(&partial, &out))
            return 1;
        check(&out, &partial);
        print_hex(out.data, out.length);
        printf("%d %s %d %016" PRIx64 " %" PRId64 " %" PRId64 " %" PRId64 " %d %d ",
               (int)partial.type, key, partial.task, partial.hash, partial.start, partial.end,
               partial.sequence, partial.tasks, partial.idle);
        print_hex(payload, length);
        putchar('\n');
    }
    weir_buffer_free(&out);
    return 0;
}
