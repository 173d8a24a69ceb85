// SPDX-License-Identifier: Apache-2.0
// A file in memory, column by column: what exact statistics need (sorting, ranks) and streams
// never have.
#ifndef WEIR_COMPARE_TABLE_H
#define WEIR_COMPARE_TABLE_H

#include "consumer/source/file.h"
#include "stats/reservoir.h"
#include "stats/text_counts.h"

enum weir_compare_type {
    WEIR_COMPARE_NUMERIC,
    WEIR_COMPARE_CATEGORICAL,
    WEIR_COMPARE_BOOLEAN,
    WEIR_COMPARE_TEXT,  // strings of which more are distinct than there can be categories
    WEIR_COMPARE_VECTOR // the elements of an array of numbers
};
const char *weir_compare_type_name(enum weir_compare_type type);

// What a column of texts holds beside its values' hashes.
struct weir_table_words {
    struct weir_text_counts counts;
    uint64_t *hash; // of each word; of the first WEIR_TABLE_WORDS
    size_t n, capacity;
    double *length; // of each text, in bytes
    size_t n_lengths, lengths_capacity;
    int failed;
};
enum { WEIR_TABLE_WORDS = 1 << 24, WEIR_TABLE_TEXTS = 1000 };

// One of the first distinct texts of a column, cut.
struct weir_table_text {
    uint64_t hash;
    char text[64];
};

struct weir_table_column {
    const char *name;
    enum weir_compare_type type;
    int is_list;       // values are elements: not one a row
    int tells_records; // a time, a key, an id: it takes no part in what is said of whole rows
    size_t n, capacity;
    double *number; // numeric, vector: NaN where there is no value
    uint64_t *hash; // otherwise: of the text (XXH3); booleans: 0 and 1
    size_t *ends;   // lists: where each row's elements end
    size_t n_ends, ends_capacity;
    // Texts of the first WEIR_TABLE_TEXTS distinct strings, for people to read; NULL: none.
    struct weir_table_text *texts;
    size_t n_texts;
    uint16_t *text_slots;           // of a hash table: places in `texts`, from 1
    struct weir_table_words *words; // categorical, text: until it is known to be categorical
    uint8_t *absent;                // null, missing or not of the type: there is no value
    size_t n_absent, n_missing, n_fault;
    // The first two distinct texts, cut, and their hashes: for the order of a 2 x 2 table.
    struct {
        uint64_t hash;
        char text[64];
    } first[2];
    int n_first;
};

// Rows that do not decode: they have none of the fields.
struct weir_unreadable {
    uint64_t rows, first; // the first one's number, from 1
    char reason[120];     // the first one's
};
// Adds those of a batch whose first row is number `before` + 1.
void weir_unreadable_add(struct weir_unreadable *unreadable, const struct weir_batch *batch,
                         uint64_t before);
// Where not one of `rows` rows can be read: WEIR_ECORRUPT, and says so; else 0.
int weir_unreadable_check(const struct weir_unreadable *unreadable, uint64_t rows, const char *path,
                          struct weir_error *error);

struct weir_table {
    struct weir_table_column *columns;
    size_t n_columns;
    uint64_t rows;
    struct weir_unreadable unreadable;
    struct weir_file *file; // owns the names
    struct weir_field *fields;
    const char **others; // fields of the file that are not among the columns; the file's
    size_t n_others;
};

// Reads two files: CSV, TSV, JSON lines or Avro containers, each also gzipped. Both get the columns
// of the reference, whatever the other one thinks; where it has no value to tell a field's type
// from, the other one tells it. Whole numbers are numbers: any number is one of theirs.
int weir_table_load_pair(const char *reference, const char *current, struct weir_table *a,
                         struct weir_table *b, struct weir_error *error);
// A column of sampled rows, of `type`; `from` NULL: there is no such column, so that every row's
// value is absent. The name is the caller's. WEIR_ENOMEM: free it all the same.
int weir_table_column_of(const struct weir_rows_column *from, size_t rows,
                         enum weir_compare_type type, struct weir_table_column *out);
void weir_table_free(struct weir_table *table);

#endif
