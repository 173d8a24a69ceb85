// SPDX-License-Identifier: Apache-2.0
#include "detectors/skew/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/hash.h"
#include "stats/value_text.h"

void skew_names_free(struct skew_names *names)
{
    for (size_t by = 0; by < SKEW_BY; by++)
        for (size_t i = 0; i < names->n[by]; i++)
            free(names->of[by][i].text);
    memset(names, 0, sizeof *names);
}

static size_t place_of(const struct skew_names *names, size_t by, uint64_t hash)
{
    size_t low = 0, high = names->n[by];
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (names->of[by][middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const char *skew_names_find(const struct skew_names *names, size_t by, uint64_t hash)
{
    size_t at = place_of(names, by, hash);
    return at < names->n[by] && names->of[by][at].hash == hash ? names->of[by][at].text : NULL;
}

// At its place among the lowest; what is beyond them is forgotten.
static int remember(struct skew_names *names, size_t by, uint64_t hash, const char *text,
                    size_t length)
{
    struct skew_name *of = names->of[by];
    size_t at = place_of(names, by, hash), n = names->n[by];
    if (at == SKEW_SLICES_KEPT || (at < n && of[at].hash == hash))
        return 0;
    char *copy = strndup(text, length);
    if (!copy)
        return WEIR_ENOMEM;
    if (n == SKEW_SLICES_KEPT)
        free(of[--n].text);
    memmove(&of[at + 1], &of[at], (n - at) * sizeof *of);
    of[at] = (struct skew_name){hash, copy};
    names->n[by] = n + 1;
    return 0;
}

static uint64_t mix(uint64_t hash, uint64_t with)
{
    return (hash ^ with) * 0x9e3779b97f4a7c15;
}

// Of one field: its text, and a hash of it. A value that is not there has neither.
static uint64_t read_value(const struct weir_batch *batch, int field, uint32_t row, char *buffer,
                           size_t size, const char **text, size_t *length)
{
    const struct weir_column *column = &batch->columns[field];
    *text = "";
    *length = 0;
    if (column->offsets || column->state[row] != WEIR_STATE_VALUE)
        return 1;
    if (column->type == WEIR_TYPE_STRING || column->type == WEIR_TYPE_BYTES) {
        const struct weir_string *string = weir_column_string(column, column->values.code[row]);
        *text = string->data;
        *length = string->length;
        return string->hash;
    }
    return weir_value_text(column, row, buffer, size, text, length) ? weir_hash(*text, *length) : 1;
}

int skew_names_read(struct skew_names *names, const struct skew_instance *instance,
                    const struct weir_batch *batch, uint32_t row, uint64_t slice[SKEW_BY])
{
    memset(slice, 0, SKEW_BY * sizeof *slice);
    for (size_t by = 0; by < instance->n_by; by++) {
        char buffer[SKEW_BY_FIELDS][40], all[SKEW_SLICE_TEXT];
        const char *text[SKEW_BY_FIELDS];
        size_t length[SKEW_BY_FIELDS], used = 0, n = instance->n_by_fields[by];
        uint64_t hash = by + 1;
        for (size_t i = 0; i < n; i++)
            hash = mix(hash, read_value(batch, instance->by[by][i], row, buffer[i],
                                        sizeof buffer[i], &text[i], &length[i]));
        slice[by] = hash ? hash : 1;
        // The work of a name is done once.
        if (names->n[by] == SKEW_SLICES_KEPT &&
            slice[by] > names->of[by][SKEW_SLICES_KEPT - 1].hash)
            continue;
        if (skew_names_find(names, by, slice[by]))
            continue;
        for (size_t i = 0; i < n; i++) {
            size_t most = sizeof all / SKEW_BY_FIELDS - 1;
            size_t take = length[i] < most ? length[i] : most;
            if (i)
                all[used++] = SKEW_BETWEEN;
            memcpy(all + used, text[i], take);
            used += take;
        }
        if (remember(names, by, slice[by], all, used))
            return WEIR_ENOMEM;
    }
    return 0;
}

size_t skew_names_memory(const struct skew_names *names)
{
    size_t bytes = 0;
    for (size_t by = 0; by < SKEW_BY; by++)
        for (size_t i = 0; i < names->n[by]; i++)
            bytes += strlen(names->of[by][i].text) + 1;
    return bytes;
}

static uint64_t hash_of(const struct skew_instance *instance)
{
    uint64_t hash = instance->n_by;
    for (size_t by = 0; by < instance->n_by; by++)
        for (size_t i = 0; i < instance->n_by_fields[by]; i++)
            hash = mix(hash + by,
                       weir_hash(instance->by_names[by][i], strlen(instance->by_names[by][i])));
    return hash;
}

int skew_names_write(const struct skew_names *names, const struct skew_instance *instance,
                     struct weir_buffer *out)
{
    weir_put_fixed64(out, hash_of(instance));
    for (size_t by = 0; by < SKEW_BY; by++) {
        weir_put_long(out, (int64_t)names->n[by]);
        for (size_t i = 0; i < names->n[by]; i++) {
            weir_put_fixed64(out, names->of[by][i].hash);
            weir_put_string(out, names->of[by][i].text);
        }
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

int skew_names_restore(struct skew_names *names, const struct skew_instance *instance,
                       struct weir_reader *in)
{
    int same = weir_get_fixed64(in) == hash_of(instance);
    for (size_t by = 0; by < SKEW_BY; by++) {
        size_t n = weir_get_count(in, SKEW_SLICES_KEPT);
        for (size_t i = 0; i < n && !in->failed; i++) {
            uint64_t hash = weir_get_fixed64(in);
            char *text = weir_get_string_alloc(in, SKEW_SLICE_TEXT);
            int code = text && same ? remember(names, by, hash, text, strlen(text)) : 0;
            free(text);
            if (code)
                return code;
        }
    }
    return weir_reader_code(in);
}

void skew_slice_text(const struct weir_slice_value *values, size_t n, char *out, size_t size)
{
    size_t used = 0;
    *out = 0;
    for (size_t i = 0; i < n && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%.60s = %.60s", i ? " and " : "",
                                 values[i].field, values[i].value ? values[i].value : "null");
}
