// SPDX-License-Identifier: Apache-2.0
#include "detectors/skew/rows.h"

#include <math.h>
#include <stdlib.h>

#include "stats/special.h"

static double share_of(const struct skew_tally *tally, size_t field)
{
    double pairs = (double)skew_field_pairs(&tally->fields[field]);
    return pairs > 0 ? (double)skew_field_differ(&tally->fields[field]) / pairs : 0;
}

// What is only rounded stands behind what is otherwise unlike.
static double weight_of(const struct skew_tally *tally, size_t field)
{
    const struct skew_field_tally *of = &tally->fields[field];
    double differ = (double)skew_field_differ(of), rounded = (double)of->verdicts[SKEW_ROUNDED];
    return share_of(tally, field) * (differ > 0 ? 1 - .95 * rounded / differ : 0);
}

int skew_rows_is_over(double n, double all, double allowed, double tests, double chance)
{
    return n > all * allowed && weir_binomial_sf(n, all, allowed) * tests < chance;
}

static void tell(const struct weir_window *window, int field, const char *name, double value,
                 double threshold)
{
    struct weir_statistic statistic = {
        .name = name, .value = value, .threshold = threshold, .p_value = NAN, .baseline = NAN};
    window->report(window, 0, field, &statistic);
}

static int judge_fields(const struct skew_instance *instance, const struct skew_tally *tally,
                        const struct weir_window *window)
{
    size_t *over = malloc((tally->n_fields + 1) * sizeof *over), n = 0;
    int judged = 0, code = 0;
    if (!over)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < tally->n_fields; i++) {
        uint64_t pairs = skew_field_pairs(&tally->fields[i]);
        if (pairs < instance->minimum)
            continue;
        judged = 1;
        tell(window, instance->pairs[i].served, "mismatch", share_of(tally, i), instance->mismatch);
        if (!skew_rows_is_over((double)skew_field_differ(&tally->fields[i]), (double)pairs,
                               instance->mismatch, (double)tally->n_fields, instance->chance))
            continue;
        size_t at = n++;
        for (; at && weight_of(tally, over[at - 1]) < weight_of(tally, i); at--)
            over[at] = over[at - 1];
        over[at] = i;
    }
    if (n)
        code = skew_rows_report(instance, tally, over, n, window);
    else if (instance->n_by)
        skew_rows_slices(instance, tally, window);
    free(over);
    return code ? code : judged;
}

static int judge_lonely(const struct skew_instance *instance, const struct skew_tally *tally,
                        const struct weir_window *window)
{
    int judged = 0;
    for (int side = 0; side < 2; side++) {
        uint64_t lonely = tally->lonely[side ? SKEW_LONELY_OFFLINE : SKEW_LONELY_SERVED];
        uint64_t all = lonely + tally->pairs;
        if (all < instance->minimum)
            continue;
        judged = 1;
        tell(window, -1, side ? "unpaired_offline" : "unpaired_served",
             (double)lonely / (double)all, instance->unpaired);
        if (skew_rows_is_over((double)lonely, (double)all, instance->unpaired, 2, instance->chance))
            skew_rows_report_lonely(instance, tally, side, window);
    }
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
        code = judge_fields(instance, &tally, window);
    if (code >= 0 && instance->joins)
        code |= judge_lonely(instance, &tally, window);
    skew_tally_free(&tally);
    if (code == WEIR_ENOMEM)
        return weir_error_set(error, code, "no memory for a window's pairs");
    return code < 0 ? weir_error_set(error, code, "a window's pairs do not decode") : code;
}
