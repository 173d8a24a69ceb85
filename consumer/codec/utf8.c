// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/utf8.h"

#include <stdint.h>
#include <string.h>

static int continues(const unsigned char *byte)
{
    return (*byte & 0xc0) == 0x80;
}

size_t weir_utf8_sequence(const char *text, size_t length)
{
    const unsigned char *b = (const unsigned char *)text;
    if (b[0] < 0x80)
        return 1;
    if (b[0] < 0xc2)
        return 0;
    if (b[0] < 0xe0)
        return length >= 2 && continues(b + 1) ? 2 : 0;
    if (b[0] < 0xf0) {
        if (length < 3 || !continues(b + 1) || !continues(b + 2))
            return 0;
        if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] >= 0xa0))
            return 0;
        return 3;
    }
    if (b[0] > 0xf4 || length < 4 || !continues(b + 1) || !continues(b + 2) || !continues(b + 3))
        return 0;
    if ((b[0] == 0xf0 && b[1] < 0x90) || (b[0] == 0xf4 && b[1] >= 0x90))
        return 0;
    return 4;
}

int weir_utf8_valid(const char *text, size_t length)
{
    size_t at = 0;
    while (at < length) {
        uint64_t eight;
        if (length - at >= sizeof eight) {
            memcpy(&eight, text + at, sizeof eight);
            if (!(eight & 0x8080808080808080u)) {
                at += sizeof eight;
                continue;
            }
        }
        size_t step = weir_utf8_sequence(text + at, length - at);
        if (!step)
            return 0;
        at += step;
    }
    return 1;
}
