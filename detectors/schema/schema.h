// SPDX-License-Identifier: Apache-2.0
// The schema detector's inside: what create() makes of the configuration, and who uses it.
#ifndef WEIR_DETECTORS_SCHEMA_H
#define WEIR_DETECTORS_SCHEMA_H

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "detectors/schema/bounds.h"
#include "detectors/schema/cross.h"
#include "detectors/schema/depends.h"
#include "detectors/schema/evolution.h"
#include "weir/detector.h"

// What one field, or the record as a whole, can break: the places of record_table.c.
enum schema_check {
    SCHEMA_NULL,
    SCHEMA_MISSING,
    SCHEMA_TYPE,
    SCHEMA_FLOAT,
    SCHEMA_EMPTY,
    SCHEMA_SENTINEL,
    SCHEMA_NAN,
    SCHEMA_RANGE,
    SCHEMA_PRECISION,
    SCHEMA_LENGTH,
    SCHEMA_VALUES,
    SCHEMA_MISSPELLED,
    SCHEMA_PATTERN,
    SCHEMA_FIELD_CHECKS, // so many are of a field
    SCHEMA_UNDECODABLE = SCHEMA_FIELD_CHECKS,
    SCHEMA_TIME,
    SCHEMA_FUTURE,
    SCHEMA_ORDER,
    SCHEMA_LATE,
    SCHEMA_UNKNOWN_FIELD,
    SCHEMA_DUPLICATE,
    SCHEMA_CHECKS
};

enum schema_option {
    SCHEMA_OPTION_QUARANTINE,
    SCHEMA_OPTION_EMPTY,
    SCHEMA_OPTION_SENTINELS,
    SCHEMA_OPTION_MISSPELLED,
    SCHEMA_OPTION_CRITICAL_SHARE,
    SCHEMA_OPTION_ONLY_ALERT,
    SCHEMA_OPTION_ONLY_QUARANTINE,
    SCHEMA_OPTION_DUPLICATES,
    SCHEMA_OPTION_DUPLICATE_KEYS,
    SCHEMA_OPTION_FUTURE,
    SCHEMA_OPTION_OUT_OF_ORDER,
    SCHEMA_OPTION_TOO_LATE,
    SCHEMA_OPTION_NULL_RATE_CHANGE,
    SCHEMA_OPTION_WINDOWS,
    SCHEMA_OPTION_MINIMUM,
    SCHEMA_OPTION_NULL_RATE,
    SCHEMA_OPTION_VOLUME,
    SCHEMA_OPTION_FROZEN,
    SCHEMA_OPTION_CATEGORIES,
    SCHEMA_OPTION_DISTINCT,
    SCHEMA_OPTION_UNIT,
    SCHEMA_OPTION_DEFAULT_SPIKE,
    SCHEMA_OPTION_SWAPPED,
    SCHEMA_OPTION_GIBBERISH,
    SCHEMA_OPTION_FRESHNESS,
    SCHEMA_OPTION_RULES,
    SCHEMA_OPTION_DEPENDS,
    SCHEMA_OPTION_WINDOW_RULES,
    SCHEMA_OPTION_EVOLUTION,
    SCHEMA_OPTION_INTEGER_FLOATS
};

// What an empty string is.
enum schema_empty { SCHEMA_EMPTY_LEGAL, SCHEMA_EMPTY_FAULT, SCHEMA_EMPTY_AUTO };

// A value that stands for one that is not there.
struct schema_sentinel {
    const char *text;
    size_t length;
    double number; // of number fields
    int is_found;  // not declared: one that the reference never had
    int is_date;   // a time of day may follow
};

// A frequent value of the reference.
struct schema_word {
    const char *data;
    size_t length;
    uint64_t count;
    uint64_t letters;
};

// A field that is looked at.
struct schema_field {
    int index; // in the stream
    const struct weir_field *field;
    const struct weir_field_more *more; // NULL: no more is said of it
    int rule[SCHEMA_FIELD_CHECKS];      // the host's number, -1: not looked at
    pcre2_code *pattern;
    struct schema_values *values;      // those allowed; NULL: any
    struct schema_sentinel *sentinels; // of a number field ascending
    const char **sentinel_names;       // parallel
    size_t n_sentinels;
    double sentinel_low, sentinel_high; // no number between is one
    double calm_low, calm_high; // a double from low to high is finite, in range and no sentinel
    int sentinel_explains;      // what is one breaks no other rule beside it
    struct schema_word *words;  // that others may be misspellings of
    size_t n_words;
    const struct weir_summary *reference; // the first that knows the field; NULL: none
    unsigned window_checks;               // bits of 1 << place in the table of window checks
    uint64_t name_hash;
    // For these:
    int watched;          // of SCHEMA_WATCH_* (watch.h)
    unsigned n_pairs;     // of fields that may be swapped, in which it is
    uint64_t *swap_pairs; // of a number: by cell, those for which a value there speaks
};

// What a rule of the host's is about.
struct schema_rule {
    enum schema_check check;
    const struct schema_field *field; // NULL: the whole record
    unsigned flags;                   // of enum weir_rule_flag
    int is_mild; // its records are quarantined only where `only_quarantine` says so
};

struct schema {
    const struct weir_stream *stream;
    struct schema_field *fields;
    size_t n_fields;
    int key;                   // the place of the stream's key in `fields`, -1: it is not looked at
    struct schema_rule *rules; // by the host's number
    size_t n_rules;
    int rule[SCHEMA_CHECKS];                   // those of the whole record
    pcre2_match_context *limits, *long_limits; // of patterns; on long strings
    enum schema_empty empty;
    int floats, float_is_error;             // integers written as floats are looked at, are faults
    int64_t duplicates;                     // ms, 0: keys are not looked at
    size_t duplicate_keys;                  // that are remembered, at most
    int64_t future, out_of_order, too_late; // ms, 0: not looked at
    double critical_share, null_rate_change;
    uint64_t minimum;       // records of a window or slice to be judged
    unsigned window_checks; // bits of 1 << place in the table: those of any field or slice
    int64_t window_hop;     // ms, 0 where windows count records
    int64_t freshness;      // ms, 0: not asked for
    int watches;            // something is watched beside the records
    struct schema_pair *pairs;
    size_t n_pairs;
    int redact;
    const char *const *references;
    size_t n_references;
    struct schema_cross cross;
    struct schema_depends depends;
    struct schema_bounds bounds;
    int evolution;                 // the host's number of that rule, -1: none
    const struct weir_peer *peers; // other detectors of the stream
    size_t n_peers;
};

// rules.c
// create() under way: what only it needs.
struct schema_make {
    struct schema *schema;
    const struct weir_detector_config *config;
    const struct weir_setup *setup;
    char **names; // of the rules so far
    size_t n_names;
    uint8_t *routed; // of `only_alert`, then `only_quarantine`: it names a rule
    int faults;      // complaints that are no warnings
};

int schema_rules_create(struct schema *schema, const struct weir_detector_config *config,
                        const struct weir_setup *setup, struct weir_error *error);
// Declares a rule with the host; whether its records are quarantined and told of is as the options
// have it. *number is the host's.
int schema_declare(struct schema_make *make, const struct weir_rule *rule, struct schema_rule what,
                   int *number, struct weir_error *error);
// Something wrong with an option, or with a key of a field (-1: an option); `item` of a list.
__attribute__((format(printf, 7, 8))) void schema_complain(struct schema_make *make, int warning,
                                                           int field, const char *key, size_t item,
                                                           size_t offset, const char *format, ...);
void schema_rules_destroy(struct schema *schema);

// Where a reference has fewer values of a field, what it never had says nothing.
enum { SCHEMA_KNOWN_VALUES = 1000 };

// rules_check.c: complains about what contradicts itself, and what the reference contradicts.
void schema_check_field(struct schema_make *make, const struct schema_field *field);

// values.c: complains about those that are not of the field's type.
int schema_values_create(struct schema_make *make, struct schema_field *field,
                         struct weir_error *error);
int schema_values_have_number(const struct schema_values *values, double value); // not NaN
int schema_values_have_text(const struct schema_values *values, const struct weir_string *string);

// pattern.c
int schema_limits_create(struct schema *schema); // WEIR_ENOMEM
// Compiles the field's pattern; complains where it cannot be, and where strings are found on which
// it explodes.
void schema_pattern_create(struct schema_make *make, struct schema_field *field);
// 1: it matches; 0: it does not; -1: that cannot be told within bounds.
int schema_pattern_match(const struct schema *schema, const struct schema_field *field,
                         const char *data, size_t length, pcre2_match_data *match);

// sentinels.c: what of a field are sentinels: those declared, and with the option `sentinels` the
// usual ones that stand apart from all that the reference has.
int schema_sentinels_create(struct schema_make *make, struct schema_field *field,
                            struct weir_error *error);
// record_misspelled.c: the words of a field that has a settled set of them.
int schema_words_create(struct schema_make *make, struct schema_field *field,
                        struct weir_error *error);
// The place of a number among field->sentinels, -1: it is none.
int schema_sentinel_number(const struct schema_field *field, double value);

// window_table.c: asks for what the window checks need.
int schema_windows_create(struct schema *schema, const struct weir_detector_config *config,
                          const struct weir_setup *setup, struct weir_error *error);
void schema_windows_destroy(struct schema *schema);

// edge.c
int schema_edge_create(void *instance, void **edge, struct weir_error *error);
void schema_edge_destroy(void *edge);
int schema_edge_observe(void *edge, const struct weir_batch *batch, const struct weir_edge *host,
                        struct weir_error *error);
int schema_edge_close(void *edge, int64_t start, int64_t end, struct weir_buffer *out,
                      struct weir_error *error);
int schema_edge_save(const void *edge, struct weir_buffer *out);
size_t schema_edge_memory(const void *edge);
size_t schema_edge_memory_most(const void *instance);
int schema_edge_restore(void *edge, uint32_t state_version, struct weir_reader *in,
                        struct weir_error *error);

// describe.c
int schema_describe(void *instance, const struct weir_rule_count *count,
                    struct weir_finding *finding, char *text, size_t text_size);

// owner.c
int schema_owner_create(void *instance, void **owner, struct weir_error *error);
void schema_owner_destroy(void *owner);
int schema_owner_window(void *owner, const struct weir_window *window, struct weir_error *error);
int schema_owner_save(const void *owner, struct weir_buffer *out);
int schema_owner_restore(void *owner, uint32_t state_version, struct weir_reader *in,
                         struct weir_error *error);

#endif
