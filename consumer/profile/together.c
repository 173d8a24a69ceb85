// SPDX-License-Identifier: Apache-2.0
#include "consumer/profile/together.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK = WEIR_CO_MOMENTS_BLOCK, LEAST_ROWS = 20 };
_Static_assert(BLOCK == (int)WEIR_EMBEDDING_BLOCK, "one block serves both");

// A vector in the first pass: moments of each element about the first row's.
struct vector {
    const struct weir_field *info; // the stream's
    int index;
    size_t place, n; // elements; 0: none yet
    uint64_t rows;
    double *first, *sum, *square;
};

struct weir_together {
    struct vector vectors[WEIR_FRAMES - 1];
    size_t n_vectors;
    struct weir_profile_frame *frames; // from begin() on
    size_t n_frames;
    int *column[WEIR_FRAMES]; // of each frame's fields
    double *z, *present;      // of a block
    float *feature;
};

static int is_vector(const struct weir_field *info)
{
    return info->is_list && (info->type == WEIR_TYPE_DOUBLE || info->type == WEIR_TYPE_LONG);
}

int weir_together_create(const struct weir_stream *stream, struct weir_together **out)
{
    struct weir_together *together = calloc(1, sizeof *together);
    if (!together)
        return WEIR_ENOMEM;
    for (size_t i = 0, place = 0; i < stream->n_fields; i++) {
        const struct weir_field *info = &stream->fields[i];
        if (info->type == WEIR_TYPE_UNKNOWN)
            continue;
        if (is_vector(info) && together->n_vectors < WEIR_FRAMES - 1)
            together->vectors[together->n_vectors++] =
                (struct vector){.info = info, .index = (int)i, .place = place};
        place++;
    }
    *out = together;
    return 0;
}

static void drop_last_frame(struct weir_together *together)
{
    size_t f = --together->n_frames;
    weir_frame_free(&together->frames[f]);
    free(together->column[f]);
    together->column[f] = NULL;
}

void weir_together_destroy(struct weir_together *together)
{
    if (!together)
        return;
    for (size_t v = 0; v < together->n_vectors; v++) {
        free(together->vectors[v].first);
        free(together->vectors[v].sum);
        free(together->vectors[v].square);
    }
    while (together->n_frames)
        drop_last_frame(together);
    free(together->frames);
    free(together->z);
    free(together->present);
    free(together->feature);
    free(together);
}

// ---- values

static double number_at(const struct weir_column *column, uint32_t i)
{
    if (column->state[i] != WEIR_STATE_VALUE)
        return NAN;
    return column->type == WEIR_TYPE_DOUBLE ? column->values.f64[i] : (double)column->values.i64[i];
}

// The first element of a row that has `n` finite ones, or `n` = 0 and any; -1: none.
static int64_t vector_at(const struct weir_column *column, uint32_t row, size_t n)
{
    uint32_t first = column->offsets[row], end = column->offsets[row + 1];
    if (end == first || (n && end - first != n) || end - first > WEIR_EMBEDDING_MOST)
        return -1;
    for (uint32_t i = first; i < end; i++)
        if (!isfinite(number_at(column, i)))
            return -1;
    return first;
}

static int start_vector(struct vector *vector, const struct weir_column *column, uint32_t row,
                        uint32_t from)
{
    size_t n = column->offsets[row + 1] - from;
    vector->first = calloc(n, sizeof *vector->first);
    vector->sum = calloc(n, sizeof *vector->sum);
    vector->square = calloc(n, sizeof *vector->square);
    if (!vector->first || !vector->sum || !vector->square)
        return WEIR_ENOMEM;
    vector->n = n;
    for (size_t j = 0; j < n; j++)
        vector->first[j] = number_at(column, from + (uint32_t)j);
    return 0;
}

int weir_together_first(struct weir_together *together, const struct weir_batch *batch,
                        const uint32_t *rows, size_t n)
{
    for (size_t v = 0; v < together->n_vectors; v++) {
        struct vector *vector = &together->vectors[v];
        const struct weir_column *column = &batch->columns[vector->index];
        for (size_t r = 0; r < n; r++) {
            uint32_t row = rows ? rows[r] : (uint32_t)r;
            int64_t from = vector_at(column, row, vector->n);
            if (from < 0)
                continue;
            if (!vector->n && start_vector(vector, column, row, (uint32_t)from))
                return WEIR_ENOMEM;
            for (size_t j = 0; j < vector->n; j++) {
                double x = number_at(column, (uint32_t)((size_t)from + j)) - vector->first[j];
                vector->sum[j] += x;
                vector->square[j] += x * x;
            }
            vector->rows++;
        }
    }
    return 0;
}

// ---- between the passes

// The root of the mean squared distance of two rows whose numbers are standardised.
static double width_of(double numbers)
{
    return sqrt(2 * numbers);
}

static int fields_frame(const struct weir_together_sample *sample, struct weir_together *together)
{
    size_t n = 0;
    if (sample->n < LEAST_ROWS)
        return 0;
    struct weir_profile_frame *frame = &together->frames[together->n_frames];
    together->n_frames++;
    int code = weir_frame_create(frame, 0, WEIR_CO_MOMENTS_MOST);
    int *column = code ? NULL : calloc(WEIR_CO_MOMENTS_MOST, sizeof *column);
    together->column[together->n_frames - 1] = column;
    if (!column)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < sample->n_fields && n < WEIR_CO_MOMENTS_MOST; i++) {
        const struct weir_together_field *field = &sample->fields[i];
        if (field->left_out ||
            !weir_frame_scale(field->sample, sample->n, &frame->centre[n], &frame->scale[n]))
            continue;
        frame->field[n] = field->place;
        column[n++] = field->index;
    }
    frame->n = n;
    if (!n) {
        drop_last_frame(together);
        return 0;
    }
    return weir_frame_begin(frame, width_of((double)n));
}

static int vector_frame(struct weir_together *together, const struct vector *vector)
{
    double n = (double)vector->rows, vary = 0;
    if (vector->rows < LEAST_ROWS)
        return 0;
    struct weir_profile_frame *frame = &together->frames[together->n_frames];
    int code = weir_frame_create(frame, 1, vector->n);
    int *column = calloc(1, sizeof *column);
    together->column[together->n_frames++] = column;
    if (code || !column)
        return WEIR_ENOMEM;
    *column = vector->index;
    frame->field[0] = vector->place;
    int finite = 1;
    for (size_t j = 0; j < vector->n; j++) {
        double mean = vector->sum[j] / n;
        double variance = (vector->square[j] / n - mean * mean) * n / (n - 1);
        frame->centre[j] = vector->first[j] + mean;
        frame->scale[j] = variance > 0 ? sqrt(variance) : 1;
        vary += variance > 0;
        finite &= isfinite(frame->centre[j]) && isfinite(frame->scale[j]);
    }
    if (vary > 0 && finite)
        return weir_frame_begin(frame, width_of(vary));
    drop_last_frame(together);
    return 0;
}

static int room(struct weir_together *together)
{
    together->frames = calloc(WEIR_FRAMES, sizeof *together->frames);
    together->z = malloc(WEIR_CO_MOMENTS_MOST * BLOCK * sizeof *together->z);
    together->present = malloc(WEIR_CO_MOMENTS_MOST * BLOCK * sizeof *together->present);
    together->feature = malloc(WEIR_EMBEDDING_MOST * BLOCK * sizeof *together->feature);
    return together->frames && together->z && together->present && together->feature ? 0
                                                                                     : WEIR_ENOMEM;
}

// The field of another profile, among these: of its name and type. NULL: it is not there.
static const struct weir_together_field *find(const struct weir_profile_field *wanted,
                                              const struct weir_together_field *fields, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (fields[i].type == wanted->type && !strcmp(fields[i].name, wanted->name))
            return &fields[i];
    return NULL;
}

static int like_frame(struct weir_together *together, const struct weir_profile *like,
                      const struct weir_profile_frame *from,
                      const struct weir_together_field *fields, size_t n)
{
    size_t places = from->is_vector ? 1 : from->n;
    int *column = calloc(places, sizeof *column);
    if (!column)
        return WEIR_ENOMEM;
    struct weir_profile_frame *frame = &together->frames[together->n_frames];
    together->column[together->n_frames++] = column;
    int code = weir_frame_copy_empty(from, frame);
    for (size_t j = 0; j < places && !code; j++) {
        const struct weir_together_field *field = find(&like->fields[from->field[j]], fields, n);
        // One that is not there, or comes before another that it came behind, is no such frame.
        if (!field || (j && field->place <= frame->field[j - 1])) {
            drop_last_frame(together);
            return WEIR_ENOTFOUND;
        }
        frame->field[j] = field->place;
        column[j] = field->index;
    }
    return code;
}

static int begin(struct weir_together *together, const struct weir_together_sample *sample,
                 const struct weir_profile *like, struct weir_together_field *all)
{
    size_t n = sample->n_fields;
    int have_fields = 0, code = room(together);
    unsigned done = 0; // vectors, by number
    if (n)
        memcpy(all, sample->fields, n * sizeof *all);
    for (size_t v = 0; v < together->n_vectors; v++) {
        const struct vector *vector = &together->vectors[v];
        all[n++] = (struct weir_together_field){.name = vector->info->name,
                                                .type = vector->info->type,
                                                .index = vector->index,
                                                .place = vector->place};
    }
    for (size_t f = 0; like && f < like->n_frames && !code; f++) {
        const struct weir_profile_frame *from = &like->frames[f];
        code = like_frame(together, like, from, all, n);
        if (!code && !from->is_vector)
            have_fields = 1;
        for (size_t v = 0; !code && from->is_vector && v < together->n_vectors; v++)
            if (together->vectors[v].place == together->frames[together->n_frames - 1].field[0])
                done |= 1u << v;
        code = code == WEIR_ENOTFOUND ? 0 : code;
    }
    if (!code && !have_fields)
        code = fields_frame(sample, together);
    for (size_t v = 0; v < together->n_vectors && !code; v++)
        if (!(done >> v & 1))
            code = vector_frame(together, &together->vectors[v]);
    return code;
}

int weir_together_begin(struct weir_together *together, const struct weir_together_sample *sample,
                        const struct weir_profile *like)
{
    struct weir_together_field *all =
        calloc(sample->n_fields + together->n_vectors + 1, sizeof *all);
    int code = all ? begin(together, sample, like, all) : WEIR_ENOMEM;
    free(all);
    return code;
}

int weir_together_continue(const struct weir_profile *profile, struct weir_together **out)
{
    struct weir_together *together = calloc(1, sizeof *together);
    struct weir_together_field *all = calloc(profile->n_fields + 1, sizeof *all);
    int code = together && all ? room(together) : WEIR_ENOMEM;
    for (size_t f = 0; f < profile->n_fields && !code; f++)
        all[f] = (struct weir_together_field){.name = profile->fields[f].name,
                                              .type = profile->fields[f].type,
                                              .index = (int)f,
                                              .place = f};
    for (size_t f = 0; f < profile->n_frames && !code; f++) {
        code = like_frame(together, profile, &profile->frames[f], all, profile->n_fields);
        code = code == WEIR_ENOTFOUND ? 0 : code; // two fields of one name
    }
    free(all);
    if (code)
        weir_together_destroy(together);
    else
        *out = together;
    return code;
}

const struct weir_profile_frame *weir_together_frames(const struct weir_together *together,
                                                      size_t *n)
{
    *n = together->n_frames;
    return together->frames;
}

void weir_together_take(struct weir_together *together, struct weir_profile *profile)
{
    profile->frames = together->frames;
    profile->n_frames = together->n_frames;
    for (size_t f = 0; f < together->n_frames; f++) {
        free(together->column[f]);
        together->column[f] = NULL;
    }
    together->frames = NULL;
    together->n_frames = 0;
}

// ---- rows

static void add_fields(struct weir_together *together, struct weir_profile_frame *frame,
                       const int *column, const struct weir_batch *batch, const uint32_t *rows,
                       size_t n)
{
    for (size_t j = 0; j < frame->n; j++) {
        const struct weir_column *values = &batch->columns[column[j]];
        double *z = together->z + j * BLOCK, *present = together->present + j * BLOCK;
        float *feature = together->feature + j * BLOCK;
        int cut = 0;
        for (size_t r = 0; r < n; r++) {
            double value = weir_frame_value(frame, j, number_at(values, rows[r]), &cut);
            int there = !isnan(value);
            z[r] = there ? value : 0;
            present[r] = there;
            feature[r] = (float)z[r];
        }
        frame->cut[j] += (uint64_t)cut;
    }
    weir_embedding_add(frame->means, together->feature, BLOCK, n);
    if (frame->products)
        weir_co_moments_add(frame->products, together->z, together->present, n);
}

static void add_vectors(struct weir_together *together, struct weir_profile_frame *frame,
                        const struct weir_column *column, const uint32_t *rows, size_t n)
{
    size_t taken = 0;
    for (size_t r = 0; r < n; r++) {
        int64_t from = vector_at(column, rows[r], frame->n);
        if (from < 0)
            continue;
        for (size_t j = 0; j < frame->n; j++) {
            int cut = 0;
            double x = number_at(column, (uint32_t)((size_t)from + j));
            together->feature[j * BLOCK + taken] = (float)weir_frame_value(frame, j, x, &cut);
            frame->cut[j] += (uint64_t)cut;
        }
        taken++;
    }
    weir_embedding_add(frame->means, together->feature, BLOCK, taken);
}

void weir_together_add(struct weir_together *together, const struct weir_batch *batch,
                       const uint32_t *rows, size_t n)
{
    uint32_t block[BLOCK];
    for (size_t done = 0; done < n && together->n_frames; done += BLOCK) {
        size_t part = n - done < BLOCK ? n - done : BLOCK;
        for (size_t r = 0; r < part; r++)
            block[r] = rows ? rows[done + r] : (uint32_t)(done + r);
        for (size_t f = 0; f < together->n_frames; f++) {
            struct weir_profile_frame *frame = &together->frames[f];
            const int *column = together->column[f];
            if (frame->is_vector)
                add_vectors(together, frame, &batch->columns[column[0]], block, part);
            else
                add_fields(together, frame, column, batch, block, part);
        }
    }
}
