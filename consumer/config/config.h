// SPDX-License-Identifier: Apache-2.0
// The configuration, read and checked: after loading, nothing downstream has to doubt it.
#ifndef WEIR_CONFIG_H
#define WEIR_CONFIG_H

#include "consumer/codec/decoder.h"
#include "weir/detector.h"

struct weir_node;    // consumer/config/load.h
struct weir_plugins; // consumer/host/plugins.h

// Where something stands in the file, for messages of later checks.
struct weir_mark {
    uint32_t line, column; // from 1
};

struct weir_property { // one librdkafka property
    const char *name, *value;
    struct weir_mark mark;
};
struct weir_properties {
    struct weir_property *items;
    size_t n;
};

struct weir_rate { // {at_most: N, per: DURATION}
    double at_most;
    int64_t per; // ms
};

// Two detectors with equal specs share panes. records > 0: by count, else by time.
struct weir_window_spec {
    int64_t size, hop, lateness; // ms; hop = size unless said
    int64_t records;
};

enum weir_start { WEIR_START_EARLIEST, WEIR_START_LATEST };
enum weir_on_gap { WEIR_GAP_ALERT, WEIR_GAP_STOP };

struct weir_gate_config {
    const char *topic;         // NULL: no gate
    double quarantine_at_most; // share
    int64_t over;              // ms
    int64_t at_least;          // records within `over`
    int beyond_stop;           // beyond it: 0 everything passes, 1 everything stops
    int64_t resume;            // a number whose change lets a stopped stream go on
};

struct weir_stream_config {
    // Fields as declared; key and time fields are always among them. Where neither the file nor
    // its defaults say whether a field may be null or absent, `nullable` and `optional` are -1
    // (so true): as the schema has it.
    struct weir_stream info;
    const char *topic;
    enum weir_format format;
    const char *schema; // path, for avro_plain and avro_single_object; else NULL
    int key_is_kafka;   // key: $key
    enum weir_time_unit time_unit;
    enum weir_start start;
    enum weir_on_gap on_gap;
    int64_t idle_timeout, max_jump, live_within; // ms
    int join_to;                                 // index of a stream, -1: none
    int64_t join_within;
    struct weir_gate_config gate;
    struct weir_mark mark;
};

struct weir_reference_config {
    const char *name;
    enum weir_reference_kind kind;
    const char *profile; // path
    int64_t previous;    // windows
    int64_t same_hour;   // ms
    int64_t from, to;    // epoch ms
    const char *model;
    const char **slice_fields, **slice_values; // n_slice
    size_t n_slice;
    struct weir_mark mark;
};

struct weir_detector_entry {
    const char *name, *type;
    const struct weir_plugin *plugin;
    int stream;
    int *fields; // as in weir_detector_config; given explicitly or NULL
    size_t n_fields;
    const char **field_names; // of `fields:` that the stream does not declare: resolved once the
    size_t n_field_names;     // schema or profile is known
    int **by;
    size_t *n_by_fields;
    size_t n_by;
    const char ***by_names; // parallel to `by`: names, resolved like field_names
    int *references;        // indices
    size_t n_references;
    struct weir_window_spec window;
    int64_t open_after, resolve_after; // `for`, `resolve_after`, in windows; -1: not given
    int64_t repeat;                    // ms
    int severity;                      // cap, -1: none
    const char *runbook;
    // In the order of the plug-in's table. An option that names a field the stream does not
    // declare has `integer` -1 and the name in `string`: resolved like field_names.
    struct weir_option_value *options;
    struct weir_mark mark;
    const struct weir_node *node; // of the file
};

enum weir_alert_format { WEIR_ALERT_JSON, WEIR_ALERT_AVRO };

struct weir_config {
    const char *path;                       // as given, for messages
    const char *folder;                     // relative paths start there
    const char *app, *instance, *state_dir; // instance "" : from a locked file
    struct weir_properties kafka, consumer, producer;
    const char *registry_url;        // NULL: none
    struct weir_properties registry; // its other keys: basic.auth.user.info, ssl.ca.location ...
    struct weir_stream_config *streams;
    size_t n_streams;
    struct weir_reference_config *references;
    size_t n_references;
    int64_t calibration_last; // ms, 0: not given
    int calibration_none;     // it is said that there is to be none
    int calibration_at_once;  // no key: it is the calibration that is asked for
    const char *calibration_profile;
    const struct weir_stretch *calibration_exclude; // by time, none overlap
    size_t n_calibration_exclude;
    struct weir_mark calibration_mark; // of that path
    struct weir_rate false_alarms;     // per 0: not given
    const char *alerts_topic, *quarantine_topic;
    enum weir_alert_format alerts_format;
    int redact;
    const char *clean_topic, *review_topic, *windows_topic, *consensus_topic, *exclusions_topic;
    const char *http_listen; // NULL: off
    int workers;
    int64_t commit_every, snapshot_every; // ms
    int64_t limit_memory, limit_slices, limit_categories;
    const char **plugins;
    size_t n_plugins;
    struct weir_detector_entry *detectors;
    size_t n_detectors;
    uint64_t hash; // of what shapes results: all but comments, layout and what each member of the
                   // group may set for itself (instance, state_dir, kafka, http, workers ...)
    const char *text; // the file
    size_t length;
    const struct weir_node *root; // of the file
    void *arena;                  // holds all of the above
};

// Everything that is wrong with a file, in its order.
struct weir_problem {
    struct weir_mark mark;
    int warning; // else an error
    char message[400];
};
struct weir_problems {
    struct weir_problem *items;
    size_t n, errors;
};

// Reads, expands ${VAR} and ${file:PATH}, checks. 0 with a configuration (and perhaps warnings),
// or WEIR_EINVAL with at least one error among `problems`. `plugins` grows by the folders that
// `plugins:` names; it must outlive the configuration.
int weir_config_load(const char *path, struct weir_plugins *plugins, struct weir_config **config,
                     struct weir_problems *problems);
// The same from memory; `path` is for messages and relative paths.
int weir_config_parse(const char *text, size_t length, const char *path,
                      struct weir_plugins *plugins, struct weir_config **config,
                      struct weir_problems *problems);
// The same with flags. WEIR_CONFIG_WITHOUT_PROFILES: profiles need not exist (for the command
// that is about to make one).
enum { WEIR_CONFIG_WITHOUT_PROFILES = 1 };
int weir_config_load_with(const char *path, struct weir_plugins *plugins, unsigned flags,
                          struct weir_config **config, struct weir_problems *problems);
int weir_config_parse_with(const char *text, size_t length, const char *path,
                           struct weir_plugins *plugins, unsigned flags,
                           struct weir_config **config, struct weir_problems *problems);
void weir_config_free(struct weir_config *config);
void weir_problems_free(struct weir_problems *problems);
// Adds one, in its place by the file's order; beyond a hundred they are only counted.
// WEIR_ENOMEM, or 0.
__attribute__((format(printf, 4, 5))) int weir_problems_add(struct weir_problems *problems,
                                                            struct weir_mark mark, int warning,
                                                            const char *format, ...);
// Where byte `offset` of an option's text stands in the file; of a list, of its text number
// `item`. The text's or detector's own place where that cannot be told (a ${VAR} was put in).
struct weir_mark weir_config_place(const struct weir_config *config,
                                   const struct weir_detector_entry *entry, const char *option,
                                   size_t item, size_t offset);
// The same of a key of one of a stream's fields; of the stream where it is not declared.
struct weir_mark weir_config_field_place(const struct weir_config *config, size_t stream,
                                         const char *field, const char *key, size_t item,
                                         size_t offset);
// `file:line:column: error: message`, a line each.
void weir_problems_print(const struct weir_problems *problems, const char *path, FILE *out);

#endif
