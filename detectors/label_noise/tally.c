// SPDX-License-Identifier: Apache-2.0
#include "detectors/label_noise/tally.h"

#include <stdlib.h>
#include <string.h>

void noise_tally_free(struct noise_tally *tally)
{
    for (uint32_t i = 0; i < tally->n; i++)
        free(tally->annotators[i].confusion);
    free(tally->annotators);
    free(tally->topic);
    memset(tally, 0, sizeof *tally);
}

size_t noise_tally_memory(const struct noise_tally *tally)
{
    size_t bytes = tally->capacity * sizeof *tally->annotators;
    for (uint32_t i = 0; i < tally->n; i++)
        bytes += tally->annotators[i].confusion
                     ? NOISE_CLASSES * NOISE_CLASSES * sizeof *tally->annotators[i].confusion
                     : 0;
    return bytes;
}

struct noise_annotator *noise_tally_at(struct noise_tally *tally, uint32_t annotator)
{
    if (annotator >= tally->capacity) {
        uint32_t capacity = tally->capacity ? tally->capacity : 16;
        while (capacity <= annotator)
            capacity *= 2;
        void *grown = realloc(tally->annotators, capacity * sizeof *tally->annotators);
        if (!grown)
            return NULL;
        tally->annotators = grown;
        memset(tally->annotators + tally->n, 0, (capacity - tally->n) * sizeof *tally->annotators);
        tally->capacity = capacity;
    }
    if (annotator >= tally->n)
        tally->n = annotator + 1;
    return &tally->annotators[annotator];
}

int noise_tally_confuse(struct noise_annotator *row, uint32_t truth, uint32_t given, uint64_t count)
{
    if (!row->confusion)
        row->confusion = calloc(NOISE_CLASSES * NOISE_CLASSES, sizeof *row->confusion);
    if (!row->confusion)
        return WEIR_ENOMEM;
    row->confusion[truth * NOISE_CLASSES + given] += count;
    return 0;
}

static int before(const struct noise_sample *a, const struct noise_sample *b)
{
    if (a->hash != b->hash)
        return a->hash < b->hash;
    if (a->partition != b->partition)
        return a->partition < b->partition;
    return a->offset < b->offset;
}

void noise_tally_sample(struct noise_tally *tally, const struct noise_sample *sample)
{
    size_t at = tally->n_samples;
    while (at && before(sample, &tally->samples[at - 1]))
        at--;
    if (at == NOISE_SAMPLES)
        return;
    if (tally->n_samples < NOISE_SAMPLES)
        tally->n_samples++;
    memmove(&tally->samples[at + 1], &tally->samples[at],
            (tally->n_samples - at - 1) * sizeof *sample);
    tally->samples[at] = *sample;
}

int noise_tally_topic(struct noise_tally *tally, const char *topic)
{
    if (!tally->topic && *topic)
        tally->topic = strdup(topic);
    return tally->topic || !*topic ? 0 : WEIR_ENOMEM;
}

int noise_tally_is_empty(const struct noise_tally *tally)
{
    return !tally->labels && !tally->items && !tally->contradicted;
}

static void write_confusion(const struct noise_annotator *row, struct weir_buffer *out)
{
    size_t n = 0;
    for (size_t i = 0; row->confusion && i < NOISE_CLASSES * NOISE_CLASSES; i++)
        n += row->confusion[i] != 0;
    weir_put_long(out, (int64_t)n);
    for (size_t i = 0; n && i < NOISE_CLASSES * NOISE_CLASSES; i++) {
        if (row->confusion[i]) {
            weir_put_long(out, (int64_t)i);
            weir_put_long(out, (int64_t)row->confusion[i]);
        }
    }
}

static int is_used(const struct noise_annotator *row)
{
    return row->labels || row->judged || row->repeated || row->contradicted;
}

int noise_tally_write(const struct noise_tally *tally, const struct weir_names *annotators,
                      const struct weir_names *classes, struct weir_buffer *out)
{
    uint32_t used = 0;
    weir_names_save(classes, out);
    for (size_t i = 0; i < NOISE_CLASSES; i++)
        weir_put_long(out, (int64_t)tally->classes[i]);
    weir_put_long(out, (int64_t)tally->labels);
    weir_put_long(out, (int64_t)tally->items);
    weir_put_long(out, (int64_t)tally->contradicted);
    weir_put_long(out, (int64_t)tally->pairs);
    weir_put_long(out, (int64_t)tally->pairs_agreed);
    weir_put_string(out, tally->topic);
    weir_put_long(out, (int64_t)tally->n_samples);
    for (size_t i = 0; i < tally->n_samples; i++) {
        weir_put_fixed64(out, tally->samples[i].hash);
        weir_put_long(out, tally->samples[i].partition);
        weir_put_long(out, tally->samples[i].offset);
    }
    for (uint32_t i = 0; i < tally->n; i++)
        used += (uint32_t)is_used(&tally->annotators[i]);
    weir_put_long(out, used);
    for (uint32_t i = 0; i < tally->n; i++) {
        const struct noise_annotator *row = &tally->annotators[i];
        if (!is_used(row))
            continue;
        weir_put_string(out, annotators->texts[i]);
        weir_put_long(out, (int64_t)row->labels);
        weir_put_long(out, (int64_t)row->judged);
        weir_put_long(out, (int64_t)row->agreed);
        weir_put_long(out, (int64_t)row->repeated);
        weir_put_long(out, (int64_t)row->contradicted);
        write_confusion(row, out);
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

static uint64_t get_count(struct weir_reader *in)
{
    int64_t value = weir_get_long(in);
    if (value < 0 || value > ((int64_t)1 << 56))
        in->failed = 1;
    return in->failed ? 0 : (uint64_t)value;
}

// The reader's number of each of the writer's classes.
static int read_classes(struct weir_names *classes, struct weir_reader *in, uint32_t *map)
{
    size_t n = weir_get_count(in, NOISE_CLASSES - 1);
    for (size_t i = 0; i < NOISE_CLASSES; i++)
        map[i] = NOISE_CLASSES - 1;
    for (size_t i = 0; i < n; i++) {
        size_t length;
        const uint8_t *text = weir_get_bytes(in, &length);
        if (in->failed)
            break;
        int at = weir_names_add(classes, (const char *)text, length);
        if (at == WEIR_ENOMEM)
            return at;
        if (at >= 0)
            map[i] = (uint32_t)at;
    }
    return in->failed ? WEIR_ECORRUPT : 0;
}

static int read_totals(struct noise_tally *tally, struct weir_reader *in, const uint32_t *map)
{
    for (size_t i = 0; i < NOISE_CLASSES; i++)
        tally->classes[map[i]] += get_count(in);
    tally->labels += get_count(in);
    tally->items += get_count(in);
    tally->contradicted += get_count(in);
    tally->pairs += get_count(in);
    tally->pairs_agreed += get_count(in);
    char *topic = weir_get_string_alloc(in, 4096);
    int code = topic ? noise_tally_topic(tally, topic) : 0;
    free(topic);
    size_t n = weir_get_count(in, NOISE_SAMPLES);
    for (size_t i = 0; i < n && !in->failed; i++) {
        struct noise_sample sample = {.hash = weir_get_fixed64(in)};
        sample.partition = (int32_t)weir_get_long(in);
        sample.offset = weir_get_long(in);
        if (!in->failed)
            noise_tally_sample(tally, &sample);
    }
    return code;
}

static int read_annotator(struct noise_annotator *row, struct weir_reader *in, const uint32_t *map)
{
    row->labels += get_count(in);
    row->judged += get_count(in);
    row->agreed += get_count(in);
    row->repeated += get_count(in);
    row->contradicted += get_count(in);
    size_t n = weir_get_count(in, NOISE_CLASSES * NOISE_CLASSES);
    for (size_t i = 0; i < n && !in->failed; i++) {
        size_t cell = weir_get_count(in, NOISE_CLASSES * NOISE_CLASSES - 1);
        uint64_t count = get_count(in);
        if (!in->failed &&
            noise_tally_confuse(row, map[cell / NOISE_CLASSES], map[cell % NOISE_CLASSES], count))
            return WEIR_ENOMEM;
    }
    return in->failed ? WEIR_ECORRUPT : 0;
}

int noise_tally_read(struct noise_tally *tally, struct weir_names *annotators,
                     struct weir_names *classes, struct weir_reader *in)
{
    uint32_t map[NOISE_CLASSES];
    struct noise_annotator dropped = {0};
    int code = read_classes(classes, in, map);
    if (code)
        return code;
    code = read_totals(tally, in, map);
    size_t n = weir_get_count(in, NOISE_ANNOTATORS);
    for (size_t i = 0; i < n && !code; i++) {
        size_t length;
        const uint8_t *name = weir_get_bytes(in, &length);
        if (in->failed)
            break;
        int at = weir_names_add(annotators, (const char *)name, length);
        struct noise_annotator *row = at >= 0             ? noise_tally_at(tally, (uint32_t)at)
                                      : at == WEIR_ENOMEM ? NULL
                                                          : &dropped;
        code = row ? read_annotator(row, in, map) : WEIR_ENOMEM;
    }
    free(dropped.confusion);
    return code ? code : in->failed ? WEIR_ECORRUPT : 0;
}
