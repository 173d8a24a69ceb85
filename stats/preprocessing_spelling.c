// SPDX-License-Identifier: Apache-2.0
// The same words in other letters, with spaces about them, other separators, other ways of writing
// a number.
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cells.h"
#include "stats/preprocessing.h"
#include "stats/top.h"

enum { LONGEST = WEIR_TOP_TEXT, SEEN = 50, WORDS = 4096 };
// Of serving's values; of those that training never had.
static const double LEAST = 0.005, OF_UNSEEN = 0.5;

enum { CASE = 1, SPACE = 2, SEPARATOR = 4, NUMBER = 8 };

struct word {
    char plain[LONGEST + 1]; // what is the same however it is written
    const char *data;
    size_t length;
    double count;
};

// A whole text that spells a number, plainly.
static int as_number(const char *text, char *out, size_t size)
{
    char *end;
    if (!strpbrk(text, "0123456789") || strspn(text, "+-.0123456789eE") != strlen(text))
        return 0;
    double x = strtod(text, &end);
    if (*end || !isfinite(x))
        return 0;
    snprintf(out, size, "%.15g", x + 0.0);
    return 1;
}

static void make_plain(const char *data, size_t length, char *out)
{
    char text[LONGEST + 1], number[40];
    size_t n = 0;
    while (length && isspace((unsigned char)data[0])) {
        data++;
        length--;
    }
    while (length && isspace((unsigned char)data[length - 1]))
        length--;
    for (size_t i = 0; i < length && n < LONGEST; i++)
        text[n++] = (char)tolower((unsigned char)data[i]);
    text[n] = 0;
    if (as_number(text, number, sizeof number)) {
        strcpy(out, number);
        return;
    }
    for (size_t i = 0; i < n; i++)
        out[i] = strchr("_-. /", text[i]) ? '_' : text[i];
    out[n] = 0;
}

static int outer_spaces(const struct word *word)
{
    return word->length && (isspace((unsigned char)word->data[0]) ||
                            isspace((unsigned char)word->data[word->length - 1]));
}

// What tells two ways of writing one word apart.
static unsigned difference(const struct word *a, const struct word *b)
{
    char text[2][LONGEST + 1], number[40];
    const struct word *both[2] = {a, b};
    unsigned found = outer_spaces(a) != outer_spaces(b) ? SPACE : 0;
    for (int k = 0; k < 2; k++) {
        const char *data = both[k]->data;
        size_t length = both[k]->length, n = 0;
        while (length && isspace((unsigned char)data[0])) {
            data++;
            length--;
        }
        while (length && isspace((unsigned char)data[length - 1]))
            length--;
        for (; n < length && n < LONGEST; n++)
            text[k][n] = data[n];
        text[k][n] = 0;
    }
    if (as_number(text[0], number, sizeof number))
        return strcmp(text[0], text[1]) ? found | NUMBER : found;
    for (size_t i = 0; text[0][i] && text[1][i]; i++) {
        unsigned char x = (unsigned char)text[0][i], y = (unsigned char)text[1][i];
        if (x == y)
            continue;
        found |= tolower(x) == tolower(y) ? CASE : SEPARATOR;
    }
    return found;
}

static int by_plain(const void *a, const void *b)
{
    const struct word *x = a, *y = b;
    int order = strcmp(x->plain, y->plain);
    if (order)
        return order;
    return x->count != y->count ? x->count > y->count ? -1 : 1 : 0;
}

static void add_word(struct word *words, size_t *n, const char *data, size_t length, double count)
{
    if (*n == WORDS || length > LONGEST || memchr(data, 0, length))
        return;
    struct word *word = &words[(*n)++];
    *word = (struct word){.data = data, .length = length, .count = count};
    make_plain(data, length, word->plain);
}

// Training's words: categories with a cell of their own, and the most frequent others.
static size_t training_words(const struct weir_summary *then, struct word *words)
{
    size_t n = 0, m = then->cells ? then->cells->n_categories : 0;
    for (size_t i = 0; i < m && then->cell; i++)
        add_word(words, &n, then->cells->categories[i].data, then->cells->categories[i].length,
                 (double)then->cell[i]);
    const struct weir_top_entry *entries[64];
    m = then->top ? weir_top_sorted(then->top, entries, 64) : 0;
    for (size_t i = 0; i < m; i++)
        add_word(words, &n, entries[i]->data, entries[i]->length, (double)entries[i]->count);
    qsort(words, n, sizeof *words, by_plain);
    return n;
}

// Whether a word's plain form is training's; the commonest that has it.
static const struct word *find_word(const struct word *words, size_t n, const char *plain)
{
    size_t low = 0, high = n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (strcmp(words[middle].plain, plain) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < n && !strcmp(words[low].plain, plain) ? &words[low] : NULL;
}

static void add_example(const struct word *was, const struct word *is, double values,
                        struct weir_preprocessing *out)
{
    if (out->n_examples == WEIR_PREPROCESSING_EXAMPLES || was->count < SEEN || is->count < SEEN)
        return;
    struct weir_preprocessing_pair *pair = &out->examples[out->n_examples++];
    snprintf(pair->training, sizeof pair->training, "%.*s", (int)was->length, was->data);
    snprintf(pair->serving, sizeof pair->serving, "%.*s", (int)is->length, is->data);
    pair->share = is->count / values;
}

static enum weir_preprocessing_kind kind_of(const double *by, double all)
{
    static const enum weir_preprocessing_kind kinds[4] = {
        WEIR_PREPROCESSING_CASE, WEIR_PREPROCESSING_SPACE, WEIR_PREPROCESSING_SEPARATOR,
        WEIR_PREPROCESSING_NUMBER};
    int at = -1;
    for (int k = 0; k < 4; k++) {
        if (by[k] < 0.1 * all)
            continue;
        if (at >= 0)
            return WEIR_PREPROCESSING_SPELLING;
        at = k;
    }
    return at < 0 ? WEIR_PREPROCESSING_SPELLING : kinds[at];
}

static int is_new(const struct weir_summary *then, const struct weir_top_entry *entry)
{
    const struct weir_cells *cells = then->cells;
    return !cells || !cells->known || !weir_cells_knows(cells, entry->hash);
}

static int judge(const struct weir_unlike *field, const struct word *words, size_t n,
                 struct weir_preprocessing *out)
{
    const struct weir_summary *then = field->side[0], *now = field->side[1];
    const struct weir_top_entry *entries[64];
    size_t m = weir_top_sorted(now->top, entries, 64), found = 0;
    double by[4] = {0, 0, 0, 0}, all = 0, values = (double)now->values;
    struct weir_preprocessing made = {.kind = WEIR_PREPROCESSING_NONE};
    for (size_t i = 0; i < m; i++) {
        struct word word;
        size_t one = 0;
        add_word(&word, &one, entries[i]->data, entries[i]->length, (double)entries[i]->count);
        const struct word *was = one ? find_word(words, n, word.plain) : NULL;
        if (!was || !is_new(then, entries[i]))
            continue;
        unsigned how = difference(was, &word);
        if (!how)
            continue;
        for (int k = 0; k < 4; k++)
            by[k] += how >> k & 1 ? word.count : 0;
        all += word.count;
        found++;
        add_example(was, &word, values, &made);
    }
    double unseen = then->cells && then->cells->known ? (double)now->unseen : all;
    if (!found || all < LEAST * values || all < SEEN || all < OF_UNSEEN * unseen)
        return 0;
    made.kind = kind_of(by, all);
    made.share = made.before = fmin(all / values, 1);
    *out = made;
    return 1;
}

int weir_preprocessing_of_spelling(const struct weir_unlike *field, struct weir_preprocessing *out)
{
    const struct weir_summary *then = field->side[0], *now = field->side[1];
    if ((then->shape != WEIR_SHAPE_CATEGORICAL && then->shape != WEIR_SHAPE_TEXT) || !now->top ||
        !now->values)
        return 0;
    struct word *words = malloc(WORDS * sizeof *words);
    if (!words)
        return 0;
    int found = judge(field, words, training_words(then, words), out);
    free(words);
    return found;
}
