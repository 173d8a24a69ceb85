// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/compare/compare.h"
#include "consumer/compare/embeddings.h"
#include "consumer/compare/matrix.h"
#include "stats/samples.h"
#include "stats/sort.h"
#include "stats/special.h"

enum { MOST_FEATURES = 2 * WEIR_MATRIX_COLUMNS + 1 };
#define RIDGE 1.0
#define VARIANCE_KEPT 0.8
#define NORMAL_95 1.959963984540054

static struct weir_comparison make(const char *name, double value, double p, const char *reason)
{
    if (!isfinite(value))
        return (struct weir_comparison){
            name, NAN, NAN, NAN, NAN, NAN, NAN, reason ? reason : "not defined for these values"};
    return (struct weir_comparison){name, value, p, NAN, NAN, NAN, NAN, NULL};
}

// Mean products of the columns of rows first, first + step ... below `end`, about their means.
static void covariance(const struct weir_matrix *m, size_t first, size_t end, size_t step,
                       double *mean, double *out)
{
    size_t n = m->columns;
    double rows = 0;
    memset(mean, 0, n * sizeof *mean);
    memset(out, 0, n * n * sizeof *out);
    for (size_t i = first; i < end; i += step, rows++)
        for (size_t j = 0; j < n; j++)
            mean[j] += m->cell[i * n + j];
    for (size_t j = 0; j < n; j++)
        mean[j] /= rows;
    for (size_t i = first; i < end; i += step)
        for (size_t j = 0; j < n; j++)
            for (size_t k = 0; k <= j; k++)
                out[j * n + k] += (m->cell[i * n + j] - mean[j]) * (m->cell[i * n + k] - mean[k]);
    for (size_t j = 0; j < n; j++)
        for (size_t k = 0; k <= j; k++)
            out[k * n + j] = out[j * n + k] /= rows;
}

// The squared error of a row that is rebuilt from `kept` components.
static double rebuild_error(const double *row, const double *mean, const double *vectors, size_t n,
                            size_t kept)
{
    double error = 0;
    for (size_t j = 0; j < n; j++)
        error += (row[j] - mean[j]) * (row[j] - mean[j]);
    for (size_t c = 0; c < kept; c++) {
        double along = 0;
        for (size_t j = 0; j < n; j++)
            along += (row[j] - mean[j]) * vectors[c * n + j];
        error -= along * along;
    }
    return error > 0 ? error : 0;
}

static void add_moment(double x, double *n, double *mean, double *squares)
{
    double gap = x - *mean;
    *mean += gap / ++*n;
    *squares += gap * (x - *mean);
}

static int pca_error(const struct weir_matrix *m, struct weir_comparison *out)
{
    size_t n = m->columns, kept = 0;
    double *work = malloc((2 * n * n + 2 * n) * sizeof *work);
    if (!work)
        return WEIR_ENOMEM;
    double *matrix = work, *vectors = work + n * n, *mean = vectors + n * n, *values = mean + n;
    covariance(m, 0, m->rows_a, 2, mean, matrix);
    weir_matrix_eigen(matrix, n, values, vectors);
    double all = 0, sum = 0;
    for (size_t j = 0; j < n; j++)
        all += values[j];
    while (kept + 1 < n && sum < VARIANCE_KEPT * all)
        sum += values[kept++];
    struct weir_moments_pair e = {0, 0, 0, 0, 0, 0};
    for (size_t i = 1; i < m->rows_a; i += 2)
        add_moment(rebuild_error(m->cell + i * n, mean, vectors, n, kept), &e.n_a, &e.mean_a,
                   &e.variance_a);
    for (size_t i = m->rows_a; i < m->rows_a + m->rows_b; i++)
        add_moment(rebuild_error(m->cell + i * n, mean, vectors, n, kept), &e.n_b, &e.mean_b,
                   &e.variance_b);
    e.variance_a /= e.n_a - 1;
    e.variance_b /= e.n_b - 1;
    struct weir_test t = weir_moments_welch_t(&e);
    // Errors that are rounding, not variance: the columns depend on each other exactly.
    double ratio = e.mean_a > 1e-18 ? e.mean_b / e.mean_a : NAN;
    *out = make("pca_error", ratio, t.status == WEIR_TEST_OK ? t.p_value : NAN,
                "the reference's fields are exact combinations of each other");
    double a = e.variance_a / (e.n_a * e.mean_a * e.mean_a);
    double b = e.variance_b / (e.n_b * e.mean_b * e.mean_b);
    if (isfinite(ratio) && isfinite(a + b))
        out->bound = NORMAL_95 * ratio * sqrt(a + b);
    free(work);
    return 0;
}

static size_t classifier_row(const struct weir_matrix *m, size_t i, double *x)
{
    size_t n = m->columns;
    for (size_t j = 0; j < n; j++) {
        double z = m->cell[i * n + j];
        x[j] = z;
        x[n + j] = z * z / 2;
    }
    x[2 * n] = 1;
    return 2 * n + 1;
}

// Newton's steps of a ridge logistic regression on the even rows, both files weighing the same.
static int fit(const struct weir_matrix *m, double *beta, double *hessian, double *gradient)
{
    size_t n = 2 * m->columns + 1, all = m->rows_a + m->rows_b;
    double x[MOST_FEATURES];
    memset(beta, 0, n * sizeof *beta);
    for (int round = 0; round < 12; round++) {
        memset(hessian, 0, n * n * sizeof *hessian);
        for (size_t j = 0; j < n; j++) {
            double ridge = j + 1 < n ? RIDGE : 1e-6;
            gradient[j] = -ridge * beta[j];
            hessian[j * n + j] = ridge;
        }
        for (size_t i = 0; i < all; i += 2) {
            int is_b = i >= m->rows_a;
            double weight = (double)all / (2.0 * (double)(is_b ? m->rows_b : m->rows_a));
            double eta = 0;
            classifier_row(m, i, x);
            for (size_t j = 0; j < n; j++)
                eta += beta[j] * x[j];
            double p = 1 / (1 + exp(-eta)), v = weight * fmax(p * (1 - p), 1e-6);
            for (size_t j = 0; j < n; j++) {
                gradient[j] += weight * (is_b - p) * x[j];
                for (size_t k = 0; k <= j; k++)
                    hessian[j * n + k] += v * x[j] * x[k];
            }
        }
        if (weir_matrix_solve(hessian, gradient, n))
            return WEIR_EINVAL;
        double step = 0;
        for (size_t j = 0; j < n; j++)
            step = fmax(step, fabs(gradient[j]));
        double damping = step > 2 ? 2 / step : 1; // far steps overshoot where files separate
        for (size_t j = 0; j < n; j++)
            beta[j] += damping * gradient[j];
        if (step < 1e-8)
            break;
    }
    return 0;
}

// The standard error of an area under the curve (Hanley and McNeil, 1982).
static double auc_error(double auc, double a, double b)
{
    double q1 = auc / (2 - auc), q2 = 2 * auc * auc / (1 + auc), square = auc * auc;
    return sqrt(
        (auc * (1 - auc) + (b - 1) * fmax(0, q1 - square) + (a - 1) * fmax(0, q2 - square)) /
        (a * b));
}

static int domain_auc(const struct weir_matrix *m, struct weir_comparison *out)
{
    size_t n = 2 * m->columns + 1, all = m->rows_a + m->rows_b, a = 0, b = 0;
    double *work = malloc((n * n + 2 * n + all) * sizeof *work), x[MOST_FEATURES];
    if (!work)
        return WEIR_ENOMEM;
    double *hessian = work, *beta = work + n * n, *gradient = beta + n, *score = gradient + n;
    if (fit(m, beta, hessian, gradient)) {
        *out = make("domain_auc", NAN, NAN, "the classifier has no solution");
        free(work);
        return 0;
    }
    for (size_t i = 1; i < all; i += 2) {
        double eta = 0;
        classifier_row(m, i, x);
        for (size_t j = 0; j < n; j++)
            eta += beta[j] * x[j];
        score[a + b] = eta;
        a += i < m->rows_a;
        b += i >= m->rows_a;
    }
    weir_sort_doubles(score, a);
    weir_sort_doubles(score + a, b);
    struct weir_test u = weir_samples_mann_whitney(&(struct weir_samples){score + a, b, score, a});
    if (u.status == WEIR_TEST_OK)
        *out = make("domain_auc", u.value / ((double)a * (double)b), u.p_value, NULL);
    else
        *out = make("domain_auc", 0.5, 1, NULL);   // one score for all: it tells nothing apart
    double least = 3 / fmin((double)a, (double)b); // no exception in so many: fewer than 3
    out->bound = fmax(least, NORMAL_95 * auc_error(out->value, (double)a, (double)b));
    free(work);
    return 0;
}

static int correlation_change(const struct weir_matrix *m, struct weir_comparison *out)
{
    size_t n = m->columns;
    double *work = malloc((2 * n * n + n) * sizeof *work), most = 0, least_p = 1, pairs = 0;
    if (!work)
        return WEIR_ENOMEM;
    double *ca = work, *cb = work + n * n, *mean = cb + n * n;
    covariance(m, 0, m->rows_a, 1, mean, ca);
    covariance(m, m->rows_a, m->rows_a + m->rows_b, 1, mean, cb);
    double error = sqrt(1 / ((double)m->rows_a - 3) + 1 / ((double)m->rows_b - 3));
    for (size_t j = 0; j < n; j++)
        for (size_t k = 0; k < j; k++) {
            double va = ca[j * n + j] * ca[k * n + k], vb = cb[j * n + j] * cb[k * n + k];
            if (!(va > 0) || !(vb > 0))
                continue; // a field that is constant in one of the files
            double ra = ca[j * n + k] / sqrt(va), rb = cb[j * n + k] / sqrt(vb);
            most = fmax(most, fabs(ra - rb));
            // Beyond it fields are one, but for how their values were rounded.
            ra = fmax(fmin(ra, .9999), -.9999);
            rb = fmax(fmin(rb, .9999), -.9999);
            least_p = fmin(least_p, 2 * weir_normal_sf(fabs(atanh(ra) - atanh(rb)) / error));
            pairs++;
        }
    *out = make("correlation_change", pairs > 0 ? most : NAN, fmin(1, least_p * pairs),
                "no two fields vary in both files");
    if (pairs > 0) // of all pairs at once
        out->bound = weir_normal_quantile(1 - .025 / pairs) * error;
    free(work);
    return 0;
}

int weir_compare_multivariate(const struct weir_table *reference, const struct weir_table *current,
                              struct weir_comparison out[WEIR_MULTIVARIATE])
{
    static const char *const names[] = {"mmd", "pca_error", "domain_auc", "correlation_change"};
    struct weir_matrix_choice choice;
    struct weir_matrix m;
    int code = weir_matrix_make(reference, current, &choice, &m);
    if (code == WEIR_ENOTFOUND) {
        for (int i = 0; i < WEIR_MULTIVARIATE; i++)
            out[i] = make(names[i], NAN, NAN,
                          "needs two numeric fields that vary, and 20 rows on both sides");
        return 0;
    }
    if (code)
        return code;
    code = weir_compare_mmd(reference, current, &choice, &out[0]);
    if (!code)
        code = pca_error(&m, &out[1]);
    if (!code)
        code = domain_auc(&m, &out[2]);
    if (!code)
        code = correlation_change(&m, &out[3]);
    weir_matrix_free(&m);
    return code;
}
