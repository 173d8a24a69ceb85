// SPDX-License-Identifier: Apache-2.0
// Judging before anything is known of how windows vary. A day's rhythm, or a level that strays, is
// as far from a profile as many a fault, but it does not come within an hour or two: so what opens
// an incident has to be plain against the reference and against the last windows as well, and holds
// for as long as it is plain against the reference. What was so from the beginning may be how the
// stream is: it is told only where it is further away than rhythms go. What is as the profile was
// at the same hours of its days, or weeks, is a rhythm that is known.
#include <math.h>
#include <string.h>

#include "detectors/drift/drift.h"
#include "stats/cells.h"
#include "stats/rhythm.h"
#include "stats/summary.h"

static const int64_t DAY = 24 * (int64_t)3600000;
enum { HOURS_LEAST = 500 };                        // values of the same hours
static const int64_t FRESH = 3 * (int64_t)3600000; // windows that the day has not moved away from
static const double STALE = 2;                     // as large, against others
static const double BEYOND = 4;                    // as large, and no rhythm is

int drift_is_plain(const struct drift_verdict *verdict)
{
    return verdict->critical || verdict->test == DRIFT_NULL_RATE || verdict->test == DRIFT_UNSEEN;
}

int drift_has_enough(const struct drift_memory *memory, size_t field)
{
    return memory->now[field].values >= memory->drift->minimum;
}

// ---- hours, weekdays, dates

static double share(uint64_t part, uint64_t all)
{
    return all ? (double)part / (double)all : 0;
}

static const double NEARLY_ALL = 0.9;   // of a window's values
static const double REGULAR = 1. / 400; // of the reference's

// Whole numbers are cut from sketches where there is no profile, and then have no atoms.
static int is_one_value(const struct weir_cells *cells, size_t i, int whole)
{
    if (cells->n_categories || weir_cells_is_atom(cells, i))
        return 1;
    return whole && i > 0 && i + 1 < cells->n && cells->cuts[i] - cells->cuts[i - 1] < 2;
}

// Whether one or two values hold nearly all that was counted, where the reference has more: it has
// such values, but not these alone. A number that comes to a stand between others is none of them.
static int is_narrow(const struct drift_counts *counts, const struct weir_summary *reference,
                     int whole)
{
    size_t n = reference->cell && reference->cells->n == counts->n ? counts->n : 0;
    size_t first = 0, second = 0;
    uint64_t all = 0, of_all = 0;
    for (size_t i = 0; i < n; i++) {
        all += counts->cell[i];
        of_all += reference->cell[i];
        if (counts->cell[i] > counts->cell[first]) {
            second = first;
            first = i;
        } else if (i != first && (second == first || counts->cell[i] > counts->cell[second])) {
            second = i;
        }
    }
    if (n < 2 || !is_one_value(reference->cells, first, whole))
        return 0;
    double one = share(reference->cell[first], of_all);
    double both = one + share(reference->cell[second], of_all);
    if (one < REGULAR)
        return 0;
    if (share(counts->cell[first], all) >= NEARLY_ALL)
        return one < NEARLY_ALL;
    return is_one_value(reference->cells, second, whole) && both < .5 &&
           share(counts->cell[first] + counts->cell[second], all) >= NEARLY_ALL;
}

// The hour of the day has one value a window, and another in the next: what is narrow now and was
// in the last window, or has no window before it, may be that.
static int leave_out_calendar(struct drift_memory *memory, const struct weir_window *window,
                              struct drift_verdict *moved, size_t *n)
{
    const struct drift_history *history = &memory->explain.recent;
    struct drift_counts *last = memory->calibration.foreseen;
    size_t e = history->n, kept = 0;
    while (e && history->items[e - 1].end > window->start)
        e--;
    drift_counts_reset_all(last, memory->drift->n_fields);
    if (e && drift_entry_add(&history->items[e - 1], last, memory->drift->n_fields))
        return -1;
    for (size_t i = 0; i < *n; i++) {
        size_t f = (size_t)(moved[i].field - memory->drift->fields);
        int whole = moved[i].field->info->type == WEIR_TYPE_LONG;
        int is_calendar = !memory->calibration.held[f] && moved[i].test != DRIFT_NULL_RATE &&
                          is_narrow(&memory->now[f], moved[i].then, whole) &&
                          (!last[f].values || is_narrow(&last[f], moved[i].then, whole));
        if (!is_calendar)
            moved[kept++] = moved[i];
    }
    *n = kept;
    return 0;
}

// ---- what came at once

// Whether both are of a working day, or both of a weekend.
static int is_such_a_day(const struct drift *drift, int64_t start, int64_t other)
{
    size_t seasons = drift_season_of(drift, start) ^ drift_season_of(drift, other);
    return drift->window > DAY || !(seasons & 1); // of which the last bit is that
}

// Sums the last windows of one kind of day; returns whether they are fresh, which is soon before,
// and of such a day: a weekend may differ at once, whatever its first hours are held against. -1:
// there are none.
static int sum_recent(struct drift_memory *memory, const struct weir_window *window)
{
    // Panes, or windows; the one under way is among them.
    const struct drift *drift = memory->drift;
    const struct drift_history *history = &memory->explain.recent;
    int64_t reach = drift->window > FRESH ? drift->window : FRESH, last = 0;
    struct drift_counts *recent = memory->calibration.foreseen;
    size_t n = 0;
    int fresh = 0;
    drift_counts_reset_all(recent, drift->n_fields);
    for (size_t e = history->n; e-- > 0;) {
        const struct drift_entry *entry = &history->items[e];
        int is_near = entry->start >= window->start - reach;
        if (entry->end > window->start)
            continue;
        if (n && (!is_near || !is_such_a_day(drift, entry->start, last)))
            break;
        if (drift_entry_add(entry, recent, drift->n_fields))
            return -1;
        if (!n++) {
            last = entry->start;
            fresh = is_near && is_such_a_day(drift, last, window->start);
        }
    }
    return n ? fresh : -1;
}

// Values never seen, and those in cells that the reference has nothing in.
static uint64_t unseen_of(const struct drift_counts *counts, const struct weir_summary *reference)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < counts->n && reference->cell && i < reference->cells->n; i++)
        sum += reference->cell[i] ? 0 : counts->cell[i];
    return counts->unseen > sum ? counts->unseen : sum;
}

// The share beyond the outermost cuts and where the reference has nothing; without the outermost
// cells where most of it is in them, as a constant's.
static double tail_of(const struct drift_counts *counts, const struct weir_summary *reference)
{
    uint64_t fresh = unseen_of(counts, reference), outer = 0;
    for (size_t i = 0; i < counts->n && reference->cell && i < reference->cells->n; i++)
        outer += (i == 0 || i + 1 == counts->n) && reference->cell[i] ? counts->cell[i] : 0;
    return share(2 * (outer + fresh) < counts->values ? outer + fresh : fresh, counts->values);
}

static int is_step(struct drift_memory *memory, size_t f, const struct drift_verdict *verdict,
                   double times)
{
    const struct drift_counts *now = &memory->now[f], *then = &memory->calibration.foreseen[f];
    if (verdict->test == DRIFT_NULL_RATE)
        return then->rows && drift_local(DRIFT_NULL_RATE, share(now->null, now->rows),
                                         share(then->null, then->rows));
    if (!now->n || !then->values || !now->values)
        return 0;
    if (verdict->test == DRIFT_UNSEEN)
        return drift_local(DRIFT_UNSEEN, verdict->share,
                           share(unseen_of(then, verdict->then), then->values));
    if (verdict->test == DRIFT_TAIL)
        return drift_local(DRIFT_TAIL, verdict->share, tail_of(then, verdict->then));
    struct weir_summary before = drift_memory_over(memory, f, then);
    double effect = drift_offset(&before, now, 1);
    return drift_surely(effect, (double)now->values, (double)then->values, 1) >=
           times * memory->drift->critical;
}

// Further from the reference than a rhythm goes: whether it came at once does not matter.
static int is_beyond_rhythms(const struct drift_memory *memory, size_t f,
                             const struct drift_verdict *verdict)
{
    const struct drift_counts *now = &memory->now[f];
    if (!verdict->critical || drift_is_share(verdict->test) || !now->values)
        return verdict->critical;
    double then = verdict->then->values ? (double)verdict->then->values : INFINITY;
    return drift_surely(verdict->effect, (double)now->values, then, 1) >=
           BEYOND * memory->drift->critical;
}

// ---- the same hours of the profile

static int is_profile(const struct drift *drift, size_t reference)
{
    return !drift->specs || drift->specs[reference].kind == WEIR_REFERENCE_PROFILE;
}

// Whether the window is not plainly unlike `same`.
static int is_as(const struct drift_memory *memory, size_t f, const struct drift_verdict *verdict,
                 struct weir_summary *same)
{
    const struct drift_counts *now = &memory->now[f];
    struct drift_counts then = drift_counts_of(same);
    if (verdict->test == DRIFT_NULL_RATE)
        return !drift_local(DRIFT_NULL_RATE, share(now->null, now->rows),
                            share(then.null, then.rows));
    if (verdict->test == DRIFT_UNSEEN || !then.n || then.n != now->n ||
        then.n != verdict->then->cells->n)
        return 0;
    if (verdict->test == DRIFT_TAIL)
        return !drift_local(DRIFT_TAIL, verdict->share, tail_of(&then, verdict->then));
    // What the profile has at other hours counts as no part of it where it has none at these.
    for (size_t i = 0; i < then.n; i++)
        same->cell[i] += verdict->then->cell && verdict->then->cell[i] && !same->cell[i];
    return drift_surely(drift_offset(same, now, 1), (double)now->values, (double)then.values, 1) <
           memory->drift->critical;
}

// Without memory nothing is said.
static int is_of_its_hours(const struct drift_memory *memory, const struct weir_window *window,
                           const struct drift_verdict *verdict)
{
    size_t f = (size_t)(verdict->field - memory->drift->fields);
    int is = 0;
    if (!is_profile(memory->drift, verdict->reference) || !verdict->then->cells)
        return 0;
    for (int k = WEIR_RHYTHM_DAY; k <= WEIR_RHYTHM_WEEK && !is; k++) {
        struct weir_summary same;
        if (weir_rhythm_same(verdict->then->cells->habits, window->start, window->end,
                             (enum weir_rhythm)k, &same))
            return 1;
        is = same.values >= HOURS_LEAST && is_as(memory, f, verdict, &same);
        weir_summary_free(&same);
    }
    return is;
}

// Whether it came at once, in this window or before.
static int came(struct drift_memory *memory, const struct drift_verdict *verdict, int fresh,
                double times)
{
    size_t f = (size_t)(verdict->field - memory->drift->fields);
    return drift_is_plain(verdict) &&
           (memory->calibration.held[f] || (fresh >= 0 && is_step(memory, f, verdict, times)));
}

void drift_keep_plain(struct drift_memory *memory, const struct weir_window *window,
                      struct drift_verdict *moved, size_t *n)
{
    const struct drift *drift = memory->drift;
    uint8_t *held = memory->calibration.held;
    size_t first = 0;
    if (*n && leave_out_calendar(memory, window, moved, n))
        *n = 0;
    int fresh = *n ? sum_recent(memory, window) : -1;
    // A window of hours is as far from the one before as the day has moved meanwhile.
    int is_part = drift->window > FRESH && drift->window < DAY;
    double times = fresh == 1 && !is_part ? 1 : STALE;
    for (size_t i = 0; i < *n; i++) {
        struct drift_verdict verdict = moved[i];
        size_t f = (size_t)(verdict.field - drift->fields);
        int is_usual = is_of_its_hours(memory, window, &verdict);
        held[f] = !is_usual && came(memory, &verdict, fresh, times) ? 2 : 0;
        if (is_usual || (!held[f] && !is_beyond_rhythms(memory, f, &verdict)))
            continue;
        memmove(&moved[first + 1], &moved[first], (i - first) * sizeof *moved);
        moved[first++] = verdict;
    }
    // Of those that did not move nothing is held, but for those that could not be judged.
    for (size_t f = 0; f < drift->n_fields; f++)
        held[f] = held[f] == 2 || (held[f] && !drift_has_enough(memory, f));
    *n = first ? *n : 0;
}
