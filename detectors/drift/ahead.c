// SPDX-License-Identifier: Apache-2.0
#include "detectors/drift/ahead.h"

#include <math.h>
#include <string.h>

#include "detectors/drift/drift.h"

static const double KEEP[] = {.5, .7, .8, .9, .95, .98}, GAIN[] = {.1, .2, .35, .5, .7, .9};
static const double WORTH = 0.9; // of the squared error without it: else it is not worth the while
enum { LEARN_FROM = 48, WIDTH = WEIR_SIGNAL_CATEGORIES };

// Of fields with order the level alone is foreseen.
static int width_of(const struct drift_memory *memory, size_t field)
{
    return drift_memory_cells(memory, field)->shape == WEIR_SHAPE_NUMERIC ? 1 : WIDTH;
}

static double step_of(const struct drift *drift)
{
    return drift->hop > 0 ? (double)drift->hop : 3600e3;
}

// What is left of it after the time between two windows.
static double decay(const struct drift *drift, double keep, int64_t from, int64_t to)
{
    double steps = ((double)to - (double)from) / step_of(drift);
    return steps < 1.5 ? keep : pow(keep, fmin(steps, 1e4));
}

// After a gap nothing is known of what is left: the windows before it say nothing.
static int is_gap(const struct drift *drift, int64_t from, int64_t to)
{
    double apart = drift->window > drift->hop ? (double)drift->window : step_of(drift);
    return from == INT64_MIN || (double)to - (double)from > 1.5 * apart;
}

// How much of the first window after a gap is learnt: as Kalman's filter would, whose gain becomes
// `gain` in the long run.
static double first_gain(double keep, double gain)
{
    double error = gain / (1 - gain); // of a prediction in the long run, in variances of the noise
    double all = error * (1 - keep * keep * (1 - gain)) / (1 - keep * keep);
    return all / (all + 1);
}

static void learn(const struct drift_ahead *ahead, int first, double seen, double *left)
{
    *left += (first ? first_gain(ahead->keep, ahead->gain) : ahead->gain) * (seen - *left);
}

// ---- learning

// The squared error of what is foreseen, which goes into `foreseen` (unless NULL; NAN: nothing is).
// Leaves `ahead` at the end of the stretch.
static double run(const struct drift_memory *memory, size_t f, const float *signals,
                  struct drift_ahead *ahead, float *foreseen)
{
    const struct drift *drift = memory->drift;
    const struct drift_history *stretch = &memory->calibration.stretch;
    double error = 0;
    int width = width_of(memory, f);
    memset(ahead->left, 0, sizeof ahead->left);
    ahead->at = INT64_MIN;
    for (size_t w = 0; w < stretch->n; w++) {
        size_t at = w * drift->n_fields + f;
        int64_t start = stretch->items[w].start;
        int first = is_gap(drift, ahead->at, start), known = 0;
        double by = first ? 0 : decay(drift, ahead->keep, ahead->at, start);
        for (int k = 0; k < width; k++) {
            double seen = (double)signals[at * WEIR_SIGNALS + (size_t)k],
                   left = by * ahead->left[k];
            if (foreseen)
                foreseen[at * WIDTH + (size_t)k] = first ? NAN : (float)left;
            if (isnan(seen))
                continue;
            error += (seen - left) * (seen - left);
            if (ahead->gain > 0)
                learn(ahead, first, seen, &left);
            ahead->left[k] = left;
            known = 1;
        }
        if (known)
            ahead->at = start;
    }
    return error;
}

static void learn_field(struct drift_memory *memory, size_t f, const float *signals,
                        float *foreseen)
{
    struct drift_ahead *ahead = &memory->calibration.ahead[f], best = {.at = INT64_MIN};
    *ahead = best;
    if (memory->calibration.stretch.n < LEARN_FROM || !memory->calibration.pooled[f].n)
        return;
    double least = WORTH * run(memory, f, signals, ahead, NULL);
    for (size_t i = 0; i < sizeof KEEP / sizeof *KEEP; i++) {
        for (size_t j = 0; j < sizeof GAIN / sizeof *GAIN; j++) {
            struct drift_ahead one = {.keep = KEEP[i], .gain = GAIN[j]};
            double error = run(memory, f, signals, &one, NULL);
            if (error < least) {
                least = error;
                best = one;
            }
        }
    }
    *ahead = best;
    // The days to come go on from where the stretch ends.
    if (ahead->gain > 0)
        run(memory, f, signals, ahead, foreseen);
}

void drift_ahead_learn(struct drift_memory *memory, const float *signals, float *foreseen)
{
    for (size_t f = 0; f < memory->drift->n_fields; f++)
        learn_field(memory, f, signals, foreseen);
}

// ---- judging

void drift_ahead_move(struct drift_memory *memory, const struct weir_expectation *expected,
                      const double *foreseen)
{
    double signal[WEIR_SIGNALS] = {0}, *share = memory->calibration.room;
    memcpy(signal, foreseen, WIDTH * sizeof *signal);
    weir_cells_moved(share, expected->n, expected->score != NULL, signal, share);
    if (expected->score)
        weir_normal_scores(share, expected->n, share + memory->calibration.room_cells);
}

int drift_ahead_knows(const struct drift_memory *memory, size_t field, int64_t start)
{
    const struct drift_ahead *ahead = &memory->calibration.ahead[field];
    return ahead->gain > 0 && !is_gap(memory->drift, ahead->at, start);
}

void drift_ahead_at(const struct drift_memory *memory, size_t field, int64_t start, double *out)
{
    const struct drift_ahead *ahead = &memory->calibration.ahead[field];
    double by = drift_ahead_knows(memory, field, start)
                    ? decay(memory->drift, ahead->keep, ahead->at, start)
                    : 0;
    for (int k = 0; k < WIDTH; k++)
        out[k] = by * ahead->left[k];
}

void drift_ahead_add(struct drift_memory *memory, int64_t start, const struct drift_verdict *moved,
                     size_t n_moved)
{
    struct drift_calibration *calibration = &memory->calibration;
    for (size_t f = 0; f < memory->drift->n_fields; f++) {
        struct drift_ahead *ahead = &calibration->ahead[f];
        const double *signal = calibration->signals + f * WEIR_SIGNALS;
        int apart = 0, first = !drift_ahead_knows(memory, f, start), known = 0;
        if (!(ahead->gain > 0))
            continue;
        for (size_t i = 0; i < n_moved; i++)
            apart |= moved[i].field == &memory->drift->fields[f];
        for (int k = 0; k < width_of(memory, f); k++)
            known |= !isnan(signal[k]);
        // What is not known is a gap, sooner or later; what moved stays expected where it was.
        if (!known || (apart && first))
            continue;
        drift_ahead_at(memory, f, start, ahead->left);
        ahead->at = start;
        for (int k = 0; k < width_of(memory, f) && !apart; k++) {
            if (!isnan(signal[k]))
                learn(ahead, first, signal[k], &ahead->left[k]);
        }
    }
}

// ---- bytes

int drift_ahead_write(const struct drift_memory *memory, struct weir_buffer *out)
{
    for (size_t f = 0; f < memory->drift->n_fields; f++) {
        const struct drift_ahead *ahead = &memory->calibration.ahead[f];
        weir_put_double(out, ahead->gain);
        if (!(ahead->gain > 0))
            continue;
        weir_put_double(out, ahead->keep);
        weir_put_long(out, ahead->at);
        for (int k = 0; k < WIDTH; k++)
            weir_put_double(out, ahead->left[k]);
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

int drift_ahead_read(struct drift_memory *memory, struct weir_reader *in)
{
    for (size_t f = 0; f < memory->drift->n_fields && !in->failed; f++) {
        struct drift_ahead read = {.gain = weir_get_double(in), .at = INT64_MIN};
        int wrong = !(read.gain >= 0 && read.gain <= 1);
        if (!wrong && read.gain > 0) {
            read.keep = weir_get_double(in);
            read.at = weir_get_long(in);
            wrong = !(read.keep >= 0 && read.keep < 1);
            for (int k = 0; k < WIDTH; k++) {
                read.left[k] = weir_get_double(in);
                wrong |= !(fabs(read.left[k]) < 100);
            }
        }
        if (in->failed || wrong)
            return WEIR_ECORRUPT;
        memory->calibration.ahead[f] = read;
    }
    return weir_reader_code(in);
}
