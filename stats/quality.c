// SPDX-License-Identifier: Apache-2.0
#include "stats/quality.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// Steps of the sums, such that 2^34 records fit: of what is below 2^32 (squares), 2^48, 2^64.
#define FINE 0x1p60
#define MIDDLE 0x1p40
#define COARSE 0x1p24
#define REACH 65536.0 // scales
#define LEAST 0x1p-52 // of a probability, in its loss
#define COUNT_LIMIT ((size_t)1 << 60)

enum { LOWER = 192, UPPER = 64 };
#define UPPER_SHARE .05

static void add(weir_wide *into, weir_wide more)
{
    *into = weir_wide_add(*into, more);
}

static weir_wide fixed(double x, double steps)
{
    return (weir_wide)rint(x * steps);
}

// ---- the spec

static int good_spec(const struct weir_quality_spec *spec)
{
    if (spec->task == WEIR_QUALITY_NUMBERS)
        return isfinite(spec->centre) && isfinite(spec->scale) && spec->scale > 0;
    if (spec->task != WEIR_QUALITY_CLASSES || !spec->n_classes ||
        spec->n_classes > WEIR_QUALITY_MOST_CLASSES || (!spec->predicted && !spec->scored))
        return 0;
    int two = spec->n_classes == 2;
    if (two ? spec->positive != 0 && spec->positive != 1 : spec->positive != -1)
        return 0;
    if ((spec->scored && !two) || (!spec->scored && spec->n_cuts) ||
        spec->n_cuts > WEIR_QUALITY_MOST_CUTS)
        return 0;
    for (size_t i = 0; i < spec->n_cuts; i++) {
        if (!isfinite(spec->cuts[i]) || (i && spec->cuts[i] <= spec->cuts[i - 1]))
            return 0;
    }
    for (size_t i = 0; i < spec->n_classes; i++) {
        if (strlen(spec->classes[i]) >= WEIR_QUALITY_CLASS_TEXT)
            return 0;
        for (size_t k = 0; k < i; k++)
            if (!strcmp(spec->classes[i], spec->classes[k]))
                return 0;
    }
    return 1;
}

static int copy_spec(const struct weir_quality_spec *from, struct weir_quality_spec *into)
{
    char **classes = calloc(from->n_classes + 1, sizeof *classes);
    double *cuts = malloc((from->n_cuts + 1) * sizeof *cuts);
    *into = *from;
    into->classes = (const char *const *)classes;
    into->cuts = cuts;
    int good = classes && cuts;
    for (size_t i = 0; good && i < from->n_classes; i++)
        good = (classes[i] = strdup(from->classes[i])) != NULL;
    if (good && from->n_cuts)
        memcpy(cuts, from->cuts, from->n_cuts * sizeof *cuts);
    if (!classes)
        into->n_classes = 0;
    return good ? 0 : WEIR_ENOMEM;
}

int weir_quality_create(const struct weir_quality_spec *spec, struct weir_quality **out)
{
    if (!good_spec(spec))
        return WEIR_EINVAL;
    struct weir_quality *quality = calloc(1, sizeof *quality);
    if (!quality)
        return WEIR_ENOMEM;
    struct weir_quality_spec own = *spec;
    if (own.task == WEIR_QUALITY_NUMBERS)
        own = (struct weir_quality_spec){
            .task = own.task, .positive = -1, .centre = own.centre, .scale = own.scale};
    int code = copy_spec(&own, &quality->spec);
    size_t n = own.n_classes;
    if (!code && own.predicted &&
        !(quality->confusion = calloc((n + 1) * (n + 2), sizeof *quality->confusion)))
        code = WEIR_ENOMEM;
    if (!code && own.scored && !(quality->cells = calloc(own.n_cuts + 1, sizeof *quality->cells)))
        code = WEIR_ENOMEM;
    if (code)
        weir_quality_destroy(quality);
    else
        *out = quality;
    return code;
}

void weir_quality_destroy(struct weir_quality *quality)
{
    if (!quality)
        return;
    for (size_t i = 0; i < quality->spec.n_classes; i++)
        free((char *)quality->spec.classes[i]);
    free((char **)quality->spec.classes);
    free((double *)quality->spec.cuts);
    free(quality->confusion);
    free(quality->cells);
    free(quality);
}

int weir_quality_same(const struct weir_quality *a, const struct weir_quality *b)
{
    const struct weir_quality_spec *x = &a->spec, *y = &b->spec;
    if (x->task != y->task || x->n_classes != y->n_classes || x->predicted != y->predicted ||
        x->positive != y->positive || x->scored != y->scored || x->n_cuts != y->n_cuts)
        return 0;
    for (size_t i = 0; i < x->n_classes; i++)
        if (strcmp(x->classes[i], y->classes[i]) != 0)
            return 0;
    for (size_t i = 0; i < x->n_cuts; i++)
        if (x->cuts[i] != y->cuts[i])
            return 0;
    return x->task == WEIR_QUALITY_CLASSES || (x->centre == y->centre && x->scale == y->scale);
}

// ---- cuts

size_t weir_quality_cuts(const double *sorted, size_t n, double *cuts)
{
    size_t kept = 0;
    for (int i = 1; n && i < LOWER + UPPER; i++) {
        double share = i <= LOWER ? (1 - UPPER_SHARE) * i / LOWER
                                  : 1 - UPPER_SHARE + UPPER_SHARE * (i - LOWER) / UPPER;
        size_t at = (size_t)(share * (double)n);
        double cut = sorted[at < n ? at : n - 1] + 0.0;
        // A value that many have ends its cell, and the next cell begins after it.
        if (!kept || cut > cuts[kept - 1])
            cuts[kept++] = cut;
    }
    return kept;
}

// ---- records

void weir_quality_add_class(struct weir_quality *quality, size_t label, size_t predicted)
{
    size_t n = quality->spec.n_classes;
    if (quality->confusion && label <= n && (predicted <= n || (predicted == n + 1 && label == n)))
        quality->confusion[label * (n + 2) + predicted]++;
}

static size_t cell_of(const struct weir_quality_spec *spec, double score)
{
    size_t low = 0, high = spec->n_cuts;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (spec->cuts[middle] < score)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void add_probability(struct weir_quality *quality, struct weir_quality_cell *cell,
                            int positive, double p)
{
    double gap = positive ? 1 - p : p;
    double kept = fmin(fmax(p, LEAST), 1 - LEAST);
    double loss = -log(positive ? kept : 1 - kept);
    add(&cell->score, fixed(p, FINE));
    add(&quality->loss, fixed(loss, FINE));
    add(&quality->loss_squares, fixed(loss * loss, FINE));
    add(&quality->brier, fixed(gap * gap, FINE));
    add(&quality->brier_squares, fixed(gap * gap * gap * gap, FINE));
}

void weir_quality_add_score(struct weir_quality *quality, int positive, double score)
{
    if (!quality->cells || isnan(score))
        return;
    score += 0.0; // no negative zero
    struct weir_quality_cell *cell = &quality->cells[cell_of(&quality->spec, score)];
    int any = cell->positives + cell->negatives > 0;
    cell->least = any ? fmin(cell->least, score) : score;
    cell->most = any ? fmax(cell->most, score) : score;
    cell->positives += positive != 0;
    cell->negatives += positive == 0;
    quality->scored++;
    if (score >= 0 && score <= 1)
        add_probability(quality, cell, positive, score);
    else
        quality->improbable++;
}

void weir_quality_add_number(struct weir_quality *quality, double label, double predicted)
{
    if (quality->spec.task != WEIR_QUALITY_NUMBERS || !isfinite(label) || !isfinite(predicted))
        return;
    double z = (label - quality->spec.centre) / quality->spec.scale;
    double e = (predicted - label) / quality->spec.scale, e2 = e * e, z2 = z * z;
    if (!(fabs(z) <= REACH) || !(fabs(e) <= REACH)) {
        quality->outside++;
        return;
    }
    quality->n++;
    add(&quality->e, fixed(e, FINE));
    add(&quality->e_absolute, fixed(fabs(e), FINE));
    add(&quality->z, fixed(z, FINE));
    add(&quality->e2, fixed(e2, FINE));
    add(&quality->z2, fixed(z2, FINE));
    add(&quality->e2z, fixed(e2 * z, MIDDLE));
    add(&quality->z3, fixed(z2 * z, MIDDLE));
    add(&quality->e4, fixed(e2 * e2, COARSE));
    add(&quality->z4, fixed(z2 * z2, COARSE));
    add(&quality->e2z2, fixed(e2 * z2, COARSE));
}

uint64_t weir_quality_records(const struct weir_quality *quality)
{
    size_t n = quality->spec.n_classes;
    uint64_t counted = 0;
    for (size_t i = 0; quality->confusion && i < (n + 1) * (n + 2); i++)
        counted += quality->confusion[i];
    if (quality->spec.task == WEIR_QUALITY_NUMBERS)
        return quality->n + quality->outside;
    return counted > quality->scored ? counted : quality->scored;
}

// ---- all sums, for merging and the wire

enum { SUMS = 14 };

static void sums_of(struct weir_quality *q, weir_wide *out[SUMS])
{
    weir_wide *const all[SUMS] = {&q->loss, &q->loss_squares, &q->brier, &q->brier_squares,
                                  &q->e,    &q->e_absolute,   &q->z,     &q->e2,
                                  &q->z2,   &q->e2z,          &q->z3,    &q->e4,
                                  &q->z4,   &q->e2z2};
    memcpy(out, all, sizeof all);
}

static void merge_cell(struct weir_quality_cell *into, const struct weir_quality_cell *from)
{
    if (!(from->positives + from->negatives))
        return;
    int any = into->positives + into->negatives > 0;
    into->least = any ? fmin(into->least, from->least) : from->least;
    into->most = any ? fmax(into->most, from->most) : from->most;
    into->positives += from->positives;
    into->negatives += from->negatives;
    add(&into->score, from->score);
}

int weir_quality_merge(struct weir_quality *into, const struct weir_quality *from)
{
    if (!weir_quality_same(into, from))
        return WEIR_EINVAL;
    size_t n = into->spec.n_classes;
    weir_wide *a[SUMS], *b[SUMS];
    for (size_t i = 0; into->confusion && i < (n + 1) * (n + 2); i++)
        into->confusion[i] += from->confusion[i];
    for (size_t i = 0; into->cells && i <= into->spec.n_cuts; i++)
        merge_cell(&into->cells[i], &from->cells[i]);
    sums_of(into, a);
    sums_of((struct weir_quality *)from, b);
    for (int i = 0; i < SUMS; i++)
        add(a[i], *b[i]);
    into->scored += from->scored;
    into->improbable += from->improbable;
    into->n += from->n;
    into->outside += from->outside;
    return 0;
}

// ---- bytes

static void put_spec(struct weir_buffer *out, const struct weir_quality_spec *spec)
{
    weir_put_long(out, spec->task);
    if (spec->task == WEIR_QUALITY_NUMBERS) {
        weir_put_double(out, spec->centre);
        weir_put_double(out, spec->scale);
        return;
    }
    weir_put_long(out, (int64_t)spec->n_classes);
    for (size_t i = 0; i < spec->n_classes; i++)
        weir_put_string(out, spec->classes[i]);
    weir_put_long(out, spec->predicted != 0);
    weir_put_long(out, spec->positive);
    weir_put_long(out, spec->scored != 0);
    weir_put_long(out, (int64_t)spec->n_cuts);
    for (size_t i = 0; i < spec->n_cuts; i++)
        weir_put_double(out, spec->cuts[i]);
}

void weir_quality_write(const struct weir_quality *quality, struct weir_buffer *out)
{
    const struct weir_quality_spec *spec = &quality->spec;
    size_t n = spec->n_classes;
    put_spec(out, spec);
    for (size_t i = 0; quality->confusion && i < (n + 1) * (n + 2); i++)
        weir_put_long(out, (int64_t)quality->confusion[i]);
    for (size_t i = 0; quality->cells && i <= spec->n_cuts; i++) {
        const struct weir_quality_cell *cell = &quality->cells[i];
        weir_put_long(out, (int64_t)cell->positives);
        weir_put_long(out, (int64_t)cell->negatives);
        if (!(cell->positives + cell->negatives))
            continue;
        weir_put_double(out, cell->least);
        weir_put_double(out, cell->most);
        weir_put_wide(out, cell->score);
    }
    weir_put_long(out, (int64_t)quality->improbable);
    weir_put_long(out, (int64_t)quality->n);
    weir_put_long(out, (int64_t)quality->outside);
    weir_wide *sums[SUMS];
    sums_of((struct weir_quality *)quality, sums);
    for (int i = 0; i < SUMS; i++)
        weir_put_wide(out, *sums[i]);
}

struct read_spec {
    struct weir_quality_spec spec;
    char *classes[WEIR_QUALITY_MOST_CLASSES];
    double *cuts;
};

static int get_spec(struct weir_reader *in, struct read_spec *read)
{
    struct weir_quality_spec *spec = &read->spec;
    spec->task = (enum weir_quality_task)weir_get_count(in, WEIR_QUALITY_NUMBERS);
    spec->positive = -1;
    if (spec->task == WEIR_QUALITY_NUMBERS) {
        spec->centre = weir_get_double(in);
        spec->scale = weir_get_double(in);
        return weir_reader_code(in);
    }
    size_t n = weir_get_count(in, WEIR_QUALITY_MOST_CLASSES);
    for (size_t i = 0; i < n && !in->failed; i++) {
        read->classes[i] = weir_get_string_alloc(in, WEIR_QUALITY_CLASS_TEXT - 1);
        spec->n_classes += read->classes[i] != NULL;
    }
    spec->classes = (const char *const *)read->classes;
    spec->predicted = (int)weir_get_count(in, 1);
    int64_t positive = weir_get_long(in);
    spec->positive = positive < -1 || positive > 1 ? -2 : (int)positive;
    spec->scored = (int)weir_get_count(in, 1);
    size_t cuts = weir_get_count(in, weir_reader_left(in) / 8);
    if (in->failed)
        return weir_reader_code(in);
    read->cuts = malloc((cuts + 1) * sizeof *read->cuts);
    if (!read->cuts)
        return WEIR_ENOMEM;
    for (; spec->n_cuts < cuts; spec->n_cuts++)
        read->cuts[spec->n_cuts] = weir_get_double(in);
    spec->cuts = read->cuts;
    return weir_reader_code(in);
}

// The scores must be of the cell, and their sum such as theirs can be.
static int good_cell(const struct weir_quality_spec *spec, size_t i,
                     const struct weir_quality_cell *cell)
{
    if (isnan(cell->least) || isnan(cell->most) || cell->least > cell->most)
        return 0;
    return cell_of(spec, cell->least) == i && cell_of(spec, cell->most) == i && cell->score >= 0;
}

static int get_counts(struct weir_reader *in, struct weir_quality *quality)
{
    const struct weir_quality_spec *spec = &quality->spec;
    size_t n = spec->n_classes, left = COUNT_LIMIT;
    for (size_t i = 0; quality->confusion && i < (n + 1) * (n + 2); i++) {
        quality->confusion[i] = weir_get_count(in, left);
        left -= quality->confusion[i];
        if (i % (n + 2) == n + 1 && i / (n + 2) < n && quality->confusion[i])
            return WEIR_ECORRUPT;
    }
    left = COUNT_LIMIT;
    for (size_t i = 0; quality->cells && i <= spec->n_cuts && !in->failed; i++) {
        struct weir_quality_cell *cell = &quality->cells[i];
        cell->positives = weir_get_count(in, left);
        left -= cell->positives;
        cell->negatives = weir_get_count(in, left);
        left -= cell->negatives;
        if (!(cell->positives + cell->negatives))
            continue;
        cell->least = weir_get_double(in);
        cell->most = weir_get_double(in);
        cell->score = weir_get_wide(in);
        if (!in->failed && !good_cell(spec, i, cell))
            return WEIR_ECORRUPT;
    }
    quality->scored = COUNT_LIMIT - left;
    quality->improbable = weir_get_count(in, quality->scored);
    quality->n = weir_get_count(in, spec->task == WEIR_QUALITY_NUMBERS ? COUNT_LIMIT : 0);
    quality->outside = weir_get_count(in, spec->task == WEIR_QUALITY_NUMBERS ? COUNT_LIMIT : 0);
    weir_wide *sums[SUMS];
    sums_of(quality, sums);
    for (int i = 0; i < SUMS; i++)
        *sums[i] = weir_get_wide(in);
    int negative = quality->loss < 0 || quality->loss_squares < 0 || quality->brier < 0 ||
                   quality->brier_squares < 0 || quality->e_absolute < 0 || quality->e2 < 0 ||
                   quality->z2 < 0 || quality->e4 < 0 || quality->z4 < 0 || quality->e2z2 < 0;
    return in->failed ? weir_reader_code(in) : negative ? WEIR_ECORRUPT : 0;
}

int weir_quality_read(struct weir_reader *in, struct weir_quality **out)
{
    struct read_spec read = {0};
    struct weir_quality *quality = NULL;
    int code = get_spec(in, &read);
    // As many bytes as cells, at least: what is small cannot ask for much.
    if (!code && read.spec.scored && read.spec.n_cuts > weir_reader_left(in))
        code = WEIR_ECORRUPT;
    if (!code) {
        code = weir_quality_create(&read.spec, &quality);
        code = code == WEIR_EINVAL ? WEIR_ECORRUPT : code;
    }
    if (!code)
        code = get_counts(in, quality);
    for (size_t i = 0; i < read.spec.n_classes; i++)
        free(read.classes[i]);
    free(read.cuts);
    if (code) {
        weir_quality_destroy(quality);
        return code;
    }
    *out = quality;
    return 0;
}
