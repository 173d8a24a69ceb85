// SPDX-License-Identifier: Apache-2.0
#include <stdlib.h>
#include <string.h>

#include "consumer/config/load.h"

enum { EXPANDED = 1 << 20, SECRET_FILE = 1 << 16 };

struct text {
    char *data;
    size_t length, capacity;
};

static void append(struct weir_load *load, struct text *out, const char *data, size_t length)
{
    if (out->length + length + 1 > out->capacity) {
        size_t capacity = (out->length + length + 64) * 2;
        char *grown = weir_pool_alloc(load->pool, capacity);
        if (out->length)
            memcpy(grown, out->data, out->length);
        out->data = grown;
        out->capacity = capacity;
    }
    if (length)
        memcpy(out->data + out->length, data, length);
    out->length += length;
    out->data[out->length] = 0;
}

// ${file:PATH}: the file without its last line break.
static void append_file(struct weir_load *load, struct text *out, const char *name,
                        struct weir_mark mark)
{
    const char *path = weir_load_path(load, name);
    char *bytes = weir_pool_alloc(load->pool, SECRET_FILE + 1);
    FILE *file = fopen(path, "rb");
    if (!file) {
        weir_load_error(load, mark, "${file:%s}: %s cannot be opened (%m)", name, path);
        return;
    }
    size_t length = fread(bytes, 1, SECRET_FILE + 1, file);
    int failed = ferror(file);
    fclose(file);
    if (failed)
        weir_load_error(load, mark, "${file:%s}: %s cannot be read", name, path);
    else if (length > SECRET_FILE)
        weir_load_error(load, mark, "${file:%s}: %s is larger than 64 KiB", name, path);
    else if (memchr(bytes, 0, length))
        weir_load_error(load, mark, "${file:%s}: %s holds a NUL byte: it is no text", name, path);
    else {
        if (length && bytes[length - 1] == '\n')
            length--;
        if (length && bytes[length - 1] == '\r')
            length--;
        append(load, out, bytes, length);
    }
}

static int is_name(const char *text, size_t length)
{
    if (!length || (text[0] >= '0' && text[0] <= '9'))
        return 0;
    for (size_t i = 0; i < length; i++) {
        char c = text[i];
        if (!((c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
              c == '_'))
            return 0;
    }
    return 1;
}

// What stands between ${ and }.
static void append_variable(struct weir_load *load, struct text *out, const char *inside,
                            size_t length, struct weir_mark mark)
{
    char *name = weir_pool_copy(load->pool, inside, length);
    if (!strncmp(name, "file:", 5)) {
        append_file(load, out, name + 5, mark);
        return;
    }
    char *fallback = strstr(name, ":-");
    if (fallback) {
        *fallback = 0;
        fallback += 2;
    }
    if (!is_name(name, strlen(name))) {
        weir_load_error(load, mark,
                        "${%s}: expected ${VAR}, ${VAR:-default} or ${file:PATH}; a "
                        "literal ${ is written $${",
                        name);
        return;
    }
    const char *value = getenv(name);
    if (!value && !fallback)
        weir_load_error(load, mark,
                        "the environment variable %s is not set; set it, or write "
                        "${%s:-default}",
                        name, name);
    else if (value && (*value || !fallback))
        append(load, out, value, strlen(value));
    else
        append(load, out, fallback, strlen(fallback));
}

void weir_expand(struct weir_load *load, struct weir_node *scalar)
{
    if (!strstr(scalar->text, "${"))
        return;
    size_t errors = load->problems->errors;
    struct text out = {0};
    const char *at = scalar->text;
    append(load, &out, "", 0);
    for (const char *dollar; (dollar = strstr(at, "${")) != NULL;) {
        if (dollar > at && dollar[-1] == '$') { // $${ is a literal ${
            append(load, &out, at, (size_t)(dollar - at) - 1);
            append(load, &out, "${", 2);
            at = dollar + 2;
            continue;
        }
        append(load, &out, at, (size_t)(dollar - at));
        const char *end = strchr(dollar, '}');
        if (!end) {
            weir_load_error(load, scalar->mark, "a ${ without its }; a literal ${ is written $${");
            scalar->broken = 1;
            return;
        }
        append_variable(load, &out, dollar + 2, (size_t)(end - dollar) - 2, scalar->mark);
        scalar->expanded = 1;
        at = end + 1;
    }
    append(load, &out, at, strlen(at));
    if (out.length > EXPANDED) {
        weir_load_error(load, scalar->mark, "the value is over 1 MiB after expansion");
        scalar->broken = 1;
        return;
    }
    scalar->broken = load->problems->errors > errors;
    scalar->text = out.data;
    scalar->length = out.length;
}
