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

static size_t size_of(const struct weir_emission *emission)
{
    size_t size = emission->key.length + emission->value.length;
    for (size_t i = 0; i < emission->n_headers; i++)
        size += strlen(emission->headers[i].name) + emission->headers[i].value.length + 10;
    return size;
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
    weir_json_key(&json, "bytes");
    weir_json_long(&json, (int64_t)emission->value.length);
    weir_json_key(&json, "xxh3");
    weir_json_text(&json, hash);
    weir_json_close(&json, '}');
    headers[n++] = (struct weir_header){"weir_pointer", {(const uint8_t *)"1", 1}};
    for (size_t i = 0; i < emission->n_headers && n <= POINTER_HEADERS; i++) {
        if (emission->headers[i].value.length <= POINTER_HEADER_BYTES)
            headers[n++] = emission->headers[i];
    }
    struct weir_span key =
        emission->key.length <= POINTER_HEADER_BYTES ? emission->key : (struct weir_span){0};
    int code =
        text.failed
            ? WEIR_ENOMEM
            : weir_outbox_add(&owned->staging, topic, emission->partition, emission->timestamp, key,
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

int weir_owned_emit(void *context, const struct weir_emission *emission)
{
    struct weir_input *input = context;
    struct weir_owned *owned = input->owned;
    const struct weir_topics *topics = &owned->inside->topics;
    uint32_t topic = (uint32_t)emission->output;
    if (emission->output == WEIR_OUTPUT_CLEAN && input->stream != SIZE_MAX &&
        topics->items[WEIR_TOPIC_GATE + input->stream].name)
        topic = (uint32_t)(WEIR_TOPIC_GATE + input->stream);
    if (!topics->items[topic].name)
        return 0;
    if (emission->output == WEIR_OUTPUT_PARTIALS)
        WEIR_COUNT(partials_written, 1);
    if (size_of(emission) + OVERHEAD > topics->items[topic].max_bytes) {
        if (emission->output == WEIR_OUTPUT_PARTIALS) {
            weir_log(WEIR_LOG_ERROR, "runtime",
                     "%s: a partial of %zu bytes is larger than max.message.bytes of %s allows",
                     owned->name, emission->value.length, topics->items[topic].name);
            return WEIR_ENOMEM;
        }
        WEIR_COUNT(quarantine_pointers, 1);
        return put_pointer(owned, topic, emission);
    }
    if (emission->output == WEIR_OUTPUT_ALERTS && emission->alert &&
        owned->inside->alert_schema >= 0)
        return put_avro_alert(owned, emission);
    return weir_outbox_add(&owned->staging, topic, emission->partition, emission->timestamp,
                           emission->key, emission->value, emission->headers, emission->n_headers);
}
