// SPDX-License-Identifier: Apache-2.0
#include "consumer/runtime/runtime.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/alert/alert.h"
#include "consumer/http/metrics.h"
#include "consumer/log/log.h"
#include "consumer/runtime/assignment.h"
#include "consumer/source/fields.h"
#include "consumer/source/kafka.h"

enum { POLL_MS = 20, GROWTH_MS = 15000, REGISTRY_MS = 60000 };

struct weir_runtime {
    struct weir_inside inside;
    struct weir_runtime_options options;
};

void weir_inside_fail(struct weir_inside *inside, const struct weir_error *error)
{
    pthread_mutex_lock(&inside->failure_lock);
    if (!atomic_load(&inside->failed)) {
        inside->failure = *error;
        weir_log(WEIR_LOG_ERROR, "runtime", "%s", error->message);
        atomic_store(&inside->failed, 1);
    }
    pthread_mutex_unlock(&inside->failure_lock);
}

static void on_trouble(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    struct weir_inside *inside = opaque;
    weir_log(WEIR_LOG_WARNING, "kafka", "%s: %s: %s", rd_kafka_name(client),
             rd_kafka_err2name((rd_kafka_resp_err_t)code), reason);
    atomic_store(&inside->trouble_at, weir_now());
    if (code == RD_KAFKA_RESP_ERR__FATAL) {
        struct weir_error error;
        weir_error_set(&error, WEIR_EIO, "kafka: %s", reason);
        weir_inside_fail(inside, &error);
    }
}

// ---- making

static int register_alerts(struct weir_inside *inside, struct weir_error *error)
{
    const struct weir_config *config = inside->config;
    char subject[300];
    int code;
    if (config->alerts_format != WEIR_ALERT_AVRO || !config->alerts_topic)
        return 0;
    if (!inside->registry)
        return weir_error_set(error, WEIR_EINVAL, "alerts: format avro needs a registry");
    snprintf(subject, sizeof subject, "%s-value", config->alerts_topic);
    int64_t until = weir_now() + REGISTRY_MS;
    do {
        code = weir_registry_register(inside->registry, subject, weir_alert_schema,
                                      &inside->alert_schema, error);
        if (code == WEIR_EAGAIN)
            usleep(300 * 1000);
    } while (code == WEIR_EAGAIN && weir_now() < until);
    return code;
}

int weir_runtime_plan(const struct weir_config *config, struct weir_registry *registry,
                      int32_t partials, struct weir_plan **plan, struct weir_error *error)
{
    size_t n = config->n_streams;
    struct weir_schema_fields *fields = calloc(n + 1, sizeof *fields);
    const struct weir_schema_fields **pointers = calloc(n + 1, sizeof *pointers);
    int code = fields && pointers ? 0 : weir_error_set(error, WEIR_ENOMEM, "out of memory");
    for (size_t s = 0; s < n && !code; s++) {
        code = weir_source_fields(&config->streams[s], registry, REGISTRY_MS, &fields[s], error);
        pointers[s] = &fields[s];
    }
    struct weir_plan_options options = {
        .config = config, .source_fields = pointers, .partials_partitions = (uint32_t)partials};
    if (!code)
        code = weir_plan_create(&options, plan, error);
    for (size_t s = 0; s < n && fields; s++)
        weir_schema_fields_free(&fields[s]);
    free(fields);
    free(pointers);
    return code;
}

static int64_t count_partitions(const struct weir_inside *inside)
{
    int64_t n = inside->topics.items[WEIR_OUTPUT_PARTIALS].partitions;
    for (size_t s = 0; s < inside->topics.n_sources; s++)
        n += inside->topics.sources[s].partitions;
    return n;
}

// Fields of strings, in all partitions.
static int64_t count_dictionaries(const struct weir_inside *inside)
{
    int64_t n = 0;
    for (size_t s = 0; s < inside->topics.n_sources; s++) {
        const struct weir_stream *stream = weir_plan_stream(inside->plan, s);
        for (size_t f = 0; f < stream->n_fields; f++)
            n += stream->fields[f].type == WEIR_TYPE_STRING ||
                         stream->fields[f].type == WEIR_TYPE_BYTES
                     ? inside->topics.sources[s].partitions
                     : 0;
    }
    return n;
}

static int make_topics(struct weir_inside *inside, struct weir_error *error)
{
    const struct weir_config *config = inside->config;
    struct weir_kafka_events events = {
        .opaque = inside, .rebalance = weir_assignment_rebalance, .trouble = on_trouble};
    // The member's own client has to know how many partitions there are before it is made.
    rd_kafka_t *client = weir_kafka_reader(config, 1, error);
    if (!client)
        return error->code;
    int code = weir_topics_prepare(client, config, inside->unverified, &inside->topics, error);
    rd_kafka_destroy(client);
    if (code)
        return code;
    struct weir_kafka_fetch fetch =
        weir_kafka_fetch(config->limit_memory, count_partitions(inside));
    inside->consumer = weir_kafka_consumer(config, &fetch, &events, error);
    if (!inside->consumer)
        return error->code;
    inside->partitions = calloc(config->n_streams + 1, sizeof *inside->partitions);
    inside->active = calloc(config->n_streams + 1, sizeof *inside->active);
    if (!inside->partitions || !inside->active)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    for (size_t s = 0; s < config->n_streams; s++)
        atomic_store(&inside->partitions[s], inside->topics.sources[s].partitions);
    return 0;
}

int weir_runtime_create(const struct weir_runtime_options *options, struct weir_runtime **runtime,
                        struct weir_error *error)
{
    struct weir_runtime *made = calloc(1, sizeof *made);
    if (!made)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    struct weir_inside *inside = &made->inside;
    made->options = *options;
    inside->config = options->config;
    inside->instance = options->instance;
    inside->unverified = options->unverified;
    inside->alert_schema = -1;
    inside->memory.limit = options->config->limit_memory;
    pthread_mutex_init(&inside->ownership, NULL);
    pthread_mutex_init(&inside->failure_lock, NULL);
    int code = make_topics(inside, error);
    if (!code)
        code = weir_source_registry(inside->config, &inside->registry, error);
    if (!code)
        code = weir_runtime_plan(inside->config, inside->registry,
                                 inside->topics.items[WEIR_OUTPUT_PARTIALS].partitions,
                                 &inside->plan, error);
    if (!code && weir_plan_tell_budget(inside->plan))
        code = weir_error_set(error, WEIR_ENOMEM, "out of memory");
    if (!code)
        code = register_alerts(inside, error);
    if (!code)
        inside->dictionaries = count_dictionaries(inside);
    if (code)
        weir_runtime_destroy(made);
    else
        *runtime = made;
    return code;
}

// ---- running

static int subscribe(struct weir_inside *inside, struct weir_error *error)
{
    rd_kafka_topic_partition_list_t *topics = rd_kafka_topic_partition_list_new(8);
    rd_kafka_topic_partition_list_add(topics, inside->topics.items[WEIR_OUTPUT_PARTIALS].name,
                                      RD_KAFKA_PARTITION_UA);
    for (size_t s = 0; s < inside->topics.n_sources; s++) {
        if (inside->config->streams[s].join_to < 0)
            rd_kafka_topic_partition_list_add(topics, inside->topics.sources[s].name,
                                              RD_KAFKA_PARTITION_UA);
    }
    rd_kafka_resp_err_t code = rd_kafka_subscribe(inside->consumer, topics);
    rd_kafka_topic_partition_list_destroy(topics);
    inside->subscribed = 1;
    return code ? weir_error_set(error, WEIR_EIO, "subscribe: %s", rd_kafka_err2str(code)) : 0;
}

static int start_threads(struct weir_inside *inside, struct weir_error *error)
{
    size_t n = inside->config->workers > 0 ? (size_t)inside->config->workers : 1;
    int code = weir_publisher_start(inside, &inside->publisher, error);
    if (!code)
        code = weir_restorer_start(inside, &inside->restorer, error);
    if (!code && !(inside->workers = calloc(n, sizeof *inside->workers)))
        code = weir_error_set(error, WEIR_ENOMEM, "out of memory");
    for (size_t i = 0; i < n && !code; i++) {
        code = weir_worker_start(inside, &inside->workers[i], error);
        inside->n_workers += !code;
    }
    return code;
}

static void stop_threads(struct weir_inside *inside)
{
    atomic_store(&inside->stopping, 1);
    for (size_t i = 0; i < inside->n_workers; i++)
        weir_worker_stop(inside->workers[i]);
    weir_restorer_stop(inside->restorer);
    weir_publisher_stop(inside->publisher);
    free(inside->workers);
    inside->workers = NULL;
    inside->n_workers = 0;
    inside->restorer = NULL;
    inside->publisher = NULL;
}

// What comes by the consumer's own queue: errors and events, never a record.
static int serve_client(struct weir_inside *inside, struct weir_error *error)
{
    rd_kafka_message_t *message = rd_kafka_consumer_poll(inside->consumer, POLL_MS);
    int code = 0;
    if (!message)
        return 0;
    if (!message->err)
        code = weir_error_set(error, WEIR_EIO, "%s [%d]: a record came past its queue",
                              rd_kafka_topic_name(message->rkt), message->partition);
    else if (message->err != RD_KAFKA_RESP_ERR__PARTITION_EOF)
        weir_log(WEIR_LOG_WARNING, "source", "%s", rd_kafka_message_errstr(message));
    rd_kafka_message_destroy(message);
    return code;
}

static int loop(struct weir_runtime *runtime, struct weir_error *error)
{
    struct weir_inside *inside = &runtime->inside;
    int64_t growth_at = weir_now() + GROWTH_MS;
    int code = 0;
    while (!code && !atomic_load(&inside->failed)) {
        if (runtime->options.poll && runtime->options.poll(runtime->options.context))
            break;
        code = serve_client(inside, error);
        if (!code)
            code = weir_assignment_start_ready(inside, error);
        if (!code)
            code = weir_assignment_reopen(inside, error);
        if (!code)
            code = weir_assignment_relieve(inside, error);
        if (!code && weir_now() >= growth_at) {
            growth_at = weir_now() + GROWTH_MS;
            weir_assignment_look_for_growth(inside);
        }
    }
    if (code)
        weir_inside_fail(inside, error);
    return code;
}

int weir_runtime_run(struct weir_runtime *runtime, struct weir_error *error)
{
    struct weir_inside *inside = &runtime->inside;
    int code = start_threads(inside, error);
    if (!code)
        code = subscribe(inside, error);
    if (!code)
        code = loop(runtime, error);
    if (!code && !atomic_load(&inside->failed)) {
        // Leaving revokes everything: the callback commits the last unit.
        rd_kafka_resp_err_t failed = rd_kafka_consumer_close(inside->consumer);
        if (failed)
            weir_log(WEIR_LOG_WARNING, "source", "close: %s", rd_kafka_err2str(failed));
    }
    if (atomic_load(&inside->failed)) {
        *error = inside->failure;
        return error->code ? error->code : WEIR_EIO;
    }
    if (!code)
        stop_threads(inside);
    return code;
}

// librdkafka before 2.3 asserts when a cooperative consumer is destroyed that joined a group and
// was never assigned anything. Such a one, closed, is left as it is.
static void destroy_consumer(struct weir_inside *inside)
{
    int asserts = rd_kafka_version() < 0x020300ff && inside->subscribed && !inside->assigned;
    if (inside->consumer && !asserts)
        rd_kafka_destroy(inside->consumer);
}

void weir_runtime_destroy(struct weir_runtime *runtime)
{
    if (!runtime)
        return;
    struct weir_inside *inside = &runtime->inside;
    for (size_t i = 0; i < inside->n_tasks; i++)
        weir_owned_drop(inside->tasks[i]);
    free(inside->tasks);
    destroy_consumer(inside);
    weir_plan_destroy(inside->plan);
    weir_registry_destroy(inside->registry);
    weir_topics_free(&inside->topics);
    free(inside->partitions);
    free(inside->active);
    pthread_mutex_destroy(&inside->ownership);
    pthread_mutex_destroy(&inside->failure_lock);
    free(runtime);
}
