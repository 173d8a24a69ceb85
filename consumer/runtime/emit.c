// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "consumer/alert/alert.h"
#include "consumer/codec/avro_encode.h"
#include "consumer/codec/json_write.h"
#include "consumer/http/metrics.h"
#include "consumer/log/log.h"
#include "consumer/runtime/inside.h"

enum { OVERHEAD = 512, POINTER_HEADERS = 32, POINTER_HEADER_BYTES = 4096 };

static size_t size_of(const struct weir_emission *emission, const struct weir_header *headers,
                      size_t n_headers)
{
    size_t size = emission->key.length + emission->value.length;
    for (size_t i = 0; i < n_headers; i++)
        size += strlen(headers[i].name) + headers[i].value.length + 10;
    return size;
}

// The headers of the record that is copied, in its order, and behind them weir's own: where a
// name occurs twice, readers take the last.
static int copied_headers(struct weir_input *input, const struct weir_emission *emission,
                          const struct weir_header **headers, size_t *n)
{
    rd_kafka_headers_t *found = NULL;
    size_t n_found = 0;
    *headers = emission->headers;
    *n = emission->n_headers;
    int copy = emission->output == WEIR_OUTPUT_QUARANTINE || emission->output == WEIR_OUTPUT_CLEAN;
    if (!copy || emission->source_row < 0 ||
        rd_kafka_message_headers(input->rows[emission->source_row], &found))
        return 0;
    n_found = rd_kafka_header_cnt(found);
    if (n_found + emission->n_headers > input->headers_room) {
        size_t room = (n_found + emission->n_headers) * 2;
        struct weir_header *grown = realloc(input->headers, room * sizeof *grown);
        if (!grown)
            return WEIR_ENOMEM;
        input->headers = grown;
        input->headers_room = room;
    }
    for (size_t i = 0; i < n_found; i++) {
        const void *value = NULL;
        struct weir_header *header = &input->headers[i];
        size_t length = 0;
        if (rd_kafka_header_get_all(found, i, &header->name, &value, &length))
            return WEIR_EIO;
        header->value = (struct weir_span){value, value ? length : 0};
    }
    if (emission->n_headers)
        memcpy(input->headers + n_found, emission->headers,
               emission->n_headers * sizeof *input->headers);
    *headers = input->headers;
    *n = n_found + emission->n_headers;
    return 0;
}

static void put_header(struct weir_json_writer *json, const struct weir_emission *emission,
                       const char *name, const char *as)
{
    for (size_t i = 0; i < emission->n_headers; i++) {
        struct weir_span value = emission->headers[i].value;
        if (strcmp(emission->headers[i].name, name) || !value.data)
            continue;
        weir_json_key(json, as);
        weir_json_string(json, (const char *)value.data, value.length);
    }
}

// What stands in for a record that is too large: where the original is, and a hash to know it by.
static int put_pointer(struct weir_owned *owned, uint32_t topic,
                       const struct weir_emission *emission)
{
    struct weir_header headers[POINTER_HEADERS + 1];
    size_t n = 0;
    char hash[20];
    struct weir_buffer text;
    weir_buffer_init(&text, 1 << 16);
    struct weir_json_writer json = {&text, 0};
    snprintf(hash, sizeof hash, "%016" PRIx64,
             (uint64_t)XXH3_64bits(emission->value.data, emission->value.length));
    weir_json_open(&json, '{');
    put_header(&json, emission, "weir_topic", "topic");
    put_header(&json, emission, "weir_partition", "partition");
    put_header(&json, emission, "weir_offset", "offset");
    weir_json_put_count(&json, "bytes", emission->value.length);
    weir_json_put_text(&json, "xxh3", hash);
    weir_json_close(&json, '}');
    headers[n++] = (struct weir_header){"weir_pointer", {(const uint8_t *)"1", 1}};
    for (size_t i = 0; i < emission->n_headers && n <= POINTER_HEADERS; i++) {
        if (emission->headers[i].value.length <= POINTER_HEADER_BYTES)
            headers[n++] = emission->headers[i];
    }
    struct weir_span key =
        emission->key.length <= POINTER_HEADER_BYTES ? emission->key : (struct weir_span){0};
    int code = text.failed
                   ? WEIR_ENOMEM
                   : weir_outbox_add(&owned->staging, topic, -1, emission->timestamp, key,
                                     (struct weir_span){text.data, text.length}, headers, n);
    weir_buffer_free(&text);
    return code;
}

static int put_avro_alert(struct weir_owned *owned, const struct weir_emission *emission)
{
    struct weir_buffer datum;
    weir_buffer_init(&datum, WEIR_BUFFER_MAXIMUM);
    weir_avro_put_confluent(&datum, owned->inside->alert_schema);
    int code = weir_alert_avro(emission->alert, &datum);
    if (!code)
        code = datum.failed
                   ? WEIR_ENOMEM
                   : weir_outbox_add(&owned->staging, WEIR_OUTPUT_ALERTS, emission->partition,
                                     emission->timestamp, emission->key,
                                     (struct weir_span){datum.data, datum.length},
                                     emission->headers, emission->n_headers);
    weir_buffer_free(&datum);
    return code;
}

// A good record that its clean topic does not take (it was compressed where it came from): what
// stands in for it goes to the quarantine, with the reason.
static int put_oversized(struct weir_owned *owned, const struct weir_emission *emission,
                         const struct weir_input *input, const struct weir_topic *clean)
{
    const rd_kafka_message_t *message = input->rows[emission->source_row];
    char reason[400], partition[16], offset[24];
    snprintf(reason, sizeof reason, "weir.limit: max.message.bytes of %s is %zu", clean->name,
             clean->max_bytes);
    snprintf(partition, sizeof partition, "%d", message->partition);
    snprintf(offset, sizeof offset, "%lld", (long long)message->offset);
    const struct {
        const char *name, *value;
    } given[] = {{"weir_reason", reason},       {"weir_detector", "weir"},
                 {"weir_rule", "size"},         {"weir_topic", input->topic},
                 {"weir_partition", partition}, {"weir_offset", offset}};
    struct weir_header headers[sizeof given / sizeof *given];
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        headers[i] = (struct weir_header){
            given[i].name, {(const uint8_t *)given[i].value, strlen(given[i].value)}};
    struct weir_emission pointer = *emission;
    pointer.headers = headers;
    pointer.n_headers = sizeof given / sizeof *given;
    weir_log(WEIR_LOG_ERROR, "gate", "%s [%s] offset %s is too large for %s and is held back",
             input->topic, partition, offset, clean->name);
    return put_pointer(owned, WEIR_OUTPUT_QUARANTINE, &pointer);
}

// The topic's index, or UINT32_MAX: nobody wants it.
static uint32_t topic_of(const struct weir_input *input, const struct weir_emission *emission)
{
    const struct weir_topics *topics = &input->owned->inside->topics;
    size_t topic = (size_t)emission->output;
    if (emission->output == WEIR_OUTPUT_CLEAN && input->stream != SIZE_MAX &&
        topics->items[WEIR_TOPIC_GATE + input->stream].name)
        topic = WEIR_TOPIC_GATE + input->stream;
    return topics->items[topic].name ? (uint32_t)topic : UINT32_MAX;
}

int weir_owned_emit(void *context, const struct weir_emission *emission)
{
    struct weir_input *input = context;
    struct weir_owned *owned = input->owned;
    uint32_t topic = topic_of(input, emission);
    if (topic == UINT32_MAX)
        return 0;
    const struct weir_topic *to = &owned->inside->topics.items[topic];
    const struct weir_header *headers;
    size_t n_headers;
    int code = copied_headers(input, emission, &headers, &n_headers);
    if (code)
        return code;
    if (emission->output == WEIR_OUTPUT_PARTIALS)
        WEIR_COUNT(partials_written, 1);
    if (size_of(emission, headers, n_headers) + OVERHEAD > to->max_bytes) {
        if (emission->output == WEIR_OUTPUT_PARTIALS) {
            weir_log(WEIR_LOG_ERROR, "runtime",
                     "%s: a partial of %zu bytes is larger than max.message.bytes of %s allows",
                     owned->name, emission->value.length, to->name);
            return WEIR_ENOMEM;
        }
        WEIR_COUNT(quarantine_pointers, 1);
        return emission->output == WEIR_OUTPUT_CLEAN ? put_oversized(owned, emission, input, to)
                                                     : put_pointer(owned, topic, emission);
    }
    if (emission->output == WEIR_OUTPUT_ALERTS && emission->alert &&
        owned->inside->alert_schema >= 0)
        return put_avro_alert(owned, emission);
    // The quarantine may be one topic for several streams, of fewer partitions.
    int32_t partition = emission->output == WEIR_OUTPUT_QUARANTINE && emission->partition >= 0
                            ? emission->partition % to->partitions
                            : emission->partition;
    return weir_outbox_add(&owned->staging, topic, partition, emission->timestamp, emission->key,
                           emission->value, headers, n_headers);
}
