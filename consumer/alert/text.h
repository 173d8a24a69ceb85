// SPDX-License-Identifier: Apache-2.0
// Text for people and other programs: whatever went in, what comes out is UTF-8 of a stated size.
#ifndef WEIR_ALERT_TEXT_H
#define WEIR_ALERT_TEXT_H

#include <stddef.h>
#include <stdint.h>

// Copies `text` into `out` (`size` bytes with the NUL, at least 4), bytes that are not UTF-8 as
// U+FFFD; text that does not fit is cut between characters and ends with an ellipsis.
// Returns the length written, without the NUL.
size_t weir_text_clean(char *out, size_t size, const char *text);
// Columns that a terminal needs for the character at `text` (a rough wcwidth that needs no
// locale): 0, 1 or 2. `length` gets its bytes.
int weir_text_width(const char *text, size_t left, size_t *length);
// RFC 3339 in UTC with milliseconds, "2026-01-31T12:00:00.000Z"; years outside 0 to 9999 are
// clamped. Returns `out`.
enum { WEIR_TEXT_TIME = 48 };
char *weir_text_time(int64_t ms, char out[WEIR_TEXT_TIME]);

#endif
