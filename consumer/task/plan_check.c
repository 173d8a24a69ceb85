// SPDX-License-Identifier: Apache-2.0
// What only making the detectors tells: that a rule names a field that there is not, say.
#include <stdlib.h>

#include "consumer/source/fields.h"
#include "consumer/task/plan.h"

enum { REGISTRY_MS = 5000 };

static int reads_schema(const struct weir_stream_config *stream,
                        const struct weir_registry *registry)
{
    return stream->format == WEIR_FORMAT_AVRO ? registry != NULL : stream->schema != NULL;
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
    weir_plan_destroy(plan);
    for (size_t s = 0; fields && s < config->n_streams; s++)
        weir_schema_fields_free(&fields[s]);
    free(fields);
    free(known);
    if (code == WEIR_ENOMEM)
        return code;
    return problems->errors > errors ? WEIR_EINVAL : 0;
}
