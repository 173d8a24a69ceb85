// SPDX-License-Identifier: Apache-2.0
// Kinds of records that serving has and training lacks: a sample of serving's rows, kept for the
// stretch as its summaries are, beside the profile's.
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/skew/training.h"
#include "stats/hash.h"
#include "stats/summary.h"

enum { ALONE = 500, SEEN = 50 };
static const double GROWN = 1.1; // so many more rows, or it is not looked for again

struct skew_segments {
    struct weir_reservoir_spec spec;
    struct weir_reservoir *all, *current; // NULL: no sample has come yet
    uint8_t *saved;                       // what was restored before the first sample came
    size_t saved_length;
    double seen; // rows when it was last looked for
    int found;
};

// ---- the sample

static void free_samples(struct skew_segments *segments)
{
    weir_reservoir_destroy(segments->all);
    weir_reservoir_destroy(segments->current);
    segments->all = segments->current = NULL;
    for (size_t i = 0; i < segments->spec.n_fields; i++)
        free((char *)segments->spec.fields[i].name);
    free((struct weir_reservoir_field *)segments->spec.fields);
    segments->spec = (struct weir_reservoir_spec){NULL, 0, 0, 0};
}

void skew_segments_destroy(struct skew_segments *segments)
{
    if (!segments)
        return;
    free_samples(segments);
    free(segments->saved);
    free(segments);
}

int skew_segments_create(struct skew_segments **out)
{
    *out = calloc(1, sizeof **out);
    return *out ? 0 : WEIR_ENOMEM;
}

void skew_segments_forget(struct skew_segments *segments)
{
    free_samples(segments);
    segments->seen = 0;
    segments->found = 0;
}

size_t skew_segments_memory(const struct skew_segments *segments)
{
    size_t bytes = sizeof *segments + segments->saved_length;
    if (segments->all)
        bytes += weir_reservoir_memory(segments->all) + weir_reservoir_memory(segments->current);
    return bytes;
}

// The host's may go with its configuration: a copy stays.
static int copy_spec(struct skew_segments *segments, const struct weir_reservoir_spec *from)
{
    struct weir_reservoir_field *fields = calloc(from->n_fields + 1, sizeof *fields);
    if (!fields)
        return WEIR_ENOMEM;
    segments->spec = (struct weir_reservoir_spec){fields, 0, from->rows, from->bytes};
    for (size_t i = 0; i < from->n_fields; i++) {
        fields[i] = from->fields[i];
        fields[i].name = strdup(from->fields[i].name);
        if (!fields[i].name)
            return WEIR_ENOMEM;
        segments->spec.n_fields++;
    }
    return 0;
}

static int same_fields(const struct weir_reservoir_spec *a, const struct weir_reservoir_spec *b)
{
    if (a->n_fields != b->n_fields || a->rows != b->rows || a->bytes != b->bytes)
        return 0;
    for (size_t i = 0; i < a->n_fields; i++)
        if (a->fields[i].type != b->fields[i].type ||
            a->fields[i].is_list != b->fields[i].is_list ||
            strcmp(a->fields[i].name, b->fields[i].name) != 0)
            return 0;
    return 1;
}

// Names and types, so that a saved sample is read with the fields that it was written with.
static uint64_t hash_of(const struct weir_reservoir_spec *spec)
{
    uint64_t hash = spec->rows + 31 * (uint64_t)spec->bytes;
    for (size_t i = 0; i < spec->n_fields; i++)
        hash = hash * 0x9e3779b97f4a7c15 +
               weir_hash(spec->fields[i].name, strlen(spec->fields[i].name)) +
               2 * (uint64_t)spec->fields[i].type + (spec->fields[i].is_list != 0);
    return hash;
}

static int read_saved(struct skew_segments *segments)
{
    struct weir_reader in = weir_reader_make(segments->saved, segments->saved_length);
    int code = 0;
    if (segments->saved && weir_get_fixed64(&in) == hash_of(&segments->spec)) {
        code = weir_reservoir_read_merge(segments->all, &in);
        if (!code)
            code = weir_reservoir_read_merge(segments->current, &in);
    }
    free(segments->saved);
    segments->saved = NULL;
    segments->saved_length = 0;
    return code;
}

static int start(struct skew_segments *segments, const struct weir_reservoir_spec *spec)
{
    int code = copy_spec(segments, spec);
    if (!code)
        code = weir_reservoir_create(&segments->spec, &segments->all);
    if (!code)
        code = weir_reservoir_create(&segments->spec, &segments->current);
    // A sample that does not decode is done without: it is only a sample.
    if (!code && read_saved(segments) == WEIR_ENOMEM)
        code = WEIR_ENOMEM;
    if (code)
        free_samples(segments);
    return code;
}

static const struct weir_reservoir *sample_of(const struct weir_window *window)
{
    return window->size > offsetof(struct weir_window, sample) && window->sample
               ? window->sample(window)
               : NULL;
}

int skew_segments_add(struct skew_segments *segments, const struct weir_window *window, int turn)
{
    const struct weir_reservoir *sample = sample_of(window);
    if (!sample)
        return 0;
    if (segments->all && !same_fields(&segments->spec, weir_reservoir_spec(sample)))
        skew_segments_forget(segments);
    int code = segments->all ? 0 : start(segments, weir_reservoir_spec(sample));
    if (!code && turn) {
        weir_reservoir_destroy(segments->all);
        segments->all = segments->current;
        segments->seen = 0;
        code = weir_reservoir_create(&segments->spec, &segments->current);
        if (code) {
            segments->current = NULL;
            skew_segments_forget(segments);
        }
    }
    if (!code)
        code = weir_reservoir_merge(segments->all, sample);
    return code ? code : weir_reservoir_merge(segments->current, sample);
}

int skew_segments_save(const struct skew_segments *segments, struct weir_buffer *out)
{
    struct weir_buffer bytes;
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    if (segments->all) {
        const struct weir_reservoir *both[2] = {segments->all, segments->current};
        weir_put_fixed64(&bytes, hash_of(&segments->spec));
        for (int k = 0; k < 2 && !bytes.failed; k++) {
            size_t from = 0;
            weir_reservoir_write(both[k], &from, WEIR_RESERVOIR_BYTES_MOST, &bytes);
        }
    } else if (segments->saved) {
        weir_buffer_append(&bytes, segments->saved, segments->saved_length);
    }
    int code = bytes.failed ? WEIR_ENOMEM : weir_put_bytes(out, bytes.data, bytes.length);
    weir_buffer_free(&bytes);
    return code;
}

int skew_segments_restore(struct skew_segments *segments, struct weir_reader *in)
{
    size_t length;
    const uint8_t *bytes = weir_get_bytes(in, &length);
    if (in->failed)
        return weir_reader_code(in);
    segments->saved = malloc(length + 1);
    if (!segments->saved)
        return WEIR_ENOMEM;
    if (length)
        memcpy(segments->saved, bytes, length);
    segments->saved_length = length;
    return 0;
}

// ---- what training lacks

struct columns {
    struct weir_contrast_column of[WEIR_SEGMENT_COLUMNS];
    size_t field[WEIR_SEGMENT_COLUMNS];
    size_t n;
    double dispersion; // the mean of theirs
};

// Fields that are as in training by themselves: what is new of the others is told apart.
static void choose(const struct skew_training *training, const struct skew_judgement *judgement,
                   const struct weir_rows rows[2], struct columns *out)
{
    for (size_t f = 0; f < training->plan->n_fields && out->n < WEIR_SEGMENT_COLUMNS; f++) {
        const struct skew_field_verdict *verdict = &judgement->verdicts[f];
        const char *name = training->plan->fields[f].info->name;
        const struct weir_rows_column *side[2] = {weir_rows_find(&rows[0], name),
                                                  weir_rows_find(&rows[1], name)};
        if (verdict->kind != SKEW_LIKE || verdict->n_values || verdict->unsure || !side[0] ||
            !side[1] || side[0]->is_list || side[1]->is_list || side[0]->type != side[1]->type)
            continue;
        struct weir_contrast_column *column = &out->of[out->n];
        int number = side[0]->type == WEIR_TYPE_DOUBLE || side[0]->type == WEIR_TYPE_LONG;
        *column = (struct weir_contrast_column){{NULL, NULL}, {NULL, NULL}, {NULL, NULL}};
        out->field[out->n++] = f;
        for (int k = 0; k < 2; k++) {
            column->number[k] = number ? side[k]->number : NULL;
            column->category[k] = number ? NULL : side[k]->code;
            column->absent[k] = side[k]->state; // a value has the state 0
        }
        out->dispersion += judgement->fields[f].dispersion;
    }
    out->dispersion = out->n ? out->dispersion / (double)out->n : 1;
}

struct naming {
    const struct skew_training *training;
    const struct columns *columns;
    char *room; // for a category
    size_t size;
};

static const char *name_of(const void *state, size_t column)
{
    const struct naming *naming = state;
    return naming->training->plan->fields[naming->columns->field[column]].info->name;
}

// Of a category that may be named: one that the profile lists, and not of a single record.
static const char *category_of(const void *state, size_t column, uint64_t category)
{
    const struct naming *naming = state;
    const struct skew_training_plan *plan = naming->training->plan;
    const struct weir_summary *then = plan->fields[naming->columns->field[column]].then;
    if (then->shape == WEIR_SHAPE_BOOLEAN)
        return category ? "true" : "false";
    for (size_t i = 0; i < then->cells->n_categories; i++) {
        const struct weir_string *string = &then->cells->categories[i];
        if (string->hash != category || (plan->redact && then->cell[i] < SEEN))
            continue;
        snprintf(naming->room, naming->size, "%.*s", (int)string->length, string->data);
        return naming->room;
    }
    return NULL;
}

static void describe(const struct naming *naming, const struct weir_segments *found,
                     struct skew_judgement *judgement)
{
    struct weir_contrast_texts texts = {name_of, category_of, naming};
    for (size_t i = 0; i < found->n; i++) {
        struct skew_segment *segment = &judgement->segments[judgement->n_segments++];
        struct weir_contrast_rule rule = {.n = found->of[i].n};
        struct weir_buffer text;
        weir_buffer_init(&text, sizeof segment->text - 1);
        memcpy(rule.clauses, found->of[i].clauses, sizeof found->of[i].clauses);
        weir_contrast_write(&rule, &texts, &text);
        if (text.length)
            memcpy(segment->text, text.data, text.length);
        weir_buffer_free(&text);
        segment->share = found->of[i].share;
        segment->n = found->of[i].n;
        for (size_t k = 0; k < segment->n; k++)
            segment->fields[k] = naming->columns->field[found->of[i].clauses[k].column];
    }
    judgement->sampled[0] = found->rows[0];
    judgement->sampled[1] = found->rows[1];
}

static int find(const struct skew_training *training, const struct weir_rows rows[2],
                struct skew_judgement *judgement)
{
    struct columns columns = {.n = 0};
    struct weir_segments found = {.n = 0};
    char room[64];
    int code = 0;
    choose(training, judgement, rows, &columns);
    if (columns.n > 1) {
        struct weir_contrast_samples samples = {
            .columns = columns.of, .n_columns = columns.n, .rows = {rows[0].n, rows[1].n}};
        code = weir_segments_find(&samples, training->plan->segment, training->plan->alpha,
                                  columns.dispersion, &found);
    }
    if (!code)
        describe(&(struct naming){training, &columns, room, sizeof room}, &found, judgement);
    return code;
}

static const struct weir_reservoir *reference_of(const struct weir_window *window)
{
    return window->size > offsetof(struct weir_window, reference_sample) && window->reference_sample
               ? window->reference_sample(window, 0)
               : NULL;
}

int skew_segments_judge(const struct skew_training *training, struct skew_judgement *judgement)
{
    struct skew_segments *segments = training->segments;
    const struct weir_reservoir *then = reference_of(judgement->window);
    if (!then || !segments->all || weir_reservoir_rows(segments->all) < ALONE)
        return 0;
    // What was looked for in nearly the same rows, and was not there, is not looked for again.
    double seen = (double)weir_reservoir_seen(segments->all);
    if (!segments->found && seen < GROWN * segments->seen)
        return 0;
    struct weir_rows rows[2];
    int code = weir_rows_make(then, &rows[0]);
    if (code)
        return code;
    code = weir_rows_make(segments->all, &rows[1]);
    if (!code) {
        code = find(training, rows, judgement);
        weir_rows_free(&rows[1]);
    }
    weir_rows_free(&rows[0]);
    segments->seen = seen;
    segments->found = judgement->n_segments > 0;
    return code;
}
