// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/json_write.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/utf8.h"

static void before(struct weir_json_writer *json)
{
    if (json->comma)
        weir_buffer_byte(json->out, ',');
    json->comma = 1;
}

static void append(struct weir_json_writer *json, const char *text)
{
    weir_buffer_append(json->out, text, strlen(text));
}

void weir_json_open(struct weir_json_writer *json, char bracket)
{
    before(json);
    weir_buffer_byte(json->out, (uint8_t)bracket);
    json->comma = 0;
}

void weir_json_close(struct weir_json_writer *json, char bracket)
{
    weir_buffer_byte(json->out, (uint8_t)bracket);
    json->comma = 1;
}

static void escape(struct weir_json_writer *json, unsigned char byte)
{
    static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                   ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    char text[8];
    if (byte < sizeof letters && letters[byte])
        snprintf(text, sizeof text, "\\%c", letters[byte]);
    else
        snprintf(text, sizeof text, "\\u%04x", byte);
    append(json, text);
}

static int is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

static void quoted(struct weir_json_writer *json, const char *data, size_t length)
{
    size_t at = 0, from = 0;
    weir_buffer_byte(json->out, '"');
    while (at < length) {
        unsigned char byte = (unsigned char)data[at];
        size_t step = is_plain(byte) ? 1
                      : byte < 0x80  ? 0
                                     : weir_utf8_sequence(data + at, length - at);
        if (step) {
            at += step;
            continue;
        }
        if (at > from)
            weir_buffer_append(json->out, data + from, at - from);
        if (byte < 0x80)
            escape(json, byte);
        else
            append(json, "\xef\xbf\xbd");
        from = ++at;
    }
    if (at > from)
        weir_buffer_append(json->out, data + from, at - from);
    weir_buffer_byte(json->out, '"');
}

void weir_json_key(struct weir_json_writer *json, const char *name)
{
    before(json);
    quoted(json, name, strlen(name));
    weir_buffer_byte(json->out, ':');
    json->comma = 0;
}

void weir_json_string(struct weir_json_writer *json, const char *data, size_t length)
{
    before(json);
    quoted(json, data, length);
}

void weir_json_text(struct weir_json_writer *json, const char *text)
{
    before(json);
    if (text)
        quoted(json, text, strlen(text));
    else
        append(json, "null");
}

void weir_json_long(struct weir_json_writer *json, int64_t value)
{
    before(json);
    weir_buffer_printf(json->out, "%" PRId64, value);
}

void weir_json_double(struct weir_json_writer *json, double value)
{
    char text[32] = "null";
    before(json);
    // The program never leaves the C locale for numbers, so the point is a point.
    for (int digits = 15; isfinite(value) && digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, value);
        if (strtod(text, NULL) == value)
            break;
    }
    append(json, text);
}

void weir_json_boolean(struct weir_json_writer *json, int value)
{
    before(json);
    append(json, value ? "true" : "false");
}

void weir_json_null(struct weir_json_writer *json)
{
    weir_json_text(json, NULL);
}

void weir_json_base64(struct weir_json_writer *json, const void *data, size_t length)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const uint8_t *bytes = data;
    if (!data) {
        weir_json_null(json);
        return;
    }
    before(json);
    weir_buffer_byte(json->out, '"');
    weir_buffer_reserve(json->out, (length + 2) / 3 * 4 + 1);
    for (size_t i = 0; i < length && !json->out->failed; i += 3) {
        size_t left = length - i;
        unsigned group = (unsigned)bytes[i] << 16;
        if (left > 1)
            group |= (unsigned)bytes[i + 1] << 8;
        if (left > 2)
            group |= bytes[i + 2];
        char four[4] = {digits[group >> 18], digits[group >> 12 & 63],
                        left > 1 ? digits[group >> 6 & 63] : '=',
                        left > 2 ? digits[group & 63] : '='};
        weir_buffer_append(json->out, four, sizeof four);
    }
    weir_buffer_byte(json->out, '"');
}

void weir_json_put_text(struct weir_json_writer *json, const char *key, const char *text)
{
    weir_json_key(json, key);
    weir_json_text(json, text);
}

void weir_json_put_long(struct weir_json_writer *json, const char *key, int64_t value)
{
    weir_json_key(json, key);
    weir_json_long(json, value);
}

void weir_json_put_count(struct weir_json_writer *json, const char *key, uint64_t value)
{
    weir_json_put_long(json, key, (int64_t)value);
}

void weir_json_put_double(struct weir_json_writer *json, const char *key, double value)
{
    weir_json_key(json, key);
    weir_json_double(json, value);
}

void weir_json_raw(struct weir_json_writer *json, const char *text, size_t length)
{
    before(json);
    weir_buffer_append(json->out, text, length);
}
