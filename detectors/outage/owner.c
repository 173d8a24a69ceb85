// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/outage/outage.h"
#include "stats/hash.h"
#include "stats/value_text.h"

// Slices that may have lost more than this share of their rows to a cap are not judged.
static const double MAY_MISS = 0.02;
enum { REPORTED = 20, SHOWN = 5, SERIES = 1 << 20, TEXT = 160 };

struct owner {
    const struct outage *outage;
    struct weir_count_series *series;
    uint32_t n, room, n_slots;
    uint32_t *slots; // 1 + series, by hash
};

int outage_owner_create(void *instance, void **result, struct weir_error *error)
{
    struct owner *owner = calloc(1, sizeof *owner);
    if (!owner)
        return weir_error_set(error, WEIR_ENOMEM, "outage: no memory");
    owner->outage = instance;
    *result = owner;
    return 0;
}

void outage_owner_destroy(void *state)
{
    struct owner *owner = state;
    if (!owner)
        return;
    for (uint32_t i = 0; i < owner->n; i++)
        weir_count_series_free(&owner->series[i]);
    free(owner->series);
    free(owner->slots);
    free(owner);
}

enum { PENDING = WEIR_COUNT_PENDING * sizeof *((struct weir_count_series *)0)->pending };

size_t outage_owner_memory(const void *state)
{
    const struct owner *owner = state;
    return sizeof *owner + owner->room * sizeof *owner->series + owner->n * PENDING +
           owner->n_slots * sizeof *owner->slots;
}

size_t outage_owner_memory_slice(const void *instance)
{
    (void)instance;
    // The array of them is up to twice as long, and moved when it grows.
    return 3 * sizeof(struct weir_count_series) / 2 + PENDING + 8 * sizeof(uint32_t);
}

static void link_series(struct owner *owner, uint32_t i)
{
    uint32_t slot = (uint32_t)owner->series[i].hash & (owner->n_slots - 1);
    while (owner->slots[slot])
        slot = (slot + 1) & (owner->n_slots - 1);
    owner->slots[slot] = i + 1;
}

static int grow(struct owner *owner)
{
    uint32_t room = owner->room ? 2 * owner->room : 8, n_slots = 4 * room;
    struct weir_count_series *series = realloc(owner->series, room * sizeof *series);
    if (series)
        owner->series = series;
    uint32_t *slots = calloc(n_slots, sizeof *slots);
    if (!series || !slots) {
        free(slots);
        return WEIR_ENOMEM;
    }
    free(owner->slots);
    owner->slots = slots;
    owner->n_slots = n_slots;
    owner->room = room;
    for (uint32_t i = 0; i < owner->n; i++)
        link_series(owner, i);
    return 0;
}

static uint64_t hash_of(const struct weir_slice *slice)
{
    uint64_t parts[2] = {slice->by, 0};
    for (size_t i = 0; i < slice->n_values; i++) {
        const char *value = slice->values[i].value;
        parts[1] = value ? weir_hash(value, strlen(value)) + 1 : 0;
        parts[0] = weir_hash(parts, sizeof parts);
    }
    return parts[0];
}

// The slice's series, made where there is none; NULL when memory is out.
static struct weir_count_series *find(struct owner *owner, const struct weir_slice *slice,
                                      int64_t start)
{
    uint64_t hash = hash_of(slice);
    if (owner->n_slots) {
        uint32_t slot = (uint32_t)hash & (owner->n_slots - 1);
        for (; owner->slots[slot]; slot = (slot + 1) & (owner->n_slots - 1)) {
            if (owner->series[owner->slots[slot] - 1].hash == hash)
                return &owner->series[owner->slots[slot] - 1];
        }
    }
    if (owner->n == owner->room && (owner->n == SERIES || grow(owner)))
        return NULL;
    if (weir_count_series_init(&owner->series[owner->n], &owner->outage->rules, hash, start))
        return NULL;
    link_series(owner, owner->n++);
    return &owner->series[owner->n - 1];
}

// ---- words

// A silence that an operations detector would see, too, has the name that it would give.
static const char *kind_of(const struct outage *outage, const struct weir_slice *slice,
                           const struct weir_count_decision *decision)
{
    int shared = outage->has_operations &&
                 (slice->by == 0 || (outage->producers && slice->by == outage->producers));
    return decision->left < 0.02  ? shared ? "operations.silent" : "outage.silence"
           : decision->left < 0.5 ? "outage.collapse"
                                  : "outage.partial";
}

static void who(const struct outage *outage, const struct weir_slice *slice, char *out, size_t size)
{
    size_t used = 0;
    out[0] = 0;
    if (!slice->n_values)
        snprintf(out, size, "%s", outage->stream->name);
    for (size_t i = 0; i < slice->n_values && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s%s %.60s", i ? ", " : "",
                                 slice->values[i].field,
                                 slice->values[i].value ? slice->values[i].value : "null");
}

struct found {
    size_t slice;
    struct weir_count_decision decision;
};

// Whether this window alone says that most is back, which the sums would take hours to say.
static int is_over(const struct weir_count_decision *decision, double rows)
{
    double half = 0.5 * decision->expected;
    return decision->left < 0.5 && rows > half + 2 * sqrt(half);
}

// Whether a few slices have lost most of what the whole stream lacks, while the others flow.
static int is_slices_own(const struct weir_window *window, const struct found *found, size_t n,
                         unsigned n_by)
{
    for (unsigned by = 1; by <= n_by; by++) {
        double missing = 0, usual = 0;
        for (size_t i = 1; i < n; i++) {
            if (window->slices[found[i].slice].by != by)
                continue;
            missing += found[i].decision.missing;
            usual += found[i].decision.expected;
        }
        if (missing > 0.6 * found[0].decision.missing && usual < 0.6 * found[0].decision.expected)
            return 1;
    }
    return 0;
}

// What slices have lost with the stream is not theirs to tell of once it is back.
static void end_slices(struct owner *owner, const struct weir_count_series *stream)
{
    for (uint32_t i = 0; i < owner->n; i++) {
        if (&owner->series[i] != stream)
            memset(owner->series[i].sums, 0, sizeof owner->series[i].sums);
    }
}

static int by_loss(const void *a, const void *b)
{
    const struct found *x = a, *y = b;
    if (x->decision.missing != y->decision.missing)
        return x->decision.missing < y->decision.missing ? 1 : -1;
    return (x->slice > y->slice) - (x->slice < y->slice);
}

static void report(const struct outage *outage, const struct weir_window *window,
                   const struct found *found, const struct found *inside, size_t n_inside)
{
    const struct weir_slice *slice = &window->slices[found->slice];
    const struct weir_count_decision *decision = &found->decision;
    struct weir_evidence lines[SHOWN];
    char name[TEXT], text[2 * TEXT], count[40], before[SHOWN][TEXT], after[SHOWN][TEXT];
    size_t n = 0;
    for (; n < n_inside && n < SHOWN; n++) {
        const struct weir_slice *part = &window->slices[inside[n].slice];
        snprintf(before[n], TEXT, "about %.0f records a window", inside[n].decision.expected);
        snprintf(after[n], TEXT, "%s", weir_records_text(part->rows, count));
        lines[n] = (struct weir_evidence){
            .type = "slice",
            .slice = part->values,
            .n_slice = part->n_values,
            .before = before[n],
            .after = after[n],
            .contribution = fmin(inside[n].decision.missing / decision->missing, 1)};
    }
    who(outage, slice, name, sizeof name);
    if (decision->left < 0.02)
        snprintf(text, sizeof text, "%s is silent: %s where about %.0f are usual", name,
                 weir_records_text(slice->rows, count), decision->expected);
    else
        snprintf(text, sizeof text,
                 "%s has lost %.0f%% of its records: %llu where about %.0f are usual, %.0f missing "
                 "since it began",
                 name, 100 * (1 - decision->left), (unsigned long long)slice->rows,
                 decision->expected, decision->missing);
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = "count",
        .kind = kind_of(outage, slice, decision),
        .severity = decision->left < 0.5 ? WEIR_CRITICAL : WEIR_WARNING,
        .action = WEIR_ACTION_INVESTIGATE_UPSTREAM,
        // It may deepen from partial to silence and be one outage all the same.
        .identity = WEIR_BY_SLICE | WEIR_BY_MODEL_VERSION,
        .slice = slice->values,
        .n_slice = slice->n_values,
        .provisional = 1,
        .share = 1 - decision->left,
        .count = (uint64_t)decision->missing,
        .statistic = {"log_likelihood_ratio", decision->score, decision->threshold, NAN,
                      decision->expected},
        .summary = text,
        .evidence = lines,
        .n_evidence = n,
    };
    window->emit(window, &finding);
}

// What an operations detector with shorter windows has said by now: all but a loss that is no
// silence, and not the beginning of one either.
static int is_left(const struct outage *outage, const struct weir_window *window,
                   const struct found *found)
{
    const struct weir_slice *slice = &window->slices[found->slice];
    const struct weir_count_decision *decision = &found->decision;
    if (slice->by ? !outage->leave_producers || slice->by != outage->producers
                  : !outage->leave_stream)
        return 0;
    return decision->left < 0.5 || decision->since >= window->start ||
           (double)slice->rows < 0.5 * decision->expected;
}

// Whether there is an outage of the slice in this window.
static int judge(struct owner *owner, const struct weir_window *window,
                 const struct weir_slice *slice, struct weir_count_series *series,
                 struct weir_count_decision *decision)
{
    int was_out = series->alarm_since != INT64_MIN;
    weir_count_series_step(&owner->outage->rules, series, window->start, (double)slice->rows,
                           (double)window->n_slices, decision);
    int over = decision->found && is_over(decision, (double)slice->rows);
    if (over)
        memset(series->sums, 0, sizeof series->sums);
    if (slice->by == 0 && (over || (was_out && !decision->found)))
        end_slices(owner, series);
    return decision->found && !over;
}

static void report_all(const struct outage *outage, const struct weir_window *window,
                       struct found *found, size_t n)
{
    size_t first = n && found[0].slice == 0;
    qsort(found + first, n - first, sizeof *found, by_loss);
    if (first && !is_slices_own(window, found, n, (unsigned)outage->n_by)) {
        if (!is_left(outage, window, &found[0]))
            report(outage, window, &found[0], found + 1, n - 1);
        return;
    }
    for (size_t i = first; i < n && i < first + REPORTED; i++) {
        if (!is_left(outage, window, &found[i]))
            report(outage, window, &found[i], NULL, 0);
    }
}

int outage_owner_window(void *state, const struct weir_window *window, struct weir_error *error)
{
    struct owner *owner = state;
    const struct outage *outage = owner->outage;
    // Tasks that do not report are idle: their owners have seen the ends of their partitions, and
    // no record is what came. A task of which nothing is known holds its windows back.
    if (window->phase != WEIR_FINAL || !window->n_slices)
        return 0;
    if (window->complete < window->end) { // what is missing may yet come
        window->undecided(window);
        return 0;
    }
    struct found *found = calloc(window->n_slices, sizeof *found);
    size_t n = 0;
    if (!found)
        return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for a window", outage->name);
    for (size_t s = 0; s < window->n_slices; s++) {
        const struct weir_slice *slice = &window->slices[s];
        if ((double)slice->rows_may_miss > MAY_MISS * (double)slice->rows)
            continue;
        struct weir_count_series *series = find(owner, slice, window->start);
        if (!series) {
            free(found);
            return weir_error_set(error, WEIR_ENOMEM, "%s: no memory for a slice", outage->name);
        }
        found[n].slice = s;
        n += judge(owner, window, slice, series, &found[n].decision);
    }
    report_all(outage, window, found, n);
    free(found);
    return 0;
}

int outage_owner_save(const void *state, struct weir_buffer *out)
{
    const struct owner *owner = state;
    weir_put_long(out, owner->n);
    for (uint32_t i = 0; i < owner->n; i++)
        weir_count_series_save(&owner->series[i], out);
    return out->failed ? WEIR_ENOMEM : 0;
}

int outage_owner_restore(void *state, uint32_t state_version, struct weir_reader *in,
                         struct weir_error *error)
{
    struct owner *owner = state;
    (void)state_version; // there is only the first
    size_t n = weir_get_count(in, SERIES);
    int code = in->failed ? WEIR_ECORRUPT : 0;
    for (size_t i = 0; i < n && !code; i++) {
        if (owner->n == owner->room && grow(owner))
            code = WEIR_ENOMEM;
        else if (weir_count_series_init(&owner->series[owner->n], &owner->outage->rules, 0, 0))
            code = WEIR_ENOMEM;
        else
            code = weir_count_series_restore(&owner->series[owner->n++], in);
        if (!code)
            link_series(owner, owner->n - 1);
    }
    return code ? weir_error_set(error, code, "%s: its saved state does not decode",
                                 owner->outage->name)
                : 0;
}
