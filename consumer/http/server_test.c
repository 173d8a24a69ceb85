// SPDX-License-Identifier: Apache-2.0
#include "consumer/http/server.h"

#include <check.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumer/http/metrics.h"

static _Atomic int well; // the server's thread reads it

static int healthy(void *context, char *why, size_t size)
{
    (void)context;
    snprintf(why, size, "the broker is not reached");
    return well;
}

static void status(void *context, struct weir_page *page)
{
    static const char *const columns[] = {"stream", "records", "newest", "state"};
    (void)context;
    weir_page_heading(page, "Streams");
    weir_page_table(page, 4, columns);
    weir_page_row(page);
    weir_page_text(page, "<script>alert('x')</script>\xff&\"");
    weir_page_number(page, -5);
    weir_page_time(page, 0);
    weir_page_badge(page, "critical");
    weir_page_row(page);
    weir_page_text(page, NULL);
    weir_page_time(page, INT64_MIN);
    weir_page_paragraph(page, "That is all.");
}

static struct weir_http *start(const char *listen)
{
    struct weir_http_options options = {.listen = listen, .healthy = healthy, .status = status};
    struct weir_http *http;
    struct weir_error error;
    ck_assert_msg(!weir_http_start(&options, &http, &error), "%s", error.message);
    ck_assert_int_gt(weir_http_port(http), 0);
    return http;
}

static size_t take(char *data, size_t size, size_t n, void *context)
{
    weir_buffer_append(context, data, size * n);
    return size * n;
}

// Returns the HTTP status; the body, and before it the headers, go to `out`.
static long get(const struct weir_http *http, const char *host, const char *path,
                const char *method, struct weir_buffer *out)
{
    char url[256];
    long code = 0;
    CURL *curl = curl_easy_init();
    snprintf(url, sizeof url, "http://%s:%d%s", host, weir_http_port(http), path);
    weir_buffer_reset(out);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(curl, CURLOPT_HEADER, 1L);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, 10L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, out);
    if (!strcmp(method, "HEAD"))
        curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
    else if (!strcmp(method, "POST"))
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "some=body");
    ck_assert_int_eq(curl_easy_perform(curl), CURLE_OK);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
    curl_easy_cleanup(curl);
    weir_buffer_byte(out, 0);
    return code;
}

static int has(const struct weir_buffer *out, const char *text)
{
    return strstr((const char *)out->data, text) != NULL;
}

START_TEST(test_serves)
{
    struct weir_buffer out;
    struct weir_http *http = start("127.0.0.1:0");
    weir_buffer_init(&out, WEIR_BUFFER_MAXIMUM);

    WEIR_COUNT(records, 41);
    WEIR_COUNT(records, 1);
    WEIR_GAUGE(tasks, 3);
    ck_assert_int_eq(get(http, "127.0.0.1", "/metrics", "GET", &out), 200);
    ck_assert(has(&out, "# HELP weir_records_total Records read.\n"));
    ck_assert(has(&out, "# TYPE weir_records_total counter\nweir_records_total 42\n"));
    ck_assert(has(&out, "# TYPE weir_tasks gauge\nweir_tasks 3\n"));
    ck_assert(has(&out, "Content-Type: text/plain; version=0.0.4"));

    ck_assert_int_eq(get(http, "127.0.0.1", "/healthz", "GET", &out), 503);
    ck_assert(has(&out, "the broker is not reached\n"));
    well = 1;
    ck_assert_int_eq(get(http, "127.0.0.1", "/healthz", "GET", &out), 200);
    ck_assert(has(&out, "\r\n\r\nok\n"));

    ck_assert_int_eq(get(http, "127.0.0.1", "/status", "GET", &out), 200);
    ck_assert(has(&out, "Content-Type: text/html"));
    ck_assert(!has(&out, "<script>"));
    ck_assert(has(&out, "<td>&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;\xef\xbf\xbd&amp;"
                        "&quot;</td><td class=\"n\">-5</td><td>1970-01-01T00:00:00.000Z</td>"
                        "<td><span class=\"b critical\">critical</span></td></tr>"));
    ck_assert(has(&out, "</tbody></table>\n<p>That is all.</p>\n</body></html>"));
    ck_assert_int_eq(get(http, "127.0.0.1", "/", "GET", &out), 200);

    ck_assert_int_eq(get(http, "127.0.0.1", "/status", "HEAD", &out), 200);
    ck_assert(!has(&out, "<html"));
    ck_assert_int_eq(get(http, "127.0.0.1", "/metrics", "POST", &out), 405);
    ck_assert(has(&out, "Allow: GET, HEAD"));
    ck_assert_int_eq(get(http, "127.0.0.1", "/../etc/passwd", "GET", &out), 404);
    weir_http_stop(http);
    weir_buffer_free(&out);
}
END_TEST

START_TEST(test_address_in_use)
{
    char listen[64];
    struct weir_http *http = start(":0"), *other;
    struct weir_error error;
    snprintf(listen, sizeof listen, "127.0.0.1:%d", weir_http_port(http));
    struct weir_http_options options = {.listen = listen};
    ck_assert_int_eq(weir_http_start(&options, &other, &error), WEIR_EIO);
    ck_assert_ptr_nonnull(strstr(error.message, listen));
    ck_assert_ptr_nonnull(strstr(error.message, "in use"));
    weir_http_stop(http);
}
END_TEST

static const struct {
    const char *listen;
    int family, port, loopback; // family 0: refused
} addresses[] = {
    {"127.0.0.1:9464", AF_INET, 9464, 1},
    {":9464", AF_INET, 9464, 1},
    {"[::1]:0", AF_INET6, 0, 1},
    {"0.0.0.0:65535", AF_INET, 65535, 0},
    {"[::]:80", AF_INET6, 80, 0},
    {"", 0, 0, 0},
    {"9464", 0, 0, 0},
    {"127.0.0.1", 0, 0, 0},
    {"127.0.0.1:", 0, 0, 0},
    {"127.0.0.1:65536", 0, 0, 0},
    {"127.0.0.1:-1", 0, 0, 0},
    {"127.0.0.1:9464x", 0, 0, 0},
    {"127.0.0.1: 80", 0, 0, 0},
    {"::1:80", 0, 0, 0},
    {"[::1:80", 0, 0, 0},
    {"[::1]x:80", 0, 0, 0},
    {"not a host:80", 0, 0, 0},
    {"1.2.3.4.5:80", 0, 0, 0},
};

START_TEST(test_parse)
{
    struct sockaddr_storage address;
    socklen_t length;
    struct weir_error error = {0};
    const char *text = addresses[_i].listen;
    int code = weir_http_parse(text, &address, &length, &error);
    if (!addresses[_i].family) {
        ck_assert_int_eq(code, WEIR_EINVAL);
        ck_assert_msg(strstr(error.message, text) != NULL, "%s: %s", text, error.message);
        return;
    }
    ck_assert_int_eq(code, 0);
    ck_assert_int_eq(address.ss_family, addresses[_i].family);
    if (address.ss_family == AF_INET) {
        const struct sockaddr_in *v4 = (const struct sockaddr_in *)&address;
        ck_assert_int_eq(ntohs(v4->sin_port), addresses[_i].port);
        ck_assert_int_eq(v4->sin_addr.s_addr == htonl(INADDR_LOOPBACK), addresses[_i].loopback);
    } else {
        const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&address;
        ck_assert_int_eq(ntohs(v6->sin6_port), addresses[_i].port);
        ck_assert_int_eq(IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr) != 0, addresses[_i].loopback);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("http");
    TCase *server = tcase_create("server");
    curl_global_init(CURL_GLOBAL_DEFAULT);
    tcase_add_test(server, test_serves);
    tcase_add_test(server, test_address_in_use);
    tcase_add_loop_test(server, test_parse, 0, sizeof addresses / sizeof *addresses);
    suite_add_tcase(suite, server);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
