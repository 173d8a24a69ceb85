// SPDX-License-Identifier: Apache-2.0
// docs/statistics.md, from the table of statistics.
#include <stdio.h>

#include "consumer/compare/set.h"

static const char *kinds_of(unsigned kinds, char out[64])
{
    static const char *const names[] = {"numbers", "categories", "booleans",
                                        "text",    "vectors",    "rows"};
    size_t used = 0;
    for (unsigned i = 0; i < 6; i++)
        if (kinds >> i & 1)
            used += (size_t)snprintf(out + used, 64 - used, "%s%s", used ? ", " : "", names[i]);
    return out;
}

static const char *needs_of(enum weir_statistic_needs needs)
{
    static const char *const names[] = {"rows", "sketches", "cells", "moments", "counts"};
    return names[needs];
}

static const char *change_of(enum weir_statistic_direction direction)
{
    static const char *const names[] = {"larger", "far from 0", "far from 1", "far from the other",
                                        "p only"};
    return names[direction];
}

// A bar would end the cell.
static void print_cell(FILE *out, const char *text)
{
    for (; *text; text++)
        if (*text == '|')
            fputs("\\|", out);
        else
            fputc(*text, out);
}

static void print_table(FILE *out)
{
    fputs("| statistic | of | definition | change is | p | a shift of 0.2 sd gives |\n"
          "|---|---|---|---|---|---|\n",
          out);
    for (unsigned i = 0; i < WEIR_STATISTICS; i++) {
        const struct weir_statistic_info *info = weir_statistic_info((enum weir_statistic_id)i);
        char kinds[64], floor[16] = "";
        if (info->floor > 0)
            snprintf(floor, sizeof floor, "%g", info->floor);
        fprintf(out, "| `%s` | %s | ", info->name, kinds_of(info->kinds, kinds));
        print_cell(out, info->definition);
        fprintf(out, " | %s | %s | %s |\n", change_of(info->direction), info->has_p ? "yes" : "",
                floor);
    }
}

static void print_bounds(FILE *out)
{
    fputs("| statistic | files | profiles, windows | the value is off by at most |\n"
          "|---|---|---|---|\n",
          out);
    for (unsigned i = 0; i < WEIR_STATISTICS; i++) {
        const struct weir_statistic_info *info = weir_statistic_info((enum weir_statistic_id)i);
        int rows = info->window == WEIR_NEEDS_ROWS;
        fprintf(out, "| `%s` | %s | %s | %s |\n", info->name, needs_of(info->exact),
                !rows ? needs_of(info->window)
                : i == WEIR_STATISTIC_MMD || i == WEIR_STATISTIC_VECTOR_MMD ||
                        i == WEIR_STATISTIC_CORRELATION_CHANGE
                    ? "all rows, else sampled ones (profiles)"
                : info->bound ? "sampled rows (profiles)"
                : info->exact == WEIR_NEEDS_ROWS && info->kinds == WEIR_KIND_TEXT
                    ? "counts of words (profiles)"
                    : "-",
                info->bound                             ? info->bound
                : rows && info->kinds != WEIR_KIND_TEXT ? ""
                                                        : "nothing");
    }
}

static void print_charts(FILE *out)
{
    fputs(
        "\n## Charted over windows\n\n"
        "What creeps is in no window large enough to be called a change. The drift detector charts "
        "any of\nthe statistics that windows have, field by field against each reference, for the "
        "whole stream:\n\n"
        "```yaml\n"
        "tests: [auto, cusum(psi) > 8, ewma(wasserstein_normalised), page_hinkley(null_rate "
        "learn=100) > 20]\n"
        "```\n\n"
        "| chart | is beyond its threshold where | may be told |\n|---|---|---|\n"
        "| `cusum` | the sum of deviations, less `slack` at each window, is more (Page, 1954) | "
        "`learn`, `slack` |\n"
        "| `ewma` | the moving average with weight `weight` of the newest is so many of its own "
        "standard deviations off (Roberts, 1959) | `learn`, `weight` (0.1) |\n"
        "| `page_hinkley` | the sum of deviations from the mean so far, less `delta` each, is so "
        "much above its least (Page, 1954; as in River 0.26) | `learn`, `delta`, `alpha` (0.9999), "
        "`minimum` (30) |\n\n"
        "All are in standard deviations of what the first `learn` windows had: a week's unless "
        "told (30 to\n500), or the calibration where there is one; `calibration.exclude` is left "
        "out. Where windows go on\nfrom each other, or rhythms alone would take the chart to "
        "three quarters of its threshold, a standard\ndeviation counts for as much more; it is "
        "never less than a quarter of what a shift of 0.2 sd gives (first table).\n"
        "`slack` and `delta` are 0.25 unless told, or three standard errors of what was learnt. "
        "Charted are\nvalues, logarithms of ratios, differences of rates from the reference's, "
        "and of statistics that only p\ntells the normal score of p. Distances are looked at "
        "upwards only, the others both ways. A CUSUM does\nnot rise over twice its threshold; "
        "after its alarm Page-Hinkley starts anew, so what stays changed is\ntold once.\n\n"
        "Without a threshold there is one for about one false alarm in 30 days over all fields, of "
        "windows that\nare independent. Each chart is a rule with incidents of its own "
        "(`drift.slow`) that say since when; it is\noutside the false-alarm budget, which slow "
        "drift without a name keeps.\n",
        out);
}

static void print_quality(FILE *out)
{
    static const char *const of[WEIR_QUALITY_METRICS] = {
        "share of records whose prediction is the label | Wilson",
        "of two classes of the positive one, else the mean over classes (an undefined one is 0) | "
        "Wilson; delta method",
        "the same | Wilson; delta method",
        "the same | Wilson's of TP / (TP + FP + FN); delta method",
        "agreement beyond chance (Cohen, 1960) | delta method",
        "correlation of label and prediction (Matthews, 1975; Gorodkin, 2004) | delta method",
        "area under the ROC curve: ties are half | DeLong's on the log odds, and the bound",
        "mean of -ln of the label's probability, which is kept 2.2e-16 off 0 and 1 | standard "
        "error",
        "mean squared difference of score and label | standard error",
        "root of the squared gap of mean score and share, debiased, 15 bins (Kumar, Liang and Ma, "
        "2019) | standard error of the square",
        "mean absolute error, in the label's unit | standard error",
        "root of the mean squared error | standard error of the square",
        "mean of predicted less label | standard error",
        "1 - squared errors over squares about the labels' mean | delta method"};
    fputs(
        "\n## What a model's answers were worth\n\n"
        "Where a label stands beside a prediction or a score (by the roles of a configuration, in "
        "a profile;\nby `--label`, `--prediction` and `--score` of two files), these are printed "
        "of both, with the change.\nAll are scikit-learn's (tests/conformance/quality_test.py), "
        "but for the calibration error. Intervals are\nof 95%, changes by Zou and Donner (2008). "
        "A profile counts every record: what it says is exact, but\n`roc_auc`, which is within "
        "`bound` (256 cells of scores). A prediction is made of a score above 0.5\nwhere there is "
        "none. A string is positive where it is the second of the label's two `values`, else\n"
        "where it is sorted later; of numbers the larger one, of booleans true.\n\n"
        "| metric | definition | interval |\n|---|---|---|\n",
        out);
    for (int i = 0; i < WEIR_QUALITY_METRICS; i++)
        fprintf(out, "| `%s` | %s |\n", weir_quality_metric_name((enum weir_quality_metric_id)i),
                of[i]);
}

void weir_compare_manual(FILE *out)
{
    fputs(
        "# Statistics\n\n"
        "Printed by `weir compare --manual`. `weir compare --json` has all of them for each field "
        "of\ntwo files or profiles; the drift detector takes them in `tests:`, as in `tests: "
        "[auto, psi >\n0.25, ks p < 0.01]`. p and q are the shares of a cell in the reference and "
        "in the current\nsample.\n\n",
        out);
    print_table(out);
    fputs(
        "\nNumbers are counted in cells of the reference: 32 of equal mass, further cuts at the "
        "0.1, 0.5,\n99.5 and 99.9% quantiles, and a cell for every value with more than 1/32 of "
        "the mass. What cannot\nbe told (no values, one value, too few, not defined) is null with "
        "a "
        "reason, never NaN. `quantile_shift`\nalso prints the shift of every single quantile.\n\n"
        "## From rows, and without them\n\n"
        "Files are compared exactly. Profiles and windows hold summaries: there, values come with "
        "a `bound` on\ntheir distance from the exact one. Profiles also keep a sample of whole "
        "rows (n of the reference, m of\nthe current one; 5,000 unless `--rows` says otherwise); "
        "what comes from it is within its `bound` in 19\nof 20 cases. Times, keys and what looks "
        "like ids take no part in what is said of all fields.\n\n",
        out);
    print_bounds(out);
    print_charts(out);
    print_quality(out);
    fputs("\n## What others call drift\n\n"
          "Their default thresholds. `weir compare --preset NAME` has their own definitions (bins, "
          "logarithms)\nwhere they differ.\n\n"
          "| program | statistic | drift where | |\n|---|---|---|---|\n",
          out);
    for (const struct weir_statistic_default *d = weir_statistic_defaults(); d->program; d++)
        fprintf(out, "| %s | `%s` | %s %g | %s |\n", d->program,
                weir_statistic_info(d->statistic)->name, d->on_p ? "p <" : ">", d->threshold,
                d->note ? d->note : "");
    fputs(
        "\nThe presets are held to what the programs themselves said of 48 pairs of samples, "
        "stored "
        "with the script\nthat asked them (`tests/conformance/presets`): Evidently 0.7.23 and "
        "NannyML "
        "0.13.1 to rounding, NannyML's\nthresholds with them (the current file is one chunk; a "
        "constant "
        "threshold is a test by name, as in\n`jensen_shannon > 0.1`); of TFDV 1.16.1 L-infinity to "
        "rounding, its divergence to rounding of its own\nhistograms, which come from approximate "
        "quantiles, and to 0.005 of the rows. Page-Hinkley's alarms are\nRiver 0.26.1's, one by "
        "one. "
        "whylogs and Deepchecks have statistics of the first table: their thresholds\nare tests by "
        "name (`hellinger > 0.4`, `ks > 0.2`), on whylogs' side of samples that it has sketched.\n",
        out);
}
