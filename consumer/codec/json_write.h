// SPDX-License-Identifier: Apache-2.0
// Writes JSON to a buffer. Commas are put where they belong; that keys and values alternate and
// what is opened is closed is the caller's part. Failures stick in the buffer: check it at the end.
//
//     struct weir_json_writer json = {&buffer, 0};
//     weir_json_open(&json, '{');
//     weir_json_key(&json, "count");
//     weir_json_long(&json, 3);
//     weir_json_close(&json, '}');
#ifndef WEIR_CODEC_JSON_WRITE_H
#define WEIR_CODEC_JSON_WRITE_H

#include <stdint.h>

#include "stats/buffer.h"

struct weir_json_writer {
    struct weir_buffer *out;
    int comma; // the next key or value has one before it
};

void weir_json_open(struct weir_json_writer *json, char bracket);  // '{' or '['
void weir_json_close(struct weir_json_writer *json, char bracket); // '}' or ']'
void weir_json_key(struct weir_json_writer *json, const char *name);
// Bytes that are not UTF-8 become U+FFFD, one for each byte.
void weir_json_string(struct weir_json_writer *json, const char *data, size_t length);
void weir_json_text(struct weir_json_writer *json, const char *text); // NULL: null
void weir_json_long(struct weir_json_writer *json, int64_t value);
// The shortest of 15, 16 and 17 digits that reads back the same; NaN and infinities are null.
void weir_json_double(struct weir_json_writer *json, double value);
void weir_json_boolean(struct weir_json_writer *json, int value);
void weir_json_null(struct weir_json_writer *json);
// The bytes as a string of base64 with padding; `data` NULL: null.
void weir_json_base64(struct weir_json_writer *json, const void *data, size_t length);
// A key with its value.
void weir_json_put_text(struct weir_json_writer *json, const char *key, const char *text);
void weir_json_put_long(struct weir_json_writer *json, const char *key, int64_t value);
void weir_json_put_count(struct weir_json_writer *json, const char *key, uint64_t value);
void weir_json_put_double(struct weir_json_writer *json, const char *key, double value);
// JSON text as it is.
void weir_json_raw(struct weir_json_writer *json, const char *text, size_t length);

#endif
