// SPDX-License-Identifier: Apache-2.0
// Strings of a few forms: "619 patients", "57%", "7:10 a.m.". A form is a row of numbers, words and
// the characters between them. Where all strings of a field have one of few, well-attested forms, a
// pattern says which, and a string of no such form is a fault.
#ifndef WEIR_STATS_TEXT_FORMS_H
#define WEIR_STATS_TEXT_FORMS_H

#include <stddef.h>

#include "stats/cells_build.h"

enum { WEIR_TEXT_FORMS_PATTERN = 512 };

// Writes a PCRE2 pattern that every one of the `n` distinct strings matches; 0 where their forms
// are not few and sure enough. The strings are all there are, with how often they came.
//
// Sure: each form has five different strings, or one alone that came 20 times; all together are
// 20 that came 150 times, or 300 different ones where words in them vary, for these bring new forms
// (an apostrophe, a hyphen). Strings of words alone have no form. A word that never varies stands
// in the pattern as it is.
int weir_text_forms_pattern(const struct weir_category *strings, size_t n, char *out, size_t size);

#endif
