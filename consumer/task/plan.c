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
        memcpy(copy, text, length + 1);
    return copy;
}

int weir_plan_no_memory(struct weir_error *error)
{
    return weir_error_set(error, WEIR_ENOMEM, "no memory to compile the configuration");
}

int weir_plan_fault(struct weir_plan *plan, struct weir_mark mark, struct weir_error *error,
                    const char *format, ...)
{
    char text[sizeof error->message - 80];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (plan->problems && weir_problems_add(plan->problems, mark, 0, "%s", text))
        return weir_plan_no_memory(error);
    return weir_error_set(error, WEIR_EINVAL, "%s:%u:%u: error: %s", plan->config->path, mark.line,
                          mark.column, text);
}

static int load_profiles(struct weir_plan *plan, struct weir_error *error)
{
    const struct weir_config *config = plan->config;
    plan->profiles = weir_plan_alloc(plan, (config->n_references + 1) * sizeof *plan->profiles);
    if (!plan->profiles)
        return weir_plan_no_memory(error);
    for (size_t i = 0; i < config->n_references; i++) {
        const struct weir_reference_config *reference = &config->references[i];
        if (reference->kind != WEIR_REFERENCE_PROFILE)
            continue;
        int code = weir_profile_load(reference->profile, &plan->profiles[i], error);
        if (code == WEIR_ENOMEM || (code && !plan->problems))
            return code;
        if (code) // its path and what is wrong with it
            weir_problems_add(plan->problems, reference->mark, 0, "reference '%s': %s",
                              reference->name, error->message);
    }
    return 0;
}

static int make_streams(struct weir_plan *plan, const struct weir_plan_options *options,
                        struct weir_error *error)
{
    const struct weir_config *config = plan->config;
    plan->n_streams = config->n_streams;
    // Each detector may join two.
    plan->streams = weir_plan_alloc(plan, (config->n_streams + config->n_detectors + 1) *
                                              sizeof *plan->streams);
    if (!plan->streams)
        return weir_plan_no_memory(error);
    for (size_t i = 0; i < config->n_streams; i++) {
        struct weir_plan_stream *stream = &plan->streams[i];
        stream->config = &config->streams[i];
        int code = weir_plan_complete_stream(
            plan, i, options->source_fields ? options->source_fields[i] : NULL, error);
        if (code == WEIR_ENOMEM || (code && !plan->problems))
            return code;
        stream->specs = weir_plan_alloc(plan, (config->n_detectors + 1) * sizeof *stream->specs);
        stream->detectors =
            weir_plan_alloc(plan, (config->n_detectors + 1) * sizeof *stream->detectors);
        if (!stream->specs || !stream->detectors)
            return weir_plan_no_memory(error);
        snprintf(stream->rules_key, sizeof stream->rules_key, "%.100s|rules", stream->info.name);
        stream->rules_partition = weir_plan_partition(plan, stream->rules_key);
    }
    return 0;
}

static int make_detectors(struct weir_plan *plan, struct weir_error *error)
{
    const struct weir_config *config = plan->config;
    size_t capacity = 2 * config->n_detectors + config->n_streams + 1;
    plan->detectors = weir_plan_alloc(plan, capacity * sizeof *plan->detectors);
    if (!plan->detectors)
        return weir_plan_no_memory(error);
    for (size_t i = 0; i < config->n_detectors; i++) {
        struct weir_plan_detector *detector = &plan->detectors[i];
        detector->entry = &config->detectors[i];
        detector->plugin = detector->entry->plugin;
        detector->name = detector->entry->name;
        detector->type = detector->entry->type;
        detector->stream = (size_t)detector->entry->stream;
        plan->n_detectors++;
        int code = weir_plan_join_detector(plan, detector, error);
        struct weir_plan_stream *stream = &plan->streams[detector->stream];
        if (!code)
            code = weir_plan_create_detector(plan, detector, error);
        if (code == WEIR_ENOMEM || (code && !plan->problems))
            return code;
        if (code)
            continue; // it has been said
        stream->detectors[stream->n_detectors++] = i;
    }
    for (size_t i = 0; i < plan->n_streams; i++) {
        struct weir_plan_stream *stream = &plan->streams[i];
        size_t at = plan->n_detectors++;
        int code = weir_plan_create_host(plan, i, &plan->detectors[at], error);
        if (code)
            return code;
        stream->detectors[stream->n_detectors++] = at;
        for (size_t k = 0; k < stream->n_specs; k++) {
            weir_plan_finish_spec(plan, &stream->specs[k]);
            plan->hash = XXH3_64bits_withSeed(&stream->specs[k].hash, 8, plan->hash);
            if (!stream->specs[k].first_slot)
                return weir_plan_no_memory(error);
        }
    }
    return 0;
}

int weir_plan_create(const struct weir_plan_options *options, struct weir_plan **out,
                     struct weir_error *error)
{
    struct weir_plan *plan = calloc(1, sizeof *plan);
    if (!plan)
        return weir_plan_no_memory(error);
    plan->config = options->config;
    plan->problems = options->problems;
    plan->tentative = options->tentative;
    plan->partials_partitions = options->partials_partitions ? options->partials_partitions : 8;
    int code = load_profiles(plan, error);
    if (!code)
        code = weir_plan_load_calibration(plan, error);
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
        size_t n_fields = plan->detectors[i].made ? plan->detectors[i].config.stream->n_fields : 0;
        for (size_t f = 0; f < n_fields; f++)
            weir_cells_free(plan->detectors[i].made[f]);
    }
    for (size_t i = 0; plan->profiles && i < plan->config->n_references; i++)
        weir_profile_free(plan->profiles[i]);
    weir_profile_free(plan->calibration);
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
