// SPDX-License-Identifier: Apache-2.0
// Text for people and other programs: whatever went in, what comes out is UTF-8 of a stated size.
#ifndef WEIR_ALERT_TEXT_H
#define WEIR_ALERT_TEXT_H

#include <stddef.h>

// Length of the well-formed UTF-8 sequence at `text` (1 to 4), 0 where there is none. NUL is one.
size_t weir_text_sequence(const char *text, size_t length);
// Copies `text` into `out` (`size` bytes with the NUL, at least 4), bytes that are not UTF-8 as
// U+FFFD; text that does not fit is cut between characters and ends with an ellipsis.
// Returns the length written, without the NUL.
size_t weir_text_clean(char *out, size_t size, const char *text);
// Columns that a terminal needs for the character at `text` (a rough wcwidth that needs no
// locale): 0, 1 or 2. `length` gets its bytes.
int weir_text_width(const char *text, size_t left, size_t *length);

#endif
