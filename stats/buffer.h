// SPDX-License-Identifier: Apache-2.0
// A growing run of bytes with a stated maximum, and the wire primitives written to it.
//
// The primitives are those of Avro's binary encoding (zig-zag varints, little-endian doubles,
// length-prefixed bytes), so that whatever is written with them can be described by an Avro
// schema and read by any Avro library.
#ifndef WEIR_STATS_BUFFER_H
#define WEIR_STATS_BUFFER_H

#include <stddef.h>
#include <stdint.h>

struct weir_buffer {
    uint8_t *data;
    size_t length;
    size_t capacity;
    size_t maximum; // growing beyond it fails
    int failed;     // sticky: an append failed, and every later one is ignored
};

#define WEIR_BUFFER_MAXIMUM ((size_t)1 << 30)

// `maximum` in bytes; nothing is allocated until the first append.
void weir_buffer_init(struct weir_buffer *buffer, size_t maximum);
void weir_buffer_free(struct weir_buffer *buffer);
// Empties it and clears `failed`; the memory stays.
void weir_buffer_reset(struct weir_buffer *buffer);
// The bytes go to the caller, who frees them with free(); the buffer is empty afterwards.
uint8_t *weir_buffer_take(struct weir_buffer *buffer, size_t *length);

// Each returns 0, or WEIR_ENOMEM with `failed` set: check once, at the end.
int weir_buffer_reserve(struct weir_buffer *buffer, size_t more);
int weir_buffer_append(struct weir_buffer *buffer, const void *data, size_t length);
int weir_buffer_byte(struct weir_buffer *buffer, uint8_t byte);
__attribute__((format(printf, 2, 3))) int weir_buffer_printf(struct weir_buffer *buffer,
                                                             const char *format, ...);

int weir_put_long(struct weir_buffer *buffer, int64_t value);  // zig-zag varint
int weir_put_double(struct weir_buffer *buffer, double value); // 8 bytes, little-endian
int weir_put_bytes(struct weir_buffer *buffer, const void *data, size_t length); // length, bytes
int weir_put_string(struct weir_buffer *buffer, const char *text);               // NULL writes ""
int weir_put_fixed64(struct weir_buffer *buffer, uint64_t value); // 8 bytes, little-endian

// Reads what was put. Never reads beyond `end`; the first fault sets `failed`, after which
// every get returns zero, so that a reader checks once, at the end.
struct weir_reader {
    const uint8_t *at;
    const uint8_t *end;
    int failed; // sticky; WEIR_ENOMEM where the bytes are good and memory was out
};

static inline struct weir_reader weir_reader_make(const void *data, size_t length)
{
    struct weir_reader reader = {
        (const uint8_t *)data, length ? (const uint8_t *)data + length : (const uint8_t *)data, 0};
    return reader;
}
// 0, WEIR_ECORRUPT, or WEIR_ENOMEM.
int weir_reader_code(const struct weir_reader *reader);
static inline size_t weir_reader_left(const struct weir_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

int64_t weir_get_long(struct weir_reader *reader);
double weir_get_double(struct weir_reader *reader);
uint64_t weir_get_fixed64(struct weir_reader *reader);
// The bytes stay where they are: valid as long as the reader's input.
const uint8_t *weir_get_bytes(struct weir_reader *reader, size_t *length);
// A length or count that must not exceed `limit`; fails the reader otherwise.
size_t weir_get_count(struct weir_reader *reader, size_t limit);
// A string copied into `out` (NUL-terminated); one that does not fit, or holds a NUL, fails.
void weir_get_string(struct weir_reader *reader, char *out, size_t size);
// The same, newly allocated; NULL on a fault or when memory is out (which also fails).
char *weir_get_string_alloc(struct weir_reader *reader, size_t limit);

#endif
