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
    memset(tally, 0, sizeof *tally);
}

static int before(const struct skew_sample *a, const struct skew_sample *b)
{
    if (a->order != b->order)
        return a->order < b->order;
    if (a->partition != b->partition)
        return a->partition < b->partition;
    return a->offset < b->offset;
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

static void write_value(const struct skew_value *value, struct weir_buffer *out)
{
    weir_put_long(out, value->tag);
    weir_put_fixed64(out, value->bits);
    weir_put_long(out, value->folded);
}

int skew_tally_write(const struct skew_tally *tally, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)tally->n_fields);
    weir_put_long(out, (int64_t)tally->pairs);
    weir_put_string(out, tally->topic);
    weir_put_long(out, SKEW_VERDICTS);
    for (size_t i = 0; i < tally->n_fields; i++) {
        const struct skew_field_tally *field = &tally->fields[i];
        for (size_t k = 0; k < SKEW_VERDICTS; k++)
            weir_put_long(out, (int64_t)field->verdicts[k]);
        weir_put_long(out, field->n_samples);
        for (size_t k = 0; k < field->n_samples; k++) {
            const struct skew_sample *sample = &field->samples[k];
            weir_put_fixed64(out, sample->order);
            write_value(&sample->served, out);
            write_value(&sample->offline, out);
            weir_put_long(out, sample->partition);
            weir_put_long(out, sample->offset);
        }
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

static uint64_t get_count(struct weir_reader *in)
{
    return weir_get_count(in, (size_t)1 << 56);
}

static struct skew_value read_value(struct weir_reader *in)
{
    struct skew_value value = {0};
    value.tag = (uint32_t)weir_get_count(in, SKEW_TAGS - 1);
    value.bits = weir_get_fixed64(in);
    value.folded = (uint32_t)weir_get_count(in, UINT32_MAX);
    return value;
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
        struct skew_sample sample = {.order = weir_get_fixed64(in)};
        sample.served = read_value(in);
        sample.offline = read_value(in);
        sample.partition = (int32_t)weir_get_count(in, INT32_MAX);
        sample.offset = weir_get_long(in);
        if (!in->failed && skew_tally_sample(field, &sample))
            return WEIR_ENOMEM;
    }
    return 0;
}

int skew_tally_read(struct skew_tally *tally, struct weir_reader *in)
{
    size_t n = weir_get_count(in, SKEW_FIELDS);
    uint64_t pairs = get_count(in);
    char *topic = weir_get_string_alloc(in, 4096);
    size_t verdicts = weir_get_count(in, SKEW_VERDICTS);
    int code = in->failed || n != tally->n_fields ? WEIR_ECORRUPT : 0;
    if (!code)
        code = skew_tally_topic(tally, topic);
    free(topic);
    if (!code)
        tally->pairs += pairs;
    for (size_t i = 0; i < n && !code && !in->failed; i++)
        code = read_field(&tally->fields[i], verdicts, in);
    return code ? code : weir_reader_code(in);
}
