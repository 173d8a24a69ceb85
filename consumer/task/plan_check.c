// SPDX-License-Identifier: Apache-2.0
// What only making the detectors tells: that a rule names a field that there is not, say.
#include <inttypes.h>
#include <stdlib.h>

#include "consumer/source/fields.h"
#include "consumer/task/plan.h"

enum { REGISTRY_MS = 5000 };

static int reads_schema(const struct weir_stream_config *stream,
                        const struct weir_registry *registry)
{
    return stream->format == WEIR_FORMAT_AVRO ? registry != NULL : stream->schema != NULL;
}

// ---- whether caps fit into limits.memory

// Bytes that a slice holds at least: of the summaries when they are empty, and of the owners.
static size_t slice_bytes(const struct weir_plan *plan, const struct weir_plan_spec *spec)
{
    size_t bytes = 0;
    for (size_t i = spec->first_slot[1]; i < spec->layout.n_slots; i++) {
        struct weir_summary summary;
        if (weir_summary_init(&summary, &spec->slots[i].spec))
            continue;
        bytes += weir_summary_memory(&summary);
        weir_summary_free(&summary);
    }
    bytes *= (size_t)spec->panes_a_window + 2; // those of the window, the one to come, the edge's
    return bytes + weir_plan_owners_slice(plan, spec);
}

static int check_slices(const struct weir_plan *plan, const struct weir_plan_spec *spec,
                        struct weir_problems *problems)
{
    const struct weir_config *config = plan->config;
    double needed = (double)slice_bytes(plan, spec) * (double)config->limit_slices;
    const struct weir_plan_detector *by = NULL;
    for (size_t i = 0; i < spec->n_detectors && !by; i++)
        by = plan->detectors[spec->detectors[i]].config.n_by ? &plan->detectors[spec->detectors[i]]
                                                             : NULL;
    if (!by || needed <= (double)config->limit_memory)
        return 0;
    return weir_problems_add(
        problems, by->entry->mark, 1,
        "detector '%s': limits.slices (%" PRId64 ") of its slices take %.0f MiB or more, and "
        "limits.memory is %" PRId64 " MiB: slices beyond that are only counted for the whole "
        "stream; raise limits.memory, lower limits.slices, or slice by less",
        by->name, config->limit_slices, needed / (1 << 20), config->limit_memory >> 20);
}

static int check_edge(const struct weir_plan *plan, const struct weir_plan_detector *detector,
                      struct weir_problems *problems)
{
    const struct weir_plugin *plugin = detector->plugin;
    int64_t limit = plan->config->limit_memory;
    if (!plugin || !plugin->edge_memory_most || !detector->instance)
        return 0;
    double needed = (double)plugin->edge_memory_most(detector->instance);
    if (needed <= (double)limit)
        return 0;
    return weir_problems_add(problems, detector->entry->mark, 1,
                             "detector '%s': what its options let it keep takes %.0f MiB for each "
                             "partition, and limits.memory is %" PRId64
                             " MiB: raise it, or lower them",
                             detector->name, needed / (1 << 20), limit >> 20);
}

static int check_memory(const struct weir_plan *plan, struct weir_problems *problems)
{
    int code = 0;
    for (size_t s = 0; s < plan->n_streams && !code; s++) {
        for (size_t i = 0; i < plan->streams[s].n_specs && !code; i++) {
            if (plan->streams[s].specs[i].first_slot)
                code = check_slices(plan, &plan->streams[s].specs[i], problems);
        }
    }
    for (size_t i = 0; i < plan->n_detectors && !code; i++)
        code = check_edge(plan, &plan->detectors[i], problems);
    return code;
}

int weir_plan_check(const struct weir_config *config, struct weir_registry *registry,
                    struct weir_problems *problems)
{
    struct weir_schema_fields *fields = calloc(config->n_streams + 1, sizeof *fields);
    const struct weir_schema_fields **known = calloc(config->n_streams + 1, sizeof *known);
    struct weir_error error = {0};
    size_t errors = problems->errors;
    int code = fields && known ? 0 : WEIR_ENOMEM;
    for (size_t s = 0; s < config->n_streams && !code; s++) {
        const struct weir_stream_config *stream = &config->streams[s];
        if (!reads_schema(stream, registry))
            continue;
        int failed = weir_source_fields(stream, registry, REGISTRY_MS, &fields[s], &error);
        // That a registry cannot be reached is said by who asks for it to be.
        if (failed && stream->format != WEIR_FORMAT_AVRO)
            code = weir_problems_add(problems, stream->mark, 0, "streams.%s.schema: %s",
                                     stream->info.name, error.message);
        else if (!failed && fields[s].n)
            known[s] = &fields[s];
    }
    struct weir_plan *plan = NULL;
    struct weir_plan_options options = {
        .config = config, .source_fields = known, .problems = problems, .tentative = 1};
    if (!code)
        code = weir_plan_create(&options, &plan, &error);
    if (!code)
        code = check_memory(plan, problems);
    weir_plan_destroy(plan);
    for (size_t s = 0; fields && s < config->n_streams; s++)
        weir_schema_fields_free(&fields[s]);
    free(fields);
    free(known);
    if (code == WEIR_ENOMEM)
        return code;
    return problems->errors > errors ? WEIR_EINVAL : 0;
}
