// SPDX-License-Identifier: Apache-2.0
#include "consumer/runtime/topics.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/log/log.h"
#include "consumer/runtime/admin.h"

enum { TIMEOUT_MS = 15000, DEFAULT_MESSAGE = 1048588, SETTINGS = 8 };

// ---- what there is

static int32_t count_in(const rd_kafka_metadata_t *metadata, const char *name)
{
    for (int i = 0; i < metadata->topic_cnt; i++) {
        if (!strcmp(metadata->topics[i].topic, name))
            return metadata->topics[i].err ? 0 : metadata->topics[i].partition_cnt;
    }
    return 0;
}

static int all_metadata(rd_kafka_t *client, const rd_kafka_metadata_t **metadata,
                        struct weir_error *error)
{
    // All topics: asking for one by name may create it.
    rd_kafka_resp_err_t code = rd_kafka_metadata(client, 1, NULL, metadata, TIMEOUT_MS);
    return code ? weir_error_set(error, WEIR_EIO, "the cluster does not answer: %s",
                                 rd_kafka_err2str(code))
                : 0;
}

// ---- names

static char *internal_name(const char *app, const char *suffix)
{
    char name[400];
    snprintf(name, sizeof name, "weir.%s.%s", app, suffix);
    return strdup(name);
}

static void name_topics(struct weir_topics *topics, const struct weir_config *config)
{
    const char *const given[WEIR_OUTPUT_KINDS] = {
        [WEIR_OUTPUT_ALERTS] = config->alerts_topic,
        [WEIR_OUTPUT_QUARANTINE] = config->quarantine_topic,
        [WEIR_OUTPUT_CLEAN] = config->clean_topic,
        [WEIR_OUTPUT_WINDOWS] = config->windows_topic,
        [WEIR_OUTPUT_REVIEW] = config->review_topic,
    };
    for (size_t i = 0; i < WEIR_OUTPUT_KINDS; i++)
        topics->items[i].name = given[i] ? strdup(given[i]) : NULL;
    topics->items[WEIR_OUTPUT_PARTIALS].name = internal_name(config->app, "partials");
    topics->items[WEIR_TOPIC_STATE].name = internal_name(config->app, "state");
    for (size_t s = 0; s < config->n_streams; s++) {
        const char *clean = config->streams[s].gate.topic;
        topics->items[WEIR_TOPIC_GATE + s].name = clean ? strdup(clean) : NULL;
        topics->sources[s].name = strdup(config->streams[s].topic);
    }
}

static int find_sources(struct weir_topics *topics, const struct weir_config *config,
                        const rd_kafka_metadata_t *metadata, struct weir_error *error)
{
    for (size_t s = 0; s < topics->n_sources; s++) {
        struct weir_topic *source = &topics->sources[s];
        const char *stream = config->streams[s].info.name;
        source->partitions = count_in(metadata, source->name);
        if (!source->partitions)
            return weir_error_set(error, WEIR_EINVAL,
                                  "stream %s: there is no topic %s (or it may not be read)", stream,
                                  source->name);
        for (size_t k = 0; k < s; k++) {
            if (!strcmp(topics->sources[k].name, source->name))
                return weir_error_set(error, WEIR_EINVAL,
                                      "streams %s and %s both read the topic %s: a topic is one "
                                      "stream",
                                      config->streams[k].info.name, stream, source->name);
        }
    }
    for (size_t s = 0; s < topics->n_sources; s++) {
        int to = config->streams[s].join_to;
        if (to >= 0 && topics->sources[s].partitions != topics->sources[to].partitions)
            return weir_error_set(error, WEIR_EINVAL,
                                  "stream %s has %d partitions and %s, to which it is joined, %d: "
                                  "joined topics need equally many",
                                  config->streams[s].info.name, topics->sources[s].partitions,
                                  config->streams[to].info.name, topics->sources[to].partitions);
    }
    return 0;
}

// ---- settings

static size_t message_bytes(const char *value)
{
    long long bytes = value ? atoll(value) : 0;
    return bytes > 0 ? (size_t)bytes : DEFAULT_MESSAGE;
}

static int source_limits(rd_kafka_t *client, struct weir_topics *topics, struct weir_error *error)
{
    for (size_t s = 0; s < topics->n_sources; s++) {
        char *value = NULL;
        int code =
            weir_admin_setting(client, topics->sources[s].name, "max.message.bytes", &value, error);
        if (code)
            return code;
        topics->sources[s].max_bytes = message_bytes(value);
        free(value);
    }
    return 0;
}

// The largest record of any source, with room for headers.
static size_t copy_limit(const struct weir_topics *topics, size_t only)
{
    size_t largest = 0;
    for (size_t s = 0; s < topics->n_sources; s++) {
        if ((only == SIZE_MAX || only == s) && topics->sources[s].max_bytes > largest)
            largest = topics->sources[s].max_bytes;
    }
    return largest + WEIR_QUARANTINE_ROOM;
}

static int is_copy(size_t item)
{
    return item == WEIR_OUTPUT_QUARANTINE || item == WEIR_OUTPUT_CLEAN || item >= WEIR_TOPIC_GATE;
}

// A clean topic holds records as they were: in the partition of that number, at their time, and
// without a key where they had none.
static int verify_clean(rd_kafka_t *client, const struct weir_topic *clean,
                        const struct weir_topic *source, struct weir_error *error)
{
    char *value = NULL, *policy = NULL;
    if (clean->partitions < source->partitions)
        return weir_error_set(error, WEIR_EINVAL,
                              "topic %s has %d partitions and %s, whose good records go there, has "
                              "%d: add partitions, or let weir make the topic",
                              clean->name, clean->partitions, source->name, source->partitions);
    int code = weir_admin_setting(client, clean->name, "cleanup.policy", &value, error);
    if (!code)
        code = weir_admin_setting(client, source->name, "cleanup.policy", &policy, error);
    int compacted = value && strstr(value, "compact"), keyed = policy && strstr(policy, "compact");
    free(value);
    free(policy);
    if (code)
        return code;
    if (compacted && !keyed)
        return weir_error_set(error, WEIR_EINVAL,
                              "topic %s is compacted and %s is not: records without a key could "
                              "not go there; set its cleanup.policy to delete",
                              clean->name, source->name);
    value = NULL;
    code = weir_admin_setting(client, clean->name, "message.timestamp.type", &value, error);
    if (!code && value && strcmp(value, "CreateTime"))
        weir_log(WEIR_LOG_WARNING, "topics",
                 "%s has message.timestamp.type=%s: forwarded records lose their own time",
                 clean->name, value);
    free(value);
    return code;
}

static size_t copies_of(size_t item)
{
    return item >= WEIR_TOPIC_GATE ? item - WEIR_TOPIC_GATE : SIZE_MAX;
}

// What a clean topic has from its source: tombstones must go on meaning what they mean, and
// records of any time that was taken there must be taken here. Values are to be freed.
static int like_source(rd_kafka_t *client, const struct weir_topic *source,
                       struct weir_admin_setting *settings, size_t *n, struct weir_error *error)
{
    static const char *const names[] = {"cleanup.policy", "message.timestamp.before.max.ms",
                                        "message.timestamp.after.max.ms",
                                        "message.timestamp.difference.max.ms"};
    int code = 0;
    for (size_t i = 0; i < sizeof names / sizeof *names && !code; i++) {
        char *value = NULL;
        code = weir_admin_setting(client, source->name, names[i], &value, error);
        // Brokers have some of them, by their version.
        if (!code && value)
            settings[(*n)++] = (struct weir_admin_setting){names[i], value};
    }
    return code;
}

static int create_absent(rd_kafka_t *client, struct weir_topics *topics, size_t item,
                         struct weir_error *error)
{
    struct weir_topic *topic = &topics->items[item];
    char bytes[24] = "";
    struct weir_admin_setting settings[SETTINGS] = {{"max.message.bytes", bytes}};
    size_t n = 0;
    int partitions = -1; // the broker's default
    if (item == WEIR_TOPIC_STATE || item == WEIR_OUTPUT_PARTIALS) {
        snprintf(bytes, sizeof bytes, "%d", WEIR_INTERNAL_MESSAGE);
        int compacted = item == WEIR_TOPIC_STATE;
        partitions = compacted ? WEIR_STATE_PARTITIONS : WEIR_PARTIALS_PARTITIONS;
        settings[1] =
            (struct weir_admin_setting){"cleanup.policy", compacted ? "compact" : "delete"};
        settings[2] = (struct weir_admin_setting){"retention.ms", "-1"};
        n = compacted ? 2 : 3;
    } else if (is_copy(item)) {
        snprintf(bytes, sizeof bytes, "%zu", copy_limit(topics, copies_of(item)));
        size_t like = item >= WEIR_TOPIC_GATE ? item - WEIR_TOPIC_GATE : 0;
        partitions = topics->sources[like].partitions;
        n = 1;
    }
    int code = item >= WEIR_TOPIC_GATE
                   ? like_source(client, &topics->sources[copies_of(item)], settings, &n, error)
                   : 0;
    if (!code)
        code = weir_admin_create(client, topic->name, partitions, settings, n, error);
    if (!code)
        weir_log(WEIR_LOG_INFO, "topics", "created %s", topic->name);
    for (size_t i = 0; item >= WEIR_TOPIC_GATE && i < n; i++) {
        if (settings[i].value != bytes)
            free((char *)(uintptr_t)settings[i].value);
    }
    return code;
}

static int verify(rd_kafka_t *client, struct weir_topics *topics, size_t item,
                  struct weir_error *error)
{
    struct weir_topic *topic = &topics->items[item];
    char *value = NULL;
    int code = weir_admin_setting(client, topic->name, "max.message.bytes", &value, error);
    if (code)
        return code;
    topic->max_bytes = message_bytes(value);
    free(value);
    size_t wanted = is_copy(item) ? copy_limit(topics, copies_of(item)) : 0;
    if (item == WEIR_TOPIC_STATE)
        wanted = 1 << 20;
    if (topic->max_bytes < wanted)
        return weir_error_set(error, WEIR_EINVAL,
                              "topic %s: max.message.bytes is %zu and must be at least %zu, or a "
                              "record that is to be copied there could stop everything",
                              topic->name, topic->max_bytes, wanted);
    if (item >= WEIR_TOPIC_GATE)
        return verify_clean(client, topic, &topics->sources[copies_of(item)], error);
    if (item != WEIR_TOPIC_STATE && item != WEIR_OUTPUT_PARTIALS)
        return 0;
    if ((code = weir_admin_setting(client, topic->name, "cleanup.policy", &value, error)))
        return code;
    const char *policy = item == WEIR_TOPIC_STATE ? "compact" : "delete";
    int wrong = value && strcmp(value, policy);
    free(value);
    if (wrong)
        return weir_error_set(error, WEIR_EINVAL, "topic %s: cleanup.policy must be %s",
                              topic->name, policy);
    if (item == WEIR_TOPIC_STATE)
        return 0;
    if ((code = weir_admin_setting(client, topic->name, "retention.ms", &value, error)))
        return code;
    wrong = value && strcmp(value, "-1");
    free(value);
    return wrong ? weir_error_set(error, WEIR_EINVAL,
                                  "topic %s: retention.ms must be -1: weir trims it by itself",
                                  topic->name)
                 : 0;
}

// ---- all of it

// Some time passes until every broker knows of a new topic.
static int wait_for(rd_kafka_t *client, struct weir_topics *topics, struct weir_error *error)
{
    for (int tries = 0; tries < 100; tries++) {
        const rd_kafka_metadata_t *metadata;
        const char *absent = NULL;
        int code = all_metadata(client, &metadata, error);
        if (code)
            return code;
        for (size_t i = 0; i < topics->n; i++) {
            struct weir_topic *topic = &topics->items[i];
            if (topic->name && !(topic->partitions = count_in(metadata, topic->name)))
                absent = topic->name;
        }
        rd_kafka_metadata_destroy(metadata);
        if (!absent)
            return 0;
        weir_error_set(error, WEIR_EIO, "topic %s was created and is not there", absent);
        usleep(100 * 1000);
    }
    return WEIR_EIO;
}

static int settle(rd_kafka_t *client, struct weir_topics *topics, int unverified,
                  struct weir_error *error)
{
    int code = unverified ? 0 : source_limits(client, topics, error);
    for (size_t i = 0; i < topics->n && !code && !unverified; i++) {
        if (topics->items[i].name && !topics->items[i].partitions)
            code = create_absent(client, topics, i, error);
    }
    if (!code)
        code = wait_for(client, topics, error);
    topics->largest = DEFAULT_MESSAGE;
    topics->smallest = 1000000;
    for (size_t i = 0; i < topics->n && !code; i++) {
        struct weir_topic *topic = &topics->items[i];
        topic->max_bytes = DEFAULT_MESSAGE;
        if (topic->name && !unverified)
            code = verify(client, topics, i, error);
        if (topic->max_bytes > topics->largest)
            topics->largest = topic->max_bytes;
        if (topic->max_bytes < topics->smallest)
            topics->smallest = topic->max_bytes;
    }
    return code;
}

int weir_topics_prepare(rd_kafka_t *client, const struct weir_config *config, int unverified,
                        struct weir_topics *topics, struct weir_error *error)
{
    struct weir_topics made = {.n = WEIR_TOPIC_GATE + config->n_streams,
                               .n_sources = config->n_streams};
    const rd_kafka_metadata_t *metadata = NULL;
    made.items = calloc(made.n, sizeof *made.items);
    made.sources = calloc(made.n_sources + 1, sizeof *made.sources);
    int code = made.items && made.sources ? 0 : weir_error_set(error, WEIR_ENOMEM, "out of memory");
    if (!code)
        name_topics(&made, config);
    if (!code)
        code = all_metadata(client, &metadata, error);
    if (!code) {
        for (size_t i = 0; i < made.n; i++) {
            if (made.items[i].name)
                made.items[i].partitions = count_in(metadata, made.items[i].name);
        }
        code = find_sources(&made, config, metadata, error);
        rd_kafka_metadata_destroy(metadata);
    }
    if (!code)
        code = settle(client, &made, unverified, error);
    if (code)
        weir_topics_free(&made);
    else
        *topics = made;
    return code;
}

void weir_topics_free(struct weir_topics *topics)
{
    for (size_t i = 0; topics->items && i < topics->n; i++)
        free(topics->items[i].name);
    for (size_t i = 0; topics->sources && i < topics->n_sources; i++)
        free(topics->sources[i].name);
    free(topics->items);
    free(topics->sources);
    memset(topics, 0, sizeof *topics);
}
