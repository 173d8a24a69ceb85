// SPDX-License-Identifier: Apache-2.0
#include "consumer/source/fields.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/log/log.h"
#include "consumer/runtime/inside.h"

enum { PAUSE_US = 300000 };

static int from_registry(const struct weir_stream_config *stream, struct weir_registry *registry,
                         int64_t patience, struct weir_schema_fields *fields,
                         struct weir_error *error)
{
    char subject[300];
    const char *schema = NULL;
    int64_t until = weir_now() + patience;
    int code, told = 0;
    if (!registry)
        return weir_error_set(error, WEIR_EINVAL, "stream %s: format avro needs a registry",
                              stream->info.name);
    snprintf(subject, sizeof subject, "%s-value", stream->topic);
    while ((code = weir_registry_latest(registry, subject, NULL, &schema, error)) == WEIR_EAGAIN &&
           weir_now() < until) {
        if (!told++)
            weir_log(WEIR_LOG_WARNING, "registry", "waiting for the schema of %s: %s", subject,
                     error->message);
        usleep(PAUSE_US);
    }
    if (code == WEIR_ENOTFOUND) {
        weir_log(WEIR_LOG_WARNING, "registry", "there is no subject %s yet", subject);
        return 0;
    }
    return code ? code : weir_schema_fields_read(schema, fields, error);
}

int weir_source_fields(const struct weir_stream_config *stream, struct weir_registry *registry,
                       int64_t patience, struct weir_schema_fields *fields,
                       struct weir_error *error)
{
    if (stream->format == WEIR_FORMAT_AVRO)
        return from_registry(stream, registry, patience, fields, error);
    if (!stream->schema)
        return 0;
    char *text = weir_schema_text(stream->schema, error);
    if (!text)
        return error->code;
    int code = weir_schema_fields_read(text, fields, error);
    free(text);
    return code;
}

char *weir_schema_text(const char *path, struct weir_error *error)
{
    struct weir_buffer text;
    char part[4096];
    size_t n;
    FILE *file = fopen(path, "rb");
    if (!file) {
        weir_error_set(error, WEIR_EIO, "schema %s cannot be read: %m", path);
        return NULL;
    }
    weir_buffer_init(&text, 16 << 20);
    while ((n = fread(part, 1, sizeof part, file)) > 0)
        weir_buffer_append(&text, part, n);
    weir_buffer_byte(&text, 0);
    int failed = ferror(file) || text.failed;
    fclose(file);
    if (!failed)
        return (char *)weir_buffer_take(&text, &n);
    weir_buffer_free(&text);
    weir_error_set(error, WEIR_EIO, "schema %s cannot be read", path);
    return NULL;
}

int weir_source_registry(const struct weir_config *config, struct weir_registry **registry,
                         struct weir_error *error)
{
    *registry = NULL;
    if (!config->registry_url)
        return 0;
    struct weir_registry_property *properties = calloc(config->registry.n + 1, sizeof *properties);
    if (!properties)
        return weir_error_set(error, WEIR_ENOMEM, "out of memory");
    for (size_t i = 0; i < config->registry.n; i++)
        properties[i] = (struct weir_registry_property){config->registry.items[i].name,
                                                        config->registry.items[i].value};
    struct weir_registry_options options = {
        .url = config->registry_url, .properties = properties, .n_properties = config->registry.n};
    int code = weir_registry_create(&options, registry, error);
    free(properties);
    return code;
}
