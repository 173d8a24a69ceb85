// SPDX-License-Identifier: Apache-2.0
#include "detectors/skew/tally.h"

#include <stdlib.h>
#include <string.h>

#include "weir/error.h"

int skew_tally_init(struct skew_tally *tally, size_t n_fields)
{
    struct skew_field_tally *fields = calloc(n_fields + 1, sizeof *fields);
    if (!fields)
        return WEIR_ENOMEM;
    *tally = (struct skew_tally){.fields = fields, .n_fields = n_fields};
    return 0;
}

void skew_tally_free(struct skew_tally *tally)
{
    for (size_t i = 0; i < tally->n_fields; i++)
        free(tally->fields[i].samples);
    free(tally->fields);
    free(tally->topic);
    skew_tally_slices_free(tally);
    memset(tally, 0, sizeof *tally);
}

size_t skew_tally_memory(const struct skew_tally *tally)
{
    size_t bytes = (tally->n_fields + 1) * sizeof *tally->fields;
    for (size_t i = 0; i < tally->n_fields; i++)
        bytes += tally->fields[i].samples ? SKEW_SAMPLES * sizeof(struct skew_sample) : 0;
    return bytes + skew_tally_slices_memory(tally);
}

static int before(const struct skew_sample *a, const struct skew_sample *b)
{
    if (a->order != b->order)
        return a->order < b->order;
    if (a->partition != b->partition)
        return a->partition < b->partition;
    return a->offset < b->offset;
}

int skew_tally_wants(const struct skew_field_tally *field, uint64_t order)
{
    return field->n_samples < SKEW_SAMPLES || order <= field->samples[SKEW_SAMPLES - 1].order;
}

int skew_tally_sample(struct skew_field_tally *field, const struct skew_sample *sample)
{
    if (!field->samples)
        field->samples = malloc(SKEW_SAMPLES * sizeof *field->samples);
    if (!field->samples)
        return WEIR_ENOMEM;
    uint32_t n = field->n_samples;
    if (n == SKEW_SAMPLES && !before(sample, &field->samples[n - 1]))
        return 0;
    uint32_t low = 0, high = n;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (before(sample, &field->samples[middle]))
            high = middle;
        else
            low = middle + 1;
    }
    field->n_samples += n < SKEW_SAMPLES;
    memmove(&field->samples[low + 1], &field->samples[low],
            (field->n_samples - low - 1) * sizeof *sample);
    field->samples[low] = *sample;
    return 0;
}

int skew_tally_topic(struct skew_tally *tally, const char *topic)
{
    if (!topic || !*topic || (tally->topic && strcmp(tally->topic, topic) <= 0))
        return 0;
    char *copy = strdup(topic);
    if (!copy)
        return WEIR_ENOMEM;
    free(tally->topic);
    tally->topic = copy;
    return 0;
}

uint64_t skew_field_pairs(const struct skew_field_tally *field)
{
    return field->verdicts[SKEW_EQUAL] + skew_field_differ(field);
}

uint64_t skew_field_differ(const struct skew_field_tally *field)
{
    uint64_t differ = 0;
    for (size_t i = SKEW_UNKNOWN + 1; i < SKEW_VERDICTS; i++)
        differ += field->verdicts[i];
    return differ;
}

// ---- bytes

static void write_sample(const struct skew_sample *sample, struct weir_buffer *out)
{
    weir_put_fixed64(out, sample->order);
    skew_value_write(&sample->served, out);
    skew_value_write(&sample->offline, out);
    weir_put_long(out, sample->verdict);
    weir_put_long(out, sample->partition);
    weir_put_long(out, sample->offset);
    weir_put_fixed64(out, sample->known);
    weir_put_fixed64(out, sample->stale);
}

int skew_tally_write(const struct skew_tally *tally, struct weir_buffer *out)
{
    // Negative: slices follow, which were not written always.
    weir_put_long(out, -1 - (int64_t)tally->n_fields);
    weir_put_long(out, (int64_t)tally->pairs);
    weir_put_string(out, tally->topic);
    weir_put_long(out, SKEW_LONELIES);
    for (size_t i = 0; i < SKEW_LONELIES; i++)
        weir_put_long(out, (int64_t)tally->lonely[i]);
    weir_put_long(out, SKEW_VERDICTS);
    for (size_t i = 0; i < tally->n_fields; i++) {
        const struct skew_field_tally *field = &tally->fields[i];
        for (size_t k = 0; k < SKEW_VERDICTS; k++)
            weir_put_long(out, (int64_t)field->verdicts[k]);
        weir_put_long(out, field->n_samples);
        for (size_t k = 0; k < field->n_samples; k++)
            write_sample(&field->samples[k], out);
    }
    skew_tally_slices_write(tally, out);
    return out->failed ? WEIR_ENOMEM : 0;
}

static uint64_t get_count(struct weir_reader *in)
{
    return weir_get_count(in, (size_t)1 << 56);
}

static struct skew_sample read_sample(struct weir_reader *in)
{
    struct skew_sample sample = {.order = weir_get_fixed64(in)};
    sample.served = skew_value_get(in);
    sample.offline = skew_value_get(in);
    sample.verdict = (enum skew_verdict)weir_get_count(in, SKEW_VERDICTS - 1);
    sample.partition = (int32_t)weir_get_count(in, INT32_MAX);
    sample.offset = weir_get_long(in);
    sample.known = weir_get_fixed64(in);
    sample.stale = weir_get_fixed64(in);
    return sample;
}

static int read_field(struct skew_field_tally *field, size_t verdicts, struct weir_reader *in)
{
    uint64_t counts[SKEW_VERDICTS];
    for (size_t k = 0; k < verdicts; k++)
        counts[k] = get_count(in);
    for (size_t k = 0; k < verdicts && !in->failed; k++)
        field->verdicts[k] += counts[k];
    size_t n = weir_get_count(in, SKEW_SAMPLES);
    for (size_t k = 0; k < n && !in->failed; k++) {
        struct skew_sample sample = read_sample(in);
        if (!in->failed && skew_tally_sample(field, &sample))
            return WEIR_ENOMEM;
    }
    return 0;
}

static int read_totals(struct skew_tally *tally, struct weir_reader *in, int *has_slices)
{
    uint64_t lonely[SKEW_LONELIES];
    int64_t written = weir_get_long(in), n = written;
    *has_slices = written < 0;
    if (*has_slices)
        n = -1 - written;
    uint64_t pairs = get_count(in);
    char *topic = weir_get_string_alloc(in, 4096);
    int code = weir_reader_code(in);
    if (!code && (uint64_t)n != tally->n_fields)
        code = WEIR_ECORRUPT;
    if (!code)
        code = skew_tally_topic(tally, topic);
    free(topic);
    size_t lonelies = weir_get_count(in, SKEW_LONELIES);
    for (size_t i = 0; i < lonelies; i++)
        lonely[i] = get_count(in);
    if (code || in->failed)
        return code ? code : WEIR_ECORRUPT;
    tally->pairs += pairs;
    for (size_t i = 0; i < lonelies; i++)
        tally->lonely[i] += lonely[i];
    return 0;
}

int skew_tally_read(struct skew_tally *tally, struct weir_reader *in)
{
    int has_slices = 0, code = read_totals(tally, in, &has_slices);
    size_t verdicts = code ? 0 : weir_get_count(in, SKEW_VERDICTS);
    for (size_t i = 0; i < tally->n_fields && !code && !in->failed; i++)
        code = read_field(&tally->fields[i], verdicts, in);
    if (!code && !in->failed && has_slices)
        code = skew_tally_slices_read(tally, in);
    return code ? code : weir_reader_code(in);
}
