// SPDX-License-Identifier: Apache-2.0
#include "consumer/source/range.h"

#include <stdlib.h>
#include <time.h>

#include "consumer/source/fields.h"
#include "consumer/source/kafka.h"

enum { ASK_MS = 15000, POLL_MS = 200, SILENT = 150, RETRY_MS = 200, RETRIES = 300 };

struct stretch {
    int64_t first, end; // offsets
};

struct weir_range {
    const struct weir_stream_config *stream;
    rd_kafka_t *reader;
    struct weir_decoder *decoder;
    struct stretch *partitions;
    int32_t n;
    rd_kafka_message_t *held[WEIR_BATCH_ROWS]; // their bytes live as long as the batch
    size_t n_held;
};

static int ask_partitions(struct weir_range *range, struct weir_error *error)
{
    const struct rd_kafka_metadata *metadata;
    const char *topic = range->stream->topic;
    rd_kafka_topic_t *handle = rd_kafka_topic_new(range->reader, topic, NULL);
    rd_kafka_resp_err_t code = handle
                                   ? rd_kafka_metadata(range->reader, 0, handle, &metadata, ASK_MS)
                                   : rd_kafka_last_error();
    if (handle)
        rd_kafka_topic_destroy(handle);
    if (code)
        return weir_error_set(error, WEIR_EIO, "topic '%s': the brokers cannot be asked: %s", topic,
                              rd_kafka_err2str(code));
    int n = metadata->topic_cnt ? metadata->topics[0].partition_cnt : 0;
    code = metadata->topic_cnt ? metadata->topics[0].err : RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART;
    rd_kafka_metadata_destroy(metadata);
    if (code || !n)
        return weir_error_set(error, WEIR_EIO, "topic '%s': %s", topic,
                              code ? rd_kafka_err2str(code) : "it has no partitions");
    range->partitions = calloc((size_t)n, sizeof *range->partitions);
    if (!range->partitions)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for a topic's partitions");
    range->n = n;
    return 0;
}

// The first offset at or after `time`; the end where there is none.
static int ask_offset(struct weir_range *range, int32_t partition, int64_t time, int64_t *offset,
                      struct weir_error *error)
{
    int64_t low, high;
    const char *topic = range->stream->topic;
    rd_kafka_resp_err_t code =
        rd_kafka_query_watermark_offsets(range->reader, topic, partition, &low, &high, ASK_MS);
    *offset = high;
    if (!code && time != INT64_MAX) {
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(list, topic, partition)->offset = time;
        code = rd_kafka_offsets_for_times(range->reader, list, ASK_MS);
        if (!code)
            code = list->elems[0].err;
        if (!code && list->elems[0].offset >= 0)
            *offset = list->elems[0].offset;
        rd_kafka_topic_partition_list_destroy(list);
    }
    return code ? weir_error_set(error, WEIR_EIO, "%s[%d]: its offsets cannot be asked for: %s",
                                 topic, partition, rd_kafka_err2str(code))
                : 0;
}

static int make_decoder(struct weir_range *range, const struct weir_builder_options *builder,
                        struct weir_registry *registry, struct weir_error *error)
{
    const struct weir_stream *info = builder->stream;
    const char **columns = calloc(info->n_fields + 1, sizeof *columns);
    char *schema = NULL;
    if (!columns)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for a decoder");
    for (size_t i = 0; i < info->n_fields; i++)
        columns[i] = info->fields[i].name;
    if (range->stream->schema && !(schema = weir_schema_text(range->stream->schema, error))) {
        free(columns);
        return WEIR_EIO;
    }
    struct weir_decoder_options options = {.format = range->stream->format,
                                           .builder = *builder,
                                           .registry = registry,
                                           .schema = schema,
                                           .csv_columns = columns,
                                           .n_csv_columns = info->n_fields};
    int code = weir_decoder_create(&options, &range->decoder, error);
    free(columns);
    free(schema);
    return code;
}

int weir_range_open(const struct weir_config *config, const struct weir_stream_config *stream,
                    const struct weir_builder_options *builder, struct weir_registry *registry,
                    int64_t from, int64_t to, struct weir_range **out, struct weir_error *error)
{
    struct weir_range *range = calloc(1, sizeof *range);
    if (!range)
        return weir_error_set(error, WEIR_ENOMEM, "no memory to read a topic");
    range->stream = stream;
    range->reader = weir_kafka_reader(config, 1, error);
    int code = range->reader ? ask_partitions(range, error) : WEIR_EIO;
    for (int32_t p = 0; p < range->n && !code; p++) {
        code = ask_offset(range, p, from, &range->partitions[p].first, error);
        if (!code)
            code = ask_offset(range, p, to, &range->partitions[p].end, error);
    }
    if (!code)
        code = make_decoder(range, builder, registry, error);
    if (code) {
        weir_range_close(range);
        return code;
    }
    *out = range;
    return 0;
}

static void let_go(struct weir_range *range)
{
    for (size_t i = 0; i < range->n_held; i++)
        rd_kafka_message_destroy(range->held[i]);
    range->n_held = 0;
}

void weir_range_close(struct weir_range *range)
{
    if (!range)
        return;
    let_go(range);
    weir_decoder_destroy(range->decoder);
    if (range->reader)
        rd_kafka_destroy(range->reader);
    free(range->partitions);
    free(range);
}

uint64_t weir_range_offsets(const struct weir_range *range)
{
    uint64_t sum = 0;
    for (int32_t p = 0; p < range->n; p++) {
        if (range->partitions[p].end > range->partitions[p].first)
            sum += (uint64_t)(range->partitions[p].end - range->partitions[p].first);
    }
    return sum;
}

// A registry that is down is waited for; nothing is passed over.
static int decode(struct weir_range *range, const rd_kafka_message_t *message,
                  struct weir_error *error)
{
    static const struct timespec pause = {0, RETRY_MS * 1000000L};
    struct weir_record record = {
        .offset = message->offset,
        .timestamp = rd_kafka_message_timestamp(message, NULL),
        .key = {message->key, message->key_len},
        .value = {message->payload, message->len},
    };
    int code = weir_decoder_add(range->decoder, &record, NULL, error);
    for (int i = 0; i < RETRIES && code == WEIR_EAGAIN; i++) {
        nanosleep(&pause, NULL);
        code = weir_decoder_add(range->decoder, &record, NULL, error);
    }
    return code;
}

struct pass {
    int (*each)(void *context, const struct weir_batch *batch, uint64_t read,
                struct weir_error *error);
    void *context;
    uint64_t read;
};

static int give(struct weir_range *range, struct pass *pass, struct weir_error *error)
{
    int code = 0;
    if (range->n_held)
        code = pass->each(pass->context, weir_decoder_finish(range->decoder), pass->read, error);
    let_go(range);
    return code;
}

static int read_partition(struct weir_range *range, int32_t partition, struct pass *pass,
                          struct weir_error *error)
{
    const char *topic = range->stream->topic;
    const struct stretch *at = &range->partitions[partition];
    int64_t next = at->first;
    int code = 0;
    for (int silent = 0; next < at->end && !code;) {
        rd_kafka_message_t *message = rd_kafka_consumer_poll(range->reader, POLL_MS);
        if (!message) {
            if (++silent == SILENT)
                code = weir_error_set(error, WEIR_EIO, "%s[%d]@%lld: nothing came for %d s", topic,
                                      partition, (long long)next, SILENT * POLL_MS / 1000);
            continue;
        }
        silent = 0;
        if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
            next = at->end; // what is left are markers of transactions
        else if (message->err)
            code = weir_error_set(error, WEIR_EIO, "%s[%d]: %s", topic, partition,
                                  rd_kafka_message_errstr(message));
        if (message->err || message->offset >= at->end) {
            next = message->err ? next : at->end;
            rd_kafka_message_destroy(message);
            continue;
        }
        if (!range->n_held)
            weir_decoder_begin(range->decoder, topic, partition);
        pass->read += (uint64_t)(message->offset + 1 - next);
        next = message->offset + 1;
        range->held[range->n_held++] = message;
        code = decode(range, message, error);
        if (!code && range->n_held == WEIR_BATCH_ROWS)
            code = give(range, pass, error);
    }
    return code ? code : give(range, pass, error);
}

int weir_range_pass(struct weir_range *range,
                    int (*each)(void *context, const struct weir_batch *batch, uint64_t read,
                                struct weir_error *error),
                    void *context, struct weir_error *error)
{
    struct pass pass = {each, context, 0};
    int code = 0;
    for (int32_t p = 0; p < range->n && !code; p++) {
        if (range->partitions[p].end <= range->partitions[p].first)
            continue;
        rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
        rd_kafka_topic_partition_list_add(list, range->stream->topic, p)->offset =
            range->partitions[p].first;
        rd_kafka_resp_err_t failed = rd_kafka_assign(range->reader, list);
        rd_kafka_topic_partition_list_destroy(list);
        code = failed ? weir_error_set(error, WEIR_EIO, "%s[%d]: %s", range->stream->topic, p,
                                       rd_kafka_err2str(failed))
                      : read_partition(range, p, &pass, error);
    }
    rd_kafka_assign(range->reader, NULL);
    return code;
}
