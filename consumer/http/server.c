// SPDX-License-Identifier: Apache-2.0
#include "consumer/http/server.h"

#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/http/metrics.h"
#include "consumer/log/log.h"

enum { CONNECTIONS = 64, TIMEOUT_SECONDS = 10, PAGE_BYTES = 16 << 20, BACKLOG = 64 };

struct weir_http {
    struct weir_http_options options;
    struct MHD_Daemon *daemon;
    int port;
};

// ---- addresses

static int split(const char *listen, char *host, size_t size, const char **port)
{
    const char *end = strrchr(listen, ':'), *from = listen, *to = end;
    if (!end)
        return -1;
    if (*listen == '[') {
        from = listen + 1;
        to = strchr(listen, ']');
        if (!to || to + 1 != end)
            return -1;
    } else if (memchr(listen, ':', (size_t)(end - listen))) {
        return -1; // an IPv6 address without its brackets
    }
    if ((size_t)(to - from) >= size)
        return -1;
    memcpy(host, from, (size_t)(to - from));
    host[to - from] = 0;
    *port = end + 1;
    return 0;
}

int weir_http_parse(const char *listen, struct sockaddr_storage *address, socklen_t *length,
                    struct weir_error *error)
{
    char host[256];
    const char *port;
    struct addrinfo hints = {.ai_flags = AI_NUMERICSERV, .ai_socktype = SOCK_STREAM}, *found;
    if (split(listen, host, sizeof host, &port))
        return weir_error_set(error, WEIR_EINVAL,
                              "'%s' is no address to listen on: write host:port, as in "
                              "127.0.0.1:9464 or [::1]:9464",
                              listen);
    char *end;
    long number = strtol(port, &end, 10);
    if (*port < '0' || *port > '9' || *end || number > 65535)
        return weir_error_set(error, WEIR_EINVAL, "'%s' in '%s' is no port (0 to 65535)", port,
                              listen);
    int code = getaddrinfo(*host ? host : "127.0.0.1", port, &hints, &found);
    if (code)
        return weir_error_set(error, WEIR_EINVAL, "the host '%s' in '%s' is not known: %s", host,
                              listen, gai_strerror(code));
    memcpy(address, found->ai_addr, found->ai_addrlen);
    *length = found->ai_addrlen;
    freeaddrinfo(found);
    return 0;
}

// An own socket, so that what goes wrong has a name.
static int open_socket(const char *listen_on, int *port, struct weir_error *error)
{
    struct sockaddr_storage address;
    socklen_t length;
    int on = 1, code = weir_http_parse(listen_on, &address, &length, error);
    if (code)
        return code;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) ||
        bind(fd, (struct sockaddr *)&address, length) || listen(fd, BACKLOG) ||
        getsockname(fd, (struct sockaddr *)&address, &length)) {
        weir_error_set(error, WEIR_EIO, "cannot listen on %s: %s", listen_on, strerror(errno));
        if (fd >= 0)
            close(fd);
        return WEIR_EIO;
    }
    *port = ntohs(address.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&address)->sin6_port
                                                : ((struct sockaddr_in *)&address)->sin_port);
    return fd;
}

// ---- requests

static enum MHD_Result answer(struct MHD_Connection *connection, unsigned status, const char *type,
                              struct weir_buffer *body)
{
    if (body->failed) {
        weir_buffer_reset(body);
        weir_buffer_printf(body, "the page is too large\n");
        status = MHD_HTTP_INTERNAL_SERVER_ERROR;
        type = "text/plain; charset=utf-8";
    }
    size_t length;
    uint8_t *data = weir_buffer_take(body, &length);
    struct MHD_Response *response =
        MHD_create_response_from_buffer(length, data, MHD_RESPMEM_MUST_FREE);
    if (!response) {
        free(data);
        return MHD_NO;
    }
    MHD_add_response_header(response, "Content-Type", type);
    MHD_add_response_header(response, "Cache-Control", "no-store");
    MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    MHD_add_response_header(response, "Content-Security-Policy",
                            "default-src 'none'; style-src 'unsafe-inline'");
    if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
        MHD_add_response_header(response, "Allow", "GET, HEAD");
    enum MHD_Result result = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return result;
}

static unsigned print_health(struct weir_http *http, struct weir_buffer *body)
{
    char why[512] = "";
    if (!http->options.healthy || http->options.healthy(http->options.context, why, sizeof why)) {
        weir_buffer_printf(body, "ok\n");
        return MHD_HTTP_OK;
    }
    weir_buffer_printf(body, "%s\n", *why ? why : "not healthy");
    return MHD_HTTP_SERVICE_UNAVAILABLE;
}

static void print_status(struct weir_http *http, struct weir_buffer *body)
{
    struct weir_page page;
    weir_page_begin(&page, body, "weir");
    if (http->options.status)
        http->options.status(http->options.context, &page);
    weir_page_end(&page);
}

static enum MHD_Result serve(void *context, struct MHD_Connection *connection, const char *url,
                             const char *method, const char *version, const char *upload,
                             size_t *upload_size, void **state)
{
    static const char plain[] = "text/plain; charset=utf-8", html[] = "text/html; charset=utf-8";
    struct weir_http *http = context;
    struct weir_buffer body;
    (void)version, (void)upload;
    // The first call has only the headers: the answer is for the one when all has been read.
    if (!*state) {
        *state = http;
        return MHD_YES;
    }
    if (*upload_size) {
        *upload_size = 0;
        return MHD_YES;
    }
    weir_buffer_init(&body, PAGE_BYTES);
    if (strcmp(method, "GET") && strcmp(method, "HEAD")) {
        weir_buffer_printf(&body, "only GET and HEAD\n");
        return answer(connection, MHD_HTTP_METHOD_NOT_ALLOWED, plain, &body);
    }
    if (!strcmp(url, "/metrics")) {
        weir_metrics_print(&body);
        return answer(connection, MHD_HTTP_OK, "text/plain; version=0.0.4; charset=utf-8", &body);
    }
    if (!strcmp(url, "/healthz")) {
        unsigned status = print_health(http, &body);
        return answer(connection, status, plain, &body);
    }
    if (!strcmp(url, "/status") || !strcmp(url, "/")) {
        print_status(http, &body);
        return answer(connection, MHD_HTTP_OK, html, &body);
    }
    weir_buffer_printf(&body, "there are /metrics, /healthz and /status\n");
    return answer(connection, MHD_HTTP_NOT_FOUND, plain, &body);
}

__attribute__((format(printf, 2, 0))) static void log_fault(void *context, const char *format,
                                                            va_list args)
{
    char text[512];
    (void)context;
    vsnprintf(text, sizeof text, format, args);
    text[strcspn(text, "\n")] = 0;
    weir_log(WEIR_LOG_DEBUG, "http", "%s", text);
}

int weir_http_start(const struct weir_http_options *options, struct weir_http **http,
                    struct weir_error *error)
{
    int port = 0, fd = open_socket(options->listen, &port, error);
    if (fd < 0)
        return fd;
    struct weir_http *made = calloc(1, sizeof *made);
    if (!made) {
        close(fd);
        return weir_error_set(error, WEIR_ENOMEM, "out of memory for the HTTP endpoint");
    }
    made->options = *options;
    made->port = port;
    made->daemon = MHD_start_daemon(MHD_USE_AUTO_INTERNAL_THREAD | MHD_USE_ERROR_LOG, 0, NULL, NULL,
                                    serve, made, MHD_OPTION_EXTERNAL_LOGGER, log_fault, NULL,
                                    MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_CONNECTION_LIMIT,
                                    (unsigned)CONNECTIONS, MHD_OPTION_CONNECTION_TIMEOUT,
                                    (unsigned)TIMEOUT_SECONDS, MHD_OPTION_END);
    if (!made->daemon) { // and the socket is the library's to close
        free(made);
        return weir_error_set(error, WEIR_EIO, "cannot serve HTTP on %s", options->listen);
    }
    *http = made;
    return 0;
}

void weir_http_stop(struct weir_http *http)
{
    if (!http)
        return;
    MHD_stop_daemon(http->daemon);
    free(http);
}

int weir_http_port(const struct weir_http *http)
{
    return http->port;
}
