// SPDX-License-Identifier: Apache-2.0
#include "detectors/operations/repeats.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void operations_repeats_free(struct operations_repeats *repeats)
{
    free(repeats->inputs);
    repeats->inputs = NULL;
    repeats->n = repeats->capacity = 0;
}

// Of equal scores one answer is kept, whatever the order: by a hash of host and input, so that no
// host is kept more often than its peers; then the first.
static int comes_first(const struct weir_names *hosts, uint64_t input,
                       const struct operations_answer *a, const struct operations_answer *b)
{
    uint64_t x = a->host < hosts->n ? (hosts->hashes[a->host] ^ input) * 0x9E3779B97F4A7C15u : 0;
    uint64_t y = b->host < hosts->n ? (hosts->hashes[b->host] ^ input) * 0x9E3779B97F4A7C15u : 0;
    if (x != y)
        return x < y;
    return a->partition != b->partition ? a->partition < b->partition : a->offset < b->offset;
}

static void merge(struct operations_input *into, const struct weir_names *hosts,
                  const struct operations_input *from)
{
    uint64_t hash = into->hash;
    into->n += from->n;
    if (from->low.score < into->low.score ||
        (from->low.score == into->low.score && comes_first(hosts, hash, &from->low, &into->low)))
        into->low = from->low;
    if (from->high.score > into->high.score || (from->high.score == into->high.score &&
                                                comes_first(hosts, hash, &from->high, &into->high)))
        into->high = from->high;
}

static int reserve(struct operations_repeats *repeats)
{
    if (repeats->n < repeats->capacity)
        return 0;
    uint32_t capacity = repeats->capacity ? repeats->capacity * 2 : 32;
    void *grown = realloc(repeats->inputs, capacity * sizeof *repeats->inputs);
    if (!grown)
        return WEIR_ENOMEM;
    repeats->inputs = grown;
    repeats->capacity = capacity;
    return 0;
}

int operations_repeats_add(struct operations_repeats *repeats, const struct weir_names *hosts,
                           const struct operations_input *input)
{
    if (!operations_repeats_wants(repeats, input->hash))
        return 0;
    uint32_t low = 0, high = repeats->n;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (repeats->inputs[middle].hash < input->hash)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < repeats->n && repeats->inputs[low].hash == input->hash) {
        merge(&repeats->inputs[low], hosts, input);
        return 0;
    }
    if (repeats->n == repeats->maximum)
        repeats->n--;
    if (reserve(repeats))
        return WEIR_ENOMEM;
    memmove(&repeats->inputs[low + 1], &repeats->inputs[low],
            (repeats->n - low) * sizeof *repeats->inputs);
    repeats->inputs[low] = *input;
    repeats->n++;
    return 0;
}

// ---- bytes

static void write_answer(const struct operations_answer *answer, struct weir_buffer *out)
{
    weir_put_double(out, answer->score);
    weir_put_long(out, answer->host == OPERATIONS_NO_HOST ? 0 : (int64_t)answer->host + 1);
    weir_put_long(out, answer->partition);
    weir_put_long(out, answer->offset);
}

int operations_repeats_write(const struct operations_repeats *repeats, struct weir_buffer *out)
{
    weir_put_long(out, repeats->n);
    for (uint32_t i = 0; i < repeats->n; i++) {
        const struct operations_input *input = &repeats->inputs[i];
        weir_put_fixed64(out, input->hash);
        weir_put_long(out, (int64_t)input->n);
        write_answer(&input->low, out);
        if (input->n > 1)
            write_answer(&input->high, out);
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

static void read_answer(struct operations_answer *answer, const uint32_t *map, size_t n_map,
                        struct weir_reader *in)
{
    answer->score = weir_get_double(in);
    size_t host = weir_get_count(in, n_map);
    answer->host = host ? map[host - 1] : OPERATIONS_NO_HOST;
    answer->partition = (int32_t)weir_get_long(in);
    answer->offset = weir_get_long(in);
    if (!isfinite(answer->score))
        in->failed = 1;
}

int operations_repeats_read(struct operations_repeats *repeats, const struct weir_names *hosts,
                            const uint32_t *map, size_t n_map, struct weir_reader *in)
{
    size_t n = weir_get_count(in, OPERATIONS_INPUTS);
    for (size_t i = 0; i < n && !in->failed; i++) {
        struct operations_input input = {.hash = weir_get_fixed64(in)};
        int64_t records = weir_get_long(in);
        read_answer(&input.low, map, n_map, in);
        input.high = input.low;
        if (records > 1)
            read_answer(&input.high, map, n_map, in);
        if (in->failed || records < 1 || records > ((int64_t)1 << 56) ||
            input.high.score < input.low.score)
            return WEIR_ECORRUPT;
        input.n = (uint64_t)records;
        if (operations_repeats_add(repeats, hosts, &input))
            return WEIR_ENOMEM;
    }
    return in->failed ? WEIR_ECORRUPT : 0;
}
