// SPDX-License-Identifier: Apache-2.0
#include "detectors/drift/cuts.h"

#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"
#include "stats/cells.h"
#include "stats/cells_build.h"
#include "stats/summary.h"

enum {
    CUT_FROM = 1000,   // values
    DAY_WINDOWS = 4096 // of less than half a minute: so many are as good as a day
};
static const int64_t DAY = 24 * (int64_t)3600000;

// ---- life

int drift_own_init(struct drift_own *own)
{
    own->since = INT64_MIN;
    own->first = weir_ddsketch_create(0);
    return own->first ? 0 : WEIR_ENOMEM;
}

static void forget_windows(struct drift_own *own)
{
    for (size_t w = 0; w < own->n_windows; w++)
        free(own->windows[w].bytes);
    free(own->windows);
    own->windows = NULL;
    own->n_windows = own->capacity = own->length = 0;
}

// The cells stay as they are.
static void settle(struct drift_own *own)
{
    weir_ddsketch_destroy(own->first);
    own->first = NULL;
    forget_windows(own);
}

void drift_own_free(struct drift_own *own)
{
    settle(own);
    weir_cells_free(own->cells);
    own->cells = NULL;
}

// ---- windows' sketches

static int make_room(struct drift_own *own)
{
    if (own->n_windows < own->capacity)
        return 0;
    size_t capacity = own->capacity ? own->capacity * 2 : 32;
    struct drift_sketched *grown = realloc(own->windows, capacity * sizeof *grown);
    if (!grown)
        return WEIR_ENOMEM;
    own->windows = grown;
    own->capacity = capacity;
    return 0;
}

static int take(struct drift_own *own, const struct drift_sketched *window, const uint8_t *bytes)
{
    struct drift_sketched copy = *window;
    if (make_room(own) || !(copy.bytes = malloc(copy.length + 1)))
        return WEIR_ENOMEM;
    if (copy.length)
        memcpy(copy.bytes, bytes, copy.length);
    own->windows[own->n_windows++] = copy;
    own->length += copy.length;
    return 0;
}

static int keep(struct drift_own *own, const struct weir_window *window,
                const struct weir_summary *summary)
{
    struct weir_buffer out;
    if (own->n_windows && window->start < own->windows[own->n_windows - 1].end)
        return 0;
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);
    int code = weir_ddsketch_write(summary->quantiles, &out);
    if (!code && out.failed)
        code = WEIR_ENOMEM;
    struct drift_counts counts = drift_counts_of(summary);
    struct drift_sketched sketched = {window->start, window->end,   counts.rows, counts.null,
                                      counts.values, counts.unseen, NULL,        out.length};
    if (!code)
        code = take(own, &sketched, out.data);
    weir_buffer_free(&out);
    return code;
}

static int check_sketch(const uint8_t *bytes, size_t length)
{
    struct weir_ddsketch *sketch = weir_ddsketch_create(0);
    struct weir_reader in = weir_reader_make(bytes, length);
    int code = sketch ? weir_ddsketch_read(sketch, &in) : WEIR_ENOMEM;
    weir_ddsketch_destroy(sketch);
    return code ? code : weir_reader_left(&in) ? WEIR_ECORRUPT : 0;
}

// Counts a kept window in the present cells, into empty counts.
static int count_again(const struct drift_memory *memory, size_t field,
                       const struct drift_sketched *sketched, struct drift_counts *counts)
{
    struct weir_reader in = weir_reader_make(sketched->bytes, sketched->length);
    struct weir_summary summary = {.rows = sketched->rows,
                                   .null = sketched->null,
                                   .values = sketched->values,
                                   .unseen = sketched->unseen};
    if (!(summary.quantiles = weir_ddsketch_create(0)))
        return WEIR_ENOMEM;
    int code = weir_ddsketch_read(summary.quantiles, &in);
    if (!code)
        drift_memory_count(memory, &summary, field, counts);
    weir_ddsketch_destroy(summary.quantiles);
    return code;
}

// ---- what was counted in other cells

struct again { // a field
    size_t field;
    struct drift_counts *windows; // [kept window]
};
struct recut {
    struct drift_memory *memory;
    struct again *items; // fields that have other cells now
    size_t n;
    struct drift_counts *fields; // room: one a field
};

// What a field had in a window; NULL: that was not kept.
static const struct drift_counts *find(const struct recut *recut, const struct again *again,
                                       const struct drift_entry *entry)
{
    const struct drift_own *own = &recut->memory->own[again->field];
    size_t low = 0, high = own->n_windows;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (own->windows[middle].start < entry->start)
            low = middle + 1;
        else
            high = middle;
    }
    return low < own->n_windows && own->windows[low].start == entry->start &&
                   own->windows[low].end == entry->end
               ? &again->windows[low]
               : NULL;
}

// What was not kept, as panes of a window, has nothing of such fields.
static int change_history(const struct recut *recut, struct drift_history *history)
{
    size_t n = recut->memory->drift->n_fields;
    struct drift_history changed = {0};
    int code = 0;
    for (size_t e = 0; e < history->n && !code; e++) {
        const struct drift_entry *entry = &history->items[e];
        drift_counts_reset_all(recut->fields, n);
        code = drift_entry_add(entry, recut->fields, n);
        for (size_t k = 0; k < recut->n; k++) {
            struct drift_counts *counts = &recut->fields[recut->items[k].field];
            const struct drift_counts *window = find(recut, &recut->items[k], entry);
            drift_counts_reset(counts);
            if (window)
                drift_counts_add(counts, window);
        }
        if (!code)
            code = drift_history_add(&changed, entry->start, entry->end, recut->fields, n);
    }
    if (code) {
        drift_history_free(&changed);
        return code;
    }
    drift_history_free(history);
    *history = changed;
    return 0;
}

static void change_fixed(const struct recut *recut, const struct again *again, size_t i)
{
    const struct weir_reference_spec *spec = &recut->memory->drift->specs[i];
    const struct drift_own *own = &recut->memory->own[again->field];
    struct drift_counts *sum = &recut->memory->references[i].sum[again->field];
    for (size_t w = 0; w < own->n_windows; w++) {
        if (own->windows[w].start >= spec->from && own->windows[w].end <= spec->to)
            drift_counts_add(sum, &again->windows[w]);
    }
}

static void change_field(const struct recut *recut, const struct again *again)
{
    struct drift_memory *memory = recut->memory;
    struct drift_explain *explain = &memory->explain;
    for (size_t i = 0; i < memory->drift->n_references; i++) {
        if (memory->drift->specs[i].kind == WEIR_REFERENCE_FIXED)
            change_fixed(recut, again, i);
        else if (drift_is_past(&memory->drift->specs[i]))
            drift_memory_compare_again(memory, i, again->field, again->windows);
    }
    drift_episodes_forget(&explain->episodes, again->field);
    for (size_t i = 0; i < explain->slices.n; i++)
        drift_counts_free(&explain->slices.items[i].fields[again->field]);
    for (size_t i = 0; i < explain->lately.n; i++)
        drift_counts_free(&explain->lately.items[i].fields[again->field]);
}

static int change(const struct recut *recut)
{
    struct drift_memory *memory = recut->memory;
    int code = change_history(recut, &memory->history);
    if (!code)
        code = change_history(recut, &memory->calibration.stretch);
    if (!code)
        code = change_history(recut, &memory->explain.recent);
    for (size_t k = 0; k < recut->n && !code; k++)
        change_field(recut, &recut->items[k]);
    return code;
}

// ---- cutting

static int cut(struct drift_memory *memory, size_t field)
{
    struct drift_own *own = &memory->own[field];
    struct weir_cells *cells = NULL;
    int code = weir_cells_build_sketch(own->first, &cells, NULL);
    if (code)
        return code;
    weir_cells_free(own->cells);
    own->cells = cells;
    return drift_memory_shape(memory, field);
}

static int cut_again(struct drift_memory *memory, struct again *again)
{
    const struct drift_own *own = &memory->own[again->field];
    int code = cut(memory, again->field);
    again->windows = calloc(own->n_windows + 1, sizeof *again->windows);
    if (!code && !again->windows)
        code = WEIR_ENOMEM;
    for (size_t w = 0; w < own->n_windows && !code; w++) {
        code = drift_counts_init(&again->windows[w], own->cells->n);
        if (!code)
            code = count_again(memory, again->field, &own->windows[w], &again->windows[w]);
    }
    return code;
}

// All fields for which it is time, together: windows hold all fields.
static int cut_all_again(struct drift_memory *memory, const uint8_t *due)
{
    size_t n_fields = memory->drift->n_fields;
    struct recut recut = {.memory = memory, .items = calloc(n_fields, sizeof *recut.items)};
    int code = recut.items ? 0 : WEIR_ENOMEM;
    for (size_t f = 0; f < n_fields && !code; f++) {
        if (!due[f])
            continue;
        recut.items[recut.n].field = f;
        code = cut_again(memory, &recut.items[recut.n++]);
    }
    if (!code && !(recut.fields = drift_counts_make_all(memory->now, n_fields)))
        code = WEIR_ENOMEM;
    if (!code)
        code = change(&recut);
    for (size_t k = 0; k < recut.n; k++) {
        struct drift_own *own = &memory->own[recut.items[k].field];
        drift_counts_free_all(recut.items[k].windows, recut.items[k].windows ? own->n_windows : 0);
        if (!code)
            settle(own);
    }
    drift_counts_free_all(recut.fields, n_fields);
    free(recut.items);
    return code;
}

// A slice of the same window needs cells at once; past windows that are learnt from can wait for
// the day, and then need not be counted anew.
static int can_wait(const struct drift_memory *memory)
{
    int waits = memory->calibration.learnt || memory->calibration.learning;
    for (size_t i = 0; i < memory->drift->n_references; i++)
        waits &= !drift_is_of_window(&memory->drift->specs[i]);
    return waits;
}

// *due: they are to be cut anew.
static int add_field(struct drift_memory *memory, const struct weir_window *window, size_t field,
                     int is_full, uint8_t *due)
{
    struct drift_own *own = &memory->own[field];
    const struct weir_summary *summary =
        window->summary(window, 0, memory->drift->fields[field].index);
    if (!summary || !summary->quantiles)
        return 0;
    int code = weir_ddsketch_merge(own->first, summary->quantiles);
    if (code)
        return code == WEIR_ENOMEM ? code : 0;
    if (own->since == INT64_MIN && summary->values)
        own->since = window->start;
    int enough = weir_ddsketch_count(own->first) >= CUT_FROM;
    int is_day = is_full || own->n_windows >= DAY_WINDOWS ||
                 (own->since != INT64_MIN && window->end - own->since >= DAY);
    int learnt = memory->calibration.learnt || memory->calibration.learning;
    *due = is_day && enough && !learnt;
    if (*due)
        return 0;
    if (!own->cells && enough && (is_day || !can_wait(memory)))
        code = cut(memory, field);
    // What was learnt is in the cells that there are.
    if (own->cells && learnt)
        settle(own);
    else if (is_day || own->since == INT64_MIN)
        forget_windows(own);
    else if (!code)
        code = keep(own, window, summary);
    return code;
}

int drift_cuts_add(struct drift_memory *memory, const struct weir_window *window)
{
    size_t bytes = 0, n = memory->drift->n_fields, n_due = 0;
    uint8_t *due = calloc(n + 1, 1);
    int code = due ? 0 : WEIR_ENOMEM;
    for (size_t f = 0; f < n; f++)
        bytes += memory->own[f].length + memory->own[f].n_windows * sizeof *memory->own->windows;
    for (size_t f = 0; f < n && !code; f++) {
        if (memory->own[f].first)
            code = add_field(memory, window, f, bytes >= DRIFT_CUTS_BYTES, &due[f]);
        n_due += due[f];
    }
    if (!code && n_due)
        code = cut_all_again(memory, due);
    free(due);
    return code;
}

// ---- as bytes

// Cells, or the sketch, stand first: all that earlier versions wrote, and read.
int drift_own_write(const struct drift_own *own, struct weir_buffer *out)
{
    struct weir_buffer sketch;
    int code = own->cells ? weir_cells_write(own->cells, out) : 0;
    if (code || !own->first)
        return code;
    weir_buffer_init(&sketch, WEIR_BUFFER_MAXIMUM);
    code = weir_ddsketch_write(own->first, own->cells ? &sketch : out);
    if (own->cells)
        weir_put_bytes(out, sketch.data, sketch.length);
    weir_buffer_free(&sketch);
    weir_put_long(out, own->since);
    weir_put_long(out, (int64_t)own->n_windows);
    for (size_t w = 0; w < own->n_windows; w++) {
        const struct drift_sketched *window = &own->windows[w];
        weir_put_long(out, window->start);
        weir_put_long(out, window->end);
        weir_put_long(out, (int64_t)window->rows);
        weir_put_long(out, (int64_t)window->null);
        weir_put_long(out, (int64_t)window->values);
        weir_put_long(out, (int64_t)window->unseen);
        weir_put_bytes(out, window->bytes, window->length);
    }
    return code ? code : out->failed ? WEIR_ENOMEM : 0;
}

static int read_windows(struct drift_own *own, struct weir_reader *in)
{
    size_t n = weir_get_count(in, DAY_WINDOWS);
    int64_t last = INT64_MIN;
    int code = 0;
    for (size_t w = 0; w < n && !code; w++) {
        struct drift_sketched window = {.start = weir_get_long(in), .end = weir_get_long(in)};
        window.rows = weir_get_count(in, INT64_MAX / 2);
        window.null = weir_get_count(in, INT64_MAX / 2);
        window.values = weir_get_count(in, INT64_MAX / 2);
        window.unseen = weir_get_count(in, INT64_MAX / 2);
        const uint8_t *bytes = weir_get_bytes(in, &window.length);
        if (in->failed || window.start < last || window.end < window.start)
            return WEIR_ECORRUPT;
        last = window.end;
        code = check_sketch(bytes, window.length);
        if (!code)
            code = take(own, &window, bytes);
    }
    return code ? code : weir_reader_code(in);
}

int drift_own_read(struct drift_own *own, int has_cells, struct weir_reader *in)
{
    int code = 0;
    if (has_cells) {
        size_t length;
        code = weir_cells_read(in, &own->cells, NULL);
        if (code)
            return code;
        // Fixed for good; they always were before cells were cut twice.
        if (!weir_reader_left(in)) {
            settle(own);
            return 0;
        }
        const uint8_t *bytes = weir_get_bytes(in, &length);
        struct weir_reader inner = weir_reader_make(bytes, length);
        code = in->failed ? WEIR_ECORRUPT : weir_ddsketch_read(own->first, &inner);
        if (!code && weir_reader_left(&inner))
            code = WEIR_ECORRUPT;
    } else {
        code = weir_ddsketch_read(own->first, in);
    }
    if (code || !weir_reader_left(in))
        return code;
    own->since = weir_get_long(in);
    code = read_windows(own, in);
    return code ? code : weir_reader_left(in) ? WEIR_ECORRUPT : 0;
}
