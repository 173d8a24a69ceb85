// SPDX-License-Identifier: Apache-2.0
#include "stats/embedding.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/special.h"
#include "weir/error.h"

enum { FEATURES = WEIR_EMBEDDING_FEATURES, BLOCK = WEIR_EMBEDDING_BLOCK };
#define STEPS 1048576.0f // of a cosine
#define LIFT 2097152     // steps that are added, so that what is cut off is positive
#define COUNT_LIMIT ((size_t)1 << 38)

struct weir_embedding {
    size_t n;
    double width;
    uint64_t records;
    int64_t sum[FEATURES]; // of cosines, in STEPS
    float *weight;         // FEATURES by n, in turns
    float phase[FEATURES]; // in turns
};

// splitmix64: the same numbers everywhere.
static uint64_t next(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static double uniform(uint64_t *state)
{
    return ((double)(next(state) >> 11) + 0.5) * 0x1p-53;
}

int weir_embedding_create(size_t n, double width, struct weir_embedding **out)
{
    if (!n || n > WEIR_EMBEDDING_MOST || !(width > 0) || !isfinite(width))
        return WEIR_EINVAL;
    struct weir_embedding *embedding = calloc(1, sizeof *embedding);
    float *weight = embedding ? malloc(FEATURES * n * sizeof *weight) : NULL;
    if (!weight) {
        free(embedding);
        return WEIR_ENOMEM;
    }
    uint64_t state = 20260101;
    embedding->n = n;
    embedding->width = width;
    embedding->weight = weight;
    for (size_t k = 0; k < FEATURES; k++) {
        for (size_t j = 0; j < n; j++) {
            double turns = weir_normal_quantile(uniform(&state)) / (6.28318530717958647693 * width);
            // A kernel so narrow that all records are apart: more turns would tell no more.
            weight[k * n + j] = (float)fmax(-1e4, fmin(1e4, turns));
        }
        embedding->phase[k] = (float)uniform(&state);
    }
    *out = embedding;
    return 0;
}

void weir_embedding_destroy(struct weir_embedding *embedding)
{
    if (embedding)
        free(embedding->weight);
    free(embedding);
}

uint64_t weir_embedding_records(const struct weir_embedding *embedding)
{
    return embedding->records;
}

size_t weir_embedding_size(const struct weir_embedding *embedding)
{
    return embedding->n;
}

double weir_embedding_width(const struct weir_embedding *embedding)
{
    return embedding->width;
}

// The cosine of so many turns, within 1e-6: the sine of a quarter less the distance from a whole
// turn, by its series.
static inline float cosine(float turns)
{
    const float whole = 12582912.0f; // adding it rounds
    float rest = turns - ((turns + whole) - whole);
    float x = 6.2831853f * (0.25f - fabsf(rest)), x2 = x * x;
    return x * (1 + x2 * (-1.6666667e-1f +
                          x2 * (8.3333333e-3f + x2 * (-1.9841270e-4f +
                                                      x2 * (2.7557319e-6f - x2 * 2.5052108e-8f)))));
}

// Feature k of up to BLOCK records, each a cosine.
static void feature_of(const struct weir_embedding *embedding, size_t k, const float *z,
                       size_t stride, size_t records, float *out)
{
    const float *weight = embedding->weight + k * embedding->n;
    for (size_t r = 0; r < records; r++)
        out[r] = embedding->phase[k];
    for (size_t j = 0; j < embedding->n; j++) {
        const float *column = z + j * stride;
        float w = weight[j];
        for (size_t r = 0; r < records; r++)
            out[r] += w * column[r];
    }
    for (size_t r = 0; r < records; r++)
        out[r] = cosine(out[r]);
}

void weir_embedding_add(struct weir_embedding *embedding, const float *z, size_t stride,
                        size_t records)
{
    float feature[BLOCK];
    for (size_t k = 0; k < FEATURES; k++) {
        feature_of(embedding, k, z, stride, records, feature);
        int32_t sum = 0; // BLOCK times LIFT and a half fit
        for (size_t r = 0; r < records; r++)
            sum += (int32_t)(feature[r] * STEPS + ((float)LIFT + 0.5f)) - LIFT;
        embedding->sum[k] += sum;
    }
    embedding->records += records;
}

int weir_embedding_same(const struct weir_embedding *a, const struct weir_embedding *b)
{
    return a->n == b->n && a->width == b->width;
}

int weir_embedding_merge(struct weir_embedding *into, const struct weir_embedding *from)
{
    if (!weir_embedding_same(into, from))
        return WEIR_EINVAL;
    for (size_t k = 0; k < FEATURES; k++)
        into->sum[k] += from->sum[k];
    into->records += from->records;
    return 0;
}

void weir_embedding_write(const struct weir_embedding *embedding, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)embedding->n);
    weir_put_double(out, embedding->width);
    weir_put_long(out, (int64_t)embedding->records);
    for (size_t k = 0; k < FEATURES; k++)
        weir_put_long(out, embedding->sum[k]);
}

int weir_embedding_read(struct weir_reader *in, struct weir_embedding **out)
{
    size_t n = weir_get_count(in, WEIR_EMBEDDING_MOST);
    double width = weir_get_double(in);
    uint64_t records = weir_get_count(in, COUNT_LIMIT);
    struct weir_embedding *embedding;
    if (in->failed)
        return WEIR_ECORRUPT;
    int code = weir_embedding_create(n, width, &embedding);
    if (code)
        return code == WEIR_ENOMEM ? code : WEIR_ECORRUPT;
    // A cosine may be beyond 1 by its own error.
    int64_t most = (int64_t)records * ((int64_t)STEPS + 16);
    embedding->records = records;
    for (size_t k = 0; k < FEATURES; k++) {
        embedding->sum[k] = weir_get_long(in);
        in->failed |= embedding->sum[k] > most || embedding->sum[k] < -most;
    }
    if (in->failed) {
        weir_embedding_destroy(embedding);
        return WEIR_ECORRUPT;
    }
    *out = embedding;
    return 0;
}

// ---- distances

// Centred features of all records, FEATURES by `records`.
static float *centred(const struct weir_embedding *embedding, const float *z, size_t stride,
                      size_t records)
{
    float *feature = malloc(FEATURES * records * sizeof *feature);
    for (size_t k = 0; feature && k < FEATURES; k++) {
        float *row = feature + k * records;
        double sum = 0;
        for (size_t r = 0; r < records; r += BLOCK) {
            size_t n = records - r < BLOCK ? records - r : BLOCK;
            feature_of(embedding, k, z + r, stride, n, row + r);
        }
        for (size_t r = 0; r < records; r++)
            sum += (double)row[r];
        float mean = (float)(sum / (double)records);
        for (size_t r = 0; r < records; r++)
            row[r] -= mean;
    }
    return feature;
}

int weir_embedding_spread(const struct weir_embedding *embedding, const float *z, size_t stride,
                          size_t records, struct weir_embedding_spread *out)
{
    float *feature = centred(embedding, z, stride, records);
    if (!feature)
        return WEIR_ENOMEM;
    double trace = 0, square = 0, n = (double)records;
    for (size_t j = 0; j < FEATURES; j++)
        for (size_t k = 0; k <= j; k++) {
            const float *a = feature + j * records, *b = feature + k * records;
            float part[4] = {0};
            size_t r = 0;
            for (; r + 4 <= records; r += 4)
                for (int i = 0; i < 4; i++)
                    part[i] += a[r + (size_t)i] * b[r + (size_t)i];
            for (; r < records; r++)
                part[0] += a[r] * b[r];
            double c = 2.0 / FEATURES / (n - 1) *
                       ((double)part[0] + (double)part[1] + (double)part[2] + (double)part[3]);
            trace += j == k ? c : 0;
            square += (j == k ? 1 : 2) * c * c;
        }
    free(feature);
    // A sample's own scatter is in its square.
    double least = trace * trace / FEATURES;
    square -= trace * trace / n;
    *out = (struct weir_embedding_spread){trace, square > least ? square : least};
    return 0;
}

struct weir_test weir_embedding_distance(const struct weir_embedding *a,
                                         const struct weir_embedding *b,
                                         const struct weir_embedding_spread *spread)
{
    if (!a->records || !b->records)
        return (struct weir_test){
            0, 1, !a->records ? WEIR_TEST_REFERENCE_EMPTY : WEIR_TEST_CURRENT_EMPTY};
    if (a->records < 2 || b->records < 2)
        return (struct weir_test){0, 1, WEIR_TEST_TOO_FEW};
    double n = (double)a->records, m = (double)b->records, square = 0, norm = 0;
    for (size_t k = 0; k < FEATURES; k++) {
        double x = (double)a->sum[k] / n, y = (double)b->sum[k] / m;
        double both = ((double)a->sum[k] + (double)b->sum[k]) / (n + m);
        square += (x - y) * (x - y);
        norm += both * both;
    }
    double scale = 2.0 / FEATURES / ((double)STEPS * (double)STEPS);
    square *= scale;
    norm *= scale;
    // Features have a length of about 1.
    double trace = spread ? spread->trace : fmax(0, 1 - norm), expected = trace * (1 / n + 1 / m);
    double freedom = spread && spread->square > 0 ? trace * trace / spread->square : 1, p = 1;
    if (expected > 0)
        p = weir_chi_square_sf(square / expected * freedom, freedom);
    else if (square > 1e-12)
        p = 0;
    return (struct weir_test){sqrt(square), p, WEIR_TEST_OK};
}
