// SPDX-License-Identifier: Apache-2.0
#include "consumer/alert/text.h"

#include <stdint.h>
#include <string.h>

static int continues(const char *text, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        if (((unsigned char)text[i] & 0xc0) != 0x80)
            return 0;
    }
    return 1;
}

size_t weir_text_sequence(const char *text, size_t length)
{
    if (!length)
        return 0;
    unsigned char first = (unsigned char)text[0];
    unsigned char second = length > 1 ? (unsigned char)text[1] : 0;
    if (first < 0x80)
        return 1;
    if (first >= 0xc2 && first < 0xe0)
        return length >= 2 && continues(text, 1, 2) ? 2 : 0;
    if (first >= 0xe0 && first < 0xf0) {
        // No overlong forms, no surrogates.
        if (length < 3 || !continues(text, 1, 3) || (first == 0xe0 && second < 0xa0) ||
            (first == 0xed && second >= 0xa0))
            return 0;
        return 3;
    }
    if (first >= 0xf0 && first < 0xf5) {
        if (length < 4 || !continues(text, 1, 4) || (first == 0xf0 && second < 0x90) ||
            (first == 0xf4 && second >= 0x90))
            return 0;
        return 4;
    }
    return 0;
}

size_t weir_text_clean(char *out, size_t size, const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd", ellipsis[] = "\xe2\x80\xa6";
    size_t n = 0, safe = 0, left = strlen(text);
    while (left) {
        size_t sequence = weir_text_sequence(text, left);
        size_t width = sequence ? sequence : 3;
        if (n + width + 1 > size) {
            memcpy(out + safe, ellipsis, 3);
            n = safe + 3;
            break;
        }
        memcpy(out + n, sequence ? text : replacement, width);
        n += width;
        // The ellipsis must still fit behind what is surely kept.
        if (n + 4 <= size)
            safe = n;
        text += sequence ? sequence : 1;
        left -= sequence ? sequence : 1;
    }
    out[n] = 0;
    return n;
}

static uint32_t code_point(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    uint32_t code = length == 1   ? bytes[0]
                    : length == 2 ? bytes[0] & 0x1fu
                    : length == 3 ? bytes[0] & 0x0fu
                                  : bytes[0] & 0x07u;
    for (size_t i = 1; i < length; i++)
        code = code << 6 | (bytes[i] & 0x3fu);
    return code;
}

int weir_text_width(const char *text, size_t left, size_t *length)
{
    static const uint32_t wide[][2] = {{0x1100, 0x115f},   {0x2e80, 0x303e},  {0x3041, 0xa4cf},
                                       {0xac00, 0xd7a3},   {0xf900, 0xfaff},  {0xfe30, 0xfe6f},
                                       {0xff00, 0xff60},   {0xffe0, 0xffe6},  {0x1f300, 0x1f64f},
                                       {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};
    static const uint32_t none[][2] = {
        {0x300, 0x36f}, {0x200b, 0x200f}, {0x20d0, 0x20ff}, {0xfe00, 0xfe0f}, {0xfe20, 0xfe2f}};
    size_t sequence = weir_text_sequence(text, left);
    *length = sequence ? sequence : 1;
    if (!sequence)
        return 1;
    uint32_t code = code_point(text, sequence);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        if (code >= none[i][0] && code <= none[i][1])
            return 0;
    }
    for (size_t i = 0; i < sizeof wide / sizeof *wide; i++) {
        if (code >= wide[i][0] && code <= wide[i][1])
            return 2;
    }
    return 1;
}
