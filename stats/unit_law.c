// SPDX-License-Identifier: Apache-2.0
#include "stats/unit_law.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "weir/error.h"

double weir_unit_apply(const struct weir_unit_map *map, double x)
{
    switch (map->form) {
    case WEIR_UNIT_LOG:
        return x + map->b > 0 ? map->a * log(x + map->b) : NAN;
    case WEIR_UNIT_EXP:
        return exp(x / map->a) - map->b;
    case WEIR_UNIT_LINEAR:
        break;
    }
    return map->a * x + map->b;
}

double weir_unit_undo(const struct weir_unit_map *map, double y)
{
    switch (map->form) {
    case WEIR_UNIT_LOG:
        return exp(y / map->a) - map->b;
    case WEIR_UNIT_EXP:
        return y + map->b > 0 ? map->a * log(y + map->b) : -INFINITY;
    case WEIR_UNIT_LINEAR:
        break;
    }
    return (y - map->b) / map->a;
}

struct weir_unit_map weir_unit_inverse(const struct weir_unit_map *map)
{
    if (map->form == WEIR_UNIT_LINEAR)
        return (struct weir_unit_map){WEIR_UNIT_LINEAR, 1 / map->a, -map->b / map->a};
    return (struct weir_unit_map){map->form == WEIR_UNIT_LOG ? WEIR_UNIT_EXP : WEIR_UNIT_LOG,
                                  map->a, map->b};
}

struct filling {
    struct weir_law *law;
    double origin;
};

static void count_bucket(void *context, double low, double high, uint64_t count)
{
    (void)low;
    (void)high;
    (void)count;
    ++*(size_t *)context;
}

static void take_bucket(void *context, double low, double high, uint64_t count)
{
    struct filling *filling = context;
    struct weir_law *law = filling->law;
    law->low[law->n] = low + filling->origin;
    law->high[law->n] = high + filling->origin;
    law->below[law->n] = law->total;
    law->total += (double)count;
    law->below[++law->n] = law->total;
}

static void find_lumps(struct weir_law *law)
{
    for (size_t i = 0; i < law->n; i++) {
        double mass = law->below[i + 1] - law->below[i], beside = 0;
        if (i && law->high[i - 1] == law->low[i])
            beside += law->below[i] - law->below[i - 1];
        if (i + 1 < law->n && law->low[i + 1] == law->high[i])
            beside += law->below[i + 2] - law->below[i + 1];
        law->lump[i] = fmax(0, mass - beside);
    }
}

int weir_law_make(const struct weir_ddsketch *sketch, struct weir_law *law)
{
    size_t n = 0;
    weir_ddsketch_each(sketch, count_bucket, &n);
    double *room = malloc((4 * n + 1) * sizeof *room);
    if (!room)
        return WEIR_ENOMEM;
    *law = (struct weir_law){room, room + n, room + 2 * n, room + 3 * n + 1, 0, 0};
    law->below[0] = 0;
    struct filling filling = {law, weir_ddsketch_origin(sketch)};
    weir_ddsketch_each(sketch, take_bucket, &filling);
    find_lumps(law);
    return 0;
}

void weir_law_free(struct weir_law *law)
{
    free(law->low);
    memset(law, 0, sizeof *law);
}

// The number of buckets that begin below x.
static size_t begun(const struct weir_law *law, double x)
{
    size_t from = 0, n = law->n;
    while (n) {
        size_t half = n / 2;
        int right = law->low[from + half] < x;
        from = right ? from + half + 1 : from;
        n = right ? n - half - 1 : half;
    }
    return from;
}

double weir_law_below(const struct weir_law *law, double x, double *doubt)
{
    size_t i = begun(law, x);
    if (!i || !(law->total > 0))
        return 0;
    i--;
    if (x >= law->high[i])
        return law->below[i + 1] / law->total;
    double part = (x - law->low[i]) / (law->high[i] - law->low[i]);
    if (doubt)
        *doubt += law->lump[i] / law->total;
    return (law->below[i] + part * (law->below[i + 1] - law->below[i])) / law->total;
}

double weir_law_mapped_below(const struct weir_law *law, const struct weir_unit_map *map, double y,
                             double *doubt)
{
    double share = weir_law_below(law, weir_unit_undo(map, y), doubt);
    return map->form == WEIR_UNIT_LINEAR && map->a < 0 ? 1 - share : share;
}

double weir_law_quantile(const struct weir_law *law, double q)
{
    if (!law->n)
        return NAN;
    double rank = q * law->total;
    size_t from = 0, n = law->n; // the first bucket with below[i + 1] >= rank
    while (n) {
        size_t half = n / 2;
        int right = law->below[from + half + 1] < rank;
        from = right ? from + half + 1 : from;
        n = right ? n - half - 1 : half;
    }
    size_t i = from < law->n ? from : law->n - 1;
    double mass = law->below[i + 1] - law->below[i];
    double part = fmin(1, fmax(0, (rank - law->below[i]) / mass));
    return law->low[i] + part * (law->high[i] - law->low[i]);
}
