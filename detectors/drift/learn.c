// SPDX-License-Identifier: Apache-2.0
// What is usual of each statistic of a field, and a statistic's tail over all fields.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/learning.h"
#include "stats/sort.h"

// Each fifth of the stretch is judged by what the other four taught.
enum { FOLDS = 5, KNOWN_FROM = 20 };

// Each window of the stretch against the same season of its other days. Of the hours beside it,
// too, those of its day are left out: a field with a memory was then where it is now. In a stretch
// that is still growing days that are the only ones of their kind, as a first Saturday, are left
// out: what one would expect of them is not known.
struct replay {
    const struct drift_learning *learning;
    size_t field, n, cells, n_seasons;
    struct drift drift;                          // of this field alone
    struct drift_memory memory;                  // likewise
    struct drift_counts *window, *season, *near; // of each window; of each season, and beside it
    size_t *season_windows;
    uint64_t *counts;           // that they point to
    struct drift_counts own[2]; // what a window is not to be judged by: its hour, and beside it
    struct weir_expectation *expected; // of each window; worth 0: nothing is
    double *share;                     // that it points to
    float *signals;                    // [window][signal]
    float *foreseen;                   // [window][WEIR_SIGNAL_CATEGORIES]
    float *scores;                     // [basis][score][window]
};

// ---- life

static struct drift_counts *make_counts(size_t n, uint64_t **cell, size_t cells)
{
    struct drift_counts *counts = calloc(n + 1, sizeof *counts);
    for (size_t i = 0; counts && i < n; i++, *cell += cells)
        counts[i] = (struct drift_counts){.cell = *cell, .n = cells};
    return counts;
}

// A memory that knows one field of the draft.
static void view_field(struct replay *replay)
{
    struct drift_learning *learning = (struct drift_learning *)replay->learning;
    struct drift_calibration *from = &learning->draft.calibration;
    struct drift_calibration *to = &replay->memory.calibration;
    size_t f = replay->field;
    replay->drift = *learning->draft.drift;
    replay->drift.fields += f;
    replay->drift.n_fields = 1;
    replay->memory = learning->draft;
    replay->memory.drift = &replay->drift;
    replay->memory.own += f;
    to->pooled = from->pooled + f;
    to->ahead = from->ahead + f;
    if (from->slow.charts) {
        to->slow.charts = from->slow.charts + f * WEIR_SIGNALS;
        to->slow.apart = from->slow.apart + f;
        to->slow.open = from->slow.open + f;
    }
}

static void free_replay(struct replay *replay)
{
    free(replay->window);
    free(replay->season);
    free(replay->near);
    free(replay->season_windows);
    free(replay->counts);
    free(replay->expected);
    free(replay->share);
    free(replay->signals);
    free(replay->foreseen);
    free(replay->scores);
}

static int make_replay(struct replay *replay)
{
    size_t n = replay->n, cells = replay->cells, seasons = replay->n_seasons;
    const struct drift_calibration *calibration = &replay->memory.calibration;
    uint64_t *at = replay->counts = calloc((n + 2 * seasons + 2) * cells + 1, sizeof *at);
    replay->window = at ? make_counts(n, &at, cells) : NULL;
    replay->season = at ? make_counts(seasons, &at, cells) : NULL;
    replay->near = at ? make_counts(seasons, &at, cells) : NULL;
    for (int k = 0; k < 2 && at; k++, at += cells)
        replay->own[k] = (struct drift_counts){.cell = at, .n = cells};
    replay->season_windows = calloc(seasons + 1, sizeof *replay->season_windows);
    replay->expected = calloc(n + 1, sizeof *replay->expected);
    replay->share = malloc((n * cells + 1) * sizeof *replay->share);
    replay->signals = malloc((n * WEIR_SIGNALS + 1) * sizeof *replay->signals);
    replay->foreseen = calloc(n * WEIR_SIGNAL_CATEGORIES + 1, sizeof *replay->foreseen);
    replay->scores = malloc((n * calibration->n_bases * WEIR_SCORES + 1) * sizeof *replay->scores);
    return replay->window && replay->season && replay->near && replay->season_windows &&
                   replay->expected && replay->share && replay->signals && replay->foreseen &&
                   replay->scores
               ? 0
               : WEIR_ENOMEM;
}

// ---- comparing

static int read_windows(struct replay *replay)
{
    const struct drift_learning *learning = replay->learning;
    size_t seasons = replay->n_seasons;
    int code = 0;
    for (size_t w = 0; w < replay->n && !code; w++) {
        size_t s = learning->season[w];
        code = drift_entry_add_one(&replay->memory.calibration.stretch.items[w], &learning->read[w],
                                   &replay->window[w]);
        drift_counts_add(&replay->season[s], &replay->window[w]);
        replay->season_windows[s]++;
    }
    for (size_t s = 0; s < seasons && drift_season_has_near(seasons); s++) {
        drift_counts_add(&replay->near[s], &replay->season[(s + seasons - 2) % seasons]);
        drift_counts_add(&replay->near[s], &replay->season[(s + 2) % seasons]);
    }
    return code;
}

static struct weir_expectation expect(struct replay *replay, size_t w)
{
    const struct drift_learning *learning = replay->learning;
    size_t s = learning->season[w], seasons = replay->n_seasons;
    const uint32_t *of = learning->own.of + learning->first[w];
    struct drift_usual usual = {&replay->season[s], &replay->near[s], 0};
    struct drift_usual own = {&replay->own[0], &replay->own[1], learning->n_near[w]};
    if (drift_season_has_near(seasons))
        usual.near_windows = replay->season_windows[(s + seasons - 2) % seasons] +
                             replay->season_windows[(s + 2) % seasons];
    drift_counts_reset_all(replay->own, 2);
    for (size_t k = 0; k < learning->n_hour[w] + learning->n_near[w]; k++)
        drift_counts_add(&replay->own[k >= learning->n_hour[w]], &replay->window[of[k]]);
    return drift_season_expect(&replay->memory, 0, &usual, &own);
}

static void put_scores(struct replay *replay, size_t basis, size_t w, const double *out)
{
    for (size_t k = 0; k < WEIR_SCORES; k++)
        replay->scores[(basis * WEIR_SCORES + k) * replay->n + w] = out ? (float)out[k] : NAN;
}

static void replay_usual(struct replay *replay, size_t w)
{
    float *signals = replay->signals + w * WEIR_SIGNALS;
    double out[WEIR_SCORES], signal[WEIR_SIGNALS], ratio;
    int judged = !replay->learning->alone[w] &&
                 drift_calibration_is_judged(&replay->memory, &replay->window[w]);
    if (judged) {
        struct weir_expectation expected = expect(replay, w);
        drift_calibration_look(&replay->memory, &expected, &replay->window[w], out, signal, &ratio);
        double *share = replay->share + w * replay->cells;
        memcpy(share, expected.share, expected.n * sizeof *share);
        replay->expected[w] = expected;
        replay->expected[w].share = share;
    }
    for (int k = 0; k < WEIR_SIGNALS; k++)
        signals[k] = judged ? (float)signal[k] : NAN;
    put_scores(replay, 0, w, judged ? out : NULL);
}

// The window against the same, moved by what was foreseen of it.
static void replay_ahead(struct replay *replay, size_t w)
{
    const struct drift_calibration *calibration = &replay->memory.calibration;
    const float *foreseen = replay->foreseen + w * WEIR_SIGNAL_CATEGORIES;
    double out[WEIR_SCORES], signal[WEIR_SIGNAL_CATEGORIES], ratio;
    int judged = replay->expected[w].n && calibration->ahead->gain > 0 && !isnan(foreseen[0]);
    if (judged) {
        struct weir_expectation expected = replay->expected[w];
        double *share = calibration->room;
        memcpy(share, expected.share, expected.n * sizeof *share);
        expected.share = share;
        for (int k = 0; k < WEIR_SIGNAL_CATEGORIES; k++)
            signal[k] = (double)foreseen[k];
        if (expected.worth > 0)
            drift_ahead_move(&replay->memory, &expected, signal);
        drift_calibration_look(&replay->memory, &expected, &replay->window[w], out, NULL, &ratio);
    }
    put_scores(replay, 1, w, judged ? out : NULL);
}

// What the references that are past windows made of each window when it was there.
static void take_rows(struct replay *replay)
{
    const struct drift_calibration *calibration = &replay->memory.calibration;
    size_t n_fields = replay->learning->draft.drift->n_fields, own = drift_own_bases(calibration);
    const float *rows = replay->learning->rows;
    for (size_t b = calibration->n_bases - own, i = 0; b < calibration->n_bases; b++, i++) {
        for (size_t w = 0; w < replay->n; w++) {
            double out[WEIR_SCORES];
            const float *row =
                rows ? rows + ((w * own + i) * n_fields + replay->field) * WEIR_SCORES : NULL;
            for (int k = 0; k < WEIR_SCORES && row; k++)
                out[k] = (double)row[k];
            put_scores(replay, b, w, row ? out : NULL);
        }
    }
}

// ---- what is usual

struct sorting { // of one test of a field
    uint64_t *keys, *room;
    double *ln, *others;
};

// What is usual of a column, and the column as z. Each fifth of the stretch is standardised by the
// other four: with the hour's memory a month is few independent values, and a field's own median
// and spread, fitted to the very windows that they judge, would make them look tamer than those to
// come.
static void standardise(const float *scores, size_t n, struct sorting *sorting,
                        struct weir_usual *usual, float *z)
{
    size_t known = 0, m;
    for (size_t w = 0; w < n; w++) {
        sorting->ln[w] = log((double)scores[w] + WEIR_USUAL_FLOOR);
        if (!isnan(scores[w]))
            sorting->keys[known++] = (uint64_t)weir_float_key(scores[w]) << 32 | w;
    }
    weir_sort_keys(sorting->keys, sorting->room, known);
    for (size_t fold = 0; fold <= FOLDS; fold++) {
        size_t first = fold * n / FOLDS, end = fold < FOLDS ? (fold + 1) * n / FOLDS : first;
        m = 0;
        for (size_t i = 0; i < known; i++) {
            size_t w = (uint32_t)sorting->keys[i];
            sorting->others[m] = sorting->ln[w];
            m += w < first || w >= end;
        }
        weir_usual_fit_sorted(usual, sorting->others, m);
        // Where there was nothing to hold any field against until lately, one is judged as it is.
        if (isinf(usual->spread))
            *usual = (struct weir_usual){0, 1};
        for (size_t w = first; w < end; w++)
            z[w] = (float)((sorting->ln[w] - usual->median) / usual->spread);
    }
}

static int standardise_all(struct replay *replay)
{
    struct drift_calibration *calibration = &replay->memory.calibration;
    size_t n = replay->n, n_fields = replay->learning->draft.drift->n_fields;
    uint64_t *keys = malloc((2 * n + 1) * sizeof *keys);
    double *ln = malloc((2 * n + 1) * sizeof *ln);
    struct sorting sorting = {keys, keys ? keys + n : NULL, ln, ln ? ln + n : NULL};
    for (size_t c = 0; c < calibration->n_bases * WEIR_SCORES && keys && ln; c++) {
        size_t at = (c / WEIR_SCORES * n_fields + replay->field) * WEIR_SCORES + c % WEIR_SCORES;
        standardise(replay->scores + c * n, n, &sorting, &calibration->usual[at],
                    replay->learning->z + (c * n_fields + replay->field) * n);
    }
    free(keys);
    free(ln);
    return keys && ln ? 0 : WEIR_ENOMEM;
}

int drift_learn_field(struct drift_learning *learning, size_t field)
{
    struct replay replay = {.learning = learning, .field = field};
    view_field(&replay);
    struct drift_calibration *calibration = &replay.memory.calibration;
    replay.n = calibration->stretch.n;
    replay.cells = calibration->pooled->n;
    replay.n_seasons = drift_seasons(&replay.drift);
    int code = make_replay(&replay);
    if (!code)
        code = read_windows(&replay);
    if (!code && calibration->usual_first) {
        for (size_t w = 0; w < replay.n; w++)
            replay_usual(&replay, w);
        drift_ahead_learn(&replay.memory, replay.signals, replay.foreseen);
        for (size_t w = 0; w < replay.n; w++)
            replay_ahead(&replay, w);
        code = drift_slow_learn(&replay.memory, replay.signals, learning->peak + field * replay.n);
        for (size_t w = 0; w < replay.n; w++)
            memcpy(learning->signals + (w * learning->draft.drift->n_fields + field) * WEIR_SIGNALS,
                   replay.signals + w * WEIR_SIGNALS, WEIR_SIGNALS * sizeof(float));
    }
    if (!code) {
        take_rows(&replay);
        code = standardise_all(&replay);
    }
    free_replay(&replay);
    return code;
}

// ---- tails

struct pooled { // all fields' z of a test, ascending
    uint64_t *keys, *room;
    double *z;
    size_t n;
};

static int pool(const struct drift_learning *learning, size_t test, struct pooled *pooled)
{
    size_t n = learning->draft.calibration.stretch.n, n_fields = learning->draft.drift->n_fields;
    const float *z = learning->z + test * n_fields * n;
    pooled->keys = malloc((2 * n * n_fields + 1) * sizeof *pooled->keys);
    pooled->z = malloc((n * n_fields + 1) * sizeof *pooled->z);
    if (!pooled->keys || !pooled->z)
        return WEIR_ENOMEM;
    pooled->room = pooled->keys + n * n_fields;
    for (size_t f = 0; f < n_fields; f++) {
        for (size_t w = 0; w < n; w++) {
            float one = z[f * n + w];
            if (!isnan(one))
                pooled->keys[pooled->n++] = (uint64_t)weir_float_key(one) << 32 | w;
        }
    }
    weir_sort_keys(pooled->keys, pooled->room, pooled->n);
    return 0;
}

// Of all windows but first to end - 1.
static void fit_tail(const struct pooled *pooled, size_t first, size_t end, struct weir_tail *tail)
{
    size_t m = 0;
    for (size_t i = 0; i < pooled->n; i++) {
        size_t w = (uint32_t)pooled->keys[i];
        pooled->z[m] = (double)weir_key_float((uint32_t)(pooled->keys[i] >> 32));
        m += w < first || w >= end;
    }
    weir_tail_fit_sorted(tail, pooled->z, m);
}

static size_t count_known(const float *z, size_t n)
{
    size_t known = 0;
    for (size_t w = 0; w < n; w++)
        known += !isnan(z[w]);
    return known;
}

// A field that was judged in far fewer windows than others has no usual: a number that comes
// seldom, of which there were not enough values to cut cells until lately.
static void forget_seldom(struct drift_learning *learning, size_t test)
{
    size_t n = learning->draft.calibration.stretch.n, n_fields = learning->draft.drift->n_fields;
    size_t at = test / WEIR_SCORES * n_fields * WEIR_SCORES + test % WEIR_SCORES, most = 0;
    float *z = learning->z + test * n_fields * n;
    for (size_t f = 0; f < n_fields; f++) {
        size_t known = count_known(z + f * n, n);
        most = known > most ? known : most;
    }
    for (size_t f = 0; f < n_fields; f++) {
        size_t known = count_known(z + f * n, n);
        if (4 * known >= most || known >= KNOWN_FROM)
            continue;
        weir_usual_fit_sorted(&learning->draft.calibration.usual[at + f * WEIR_SCORES], NULL, 0);
        for (size_t w = 0; w < n; w++)
            z[f * n + w] = NAN;
    }
}

// Each fifth is judged by the tail of the other four: the most extreme windows of a stretch are
// never beyond a tail that was fitted to them, and where fields have a memory these are few
// excursions of few fields.
int drift_learn_test(struct drift_learning *learning, size_t test)
{
    struct drift_calibration *calibration = &learning->draft.calibration;
    size_t n = calibration->stretch.n, n_fields = learning->draft.drift->n_fields;
    const float *z = learning->z + test * n_fields * n;
    double *largest = learning->largest;
    struct pooled pooled = {.n = 0};
    forget_seldom(learning, test);
    int code = pool(learning, test, &pooled);
    for (size_t fold = 0; fold < FOLDS && !code; fold++) {
        struct weir_tail tail;
        size_t first = fold * n / FOLDS, end = (fold + 1) * n / FOLDS;
        fit_tail(&pooled, first, end, &tail);
        for (size_t f = 0; f < n_fields; f++) {
            for (size_t w = first; w < end; w++) {
                double one = (double)z[f * n + w];
                if (!isnan(one))
                    largest[w] =
                        fmax(weir_tail_score(&tail, one), isnan(largest[w]) ? 0 : largest[w]);
            }
        }
    }
    if (!code)
        fit_tail(&pooled, n, n, &calibration->tails[test]);
    free(pooled.keys);
    free(pooled.z);
    return code;
}
