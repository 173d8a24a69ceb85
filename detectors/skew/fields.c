// SPDX-License-Identifier: Apache-2.0
// Which fields are compared with which, and how far they may be apart.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/skew/skew.h"
#include "detectors/skew/tally.h"
#include "stats/nearest.h"

static int find_field(const struct weir_stream *stream, const char *name)
{
    for (size_t i = 0; i < stream->n_fields; i++) {
        if (!strcmp(stream->fields[i].name, name))
            return (int)i;
    }
    return -1;
}

static int find_role(const struct weir_stream *stream, enum weir_role role)
{
    for (size_t i = 0; i < stream->n_fields; i++) {
        if (stream->fields[i].role == role && !stream->fields[i].is_list)
            return (int)i;
    }
    return -1;
}

static int no_memory(struct weir_error *error)
{
    return weir_error_set(error, WEIR_ENOMEM, "no memory for the fields");
}

static int add_pair(struct skew_instance *instance, const struct weir_field *served, int at,
                    const struct weir_field *offline, int offline_at)
{
    struct skew_pair *pair = &instance->pairs[instance->n_pairs++];
    *pair = (struct skew_pair){.served = at,
                               .offline = offline_at,
                               .as_double = (served->type == WEIR_TYPE_DOUBLE) !=
                                            (offline->type == WEIR_TYPE_DOUBLE)};
    pair->name = strdup(served->name);
    pair->unit = served->unit ? strdup(served->unit) : NULL;
    return pair->name && (pair->unit || !served->unit) ? 0 : WEIR_ENOMEM;
}

static int ends_with(const char *name, const char *suffix)
{
    size_t length = strlen(name), end = strlen(suffix);
    return end && length > end && !strcmp(name + length - end, suffix);
}

static void say(const struct weir_setup *setup, const struct weir_complaint *complaint)
{
    if (setup->size > offsetof(struct weir_setup, complain) && setup->complain)
        setup->complain(setup, complaint);
}

static void leave_out(const struct weir_setup *setup, const char *name, const char *other)
{
    char message[300];
    snprintf(message, sizeof message,
             "%.100s is not compared: %.100s has no single value of that name; `fields` says which "
             "are to be",
             name, other);
    struct weir_complaint complaint = {
        .size = sizeof complaint, .option = "with", .warning = 1, .message = message};
    say(setup, &complaint);
}

// The fields F of the one side and F with the suffix of the other. Those that the configuration
// does not name need not be on both.
static int pair_fields(const struct weir_detector_config *config, const struct weir_setup *setup,
                       const struct weir_stream *other, const char *suffix,
                       struct skew_instance *instance, struct weir_error *error)
{
    const struct weir_stream *stream = config->stream;
    for (size_t i = 0; i < config->n_fields; i++) {
        char name[512];
        int served = config->fields[i];
        const struct weir_field *field = &stream->fields[served];
        if (!config->fields_given && ends_with(field->name, suffix))
            continue;
        snprintf(name, sizeof name, "%s%s", field->name, suffix);
        int offline = find_field(other, name);
        int unfit = offline < 0 || field->is_list || other->fields[offline].is_list;
        if (unfit && config->fields_given)
            return weir_error_set(error, WEIR_EINVAL,
                                  offline < 0 ? "stream %s has no field %s to compare %s with"
                                              : "in stream %s, %s is a list, or %s is: single "
                                                "values are compared",
                                  other->name, name, field->name);
        if (unfit && instance->joins)
            leave_out(setup, field->name, other->name);
        if (!unfit && add_pair(instance, field, served, &other->fields[offline], offline))
            return no_memory(error);
    }
    if (!instance->n_pairs || instance->n_pairs > SKEW_FIELDS)
        return weir_error_set(error, WEIR_EINVAL,
                              "%zu fields F of stream %s have a field F%s in %s to be compared "
                              "with; there must be from 1 to %d",
                              instance->n_pairs, stream->name, suffix, other->name, SKEW_FIELDS);
    return 0;
}

static int find_keys(const struct weir_detector_config *config, struct skew_instance *instance,
                     struct weir_error *error)
{
    const struct weir_stream *sides[] = {config->stream, config->follower->stream};
    instance->whole_keys = 1;
    for (size_t i = 0; i < 2; i++) {
        instance->key[i] = sides[i]->key;
        instance->entity[i] = find_role(sides[i], WEIR_ROLE_ENTITY);
        instance->whole_keys &=
            sides[i]->key >= 0 && sides[i]->fields[sides[i]->key].type == WEIR_TYPE_LONG;
    }
    // An entity that only one side names is none that they share.
    if (instance->entity[0] < 0 || instance->entity[1] < 0)
        instance->entity[0] = instance->entity[1] = -1;
    // The host calls the two by one name.
    size_t length = strlen(config->stream->name), tail = strlen(sides[1]->name) + 1;
    instance->served_name = strndup(config->stream->name, length > tail ? length - tail : length);
    instance->offline_name = strdup(sides[1]->name);
    return instance->served_name && instance->offline_name ? 0 : no_memory(error);
}

// ---- tolerances: "amount: 0.01", "score: 1%", "1e-6"

static int complain(const struct weir_setup *setup, size_t item, size_t offset, const char *message)
{
    struct weir_complaint complaint = {.size = sizeof complaint,
                                       .option = "tolerance",
                                       .item = item,
                                       .offset = offset,
                                       .message = message};
    say(setup, &complaint);
    return WEIR_EINVAL;
}

static int read_amount(const char *text, struct skew_tolerance *tolerance)
{
    char *end;
    double amount = strtod(text, &end);
    int relative = *end == '%';
    end += relative;
    end += strspn(end, " ");
    if (end == text || *end || !(amount >= 0) || isinf(amount))
        return WEIR_EINVAL;
    *tolerance =
        relative ? (struct skew_tolerance){0, amount / 100} : (struct skew_tolerance){amount, 0};
    return 0;
}

static int read_tolerance(const struct weir_setup *setup, const char *text, size_t item,
                          struct skew_instance *instance)
{
    static const char form[] = "expected a tolerance as in `amount: 0.01`, `score: 1%`, or `1e-6` "
                               "for all fields";
    const char *colon = strrchr(text, ':');
    const char *amount = colon ? colon + 1 + strspn(colon + 1, " ") : text;
    struct skew_tolerance tolerance;
    struct weir_nearest nearest = {0};
    char message[300];
    int found = 0;
    if (read_amount(amount, &tolerance))
        return complain(setup, item, (size_t)(amount - text), form);
    for (size_t i = 0; i < instance->n_pairs; i++) {
        const char *name = instance->pairs[i].name;
        int named = colon && strlen(name) == (size_t)(colon - text) &&
                    !strncmp(name, text, (size_t)(colon - text));
        if (named || !colon)
            instance->pairs[i].tolerance = tolerance;
        found |= named || !colon;
        char word[64];
        snprintf(word, sizeof word, "%.*s", colon ? (int)(colon - text) : 0, text);
        weir_nearest_offer(&nearest, word, name);
    }
    if (found)
        return 0;
    snprintf(message, sizeof message, "no field '%.*s' is compared%s%.80s%s",
             (int)(colon - text) < 80 ? (int)(colon - text) : 80, text,
             nearest.best ? "; did you mean '" : "", nearest.best ? nearest.best : "",
             nearest.best ? "'?" : "");
    return complain(setup, item, 0, message);
}

static int read_tolerances(const struct weir_detector_config *config,
                           const struct weir_setup *setup, struct skew_instance *instance,
                           struct weir_error *error)
{
    const struct weir_option_value *value = &config->options[SKEW_TOLERANCE];
    int code = 0;
    // Those for all first, so that those by name stand.
    for (int named = 0; named < 2 && value->set; named++) {
        for (size_t i = 0; i < value->n_strings; i++) {
            if ((strrchr(value->strings[i], ':') != NULL) == named &&
                read_tolerance(setup, value->strings[i], i, instance))
                code = weir_error_set(error, WEIR_EINVAL, "tolerance: '%.100s' cannot be read",
                                      value->strings[i]);
        }
    }
    return code;
}

static int find_slices(const struct weir_detector_config *config, struct skew_instance *instance,
                       struct weir_error *error)
{
    if (config->n_by > SKEW_BY)
        return weir_error_set(error, WEIR_EINVAL, "row by row at most %d `by:` are looked at",
                              SKEW_BY);
    for (size_t by = 0; by < config->n_by; by++) {
        size_t n = config->n_by_fields[by];
        if (n > SKEW_BY_FIELDS)
            return weir_error_set(error, WEIR_EINVAL, "row by row a slice is of at most %d fields",
                                  SKEW_BY_FIELDS);
        instance->n_by = by + 1;
        for (size_t i = 0; i < n; i++) {
            instance->by[by][i] = config->by[by][i];
            instance->by_names[by][i] = strdup(config->stream->fields[config->by[by][i]].name);
            instance->n_by_fields[by] = i + 1;
            if (!instance->by_names[by][i])
                return no_memory(error);
        }
    }
    return 0;
}

int skew_find_fields(const struct weir_detector_config *config, const struct weir_setup *setup,
                     struct skew_instance *instance, struct weir_error *error)
{
    const struct weir_option_value *suffix = &config->options[SKEW_SUFFIX];
    instance->joins = config->follower != NULL;
    instance->pairs = calloc(config->n_fields + 1, sizeof *instance->pairs);
    if (!instance->pairs)
        return no_memory(error);
    const char *end = suffix->set && suffix->string ? suffix->string : "";
    int code = instance->joins ? find_keys(config, instance, error) : 0;
    if (!code)
        code =
            pair_fields(config, setup, instance->joins ? config->follower->stream : config->stream,
                        end, instance, error);
    if (!code)
        code = find_slices(config, instance, error);
    return code ? code : read_tolerances(config, setup, instance, error);
}
