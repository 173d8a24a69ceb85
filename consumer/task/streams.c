// SPDX-License-Identifier: Apache-2.0
// A stream's fields, from all who know of them: what the configuration declares, what the
// references' profiles saw, what the source's schema says; in this order, the first who says
// something of a field's type decides.
#include <stdlib.h>
#include <string.h>

#include "consumer/task/plan.h"

int weir_plan_field(const struct weir_stream *stream, const char *name)
{
    for (size_t i = 0; i < stream->n_fields; i++) {
        if (!strcmp(stream->fields[i].name, name))
            return (int)i;
    }
    return -1;
}

static struct weir_field *find(struct weir_field *fields, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(fields[i].name, name))
            return &fields[i];
    }
    return NULL;
}

// Is the profile that a detector of this stream refers to about this stream?
static int uses_profile(const struct weir_plan *plan, size_t stream, size_t reference)
{
    const struct weir_config *config = plan->config;
    for (size_t d = 0; d < config->n_detectors; d++) {
        const struct weir_detector_entry *entry = &config->detectors[d];
        if ((size_t)entry->stream != stream)
            continue;
        for (size_t i = 0; i < entry->n_references; i++) {
            if ((size_t)entry->references[i] == reference)
                return 1;
        }
    }
    return 0;
}

static int looks_alike(enum weir_type a, enum weir_type b)
{
    int a_number = a == WEIR_TYPE_LONG || a == WEIR_TYPE_DOUBLE;
    int b_number = b == WEIR_TYPE_LONG || b == WEIR_TYPE_DOUBLE;
    return a == b || (a_number && b_number);
}

// A profile of other data would be compared with what it is not about.
static int check_profile(struct weir_plan *plan, const struct weir_stream_config *config,
                         size_t reference, const struct weir_field *fields, size_t n,
                         const struct weir_schema_fields *source, struct weir_error *error)
{
    const struct weir_profile *profile = plan->profiles[reference];
    const struct weir_reference_config *entry = &plan->config->references[reference];
    size_t known = 0, shared = 0;
    for (size_t i = 0; i < n; i++) {
        const struct weir_profile_field *seen = weir_profile_find(profile, fields[i].name);
        known += fields[i].declared;
        shared += seen != NULL;
        if (seen && fields[i].type != WEIR_TYPE_UNKNOWN && !looks_alike(fields[i].type, seen->type))
            return weir_plan_fault(plan, entry->mark, error,
                                   "reference '%s': its field '%s' is %s, and stream '%s' "
                                   "declares %s: make the profile anew",
                                   entry->name, fields[i].name, weir_type_name(seen->type),
                                   config->info.name, weir_type_name(fields[i].type));
    }
    for (size_t i = 0; source && i < source->n; i++) {
        known++;
        shared += weir_profile_find(profile, source->fields[i].name) != NULL;
    }
    if (!known || shared)
        return 0;
    return weir_plan_fault(plan, entry->mark, error,
                           "reference '%s': its profile is of a stream '%s' and has no field of "
                           "stream '%s'",
                           entry->name, profile->stream, config->info.name);
}

static void add_profile(struct weir_plan *plan, const struct weir_profile *profile,
                        struct weir_field *fields, size_t *n)
{
    for (size_t i = 0; i < profile->n_fields; i++) {
        const struct weir_profile_field *from = &profile->fields[i];
        struct weir_field *to = find(fields, *n, from->name);
        if (!to) {
            to = &fields[(*n)++];
            memset(to, 0, sizeof *to);
            to->name = weir_plan_string(plan, from->name);
            to->role = from->role;
            to->nullable = from->summary.null > 0;
            to->optional = from->summary.missing > 0;
        }
        if (to->type == WEIR_TYPE_UNKNOWN)
            to->type = from->type;
    }
}

static void add_source(struct weir_plan *plan, const struct weir_schema_fields *source,
                       int is_schema, int add_new, struct weir_field *fields, size_t *n)
{
    for (size_t i = 0; i < source->n; i++) {
        const struct weir_field *from = &source->fields[i];
        struct weir_field *to = find(fields, *n, from->name);
        if (!to && add_new) {
            to = &fields[(*n)++];
            *to = *from;
            to->declared = 0;
            to->name = weir_plan_string(plan, from->name);
            to->unit = from->unit ? weir_plan_string(plan, from->unit) : NULL;
            to->semantic = from->semantic ? weir_plan_string(plan, from->semantic) : NULL;
            to->values = NULL;
            to->n_values = 0;
            to->pattern = NULL;
        } else if (to) {
            if (to->type == WEIR_TYPE_UNKNOWN) {
                to->type = from->type;
                to->is_list = from->is_list;
            }
            if (to->nullable < 0 && is_schema)
                to->nullable = from->nullable;
            if (to->optional < 0 && is_schema)
                to->optional = from->optional;
        }
    }
}

// Where nobody knows, the name and the use have to do.
static int guess_types(struct weir_plan *plan, struct weir_plan_stream *stream,
                       struct weir_field *fields, size_t n, struct weir_error *error)
{
    const struct weir_stream_config *config = stream->config;
    for (size_t i = 0; i < n; i++) {
        size_t length = strlen(fields[i].name);
        // Nobody said: neither null nor absent is legal.
        fields[i].nullable = fields[i].nullable > 0;
        fields[i].optional = fields[i].optional > 0;
        if (length > 2 && !strcmp(fields[i].name + length - 2, "[]"))
            fields[i].is_list = 1;
        if (fields[i].type != WEIR_TYPE_UNKNOWN)
            continue;
        if (fields[i].role == WEIR_ROLE_TIME)
            fields[i].type =
                config->time_unit == WEIR_TIME_AUTO ? WEIR_TYPE_STRING : WEIR_TYPE_LONG;
        else if (fields[i].role == WEIR_ROLE_KEY)
            fields[i].type = WEIR_TYPE_STRING;
        else if (!stream->tentative && plan->problems)
            return weir_plan_fault(plan, config->mark, error,
                                   "the type of field '%s' is not known: give it a `type`, or name "
                                   "a profile that has it",
                                   fields[i].name);
        else if (!stream->tentative)
            return weir_error_set(
                error, WEIR_EINVAL,
                "stream '%s': the type of field '%s' is not known: declare it under "
                "streams.%s.fields, or name a profile that has it",
                config->info.name, fields[i].name, config->info.name);
    }
    return 0;
}

int weir_plan_complete_stream(struct weir_plan *plan, size_t index,
                              const struct weir_schema_fields *source, struct weir_error *error)
{
    struct weir_plan_stream *stream = &plan->streams[index];
    const struct weir_stream_config *config = stream->config;
    size_t capacity = config->info.n_fields + (source ? source->n : 0) + 1, n = 0;
    int has_profile = 0;
    for (size_t i = 0; i < plan->config->n_references; i++)
        capacity += plan->profiles[i] ? plan->profiles[i]->n_fields : 0;
    struct weir_field *fields = weir_plan_alloc(plan, capacity * sizeof *fields);
    const struct weir_field_more **more = weir_plan_alloc(plan, capacity * sizeof *more);
    if (!fields || !more)
        return weir_error_set(error, WEIR_ENOMEM, "no memory for the fields of a stream");

    int declared = 0, code = 0;
    for (; n < config->info.n_fields; n++) {
        fields[n] = config->info.fields[n];
        more[n] = weir_stream_more(&config->info, (int)n);
        declared |= fields[n].declared;
    }
    size_t n_own = n;
    for (size_t i = 0; i < plan->config->n_references; i++) {
        if (plan->profiles[i] && uses_profile(plan, index, i)) {
            code = check_profile(plan, config, i, fields, n_own, source, error);
            if (code && !plan->problems)
                return code;
            add_profile(plan, plan->profiles[i], fields, &n);
            has_profile = 1;
        }
    }
    // A schema is the truth about its fields. What was guessed from a file's first rows only
    // helps where nothing else is said, so that a file and a topic give the same answers.
    int is_schema = config->format <= WEIR_FORMAT_AVRO_PLAIN;
    if (source)
        add_source(plan, source, is_schema, is_schema || (!declared && !has_profile), fields, &n);

    stream->info = config->info;
    stream->info.fields = stream->fields = fields;
    stream->info.n_fields = n;
    stream->info.more = more;
    stream->time_unit = config->time_unit;
    for (size_t i = 0; source && i < source->n && stream->time_unit == WEIR_TIME_AUTO; i++) {
        if (config->info.time >= 0 &&
            !strcmp(source->fields[i].name, config->info.fields[config->info.time].name))
            stream->time_unit = source->units[i];
    }
    stream->report_unknown = config->info.closed || has_profile;
    // An open stream may have more than the file says: a registry knows, or its first records.
    stream->tentative = plan->tentative && !config->info.closed && !source &&
                        (is_schema || (!declared && !has_profile));
    return guess_types(plan, stream, fields, n, error);
}
