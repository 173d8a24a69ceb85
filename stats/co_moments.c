// SPDX-License-Identifier: Apache-2.0
#include "stats/co_moments.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/error.h"

// As in stats/moments.c: adding it leaves a number, rounded, in the low bits of the mantissa.
#define MAGIC 6755399441055744.0
#define STEPS 1048576.0 // 2^20: a square is below 2^27 of them
#define COUNT_LIMIT ((size_t)1 << 50)

enum { BLOCK = WEIR_CO_MOMENTS_BLOCK };

typedef double doubles __attribute__((vector_size(16)));
typedef int64_t longs __attribute__((vector_size(16)));

// Of number j in the records that also have number k.
struct part {
    int64_t count;
    int64_t sum, square; // in STEPS
};

struct weir_co_moments {
    size_t n;
    struct part *part; // n by n
    int64_t *product;  // n by n, of which j < k is used; in STEPS
    double *square;    // of a block, n by BLOCK
};

int weir_co_moments_create(size_t n, struct weir_co_moments **out)
{
    if (!n || n > WEIR_CO_MOMENTS_MOST)
        return WEIR_EINVAL;
    struct weir_co_moments *moments = calloc(1, sizeof *moments);
    if (!moments)
        return WEIR_ENOMEM;
    moments->n = n;
    moments->part = calloc(n * n, sizeof *moments->part);
    moments->product = calloc(n * n, sizeof *moments->product);
    moments->square = calloc(n * BLOCK, sizeof *moments->square);
    if (!moments->part || !moments->product || !moments->square) {
        weir_co_moments_destroy(moments);
        return WEIR_ENOMEM;
    }
    *out = moments;
    return 0;
}

void weir_co_moments_destroy(struct weir_co_moments *moments)
{
    if (!moments)
        return;
    free(moments->part);
    free(moments->product);
    free(moments->square);
    free(moments);
}

size_t weir_co_moments_size(const struct weir_co_moments *moments)
{
    return moments->n;
}

size_t weir_co_moments_memory(const struct weir_co_moments *moments)
{
    size_t n = moments->n;
    return sizeof *moments + n * n * (sizeof *moments->part + sizeof *moments->product) +
           n * BLOCK * sizeof *moments->square;
}

// Sums wrap rather than overflow: read back they could be any.
static void add(int64_t *into, int64_t more)
{
    *into = (int64_t)((uint64_t)*into + (uint64_t)more);
}

// The sum of products, each rounded by itself; n is even.
static int64_t dot(const double *a, const double *b, size_t n)
{
    const doubles zero = {0};
    const longs magic = (longs)(zero + MAGIC);
    longs sum = {0, 0};
    for (size_t i = 0; i < n; i += 2) {
        doubles x, y;
        memcpy(&x, a + i, sizeof x);
        memcpy(&y, b + i, sizeof y);
        sum += (longs)(x * y * STEPS + MAGIC) - magic;
    }
    return sum[0] + sum[1];
}

struct block {
    const double *z, *square, *present;
    int64_t count, sum, square_sum;
    int full; // every record has it
};

static void add_part(struct part *part, const struct block *of, const struct block *other, size_t n)
{
    if (other->full) {
        part->count += of->count;
        add(&part->sum, of->sum);
        add(&part->square, of->square_sum);
        return;
    }
    part->count += dot(of->present, other->present, n) / (int64_t)STEPS;
    add(&part->sum, dot(of->z, other->present, n));
    add(&part->square, dot(of->square, other->present, n));
}

void weir_co_moments_add(struct weir_co_moments *moments, double *z, double *present,
                         size_t records)
{
    struct block blocks[WEIR_CO_MOMENTS_MOST];
    size_t n = moments->n, even = (records + 1) & ~(size_t)1;
    for (size_t j = 0; j < n; j++) {
        double *values = z + j * BLOCK, *there = present + j * BLOCK;
        double *square = moments->square + j * BLOCK;
        if (even > records)
            values[records] = there[records] = 0;
        for (size_t r = 0; r < even; r++)
            square[r] = values[r] * values[r];
        struct block *b = &blocks[j];
        *b = (struct block){.z = values, .square = square, .present = there};
        b->count = dot(there, there, even) / (int64_t)STEPS;
        b->sum = dot(values, there, even);
        b->square_sum = dot(values, values, even);
        b->full = b->count == (int64_t)records;
    }
    for (size_t j = 0; j < n; j++) {
        struct part *own = &moments->part[j * n + j];
        own->count += blocks[j].count;
        add(&own->sum, blocks[j].sum);
        add(&own->square, blocks[j].square_sum);
        for (size_t k = j + 1; k < n; k++) {
            add_part(&moments->part[j * n + k], &blocks[j], &blocks[k], even);
            add_part(&moments->part[k * n + j], &blocks[k], &blocks[j], even);
            add(&moments->product[j * n + k], dot(blocks[j].z, blocks[k].z, even));
        }
    }
}

int weir_co_moments_merge(struct weir_co_moments *into, const struct weir_co_moments *from)
{
    size_t n = into->n;
    if (from->n != n)
        return WEIR_EINVAL;
    for (size_t i = 0; i < n * n; i++) {
        into->part[i].count += from->part[i].count;
        add(&into->part[i].sum, from->part[i].sum);
        add(&into->part[i].square, from->part[i].square);
        add(&into->product[i], from->product[i]);
    }
    return 0;
}

// ---- what is in them

double weir_co_moments_variance(const struct weir_co_moments *moments, size_t j)
{
    const struct part *own = &moments->part[j * moments->n + j];
    long double n = (long double)own->count, sum = (long double)own->sum / STEPS;
    if (own->count < 2)
        return NAN;
    long double squares = (long double)own->square / STEPS - sum * sum / n;
    return squares > 0 ? (double)(squares / (n - 1)) : 0;
}

struct weir_correlation weir_co_moments_correlation(const struct weir_co_moments *moments, size_t j,
                                                    size_t k)
{
    size_t n = moments->n, low = j < k ? j : k, high = j < k ? k : j;
    const struct part *a = &moments->part[low * n + high], *b = &moments->part[high * n + low];
    struct weir_correlation out = {(uint64_t)a->count, NAN, NAN};
    if (a->count < 2)
        return out;
    long double count = (long double)a->count, step = 1 / (long double)STEPS;
    long double x = (long double)a->sum * step / count, y = (long double)b->sum * step / count;
    long double xx = (long double)a->square * step / count - x * x;
    long double yy = (long double)b->square * step / count - y * y;
    long double xy = (long double)moments->product[low * n + high] * step / count - x * y;
    // A mean of rounded terms is off by half a step at most, as are the means that are squared.
    long double off = step / 2 * (1 + fabsl(x) + fabsl(y));
    long double off_x = step / 2 * (1 + 2 * fabsl(x)), off_y = step / 2 * (1 + 2 * fabsl(y));
    if (!(xx > 2 * off_x) || !(yy > 2 * off_y))
        return out;
    double r = (double)(xy / sqrtl(xx * yy));
    out.r = r > 1 ? 1 : r < -1 ? -1 : r;
    out.error = (double)(off / sqrtl(xx * yy) + off_x / xx + off_y / yy);
    return out;
}

// ---- bytes: a pair of which every record with one has both says no more

void weir_co_moments_write(const struct weir_co_moments *moments, struct weir_buffer *out)
{
    size_t n = moments->n;
    weir_put_long(out, (int64_t)n);
    for (size_t j = 0; j < n; j++) {
        const struct part *own = &moments->part[j * n + j];
        weir_put_long(out, own->count);
        weir_put_long(out, own->sum);
        weir_put_long(out, own->square);
    }
    for (size_t j = 0; j < n; j++)
        for (size_t k = j + 1; k < n; k++) {
            const struct part *a = &moments->part[j * n + k], *b = &moments->part[k * n + j];
            int whole = a->count == moments->part[j * n + j].count &&
                        a->count == moments->part[k * n + k].count;
            weir_put_long(out, moments->product[j * n + k]);
            weir_put_long(out, whole);
            if (whole)
                continue;
            weir_put_long(out, a->count);
            weir_put_long(out, a->sum);
            weir_put_long(out, a->square);
            weir_put_long(out, b->sum);
            weir_put_long(out, b->square);
        }
}

static void read_pair(struct weir_reader *in, struct weir_co_moments *moments, size_t j, size_t k)
{
    size_t n = moments->n;
    const struct part *x = &moments->part[j * n + j], *y = &moments->part[k * n + k];
    struct part *a = &moments->part[j * n + k], *b = &moments->part[k * n + j];
    moments->product[j * n + k] = weir_get_long(in);
    if (weir_get_count(in, 1)) {
        in->failed |= x->count != y->count;
        *a = *x;
        *b = *y;
        return;
    }
    int64_t most = x->count < y->count ? x->count : y->count;
    a->count = b->count = (int64_t)weir_get_count(in, (size_t)most);
    a->sum = weir_get_long(in);
    a->square = weir_get_long(in);
    b->sum = weir_get_long(in);
    b->square = weir_get_long(in);
    in->failed |= a->square < 0 || b->square < 0;
    // What could have been said in short was.
    in->failed |= a->count == x->count && a->count == y->count;
}

int weir_co_moments_read(struct weir_reader *in, struct weir_co_moments **out)
{
    struct weir_co_moments *moments;
    size_t n = weir_get_count(in, WEIR_CO_MOMENTS_MOST);
    if (in->failed || !n)
        return WEIR_ECORRUPT;
    int code = weir_co_moments_create(n, &moments);
    if (code)
        return code;
    for (size_t j = 0; j < n; j++) {
        struct part *own = &moments->part[j * n + j];
        own->count = (int64_t)weir_get_count(in, COUNT_LIMIT);
        own->sum = weir_get_long(in);
        own->square = weir_get_long(in);
        in->failed |= own->square < 0;
    }
    for (size_t j = 0; j < n && !in->failed; j++)
        for (size_t k = j + 1; k < n && !in->failed; k++)
            read_pair(in, moments, j, k);
    if (in->failed) {
        weir_co_moments_destroy(moments);
        return WEIR_ECORRUPT;
    }
    *out = moments;
    return 0;
}
