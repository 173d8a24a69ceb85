// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/avro_decoder.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/codec/avro_plan.h"
#include "consumer/codec/registry.h"
#include "consumer/codec/writer.h"

enum {
    CONFLUENT_HEADER = 5,
    SINGLE_HEADER = 10,
    MAX_PLANS = 256 // beyond, the oldest makes room
};

// One writer's schema. Without a plan, `reason` says why its records do not decode.
struct entry {
    int32_t id;
    struct weir_avro_schema *schema;
    struct weir_avro_plan *plan;
    char *reason;
    uint8_t writer; // its place among the decoder's
};

struct weir_avro_decoder {
    enum weir_format format;
    struct weir_builder *builder;
    struct weir_builder_options options;
    struct weir_registry *registry;
    uint64_t fingerprint;
    struct entry *entries;
    size_t n, last, next_out;
    // Of the first schemas; what batches point to, so they stay.
    struct weir_writer *writers[WEIR_WRITER_NONE];
    size_t n_writers;
};

static void clear_entry(struct entry *entry)
{
    weir_avro_plan_destroy(entry->plan);
    weir_avro_schema_free(entry->schema);
    free(entry->reason);
    memset(entry, 0, sizeof *entry);
}

static int make_entry(struct weir_avro_decoder *decoder, const char *text, struct entry *entry,
                      struct weir_error *error)
{
    int code = weir_avro_schema_parse(text, strlen(text), &entry->schema, error);
    if (!code)
        code = weir_avro_plan_create(entry->schema, decoder->builder, &decoder->options,
                                     &entry->plan, error);
    return code;
}

static int create_local(struct weir_avro_decoder *decoder, const char *text,
                        struct weir_error *error)
{
    if (!text)
        return weir_error_set(error, WEIR_EINVAL,
                              "stream %s: plain and single-object Avro need a schema: name its "
                              "file with `schema:`",
                              decoder->options.stream->name);
    decoder->n = 1;
    int code = make_entry(decoder, text, &decoder->entries[0], error);
    if (!code && weir_avro_schema_fingerprint(decoder->entries[0].schema, &decoder->fingerprint))
        code = weir_error_set(error, WEIR_ENOMEM, "out of memory for a schema");
    return code;
}

int weir_avro_decoder_create(const struct weir_decoder_options *options,
                             struct weir_builder *builder, struct weir_avro_decoder **result,
                             struct weir_error *error)
{
    int code = 0;
    if (options->format == WEIR_FORMAT_AVRO && !options->registry)
        return weir_error_set(error, WEIR_EINVAL,
                              "stream %s: Avro with schema ids needs a registry: give "
                              "`registry: {url: ...}`",
                              options->builder.stream->name);
    struct weir_avro_decoder *decoder = calloc(1, sizeof *decoder);
    if (decoder)
        decoder->entries =
            calloc(options->format == WEIR_FORMAT_AVRO ? MAX_PLANS : 1, sizeof *decoder->entries);
    if (!decoder || !decoder->entries) {
        free(decoder);
        return weir_error_set(error, WEIR_ENOMEM, "out of memory for a decoder");
    }
    decoder->format = options->format;
    decoder->builder = builder;
    decoder->options = options->builder;
    decoder->registry = options->registry;
    if (options->format == WEIR_FORMAT_AVRO)
        weir_builder_writers(builder, (const struct weir_writer *const *)decoder->writers);
    if (options->format != WEIR_FORMAT_AVRO)
        code = create_local(decoder, options->schema, error);
    if (code)
        weir_avro_decoder_destroy(decoder);
    else
        *result = decoder;
    return code;
}

void weir_avro_decoder_destroy(struct weir_avro_decoder *decoder)
{
    if (!decoder)
        return;
    for (size_t i = 0; i < decoder->n; i++)
        clear_entry(&decoder->entries[i]);
    for (size_t i = 0; i < decoder->n_writers; i++)
        weir_writer_free(decoder->writers[i]);
    free(decoder->entries);
    free(decoder);
}

// Gives an entry its writer's schema, which was there before where the entry had to make room.
static int find_writer(struct weir_avro_decoder *decoder, struct entry *entry)
{
    size_t at = 0;
    entry->writer = WEIR_WRITER_NONE;
    while (at < decoder->n_writers && decoder->writers[at]->id != entry->id)
        at++;
    if (at == WEIR_WRITER_NONE || !entry->schema)
        return 0;
    if (at == decoder->n_writers) {
        int code = weir_writer_make(entry->id, entry->schema, &decoder->writers[at]);
        if (code)
            return code == WEIR_ENOMEM ? code : 0;
        decoder->n_writers++;
    }
    entry->writer = (uint8_t)at;
    return 0;
}

static struct entry *find_entry(struct weir_avro_decoder *decoder, int32_t id)
{
    // Mostly it is the one of the record before.
    if (decoder->last < decoder->n && decoder->entries[decoder->last].id == id)
        return &decoder->entries[decoder->last];
    for (size_t i = 0; i < decoder->n; i++) {
        if (decoder->entries[i].id == id) {
            decoder->last = i;
            return &decoder->entries[i];
        }
    }
    return NULL;
}

static struct entry *add_entry(struct weir_avro_decoder *decoder, struct entry *entry)
{
    size_t at = decoder->n < MAX_PLANS ? decoder->n++ : decoder->next_out++ % MAX_PLANS;
    clear_entry(&decoder->entries[at]);
    decoder->entries[at] = *entry;
    decoder->last = at;
    return &decoder->entries[at];
}

// The plan for a schema id. WEIR_ENOTFOUND: there is no such schema (not remembered here: it may
// be registered yet, and the registry's client knows when to ask again).
static int find_schema(struct weir_avro_decoder *decoder, int32_t id, struct entry **found,
                       struct weir_error *error)
{
    struct weir_error fault;
    struct entry entry = {.id = id};
    const char *text;
    *found = find_entry(decoder, id);
    if (*found)
        return 0;
    int code = weir_registry_schema(decoder->registry, id, &text, error);
    if (code)
        return code;
    code = make_entry(decoder, text, &entry, &fault);
    if (code == WEIR_ENOMEM) {
        clear_entry(&entry);
        return weir_error_set(error, code, "%s", fault.message);
    }
    if (code) {
        clear_entry(&entry);
        entry.id = id;
        if (asprintf(&entry.reason, "Avro: schema %d: %s", id, fault.message) < 0)
            return weir_error_set(error, WEIR_ENOMEM, "out of memory for a schema");
    }
    if (find_writer(decoder, &entry)) {
        clear_entry(&entry);
        return weir_error_set(error, WEIR_ENOMEM, "out of memory for a schema");
    }
    *found = add_entry(decoder, &entry);
    return 0;
}

// Bytes of the header before the datum; 0 with `reason` filled where it is none.
static size_t read_single(const struct weir_avro_decoder *decoder, struct weir_span value,
                          char *reason)
{
    uint64_t fingerprint = 0;
    if (value.length < SINGLE_HEADER || value.data[0] != 0xc3 || value.data[1] != 0x01) {
        snprintf(reason, WEIR_AVRO_REASON, "Avro: not a single object: no C3 01 and fingerprint");
        return 0;
    }
    for (int i = 0; i < 8; i++)
        fingerprint |= (uint64_t)value.data[2 + i] << (8 * i);
    if (fingerprint != decoder->fingerprint) {
        snprintf(reason, WEIR_AVRO_REASON,
                 "Avro: written with the schema of fingerprint %016llx, not %016llx",
                 (unsigned long long)fingerprint, (unsigned long long)decoder->fingerprint);
        return 0;
    }
    return SINGLE_HEADER;
}

static void decode(struct weir_avro_decoder *decoder, const struct entry *entry, uint32_t row,
                   struct weir_span value, size_t header, size_t *consumed)
{
    char reason[WEIR_AVRO_REASON];
    size_t used = 0, left = value.length - header;
    const char *fault = entry->reason;
    if (!fault && weir_avro_plan_run(entry->plan, row, value.data + header, left, &used, reason))
        fault = reason;
    if (!fault && !consumed && used < left) {
        snprintf(reason, sizeof reason, "Avro: %zu bytes are left over after the datum of %zu",
                 left - used, used);
        fault = reason;
    }
    if (fault)
        weir_builder_undecodable(decoder->builder, fault);
    else if (consumed)
        *consumed = header + used;
}

static int add_confluent(struct weir_avro_decoder *decoder, const struct weir_record *record,
                         size_t *consumed, struct weir_error *error)
{
    char reason[WEIR_AVRO_REASON];
    const uint8_t *data = record->value.data;
    struct entry *entry = NULL;
    const char *fault = NULL;
    if (record->value.length < CONFLUENT_HEADER || data[0] != 0) {
        fault = "Avro: no schema id: the value does not begin with a zero byte and four more";
    } else {
        uint32_t bits = (uint32_t)data[1] << 24 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 8 |
                        (uint32_t)data[4];
        int code = find_schema(decoder, (int32_t)bits, &entry, error);
        if (code == WEIR_ENOTFOUND) {
            snprintf(reason, sizeof reason, "Avro: unknown schema id %d", (int32_t)bits);
            fault = reason;
        } else if (code) {
            return code;
        }
    }
    uint32_t row = weir_builder_row(decoder->builder, record->offset, record->timestamp,
                                    record->key, record->value);
    if (fault) {
        weir_builder_undecodable(decoder->builder, fault);
        return 0;
    }
    weir_builder_writer(decoder->builder, entry->writer);
    decode(decoder, entry, row, record->value, CONFLUENT_HEADER, consumed);
    return 0;
}

int weir_avro_decoder_add(struct weir_avro_decoder *decoder, const struct weir_record *record,
                          size_t *consumed, struct weir_error *error)
{
    char reason[WEIR_AVRO_REASON];
    size_t header = 0;
    if (decoder->format == WEIR_FORMAT_AVRO && record->value.data)
        return add_confluent(decoder, record, consumed, error);
    uint32_t row = weir_builder_row(decoder->builder, record->offset, record->timestamp,
                                    record->key, record->value);
    if (!record->value.data) {
        weir_builder_tombstone(decoder->builder);
        return 0;
    }
    if (decoder->format == WEIR_FORMAT_AVRO_SINGLE_OBJECT) {
        header = read_single(decoder, record->value, reason);
        if (!header) {
            weir_builder_undecodable(decoder->builder, reason);
            return 0;
        }
    }
    decode(decoder, &decoder->entries[0], row, record->value, header, consumed);
    return 0;
}
