// SPDX-License-Identifier: Apache-2.0
#include "consumer/runtime/transaction.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/log/log.h"
#include "consumer/runtime/failpoint.h"

enum { CALL_MS = 5000, PAUSE_MS = 50, HEADERS = 64 };

struct weir_transactor {
    struct weir_inside *inside;
    rd_kafka_t *producer;
    rd_kafka_topic_t **handles;  // of the topics, once they are written to
    rd_kafka_resp_err_t refused; // a record that no broker takes, of:
    char refused_topic[256];
    size_t refused_bytes;
};

// A broker that does not take a record will not take it the next time.
static void on_delivered(rd_kafka_t *client, const rd_kafka_message_t *message, void *opaque)
{
    struct weir_transactor *transactor = opaque;
    (void)client;
    switch (message->err) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
        break;
    default:
        return; // it aborts the transaction, and the unit is sent again
    }
    if (transactor->refused)
        return;
    transactor->refused = message->err;
    transactor->refused_bytes = message->len;
    snprintf(transactor->refused_topic, sizeof transactor->refused_topic, "%s",
             message->rkt ? rd_kafka_topic_name(message->rkt) : "");
}

static void on_trouble(rd_kafka_t *client, int code, const char *reason, void *opaque)
{
    (void)opaque;
    weir_log(WEIR_LOG_WARNING, "kafka", "%s: %s: %s", rd_kafka_name(client),
             rd_kafka_err2name((rd_kafka_resp_err_t)code), reason);
}

static int make_producer(struct weir_transactor *made, struct weir_error *error)
{
    struct weir_inside *inside = made->inside;
    struct weir_kafka_events events = {
        .opaque = made, .delivered = on_delivered, .trouble = on_trouble};
    // A batch larger than one of the topics takes would be refused as a whole.
    size_t room = inside->topics.smallest > 32768 ? inside->topics.smallest - 8192
                                                  : inside->topics.smallest / 2;
    made->producer = weir_kafka_producer(inside->config, inside->instance, inside->topics.largest,
                                         room ? room : 1, &events, error);
    return made->producer ? 0 : error->code;
}

int weir_transactor_create(struct weir_inside *inside, struct weir_transactor **transactor,
                           struct weir_error *error)
{
    struct weir_transactor *made = calloc(1, sizeof *made);
    if (!made)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    made->inside = inside;
    made->handles = calloc(inside->topics.n + 1, sizeof *made->handles);
    int code = made->handles ? make_producer(made, error)
                             : weir_error_set(error, WEIR_ENOMEM, "out of memory");
    if (code)
        weir_transactor_destroy(made);
    else
        *transactor = made;
    return code;
}

static void destroy_producer(struct weir_transactor *transactor)
{
    if (!transactor->producer)
        return;
    for (size_t i = 0; i < transactor->inside->topics.n; i++) {
        if (transactor->handles[i])
            rd_kafka_topic_destroy(transactor->handles[i]);
        transactor->handles[i] = NULL;
    }
    rd_kafka_purge(transactor->producer, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
    rd_kafka_destroy(transactor->producer);
    transactor->producer = NULL;
}

void weir_transactor_destroy(struct weir_transactor *transactor)
{
    destroy_producer(transactor);
    free(transactor->handles);
    free(transactor);
}

// What to do about a failed call: 1 call it again, WEIR_EAGAIN abort, else fatal.
static int judge(struct weir_transactor *transactor, rd_kafka_error_t *failed, const char *what,
                 struct weir_error *error)
{
    int again = rd_kafka_error_is_retriable(failed);
    int abort = rd_kafka_error_txn_requires_abort(failed);
    int code = weir_kafka_error(failed, what, error);
    if (error->fatal)
        return code;
    if (transactor->refused) {
        weir_error_set(error, WEIR_EIO, "topic %s does not take a record of %zu bytes: %s",
                       transactor->refused_topic, transactor->refused_bytes,
                       rd_kafka_err2str(transactor->refused));
        error->fatal = 1;
        return WEIR_EIO;
    }
    if (abort)
        return error->code = WEIR_EAGAIN;
    if (again && !atomic_load(&transactor->inside->failed)) {
        weir_log(WEIR_LOG_DEBUG, "publisher", "%s", error->message);
        usleep(PAUSE_MS * 1000);
        return 1;
    }
    error->fatal = 1;
    return code;
}

int weir_transactor_init(struct weir_transactor *transactor, struct weir_error *error)
{
    int code;
    do {
        rd_kafka_error_t *failed = rd_kafka_init_transactions(transactor->producer, CALL_MS);
        if (!failed)
            return 0;
        code = judge(transactor, failed, "the transactional id cannot be taken", error);
    } while (code == 1 && !atomic_load(&transactor->inside->stopping));
    return code == 1 ? WEIR_EAGAIN : code;
}

int weir_transactor_begin(struct weir_transactor *transactor, struct weir_error *error)
{
    int code;
    do {
        rd_kafka_error_t *failed = rd_kafka_begin_transaction(transactor->producer);
        code = failed ? judge(transactor, failed, "a transaction cannot begin", error) : 0;
    } while (code == 1);
    if (!code) {
        weir_log(WEIR_LOG_DEBUG, "publisher", "transaction begins");
        weir_failpoint("after-begin");
    }
    return code;
}

// The headers are librdkafka's once the record is taken.
static rd_kafka_headers_t *headers_of(const struct weir_outbox *outbox,
                                      const struct weir_outbox_record *record)
{
    if (!record->n_headers)
        return NULL;
    rd_kafka_headers_t *headers = rd_kafka_headers_new(record->n_headers);
    struct weir_reader in = weir_reader_make(outbox->bytes.data + record->headers,
                                             outbox->bytes.length - record->headers);
    for (uint32_t i = 0; i < record->n_headers; i++) {
        size_t name_length = 0, length = 0;
        const uint8_t *name = weir_get_bytes(&in, &name_length);
        int has_value = weir_get_long(&in) != 0;
        const uint8_t *value = weir_get_bytes(&in, &length);
        rd_kafka_header_add(headers, (const char *)name, (ssize_t)name_length,
                            has_value ? value : NULL, (ssize_t)length);
    }
    return headers;
}

static void *bytes_at(const struct weir_outbox *outbox, size_t at)
{
    // Of nothing but empty bytes there is no memory, and they are no nulls.
    static uint8_t empty[1];
    if (at == WEIR_OUTBOX_NONE)
        return NULL;
    return outbox->bytes.data ? outbox->bytes.data + at : empty;
}

static int produce_one(struct weir_transactor *transactor, const struct weir_outbox *outbox,
                       const struct weir_outbox_record *record, struct weir_error *error)
{
    const struct weir_topic *topic = &transactor->inside->topics.items[record->topic];
    rd_kafka_topic_t **handle = &transactor->handles[record->topic];
    if (!*handle && !(*handle = rd_kafka_topic_new(transactor->producer, topic->name, NULL)))
        return weir_error_set(error, WEIR_EIO, "topic %s cannot be written: %s", topic->name,
                              rd_kafka_err2str(rd_kafka_last_error()));
    rd_kafka_headers_t *headers = headers_of(outbox, record);
    rd_kafka_resp_err_t code;
    // librdkafka tells a null from an empty value by the pointer alone.
    do {
        code = rd_kafka_producev(
            transactor->producer, RD_KAFKA_V_RKT(*handle),
            RD_KAFKA_V_PARTITION(record->partition >= 0 ? record->partition
                                                        : RD_KAFKA_PARTITION_UA),
            RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_KEY(bytes_at(outbox, record->key), record->key_length),
            RD_KAFKA_V_VALUE(bytes_at(outbox, record->value), record->value_length),
            RD_KAFKA_V_TIMESTAMP(record->timestamp > 0 ? record->timestamp : 0),
            RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_END);
        if (code == RD_KAFKA_RESP_ERR__QUEUE_FULL)
            rd_kafka_poll(transactor->producer, 20);
    } while (code == RD_KAFKA_RESP_ERR__QUEUE_FULL && !atomic_load(&transactor->inside->failed));
    if (!code)
        return 0;
    if (headers)
        rd_kafka_headers_destroy(headers);
    weir_error_set(error, WEIR_EIO, "topic %s does not take a record of %zu bytes: %s", topic->name,
                   record->value_length, rd_kafka_err2str(code));
    // The transaction failed already; committing it would say why.
    if (code == RD_KAFKA_RESP_ERR__STATE)
        return error->code = WEIR_EAGAIN;
    error->fatal = 1;
    return WEIR_EIO;
}

int weir_transactor_produce(struct weir_transactor *transactor, const struct weir_outbox *outbox,
                            struct weir_error *error)
{
    int code = 0;
    for (size_t i = 0; i < outbox->n && !code; i++) {
        code = produce_one(transactor, outbox, &outbox->records[i], error);
        if (i % 256 == 255)
            rd_kafka_poll(transactor->producer, 0);
    }
    return code;
}

int weir_transactor_produced(struct weir_transactor *transactor, struct weir_error *error)
{
    (void)transactor;
    (void)error;
    weir_failpoint("after-produce");
    return 0;
}

int weir_transactor_commit(struct weir_transactor *transactor, struct weir_owned *const *tasks,
                           size_t n, const rd_kafka_consumer_group_metadata_t *group,
                           struct weir_error *error)
{
    rd_kafka_topic_partition_list_t *offsets = rd_kafka_topic_partition_list_new((int)n * 2);
    int code;
    for (size_t i = 0; i < n; i++) {
        for (size_t k = 0; k < tasks[i]->n_inputs; k++) {
            const struct weir_input *input = &tasks[i]->inputs[k];
            rd_kafka_topic_partition_list_add(offsets, input->topic, input->partition)->offset =
                tasks[i]->flying_offsets[k];
        }
    }
    do {
        rd_kafka_error_t *failed =
            rd_kafka_send_offsets_to_transaction(transactor->producer, offsets, group, CALL_MS);
        code = failed ? judge(transactor, failed, "offsets", error) : 0;
    } while (code == 1);
    rd_kafka_topic_partition_list_destroy(offsets);
    if (code)
        return code;
    weir_failpoint("after-send-offsets");
    weir_failpoint_during("during-commit");
    do {
        rd_kafka_error_t *failed = rd_kafka_commit_transaction(transactor->producer, CALL_MS);
        code = failed ? judge(transactor, failed, "commit", error) : 0;
    } while (code == 1);
    if (!code)
        weir_log(WEIR_LOG_DEBUG, "publisher", "transaction committed");
    return code;
}

// A transaction that never reached its coordinator cannot be aborted there, which this librdkafka
// takes for fatal (brokers went away in its middle). Nothing of it was committed, as no commit was
// asked for: a new producer of the same id may go on.
static int renew(struct weir_transactor *transactor, struct weir_error *error)
{
    char why[256];
    rd_kafka_resp_err_t code = rd_kafka_fatal_error(transactor->producer, why, sizeof why);
    if (code != RD_KAFKA_RESP_ERR_INVALID_TXN_STATE)
        return WEIR_EIO;
    weir_log(WEIR_LOG_WARNING, "publisher", "the producer is made anew: %s", why);
    destroy_producer(transactor);
    int failed = make_producer(transactor, error);
    return failed ? failed : weir_transactor_init(transactor, error);
}

int weir_transactor_abort(struct weir_transactor *transactor, struct weir_error *error)
{
    int code;
    do {
        rd_kafka_error_t *failed = rd_kafka_abort_transaction(transactor->producer, CALL_MS);
        code = failed ? judge(transactor, failed, "abort", error) : 0;
    } while (code == 1);
    if (code == WEIR_EAGAIN) // an abort that asks for an abort
        error->code = code = WEIR_EIO;
    return code && error->fatal && !transactor->refused ? renew(transactor, error) : code;
}

void weir_transactor_poll(struct weir_transactor *transactor)
{
    rd_kafka_poll(transactor->producer, 0);
}
