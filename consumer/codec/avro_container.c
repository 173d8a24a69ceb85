// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/avro_container.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/avro_input.h"
#include "consumer/codec/avro_plan.h"
#include "stats/buffer.h"

enum {
    SYNC = WEIR_AVRO_SYNC,
    MAX_VARINT = 10,
    MAX_METADATA = 16 << 20, // bytes of a key or value of the header
    MAX_ENTRIES = 10000,     // of the header
    BATCH_BYTES = 64 << 20,  // of records in one batch; with that, it is full
    MAX_EMPTY = 1 << 16      // data without bytes, a block
};

static const uint8_t magic[4] = {'O', 'b', 'j', 1};

struct entry { // of the header
    char *key;
    uint8_t *value; // a NUL follows
    size_t length;
};

struct weir_avro_container {
    struct weir_avro_view view;
    char *name;
    struct entry *entries;
    size_t n_entries;
    enum weir_avro_codec codec;
    uint8_t sync[SYNC];
    struct weir_avro_inflate *inflate;
    uint64_t block, block_position; // the current block's number, from 1, and first byte
    const uint8_t *data;            // what is left of it
    size_t length;
    uint64_t objects;
    struct weir_avro_chunk *chunk; // where its data lie; NULL: in the caller's memory
    // Rows.
    struct weir_builder *builder;
    struct weir_avro_schema *schema;
    struct weir_avro_plan *plan;
    int64_t row;
    int code; // a fault that is told after the rows before it
    struct weir_error fault;
};

int weir_avro_container_magic(const void *data, size_t length)
{
    return length >= sizeof magic && memcmp(data, magic, sizeof magic) == 0;
}

// ---- header ----

static int damaged(struct weir_avro_container *container, struct weir_error *error,
                   const char *what)
{
    return weir_error_set(error, WEIR_ECORRUPT, "%s: byte %" PRIu64 ": %s", container->name,
                          container->view.position, what);
}

static int read_long(struct weir_avro_container *container, int64_t *value,
                     struct weir_error *error)
{
    struct weir_avro_view *view = &container->view;
    int code = weir_avro_view_need(view, MAX_VARINT, error);
    if (code < 0)
        return code;
    struct weir_reader reader = weir_reader_make(view->at, weir_avro_view_left(view));
    int64_t got = weir_get_long(&reader);
    if (reader.failed)
        return damaged(container, error,
                       code ? "a number of more than 64 bits" : "the file ends within a number");
    weir_avro_view_advance(view, (size_t)(reader.at - view->at));
    *value = got;
    return 0;
}

// Length and bytes, copied with a NUL behind.
static int read_bytes(struct weir_avro_container *container, uint8_t **bytes, size_t *length,
                      struct weir_error *error)
{
    struct weir_avro_view *view = &container->view;
    int64_t n = 0;
    int code = read_long(container, &n, error);
    if (code)
        return code;
    if (n < 0 || n > MAX_METADATA)
        return damaged(container, error, "the header has a length that cannot be");
    code = weir_avro_view_need(view, (size_t)n, error);
    if (code <= 0)
        return code ? code : damaged(container, error, "the file ends within its header");
    uint8_t *copy = malloc((size_t)n + 1);
    if (!copy)
        return weir_error_set(error, WEIR_ENOMEM, "%s: out of memory", container->name);
    if (n)
        memcpy(copy, view->at, (size_t)n);
    copy[n] = 0;
    weir_avro_view_advance(view, (size_t)n);
    *bytes = copy;
    *length = (size_t)n;
    return 0;
}

static int read_entry(struct weir_avro_container *container, struct weir_error *error)
{
    size_t length, n = container->n_entries;
    if (n >= MAX_ENTRIES)
        return damaged(container, error, "the header has more than 10000 entries");
    if ((n & (n - 1)) == 0) { // a power of two, or none yet: grow
        struct entry *entries = realloc(container->entries, (n ? 2 * n : 1) * sizeof *entries);
        if (!entries)
            return weir_error_set(error, WEIR_ENOMEM, "%s: out of memory", container->name);
        container->entries = entries;
    }
    struct entry *entry = &container->entries[n];
    memset(entry, 0, sizeof *entry);
    container->n_entries++;
    uint8_t *key = NULL;
    int code = read_bytes(container, &key, &length, error);
    entry->key = (char *)key;
    return code ? code : read_bytes(container, &entry->value, &entry->length, error);
}

static int read_entries(struct weir_avro_container *container, struct weir_error *error)
{
    int64_t count = 0, size = 0;
    for (;;) {
        int code = read_long(container, &count, error);
        if (!code && count < 0)
            code = read_long(container, &size, error);
        if (code || !count)
            return code;
        if (count < -MAX_ENTRIES || count > MAX_ENTRIES)
            return damaged(container, error, "the header has more than 10000 entries");
        for (count = count < 0 ? -count : count; !code && count > 0; count--)
            code = read_entry(container, error);
        if (code)
            return code;
    }
}

static int read_codec(struct weir_avro_container *container, struct weir_error *error)
{
    size_t length = 0;
    const char *name = (const char *)weir_avro_container_metadata(container, "avro.codec", &length);
    if (!name || !length || strcmp(name, "null") == 0) {
        container->codec = WEIR_AVRO_NULL;
    } else if (strcmp(name, "snappy") == 0) {
        container->codec = WEIR_AVRO_SNAPPY;
    } else if (strcmp(name, "deflate") == 0) {
        container->codec = WEIR_AVRO_DEFLATE;
        if (weir_avro_inflate_create(&container->inflate))
            return weir_error_set(error, WEIR_ENOMEM, "%s: out of memory", container->name);
    } else {
        return weir_error_set(error, WEIR_EINVAL,
                              "%s: compressed with %.40s; weir reads null, deflate and snappy",
                              container->name, name);
    }
    return 0;
}

static int read_header(struct weir_avro_container *container, struct weir_error *error)
{
    struct weir_avro_view *view = &container->view;
    int code = weir_avro_view_need(view, sizeof magic, error);
    if (code < 0)
        return code;
    if (!code || memcmp(view->at, magic, sizeof magic) != 0)
        return weir_error_set(error, WEIR_ECORRUPT, "%s: not an Avro container file",
                              container->name);
    weir_avro_view_advance(view, sizeof magic);
    code = read_entries(container, error);
    if (code)
        return code;
    code = weir_avro_view_need(view, SYNC, error);
    if (code <= 0)
        return code ? code : damaged(container, error, "the file ends within its header");
    memcpy(container->sync, view->at, SYNC);
    weir_avro_view_advance(view, SYNC);
    if (!weir_avro_container_schema(container))
        return weir_error_set(error, WEIR_ECORRUPT, "%s: the header has no schema",
                              container->name);
    return read_codec(container, error);
}

enum weir_avro_codec weir_avro_container_codec(const struct weir_avro_container *container)
{
    return container->codec;
}

int weir_avro_container_header(const struct weir_avro_container *container, struct weir_buffer *out,
                               uint8_t sync[WEIR_AVRO_SYNC])
{
    weir_buffer_append(out, magic, sizeof magic);
    weir_put_long(out, (int64_t)container->n_entries);
    for (size_t i = 0; i < container->n_entries; i++) {
        weir_put_string(out, container->entries[i].key);
        weir_put_bytes(out, container->entries[i].value, container->entries[i].length);
    }
    weir_put_long(out, 0);
    weir_buffer_append(out, container->sync, SYNC);
    memcpy(sync, container->sync, SYNC);
    return out->failed ? WEIR_ENOMEM : 0;
}

static int open_view(const struct weir_avro_view *view, const char *name,
                     struct weir_avro_container **result, struct weir_error *error)
{
    struct weir_avro_container *container = calloc(1, sizeof *container);
    if (!container)
        return weir_error_set(error, WEIR_ENOMEM, "%s: out of memory", name);
    container->view = *view;
    container->view.batch = 1;
    container->name = strdup(name);
    int code = container->name ? read_header(container, error)
                               : weir_error_set(error, WEIR_ENOMEM, "%s: out of memory", name);
    if (code)
        weir_avro_container_close(container);
    else
        *result = container;
    return code;
}

int weir_avro_container_open(const struct weir_avro_input *input, const char *name,
                             struct weir_avro_container **container, struct weir_error *error)
{
    struct weir_avro_view view = {.input = *input};
    return open_view(&view, name, container, error);
}

int weir_avro_container_open_memory(const void *data, size_t length, const char *name,
                                    struct weir_avro_container **container,
                                    struct weir_error *error)
{
    static const uint8_t nothing[1];
    struct weir_avro_view view = {.at = data ? data : nothing};
    view.end = view.at + length;
    return open_view(&view, name, container, error);
}

void weir_avro_container_close(struct weir_avro_container *container)
{
    if (!container)
        return;
    for (size_t i = 0; i < container->n_entries; i++) {
        free(container->entries[i].key);
        free(container->entries[i].value);
    }
    free(container->entries);
    free(container->name);
    weir_avro_inflate_destroy(container->inflate);
    weir_avro_plan_destroy(container->plan);
    weir_avro_schema_free(container->schema);
    weir_builder_destroy(container->builder);
    weir_avro_view_free(&container->view);
    free(container);
}

const uint8_t *weir_avro_container_metadata(const struct weir_avro_container *container,
                                            const char *key, size_t *length)
{
    for (size_t i = 0; i < container->n_entries; i++) {
        if (strcmp(container->entries[i].key, key) == 0) {
            *length = container->entries[i].length;
            return container->entries[i].value;
        }
    }
    return NULL;
}

const char *weir_avro_container_schema(const struct weir_avro_container *container)
{
    size_t length;
    return (const char *)weir_avro_container_metadata(container, "avro.schema", &length);
}

// ---- blocks ----

static int bad_block(const struct weir_avro_container *container, struct weir_error *error,
                     const char *what)
{
    return weir_error_set(error, WEIR_ECORRUPT, "%s: block %" PRIu64 " (at byte %" PRIu64 "): %s",
                          container->name, container->block, container->block_position, what);
}

static void hold(struct weir_avro_container *container, struct weir_avro_chunk *chunk)
{
    if (container->chunk && container->chunk != container->view.chunk)
        container->chunk->held = 0;
    container->chunk = chunk;
}

// The block's data, decompressed where they must be.
static int open_block(struct weir_avro_container *container, const uint8_t *data, size_t length,
                      struct weir_error *error)
{
    const char *fault = NULL;
    int code;
    if (container->codec == WEIR_AVRO_NULL) {
        container->chunk = container->view.chunk;
        container->data = data;
        container->length = length;
        return 0;
    }
    hold(container, NULL);
    // A guess; a batch of many small blocks must not hold much more than their data.
    size_t guess = length < 1024 ? 4096 : length * 4;
    struct weir_avro_chunk *chunk =
        weir_avro_chunk_get(&container->view, guess < 1 << 20 ? guess : 1 << 20);
    if (!chunk)
        return weir_error_set(error, WEIR_ENOMEM, "%s: out of memory", container->name);
    container->chunk = chunk;
    code = container->codec == WEIR_AVRO_DEFLATE
               ? weir_avro_inflate_block(container->inflate, data, length, chunk,
                                         &container->length, &fault)
               : weir_avro_snappy_block(data, length, chunk, &container->length, &fault);
    container->data = chunk->data;
    if (code == WEIR_ECORRUPT)
        return bad_block(container, error, fault);
    return code ? weir_error_set(error, code, "%s: out of memory", container->name) : 0;
}

// 1: the next block is open; 0: the end.
static int next_block(struct weir_avro_container *container, struct weir_error *error)
{
    struct weir_avro_view *view = &container->view;
    int64_t objects = 0, size = 0;
    int code = weir_avro_view_need(view, 1, error);
    if (code <= 0)
        return code;
    container->block++;
    container->block_position = view->position;
    code = read_long(container, &objects, error);
    if (!code)
        code = read_long(container, &size, error);
    if (code)
        return code == WEIR_ECORRUPT ? bad_block(container, error, "it has no proper head") : code;
    if (objects < 0 || size < 0)
        return bad_block(container, error, "it has a negative size");
    if (size > WEIR_AVRO_MAX_BLOCK)
        return bad_block(container, error, "it is larger than 256 MiB");
    code = weir_avro_view_need(view, (size_t)size + SYNC, error);
    if (code <= 0)
        return code ? code : bad_block(container, error, "the file ends within it");
    if (memcmp(view->at + size, container->sync, SYNC) != 0)
        return bad_block(container, error, "the sync marker at its end is wrong");
    code = open_block(container, view->at, (size_t)size, error);
    if (code)
        return code;
    weir_avro_view_advance(view, (size_t)size + SYNC);
    container->objects = (uint64_t)objects;
    if (container->objects > container->length &&
        container->objects - container->length > MAX_EMPTY)
        return bad_block(container, error, "it has more records than bytes");
    return 1;
}

int weir_avro_container_block(struct weir_avro_container *container, const uint8_t **data,
                              size_t *length, uint64_t *objects, struct weir_error *error)
{
    container->view.batch++;
    int code = container->code ? container->code : next_block(container, &container->fault);
    if (code == 1) {
        *data = container->data;
        *length = container->length;
        *objects = container->objects;
    } else if (code) {
        container->code = code; // nothing behind a damaged place is looked at
        weir_error_set(error, code, "%s", container->fault.message);
    }
    return code;
}

// ---- rows ----

int weir_avro_container_start(struct weir_avro_container *container,
                              const struct weir_builder_options *options, struct weir_error *error)
{
    const char *text = weir_avro_container_schema(container);
    struct weir_avro_schema *schema = NULL;
    struct weir_builder *builder = NULL;
    int code = weir_avro_schema_parse(text, strlen(text), &schema, error);
    if (!code)
        code = weir_builder_create(options, &builder, error);
    if (!code)
        code = weir_avro_plan_create(schema, builder, options, &container->plan, error);
    if (code) {
        weir_avro_schema_free(schema);
        weir_builder_destroy(builder);
        return code;
    }
    container->schema = schema;
    container->builder = builder;
    return 0;
}

// One row; a datum that does not decode leaves none, and makes the rest of the block unreadable.
static int add_row(struct weir_avro_container *container)
{
    char reason[WEIR_AVRO_REASON], what[WEIR_AVRO_REASON + 64];
    struct weir_span key = {0}, value = {container->data, container->length};
    size_t used;
    uint32_t row = weir_builder_row(container->builder, container->row, container->row, key, value);
    if (weir_avro_plan_run(container->plan, row, container->data, container->length, &used,
                           reason)) {
        weir_builder_drop(container->builder);
        snprintf(what, sizeof what, "row %" PRId64 " does not decode: %s", container->row, reason);
        return bad_block(container, &container->fault, what);
    }
    weir_builder_cut(container->builder, used);
    container->data += used;
    container->length -= used;
    container->objects--;
    container->row++;
    return 0;
}

// As many rows of the current block as are wanted.
static int add_rows(struct weir_avro_container *container, uint32_t rows, size_t *bytes)
{
    const uint8_t *from = container->data;
    int code = 0;
    while (!code && container->objects && weir_builder_rows(container->builder) < rows &&
           *bytes + (size_t)(container->data - from) < BATCH_BYTES)
        code = add_row(container);
    *bytes += (size_t)(container->data - from);
    if (container->chunk && container->chunk->batch != container->view.batch) {
        container->chunk->batch = container->view.batch;
        *bytes += container->codec == WEIR_AVRO_NULL ? 0 : container->chunk->capacity;
    }
    if (!code && !container->objects && container->length)
        code = bad_block(container, &container->fault, "bytes are left over after its records");
    return code;
}

int weir_avro_container_next(struct weir_avro_container *container, uint32_t rows,
                             const struct weir_batch **batch, struct weir_error *error)
{
    size_t bytes = 0;
    int code = container->code;
    rows = rows < 1 ? 1 : rows > WEIR_BATCH_ROWS ? WEIR_BATCH_ROWS : rows;
    container->view.batch++;
    weir_builder_begin(container->builder, container->name, 0);
    while (!code && weir_builder_rows(container->builder) < rows && bytes < BATCH_BYTES) {
        if (!container->objects) {
            code = next_block(container, &container->fault);
            if (code != 1)
                break;
        }
        code = add_rows(container, rows, &bytes);
    }
    container->code = code;
    if (weir_builder_rows(container->builder)) {
        *batch = weir_builder_finish(container->builder);
        return 1;
    }
    return code ? weir_error_set(error, code, "%s", container->fault.message) : 0;
}
