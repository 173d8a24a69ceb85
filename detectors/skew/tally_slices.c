// SPDX-License-Identifier: Apache-2.0
// Slices of a tally.
#include <stdlib.h>
#include <string.h>

#include "detectors/skew/tally.h"
#include "weir/error.h"

void skew_tally_slices_free(struct skew_tally *tally)
{
    for (size_t by = 0; by < SKEW_BY; by++)
        for (size_t i = 0; i < tally->n_slices[by]; i++) {
            free(tally->slices[by][i].text);
            free(tally->slices[by][i].count);
        }
}

size_t skew_tally_slices_memory(const struct skew_tally *tally)
{
    size_t bytes = 0;
    for (size_t by = 0; by < SKEW_BY; by++)
        for (size_t i = 0; i < tally->n_slices[by]; i++)
            bytes += strlen(tally->slices[by][i].text) + 1 +
                     2 * tally->n_fields * sizeof *tally->slices[by][i].count;
    return bytes;
}

int skew_tally_slice(struct skew_tally *tally, size_t by, uint64_t hash, const char *text,
                     struct skew_slice_tally **out)
{
    struct skew_slice_tally *slices = tally->slices[by], made = {.hash = hash};
    size_t low = 0, high = tally->n_slices[by], n = high;
    *out = NULL;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (slices[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < n && slices[low].hash == hash) {
        *out = &slices[low];
        return 0;
    }
    if (low == SKEW_SLICES_KEPT)
        return 0;
    made.text = strdup(text);
    made.count = calloc(2 * tally->n_fields + 1, sizeof *made.count);
    if (!made.text || !made.count) {
        free(made.text);
        free(made.count);
        return WEIR_ENOMEM;
    }
    if (n == SKEW_SLICES_KEPT) {
        n--;
        free(slices[n].text);
        free(slices[n].count);
    }
    memmove(&slices[low + 1], &slices[low], (n - low) * sizeof *slices);
    slices[low] = made;
    tally->n_slices[by] = n + 1;
    *out = &slices[low];
    return 0;
}

void skew_tally_slices_write(const struct skew_tally *tally, struct weir_buffer *out)
{
    weir_put_long(out, SKEW_BY);
    for (size_t by = 0; by < SKEW_BY; by++) {
        weir_put_long(out, (int64_t)tally->n_slices[by]);
        for (size_t i = 0; i < tally->n_slices[by]; i++) {
            const struct skew_slice_tally *slice = &tally->slices[by][i];
            weir_put_fixed64(out, slice->hash);
            weir_put_string(out, slice->text);
            for (size_t k = 0; k < 2 * tally->n_fields; k++)
                weir_put_long(out, (int64_t)slice->count[k]);
        }
    }
}

static int read_slice(struct skew_tally *tally, size_t by, struct weir_reader *in)
{
    struct skew_slice_tally *slice = NULL;
    uint64_t hash = weir_get_fixed64(in);
    char *text = weir_get_string_alloc(in, SKEW_SLICE_TEXT);
    int code = weir_reader_code(in);
    if (!code)
        code = skew_tally_slice(tally, by, hash, text, &slice);
    free(text);
    for (size_t k = 0; k < 2 * tally->n_fields && !code; k++) {
        uint64_t count = weir_get_count(in, (size_t)1 << 56);
        if (slice && !in->failed)
            slice->count[k] += count;
        code = weir_reader_code(in);
    }
    return code;
}

int skew_tally_slices_read(struct skew_tally *tally, struct weir_reader *in)
{
    size_t n_by = weir_get_count(in, SKEW_BY);
    int code = weir_reader_code(in);
    for (size_t by = 0; by < n_by && !code; by++) {
        size_t n = weir_get_count(in, SKEW_SLICES_KEPT);
        code = weir_reader_code(in);
        for (size_t i = 0; i < n && !code; i++)
            code = read_slice(tally, by, in);
    }
    return code;
}
