// SPDX-License-Identifier: Apache-2.0
#include "consumer/profile/maker.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/profile/alone.h"
#include "consumer/profile/answers.h"
#include "consumer/profile/count.h"
#include "consumer/profile/habits.h"
#include "consumer/profile/joint.h"
#include "consumer/profile/like.h"
#include "consumer/profile/slots.h"
#include "consumer/profile/together.h"
#include "stats/cells_build.h"
#include "stats/depends.h"
#include "stats/hash.h"
#include "stats/top.h"

enum {
    PANES = 4096,
    PANE_SUMMARIES = 200000, // panes times fields
    HOUR = 3600000,
    FIRST_HALF = 128 // rows
};

struct maker_field {
    const struct weir_field *info;
    int index; // in the stream
    enum weir_shape shape;
    double *sample; // numbers: by slot, NAN where the row has none
    struct weir_string_counts counts;
    struct weir_summary first; // strings: the most frequent ones, where there are too many
    struct weir_absorb_scratch *scratch;
    struct weir_profile_half half[2]; // after the last power of two of rows, and the one before
    struct weir_clues clues;
};

struct weir_profile_maker {
    const struct weir_stream *stream;
    int64_t pane;
    uint64_t rows, counted, next_half;
    int64_t first_time, last_time;
    struct maker_field *fields;
    size_t n_fields;
    struct weir_slots slots;      // rows whose values cells are made from
    struct weir_joint *joint;     // the same rows
    struct weir_answers *answers; // from turn() on; NULL: there are none
    struct weir_together *together;
    int64_t *times; // of the slots
    uint64_t seed;
    int64_t sample_rows;
    const struct weir_profile *like; // may be NULL
    struct weir_profile *profile;    // from turn() on
    size_t room_panes;
};

static int out_of_memory(struct weir_error *error)
{
    return weir_error_set(error, WEIR_ENOMEM, "memory is out while profiling");
}

int weir_profile_maker_create(const struct weir_stream *stream,
                              const struct weir_profile_options *options,
                              struct weir_profile_maker **out, struct weir_error *error)
{
    struct weir_profile_maker *maker = calloc(1, sizeof *maker);
    if (!maker)
        return out_of_memory(error);
    maker->stream = stream;
    maker->pane = options && options->pane > 0 ? options->pane : HOUR;
    maker->like = options ? options->like : NULL;
    maker->next_half = FIRST_HALF;
    maker->sample_rows = options && options->rows ? options->rows : WEIR_PROFILE_ROWS;
    maker->fields = calloc(stream->n_fields ? stream->n_fields : 1, sizeof *maker->fields);
    maker->slots.heap = malloc(WEIR_SLOTS * sizeof *maker->slots.heap);
    maker->times = malloc(WEIR_SLOTS * sizeof *maker->times);
    int failed = !maker->fields || !maker->slots.heap || !maker->times ||
                 weir_together_create(stream, &maker->together) != 0 ||
                 weir_joint_create(stream, WEIR_SLOTS, &maker->joint) != 0;
    for (size_t i = 0; !failed && i < stream->n_fields; i++) {
        const struct weir_field *info = &stream->fields[i];
        if (info->type == WEIR_TYPE_UNKNOWN)
            continue;
        struct maker_field *field = &maker->fields[maker->n_fields++];
        field->info = info;
        field->index = (int)i;
        field->shape = info->type == WEIR_TYPE_BOOLEAN ? WEIR_SHAPE_BOOLEAN
                       : info->type == WEIR_TYPE_DOUBLE || info->type == WEIR_TYPE_LONG
                           ? WEIR_SHAPE_NUMERIC
                           : WEIR_SHAPE_CATEGORICAL;
        failed |= weir_absorb_scratch_create(&field->scratch) != 0;
        failed |= weir_clues_init(&field->clues) != 0;
        if (field->shape == WEIR_SHAPE_NUMERIC)
            failed |= !(field->sample = malloc(WEIR_SLOTS * sizeof *field->sample));
        struct weir_summary_spec spec = {.shape = field->shape, .parts = WEIR_PART_TOP};
        if (field->shape == WEIR_SHAPE_CATEGORICAL)
            failed |= weir_summary_init(&field->first, &spec) != 0;
    }
    if (failed) {
        weir_profile_maker_destroy(maker);
        return out_of_memory(error);
    }
    *out = maker;
    return 0;
}

void weir_profile_maker_destroy(struct weir_profile_maker *maker)
{
    if (!maker)
        return;
    for (size_t i = 0; maker->fields && i < maker->n_fields; i++) {
        struct maker_field *field = &maker->fields[i];
        free(field->sample);
        weir_string_counts_free(&field->counts);
        weir_profile_half_free(&field->half[0]);
        weir_profile_half_free(&field->half[1]);
        weir_summary_free(&field->first);
        weir_absorb_scratch_destroy(field->scratch);
        weir_clues_free(&field->clues);
    }
    free(maker->fields);
    free(maker->slots.heap);
    free(maker->times);
    weir_together_destroy(maker->together);
    weir_joint_destroy(maker->joint);
    weir_answers_destroy(maker->answers);
    weir_profile_free(maker->profile);
    free(maker);
}

// The rows worth looking at: NULL and n_rows where all are.
static const uint32_t *good_rows(const struct weir_batch *batch, uint32_t *rows, size_t *n)
{
    *n = batch->n_rows;
    if (!batch->n_undecodable && !batch->n_tombstones)
        return NULL;
    *n = 0;
    for (uint32_t i = 0; i < batch->n_rows; i++) {
        if (batch->fault[i] != WEIR_ROW_UNDECODABLE && batch->fault[i] != WEIR_ROW_TOMBSTONE)
            rows[(*n)++] = i;
    }
    return rows;
}

// ---- the first pass: a sample of rows, counts of strings

static double number_at(const struct weir_column *column, uint32_t row)
{
    uint32_t i = column->offsets ? column->offsets[row] : row;
    if (column->offsets && i == column->offsets[row + 1])
        return NAN;
    if (column->state[i] != WEIR_STATE_VALUE)
        return NAN;
    return column->type == WEIR_TYPE_DOUBLE ? column->values.f64[i] : (double)column->values.i64[i];
}

static void sample_rows(struct weir_profile_maker *maker, const struct weir_batch *batch,
                        const uint32_t *rows, size_t n)
{
    uint32_t taken[WEIR_BATCH_ROWS];
    int64_t slots[WEIR_BATCH_ROWS];
    size_t n_taken = 0;
    for (size_t r = 0; r < n; r++) {
        uint32_t row = rows ? rows[r] : (uint32_t)r;
        slots[n_taken] = weir_slots_take(&maker->slots, batch->offset[row]);
        taken[n_taken] = row;
        if (slots[n_taken] >= 0)
            maker->times[slots[n_taken++]] = batch->time[row];
    }
    for (size_t f = 0; f < maker->n_fields && n_taken; f++) {
        struct maker_field *field = &maker->fields[f];
        for (size_t k = 0; field->sample && k < n_taken; k++)
            field->sample[slots[k]] = number_at(&batch->columns[field->index], taken[k]);
    }
    weir_joint_sample(maker->joint, batch, taken, slots, n_taken);
}

static int fits(const struct weir_batch *batch, const struct maker_field *field,
                struct weir_error *error)
{
    if (batch->columns[field->index].type == field->info->type)
        return 0;
    return weir_error_set(error, WEIR_EINVAL, "field '%s' is not of the type that the stream says",
                          field->info->name);
}

// Stops at each power of two of rows to remember what there is.
static int count_strings(const struct weir_profile_maker *maker, struct maker_field *field,
                         const struct weir_column *column, const uint32_t *rows, size_t n)
{
    uint64_t next = maker->next_half, counted = maker->counted;
    if (next - counted >= n)
        return weir_string_counts_add(&field->counts, column, rows, n);
    uint32_t all[WEIR_BATCH_ROWS];
    for (uint32_t i = 0; !rows && i < n; i++)
        all[i] = i;
    rows = rows ? rows : all;
    int code = 0;
    while (!code && next - counted < n) {
        size_t part = next - counted;
        code = weir_string_counts_add(&field->counts, column, rows, part);
        weir_profile_half_free(&field->half[0]);
        field->half[0] = field->half[1];
        field->half[1] = (struct weir_profile_half){0};
        if (!code)
            code = weir_profile_half_take(&field->half[1], &field->counts);
        counted = next;
        next *= 2;
        rows += part;
        n -= part;
    }
    return code ? code : weir_string_counts_add(&field->counts, column, rows, n);
}

void weir_profile_maker_seed(struct weir_profile_maker *maker, const struct weir_batch *batch)
{
    uint64_t hash = 0;
    for (size_t f = 0; f < maker->n_fields && batch->n_rows; f++) {
        const struct weir_column *column = &batch->columns[maker->fields[f].index];
        uint64_t part[2] = {hash, column->offsets ? column->offsets[1] - column->offsets[0]
                                                  : weir_depends_hash(column, 0)};
        hash = weir_hash(part, sizeof part);
    }
    maker->seed = hash;
}

int weir_profile_maker_first(struct weir_profile_maker *maker, const struct weir_batch *batch,
                             struct weir_error *error)
{
    uint32_t listed[WEIR_BATCH_ROWS];
    size_t n;
    const uint32_t *rows = good_rows(batch, listed, &n);
    for (size_t r = 0; r < n; r++) {
        int64_t time = batch->time[rows ? rows[r] : r];
        if (!maker->rows || time < maker->first_time)
            maker->first_time = time;
        if (!maker->rows || time > maker->last_time)
            maker->last_time = time;
        maker->rows++;
    }
    sample_rows(maker, batch, rows, n);
    if (weir_together_first(maker->together, batch, rows, n))
        return out_of_memory(error);
    for (size_t f = 0; f < maker->n_fields; f++) {
        struct maker_field *field = &maker->fields[f];
        const struct weir_column *column = &batch->columns[field->index];
        int code = fits(batch, field, error);
        if (code)
            return code;
        if (weir_clues_add(&field->clues, column, batch->time, rows, n))
            return out_of_memory(error);
        if (field->shape != WEIR_SHAPE_CATEGORICAL)
            continue;
        if (count_strings(maker, field, column, rows, n) ||
            weir_summary_absorb(&field->first, column, rows, n, field->scratch))
            return out_of_memory(error);
    }
    maker->counted += n;
    while (maker->counted > maker->next_half)
        maker->next_half *= 2;
    return 0;
}

// ---- between

// Where most values occur once, or there are more than can be told apart, lengths say more.
static int is_text(const struct weir_string_counts *counts)
{
    return counts->overflowed || (counts->n > 1000 && counts->n * 4 > counts->values) ||
           (counts->values && (double)counts->length / (double)counts->values > 64);
}

// The most frequent of too many: those counted are the first that came, so the frequent are
// taken from the sketch of all.
static size_t frequent(const struct weir_summary *first, struct weir_category *out, size_t limit)
{
    const struct weir_top_entry *top[WEIR_CELLS_TOP];
    size_t n = weir_top_sorted(first->top, top, limit), kept = 0;
    for (size_t i = 0; i < n; i++) {
        // A longer text was cut there.
        if (top[i]->length < WEIR_TOP_TEXT && top[i]->count > 1)
            out[kept++] =
                (struct weir_category){{top[i]->data, top[i]->length, top[i]->hash}, top[i]->count};
    }
    return kept;
}

static int build_strings(struct maker_field *field, struct weir_cells **cells,
                         struct weir_error *error)
{
    struct weir_string_counts *counts = &field->counts;
    struct weir_category top[WEIR_CELLS_TOP];
    struct weir_category_counts from = {.shape = is_text(counts) ? WEIR_SHAPE_TEXT
                                                                 : WEIR_SHAPE_CATEGORICAL,
                                        .complete = !counts->overflowed,
                                        .categories = counts->items,
                                        .n = 0};
    for (uint32_t i = 0; i < counts->n; i++) { // a dictionary may hold what no good row has
        if (counts->items[i].count)
            counts->items[from.n++] = counts->items[i];
    }
    if (counts->overflowed) {
        from.categories = top;
        from.n = frequent(&field->first, top, WEIR_CELLS_TOP);
    }
    if (counts->values) {
        double n = (double)counts->values, mean = (double)counts->length / n;
        double variance = counts->length_squares / n - mean * mean;
        from.length_centre = mean;
        from.length_scale = variance > 0 ? sqrt(variance) : 1;
    }
    return weir_cells_build_categories(&from, cells, error);
}

static int build_field(struct weir_profile_maker *maker, struct maker_field *field,
                       struct weir_profile_field *out, struct weir_error *error)
{
    char *name = strdup(field->info->name);
    out->name = name;
    out->type = field->info->type;
    out->role = field->info->role;
    if (!name)
        return out_of_memory(error);
    int code = weir_profile_like_cells(maker->like, out->name, out->type, &out->cells, error);
    int is_like = !code;
    if (code != WEIR_ENOTFOUND)
        ;
    else if (field->shape == WEIR_SHAPE_NUMERIC)
        code = weir_cells_build_numeric(field->sample, maker->slots.n, &out->cells, error);
    else if (field->shape == WEIR_SHAPE_BOOLEAN)
        code = weir_cells_build_boolean(&out->cells, error);
    else
        code = build_strings(field, &out->cells, error);
    if (code)
        return code;
    struct weir_summary_spec spec = {
        .shape = out->cells->shape, .parts = WEIR_PROFILE_PARTS, .cells = out->cells};
    if (weir_summary_init(&out->summary, &spec))
        return out_of_memory(error);
    if (is_like && weir_profile_also_take(out, &field->counts))
        return out_of_memory(error);
    if (out->cells->shape == WEIR_SHAPE_TEXT && !(out->words = calloc(1, sizeof *out->words)))
        return out_of_memory(error);
    out->clues = field->clues; // the profile's from now on
    out->clues.shape = field->counts.shape;
    memset(&field->clues, 0, sizeof field->clues);
    code = weir_profile_habits_begin(out, field->sample, maker->slots.n, &field->counts,
                                     &field->half[0]);
    return code ? out_of_memory(error) : 0;
}

size_t weir_profile_most_panes(size_t n_fields)
{
    size_t most = PANE_SUMMARIES / (n_fields + 1) + 1;
    return most < PANES ? most : PANES;
}

static int begin_sample(struct weir_profile_maker *maker)
{
    int64_t rows = maker->sample_rows;
    if (rows < 0)
        return 0;
    rows = rows < WEIR_RESERVOIR_ROWS_MOST ? rows : WEIR_RESERVOIR_ROWS_MOST;
    int code = weir_profile_sample_create(maker->profile, (size_t)rows, WEIR_PROFILE_ROW_BYTES);
    // The fields are those of the stream that have a type: a batch has them all.
    struct weir_reservoir_field *fields = code ? NULL : maker->profile->sample_fields;
    for (size_t f = 0; f < maker->n_fields && fields; f++)
        fields[f].column = maker->fields[f].index;
    return code;
}

static int begin_answers(struct weir_profile_maker *maker)
{
    struct weir_answer_fields fields;
    struct weir_answer_field *const all[] = {&fields.label, &fields.prediction, &fields.score};
    const struct weir_cells *cells = NULL;
    weir_answers_find(maker->stream, &fields);
    for (size_t f = 0; f < maker->n_fields; f++) {
        struct maker_field *field = &maker->fields[f];
        for (int i = 0; i < 3; i++) {
            if (!all[i]->info || all[i]->index != field->index)
                continue;
            all[i]->sample = field->sample;
            all[i]->n = field->sample ? maker->slots.n : 0;
            all[i]->counts = &field->counts;
            cells = i ? cells : maker->profile->fields[f].cells;
        }
    }
    return weir_answers_create(&fields, cells, maker->like, &maker->answers);
}

// Before the samples are sorted.
static int begin_together(struct weir_profile_maker *maker)
{
    struct weir_together_sample sample = {.n = maker->slots.n};
    sample.fields = calloc(maker->n_fields + 1, sizeof *sample.fields);
    int code = sample.fields ? 0 : WEIR_ENOMEM;
    for (size_t f = 0; f < maker->n_fields && !code; f++) {
        const struct maker_field *field = &maker->fields[f];
        const struct weir_field *info = field->info;
        if (!field->sample || info->is_list)
            continue;
        struct weir_together_field *one = &sample.fields[sample.n_fields++];
        *one =
            (struct weir_together_field){info->name, info->type, field->index, f, field->sample, 0};
        one->left_out = weir_profile_tells_records(info->name, info->role, &field->clues);
        if (!one->left_out)
            code = weir_profile_only_grows(field->sample, maker->times, sample.n, maker->pane,
                                           &one->left_out);
    }
    if (!code)
        code = weir_together_begin(maker->together, &sample, maker->like);
    free(sample.fields);
    return code;
}

int weir_profile_maker_turn(struct weir_profile_maker *maker, struct weir_error *error)
{
    struct weir_profile *profile = calloc(1, sizeof *profile);
    maker->profile = profile;
    if (!profile)
        return out_of_memory(error);
    profile->version = WEIR_PROFILE_VERSION;
    profile->rows = maker->rows;
    profile->first_time = maker->first_time;
    profile->last_time = maker->last_time;
    uint64_t span = (uint64_t)maker->last_time - (uint64_t)maker->first_time;
    uint64_t most = weir_profile_most_panes(maker->n_fields);
    while (span / (uint64_t)maker->pane >= most && maker->pane <= INT64_MAX / 2)
        maker->pane *= 2;
    profile->stream = strdup(maker->stream->name);
    profile->fields = calloc(maker->n_fields ? maker->n_fields : 1, sizeof *profile->fields);
    if (!profile->stream || !profile->fields || begin_together(maker))
        return out_of_memory(error);
    for (size_t f = 0; f < maker->n_fields; f++) {
        profile->n_fields++;
        int code = build_field(maker, &maker->fields[f], &profile->fields[f], error);
        if (code)
            return code;
    }
    if (weir_joint_find(maker->joint, maker->slots.n, profile) || begin_sample(maker) ||
        begin_answers(maker))
        return out_of_memory(error);
    return 0;
}

// ---- the second pass

static int64_t pane_start(const struct weir_profile_maker *maker, int64_t time)
{
    int64_t into = time % maker->pane;
    into += into < 0 ? maker->pane : 0;
    return time < INT64_MIN + into ? INT64_MIN : time - into;
}

static int add_pane(struct weir_profile_maker *maker, size_t at, int64_t start)
{
    struct weir_profile *profile = maker->profile;
    if (profile->n_panes == maker->room_panes) {
        size_t room = maker->room_panes ? 2 * maker->room_panes : 16;
        struct weir_profile_pane *panes = realloc(profile->panes, room * sizeof *panes);
        if (!panes)
            return WEIR_ENOMEM;
        profile->panes = panes;
        maker->room_panes = room;
    }
    struct weir_profile_pane pane = {.start = start};
    pane.end = start > INT64_MAX - maker->pane ? INT64_MAX : start + maker->pane;
    pane.fields = calloc(profile->n_fields ? profile->n_fields : 1, sizeof *pane.fields);
    int failed = !pane.fields;
    for (size_t f = 0; !failed && f < profile->n_fields; f++) {
        const struct weir_cells *cells = profile->fields[f].cells;
        struct weir_summary_spec spec = {
            .shape = cells->shape, .parts = WEIR_PROFILE_PANE_PARTS, .cells = cells};
        failed = weir_summary_init(&pane.fields[f], &spec);
    }
    if (failed) {
        for (size_t f = 0; pane.fields && f < profile->n_fields; f++)
            weir_summary_free(&pane.fields[f]);
        free(pane.fields);
        return WEIR_ENOMEM;
    }
    memmove(profile->panes + at + 1, profile->panes + at,
            (profile->n_panes - at) * sizeof *profile->panes);
    profile->panes[at] = pane;
    profile->n_panes++;
    return 0;
}

// The pane that begins at `start`, made where there is none; NULL when memory is out.
static struct weir_profile_pane *find_pane(struct weir_profile_maker *maker, int64_t start)
{
    const struct weir_profile *profile = maker->profile;
    size_t low = 0, high = profile->n_panes;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (profile->panes[middle].start < start)
            low = middle + 1;
        else
            high = middle;
    }
    if ((low == profile->n_panes || profile->panes[low].start != start) &&
        add_pane(maker, low, start))
        return NULL;
    return &profile->panes[low];
}

static int absorb_pane(struct weir_profile_maker *maker, const struct weir_batch *batch,
                       int64_t start, const uint32_t *rows, size_t n)
{
    struct weir_profile_pane *pane = find_pane(maker, start);
    if (!pane)
        return WEIR_ENOMEM;
    pane->rows += n;
    for (size_t f = 0; f < maker->n_fields; f++) {
        struct maker_field *field = &maker->fields[f];
        int code = weir_summary_absorb(&pane->fields[f], &batch->columns[field->index], rows, n,
                                       field->scratch);
        if (code)
            return code;
    }
    return 0;
}

struct placed {
    int64_t start;
    uint32_t row;
};

static int by_pane(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->start != y->start)
        return x->start < y->start ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

static int absorb_panes(struct weir_profile_maker *maker, const struct weir_batch *batch,
                        const uint32_t *rows, size_t n)
{
    struct placed placed[WEIR_BATCH_ROWS];
    uint32_t part[WEIR_BATCH_ROWS];
    int one = 1;
    for (size_t r = 0; r < n; r++) {
        uint32_t row = rows ? rows[r] : (uint32_t)r;
        placed[r] = (struct placed){pane_start(maker, batch->time[row]), row};
        one &= placed[r].start == placed[0].start;
    }
    if (one)
        return n ? absorb_pane(maker, batch, placed[0].start, rows, n) : 0;
    qsort(placed, n, sizeof *placed, by_pane);
    for (size_t i = 0, end; i < n; i = end) {
        for (end = i; end < n && placed[end].start == placed[i].start; end++)
            part[end - i] = placed[end].row;
        int code = absorb_pane(maker, batch, placed[i].start, part, end - i);
        if (code)
            return code;
    }
    return 0;
}

int weir_profile_maker_second(struct weir_profile_maker *maker, const struct weir_batch *batch,
                              struct weir_error *error)
{
    uint32_t listed[WEIR_BATCH_ROWS];
    size_t n;
    const uint32_t *rows = good_rows(batch, listed, &n);
    for (size_t f = 0; f < maker->n_fields; f++) {
        struct maker_field *field = &maker->fields[f];
        int code = fits(batch, field, error);
        if (code)
            return code;
        struct weir_profile_field *into = &maker->profile->fields[f];
        const struct weir_column *column = &batch->columns[field->index];
        if (weir_summary_absorb(&into->summary, column, rows, n, field->scratch))
            return out_of_memory(error);
        if (into->words)
            weir_words_add_column(into->words, column, rows, n);
    }
    weir_joint_check(maker->joint, batch, rows, n);
    weir_together_add(maker->together, batch, rows, n);
    if (maker->answers && weir_answers_add(maker->answers, batch, rows, n))
        return out_of_memory(error);
    if (maker->profile->sample &&
        weir_reservoir_add(maker->profile->sample, batch, rows, n, maker->seed))
        return out_of_memory(error);
    return absorb_panes(maker, batch, rows, n) ? out_of_memory(error) : 0;
}

int weir_profile_maker_finish(struct weir_profile_maker *maker, struct weir_profile **profile,
                              struct weir_error *error)
{
    uint64_t rows = 0;
    for (size_t p = 0; p < maker->profile->n_panes; p++)
        rows += maker->profile->panes[p].rows;
    if (rows != maker->rows)
        return weir_error_set(error, WEIR_EIO,
                              "the input changed while it was read: %llu rows, then %llu",
                              (unsigned long long)maker->rows, (unsigned long long)rows);
    weir_joint_finish(maker->joint);
    weir_together_take(maker->together, maker->profile);
    if (maker->answers)
        weir_answers_take(maker->answers, &maker->profile->quality);
    if (weir_profile_habits_finish(maker->profile))
        return out_of_memory(error);
    *profile = maker->profile;
    maker->profile = NULL;
    return 0;
}
