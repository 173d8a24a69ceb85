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

// ---- learning

static double run(const struct drift_memory *memory, size_t f, const float *signals, double keep,
                  double gain, float *foreseen)
{
    const struct drift *drift = memory->drift;
    const struct drift_history *stretch = &memory->calibration.stretch;
    double left[WIDTH] = {0}, error = 0;
    int width = width_of(memory, f);
    int64_t last = stretch->items[0].start;
    for (size_t w = 0; w < stretch->n; w++) {
        size_t at = w * drift->n_fields + f;
        double by = decay(drift, keep, last, stretch->items[w].start);
        last = stretch->items[w].start;
        for (int k = 0; k < width; k++) {
            double seen = (double)signals[at * WEIR_SIGNALS + (size_t)k];
            left[k] *= by;
            if (foreseen)
                foreseen[at * WIDTH + (size_t)k] = (float)left[k];
            if (isnan(seen))
                continue;
            error += (seen - left[k]) * (seen - left[k]);
            left[k] += gain * (seen - left[k]);
        }
    }
    return error;
}

static void learn_field(struct drift_memory *memory, size_t f, const float *signals,
                        float *foreseen)
{
    struct drift_ahead *ahead = &memory->calibration.ahead[f];
    *ahead = (struct drift_ahead){.at = INT64_MIN};
    if (memory->calibration.stretch.n < LEARN_FROM || !memory->calibration.pooled[f].n)
        return;
    double least = WORTH * run(memory, f, signals, 0, 0, NULL);
    for (size_t i = 0; i < sizeof KEEP / sizeof *KEEP; i++) {
        for (size_t j = 0; j < sizeof GAIN / sizeof *GAIN; j++) {
            double error = run(memory, f, signals, KEEP[i], GAIN[j], NULL);
            if (error < least) {
                least = error;
                ahead->keep = KEEP[i];
                ahead->gain = GAIN[j];
            }
        }
    }
    if (ahead->gain > 0)
        run(memory, f, signals, ahead->keep, ahead->gain, foreseen);
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

void drift_ahead_at(const struct drift_memory *memory, size_t field, int64_t start, double *out)
{
    const struct drift_ahead *ahead = &memory->calibration.ahead[field];
    double by = ahead->at == INT64_MIN ? 0 : decay(memory->drift, ahead->keep, ahead->at, start);
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
        int apart = 0;
        if (!(ahead->gain > 0))
            continue;
        for (size_t i = 0; i < n_moved; i++)
            apart |= moved[i].field == &memory->drift->fields[f];
        drift_ahead_at(memory, f, start, ahead->left);
        ahead->at = start;
        for (int k = 0; k < width_of(memory, f) && !apart; k++) {
            if (!isnan(signal[k]))
                ahead->left[k] += ahead->gain * (signal[k] - ahead->left[k]);
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
