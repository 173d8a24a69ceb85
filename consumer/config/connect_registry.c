// SPDX-License-Identifier: Apache-2.0
#include "consumer/config/connect_registry.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/codec/registry.h"
#include "consumer/config/value.h"

__attribute__((format(printf, 3, 4))) static void say(void *context, int failed, const char *format,
                                                      ...)
{
    char text[500];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    weir_connect_say(context, failed, text);
}

static const struct weir_field *find(const struct weir_schema_fields *schema, const char *name)
{
    for (size_t i = 0; i < schema->n; i++) {
        if (!strcmp(schema->fields[i].name, name))
            return &schema->fields[i];
    }
    return NULL;
}

// Whether a value of the schema's type can be one of the declared type.
static int fits(enum weir_type schema, enum weir_type declared)
{
    return declared == WEIR_TYPE_UNKNOWN || schema == WEIR_TYPE_UNKNOWN || schema == declared ||
           (schema == WEIR_TYPE_LONG && declared == WEIR_TYPE_DOUBLE) ||
           (schema == WEIR_TYPE_BYTES && declared == WEIR_TYPE_STRING) ||
           (schema == WEIR_TYPE_STRING && declared == WEIR_TYPE_BYTES);
}

// How many declared fields the schema does not bear out, each with a line.
static int compare(const struct weir_stream_config *stream, const char *subject,
                   const struct weir_schema_fields *schema, void *context)
{
    int faults = 0;
    for (size_t i = 0; i < stream->info.n_fields; i++) {
        const struct weir_field *field = &stream->info.fields[i];
        const struct weir_field *found = find(schema, field->name);
        struct weir_nearest nearest = {0};
        for (size_t k = 0; !found && k < schema->n; k++)
            weir_nearest_offer(&nearest, field->name, schema->fields[k].name);
        if (!found && !(field->declared && field->optional == 1)) {
            faults++;
            say(context, 1,
                "registry: %s has no field '%s' of the stream %s%s%s%s: correct the "
                "name, or remove it",
                subject, field->name, stream->info.name, nearest.best ? " (did you mean '" : "",
                nearest.best ? nearest.best : "", nearest.best ? "'?)" : "");
        } else if (found && !fits(found->type, field->type)) {
            faults++;
            say(context, 1,
                "registry: %s: '%s' is %s in the schema and %s in the stream %s: "
                "correct its type",
                subject, field->name, weir_type_name(found->type), weir_type_name(field->type),
                stream->info.name);
        }
    }
    return faults;
}

static void check_subject(const struct weir_stream_config *stream, struct weir_registry *registry,
                          void *context)
{
    char subject[300];
    struct weir_error error = {0};
    struct weir_schema_fields fields = {0};
    const char *schema;
    int32_t id;
    snprintf(subject, sizeof subject, "%s-value", stream->topic);
    int code = weir_registry_latest(registry, subject, &id, &schema, &error);
    if (code == WEIR_ENOTFOUND) {
        say(context, 1,
            "registry: there is no subject %s (stream %s): has its producer registered "
            "a schema, under the topic's name?",
            subject, stream->info.name);
        return;
    }
    if (!code)
        code = weir_schema_fields_read(schema, &fields, &error);
    if (code) {
        say(context, 1, "registry: %s: %s", subject, error.message);
        return;
    }
    if (!compare(stream, subject, &fields, context))
        say(context, 0, "registry: %s (stream %s): schema %d, %zu fields", subject,
            stream->info.name, id, fields.n);
    weir_schema_fields_free(&fields);
}

void weir_connect_registry(const struct weir_config *config, int64_t timeout, void *context)
{
    struct weir_registry_property properties[16];
    char milliseconds[24];
    size_t n = 0;
    int given = 0;
    struct weir_error error = {0};
    struct weir_registry *registry;
    for (; n < config->registry.n && n < 15; n++) {
        properties[n].name = config->registry.items[n].name;
        properties[n].value = config->registry.items[n].value;
        given |= !strcmp(properties[n].name, "request.timeout.ms");
    }
    snprintf(milliseconds, sizeof milliseconds, "%lld", (long long)timeout);
    if (!given)
        properties[n++] = (struct weir_registry_property){"request.timeout.ms", milliseconds};
    if (!config->registry_url)
        return;
    struct weir_registry_options options = {
        .url = config->registry_url, .properties = properties, .n_properties = n};
    if (weir_registry_create(&options, &registry, &error)) {
        say(context, 1, "registry: %s", error.message);
        return;
    }
    for (size_t i = 0; i < config->n_streams; i++) {
        if (config->streams[i].format == WEIR_FORMAT_AVRO && config->streams[i].topic)
            check_subject(&config->streams[i], registry, context);
    }
    weir_registry_destroy(registry);
}
