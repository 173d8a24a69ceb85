// SPDX-License-Identifier: Apache-2.0
// One request to a schema registry, bounded in time and size.
#ifndef WEIR_CODEC_REGISTRY_HTTP_H
#define WEIR_CODEC_REGISTRY_HTTP_H

#include <jansson.h>

#include "consumer/codec/registry.h"

struct weir_registry_http {
    char *url;  // without a slash at its end; no credentials in it
    char *user; // "user:password"; NULL: none
    char *ca, *certificate, *key;
    long timeout, connect_timeout; // ms
};

int weir_registry_http_init(struct weir_registry_http *http,
                            const struct weir_registry_options *options, struct weir_error *error);
void weir_registry_http_free(struct weir_registry_http *http);

// A path of `format` after the URL. `%s` of subjects must be escaped with
// weir_registry_escape(). `body` NULL: GET, else POST.
// 0: the answer is a JSON object of status 200 (`answer`, a new reference);
// WEIR_ENOTFOUND: the registry says so; WEIR_EINVAL: it refuses what was posted;
// WEIR_EAGAIN: anything else.
int weir_registry_request(const struct weir_registry_http *http, const char *path, const char *body,
                          json_t **answer, struct weir_error *error);
// To be freed with free(); NULL when memory is out.
char *weir_registry_escape(const char *text);

#endif
