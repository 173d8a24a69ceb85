// SPDX-License-Identifier: Apache-2.0
// Which slices carry a change. Slices are held against what they themselves usually have, for they
// are not alike to begin with: what moved in the whole stream moved in all of them, in some, or in
// none, and then other slices have more of the records.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"
#include "stats/summary.h"

enum {
    LEARN_FROM = 3, // windows that make something usual
    LEAST = 50,     // values of a slice that is looked at
    BYTES = 8 << 20
};
static const double FORGET_OVER = 200; // windows: more are halved
static const int64_t UNSEEN = 28 * 24 * (int64_t)3600000;
static const double CHANCE = 1e-3; // of a slice that did not change being said to carry it
static const double REST = 0.5;    // of the carriers' change: what the others surely do not have
static const double SURE = 2.33;
static const double ALIKE = 0.6; // of the whole's change: what all slices have at least
static const double PART = 0.5;  // of the whole's: what a slice that drifts slowly has at least
static const double NEARLY_ALL = 0.9, HALF = 0.5;

static void free_slice(struct drift_usual_slice *item, size_t n_fields)
{
    for (size_t k = 0; k < item->n_values; k++)
        free(item->values[k]);
    free(item->values);
    drift_counts_free_all(item->fields, n_fields);
}

void drift_slices_free(struct drift_slices *slices, size_t n_fields)
{
    for (size_t i = 0; i < slices->n; i++)
        free_slice(&slices->items[i], n_fields);
    free(slices->items);
    *slices = (struct drift_slices){0};
}

static int is_of(const struct drift_usual_slice *item, const struct weir_slice *slice)
{
    if (item->by != slice->by || item->n_values != slice->n_values)
        return 0;
    for (size_t k = 0; k < item->n_values; k++) {
        if (strcmp(item->values[k], slice->values[k].value ? slice->values[k].value : "") != 0)
            return 0;
    }
    return 1;
}

static struct drift_usual_slice *find(const struct drift_slices *slices,
                                      const struct weir_slice *slice)
{
    for (size_t i = 0; i < slices->n; i++) {
        if (is_of(&slices->items[i], slice))
            return &slices->items[i];
    }
    return NULL;
}

// ---- learning

static size_t limit_of(const struct drift_memory *memory)
{
    size_t bytes = 1;
    for (size_t f = 0; f < memory->drift->n_fields; f++)
        bytes += sizeof(struct drift_counts) + memory->now[f].n * sizeof(uint64_t);
    size_t most = BYTES / bytes;
    return most < 4 ? 4 : most > DRIFT_SLICES ? DRIFT_SLICES : most;
}

static int add_slice(struct drift_memory *memory, struct drift_slices *slices,
                     const struct weir_slice *slice, struct drift_usual_slice **out)
{
    size_t n_fields = memory->drift->n_fields;
    *out = NULL;
    if (slices->n >= limit_of(memory))
        return 0;
    if (!slices->items && !(slices->items = calloc(DRIFT_SLICES, sizeof *slices->items)))
        return WEIR_ENOMEM;
    struct drift_usual_slice *item = &slices->items[slices->n];
    *item = (struct drift_usual_slice){.by = slice->by, .n_values = slice->n_values};
    item->values = calloc(slice->n_values + 1, sizeof *item->values);
    item->fields = calloc(n_fields, sizeof *item->fields);
    slices->n++; // from now on it is freed with the others
    if (!item->values || !item->fields) {
        item->n_values = 0;
        return WEIR_ENOMEM;
    }
    for (size_t k = 0; k < slice->n_values; k++) {
        const char *value = slice->values[k].value ? slice->values[k].value : "";
        if (!(item->values[k] = strdup(value)))
            return WEIR_ENOMEM;
    }
    *out = item;
    return 0;
}

static void halve(struct drift_slices *slices, size_t n_fields)
{
    slices->windows /= 2;
    slices->rows /= 2;
    for (size_t i = 0; i < slices->n; i++) {
        slices->items[i].windows = (slices->items[i].windows + 1) / 2;
        slices->items[i].rows /= 2;
        for (size_t f = 0; f < n_fields; f++) {
            struct drift_counts *counts = &slices->items[i].fields[f];
            counts->rows /= 2;
            counts->null /= 2;
            counts->values /= 2;
            counts->unseen /= 2;
            for (size_t c = 0; c < counts->n; c++)
                counts->cell[c] /= 2;
        }
    }
}

static void forget(struct drift_slices *slices, size_t n_fields, int64_t time)
{
    size_t kept = 0;
    for (size_t i = 0; i < slices->n; i++) {
        struct drift_usual_slice *item = &slices->items[i];
        if (item->seen > time - UNSEEN)
            slices->items[kept++] = *item;
        else
            free_slice(item, n_fields);
    }
    slices->n = kept;
}

static int learn(struct drift_memory *memory, const struct weir_window *window, size_t s,
                 int lately, struct drift_usual_slice *item)
{
    item->seen = window->end;
    item->windows++;
    item->rows += window->slices[s].rows;
    for (size_t f = 0; f < memory->drift->n_fields; f++) {
        // What may drift is kept apart: it would soon be usual.
        if (drift_slow_suspects(memory, f) != lately)
            continue;
        const struct weir_summary *now = drift_memory_now(memory, window, s, f, 1);
        struct drift_counts *counts = &item->fields[f];
        if (!now || !now->cell || !now->cells)
            continue;
        if (!counts->n && drift_counts_init(counts, now->cells->n))
            return WEIR_ENOMEM;
        struct drift_counts one = drift_counts_of(now);
        if (one.n == counts->n)
            drift_counts_add(counts, &one);
    }
    return 0;
}

// Slices from `first` on.
static int take_in(struct drift_memory *memory, const struct weir_window *window,
                   struct drift_slices *slices, size_t first, int lately)
{
    const struct drift *drift = memory->drift;
    slices->windows++;
    slices->rows += window->rows;
    for (size_t s = first; s < window->n_slices; s++) {
        const struct weir_slice *slice = &window->slices[s];
        if (slice->by > drift->n_by_given || !slice->rows)
            continue;
        struct drift_usual_slice *item = find(slices, slice);
        // One that hardly ever has records is not worth the room.
        int code = !item && slice->rows * 4 >= drift->minimum
                       ? add_slice(memory, slices, slice, &item)
                       : 0;
        if (!code && item)
            code = learn(memory, window, s, lately, item);
        if (code)
            return code;
    }
    if ((double)slices->windows > FORGET_OVER)
        halve(slices, drift->n_fields);
    forget(slices, drift->n_fields, window->end);
    return 0;
}

int drift_slices_add(struct drift_memory *memory, const struct weir_window *window)
{
    if (!memory->drift->n_by_given || window->n_slices < 2)
        return 0;
    return take_in(memory, window, &memory->explain.slices, 1, 0);
}

int drift_lately_add(struct drift_memory *memory, const struct weir_window *window)
{
    struct drift_slices *lately = &memory->explain.lately;
    size_t n_fields = memory->drift->n_fields;
    int any = 0;
    for (size_t f = 0; f < n_fields; f++) {
        int is_kept = drift_slow_suspects(memory, f);
        any |= is_kept;
        for (size_t i = 0; i < lately->n && !is_kept; i++)
            drift_counts_free(&lately->items[i].fields[f]);
    }
    if (!any) {
        drift_slices_free(lately, n_fields);
        return 0;
    }
    return window->rows < memory->drift->minimum ? 0 : take_in(memory, window, lately, 0, 1);
}

const struct drift_counts *drift_lately(const struct drift_memory *memory, size_t field)
{
    const struct drift_slices *lately = &memory->explain.lately;
    for (size_t i = 0; i < lately->n; i++) {
        const struct drift_counts *counts = &lately->items[i].fields[field];
        if (!lately->items[i].by)
            return counts->rows ? counts : NULL;
    }
    return NULL;
}

// ---- at an incident

struct looked { // a slice, against its own usual
    size_t slice;
    double rows, usual_rows, effect;
    int moved;
};

struct looking {
    struct drift_memory *memory;
    const struct weir_window *window;
    struct drift_room *room;
    const struct drift_verdict *lead;
    size_t f;
    const struct drift_slices *lately; // NULL: by the window
    double all;                        // its records, or those lately
    double least;                      // change of a slice
    struct looked *items;
    size_t n;
    struct drift_counts now, then; // of those that did not move, together
};

static double judge(struct looking *looking, const struct weir_summary *now,
                    const struct drift_counts *usual, int *moved)
{
    struct drift local = *looking->memory->drift;
    struct weir_summary then = drift_memory_over(looking->memory, looking->f, usual);
    local.minimum = LEAST;
    local.delta = looking->least;
    struct drift_verdict verdict = {.field = looking->lead->field,
                                    .dispersion = fmax(looking->lead->dispersion, 1)};
    *moved = 0;
    if (drift_judge(&local, CHANCE, looking->room, now, &then, &verdict))
        return 0;
    *moved = verdict.moved;
    // A share that changed is no shift: by how much it did, in the same units for all.
    if (!drift_is_share(looking->lead->test))
        return verdict.effect;
    return verdict.test == looking->lead->test ? verdict.share - verdict.baseline : 0;
}

static void pool(struct drift_counts *into, const struct drift_counts *from, double by)
{
    into->rows += (uint64_t)((double)from->rows * by + .5);
    into->null += (uint64_t)((double)from->null * by + .5);
    into->values += (uint64_t)((double)from->values * by + .5);
    into->unseen += (uint64_t)((double)from->unseen * by + .5);
    for (size_t i = 0; i < from->n && i < into->n; i++)
        into->cell[i] += (uint64_t)((double)from->cell[i] * by + .5);
}

// Within a slice by the field itself there is nothing to see.
static int is_by(const struct weir_window *window, size_t s, const struct drift_verdict *lead)
{
    for (size_t k = 0; k < window->slices[s].n_values; k++) {
        if (!strcmp(window->slices[s].values[k].field, lead->field->info->name))
            return 1;
    }
    return 0;
}

// What a slice has now, or had lately; `over` makes that a summary. NULL: nothing.
static const struct weir_summary *now_of(struct looking *looking, size_t s,
                                         struct weir_summary *over)
{
    if (!looking->lately)
        return drift_memory_now(looking->memory, looking->window, s, looking->f, 1);
    const struct drift_usual_slice *item = find(looking->lately, &looking->window->slices[s]);
    if (!item || !item->fields[looking->f].rows)
        return NULL;
    *over = drift_memory_over(looking->memory, looking->f, &item->fields[looking->f]);
    return over;
}

static void look(struct looking *looking, unsigned by)
{
    const struct drift *drift = looking->memory->drift;
    const struct drift_slices *slices = &looking->memory->explain.slices;
    looking->n = 0;
    drift_counts_reset(&looking->now);
    drift_counts_reset(&looking->then);
    for (size_t s = 1; s < looking->window->n_slices; s++) {
        const struct weir_slice *slice = &looking->window->slices[s];
        if (slice->by != by || is_by(looking->window, s, looking->lead))
            continue;
        const struct drift_usual_slice *item = find(slices, slice);
        if (!item || item->windows < LEARN_FROM)
            continue;
        const struct drift_counts *usual = &item->fields[looking->f];
        struct weir_summary over;
        const struct weir_summary *now = now_of(looking, s, &over);
        struct looked *one = &looking->items[looking->n];
        *one = (struct looked){
            .slice = s, .rows = now ? (double)now->rows : 0, .usual_rows = (double)item->rows};
        if (!now || !now->cell || usual->n != now->cells->n || usual->n != looking->now.n)
            continue;
        looking->n++;
        if (now->rows >= LEAST && usual->rows >= drift->minimum)
            one->effect = judge(looking, now, usual, &one->moved);
        if (one->moved || !usual->rows)
            continue;
        // As many as now, so that a change of the mix is none of this.
        struct drift_counts seen = drift_counts_of(now);
        drift_counts_add(&looking->now, &seen);
        // Many times as often as now, for it is better known.
        double times = fmax((double)usual->rows / fmax((double)now->rows, 1), 1);
        times = fmin(times, 20) * (double)now->rows / (double)usual->rows;
        pool(&looking->then, usual, times);
    }
}

static int by_change(const void *a, const void *b)
{
    const struct looked *x = a, *y = b;
    double of_x = x->effect * x->rows, of_y = y->effect * y->rows;
    if (x->moved != y->moved)
        return y->moved - x->moved;
    if (of_x != of_y)
        return of_x > of_y ? -1 : 1;
    return (x->slice > y->slice) - (x->slice < y->slice);
}

// Whether the records' mix changed, and which slice's share the most.
static void look_at_mix(const struct looking *looking, struct drift_carriers *out)
{
    const struct drift_slices *slices = &looking->memory->explain.slices;
    double most = 0, all = looking->all, gap = 0;
    for (size_t k = 0; k < looking->n; k++) {
        double share = looking->items[k].rows / all;
        double usual = looking->items[k].usual_rows / (double)slices->rows;
        gap += fabs(share - usual) / 2;
        if (fabs(share - usual) <= most)
            continue;
        most = fabs(share - usual);
        out->slice[0] = looking->items[k].slice;
        out->share = share;
        out->usual = usual;
    }
    if (gap < 0.05) {
        out->how = DRIFT_CARRIED_UNKNOWN;
        return;
    }
    out->how = DRIFT_CARRIED_MIX;
    out->n = 1;
}

// Of the change of those that did not move.
static double error_of(const struct looking *looking, double change)
{
    double n = fmax((double)looking->now.rows, 1), m = fmax((double)looking->then.rows, 1);
    double usual = looking->then.rows ? (double)looking->then.null / m : 0;
    double share = fmin(fmax(change + usual, 2 / n), 1);
    if (drift_is_share(looking->lead->test))
        return sqrt(share * (1 - share) / n);
    return drift_effect_error(n, m, fmax(looking->lead->dispersion, 1));
}

static void conclude(struct looking *looking, struct drift_carriers *out)
{
    double rows = 0, moved = 0, change = 0, carried = 0, largest = 0, least = INFINITY;
    size_t n = 0;
    qsort(looking->items, looking->n, sizeof *looking->items, by_change);
    for (size_t k = 0; k < looking->n; k++) {
        const struct looked *one = &looking->items[k];
        rows += one->rows;
        change += one->rows * one->effect;
        if (!one->moved)
            continue;
        n++;
        moved += one->rows;
        carried += one->rows * one->effect;
        largest = fmax(largest, one->effect);
        least = fmin(least, one->effect);
    }
    out->of = looking->n;
    if (looking->n < 2 || rows < HALF * looking->all)
        return;
    out->any = &looking->window->slices[looking->items[0].slice];
    int rest_moved = 0;
    struct weir_summary rest = drift_memory_over(looking->memory, looking->f, &looking->now);
    out->rest = looking->now.rows ? judge(looking, &rest, &looking->then, &rest_moved) : 0;
    double error = error_of(looking, out->rest);
    out->effect = looking->items[0].effect;
    out->share = moved / looking->all;
    out->part = change > 0 ? fmin(carried / change, 1) : 0;
    out->n = n;
    for (size_t k = 0; k < n && k < DRIFT_CARRIERS; k++)
        out->slice[k] = looking->items[k].slice;
    // Of fewer the rest is not judged, and nothing is sure of it.
    uint64_t known =
        looking->lead->test == DRIFT_NULL_RATE ? looking->now.rows : looking->now.values;
    if (!n && !rest_moved)
        look_at_mix(looking, out);
    else if (n && n < looking->n && moved < NEARLY_ALL * rows && !rest_moved && known >= LEAST &&
             out->rest + SURE * error < REST * largest)
        out->how = DRIFT_CARRIED_SOME;
    else if (moved >= NEARLY_ALL * rows && least >= HALF * ALIKE * largest)
        out->how = DRIFT_CARRIED_ALL;
    else if (rest_moved && out->rest >= HALF * ALIKE * largest)
        out->how = DRIFT_CARRIED_ALL;
}

// One that is confined to the fewest records says most.
static int says_more(const struct drift_carriers *a, const struct drift_carriers *b)
{
    static const int rank[] = {[DRIFT_CARRIED_UNKNOWN] = 0,
                               [DRIFT_CARRIED_ALL] = 1,
                               [DRIFT_CARRIED_MIX] = 2,
                               [DRIFT_CARRIED_SOME] = 3};
    if (rank[a->how] != rank[b->how])
        return rank[a->how] > rank[b->how];
    return a->how == DRIFT_CARRIED_SOME && a->share < b->share;
}

int drift_find_carriers(struct drift_memory *memory, const struct weir_window *window,
                        struct drift_room *room, const struct drift_verdict *lead, int lately,
                        struct drift_carriers *out)
{
    const struct drift *drift = memory->drift;
    struct looking looking = {.memory = memory,
                              .window = window,
                              .room = room,
                              .lead = lead,
                              .all = (double)window->rows,
                              .least = drift->delta,
                              .f = (size_t)(lead->field - drift->fields)};
    *out = (struct drift_carriers){.how = DRIFT_CARRIED_UNKNOWN};
    if (!drift->n_by_given || memory->explain.slices.windows < LEARN_FROM ||
        !memory->explain.slices.rows)
        return 0;
    const struct drift_counts *whole = lately ? drift_lately(memory, looking.f) : NULL;
    if (lately && !whole)
        return 0;
    if (whole) {
        looking.lately = &memory->explain.lately;
        looking.all = (double)whole->rows;
        looking.least = fmin(drift->delta, PART * lead->effect);
    }
    looking.items = calloc(window->n_slices, sizeof *looking.items);
    int code = looking.items ? 0 : WEIR_ENOMEM;
    if (!code)
        code = drift_counts_init(&looking.now, memory->now[looking.f].n);
    if (!code)
        code = drift_counts_init(&looking.then, memory->now[looking.f].n);
    for (unsigned by = 1; by <= drift->n_by_given && !code; by++) {
        struct drift_carriers one = {.how = DRIFT_CARRIED_UNKNOWN};
        look(&looking, by);
        conclude(&looking, &one);
        if (says_more(&one, out))
            *out = one;
    }
    drift_counts_free(&looking.now);
    drift_counts_free(&looking.then);
    free(looking.items);
    return code;
}
