// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/registry_http.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "stats/buffer.h"

enum { MAX_ANSWER = 16 << 20, TIMEOUT = 5000, CONNECT_TIMEOUT = 2000 };

static void init_curl(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

// ---- what the user gave ----

// Whether the URL has that part; negative: memory is out.
static int has_part(CURLU *parsed, CURLUPart part)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(parsed, part, &text, 0);
    curl_free(text);
    return code == CURLUE_OUT_OF_MEMORY ? -1 : code == CURLUE_OK;
}

static int check_url(const char *url, struct weir_error *error)
{
    CURLU *parsed = curl_url();
    CURLUcode set = parsed ? curl_url_set(parsed, CURLUPART_URL, url, 0) : CURLUE_OUT_OF_MEMORY;
    int user = set ? 0 : has_part(parsed, CURLUPART_USER);
    int query = set ? 0 : has_part(parsed, CURLUPART_QUERY);
    curl_url_cleanup(parsed);
    if (set == CURLUE_OUT_OF_MEMORY || user < 0 || query < 0)
        return weir_error_set(error, WEIR_ENOMEM, "registry: out of memory");
    if (set || (strncmp(url, "http://", 7) != 0 && strncmp(url, "https://", 8) != 0))
        return weir_error_set(error, WEIR_EINVAL, "registry.url: not a URL of http:// or https://");
    if (user)
        return weir_error_set(error, WEIR_EINVAL,
                              "registry.url: user and password belong in basic.auth.user.info");
    if (query)
        return weir_error_set(error, WEIR_EINVAL, "registry.url: there must be no ? in it");
    return 0;
}

static int set_text(char **to, const char *value, struct weir_error *error)
{
    *to = strdup(value);
    return *to ? 0 : weir_error_set(error, WEIR_ENOMEM, "registry: out of memory");
}

static int set_milliseconds(long *to, const char *name, const char *value, struct weir_error *error)
{
    char *end;
    long ms = strtol(value, &end, 10);
    if (end == value || *end || ms < 1 || ms > 600000)
        return weir_error_set(error, WEIR_EINVAL,
                              "registry: %s: expected milliseconds, 1 to 600000", name);
    *to = ms;
    return 0;
}

static int set_property(struct weir_registry_http *http, const char *name, const char *value,
                        struct weir_error *error)
{
    if (strcmp(name, "basic.auth.user.info") == 0)
        return set_text(&http->user, value, error);
    if (strcmp(name, "ssl.ca.location") == 0)
        return set_text(&http->ca, value, error);
    if (strcmp(name, "ssl.certificate.location") == 0)
        return set_text(&http->certificate, value, error);
    if (strcmp(name, "ssl.key.location") == 0)
        return set_text(&http->key, value, error);
    if (strcmp(name, "request.timeout.ms") == 0)
        return set_milliseconds(&http->timeout, name, value, error);
    if (strcmp(name, "connect.timeout.ms") == 0)
        return set_milliseconds(&http->connect_timeout, name, value, error);
    return weir_error_set(error, WEIR_EINVAL, "registry: there is no property %.80s", name);
}

int weir_registry_http_init(struct weir_registry_http *http,
                            const struct weir_registry_options *options, struct weir_error *error)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init_curl);
    struct weir_registry_http made = {.timeout = TIMEOUT, .connect_timeout = CONNECT_TIMEOUT};
    int code = check_url(options->url, error);
    if (!code)
        code = set_text(&made.url, options->url, error);
    for (size_t n = code ? 0 : strlen(made.url); n && made.url[n - 1] == '/'; n--)
        made.url[n - 1] = 0;
    for (size_t i = 0; !code && i < options->n_properties; i++)
        code =
            set_property(&made, options->properties[i].name, options->properties[i].value, error);
    if (code)
        weir_registry_http_free(&made);
    else
        *http = made;
    return code;
}

void weir_registry_http_free(struct weir_registry_http *http)
{
    if (http->user) // a secret
        explicit_bzero(http->user, strlen(http->user));
    free(http->url);
    free(http->user);
    free(http->ca);
    free(http->certificate);
    free(http->key);
    memset(http, 0, sizeof *http);
}

char *weir_registry_escape(const char *text)
{
    char *escaped = curl_easy_escape(NULL, text, 0);
    char *copy = escaped ? strdup(escaped) : NULL;
    curl_free(escaped);
    return copy;
}

// ---- one request ----

static size_t take_body(char *data, size_t size, size_t n, void *context)
{
    // Less than was offered ends the transfer.
    return weir_buffer_append(context, data, size * n) ? 0 : size * n;
}

// 0; else memory is out, and what was not set must not be left out: credentials, a body.
static int set_up(CURL *curl, const struct weir_registry_http *http, const char *url,
                  const char *body, struct curl_slist *headers, struct weir_buffer *out)
{
    int bad = curl_easy_setopt(curl, CURLOPT_URL, url) |
              curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https") |
              // A registry does not redirect; where one does, what is there is not it.
              curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) |
              curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) |
              curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, http->timeout) |
              curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, http->connect_timeout) |
              curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) |
              curl_easy_setopt(curl, CURLOPT_USERAGENT, "weir/" WEIR_VERSION) |
              curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take_body) |
              curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    if (http->user) {
        bad |= curl_easy_setopt(curl, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC) |
               curl_easy_setopt(curl, CURLOPT_USERPWD, http->user);
    }
    if (http->ca)
        bad |= curl_easy_setopt(curl, CURLOPT_CAINFO, http->ca);
    if (http->certificate)
        bad |= curl_easy_setopt(curl, CURLOPT_SSLCERT, http->certificate);
    if (http->key)
        bad |= curl_easy_setopt(curl, CURLOPT_SSLKEY, http->key);
    if (body)
        bad |= curl_easy_setopt(curl, CURLOPT_COPYPOSTFIELDS, body);
    return bad;
}

static int transfer(const struct weir_registry_http *http, const char *url, const char *body,
                    struct weir_buffer *out, long *status, struct weir_error *error)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *headers =
        curl_slist_append(NULL, "Accept: application/vnd.schemaregistry.v1+json, application/json");
    if (headers && body) {
        struct curl_slist *more =
            curl_slist_append(headers, "Content-Type: application/vnd.schemaregistry.v1+json");
        if (!more)
            curl_slist_free_all(headers);
        headers = more;
    }
    int code = 0;
    if (!curl || !headers || set_up(curl, http, url, body, headers, out)) {
        code = weir_error_set(error, WEIR_ENOMEM, "registry: out of memory");
    } else {
        CURLcode result = curl_easy_perform(curl);
        curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
        if (out->failed)
            code = weir_error_set(error, WEIR_EAGAIN,
                                  "registry %.200s: an answer of more than %d "
                                  "bytes, or memory is out",
                                  url, MAX_ANSWER);
        else if (result != CURLE_OK)
            code = weir_error_set(error, WEIR_EAGAIN, "registry %.200s: %s", url,
                                  curl_easy_strerror(result));
    }
    curl_slist_free_all(headers);
    curl_easy_cleanup(curl);
    return code;
}

// What an answer that is not 200 means. `json` may be NULL.
static int refused(const char *url, long status, const json_t *json, int posted,
                   struct weir_error *error)
{
    const json_t *number = json_object_get(json, "error_code");
    const char *message = json_string_value(json_object_get(json, "message"));
    json_int_t reason = json_integer_value(number);
    // Only the registry's own word counts: a proxy's 404, or that of a wrong path, says nothing.
    if (status == 404 && json_is_integer(number) &&
        (reason == 404 || (reason >= 40400 && reason <= 40499)))
        return weir_error_set(error, WEIR_ENOTFOUND, "registry %.200s: not found", url);
    if (posted && (status == 409 || status == 422) && json)
        return weir_error_set(error, WEIR_EINVAL, "registry %.200s: refused: %.200s", url,
                              message ? message : "the schema is not compatible");
    return weir_error_set(error, WEIR_EAGAIN, "registry %.200s: status %ld%s", url, status,
                          status == 401 || status == 403 ? " (basic.auth.user.info is wrong?)"
                                                         : "");
}

int weir_registry_request(const struct weir_registry_http *http, const char *path, const char *body,
                          json_t **answer, struct weir_error *error)
{
    struct weir_buffer out;
    char *url;
    long status = 0;
    if (asprintf(&url, "%s%s", http->url, path) < 0)
        return weir_error_set(error, WEIR_ENOMEM, "registry: out of memory");
    weir_buffer_init(&out, MAX_ANSWER);
    int code = transfer(http, url, body, &out, &status, error);
    if (!code) {
        json_t *json = out.length ? json_loadb((const char *)out.data, out.length, 0, NULL) : NULL;
        if (status != 200)
            code = refused(url, status, json, body != NULL, error);
        else if (!json_is_object(json))
            code = weir_error_set(error, WEIR_EAGAIN, "registry %.200s: an answer that is not JSON",
                                  url);
        if (code)
            json_decref(json);
        else
            *answer = json;
    }
    weir_buffer_free(&out);
    free(url);
    return code;
}
