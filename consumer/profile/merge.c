// SPDX-License-Identifier: Apache-2.0
#include "consumer/profile/merge.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/profile/answers.h"
#include "consumer/profile/habits.h"
#include "consumer/profile/maker.h"
#include "stats/cells.h"
#include "stats/sort.h"

struct merge {
    const struct weir_profile *const *from;
    const char *const *names;
    size_t n;
    struct weir_profile *into;
    struct weir_error *error;
};

static int no_memory(struct weir_error *error)
{
    return weir_error_set(error, WEIR_ENOMEM, "memory is out while profiles are merged");
}

// ---- whether they fit

static int same_cells(const struct weir_cells *a, const struct weir_cells *b)
{
    if (a->shape != b->shape || a->n != b->n || a->n_categories != b->n_categories ||
        a->centre != b->centre || a->scale != b->scale)
        return 0;
    if (a->shape == WEIR_SHAPE_NUMERIC)
        return a->n < 2 || !memcmp(a->cuts, b->cuts, (a->n - 1) * sizeof *a->cuts);
    for (size_t i = 0; i < a->n_categories; i++) {
        if (a->categories[i].hash != b->categories[i].hash)
            return 0;
    }
    return 1;
}

static int check(const struct merge *merge, size_t k)
{
    const struct weir_profile *a = merge->from[0], *b = merge->from[k];
    if (strcmp(a->stream, b->stream) != 0)
        return weir_error_set(merge->error, WEIR_EINVAL,
                              "'%s' is of stream '%s', and '%s' of stream '%s'", merge->names[0],
                              a->stream, merge->names[k], b->stream);
    for (size_t f = 0; f < a->n_fields || f < b->n_fields; f++) {
        const struct weir_profile_field *x = f < a->n_fields ? &a->fields[f] : NULL;
        const struct weir_profile_field *y = f < b->n_fields ? &b->fields[f] : NULL;
        if (!x || !y || strcmp(x->name, y->name) != 0 || x->type != y->type || x->role != y->role)
            return weir_error_set(merge->error, WEIR_EINVAL,
                                  "'%s' and '%s' have different fields, or other ones first "
                                  "('%s'): make both with the same configuration",
                                  merge->names[0], merge->names[k], x ? x->name : y->name);
        if (!same_cells(x->cells, y->cells))
            return weir_error_set(merge->error, WEIR_EINVAL,
                                  "'%s' counts field '%s' in other cells than '%s': make it with "
                                  "`weir profile --like %s`",
                                  merge->names[k], x->name, merge->names[0], merge->names[0]);
    }
    return 0;
}

// ---- one field

// All strings that one of them knows; NULL: one does not know all of its own.
static int known_strings(const struct merge *merge, size_t f, uint64_t **known, size_t *n)
{
    size_t room = 0, all = 0;
    *known = NULL;
    *n = 0;
    for (size_t k = 0; k < merge->n; k++) {
        const struct weir_profile_field *field = &merge->from[k]->fields[f];
        if (!field->cells->known || field->also.incomplete)
            return 0;
        room += field->cells->n_known + field->also.n;
    }
    uint64_t *hashes = malloc((room + 1) * sizeof *hashes);
    if (!hashes)
        return WEIR_ENOMEM;
    for (size_t k = 0; k < merge->n; k++) {
        const struct weir_profile_field *field = &merge->from[k]->fields[f];
        memcpy(hashes + all, field->cells->known, field->cells->n_known * sizeof *hashes);
        all += field->cells->n_known;
        if (field->also.n)
            memcpy(hashes + all, field->also.hash, field->also.n * sizeof *hashes);
        all += field->also.n;
    }
    weir_sort_hashes(hashes, all);
    for (size_t i = 0; i < all; i++) {
        if (!i || hashes[i] != hashes[i - 1])
            hashes[(*n)++] = hashes[i];
    }
    if (*n > WEIR_CELLS_KNOWN) {
        free(hashes);
        *n = 0;
        return 0;
    }
    *known = hashes;
    return 0;
}

static int merge_cells(const struct merge *merge, size_t f, struct weir_cells **cells)
{
    struct weir_cells whole = *merge->from[0]->fields[f].cells;
    uint64_t *known;
    size_t n;
    int code = known_strings(merge, f, &known, &n);
    if (code)
        return code;
    whole.known = known;
    whole.n_known = n;
    // More of the data would bring no more that is new than more of a part does.
    for (size_t k = 1; k < merge->n; k++)
        whole.unseen_share =
            fmax(whole.unseen_share, merge->from[k]->fields[f].cells->unseen_share);
    code = weir_cells_copy(&whole, cells, merge->error);
    free(known);
    return code;
}

// In the whole's cells, which differ from its own in what they know alone. What a part did not
// know is known to the whole.
static int add_summary(struct weir_summary *into, const struct weir_summary *from)
{
    struct weir_summary part = *from;
    part.cells = into->cells;
    part.unseen = 0;
    part.top = into->top; // which is empty: what is kept of more than fits has an order
    return weir_summary_merge(into, &part);
}

static int merge_clues(const struct merge *merge, size_t f, struct weir_clues *into)
{
    for (size_t k = 0; k < merge->n; k++) {
        if (!merge->from[k]->fields[f].clues.distinct)
            return 0;
    }
    int code = weir_clues_init(into);
    for (size_t k = 0; k < merge->n && !code; k++)
        code = weir_clues_merge(into, &merge->from[k]->fields[f].clues);
    return code;
}

static int merge_words(const struct merge *merge, size_t f, struct weir_words **into)
{
    for (size_t k = 0; k < merge->n; k++) {
        if (!merge->from[k]->fields[f].words)
            return 0;
    }
    *into = calloc(1, sizeof **into);
    if (!*into)
        return WEIR_ENOMEM;
    for (size_t k = 0; k < merge->n; k++)
        weir_words_merge(*into, merge->from[k]->fields[f].words);
    return 0;
}

static int same_text(const char *a, const char *b)
{
    return a && b && !strcmp(a, b);
}

// What all of them found, each for itself.
static int keep_habits(const struct merge *merge, size_t f, struct weir_habits *into)
{
    const struct weir_habits *first = merge->from[0]->fields[f].habits;
    int forms = first != NULL, pairs = first && first->pairs;
    for (size_t k = 1; k < merge->n; k++) {
        const struct weir_habits *other = merge->from[k]->fields[f].habits;
        forms &= other && same_text(first ? first->forms : NULL, other->forms);
        pairs = pairs && other && other->pairs &&
                !memcmp(first->pairs, other->pairs, sizeof *first->pairs);
    }
    if (forms && first->forms && !(into->forms = strdup(first->forms)))
        return WEIR_ENOMEM;
    if (pairs && !(into->pairs = malloc(sizeof *into->pairs)))
        return WEIR_ENOMEM;
    if (pairs)
        memcpy(into->pairs, first->pairs, sizeof *into->pairs);
    into->fresh = NAN;
    return 0;
}

static int merge_field(struct merge *merge, size_t f)
{
    const struct weir_profile_field *first = &merge->from[0]->fields[f];
    struct weir_profile_field *into = &merge->into->fields[f];
    into->type = first->type;
    into->role = first->role;
    into->name = strdup(first->name);
    int code = into->name ? merge_cells(merge, f, &into->cells) : WEIR_ENOMEM;
    if (code)
        return code;
    struct weir_summary_spec spec = {
        .shape = into->cells->shape, .parts = WEIR_PROFILE_PARTS, .cells = into->cells};
    code = weir_summary_init(&into->summary, &spec);
    for (size_t k = 0; k < merge->n && !code; k++)
        code = add_summary(&into->summary, &merge->from[k]->fields[f].summary);
    if (!code)
        code = merge_clues(merge, f, &into->clues);
    if (!code)
        code = merge_words(merge, f, &into->words);
    if (!code && !(into->habits = weir_habits_create()))
        code = WEIR_ENOMEM;
    if (code)
        return code;
    into->cells->habits = into->habits;
    return keep_habits(merge, f, into->habits);
}

// ---- panes

static int64_t length_of(const struct weir_profile *profile)
{
    int64_t length = 0;
    if (profile->n_panes &&
        __builtin_sub_overflow(profile->panes[0].end, profile->panes[0].start, &length))
        length = INT64_MAX;
    return length;
}

// The longest panes' length, of which all others must be parts.
static int find_length(const struct merge *merge, int64_t *length)
{
    *length = 0;
    size_t longest = 0;
    for (size_t k = 0; k < merge->n; k++) {
        if (length_of(merge->from[k]) > *length) {
            *length = length_of(merge->from[k]);
            longest = k;
        }
    }
    for (size_t k = 0; k < merge->n; k++) {
        int64_t part = length_of(merge->from[k]);
        if (part > 0 && *length % part)
            return weir_error_set(merge->error, WEIR_EINVAL,
                                  "the panes of '%s' do not fit into those of '%s': make both with "
                                  "the same --pane",
                                  merge->names[k], merge->names[longest]);
    }
    return 0;
}

static int64_t floor_of(int64_t time, int64_t length)
{
    int64_t into = time % length;
    into += into < 0 ? length : 0;
    return time < INT64_MIN + into ? INT64_MIN : time - into;
}

static int by_time(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

// Where the whole's panes start, ascending; returns how many there are.
static size_t find_starts(const struct merge *merge, int64_t length, int64_t *starts)
{
    size_t all = 0, n = 0;
    for (size_t k = 0; k < merge->n; k++)
        for (size_t p = 0; p < merge->from[k]->n_panes; p++)
            starts[all++] = floor_of(merge->from[k]->panes[p].start, length);
    if (all)
        qsort(starts, all, sizeof *starts, by_time);
    for (size_t i = 0; i < all; i++) {
        if (!n || starts[i] != starts[n - 1])
            starts[n++] = starts[i];
    }
    return n;
}

static int make_panes(struct weir_profile *into, const int64_t *starts, size_t n, int64_t length)
{
    into->panes = calloc(n + 1, sizeof *into->panes);
    if (!into->panes)
        return WEIR_ENOMEM;
    for (size_t p = 0; p < n; p++) {
        struct weir_profile_pane *pane = &into->panes[p];
        pane->start = starts[p];
        pane->end = starts[p] > INT64_MAX - length ? INT64_MAX : starts[p] + length;
        pane->fields = calloc(into->n_fields + 1, sizeof *pane->fields);
        if (!pane->fields)
            return WEIR_ENOMEM;
        into->n_panes = p + 1;
        for (size_t f = 0; f < into->n_fields; f++) {
            const struct weir_cells *cells = into->fields[f].cells;
            struct weir_summary_spec spec = {
                .shape = cells->shape, .parts = WEIR_PROFILE_PANE_PARTS, .cells = cells};
            if (weir_summary_init(&pane->fields[f], &spec))
                return WEIR_ENOMEM;
        }
    }
    return 0;
}

static int add_panes(struct weir_profile *into, const struct weir_profile *from, int64_t length)
{
    size_t at = 0;
    for (size_t p = 0; p < from->n_panes; p++) {
        const struct weir_profile_pane *pane = &from->panes[p];
        while (into->panes[at].start < floor_of(pane->start, length))
            at++;
        into->panes[at].rows += pane->rows;
        for (size_t f = 0; f < into->n_fields; f++) {
            int code = add_summary(&into->panes[at].fields[f], &pane->fields[f]);
            if (code)
                return code;
        }
    }
    return 0;
}

static int merge_panes(struct merge *merge)
{
    size_t all = 0, most = weir_profile_most_panes(merge->into->n_fields), n;
    int64_t length;
    int code = find_length(merge, &length);
    for (size_t k = 0; k < merge->n; k++)
        all += merge->from[k]->n_panes;
    if (code || !all || length <= 0)
        return code;
    int64_t *starts = malloc(all * sizeof *starts);
    if (!starts)
        return WEIR_ENOMEM;
    while ((n = find_starts(merge, length, starts)) > most && length <= INT64_MAX / 2)
        length *= 2;
    code = make_panes(merge->into, starts, n, length);
    for (size_t k = 0; k < merge->n && !code; k++)
        code = add_panes(merge->into, merge->from[k], length);
    free(starts);
    return code;
}

// ---- rows

// As many as the smallest of the samples has room for, so that it does not matter which came first.
static int merge_samples(struct merge *merge)
{
    struct weir_profile *into = merge->into;
    size_t rows = SIZE_MAX, bytes = SIZE_MAX;
    for (size_t k = 0; k < merge->n; k++) {
        const struct weir_profile *from = merge->from[k];
        if (!from->sample)
            return 0;
        rows = from->sample_spec.rows < rows ? from->sample_spec.rows : rows;
        bytes = from->sample_spec.bytes < bytes ? from->sample_spec.bytes : bytes;
    }
    int code = weir_profile_sample_create(into, rows, bytes);
    for (size_t k = 0; k < merge->n && !code; k++)
        code = weir_reservoir_merge(into->sample, merge->from[k]->sample);
    return code;
}

// Which single numbers are common is seen in the sample.
static int sample_habits(struct weir_profile *into)
{
    struct weir_rows rows;
    if (!into->sample)
        return 0;
    int code = weir_rows_make(into->sample, &rows);
    for (size_t f = 0; f < into->n_fields && !code; f++) {
        const struct weir_rows_column *column = &rows.columns[f];
        if (into->fields[f].cells->shape != WEIR_SHAPE_NUMERIC || !column->number)
            continue;
        double *values = malloc((column->n + 1) * sizeof *values);
        if (!values) {
            code = WEIR_ENOMEM;
            break;
        }
        memcpy(values, column->number, column->n * sizeof *values);
        weir_habits_sample(into->fields[f].habits, values, column->n);
        free(values);
    }
    if (!code)
        weir_rows_free(&rows);
    return code;
}

// Of all that were counted in the same way; none where one was not.
static int merge_quality(struct merge *merge)
{
    const struct weir_profile_quality *first = &merge->from[0]->quality;
    struct weir_profile_quality *into = &merge->into->quality;
    for (size_t k = 0; k < merge->n; k++) {
        if (!weir_profile_quality_same(first, &merge->from[k]->quality))
            return 0;
    }
    int code = weir_profile_quality_copy(first, into);
    for (size_t k = 1; k < merge->n && !code; k++)
        code = weir_quality_merge(into->counts, merge->from[k]->quality.counts);
    return code;
}

static const struct weir_profile_frame *same_frame(const struct weir_profile_frame *frame,
                                                   const struct weir_profile *in)
{
    for (size_t f = 0; f < in->n_frames; f++)
        if (weir_frame_same(frame, &in->frames[f]))
            return &in->frames[f];
    return NULL;
}

// Those that all have.
static int merge_frames(struct merge *merge)
{
    const struct weir_profile *first = merge->from[0];
    struct weir_profile *into = merge->into;
    into->frames = calloc(first->n_frames + 1, sizeof *into->frames);
    if (!into->frames)
        return WEIR_ENOMEM;
    for (size_t f = 0; f < first->n_frames; f++) {
        const struct weir_profile_frame *other = &first->frames[f];
        for (size_t k = 1; k < merge->n && other; k++)
            other = same_frame(&first->frames[f], merge->from[k]);
        if (!other)
            continue;
        struct weir_profile_frame *frame = &into->frames[into->n_frames++];
        int code = weir_frame_copy_empty(other, frame);
        for (size_t k = 0; k < merge->n && !code; k++)
            code = weir_frame_merge(frame, same_frame(frame, merge->from[k]));
        if (code)
            return code;
    }
    return 0;
}

static void add_times(struct weir_profile *into, const struct weir_profile *from)
{
    if (!from->rows)
        return;
    if (!into->rows || from->first_time < into->first_time)
        into->first_time = from->first_time;
    if (!into->rows || from->last_time > into->last_time)
        into->last_time = from->last_time;
    into->rows += from->rows;
}

static int merge_all(struct merge *merge)
{
    struct weir_profile *into = merge->into;
    const struct weir_profile *first = merge->from[0];
    int code = 0;
    into->version = WEIR_PROFILE_VERSION;
    into->stream = strdup(first->stream);
    into->fields = calloc(first->n_fields + 1, sizeof *into->fields);
    if (!into->stream || !into->fields)
        return WEIR_ENOMEM;
    for (size_t k = 0; k < merge->n; k++)
        add_times(into, merge->from[k]);
    for (size_t f = 0; f < first->n_fields && !code; f++) {
        into->n_fields = f + 1;
        code = merge_field(merge, f);
    }
    if (!code)
        code = merge_panes(merge);
    if (!code)
        code = merge_samples(merge);
    if (!code)
        code = merge_quality(merge);
    if (!code)
        code = merge_frames(merge);
    if (!code)
        code = sample_habits(into);
    return code ? code : weir_profile_habits_finish(into);
}

int weir_profile_merge(const struct weir_profile *const *profiles, const char *const *names,
                       size_t n, struct weir_profile **merged, struct weir_error *error)
{
    struct weir_error inner = {0};
    struct merge merge = {profiles, names, n, NULL, &inner};
    int code = n ? 0 : weir_error_set(&inner, WEIR_EINVAL, "there is no profile to merge");
    for (size_t k = 1; k < n && !code; k++)
        code = check(&merge, k);
    if (!code && !(merge.into = calloc(1, sizeof *merge.into)))
        code = WEIR_ENOMEM;
    if (!code)
        code = merge_all(&merge);
    if (code) {
        weir_profile_free(merge.into);
        if (code == WEIR_ENOMEM || !inner.message[0])
            no_memory(&inner);
        return weir_error_set(error, code, "%s", inner.message);
    }
    *merged = merge.into;
    return 0;
}
