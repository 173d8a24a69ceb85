// SPDX-License-Identifier: Apache-2.0
#include "consumer/compare/answers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/profile/answers.h"
#include "consumer/source/file.h"
#include "stats/cells_build.h"
#include "stats/summary.h"

// ---- beside each other

static int copy_name(char **into, const char *from)
{
    return from && !(*into = strdup(from)) ? WEIR_ENOMEM : 0;
}

// Whether the same metrics can be had of both, of the same classes.
static int comparable(const struct weir_quality *a, const struct weir_quality *b)
{
    const struct weir_quality_spec *x = &a->spec, *y = &b->spec;
    if (x->task != y->task || !x->predicted != !y->predicted || !x->scored != !y->scored)
        return 0;
    if (x->task == WEIR_QUALITY_NUMBERS || x->positive < 0)
        return x->positive == y->positive;
    return y->positive >= 0 && !strcmp(x->classes[x->positive], y->classes[y->positive]);
}

int weir_compare_quality(const struct weir_profile_quality *reference,
                         const struct weir_profile_quality *current,
                         struct weir_compared_quality *out)
{
    if (!reference->counts || !current->counts || !comparable(reference->counts, current->counts))
        return 0;
    int code = copy_name(&out->label, reference->label);
    if (!code)
        code = copy_name(&out->prediction, reference->prediction);
    if (!code)
        code = copy_name(&out->score, reference->score);
    if (code) {
        weir_compared_quality_free(out);
        return code;
    }
    const struct weir_quality *const sides[2] = {reference->counts, current->counts};
    for (int side = 0; side < 2; side++) {
        out->records[side] = weir_quality_records(sides[side]);
        weir_quality_measure(sides[side], out->metrics[side]);
    }
    for (int i = 0; i < WEIR_QUALITY_METRICS; i++)
        weir_quality_change(&out->metrics[0][i], &out->metrics[1][i], &out->low[i], &out->high[i]);
    out->known = 1;
    return 0;
}

void weir_compared_quality_free(struct weir_compared_quality *quality)
{
    free(quality->label);
    free(quality->prediction);
    free(quality->score);
    memset(quality, 0, sizeof *quality);
}

// ---- of files

enum { ROLES = 3 };

struct column {
    double *values; // numbers of both files
    size_t n, room;
    struct weir_string_counts counts;
};

struct files {
    const char *paths[2];
    struct weir_field fields[ROLES]; // names are the caller's
    struct weir_stream stream;
    struct column columns[ROLES];
    struct weir_answers *answers;
};

static void files_free(struct files *files)
{
    for (int i = 0; i < ROLES; i++) {
        free(files->columns[i].values);
        weir_string_counts_free(&files->columns[i].counts);
    }
    weir_answers_destroy(files->answers);
}

static int take_field(struct files *files, const struct weir_schema_fields *own, const char *name,
                      enum weir_role role, struct weir_error *error)
{
    size_t i = 0;
    if (!name)
        return 0;
    while (i < own->n && strcmp(own->fields[i].name, name) != 0)
        i++;
    if (i == own->n || own->fields[i].is_list)
        return weir_error_set(error, WEIR_EINVAL,
                              i == own->n ? "'%s' has no field '%s'" : "'%s': field '%s' is a list",
                              files->paths[0], name);
    enum weir_type type = own->fields[i].type;
    files->fields[files->stream.n_fields++] =
        (struct weir_field){.name = name,
                            .type = type == WEIR_TYPE_UNKNOWN ? WEIR_TYPE_STRING : type,
                            .role = role,
                            .nullable = 1,
                            .optional = 1};
    return 0;
}

static int take_fields(struct files *files, const struct weir_compare_roles *roles,
                       struct weir_error *error)
{
    struct weir_file *file;
    int code = weir_file_open(files->paths[0], WEIR_FORMAT_CSV, &file, error);
    if (code)
        return code;
    const struct weir_schema_fields *own = weir_file_fields(file, error);
    files->stream =
        (struct weir_stream){.name = "compared", .fields = files->fields, .key = -1, .time = -1};
    if (!own)
        code = error->code ? error->code : WEIR_EINVAL;
    if (!code)
        code = take_field(files, own, roles->label, WEIR_ROLE_LABEL, error);
    if (!code)
        code = take_field(files, own, roles->prediction, WEIR_ROLE_PREDICTION, error);
    if (!code)
        code = take_field(files, own, roles->score, WEIR_ROLE_SCORE, error);
    weir_file_close(file);
    return code;
}

static int keep_numbers(struct column *into, const struct weir_column *column, size_t n)
{
    if (into->room - into->n < n) {
        size_t room = 2 * (into->n + n);
        double *values = realloc(into->values, room * sizeof *values);
        if (!values)
            return WEIR_ENOMEM;
        into->values = values;
        into->room = room;
    }
    for (size_t i = 0; i < n; i++) {
        if (column->state[i] == WEIR_STATE_VALUE)
            into->values[into->n++] = column->type == WEIR_TYPE_DOUBLE
                                          ? column->values.f64[i]
                                          : (double)column->values.i64[i];
    }
    return 0;
}

// The first time all values are gathered, the second time they are counted.
static int take_batch(struct files *files, const struct weir_batch *batch)
{
    if (files->answers)
        return weir_answers_add(files->answers, batch, NULL, batch->n_rows);
    int code = 0;
    for (size_t i = 0; i < files->stream.n_fields && !code; i++) {
        enum weir_type type = files->fields[i].type;
        if (type == WEIR_TYPE_DOUBLE || type == WEIR_TYPE_LONG)
            code = keep_numbers(&files->columns[i], &batch->columns[i], batch->n_rows);
        else if (type != WEIR_TYPE_BOOLEAN)
            code = weir_string_counts_add(&files->columns[i].counts, &batch->columns[i], NULL,
                                          batch->n_rows);
    }
    return code;
}

static int read_file(struct files *files, const char *path, struct weir_error *error)
{
    struct weir_file *file;
    int code = weir_file_open(path, WEIR_FORMAT_CSV, &file, error);
    if (code)
        return code;
    for (int i = 0; i < ROLES; i++)
        files->columns[i].counts.n_codes = 0; // those of another file are other strings
    struct weir_builder_options options = {.stream = &files->stream};
    const struct weir_batch *batch;
    int more = 0;
    code = weir_file_start(file, &options, error);
    while (!code && (more = weir_file_next(file, WEIR_BATCH_ROWS, &batch, error)) > 0) {
        code = take_batch(files, batch);
        if (code)
            weir_error_set(error, code, "%s does not fit into memory", path);
    }
    weir_file_close(file);
    return code ? code : more;
}

// The columns, as label and answers.
static int tell(struct files *files, const char *positive, struct weir_error *error)
{
    struct weir_answer_fields fields;
    struct weir_answer_field *const all[ROLES] = {&fields.label, &fields.prediction, &fields.score};
    struct weir_cells *cells = NULL;
    weir_answers_find(&files->stream, &fields);
    fields.every_score = 1;
    fields.positive = positive;
    for (int i = 0; i < ROLES; i++) {
        if (!all[i]->info)
            continue;
        struct column *column = &files->columns[all[i]->index];
        all[i]->sample = column->values;
        all[i]->n = column->n;
        all[i]->counts = &column->counts;
    }
    int code = weir_cells_build_numeric(fields.label.sample, fields.label.n, &cells, error);
    if (!code)
        code = weir_answers_create(&fields, cells, NULL, &files->answers);
    if (cells)
        weir_cells_free(cells);
    if (code)
        return weir_error_set(error, code, "memory is out");
    if (!files->answers)
        return weir_error_set(error, WEIR_EINVAL,
                              "'%s' cannot be the label of these answers: a label is one of some "
                              "classes, with predictions of these or a score of two, or a number, "
                              "with numbers",
                              fields.label.info->name);
    return 0;
}

int weir_compare_answers(const char *reference, const char *current,
                         const struct weir_compare_roles *roles, struct weir_compared_quality *out,
                         struct weir_error *error)
{
    struct files files = {.paths = {reference, current}};
    struct weir_profile_quality sides[2] = {{0}};
    int code = take_fields(&files, roles, error);
    for (int side = 0; side < 2 && !code; side++)
        code = read_file(&files, files.paths[side], error);
    if (!code)
        code = tell(&files, roles->positive, error);
    if (!code)
        code = read_file(&files, reference, error);
    if (!code) {
        code = weir_answers_next(files.answers, &sides[0]);
        if (code)
            weir_error_set(error, code, "memory is out");
    }
    if (!code)
        code = read_file(&files, current, error);
    if (!code) {
        weir_answers_take(files.answers, &sides[1]);
        code = weir_compare_quality(&sides[0], &sides[1], out);
        if (code)
            weir_error_set(error, code, "memory is out");
    }
    for (int side = 0; side < 2; side++)
        weir_profile_quality_free(&sides[side]);
    files_free(&files);
    return code;
}
