// SPDX-License-Identifier: Apache-2.0
#include "consumer/task/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

// Memory of the plan: a list of blocks.
struct block {
    struct block *next;
    max_align_t data[];
};

void *weir_plan_alloc(struct weir_plan *plan, size_t size)
{
    struct block *block = calloc(1, sizeof *block + size);
    if (!block)
        return NULL;
    block->next = plan->arena;
    plan->arena = block;
    return block->data;
}

char *weir_plan_string(struct weir_plan *plan, const char *text)
{
    size_t length = strlen(text);
    char *copy = weir_plan_alloc(plan, length + 1);
    if (copy)
        memcpy(copy, text, length);
    return copy;
}

static int no_memory(struct weir_error *error)
{
    return weir_error_set(error, WEIR_ENOMEM, "no memory to compile the configuration");
}

static int load_profiles(struct weir_plan *plan, struct weir_error *error)
{
    const struct weir_config *config = plan->config;
    plan->profiles = weir_plan_alloc(plan, (config->n_references + 1) * sizeof *plan->profiles);
    if (!plan->profiles)
        return no_memory(error);
    for (size_t i = 0; i < config->n_references; i++) {
        const struct weir_reference_config *reference = &config->references[i];
        if (reference->kind != WEIR_REFERENCE_PROFILE)
            continue;
        int code = weir_profile_load(reference->profile, &plan->profiles[i], error);
        if (code)
            return code;
    }
    return 0;
}

// ---- detectors' configurations

static int resolve_fields(struct weir_plan *plan, struct weir_plan_detector *detector,
                          struct weir_error *error)
{
    const struct weir_detector_entry *entry = detector->entry;
    const struct weir_stream *stream = &plan->streams[detector->stream].info;
    int given = entry->n_fields + entry->n_field_names > 0;
    size_t limit = stream->n_fields + entry->n_fields + entry->n_field_names, n = 0;
    int *fields = weir_plan_alloc(plan, (limit + 1) * sizeof *fields);
    if (!fields)
        return no_memory(error);
    for (size_t i = 0; i < entry->n_fields; i++)
        fields[n++] = entry->fields[i];
    for (size_t i = 0; i < entry->n_field_names; i++) {
        int field = weir_plan_field(stream, entry->field_names[i]);
        if (field < 0)
            return weir_error_set(error, WEIR_EINVAL,
                                  "%s:%u:%u: error: detector '%s': stream '%s' has no field '%s', "
                                  "neither declared nor in a schema or profile",
                                  plan->config->path, entry->mark.line, entry->mark.column,
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
        return no_memory(error);
    for (size_t i = 0; i < n; i++) {
        values[i] = entry->options[i];
        if (table[i].type != WEIR_OPTION_FIELD || !values[i].set || values[i].integer >= 0 ||
            !values[i].string)
            continue;
        values[i].integer =
            weir_plan_field(&plan->streams[detector->stream].info, values[i].string);
        if (values[i].integer < 0)
            return weir_error_set(error, WEIR_EINVAL,
                                  "%s:%u:%u: error: detector '%s': %s: stream '%s' has no field "
                                  "'%s'",
                                  plan->config->path, entry->mark.line, entry->mark.column,
                                  entry->name, table[i].key,
                                  plan->streams[detector->stream].info.name, values[i].string);
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
        return no_memory(error);
    for (size_t i = 0; i < entry->n_by; i++) {
        by[i] = weir_plan_alloc(plan, (entry->n_by_fields[i] + 1) * sizeof **by);
        if (!by[i])
            return no_memory(error);
        for (size_t k = 0; k < entry->n_by_fields[i]; k++) {
            by[i][k] = weir_plan_field(stream, entry->by_names[i][k]);
            if (by[i][k] < 0)
                return weir_error_set(
                    error, WEIR_EINVAL,
                    "%s:%u:%u: error: detector '%s': `by` names '%s', which stream '%s' does not "
                    "have",
                    plan->config->path, entry->mark.line, entry->mark.column, entry->name,
                    entry->by_names[i][k], stream->name);
        }
    }
    detector->config.by = (const int *const *)by;
    detector->config.n_by_fields = entry->n_by_fields;
    detector->config.n_by = entry->n_by;
    return 0;
}

static int resolve_references(struct weir_plan *plan, struct weir_plan_detector *detector,
                              struct weir_error *error)
{
    const struct weir_detector_entry *entry = detector->entry;
    const char **names = weir_plan_alloc(plan, (entry->n_references + 1) * sizeof *names);
    detector->references =
        weir_plan_alloc(plan, (entry->n_references + 1) * sizeof *detector->references);
    if (!names || !detector->references)
        return no_memory(error);
    for (size_t i = 0; i < entry->n_references; i++) {
        names[i] = plan->config->references[entry->references[i]].name;
        detector->references[i] = plan->profiles[entry->references[i]];
        if (!detector->references[i])
            return weir_error_set(
                error, WEIR_EINVAL,
                "%s:%u:%u: error: detector '%s': reference '%s' is no profile; other kinds of "
                "reference are not built yet",
                plan->config->path, entry->mark.line, entry->mark.column, entry->name, names[i]);
    }
    detector->config.references = names;
    detector->config.n_references = entry->n_references;
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

static int configure(struct weir_plan *plan, struct weir_plan_detector *detector,
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
    int code = resolve_options(plan, detector, error);
    if (code)
        return code;
    detector->state_hash = state_hash(detector);
    code = resolve_fields(plan, detector, error);
    if (!code)
        code = resolve_by(plan, detector, error);
    return code ? code : resolve_references(plan, detector, error);
}

// ---- specs

static int same_window(const struct weir_window_spec *a, const struct weir_window_spec *b)
{
    return a->size == b->size && a->hop == b->hop && a->lateness == b->lateness &&
           a->records == b->records;
}

static int64_t common_divisor(int64_t a, int64_t b)
{
    while (b) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

int32_t weir_plan_partition(const struct weir_plan *plan, const char *key)
{
    return (int32_t)(XXH3_64bits(key, strlen(key)) % plan->partials_partitions);
}

static struct weir_plan_spec *spec_for(struct weir_plan *plan, struct weir_plan_stream *stream,
                                       const struct weir_window_spec *window)
{
    for (size_t i = 0; i < stream->n_specs; i++) {
        if (same_window(&stream->specs[i].window, window))
            return &stream->specs[i];
    }
    // Room for all was made at the start, so that specs stay where they are.
    struct weir_plan_spec *spec = &stream->specs[stream->n_specs++];
    spec->window = *window;
    if (window->records) {
        spec->panes_a_window = 1;
    } else {
        spec->pane = common_divisor(window->size, window->hop);
        spec->panes_a_window = window->size / spec->pane;
    }
    snprintf(spec->key, sizeof spec->key, "%.100s|%" PRId64 ":%" PRId64 ":%" PRId64 ":%" PRId64,
             stream->info.name, window->size, window->hop, window->lateness, window->records);
    spec->partition = weir_plan_partition(plan, spec->key);
    return spec;
}

static int same_fields(const int *a, size_t n_a, const int *b, size_t n_b)
{
    for (size_t i = 0; i < n_a && n_a == n_b; i++) {
        if (a[i] != b[i])
            return 0;
    }
    return n_a == n_b;
}

// The layout's number for a list of slice fields; it is added where it is new.
static int add_by(struct weir_plan *plan, struct weir_plan_spec *spec,
                  const struct weir_stream *stream, const int *fields, size_t n, unsigned *out)
{
    for (unsigned i = 0; i < spec->layout.n_by; i++) {
        if (same_fields(spec->by_fields[i], spec->n_by_names[i], fields, n)) {
            *out = i;
            return 0;
        }
    }
    unsigned count = spec->layout.n_by;
    char ***names = weir_plan_alloc(plan, (count + 1) * sizeof *names);
    int **by_fields = weir_plan_alloc(plan, (count + 1) * sizeof *by_fields);
    size_t *n_names = weir_plan_alloc(plan, (count + 1) * sizeof *n_names);
    char **own_names = weir_plan_alloc(plan, (n + 1) * sizeof *own_names);
    int *own_fields = weir_plan_alloc(plan, (n + 1) * sizeof *own_fields);
    if (!names || !by_fields || !n_names || !own_names || !own_fields)
        return WEIR_ENOMEM;
    for (unsigned i = 0; i < count; i++) {
        names[i] = spec->by_names[i];
        by_fields[i] = spec->by_fields[i];
        n_names[i] = spec->n_by_names[i];
    }
    for (size_t k = 0; k < n; k++) {
        own_fields[k] = fields[k];
        own_names[k] = weir_plan_string(plan, stream->fields[fields[k]].name);
    }
    names[count] = own_names;
    by_fields[count] = own_fields;
    n_names[count] = n;
    spec->by_names = names;
    spec->by_fields = by_fields;
    spec->n_by_names = n_names;
    spec->layout.by_names = (const char *const *const *)names;
    spec->layout.n_by_names = n_names;
    spec->layout.n_by = count + 1;
    *out = count;
    return 0;
}

// ---- what detectors ask for at create()

struct setup {
    struct weir_setup api;
    struct weir_plan *plan;
    struct weir_plan_detector *detector;
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

const struct weir_cells *weir_plan_cells(const struct weir_plan_detector *detector, int field)
{
    const char *name = detector->config.stream->fields[field].name;
    for (size_t i = 0; i < detector->config.n_references; i++) {
        const struct weir_profile_field *found = weir_profile_find(detector->references[i], name);
        if (found)
            return found->cells;
    }
    return NULL;
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
        return no_memory(error);
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
        return no_memory(error);
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
    const struct weir_plan_detector *detector = setup_of(api)->detector;
    const struct weir_stream *stream = detector->config.stream;
    if (i >= detector->config.n_references || field < 0 || (size_t)field >= stream->n_fields)
        return NULL;
    const struct weir_profile_field *found =
        weir_profile_find(detector->references[i], stream->fields[field].name);
    return found ? &found->summary : NULL;
}

static int create_detector(struct weir_plan *plan, struct weir_plan_detector *detector,
                           struct weir_error *error)
{
    struct weir_plan_stream *stream = &plan->streams[detector->stream];
    const struct weir_detector_entry *entry = detector->entry;
    int code = configure(plan, detector, error);
    if (code)
        return code;
    struct weir_plan_spec *spec = spec_for(plan, stream, &entry->window);
    detector->spec = (size_t)(spec - stream->specs);
    detector->by = weir_plan_alloc(plan, (entry->n_by + 1) * sizeof *detector->by);
    if (!detector->by ||
        (!spec->layout.n_by && add_by(plan, spec, &stream->info, NULL, 0, &(unsigned){0})))
        return no_memory(error);
    for (size_t i = 0; i < entry->n_by; i++) {
        if (add_by(plan, spec, &stream->info, detector->config.by[i],
                   detector->config.n_by_fields[i], &detector->by[i]))
            return no_memory(error);
    }
    struct setup setup = {
        {sizeof setup.api, &setup, setup_need, setup_rule, setup_reference}, plan, detector};
    struct weir_error inner = {0};
    code = detector->plugin->create(&detector->config, &setup.api, &detector->instance, &inner);
    if (code)
        return weir_error_set(error, WEIR_EINVAL, "%s:%u:%u: error: detector '%s': %s",
                              plan->config->path, entry->mark.line, entry->mark.column, entry->name,
                              inner.message);
    size_t *detectors = weir_plan_alloc(plan, (spec->n_detectors + 1) * sizeof *detectors);
    if (!detectors)
        return no_memory(error);
    if (spec->n_detectors)
        memcpy(detectors, spec->detectors, spec->n_detectors * sizeof *detectors);
    detectors[spec->n_detectors++] = (size_t)(detector - plan->detectors);
    spec->detectors = detectors;
    return 0;
}

// The host's own rules of a stream.
static int create_host_detector(struct weir_plan *plan, size_t stream,
                                struct weir_plan_detector *detector, struct weir_error *error)
{
    static const struct weir_rule fixed[] = {
        {"undecodable", "schema.undecodable", -1, WEIR_CRITICAL, WEIR_ACTION_FIX_PRODUCER,
         WEIR_RULE_QUARANTINE},
        {"jump", "schema.time", -1, WEIR_WARNING, WEIR_ACTION_FIX_PRODUCER, 0},
        {"limit", "weir.limit", -1, WEIR_WARNING, WEIR_ACTION_TUNE_WEIR, 0},
        {"gap", "weir.gap", -1, WEIR_CRITICAL, WEIR_ACTION_TUNE_WEIR, 0},
    };
    detector->name = "weir";
    detector->type = "weir";
    detector->stream = stream;
    detector->config.stream = &plan->streams[stream].info;
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        int code = add_rule(plan, detector, &fixed[i], error);
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

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return XXH3_64bits_withSeed(text, strlen(text) + 1, hash);
}

static void finish_spec(struct weir_plan *plan, struct weir_plan_spec *spec)
{
    struct weir_pane_layout *layout = &spec->layout;
    // The edge's cap is four times the global one: a slice admitted in one task and overflowed in
    // another would otherwise merge to a wrong sum.
    layout->slice_limit = (size_t)plan->config->limit_slices * 4;
    spec->first_slot = weir_plan_alloc(plan, (layout->n_by + 1) * sizeof *spec->first_slot);
    layout->first_slot = spec->first_slot;
    uint64_t hash = hash_text(0, spec->key);
    for (unsigned by = 0; by < layout->n_by && spec->first_slot; by++) {
        size_t n = 0;
        for (size_t i = 0; i < layout->n_slots; i++)
            n += spec->slots[i].by == by;
        spec->first_slot[by + 1] = spec->first_slot[by] + n;
        hash = hash_text(hash, "by");
        for (size_t k = 0; k < layout->n_by_names[by]; k++)
            hash = hash_text(hash, layout->by_names[by][k]);
    }
    for (size_t i = 0; i < layout->n_slots; i++) {
        const struct weir_slot *slot = &spec->slots[i];
        uint64_t numbers[4] = {slot->by, slot->spec.shape, slot->spec.parts,
                               slot->spec.cells ? weir_cells_hash(slot->spec.cells) : 0};
        hash = hash_text(hash, slot->field_name);
        hash = XXH3_64bits_withSeed(numbers, sizeof numbers, hash);
    }
    for (size_t i = 0; i < spec->n_detectors; i++) {
        const struct weir_plan_detector *detector = &plan->detectors[spec->detectors[i]];
        if (detector->plugin->edge_close) {
            hash = hash_text(hash, detector->name);
            hash = XXH3_64bits_withSeed(&detector->state_hash, 8, hash);
        }
    }
    spec->hash = hash;
}

static int make_streams(struct weir_plan *plan, const struct weir_plan_options *options,
                        struct weir_error *error)
{
    const struct weir_config *config = plan->config;
    plan->n_streams = config->n_streams;
    plan->streams = weir_plan_alloc(plan, (config->n_streams + 1) * sizeof *plan->streams);
    if (!plan->streams)
        return no_memory(error);
    for (size_t i = 0; i < config->n_streams; i++) {
        struct weir_plan_stream *stream = &plan->streams[i];
        stream->config = &config->streams[i];
        int code = weir_plan_complete_stream(
            plan, i, options->source_fields ? options->source_fields[i] : NULL, error);
        if (code)
            return code;
        stream->specs = weir_plan_alloc(plan, (config->n_detectors + 1) * sizeof *stream->specs);
        stream->detectors =
            weir_plan_alloc(plan, (config->n_detectors + 1) * sizeof *stream->detectors);
        if (!stream->specs || !stream->detectors)
            return no_memory(error);
        snprintf(stream->rules_key, sizeof stream->rules_key, "%.100s|rules", stream->info.name);
        stream->rules_partition = weir_plan_partition(plan, stream->rules_key);
    }
    return 0;
}

static int make_detectors(struct weir_plan *plan, struct weir_error *error)
{
    const struct weir_config *config = plan->config;
    size_t capacity = config->n_detectors + config->n_streams + 1;
    plan->detectors = weir_plan_alloc(plan, capacity * sizeof *plan->detectors);
    if (!plan->detectors)
        return no_memory(error);
    for (size_t i = 0; i < config->n_detectors; i++) {
        struct weir_plan_detector *detector = &plan->detectors[i];
        detector->entry = &config->detectors[i];
        detector->plugin = detector->entry->plugin;
        detector->name = detector->entry->name;
        detector->type = detector->entry->type;
        detector->stream = (size_t)detector->entry->stream;
        struct weir_plan_stream *stream = &plan->streams[detector->stream];
        plan->n_detectors++;
        int code = create_detector(plan, detector, error);
        if (code)
            return code;
        stream->detectors[stream->n_detectors++] = i;
    }
    for (size_t i = 0; i < plan->n_streams; i++) {
        struct weir_plan_stream *stream = &plan->streams[i];
        size_t at = plan->n_detectors++;
        int code = create_host_detector(plan, i, &plan->detectors[at], error);
        if (code)
            return code;
        stream->detectors[stream->n_detectors++] = at;
        for (size_t k = 0; k < stream->n_specs; k++) {
            finish_spec(plan, &stream->specs[k]);
            plan->hash = XXH3_64bits_withSeed(&stream->specs[k].hash, 8, plan->hash);
            if (!stream->specs[k].first_slot)
                return no_memory(error);
        }
    }
    return 0;
}

int weir_plan_create(const struct weir_plan_options *options, struct weir_plan **out,
                     struct weir_error *error)
{
    struct weir_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return no_memory(error);
    plan->config = options->config;
    plan->partials_partitions = options->partials_partitions ? options->partials_partitions : 8;
    int code = load_profiles(plan, error);
    if (!code)
        code = make_streams(plan, options, error);
    if (!code)
        code = make_detectors(plan, error);
    if (code) {
        weir_plan_destroy(plan);
        return code;
    }
    *out = plan;
    return 0;
}

void weir_plan_destroy(struct weir_plan *plan)
{
    if (!plan)
        return;
    for (size_t i = 0; i < plan->n_detectors; i++) {
        if (plan->detectors[i].instance)
            plan->detectors[i].plugin->destroy(plan->detectors[i].instance);
    }
    for (size_t i = 0; plan->profiles && i < plan->config->n_references; i++)
        weir_profile_free(plan->profiles[i]);
    while (plan->arena) {
        struct block *next = ((struct block *)plan->arena)->next;
        free(plan->arena);
        plan->arena = next;
    }
    free(plan);
}

const struct weir_stream *weir_plan_stream(const struct weir_plan *plan, size_t stream)
{
    return &plan->streams[stream].info;
}

struct weir_builder_options weir_plan_builder(const struct weir_plan *plan, size_t stream)
{
    struct weir_builder_options options = {
        .stream = &plan->streams[stream].info,
        .time_unit = plan->streams[stream].time_unit,
        .dictionary_entries = (uint32_t)plan->config->limit_categories,
        .report_unknown = plan->streams[stream].report_unknown,
    };
    return options;
}

uint64_t weir_plan_hash(const struct weir_plan *plan)
{
    return plan->hash;
}
