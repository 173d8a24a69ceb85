// SPDX-License-Identifier: Apache-2.0
#include "consumer/alert/follow.h"

#include <librdkafka/rdkafka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/codec/registry.h"
#include "consumer/log/log.h"

enum { POLL_MS = 200, TIMEOUT_MS = 10000, PREFIX = 5 };

struct follower {
    const struct weir_config *config;
    const struct weir_follow_options *options;
    rd_kafka_t *client;
    struct weir_registry *registry; // NULL: the configuration names none
    uint8_t *at_end;                // by partition
    int partitions, left;
    int told_end;
    uint64_t foreign;
};

static int set(rd_kafka_conf_t *conf, const char *name, const char *value, struct weir_error *error)
{
    char why[256]; // may hold the value, so it is not shown
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK)
        return 0;
    return weir_error_set(error, WEIR_EINVAL, "librdkafka does not take the property %s", name);
}

static int set_all(rd_kafka_conf_t *conf, const struct weir_properties *properties,
                   struct weir_error *error)
{
    int code = 0;
    for (size_t i = 0; i < properties->n && !code; i++)
        code = set(conf, properties->items[i].name, properties->items[i].value, error);
    return code;
}

static int open_client(struct follower *follower, struct weir_error *error)
{
    static const char *const ours[][2] = {{"group.id", "weir.alerts.follow"}, // never joined
                                          {"enable.auto.commit", "false"},
                                          {"isolation.level", "read_committed"},
                                          {"enable.partition.eof", "true"},
                                          {"allow.auto.create.topics", "false"}};
    char why[256];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set_log_cb(conf, weir_log_kafka);
    int code = set_all(conf, &follower->config->kafka, error);
    if (!code)
        code = set_all(conf, &follower->config->consumer, error);
    for (size_t i = 0; i < sizeof ours / sizeof *ours && !code; i++)
        code = set(conf, ours[i][0], ours[i][1], error);
    if (!code) {
        follower->client = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
        if (follower->client)
            return 0;
        weir_log_mask(why, sizeof why, why);
        code = weir_error_set(error, WEIR_EINVAL, "the Kafka client cannot be made: %s", why);
    }
    rd_kafka_conf_destroy(conf);
    return code;
}

static int count_partitions(struct follower *follower, struct weir_error *error)
{
    const char *name = follower->config->alerts_topic;
    const struct rd_kafka_metadata *metadata;
    int timeout = follower->options->timeout ? (int)follower->options->timeout : TIMEOUT_MS;
    rd_kafka_topic_t *topic = rd_kafka_topic_new(follower->client, name, NULL);
    if (!topic)
        return weir_error_set(error, WEIR_EINVAL, "'%s' is no name of a topic", name);
    rd_kafka_resp_err_t fault = rd_kafka_metadata(follower->client, 0, topic, &metadata, timeout);
    rd_kafka_topic_destroy(topic);
    if (fault)
        return weir_error_set(error, WEIR_EIO,
                              "no broker of bootstrap.servers answers (%s): is it running, and is "
                              "the address right?",
                              rd_kafka_err2str(fault));
    int n = metadata->topic_cnt ? metadata->topics[0].partition_cnt : 0;
    fault = metadata->topic_cnt ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    rd_kafka_metadata_destroy(metadata);
    if (fault || n < 1)
        return weir_error_set(
            error, WEIR_EIO, "the alerts topic %s cannot be read: %s", name,
            rd_kafka_err2str(fault ? fault : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART));
    follower->partitions = follower->left = n;
    return 0;
}

static int assign(struct follower *follower, struct weir_error *error)
{
    int64_t from =
        follower->options->from_beginning ? RD_KAFKA_OFFSET_BEGINNING : RD_KAFKA_OFFSET_END;
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(follower->partitions);
    for (int i = 0; i < follower->partitions; i++)
        rd_kafka_topic_partition_list_add(list, follower->config->alerts_topic, i)->offset = from;
    rd_kafka_resp_err_t fault = rd_kafka_assign(follower->client, list);
    rd_kafka_topic_partition_list_destroy(list);
    follower->at_end = calloc((size_t)follower->partitions, 1);
    if (fault || !follower->at_end)
        return weir_error_set(error, WEIR_EIO, "the alerts topic cannot be read: %s",
                              fault ? rd_kafka_err2str(fault) : "out of memory");
    return 0;
}

static int open_registry(struct follower *follower, struct weir_error *error)
{
    const struct weir_properties *given = &follower->config->registry;
    if (!follower->config->registry_url)
        return 0;
    struct weir_registry_property *properties = calloc(given->n + 1, sizeof *properties);
    if (!properties)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    for (size_t i = 0; i < given->n; i++) {
        properties[i].name = given->items[i].name;
        properties[i].value = given->items[i].value;
    }
    struct weir_registry_options options = {
        .url = follower->config->registry_url, .properties = properties, .n_properties = given->n};
    int code = weir_registry_create(&options, &follower->registry, error);
    free(properties);
    return code;
}

// The schema, asked for as long as the registry may be waited for.
static int get_schema(struct follower *follower, int32_t id, const char **schema,
                      struct weir_error *error)
{
    const atomic_int *stop = follower->options->stop;
    int64_t left = follower->options->timeout ? follower->options->timeout : TIMEOUT_MS;
    int code;
    while ((code = weir_registry_schema(follower->registry, id, schema, error)) == WEIR_EAGAIN &&
           left > 0 && !(stop && *stop)) {
        usleep(POLL_MS * 1000);
        left -= POLL_MS;
    }
    return code;
}

// JSON, or Avro behind a zero byte and the schema's id. WEIR_EAGAIN: the registry does not answer.
static int decode(struct follower *follower, const rd_kafka_message_t *message,
                  struct weir_alert_copy *event, struct weir_error *error)
{
    const uint8_t *bytes = message->payload;
    const char *schema;
    if (message->len < PREFIX || bytes[0])
        return weir_alert_from_json(bytes, message->len, event, error);
    if (!follower->registry)
        return weir_error_set(error, WEIR_EAGAIN,
                              "the events are Avro, and the configuration names no registry");
    uint32_t id = (uint32_t)bytes[1] << 24 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 8 |
                  (uint32_t)bytes[4];
    int code = get_schema(follower, (int32_t)id, &schema, error);
    return code ? code
                : weir_alert_from_avro(schema, bytes + PREFIX, message->len - PREFIX, event, error);
}

static int take(struct follower *follower, const rd_kafka_message_t *message,
                struct weir_error *error)
{
    struct weir_alert_copy event;
    struct weir_error why;
    if (!message->payload)
        return 0; // a tombstone says nothing
    int code = decode(follower, message, &event, &why);
    if (code == WEIR_EAGAIN)
        return weir_error_set(error, WEIR_EIO, "%s", why.message);
    if (code) {
        follower->foreign++;
        weir_log(WEIR_LOG_DEBUG, "alerts", "%s [%d] at %lld: %s", rd_kafka_topic_name(message->rkt),
                 (int)message->partition, (long long)message->offset, why.message);
        return 0;
    }
    code = follower->options->event(follower->options->context, &event);
    weir_alert_copy_free(&event);
    return code;
}

static int reach_end(struct follower *follower, int partition)
{
    if (partition < 0 || partition >= follower->partitions || follower->at_end[partition])
        return 0;
    follower->at_end[partition] = 1;
    if (--follower->left || follower->told_end)
        return 0;
    follower->told_end = 1;
    return follower->options->end ? follower->options->end(follower->options->context) : 0;
}

static int poll_all(struct follower *follower, struct weir_error *error)
{
    const atomic_int *stop = follower->options->stop;
    int code = 0;
    while (!code && !(stop && *stop) && !(follower->options->until_end && !follower->left)) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(follower->client, POLL_MS);
        if (!message)
            continue;
        if (!message->err)
            code = take(follower, message, error);
        else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            code = reach_end(follower, message->partition);
        else if (rd_kafka_fatal_error(follower->client, NULL, 0) ||
                 message->err == RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED ||
                 message->err == RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART)
            code = weir_error_set(error, WEIR_EIO, "the alerts topic cannot be read any more: %s",
                                  rd_kafka_err2str(message->err));
        else // librdkafka goes on by itself
            weir_log(WEIR_LOG_WARNING, "alerts", "%s", rd_kafka_err2str(message->err));
        rd_kafka_message_destroy(message);
    }
    return code;
}

int weir_alert_follow(const struct weir_config *config, const struct weir_follow_options *options,
                      uint64_t *foreign, struct weir_error *error)
{
    struct follower follower = {.config = config, .options = options};
    int code = open_registry(&follower, error);
    if (!code)
        code = open_client(&follower, error);
    if (!code)
        code = count_partitions(&follower, error);
    if (!code)
        code = assign(&follower, error);
    if (!code)
        code = poll_all(&follower, error);
    if (follower.client) {
        rd_kafka_consumer_close(follower.client);
        rd_kafka_destroy(follower.client);
    }
    weir_registry_destroy(follower.registry);
    free(follower.at_end);
    *foreign = follower.foreign;
    return code;
}
