// SPDX-License-Identifier: Apache-2.0
// What the pairs of one pane come to: counts, and of the pairs that differ a sample that does not
// depend on their order, so that tallies add up in any order to the same bytes.
#ifndef WEIR_SKEW_TALLY_H
#define WEIR_SKEW_TALLY_H

#include "detectors/skew/compare.h"

enum { SKEW_SAMPLES = 128, SKEW_FIELDS = 4096 };

struct skew_sample {
    uint64_t order; // the lowest are kept; of the served record
    struct skew_value served, offline;
    enum skew_verdict verdict;
    int32_t partition;
    int64_t offset; // of the served record
    // Bit L: what the offline side had so long before (history.h) is known; and it is what was
    // served.
    uint64_t known, stale;
};

struct skew_field_tally {
    uint64_t verdicts[SKEW_VERDICTS];
    struct skew_sample *samples; // of pairs that differ; ascending; NULL: none
    uint32_t n_samples;
};

// Records that found no partner, or were left out.
enum skew_lonely {
    SKEW_LONELY_SERVED,
    SKEW_LONELY_OFFLINE,
    SKEW_SAME_KEY, // of the served ones: the other side knows the key, at another time
    SKEW_DUPLICATE,
    SKEW_LATE,
    SKEW_LONELIES
};

// Of one slice of what was served: those with the lowest hashes are kept of each `by`, so that
// which there are does not depend on the order, and each that is there is whole.
enum { SKEW_BY = 4, SKEW_SLICES_KEPT = 64, SKEW_SLICE_TEXT = 512 };
struct skew_slice_tally {
    uint64_t hash;   // not 0
    char *text;      // the values of its fields, with SKEW_BETWEEN between them
    uint64_t *count; // of each field the pairs that were compared, then those that differ
};
#define SKEW_BETWEEN '\x1f'

struct skew_tally {
    struct skew_field_tally *fields;
    size_t n_fields;
    uint64_t pairs;
    uint64_t lonely[SKEW_LONELIES];
    char *topic;                                               // of the samples; NULL: none yet
    struct skew_slice_tally slices[SKEW_BY][SKEW_SLICES_KEPT]; // ascending
    size_t n_slices[SKEW_BY];
};

int skew_tally_init(struct skew_tally *tally, size_t n_fields); // WEIR_ENOMEM
void skew_tally_free(struct skew_tally *tally);                 // and leaves it empty
size_t skew_tally_memory(const struct skew_tally *tally);       // bytes held
// Whether a sample of this order would be kept.
int skew_tally_wants(const struct skew_field_tally *field, uint64_t order);
// Keeps the sample if it is among the lowest; WEIR_ENOMEM.
int skew_tally_sample(struct skew_field_tally *field, const struct skew_sample *sample);
int skew_tally_topic(struct skew_tally *tally, const char *topic); // the first in order stays
// The slice, made where it is new and there is room; *slice is NULL where there is none.
// WEIR_ENOMEM.
int skew_tally_slice(struct skew_tally *tally, size_t by, uint64_t hash, const char *text,
                     struct skew_slice_tally **slice);
void skew_tally_slices_free(struct skew_tally *tally);
size_t skew_tally_slices_memory(const struct skew_tally *tally);
void skew_tally_slices_write(const struct skew_tally *tally, struct weir_buffer *out);
int skew_tally_slices_read(struct skew_tally *tally, struct weir_reader *in);
uint64_t skew_field_pairs(const struct skew_field_tally *field);
uint64_t skew_field_differ(const struct skew_field_tally *field);

int skew_tally_write(const struct skew_tally *tally, struct weir_buffer *out);
// Adds what was written of as many fields. WEIR_ECORRUPT leaves the tally valid.
int skew_tally_read(struct skew_tally *tally, struct weir_reader *in);

#endif
