// SPDX-License-Identifier: Apache-2.0
// Values into a summary, a block of a column at a time: each part then runs over the block in a
// loop of its own, which is what makes it fast.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cells.h"
#include "stats/ddsketch.h"
#include "stats/hll.h"
#include "stats/moments.h"
#include "stats/summary.h"
#include "stats/top.h"

enum {
    BLOCK = 512,
    // What is kept of a string by its code: the number of its cell, and
    UNSEEN = 1u << 31,
    EMPTY = 1u << 30,
    LISTED = 1u << 29, // it is a category of the reference
    CELL = LISTED - 1
};

struct weir_absorb_scratch {
    double x[BLOCK];
    uint32_t at[BLOCK];
    // The memo of string columns, valid for one dictionary and one set of cells.
    uint32_t *memo;
    uint32_t *last; // the pass in which a code was last added to a distinct count
    // Two counters a code, in turns, as one store has to wait for the one before it to the same
    // place. All zero but while a column is absorbed.
    uint32_t *count;
    uint32_t n_memo, room, pass;
    uint32_t generation;
    const struct weir_string *dictionary;
    const struct weir_cells *cells;
    uint64_t cells_hash;
};

int weir_absorb_scratch_create(struct weir_absorb_scratch **scratch)
{
    struct weir_absorb_scratch *made = calloc(1, sizeof *made);
    if (!made)
        return WEIR_ENOMEM;
    *scratch = made;
    return 0;
}

size_t weir_absorb_scratch_memory(const struct weir_absorb_scratch *scratch)
{
    return sizeof *scratch + scratch->room * (sizeof *scratch->memo + sizeof *scratch->last);
}

void weir_absorb_scratch_destroy(struct weir_absorb_scratch *scratch)
{
    if (!scratch)
        return;
    free(scratch->memo);
    free(scratch->last);
    free(scratch->count);
    free(scratch);
}

// ---- which elements

struct walk {
    const struct weir_column *column;
    const uint32_t *rows; // NULL: every element
    size_t n_rows;
    size_t row;         // the next one of `rows`
    uint32_t next, end; // elements of the current row that are to come, or of the column
    int dense;          // every element is a value
    int by_code;        // strings are counted by their codes first
    uint64_t seen, null, missing;
};

// The next elements that are values: their numbers in `at`, or, where the walk is dense, those
// from *first on. Returns how many; 0 at the end.
static size_t next_block(struct walk *walk, uint32_t *at, uint32_t *first)
{
    const struct weir_column *column = walk->column;
    if (walk->dense) {
        size_t n = walk->end - walk->next < BLOCK ? walk->end - walk->next : BLOCK;
        *first = walk->next;
        walk->next += (uint32_t)n;
        return n;
    }
    size_t n = 0;
    while (n < BLOCK) {
        if (walk->next == walk->end) {
            if (!walk->rows || walk->row == walk->n_rows)
                break;
            uint32_t row = walk->rows[walk->row++];
            walk->next = column->offsets ? column->offsets[row] : row;
            walk->end = column->offsets ? column->offsets[row + 1] : row + 1;
            continue;
        }
        size_t room = BLOCK - n;
        uint32_t stop = walk->end - walk->next < room ? walk->end : walk->next + (uint32_t)room;
        walk->seen += stop - walk->next;
        for (uint32_t i = walk->next; i < stop; i++) {
            uint8_t state = column->state[i];
            at[n] = i;
            n += state == WEIR_STATE_VALUE;
            walk->null += state == WEIR_STATE_NULL;
            walk->missing += state == WEIR_STATE_MISSING;
        }
        walk->next = stop;
    }
    return n;
}

// ---- numbers

typedef double doubles __attribute__((vector_size(16)));

// Moves the finite ones to the front; counts the others.
static size_t keep_finite(struct weir_summary *summary, double *x, size_t n)
{
    // What is not finite less itself is not a number, and stays that in the sum.
    doubles a = {0}, b = {0};
    size_t whole = n & ~(size_t)3;
    for (size_t i = 0; i < whole; i += 4) {
        doubles v, w;
        memcpy(&v, x + i, sizeof v);
        memcpy(&w, x + i + 2, sizeof w);
        a += v - v; // NOLINT(misc-redundant-expression)
        b += w - w; // NOLINT(misc-redundant-expression)
    }
    double sum = a[0] + a[1] + b[0] + b[1];
    for (size_t i = whole; i < n; i++)
        sum += x[i] - x[i];
    if (sum == 0)
        return n;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        double v = x[i];
        x[kept] = v;
        kept += v - v == 0;
        summary->nan += v != v;
        summary->infinite_low += v == -INFINITY;
        summary->infinite_high += v == INFINITY;
    }
    return kept;
}

// Doubles of the block; adding 0 turns negative zeros into zeros.
static void load(const struct weir_column *column, const uint32_t *at, uint32_t first, int dense,
                 size_t n, double *restrict x)
{
    if (column->type == WEIR_TYPE_DOUBLE && dense) {
        const double *restrict from = column->values.f64 + first;
        for (size_t i = 0; i < n; i++)
            x[i] = from[i] + 0.0;
    } else if (column->type == WEIR_TYPE_DOUBLE) {
        for (size_t i = 0; i < n; i++)
            x[i] = column->values.f64[at[i]] + 0.0;
    } else if (dense) {
        const int64_t *restrict from = column->values.i64 + first;
        for (size_t i = 0; i < n; i++)
            x[i] = (double)from[i];
    } else {
        for (size_t i = 0; i < n; i++)
            x[i] = (double)column->values.i64[at[i]];
    }
}

static int add_numbers(struct weir_summary *summary, const double *x, size_t n)
{
    if (!n)
        return 0;
    if (summary->parts & WEIR_PART_MOMENTS)
        weir_moments_add(&summary->moments, summary->cells ? summary->cells->centre : 0,
                         summary->cells ? summary->cells->scale : 1, x, n);
    return summary->quantiles ? weir_ddsketch_add(summary->quantiles, x, n) : 0;
}

// The shortest text that reads back as the same number.
static size_t number_text(double x, char *out, size_t size)
{
    int n = 0;
    for (int digits = 15; digits <= 17; digits++) {
        n = snprintf(out, size, "%.*g", digits, x);
        if (strtod(out, NULL) == x)
            break;
    }
    return n > 0 ? (size_t)n : 0;
}

static int add_distinct_numbers(struct weir_summary *summary, const struct weir_column *column,
                                const uint32_t *at, uint32_t first, int dense, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t k = dense ? first + (uint32_t)i : at[i];
        double x = column->type == WEIR_TYPE_DOUBLE ? column->values.f64[k] + 0.0
                                                    : (double)column->values.i64[k];
        if (x - x != 0)
            continue;
        uint64_t hash = column->type == WEIR_TYPE_DOUBLE
                            ? weir_hll_hash_double(x)
                            : weir_hll_hash_long(column->values.i64[k]);
        int code = summary->distinct ? weir_hll_add(summary->distinct, hash) : 0;
        if (!code && summary->top &&
            !(summary->cell &&
              weir_cells_is_atom(summary->cells, weir_cells_find(summary->cells, x)))) {
            char text[40];
            size_t length;
            if (column->type == WEIR_TYPE_DOUBLE)
                length = number_text(x, text, sizeof text);
            else
                length =
                    (size_t)snprintf(text, sizeof text, "%lld", (long long)column->values.i64[k]);
            code = weir_top_add(summary->top, hash, text, length);
        }
        if (code)
            return code;
    }
    return 0;
}

static int absorb_numbers(struct weir_summary *summary, struct walk *walk,
                          struct weir_absorb_scratch *scratch)
{
    uint32_t first = 0;
    size_t n;
    while ((n = next_block(walk, scratch->at, &first)) > 0) {
        double *x = scratch->x;
        summary->values += n;
        load(walk->column, scratch->at, first, walk->dense, n, x);
        size_t finite = keep_finite(summary, x, n);
        if (summary->cell && finite)
            weir_cells_count(summary->cells, x, finite, summary->cell);
        int code = add_numbers(summary, x, finite);
        if (!code && (summary->distinct || summary->top))
            code = add_distinct_numbers(summary, walk->column, scratch->at, first, walk->dense, n);
        if (code)
            return code;
    }
    return 0;
}

static int absorb_booleans(struct weir_summary *summary, struct walk *walk,
                           struct weir_absorb_scratch *scratch)
{
    uint32_t first = 0;
    size_t n;
    while ((n = next_block(walk, scratch->at, &first)) > 0) {
        double *x = scratch->x;
        summary->values += n;
        uint64_t high = 0;
        for (size_t i = 0; i < n; i++) {
            uint32_t k = walk->dense ? first + (uint32_t)i : scratch->at[i];
            int set = walk->column->values.i64[k] != 0;
            x[i] = set;
            high += (uint64_t)set;
        }
        if (summary->cell) {
            summary->cell[0] += n - high;
            summary->cell[1] += high;
        }
        int code = add_numbers(summary, x, n);
        if (!code && summary->distinct && high)
            code = weir_hll_add(summary->distinct, weir_hll_hash_long(1));
        if (!code && summary->distinct && high < n)
            code = weir_hll_add(summary->distinct, weir_hll_hash_long(0));
        if (code)
            return code;
    }
    return 0;
}

// ---- strings

static uint32_t mark_of(const struct weir_cells *cells, const struct weir_string *string)
{
    uint32_t mark = string->length ? 0 : EMPTY;
    if (!cells)
        return mark;
    int unseen;
    size_t cell = weir_cells_find_string(cells, string, &unseen);
    if (unseen)
        mark |= UNSEEN;
    if (cell < cells->n_categories)
        mark |= LISTED;
    return mark | (uint32_t)cell;
}

// Brings the memo up to the column's dictionary.
static int refresh_memo(struct weir_absorb_scratch *scratch, const struct weir_column *column,
                        const struct weir_cells *cells)
{
    uint64_t hash = cells && cells->index ? weir_cells_hash(cells) : 0;
    if (scratch->generation != column->generation || scratch->cells != cells ||
        scratch->cells_hash != hash || column->n_dictionary < scratch->n_memo) {
        scratch->n_memo = 0;
        scratch->generation = column->generation;
        scratch->cells = cells;
        scratch->cells_hash = hash;
    }
    if (column->n_dictionary > scratch->room) {
        uint32_t room = column->n_dictionary < 64 ? 64 : column->n_dictionary * 2;
        uint32_t *memo = realloc(scratch->memo, room * sizeof *memo);
        if (memo)
            scratch->memo = memo;
        uint32_t *last = realloc(scratch->last, room * sizeof *last);
        if (last)
            scratch->last = last;
        uint32_t *count = realloc(scratch->count, 2 * room * sizeof *count);
        if (count)
            scratch->count = count;
        if (!memo || !last || !count)
            return WEIR_ENOMEM;
        memset(last + scratch->room, 0, (room - scratch->room) * sizeof *last);
        memset(count + 2 * scratch->room, 0, 2 * (room - scratch->room) * sizeof *count);
        scratch->room = room;
    }
    for (; scratch->n_memo < column->n_dictionary; scratch->n_memo++)
        scratch->memo[scratch->n_memo] = mark_of(cells, &column->dictionary[scratch->n_memo]);
    return 0;
}

static void add_mark(struct weir_summary *summary, uint32_t mark, uint64_t n)
{
    summary->unseen += mark & UNSEEN ? n : 0;
    summary->empty += mark & EMPTY ? n : 0;
    if (summary->cell)
        summary->cell[mark & CELL] += n;
}

static uint32_t code_at(const struct walk *walk, const struct weir_absorb_scratch *scratch,
                        uint32_t first, size_t i)
{
    return walk->column->values.code[walk->dense ? first + i : scratch->at[i]];
}

static void count_codes(struct weir_summary *summary, const struct walk *walk,
                        struct weir_absorb_scratch *scratch, uint32_t first, size_t n)
{
    const struct weir_column *column = walk->column;
    for (size_t i = 0; i < n; i++) {
        uint32_t code = code_at(walk, scratch, first, i);
        if (code < column->n_dictionary)
            scratch->count[2 * (size_t)code + (i & 1)]++;
        else
            add_mark(summary, mark_of(summary->cells, weir_column_string(column, code)), 1);
    }
}

static void count_marks(struct weir_summary *summary, const struct walk *walk,
                        struct weir_absorb_scratch *scratch, uint32_t first, size_t n)
{
    const struct weir_column *column = walk->column;
    uint64_t unseen = 0, empty = 0;
    for (size_t i = 0; i < n; i++) {
        uint32_t code = code_at(walk, scratch, first, i);
        uint32_t mark = code < column->n_dictionary
                            ? scratch->memo[code]
                            : mark_of(summary->cells, weir_column_string(column, code));
        unseen += mark >> 31;
        empty += mark >> 30 & 1;
        if (summary->cell)
            summary->cell[mark & CELL]++;
    }
    summary->unseen += unseen;
    summary->empty += empty;
}

// What was counted by code, which leaves the counters as they were before, also on failure.
static int add_counted(struct weir_summary *summary, const struct weir_column *column,
                       struct weir_absorb_scratch *scratch, int code)
{
    for (size_t i = 0; i < column->n_dictionary; i++) {
        uint64_t n = (uint64_t)scratch->count[2 * i] + scratch->count[2 * i + 1];
        scratch->count[2 * i] = scratch->count[2 * i + 1] = 0;
        if (!n || code)
            continue;
        add_mark(summary, scratch->memo[i], n);
        if (summary->distinct)
            code = weir_hll_add(summary->distinct, column->dictionary[i].hash);
    }
    return code;
}

// In the order of rows, for what depends on it or is of this batch alone.
static int add_strings(struct weir_summary *summary, const struct walk *walk,
                       struct weir_absorb_scratch *scratch, uint32_t first, size_t n)
{
    const struct weir_column *column = walk->column;
    for (size_t i = 0; i < n; i++) {
        uint32_t code = code_at(walk, scratch, first, i);
        const struct weir_string *string = weir_column_string(column, code);
        int failed = 0, lasting = code < column->n_dictionary;
        int again = lasting && (walk->by_code || scratch->last[code] == scratch->pass);
        if (summary->distinct && !again) {
            failed = weir_hll_add(summary->distinct, string->hash);
            if (lasting)
                scratch->last[code] = scratch->pass;
        }
        if (!failed && summary->top) {
            uint32_t mark = lasting ? scratch->memo[code] : mark_of(summary->cells, string);
            if (!(mark & LISTED))
                failed = weir_top_add(summary->top, string->hash, string->data, string->length);
        }
        if (failed)
            return failed;
    }
    return 0;
}

static int add_lengths(struct weir_summary *summary, const struct walk *walk,
                       struct weir_absorb_scratch *scratch, uint32_t first, size_t n)
{
    if (summary->shape != WEIR_SHAPE_TEXT ||
        !(summary->parts & (WEIR_PART_MOMENTS | WEIR_PART_QUANTILES)))
        return 0;
    for (size_t i = 0; i < n; i++)
        scratch->x[i] = weir_column_string(walk->column, code_at(walk, scratch, first, i))->length;
    return add_numbers(summary, scratch->x, n);
}

static int absorb_strings(struct weir_summary *summary, struct walk *walk,
                          struct weir_absorb_scratch *scratch)
{
    const struct weir_column *column = walk->column;
    int code = refresh_memo(scratch, column, summary->cells);
    if (code)
        return code;
    if (++scratch->pass == 0) {
        memset(scratch->last, 0, scratch->room * sizeof *scratch->last);
        scratch->pass = 1;
    }
    // Each string once, where the strings are fewer than the values may be.
    walk->by_code = column->n_dictionary <= (walk->rows ? walk->n_rows : column->n) / 2;
    int by_row = summary->top || (summary->distinct && (!walk->by_code || column->n_local));
    uint32_t first = 0;
    size_t n;
    while (!code && (n = next_block(walk, scratch->at, &first)) > 0) {
        summary->values += n;
        (walk->by_code ? count_codes : count_marks)(summary, walk, scratch, first, n);
        code = add_lengths(summary, walk, scratch, first, n);
        if (!code && by_row)
            code = add_strings(summary, walk, scratch, first, n);
    }
    return walk->by_code ? add_counted(summary, column, scratch, code) : code;
}

int weir_summary_absorb(struct weir_summary *summary, const struct weir_column *column,
                        const uint32_t *rows, size_t n, struct weir_absorb_scratch *scratch)
{
    int is_string = column->type == WEIR_TYPE_STRING || column->type == WEIR_TYPE_BYTES;
    int wants_string =
        summary->shape == WEIR_SHAPE_CATEGORICAL || summary->shape == WEIR_SHAPE_TEXT;
    if (column->type == WEIR_TYPE_UNKNOWN || is_string != wants_string ||
        (summary->shape == WEIR_SHAPE_BOOLEAN && column->type == WEIR_TYPE_DOUBLE))
        return WEIR_EINVAL;
    uint32_t bad = column->n_null + column->n_missing + column->n_fault;
    // A view of some rows of a list has their elements where they were.
    uint32_t first = column->offsets ? column->offsets[0] : 0;
    struct walk walk = {.column = column,
                        .rows = rows,
                        .n_rows = n,
                        .next = first,
                        .end = rows ? first : column->n,
                        .dense = !rows && !bad};
    int code = 0;
    if (is_string)
        code = absorb_strings(summary, &walk, scratch);
    else if (summary->shape == WEIR_SHAPE_BOOLEAN)
        code = absorb_booleans(summary, &walk, scratch);
    else
        code = absorb_numbers(summary, &walk, scratch);
    summary->rows += walk.dense ? column->n - first : walk.seen;
    summary->null += walk.null;
    summary->missing += walk.missing;
    summary->fault = summary->rows - summary->values - summary->null - summary->missing;
    return code;
}
