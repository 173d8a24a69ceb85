// SPDX-License-Identifier: Apache-2.0
#include "stats/preprocessing.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int weir_preprocessing_find(const struct weir_unlike *field, struct weir_preprocessing *out)
{
    *out = (struct weir_preprocessing){.kind = WEIR_PREPROCESSING_NONE};
    // What is precise first: a clock, codes; then lines, which fit more.
    return weir_preprocessing_of_spelling(field, out) || weir_preprocessing_of_cycle(field, out) ||
           weir_preprocessing_of_codes(field, out) || weir_preprocessing_of_scale(field, out);
}

static const char *side_name(int side)
{
    return side == WEIR_TRAINING ? "training" : "serving";
}

struct text {
    char *at;
    size_t size;
};

__attribute__((format(printf, 2, 3))) static void put(struct text *text, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text->at, text->size, format, args);
    va_end(args);
    size_t used = n < 0 ? 0 : (size_t)n < text->size ? (size_t)n : text->size - 1;
    text->at += used;
    text->size -= used;
}

static void put_one_sided(struct text *text, const struct weir_preprocessing *found,
                          const char *what)
{
    put(text, "is %s in %s and not in %s", what, side_name(found->done_on),
        side_name(!found->done_on));
}

static void put_cycle(struct text *text, const struct weir_preprocessing *found)
{
    int by = found->shift < 0 ? -found->shift : found->shift;
    const char *step = found->period == 24 ? "hour" : found->period == 7 ? "day" : "step";
    put(text, "is %d %s%s %s in serving than in training", by, step, by == 1 ? "" : "s",
        found->shift > 0 ? "later" : "earlier");
    put(text,
        found->period == 24  ? ": looks like another time zone"
        : found->period == 7 ? ": looks like another first day of the week"
                             : ", round a cycle of %d",
        found->period);
}

static void put_examples(struct text *text, const struct weir_preprocessing *found,
                         const char *verb)
{
    for (size_t i = 0; i < found->n_examples; i++)
        put(text, "%s'%s' %s '%s'", i ? ", " : ": ", found->examples[i].serving, verb,
            found->examples[i].training);
}

static void put_unit(struct text *text, const struct weir_preprocessing *found)
{
    const struct weir_unit_map *map = &found->map;
    if (map->a == -1 && map->b == 0)
        put(text, "has the opposite sign in serving");
    else if (map->b != 0)
        put(text, "is %.4g times training's, %s %.4g", map->a, map->b < 0 ? "less" : "plus",
            fabs(map->b));
    else
        put(text, "is %.4g times training's", map->a);
    if (found->from && found->to && map->a != -1)
        put(text, ": looks like %s in training and %s in serving", found->from, found->to);
}

static void put_spelling(struct text *text, const struct weir_preprocessing *found,
                         const char *what)
{
    put(text, "has %.3g%% of its values %s in serving than in training", 100 * found->share, what);
    put_examples(text, found, "for");
}

void weir_preprocessing_text(const struct weir_preprocessing *found, char *out, size_t size)
{
    struct text text = {out, size};
    *out = 0;
    switch (found->kind) {
    case WEIR_PREPROCESSING_NONE:
        return;
    case WEIR_PREPROCESSING_STANDARDISED:
        put_one_sided(&text, found, "standardised (mean 0, standard deviation 1)");
        return;
    case WEIR_PREPROCESSING_ROBUST:
        put_one_sided(&text, found, "scaled to median 0 and interquartile range 1");
        return;
    case WEIR_PREPROCESSING_MIN_MAX:
        put_one_sided(&text, found, "scaled to 0 to 1");
        return;
    case WEIR_PREPROCESSING_MIN_MAX_SIGNED:
        put_one_sided(&text, found, "scaled to -1 to 1");
        return;
    case WEIR_PREPROCESSING_LOG: {
        const char *what = found->done_on == WEIR_SERVING ? found->to : found->from;
        put(&text, "is %s in %s and the value itself in %s", what ? what : "a logarithm",
            side_name(found->done_on), side_name(!found->done_on));
        return;
    }
    case WEIR_PREPROCESSING_UNIT:
        put_unit(&text, found);
        return;
    case WEIR_PREPROCESSING_CYCLE:
        put_cycle(&text, found);
        return;
    case WEIR_PREPROCESSING_BASE:
        put(&text, "is counted from %d in serving and from %d in training", found->shift > 0,
            found->shift < 0);
        return;
    case WEIR_PREPROCESSING_CODES:
        put(&text, "has training's shares at other codes, as if the codes were assigned anew");
        put_examples(&text, found, "has the share of");
        return;
    case WEIR_PREPROCESSING_CASE:
        put_spelling(&text, found, "in other letters (upper or lower case)");
        return;
    case WEIR_PREPROCESSING_SPACE:
        put_spelling(&text, found, "with other spaces about them");
        return;
    case WEIR_PREPROCESSING_SEPARATOR:
        put_spelling(&text, found, "with other separators between words");
        return;
    case WEIR_PREPROCESSING_NUMBER:
        put_spelling(&text, found, "written as another form of the same numbers");
        return;
    case WEIR_PREPROCESSING_SPELLING:
        put_spelling(&text, found, "written otherwise");
        return;
    }
}
