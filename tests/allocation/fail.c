// SPDX-License-Identifier: Apache-2.0
#include "tests/allocation/fail.h"

#include <avro.h>
#include <curl/curl.h>
#include <errno.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local struct weir_fail *active;
static _Thread_local long left; // until the one that fails

int weir_fail_next(struct weir_fail *fail)
{
    if (!fail->nth || fail->failed) {
        fail->nth++;
    } else if (!fail->rest) {
        fail->rest = 1;
        fail->nth = 1;
    } else {
        return 0;
    }
    fail->failed = 0;
    return 1;
}

void weir_fail_on(struct weir_fail *fail)
{
    left = fail->nth;
    active = fail;
}

int weir_fail_off(struct weir_fail *fail)
{
    active = NULL;
    return fail->failed;
}

static int fails(void)
{
    if (!active || --left > 0 || (left < 0 && !active->rest))
        return 0;
    active->failed = 1;
    active->points++;
    errno = ENOMEM;
    return 1;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t length);
int __real_vasprintf(char **out, const char *format, va_list args);
FILE *__real_open_memstream(char **out, size_t *length);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t length);
int __wrap_asprintf(char **out, const char *format, ...) __attribute__((format(printf, 2, 3)));
int __wrap_vasprintf(char **out, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
FILE *__wrap_open_memstream(char **out, size_t *length);

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

char *__wrap_strdup(const char *text)
{
    return fails() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t length)
{
    return fails() ? NULL : __real_strndup(text, length);
}

// The pointer is undefined where it fails: something that no one may free or follow.
int __wrap_vasprintf(char **out, const char *format, va_list args)
{
    if (!fails())
        return __real_vasprintf(out, format, args);
    *out = (char *)16;
    return -1;
}

int __wrap_asprintf(char **out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = __wrap_vasprintf(out, format, args);
    va_end(args);
    return n;
}

FILE *__wrap_open_memstream(char **out, size_t *length)
{
    return fails() ? NULL : __real_open_memstream(out, length);
}

// jansson 2.14 drops bytes where its text cannot grow: its parser does not look at what
// strbuffer_append_byte() says, its printer leaves out a key. So both fail as a whole or have all
// their memory. So does Avro C 1.11.1, which follows null pointers where it finds none in
// avro_schema_from_json_length(). zlib and simdjson allocate within their shared libraries.
static _Thread_local int whole;

static void *json_memory(size_t size)
{
    return !whole && fails() ? NULL : __real_malloc(size);
}

json_t *__real_json_loadb(const char *text, size_t length, size_t flags, json_error_t *error);
json_t *__wrap_json_loadb(const char *text, size_t length, size_t flags, json_error_t *error);
json_t *__wrap_json_loads(const char *text, size_t flags, json_error_t *error);
char *__real_json_dumps(const json_t *json, size_t flags);
char *__wrap_json_dumps(const json_t *json, size_t flags);
int __real_avro_schema_from_json_length(const char *text, size_t length, avro_schema_t *schema);
int __wrap_avro_schema_from_json_length(const char *text, size_t length, avro_schema_t *schema);

json_t *__wrap_json_loadb(const char *text, size_t length, size_t flags, json_error_t *error)
{
    if (fails())
        return NULL;
    whole = 1;
    json_t *json = __real_json_loadb(text, length, flags, error);
    whole = 0;
    return json;
}

json_t *__wrap_json_loads(const char *text, size_t flags, json_error_t *error)
{
    return __wrap_json_loadb(text, strlen(text), flags, error);
}

char *__wrap_json_dumps(const json_t *json, size_t flags)
{
    if (fails())
        return NULL;
    whole = 1;
    char *text = __real_json_dumps(json, flags);
    whole = 0;
    return text;
}

int __wrap_avro_schema_from_json_length(const char *text, size_t length, avro_schema_t *schema)
{
    if (fails())
        return ENOMEM;
    whole = 1;
    int code = __real_avro_schema_from_json_length(text, length, schema);
    whole = 0;
    return code;
}

void weir_fail_libraries(void)
{
    json_set_alloc_funcs(json_memory, free);
    curl_global_init_mem(CURL_GLOBAL_DEFAULT, malloc, free, realloc, strdup, calloc);
}
