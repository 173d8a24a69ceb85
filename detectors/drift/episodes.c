// SPDX-License-Identifier: Apache-2.0
// Incidents that a field was in, and what it was like: a change that was there before is told so.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"

enum { STRONGEST = 8 };             // fields of an incident that are remembered
static const double LIKE = 0.35;    // of the change: what may be left of it against the other
static const double REGULAR = 0.15; // of the mean gap

static size_t field_of(const struct drift_memory *memory, const struct drift_verdict *verdict)
{
    return (size_t)(verdict->field - memory->drift->fields);
}

const struct drift_episode *drift_episode_of(const struct drift_memory *memory, size_t field)
{
    const struct drift_episodes *episodes = &memory->explain.episodes;
    for (size_t i = 0; i < episodes->n; i++) {
        if (episodes->items[i].open && episodes->items[i].field == field)
            return &episodes->items[i];
    }
    return NULL;
}

// ---- keeping them

static void drop(struct drift_episodes *episodes, size_t i)
{
    drift_counts_free(&episodes->items[i].counts);
    drift_counts_free(&episodes->items[i].before);
    memmove(episodes->items + i, episodes->items + i + 1,
            (episodes->n - i - 1) * sizeof *episodes->items);
    episodes->n--;
}

void drift_episodes_forget(struct drift_episodes *episodes, size_t field)
{
    for (size_t i = episodes->n; i-- > 0;) {
        if (episodes->items[i].field == field)
            drop(episodes, i);
    }
}

// Those that are over go first, the oldest before others; of one field where it has its number.
static void make_room(struct drift_episodes *episodes, size_t field)
{
    size_t of_field = 0, oldest = episodes->n, oldest_of = episodes->n;
    for (size_t i = episodes->n; i-- > 0;) {
        const struct drift_episode *episode = &episodes->items[i];
        oldest = episode->open && oldest < episodes->n ? oldest : i;
        if (episode->field != field)
            continue;
        of_field++;
        oldest_of = i;
    }
    if (of_field >= DRIFT_EPISODES_A_FIELD)
        drop(episodes, oldest_of);
    else if (episodes->n >= DRIFT_EPISODES)
        drop(episodes, oldest);
}

static int open_one(struct drift_memory *memory, const struct weir_window *window,
                    const struct drift_verdict *verdict)
{
    struct drift_episodes *episodes = &memory->explain.episodes;
    const struct drift *drift = memory->drift;
    size_t f = field_of(memory, verdict);
    make_room(episodes, f);
    if (!episodes->items && !(episodes->items = calloc(DRIFT_EPISODES, sizeof *episodes->items)))
        return WEIR_ENOMEM;
    struct drift_episode *episode = &episodes->items[episodes->n];
    *episode = (struct drift_episode){.field = f, .began = window->start, .open = 1};
    int past = verdict->score == 0 && drift_is_past(&drift->specs[verdict->reference]);
    if (drift_counts_init(&episode->counts, memory->now[f].n))
        return WEIR_ENOMEM;
    if (past && verdict->then->cells->n == memory->now[f].n) {
        struct drift_counts then = drift_counts_of(verdict->then);
        if (drift_counts_init(&episode->before, memory->now[f].n)) {
            drift_counts_free(&episode->counts);
            return WEIR_ENOMEM;
        }
        drift_counts_add(&episode->before, &then);
    }
    episodes->n++;
    return 0;
}

// An episode ends with its incident, about: after as many quiet windows.
static void close_those_over(struct drift_memory *memory, const struct weir_window *window)
{
    const struct drift *drift = memory->drift;
    struct drift_episodes *episodes = &memory->explain.episodes;
    int64_t step = drift->hop > 0 ? drift->hop : window->end - window->start;
    int64_t quiet = (drift->resolve_after > 0 ? drift->resolve_after : 3) * step;
    for (size_t i = 0; i < episodes->n; i++) {
        struct drift_episode *episode = &episodes->items[i];
        if (!episode->open || window->end - episode->last < quiet)
            continue;
        episode->open = 0;
        drift_counts_free(&episode->before);
    }
}

// Windows without a judgement, and times without windows, are no quiet ones.
static void hold(struct drift_memory *memory, int64_t from, int64_t to, int all)
{
    struct drift_episodes *episodes = &memory->explain.episodes;
    for (size_t i = 0; i < episodes->n; i++) {
        struct drift_episode *episode = &episodes->items[i];
        int is_held = all || !drift_has_enough(memory, episode->field);
        if (episode->open && is_held && to > from)
            episode->last += to - from < to - episode->last ? to - from : to - episode->last;
    }
}

// End of the last window before this one that there were records in; its start: there was none.
static int64_t last_end(const struct drift_memory *memory, const struct weir_window *window)
{
    const struct drift_history *recent = &memory->explain.recent;
    size_t e = recent->n;
    while (e && recent->items[e - 1].end > window->start)
        e--;
    return e ? recent->items[e - 1].end : window->start;
}

void drift_episodes_hold(struct drift_memory *memory, const struct weir_window *window)
{
    int64_t before = last_end(memory, window);
    int64_t step = memory->drift->hop > 0 ? memory->drift->hop : window->end - window->start;
    hold(memory, before, window->start, 1);
    hold(memory, window->end - step, window->end, window->rows < memory->drift->minimum);
}

int drift_episodes_add(struct drift_memory *memory, const struct weir_window *window,
                       const struct drift_verdict *moved, size_t n_moved)
{
    int code = 0;
    close_those_over(memory, window);
    for (size_t k = 0; k < n_moved && !code; k++) {
        size_t f = field_of(memory, &moved[k]);
        struct drift_episode *episode = (struct drift_episode *)drift_episode_of(memory, f);
        if (!episode && k < STRONGEST) {
            code = open_one(memory, window, &moved[k]);
            episode = (struct drift_episode *)drift_episode_of(memory, f);
        }
        if (!episode || code)
            continue;
        // Windows that hop have records in common.
        if (window->start >= episode->last)
            drift_counts_add(&episode->counts, &memory->now[f]);
        episode->last = window->end;
    }
    return code;
}

// ---- looking back

static double share(uint64_t part, uint64_t of)
{
    return of ? (double)part / (double)of : 0;
}

// Whether what is left of the change, against an earlier episode, is little or nothing.
static int is_like(const struct drift_memory *memory, const struct drift_counts *now,
                   const struct drift_counts *then, const struct drift_verdict *lead,
                   struct drift_room *room)
{
    struct weir_cell_distances distances;
    struct weir_cell_counts counts = {.ordered = lead->then->shape == WEIR_SHAPE_NUMERIC};
    double was = share(lead->then->null + lead->then->missing, lead->then->rows);
    double nulls = share(now->null, now->rows), before = share(then->null, then->rows);
    if (now->n != then->n || drift_make_room(room, now->n))
        return 0;
    if (fabs(nulls - before) > LIKE * fabs(nulls - was) + 0.01)
        return 0;
    if (lead->test == DRIFT_NULL_RATE)
        return 1;
    for (size_t i = 0; i < now->n; i++) {
        if (!now->cell[i] && !then->cell[i])
            continue;
        room->reference[counts.n] = (double)then->cell[i];
        room->current[counts.n++] = (double)now->cell[i];
    }
    counts.reference = room->reference;
    counts.current = room->current;
    double left = drift_effect(&counts, 0, &distances);
    return left < LIKE * fmax(lead->effect, memory->drift->delta);
}

// Where episodes begin at about the same distance.
static int64_t period_of(const int64_t *began, size_t n)
{
    if (n < 3)
        return 0;
    double mean = (double)(began[n - 1] - began[0]) / (double)(n - 1);
    for (size_t i = 1; i < n; i++) {
        if (fabs((double)(began[i] - began[i - 1]) - mean) > REGULAR * mean)
            return 0;
    }
    return (int64_t)mean;
}

void drift_find_recurrence(const struct drift_memory *memory, const struct drift_verdict *lead,
                           int64_t before, struct drift_room *room, struct drift_recurrence *out)
{
    const struct drift_episodes *episodes = &memory->explain.episodes;
    size_t f = field_of(memory, lead), n = 0;
    const struct drift_episode *present = drift_episode_of(memory, f);
    const struct drift_counts *now = present ? &present->counts : &memory->now[f];
    int64_t began[DRIFT_EPISODES_A_FIELD + 1], since = before;
    // Fields come and go within an incident.
    for (size_t i = 0; i < episodes->n; i++) {
        if (episodes->items[i].open && episodes->items[i].began < since)
            since = episodes->items[i].began;
    }
    for (size_t i = 0; i < episodes->n && n < DRIFT_EPISODES_A_FIELD; i++) {
        const struct drift_episode *episode = &episodes->items[i];
        if (episode->field != f || episode->open || episode->last > since ||
            !is_like(memory, now, &episode->counts, lead, room))
            continue;
        began[n++] = episode->began;
        out->times++;
        out->began = episode->began;
        out->ended = episode->last;
    }
    began[n++] = present ? present->began : memory->calibration.start;
    out->every = present && out->times ? period_of(began, n) : 0;
}
