// SPDX-License-Identifier: Apache-2.0
#include "stats/buffer.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "weir/error.h"

void weir_buffer_init(struct weir_buffer *buffer, size_t maximum)
{
    memset(buffer, 0, sizeof *buffer);
    buffer->maximum = maximum;
}

void weir_buffer_free(struct weir_buffer *buffer)
{
    size_t maximum = buffer->maximum;
    free(buffer->data);
    weir_buffer_init(buffer, maximum);
}

void weir_buffer_reset(struct weir_buffer *buffer)
{
    buffer->length = 0;
    buffer->failed = 0;
}

uint8_t *weir_buffer_take(struct weir_buffer *buffer, size_t *length)
{
    uint8_t *data = buffer->data;
    *length = buffer->length;
    buffer->data = NULL;
    buffer->length = 0;
    buffer->capacity = 0;
    return data;
}

int weir_buffer_reserve(struct weir_buffer *buffer, size_t more)
{
    if (buffer->failed)
        return WEIR_ENOMEM;
    if (more <= buffer->capacity - buffer->length)
        return 0;
    if (buffer->length > buffer->maximum || more > buffer->maximum - buffer->length) {
        buffer->failed = 1;
        return WEIR_ENOMEM;
    }
    size_t need = buffer->length + more;
    size_t capacity = buffer->capacity ? buffer->capacity : 256;
    while (capacity < need)
        capacity *= 2;
    if (capacity > buffer->maximum)
        capacity = buffer->maximum;
    uint8_t *data = realloc(buffer->data, capacity);
    if (!data) {
        buffer->failed = 1;
        return WEIR_ENOMEM;
    }
    buffer->data = data;
    buffer->capacity = capacity;
    return 0;
}

int weir_buffer_append(struct weir_buffer *buffer, const void *data, size_t length)
{
    int code = weir_buffer_reserve(buffer, length);
    if (code)
        return code;
    if (length) {
        memcpy(buffer->data + buffer->length, data, length);
        buffer->length += length;
    }
    return 0;
}

int weir_buffer_byte(struct weir_buffer *buffer, uint8_t byte)
{
    return weir_buffer_append(buffer, &byte, 1);
}

int weir_buffer_printf(struct weir_buffer *buffer, const char *format, ...)
{
    char fixed[512];
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    int length = vsnprintf(fixed, sizeof fixed, format, args);
    va_end(args);
    int code = WEIR_EINVAL;
    if (length >= 0 && (size_t)length < sizeof fixed) {
        code = weir_buffer_append(buffer, fixed, (size_t)length);
    } else if (length >= 0) {
        // vsnprintf wants room for its NUL, which is not counted in the length.
        code = weir_buffer_reserve(buffer, (size_t)length + 1);
        if (!code) {
            vsnprintf((char *)buffer->data + buffer->length, (size_t)length + 1, format, again);
            buffer->length += (size_t)length;
        }
    }
    va_end(again);
    return code;
}

int weir_put_long(struct weir_buffer *buffer, int64_t value)
{
    uint8_t bytes[10];
    size_t n = 0;
    uint64_t zigzag = ((uint64_t)value << 1) ^ (uint64_t)(value >> 63);
    while (zigzag >= 0x80) {
        bytes[n++] = (uint8_t)(zigzag | 0x80);
        zigzag >>= 7;
    }
    bytes[n++] = (uint8_t)zigzag;
    return weir_buffer_append(buffer, bytes, n);
}

int weir_put_fixed64(struct weir_buffer *buffer, uint64_t value)
{
    uint8_t bytes[8];
    for (int i = 0; i < 8; i++)
        bytes[i] = (uint8_t)(value >> (8 * i));
    return weir_buffer_append(buffer, bytes, sizeof bytes);
}

int weir_put_double(struct weir_buffer *buffer, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return weir_put_fixed64(buffer, bits);
}

int weir_put_bytes(struct weir_buffer *buffer, const void *data, size_t length)
{
    int code = weir_put_long(buffer, (int64_t)length);
    return code ? code : weir_buffer_append(buffer, data, length);
}

int weir_put_string(struct weir_buffer *buffer, const char *text)
{
    return weir_put_bytes(buffer, text ? text : "", text ? strlen(text) : 0);
}

int weir_reader_code(const struct weir_reader *reader)
{
    return !reader->failed ? 0 : reader->failed == WEIR_ENOMEM ? WEIR_ENOMEM : WEIR_ECORRUPT;
}

static void fault(struct weir_reader *reader)
{
    if (!reader->failed)
        reader->failed = 1;
}

int64_t weir_get_long(struct weir_reader *reader)
{
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && reader->at < reader->end && !reader->failed; shift += 7) {
        uint8_t byte = *reader->at++;
        // The tenth byte holds only the sign's bit.
        if (shift == 63 && byte > 1)
            break;
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
    }
    fault(reader);
    return 0;
}

uint64_t weir_get_fixed64(struct weir_reader *reader)
{
    if (reader->failed || weir_reader_left(reader) < 8) {
        fault(reader);
        return 0;
    }
    uint64_t value = 0;
    for (int i = 0; i < 8; i++)
        value |= (uint64_t)reader->at[i] << (8 * i);
    reader->at += 8;
    return value;
}

double weir_get_double(struct weir_reader *reader)
{
    uint64_t bits = weir_get_fixed64(reader);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

size_t weir_get_count(struct weir_reader *reader, size_t limit)
{
    int64_t value = weir_get_long(reader);
    if (reader->failed || value < 0 || (uint64_t)value > limit) {
        fault(reader);
        return 0;
    }
    return (size_t)value;
}

const uint8_t *weir_get_bytes(struct weir_reader *reader, size_t *length)
{
    size_t n = weir_get_count(reader, weir_reader_left(reader));
    if (reader->failed || n > weir_reader_left(reader)) {
        fault(reader);
        *length = 0;
        return reader->end;
    }
    const uint8_t *bytes = reader->at;
    reader->at += n;
    *length = n;
    return bytes;
}

void weir_get_string(struct weir_reader *reader, char *out, size_t size)
{
    size_t length;
    const uint8_t *bytes = weir_get_bytes(reader, &length);
    if (reader->failed || length >= size || (length && memchr(bytes, 0, length))) {
        fault(reader);
        if (size)
            out[0] = 0;
        return;
    }
    if (length)
        memcpy(out, bytes, length);
    out[length] = 0;
}

char *weir_get_string_alloc(struct weir_reader *reader, size_t limit)
{
    size_t length;
    const uint8_t *bytes = weir_get_bytes(reader, &length);
    if (reader->failed || length > limit || (length && memchr(bytes, 0, length))) {
        fault(reader);
        return NULL;
    }
    char *out = malloc(length + 1);
    if (!out) {
        reader->failed = WEIR_ENOMEM;
        return NULL;
    }
    if (length)
        memcpy(out, bytes, length);
    out[length] = 0;
    return out;
}
