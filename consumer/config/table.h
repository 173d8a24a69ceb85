// SPDX-License-Identifier: Apache-2.0
// One row a key: it drives reading, checking, suggestions, the JSON Schema and the manual, so
// that a key cannot exist without its type, range, default and help.
#ifndef WEIR_CONFIG_TABLE_H
#define WEIR_CONFIG_TABLE_H

#include "consumer/config/load.h"

enum weir_key_type {
    WEIR_KEY_BOOLEAN,  // int
    WEIR_KEY_INTEGER,  // int64_t
    WEIR_KEY_COUNT,    // int
    WEIR_KEY_NUMBER,   // double
    WEIR_KEY_SHARE,    // double
    WEIR_KEY_DURATION, // int64_t, ms
    WEIR_KEY_SIZE,     // int64_t, bytes
    WEIR_KEY_TIME,     // int64_t, epoch ms
    WEIR_KEY_STRING,   // const char *
    WEIR_KEY_NAME,     // const char *: what Kafka takes in a topic's name
    WEIR_KEY_PATH,     // const char *, resolved
    WEIR_KEY_CHOICE,   // an enum or int: the choice's index, plus `low`
    WEIR_KEY_MAP,      // `table`, whose offsets count from this row's
    WEIR_KEY_NAMED,    // names of the user's own, each a mapping of `table`: `read`
    WEIR_KEY_CUSTOM    // `read`
};

enum weir_key_flag {
    WEIR_KEY_REQUIRED = 1,
    WEIR_KEY_LAZY = 2 // an absent map stays unread: its defaults hold only where it is given
};

struct weir_key {
    const char *key; // NULL ends a table
    enum weir_key_type type;
    size_t offset;        // into the struct that the table fills
    const char *fallback; // the default, as written in YAML; NULL: the struct is left as it was
    double low, high;     // inclusive, of numbers in the value's unit; both 0: unbounded
    const char *choices;  // "a|b|c"
    const char *help;     // a sentence
    unsigned flags;
    const struct weir_key *table;
    // `node` is NULL where the key is absent (only with WEIR_KEY_CUSTOM and _NAMED).
    weir_key_reader *read;
    const char *schema; // custom rows: their JSON Schema
    const char *form;   // custom rows: how the value is written, for the manual
};

// Stands for options that are not known: no key is a fault then.
extern const struct weir_option weir_table_any;
// Fills `base` from a map (NULL: all absent). Keys that are neither in the table nor among
// `options` (which may be NULL) are faults. `where` is the map's path: "streams.labels"; "" is the
// file itself.
void weir_table_read(struct weir_load *load, const struct weir_key *table, struct weir_node *map,
                     void *base, const char *where, const struct weir_option *options);
// The values of a plug-in's options, in the order of its table. `stream` may be NULL.
struct weir_option_value *weir_table_options(struct weir_load *load,
                                             const struct weir_option *options,
                                             struct weir_node *map, const char *where,
                                             const struct weir_stream *stream);
// A list of texts, or a single one. Returns how many; -1 after a fault.
int weir_table_strings(struct weir_load *load, struct weir_node *node, const char *where,
                       const char ***out);
// 0, or -1 with a problem: a scalar is wanted.
int weir_table_scalar(struct weir_load *load, struct weir_node *node, const char *where);
// Letters, digits, '.', '_', '-', at most 249: what Kafka takes as the name of a topic.
int weir_table_is_name(const char *text);

extern const struct weir_key weir_keys_root[];      // struct weir_config
extern const struct weir_key weir_keys_stream[];    // struct weir_stream_config
extern const struct weir_key weir_keys_field[];     // struct weir_field_read
extern const struct weir_key weir_keys_reference[]; // struct weir_reference_config
extern const struct weir_key weir_keys_join[];
extern const struct weir_key weir_keys_gate[];
extern const struct weir_key weir_keys_window[];   // struct weir_window_spec
extern const struct weir_key weir_keys_defaults[]; // struct weir_load
extern const struct weir_key weir_keys_detector[]; // struct weir_detector_read (detector.c)

// What the detector table fills.
struct weir_detector_read {
    const char *type, *stream;
    struct weir_node *fields, *by, *reference, *window;
    int64_t open_after, resolve_after, repeat;
    int severity;
    const char *runbook;
};
// What the field table fills: the field first.
struct weir_field_read {
    struct weir_field field;
    struct weir_field_more more;
};
// What the stream table fills beside the configuration's own struct.
struct weir_stream_read {
    struct weir_stream_config config;
    const char *key, *time, *join_to;
    struct weir_node *fields;
};

#endif
