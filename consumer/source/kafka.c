// SPDX-License-Identifier: Apache-2.0
#include "consumer/source/kafka.h"

#include <string.h>

#include "consumer/log/log.h"

// Of the state topic; a quarter of what the member itself may fetch ahead.
enum { READER_PARTITIONS = 8 };

static size_t between(size_t low, int64_t value, size_t high)
{
    return value < (int64_t)low ? low : value > (int64_t)high ? high : (size_t)value;
}

struct weir_kafka_fetch weir_kafka_fetch(int64_t limit, int64_t partitions)
{
    int64_t share = limit / 4 / (partitions > 0 ? partitions : 1);
    return (struct weir_kafka_fetch){
        .kilobytes = between(64, share / 1024, 65536),
        // Records of 100 bytes take the share as well.
        .messages = between(500, share / (WEIR_KAFKA_MESSAGE + 100), 1000000),
        .partition = between(64 << 10, share / 2, 1 << 20),
    };
}

static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
    (void)client;
    weir_log(level <= 3   ? WEIR_LOG_ERROR
             : level == 4 ? WEIR_LOG_WARNING
             : level < 7  ? WEIR_LOG_INFO
                          : WEIR_LOG_DEBUG,
             "kafka", "%s: %s", facility, text);
}

static void on_trouble(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    (void)opaque;
    weir_log(WEIR_LOG_WARNING, "kafka", "%s: %s: %s", rd_kafka_name(client),
             rd_kafka_err2name((rd_kafka_resp_err_t)code), reason);
}

static int set(rd_kafka_conf_t *conf, const char *name, const char *value, struct weir_error *error)
{
    char why[256];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why) == RD_KAFKA_CONF_OK)
        return 0;
    // librdkafka's sentence repeats the value, which may be a secret.
    return weir_error_set(error, WEIR_EINVAL, "kafka: librdkafka %s does not take this %s",
                          rd_kafka_version_str(), name);
}

static int set_number(rd_kafka_conf_t *conf, const char *name, size_t value,
                      struct weir_error *error)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", value);
    return set(conf, name, text, error);
}

static int set_all(rd_kafka_conf_t *conf, const struct weir_properties *properties,
                   struct weir_error *error)
{
    int code = 0;
    for (size_t i = 0; i < properties->n && !code; i++)
        code = set(conf, properties->items[i].name, properties->items[i].value, error);
    return code;
}

struct default_property {
    const char *name, *value;
};

static int set_defaults(rd_kafka_conf_t *conf, const struct default_property *defaults,
                        struct weir_error *error)
{
    int code = 0;
    for (; defaults->name && !code; defaults++)
        code = set(conf, defaults->name, defaults->value, error);
    return code;
}

static rd_kafka_conf_t *new_conf(const struct weir_config *config,
                                 const struct weir_kafka_events *events)
{
    char id[300];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    snprintf(id, sizeof id, "weir-%s", config->app);
    rd_kafka_conf_set(conf, "client.id", id, NULL, 0);
    rd_kafka_conf_set_log_cb(conf, on_log);
    rd_kafka_conf_set_error_cb(conf, events && events->trouble ? events->trouble : on_trouble);
    if (events)
        rd_kafka_conf_set_opaque(conf, events->opaque);
    return conf;
}

// Takes the conf; frees it on failure.
static rd_kafka_t *new_client(rd_kafka_type_t type, rd_kafka_conf_t *conf, int code,
                              struct weir_error *error)
{
    char why[512] = "";
    rd_kafka_t *client = code ? NULL : rd_kafka_new(type, conf, why, sizeof why);
    if (client)
        return client;
    if (!code)
        weir_error_set(error, WEIR_EINVAL, "kafka: %s", why);
    rd_kafka_conf_destroy(conf);
    return NULL;
}

static int is_set(const struct weir_properties *properties, const char *name)
{
    for (size_t i = 0; i < properties->n; i++) {
        if (!strcmp(properties->items[i].name, name))
            return 1;
    }
    return 0;
}

// A fetch of many partitions is answered in pieces that caches hold, in memory that the next one
// uses again, instead of in tens of megabytes. Of a record that is larger all comes nevertheless;
// librdkafka refuses less than a message.max.bytes that is given.
static int bound_fetch(rd_kafka_conf_t *conf, const struct weir_config *config,
                       struct weir_error *error)
{
    int given = is_set(&config->kafka, "message.max.bytes") ||
                is_set(&config->consumer, "message.max.bytes");
    return given ? 0 : set(conf, "fetch.max.bytes", "4194304", error);
}

static int set_fetch(rd_kafka_conf_t *conf, const struct weir_config *config,
                     const struct weir_kafka_fetch *fetch, struct weir_error *error)
{
    int code = set_number(conf, "queued.max.messages.kbytes", fetch->kilobytes, error);
    if (!code)
        code = set_number(conf, "queued.min.messages", fetch->messages, error);
    if (!code)
        code = set_number(conf, "max.partition.fetch.bytes", fetch->partition, error);
    return code ? code : bound_fetch(conf, config, error);
}

rd_kafka_t *weir_kafka_consumer(const struct weir_config *config,
                                const struct weir_kafka_fetch *fetch,
                                const struct weir_kafka_events *events, struct weir_error *error)
{
    static const struct default_property before[] = {
        {"session.timeout.ms", "10000"},
        {"heartbeat.interval.ms", "1000"},
        // A fetch that waits for partials that nobody writes holds back those that come next: of a
        // partition that was just assigned, or whose queue has room again.
        {"fetch.wait.max.ms", "100"},
        {"topic.metadata.refresh.interval.ms", "30000"},
        {NULL, NULL},
    };
    static const struct default_property after[] = {
        {"partition.assignment.strategy", "cooperative-sticky"},
        {"isolation.level", "read_committed"},
        {"enable.auto.commit", "false"},
        {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "error"},
        {"enable.partition.eof", "true"},
        {"allow.auto.create.topics", "false"},
        {NULL, NULL},
    };
    char group[300];
    snprintf(group, sizeof group, "weir.%s", config->app);
    rd_kafka_conf_t *conf = new_conf(config, events);
    int code = set_defaults(conf, before, error);
    if (!code)
        code = set_fetch(conf, config, fetch, error);
    if (!code)
        code = set_all(conf, &config->kafka, error);
    if (!code)
        code = set_all(conf, &config->consumer, error);
    if (!code)
        code = set_defaults(conf, after, error);
    if (!code)
        code = set(conf, "group.id", group, error);
    if (events && events->rebalance)
        rd_kafka_conf_set_rebalance_cb(conf, events->rebalance);
    rd_kafka_t *client = new_client(RD_KAFKA_CONSUMER, conf, code, error);
    if (client)
        rd_kafka_poll_set_consumer(client);
    return client;
}

rd_kafka_t *weir_kafka_reader(const struct weir_config *config, int read_committed,
                              struct weir_error *error)
{
    static const struct default_property after[] = {
        {"enable.auto.commit", "false"},       {"enable.auto.offset.store", "false"},
        {"auto.offset.reset", "error"},        {"enable.partition.eof", "true"},
        {"allow.auto.create.topics", "false"}, {NULL, NULL},
    };
    char group[320];
    // A group id is needed to assign partitions; nothing is ever committed under it.
    snprintf(group, sizeof group, "weir.%s.reader", config->app);
    rd_kafka_conf_t *conf = new_conf(config, NULL);
    struct weir_kafka_fetch fetch = weir_kafka_fetch(config->limit_memory / 4, READER_PARTITIONS);
    int code = set_fetch(conf, config, &fetch, error);
    if (!code)
        code = set_all(conf, &config->kafka, error);
    if (!code)
        code = set_all(conf, &config->consumer, error);
    if (!code)
        code = set_defaults(conf, after, error);
    if (!code)
        code = set(conf, "group.id", group, error);
    if (!code)
        code = set(conf, "isolation.level", read_committed ? "read_committed" : "read_uncommitted",
                   error);
    rd_kafka_t *client = new_client(RD_KAFKA_CONSUMER, conf, code, error);
    if (client)
        rd_kafka_poll_set_consumer(client);
    return client;
}

rd_kafka_t *weir_kafka_producer(const struct weir_config *config, const char *instance,
                                size_t largest, size_t batch,
                                const struct weir_kafka_events *events, struct weir_error *error)
{
    static const struct default_property before[] = {
        {"linger.ms", "5"},
        {"partitioner", "murmur2_random"}, // as Java's producers do
        {"transaction.timeout.ms", "10000"},
        {"delivery.report.only.error", "true"},
        {NULL, NULL},
    };
    char id[400];
    snprintf(id, sizeof id, "weir.%s.%s", config->app, instance);
    rd_kafka_conf_t *conf = new_conf(config, events);
    int code = set_defaults(conf, before, error);
    if (!code)
        code = set_number(conf, "batch.size", batch, error);
    if (!code)
        code = set_all(conf, &config->kafka, error);
    if (!code)
        code = set_all(conf, &config->producer, error);
    if (!code)
        code = set(conf, "transactional.id", id, error);
    if (!code)
        code = set_number(conf, "message.max.bytes", largest, error);
    if (events && events->delivered)
        rd_kafka_conf_set_dr_msg_cb(conf, events->delivered);
    return new_client(RD_KAFKA_PRODUCER, conf, code, error);
}

rd_kafka_t *weir_kafka_sender(const struct weir_config *config,
                              const struct weir_kafka_events *events, struct weir_error *error)
{
    static const struct default_property before[] = {{"message.timeout.ms", "20000"}, {NULL, NULL}};
    static const struct default_property after[] = {{"enable.idempotence", "true"}, {NULL, NULL}};
    rd_kafka_conf_t *conf = new_conf(config, events);
    int code = set_defaults(conf, before, error);
    if (!code)
        code = set_all(conf, &config->kafka, error);
    if (!code)
        code = set_all(conf, &config->producer, error);
    if (!code)
        code = set_defaults(conf, after, error);
    if (events && events->delivered)
        rd_kafka_conf_set_dr_msg_cb(conf, events->delivered);
    return new_client(RD_KAFKA_PRODUCER, conf, code, error);
}

// librdkafka 2 has no accessor for the generation, but a serial form: "CGMDv2:", four bytes of
// generation. Where a later version writes another, the member id alone is checked.
static int generation_is_negative(const rd_kafka_consumer_group_metadata_t *metadata)
{
    void *bytes = NULL;
    size_t size = 0;
    int32_t generation = 0;
    rd_kafka_error_t *failed = rd_kafka_consumer_group_metadata_write(metadata, &bytes, &size);
    if (failed) {
        rd_kafka_error_destroy(failed);
        return 1;
    }
    if (size >= 11 && !memcmp(bytes, "CGMDv2:", 7))
        memcpy(&generation, (const char *)bytes + 7, sizeof generation);
    rd_kafka_mem_free(NULL, bytes);
    return generation < 0;
}

int weir_kafka_membership(rd_kafka_t *consumer, rd_kafka_consumer_group_metadata_t **metadata,
                          struct weir_error *error)
{
    char *member = rd_kafka_memberid(consumer);
    int nobody = !member || !*member;
    if (member)
        rd_kafka_mem_free(consumer, member);
    if (nobody)
        return weir_error_set(error, WEIR_EAGAIN, "not a member of the group now");
    rd_kafka_consumer_group_metadata_t *found = rd_kafka_consumer_group_metadata(consumer);
    if (!found || generation_is_negative(found)) {
        if (found)
            rd_kafka_consumer_group_metadata_destroy(found);
        return weir_error_set(error, WEIR_EAGAIN, "the group has no generation now");
    }
    *metadata = found;
    return 0;
}

int weir_kafka_error(rd_kafka_error_t *from, const char *what, struct weir_error *error)
{
    struct weir_error found;
    weir_error_set(&found, WEIR_EIO, "%s: %s", what, rd_kafka_error_string(from));
    found.retriable = rd_kafka_error_is_retriable(from);
    found.fatal = rd_kafka_error_is_fatal(from);
    rd_kafka_error_destroy(from);
    if (error)
        *error = found;
    return found.code;
}
