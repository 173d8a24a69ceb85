// SPDX-License-Identifier: Apache-2.0
// What the model said beside the truth, where a stream has both: a label, and a prediction or a
// score. What they are (classes, a probability, numbers) is told from a sample between the passes;
// the second pass counts every row (stats/quality.h).
#ifndef WEIR_PROFILE_ANSWERS_H
#define WEIR_PROFILE_ANSWERS_H

#include "consumer/profile/count.h"
#include "consumer/profile/profile.h"

struct weir_answers;

// A field that has one of the roles; `info` NULL: there is none.
struct weir_answer_field {
    const struct weir_field *info;
    int index;                               // of the batches' columns
    double *sample;                          // numbers: in any order, NAN where there is none
    size_t n;                                // of the sample
    const struct weir_string_counts *counts; // strings
};
struct weir_answer_fields {
    struct weir_answer_field label, prediction, score;
    int every_score;      // samples are all there is: a cell for each score
    const char *positive; // of two classes; NULL: told from the label
};

// The first field of each role; lists are none.
void weir_answers_find(const struct weir_stream *stream, struct weir_answer_fields *out);
// `cells` are the label's, `like` may be NULL: a profile whose classes and cells are taken where
// it is of the same fields. *answers stays NULL where nothing can be said. The samples are sorted.
int weir_answers_create(const struct weir_answer_fields *fields, const struct weir_cells *cells,
                        const struct weir_profile *like, struct weir_answers **answers);
// To count more rows for a profile's own; the columns are by the profile's order of fields.
int weir_answers_continue(const struct weir_profile *profile, struct weir_answers **answers);
void weir_answers_destroy(struct weir_answers *answers); // may be NULL
// `rows` NULL: all n. WEIR_ENOMEM.
int weir_answers_add(struct weir_answers *answers, const struct weir_batch *batch,
                     const uint32_t *rows, size_t n);
// What was counted goes to `out`, which frees it.
void weir_answers_take(struct weir_answers *answers, struct weir_profile_quality *out);
// The same, and counting begins anew, in the same way. WEIR_ENOMEM: nothing was taken.
int weir_answers_next(struct weir_answers *answers, struct weir_profile_quality *out);

void weir_profile_quality_free(struct weir_profile_quality *quality);
// The same fields, counted in the same way.
int weir_profile_quality_same(const struct weir_profile_quality *a,
                              const struct weir_profile_quality *b);
int weir_profile_quality_copy(const struct weir_profile_quality *from,
                              struct weir_profile_quality *into);
void weir_profile_quality_write(const struct weir_profile_quality *quality,
                                struct weir_buffer *out);
// WEIR_ECORRUPT, WEIR_ENOMEM; what it has read is the caller's to free either way.
int weir_profile_quality_read(struct weir_reader *in, struct weir_profile_quality *quality);

#endif
