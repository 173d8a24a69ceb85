// SPDX-License-Identifier: Apache-2.0
#include "consumer/profile/lost.h"

#include <stdio.h>

static int has_sample(const struct weir_profile *profile)
{
    return profile->sample != NULL;
}

static int has_quality(const struct weir_profile *profile)
{
    return profile->quality.counts != NULL;
}

static int has_products(const struct weir_profile *profile)
{
    return profile->n_frames && profile->frames[0].products;
}

static int has_means(const struct weir_profile *profile)
{
    return profile->n_frames > 0;
}

static int has_words(const struct weir_profile *profile)
{
    for (size_t f = 0; f < profile->n_fields; f++)
        if (profile->fields[f].words)
            return 1;
    return 0;
}

static int has_clues(const struct weir_profile *profile)
{
    for (size_t f = 0; f < profile->n_fields; f++)
        if (profile->fields[f].clues.distinct)
            return 1;
    return 0;
}

static const struct {
    int (*has)(const struct weir_profile *profile);
    const char *what;
} parts[WEIR_PROFILE_PARTS_LOST] = {
    {has_sample, "whole rows (and what is learnt from them)"},
    {has_quality, "the model's metrics"},
    {has_products, "the correlations of all rows"},
    {has_means, "the random features of all rows"},
    {has_words, "counts of words"},
    {has_clues, "what fields mean"},
};

int weir_profile_lost(const struct weir_profile *const *profiles, const char *const *names,
                      size_t n, const struct weir_profile *merged, int part, char *out, size_t size)
{
    size_t with = n, without = n;
    if (parts[part].has(merged))
        return 0;
    for (size_t k = 0; k < n; k++) {
        if (parts[part].has(profiles[k]))
            with = k;
        else if (without == n)
            without = k;
    }
    if (with == n)
        return 0;
    if (without == n)
        snprintf(out, size,
                 "%s are lost: not all were counted in the same way (make all --like one of them)",
                 parts[part].what);
    else
        snprintf(out, size, "%s are lost: '%s' has none%s", parts[part].what, names[without],
                 profiles[without]->version < WEIR_PROFILE_VERSION ? " (it is of an older version)"
                                                                   : "");
    return 1;
}
