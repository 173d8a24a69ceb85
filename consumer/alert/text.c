// SPDX-License-Identifier: Apache-2.0
#include "consumer/alert/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "consumer/codec/utf8.h"

size_t weir_text_clean(char *out, size_t size, const char *text)
{
    static const char replacement[] = "\xef\xbf\xbd", ellipsis[] = "\xe2\x80\xa6";
    size_t n = 0, safe = 0, left = strlen(text);
    while (left) {
        size_t sequence = weir_utf8_sequence(text, left);
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
    size_t sequence = left ? weir_utf8_sequence(text, left) : 0;
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

char *weir_text_time(int64_t ms, char out[WEIR_TEXT_TIME])
{
    const int64_t first = -62167219200000, last = 253402300799999; // 0000-01-01, 9999-12-31
    ms = ms < first ? first : ms > last ? last : ms;
    int64_t since = ms - first; // so that nothing is negative
    int64_t day = since / 86400000, rest = since % 86400000;
    // Days since 0000-03-01, in eras of 400 years (the Gregorian calendar repeats by them).
    int64_t march = day - 60, era = march >= 0 ? march / 146097 : -1;
    int64_t in_era = march - era * 146097;
    int64_t year = (in_era - in_era / 1460 + in_era / 36524 - in_era / 146096) / 365;
    int64_t in_year = in_era - (365 * year + year / 4 - year / 100);
    int64_t month = (5 * in_year + 2) / 153; // 0: March
    int64_t in_month = in_year - (153 * month + 2) / 5 + 1;
    year += era * 400 + (month >= 10);
    month = month < 10 ? month + 3 : month - 9;
    snprintf(out, WEIR_TEXT_TIME,
             "%04" PRId64 "-%02" PRId64 "-%02" PRId64 "T%02" PRId64 ":%02" PRId64 ":%02" PRId64
             ".%03" PRId64 "Z",
             year, month, in_month, rest / 3600000, rest / 60000 % 60, rest / 1000 % 60,
             rest % 1000);
    return out;
}
