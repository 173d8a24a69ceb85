// SPDX-License-Identifier: Apache-2.0
// JSON string escapes.
#ifndef WEIR_CODEC_JSON_TEXT_H
#define WEIR_CODEC_JSON_TEXT_H

#include <stddef.h>

enum weir_json_text { WEIR_JSON_TEXT_GOOD, WEIR_JSON_TEXT_SURROGATE, WEIR_JSON_TEXT_BAD };

// What is between the quotes, unescaped into `out`, which has room for `length` bytes; `*written`
// of them are used. SURROGATE: legal JSON, but half a pair, which no UTF-8 can say (written as
// U+FFFD). BAD: not a JSON escape. `out` NULL: only checks.
enum weir_json_text weir_json_unescape(const char *text, size_t length, char *out, size_t *written);

#endif
