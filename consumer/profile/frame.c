// SPDX-License-Identifier: Apache-2.0
#include "consumer/profile/frame.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/error.h"

#define COUNT_LIMIT ((size_t)1 << 50)

static size_t places_of(const struct weir_profile_frame *frame)
{
    return frame->is_vector ? 1 : frame->n;
}

int weir_frame_scale(const double *values, size_t n, double *centre, double *scale)
{
    double sum = 0, squares = 0, count = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(values[i])) {
            sum += values[i];
            count++;
        }
    double mean = sum / count;
    for (size_t i = 0; i < n; i++)
        if (isfinite(values[i]))
            squares += (values[i] - mean) * (values[i] - mean);
    double deviation = sqrt(squares / (count - 1));
    if (!(count > 1) || !isfinite(mean) || !isfinite(deviation) || !(deviation > 0))
        return 0;
    *centre = mean;
    *scale = deviation;
    return 1;
}

int weir_frame_create(struct weir_profile_frame *frame, int is_vector, size_t n)
{
    *frame = (struct weir_profile_frame){.is_vector = is_vector, .n = n};
    frame->field = calloc(n + 1, sizeof *frame->field);
    frame->centre = calloc(n + 1, sizeof *frame->centre);
    frame->scale = calloc(n + 1, sizeof *frame->scale);
    frame->cut = calloc(n + 1, sizeof *frame->cut);
    return frame->field && frame->centre && frame->scale && frame->cut ? 0 : WEIR_ENOMEM;
}

void weir_frame_free(struct weir_profile_frame *frame)
{
    free(frame->field);
    free(frame->centre);
    free(frame->scale);
    free(frame->cut);
    weir_co_moments_destroy(frame->products);
    weir_embedding_destroy(frame->means);
    memset(frame, 0, sizeof *frame);
}

int weir_frame_begin(struct weir_profile_frame *frame, double width)
{
    int code = weir_embedding_create(frame->n, width, &frame->means);
    if (!code && !frame->is_vector && frame->n > 1)
        code = weir_co_moments_create(frame->n, &frame->products);
    return code;
}

int weir_frame_same(const struct weir_profile_frame *a, const struct weir_profile_frame *b)
{
    size_t doubles = a->n * sizeof(double);
    return a->is_vector == b->is_vector && a->n == b->n &&
           !memcmp(a->field, b->field, places_of(a) * sizeof *a->field) &&
           !memcmp(a->centre, b->centre, doubles) && !memcmp(a->scale, b->scale, doubles) &&
           weir_embedding_same(a->means, b->means);
}

int weir_frame_merge(struct weir_profile_frame *into, const struct weir_profile_frame *from)
{
    int code = weir_embedding_merge(into->means, from->means);
    if (!code && into->products)
        code = weir_co_moments_merge(into->products, from->products);
    for (size_t j = 0; j < into->n; j++)
        into->cut[j] += from->cut[j];
    return code;
}

int weir_frame_copy_empty(const struct weir_profile_frame *from, struct weir_profile_frame *into)
{
    int code = weir_frame_create(into, from->is_vector, from->n);
    if (code)
        return code;
    memcpy(into->field, from->field, places_of(from) * sizeof *into->field);
    memcpy(into->centre, from->centre, from->n * sizeof *into->centre);
    memcpy(into->scale, from->scale, from->n * sizeof *into->scale);
    return weir_frame_begin(into, weir_embedding_width(from->means));
}

double weir_frame_value(const struct weir_profile_frame *frame, size_t j, double value, int *cut)
{
    double z = (value - frame->centre[j]) / frame->scale[j];
    int far = fabs(z) > WEIR_CO_MOMENTS_REACH;
    *cut += far;
    return far ? copysign(WEIR_CO_MOMENTS_REACH, z) : z;
}

void weir_frame_write(const struct weir_profile_frame *frame, struct weir_buffer *out)
{
    weir_put_long(out, frame->is_vector != 0);
    weir_put_long(out, (int64_t)frame->n);
    for (size_t j = 0; j < places_of(frame); j++)
        weir_put_long(out, (int64_t)frame->field[j]);
    for (size_t j = 0; j < frame->n; j++) {
        weir_put_double(out, frame->centre[j]);
        weir_put_double(out, frame->scale[j]);
        weir_put_long(out, (int64_t)frame->cut[j]);
    }
    weir_embedding_write(frame->means, out);
    if (frame->products)
        weir_co_moments_write(frame->products, out);
}

static int read_numbers(struct weir_reader *in, size_t n_fields, struct weir_profile_frame *frame)
{
    for (size_t j = 0; j < places_of(frame); j++) {
        frame->field[j] = weir_get_count(in, n_fields - 1);
        in->failed |= j && frame->field[j] <= frame->field[j - 1];
    }
    for (size_t j = 0; j < frame->n; j++) {
        frame->centre[j] = weir_get_double(in);
        frame->scale[j] = weir_get_double(in);
        frame->cut[j] = weir_get_count(in, COUNT_LIMIT);
        if (!isfinite(frame->centre[j]) || !isfinite(frame->scale[j]) || !(frame->scale[j] > 0))
            return WEIR_ECORRUPT;
    }
    return weir_reader_code(in);
}

int weir_frame_read(struct weir_reader *in, size_t n_fields, struct weir_profile_frame *frame)
{
    int is_vector = (int)weir_get_count(in, 1);
    size_t n = weir_get_count(in, is_vector ? WEIR_EMBEDDING_MOST : WEIR_CO_MOMENTS_MOST);
    if (in->failed || !n || !n_fields)
        return WEIR_ECORRUPT;
    int code = weir_frame_create(frame, is_vector, n);
    if (!code)
        code = read_numbers(in, n_fields, frame);
    if (!code)
        code = weir_embedding_read(in, &frame->means);
    if (!code && weir_embedding_size(frame->means) != n)
        code = WEIR_ECORRUPT;
    if (!code && !is_vector && n > 1)
        code = weir_co_moments_read(in, &frame->products);
    if (!code && frame->products && weir_co_moments_size(frame->products) != n)
        code = WEIR_ECORRUPT;
    return code;
}
