// SPDX-License-Identifier: Apache-2.0
#include "detectors/skew/rows.h"

#include <stdlib.h>

#include "stats/special.h"

// How unlikely it is that a share within what is allowed shows so many: of all fields together.
static const double P_VALUE = 1e-4;

static double share_of(const struct skew_tally *tally, size_t field)
{
    double pairs = (double)skew_field_pairs(&tally->fields[field]);
    return pairs > 0 ? (double)skew_field_differ(&tally->fields[field]) / pairs : 0;
}

// The exact lower bound of the share lies above what is allowed (Clopper and Pearson, 1934).
static int is_over(const struct skew_instance *instance, const struct skew_tally *tally,
                   size_t field)
{
    double pairs = (double)skew_field_pairs(&tally->fields[field]);
    double differ = (double)skew_field_differ(&tally->fields[field]);
    return differ > pairs * instance->mismatch &&
           weir_binomial_sf(differ, pairs, instance->mismatch) * (double)tally->n_fields < P_VALUE;
}

static int judge(const struct skew_instance *instance, const struct skew_tally *tally,
                 const struct weir_window *window)
{
    size_t *over = malloc((tally->n_fields + 1) * sizeof *over), n = 0;
    int judged = 0;
    if (!over)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < tally->n_fields; i++) {
        if (skew_field_pairs(&tally->fields[i]) < instance->minimum)
            continue;
        judged = 1;
        struct weir_statistic statistic = {.name = "mismatch",
                                           .value = share_of(tally, i),
                                           .threshold = instance->mismatch,
                                           .p_value = __builtin_nan(""),
                                           .baseline = __builtin_nan("")};
        window->report(window, 0, instance->pairs[i].served, &statistic);
        if (!is_over(instance, tally, i))
            continue;
        size_t at = n++;
        for (; at && share_of(tally, over[at - 1]) < share_of(tally, i); at--)
            over[at] = over[at - 1];
        over[at] = i;
    }
    if (n)
        skew_rows_report(instance, tally, over, n, window);
    free(over);
    return judged;
}

int skew_rows_window(const struct skew_instance *instance, const struct weir_window *window,
                     struct weir_error *error)
{
    struct skew_tally tally;
    if (skew_tally_init(&tally, instance->n_pairs))
        return weir_error_set(error, WEIR_ENOMEM, "no memory for a window's pairs");
    int code = 0;
    for (size_t i = 0; i < window->n_extracts && !code; i++) {
        struct weir_reader in =
            weir_reader_make(window->extracts[i].data, window->extracts[i].length);
        // An edge that closes several panes at once writes one behind the other.
        while (!code && weir_reader_left(&in))
            code = skew_tally_read(&tally, &in);
    }
    if (!code)
        code = judge(instance, &tally, window);
    skew_tally_free(&tally);
    return code < 0 ? weir_error_set(error, code, "a window's pairs do not decode") : code;
}
