// SPDX-License-Identifier: Apache-2.0
// The HTTP endpoint: /metrics (Prometheus), /healthz, and /status for people. It has a thread of
// its own; the callbacks run there. Only GET and HEAD; on loopback unless told otherwise.
#ifndef WEIR_HTTP_SERVER_H
#define WEIR_HTTP_SERVER_H

#include <sys/socket.h>

#include "consumer/http/page.h"
#include "weir/error.h"

struct weir_http_options {
    const char *listen; // see weir_http_parse()
    // Returns whether the process is well; if not, says in a sentence why. NULL: always.
    int (*healthy)(void *context, char *why, size_t size);
    // Fills the status page, between its begin and end. No credentials. NULL: an empty page.
    void (*status)(void *context, struct weir_page *page);
    void *context;
};

struct weir_http;

// Listens and serves. WEIR_EINVAL: the address is no address; WEIR_EIO: it cannot be had.
int weir_http_start(const struct weir_http_options *options, struct weir_http **http,
                    struct weir_error *error);
// Returns when no callback runs any more.
void weir_http_stop(struct weir_http *http);
int weir_http_port(const struct weir_http *http); // the one that a port of 0 became

// `host:port`, `:port` (loopback), `[v6]:port`. A host that is a name is looked up.
int weir_http_parse(const char *listen, struct sockaddr_storage *address, socklen_t *length,
                    struct weir_error *error);

#endif
