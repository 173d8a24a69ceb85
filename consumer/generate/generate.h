// SPDX-License-Identifier: Apache-2.0
// The demo's payments stream: features with predictions, and labels that come late, from a seed.
//
// The same options give the same records, byte for byte. Each transaction is a function of the
// seed and its number alone, so a stream with incidents and one without differ only where an
// incident touches them. Records come in the order of their timestamps, both streams merged.
#ifndef WEIR_GENERATE_H
#define WEIR_GENERATE_H

#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"

// Monday 2026-03-02T00:00:00Z
#define WEIR_GENERATE_START_MS INT64_C(1772409600000)

struct weir_generate_options {
    uint64_t seed;
    int64_t start_ms;         // epoch ms; the stream begins here
    int64_t rollout_ms;       // when model v42 replaces v41; 0: 58 hours after the start
    double weeks;             // length, above 0
    double rate;              // mean transactions an hour, above 0
    int partitions;           // of either topic, at least 1; a key's records share one
    int incidents;            // whether the script is played
    const char *topic_prefix; // topics are PREFIXfeatures and PREFIXlabels; copied
};

enum weir_generate_stream { WEIR_GENERATE_TRANSACTIONS, WEIR_GENERATE_LABELS };

struct weir_generate_record {
    enum weir_generate_stream stream;
    const char *stream_name; // "transactions" or "labels"
    const char *topic;
    int partition;
    const char *key; // the transaction's id
    size_t key_length;
    const char *value; // one JSON object without a line end, NUL-terminated
    size_t value_length;
    int64_t timestamp_ms; // when it was sent; a transaction's event time is a little earlier
    int64_t row;          // its number within its stream, from 0
};

// One incident of the script, as the stream that is being generated plays it.
struct weir_generate_incident {
    const char *name;
    const char *sentence;    // what went wrong, for people
    const char *kind;        // the kind of alert that names it rightly
    const char *const *also; // other kinds that find it, NULL-terminated
    enum weir_generate_stream stream;
    const char *field;               // NULL: not one field's
    const char *slice_field, *slice; // NULL: everywhere
    const char *const *moves;        // fields that follow from `field`, NULL-terminated; NULL: none
    int64_t start_ms, end_ms;        // event time, the end excluded
    int64_t records;                 // touched so far (for an outage: left out)
    int64_t first_row, first_ms;     // row and event time of the first; -1 until there is one
    char first_key[24];              // "" until there is one
};

struct weir_generate;

// Sets the defaults: 4 weeks of 240 transactions an hour from WEIR_GENERATE_START_MS, incidents
// on, one partition, prefix "payments.", seed 1.
void weir_generate_defaults(struct weir_generate_options *options);
// The clean stretch of `weeks` before `options` begins: training data. Without incidents.
struct weir_generate_options weir_generate_training(const struct weir_generate_options *options,
                                                    double weeks);

// NULL with `error` filled when an option is out of range or memory is out.
struct weir_generate *weir_generate_open(const struct weir_generate_options *options,
                                         struct weir_error *error);
// The next record: 1, 0 at the end, or a negative weir_error_code. What `record` points to is
// valid until the next call.
int weir_generate_next(struct weir_generate *generate, struct weir_generate_record *record,
                       struct weir_error *error);
// The incidents that fall into the stream, by start; `first_*` and `records` as of now.
const struct weir_generate_incident *weir_generate_incidents(const struct weir_generate *generate,
                                                             size_t *count);
// One incident as a JSON object in `out`; returns what snprintf does.
int weir_generate_incident_json(const struct weir_generate_incident *incident, char *out,
                                size_t size);
int64_t weir_generate_start(const struct weir_generate *generate); // epoch ms
int64_t weir_generate_end(const struct weir_generate *generate);   // epoch ms, excluded
void weir_generate_close(struct weir_generate *generate);          // NULL is fine

#endif
