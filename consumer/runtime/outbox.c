// SPDX-License-Identifier: Apache-2.0
#include "consumer/runtime/outbox.h"

#include <stdlib.h>
#include <string.h>

enum { KEPT_BYTES = 1 << 20, KEPT_RECORDS = 1 << 13 };

void weir_outbox_init(struct weir_outbox *outbox)
{
    memset(outbox, 0, sizeof *outbox);
    weir_buffer_init(&outbox->bytes, WEIR_BUFFER_MAXIMUM);
}

void weir_outbox_free(struct weir_outbox *outbox)
{
    weir_buffer_free(&outbox->bytes);
    free(outbox->records);
    outbox->records = NULL;
    outbox->n = outbox->capacity = 0;
}

void weir_outbox_reset(struct weir_outbox *outbox)
{
    // One large unit must not keep its memory for ever.
    if (outbox->bytes.capacity > KEPT_BYTES)
        weir_buffer_free(&outbox->bytes);
    weir_buffer_reset(&outbox->bytes);
    if (outbox->capacity > KEPT_RECORDS) {
        free(outbox->records);
        outbox->records = NULL;
        outbox->capacity = 0;
    }
    outbox->n = 0;
}

size_t weir_outbox_size(const struct weir_outbox *outbox)
{
    return outbox->bytes.length + outbox->n * sizeof *outbox->records;
}

static int reserve(struct weir_outbox *outbox, size_t more)
{
    if (outbox->n + more <= outbox->capacity)
        return 0;
    size_t capacity = outbox->capacity ? outbox->capacity * 2 : 64;
    while (capacity < outbox->n + more)
        capacity *= 2;
    void *grown = realloc(outbox->records, capacity * sizeof *outbox->records);
    if (!grown)
        return WEIR_ENOMEM;
    outbox->records = grown;
    outbox->capacity = capacity;
    return 0;
}

static size_t put_span(struct weir_buffer *bytes, struct weir_span span)
{
    if (!span.data)
        return WEIR_OUTBOX_NONE;
    size_t at = bytes->length;
    weir_buffer_append(bytes, span.data, span.length);
    return at;
}

int weir_outbox_add(struct weir_outbox *outbox, uint32_t topic, int32_t partition,
                    int64_t timestamp, struct weir_span key, struct weir_span value,
                    const struct weir_header *headers, size_t n_headers)
{
    size_t before = outbox->bytes.length;
    if (reserve(outbox, 1))
        return WEIR_ENOMEM;
    struct weir_outbox_record record = {.topic = topic,
                                        .partition = partition,
                                        .timestamp = timestamp,
                                        .key_length = key.data ? key.length : 0,
                                        .value_length = value.data ? value.length : 0,
                                        .n_headers = (uint32_t)n_headers};
    record.key = put_span(&outbox->bytes, key);
    record.value = put_span(&outbox->bytes, value);
    record.headers = outbox->bytes.length;
    for (size_t i = 0; i < n_headers; i++) {
        weir_put_string(&outbox->bytes, headers[i].name);
        weir_put_long(&outbox->bytes, headers[i].value.data != NULL);
        weir_put_bytes(&outbox->bytes, headers[i].value.data, headers[i].value.length);
    }
    if (outbox->bytes.failed) {
        outbox->bytes.length = before;
        outbox->bytes.failed = 0;
        return WEIR_ENOMEM;
    }
    outbox->records[outbox->n++] = record;
    return 0;
}

int weir_outbox_move(struct weir_outbox *to, struct weir_outbox *from)
{
    if (!to->n) {
        struct weir_outbox kept = *to;
        *to = *from;
        *from = kept;
        weir_outbox_reset(from);
        return 0;
    }
    size_t base = to->bytes.length;
    if (reserve(to, from->n) ||
        weir_buffer_append(&to->bytes, from->bytes.data, from->bytes.length))
        return WEIR_ENOMEM;
    for (size_t i = 0; i < from->n; i++) {
        struct weir_outbox_record record = from->records[i];
        record.key += record.key == WEIR_OUTBOX_NONE ? 0 : base;
        record.value += record.value == WEIR_OUTBOX_NONE ? 0 : base;
        record.headers += base;
        to->records[to->n++] = record;
    }
    weir_outbox_reset(from);
    return 0;
}
