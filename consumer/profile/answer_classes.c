// SPDX-License-Identifier: Apache-2.0
#include "consumer/profile/answer_classes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/hash.h"
#include "stats/sort.h"

enum { MOST_STRINGS = 1000, MOST_CANDIDATES = 2 * MOST_STRINGS + WEIR_QUALITY_MOST_CLASSES + 4 };

// ---- classes

static double number_of(const char *text)
{
    char *end;
    if (!strcmp(text, "true") || !strcmp(text, "false"))
        return *text == 't';
    // What strtod takes besides: spaces, hexadecimal, nan.
    if (!*text || text[strspn(text, "+-.0123456789eE")])
        return NAN;
    double number = strtod(text, &end);
    return *end || !isfinite(number) ? NAN : number;
}

void weir_answer_classes_free(struct weir_answer_classes *classes)
{
    for (size_t i = 0; classes->text && i < classes->n; i++)
        free(classes->text[i]);
    free(classes->text);
    free(classes->hash);
    free(classes->number);
    memset(classes, 0, sizeof *classes);
}

static int create(struct weir_answer_classes *classes, size_t room)
{
    memset(classes, 0, sizeof *classes);
    classes->text = calloc(room + 1, sizeof *classes->text);
    classes->hash = calloc(room + 1, sizeof *classes->hash);
    classes->number = calloc(room + 1, sizeof *classes->number);
    return classes->text && classes->hash && classes->number ? 0 : WEIR_ENOMEM;
}

static int append(struct weir_answer_classes *classes, const char *text)
{
    size_t i = classes->n;
    if (!(classes->text[i] = strdup(text)))
        return WEIR_ENOMEM;
    classes->hash[i] = weir_hash(text, strlen(text));
    classes->number[i] = number_of(text);
    classes->n++;
    return 0;
}

int weir_answer_classes_of(const struct weir_quality_spec *spec,
                           struct weir_answer_classes *classes)
{
    int code = create(classes, spec->n_classes);
    for (size_t i = 0; i < spec->n_classes && !code; i++)
        code = append(classes, spec->classes[i]);
    return code;
}

size_t weir_answer_class_of_number(const struct weir_answer_classes *classes, double number)
{
    size_t i = 0;
    while (i < classes->n && classes->number[i] != number)
        i++;
    return i;
}

size_t weir_answer_class_of_string(const struct weir_answer_classes *classes,
                                   const struct weir_string *string)
{
    char text[64];
    size_t i = 0;
    while (i < classes->n && classes->hash[i] != string->hash)
        i++;
    if (i < classes->n || !string->length || string->length >= sizeof text)
        return i;
    memcpy(text, string->data, string->length);
    text[string->length] = 0;
    double number = strlen(text) == string->length ? number_of(text) : NAN;
    return isnan(number) ? classes->n : weir_answer_class_of_number(classes, number);
}

size_t weir_answer_class_of_boolean(const struct weir_answer_classes *classes, int truth)
{
    return weir_answer_class_of_number(classes, truth);
}

// ---- candidates

struct candidate {
    char text[WEIR_QUALITY_CLASS_TEXT];
    double number;
    uint64_t count;    // of labels and predictions
    int label, answer; // which of these it is
    size_t declared;   // place among the label's `values`, from 1; 0: none
};

struct candidates {
    struct candidate *at;
    size_t n;
};

static struct candidate *find(struct candidates *all, const char *text)
{
    double number = number_of(text);
    for (size_t i = 0; i < all->n; i++) {
        if (isnan(number) ? !strcmp(all->at[i].text, text) : all->at[i].number == number)
            return &all->at[i];
    }
    if (all->n == MOST_CANDIDATES)
        return NULL;
    struct candidate *one = &all->at[all->n++];
    *one = (struct candidate){.number = number};
    memcpy(one->text, text, strlen(text) + 1);
    return one;
}

static void add(struct candidates *all, const char *text, uint64_t count, int is_label)
{
    struct candidate *one = find(all, text);
    if (!one)
        return;
    one->count += count;
    one->label |= is_label;
    one->answer |= !is_label;
}

static void add_strings(struct candidates *all, const struct weir_string_counts *counts,
                        int is_label)
{
    char text[WEIR_QUALITY_CLASS_TEXT];
    for (uint32_t i = 0; i < counts->n; i++) {
        const struct weir_category *item = &counts->items[i];
        size_t length = item->string.length;
        if (!item->count || length >= sizeof text)
            continue;
        if (length)
            memcpy(text, item->string.data, length);
        text[length] = 0;
        if (strlen(text) == length)
            add(all, text, item->count, is_label);
    }
}

// Sorted samples.
static void add_numbers(struct candidates *all, const struct weir_answer_field *field, size_t n,
                        int is_label)
{
    char text[32];
    size_t run;
    for (size_t i = 0; i < n; i += run) {
        for (run = 1; i + run < n && field->sample[i + run] == field->sample[i];)
            run++;
        snprintf(text, sizeof text, "%.17g", field->sample[i]);
        add(all, text, run, is_label);
    }
}

static int by_count(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (!x->declared != !y->declared)
        return x->declared ? -1 : 1;
    if (x->count != y->count)
        return x->count > y->count ? -1 : 1;
    return strcmp(x->text, y->text);
}

static int by_class(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    if (isnan(x->number) != isnan(y->number))
        return isnan(x->number) ? 1 : -1;
    if (!isnan(x->number) && x->number != y->number)
        return x->number < y->number ? -1 : 1;
    return strcmp(x->text, y->text);
}

static int by_declaration(const void *a, const void *b)
{
    const struct candidate *x = a, *y = b;
    return (x->declared > y->declared) - (x->declared < y->declared);
}

// ---- samples

// The finite values of a sample come first, sorted; returns how many.
static size_t tidy(const struct weir_answer_field *field)
{
    size_t n = 0;
    for (size_t i = 0; field->sample && i < field->n; i++) {
        double x = field->sample[i];
        if (!isfinite(x))
            continue;
        field->sample[i] = field->sample[n];
        field->sample[n++] = x + 0.0;
    }
    if (n)
        weir_sort_doubles(field->sample, n);
    return n;
}

struct look {
    size_t n, distinct; // finite values
    int numeric, whole; // all of them whole
    double least, most;
};

static struct look look_at(const struct weir_answer_field *field)
{
    struct look look = {.whole = 1};
    look.numeric = field->info &&
                   (field->info->type == WEIR_TYPE_DOUBLE || field->info->type == WEIR_TYPE_LONG);
    if (!look.numeric)
        return look;
    look.n = tidy(field);
    for (size_t i = 0; i < look.n; i++) {
        look.distinct += !i || field->sample[i] != field->sample[i - 1];
        look.whole &= field->sample[i] == floor(field->sample[i]);
    }
    if (look.n) {
        look.least = field->sample[0];
        look.most = field->sample[look.n - 1];
    }
    return look;
}

static int is_share(const struct look *look)
{
    return look->n && look->least >= 0 && look->most <= 1;
}

static int few_strings(const struct weir_answer_field *field)
{
    return !field->counts || (!field->counts->overflowed && field->counts->n <= MOST_STRINGS);
}

// ---- the choice

static void add_field(struct candidates *all, const struct weir_answer_field *field,
                      const struct look *look, int is_label)
{
    if (!field->info)
        return;
    if (field->info->type == WEIR_TYPE_BOOLEAN) {
        add(all, "false", 1, is_label);
        add(all, "true", 1, is_label);
    } else if (look->numeric) {
        add_numbers(all, field, look->n, is_label);
    } else if (field->counts) {
        add_strings(all, field->counts, is_label);
    }
}

// All that the label may be; of strings the order of two says which one is positive.
static void declare(struct candidates *all, const struct weir_field *label)
{
    for (size_t i = 0; label->values && i < label->n_values && i < WEIR_QUALITY_MOST_CLASSES; i++) {
        struct candidate *one =
            strlen(label->values[i]) < WEIR_QUALITY_CLASS_TEXT ? find(all, label->values[i]) : NULL;
        if (!one)
            continue;
        one->declared = i + 1;
        one->label = 1;
    }
}

static void swap(struct candidate *at)
{
    struct candidate first = at[0];
    at[0] = at[1];
    at[1] = first;
}

static int take_classes(struct candidates *all, const struct weir_answer_fields *fields,
                        struct weir_answer_choice *choice)
{
    const struct weir_field *label = fields->label.info;
    int two = label->type == WEIR_TYPE_STRING && label->n_values == 2 && all->n == 2;
    if (all->n > 1)
        qsort(all->at, all->n, sizeof *all->at, by_count);
    size_t n = all->n < WEIR_QUALITY_MOST_CLASSES ? all->n : WEIR_QUALITY_MOST_CLASSES;
    if (n > 1)
        qsort(all->at, n, sizeof *all->at, two ? by_declaration : by_class);
    if (n == 2 && fields->positive && !strcmp(fields->positive, all->at[0].text))
        swap(all->at);
    int code = n ? create(&choice->classes, n) : WEIR_ENOTFOUND;
    for (size_t i = 0; i < n && !code; i++)
        code = append(&choice->classes, all->at[i].text);
    return code;
}

static int choose_classes(const struct weir_answer_fields *fields, const struct look *label,
                          const struct look *prediction, struct weir_answer_choice *choice)
{
    struct candidates all = {calloc(MOST_CANDIDATES, sizeof *all.at), 0};
    if (!all.at)
        return WEIR_ENOMEM;
    add_field(&all, &fields->label, label, 1);
    declare(&all, fields->label.info);
    size_t labels = all.n, common = 0, answers = 0;
    if (choice->prediction)
        add_field(&all, &fields->prediction, prediction, 0);
    for (size_t i = 0; i < all.n; i++) {
        answers += all.at[i].answer;
        common += all.at[i].answer && all.at[i].label;
    }
    if (answers && !common) { // answers to something else
        choice->prediction = NULL;
        all.n = labels;
    }
    int code = take_classes(&all, fields, choice);
    free(all.at);
    if (!code && choice->classes.n != 2)
        choice->score = NULL;
    return code;
}

// What a label of numbers is.
static int is_class(const struct weir_answer_fields *fields, const struct look *label,
                    const struct look *prediction)
{
    if (!label->whole || label->distinct > WEIR_QUALITY_MOST_CLASSES)
        return 0;
    if (!fields->prediction.info) // there is a score
        return label->distinct <= 2;
    if (!prediction->numeric)
        return 1;
    return prediction->whole ? prediction->distinct <= WEIR_QUALITY_MOST_CLASSES
                             : label->distinct <= 2 && is_share(prediction);
}

int weir_answer_choose(const struct weir_answer_fields *fields, struct weir_answer_choice *choice)
{
    memset(choice, 0, sizeof *choice);
    struct look label = look_at(&fields->label), prediction = look_at(&fields->prediction);
    struct look score = look_at(&fields->score);
    choice->prediction = fields->prediction.info ? &fields->prediction : NULL;
    choice->score = score.numeric ? &fields->score : NULL;
    if (label.numeric && !label.n)
        return WEIR_ENOTFOUND;
    if (label.numeric && !is_class(fields, &label, &prediction)) {
        choice->task = WEIR_QUALITY_NUMBERS;
        if (!choice->prediction)
            choice->prediction = choice->score;
        choice->score = NULL;
        int numeric = choice->prediction == &fields->score ? score.numeric : prediction.numeric;
        return choice->prediction && numeric ? 0 : WEIR_ENOTFOUND;
    }
    if (!few_strings(&fields->label) || !few_strings(&fields->prediction))
        return WEIR_ENOTFOUND;
    // A probability in the prediction's place.
    if (prediction.numeric && !prediction.whole && is_share(&prediction)) {
        choice->prediction = NULL;
        if (!choice->score) {
            choice->score = &fields->prediction;
            score = prediction;
        }
    }
    int code = choose_classes(fields, &label, &prediction, choice);
    choice->n_scores = score.n;
    choice->decide = choice->score && !choice->prediction && is_share(&score);
    return code || choice->prediction || choice->score ? code : WEIR_ENOTFOUND;
}

void weir_answer_choice_free(struct weir_answer_choice *choice)
{
    weir_answer_classes_free(&choice->classes);
}
