// SPDX-License-Identifier: Apache-2.0
#include "consumer/profile/alone.h"

#include <math.h>
#include <stdlib.h>

#include "stats/meaning.h"

enum { LEAST_STRETCHES = 3 };

int weir_profile_tells_records(const char *name, enum weir_role role,
                               const struct weir_clues *clues)
{
    struct weir_inference inference = {0};
    if (role == WEIR_ROLE_KEY || role == WEIR_ROLE_TIME)
        return 1;
    if (clues->distinct)
        weir_meaning_infer(name, clues, &inference);
    return inference.meaning >= WEIR_MEANING_TIMESTAMP_S && inference.meaning <= WEIR_MEANING_HASH;
}

struct timed {
    int64_t stretch;
    double value;
};

static int by_stretch(const void *a, const void *b)
{
    const struct timed *x = a, *y = b;
    return (x->stretch > y->stretch) - (x->stretch < y->stretch);
}

int weir_profile_only_grows(const double *sample, const int64_t *times, size_t n, int64_t length,
                            int *grows)
{
    struct timed *timed = malloc((n + 1) * sizeof *timed);
    size_t kept = 0, stretches = 0;
    if (!timed)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (isfinite(sample[i]))
            timed[kept++] = (struct timed){times[i] / length - (times[i] % length < 0), sample[i]};
    }
    if (kept)
        qsort(timed, kept, sizeof *timed, by_stretch);
    double before = -INFINITY;
    *grows = 1;
    for (size_t i = 0, end; i < kept && *grows; i = end, stretches++) {
        double low = timed[i].value, high = low;
        for (end = i; end < kept && timed[end].stretch == timed[i].stretch; end++) {
            low = fmin(low, timed[end].value);
            high = fmax(high, timed[end].value);
        }
        *grows = low >= before;
        before = high;
    }
    *grows &= stretches >= LEAST_STRETCHES;
    free(timed);
    return 0;
}
