// SPDX-License-Identifier: Apache-2.0
#include "consumer/config/connect.h"

#include <librdkafka/rdkafka.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/config/connect_registry.h"

struct connect {
    const struct weir_config *config;
    int timeout;
    struct weir_connect_line *lines;
    size_t n, capacity;
    int out_of_memory;
    rd_kafka_t *client;
    rd_kafka_queue_t *queue;
    int *partitions; // of each stream's topic; 0: not known
};

__attribute__((format(printf, 3, 4))) static void say(struct connect *connect, int failed,
                                                      const char *format, ...)
{
    if (connect->n == connect->capacity) {
        size_t capacity = connect->capacity ? connect->capacity * 2 : 32;
        void *grown = realloc(connect->lines, capacity * sizeof *connect->lines);
        if (!grown) {
            connect->out_of_memory = 1;
            return;
        }
        connect->lines = grown;
        connect->capacity = capacity;
    }
    struct weir_connect_line *line = &connect->lines[connect->n++];
    va_list args;
    va_start(args, format);
    vsnprintf(line->text, sizeof line->text, format, args);
    va_end(args);
    line->failed = failed;
}

void weir_connect_say(void *context, int failed, const char *text)
{
    say(context, failed, "%s", text);
}

// ---- the cluster

// librdkafka would write to standard error; the lines say what matters.
static void drop_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client;
    (void)level;
    (void)facility;
    (void)text;
}

static int apply(rd_kafka_conf_t *conf, const struct weir_properties *properties)
{
    char why[8];
    for (size_t i = 0; i < properties->n; i++) {
        if (rd_kafka_conf_set(conf, properties->items[i].name, properties->items[i].value, why,
                              sizeof why) != RD_KAFKA_CONF_OK)
            return -1;
    }
    return 0;
}

static int open_client(struct connect *connect)
{
    char why[256] = "out of memory", group[300];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    snprintf(group, sizeof group, "weir.%s", connect->config->app);
    rd_kafka_conf_set_log_cb(conf, drop_log);
    // A consumer: its questions for metadata never create a topic.
    if (apply(conf, &connect->config->kafka) || apply(conf, &connect->config->consumer) ||
        rd_kafka_conf_set(conf, "group.id", group, why, sizeof why) != RD_KAFKA_CONF_OK ||
        !(connect->client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why))) {
        rd_kafka_conf_destroy(conf);
        say(connect, 1, "kafka: the client cannot be made: %s", why);
        return -1;
    }
    connect->queue = rd_kafka_queue_new(connect->client);
    return 0;
}

static int ask_brokers(struct connect *connect)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_resp_err_t code =
        rd_kafka_metadata(connect->client, 0, NULL, &metadata, connect->timeout);
    if (code) {
        say(connect, 1,
            "kafka: no broker answers (%s): check bootstrap.servers, the network and "
            "security.protocol",
            rd_kafka_err2str(code));
        return -1;
    }
    say(connect, 0, "kafka: %d broker%s", metadata->broker_cnt,
        metadata->broker_cnt == 1 ? "" : "s");
    rd_kafka_metadata_destroy(metadata);
    return 0;
}

// The number of partitions, 0 where there is no such topic, or negative with `*code`.
static int ask_topic(struct connect *connect, const char *name, rd_kafka_resp_err_t *code)
{
    const struct rd_kafka_metadata *metadata;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(connect->client, name, NULL);
    int partitions = -1;
    *code = topic ? rd_kafka_metadata(connect->client, 0, topic, &metadata, connect->timeout)
                  : rd_kafka_last_error();
    if (!*code) {
        *code = metadata->topic_cnt == 1 ? metadata->topics[0].err : RD_KAFKA_RESP_ERR__FAIL;
        if (*code == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            partitions = 0;
        else if (!*code)
            partitions = metadata->topics[0].partition_cnt;
        rd_kafka_metadata_destroy(metadata);
    }
    if (topic)
        rd_kafka_topic_destroy(topic);
    return partitions;
}

static void check_source(struct connect *connect, size_t i)
{
    const struct weir_stream_config *stream = &connect->config->streams[i];
    int64_t low, high;
    rd_kafka_resp_err_t code;
    int partitions = ask_topic(connect, stream->topic, &code);
    if (partitions < 0) {
        say(connect, 1, "topic %s (stream %s): %s: weir needs to describe and read it",
            stream->topic, stream->info.name, rd_kafka_err2str(code));
        return;
    }
    if (!partitions) {
        say(connect, 1,
            "topic %s (stream %s): there is no such topic: create it, or correct "
            "streams.%s.topic",
            stream->topic, stream->info.name, stream->info.name);
        return;
    }
    code = rd_kafka_query_watermark_offsets(connect->client, stream->topic, 0, &low, &high,
                                            connect->timeout);
    if (code) {
        say(connect, 1, "topic %s (stream %s): its offsets cannot be had: %s", stream->topic,
            stream->info.name, rd_kafka_err2str(code));
        return;
    }
    connect->partitions[i] = partitions;
    say(connect, 0, "topic %s (stream %s): %d partition%s", stream->topic, stream->info.name,
        partitions, partitions == 1 ? "" : "s");
}

// A numeric setting of a topic; -1 where it cannot be had, with the reason in `why`.
static int64_t ask_setting(struct connect *connect, const char *topic, const char *name, char *why,
                           size_t size)
{
    int64_t value = -1;
    rd_kafka_ConfigResource_t *resource =
        rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC, topic);
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(connect->client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    snprintf(why, size, "no answer");
    rd_kafka_AdminOptions_set_request_timeout(options, connect->timeout, NULL, 0);
    rd_kafka_DescribeConfigs(connect->client, &resource, 1, options, connect->queue);
    rd_kafka_event_t *event = rd_kafka_queue_poll(connect->queue, connect->timeout + 1000);
    const rd_kafka_DescribeConfigs_result_t *result =
        event ? rd_kafka_event_DescribeConfigs_result(event) : NULL;
    size_t n = 0, n_entries = 0;
    const rd_kafka_ConfigResource_t **resources =
        result ? rd_kafka_DescribeConfigs_result_resources(result, &n) : NULL;
    if (event && rd_kafka_event_error(event))
        snprintf(why, size, "%s", rd_kafka_event_error_string(event));
    if (n == 1 && rd_kafka_ConfigResource_error(resources[0]))
        snprintf(why, size, "%s", rd_kafka_err2str(rd_kafka_ConfigResource_error(resources[0])));
    const rd_kafka_ConfigEntry_t **entries =
        n == 1 ? rd_kafka_ConfigResource_configs(resources[0], &n_entries) : NULL;
    for (size_t i = 0; i < n_entries; i++) {
        const char *text = rd_kafka_ConfigEntry_value(entries[i]);
        if (!strcmp(rd_kafka_ConfigEntry_name(entries[i]), name) && text)
            value = strtoll(text, NULL, 10);
    }
    if (event)
        rd_kafka_event_destroy(event);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(resource);
    return value;
}

// ---- outputs

// `source`: the stream whose records are copied there unchanged; NULL for weir's own events. Of
// partitions it must have `least`.
static void check_output(struct connect *connect, const char *topic, const char *what,
                         const struct weir_stream_config *source, int least)
{
    rd_kafka_resp_err_t code;
    char why[200];
    int partitions = ask_topic(connect, topic, &code);
    if (partitions < 0) {
        say(connect, 1, "topic %s (%s): %s: weir needs to describe and write it", topic, what,
            rd_kafka_err2str(code));
        return;
    }
    if (!partitions) {
        say(connect, 0, "topic %s (%s): not there yet", topic, what);
        return;
    }
    if (partitions < least) {
        say(connect, 1,
            "topic %s (%s): %d partitions, and %s has %d: a record goes to the partition of its "
            "own number, so add partitions",
            topic, what, partitions, source->topic, least);
        return;
    }
    int64_t own = ask_setting(connect, topic, "max.message.bytes", why, sizeof why);
    if (own < 0) {
        say(connect, 1,
            "topic %s (%s): its max.message.bytes cannot be had (%s): weir needs to "
            "describe its configuration",
            topic, what, why);
        return;
    }
    int64_t needed = 0;
    if (source)
        needed = ask_setting(connect, source->topic, "max.message.bytes", why, sizeof why) + 65536;
    if (source && own < needed)
        say(connect, 1,
            "topic %s (%s): max.message.bytes is %lld; records of %s with their "
            "headers need %lld: raise it",
            topic, what, (long long)own, source->topic, (long long)needed);
    else
        say(connect, 0, "topic %s (%s): %d partition%s", topic, what, partitions,
            partitions == 1 ? "" : "s");
}

static void check_outputs(struct connect *connect)
{
    const struct weir_config *config = connect->config;
    const struct {
        const char *topic, *what;
    } outputs[] = {{config->alerts_topic, "alerts"},
                   {config->review_topic, "review"},
                   {config->windows_topic, "windows"},
                   {config->consensus_topic, "consensus"},
                   {config->exclusions_topic, "exclusions"}};
    for (size_t i = 0; i < sizeof outputs / sizeof *outputs; i++) {
        if (outputs[i].topic)
            check_output(connect, outputs[i].topic, outputs[i].what, NULL, 0);
    }
    for (size_t i = 0; i < config->n_streams; i++) {
        if (!connect->partitions[i])
            continue;
        check_output(connect, config->quarantine_topic, "quarantine", &config->streams[i], 0);
        if (config->streams[i].gate.topic)
            check_output(connect, config->streams[i].gate.topic, "gate", &config->streams[i],
                         connect->partitions[i]);
    }
}

// ---- joins, and the group

static void check_join(struct connect *connect, size_t i)
{
    const struct weir_stream_config *stream = &connect->config->streams[i];
    const struct weir_stream_config *to = &connect->config->streams[stream->join_to];
    int own = connect->partitions[i], other = connect->partitions[stream->join_to];
    int64_t lateness = 0;
    char why[200];
    if (!own || !other)
        return;
    if (own != other) {
        say(connect, 1,
            "join of %s to %s: %s has %d partitions and %s %d: records of one key "
            "must lie in partitions of one number; give both topics the same count and key",
            stream->info.name, to->info.name, stream->topic, own, to->topic, other);
        return;
    }
    for (size_t k = 0; k < connect->config->n_detectors; k++) {
        const struct weir_detector_entry *entry = &connect->config->detectors[k];
        if (entry->stream == (int)i && entry->window.lateness > lateness)
            lateness = entry->window.lateness;
    }
    int64_t needed = stream->join_within + lateness + connect->config->snapshot_every;
    int64_t retention = ask_setting(connect, to->topic, "retention.ms", why, sizeof why);
    if (retention >= 0 && retention < needed)
        say(connect, 1,
            "join of %s to %s: %s keeps records for %lld ms, and the join needs %lld: "
            "raise its retention.ms, or lower join.within",
            stream->info.name, to->info.name, to->topic, (long long)retention, (long long)needed);
    else
        say(connect, 0, "join of %s to %s: %d partitions each", stream->info.name, to->info.name,
            own);
}

static void check_group(struct connect *connect)
{
    const struct weir_config *config = connect->config;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
    for (size_t i = 0; i < config->n_streams; i++) {
        if (connect->partitions[i])
            rd_kafka_topic_partition_list_add(list, config->streams[i].topic, 0);
    }
    if (list->cnt) {
        rd_kafka_resp_err_t code = rd_kafka_committed(connect->client, list, connect->timeout);
        if (code)
            say(connect, 1, "group weir.%s: %s: weir needs to read the group's offsets",
                config->app, rd_kafka_err2str(code));
        else
            say(connect, 0, "group weir.%s: may be used", config->app);
    }
    rd_kafka_topic_partition_list_destroy(list);
}

static void check_cluster(struct connect *connect)
{
    const struct weir_config *config = connect->config;
    if (!config->kafka.n) {
        say(connect, 1, "kafka: the configuration has no `kafka:`, so it serves replays only");
        return;
    }
    if (open_client(connect) || ask_brokers(connect))
        return;
    for (size_t i = 0; i < config->n_streams; i++)
        check_source(connect, i);
    check_group(connect);
    for (size_t i = 0; i < config->n_streams; i++) {
        if (config->streams[i].join_to >= 0)
            check_join(connect, i);
    }
    check_outputs(connect);
}

int weir_config_connect(const struct weir_config *config, int64_t timeout,
                        struct weir_connect_line **lines, size_t *n)
{
    struct connect connect = {.config = config, .timeout = (int)timeout};
    connect.partitions = calloc(config->n_streams + 1, sizeof *connect.partitions);
    if (!connect.partitions)
        return WEIR_ENOMEM;
    check_cluster(&connect);
    weir_connect_registry(config, timeout, &connect);
    if (connect.queue)
        rd_kafka_queue_destroy(connect.queue);
    if (connect.client)
        rd_kafka_destroy(connect.client);
    free(connect.partitions);
    if (connect.out_of_memory) {
        free(connect.lines);
        return WEIR_ENOMEM;
    }
    *lines = connect.lines;
    *n = connect.n;
    return 0;
}
