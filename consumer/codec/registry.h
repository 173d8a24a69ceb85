// SPDX-License-Identifier: Apache-2.0
// A client of a schema registry (Confluent's protocol). Thread-safe: one serves all tasks.
//
// What a registry said of an id never changes, so it is asked once. What it could not say now
// (down, slow, an error of its own, nonsense) is WEIR_EAGAIN and is asked again after a pause
// that grows from 200 ms to 10 s; calls within the pause return at once.
//
// A registry that has just come back may not have loaded its schemas yet, and says of each that
// there is none. So "there is none" is WEIR_EAGAIN as well while the last failure to answer is
// less than a grace ago, for an id during a minute at most.
#ifndef WEIR_CODEC_REGISTRY_H
#define WEIR_CODEC_REGISTRY_H

#include <stddef.h>
#include <stdint.h>

#include "weir/error.h"

struct weir_registry;

struct weir_registry_property {
    const char *name, *value;
};

struct weir_registry_options {
    const char *url; // http or https, may have a path: http://host:8080/apis/ccompat/v7
    // basic.auth.user.info (user:password), ssl.ca.location, ssl.certificate.location,
    // ssl.key.location, request.timeout.ms (5000), connect.timeout.ms (2000)
    const struct weir_registry_property *properties;
    size_t n_properties;
    int32_t grace_ms; // 0: 10 s
};

// Speaks to nobody yet. WEIR_EINVAL: a URL or property that is none; no secret is in a message.
int weir_registry_create(const struct weir_registry_options *options,
                         struct weir_registry **registry, struct weir_error *error);
void weir_registry_destroy(struct weir_registry *registry);

// The Avro schema with this id, JSON text, complete in itself (references are put in); lives as
// long as the registry. WEIR_ENOTFOUND: the registry itself says that there is none (it is asked
// again after a pause as well), and is to be believed; WEIR_EAGAIN: not to be had now. May take as
// long as a request.
int weir_registry_schema(struct weir_registry *registry, int32_t id, const char **schema,
                         struct weir_error *error);
// The newest schema of a subject ("<topic>-value"); `id` and `schema` may be NULL. Asks anew.
int weir_registry_latest(struct weir_registry *registry, const char *subject, int32_t *id,
                         const char **schema, struct weir_error *error);
// Registers a schema under a subject; the id that it has. WEIR_EINVAL: refused (incompatible).
int weir_registry_register(struct weir_registry *registry, const char *subject, const char *schema,
                           int32_t *id, struct weir_error *error);

// Requests that failed, ever (of the registry or on the way, not "there is no such id").
uint64_t weir_registry_errors(const struct weir_registry *registry);

#endif
