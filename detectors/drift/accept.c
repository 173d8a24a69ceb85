// SPDX-License-Identifier: Apache-2.0
// A stretch that a person accepted takes the place of what was calibrated on. The owner has its
// windows: those of the newest time, as long as a calibration is, are kept for that. Shorter ones
// are where a new calibration begins, which goes on being collected (collect.c).
#include <stdlib.h>

#include "detectors/drift/learning.h"

static const int64_t DAY = 24 * (int64_t)3600000;
enum { LEAST = 24, FIRST = 2 }; // windows; days, one of which says nothing of how days differ

void drift_calibration_tell(const struct drift_memory *memory, struct weir_calibration *out)
{
    const struct drift_calibration *calibration = &memory->calibration;
    const struct drift_history *stretch = &calibration->stretch, *kept = &memory->history;
    if (!calibration->wanted)
        return;
    out->wanted = calibration->wanted;
    if (kept->n) {
        out->kept_from = kept->items[0].start;
        out->kept_to = kept->items[kept->n - 1].end;
    }
    if (!stretch->n)
        return;
    out->origin = calibration->accepted  ? WEIR_CALIBRATION_ACCEPTED
                  : memory->drift->panes ? WEIR_CALIBRATION_PROFILE
                                         : WEIR_CALIBRATION_STREAM;
    out->whole = calibration->frozen;
    out->from = stretch->items[0].start;
    out->to = stretch->items[stretch->n - 1].end;
    out->accepted = calibration->accepted;
}

// ---- choosing

static int is_within(const struct drift *drift, const struct drift_entry *entry,
                     const struct weir_acceptance *acceptance)
{
    return entry->start >= acceptance->from && entry->end <= acceptance->to &&
           !drift_excluded(drift, entry->start, entry->end);
}

// Whether some field has enough values to be judged by.
static int is_judged(struct drift_memory *memory, const struct drift_entry *entry, int *code)
{
    const struct drift *drift = memory->drift;
    int judged = 0;
    drift_counts_reset_all(memory->now, drift->n_fields);
    *code = drift_entry_add(entry, memory->now, drift->n_fields);
    for (size_t f = 0; f < drift->n_fields && !*code; f++)
        judged |= drift_calibration_is_judged(memory, &memory->now[f]) &&
                  memory->now[f].values >= drift->minimum;
    return judged;
}

static int choose(struct drift_memory *memory, const struct weir_acceptance *acceptance,
                  struct drift_history *stretch, size_t *n_judged)
{
    const struct drift_history *kept = &memory->history;
    int code = 0;
    *n_judged = 0;
    for (size_t e = 0; e < kept->n && !code; e++) {
        if (!is_within(memory->drift, &kept->items[e], acceptance))
            continue;
        *n_judged += (size_t)is_judged(memory, &kept->items[e], &code);
        if (!code)
            code = drift_history_take(stretch, &kept->items[e]);
    }
    drift_counts_reset_all(memory->now, memory->drift->n_fields);
    return code;
}

// A person is not told that days are calibrated on which are not there.
static int check_kept(const struct drift_history *kept, const struct weir_acceptance *acceptance,
                      struct weir_error *error)
{
    char from[32], to[32], first[32], last[32];
    drift_time_text(acceptance->from, from);
    drift_time_text(acceptance->to, to);
    if (acceptance->from >= acceptance->to)
        return weir_error_set(error, WEIR_EINVAL, "%s UTC is not before %s UTC", from, to);
    if (!kept->n)
        return weir_error_set(error, WEIR_EINVAL, "no windows are kept yet");
    drift_time_text(kept->items[0].start, first);
    drift_time_text(kept->items[kept->n - 1].end, last);
    if (acceptance->from + DAY < kept->items[0].start ||
        acceptance->to - DAY > kept->items[kept->n - 1].end)
        return weir_error_set(error, WEIR_EINVAL,
                              "windows are kept from %s to %s UTC, and not all of those from %s to "
                              "%s UTC",
                              first, last, from, to);
    return 0;
}

// *whole: it is as long as a calibration is to be, and stands by itself.
static int check_stretch(struct drift_memory *memory, const struct drift_history *stretch,
                         size_t n_judged, int *whole, struct weir_error *error)
{
    const struct drift_history *kept = &memory->history;
    int64_t wanted = memory->calibration.wanted, slack = wanted / 10 < DAY ? wanted / 10 : DAY;
    if (stretch->n < LEAST || n_judged < LEAST)
        return weir_error_set(
            error, WEIR_EINVAL,
            "it has %zu windows, %zu of them with enough records (`minimum`), and "
            "%d are the least",
            stretch->n, n_judged, LEAST);
    int64_t from = stretch->items[0].start, to = stretch->items[stretch->n - 1].end;
    int64_t span = to - from - drift_excluded(memory->drift, from, to);
    *whole = span >= wanted - slack;
    double days = (double)span / (double)DAY;
    if (!*whole && span < FIRST * DAY)
        return weir_error_set(error, WEIR_EINVAL,
                              "it is too short: %.2g days, and %d are the least to begin with",
                              days, FIRST);
    if (!*whole && to < kept->items[kept->n - 1].end)
        return weir_error_set(
            error, WEIR_EINVAL,
            "it is too short to stand by itself: %.3g of %.3g days "
            "(calibration.last). A stretch that goes on to now may be shorter, as "
            "it grows: leave its end away",
            days, (double)wanted / (double)DAY);
    return 0;
}

// ---- taking over

// What references of past windows made of it: as if it were read again.
static int make_rows(struct drift_memory *memory)
{
    const struct drift *drift = memory->drift;
    const struct drift_history *stretch = &memory->calibration.stretch;
    int code = 0;
    memory->calibration.n_rows = 0;
    if (!drift_own_bases(&memory->calibration))
        return 0;
    for (size_t e = 0; e < stretch->n && !code; e++) {
        struct weir_window window = {
            .size = sizeof window, .start = stretch->items[e].start, .end = stretch->items[e].end};
        drift_counts_reset_all(memory->now, drift->n_fields);
        code = drift_entry_add(&stretch->items[e], memory->now, drift->n_fields);
        if (!code)
            code = drift_memory_past(memory, &window);
        if (!code)
            code = drift_calibration_add_row(memory);
    }
    drift_counts_reset_all(memory->now, drift->n_fields);
    return code;
}

static int take_over(struct drift_memory *memory, struct drift_history *stretch, int whole,
                     const struct weir_acceptance *acceptance, const struct weir_window *window)
{
    struct drift_calibration *calibration = &memory->calibration;
    uint64_t replaced;
    int code = drift_panes_hash(memory, &replaced);
    if (code)
        return code;
    drift_learning_free(calibration);
    drift_history_free(&calibration->stretch);
    calibration->stretch = *stretch;
    *stretch = (struct drift_history){0};
    calibration->accepted = acceptance->accepted > 0 ? acceptance->accepted : 1;
    calibration->replaced = replaced;
    calibration->from_panes = 1;
    calibration->frozen = 0;
    calibration->learnt = calibration->tried = 0;
    calibration->left_out = 0;
    calibration->apart = 0;
    calibration->apart_since = INT64_MIN;
    // What slices usually have is learnt anew, too.
    drift_slices_free(&memory->explain.slices, memory->drift->n_fields);
    code = make_rows(memory);
    if (!code)
        code = whole ? drift_calibration_freeze(memory, window)
                     : drift_calibration_learn(memory, window);
    if (!code && calibration->windows < LEAST && !whole)
        calibration->learnt = 0;
    return code ? code : drift_calibration_report(memory, window);
}

int drift_calibration_accept(struct drift_memory *memory, const struct weir_acceptance *acceptance,
                             const struct weir_window *window, struct weir_error *error)
{
    struct drift_history stretch = {0};
    size_t n_judged;
    int whole = 0;
    if (!memory->calibration.wanted)
        return weir_error_set(error, WEIR_EINVAL,
                              "it calibrates nothing (calibration: none, tests by name alone, or "
                              "references that are slices of the same window)");
    int code = check_kept(&memory->history, acceptance, error);
    if (code)
        return code;
    code = choose(memory, acceptance, &stretch, &n_judged);
    if (code)
        weir_error_set(error, code, "no memory for a calibration");
    else
        code = check_stretch(memory, &stretch, n_judged, &whole, error);
    if (!code && (code = take_over(memory, &stretch, whole, acceptance, window)))
        weir_error_set(error, code, "no memory for a calibration");
    drift_history_free(&stretch);
    return code;
}
