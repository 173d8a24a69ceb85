// SPDX-License-Identifier: Apache-2.0
#ifndef WEIR_CODEC_UTF8_H
#define WEIR_CODEC_UTF8_H

#include <stddef.h>

// Length of the valid UTF-8 sequence at `text` (1 to 4), or 0: overlong forms, surrogates,
// code points above U+10FFFF and sequences cut off at `length` are not valid. `length` > 0.
size_t weir_utf8_sequence(const char *text, size_t length);
// Whether all of it is UTF-8.
int weir_utf8_valid(const char *text, size_t length);

#endif
