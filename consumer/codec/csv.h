// SPDX-License-Identifier: Apache-2.0
// CSV records (RFC 4180) to rows. One a (task, stream), one thread.
//
// An unquoted empty cell is null, a quoted one an empty string. Quotes are syntax, not type: a
// quoted "5" is a number in a number field. Numbers may have a sign, blanks around them and be
// spelt nan, inf or infinity in any case; booleans are true, false, 1 and 0. A quote that does
// not begin a cell is an ordinary character. Undecodable: a row with too few or too many cells,
// a quoted cell that does not end or goes on after its end, more than one line.
#ifndef WEIR_CODEC_CSV_H
#define WEIR_CODEC_CSV_H

#include "consumer/codec/decoder.h"

struct weir_csv_decoder;

// `options` names the columns; the strings are used during the call only. Rows go to `builder`,
// which outlives the decoder. WEIR_EINVAL: no columns.
int weir_csv_decoder_create(const struct weir_decoder_options *options,
                            struct weir_builder *builder, struct weir_csv_decoder **decoder,
                            struct weir_error *error);
void weir_csv_decoder_destroy(struct weir_csv_decoder *decoder);
// Adds one row, with or without its line's end; also for a tombstone.
void weir_csv_decoder_add(struct weir_csv_decoder *decoder, const struct weir_record *record);

// Length of the row at `text` with its line's end; 0: the row does not end within `length`.
size_t weir_csv_row_length(const char *text, size_t length, char separator);
// Whether a row that does not end within `length` is cut off within a quoted cell.
int weir_csv_ends_in_quotes(const char *text, size_t length, char separator);

// The cell at `*at` of a row without its line's end; `*at` moves behind it and its separator,
// or to `length` + 1 after the last. `*quoted`: it was in quotes (which are not part of it; a
// pair of quotes within stands for one). 0, or -1: it does not end, or goes on after its end.
struct weir_csv_cell {
    const char *text;
    size_t length;
    int quoted;
    int doubled; // has pairs of quotes
};
int weir_csv_cell_next(const char *row, size_t length, char separator, size_t *at,
                       struct weir_csv_cell *cell);
// Makes one quote of each pair, into `out` of at least `length` bytes. Returns the new length.
size_t weir_csv_unescape(const char *text, size_t length, char *out);

enum weir_csv_word { WEIR_CSV_OTHER, WEIR_CSV_NUMBER, WEIR_CSV_TRUE, WEIR_CSV_FALSE };
// nan, inf and infinity (with `*value` set), true and false, in any case.
enum weir_csv_word weir_csv_word(const char *text, size_t length, double *value);

#endif
