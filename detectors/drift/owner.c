// SPDX-License-Identifier: Apache-2.0
// A window: every field against every reference, for the whole stream and for each slice. What
// moved becomes one finding a slice, and one alone where the whole stream moved.
#include <math.h>
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
    struct drift_creep *creeps;  // likewise
    struct drift_verdict *crept; // likewise: those, and what moved with them
    int careful;                 // what is plain alone counts, but against calibrated thresholds
    // [reference][field]: effect in the whole stream, this window; NAN: not measured.
    double *whole;
    struct drift_memory memory;
    struct drift_charted charted;
};

int drift_owner_create(void *instance, void **result, struct weir_error *error)
{
    struct owner *owner = calloc(1, sizeof *owner);
    if (owner) {
        owner->drift = instance;
        owner->moved = calloc(owner->drift->n_fields, sizeof *owner->moved);
        owner->creeps = calloc(owner->drift->n_fields, sizeof *owner->creeps);
        owner->crept = calloc(owner->drift->n_fields, sizeof *owner->crept);
        owner->whole =
            calloc(owner->drift->n_fields * owner->drift->n_references, sizeof *owner->whole);
    }
    int code = owner && owner->moved && owner->creeps && owner->crept && owner->whole
                   ? drift_memory_init(&owner->memory, owner->drift)
                   : WEIR_ENOMEM;
    if (!code && drift_charted_init(&owner->charted, owner->drift)) {
        drift_memory_free(&owner->memory);
        code = WEIR_ENOMEM;
    }
    if (code) {
        free(owner ? owner->moved : NULL);
        free(owner ? owner->creeps : NULL);
        free(owner ? owner->crept : NULL);
        free(owner ? owner->whole : NULL);
        free(owner);
        return weir_error_set(error, WEIR_ENOMEM, "drift: no memory");
    }
    // Slices and models of one window know no hours.
    owner->careful = owner->drift->careful && owner->memory.calibration.wanted > 0;
    *result = owner;
    return 0;
}

void drift_owner_destroy(void *state)
{
    struct owner *owner = state;
    if (!owner)
        return;
    free(owner->room.reference);
    free(owner->moved);
    free(owner->creeps);
    free(owner->crept);
    free(owner->whole);
    drift_memory_free(&owner->memory);
    drift_charted_free(&owner->charted);
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

// What a slice is compared with: references of its own window, a slice, or the other kinds.
struct against {
    const struct weir_window *window;
    size_t slice;
    int is_slice; // reference `only` is the slice `other`
    size_t only, other;
    double alpha;
    int careful; // of a slice: what is plain alone counts
};

static const struct weir_summary *then_of(struct owner *owner, const struct against *against,
                                          size_t i, size_t field)
{
    if (against->is_slice)
        return i == against->only
                   ? drift_memory_now(&owner->memory, against->window, against->other, field, 1)
                   : NULL;
    // A slice is not what the whole stream was an hour ago.
    if (against->slice && owner->drift->specs &&
        owner->drift->specs[i].kind != WEIR_REFERENCE_PROFILE)
        return NULL;
    return drift_memory_then(&owner->memory, against->window, i, field);
}

// How far the whole stream is from a reference.
static int measure_whole(struct owner *owner, const struct weir_window *window, size_t i, size_t f,
                         double *effect)
{
    const struct drift *drift = owner->drift;
    double *known = &owner->whole[i * drift->n_fields + f];
    if (isnan(*known)) {
        struct against whole = {.window = window};
        const struct weir_summary *now = drift_memory_now(&owner->memory, window, 0, f, 1);
        const struct weir_summary *then = now ? then_of(owner, &whole, i, f) : NULL;
        struct drift_verdict verdict = {.field = &drift->fields[f], .reference = i};
        if (then && drift_judge(drift, drift->alpha, &owner->room, now, then, &verdict))
            return WEIR_ENOMEM;
        *known = verdict.effect;
    }
    *effect = *known;
    return 0;
}

// Plain, and in a slice by so much more than the whole stream is, which has the same hour.
static int is_apart(struct owner *owner, const struct weir_window *window,
                    const struct drift_verdict *verdict, int *apart)
{
    double whole;
    *apart = drift_is_plain(verdict);
    if (!*apart || verdict->test == DRIFT_NULL_RATE || verdict->test == DRIFT_UNSEEN)
        return 0;
    size_t f = (size_t)(verdict->field - owner->drift->fields);
    int code = measure_whole(owner, window, verdict->reference, f, &whole);
    *apart = !code && verdict->effect - whole >= owner->drift->critical;
    return code;
}

// The field's strongest verdict over all references.
static int judge_field(struct owner *owner, const struct against *against, size_t f,
                       struct drift_verdict *best)
{
    const struct drift *drift = owner->drift;
    const struct weir_summary *now =
        drift_memory_now(&owner->memory, against->window, against->slice, f, 0);
    memset(best, 0, sizeof *best);
    for (size_t i = 0; now && i < drift->n_references; i++) {
        const struct weir_summary *then = then_of(owner, against, i, f);
        struct drift_verdict verdict = {.field = &drift->fields[f], .reference = i};
        if (!then)
            continue;
        verdict.dispersion = drift_memory_dispersion(&owner->memory, i, f);
        int counts = 1;
        if (drift_judge(drift, against->alpha, &owner->room, now, then, &verdict) ||
            (against->careful && is_apart(owner, against->window, &verdict, &counts)))
            return WEIR_ENOMEM;
        if (counts && verdict.moved && (!best->moved || is_stronger(&verdict, best)))
            *best = verdict;
    }
    return 0;
}

// Fills owner->moved, strongest first.
static int judge_slice(struct owner *owner, const struct against *against, size_t *n)
{
    const struct drift *drift = owner->drift;
    *n = 0;
    for (size_t f = 0; f < drift->n_fields; f++) {
        struct drift_verdict *verdict = &owner->moved[*n];
        if (judge_field(owner, against, f, verdict))
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
        struct against against = {
            .window = window, .slice = s, .alpha = alpha, .careful = owner->careful};
        size_t n;
        if (window->slices[s].by > owner->drift->n_by_given ||
            !is_judged(owner->drift, &window->slices[s]))
            continue;
        if (judge_slice(owner, &against, &n))
            return WEIR_ENOMEM;
        if (!n)
            continue;
        struct drift_slice *slice = &slices[(*n_found)++];
        *slice = (struct drift_slice){s, owner->moved[0], n};
        // Its own count goes with the next slice; the summary itself stays.
        slice->strongest.now = window->summary(window, s, slice->strongest.field->index);
    }
    qsort(slices, *n_found, sizeof *slices, by_slice_strength);
    return 0;
}

// ---- one slice against another

static int has_values(const struct weir_slice *slice, const struct weir_reference_spec *spec)
{
    for (size_t k = 0; k < slice->n_values; k++) {
        if (!slice->values[k].value || strcmp(slice->values[k].value, spec->values[k]) != 0)
            return 0;
    }
    return slice->by == spec->by;
}

// The slice that the reference is, 0: this window has no such records.
static size_t find_slice(const struct weir_window *window, const struct weir_reference_spec *spec)
{
    for (size_t s = 1; s < window->n_slices; s++) {
        if (has_values(&window->slices[s], spec))
            return s;
    }
    return 0;
}

// A slice with about as many records as are needed has enough in one window and too few in the
// next: once it was told as incomplete, that holds until it has clearly enough in so many windows
// as an incident is quiet before it is over. `told`: 0: no; else how many of these there were, + 1.
static const double CLEARLY = 1.25;

static int is_incomplete(const struct drift *drift, const struct weir_window *window, size_t slice,
                         size_t *told)
{
    int has_enough = slice && is_judged(drift, &window->slices[slice]);
    size_t quiet = (size_t)(drift->resolve_after > 0 ? drift->resolve_after : 3);
    if (has_enough && !*told)
        return 0;
    if (has_enough && (double)window->slices[slice].rows >= CLEARLY * (double)drift->minimum) {
        *told = *told >= quiet ? 0 : *told + 1;
        return 0;
    }
    *told = 1;
    return 1;
}

static int judge_against_slice(struct owner *owner, const struct weir_window *window, size_t i,
                               double alpha)
{
    const struct drift *drift = owner->drift;
    const struct weir_reference_spec *spec = &drift->specs[i];
    size_t slice = find_slice(window, spec), compared = 0, n;
    size_t other = slice && is_judged(drift, &window->slices[slice]) ? slice : 0;
    for (size_t s = 1; s < window->n_slices; s++)
        compared +=
            window->slices[s].by == spec->by && s != slice && is_judged(drift, &window->slices[s]);
    // Of references that are of the window nothing else is counted there. Where no other slice has
    // enough there is nothing to compare; but that is no reason to think that it is over.
    size_t *told = &owner->memory.references[i].windows;
    if ((compared || *told) && is_incomplete(drift, window, slice, told))
        drift_report_absent(drift, window, i, slice ? window->slices[slice].rows : 0);
    for (size_t s = 1; other && s < window->n_slices; s++) {
        struct against against = {window, s, 1, i, other, alpha / (double)(compared ? compared : 1),
                                  0};
        if (window->slices[s].by != spec->by || s == other || !is_judged(drift, &window->slices[s]))
            continue;
        if (judge_slice(owner, &against, &n))
            return WEIR_ENOMEM;
        if (n)
            drift_report(drift, window, s, owner->moved, n, against.alpha, NULL, 0, NULL, NULL);
    }
    return 0;
}

// A fixed stretch that lies before all that was read never comes.
static void tell_absent(const struct owner *owner, const struct weir_window *window)
{
    const struct drift *drift = owner->drift;
    for (size_t i = 0; drift->specs && i < drift->n_references; i++) {
        const struct weir_reference_spec *spec = &drift->specs[i];
        if (spec->kind == WEIR_REFERENCE_FIXED && window->start >= spec->to &&
            !owner->memory.references[i].windows)
            drift_report_absent(drift, window, i, 0);
    }
}

// ---- a window

// What drifts, and the first n_moved of what moved.
static int report_slow(struct owner *owner, const struct weir_window *window, size_t n_creeps,
                       size_t n_moved)
{
    struct drift_explanation explanation;
    int code = drift_slow_explain(&owner->memory, window, &owner->room, owner->creeps, n_creeps,
                                  owner->crept, &explanation);
    if (code)
        return code;
    for (size_t i = 0; i < n_moved; i++)
        owner->crept[n_creeps + i] = owner->moved[i];
    drift_slow_report(&owner->memory, window, owner->creeps, n_creeps, owner->crept, n_moved,
                      &explanation);
    return 0;
}

// What moves gradually while another field drifts is a part of that. *n: of fields that moved, and
// then of those that were told.
static int report_calibrated(struct owner *owner, const struct weir_window *window, size_t *n,
                             const struct drift_slice *slices, size_t n_slices)
{
    struct drift_memory *memory = &owner->memory;
    struct drift_explanation explanation;
    size_t n_creeps = 0;
    int code = 0;
    if (!drift_calibration_is_early(memory)) {
        drift_slow_judge(memory, window, owner->moved, n, owner->creeps, &n_creeps);
        code = drift_lately_add(memory, window);
    }
    struct drift_contrast contrast = {.n = 0};
    if (!code)
        code = drift_explain(memory, window, &owner->room, owner->moved, *n, &explanation);
    if (!code && *n)
        code = drift_find_contrast(memory, window, &owner->moved[0], &contrast);
    if (code)
        return code;
    const struct drift_onset *onset = &explanation.onset;
    int joins = *n && n_creeps && onset->known && onset->kind != WEIR_ONSET_SUDDEN;
    if (n_creeps)
        code = report_slow(owner, window, n_creeps, joins ? *n : 0);
    if (code)
        return code;
    if (*n && !joins)
        drift_report_calibrated(memory, window, owner->moved, *n, &explanation, slices,
                                n_slices < SLICES_SHOWN ? n_slices : SLICES_SHOWN, &contrast);
    drift_ahead_add(memory, window->start, owner->moved, *n);
    if (!memory->drift->leave_offset)
        drift_report_offset(memory, window);
    *n += n_creeps;
    return *n ? 0 : drift_explain_learn(memory, window);
}

static int report_provisional(struct owner *owner, const struct weir_window *window, size_t n,
                              double alpha, const struct drift_slice *slices, size_t n_slices)
{
    struct drift_memory *memory = &owner->memory;
    struct drift_explanation explanation;
    struct drift_contrast contrast;
    int code = drift_explain(memory, window, &owner->room, owner->moved, n, &explanation);
    if (code || !n)
        return code ? code : drift_explain_learn(memory, window);
    code = drift_find_contrast(memory, window, &owner->moved[0], &contrast);
    if (!code)
        drift_report(memory->drift, window, 0, owner->moved, n, alpha, slices,
                     n_slices < SLICES_SHOWN ? n_slices : SLICES_SHOWN, &contrast, &explanation);
    return code;
}

// What was so from the beginning is how the stream is: of an uncalibrated window what came counts.
static void mark_apart(struct owner *owner, size_t n, int calibrated)
{
    struct drift_calibration *calibration = &owner->memory.calibration;
    int all = calibrated || !owner->careful;
    for (size_t i = 0; i < n; i++) {
        size_t f = (size_t)(owner->moved[i].field - owner->drift->fields);
        calibration->apart |= owner->moved[i].critical && (all || calibration->held[f]);
    }
}

// A change goes on while it cannot be judged: neither it nor its incident comes nearer to its end.
static void hold_unjudged(struct owner *owner, const struct weir_window *window, size_t n)
{
    struct drift_calibration *calibration = &owner->memory.calibration;
    int holds = 0;
    if (!calibration->wanted)
        return;
    for (size_t f = 0; f < owner->drift->n_fields && !n; f++)
        holds |= calibration->held[f] && !drift_has_enough(&owner->memory, f);
    if (holds && window->undecided)
        window->undecided(window);
    calibration->apart |=
        holds && calibration->apart_since != INT64_MIN && calibration->apart_since != INT64_MAX;
}

// The whole stream. *n: of fields that moved and were told.
static int judge_whole(struct owner *owner, const struct weir_window *window, double alpha,
                       const struct drift_slice *slices, size_t n_slices, size_t *n)
{
    struct drift_memory *memory = &owner->memory;
    struct against whole = {.window = window, .alpha = alpha};
    int calibrated = drift_is_calibrated(memory) && drift_calibration_knows(memory, window->start);
    int code = calibrated ? drift_judge_calibrated(memory, window, &owner->room, owner->moved, n)
                          : judge_slice(owner, &whole, n);
    if (!code && !calibrated && owner->careful)
        drift_keep_plain(memory, window, owner->moved, n);
    if (code)
        return code;
    mark_apart(owner, *n, calibrated);
    hold_unjudged(owner, window, *n);
    return calibrated ? report_calibrated(owner, window, n, slices, n_slices)
                      : report_provisional(owner, window, *n, alpha, slices, n_slices);
}

// Slices by themselves, strongest first.
static int report_slices(struct owner *owner, const struct weir_window *window, double alpha,
                         const struct drift_slice *slices, size_t n_slices)
{
    for (size_t i = 0; i < n_slices && i < SLICES_REPORTED; i++) {
        struct against against = {
            .window = window, .slice = slices[i].slice, .alpha = alpha, .careful = owner->careful};
        size_t n;
        if (judge_slice(owner, &against, &n))
            return WEIR_ENOMEM;
        drift_report(owner->drift, window, slices[i].slice, owner->moved, n, alpha, NULL, 0, NULL,
                     NULL);
    }
    return 0;
}

static int judge_window(struct owner *owner, const struct weir_window *window)
{
    const struct drift *drift = owner->drift;
    // Bonferroni over everything that is looked at; slices share one half of the chance.
    double tests = (double)drift->n_fields * drift->n_tests * (double)drift->n_references;
    double judged = 0;
    for (size_t s = 1; s < window->n_slices; s++)
        judged += window->slices[s].by <= drift->n_by_given && is_judged(drift, &window->slices[s]);
    double whole_alpha = drift->alpha / tests * (drift->n_by_given ? 0.5 : 1);
    double slice_alpha = drift->alpha / tests * 0.5 / (judged > 0 ? judged : 1);
    struct drift_slice *slices = NULL;
    size_t n_slices = 0, n = 0;
    for (size_t k = 0; k < drift->n_references * drift->n_fields; k++)
        owner->whole[k] = NAN;
    int code = drift->n_by_given ? judge_slices(owner, window, slice_alpha, &slices, &n_slices) : 0;
    if (!code)
        code = judge_whole(owner, window, whole_alpha, slices, n_slices, &n);
    // Where the whole stream moved they are evidence of that.
    if (!code && !n)
        code = report_slices(owner, window, slice_alpha, slices, n_slices);
    free(slices);
    for (size_t i = 0; drift->specs && i < drift->n_references && !code; i++) {
        if (drift_is_of_window(&drift->specs[i]))
            code = judge_against_slice(owner, window, i, drift->alpha / tests);
    }
    tell_absent(owner, window);
    return code;
}

int drift_owner_window(void *state, const struct weir_window *window, struct weir_error *error)
{
    struct owner *owner = state;
    const struct drift *drift = owner->drift;
    if (window->phase != WEIR_FINAL || !window->n_slices)
        return 0;
    // Too few records say nothing, for a change or against it.
    if (window->slices[0].rows < drift->minimum && window->undecided)
        window->undecided(window);
    int code = drift_memory_begin(&owner->memory, window);
    if (!code)
        code = drift_explain_begin(&owner->memory, window);
    if (!code && drift->n_tests)
        code = judge_window(owner, window);
    if (!code && drift->n_rules)
        code = drift_judge_named(&owner->memory, &owner->charted, window);
    if (!code)
        code = drift_memory_end(&owner->memory, window);
    return code ? weir_error_set(error, code, "%s: no memory for a window", drift->name) : 0;
}

int drift_owner_save(const void *state, struct weir_buffer *out)
{
    const struct owner *owner = state;
    const struct drift_memory *memory = &owner->memory;
    struct weir_buffer bytes;
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    int code = memory->drift->specs ? drift_explain_write(memory, &bytes) : 0;
    weir_put_bytes(out, bytes.data, bytes.length);
    weir_buffer_free(&bytes);
    if (!code)
        code = drift_memory_write(memory, out);
    if (!code)
        code = drift_charted_write(&owner->charted, out);
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    if (!code && memory->drift->specs)
        code = drift_explain_write_slow(memory, &bytes);
    weir_put_bytes(out, bytes.data, bytes.length);
    weir_buffer_reset(&bytes);
    if (!code && memory->drift->specs)
        code = drift_learning_write(memory, &bytes);
    weir_put_bytes(out, bytes.data, bytes.length);
    weir_buffer_free(&bytes);
    return code ? code : out->failed ? WEIR_ENOMEM : 0;
}

// What is to explain by, in bytes of its own, if there are any.
static int
read_part(struct drift_memory *memory, const uint8_t *bytes, size_t length, uint32_t version,
          int (*read)(struct drift_memory *memory, struct weir_reader *in, uint32_t version))
{
    struct weir_reader in = weir_reader_make(bytes, length);
    return memory->drift->specs && length ? read(memory, &in, version) : 0;
}

void drift_owner_calibration(const void *state, struct weir_calibration *out)
{
    drift_calibration_tell(&((const struct owner *)state)->memory, out);
}

int drift_owner_accept(void *state, const struct weir_acceptance *acceptance,
                       const struct weir_window *window, struct weir_error *error)
{
    return drift_calibration_accept(&((struct owner *)state)->memory, acceptance, window, error);
}

// Version 1 wrote nothing. What is to explain by is in front, and is read last: it is counted in
// the cells that the rest brings. What explains slow drift is at the end, where earlier versions
// have nothing: they begin to keep it.
int drift_owner_restore(void *state, uint32_t state_version, struct weir_reader *in,
                        struct weir_error *error)
{
    struct owner *owner = state;
    size_t length = 0;
    const uint8_t *bytes = NULL;
    if (state_version < 2)
        return 0;
    if (state_version >= DRIFT_STATE_EXPLAIN)
        bytes = weir_get_bytes(in, &length);
    int code = in->failed ? WEIR_ECORRUPT : drift_memory_read(&owner->memory, in, state_version);
    if (!code && state_version >= DRIFT_STATE_CHARTED)
        code = drift_charted_read(&owner->charted, in);
    if (!code)
        code = read_part(&owner->memory, bytes, length, state_version, drift_explain_read);
    if (!code && state_version >= DRIFT_STATE_TRACE) {
        bytes = weir_get_bytes(in, &length);
        code = in->failed ? WEIR_ECORRUPT
                          : read_part(&owner->memory, bytes, length, state_version,
                                      drift_explain_read_slow);
    }
    if (!code && state_version >= DRIFT_STATE_LEARNING) {
        bytes = weir_get_bytes(in, &length);
        code = in->failed
                   ? WEIR_ECORRUPT
                   : read_part(&owner->memory, bytes, length, state_version, drift_learning_read);
    }
    return code ? weir_error_set(error, code, "drift: its state cannot be read") : 0;
}
