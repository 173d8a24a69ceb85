// SPDX-License-Identifier: Apache-2.0
// What a detector has to say about one window. The host turns findings into alert events with
// a life: a finding that comes back is the same incident, one that stays away is resolved.
#ifndef WEIR_FINDING_H
#define WEIR_FINDING_H

#include <stddef.h>
#include <stdint.h>

enum weir_severity { WEIR_INFO, WEIR_WARNING, WEIR_CRITICAL };

enum weir_action {
    WEIR_ACTION_NONE,
    WEIR_ACTION_INVESTIGATE_UPSTREAM,
    WEIR_ACTION_FIX_PRODUCER,
    WEIR_ACTION_RETRAIN,
    WEIR_ACTION_ROLL_BACK,
    WEIR_ACTION_EXCLUDE_FROM_TRAINING,
    WEIR_ACTION_REVIEW_LABELS,
    WEIR_ACTION_REVIEW_ANNOTATOR,
    WEIR_ACTION_ADD_TRAINING_DATA,
    WEIR_ACTION_CHECK_HARDWARE,
    WEIR_ACTION_TUNE_WEIR
};

// What tells two incidents of one detector, rule and stream apart. What is left out may change
// during the incident (an omnibus test leaves out the fields and the kind).
enum weir_identity {
    WEIR_BY_KIND = 1,
    WEIR_BY_FIELDS = 2,
    WEIR_BY_SLICE = 4,
    WEIR_BY_MODEL_VERSION = 8,
    WEIR_BY_ALL = 15
};

struct weir_slice_value {
    const char *field;
    const char *value;
};

// A statistic that is not known is NAN; the host writes it as null.
struct weir_statistic {
    const char *name; // NULL: there is none
    double value, threshold, p_value, baseline;
};

struct weir_sample {
    const char *topic;
    int32_t partition;
    int64_t offset;
    const char *value; // of one record: the host drops it where `redact` is on; may be NULL
};

struct weir_evidence {
    const char *type;  // "field", "slice", "histogram", "samples", "category", ...
    const char *field; // may be NULL
    const struct weir_slice_value *slice;
    size_t n_slice;
    const char *before, *after; // for people, aggregates only; may be NULL
    double contribution;        // share of the finding that this explains, NAN: not known
    const struct weir_sample *samples;
    size_t n_samples;
};

// Everything it points to lives until emit() returns; the host copies.
struct weir_finding {
    size_t size;      // sizeof(struct weir_finding)
    const char *rule; // stable name within the detector: "range", "omnibus"
    const char *kind; // the failure mode, from the closed list: "drift.feature"
    enum weir_severity severity;
    enum weir_action action;
    unsigned identity; // of enum weir_identity; 0 means WEIR_BY_ALL
    const char *const *fields;
    size_t n_fields;
    const struct weir_slice_value *slice;
    size_t n_slice;
    const char *model_version; // may be NULL
    int provisional;           // its threshold is not calibrated yet
    double share;              // of records concerned, NAN: not known
    uint64_t count;            // records concerned, 0: not known
    struct weir_statistic statistic;
    const char *summary; // one sentence that a person on call understands
    const struct weir_evidence *evidence;
    size_t n_evidence;
};

const char *weir_severity_name(enum weir_severity severity); // "info", ...
const char *weir_action_name(enum weir_action action);       // "investigate_upstream", ...

#endif
