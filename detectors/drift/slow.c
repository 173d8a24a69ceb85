// SPDX-License-Identifier: Apache-2.0
#include "detectors/drift/slow.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"
#include "stats/special.h"

enum {
    LEARN_FROM = 24, // windows
    DAYS = 3,
    LEAST_LONG = 6, // windows: less is not slow
    LEVEL_LEAST = 8, LEVEL_MOST = 48 // windows that a level is smoothed over: a day's, within these
};
static const double CLIP = 4;         // of one window, in its own sd beyond the slack
static const double KEEP = 0.75;      // of the floor, to stay open
static const double BEYOND = 1.5;     // thresholds that a sum may reach, or it would never fall
static const double WEIGHT = 1.0 / 3; // of slow drift's share in the budget to the windows' own

double drift_slow_floor(double delta, int ordered, enum weir_signal signal)
{
    if (signal >= WEIR_SIGNAL_NULL)
        return 0.2 * delta; // and what drift_local() says
    if (!ordered)
        return 0.75 * delta;
    return signal == WEIR_SIGNAL_LEVEL ? delta : (signal == WEIR_SIGNAL_SCALE ? 0.55 : 0.75) * delta;
}

static int is_ordered(const struct drift_memory *memory, size_t field)
{
    return drift_memory_cells(memory, field)->shape == WEIR_SHAPE_NUMERIC;
}

static struct drift_chart *chart_of(const struct drift_memory *memory, size_t field, int signal)
{
    return &memory->calibration.slow.charts[field * WEIR_SIGNALS + (size_t)signal];
}

// ---- life

int drift_slow_init(struct drift_memory *memory)
{
    struct drift_slow *slow = &memory->calibration.slow;
    size_t n = memory->drift->n_fields;
    slow->charts = calloc(n * WEIR_SIGNALS, sizeof *slow->charts);
    slow->apart = calloc(n, sizeof *slow->apart);
    slow->open = calloc(n, sizeof *slow->open);
    return slow->charts && slow->apart && slow->open ? 0 : WEIR_ENOMEM;
}

void drift_slow_free(struct drift_memory *memory)
{
    struct drift_slow *slow = &memory->calibration.slow;
    free(slow->charts);
    free(slow->apart);
    free(slow->open);
    *slow = (struct drift_slow){0};
}

// ---- one chart

static struct weir_cusum_options options_of(const struct drift_chart *chart)
{
    return (struct weir_cusum_options){chart->mean, chart->sd, chart->slack / chart->sd, INFINITY};
}

static struct weir_ewma_options smoothing(const struct drift *drift, const struct drift_chart *chart)
{
    double windows = drift->window > 0 ? 24 * 3600e3 / (double)drift->window : LEVEL_LEAST;
    windows = fmin(fmax(windows, LEVEL_LEAST), LEVEL_MOST);
    return (struct weir_ewma_options){chart->mean, chart->sd, 2 / (windows + 1), INFINITY, 0};
}

static void add(const struct drift *drift, struct drift_chart *chart, double x, int64_t start)
{
    struct weir_cusum_options options = options_of(chart);
    struct weir_ewma_options average = smoothing(drift, chart), again = average;
    double most = chart->slack + CLIP * chart->single;
    x = chart->mean + fmin(fmax(x - chart->mean, -most), most);
    weir_cusum_add(&chart->sum, &options, x);
    chart->up_windows++;
    chart->down_windows++;
    if (chart->sum.up_from + 1 == chart->sum.n || !(chart->sum.up > 0)) {
        chart->up_since = start;
        chart->up_windows = 1;
    }
    if (chart->sum.down_from + 1 == chart->sum.n || !(chart->sum.down > 0)) {
        chart->down_since = start;
        chart->down_windows = 1;
    }
    weir_ewma_add(&chart->level, &average, x);
    again.mean = 0;
    again.sd = 1;
    weir_ewma_add(&chart->trend, &again, chart->level.average);
}

// An excursion in nats: sums of independent values reach so much with probability exp(-2 k S).
static double excursion(const struct drift_chart *chart)
{
    return chart->sd > 0 ? 2 * chart->slack / chart->sd * fmax(chart->sum.up, chart->sum.down) : 0;
}

static void reset(struct drift_chart *chart)
{
    chart->sum = (struct weir_cusum){0};
    chart->level = chart->trend = (struct weir_ewma){0};
}

// ---- learning

struct days { // of one signal: means of days
    double *mean;
    size_t n;
};

static void mean_days(const struct drift_history *stretch, const float *signals, size_t width,
                      struct days *days)
{
    int64_t day = INT64_MIN;
    double sum = 0;
    size_t n = 0;
    days->n = 0;
    for (size_t w = 0; w <= stretch->n; w++) {
        int64_t today = w < stretch->n ? drift_day_of(stretch->items[w].start) : INT64_MAX;
        if (today != day && n) {
            days->mean[days->n++] = sum / (double)n;
            sum = 0;
            n = 0;
        }
        day = today;
        if (w < stretch->n && !isnan(signals[w * width])) {
            sum += (double)signals[w * width];
            n++;
        }
    }
}

// The error of the mean of all days, which remember the day before.
static double error_of(const struct days *days, double *variance)
{
    double mean = 0, square = 0, lag = 0, n = (double)days->n;
    for (size_t d = 0; d < days->n; d++)
        mean += days->mean[d] / n;
    for (size_t d = 0; d < days->n; d++) {
        square += (days->mean[d] - mean) * (days->mean[d] - mean);
        lag += d ? (days->mean[d] - mean) * (days->mean[d - 1] - mean) : 0;
    }
    *variance = square / (n - 1);
    double memory = square > 0 ? fmin(fmax(lag / square, 0), .9) : 0;
    return sqrt(*variance * (1 + memory) / (1 - memory) / n);
}

static void learn_chart(struct drift_memory *memory, size_t f, int signal, const float *signals,
                        size_t width, struct days *days)
{
    const struct drift_calibration *calibration = &memory->calibration;
    const struct drift_history *stretch = &calibration->stretch;
    struct drift_chart *chart = chart_of(memory, f, signal);
    double mean = 0, square = 0, n = 0, variance;
    *chart = (struct drift_chart){0};
    for (size_t w = 0; w < stretch->n; w++) {
        double x = (double)signals[w * width];
        if (isnan(x))
            continue;
        double gap = x - mean;
        mean += gap / ++n;
        square += gap * (x - mean);
    }
    if (n < LEARN_FROM)
        return;
    mean_days(stretch, signals, width, days);
    if (days->n < DAYS)
        return;
    double error = error_of(days, &variance);
    double values = (double)calibration->pooled[f].values / (double)stretch->n;
    double least = 0.5 / sqrt(fmax(values, 1)); // where nothing varied, as of nulls
    double quantile = weir_student_t_quantile(.975, (double)(days->n - 1));
    double a_day = n / (double)days->n;
    chart->mean = mean;
    chart->single = fmax(sqrt(square / (n - 1)), least);
    chart->sd = fmax(chart->single, sqrt(variance * a_day));
    double floor = drift_slow_floor(memory->drift->delta, is_ordered(memory, f),
                                    (enum weir_signal)signal);
    chart->slack = fmax(floor / 2, quantile * error);
}

int drift_slow_learn(struct drift_memory *memory, const float *signals, double *largest)
{
    struct drift_slow *slow = &memory->calibration.slow;
    const struct drift_history *stretch = &memory->calibration.stretch;
    size_t n_fields = memory->drift->n_fields, n = stretch->n, width = n_fields * WEIR_SIGNALS;
    struct days days = {.mean = malloc((n + 1) * sizeof(double))};
    double *peak = calloc(n * n_fields + 1, sizeof *peak), *sorted = NULL;
    int code = days.mean && peak ? 0 : WEIR_ENOMEM;
    for (size_t f = 0; f < n_fields && !code; f++) {
        for (int k = 0; k < WEIR_SIGNALS; k++) {
            const float *column = signals + f * WEIR_SIGNALS + (size_t)k;
            struct drift_chart *chart = chart_of(memory, f, k);
            learn_chart(memory, f, k, column, width, &days);
            for (size_t w = 0; w < n && chart->sd > 0; w++) {
                if (!isnan(column[w * width]))
                    add(memory->drift, chart, (double)column[w * width], stretch->items[w].start);
                peak[f * n + w] = fmax(peak[f * n + w], excursion(chart));
            }
            reset(chart);
        }
        slow->apart[f] = UINT32_MAX / 2;
        slow->open[f] = 0;
    }
    if (!code && !(sorted = malloc((n * n_fields + 1) * sizeof *sorted)))
        code = WEIR_ENOMEM;
    if (!code) {
        memcpy(sorted, peak, n * n_fields * sizeof *sorted);
        weir_tail_fit(&slow->tail, sorted, n * n_fields);
    }
    for (size_t w = 0; w < n && !code; w++) {
        for (size_t f = 0; f < n_fields; f++) {
            double score = weir_tail_score(&slow->tail, peak[f * n + w]) + log(WEIGHT);
            if (score > 0)
                largest[w] = fmax(isnan(largest[w]) ? 0 : largest[w], score);
        }
    }
    free(days.mean);
    free(peak);
    free(sorted);
    return code;
}

// ---- judging

static double now_of(const struct drift_chart *chart)
{
    return (2 * chart->level.average - chart->trend.average) * chart->sd;
}

// `shows`: a window shows it besides, so it need not be as clear from this.
static int matters(const struct drift_memory *memory, size_t f, int signal, double now, int shows)
{
    const struct drift *drift = memory->drift;
    const struct drift_counts *pooled = &memory->calibration.pooled[f];
    double floor = drift_slow_floor(drift->delta, is_ordered(memory, f), (enum weir_signal)signal);
    if (shows || memory->calibration.slow.open[f])
        now /= KEEP;
    if (fabs(now) < floor)
        return 0;
    if (signal < WEIR_SIGNAL_NULL)
        return 1;
    int null = signal == WEIR_SIGNAL_NULL;
    double rows = (double)(null ? pooled->rows : pooled->values);
    double usual = rows > 0 ? (double)(null ? pooled->null : pooled->unseen) / rows : 0;
    return drift_local(null ? DRIFT_NULL_RATE : DRIFT_UNSEEN,
                       weir_angle_share(weir_share_angle(usual) + now), usual);
}

// The field's strongest chart among those whose change matters.
static struct drift_creep strongest(const struct drift_memory *memory, size_t f, int shows)
{
    const struct drift *drift = memory->drift;
    const struct drift_slow *slow = &memory->calibration.slow;
    struct drift_creep best = {.field = f, .score = -INFINITY};
    for (int k = 0; k < WEIR_SIGNALS; k++) {
        const struct drift_chart *chart = chart_of(memory, f, k);
        double now = now_of(chart);
        int up = chart->sum.up >= chart->sum.down;
        if (!(chart->sd > 0) || (now > 0) != up || !matters(memory, f, k, now, shows))
            continue;
        double score = weir_tail_score(&slow->tail, excursion(chart)) + log(WEIGHT);
        if (score <= best.score)
            continue;
        best.score = score;
        best.signal = (enum weir_signal)k;
        best.now = now;
        best.error = chart->sd * sqrt(1.25 * smoothing(drift, chart).weight);
        best.since = up ? chart->up_since : chart->down_since;
        best.windows = up ? chart->up_windows : chart->down_windows;
    }
    return best;
}

// Whether a chart is beyond the threshold, whatever the change comes to by now.
static int is_beyond(const struct drift_memory *memory, size_t f)
{
    const struct drift_slow *slow = &memory->calibration.slow;
    double threshold = memory->calibration.budget.threshold;
    for (int k = 0; k < WEIR_SIGNALS; k++) {
        const struct drift_chart *chart = chart_of(memory, f, k);
        int up = chart->sum.up >= chart->sum.down;
        if ((up ? chart->up_windows : chart->down_windows) >= LEAST_LONG &&
            weir_tail_score(&slow->tail, excursion(chart)) + log(WEIGHT) > threshold)
            return 1;
    }
    return 0;
}

// Sums do not grow without end, and start anew where the field is back.
static void limit(const struct drift_memory *memory, struct drift_chart *chart)
{
    const struct drift_slow *slow = &memory->calibration.slow;
    double threshold = memory->calibration.budget.threshold, all = excursion(chart);
    double score = weir_tail_score(&slow->tail, all) + log(WEIGHT);
    if (!(score > threshold))
        return;
    if (fabs(chart->level.average) * chart->sd < chart->slack / 2) {
        chart->sum.up = chart->sum.down = 0;
    } else if (score > BEYOND * threshold && slow->tail.rate > 0) {
        double most = all - (score - BEYOND * threshold) / slow->tail.rate;
        double by = fmin(fmax(most / all, 0.5), 1);
        chart->sum.up *= by;
        chart->sum.down *= by;
    }
}

static void feed(struct drift_memory *memory, const struct weir_window *window, size_t f)
{
    const double *signal = memory->calibration.signals + f * WEIR_SIGNALS;
    for (int k = 0; k < WEIR_SIGNALS; k++) {
        struct drift_chart *chart = chart_of(memory, f, k);
        if (!(chart->sd > 0) || isnan(signal[k]))
            continue;
        add(memory->drift, chart, signal[k], window->start);
        limit(memory, chart);
    }
}

// What is no longer a part of where a field has crept to by now.
static double jump_of(const struct drift_memory *memory, size_t f)
{
    const struct drift_chart *level = chart_of(memory, f, WEIR_SIGNAL_LEVEL);
    double crept = level->sd > 0 && is_ordered(memory, f) ? fabs(now_of(level)) : 0;
    return 1.5 * crept + 2 * memory->drift->critical;
}

static size_t place_of(const struct drift_memory *memory, const struct drift_verdict *moved,
                       size_t n, size_t f)
{
    size_t i = 0;
    while (i < n && moved[i].field != &memory->drift->fields[f])
        i++;
    return i;
}

static void take_out(struct drift_memory *memory, struct drift_verdict *moved, size_t *n, size_t i)
{
    int opens = 0;
    memmove(moved + i, moved + i + 1, (*n - i - 1) * sizeof *moved);
    --*n;
    for (size_t k = 0; k < *n; k++)
        opens |= moved[k].score > memory->calibration.budget.threshold;
    if (!opens)
        *n = 0;
}

static int by_score(const void *a, const void *b)
{
    const struct drift_creep *x = a, *y = b;
    if (x->score != y->score)
        return x->score > y->score ? -1 : 1;
    return (x->field > y->field) - (x->field < y->field);
}

void drift_slow_judge(struct drift_memory *memory, const struct weir_window *window,
                      struct drift_verdict *moved, size_t *n_moved, struct drift_creep *creeps,
                      size_t *n_creeps)
{
    const struct drift *drift = memory->drift;
    struct drift_slow *slow = &memory->calibration.slow;
    double threshold = memory->calibration.budget.threshold;
    *n_creeps = 0;
    for (size_t f = 0; slow->charts && f < drift->n_fields; f++) {
        size_t at = place_of(memory, moved, *n_moved, f);
        int shows = at < *n_moved, was = slow->open[f] || is_beyond(memory, f);
        // A window shows it by itself, or it jumped besides: that is told as such.
        if (shows && (!was || moved[at].effect >= jump_of(memory, f))) {
            slow->apart[f] = 0;
            continue;
        }
        feed(memory, window, f);
        slow->apart[f] += slow->apart[f] < UINT32_MAX / 2;
        struct drift_creep creep = strongest(memory, f, shows);
        int opens = creep.score > threshold && creep.windows >= LEAST_LONG &&
                    (slow->open[f] || (int64_t)slow->apart[f] > drift->resolve_after);
        slow->open[f] = opens != 0;
        if (!opens)
            continue;
        if (shows)
            take_out(memory, moved, n_moved, at);
        creeps[(*n_creeps)++] = creep;
    }
    qsort(creeps, *n_creeps, sizeof *creeps, by_score);
}

// ---- bytes

int drift_slow_write(const struct drift_memory *memory, struct weir_buffer *out)
{
    const struct drift_slow *slow = &memory->calibration.slow;
    int code = weir_tail_write(&slow->tail, out);
    for (size_t f = 0; f < memory->drift->n_fields && !code; f++) {
        weir_put_long(out, slow->apart[f]);
        weir_put_long(out, slow->open[f]);
        for (int k = 0; k < WEIR_SIGNALS; k++) {
            const struct drift_chart *chart = chart_of(memory, f, k);
            weir_put_double(out, chart->sd);
            if (!(chart->sd > 0))
                continue;
            weir_put_double(out, chart->mean);
            weir_put_double(out, chart->single);
            weir_put_double(out, chart->slack);
            weir_cusum_write(&chart->sum, out);
            weir_ewma_write(&chart->level, out);
            weir_ewma_write(&chart->trend, out);
            weir_put_long(out, chart->up_since);
            weir_put_long(out, chart->down_since);
            weir_put_long(out, chart->up_windows);
            weir_put_long(out, chart->down_windows);
        }
    }
    return code ? code : out->failed ? WEIR_ENOMEM : 0;
}

static int is_scale(double x)
{
    return x > 0 && x < 1e6;
}

static int read_chart(struct drift_chart *chart, struct weir_reader *in)
{
    *chart = (struct drift_chart){.sd = weir_get_double(in)};
    if (in->failed || !(chart->sd >= 0) || !(chart->sd < 1e6))
        return WEIR_ECORRUPT;
    if (!(chart->sd > 0))
        return 0;
    chart->mean = weir_get_double(in);
    chart->single = weir_get_double(in);
    chart->slack = weir_get_double(in);
    weir_cusum_read(&chart->sum, in);
    weir_ewma_read(&chart->level, in);
    weir_ewma_read(&chart->trend, in);
    chart->up_since = weir_get_long(in);
    chart->down_since = weir_get_long(in);
    chart->up_windows = (uint32_t)weir_get_count(in, UINT32_MAX);
    chart->down_windows = (uint32_t)weir_get_count(in, UINT32_MAX);
    return in->failed || !is_scale(chart->single) || !is_scale(chart->slack) ||
                   !(fabs(chart->mean) < 1e6) || !(chart->sum.up < 1e12) ||
                   !(chart->sum.down < 1e12)
               ? WEIR_ECORRUPT
               : 0;
}

int drift_slow_read(struct drift_memory *memory, struct weir_reader *in)
{
    struct drift_slow *slow = &memory->calibration.slow;
    int code = weir_tail_read(&slow->tail, in);
    for (size_t f = 0; f < memory->drift->n_fields && !code; f++) {
        slow->apart[f] = (uint32_t)weir_get_count(in, UINT32_MAX / 2);
        slow->open[f] = (uint8_t)weir_get_count(in, 1);
        for (int k = 0; k < WEIR_SIGNALS && !code; k++)
            code = read_chart(chart_of(memory, f, k), in);
    }
    return code ? code : weir_reader_code(in);
}
