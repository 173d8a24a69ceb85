// SPDX-License-Identifier: Apache-2.0
// Checks of single records: a row each in one table, record_table.c. A new check is a place in
// enum schema_check, a row, and its functions.
#ifndef WEIR_DETECTORS_SCHEMA_RECORD_H
#define WEIR_DETECTORS_SCHEMA_RECORD_H

#include "detectors/schema/schema.h"

// What the codes of a field's dictionary are worth: strings are judged once each.
struct schema_memo {
    uint16_t *faults; // bits of 1 << enum schema_check, by code
    uint32_t n, capacity;
    uint32_t generation;
    unsigned any;    // all bits there are
    uint16_t *local; // the same for the strings of this batch alone
    uint32_t local_capacity;
};

// Beside the records of one task.
struct schema_edge {
    const struct schema *schema;
    struct schema_memo *memos; // one a field
    pcre2_match_data *match;
    struct weir_evaluator *cross;
    struct schema_evolution evolution;
    struct schema_watch *watch; // for the window checks (watch.h)
    // Scratch for a batch: `capacity` of each, in one block that begins with `values`.
    uint32_t *found;    // rows, or elements of a list, that break a rule
    uint32_t *elements; // parallel to rows in `found`: of lists the first of each row
    uint8_t *kinds;     // parallel to `found`
    double *values;     // parallel to `found`
    uint32_t *part;     // rows of one kind
    double *part_values;
    uint32_t capacity;
    // State.
    int64_t newest;               // event time so far, INT64_MIN: none
    struct schema_keys *keys;     // NULL: keys are not looked at
    struct schema_floats *floats; // one a field
};

// One column of one batch, or the batch as a whole (`field` and `column` NULL).
struct schema_pass {
    struct schema_edge *edge;
    const struct weir_batch *batch;
    const struct weir_edge *host;
    const struct schema_field *field;
    const struct weir_column *column;
    struct schema_memo *memo;
    uint32_t first; // of its elements: a list's need not begin at 0
};

// A sentence under way.
struct schema_text {
    char *data;
    size_t size, length; // what does not fit is left out
};
__attribute__((format(printf, 2, 3))) void schema_put(struct schema_text *text, const char *format,
                                                      ...);
// Puts a count with commas.
void schema_put_count(struct schema_text *text, uint64_t count);
// Puts "1,204 of 3,000 records ", or with `all` before it "all 3,000 records ".
void schema_put_records(struct schema_text *text, const char *all, uint64_t count, uint64_t rows);
// What was put from `at` on begins with a verb, of `count` records: "have" becomes "has" of one.
void schema_agree(struct schema_text *text, size_t at, uint64_t count);
// Puts a duration: "10 min".
void schema_put_duration(struct schema_text *text, int64_t ms);

// What a sentence is about.
struct schema_said {
    const struct schema *schema;
    const struct schema_field *field; // NULL: the whole record
    const struct weir_rule_count *count;
};

struct schema_record_check {
    const char *name; // of the rule, before ":FIELD"
    const char *kind;
    enum weir_action action;
    enum weir_severity severity; // at least; critical from critical_share on
    // Whether it means anything for the field (NULL: for the record).
    int (*applies)(const struct schema *schema, const struct schema_field *field);
    // Flags the rows of a column, or of the batch, that break it; 0 or WEIR_ENOMEM. NULL where
    // `text` is enough.
    int (*observe)(struct schema_pass *pass);
    // Whether a string breaks it, asked once a distinct string; may be NULL. *limited counts
    // checks that cannot be made within bounds.
    int (*text)(const struct schema *schema, const struct schema_field *field,
                const struct weir_string *string, pcre2_match_data *match, uint64_t *limited);
    // Goes on behind "FIELD: 12 of 3,000 records ".
    void (*say)(const struct schema_said *said, struct schema_text *text);
    const char *hint; // what to do, behind that; NULL where it is said already
};

extern const struct schema_record_check schema_record_checks[SCHEMA_CHECKS];

// record_flag.c: the first `n` of edge->found break the check. Of lists they are elements, and
// rows afterwards, each once, with edge->elements. Returns how many rows.
uint32_t schema_flag(const struct schema_pass *pass, enum schema_check check, uint32_t n);
// The first `n` of edge->found, in the same way, were left out of something by a limit.
void schema_limit(const struct schema_pass *pass, const char *what, uint32_t n);
// The same as schema_flag, with a detail for each kind: edge->kinds says which of `names`, and
// edge->values, with `has_values`, a number for each of the found.
void schema_flag_kinds(const struct schema_pass *pass, enum schema_check check, uint32_t n,
                       const char *const *names, size_t n_names, int has_values);
// Whether there is a record in that row at all.
int schema_has_record(const struct weir_batch *batch, uint32_t row);

// record_state.c: nulls, missing values, faults of the type
int schema_observe_null(struct schema_pass *pass);
int schema_observe_missing(struct schema_pass *pass);
int schema_observe_type(struct schema_pass *pass);
int schema_observe_empty(struct schema_pass *pass);
void schema_say_type(const struct schema_said *said, struct schema_text *text);

// record_float.c: integers written as floats. What is remembered of each field, freed with free().
struct schema_floats *schema_floats_create(const struct schema *schema); // NULL: no memory
int schema_observe_float(struct schema_pass *pass);
void schema_say_float(const struct schema_said *said, struct schema_text *text);
void schema_floats_save(const struct schema *schema, const struct schema_floats *floats,
                        struct weir_buffer *out);
int schema_floats_restore(const struct schema *schema, struct schema_floats *floats,
                          struct weir_reader *in); // WEIR_ECORRUPT

// record_sentinel.c
int schema_observe_sentinels(struct schema_pass *pass); // of numbers
int schema_text_sentinel(const struct schema *schema, const struct schema_field *field,
                         const struct weir_string *string, pcre2_match_data *match,
                         uint64_t *limited);
void schema_say_sentinel(const struct schema_said *said, struct schema_text *text);

// record_misspelled.c
int schema_text_misspelled(const struct schema *schema, const struct schema_field *field,
                           const struct weir_string *string, pcre2_match_data *match,
                           uint64_t *limited);
void schema_say_misspelled(const struct schema_said *said, struct schema_text *text);

// record_number.c
// Whether no value of the column breaks a rule of SCHEMA_CALM.
enum { SCHEMA_CALM = 1 << SCHEMA_SENTINEL | 1 << SCHEMA_NAN | 1 << SCHEMA_RANGE };
int schema_is_calm(const struct schema_pass *pass);
int schema_observe_nan(struct schema_pass *pass);
int schema_observe_range(struct schema_pass *pass);
int schema_observe_values(struct schema_pass *pass); // of numbers
int schema_observe_length(struct schema_pass *pass); // of lists
int schema_observe_precision(struct schema_pass *pass);
void schema_say_range(const struct schema_said *said, struct schema_text *text);
void schema_say_precision(const struct schema_said *said, struct schema_text *text);

// record_text.c
int schema_text_empty(const struct schema *schema, const struct schema_field *field,
                      const struct weir_string *string, pcre2_match_data *match, uint64_t *limited);
int schema_text_length(const struct schema *schema, const struct schema_field *field,
                       const struct weir_string *string, pcre2_match_data *match,
                       uint64_t *limited);
int schema_text_values(const struct schema *schema, const struct schema_field *field,
                       const struct weir_string *string, pcre2_match_data *match,
                       uint64_t *limited);
int schema_text_pattern(const struct schema *schema, const struct schema_field *field,
                        const struct weir_string *string, pcre2_match_data *match,
                        uint64_t *limited);
// All checks of strings on a column; 0 or WEIR_ENOMEM.
int schema_observe_texts(struct schema_pass *pass);

// record_whole.c
int schema_observe_undecodable(struct schema_pass *pass);
int schema_observe_no_time(struct schema_pass *pass);
int schema_observe_unknown(struct schema_pass *pass);
void schema_say_unknown(const struct schema_said *said, struct schema_text *text);

// record_time.c: event time against the Kafka timestamp, and against what came before
int schema_observe_future(struct schema_pass *pass);
int schema_observe_order(struct schema_pass *pass);
int schema_observe_late(struct schema_pass *pass);
void schema_say_future(const struct schema_said *said, struct schema_text *text);
void schema_say_order(const struct schema_said *said, struct schema_text *text);
void schema_say_late(const struct schema_said *said, struct schema_text *text);
#define SCHEMA_TIME_LIMIT ((int64_t)1 << 60)
// The time of a row that may be believed: not after its Kafka timestamp, where it has one, nor
// after what others confirm.
static inline int64_t schema_sane_time(const struct schema_pass *pass, uint32_t row)
{
    const struct weir_batch *batch = pass->batch;
    int64_t time = batch->time[row], timestamp = batch->timestamp[row];
    int64_t reached = weir_edge_reached(pass->host, row);
    time = timestamp > 0 && time > timestamp ? timestamp : time;
    time = time > reached ? reached : time;
    // A Kafka timestamp can be any number: differences must not overflow.
    return time < -SCHEMA_TIME_LIMIT  ? -SCHEMA_TIME_LIMIT
           : time > SCHEMA_TIME_LIMIT ? SCHEMA_TIME_LIMIT
                                      : time;
}
// Whether a time that is read back can be one; INT64_MIN is none yet.
static inline int schema_time_is_sane(int64_t time)
{
    return time == INT64_MIN || (time >= -SCHEMA_TIME_LIMIT && time <= SCHEMA_TIME_LIMIT);
}

// record_duplicate.c
int schema_observe_duplicates(struct schema_pass *pass);
void schema_say_duplicates(const struct schema_said *said, struct schema_text *text);

// keys.c: keys that were seen in the last `span` ms of event time, `limit` of them at most, in
// 16 bytes a place and 3 places for 2 keys or more.
struct schema_keys *schema_keys_create(int64_t span, size_t limit); // NULL: memory is out
void schema_keys_destroy(struct schema_keys *keys);
enum schema_seen { SCHEMA_KEY_NEW, SCHEMA_KEY_SEEN, SCHEMA_KEY_NO_ROOM, SCHEMA_KEY_NO_MEMORY };
// Remembers it; SCHEMA_KEY_SEEN: it was there within the span before or after `time`.
enum schema_seen schema_keys_add(struct schema_keys *keys, uint64_t hash, int64_t time);
// Fetches what add() will need.
void schema_keys_prefetch(const struct schema_keys *keys, uint64_t hash);
size_t schema_keys_count(const struct schema_keys *keys);
size_t schema_keys_memory(const struct schema_keys *keys); // bytes held
size_t schema_keys_memory_most(size_t limit);              // with so many keys
void schema_keys_save(const struct schema_keys *keys, struct weir_buffer *out);
int schema_keys_restore(struct schema_keys *keys, struct weir_reader *in); // WEIR_ECORRUPT, ENOMEM

// record_say.c
void schema_say_null(const struct schema_said *said, struct schema_text *text);
void schema_say_missing(const struct schema_said *said, struct schema_text *text);
void schema_say_empty(const struct schema_said *said, struct schema_text *text);
void schema_say_nan(const struct schema_said *said, struct schema_text *text);
void schema_say_length(const struct schema_said *said, struct schema_text *text);
void schema_say_values(const struct schema_said *said, struct schema_text *text);
void schema_say_pattern(const struct schema_said *said, struct schema_text *text);
void schema_say_undecodable(const struct schema_said *said, struct schema_text *text);
void schema_say_no_time(const struct schema_said *said, struct schema_text *text);

#endif
