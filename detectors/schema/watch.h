// SPDX-License-Identifier: Apache-2.0
// What window checks need of single records and no summary has: single values that come too often,
// texts that read like nothing known, rows in which two fields stand in each other's place, how
// old events are. Counted beside the records, on a sample of rows (the first 4,096 of a pane, then
// one in eight, which counts for eight), and handed to the owner when the pane closes.
#ifndef WEIR_DETECTORS_SCHEMA_WATCH_H
#define WEIR_DETECTORS_SCHEMA_WATCH_H

#include "detectors/schema/schema.h"
#include "stats/buffer.h"

enum {
    SCHEMA_WATCH_VALUES = 1, // single values that come often
    SCHEMA_WATCH_TEXT = 2,   // how texts read
    SCHEMA_PAIRS = 64,       // pairs of fields that may be swapped
    SCHEMA_COMMON = 16,      // values told of a field and pane
    SCHEMA_LOW = 16          // distinct unlikely texts told apart
};

// ---- beside the records: watch.c, watch_state.c; all return 0 or WEIR_ENOMEM

struct schema_watch;
int schema_watch_create(const struct schema *schema, struct schema_watch **watch);
void schema_watch_destroy(struct schema_watch *watch);
int schema_watch_observe(struct schema_watch *watch, const struct weir_batch *batch,
                         const struct weir_edge *host);
// Rows of the batch that a record rule of the field (by its place) has told of.
void schema_watch_broken(struct schema_watch *watch, size_t field, const struct weir_edge *host,
                         const uint32_t *rows, size_t n);
int schema_watch_close(struct schema_watch *watch, int64_t start, struct weir_buffer *out);
int schema_watch_save(const struct schema_watch *watch, struct weir_buffer *out);
// WEIR_ECORRUPT, and nothing is restored, where the bytes are not what save() writes.
int schema_watch_restore(struct schema_watch *watch, struct weir_reader *in);

// ---- pairs: swap.c

// Two fields that can be told to be swapped. `odds` of a number, by the cell of its own field: the
// log of how much likelier the cell is for the other field's values; NULL for strings.
struct schema_pair {
    int a, b; // places in schema->fields, a < b
    double *odds[2];
    double clean[2]; // the share of each field's own values that speak for a swap
    uint64_t hash;   // of both names
};

// From these log odds on a single value, and both of a row together, speak for a swap. Were the
// fields independent, a row that is as it should be would do so with a chance under e^-8.
#define SCHEMA_SWAP_ONE 3.0
#define SCHEMA_SWAP_BOTH 8.0

// Finds the pairs among the fields that a reference knows, and what each cell says of them.
int schema_swap_create(struct schema *schema, struct weir_error *error);
void schema_swap_destroy(struct schema *schema);
// The log odds that `string`, found on side 0 (a) or 1 (b) of the pair, belongs to the other.
double schema_swap_string(const struct schema *schema, const struct schema_pair *pair, int side,
                          const struct weir_string *string);

// ---- what the owner is told: extract.c

// What was counted on the sample: the weights of the rows, so that their sum is about the number
// of all rows, and the squares of the weights.
struct schema_weights {
    uint64_t sum, squares;
};
// The rows that were looked at, and the number of equally weighted ones that tell as much; 0: none.
uint64_t schema_weights_rows(const struct schema_weights *weights);
double schema_weights_effective(const struct schema_weights *weights);
// The chance that `share` of the weights or more have what each row has with a chance of `usual`.
// `part`: as many of the rows as are independent. Of unequal weights a bound (Bennett's
// inequality), since a few heavy rows stray further than as many light ones.
double schema_weights_chance(const struct schema_weights *weights, double part, double share,
                             double usual);
// " (by a sample of 9,248)" where not all of `all` were looked at, else ""; `text` has room for 64.
const char *schema_sample_text(const struct schema_weights *weights, uint64_t all, char *text);

struct schema_common {    // a value that came often
    uint64_t bits;        // of the number as a double, or the string's hash
    uint64_t count, most; // it came at least, at most so often
};

struct schema_told { // of one field, in a window's sample
    struct schema_weights values;
    struct schema_common common[SCHEMA_COMMON]; // the most frequent first
    size_t n_common;
    struct schema_weights texts; // that were judged
    uint64_t low;                // and of those the weight of the ones unlike the reference's
    uint64_t unlike[SCHEMA_LOW];
    size_t n_unlike; // distinct ones among those
    uint64_t broken; // of all rows, those that a record rule of the field has told of
};

struct schema_extract {
    uint64_t rows, stale; // of all rows
    struct schema_weights sampled;
    int64_t oldest;                 // age in ms of the oldest event
    struct schema_told *fields;     // parallel to schema->fields
    uint64_t swapped[SCHEMA_PAIRS]; // weights
};

int schema_extract_init(struct schema_extract *extract, const struct schema *schema);
void schema_extract_free(struct schema_extract *extract);
// Empties it and takes in what the edges said of a window. What does not read is left out.
void schema_extract_read(struct schema_extract *extract, const struct schema *schema,
                         const struct weir_window *window);

#endif
