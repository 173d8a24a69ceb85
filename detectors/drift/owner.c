// SPDX-License-Identifier: Apache-2.0
// A window: every field against every reference, for the whole stream and for each slice. What
// moved becomes one finding a slice, and one alone where the whole stream moved.
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"

// Slices that may have lost more than this share of their rows to a cap are not judged.
static const double MAY_MISS = 0.02;
enum { SLICES_SHOWN = 5, SLICES_REPORTED = 20 };

struct owner {
    const struct drift *drift;
    struct drift_room room;
    struct drift_verdict *moved; // room for one a field
};

int drift_owner_create(void *instance, void **result, struct weir_error *error)
{
    struct owner *owner = calloc(1, sizeof *owner);
    if (owner) {
        owner->drift = instance;
        owner->moved = calloc(owner->drift->n_fields, sizeof *owner->moved);
    }
    if (!owner || !owner->moved) {
        free(owner);
        return weir_error_set(error, WEIR_ENOMEM, "drift: no memory");
    }
    *result = owner;
    return 0;
}

void drift_owner_destroy(void *state)
{
    struct owner *owner = state;
    if (!owner)
        return;
    free(owner->room.reference);
    free(owner->room.current);
    free(owner->moved);
    free(owner);
}

static int is_stronger(const struct drift_verdict *a, const struct drift_verdict *b)
{
    if (a->critical != b->critical)
        return a->critical > b->critical;
    if (a->p_value != b->p_value)
        return a->p_value < b->p_value;
    return a->effect > b->effect;
}

static int by_strength(const void *a, const void *b)
{
    const struct drift_verdict *x = a, *y = b;
    if (is_stronger(x, y))
        return -1;
    if (is_stronger(y, x))
        return 1;
    return x->field->index - y->field->index;
}

// The field's strongest verdict over all references.
static int judge_field(struct owner *owner, const struct weir_window *window, size_t slice,
                       const struct drift_field *field, double alpha, struct drift_verdict *best)
{
    const struct drift *drift = owner->drift;
    const struct weir_summary *now = window->summary(window, slice, field->index);
    memset(best, 0, sizeof *best);
    for (size_t i = 0; now && i < drift->n_references; i++) {
        const struct weir_summary *then = window->reference(window, i, field->index);
        struct drift_verdict verdict = {.field = field, .reference = i};
        if (!then)
            continue;
        if (drift_judge(drift, alpha, &owner->room, now, then, &verdict))
            return WEIR_ENOMEM;
        if (verdict.moved && (!best->moved || is_stronger(&verdict, best)))
            *best = verdict;
    }
    return 0;
}

// Fills owner->moved, strongest first.
static int judge_slice(struct owner *owner, const struct weir_window *window, size_t slice,
                       double alpha, size_t *n)
{
    const struct drift *drift = owner->drift;
    *n = 0;
    for (size_t f = 0; f < drift->n_fields; f++) {
        struct drift_verdict *verdict = &owner->moved[*n];
        if (judge_field(owner, window, slice, &drift->fields[f], alpha, verdict))
            return WEIR_ENOMEM;
        *n += verdict->moved != 0;
    }
    qsort(owner->moved, *n, sizeof *owner->moved, by_strength);
    return 0;
}

static int is_judged(const struct drift *drift, const struct weir_slice *slice)
{
    return slice->rows >= drift->minimum &&
           (double)slice->rows_may_miss <= MAY_MISS * (double)slice->rows;
}

static int by_slice_strength(const void *a, const void *b)
{
    const struct drift_slice *x = a, *y = b;
    int order = by_strength(&x->strongest, &y->strongest);
    return order ? order : (x->slice > y->slice) - (x->slice < y->slice);
}

// The slices in which something moved, strongest first; *found is the caller's to free.
static int judge_slices(struct owner *owner, const struct weir_window *window, double alpha,
                        struct drift_slice **found, size_t *n_found)
{
    struct drift_slice *slices = calloc(window->n_slices, sizeof *slices);
    *n_found = 0;
    *found = slices;
    if (!slices)
        return WEIR_ENOMEM;
    for (size_t s = 1; s < window->n_slices; s++) {
        size_t n;
        if (!is_judged(owner->drift, &window->slices[s]))
            continue;
        if (judge_slice(owner, window, s, alpha, &n))
            return WEIR_ENOMEM;
        if (n)
            slices[(*n_found)++] = (struct drift_slice){s, owner->moved[0], n};
    }
    qsort(slices, *n_found, sizeof *slices, by_slice_strength);
    return 0;
}

int drift_owner_window(void *state, const struct weir_window *window, struct weir_error *error)
{
    struct owner *owner = state;
    const struct drift *drift = owner->drift;
    if (window->phase == WEIR_EARLY || !window->n_slices)
        return 0;
    // Too few records say nothing, for a change or against it.
    if (window->slices[0].rows < drift->minimum && window->undecided)
        window->undecided(window);
    // Bonferroni over everything that is looked at; slices share one half of the chance.
    double tests = (double)drift->n_fields * drift->n_tests * (double)drift->n_references;
    double judged = 0;
    for (size_t s = 1; s < window->n_slices; s++)
        judged += is_judged(drift, &window->slices[s]);
    double whole_alpha = drift->alpha / tests * (drift->n_by ? 0.5 : 1);
    double slice_alpha = drift->alpha / tests * 0.5 / (judged > 0 ? judged : 1);
    struct drift_slice *slices = NULL;
    size_t n_slices = 0, n;
    int code = drift->n_by ? judge_slices(owner, window, slice_alpha, &slices, &n_slices) : 0;
    if (!code)
        code = judge_slice(owner, window, 0, whole_alpha, &n);
    if (!code && n) {
        drift_report(drift, window, 0, owner->moved, n, whole_alpha, slices,
                     n_slices < SLICES_SHOWN ? n_slices : SLICES_SHOWN);
    } else if (!code) {
        for (size_t i = 0; !code && i < n_slices && i < SLICES_REPORTED; i++) {
            code = judge_slice(owner, window, slices[i].slice, slice_alpha, &n);
            if (!code)
                drift_report(drift, window, slices[i].slice, owner->moved, n, slice_alpha, NULL, 0);
        }
    }
    free(slices);
    return code ? weir_error_set(error, code, "%s: no memory for a window", drift->name) : 0;
}

// Each window stands for itself.
int drift_owner_save(const void *owner, struct weir_buffer *out)
{
    (void)owner;
    (void)out;
    return 0;
}

int drift_owner_restore(void *owner, uint32_t state_version, struct weir_reader *in,
                        struct weir_error *error)
{
    (void)owner;
    (void)state_version;
    (void)in;
    (void)error;
    return 0;
}
