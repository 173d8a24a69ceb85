// SPDX-License-Identifier: Apache-2.0
// A baseline: what training data, or a healthy stretch of serving, looked like. An Avro
// container file (schemas/profile.avsc) that holds enough to compare without the data: each
// field's cells and summary, its categories, ordered panes, a bounded joint sample of rows.
#ifndef WEIR_PROFILE_H
#define WEIR_PROFILE_H

#include "consumer/profile/frame.h"
#include "consumer/source/file.h"
#include "stats/clues.h"
#include "stats/habits.h"
#include "stats/quality.h"
#include "stats/reservoir.h"
#include "stats/summary.h"
#include "stats/words.h"

// Of what is written; all down to 1 are read.
enum { WEIR_PROFILE_VERSION = 4 };

// Rows of the joint sample: at most so many, and so many bytes of values.
enum { WEIR_PROFILE_ROWS = 5000, WEIR_PROFILE_ROW_BYTES = 4 << 20 };

// Hashes of strings that a field has and its cells, which are another profile's, do not know;
// ascending. Incomplete: there were too many to keep.
struct weir_profile_also {
    uint64_t *hash;
    size_t n;
    int incomplete;
};

struct weir_profile_field {
    const char *name;
    enum weir_type type;
    enum weir_role role;
    struct weir_cells *cells;
    struct weir_summary summary; // whole file, every part
    struct weir_habits *habits;  // also at cells->habits; NULL in a profile of version 1
    struct weir_clues clues;     // to what the field means; none in a profile of version 1
    struct weir_words *words;    // of texts; NULL: of none, or version 1 or 2
    struct weir_profile_also also;
};

// One ordered stretch of event time: counts a field in its cells, and little else.
struct weir_profile_pane {
    int64_t start, end;
    uint64_t rows;
    struct weir_summary *fields; // parallel to the profile's fields: counts, moments and cells
};

// What the model's answers were worth in these data. `counts` NULL: there are no label and answer
// side by side, or version 1 to 3.
struct weir_profile_quality {
    struct weir_quality *counts;
    char *label, *prediction, *score; // fields; NULL: none. No prediction but one that is counted:
                                      // score > .5
};

struct weir_profile {
    int version;
    const char *stream;
    uint64_t rows;
    int64_t first_time, last_time;
    struct weir_profile_field *fields;
    size_t n_fields;
    struct weir_profile_pane *panes;
    size_t n_panes;
    struct weir_reservoir_field *sample_fields; // the fields, in the profile's order
    struct weir_reservoir_spec sample_spec;
    struct weir_reservoir *sample; // NULL: none was kept, or version 1 or 2
    struct weir_profile_quality quality;
    struct weir_profile_frame *frames; // the fields' first; none in version 1 to 3
    size_t n_frames;
};

struct weir_profile_options {
    const struct weir_stream *stream; // effective: every field has a type
    enum weir_time_unit time_unit;
    enum weir_format format;
    int64_t pane; // ms, 0: 1 h
    int64_t rows; // of the joint sample; 0: WEIR_PROFILE_ROWS, negative: none
    // Whose cells are taken for the fields that it knows; NULL: none.
    const struct weir_profile *like;
    void (*progress)(void *context, double share);
    void *progress_context;
};

// Two passes over a file (standard input is spooled to a temporary file first).
int weir_profile_make(const char *path, const struct weir_profile_options *options,
                      struct weir_profile **profile, struct weir_error *error);
int weir_profile_save(const struct weir_profile *profile, const char *path,
                      struct weir_error *error); // written beside, then renamed
// Truncated, corrupted or foreign files are refused with a sentence.
int weir_profile_load(const char *path, struct weir_profile **profile, struct weir_error *error);
int weir_profile_read(const void *data, size_t length, const char *path,
                      struct weir_profile **profile, struct weir_error *error);
// The same of the one datum that the container holds, without the container and its hash.
int weir_profile_read_datum(const void *data, size_t length, const char *path,
                            struct weir_profile **profile, struct weir_error *error);
void weir_profile_free(struct weir_profile *profile);
// An empty sample of a profile whose fields are there. WEIR_ENOMEM.
int weir_profile_sample_create(struct weir_profile *profile, size_t rows, size_t bytes);
// Of all that would be saved; 0 without memory.
uint64_t weir_profile_hash(const struct weir_profile *profile);
const struct weir_profile_field *weir_profile_find(const struct weir_profile *profile,
                                                   const char *field);

#endif
