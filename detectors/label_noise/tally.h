// SPDX-License-Identifier: Apache-2.0
// What one pane of labels comes to: integers only, so that tallies add up in any order to the
// same bytes. Written by edges, added up by the owner.
#ifndef WEIR_LABEL_NOISE_TALLY_H
#define WEIR_LABEL_NOISE_TALLY_H

#include "stats/name_set.h"
#include "weir/error.h"

enum {
    NOISE_CLASSES = 16, // label classes that are told apart; the last takes what is beyond
    NOISE_SAMPLES = 5,
    NOISE_ANNOTATORS = 100000
};

struct noise_annotator {
    uint64_t labels;
    uint64_t judged, agreed; // against what the item's other labels, or a gold one, say
    uint64_t repeated;       // labels of an item that this annotator had labelled already, alike
    uint64_t contradicted;   // and otherwise
    uint64_t *confusion;     // [truth * NOISE_CLASSES + given] of judged labels; NULL: none
};

struct noise_sample { // a record that contradicts an earlier one of its annotator
    uint64_t hash;    // of the item: the lowest are kept, whatever the order
    int32_t partition;
    int64_t offset;
};

struct noise_tally {
    struct noise_annotator *annotators; // by number in the names they were counted with
    uint32_t n, capacity;
    uint64_t labels, items;       // items judged
    uint64_t contradicted;        // labels that contradict one of the same annotator
    uint64_t pairs, pairs_agreed; // ordered pairs of labels of one item
    uint64_t classes[NOISE_CLASSES];
    struct noise_sample samples[NOISE_SAMPLES];
    size_t n_samples;
    char *topic; // of the samples; NULL: none yet
};

void noise_tally_free(struct noise_tally *tally);           // and leaves it empty
size_t noise_tally_memory(const struct noise_tally *tally); // bytes held, itself not included
// The annotator's row; NULL when memory is out. Valid until the next call.
struct noise_annotator *noise_tally_at(struct noise_tally *tally, uint32_t annotator);
int noise_tally_confuse(struct noise_annotator *row, uint32_t truth, uint32_t given,
                        uint64_t count);
void noise_tally_sample(struct noise_tally *tally, const struct noise_sample *sample);
int noise_tally_topic(struct noise_tally *tally, const char *topic); // the first one stays
int noise_tally_is_empty(const struct noise_tally *tally);

// With the names, so that another reader's numbers may differ.
int noise_tally_write(const struct noise_tally *tally, const struct weir_names *annotators,
                      const struct weir_names *classes, struct weir_buffer *out);
// Adds what was written, under the reader's own numbers. Names beyond their maxima are dropped
// (annotators) or taken as the last class. WEIR_ECORRUPT leaves the tally valid.
int noise_tally_read(struct noise_tally *tally, struct weir_names *annotators,
                     struct weir_names *classes, struct weir_reader *in);

#endif
