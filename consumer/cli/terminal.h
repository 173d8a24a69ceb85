// SPDX-License-Identifier: Apache-2.0
// What only a terminal gets: colour, and a bar for long work.
#ifndef WEIR_CLI_TERMINAL_H
#define WEIR_CLI_TERMINAL_H

#include <stdint.h>
#include <stdio.h>

enum weir_colour {
    WEIR_COLOUR_NONE,
    WEIR_COLOUR_BOLD,
    WEIR_COLOUR_DIM,
    WEIR_COLOUR_RED,
    WEIR_COLOUR_GREEN,
    WEIR_COLOUR_YELLOW,
    WEIR_COLOUR_BLUE
};

// Whether `out` is a terminal that takes colour (NO_COLOR and TERM=dumb say no).
int weir_terminal_has_colour(FILE *out);
// The sequence that begins a colour (WEIR_COLOUR_NONE ends it), or "" where there is none.
const char *weir_terminal_colour(FILE *out, enum weir_colour colour);

// Text of unknown origin as one line that cannot steer a terminal: control characters become
// blanks, what is not UTF-8 U+FFFD; then blanks up to `width` columns.
void weir_terminal_text(FILE *out, const char *text, int width);
// The columns that it takes.
int weir_terminal_width(const char *text);

// One line on standard error that redraws itself: share done, rate, time left. Nothing at all
// where standard error is no terminal, or `quiet`.
struct weir_progress {
    const char *what, *unit; // "replaying", "records"
    int on;
    int64_t started, drawn; // monotonic, ms
    int width;              // of what was drawn last
};
void weir_progress_begin(struct weir_progress *progress, const char *what, const char *unit,
                         int quiet);
// `share` done in [0, 1], below 0 where it is not known; `count` units so far. Cheap: redraws
// ten times a second.
void weir_progress_update(struct weir_progress *progress, double share, uint64_t count);
// Wipes the line: call it before other output, and at the end.
void weir_progress_clear(struct weir_progress *progress);

#endif
