// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/json_text.h"

#include <stdint.h>
#include <string.h>

// Four hexadecimal digits, or -1.
static int32_t hex4(const char *text, size_t length)
{
    int32_t value = 0;
    if (length < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        unsigned char c = (unsigned char)text[i];
        int digit = c >= '0' && c <= '9'                     ? c - '0'
                    : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10
                                                             : -1;
        if (digit < 0)
            return -1;
        value = value << 4 | digit;
    }
    return value;
}

static size_t put_code_point(int32_t code, char *out)
{
    if (code < 0x80) {
        out[0] = (char)code;
        return 1;
    }
    if (code < 0x800) {
        out[0] = (char)(0xc0 | code >> 6);
        out[1] = (char)(0x80 | (code & 0x3f));
        return 2;
    }
    if (code < 0x10000) {
        out[0] = (char)(0xe0 | code >> 12);
        out[1] = (char)(0x80 | (code >> 6 & 0x3f));
        out[2] = (char)(0x80 | (code & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | code >> 18);
    out[1] = (char)(0x80 | (code >> 12 & 0x3f));
    out[2] = (char)(0x80 | (code >> 6 & 0x3f));
    out[3] = (char)(0x80 | (code & 0x3f));
    return 4;
}

// "\u...." with `*at` on the first digit; a pair of surrogates is one code point. -1: none.
static int32_t code_point(const char *text, size_t length, size_t *at, int *half)
{
    int32_t code = hex4(text + *at, length - *at);
    if (code < 0)
        return -1;
    *at += 4;
    if (code < 0xd800 || code > 0xdfff)
        return code;
    if (code < 0xdc00 && length - *at >= 6 && text[*at] == '\\' && text[*at + 1] == 'u') {
        int32_t low = hex4(text + *at + 2, 4);
        if (low >= 0xdc00 && low <= 0xdfff) {
            *at += 6;
            return 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
    }
    *half = 1;
    return 0xfffd;
}

enum weir_json_text weir_json_unescape(const char *text, size_t length, char *out, size_t *written)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    size_t at = 0, n = 0;
    int half = 0;
    while (at < length) {
        const char *slash = memchr(text + at, '\\', length - at);
        size_t plain = slash ? (size_t)(slash - text) - at : length - at;
        if (out)
            memcpy(out + n, text + at, plain);
        n += plain;
        at += plain;
        if (!slash)
            break;
        if (at + 1 >= length)
            return WEIR_JSON_TEXT_BAD;
        char letter = text[at + 1], bytes[4] = {0};
        const char *found = letter ? strchr(from, letter) : NULL;
        size_t size = 1;
        at += 2;
        if (letter == 'u') {
            int32_t code = code_point(text, length, &at, &half);
            if (code < 0)
                return WEIR_JSON_TEXT_BAD;
            size = put_code_point(code, bytes);
        } else if (found) {
            bytes[0] = to[found - from];
        } else {
            return WEIR_JSON_TEXT_BAD;
        }
        if (out)
            memcpy(out + n, bytes, size);
        n += size;
    }
    if (written)
        *written = n;
    return half ? WEIR_JSON_TEXT_SURROGATE : WEIR_JSON_TEXT_GOOD;
}
