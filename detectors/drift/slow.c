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
    LEVEL_LEAST = 8,
    LEVEL_MOST = 48 // windows that a level is smoothed over: a day's, within these
};
// Charts that pass over less find lasting shifts too small to matter, and ramps later.
static const double LEAST_SLACK = 0.25; // sd
static const double CLIP = 4;           // of one window, in its own sd beyond the slack
static const double SUSPECT = 0.4;      // of the threshold: what may be drift is not learnt
static const double KEEP = 0.75;        // of floor and threshold, to stay open
static const double BEYOND = 1.5;       // thresholds that a sum may reach, or it would never fall
static const double WEIGHT = 1.0 / 3;   // of slow drift's share in the budget to the windows' own

double drift_slow_floor(double delta, int ordered, enum weir_signal signal)
{
    if (signal >= WEIR_SIGNAL_NULL)
        return 0.2 * delta; // and what drift_local() says
    if (!ordered)
        return 0.75 * delta;
    return signal == WEIR_SIGNAL_LEVEL ? delta
                                       : (signal == WEIR_SIGNAL_SCALE ? 0.55 : 0.75) * delta;
}

static int is_ordered(const struct drift_memory *memory, size_t field)
{
    return drift_memory_cells(memory, field)->shape == WEIR_SHAPE_NUMERIC;
}

struct drift_chart *drift_slow_chart(const struct drift_memory *memory, size_t field, int signal)
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
    slow->suspected = calloc(n, sizeof *slow->suspected);
    slow->jumped = calloc(n, sizeof *slow->jumped);
    if (!slow->charts || !slow->apart || !slow->open || !slow->suspected || !slow->jumped)
        return WEIR_ENOMEM;
    drift_slow_forget(memory);
    return drift_trace_init(&slow->trace, memory->drift->trace_steps, n * WEIR_SIGNALS);
}

void drift_slow_free(struct drift_memory *memory)
{
    struct drift_slow *slow = &memory->calibration.slow;
    free(slow->charts);
    free(slow->apart);
    free(slow->open);
    free(slow->suspected);
    free(slow->jumped);
    drift_trace_free(&slow->trace);
    *slow = (struct drift_slow){0};
}

// ---- one chart

static struct weir_cusum_options options_of(const struct drift_chart *chart)
{
    return (struct weir_cusum_options){chart->mean, chart->sd, chart->slack / chart->sd, INFINITY};
}

static struct weir_ewma_options smoothing(const struct drift *drift,
                                          const struct drift_chart *chart)
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
    weir_cusum_add(&chart->sum, &options, chart->mean + fmin(fmax(x - chart->mean, -most), most));
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

// -ln of how often in a window one begins that goes so far, by the share in the budget.
static double score_of(const struct drift_slow *slow, double excursion)
{
    return excursion > 0 ? weir_tail_score(&slow->tail, excursion) + slow->rarity + log(WEIGHT) : 0;
}

// ---- learning

struct days { // of one signal: means of days
    double *mean;
    size_t n;
    size_t asked;    // days of which
    double quantile; // Student's t is known
};

struct part { // of the stretch: all but windows first to end - 1
    size_t first, end;
};

static int is_left_out(const struct part *part, size_t w)
{
    return w >= part->first && w < part->end;
}

static void mean_days(const struct drift_history *stretch, const float *signals, size_t width,
                      const struct part *part, struct days *days)
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
        if (w < stretch->n && !isnan(signals[w * width]) && !is_left_out(part, w)) {
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

// None of all charts may be off by more than it passes over, or it alarms sooner or later.
static double quantile_of(const struct drift_memory *memory, struct days *days)
{
    double charts = (double)(memory->calibration.n_charts ? memory->calibration.n_charts : 1);
    if (days->asked != days->n)
        days->quantile = weir_student_t_quantile(1 - .025 / charts, (double)(days->n - 1));
    days->asked = days->n;
    return days->quantile;
}

struct column { // one signal of a field, over the stretch
    size_t field;
    int signal;
    const float *of;
    size_t width;
};

static void learn_chart(const struct drift_memory *memory, const struct column *column,
                        const struct part *part, struct days *days, struct drift_chart *chart)
{
    const struct drift_calibration *calibration = &memory->calibration;
    const struct drift_history *stretch = &calibration->stretch;
    double mean = 0, square = 0, n = 0, variance;
    chart->sd = 0;
    for (size_t w = 0; w < stretch->n; w++) {
        double x = (double)column->of[w * column->width];
        if (isnan(x) || is_left_out(part, w))
            continue;
        double gap = x - mean;
        mean += gap / ++n;
        square += gap * (x - mean);
    }
    if (n < LEARN_FROM)
        return;
    mean_days(stretch, column->of, column->width, part, days);
    if (days->n < DAYS)
        return;
    double error = error_of(days, &variance);
    double values = (double)calibration->pooled[column->field].values / (double)stretch->n;
    double least = 0.5 / sqrt(fmax(values, 1)); // where nothing varied, as of nulls
    double quantile = quantile_of(memory, days);
    double a_day = n / (double)days->n;
    chart->mean = mean;
    chart->single = fmax(sqrt(square / (n - 1)), least);
    chart->sd = fmax(chart->single, sqrt(variance * a_day));
    double floor = drift_slow_floor(memory->drift->delta, is_ordered(memory, column->field),
                                    (enum weir_signal)column->signal);
    chart->slack = fmax(fmax(floor / 2, quantile * error), LEAST_SLACK * chart->sd);
}

// Raises `peak` (one a window) to the chart's excursions. Each fifth of the stretch is charted by
// what the other four taught: by what it taught itself it would look tamer than the days to come.
static void replay_chart(const struct drift_memory *memory, const struct column *column,
                         struct days *days, double *peak)
{
    const struct drift_history *stretch = &memory->calibration.stretch;
    struct drift_chart chart = {.sd = 0};
    size_t n = stretch->n;
    for (size_t fold = 0; fold < DRIFT_SLOW_FOLDS; fold++) {
        struct part part = {fold * n / DRIFT_SLOW_FOLDS, (fold + 1) * n / DRIFT_SLOW_FOLDS};
        double slack = chart.slack, sd = chart.sd;
        learn_chart(memory, column, &part, days, &chart);
        // What has been summed goes on, in the new units.
        double by = chart.sd > 0 && sd > 0 ? slack / sd / (chart.slack / chart.sd) : 0;
        chart.sum.up *= by;
        chart.sum.down *= by;
        for (size_t w = part.first; w < part.end && chart.sd > 0; w++) {
            double x = (double)column->of[w * column->width];
            if (!isnan(x))
                add(memory->drift, &chart, x, stretch->items[w].start);
            peak[w] = fmax(peak[w], excursion(&chart));
        }
    }
}

// Excursions are counted, not windows: those of one are not independent at all, and a tail fitted
// to them ends where the longest plateau of a month does. `most`: room for one a window and field.
static void fit_tail(const struct drift_memory *memory, const double *peak, const struct part *part,
                     double *most, struct drift_slow *into)
{
    size_t n = memory->calibration.stretch.n, n_fields = memory->drift->n_fields, found = 0;
    size_t windows = n - (part->end - part->first);
    for (size_t f = 0; f < n_fields; f++) {
        double before = 0;
        for (size_t w = 0; w < n; w++) {
            double now = is_left_out(part, w) ? 0 : peak[f * n + w];
            if (now > 0 && !(before > 0))
                most[found++] = 0;
            if (now > 0)
                most[found - 1] = fmax(most[found - 1], now);
            before = now;
        }
    }
    into->rarity = log((double)(windows * n_fields + 1) / (double)(found + 1));
    weir_tail_fit(&into->tail, most, found);
}

int drift_slow_score(struct drift_memory *memory, const double *peak, size_t fold, double *largest)
{
    size_t n = memory->calibration.stretch.n, n_fields = memory->drift->n_fields;
    struct part part = {fold * n / DRIFT_SLOW_FOLDS, (fold + 1) * n / DRIFT_SLOW_FOLDS};
    struct drift_slow others;
    double *room = malloc((n * n_fields + 1) * sizeof *room);
    if (!room)
        return WEIR_ENOMEM;
    if (fold == DRIFT_SLOW_FOLDS) {
        fit_tail(memory, peak, &(struct part){0, 0}, room, &memory->calibration.slow);
        free(room);
        return 0;
    }
    fit_tail(memory, peak, &part, room, &others);
    for (size_t f = 0; f < n_fields; f++) {
        for (size_t w = part.first; w < part.end; w++) {
            double score = score_of(&others, peak[f * n + w]);
            if (score > 0)
                largest[w] = fmax(isnan(largest[w]) ? 0 : largest[w], score);
        }
    }
    free(room);
    return 0;
}

int drift_slow_learn(struct drift_memory *memory, const float *signals, double *peak)
{
    struct drift_slow *slow = &memory->calibration.slow;
    const struct drift_history *stretch = &memory->calibration.stretch;
    size_t n_fields = memory->drift->n_fields, n = stretch->n, width = n_fields * WEIR_SIGNALS;
    struct days days = {.mean = malloc((n + 1) * sizeof(double))};
    if (!days.mean)
        return WEIR_ENOMEM;
    memset(peak, 0, n * n_fields * sizeof *peak);
    for (size_t f = 0; f < n_fields; f++) {
        for (int k = 0; k < WEIR_SIGNALS; k++) {
            struct column column = {f, k, signals + f * WEIR_SIGNALS + (size_t)k, width};
            struct drift_chart *chart = drift_slow_chart(memory, f, k);
            *chart = (struct drift_chart){.sd = 0};
            learn_chart(memory, &column, &(struct part){0, 0}, &days, chart);
            if (chart->sd > 0)
                replay_chart(memory, &column, &days, peak + f * n);
        }
        slow->apart[f] = UINT32_MAX / 2;
        slow->open[f] = 0;
    }
    free(days.mean);
    return 0;
}

double drift_slow_delay(const struct drift_memory *memory, size_t field, double shift)
{
    const struct drift_slow *slow = &memory->calibration.slow;
    double threshold = memory->calibration.budget.threshold, most = 1;
    const struct drift_chart *chart = slow->charts && is_ordered(memory, field)
                                          ? drift_slow_chart(memory, field, WEIR_SIGNAL_LEVEL)
                                          : NULL;
    if (!chart || !(chart->sd > 0) || !(shift > chart->slack))
        return INFINITY;
    while (most < 1e6 && !(score_of(slow, most) > threshold))
        most *= 1.1;
    // An excursion is 2 k S; each window adds shift - slack. The level is there after 1 / weight.
    double windows = most * chart->sd * chart->sd / (2 * chart->slack * (shift - chart->slack));
    windows = fmax(windows, 1 / smoothing(memory->drift, chart).weight);
    return most < 1e6 ? fmax(windows, LEAST_LONG) : INFINITY;
}

// ---- judging

static double now_of(const struct drift_chart *chart)
{
    return (2 * chart->level.average - chart->trend.average) * chart->sd;
}

// Of how many records of the calibration a share is.
static double usual_share(const struct drift_counts *pooled, int ordered, int signal)
{
    double sum = 0, all = 0;
    if (signal == WEIR_SIGNAL_NULL)
        return (double)pooled->null;
    if (signal == WEIR_SIGNAL_UNSEEN)
        return (double)pooled->unseen;
    if (!ordered)
        return (size_t)signal < pooled->n ? (double)pooled->cell[signal] : 0;
    for (size_t i = 0; i < pooled->n; i++)
        all += (double)pooled->cell[i];
    for (size_t i = 0; i < pooled->n && sum < 0.05 * all; i++)
        sum += (double)pooled->cell[signal == WEIR_SIGNAL_LOW ? i : pooled->n - 1 - i];
    return sum;
}

// `shows`: a window shows it besides, so it need not be as clear from this.
static int matters(const struct drift_memory *memory, size_t f, int signal, double now, int shows)
{
    const struct drift *drift = memory->drift;
    const struct drift_counts *pooled = &memory->calibration.pooled[f];
    double floor = drift_slow_floor(drift->delta, is_ordered(memory, f), (enum weir_signal)signal);
    // What a window opened is not over with the next.
    now /= memory->calibration.slow.open[f] ? KEEP * KEEP : shows ? KEEP : 1;
    if (fabs(now) < floor)
        return 0;
    if (is_ordered(memory, f) && signal <= WEIR_SIGNAL_SCALE)
        return 1;
    double rows = (double)(signal == WEIR_SIGNAL_NULL ? pooled->rows : pooled->values);
    double usual = rows > 0 ? usual_share(pooled, is_ordered(memory, f), signal) / rows : 0;
    double share = weir_angle_share(weir_share_angle(usual) + now);
    if (signal >= WEIR_SIGNAL_NULL)
        return drift_local(signal == WEIR_SIGNAL_NULL ? DRIFT_NULL_RATE : DRIFT_UNSEEN, share,
                           usual);
    // A share matters by its points, or by what it adds to PSI.
    double of_delta = drift->delta / 0.2, gap = fabs(share - usual);
    double psi = gap * fabs(log(fmax(share, 1e-4) / fmax(usual, 1e-4)));
    return gap >= 0.08 * of_delta || psi >= 0.04 * of_delta * of_delta;
}

// The field's strongest chart among those whose change matters.
static struct drift_creep strongest(const struct drift_memory *memory, size_t f, int shows)
{
    const struct drift *drift = memory->drift;
    const struct drift_slow *slow = &memory->calibration.slow;
    struct drift_creep best = {.field = f, .score = -INFINITY};
    for (int k = 0; k < WEIR_SIGNALS; k++) {
        const struct drift_chart *chart = drift_slow_chart(memory, f, k);
        double now = now_of(chart);
        int up = chart->sum.up >= chart->sum.down;
        if (!(chart->sd > 0) || (now > 0) != up || !matters(memory, f, k, now, shows))
            continue;
        double score = score_of(slow, excursion(chart));
        // Of numbers the level says most, where it says anything.
        int said = best.score > memory->calibration.budget.threshold && is_ordered(memory, f);
        if (said || score <= best.score)
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

// Whether a chart is beyond so much of the threshold, whatever the change comes to by now.
static int is_beyond(const struct drift_memory *memory, size_t f, double part)
{
    const struct drift_slow *slow = &memory->calibration.slow;
    double threshold = part * memory->calibration.budget.threshold;
    for (int k = 0; k < WEIR_SIGNALS; k++) {
        const struct drift_chart *chart = drift_slow_chart(memory, f, k);
        int up = chart->sum.up >= chart->sum.down;
        if ((up ? chart->up_windows : chart->down_windows) >= LEAST_LONG &&
            score_of(slow, excursion(chart)) > threshold)
            return 1;
    }
    return 0;
}

// Sums do not grow without end, and start anew where the field is back.
static void limit(const struct drift_memory *memory, struct drift_chart *chart)
{
    const struct drift_slow *slow = &memory->calibration.slow;
    double threshold = memory->calibration.budget.threshold, all = excursion(chart);
    double score = score_of(slow, all);
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
        struct drift_chart *chart = drift_slow_chart(memory, f, k);
        if (!(chart->sd > 0) || isnan(signal[k]))
            continue;
        add(memory->drift, chart, signal[k], window->start);
        limit(memory, chart);
    }
}

// What is no longer a part of where a field has crept to by now.
static double jump_of(const struct drift_memory *memory, size_t f)
{
    const struct drift_chart *level = drift_slow_chart(memory, f, WEIR_SIGNAL_LEVEL);
    double crept = level->sd > 0 && is_ordered(memory, f) ? fabs(now_of(level)) : 0;
    return 1.5 * crept + 2 * memory->drift->critical;
}

static int says_anything(const struct drift_memory *memory, size_t f)
{
    const double *signal = memory->calibration.signals + f * WEIR_SIGNALS;
    for (int k = 0; k < WEIR_SIGNALS; k++) {
        if (!isnan(signal[k]))
            return 1;
    }
    return 0;
}

static void clear(const struct drift_memory *memory, size_t f)
{
    for (int k = 0; k < WEIR_SIGNALS; k++) {
        struct drift_chart *chart = drift_slow_chart(memory, f, k);
        chart->sum.up = chart->sum.down = 0;
    }
}

// Where the sum that is furthest last left 0.
static int64_t began(const struct drift_memory *memory, size_t f)
{
    double most = 0;
    int64_t since = INT64_MIN;
    for (int k = 0; k < WEIR_SIGNALS; k++) {
        const struct drift_chart *chart = drift_slow_chart(memory, f, k);
        if (!(excursion(chart) > most))
            continue;
        most = excursion(chart);
        since = chart->sum.up >= chart->sum.down ? chart->up_since : chart->down_since;
    }
    return since;
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
        opens |= memory->calibration.held[moved[k].field - memory->drift->fields];
    if (!opens)
        *n = 0;
}

// What moved first may be why others did.
static int by_onset(const void *a, const void *b)
{
    const struct drift_creep *x = a, *y = b;
    if (x->since != y->since)
        return x->since < y->since ? -1 : 1;
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
    drift_trace_begin(&slow->trace, window->start, window->end);
    for (size_t f = 0; slow->charts && f < drift->n_fields; f++) {
        if (!says_anything(memory, f))
            continue; // it stays as it was
        drift_slow_trace(memory, f);
        size_t at = place_of(memory, moved, *n_moved, f);
        int shows = at < *n_moved, was = slow->open[f] || is_beyond(memory, f, 1);
        // A window shows it by itself, or it jumped besides: that is told as such.
        if (shows && (!was || moved[at].effect >= jump_of(memory, f))) {
            drift_slow_jump(memory, window, f);
            continue;
        }
        feed(memory, window, f);
        slow->apart[f] += slow->apart[f] < UINT32_MAX / 2;
        struct drift_creep creep = strongest(memory, f, shows);
        int opens = creep.score > (slow->open[f] ? KEEP : 1) * threshold &&
                    creep.windows >= LEAST_LONG &&
                    (slow->open[f] || (int64_t)slow->apart[f] > drift->resolve_after);
        // What is over starts anew, and does not come back at the next small move.
        if (!opens && slow->open[f]) {
            drift_slow_leave(memory, f, began(memory, f));
            clear(memory, f);
        }
        slow->open[f] = opens != 0;
        drift_slow_suspect(memory, window, f, opens || is_beyond(memory, f, SUSPECT));
        drift_slow_land(memory, window, f);
        if (!opens)
            continue;
        if (shows)
            take_out(memory, moved, n_moved, at);
        creeps[(*n_creeps)++] = creep;
    }
    drift_trace_end(&slow->trace);
    qsort(creeps, *n_creeps, sizeof *creeps, by_onset);
}
