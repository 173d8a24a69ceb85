// SPDX-License-Identifier: Apache-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/compare/sampled.h"
#include "consumer/compare/summaries.h"
#include "consumer/profile/answers.h"
#include "consumer/profile/together.h"
#include "stats/value_text.h"

enum { PARTS = WEIR_PART_MOMENTS | WEIR_PART_CELLS | WEIR_PART_QUANTILES };

int weir_compare_is_profile(const char *path)
{
    static const char magic[] = {'O', 'b', 'j', 1}, mark[] = "weir.hash";
    char *head = malloc(1 << 16);
    FILE *file = strcmp(path, "-") ? fopen(path, "rb") : NULL;
    size_t n = head && file ? fread(head, 1, 1 << 16, file) : 0;
    int is = n > sizeof magic && !memcmp(head, magic, sizeof magic) &&
             memmem(head, n, mark, sizeof mark - 1) != NULL;
    if (file)
        fclose(file);
    free(head);
    return is;
}

// What a file itself says of its fields, every one with a type; the names are the file's.
static struct weir_field *typed(const struct weir_field *fields, size_t n)
{
    struct weir_field *out = calloc(n + 1, sizeof *out);
    for (size_t i = 0; out && i < n; i++)
        out[i] = (struct weir_field){.name = fields[i].name,
                                     .type = fields[i].type == WEIR_TYPE_UNKNOWN ? WEIR_TYPE_STRING
                                                                                 : fields[i].type,
                                     .is_list = fields[i].is_list,
                                     .nullable = 1,
                                     .optional = 1};
    return out;
}

// A profile of a file of data.
static int make_profile(const char *path, struct weir_profile **profile, struct weir_error *error)
{
    struct weir_file *file;
    int code = weir_file_open(path, WEIR_FORMAT_CSV, &file, error);
    if (code)
        return code;
    const struct weir_schema_fields *own = weir_file_fields(file, error);
    struct weir_field *fields = own ? typed(own->fields, own->n) : NULL;
    if (!own)
        code = error->code ? error->code : WEIR_EINVAL;
    else if (!fields)
        code = weir_error_set(error, WEIR_ENOMEM, "memory is out");
    else {
        struct weir_stream stream = {
            .name = path, .fields = fields, .n_fields = own->n, .key = -1, .time = -1};
        struct weir_profile_options options = {.stream = &stream, .format = WEIR_FORMAT_CSV};
        code = weir_profile_make(path, &options, profile, error);
    }
    free(fields);
    weir_file_close(file);
    return code;
}

static enum weir_compare_type type_of(const struct weir_profile_field *field)
{
    size_t length = strlen(field->name);
    int is_list = length > 2 && !strcmp(field->name + length - 2, "[]");
    switch (field->summary.shape) {
    case WEIR_SHAPE_NUMERIC:
        return is_list ? WEIR_COMPARE_VECTOR : WEIR_COMPARE_NUMERIC;
    case WEIR_SHAPE_BOOLEAN:
        return WEIR_COMPARE_BOOLEAN;
    case WEIR_SHAPE_CATEGORICAL:
        return WEIR_COMPARE_CATEGORICAL;
    case WEIR_SHAPE_TEXT:
        break;
    }
    return WEIR_COMPARE_TEXT;
}

static int begin(struct weir_comparison_set *set, const struct weir_profile *a)
{
    set->fields = calloc(a->n_fields + 1, sizeof *set->fields);
    if (!set->fields)
        return WEIR_ENOMEM;
    set->rows_reference = a->rows;
    set->from_profiles = 1;
    for (set->n = 0; set->n < a->n_fields; set->n++) {
        struct weir_compared_field *field = &set->fields[set->n];
        field->type = type_of(&a->fields[set->n]);
        field->name = strdup(a->fields[set->n].name);
        if (!field->name)
            return WEIR_ENOMEM;
    }
    return 0;
}

static int note_values(const char *name, enum weir_compare_type type,
                       const struct weir_summary *summary, int current,
                       struct weir_comparison_set *set)
{
    int code = 0;
    uint64_t outside = summary->moments.outside;
    if (type != WEIR_COMPARE_VECTOR && summary->null == summary->rows)
        code = weir_compare_note_null(&set->notes, name, current, summary->rows);
    if (!code && outside) {
        char count[32];
        code = weir_compare_note(&set->notes, WEIR_NOTE_FAR_OUT, name, current, outside,
                                 "means and variances are without %s %s of %s, too far from the "
                                 "others for a profile's sums",
                                 weir_count_text(outside, count), outside == 1 ? "value" : "values",
                                 current ? "current" : "the reference");
    }
    return code ? code
                : weir_compare_note_type(&set->notes, name, type, current, summary->fault,
                                         summary->rows);
}

// Fields that only one of two profiles has, or has of another kind.
static int note_fields(const struct weir_profile *a, const struct weir_profile *b,
                       struct weir_comparison_set *set)
{
    int code = 0;
    for (size_t i = 0; i < a->n_fields && !code; i++) {
        const struct weir_profile_field *x = &a->fields[i], *y = weir_profile_find(b, x->name);
        enum weir_compare_type type = set->fields[i].type;
        if (!y)
            code = weir_compare_note_only(&set->notes, x->name, 0);
        else if (y->summary.shape != x->summary.shape)
            code =
                weir_compare_note(&set->notes, WEIR_NOTE_OTHER_TYPE, x->name, 1, 0,
                                  "%s in the reference, %s in current: there is no value to "
                                  "compare",
                                  weir_compare_type_name(type), weir_compare_type_name(type_of(y)));
        if (!code)
            code = note_values(x->name, type, &x->summary, 0, set);
        if (!code && y && y->summary.shape == x->summary.shape)
            code = note_values(x->name, type, &y->summary, 1, set);
    }
    for (size_t i = 0; i < b->n_fields && !code; i++)
        if (!weir_profile_find(a, b->fields[i].name))
            code = weir_compare_note_only(&set->notes, b->fields[i].name, 1);
    return code;
}

static int compare_both(const struct weir_profile *a, const struct weir_profile *b,
                        struct weir_comparison_set *set)
{
    int code = begin(set, a);
    if (!code)
        code = note_fields(a, b, set);
    set->rows_current = b->rows;
    struct weir_words **words = calloc(a->n_fields + 1, sizeof *words);
    if (!code && !words)
        code = WEIR_ENOMEM;
    for (size_t i = 0; i < a->n_fields && !code; i++) {
        const struct weir_profile_field *x = &a->fields[i], *y = weir_profile_find(b, x->name);
        struct weir_summary none;
        words[i] = y ? y->words : NULL;
        if (y && y->summary.shape == x->summary.shape) {
            int same = weir_cells_hash(x->cells) == weir_cells_hash(y->cells);
            code = weir_compare_summaries(&x->summary, &y->summary, set->fields[i].type, same,
                                          &set->fields[i].comparison);
            continue;
        }
        // The current one has no such field, or one of another kind: there is no value.
        struct weir_summary_spec spec = {x->cells->shape, PARTS, x->cells, 0};
        code = weir_summary_init(&none, &spec);
        if (!code) {
            none.rows = none.missing = b->rows;
            code = weir_compare_summaries(&x->summary, &none, set->fields[i].type, 1,
                                          &set->fields[i].comparison);
            weir_summary_free(&none);
        }
    }
    if (!code)
        code = weir_compare_sampled(
            a, &(struct weir_sampled_side){b->sample, words, b->frames, b->n_frames, b, NULL}, set);
    if (!code)
        code = weir_compare_quality(&a->quality, &b->quality, &set->quality);
    free(words);
    return code;
}

// What a file's rows are taken into, by the reference's fields.
struct taken {
    struct weir_field *fields;
    struct weir_summary *summaries; // in the reference's cells
    size_t n;                       // summaries that are there
    struct weir_words **words;      // of texts
    struct weir_reservoir_field *sample_fields;
    struct weir_reservoir_spec sample_spec;
    struct weir_reservoir *sample; // NULL: the reference has none either
    struct weir_answers *answers;  // as the sample
    struct weir_together *together;
    struct weir_unreadable unreadable;
};

static void taken_free(struct taken *t)
{
    for (size_t i = 0; i < t->n; i++)
        weir_summary_free(&t->summaries[i]);
    for (size_t i = 0; t->words && i < t->n; i++)
        free(t->words[i]);
    weir_reservoir_destroy(t->sample);
    weir_answers_destroy(t->answers);
    weir_together_destroy(t->together);
    free(t->sample_fields);
    free(t->words);
    free(t->summaries);
    free(t->fields);
}

static int taken_sample(struct taken *t, const struct weir_profile *a)
{
    t->sample_fields = calloc(a->n_fields + 1, sizeof *t->sample_fields);
    if (!t->sample_fields)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < a->n_fields; i++) {
        t->sample_fields[i] = a->sample_spec.fields[i];
        t->sample_fields[i].column = (int)i;
    }
    t->sample_spec = a->sample_spec;
    t->sample_spec.fields = t->sample_fields;
    return weir_reservoir_create(&t->sample_spec, &t->sample);
}

static int taken_make(const struct weir_profile *a, struct taken *t)
{
    t->fields = calloc(a->n_fields + 1, sizeof *t->fields);
    t->summaries = calloc(a->n_fields + 1, sizeof *t->summaries);
    t->words = calloc(a->n_fields + 1, sizeof *t->words);
    int code = t->fields && t->summaries && t->words ? 0 : WEIR_ENOMEM;
    for (size_t i = 0; i < a->n_fields && !code; i++) {
        const struct weir_profile_field *field = &a->fields[i];
        size_t length = strlen(field->name);
        t->fields[i] =
            (struct weir_field){.name = field->name,
                                .type = field->type,
                                .is_list = length > 2 && !strcmp(field->name + length - 2, "[]"),
                                .nullable = 1,
                                .optional = 1};
        struct weir_summary_spec spec = {field->cells->shape, PARTS, field->cells, 0};
        code = weir_summary_init(&t->summaries[i], &spec);
        t->n += !code;
        if (!code && field->words && !(t->words[i] = calloc(1, sizeof *t->words[i])))
            code = WEIR_ENOMEM;
    }
    if (!code)
        code = weir_answers_continue(a, &t->answers);
    if (!code)
        code = weir_together_continue(a, &t->together);
    return code || !a->sample ? code : taken_sample(t, a);
}

static int absorb_file(struct weir_file *file, const struct weir_profile *a, struct taken *t,
                       uint64_t *rows, struct weir_error *error)
{
    struct weir_stream stream = {
        .name = a->stream, .fields = t->fields, .n_fields = a->n_fields, .key = -1, .time = -1};
    struct weir_builder_options options = {.stream = &stream};
    struct weir_absorb_scratch **scratch = calloc(a->n_fields + 1, sizeof *scratch);
    const struct weir_batch *batch;
    int code = scratch ? weir_file_start(file, &options, error) : WEIR_ENOMEM, more = 0;
    for (size_t i = 0; i < a->n_fields && !code; i++)
        code = weir_absorb_scratch_create(&scratch[i]);
    while (!code && (more = weir_file_next(file, WEIR_BATCH_ROWS, &batch, error)) > 0) {
        weir_unreadable_add(&t->unreadable, batch, *rows);
        *rows += batch->n_rows;
        for (size_t i = 0; i < a->n_fields && !code; i++) {
            code = weir_summary_absorb(&t->summaries[i], &batch->columns[i], NULL, 0, scratch[i]);
            if (t->words[i])
                weir_words_add_column(t->words[i], &batch->columns[i], NULL, batch->n_rows);
        }
        if (!code)
            weir_together_add(t->together, batch, NULL, batch->n_rows);
        if (!code && t->answers)
            code = weir_answers_add(t->answers, batch, NULL, batch->n_rows);
        if (!code && t->sample)
            code = weir_reservoir_add(t->sample, batch, NULL, batch->n_rows, 0);
    }
    for (size_t i = 0; scratch && i < a->n_fields; i++)
        if (scratch[i])
            weir_absorb_scratch_destroy(scratch[i]);
    free(scratch);
    return code ? code : more;
}

// What is said of a file beside a profile; its fields are `own`, NULL: not known.
static int note_file(const struct weir_profile *a, const struct taken *t,
                     const struct weir_schema_fields *own, struct weir_comparison_set *set)
{
    uint64_t rows = set->rows_current;
    int code = weir_compare_note_unreadable(&set->notes, &t->unreadable, 1, rows);
    for (size_t i = 0; i < a->n_fields && !code; i++) {
        const struct weir_summary *x = &a->fields[i].summary, *y = &t->summaries[i];
        const char *name = a->fields[i].name;
        enum weir_compare_type type = set->fields[i].type;
        if (rows && !t->fields[i].is_list && y->missing == rows)
            code = weir_compare_note_only(&set->notes, name, 0);
        if (!code)
            code = note_values(name, type, x, 0, set);
        if (!code)
            code = note_values(name, type, y, 1, set);
    }
    for (size_t i = 0; own && i < own->n && !code; i++)
        if (!weir_profile_find(a, own->fields[i].name))
            code = weir_compare_note_only(&set->notes, own->fields[i].name, 1);
    return code;
}

static int compare_rows(const struct weir_profile *a, const struct taken *t,
                        struct weir_comparison_set *set)
{
    struct weir_sampled_side side = {
        .sample = t->sample, .words = t->words, .profile = a, .summaries = t->summaries};
    side.frames = weir_together_frames(t->together, &side.n_frames);
    return weir_compare_sampled(a, &side, set);
}

static int compare_quality(const struct weir_profile *a, struct taken *t,
                           struct weir_comparison_set *set)
{
    struct weir_profile_quality quality = {0};
    if (t->answers)
        weir_answers_take(t->answers, &quality);
    int code = weir_compare_quality(&a->quality, &quality, &set->quality);
    weir_profile_quality_free(&quality);
    return code;
}

static int compare_file(const struct weir_profile *a, const char *path,
                        struct weir_comparison_set *set, struct weir_error *error)
{
    struct weir_file *file;
    struct taken taken = {0};
    struct weir_error ignored = {0};
    int code = weir_file_open(path, WEIR_FORMAT_CSV, &file, error);
    if (code)
        return code;
    const struct weir_schema_fields *own =
        strcmp(path, "-") ? weir_file_fields(file, &ignored) : NULL;
    code = begin(set, a);
    if (!code)
        code = taken_make(a, &taken);
    if (!code)
        code = absorb_file(file, a, &taken, &set->rows_current, error);
    if (!code)
        code = weir_unreadable_check(&taken.unreadable, set->rows_current, path, error);
    if (!code)
        code = note_file(a, &taken, own, set);
    for (size_t i = 0; i < a->n_fields && !code; i++)
        code = weir_compare_summaries(&a->fields[i].summary, &taken.summaries[i],
                                      set->fields[i].type, 1, &set->fields[i].comparison);
    if (!code)
        code = compare_rows(a, &taken, set);
    if (!code)
        code = compare_quality(a, &taken, set);
    taken_free(&taken);
    weir_file_close(file);
    return code;
}

int weir_compare_profiles(const char *reference, const char *current,
                          struct weir_comparison_set *set, struct weir_error *error)
{
    struct weir_profile *a = NULL, *b = NULL;
    error->code = 0;
    // Until there are rows that say more.
    set->rules.contrast.status = WEIR_TEST_NO_ROWS;
    for (int i = 0; i < WEIR_MULTIVARIATE; i++)
        set->multivariate[i] = (struct weir_comparison){
            weir_statistic_info((enum weir_statistic_id)(WEIR_STATISTIC_MMD + i))->name,
            NAN,
            NAN,
            NAN,
            NAN,
            NAN,
            NAN,
            weir_test_status_text(WEIR_TEST_NO_ROWS)};
    int code = weir_compare_is_profile(reference) ? weir_profile_load(reference, &a, error)
                                                  : make_profile(reference, &a, error);
    if (!code && weir_compare_is_profile(current)) {
        code = weir_profile_load(current, &b, error);
        if (!code)
            code = compare_both(a, b, set);
    } else if (!code) {
        code = compare_file(a, current, set, error);
    }
    if (code && !error->code)
        weir_error_set(error, code, "memory is out");
    weir_profile_free(b);
    weir_profile_free(a);
    return code;
}
