// SPDX-License-Identifier: Apache-2.0
#include "consumer/task/partial.h"

#include <string.h>
#include <xxhash.h>

int weir_partial_write(const struct weir_partial *partial, struct weir_buffer *out)
{
    size_t from = out->length;
    weir_put_long(out, WEIR_PARTIAL_VERSION);
    weir_put_long(out, partial->type);
    weir_put_string(out, partial->key);
    weir_put_long(out, partial->task);
    weir_put_fixed64(out, partial->hash);
    weir_put_long(out, partial->start);
    weir_put_long(out, partial->end);
    weir_put_long(out, partial->sequence);
    weir_put_long(out, partial->tasks);
    weir_buffer_byte(out, partial->idle != 0);
    weir_put_bytes(out, partial->payload.data, partial->payload.length);
    if (!out->failed)
        weir_put_fixed64(out, XXH3_64bits(out->data + from, out->length - from));
    return out->failed ? WEIR_ENOMEM : 0;
}

// The newest time of a task may be that there is none yet, or that its input has ended; rule
// counts have times of their own.
static int has_times(const struct weir_partial *partial)
{
    int is_control = partial->type == WEIR_PARTIAL_CONTROL;
    if (partial->type == WEIR_PARTIAL_RULES)
        return 1;
    return (is_control || weir_partial_is_time(partial->start)) &&
           (weir_partial_is_time(partial->end) ||
            (is_control && (partial->end == INT64_MIN || partial->end == INT64_MAX)));
}

int weir_partial_read(const void *data, size_t length, char *key, struct weir_partial *partial,
                      struct weir_error *error)
{
    struct weir_partial read = {0};
    if (length < 8)
        return weir_error_set(error, WEIR_ECORRUPT, "a partial of %zu bytes is too short", length);
    struct weir_reader tail = weir_reader_make((const uint8_t *)data + length - 8, 8);
    if (weir_get_fixed64(&tail) != XXH3_64bits(data, length - 8))
        return weir_error_set(error, WEIR_ECORRUPT,
                              "a partial's checksum does not match its %zu bytes", length);
    struct weir_reader in = weir_reader_make(data, length - 8);
    int64_t version = weir_get_long(&in);
    if (!in.failed && version != WEIR_PARTIAL_VERSION)
        return weir_error_set(error, WEIR_EVERSION,
                              "a partial of version %lld, and this weir reads %d",
                              (long long)version, WEIR_PARTIAL_VERSION);
    read.type = (enum weir_partial_type)weir_get_count(&in, WEIR_PARTIAL_TYPES - 1);
    weir_get_string(&in, key, 256);
    read.key = key;
    read.task = (int32_t)weir_get_count(&in, INT32_MAX);
    read.hash = weir_get_fixed64(&in);
    read.start = weir_get_long(&in);
    read.end = weir_get_long(&in);
    read.sequence = weir_get_long(&in);
    read.tasks = (int32_t)weir_get_count(&in, INT32_MAX);
    if (!in.failed && weir_reader_left(&in) && *in.at <= 1)
        read.idle = *in.at++;
    else
        in.failed = 1;
    size_t payload;
    read.payload.data = weir_get_bytes(&in, &payload);
    read.payload.length = payload;
    if (in.failed || weir_reader_left(&in) || !has_times(&read))
        return weir_error_set(error, WEIR_ECORRUPT, "a partial of %zu bytes does not decode",
                              length);
    *partial = read;
    return 0;
}
