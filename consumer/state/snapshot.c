// SPDX-License-Identifier: Apache-2.0
#include "consumer/state/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "stats/buffer.h"

#define MANIFEST_MAGIC 0x4d5249455754u // "TWEIRM"
#define CHUNK_MAGIC 0x435249455754u
#define VALUE_MAXIMUM (64u << 20)

struct chunk {
    size_t number;
    int64_t sequence;
    uint8_t *data; // NULL: a tombstone, or nothing
    size_t length;
};

struct weir_snapshot_reader {
    char *task;
    size_t task_length;
    struct weir_span manifest; // owned
    struct chunk *chunks;      // those that came, by number
    size_t n_chunks, capacity;
    size_t held; // bytes of them
    struct weir_snapshot_position *positions;
    size_t n_positions;
    uint8_t *state;
};

// ---- writing

static int put_record(weir_snapshot_sink sink, void *context, const char *task, const char *suffix,
                      const struct weir_buffer *value, struct weir_error *error)
{
    char key[WEIR_SNAPSHOT_TASK + 32];
    int length = snprintf(key, sizeof key, "%s/%s", task, suffix);
    struct weir_span key_span = {(const uint8_t *)key, (size_t)length};
    struct weir_span value_span = {0};
    if (value && value->failed)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for a snapshot of %s", task);
    if (value)
        value_span = (struct weir_span){value->data, value->length};
    if (sink(context, key_span, value_span))
        return weir_error_set(error, WEIR_ENOMEM, "a snapshot of %s could not be handed on", task);
    return 0;
}

static int put_manifest(const struct weir_snapshot *snapshot, size_t n_chunks,
                        weir_snapshot_sink sink, void *context, struct weir_error *error)
{
    struct weir_buffer value;
    weir_buffer_init(&value, VALUE_MAXIMUM);
    weir_put_long(&value, (int64_t)MANIFEST_MAGIC);
    weir_put_long(&value, WEIR_SNAPSHOT_VERSION);
    weir_put_string(&value, snapshot->task);
    weir_put_long(&value, snapshot->sequence);
    weir_put_long(&value, snapshot->state_version);
    weir_put_fixed64(&value, snapshot->plan_hash);
    weir_put_long(&value, (int64_t)n_chunks);
    weir_put_long(&value, (int64_t)snapshot->state.length);
    weir_put_fixed64(&value, XXH3_64bits(snapshot->state.data, snapshot->state.length));
    if (snapshot->n_positions)
        weir_put_long(&value, (int64_t)snapshot->n_positions);
    for (size_t i = 0; i < snapshot->n_positions; i++) {
        weir_put_string(&value, snapshot->positions[i].topic);
        weir_put_long(&value, snapshot->positions[i].partition);
        weir_put_long(&value, snapshot->positions[i].offset);
    }
    weir_put_long(&value, 0); // the end of an Avro array
    weir_put_fixed64(&value, XXH3_64bits(value.data, value.length));
    int code = put_record(sink, context, snapshot->task, "manifest", &value, error);
    weir_buffer_free(&value);
    return code;
}

int weir_snapshot_write(const struct weir_snapshot *snapshot, size_t chunk_bytes, size_t old_chunks,
                        weir_snapshot_sink sink, void *context, size_t *n_chunks,
                        struct weir_error *error)
{
    size_t n = (snapshot->state.length + chunk_bytes - 1) / chunk_bytes;
    char suffix[24];
    int code = 0;
    if (strlen(snapshot->task) > WEIR_SNAPSHOT_TASK || n > WEIR_SNAPSHOT_CHUNKS ||
        snapshot->n_positions > WEIR_SNAPSHOT_POSITIONS)
        return weir_error_set(error, WEIR_ENOMEM, "the state of %.100s is too large (%zu bytes)",
                              snapshot->task, snapshot->state.length);
    for (size_t i = 0; i < n && !code; i++) {
        size_t at = i * chunk_bytes;
        size_t rest = snapshot->state.length - at;
        struct weir_buffer value;
        weir_buffer_init(&value, VALUE_MAXIMUM);
        weir_put_long(&value, (int64_t)CHUNK_MAGIC);
        weir_put_long(&value, snapshot->sequence);
        weir_put_bytes(&value, snapshot->state.data + at, rest < chunk_bytes ? rest : chunk_bytes);
        snprintf(suffix, sizeof suffix, "%zu", i);
        code = put_record(sink, context, snapshot->task, suffix, &value, error);
        weir_buffer_free(&value);
    }
    for (size_t i = n; i < old_chunks && !code; i++) {
        snprintf(suffix, sizeof suffix, "%zu", i);
        code = put_record(sink, context, snapshot->task, suffix, NULL, error);
    }
    if (!code)
        code = put_manifest(snapshot, n, sink, context, error);
    if (!code && n_chunks)
        *n_chunks = n;
    return code;
}

// ---- reading

int weir_snapshot_reader_create(const char *task, struct weir_snapshot_reader **reader,
                                struct weir_error *error)
{
    struct weir_snapshot_reader *made = calloc(1, sizeof *made);
    if (!made || !(made->task = strdup(task))) {
        free(made);
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    }
    made->task_length = strlen(task);
    *reader = made;
    return 0;
}

static void forget_found(struct weir_snapshot_reader *reader)
{
    for (size_t i = 0; i < reader->n_positions; i++)
        free((char *)(uintptr_t)reader->positions[i].topic);
    free(reader->positions);
    free(reader->state);
    reader->positions = NULL;
    reader->n_positions = 0;
    reader->state = NULL;
}

void weir_snapshot_reader_destroy(struct weir_snapshot_reader *reader)
{
    if (!reader)
        return;
    forget_found(reader);
    for (size_t i = 0; i < reader->n_chunks; i++)
        free(reader->chunks[i].data);
    free(reader->chunks);
    free((uint8_t *)(uintptr_t)reader->manifest.data);
    free(reader->task);
    free(reader);
}

static uint8_t *copy_of(const uint8_t *data, size_t length)
{
    uint8_t *copy = malloc(length ? length : 1);
    if (copy && length)
        memcpy(copy, data, length);
    return copy;
}

// The number of a chunk's key, or -1 where it is not one.
static long chunk_number(const uint8_t *text, size_t length)
{
    long number = 0;
    if (!length || length > 6 || (length > 1 && text[0] == '0'))
        return -1;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        number = number * 10 + (text[i] - '0');
    }
    return number < WEIR_SNAPSHOT_CHUNKS ? number : -1;
}

// Where the chunk is, or would be. They mostly come in order.
static size_t place_of(const struct weir_snapshot_reader *reader, size_t number)
{
    size_t low = 0, high = reader->n_chunks;
    if (high && reader->chunks[high - 1].number < number)
        return high;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (reader->chunks[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int insert(struct weir_snapshot_reader *reader, size_t at, size_t number)
{
    if (reader->n_chunks == reader->capacity) {
        size_t capacity = reader->capacity ? reader->capacity * 2 : 8;
        struct chunk *grown = realloc(reader->chunks, capacity * sizeof *grown);
        if (!grown)
            return -1;
        reader->chunks = grown;
        reader->capacity = capacity;
    }
    memmove(&reader->chunks[at + 1], &reader->chunks[at],
            (reader->n_chunks++ - at) * sizeof *reader->chunks);
    reader->chunks[at] = (struct chunk){.number = number};
    return 0;
}

// A chunk whose bytes are no chunk is kept without data: finish() says what is wrong.
static int take_chunk(struct weir_snapshot_reader *reader, size_t number, struct weir_span value)
{
    size_t at = place_of(reader, number);
    int known = at < reader->n_chunks && reader->chunks[at].number == number;
    if (!known && (!value.data || insert(reader, at, number)))
        return value.data ? -1 : 0;
    struct chunk *chunk = &reader->chunks[at];
    reader->held -= chunk->length;
    free(chunk->data);
    *chunk = (struct chunk){.number = number};
    if (!value.data)
        return 0;
    struct weir_reader in = weir_reader_make(value.data, value.length);
    size_t length = 0;
    int64_t magic = weir_get_long(&in);
    int64_t sequence = weir_get_long(&in);
    const uint8_t *bytes = weir_get_bytes(&in, &length);
    if (in.failed || magic != (int64_t)CHUNK_MAGIC || weir_reader_left(&in))
        return 0;
    chunk->data = copy_of(bytes, length);
    chunk->length = chunk->data ? length : 0;
    chunk->sequence = sequence;
    reader->held += chunk->length;
    return chunk->data ? 0 : -1;
}

size_t weir_snapshot_reader_memory(const struct weir_snapshot_reader *reader)
{
    return reader->held;
}

static int out_of_memory(const struct weir_snapshot_reader *reader, struct weir_error *error)
{
    return weir_error_set(error, WEIR_ENOMEM, "no memory to read the state of %s", reader->task);
}

int weir_snapshot_reader_offer(struct weir_snapshot_reader *reader, struct weir_span key,
                               struct weir_span value, struct weir_error *error)
{
    size_t length = reader->task_length;
    if (key.length < length + 2 || memcmp(key.data, reader->task, length) ||
        key.data[length] != '/')
        return 0;
    const uint8_t *suffix = key.data + length + 1;
    size_t suffix_length = key.length - length - 1;
    int code = 0;
    if (suffix_length == 8 && !memcmp(suffix, "manifest", 8)) {
        uint8_t *copy = value.data ? copy_of(value.data, value.length) : NULL;
        code = value.data && !copy;
        if (!code) {
            free((uint8_t *)(uintptr_t)reader->manifest.data);
            reader->manifest = (struct weir_span){copy, value.length};
        }
    } else {
        long number = chunk_number(suffix, suffix_length);
        code = number >= 0 && take_chunk(reader, (size_t)number, value);
    }
    return code ? out_of_memory(reader, error) : 0;
}

static int corrupt(const struct weir_snapshot_reader *reader, const char *what,
                   struct weir_error *error)
{
    return weir_error_set(error, WEIR_ECORRUPT,
                          "the state of %s cannot be read: %s. Restore the state topic from a "
                          "backup, or delete it and the group's offsets to begin anew",
                          reader->task, what);
}

static int read_positions(struct weir_snapshot_reader *reader, struct weir_reader *in)
{
    size_t n = weir_get_count(in, WEIR_SNAPSHOT_POSITIONS);
    if (in->failed)
        return WEIR_ECORRUPT;
    if (!(reader->positions = calloc(n ? n : 1, sizeof *reader->positions)))
        return WEIR_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        reader->positions[i].topic = weir_get_string_alloc(in, 256);
        reader->n_positions = i + 1;
        reader->positions[i].partition = (int32_t)weir_get_long(in);
        reader->positions[i].offset = weir_get_long(in);
        if (in->failed)
            return weir_reader_code(in);
        if (reader->positions[i].partition < 0 || reader->positions[i].offset < 0)
            return WEIR_ECORRUPT;
    }
    return n && weir_get_long(in) != 0 ? WEIR_ECORRUPT : weir_reader_code(in);
}

// The chunks of the manifest's sequence, one after the other. 0, WEIR_ENOMEM, or WEIR_ECORRUPT
// with a phrase in `fault`.
static int join_chunks(struct weir_snapshot_reader *reader, int64_t sequence, size_t n,
                       size_t length, const char **fault)
{
    size_t sum = 0;
    for (size_t i = 0; i < n; i++) {
        *fault = i >= reader->n_chunks || reader->chunks[i].number != i || !reader->chunks[i].data
                     ? "a chunk is missing or damaged"
                 : reader->chunks[i].sequence != sequence ? "its chunks are of several snapshots"
                                                          : NULL;
        if (*fault)
            return WEIR_ECORRUPT;
        sum += reader->chunks[i].length;
    }
    *fault = "its length is not what the manifest says";
    if (sum != length)
        return WEIR_ECORRUPT;
    if (!(reader->state = malloc(length ? length : 1)))
        return WEIR_ENOMEM;
    sum = 0;
    for (size_t i = 0; i < n; i++) {
        memcpy(reader->state + sum, reader->chunks[i].data, reader->chunks[i].length);
        sum += reader->chunks[i].length;
    }
    return 0;
}

static int read_manifest(struct weir_snapshot_reader *reader, struct weir_snapshot *found,
                         struct weir_error *error)
{
    size_t whole = reader->manifest.length;
    if (whole < 8)
        return corrupt(reader, "the manifest is too short", error);
    struct weir_reader in = weir_reader_make(reader->manifest.data, whole - 8);
    struct weir_reader end = weir_reader_make(reader->manifest.data + whole - 8, 8);
    if (weir_get_fixed64(&end) != XXH3_64bits(reader->manifest.data, whole - 8))
        return corrupt(reader, "the manifest is damaged", error);
    if (weir_get_long(&in) != (int64_t)MANIFEST_MAGIC)
        return corrupt(reader, "the manifest is not weir's", error);
    int64_t version = weir_get_long(&in);
    if (version != WEIR_SNAPSHOT_VERSION)
        return weir_error_set(error, WEIR_EVERSION,
                              "the state of %s has format %lld, this weir reads %d: it was "
                              "written by a newer one",
                              reader->task, (long long)version, WEIR_SNAPSHOT_VERSION);
    char task[WEIR_SNAPSHOT_TASK + 1];
    weir_get_string(&in, task, sizeof task);
    found->task = reader->task;
    found->sequence = weir_get_long(&in);
    found->state_version = (uint32_t)weir_get_long(&in);
    found->plan_hash = weir_get_fixed64(&in);
    size_t n_chunks = weir_get_count(&in, WEIR_SNAPSHOT_CHUNKS);
    size_t length = weir_get_count(&in, WEIR_BUFFER_MAXIMUM);
    uint64_t hash = weir_get_fixed64(&in);
    const char *fault = "the manifest does not decode";
    int code =
        in.failed || strcmp(task, reader->task) ? WEIR_ECORRUPT : read_positions(reader, &in);
    if (!code && weir_reader_left(&in))
        code = WEIR_ECORRUPT;
    if (!code)
        code = join_chunks(reader, found->sequence, n_chunks, length, &fault);
    if (!code && XXH3_64bits(reader->state, length) != hash) {
        code = WEIR_ECORRUPT;
        fault = "it is damaged";
    }
    if (code)
        return code == WEIR_ENOMEM ? out_of_memory(reader, error) : corrupt(reader, fault, error);
    found->positions = reader->positions;
    found->n_positions = reader->n_positions;
    found->state = (struct weir_span){reader->state, length};
    return 1;
}

int weir_snapshot_reader_finish(struct weir_snapshot_reader *reader, struct weir_snapshot *snapshot,
                                size_t *chunks, struct weir_error *error)
{
    struct weir_snapshot found = {0};
    forget_found(reader);
    *chunks = reader->n_chunks ? reader->chunks[reader->n_chunks - 1].number + 1 : 0;
    if (!reader->manifest.data)
        return 0;
    int code = read_manifest(reader, &found, error);
    if (code > 0)
        *snapshot = found;
    return code;
}
