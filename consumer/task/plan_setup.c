// SPDX-License-Identifier: Apache-2.0
// Making detectors: what they ask for at create(), and the host's own rules.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "consumer/log/log.h"
#include "consumer/task/plan.h"

struct setup {
    struct weir_setup api;
    struct weir_plan *plan;
    struct weir_plan_detector *detector;
    int complaints; // that are faults
    int failed;
    struct weir_error error; // the first
};

static struct setup *setup_of(const struct weir_setup *api)
{
    return (struct setup *)api->host;
}

static enum weir_shape shape_of(const struct weir_field *field)
{
    switch (field->type) {
    case WEIR_TYPE_BOOLEAN:
        return WEIR_SHAPE_BOOLEAN;
    case WEIR_TYPE_LONG:
    case WEIR_TYPE_DOUBLE:
        return WEIR_SHAPE_NUMERIC;
    default:
        return WEIR_SHAPE_CATEGORICAL;
    }
}

const struct weir_slot *weir_plan_slot(const struct weir_plan_spec *spec, unsigned by, int field,
                                       const struct weir_cells *cells, size_t *position)
{
    const struct weir_slot *found = NULL;
    for (size_t i = spec->first_slot[by]; i < spec->first_slot[by + 1]; i++) {
        const struct weir_slot *slot = &spec->slots[i];
        if (slot->field != field || (found && slot->spec.cells != cells))
            continue;
        found = slot;
        *position = i;
    }
    return found;
}

static int setup_need(const struct weir_setup *api, unsigned by, int field, unsigned parts,
                      struct weir_error *error)
{
    struct setup *setup = setup_of(api);
    struct weir_plan_detector *detector = setup->detector;
    const struct weir_stream *stream = detector->config.stream;
    if (by > detector->config.n_by || field < 0 || (size_t)field >= stream->n_fields)
        return weir_error_set(error, WEIR_EINVAL,
                              "detector '%s' asks for a field or slice that "
                              "there is not",
                              detector->name);
    const struct weir_cells *cells = NULL;
    if (parts & WEIR_PART_CELLS) {
        cells = weir_plan_cells(detector, field);
        if (!cells)
            return weir_error_set(error, WEIR_EINVAL,
                                  "detector '%s': none of its references knows field '%s'",
                                  detector->name, stream->fields[field].name);
    }
    struct weir_plan_spec *spec = &setup->plan->streams[detector->stream].specs[detector->spec];
    by = by ? detector->by[by - 1] : 0;
    // An equal slot, or one that only lacks cells, serves both.
    for (size_t i = 0; i < spec->layout.n_slots; i++) {
        struct weir_slot *slot = &spec->slots[i];
        if (slot->by == by && slot->field == field &&
            (slot->spec.cells == cells || !slot->spec.cells || !cells)) {
            slot->spec.parts |= parts;
            if (cells) {
                slot->spec.cells = cells;
                slot->spec.shape = cells->shape;
            }
            return 0;
        }
    }
    struct weir_slot *slots =
        weir_plan_alloc(setup->plan, (spec->layout.n_slots + 1) * sizeof *slots);
    if (!slots)
        return weir_plan_no_memory(error);
    size_t at = 0;
    while (
        at < spec->layout.n_slots &&
        (spec->slots[at].by < by || (spec->slots[at].by == by && spec->slots[at].field <= field)))
        at++;
    if (at)
        memcpy(slots, spec->slots, at * sizeof *slots);
    if (at < spec->layout.n_slots)
        memcpy(slots + at + 1, spec->slots + at, (spec->layout.n_slots - at) * sizeof *slots);
    slots[at].by = by;
    slots[at].field = field;
    slots[at].field_name = stream->fields[field].name;
    slots[at].spec.parts = parts;
    slots[at].spec.cells = cells;
    slots[at].spec.shape = cells ? cells->shape : shape_of(&stream->fields[field]);
    spec->slots = slots;
    spec->layout.slots = slots;
    spec->layout.n_slots++;
    return 0;
}

static int add_rule(struct weir_plan *plan, struct weir_plan_detector *detector,
                    const struct weir_rule *rule, struct weir_error *error)
{
    struct weir_plan_rule *rules = weir_plan_alloc(plan, (detector->n_rules + 1) * sizeof *rules);
    char *name = weir_plan_string(plan, rule->name), *kind = weir_plan_string(plan, rule->kind);
    if (!rules || !name || !kind)
        return weir_plan_no_memory(error);
    // Behind a newline the details of a rule have their names (consumer/window/tally.h).
    for (char *c = name; *c; c++)
        *c = (unsigned char)*c < 0x20 ? ' ' : *c;
    if (detector->n_rules)
        memcpy(rules, detector->rules, detector->n_rules * sizeof *rules);
    rules[detector->n_rules].rule = *rule;
    rules[detector->n_rules].rule.name = name;
    rules[detector->n_rules].rule.kind = kind;
    detector->rules = rules;
    return (int)detector->n_rules++;
}

static int setup_rule(const struct weir_setup *api, const struct weir_rule *rule,
                      struct weir_error *error)
{
    struct setup *setup = setup_of(api);
    for (size_t i = 0; i < setup->detector->n_rules; i++) {
        if (!strcmp(setup->detector->rules[i].rule.name, rule->name))
            return weir_error_set(error, WEIR_EINVAL, "detector '%s' declares rule '%s' twice",
                                  setup->detector->name, rule->name);
    }
    return add_rule(setup->plan, setup->detector, rule, error);
}

static const struct weir_summary *setup_reference(const struct weir_setup *api, size_t i, int field)
{
    return weir_plan_reference_summary(setup_of(api)->detector, i, field);
}

static const struct weir_cells *setup_cells(const struct weir_setup *api, int field)
{
    const struct weir_plan_detector *detector = setup_of(api)->detector;
    if (field < 0 || (size_t)field >= detector->config.stream->n_fields)
        return NULL;
    return weir_plan_cells(detector, field);
}

enum { SAMPLE_BYTES = 1 << 20 };

static int setup_sample(const struct weir_setup *api, size_t rows, struct weir_error *error)
{
    struct setup *setup = setup_of(api);
    const struct weir_plan_detector *detector = setup->detector;
    const struct weir_stream *stream = detector->config.stream;
    struct weir_plan_spec *spec = &setup->plan->streams[detector->stream].specs[detector->spec];
    if (!rows || rows > WEIR_RESERVOIR_ROWS_MOST)
        return weir_error_set(error, WEIR_EINVAL,
                              "detector '%s' asks for a sample of %zu rows: 1 to %d can be kept",
                              detector->name, rows, WEIR_RESERVOIR_ROWS_MOST);
    if (spec->layout.sample) {
        spec->sample.rows = rows > spec->sample.rows ? rows : spec->sample.rows;
        return 0;
    }
    struct weir_reservoir_field *fields =
        weir_plan_alloc(setup->plan, (stream->n_fields + 1) * sizeof *fields);
    if (!fields)
        return weir_plan_no_memory(error);
    size_t n = 0;
    for (size_t i = 0; i < stream->n_fields; i++) {
        const struct weir_field *field = &stream->fields[i];
        if (field->type != WEIR_TYPE_UNKNOWN)
            fields[n++] =
                (struct weir_reservoir_field){field->name, field->type, field->is_list, (int)i};
    }
    spec->sample = (struct weir_reservoir_spec){fields, n, rows, SAMPLE_BYTES};
    spec->layout.sample = &spec->sample;
    return 0;
}

static const struct weir_reservoir *setup_reference_sample(const struct weir_setup *api, size_t i)
{
    const struct weir_profile *profile = weir_plan_reference(setup_of(api)->detector, i);
    return profile ? profile->sample : NULL;
}

static void setup_hold_open(const struct weir_setup *api, int64_t ms)
{
    struct setup *setup = setup_of(api);
    struct weir_plan_stream *stream = &setup->plan->streams[setup->detector->stream];
    if (stream->joined && ms > stream->hold_open)
        stream->hold_open = ms;
}

// Where an option, or a key of a field, stands.
static struct weir_mark find_place(const struct setup *setup,
                                   const struct weir_complaint_place *place)
{
    const struct weir_plan *plan = setup->plan;
    const struct weir_plan_detector *detector = setup->detector;
    const struct weir_stream *stream = detector->config.stream;
    if (place->field && place->field <= stream->n_fields)
        return weir_config_field_place(plan->config, (size_t)detector->entry->stream,
                                       stream->fields[place->field - 1].name, place->option,
                                       place->item, place->offset);
    return weir_config_place(plan->config, detector->entry, place->option, place->item,
                             place->offset);
}

static void name_option(const struct setup *setup, const struct weir_complaint_place *place,
                        char *out, size_t size)
{
    const struct weir_stream *stream = setup->detector->config.stream;
    const char *option = place->option ? place->option : "";
    const char *dot = *option ? "." : "";
    int of = setup->detector->entry->stream; // not a joined one
    if (place->field && place->field <= stream->n_fields)
        snprintf(out, size, "streams.%.80s.fields.%.100s%s%.80s",
                 setup->plan->config->streams[of].info.name, stream->fields[place->field - 1].name,
                 dot, option);
    else
        snprintf(out, size, "detectors.%.150s%s%.80s", setup->detector->name, dot, option);
}

// "; see a.yaml:3:7, a.yaml:9:2"
static void name_places(const struct setup *setup, const struct weir_complaint *complaint,
                        char *out, size_t size)
{
    int has_places = complaint->size > offsetof(struct weir_complaint, n_places);
    size_t at = 0;
    *out = 0;
    for (size_t i = 0; has_places && i < complaint->n_places && i < 4; i++) {
        struct weir_mark mark = find_place(setup, &complaint->places[i]);
        int n = snprintf(out + at, size - at, "%s%.100s:%u:%u", i ? ", " : "; see ",
                         setup->plan->config->path, mark.line, mark.column);
        if (n < 0 || (size_t)n >= size - at) {
            out[at] = 0;
            return;
        }
        at += (size_t)n;
    }
}

static size_t setup_calibration_panes(const struct weir_setup *api)
{
    const struct weir_profile *profile = setup_of(api)->detector->calibration;
    return profile ? profile->n_panes : 0;
}

static const struct weir_calibration_pane *setup_calibration_pane(const struct weir_setup *api,
                                                                  size_t k)
{
    return k < setup_calibration_panes(api) ? &setup_of(api)->plan->calibration_panes[k] : NULL;
}

static const struct weir_summary *setup_calibration_summary(const struct weir_setup *api, size_t k,
                                                            int field)
{
    return weir_plan_calibration_summary(setup_of(api)->detector, k, field);
}

static void setup_complain(const struct weir_setup *api, const struct weir_complaint *complaint)
{
    struct setup *setup = setup_of(api);
    struct weir_plan *plan = setup->plan;
    int has_field = complaint->size > offsetof(struct weir_complaint, field);
    const struct weir_complaint_place place = {complaint->option, complaint->item,
                                               complaint->offset, has_field ? complaint->field : 0};
    struct weir_mark mark = find_place(setup, &place);
    char where[300], see[300];
    name_option(setup, &place, where, sizeof where);
    name_places(setup, complaint, see, sizeof see);
    if (complaint->warning && plan->problems) {
        if (weir_problems_add(plan->problems, mark, 1, "%s: %s%s", where, complaint->message, see))
            setup->failed = WEIR_ENOMEM;
    } else if (complaint->warning) {
        weir_log(WEIR_LOG_WARNING, "config", "%s:%u:%u: %s: %s%s", plan->config->path, mark.line,
                 mark.column, where, complaint->message, see);
    } else {
        struct weir_error error;
        int code = weir_plan_fault(plan, mark, &error, "%s: %s%s", where, complaint->message, see);
        if (code == WEIR_ENOMEM)
            setup->failed = code;
        if (!setup->complaints++)
            setup->error = error;
    }
}

// What create() said: its complaints where it has made some, else its error.
static int create_failed(struct setup *setup, int code, const struct weir_error *inner,
                         struct weir_error *error)
{
    struct weir_plan *plan = setup->plan;
    const struct weir_detector_entry *entry = setup->detector->entry;
    if (setup->failed || code == WEIR_ENOMEM)
        return weir_plan_no_memory(error);
    if (setup->complaints) {
        if (error)
            *error = setup->error;
        return WEIR_EINVAL;
    }
    // With fields that are not known its word may be rash.
    if (plan->streams[setup->detector->stream].tentative)
        return weir_error_set(error, WEIR_ENOTFOUND, "not known here");
    return weir_plan_fault(plan, entry->mark, error, "detector '%s': %s", entry->name,
                           inner->message);
}

int weir_plan_create_detector(struct weir_plan *plan, struct weir_plan_detector *detector,
                              struct weir_error *error)
{
    struct weir_plan_stream *stream = &plan->streams[detector->stream];
    const struct weir_detector_entry *entry = detector->entry;
    int code = weir_plan_configure(plan, detector, error);
    if (code)
        return code;
    struct weir_plan_spec *spec = weir_plan_spec_for(plan, stream, &entry->window);
    detector->spec = (size_t)(spec - stream->specs);
    detector->by = weir_plan_alloc(plan, (detector->config.n_by + 1) * sizeof *detector->by);
    if (!detector->by || (!spec->layout.n_by &&
                          weir_plan_add_by(plan, spec, &stream->info, NULL, 0, &(unsigned){0})))
        return weir_plan_no_memory(error);
    for (size_t i = 0; i < detector->config.n_by; i++) {
        if (weir_plan_add_by(plan, spec, &stream->info, detector->config.by[i],
                             detector->config.n_by_fields[i], &detector->by[i]))
            return weir_plan_no_memory(error);
    }
    struct setup setup = {.api = {.size = sizeof setup.api,
                                  .host = &setup,
                                  .need = setup_need,
                                  .rule = setup_rule,
                                  .reference = setup_reference,
                                  .complain = setup_complain,
                                  .tentative = stream->tentative,
                                  .cells = setup_cells,
                                  .sample = setup_sample,
                                  .reference_sample = setup_reference_sample,
                                  .hold_open = setup_hold_open,
                                  .calibration_panes = setup_calibration_panes,
                                  .calibration_pane = setup_calibration_pane,
                                  .calibration_summary = setup_calibration_summary},
                          .plan = plan,
                          .detector = detector};
    struct weir_error inner = {0};
    code = detector->plugin->create(&detector->config, &setup.api, &detector->instance, &inner);
    if (code || setup.failed)
        return create_failed(&setup, code, &inner, error);
    size_t *detectors = weir_plan_alloc(plan, (spec->n_detectors + 1) * sizeof *detectors);
    if (!detectors)
        return weir_plan_no_memory(error);
    if (spec->n_detectors)
        memcpy(detectors, spec->detectors, spec->n_detectors * sizeof *detectors);
    detectors[spec->n_detectors++] = (size_t)(detector - plan->detectors);
    spec->detectors = detectors;
    return 0;
}

// The host's own rules of a stream.
int weir_plan_create_host(struct weir_plan *plan, size_t stream,
                          struct weir_plan_detector *detector, struct weir_error *error)
{
    static const struct weir_rule fixed[] = {
        {"undecodable", "schema.undecodable", -1, WEIR_CRITICAL, WEIR_ACTION_FIX_PRODUCER,
         WEIR_RULE_QUARANTINE},
        {"jump", "schema.time", -1, WEIR_WARNING, WEIR_ACTION_FIX_PRODUCER, 0},
        {"limit", "weir.limit", -1, WEIR_WARNING, WEIR_ACTION_TUNE_WEIR, 0},
        {"gap", "weir.gap", -1, WEIR_CRITICAL, WEIR_ACTION_TUNE_WEIR, 0},
        {"circuit", "weir.circuit_open", -1, WEIR_CRITICAL, WEIR_ACTION_INVESTIGATE_UPSTREAM, 0},
        {"leap", "schema.time", -1, WEIR_INFO, WEIR_ACTION_INVESTIGATE_UPSTREAM, 0},
    };
    detector->name = "weir";
    detector->type = "weir";
    detector->stream = stream;
    detector->config.stream = &plan->streams[stream].info;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        struct weir_rule rule = fixed[i];
        rule.field = strcmp(rule.kind, "schema.time") ? -1 : plan->streams[stream].info.time;
        int code = add_rule(plan, detector, &rule, error);
        if (code < 0)
            return code;
    }
    for (size_t i = 0; i < plan->streams[stream].n_detectors; i++) {
        char name[128];
        const char *of = plan->detectors[plan->streams[stream].detectors[i]].name;
        snprintf(name, sizeof name, "detector_failed:%.100s", of);
        struct weir_rule rule = {name,          "weir.detector_failed", -1,
                                 WEIR_CRITICAL, WEIR_ACTION_TUNE_WEIR,  0};
        int code = add_rule(plan, detector, &rule, error);
        if (code < 0)
            return code;
    }
    return 0;
}
