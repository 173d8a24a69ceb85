// SPDX-License-Identifier: Apache-2.0
// What only the whole configuration can tell.
#include <string.h>
#include <xxhash.h>

#include "consumer/config/table.h"
#include "consumer/config/value.h"

static struct weir_node *stream_node(const struct weir_load *load, size_t i)
{
    return weir_node_get(weir_node_get(load->root, "streams"), load->config->streams[i].info.name);
}

static struct weir_mark key_mark(const struct weir_node *map, const char *key)
{
    const struct weir_node *node = weir_node_get(map, key);
    return node ? node->mark : map ? map->mark : (struct weir_mark){1, 1};
}

static void check_topics(struct weir_load *load)
{
    const struct weir_config *config = load->config;
    for (size_t i = 0; i < config->n_streams; i++) {
        const char *topic = config->streams[i].topic;
        for (size_t k = 0; topic && k < i; k++) {
            if (config->streams[k].topic && !strcmp(config->streams[k].topic, topic))
                weir_load_error(load, key_mark(stream_node(load, i), "topic"),
                                "streams.%s.topic: the stream %s reads %s already; one stream a "
                                "topic",
                                config->streams[i].info.name, config->streams[k].info.name, topic);
        }
    }
}

// Every topic that weir writes, and where it is named.
struct output {
    const char *topic, *what;
    struct weir_mark mark;
};

static size_t list_outputs(const struct weir_load *load, struct output *out)
{
    const struct weir_config *config = load->config;
    const struct weir_node *root = load->root, *more = weir_node_get(root, "outputs");
    size_t n = 0;
#define OUTPUT(name, path, map)                                                                    \
    if (name)                                                                                      \
    out[n++] = (struct output){name, path, key_mark(map, "topic")}
    OUTPUT(config->alerts_topic, "alerts.topic", weir_node_get(root, "alerts"));
    OUTPUT(config->quarantine_topic, "quarantine.topic", weir_node_get(root, "quarantine"));
    OUTPUT(config->review_topic, "outputs.review.topic", weir_node_get(more, "review"));
    OUTPUT(config->windows_topic, "outputs.windows.topic", weir_node_get(more, "windows"));
    OUTPUT(config->consensus_topic, "outputs.consensus.topic", weir_node_get(more, "consensus"));
    OUTPUT(config->exclusions_topic, "outputs.exclusions.topic", weir_node_get(more, "exclusions"));
    for (size_t i = 0; i < config->n_streams; i++)
        OUTPUT(config->streams[i].gate.topic, "gate.topic",
               weir_node_get(stream_node(load, i), "gate"));
#undef OUTPUT
    return n;
}

static void check_outputs(struct weir_load *load)
{
    const struct weir_config *config = load->config;
    struct output *outputs = weir_pool_array(load->pool, config->n_streams + 6, sizeof *outputs);
    size_t n = list_outputs(load, outputs);
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < config->n_streams; k++) {
            if (config->streams[k].topic && !strcmp(config->streams[k].topic, outputs[i].topic))
                weir_load_error(load, outputs[i].mark,
                                "%s: %s is what the stream %s reads: weir "
                                "would read its own output; name another topic",
                                outputs[i].what, outputs[i].topic, config->streams[k].info.name);
        }
        for (size_t k = 0; k < i; k++) {
            if (!strcmp(outputs[k].topic, outputs[i].topic))
                weir_load_error(load, outputs[i].mark,
                                "%s: %s is %s too; each output needs a "
                                "topic of its own",
                                outputs[i].what, outputs[i].topic, outputs[k].what);
        }
    }
}

static void check_join(struct weir_load *load, size_t i)
{
    struct weir_stream_config *stream = &load->config->streams[i];
    struct weir_node *node = weir_node_get(stream_node(load, i), "join");
    struct weir_node *to = weir_node_get(node, "to");
    if (!to || to->kind != WEIR_NODE_SCALAR || weir_node_is_null(to))
        return;
    stream->join_to = weir_load_stream(load->config, to->text);
    if (stream->join_to < 0) {
        struct weir_nearest nearest = {0};
        for (size_t k = 0; k < load->config->n_streams; k++)
            weir_nearest_offer(&nearest, to->text, load->config->streams[k].info.name);
        weir_load_error(load, to->mark, "streams.%s.join.to: there is no stream '%.60s'%s%s%s",
                        stream->info.name, to->source, nearest.best ? "; did you mean '" : "",
                        nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
    } else if (stream->join_to == (int)i) {
        weir_load_error(load, to->mark, "streams.%s.join.to: a stream cannot join itself",
                        stream->info.name);
    } else if (stream->info.key < 0 && !stream->key_is_kafka) {
        weir_load_error(load, node->key_mark,
                        "streams.%s.join: records are joined by key: give "
                        "the stream a `key`",
                        stream->info.name);
    }
}

// Whether an option of a detector names the stream as its follower.
static int is_followed(const struct weir_config *config, size_t stream)
{
    for (size_t i = 0; i < config->n_detectors; i++) {
        const struct weir_detector_entry *entry = &config->detectors[i];
        const struct weir_option *table = entry->plugin ? entry->plugin->options : NULL;
        for (size_t k = 0; table && table[k].key && entry->options; k++) {
            if (table[k].type == WEIR_OPTION_STREAM && entry->options[k].set &&
                entry->options[k].string &&
                !strcmp(entry->options[k].string, config->streams[stream].info.name))
                return 1;
        }
    }
    return 0;
}

static void check_joins(struct weir_load *load)
{
    struct weir_config *config = load->config;
    int joined = 0;
    for (size_t i = 0; i < config->n_streams; i++)
        check_join(load, i);
    for (size_t i = 0; i < config->n_streams; i++) {
        struct weir_node *node = weir_node_get(stream_node(load, i), "join");
        int at = config->streams[i].join_to, cycle = 0;
        for (size_t steps = 0; at >= 0 && at != (int)i && steps < config->n_streams; steps++) {
            at = config->streams[at].join_to;
            cycle = at == (int)i;
        }
        if (cycle)
            weir_load_error(load, node->key_mark,
                            "streams.%s.join: the joins go round in a "
                            "circle; one stream must join nothing",
                            config->streams[i].info.name);
        else if (config->streams[i].join_to >= 0 && !is_followed(config, i) && !joined++)
            weir_load_warning(load, node->key_mark,
                              "join: is taken, but no detector looks at the two side by side: "
                              "each stream is looked at by itself");
    }
}

static void check_references(struct weir_load *load)
{
    const struct weir_config *config = load->config;
    // With errors about, a reference may only seem unused.
    for (size_t i = 0; i < config->n_references && !load->problems->errors; i++) {
        if (!load->reference_used[i] && config->n_detectors)
            weir_load_warning(load, config->references[i].mark,
                              "references.%s: no detector uses "
                              "it",
                              config->references[i].name);
    }
}

// What a configuration may say already, though nothing acts on it yet: said once each, so that
// nobody relies on it.
static void check_not_yet(struct weir_load *load)
{
    static const struct {
        const char *at, *key, *what;
    } keys[] = {
        {"outputs", "review", "no detector writes to it"},
        {"outputs", "consensus", "no detector writes to it"},
        {"outputs", "exclusions", "no detector writes to it"},
    };
    if (load->problems->errors)
        return;
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        struct weir_node *map = keys[i].at ? weir_node_get(load->root, keys[i].at) : load->root;
        struct weir_node *node = map ? weir_node_get(map, keys[i].key) : NULL;
        if (node)
            weir_load_warning(load, node->key_mark, "%s: is taken, but does not work yet: %s",
                              keys[i].key, keys[i].what);
    }
}

static void check_app(struct weir_load *load)
{
    struct weir_config *config = load->config;
    struct weir_node *instance = weir_node_get(load->root, "instance");
    if (config->instance && *config->instance && !weir_table_is_name(config->instance))
        weir_load_error(load, instance ? instance->mark : (struct weir_mark){1, 1},
                        "instance: expected letters, digits, '.', '_' or '-'");
    if (config->app && !config->alerts_topic)
        config->alerts_topic = weir_pool_printf(load->pool, "weir.%s.alerts", config->app);
    if (config->app && !config->quarantine_topic)
        config->quarantine_topic = weir_pool_printf(load->pool, "weir.%s.quarantine", config->app);
    if (config->alerts_format == WEIR_ALERT_AVRO && !config->registry_url && config->kafka.n)
        weir_load_error(load, key_mark(weir_node_get(load->root, "alerts"), "format"),
                        "alerts.format: avro needs the schema registry: add `registry: {url: "
                        "...}`");
    struct weir_node *calibration = weir_node_get(load->root, "calibration");
    if (config->calibration_last && config->calibration_profile)
        weir_load_error(load, calibration->key_mark, "calibration: either last or profile");
    if (config->calibration_profile) {
        const struct weir_node *profile = weir_node_get(calibration, "profile");
        config->calibration_mark = profile->mark;
        weir_load_profile(load, profile, config->calibration_profile, "calibration.profile");
    }
}

void weir_load_check(struct weir_load *load)
{
    check_app(load);
    check_topics(load);
    check_outputs(load);
    check_joins(load);
    check_not_yet(load);
    check_references(load);
}

static void hash_node(XXH3_state_t *state, const struct weir_node *node)
{
    unsigned char kind = (unsigned char)node->kind;
    if (node->key)
        XXH3_64bits_update(state, node->key, strlen(node->key) + 1);
    XXH3_64bits_update(state, &kind, 1);
    if (node->kind == WEIR_NODE_SCALAR)
        XXH3_64bits_update(state, node->text, node->length + 1);
    for (const struct weir_node *child = node->first; child; child = child->next)
        hash_node(state, child);
    kind = 0xff;
    XXH3_64bits_update(state, &kind, 1);
}

uint64_t weir_load_hash(const struct weir_node *root)
{
    // What each member of the group may set for itself says nothing about results.
    static const char own[] = "instance|state_dir|kafka|registry|http|workers|plugins|commit";
    XXH3_state_t *state = XXH3_createState();
    uint64_t hash = 0;
    if (!state)
        return 0;
    XXH3_64bits_reset(state);
    for (const struct weir_node *node = root->first; node; node = node->next) {
        if (weir_value_choice(node->key, own) < 0)
            hash_node(state, node);
    }
    hash = XXH3_64bits_digest(state);
    XXH3_freeState(state);
    return hash;
}
