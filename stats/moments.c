// SPDX-License-Identifier: Apache-2.0
#include "stats/moments.h"

#include <math.h>
#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "stats/summary.h"
#include "stats/wide.h"

#define WIDE_MAX ((weir_wide)(((weir_unsigned_wide)1 << 127) - 1))

// Adding it to |v| < 2^51 leaves v, rounded to an integer, in the low bits of the mantissa.
#define MAGIC 6755399441055744.0
#define FIRST 4294967296.0 // 2^32: units of the first power
#define SECOND 16777216.0  // 2^24: units of the second
// Below it both terms stay under 2^51, and 4,096 of either under 2^63.
#define NEAR 8192.0
enum { BLOCK = 4096 };

typedef double doubles __attribute__((vector_size(16)));
typedef int64_t longs __attribute__((vector_size(16)));

// The sum of squares saturates: its terms are not negative, so that is order-free too.
static weir_wide add_saturated(weir_wide a, weir_wide b)
{
    return a > WIDE_MAX - b ? WIDE_MAX : a + b;
}

// Values out of the fast way's reach.
static void add_far(struct weir_moments *moments, double centre, double inverse, const double *x,
                    size_t n)
{
    for (size_t i = 0; i < n; i++) {
        double z = (x[i] - centre) * inverse;
        if (fabs(z) < NEAR)
            continue;
        if (!(fabs(z) < WEIR_MOMENTS_REACH)) {
            moments->outside++;
            continue;
        }
        moments->n++;
        moments->sum = weir_wide_add(moments->sum, (weir_wide)rint(z * FIRST));
        moments->sum_squares = add_saturated(moments->sum_squares, (weir_wide)rint(z * z * SECOND));
    }
}

// Two numbers at a time, which every machine of this kind can.
struct lanes {
    longs sum, squares, near;
    doubles low, high;
};

// Of each lane the lower, the higher: `b` where they are equal.
static inline doubles lower(doubles a, doubles b)
{
#ifdef __SSE2__
    return _mm_min_pd(a, b);
#else
    longs mask = a < b;
    return (doubles)((mask & (longs)a) | (~mask & (longs)b));
#endif
}

static inline doubles higher(doubles a, doubles b)
{
#ifdef __SSE2__
    return _mm_max_pd(a, b);
#else
    longs mask = a > b;
    return (doubles)((mask & (longs)a) | (~mask & (longs)b));
#endif
}

static inline void add_lanes(struct lanes *lanes, const double *x, double centre, double inverse)
{
    const doubles zero = {0};
    const longs magic = (longs)(zero + MAGIC);
    doubles v;
    memcpy(&v, x, sizeof v);
    lanes->low = lower(v, lanes->low);
    lanes->high = higher(v, lanes->high);
    doubles z = (v - centre) * inverse;
    // One comparison: of two that are combined GCC makes a jump a lane.
    longs within = (doubles)((longs)z & INT64_MAX) < NEAR;
    z = (doubles)(within & (longs)z);
    lanes->near -= within;
    lanes->sum += (longs)(z * FIRST + MAGIC) - magic;
    lanes->squares += (longs)(z * z * SECOND + MAGIC) - magic;
}

static void add_block(struct weir_moments *moments, double centre, double inverse, const double *x,
                      size_t n)
{
    const doubles zero = {0};
    struct lanes a = {.low = zero + x[0], .high = zero + x[0]}, b = a;
    size_t i = 0;
    for (; i + 4 <= n; i += 4) {
        add_lanes(&a, x + i, centre, inverse);
        add_lanes(&b, x + i + 2, centre, inverse);
    }
    a.near += b.near;
    a.sum += b.sum;
    a.squares += b.squares;
    a.low = lower(b.low, a.low);
    a.high = higher(b.high, a.high);
    uint64_t n_near = (uint64_t)(a.near[0] + a.near[1]);
    int64_t s = a.sum[0] + a.sum[1], q = a.squares[0] + a.squares[1];
    double minimum = a.low[1] < a.low[0] ? a.low[1] : a.low[0];
    double maximum = a.high[1] > a.high[0] ? a.high[1] : a.high[0];
    for (; i < n; i++) {
        minimum = x[i] < minimum ? x[i] : minimum;
        maximum = x[i] > maximum ? x[i] : maximum;
        double z = (x[i] - centre) * inverse;
        if (fabs(z) < NEAR) {
            s += (int64_t)rint(z * FIRST);
            q += (int64_t)rint(z * z * SECOND);
            n_near++;
        }
    }
    if (!(moments->n + moments->outside)) {
        moments->minimum = minimum;
        moments->maximum = maximum;
    } else {
        moments->minimum = minimum < moments->minimum ? minimum : moments->minimum;
        moments->maximum = maximum > moments->maximum ? maximum : moments->maximum;
    }
    moments->n += n_near;
    moments->sum = weir_wide_add(moments->sum, s);
    moments->sum_squares = add_saturated(moments->sum_squares, q);
    if (n_near < n)
        add_far(moments, centre, inverse, x, n);
}

void weir_moments_add(struct weir_moments *moments, double centre, double scale, const double *x,
                      size_t n)
{
    double inverse = 1 / scale;
    for (size_t i = 0; i < n; i += BLOCK)
        add_block(moments, centre, inverse, x + i, n - i < BLOCK ? n - i : BLOCK);
}

void weir_moments_merge(struct weir_moments *into, const struct weir_moments *from)
{
    if (!(from->n + from->outside))
        return;
    if (!(into->n + into->outside)) {
        *into = *from;
        return;
    }
    into->n += from->n;
    into->outside += from->outside;
    into->sum = weir_wide_add(into->sum, from->sum);
    into->sum_squares = add_saturated(into->sum_squares, from->sum_squares);
    into->minimum = from->minimum < into->minimum ? from->minimum : into->minimum;
    into->maximum = from->maximum > into->maximum ? from->maximum : into->maximum;
}

double weir_moments_mean(const struct weir_moments *moments, const struct weir_cells *cells)
{
    double centre = cells ? cells->centre : 0, scale = cells ? cells->scale : 1;
    if (!moments->n)
        return centre;
    return centre + scale * ((double)moments->sum / FIRST / (double)moments->n);
}

double weir_moments_variance(const struct weir_moments *moments, const struct weir_cells *cells)
{
    double scale = cells ? cells->scale : 1;
    if (moments->n < 2)
        return 0;
    long double n = (long double)moments->n;
    long double first = (long double)moments->sum / (long double)FIRST;
    long double second = (long double)moments->sum_squares / (long double)SECOND;
    long double square = (second - first * first / n) / (n - 1);
    return square > 0 ? (double)square * scale * scale : 0;
}
