// SPDX-License-Identifier: Apache-2.0
#include "stats/contrast_inside.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct place {
    uint64_t key;
    size_t row;
};

static int by_key(const void *a, const void *b)
{
    const struct place *x = a, *y = b;
    return (x->key > y->key) - (x->key < y->key);
}

static uint64_t mix(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static int is_null(const struct weir_contrast_column *column, int side, size_t row)
{
    if (column->absent[side] && column->absent[side][row])
        return 1;
    return column->number[side] && isnan(column->number[side][row]);
}

// A number's bits in the order of numbers; -0 is 0.
static uint64_t ordered(double x)
{
    uint64_t bits;
    x += 0.0;
    memcpy(&bits, &x, sizeof bits);
    return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

double weir_contrast_number(uint64_t cell)
{
    double x;
    cell = cell >> 63 ? cell & ~((uint64_t)1 << 63) : ~cell;
    memcpy(&x, &cell, sizeof x);
    return x;
}

static uint64_t cell_of(const struct weir_contrast_column *column, int side, size_t row)
{
    return column->number[side] ? ordered(column->number[side][row]) : column->category[side][row];
}

static uint64_t hash_row(const struct weir_contrast_samples *s, int side, size_t row)
{
    uint64_t hash = mix(s->seed + 0x9e3779b97f4a7c15u * (uint64_t)(side + 1));
    for (size_t c = 0; c < s->n_columns; c++) {
        int null = is_null(&s->columns[c], side, row);
        hash =
            mix(hash + 0x9e3779b97f4a7c15u + (null ? 1 : mix(cell_of(&s->columns[c], side, row))));
    }
    return hash;
}

// The side's rows by content, so that copies are neighbours; how many differ.
static struct place *order_rows(const struct weir_contrast_samples *s, int side, size_t *distinct)
{
    size_t n = s->rows[side];
    struct place *places = malloc((n + 1) * sizeof *places);
    if (!places)
        return NULL;
    for (size_t i = 0; i < n; i++)
        places[i] = (struct place){hash_row(s, side, i), i};
    qsort(places, n, sizeof *places, by_key);
    *distinct = 0;
    for (size_t i = 0; i < n; i++)
        *distinct += !i || places[i].key != places[i - 1].key;
    return places;
}

// Then in an order that is theirs alone, copies numbered, so that it does not matter which copy is
// taken; `once`: one of them alone. Returns how many are left.
static size_t shuffle_rows(struct place *places, size_t n, int once)
{
    uint64_t copies = 0, before = 0;
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        copies = i && places[i].key == before ? copies + 1 : 0;
        before = places[i].key;
        if (!once || !copies)
            places[kept++] =
                (struct place){mix(before + copies * 0x9e3779b97f4a7c15u), places[i].row};
    }
    qsort(places, kept, sizeof *places, by_key);
    return kept;
}

// Rows take turns: one learns, the next judges. They come in the order of a hash.
static void take_rows(const struct weir_contrast_samples *s, struct weir_contrast_work *w, int side,
                      const struct place *places, size_t n)
{
    n = n < WEIR_CONTRAST_ROWS ? n : WEIR_CONTRAST_ROWS;
    for (size_t i = 0; i < n; i++) {
        size_t at = w->rows++;
        w->side[at] = (uint8_t)side;
        w->judges[at] = i & 1;
        w->total[i & 1][side]++;
        for (size_t c = 0; c < s->n_columns; c++) {
            const struct weir_contrast_column *column = &s->columns[c];
            int null = is_null(column, side, places[i].row);
            w->null[c * w->capacity + at] = (uint8_t)null;
            w->cell[c * w->capacity + at] = null ? 0 : cell_of(column, side, places[i].row);
            w->has_null[c] |= (uint8_t)null;
        }
    }
}

// Where most rows of a sample are unlike all others, equal ones are one record that was sent again
// and again: it would learn in one half what it judges in the other, and so it counts once. Where
// rows are few values put together, equal ones are different records.
static int take_sides(const struct weir_contrast_samples *s, struct weir_contrast_work *w)
{
    struct place *places[2];
    size_t distinct[2] = {0, 0};
    for (int side = 0; side < 2; side++)
        places[side] = order_rows(s, side, &distinct[side]);
    int code = places[0] && places[1] ? 0 : WEIR_ENOMEM;
    int once = 2 * distinct[0] >= s->rows[0] || 2 * distinct[1] >= s->rows[1];
    for (int side = 0; side < 2 && !code; side++)
        take_rows(s, w, side, places[side], shuffle_rows(places[side], s->rows[side], once));
    free(places[0]);
    free(places[1]);
    return code;
}

int weir_contrast_open(const struct weir_contrast_samples *s, struct weir_contrast_work *w)
{
    memset(w, 0, sizeof *w);
    w->columns = s->n_columns;
    for (int side = 0; side < 2; side++)
        w->capacity += s->rows[side] < WEIR_CONTRAST_ROWS ? s->rows[side] : WEIR_CONTRAST_ROWS;
    size_t n = w->capacity + 1, cells = n * (s->n_columns + 1);
    w->cell = malloc(cells * sizeof *w->cell);
    w->null = malloc(cells);
    w->sorted = malloc(n * sizeof *w->sorted);
    w->side = malloc(n);
    w->judges = malloc(n);
    w->leaf = calloc(n, 1);
    w->masks = malloc(n * (WEIR_CONTRAST_RULES + 1));
    if (!w->cell || !w->null || !w->sorted || !w->side || !w->judges || !w->leaf || !w->masks)
        return WEIR_ENOMEM;
    for (size_t c = 0; c < s->n_columns; c++)
        w->numeric[c] = s->columns[c].number[0] != NULL;
    return take_sides(s, w);
}

void weir_contrast_close(struct weir_contrast_work *w)
{
    free(w->cell);
    free(w->null);
    free(w->sorted);
    free(w->side);
    free(w->judges);
    free(w->leaf);
    free(w->masks);
}

static int clause_says(const struct weir_contrast_clause *clause, int null, double number,
                       uint64_t category)
{
    int holds = 0;
    switch (clause->kind) {
    case WEIR_CONTRAST_ABOVE:
        holds = !null && number > clause->number;
        break;
    case WEIR_CONTRAST_AT_MOST:
        holds = !null && number <= clause->number;
        break;
    case WEIR_CONTRAST_IS:
        holds = !null && category == clause->category;
        break;
    case WEIR_CONTRAST_NULL:
        holds = null;
    }
    return holds != clause->negated;
}

int weir_contrast_clause_holds(const struct weir_contrast_work *w,
                               const struct weir_contrast_clause *clause, size_t row)
{
    size_t at = clause->column * w->capacity + row;
    double number = w->numeric[clause->column] ? weir_contrast_number(w->cell[at]) : 0;
    return clause_says(clause, w->null[at], number, w->cell[at]);
}

int weir_contrast_holds(const struct weir_contrast_samples *samples,
                        const struct weir_contrast_rule *rule, enum weir_contrast_side side,
                        size_t row)
{
    for (size_t i = 0; i < rule->n; i++) {
        const struct weir_contrast_column *column = &samples->columns[rule->clauses[i].column];
        double number = column->number[side] ? column->number[side][row] : 0;
        uint64_t category = column->category[side] ? column->category[side][row] : 0;
        if (!clause_says(&rule->clauses[i], is_null(column, side, row), number, category))
            return 0;
    }
    return 1;
}

// The shortest number that reads back.
static void write_number(double x, struct weir_buffer *out)
{
    char text[40];
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    if (fabs(x) >= 1 && fabs(x) < 1e15 && x == floor(x)) // 900, not 9e+02
        snprintf(text, sizeof text, "%.0f", x);
    weir_buffer_printf(out, "%s", text);
}

// As it is, unless nobody could tell where it begins and ends.
static void write_text(const char *text, struct weir_buffer *out)
{
    size_t length = strlen(text);
    int quoted = !length || strpbrk(text, " \t\r\n\"") || !strcmp(text, "null");
    weir_buffer_printf(out, quoted ? "\"" : "");
    for (size_t i = 0; i < length; i++) {
        if (text[i] == '"')
            weir_buffer_byte(out, '\\');
        weir_buffer_byte(out, (uint8_t)text[i]);
    }
    weir_buffer_printf(out, quoted ? "\"" : "");
}

static void write_clause(const struct weir_contrast_clause *clause,
                         const struct weir_contrast_texts *texts, struct weir_buffer *out)
{
    const char *name = texts->name(texts->state, clause->column);
    int above = (clause->kind == WEIR_CONTRAST_ABOVE) != clause->negated;
    const char *text;
    switch (clause->kind) {
    case WEIR_CONTRAST_NULL:
        weir_buffer_printf(out, "%s is %snull", name, clause->negated ? "not " : "");
        return;
    case WEIR_CONTRAST_IS:
        weir_buffer_printf(out, "%s %s ", name, clause->negated ? "!=" : "=");
        text = texts->category(texts->state, clause->column, clause->category);
        if (text)
            write_text(text, out);
        else
            weir_buffer_printf(out, "#%016" PRIx64, clause->category);
        return;
    case WEIR_CONTRAST_ABOVE:
    case WEIR_CONTRAST_AT_MOST:
        weir_buffer_printf(out, "%s%s %s ", clause->negated ? "(" : "", name, above ? ">" : "<=");
        write_number(clause->number, out);
        weir_buffer_printf(out, "%s", clause->negated ? " or null)" : "");
    }
}

int weir_contrast_write(const struct weir_contrast_rule *rule,
                        const struct weir_contrast_texts *texts, struct weir_buffer *out)
{
    for (size_t i = 0; i < rule->n; i++) {
        if (i)
            weir_buffer_printf(out, " and ");
        write_clause(&rule->clauses[i], texts, out);
    }
    return out->failed ? WEIR_ENOMEM : 0;
}
