// SPDX-License-Identifier: Apache-2.0
#include "consumer/profile/answers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/profile/answer_classes.h"

#define DECIDED .5 // a score above it is a prediction of the positive class

// Strings as numbers of classes, kept by dictionary code.
struct side {
    int index; // of the batches' columns; -1: none
    uint16_t *of_code;
    uint32_t n_codes, generation;
};

struct weir_answers {
    struct weir_profile_quality quality;
    struct weir_answer_classes classes;
    struct side label, prediction;
    int score; // -1: none
};

void weir_answers_find(const struct weir_stream *stream, struct weir_answer_fields *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < stream->n_fields; i++) {
        const struct weir_field *info = &stream->fields[i];
        struct weir_answer_field *field = info->role == WEIR_ROLE_LABEL        ? &out->label
                                          : info->role == WEIR_ROLE_PREDICTION ? &out->prediction
                                          : info->role == WEIR_ROLE_SCORE      ? &out->score
                                                                               : NULL;
        if (field && !field->info && !info->is_list && info->type != WEIR_TYPE_UNKNOWN)
            *field = (struct weir_answer_field){.info = info, .index = (int)i};
    }
}

void weir_profile_quality_free(struct weir_profile_quality *quality)
{
    weir_quality_destroy(quality->counts);
    free(quality->label);
    free(quality->prediction);
    free(quality->score);
    memset(quality, 0, sizeof *quality);
}

static int same_name(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

static int same_fields(const struct weir_profile_quality *a, const struct weir_profile_quality *b)
{
    return same_name(a->label, b->label) && same_name(a->prediction, b->prediction) &&
           same_name(a->score, b->score);
}

int weir_profile_quality_same(const struct weir_profile_quality *a,
                              const struct weir_profile_quality *b)
{
    return a->counts && b->counts && same_fields(a, b) && weir_quality_same(a->counts, b->counts);
}

static int name_into(char **into, const char *name)
{
    return name && !(*into = strdup(name)) ? WEIR_ENOMEM : 0;
}

// Empty ones, to be counted in as the other was.
static int begin_like(const struct weir_profile_quality *like, struct weir_profile_quality *out)
{
    int code = weir_quality_create(&like->counts->spec, &out->counts);
    if (!code)
        code = name_into(&out->label, like->label);
    if (!code)
        code = name_into(&out->prediction, like->prediction);
    return code ? code : name_into(&out->score, like->score);
}

int weir_profile_quality_copy(const struct weir_profile_quality *from,
                              struct weir_profile_quality *into)
{
    int code = begin_like(from, into);
    if (!code)
        code = weir_quality_merge(into->counts, from->counts);
    if (code)
        weir_profile_quality_free(into);
    return code;
}

// ---- what they are

static int name_fields(const struct weir_answer_choice *choice,
                       const struct weir_answer_fields *fields, struct weir_profile_quality *out)
{
    int code = name_into(&out->label, fields->label.info->name);
    if (!code && choice->prediction)
        code = name_into(&out->prediction, choice->prediction->info->name);
    if (!code && choice->score)
        code = name_into(&out->score, choice->score->info->name);
    return code;
}

// Of a sorted sample of `n`.
static size_t every_value(const double *sorted, size_t n, double *cuts)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        if (!kept || sorted[i] > cuts[kept - 1])
            cuts[kept++] = sorted[i];
    }
    return kept;
}

static int make_classes(const struct weir_answer_choice *choice, int every,
                        struct weir_quality **out)
{
    const struct weir_answer_field *score = choice->score;
    size_t room = every && score ? choice->n_scores : WEIR_QUALITY_CELLS;
    double *cuts = malloc((room + 1) * sizeof *cuts);
    if (!cuts)
        return WEIR_ENOMEM;
    struct weir_quality_spec spec = {.task = WEIR_QUALITY_CLASSES,
                                     .classes = (const char *const *)choice->classes.text,
                                     .n_classes = choice->classes.n,
                                     .predicted = choice->prediction || choice->decide,
                                     .positive = choice->classes.n == 2 ? 1 : -1,
                                     .scored = score != NULL,
                                     .cuts = cuts};
    if (score && every)
        spec.n_cuts = every_value(score->sample, choice->n_scores, cuts);
    else if (score)
        spec.n_cuts = weir_quality_cuts(score->sample, choice->n_scores, cuts);
    int code = weir_quality_create(&spec, out);
    free(cuts);
    return code;
}

static int make_counts(const struct weir_answer_choice *choice, int every,
                       const struct weir_cells *cells, struct weir_quality **out)
{
    if (choice->task == WEIR_QUALITY_NUMBERS) {
        struct weir_quality_spec spec = {
            .task = choice->task, .centre = cells->centre, .scale = cells->scale};
        return weir_quality_create(&spec, out);
    }
    return make_classes(choice, every, out);
}

static int place_of(const struct weir_answer_field *field, const char *name)
{
    return name && field->info && !strcmp(field->info->name, name) ? field->index : -1;
}

static void place(struct weir_answers *answers, const struct weir_answer_fields *fields)
{
    answers->label.index = place_of(&fields->label, answers->quality.label);
    answers->prediction.index = place_of(&fields->prediction, answers->quality.prediction);
    answers->score = place_of(&fields->score, answers->quality.score);
    // One that is a probability by its values was taken for the score; a score may be the answer.
    if (answers->score < 0)
        answers->score = place_of(&fields->prediction, answers->quality.score);
    if (answers->prediction.index < 0)
        answers->prediction.index = place_of(&fields->score, answers->quality.prediction);
}

static int is_number(const struct weir_answer_field *field)
{
    return field->info &&
           (field->info->type == WEIR_TYPE_DOUBLE || field->info->type == WEIR_TYPE_LONG);
}

// Whether these fields can be counted as the other profile's were.
static int fits(const struct weir_answers *answers, const struct weir_answer_fields *fields)
{
    const struct weir_profile_quality *quality = &answers->quality;
    int numbers = quality->counts->spec.task == WEIR_QUALITY_NUMBERS;
    const struct weir_answer_field *scores =
        answers->score == fields->score.index ? &fields->score : &fields->prediction;
    const struct weir_answer_field *predictions =
        answers->prediction.index == fields->prediction.index && fields->prediction.info
            ? &fields->prediction
            : &fields->score;
    if (answers->label.index < 0 || (quality->prediction && answers->prediction.index < 0) ||
        (quality->score && (answers->score < 0 || !is_number(scores))))
        return 0;
    return !numbers || (is_number(&fields->label) && is_number(predictions));
}

static int create_like(const struct weir_answer_fields *fields, const struct weir_profile *like,
                       struct weir_answers *answers)
{
    int code = begin_like(&like->quality, &answers->quality);
    if (code)
        return code;
    place(answers, fields);
    if (!fits(answers, fields)) {
        weir_profile_quality_free(&answers->quality);
        return WEIR_ENOTFOUND;
    }
    return 0;
}

static int create(const struct weir_answer_fields *fields, const struct weir_cells *cells,
                  const struct weir_profile *like, struct weir_answers *answers)
{
    int code = WEIR_ENOTFOUND;
    if (like && like->quality.counts)
        code = create_like(fields, like, answers);
    if (code == WEIR_ENOTFOUND) {
        struct weir_answer_choice choice;
        code = weir_answer_choose(fields, &choice);
        if (!code)
            code = make_counts(&choice, fields->every_score, cells, &answers->quality.counts);
        if (!code)
            code = name_fields(&choice, fields, &answers->quality);
        weir_answer_choice_free(&choice);
        if (!code)
            place(answers, fields);
    }
    if (!code && answers->quality.counts->spec.task == WEIR_QUALITY_CLASSES)
        code = weir_answer_classes_of(&answers->quality.counts->spec, &answers->classes);
    return code;
}

int weir_answers_create(const struct weir_answer_fields *fields, const struct weir_cells *cells,
                        const struct weir_profile *like, struct weir_answers **out)
{
    *out = NULL;
    if (!fields->label.info || (!fields->prediction.info && !fields->score.info))
        return 0;
    struct weir_answers *answers = calloc(1, sizeof *answers);
    int code = answers ? create(fields, cells, like, answers) : WEIR_ENOMEM;
    if (!code) {
        *out = answers;
        return 0;
    }
    weir_answers_destroy(answers);
    return code == WEIR_ENOMEM ? code : 0;
}

int weir_answers_continue(const struct weir_profile *profile, struct weir_answers **out)
{
    struct weir_field infos[3] = {{.name = NULL}};
    struct weir_answer_fields fields = {0};
    struct weir_answer_field *const places[3] = {&fields.label, &fields.prediction, &fields.score};
    const char *const names[3] = {profile->quality.label, profile->quality.prediction,
                                  profile->quality.score};
    *out = NULL;
    if (!profile->quality.counts)
        return 0;
    for (size_t f = 0; f < profile->n_fields; f++)
        for (int i = 0; i < 3; i++)
            if (names[i] && !strcmp(names[i], profile->fields[f].name)) {
                infos[i] = (struct weir_field){.name = names[i], .type = profile->fields[f].type};
                *places[i] = (struct weir_answer_field){.info = &infos[i], .index = (int)f};
            }
    return weir_answers_create(&fields, NULL, profile, out);
}

void weir_answers_destroy(struct weir_answers *answers)
{
    if (!answers)
        return;
    weir_profile_quality_free(&answers->quality);
    weir_answer_classes_free(&answers->classes);
    free(answers->label.of_code);
    free(answers->prediction.of_code);
    free(answers);
}

void weir_answers_take(struct weir_answers *answers, struct weir_profile_quality *out)
{
    *out = answers->quality;
    memset(&answers->quality, 0, sizeof answers->quality);
}

int weir_answers_next(struct weir_answers *answers, struct weir_profile_quality *out)
{
    struct weir_profile_quality next = {0};
    int code = begin_like(&answers->quality, &next);
    if (code) {
        weir_profile_quality_free(&next);
        return code;
    }
    *out = answers->quality;
    answers->quality = next;
    // Codes are of what was read; what comes next may be another file.
    answers->label.n_codes = answers->prediction.n_codes = 0;
    return 0;
}

// ---- rows

static int refresh(const struct weir_answer_classes *classes, struct side *side,
                   const struct weir_column *column)
{
    if (column->type != WEIR_TYPE_STRING && column->type != WEIR_TYPE_BYTES)
        return 0;
    if (side->generation != column->generation || column->n_dictionary < side->n_codes)
        side->n_codes = 0;
    side->generation = column->generation;
    if (column->n_dictionary == side->n_codes)
        return 0;
    uint16_t *of_code = realloc(side->of_code, column->n_dictionary * sizeof *of_code);
    if (!of_code)
        return WEIR_ENOMEM;
    side->of_code = of_code;
    for (; side->n_codes < column->n_dictionary; side->n_codes++)
        of_code[side->n_codes] =
            (uint16_t)weir_answer_class_of_string(classes, &column->dictionary[side->n_codes]);
    return 0;
}

static double number_at(const struct weir_column *column, uint32_t row)
{
    return column->type == WEIR_TYPE_DOUBLE ? column->values.f64[row]
                                            : (double)column->values.i64[row];
}

static size_t class_at(const struct weir_answer_classes *classes, const struct side *side,
                       const struct weir_column *column, uint32_t row)
{
    if (column->type == WEIR_TYPE_BOOLEAN)
        return weir_answer_class_of_boolean(classes, column->values.i64[row] != 0);
    if (column->type == WEIR_TYPE_DOUBLE || column->type == WEIR_TYPE_LONG)
        return weir_answer_class_of_number(classes, number_at(column, row));
    uint32_t code = column->values.code[row];
    return code < side->n_codes
               ? side->of_code[code]
               : weir_answer_class_of_string(classes, weir_column_string(column, code));
}

// Of two values whose classes are not listed.
static int equal(const struct weir_column *a, const struct weir_column *b, uint32_t row)
{
    int strings = a->type == WEIR_TYPE_STRING || a->type == WEIR_TYPE_BYTES;
    if (a->type == WEIR_TYPE_BOOLEAN || b->type == WEIR_TYPE_BOOLEAN)
        return a->type == b->type && a->values.i64[row] == b->values.i64[row];
    if (strings != (b->type == WEIR_TYPE_STRING || b->type == WEIR_TYPE_BYTES))
        return 0;
    if (!strings)
        return number_at(a, row) == number_at(b, row);
    return weir_column_string(a, a->values.code[row])->hash ==
           weir_column_string(b, b->values.code[row])->hash;
}

static int has_value(const struct weir_column *column, uint32_t row)
{
    return column && column->state[row] == WEIR_STATE_VALUE &&
           (column->type != WEIR_TYPE_DOUBLE || !isnan(column->values.f64[row]));
}

static void add_row(struct weir_answers *answers, const struct weir_column *labels,
                    const struct weir_column *predictions, const struct weir_column *scores,
                    uint32_t row)
{
    struct weir_quality *counts = answers->quality.counts;
    size_t n = answers->classes.n, positive = (size_t)counts->spec.positive;
    size_t label = class_at(&answers->classes, &answers->label, labels, row);
    if (has_value(predictions, row)) {
        size_t said = class_at(&answers->classes, &answers->prediction, predictions, row);
        if (label == n && said == n && !equal(labels, predictions, row))
            said = n + 1;
        weir_quality_add_class(counts, label, said);
    }
    if (!has_value(scores, row) || label == n)
        return;
    double score = number_at(scores, row);
    weir_quality_add_score(counts, label == positive, score);
    if (!predictions)
        weir_quality_add_class(counts, label, score > DECIDED ? positive : 1 - positive);
}

int weir_answers_add(struct weir_answers *answers, const struct weir_batch *batch,
                     const uint32_t *rows, size_t n)
{
    const struct weir_column *labels = &batch->columns[answers->label.index];
    const struct weir_column *predictions =
        answers->prediction.index < 0 ? NULL : &batch->columns[answers->prediction.index];
    const struct weir_column *scores = answers->score < 0 ? NULL : &batch->columns[answers->score];
    struct weir_quality *counts = answers->quality.counts;
    int numbers = counts->spec.task == WEIR_QUALITY_NUMBERS;
    if (!numbers &&
        (refresh(&answers->classes, &answers->label, labels) ||
         (predictions && refresh(&answers->classes, &answers->prediction, predictions))))
        return WEIR_ENOMEM;
    for (size_t r = 0; r < n; r++) {
        uint32_t row = rows ? rows[r] : (uint32_t)r;
        if (!has_value(labels, row))
            continue;
        if (!numbers)
            add_row(answers, labels, predictions, scores, row);
        else if (has_value(predictions, row))
            weir_quality_add_number(counts, number_at(labels, row), number_at(predictions, row));
    }
    return 0;
}

// ---- bytes

void weir_profile_quality_write(const struct weir_profile_quality *quality, struct weir_buffer *out)
{
    weir_put_string(out, quality->label);
    weir_put_string(out, quality->prediction);
    weir_put_string(out, quality->score);
    weir_quality_write(quality->counts, out);
}

enum { NAME = 4096 };

// Empty: none.
static char *get_name(struct weir_reader *in)
{
    char *name = weir_get_string_alloc(in, NAME);
    if (name && !*name) {
        free(name);
        name = NULL;
    }
    return name;
}

int weir_profile_quality_read(struct weir_reader *in, struct weir_profile_quality *quality)
{
    quality->label = get_name(in);
    quality->prediction = get_name(in);
    quality->score = get_name(in);
    if (in->failed)
        return weir_reader_code(in);
    int code = weir_quality_read(in, &quality->counts);
    if (code)
        return code;
    const struct weir_quality_spec *spec = &quality->counts->spec;
    int answered = quality->prediction || (spec->task == WEIR_QUALITY_CLASSES && quality->score);
    return quality->label && answered && !spec->scored == !quality->score ? 0 : WEIR_ECORRUPT;
}
