// SPDX-License-Identifier: Apache-2.0
// What tells the records of a window from those of a profile: a rule from samples of both.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"
#include "stats/contrast.h"
#include "stats/reservoir.h"
#include "stats/sort.h"

#define ALL_DISTINCT 0.99
#define FLOOR 0.55

enum { SEEN = 50, TEXT_SHOWN = 40 };

struct sides {
    struct weir_rows rows[2]; // the profile's, the window's
    struct weir_contrast_column columns[WEIR_CONTRAST_COLUMNS];
    const struct weir_rows_column *from[WEIR_CONTRAST_COLUMNS][2];
    const struct weir_field *info[WEIR_CONTRAST_COLUMNS];
    const struct weir_summary *then[WEIR_CONTRAST_COLUMNS]; // the profile's
    size_t n;
    int redact;
    char *text; // of the last category
};

// ---- which fields take part

static int is_asked(const struct weir_field *info)
{
    switch (info->role) {
    case WEIR_ROLE_FEATURE:
    case WEIR_ROLE_PREDICTION:
    case WEIR_ROLE_SCORE:
    case WEIR_ROLE_SLICE:
    case WEIR_ROLE_SOURCE:
        return !info->is_list;
    default:
        return 0;
    }
}

// Whole numbers that hardly ever come twice tell records apart, not times. 1, 0 or WEIR_ENOMEM.
static int are_ids(const struct weir_rows_column *column)
{
    uint64_t *sorted = malloc((column->n + 1) * sizeof *sorted);
    size_t n = 0, distinct = 0;
    if (!sorted)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < column->n; i++) {
        if (column->state[i] == WEIR_STATE_VALUE)
            sorted[n++] = column->code[i];
    }
    weir_sort_hashes(sorted, n);
    for (size_t i = 0; i < n; i++)
        distinct += !i || sorted[i] != sorted[i - 1];
    free(sorted);
    return n > 0 && (double)distinct >= ALL_DISTINCT * (double)n;
}

// 1, 0 or WEIR_ENOMEM.
static int takes_part(const struct weir_rows_column *const from[2], const struct weir_summary *then)
{
    if (!from[0] || !from[1] || from[0]->type != from[1]->type || from[0]->is_list ||
        from[1]->is_list || !then)
        return 0;
    if (from[0]->type == WEIR_TYPE_LONG) {
        int ids = are_ids(from[0]);
        if (ids == 1)
            ids = are_ids(from[1]);
        return ids < 0 ? ids : !ids;
    }
    return then->shape != WEIR_SHAPE_TEXT;
}

static int add_columns(const struct drift *drift, const struct weir_window *window,
                       size_t reference, struct sides *sides)
{
    const struct weir_stream *stream = drift->stream;
    for (size_t f = 0; f < stream->n_fields && sides->n < WEIR_CONTRAST_COLUMNS; f++) {
        const struct weir_field *info = &stream->fields[f];
        if (!is_asked(info))
            continue;
        const struct weir_rows_column *const from[2] = {
            weir_rows_find(&sides->rows[0], info->name),
            weir_rows_find(&sides->rows[1], info->name)};
        const struct weir_summary *then = window->reference(window, reference, (int)f);
        int part = takes_part(from, then);
        if (part < 0)
            return part;
        if (!part)
            continue;
        struct weir_contrast_column *column = &sides->columns[sides->n];
        for (int side = 0; side < 2; side++) {
            if (info->type == WEIR_TYPE_DOUBLE || info->type == WEIR_TYPE_LONG)
                column->number[side] = from[side]->number;
            else
                column->category[side] = from[side]->code;
            column->absent[side] = from[side]->state; // a value has the state 0
            sides->from[sides->n][side] = from[side];
        }
        sides->info[sides->n] = info;
        sides->then[sides->n++] = then;
    }
    return 0;
}

// ---- words

static const char *name_of(const void *state, size_t column)
{
    return ((const struct sides *)state)->info[column]->name;
}

// Where one of the rows has the category; counts those that do.
static const struct weir_span *find_text(const struct sides *sides, size_t column,
                                         uint64_t category, size_t *most)
{
    const struct weir_span *found = NULL;
    *most = 0;
    for (int side = 0; side < 2; side++) {
        const struct weir_rows_column *from = sides->from[column][side];
        size_t count = 0;
        for (size_t i = 0; i < from->n; i++) {
            if (from->state[i] != WEIR_STATE_VALUE || from->code[i] != category)
                continue;
            found = &from->text[i];
            count++;
        }
        *most = count > *most ? count : *most;
    }
    return found;
}

static int is_listed(const struct weir_field *info, const struct weir_span *text)
{
    for (size_t i = 0; i < info->n_values; i++) {
        if (strlen(info->values[i]) == text->length &&
            !memcmp(info->values[i], text->data, text->length))
            return 1;
    }
    return 0;
}

static int is_frequent(const struct weir_summary *then, uint64_t category)
{
    for (size_t i = 0; i < then->cells->n_categories; i++) {
        if (then->cells->categories[i].hash == category)
            return then->cell && then->cell[i] >= SEEN;
    }
    return 0;
}

static const char *category_of(const void *state, size_t column, uint64_t category)
{
    const struct sides *sides = state;
    const struct weir_field *info = sides->info[column];
    size_t most;
    if (info->type == WEIR_TYPE_BOOLEAN)
        return category ? "true" : "false";
    const struct weir_span *text = find_text(sides, column, category, &most);
    // What single records had is theirs.
    int named = !sides->redact || info->role == WEIR_ROLE_SLICE || info->role == WEIR_ROLE_SOURCE ||
                most >= SEEN || (text && is_listed(info, text)) ||
                is_frequent(sides->then[column], category);
    if (!text || !named)
        return "(a value not shown)";
    if (!text->length)
        return "(empty)";
    size_t n = text->length < TEXT_SHOWN ? text->length : TEXT_SHOWN;
    // Not within a character of UTF-8.
    while (n < text->length && n && (text->data[n] & 0xc0) == 0x80)
        n--;
    memcpy(sides->text, text->data, n);
    sides->text[n] = 0;
    return sides->text;
}

static int write_rules(const struct sides *sides, const struct weir_contrast *found,
                       struct drift_contrast *out)
{
    struct weir_contrast_texts texts = {name_of, category_of, sides};
    struct weir_buffer text;
    weir_buffer_init(&text, 1 << 16);
    out->auc = found->auc;
    out->low = found->low;
    out->rows_then = found->judged[0];
    out->rows_now = found->judged[1];
    for (size_t k = 0; k < found->n_rules && k < DRIFT_CONTRASTS; k++) {
        weir_buffer_reset(&text);
        if (weir_contrast_write(&found->rules[k], &texts, &text) || weir_buffer_byte(&text, 0)) {
            weir_buffer_free(&text);
            return WEIR_ENOMEM;
        }
        // A rule that is cut is another rule.
        if (text.length > sizeof out->text[0])
            continue;
        memcpy(out->text[out->n], text.data, text.length);
        out->field[out->n] = name_of(sides, found->rules[k].clauses[0].column);
        out->then[out->n] = found->rules[k].share[0];
        out->now[out->n++] = found->rules[k].share[1];
    }
    size_t used = 0;
    for (size_t k = 0; k < found->n_with && used < sizeof out->with; k++)
        used += (size_t)snprintf(out->with + used, sizeof out->with - used, "%s%s", k ? ", " : "",
                                 name_of(sides, found->with[k]));
    weir_buffer_free(&text);
    return 0;
}

// ---- a window

// The profile that the finding is against, or that its calibration was like; n_references: none.
static size_t profile_of(const struct drift_memory *memory, const struct drift_verdict *lead)
{
    const struct drift *drift = memory->drift;
    size_t i = lead->reference;
    if (drift_is_calibrated(memory) && lead->against == memory->calibration.name) {
        // Where serving was unlike training all along, what tells it from training is no news.
        if (!(memory->calibration.offset[lead->field - drift->fields] < drift->delta))
            return drift->n_references;
        for (i = 0; i < drift->n_references && drift->specs &&
                    drift->specs[i].kind != WEIR_REFERENCE_PROFILE;
             i++)
            ;
        return i;
    }
    return drift->specs && drift->specs[i].kind != WEIR_REFERENCE_PROFILE ? drift->n_references : i;
}

int drift_find_contrast(const struct drift_memory *memory, const struct weir_window *window,
                        const struct drift_verdict *lead, struct drift_contrast *out)
{
    const struct drift *drift = memory->drift;
    memset(out, 0, sizeof *out);
    size_t i = drift->sample ? profile_of(memory, lead) : drift->n_references;
    const struct weir_reservoir *now = i < drift->n_references ? window->sample(window) : NULL;
    const struct weir_reservoir *then = now ? window->reference_sample(window, i) : NULL;
    if (!then)
        return 0;
    char text[TEXT_SHOWN + 1];
    struct weir_contrast found;
    struct sides *sides = calloc(1, sizeof *sides);
    if (!sides)
        return WEIR_ENOMEM;
    sides->redact = drift->redact;
    sides->text = text;
    int code = weir_rows_make(then, &sides->rows[0]);
    if (!code)
        code = weir_rows_make(now, &sides->rows[1]);
    if (!code)
        code = add_columns(drift, window, i, sides);
    struct weir_contrast_samples samples = {
        sides->columns, sides->n, {sides->rows[0].n, sides->rows[1].n}, 1, FLOOR};
    if (!code)
        code = weir_contrast_find(&samples, &found);
    if (!code)
        code = write_rules(sides, &found, out);
    weir_rows_free(&sides->rows[0]);
    weir_rows_free(&sides->rows[1]);
    free(sides);
    return code;
}
