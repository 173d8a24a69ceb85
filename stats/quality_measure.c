// SPDX-License-Identifier: Apache-2.0
// Metrics and their intervals, from what stats/quality.c has counted.
#include <math.h>
#include <string.h>

#include "stats/quality.h"

#define NORMAL_95 1.959963984540054
#define FINE 0x1p-60
#define MIDDLE 0x1p-40
#define COARSE 0x1p-24

enum { CALIBRATION_BINS = 15, MOST_SIDE = WEIR_QUALITY_MOST_CLASSES + 2 };

static const char too_few[] = "too few records";

const char *weir_quality_metric_name(enum weir_quality_metric_id id)
{
    static const char *const names[WEIR_QUALITY_METRICS] = {
        "accuracy", "precision", "recall",   "f1",    "kappa",
        "matthews", "roc_auc",   "log_loss", "brier", "calibration_error",
        "mae",      "rmse",      "bias",     "r2"};
    return names[id];
}

int weir_quality_larger_is_better(enum weir_quality_metric_id id)
{
    return id <= WEIR_QUALITY_ROC_AUC || id == WEIR_QUALITY_R2;
}

static void put(struct weir_quality_metric *out, double value, double low, double high)
{
    out->reason = isfinite(value) ? NULL : "not defined for these values";
    out->value = isfinite(value) ? value : NAN;
    int known = isfinite(value) && isfinite(low) && isfinite(high);
    out->low = known ? low : NAN;
    out->high = known ? high : NAN;
    out->bound = out->reason ? NAN : 0;
}

static void none(struct weir_quality_metric *out, const char *reason)
{
    put(out, NAN, NAN, NAN);
    out->reason = reason;
}

// A mean, its square's mean, and n.
static void put_mean(struct weir_quality_metric *out, double mean, double squares, double n,
                     double floor)
{
    double variance = (squares - mean * mean) * n / (n - 1);
    double error = n > 1 ? NORMAL_95 * sqrt(fmax(0, variance) / n) : NAN;
    put(out, mean, fmax(floor, mean - error), mean + error);
}

// ---- classes

static void wilson(double k, double n, double *low, double *high)
{
    double z2 = NORMAL_95 * NORMAL_95, p = k / n;
    double middle = (p + z2 / (2 * n)) / (1 + z2 / n);
    double half = NORMAL_95 / (1 + z2 / n) * sqrt(p * (1 - p) / n + z2 / (4 * n * n));
    *low = k > 0 ? middle - half : 0;
    *high = k < n ? middle + half : 1;
}

static void put_share(struct weir_quality_metric *out, double k, double n, const char *reason)
{
    double low, high;
    if (!(n > 0)) {
        none(out, reason);
        return;
    }
    wilson(k, n, &low, &high);
    put(out, k / n, low, high);
}

// The table with its margins, as numbers that may be moved a little.
struct table {
    size_t n; // listed classes
    double count[MOST_SIDE * MOST_SIDE], row[MOST_SIDE], column[MOST_SIDE];
    double right, all;
    int others; // there are classes that are not listed
};

static double *at(struct table *t, size_t label, size_t predicted)
{
    return &t->count[label * (t->n + 2) + predicted];
}

static void margins(struct table *t)
{
    memset(t->row, 0, sizeof t->row);
    memset(t->column, 0, sizeof t->column);
    t->right = t->all = 0;
    for (size_t i = 0; i <= t->n; i++)
        for (size_t k = 0; k < t->n + 2; k++) {
            t->row[i] += *at(t, i, k);
            t->column[k] += *at(t, i, k);
        }
    for (size_t i = 0; i <= t->n; i++) {
        t->right += *at(t, i, i);
        t->all += t->row[i];
    }
    t->others = t->row[t->n] + t->column[t->n] + t->column[t->n + 1] > 0;
}

static double ratio(double a, double b)
{
    return b > 0 ? a / b : 0;
}

// The three macro means, kappa and Matthews' coefficient.
enum { PRECISION, RECALL, F1, KAPPA, MATTHEWS, SMOOTH };

static void smooth_metrics(struct table *t, double out[SMOOTH])
{
    double present = 0, agree = 0, rows = 0, columns = 0;
    memset(out, 0, SMOOTH * sizeof *out);
    for (size_t i = 0; i < t->n; i++) {
        double right = *at(t, i, i);
        agree += t->row[i] * t->column[i];
        rows += t->row[i] * t->row[i];
        columns += t->column[i] * t->column[i];
        if (!(t->row[i] + t->column[i] > 0))
            continue;
        present++;
        out[PRECISION] += ratio(right, t->column[i]);
        out[RECALL] += ratio(right, t->row[i]);
        out[F1] += ratio(2 * right, t->row[i] + t->column[i]);
    }
    for (int i = PRECISION; i <= F1; i++)
        out[i] = present > 0 ? out[i] / present : NAN;
    double square = t->all * t->all, spread = (square - rows) * (square - columns);
    out[KAPPA] = square > agree ? (t->right * t->all - agree) / (square - agree) : NAN;
    out[MATTHEWS] = spread > 0 ? (t->right * t->all - agree) / sqrt(spread) : NAN;
}

// The delta method: how each metric moves with the weight of each cell of the table. Margins are
// sums, so that a cell's weight moves three of them.
static void smooth_errors(struct table *t, const double value[SMOOTH], double error[SMOOTH])
{
    double first[SMOOTH] = {0}, second[SMOOTH] = {0}, moved[SMOOTH];
    for (size_t i = 0; i <= t->n; i++)
        for (size_t k = 0; k < t->n + 2; k++) {
            double *cell = at(t, i, k), was = *cell, step = was * 1e-4;
            if (!(was > 0))
                continue;
            *cell += step;
            t->row[i] += step;
            t->column[k] += step;
            t->right += i == k ? step : 0;
            t->all += step;
            smooth_metrics(t, moved);
            *cell = was;
            t->row[i] -= step;
            t->column[k] -= step;
            t->right -= i == k ? step : 0;
            t->all -= step;
            for (int m = 0; m < SMOOTH; m++) {
                // In units of a record.
                double slope = (moved[m] - value[m]) / step;
                first[m] += was * slope;
                second[m] += was * slope * slope;
            }
        }
    for (int m = 0; m < SMOOTH; m++) {
        double variance = second[m] - first[m] * first[m] / t->all;
        error[m] = NORMAL_95 * sqrt(fmax(0, variance));
    }
}

static void put_smooth(struct weir_quality_metric *out, double value, double error, double least)
{
    put(out, value, fmax(least, value - error), fmin(1, value + error));
}

static void measure_positive(struct table *t, size_t p, struct weir_quality_metric *out)
{
    double right = *at(t, p, p), labels = t->row[p], predictions = t->column[p];
    double either = labels + predictions - right, low, high;
    put_share(&out[WEIR_QUALITY_PRECISION], right, predictions, "it was never predicted");
    put_share(&out[WEIR_QUALITY_RECALL], right, labels, "it never was the label");
    if (!(either > 0)) {
        none(&out[WEIR_QUALITY_F1], "it was neither label nor prediction");
        return;
    }
    // F1 = 2 s / (1 + s) of the share s of those that are both among those that are either.
    wilson(right, either, &low, &high);
    put(&out[WEIR_QUALITY_F1], 2 * right / (labels + predictions), 2 * low / (1 + low),
        2 * high / (1 + high));
}

static void measure_classes(const struct weir_quality *q, struct weir_quality_metric *out)
{
    struct table t = {.n = q->spec.n_classes};
    double value[SMOOTH], error[SMOOTH];
    size_t side = (t.n + 1) * (t.n + 2);
    for (size_t i = 0; i < side; i++)
        t.count[i] = (double)q->confusion[i];
    margins(&t);
    for (int i = WEIR_QUALITY_ACCURACY; i <= WEIR_QUALITY_MATTHEWS; i++)
        none(&out[i], too_few);
    if (!(t.all > 0))
        return;
    put_share(&out[WEIR_QUALITY_ACCURACY], t.right, t.all, too_few);
    smooth_metrics(&t, value);
    smooth_errors(&t, value, error);
    if (q->spec.positive >= 0) {
        measure_positive(&t, (size_t)q->spec.positive, out);
    } else {
        for (int i = PRECISION; i <= F1; i++)
            put_smooth(&out[WEIR_QUALITY_PRECISION + i], value[i], error[i], 0);
    }
    if (t.others) {
        none(&out[WEIR_QUALITY_KAPPA], "there are more classes than are told apart");
        none(&out[WEIR_QUALITY_MATTHEWS], "there are more classes than are told apart");
        return;
    }
    put_smooth(&out[WEIR_QUALITY_KAPPA], value[KAPPA], error[KAPPA], -1);
    put_smooth(&out[WEIR_QUALITY_MATTHEWS], value[MATTHEWS], error[MATTHEWS], -1);
}

void weir_quality_of_class(const struct weir_quality *q, size_t i, struct weir_quality_class *out)
{
    size_t n = q->spec.n_classes;
    *out = (struct weir_quality_class){.precision = NAN, .recall = NAN, .f1 = NAN};
    if (!q->confusion || i > n)
        return;
    out->right = q->confusion[i * (n + 2) + i];
    for (size_t k = 0; k < n + 2; k++)
        out->labels += q->confusion[i * (n + 2) + k];
    for (size_t k = 0; k <= n; k++) {
        out->predictions += q->confusion[k * (n + 2) + i];
        out->predictions += i == n ? q->confusion[k * (n + 2) + n + 1] : 0;
    }
    if (out->predictions)
        out->precision = (double)out->right / (double)out->predictions;
    if (out->labels)
        out->recall = (double)out->right / (double)out->labels;
    if (out->labels + out->predictions)
        out->f1 = 2 * (double)out->right / (double)(out->labels + out->predictions);
}

// ---- scores

// The variance of the shares of the other class that a record's score is above, over its class:
// DeLong's components, scores of a cell counting as equal.
static double auc_variance(const struct weir_quality *q, double auc, double p, double n)
{
    double above_n = 0, above_p = 0, of_p = 0, of_n = 0;
    for (size_t i = 0; i <= q->spec.n_cuts; i++) {
        double positives = (double)q->cells[i].positives, negatives = (double)q->cells[i].negatives;
        double v = (above_n + negatives / 2) / n - auc;
        double w = 1 - (above_p + positives / 2) / p - auc;
        of_p += positives * v * v;
        of_n += negatives * w * w;
        above_n += negatives;
        above_p += positives;
    }
    return of_p / (p - 1) / p + of_n / (n - 1) / n;
}

static void measure_auc(const struct weir_quality *q, struct weir_quality_metric *out)
{
    double p = 0, n = 0, below = 0, won = 0, bound = 0;
    for (size_t i = 0; i <= q->spec.n_cuts; i++) {
        const struct weir_quality_cell *cell = &q->cells[i];
        double positives = (double)cell->positives, negatives = (double)cell->negatives;
        won += positives * (below + negatives / 2);
        // Equal scores are a tie, whatever they are.
        bound += cell->least < cell->most ? positives * negatives / 2 : 0;
        below += negatives;
        p += positives;
        n += negatives;
    }
    if (!(p > 0) || !(n > 0)) {
        none(out, "only one class has scores");
        return;
    }
    double auc = won / (p * n), low = NAN, high = NAN;
    bound /= p * n;
    if (p > 1 && n > 1) {
        // No exception in so many: fewer than three in as many, at 95%.
        double least = 3 / fmin(p, n), error = sqrt(auc_variance(q, auc, p, n));
        double odds = log(auc / (1 - auc)), reach = NORMAL_95 * error / (auc * (1 - auc));
        if (auc > 0 && auc < 1 && error > 0) {
            low = 1 / (1 + exp(reach - odds));
            high = 1 / (1 + exp(-reach - odds));
        } else {
            low = fmax(0, auc - least);
            high = fmin(1, auc + least);
        }
        low = fmax(0, low - bound);
        high = fmin(1, high + bound);
    }
    put(out, auc, low, high);
    out->bound = bound;
}

static int probabilities(const struct weir_quality *q)
{
    return q->cells && q->scored && !q->improbable;
}

size_t weir_quality_calibration(const struct weir_quality *q, size_t bins,
                                struct weir_quality_bin *out)
{
    size_t n = 0;
    uint64_t seen = 0;
    if (!probabilities(q) || !bins)
        return 0;
    bins = bins < WEIR_QUALITY_MOST_BINS ? bins : WEIR_QUALITY_MOST_BINS;
    for (size_t i = 0; i <= q->spec.n_cuts; i++) {
        const struct weir_quality_cell *cell = &q->cells[i];
        uint64_t count = cell->positives + cell->negatives;
        if (!count)
            continue;
        // A bin is full when its share of the records has been seen.
        double full = (double)n * (double)q->scored / (double)bins;
        if (!n || (n < bins && (double)seen >= full))
            out[n++] = (struct weir_quality_bin){cell->least, cell->most, 0, 0, 0};
        struct weir_quality_bin *bin = &out[n - 1];
        bin->high = cell->most;
        bin->n += count;
        bin->positives += cell->positives;
        bin->score += (double)cell->score * FINE;
        seen += count;
    }
    for (size_t i = 0; i < n; i++)
        out[i].score /= (double)out[i].n;
    return n;
}

// The squared gap of mean score and share, less what chance makes of none.
static void measure_calibration(const struct weir_quality *q, struct weir_quality_metric *out)
{
    struct weir_quality_bin bins[CALIBRATION_BINS];
    size_t n = weir_quality_calibration(q, CALIBRATION_BINS, bins);
    double square = 0, variance = 0;
    for (size_t i = 0; i < n; i++) {
        double count = (double)bins[i].n, share = (double)bins[i].positives / count;
        double weight = count / (double)q->scored, gap = bins[i].score - share;
        if (count < 2)
            continue;
        double noise = share * (1 - share) / (count - 1);
        square += weight * (gap * gap - noise);
        variance += weight * weight * (4 * gap * gap * noise + 2 * noise * noise);
    }
    double error = NORMAL_95 * sqrt(variance);
    put(out, sqrt(fmax(0, square)), sqrt(fmax(0, square - error)), sqrt(fmax(0, square + error)));
}

static void measure_scores(const struct weir_quality *q, struct weir_quality_metric *out)
{
    static const enum weir_quality_metric_id ids[] = {WEIR_QUALITY_ROC_AUC, WEIR_QUALITY_LOG_LOSS,
                                                      WEIR_QUALITY_BRIER, WEIR_QUALITY_CALIBRATION};
    for (int i = 0; i < 4; i++)
        none(&out[ids[i]], !q->scored ? too_few : "scores are outside 0 to 1: no probabilities");
    if (q->scored)
        measure_auc(q, &out[WEIR_QUALITY_ROC_AUC]);
    if (!probabilities(q))
        return;
    double n = (double)q->scored;
    put_mean(&out[WEIR_QUALITY_LOG_LOSS], (double)q->loss * FINE / n,
             (double)q->loss_squares * FINE / n, n, 0);
    put_mean(&out[WEIR_QUALITY_BRIER], (double)q->brier * FINE / n,
             (double)q->brier_squares * FINE / n, n, 0);
    measure_calibration(q, &out[WEIR_QUALITY_CALIBRATION]);
}

// ---- numbers

// 1 - A / B, of the mean squares of the error and of the label about its mean.
static void measure_r2(const struct weir_quality *q, struct weir_quality_metric *out)
{
    long double n = (long double)q->n, m = (long double)q->z * FINE / n;
    long double z2 = (long double)q->z2 * FINE / n, z3 = (long double)q->z3 * MIDDLE / n;
    long double z4 = (long double)q->z4 * COARSE / n, e2 = (long double)q->e2 * FINE / n;
    long double e4 = (long double)q->e4 * COARSE / n, e2z = (long double)q->e2z * MIDDLE / n;
    long double e2z2 = (long double)q->e2z2 * COARSE / n;
    long double b = z2 - m * m;
    // Below it labels are one value, but for rounding.
    if (q->n < 2 || !(b > 1e-9L * z2) || !(b > 0)) {
        none(out, q->n < 2 ? too_few : "all labels are equal");
        return;
    }
    // About the mean.
    long double b2 = z4 - 4 * m * z3 + 6 * m * m * z2 - 3 * m * m * m * m;
    long double ab = e2z2 - 2 * m * e2z + m * m * e2, share = e2 / b;
    long double variance =
        (e4 - e2 * e2) + share * share * (b2 - b * b) - 2 * share * (ab - e2 * b);
    double error = NORMAL_95 * sqrt(fmax(0, (double)(variance / (b * b) / n)));
    put(out, (double)(1 - share), (double)(1 - share) - error,
        fmin(1, (double)(1 - share) + error));
}

static void measure_numbers(const struct weir_quality *q, struct weir_quality_metric *out)
{
    double n = (double)q->n, unit = q->spec.scale;
    for (int i = WEIR_QUALITY_MAE; i <= WEIR_QUALITY_R2; i++)
        none(&out[i], q->outside ? "some numbers are too far from the others" : too_few);
    // Without those that are too far they would be better than they are.
    if (!q->n || q->outside)
        return;
    double e2 = (double)q->e2 * FINE / n;
    struct weir_quality_metric m = {0};
    // In scales, whose squares are numbers whatever the unit is.
    put_mean(&m, (double)q->e_absolute * FINE / n, e2, n, 0);
    put(&out[WEIR_QUALITY_MAE], unit * m.value, unit * m.low, unit * m.high);
    put_mean(&m, (double)q->e * FINE / n, e2, n, -INFINITY);
    put(&out[WEIR_QUALITY_BIAS], unit * m.value, unit * m.low, unit * m.high);
    put_mean(&m, e2, (double)q->e4 * COARSE / n, n, 0);
    put(&out[WEIR_QUALITY_RMSE], unit * sqrt(m.value), unit * sqrt(m.low), unit * sqrt(m.high));
    measure_r2(q, &out[WEIR_QUALITY_R2]);
}

// ---- all

void weir_quality_measure(const struct weir_quality *q,
                          struct weir_quality_metric out[WEIR_QUALITY_METRICS])
{
    memset(out, 0, WEIR_QUALITY_METRICS * sizeof *out);
    if (q->spec.task == WEIR_QUALITY_NUMBERS)
        measure_numbers(q, out);
    if (q->confusion)
        measure_classes(q, out);
    if (q->cells)
        measure_scores(q, out);
    for (int i = 0; i < WEIR_QUALITY_METRICS; i++) {
        int given = i >= WEIR_QUALITY_MAE       ? q->spec.task == WEIR_QUALITY_NUMBERS
                    : i >= WEIR_QUALITY_ROC_AUC ? q->cells != NULL
                                                : q->confusion != NULL;
        if (given)
            out[i].name = weir_quality_metric_name((enum weir_quality_metric_id)i);
    }
}

void weir_quality_change(const struct weir_quality_metric *a, const struct weir_quality_metric *b,
                         double *low, double *high)
{
    double change = b->value - a->value;
    *low = change - hypot(b->value - b->low, a->high - a->value);
    *high = change + hypot(b->high - b->value, a->value - a->low);
    if (isnan(*low) || isnan(*high))
        *low = *high = NAN;
}
