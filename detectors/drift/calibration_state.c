// SPDX-License-Identifier: Apache-2.0
// A calibration as bytes. What it learnt holds for the same fields and references alone: where
// these have changed the stretch goes on being collected, and nothing is frozen.
#include <math.h>
#include <stdlib.h>

#include "detectors/drift/learning.h"

enum { WINDOWS = 1 << 20 };

static int put_learnt(const struct drift_memory *memory, struct weir_buffer *out)
{
    const struct drift_calibration *calibration = &memory->calibration;
    size_t columns = calibration->n_bases * memory->drift->n_fields * WEIR_SCORES;
    int code = 0;
    for (size_t i = 0; i < columns; i++) {
        weir_put_double(out, calibration->usual[i].median);
        weir_put_double(out, calibration->usual[i].spread);
    }
    for (size_t i = 0; i < calibration->n_bases * WEIR_SCORES && !code; i++)
        code = weir_tail_write(&calibration->tails[i], out);
    for (size_t f = 0; f < memory->drift->n_fields; f++)
        weir_put_double(out, calibration->offset[f]);
    weir_put_double(out, calibration->threshold); // its part may be another when this is read
    weir_put_double(out, calibration->promised);
    weir_put_double(out, calibration->budget.needed);
    weir_put_long(out, (int64_t)calibration->budget.k);
    weir_put_long(out, (int64_t)calibration->windows);
    weir_put_string(out, calibration->name);
    if (code || !calibration->usual_first)
        return code;
    for (size_t f = 0; f < memory->drift->n_fields; f++)
        weir_put_long(out, calibration->held[f]);
    code = drift_slow_write(memory, out);
    return code ? code : drift_ahead_write(memory, out);
}

int drift_calibration_write(const struct drift_memory *memory, struct weir_buffer *out)
{
    const struct drift_calibration *calibration = &memory->calibration;
    size_t width = drift_own_bases(calibration) * memory->drift->n_fields * WEIR_SCORES;
    weir_put_long(out, calibration->wanted > 0);
    if (!calibration->wanted)
        return out->failed ? WEIR_ENOMEM : 0;
    int code = drift_history_write(&calibration->stretch, out);
    weir_put_long(out, (int64_t)width);
    weir_put_long(out, (int64_t)calibration->n_rows);
    for (size_t i = 0; i < calibration->n_rows * width; i++)
        weir_put_double(out, (double)calibration->rows[i]);
    weir_put_long(out, calibration->frozen);
    weir_put_long(out, calibration->learnt);
    weir_put_long(out, calibration->apart_since);
    weir_put_long(out, calibration->left_out);
    weir_put_long(out, calibration->accepted);
    weir_put_fixed64(out, calibration->replaced);
    for (size_t f = 0; f < memory->drift->n_fields; f++)
        weir_put_long(out, calibration->held[f]);
    weir_put_long(out, (int64_t)calibration->n_bases * WEIR_SCORES);
    if (!code && calibration->learnt)
        code = put_learnt(memory, out);
    return code ? code : out->failed ? WEIR_ENOMEM : 0;
}

// ---- restoring

static int get_rows(struct drift_calibration *calibration, struct weir_reader *in, size_t width,
                    int keep)
{
    size_t saved = weir_get_count(in, INT32_MAX), n = weir_get_count(in, WINDOWS);
    if (in->failed || (saved && n > weir_reader_left(in) / 8 / saved))
        return WEIR_ECORRUPT;
    keep = keep && saved == width && n && width;
    if (keep && !(calibration->rows = malloc(n * width * sizeof *calibration->rows)))
        return WEIR_ENOMEM;
    for (size_t i = 0; i < n * saved; i++) {
        float value = (float)weir_get_double(in);
        if (keep)
            calibration->rows[i] = value >= 0 && value < 1e30f ? value : NAN;
    }
    calibration->n_rows = calibration->rows_capacity = keep ? n : 0;
    return weir_reader_code(in);
}

static int is_finite(double x)
{
    return isfinite(x) && fabs(x) < 1e300;
}

static int get_learnt(struct drift_memory *memory, struct weir_reader *in)
{
    struct drift_calibration *calibration = &memory->calibration;
    size_t columns = calibration->n_bases * memory->drift->n_fields * WEIR_SCORES;
    for (size_t i = 0; i < columns && !in->failed; i++) {
        calibration->usual[i].median = weir_get_double(in);
        calibration->usual[i].spread = weir_get_double(in);
        if (!is_finite(calibration->usual[i].median) || !(calibration->usual[i].spread > 0))
            return WEIR_ECORRUPT;
    }
    for (size_t i = 0; i < calibration->n_bases * WEIR_SCORES; i++) {
        int code = weir_tail_read(&calibration->tails[i], in);
        if (code)
            return code;
    }
    for (size_t f = 0; f < memory->drift->n_fields; f++) {
        calibration->offset[f] = weir_get_double(in);
        if (!is_finite(calibration->offset[f]))
            return WEIR_ECORRUPT;
    }
    calibration->threshold = weir_get_double(in);
    calibration->promised = weir_get_double(in);
    calibration->budget.needed = weir_get_double(in);
    calibration->budget.k = weir_get_count(in, WINDOWS);
    calibration->budget.kept = calibration->frozen && calibration->budget.k >= 1;
    calibration->windows = weir_get_count(in, WINDOWS);
    weir_get_string(in, calibration->name, sizeof calibration->name);
    if (isnan(calibration->threshold) || isnan(calibration->promised) ||
        isnan(calibration->budget.needed) || !calibration->stretch.n)
        return WEIR_ECORRUPT;
    drift_calibration_take_part(memory);
    int code = weir_reader_code(in);
    if (code || !calibration->usual_first)
        return code;
    drift_calibration_name_ahead(calibration);
    for (size_t f = 0; f < memory->drift->n_fields; f++)
        calibration->held[f] = (uint8_t)weir_get_count(in, 1);
    code = drift_slow_read(memory, in);
    return code ? code : drift_ahead_read(memory, in);
}

// How far it had come; returns whether something was learnt.
static int get_progress(struct drift_calibration *calibration, struct weir_reader *in,
                        const int *map, size_t n_saved, uint32_t version)
{
    calibration->learnt = (int64_t)weir_get_count(in, INT64_MAX / 2);
    calibration->apart_since = weir_get_long(in);
    calibration->left_out = (int64_t)weir_get_count(in, INT64_MAX / 2);
    if (version >= DRIFT_STATE_ACCEPTED) {
        calibration->accepted = (int64_t)weir_get_count(in, INT64_MAX / 2);
        calibration->replaced = weir_get_fixed64(in);
    }
    calibration->tried = calibration->learnt;
    calibration->learnt_from = calibration->stretch.n;
    for (size_t f = 0; f < n_saved && !in->failed; f++) {
        uint8_t held = (uint8_t)weir_get_count(in, 1);
        if (map[f] >= 0)
            calibration->held[map[f]] = held;
    }
    return calibration->learnt > 0;
}

static int sum_again(struct drift_memory *memory)
{
    struct drift_history *stretch = &memory->calibration.stretch;
    size_t all = stretch->n;
    stretch->n = memory->calibration.learnt_from;
    int code = drift_season_learn_all(memory);
    stretch->n = all;
    return code;
}

int drift_calibration_read(struct drift_memory *memory, struct weir_reader *in, const int *map,
                           size_t n_saved, int same, uint32_t version)
{
    const struct drift *drift = memory->drift;
    struct drift_calibration *calibration = &memory->calibration;
    struct drift_history stretch = {0};
    size_t bases;
    if (!weir_get_count(in, 1) || in->failed)
        return weir_reader_code(in);
    int code = drift_history_read(&stretch, in, map, n_saved, memory->now, drift->n_fields);
    if (code || !calibration->wanted) {
        drift_history_free(&stretch);
        // Nothing is calibrated any more: what follows is of no use.
        in->at = code ? in->at : in->end;
        return code;
    }
    calibration->stretch = stretch;
    size_t width = drift_own_bases(calibration) * drift->n_fields * WEIR_SCORES;
    for (size_t f = 0; f < n_saved; f++)
        same = same && map[f] == (int)f;
    code = get_rows(calibration, in, width, same);
    int frozen = (int)weir_get_count(in, 1), learnt = frozen;
    calibration->learnt_from = stretch.n;
    if (version >= DRIFT_STATE_EARLY) {
        learnt = get_progress(calibration, in, map, n_saved, version);
        frozen = frozen && learnt;
    }
    bases = weir_get_count(in, INT32_MAX);
    int64_t span = calibration->learnt;
    calibration->learnt = 0;
    if (code || in->failed)
        return code ? code : weir_reader_code(in);
    // What an earlier version learnt is learnt anew, at the next window, from the same stretch.
    if (!same || bases != calibration->n_bases * WEIR_SCORES || version < DRIFT_STATE_SLOW) {
        calibration->tried = 0;
        in->at = in->end;
        return 0;
    }
    calibration->is_same = 1;
    if (!learnt)
        return 0;
    calibration->frozen = frozen;
    code = get_learnt(memory, in);
    if (!code)
        code = sum_again(memory); // it is not written
    if (!code && version < DRIFT_STATE_EARLY)
        span = drift_calibration_span(memory);
    calibration->frozen = !code && frozen;
    calibration->learnt = code ? 0 : span > 0 ? span : 1;
    return code;
}

// ---- what is being learnt

// How far it is: the rest is done again from the stretch.
int drift_learning_write(const struct drift_memory *memory, struct weir_buffer *out)
{
    const struct drift_calibration *calibration = &memory->calibration;
    const struct drift_learning *learning = calibration->learning;
    if (!calibration->wanted)
        return 0;
    weir_put_long(out, calibration->tried);
    weir_put_long(out, (int64_t)calibration->learnt_from);
    weir_put_long(out, learning ? 1 + learning->for_good : 0);
    weir_put_long(out, learning ? (int64_t)learning->draft.calibration.stretch.n : 0);
    weir_put_long(out, learning ? (int64_t)learning->parts : 0);
    return out->failed ? WEIR_ENOMEM : 0;
}

int drift_learning_read(struct drift_memory *memory, struct weir_reader *in, uint32_t version)
{
    (void)version;
    struct drift_calibration *calibration = &memory->calibration;
    if (!calibration->is_same)
        return 0;
    int64_t tried = (int64_t)weir_get_count(in, INT64_MAX / 2);
    size_t from = weir_get_count(in, calibration->stretch.n), kind = weir_get_count(in, 2);
    size_t windows = weir_get_count(in, calibration->stretch.n);
    uint64_t parts = weir_get_count(in, INT64_MAX / 2);
    int code = weir_reader_code(in), ready;
    if (code)
        return code;
    calibration->tried = tried;
    int differs = from != calibration->learnt_from && calibration->learnt;
    calibration->learnt_from = from;
    if (differs)
        code = sum_again(memory);
    if (code || !kind || !windows || calibration->frozen)
        return code;
    code = drift_learning_begin(memory, windows, kind == 2);
    return code ? code : drift_learning_go_on(memory, parts, &ready);
}
