// SPDX-License-Identifier: Apache-2.0
// Fields that say what another field is: the same zip always comes with the same city. Found in a
// sample of rows, kept as hashes of pairs of values, none of the values themselves.
#ifndef WEIR_STATS_DEPENDS_H
#define WEIR_STATS_DEPENDS_H

#include "stats/buffer.h"
#include "weir/batch.h"
#include "weir/error.h"

enum {
    WEIR_DEPENDS_BY = 3,          // fields that say the same one, at most
    WEIR_DEPENDS_KEYS = 1 << 16,  // of one
    WEIR_DEPENDS_TOTAL = 1 << 20, // of all that are found together
    WEIR_DEPENDS_NAME = 512
};

// What one field says of another.
struct weir_depends {
    char *by; // the name of the field that says it; owned
    enum weir_type by_type, type;
    uint64_t repeats; // rows of the sample whose key had been there before
    size_t n;
    uint64_t *keys, *values; // owned; hashes, keys ascending. Keys with several values are left out
};

uint64_t weir_depends_hash_number(const struct weir_column *column, uint32_t row); // of a value
// The hash of one value, or 0: null, missing, of another type, NaN, or of a list.
static inline uint64_t weir_depends_hash(const struct weir_column *column, uint32_t row)
{
    if (column->offsets || column->state[row] != WEIR_STATE_VALUE)
        return 0;
    if (column->type != WEIR_TYPE_STRING && column->type != WEIR_TYPE_BYTES)
        return weir_depends_hash_number(column, row);
    uint64_t hash = weir_column_string(column, column->values.code[row])->hash;
    return hash ? hash : 1;
}

// One field of the sample.
struct weir_depends_field {
    const char *name;
    enum weir_type type;
    const uint64_t *hash; // by row; 0: no value
    int may_say;          // what others are
    // Filled in: the best of what says this one, most repeats first. Owned by the caller.
    struct weir_depends *by;
    size_t n_by;
};

// Finds them. A field says another one where keys that come again (100 times or more, and one row
// in four) bring the same value but for one in 500, and 50 other values would have come by chance.
// Copies of whole rows count once: a record that is sent twice says nothing, nor does a field whose
// values come again only so (an id, a time). Nothing is kept of keys that come with several values,
// nor of those that came once where there are such.
// `by` of all fields is NULL before. WEIR_ENOMEM: some may be filled.
int weir_depends_find(struct weir_depends_field *fields, size_t n_fields, size_t n_rows);

// Of all rows with a key, this share may have another value at most.
#define WEIR_DEPENDS_WRONG 0.002
// Afterwards: a key that had another value all the same. Its value is 0 until it is packed away.
void weir_depends_forget(struct weir_depends *depends, uint64_t key);
void weir_depends_pack(struct weir_depends *depends);
void weir_depends_clear(struct weir_depends *depends); // frees what one owns, and zeroes it

// The value that goes with a key, or 0: the key is not known.
uint64_t weir_depends_value(const struct weir_depends *depends, uint64_t key);

void weir_depends_free(struct weir_depends *by, size_t n);
int weir_depends_write(const struct weir_depends *by, size_t n, struct weir_buffer *out);
// WEIR_ECORRUPT, WEIR_ENOMEM.
int weir_depends_read(struct weir_reader *in, struct weir_depends **by, size_t *n);

#endif
