// SPDX-License-Identifier: Apache-2.0
// A detector's configuration, its names resolved: what create() is given.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "consumer/task/plan.h"

// A name that no field has. It may be one that only the registry knows: then it is no fault yet,
// and the detector is not made.
__attribute__((format(printf, 4, 5))) static int unknown(struct weir_plan *plan,
                                                         const struct weir_plan_detector *detector,
                                                         struct weir_error *error,
                                                         const char *format, ...)
{
    char text[300];
    va_list args;
    if (plan->streams[detector->stream].tentative)
        return weir_error_set(error, WEIR_ENOTFOUND, "not known here");
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return weir_plan_fault(plan, detector->entry->mark, error, "%s", text);
}

static int resolve_fields(struct weir_plan *plan, struct weir_plan_detector *detector,
                          struct weir_error *error)
{
    const struct weir_detector_entry *entry = detector->entry;
    const struct weir_stream *stream = &plan->streams[detector->stream].info;
    int given = entry->n_fields + entry->n_field_names > 0;
    size_t limit = stream->n_fields + entry->n_fields + entry->n_field_names, n = 0;
    int *fields = weir_plan_alloc(plan, (limit + 1) * sizeof *fields);
    if (!fields)
        return weir_plan_no_memory(error);
    for (size_t i = 0; i < entry->n_fields; i++)
        fields[n++] = entry->fields[i];
    for (size_t i = 0; i < entry->n_field_names; i++) {
        int field = weir_plan_field(stream, entry->field_names[i]);
        if (field < 0)
            return unknown(plan, detector, error,
                           "detector '%s': stream '%s' has no field '%s', neither declared nor in "
                           "a schema or profile",
                           entry->name, stream->name, entry->field_names[i]);
        fields[n++] = field;
    }
    for (size_t i = 0; i < stream->n_fields && !given; i++) {
        enum weir_role role = stream->fields[i].role;
        if (role == WEIR_ROLE_FEATURE || role == WEIR_ROLE_SCORE || role == WEIR_ROLE_PREDICTION)
            fields[n++] = (int)i;
    }
    detector->config.fields = fields;
    detector->config.n_fields = n;
    detector->config.fields_given = given;
    return 0;
}

// Options that name a field which only a schema or profile knows.
static int resolve_options(struct weir_plan *plan, struct weir_plan_detector *detector,
                           struct weir_error *error)
{
    const struct weir_detector_entry *entry = detector->entry;
    const struct weir_option *table = detector->plugin->options;
    size_t n = 0;
    while (table && table[n].key)
        n++;
    struct weir_option_value *values = weir_plan_alloc(plan, (n + 1) * sizeof *values);
    if (!values)
        return weir_plan_no_memory(error);
    for (size_t i = 0; i < n; i++) {
        values[i] = entry->options[i];
        if (table[i].type != WEIR_OPTION_FIELD || !values[i].set || values[i].integer >= 0 ||
            !values[i].string)
            continue;
        values[i].integer =
            weir_plan_field(&plan->streams[detector->stream].info, values[i].string);
        if (values[i].integer < 0)
            return unknown(plan, detector, error,
                           "detector '%s': %s: stream '%s' has no field '%s'", entry->name,
                           table[i].key, plan->streams[detector->stream].info.name,
                           values[i].string);
    }
    detector->config.options = values;
    return 0;
}

static int resolve_by(struct weir_plan *plan, struct weir_plan_detector *detector,
                      struct weir_error *error)
{
    const struct weir_detector_entry *entry = detector->entry;
    const struct weir_stream *stream = &plan->streams[detector->stream].info;
    int **by = weir_plan_alloc(plan, (entry->n_by + 1) * sizeof *by);
    if (!by)
        return weir_plan_no_memory(error);
    for (size_t i = 0; i < entry->n_by; i++) {
        by[i] = weir_plan_alloc(plan, (entry->n_by_fields[i] + 1) * sizeof **by);
        if (!by[i])
            return weir_plan_no_memory(error);
        for (size_t k = 0; k < entry->n_by_fields[i]; k++) {
            by[i][k] = weir_plan_field(stream, entry->by_names[i][k]);
            if (by[i][k] < 0)
                return unknown(plan, detector, error,
                               "detector '%s': `by` names '%s', which stream '%s' does not have",
                               entry->name, entry->by_names[i][k], stream->name);
        }
    }
    detector->config.by = (const int *const *)by;
    detector->config.n_by_fields = entry->n_by_fields;
    detector->config.n_by = detector->config.n_by_given = entry->n_by;
    return 0;
}

static int name_fields(struct weir_plan *plan, const struct weir_detector_entry *entry,
                       struct weir_peer *peer, struct weir_error *error)
{
    const struct weir_stream *declared = &plan->config->streams[entry->stream].info;
    size_t most = entry->n_fields + entry->n_field_names;
    if (!most)
        return 0;
    const char **names = weir_plan_alloc(plan, most * sizeof *names);
    if (!names)
        return weir_plan_no_memory(error);
    for (size_t i = 0; i < entry->n_fields; i++)
        names[peer->n_fields++] = declared->fields[entry->fields[i]].name;
    for (size_t i = 0; i < entry->n_field_names; i++)
        names[peer->n_fields++] = entry->field_names[i];
    peer->fields = names;
    return 0;
}

static int list_peers(struct weir_plan *plan, struct weir_plan_detector *detector,
                      struct weir_error *error)
{
    const struct weir_config *config = plan->config;
    struct weir_peer *peers = weir_plan_alloc(plan, (config->n_detectors + 1) * sizeof *peers);
    size_t n = 0;
    if (!peers)
        return weir_plan_no_memory(error);
    for (size_t i = 0; i < config->n_detectors; i++) {
        const struct weir_detector_entry *other = &config->detectors[i];
        if (other == detector->entry || other->stream != detector->entry->stream)
            continue;
        struct weir_peer *peer = &peers[n++];
        *peer = (struct weir_peer){.size = sizeof *peers,
                                   .name = other->name,
                                   .type = other->type,
                                   .window_hop = other->window.hop,
                                   .by = (const char *const *const *)other->by_names,
                                   .n_by_fields = other->n_by_fields,
                                   .n_by = other->n_by,
                                   .n_references = other->n_references};
        int code = name_fields(plan, other, peer, error);
        if (code)
            return code;
    }
    detector->config.peers = peers;
    detector->config.n_peers = n;
    return 0;
}

static uint64_t state_hash(const struct weir_plan_detector *detector)
{
    const struct weir_plugin *plugin = detector->plugin;
    uint64_t hash = XXH3_64bits(plugin->name, strlen(plugin->name));
    for (size_t i = 0; plugin->options && plugin->options[i].key; i++) {
        const struct weir_option_value *value = &detector->config.options[i];
        if (!(plugin->options[i].flags & WEIR_OPTION_RESETS_STATE) || !value->set)
            continue;
        hash = XXH3_64bits_withSeed(&value->integer, sizeof value->integer, hash);
        hash = XXH3_64bits_withSeed(&value->number, sizeof value->number, hash);
        if (value->string)
            hash = XXH3_64bits_withSeed(value->string, strlen(value->string), hash);
        for (size_t k = 0; k < value->n_strings; k++)
            hash = XXH3_64bits_withSeed(value->strings[k], strlen(value->strings[k]), hash);
    }
    return hash;
}

// Windows that count records know no days: they are calibrated only where it is asked for. Of long
// ones a month has few.
static int64_t calibration_of(const struct weir_config *config,
                              const struct weir_detector_entry *entry)
{
    static const int64_t MONTH = 30 * 24 * (int64_t)3600000, WINDOWS = 24;
    if (config->calibration_last || config->calibration_none || config->calibration_profile)
        return config->calibration_last;
    int64_t least = WINDOWS * entry->window.size;
    return entry->window.records ? 0 : least > MONTH ? least : MONTH;
}

int weir_plan_configure(struct weir_plan *plan, struct weir_plan_detector *detector,
                        struct weir_error *error)
{
    const struct weir_detector_entry *entry = detector->entry;
    detector->config.size = sizeof detector->config;
    detector->config.name = entry->name;
    detector->config.stream = &plan->streams[detector->stream].info;
    detector->config.window_size = entry->window.size;
    detector->config.window_hop = entry->window.hop;
    detector->config.window_records = entry->window.records;
    detector->config.severity = entry->severity;
    detector->config.redact = plan->config->redact;
    detector->config.open_after = entry->open_after >= 1 ? entry->open_after : 1;
    detector->config.resolve_after = entry->resolve_after >= 1 ? entry->resolve_after : 3;
    detector->config.calibration_last = calibration_of(plan->config, entry);
    detector->config.calibration_at_once = plan->config->calibration_at_once;
    detector->config.calibration_exclude = plan->config->calibration_exclude;
    detector->config.n_calibration_exclude = plan->config->n_calibration_exclude;
    weir_plan_set_budget(plan, detector);
    int code = list_peers(plan, detector, error);
    if (!code)
        code = resolve_options(plan, detector, error);
    if (code)
        return code;
    detector->state_hash = state_hash(detector);
    code = resolve_fields(plan, detector, error);
    if (!code)
        code = weir_plan_set_follower(plan, detector, error);
    if (!code)
        code = resolve_by(plan, detector, error);
    if (!code)
        code = weir_plan_resolve_references(plan, detector, error);
    return code ? code : weir_plan_set_calibration(plan, detector, error);
}
