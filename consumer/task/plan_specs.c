// SPDX-License-Identifier: Apache-2.0
// Window specs: equal ones are shared, and know which slices and summaries they keep.
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "consumer/task/plan.h"

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

struct weir_plan_spec *weir_plan_spec_for(struct weir_plan *plan, struct weir_plan_stream *stream,
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
int weir_plan_add_by(struct weir_plan *plan, struct weir_plan_spec *spec,
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

size_t weir_plan_owners_slice(const struct weir_plan *plan, const struct weir_plan_spec *spec)
{
    size_t bytes = 0;
    for (size_t i = 0; i < spec->n_detectors; i++) {
        const struct weir_plan_detector *detector = &plan->detectors[spec->detectors[i]];
        if (detector->config.n_by && detector->plugin->owner_memory_slice)
            bytes += detector->plugin->owner_memory_slice(detector->instance);
    }
    return bytes;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
    return XXH3_64bits_withSeed(text, strlen(text) + 1, hash);
}

void weir_plan_finish_spec(struct weir_plan *plan, struct weir_plan_spec *spec)
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
    for (size_t i = 0; layout->sample && i < spec->sample.n_fields; i++) {
        const struct weir_reservoir_field *field = &spec->sample.fields[i];
        uint64_t numbers[4] = {spec->sample.rows, spec->sample.bytes, field->type,
                               (uint64_t)field->is_list};
        hash = hash_text(hash, field->name);
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
