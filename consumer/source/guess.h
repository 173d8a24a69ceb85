// SPDX-License-Identifier: Apache-2.0
// Fields and types from a look at some rows, for files that say nothing of them.
#ifndef WEIR_SOURCE_GUESS_H
#define WEIR_SOURCE_GUESS_H

#include "consumer/codec/decoder.h"

enum weir_guess_kind {
    WEIR_GUESS_NULL,
    WEIR_GUESS_BOOLEAN,
    WEIR_GUESS_LONG,
    WEIR_GUESS_DOUBLE,
    WEIR_GUESS_STRING,
    WEIR_GUESS_KINDS
};

struct weir_guess;

struct weir_guess *weir_guess_create(void); // NULL: memory is out
void weir_guess_destroy(struct weir_guess *guess);

// A row begins.
void weir_guess_row(struct weir_guess *guess);
// The row has such a value at `path`. Beyond 2,000 fields new ones are ignored.
void weir_guess_see(struct weir_guess *guess, const char *path, size_t length, int is_list,
                    enum weir_guess_kind kind);
// A cell of a CSV file.
enum weir_guess_kind weir_guess_cell(const char *text, size_t length, int quoted);
// All values of a JSON record, by dotted path; what is no record is passed over.
struct weir_json_index;
void weir_guess_json(struct weir_guess *guess, struct weir_json_index *index, const char *text,
                     size_t length);

// The fields in order of appearance. A type that nine tenths of the values have is the type:
// the rest is what weir is to find. Nullable and optional as seen. They live as long as the
// guess; 0 or WEIR_ENOMEM.
int weir_guess_fields(struct weir_guess *guess, struct weir_schema_fields *fields);

#endif
