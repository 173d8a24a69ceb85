// SPDX-License-Identifier: Apache-2.0
// simdjson's first stage behind a C interface: checks that a text is UTF-8 and its strings end,
// and finds where every token begins. What the tokens mean is json.c's part: on-demand access
// neither checks what it skips nor knows NaN, and unescapes each string into another buffer.
#ifndef WEIR_CODEC_JSON_INDEX_H
#define WEIR_CODEC_JSON_INDEX_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum { WEIR_JSON_PADDING = 64 }; // bytes that may be read beyond a text

struct weir_json_index;

struct weir_json_index *weir_json_index_create(void); // NULL: memory is out
void weir_json_index_destroy(struct weir_json_index *index);

// Positions of the tokens of `text`, ascending, followed by one more that is `length`; valid
// until the next call. The text is readable for WEIR_JSON_PADDING bytes beyond `length`.
// NULL, or what is wrong with the text, static.
const char *weir_json_index_run(struct weir_json_index *index, const char *text, size_t length,
                                const uint32_t **positions, uint32_t *n);

#ifdef __cplusplus
}
#endif

#endif
