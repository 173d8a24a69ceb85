// SPDX-License-Identifier: Apache-2.0
// What the files of this folder share while one configuration is read. Internal.
#ifndef WEIR_CONFIG_LOAD_H
#define WEIR_CONFIG_LOAD_H

#include <stddef.h>

#include "consumer/config/config.h"
#include "consumer/config/pool.h"

struct rd_kafka_conf_s;

enum { WEIR_CONFIG_BYTES = 4 << 20 }; // of a file, at most

enum weir_node_kind { WEIR_NODE_SCALAR, WEIR_NODE_LIST, WEIR_NODE_MAP };

// One value of the file. Children of a map carry their key.
struct weir_node {
    enum weir_node_kind kind;
    struct weir_mark mark;
    const char *text;   // scalars: the value after expansion
    const char *source; // as it stands in the file: what messages may print
    size_t length;
    int plain;    // not quoted
    int expanded; // something was put in from the environment or a file
    int broken;   // its expansion failed, which has been said
    const char *key;
    struct weir_mark key_mark;
    struct weir_node *first, *last, *next;
    size_t n; // children
};

struct weir_load {
    struct weir_pool *pool;
    jmp_buf out_of_memory;
    struct weir_problems *problems;
    const char *path, *folder;
    struct weir_plugins *plugins;
    unsigned flags;
    struct weir_config *config;
    struct weir_node *root;
    // Resources that a jump out of the pool must not leak.
    void *yaml, *event; // yaml_parser_t, yaml_event_t
    struct rd_kafka_conf_s *scratch[2];
    // From `defaults:`.
    struct weir_window_spec window;
    int64_t open_after, resolve_after, repeat;
    int severity;
    int *reference_used;
};

__attribute__((format(printf, 3, 4))) void
weir_load_error(struct weir_load *load, struct weir_mark mark, const char *format, ...);
__attribute__((format(printf, 3, 4))) void
weir_load_warning(struct weir_load *load, struct weir_mark mark, const char *format, ...);

// node.c: the file as a tree, values expanded; NULL with problems.
struct weir_node *weir_node_read(struct weir_load *load, const char *text, size_t length);
struct weir_node *weir_node_get(const struct weir_node *map, const char *key); // NULL: not there
// `key:` with nothing behind it, `~` or `null`; also where `node` is NULL.
int weir_node_is_null(const struct weir_node *node);
const char *weir_node_kind_name(const struct weir_node *node);

// expand.c: ${VAR}, ${VAR:-default}, ${file:PATH} and $${ (a literal ${) in a scalar.
void weir_expand(struct weir_load *load, struct weir_node *scalar);

// The path of a file that the configuration names: from the configuration's folder.
const char *weir_load_path(struct weir_load *load, const char *path);

// sections of the file
struct weir_key;
typedef void weir_key_reader(struct weir_load *load, const struct weir_key *key,
                             struct weir_node *node, void *base, const char *where);
weir_key_reader weir_read_version;
weir_key_reader weir_read_kafka;
weir_key_reader weir_read_registry;
weir_key_reader weir_read_streams;
weir_key_reader weir_read_references;
// A path of a profile must be one of a file, where profiles are looked at.
void weir_load_profile(struct weir_load *load, const struct weir_node *node, const char *profile,
                       const char *where);
weir_key_reader weir_read_slice;
weir_key_reader weir_read_defaults;
weir_key_reader weir_read_detectors;
weir_key_reader weir_read_plugins;
weir_key_reader weir_read_calibration;
weir_key_reader weir_read_exclude;
weir_key_reader weir_read_time;
weir_key_reader weir_read_range;
weir_key_reader weir_read_length;
weir_key_reader weir_read_values;
weir_key_reader weir_read_sentinels;
weir_key_reader weir_read_window;
weir_key_reader weir_read_listen;
weir_key_reader weir_keep_node; // the node itself, for later

// check.c: what only the whole can tell.
void weir_load_check(struct weir_load *load);
uint64_t weir_load_hash(const struct weir_node *root);

// Index of a name, or -1.
int weir_load_stream(const struct weir_config *config, const char *name);
int weir_stream_field(const struct weir_stream *stream, const char *name);

// config.c: as weir_config_parse(), in a pool of the caller's, which it takes over in any
// case. For tests of allocation failure.
int weir_config_parse_in(struct weir_pool *pool, const char *text, size_t length, const char *path,
                         struct weir_plugins *plugins, unsigned flags, struct weir_config **config,
                         struct weir_problems *problems);

#endif
