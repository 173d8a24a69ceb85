// SPDX-License-Identifier: Apache-2.0
#include "consumer/runtime/reading.h"

#include <string.h>

#include "consumer/http/metrics.h"
#include "consumer/log/log.h"
#include "consumer/runtime/beside.h"

enum { RETRY_MS = 100, RETRY_MOST_MS = 5000 };

static struct weir_span span_of(const void *data, size_t length)
{
    // librdkafka tells an empty value from a null one by its pointer.
    return (struct weir_span){data, length};
}

static void destroy_seen(struct weir_input *input, size_t from)
{
    for (size_t i = from; i < input->at; i++)
        rd_kafka_message_destroy(input->held[i]);
}

// ---- from suppressed to live

static int go_live(struct weir_input *input, struct weir_error *error)
{
    int code = 0;
    input->suppressed = 0;
    weir_beside_live(input->owned);
    if (input->edge)
        weir_edge_task_suppress(input->edge, 0);
    else
        weir_merger_suppress(input->owned->merger, 0);
    if (input->edge && input->gap_first < input->gap_next) {
        code = weir_edge_task_gap(input->edge, input->gap_first, input->gap_next, error);
        input->gap_first = input->gap_next;
        // Nothing on the topic says it again: it has to be in the state.
        input->owned->snapshot_due = 1;
    }
    return code;
}

static int live_when_due(struct weir_input *input, int64_t offset, struct weir_error *error)
{
    return input->suppressed && offset >= input->committed ? go_live(input, error) : 0;
}

// ---- what is no record

// Returns 1 where the task begins again.
static int on_event(struct weir_input *input, const rd_kafka_message_t *message, int64_t now)
{
    switch (message->err) {
    case RD_KAFKA_RESP_ERR__PARTITION_EOF:
        if (!input->at_end) {
            input->at_end = 1;
            input->at_end_since = now;
        }
        return 0;
    case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
    case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
        weir_log(WEIR_LOG_WARNING, "source", "%s [%d]: offset %lld is out of range: %s",
                 input->topic, input->partition, (long long)input->next,
                 rd_kafka_message_errstr(message));
        atomic_store(&input->owned->reopen, 1);
        return 1;
    default:
        input->at_end = 0;
        weir_log(WEIR_LOG_WARNING, "source", "%s [%d]: %s", input->topic, input->partition,
                 rd_kafka_message_errstr(message));
        return 0;
    }
}

// A record comes: whatever was said of the silence before it is over.
static int wake_up(struct weir_input *input, struct weir_error *error)
{
    input->at_end = 0;
    if (!input->idle)
        return 0;
    input->idle = input->clocked = 0;
    atomic_fetch_add(&input->owned->inside->active[input->stream], 1);
    int code = weir_edge_task_idle(input->edge, 0, error);
    return code ? code : weir_beside_idle(input, error);
}

// 0: look at it; 1: pass over it.
static int refetched(struct weir_input *input, const rd_kafka_message_t *message)
{
    if (message->offset >= input->next)
        return 0;
    WEIR_COUNT(duplicates_dropped, 1);
    return 1;
}

// ---- edge

// Adds held records to the batch: up to a live one behind suppressed ones, to an event, or to one
// whose schema cannot be had now. Returns how many rows, or a negative code.
static int fill_batch(struct weir_input *input, int64_t now, struct weir_error *error)
{
    uint64_t bytes = 0;
    int rows = 0;
    weir_decoder_begin(input->decoder, input->topic, input->partition);
    for (; input->at < input->n; input->at++) {
        const rd_kafka_message_t *message = input->held[input->at];
        if (message->err && rows)
            break;
        if (message->err) {
            int64_t offset = message->offset;
            int eof = message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF;
            if (on_event(input, message, now))
                break;
            int code = eof ? live_when_due(input, offset, error) : 0;
            if (code)
                return code;
            continue;
        }
        if (refetched(input, message))
            continue;
        if (input->suppressed && message->offset >= input->committed) {
            if (rows)
                break;
            int code = go_live(input, error);
            if (code)
                return code;
            if (weir_beside_waits(input))
                break;
        }
        struct weir_record record = {
            .offset = message->offset,
            .timestamp = rd_kafka_message_timestamp(message, NULL),
            .key = span_of(message->key, message->key_len),
            .value = span_of(message->payload, message->len),
        };
        int code = weir_decoder_add(input->decoder, &record, NULL, error);
        if (code == WEIR_EAGAIN) {
            input->retry_pause = input->retry_pause ? input->retry_pause * 2 : RETRY_MS;
            if (input->retry_pause > RETRY_MOST_MS)
                input->retry_pause = RETRY_MOST_MS;
            input->retry_at = now + input->retry_pause;
            weir_log(WEIR_LOG_WARNING, "source", "%s [%d] waits at offset %lld: %s", input->topic,
                     input->partition, (long long)message->offset, error->message);
            break;
        }
        if (code)
            return code;
        input->retry_pause = 0;
        input->next = message->offset + 1;
        bytes += message->len;
        input->rows[rows++] = input->held[input->at];
    }
    if (rows > 0)
        input->message_bytes = bytes / (uint64_t)rows;
    WEIR_COUNT(bytes, bytes); // records are counted by the task, as in a replay
    return rows;
}

static int read_edge(struct weir_input *input, int64_t now, struct weir_error *error)
{
    size_t from = input->at;
    int rows = fill_batch(input, now, error);
    int code = rows < 0 ? rows : 0;
    const struct weir_batch *batch = NULL;
    if (rows > 0) {
        batch = weir_decoder_finish(input->decoder);
        input->owned->changed = 1;
        code = wake_up(input, error);
    }
    if (batch && !code)
        code = weir_edge_task_observe(input->edge, batch, error);
    if (batch && !code)
        code = weir_beside_show(input, batch, error);
    if (!code && weir_edge_task_stopped(input->edge, &input->next))
        input->owned->snapshot_due = 1;
    int did = input->at > from;
    destroy_seen(input, from);
    if (!code && input->suppressed && input->next >= input->committed)
        code = go_live(input, error);
    return code ? code : did;
}

// ---- merger

static int accept_record(struct weir_input *input, const rd_kafka_message_t *message,
                         struct weir_error *error)
{
    int code = live_when_due(input, message->offset, error);
    if (code)
        return code;
    code = weir_merger_accept(input->owned->merger, span_of(message->key, message->key_len),
                              span_of(message->payload, message->len), error);
    if (code == WEIR_ECORRUPT || code == WEIR_EVERSION) {
        WEIR_COUNT(partials_refused, 1);
        weir_log(WEIR_LOG_ERROR, "merger", "%s [%d] offset %lld is passed over: %s", input->topic,
                 input->partition, (long long)message->offset, error->message);
        code = 0;
    }
    WEIR_COUNT(partials_read, 1);
    input->message_bytes = (input->message_bytes * 15 + message->len) / 16;
    input->next = message->offset + 1;
    input->owned->changed = 1;
    return code;
}

static int read_merger(struct weir_input *input, int64_t now, struct weir_error *error)
{
    size_t from = input->at;
    int code = 0;
    for (; input->at < input->n && !code; input->at++) {
        const rd_kafka_message_t *message = input->held[input->at];
        if (message->err) {
            int64_t offset = message->offset;
            if (on_event(input, message, now))
                break;
            if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
                code = live_when_due(input, offset, error);
        } else if (!refetched(input, message)) {
            input->at_end = 0;
            code = accept_record(input, message, error);
        }
    }
    int did = input->at > from;
    destroy_seen(input, from);
    if (!code && input->suppressed && input->next >= input->committed)
        code = go_live(input, error);
    return code ? code : did;
}

int weir_input_read(struct weir_input *input, int64_t now, struct weir_error *error)
{
    int64_t stopped;
    if (now < input->retry_at || weir_beside_waits(input))
        return 0;
    // What is in the queue stays there; a new configuration begins at the committed offset.
    if (input->edge && weir_edge_task_stopped(input->edge, &stopped)) {
        if (!input->told_stop)
            weir_log(WEIR_LOG_ERROR, "gate",
                     "%s [%d] is stopped by its gate before offset %lld: too many records are bad; "
                     "a changed gate: (resume:, or beyond: pass) lets it go on",
                     input->topic, input->partition, (long long)stopped);
        input->told_stop = 1;
        return live_when_due(input, stopped, error);
    }
    if (input->at == input->n) {
        ssize_t n = rd_kafka_consume_batch_queue(input->queue, 0, input->held, WEIR_FETCH);
        input->at = 0;
        input->n = n > 0 ? (size_t)n : 0;
        if (!input->n)
            return 0;
    }
    return input->edge ? read_edge(input, now, error) : read_merger(input, now, error);
}

// ---- time

static int declare_idle(struct weir_input *input, struct weir_error *error)
{
    struct weir_owned *owned = input->owned;
    input->idle = 1;
    atomic_fetch_sub(&owned->inside->active[input->stream], 1);
    owned->snapshot_due = 1;
    int code = weir_edge_task_idle(input->edge, 1, error);
    if (!code)
        code = weir_beside_idle(input, error);
    return code ? code : 1;
}

static int advance_live(struct weir_input *input, struct weir_error *error)
{
    struct weir_owned *owned = input->owned;
    const struct weir_stream_config *config = &owned->inside->config->streams[input->stream];
    int64_t newest = weir_edge_task_newest(input->edge);
    int64_t wall = weir_wall();
    size_t before = owned->staging.n;
    if (newest == INT64_MIN || newest < wall - config->live_within || newest >= wall)
        return 0;
    // Mergers leave idle tasks out of the minimum; the one that tells the time is not idle.
    int code = input->clocked ? 0 : weir_edge_task_idle(input->edge, 0, error);
    input->clocked = 1;
    if (!code)
        code = weir_edge_task_advance(input->edge, wall, error);
    if (code)
        return code;
    // No record tells a replay of this: where it had an effect, the state must have it.
    if (owned->staging.n == before)
        return 0;
    owned->snapshot_due = 1;
    return 1;
}

int weir_owned_clock(struct weir_owned *owned, int64_t now, struct weir_error *error)
{
    struct weir_inside *inside = owned->inside;
    int did = 0;
    for (size_t i = 0; i < owned->n_inputs; i++) {
        struct weir_input *input = &owned->inputs[i];
        int64_t stopped;
        if (!input->edge || input->suppressed || !input->at_end || input->at < input->n ||
            weir_edge_task_stopped(input->edge, &stopped))
            continue;
        int64_t since = input->at_end_since;
        int64_t trouble = atomic_load(&inside->trouble_at);
        if (trouble > since) // nobody knows where the end is while brokers are away
            since = trouble;
        if (now - since < inside->config->streams[input->stream].idle_timeout)
            continue;
        int code = 0;
        if (!input->idle)
            code = declare_idle(input, error);
        if (code >= 0 && owned->partition == 0 && !atomic_load(&inside->active[input->stream])) {
            did |= code;
            code = advance_live(input, error);
        }
        if (code < 0)
            return code;
        did |= code;
    }
    int code = weir_beside_alone(owned, error);
    return code < 0 ? code : did | code;
}
