// SPDX-License-Identifier: Apache-2.0
// What a detector compares with: profiles, and what it is to make of the stream itself.
#include <stdlib.h>
#include <string.h>

#include "consumer/task/plan.h"
#include "stats/cells_build.h"
#include "stats/hash.h"

// ---- cells

static int make_cells(const struct weir_field *field, struct weir_cells **cells)
{
    struct weir_category *categories = NULL;
    struct weir_category_counts counts = {.shape = WEIR_SHAPE_CATEGORICAL};
    if (field->type == WEIR_TYPE_BOOLEAN)
        return weir_cells_build_boolean(cells, NULL);
    if (field->type != WEIR_TYPE_STRING)
        return 0;
    if (field->n_values) {
        categories = calloc(field->n_values, sizeof *categories);
        if (!categories)
            return WEIR_ENOMEM;
        for (size_t i = 0; i < field->n_values; i++) {
            size_t length = strlen(field->values[i]);
            categories[i].string = (struct weir_string){field->values[i], (uint32_t)length,
                                                        weir_hash(field->values[i], length)};
        }
        counts.categories = categories;
        counts.n = field->n_values;
    }
    int code = weir_cells_build_categories(&counts, cells, NULL);
    free(categories);
    return code;
}

const struct weir_cells *weir_plan_cells(const struct weir_plan_detector *detector, int field)
{
    const char *name = detector->config.stream->fields[field].name;
    for (size_t i = 0; i < detector->config.n_references; i++) {
        if (!detector->references[i])
            continue;
        const struct weir_profile_field *found = weir_profile_find(detector->references[i], name);
        if (found)
            return found->cells;
    }
    const struct weir_profile_field *calibrated =
        detector->calibration ? weir_profile_find(detector->calibration, name) : NULL;
    if (calibrated)
        return calibrated->cells;
    return detector->made ? detector->made[field] : NULL;
}

// Without a profile there is nothing that says where the cells of strings and booleans are.
static int make_all_cells(struct weir_plan *plan, struct weir_plan_detector *detector,
                          struct weir_error *error)
{
    const struct weir_stream *stream = detector->config.stream;
    detector->made = weir_plan_alloc(plan, (stream->n_fields + 1) * sizeof *detector->made);
    if (!detector->made)
        return weir_plan_no_memory(error);
    for (size_t i = 0; i < stream->n_fields; i++) {
        if (make_cells(&stream->fields[i], &detector->made[i]))
            return weir_plan_no_memory(error);
    }
    return 0;
}

// ---- slices

// The position of `by: [fields]`, which is added where the configuration does not ask for it.
static int find_by(struct weir_plan *plan, struct weir_plan_detector *detector, const int *fields,
                   size_t n, unsigned *out, struct weir_error *error)
{
    struct weir_detector_config *config = &detector->config;
    for (size_t i = 0; i < config->n_by; i++) {
        if (config->n_by_fields[i] == n && !memcmp(config->by[i], fields, n * sizeof *fields)) {
            *out = (unsigned)i + 1;
            return 0;
        }
    }
    const int **by = weir_plan_alloc(plan, (config->n_by + 1) * sizeof *by);
    size_t *n_fields = weir_plan_alloc(plan, (config->n_by + 1) * sizeof *n_fields);
    if (!by || !n_fields)
        return weir_plan_no_memory(error);
    for (size_t i = 0; i < config->n_by; i++) {
        by[i] = config->by[i];
        n_fields[i] = config->n_by_fields[i];
    }
    by[config->n_by] = fields;
    n_fields[config->n_by] = n;
    config->by = by;
    config->n_by_fields = n_fields;
    *out = (unsigned)++config->n_by;
    return 0;
}

static int no_field(struct weir_plan *plan, const struct weir_plan_detector *detector,
                    const struct weir_reference_config *reference, const char *what,
                    struct weir_error *error)
{
    if (plan->streams[detector->stream].tentative)
        return weir_error_set(error, WEIR_ENOTFOUND, "not known here");
    return weir_plan_fault(plan, reference->mark, error,
                           "reference '%s': stream '%s' has no field %s", reference->name,
                           detector->config.stream->name, what);
}

static int resolve_slice(struct weir_plan *plan, struct weir_plan_detector *detector,
                         const struct weir_reference_config *reference,
                         struct weir_reference_spec *spec, struct weir_error *error)
{
    const struct weir_stream *stream = detector->config.stream;
    int is_model = reference->kind == WEIR_REFERENCE_MODEL;
    size_t n = is_model ? 1 : reference->n_slice;
    int *fields = weir_plan_alloc(plan, (n + 1) * sizeof *fields);
    const char **values = weir_plan_alloc(plan, (n + 1) * sizeof *values);
    if (!fields || !values)
        return weir_plan_no_memory(error);
    for (size_t k = 0; k < n; k++) {
        fields[k] = is_model ? -1 : weir_plan_field(stream, reference->slice_fields[k]);
        for (size_t i = 0; is_model && i < stream->n_fields && fields[k] < 0; i++)
            fields[k] = stream->fields[i].role == WEIR_ROLE_MODEL_VERSION ? (int)i : -1;
        if (fields[k] < 0)
            return no_field(plan, detector, reference,
                            is_model ? "with the role model_version" : reference->slice_fields[k],
                            error);
        values[k] = is_model ? reference->model : reference->slice_values[k];
    }
    spec->values = values;
    return find_by(plan, detector, fields, n, &spec->by, error);
}

// ---- references

static int takes(const struct weir_plugin *plugin, enum weir_reference_kind kind)
{
    size_t needed = offsetof(struct weir_plugin, reference_kinds) + sizeof plugin->reference_kinds;
    return plugin->size >= needed && plugin->reference_kinds >> kind & 1;
}

static int resolve(struct weir_plan *plan, struct weir_plan_detector *detector,
                   const struct weir_reference_config *reference, struct weir_reference_spec *spec,
                   struct weir_error *error)
{
    *spec = (struct weir_reference_spec){.size = sizeof *spec,
                                         .kind = reference->kind,
                                         .windows = reference->previous,
                                         .span = reference->same_hour,
                                         .from = reference->from,
                                         .to = reference->to};
    if (!takes(detector->plugin, reference->kind))
        return weir_plan_fault(plan, detector->entry->mark, error,
                               "detector '%s': %s compares with profiles only, and reference '%s' "
                               "is none",
                               detector->entry->name, detector->plugin->name, reference->name);
    if (reference->kind == WEIR_REFERENCE_MODEL || reference->kind == WEIR_REFERENCE_SLICE)
        return resolve_slice(plan, detector, reference, spec, error);
    return 0;
}

int weir_plan_resolve_references(struct weir_plan *plan, struct weir_plan_detector *detector,
                                 struct weir_error *error)
{
    const struct weir_detector_entry *entry = detector->entry;
    size_t n = entry->n_references, others = 0;
    const char **names = weir_plan_alloc(plan, (n + 1) * sizeof *names);
    struct weir_reference_spec *specs = weir_plan_alloc(plan, (n + 1) * sizeof *specs);
    detector->references = weir_plan_alloc(plan, (n + 1) * sizeof *detector->references);
    if (!names || !specs || !detector->references)
        return weir_plan_no_memory(error);
    for (size_t i = 0; i < n; i++) {
        const struct weir_reference_config *reference =
            &plan->config->references[entry->references[i]];
        names[i] = reference->name;
        detector->references[i] = plan->profiles[entry->references[i]];
        specs[i].size = sizeof *specs;
        if (reference->kind == WEIR_REFERENCE_PROFILE) {
            // During a check its profile has been found wanting already.
            if (!detector->references[i])
                return weir_error_set(error, WEIR_EINVAL, "reference '%s' cannot be used",
                                      names[i]);
            continue;
        }
        int code = resolve(plan, detector, reference, &specs[i], error);
        if (code)
            return code;
        others++;
    }
    detector->config.references = names;
    detector->config.reference_specs = specs;
    detector->config.n_references = n;
    return others ? make_all_cells(plan, detector, error) : 0;
}

// ---- what they have

const struct weir_profile *weir_plan_reference(const struct weir_plan_detector *detector, size_t i)
{
    return i < detector->config.n_references ? detector->references[i] : NULL;
}

const struct weir_summary *weir_plan_reference_summary(const struct weir_plan_detector *detector,
                                                       size_t i, int field)
{
    const struct weir_stream *stream = detector->config.stream;
    const struct weir_profile *profile = weir_plan_reference(detector, i);
    if (!profile || field < 0 || (size_t)field >= stream->n_fields)
        return NULL;
    const struct weir_profile_field *found = weir_profile_find(profile, stream->fields[field].name);
    return found ? &found->summary : NULL;
}
