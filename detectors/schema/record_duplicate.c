// SPDX-License-Identifier: Apache-2.0
// Records whose key came before.
#include "detectors/schema/record.h"
#include "stats/hash.h"

// The hash of a row's key; 0: it has none. Keys of value fields are told apart by value, those of
// Kafka by their bytes.
static uint64_t hash_of(const struct weir_batch *batch, int key, uint32_t row)
{
    if (key < 0)
        return batch->key[row].data ? weir_hash(batch->key[row].data, batch->key[row].length) | 1
                                    : 0;
    const struct weir_column *column = &batch->columns[key];
    if (column->offsets || column->state[row] != WEIR_STATE_VALUE)
        return 0;
    if (column->type == WEIR_TYPE_STRING || column->type == WEIR_TYPE_BYTES)
        return weir_column_string(column, column->values.code[row])->hash | 1;
    return weir_hash(&column->values.i64[row], sizeof(int64_t)) | 1;
}

int schema_observe_duplicates(struct schema_pass *pass)
{
    enum { BLOCK = 64 };
    struct schema_edge *edge = pass->edge;
    const struct weir_batch *batch = pass->batch;
    int key = edge->schema->stream->key;
    uint64_t hashes[BLOCK];
    uint32_t n = 0;
    for (uint32_t first = 0; first < batch->n_rows; first += BLOCK) {
        uint32_t end = first + BLOCK < batch->n_rows ? first + BLOCK : batch->n_rows;
        for (uint32_t row = first; row < end; row++) {
            hashes[row - first] = schema_has_record(batch, row) ? hash_of(batch, key, row) : 0;
            schema_keys_prefetch(edge->keys, hashes[row - first]);
        }
        for (uint32_t row = first; row < end; row++) {
            if (!hashes[row - first])
                continue;
            enum schema_seen seen =
                schema_keys_add(edge->keys, hashes[row - first], schema_sane_time(pass, row));
            if (seen == SCHEMA_KEY_NO_MEMORY)
                return WEIR_ENOMEM;
            edge->found[n] = row;
            n += seen == SCHEMA_KEY_SEEN;
            if (seen == SCHEMA_KEY_NO_ROOM)
                pass->host->limit_rows(pass->host, "keys beyond duplicate_keys", &row, 1);
        }
    }
    schema_flag(pass, SCHEMA_DUPLICATE, n);
    return 0;
}

void schema_say_duplicates(const struct schema_said *said, struct schema_text *text)
{
    const struct weir_stream *stream = said->schema->stream;
    schema_put(text, "repeat the %s of one in the last ",
               stream->key < 0 ? "Kafka key" : stream->fields[stream->key].name);
    schema_put_duration(text, said->schema->duplicates);
    schema_put(text, ": they were sent twice");
}
