// SPDX-License-Identifier: Apache-2.0
#include "consumer/cli/quality.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

enum { BINS = 10, MOST_SHOWN = 12, NAME_WIDTH = 20 };

// ---- JSON

static void put_metric(struct weir_json_writer *json, const struct weir_quality_metric *metric)
{
    weir_json_open(json, '{');
    weir_json_put_double(json, "value", metric->value);
    weir_json_put_double(json, "low", metric->low);
    weir_json_put_double(json, "high", metric->high);
    if (metric->bound > 0)
        weir_json_put_double(json, "bound", metric->bound);
    if (metric->reason)
        weir_json_put_text(json, "reason", metric->reason);
    weir_json_close(json, '}');
}

static const char *class_name(const struct weir_quality *counts, size_t i)
{
    return i < counts->spec.n_classes ? counts->spec.classes[i] : NULL; // NULL: all others
}

static void put_classes(struct weir_json_writer *json, const struct weir_quality *counts)
{
    weir_json_key(json, "classes");
    weir_json_open(json, '[');
    for (size_t i = 0; i <= counts->spec.n_classes; i++) {
        struct weir_quality_class of;
        weir_quality_of_class(counts, i, &of);
        if (i == counts->spec.n_classes && !(of.labels + of.predictions))
            continue;
        weir_json_open(json, '{');
        weir_json_put_text(json, "class", class_name(counts, i));
        weir_json_put_count(json, "labels", of.labels);
        weir_json_put_count(json, "predictions", of.predictions);
        weir_json_put_count(json, "right", of.right);
        weir_json_put_double(json, "precision", of.precision);
        weir_json_put_double(json, "recall", of.recall);
        weir_json_put_double(json, "f1", of.f1);
        weir_json_close(json, '}');
    }
    weir_json_close(json, ']');
}

// Only what there is.
static void put_confusion(struct weir_json_writer *json, const struct weir_quality *counts)
{
    size_t n = counts->spec.n_classes;
    weir_json_key(json, "confusion");
    weir_json_open(json, '[');
    for (size_t i = 0; i < (n + 1) * (n + 2); i++) {
        if (!counts->confusion[i])
            continue;
        weir_json_open(json, '{');
        weir_json_put_text(json, "label", class_name(counts, i / (n + 2)));
        weir_json_put_text(json, "prediction", class_name(counts, i % (n + 2)));
        weir_json_put_count(json, "count", counts->confusion[i]);
        weir_json_close(json, '}');
    }
    weir_json_close(json, ']');
}

static void put_calibration(struct weir_json_writer *json, const struct weir_quality *counts)
{
    struct weir_quality_bin bins[BINS];
    size_t n = weir_quality_calibration(counts, BINS, bins);
    weir_json_key(json, "calibration");
    weir_json_open(json, '[');
    for (size_t i = 0; i < n; i++) {
        weir_json_open(json, '{');
        weir_json_put_double(json, "low", bins[i].low);
        weir_json_put_double(json, "high", bins[i].high);
        weir_json_put_count(json, "records", bins[i].n);
        weir_json_put_count(json, "positives", bins[i].positives);
        weir_json_put_double(json, "score", bins[i].score);
        weir_json_close(json, '}');
    }
    weir_json_close(json, ']');
}

void weir_cli_quality_json(struct weir_json_writer *json,
                           const struct weir_profile_quality *quality)
{
    const struct weir_quality *counts = quality->counts;
    struct weir_quality_metric metrics[WEIR_QUALITY_METRICS];
    if (!counts) {
        weir_json_null(json);
        return;
    }
    weir_quality_measure(counts, metrics);
    weir_json_open(json, '{');
    weir_json_put_text(json, "label", quality->label);
    weir_json_put_text(json, "prediction", quality->prediction);
    weir_json_put_text(json, "score", quality->score);
    weir_json_put_text(json, "positive",
                       counts->spec.positive < 0 ? NULL
                                                 : counts->spec.classes[counts->spec.positive]);
    weir_json_put_count(json, "records", weir_quality_records(counts));
    weir_json_key(json, "metrics");
    weir_json_open(json, '{');
    for (int i = 0; i < WEIR_QUALITY_METRICS; i++) {
        if (!metrics[i].name)
            continue;
        weir_json_key(json, metrics[i].name);
        put_metric(json, &metrics[i]);
    }
    weir_json_close(json, '}');
    if (counts->confusion) {
        put_classes(json, counts);
        put_confusion(json, counts);
    }
    if (counts->cells)
        put_calibration(json, counts);
    weir_json_close(json, '}');
}

void weir_cli_compared_quality_json(struct weir_json_writer *json,
                                    const struct weir_compared_quality *quality)
{
    if (!quality->known) {
        weir_json_null(json);
        return;
    }
    weir_json_open(json, '{');
    weir_json_put_text(json, "label", quality->label);
    weir_json_put_text(json, "prediction", quality->prediction);
    weir_json_put_text(json, "score", quality->score);
    weir_json_key(json, "records");
    weir_json_open(json, '{');
    weir_json_put_count(json, "reference", quality->records[0]);
    weir_json_put_count(json, "current", quality->records[1]);
    weir_json_close(json, '}');
    weir_json_key(json, "metrics");
    weir_json_open(json, '{');
    for (int i = 0; i < WEIR_QUALITY_METRICS; i++) {
        const struct weir_quality_metric *a = &quality->metrics[0][i], *b = &quality->metrics[1][i];
        if (!a->name)
            continue;
        weir_json_key(json, a->name);
        weir_json_open(json, '{');
        weir_json_key(json, "reference");
        put_metric(json, a);
        weir_json_key(json, "current");
        put_metric(json, b);
        weir_json_put_double(json, "change", b->value - a->value);
        weir_json_put_double(json, "low", quality->low[i]);
        weir_json_put_double(json, "high", quality->high[i]);
        weir_json_close(json, '}');
    }
    weir_json_close(json, '}');
    weir_json_close(json, '}');
}

// ---- for people

// "label 'fraud', score 'p'"
static void print_fields(const char *label, const char *prediction, const char *score)
{
    printf("label '%s'", label);
    if (prediction)
        printf(", prediction '%s'", prediction);
    if (score)
        printf(", score '%s'%s", score, prediction ? "" : " (above 0.5 for a prediction)");
}

static void print_interval(double low, double high)
{
    if (!isnan(low))
        printf(" (%.4g to %.4g)", low, high);
}

static void print_classes(const struct weir_quality *counts)
{
    size_t n = counts->spec.n_classes, shown = n < MOST_SHOWN ? n : MOST_SHOWN;
    printf("    %-*s %9s %11s %9s %7s\n", NAME_WIDTH, "class", "labels", "predictions", "precision",
           "recall");
    for (size_t i = 0; i <= n; i++) {
        struct weir_quality_class of;
        weir_quality_of_class(counts, i, &of);
        if ((i >= shown && i < n) || !(of.labels + of.predictions))
            continue;
        printf("    %-*.*s %9llu %11llu", NAME_WIDTH, NAME_WIDTH,
               i < n ? counts->spec.classes[i] : "(others)", (unsigned long long)of.labels,
               (unsigned long long)of.predictions);
        if (i == n)
            putchar('\n');
        else if (isnan(of.precision))
            printf(" %9s %7.3g\n", "-", of.recall);
        else if (isnan(of.recall))
            printf(" %9.3g %7s\n", of.precision, "-");
        else
            printf(" %9.3g %7.3g\n", of.precision, of.recall);
    }
    if (n > shown)
        printf("    and %zu more classes\n", n - shown);
}

static void print_calibration(const struct weir_quality *counts)
{
    struct weir_quality_bin bins[BINS];
    size_t n = weir_quality_calibration(counts, BINS, bins);
    if (n)
        printf("    mean score and share of '%s':", counts->spec.classes[counts->spec.positive]);
    for (size_t i = 0; i < n; i++)
        printf("%s %.3g %.3g", i ? "," : "", bins[i].score,
               (double)bins[i].positives / (double)bins[i].n);
    if (n)
        putchar('\n');
}

void weir_cli_quality_print(const struct weir_profile_quality *quality)
{
    const struct weir_quality *counts = quality->counts;
    struct weir_quality_metric metrics[WEIR_QUALITY_METRICS];
    if (!counts)
        return;
    weir_quality_measure(counts, metrics);
    fputs("\nthe model's metrics: ", stdout);
    print_fields(quality->label, quality->prediction, quality->score);
    printf("; %llu records", (unsigned long long)weir_quality_records(counts));
    if (counts->spec.positive >= 0)
        printf("; positive is '%s'", counts->spec.classes[counts->spec.positive]);
    putchar('\n');
    for (int i = 0; i < WEIR_QUALITY_METRICS; i++) {
        const struct weir_quality_metric *m = &metrics[i];
        if (!m->name)
            continue;
        printf("    %-*s ", NAME_WIDTH, m->name);
        if (isnan(m->value))
            fputs(m->reason, stdout);
        else
            printf("%.4g", m->value);
        print_interval(m->low, m->high);
        putchar('\n');
    }
    if (counts->confusion)
        print_classes(counts);
    if (counts->cells)
        print_calibration(counts);
}

void weir_cli_compared_quality_print(const struct weir_compared_quality *quality)
{
    if (!quality->known)
        return;
    fputs("\nthe model's metrics: ", stdout);
    print_fields(quality->label, quality->prediction, quality->score);
    printf("; %llu records, then %llu\n", (unsigned long long)quality->records[0],
           (unsigned long long)quality->records[1]);
    for (int i = 0; i < WEIR_QUALITY_METRICS; i++) {
        const struct weir_quality_metric *a = &quality->metrics[0][i], *b = &quality->metrics[1][i];
        if (!a->name)
            continue;
        printf("  %-*s ", NAME_WIDTH, a->name);
        if (isnan(a->value) || isnan(b->value)) {
            puts(isnan(a->value) ? a->reason : b->reason);
            continue;
        }
        printf("%8.4g %8.4g", a->value, b->value);
        if (!isnan(quality->low[i]))
            printf("   %+.4g (%+.4g to %+.4g)", b->value - a->value, quality->low[i],
                   quality->high[i]);
        putchar('\n');
    }
}
