// SPDX-License-Identifier: Apache-2.0
#include "consumer/config/config.h"

#include <librdkafka/rdkafka.h>
#include <limits.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

#include "consumer/config/table.h"

enum { PROBLEMS = 100, POOL = 64 << 20 };

// ---- problems

static int add_problem(struct weir_problems *problems, struct weir_mark mark, int warning,
                       const char *format, va_list args)
{
    // Capacity is 16, 32, 64 ...: the next power of two.
    if (!problems->items || (problems->n >= 16 && !(problems->n & (problems->n - 1)))) {
        size_t capacity = problems->n ? problems->n * 2 : 16;
        void *grown = realloc(problems->items, capacity * sizeof *problems->items);
        if (!grown)
            return -1;
        problems->items = grown;
    }
    struct weir_problem *problem = &problems->items[problems->n++];
    problem->mark = mark;
    problem->warning = warning;
    vsnprintf(problem->message, sizeof problem->message, format, args);
    // What came out of the file must not move a terminal's cursor.
    for (unsigned char *c = (unsigned char *)problem->message; *c; c++) {
        if (*c < 32 || *c == 127)
            *c = ' ';
    }
    problems->errors += !warning;
    return 0;
}

// In the file's order; one after the other where they were found in one place.
static void sort_problems(struct weir_problems *problems)
{
    for (size_t i = 1; i < problems->n; i++) {
        struct weir_problem problem = problems->items[i];
        size_t k = i;
        for (; k; k--) {
            const struct weir_mark *mark = &problems->items[k - 1].mark;
            if (mark->line < problem.mark.line ||
                (mark->line == problem.mark.line && mark->column <= problem.mark.column))
                break;
            problems->items[k] = problems->items[k - 1];
        }
        problems->items[k] = problem;
    }
}

int weir_problems_add(struct weir_problems *problems, struct weir_mark mark, int warning,
                      const char *format, ...)
{
    va_list args;
    int code = 0;
    va_start(args, format);
    if (problems->n < PROBLEMS)
        code = add_problem(problems, mark, warning, format, args);
    else
        problems->errors += !warning;
    va_end(args);
    sort_problems(problems);
    return code ? WEIR_ENOMEM : 0;
}

static void report(struct weir_load *load, struct weir_mark mark, int warning, const char *format,
                   va_list args)
{
    if (load->problems->n < PROBLEMS && add_problem(load->problems, mark, warning, format, args))
        longjmp(load->out_of_memory, 1);
}

void weir_load_error(struct weir_load *load, struct weir_mark mark, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(load, mark, 0, format, args);
    va_end(args);
}

void weir_load_warning(struct weir_load *load, struct weir_mark mark, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    report(load, mark, 1, format, args);
    va_end(args);
}

__attribute__((format(printf, 2, 3))) static int fail(struct weir_problems *problems,
                                                      const char *format, ...)
{
    va_list args;
    va_start(args, format);
    struct weir_mark start = {1, 1};
    add_problem(problems, start, 0, format, args);
    va_end(args);
    return WEIR_EINVAL;
}

void weir_problems_free(struct weir_problems *problems)
{
    free(problems->items);
    memset(problems, 0, sizeof *problems);
}

void weir_problems_print(const struct weir_problems *problems, const char *path, FILE *out)
{
    for (size_t i = 0; i < problems->n; i++) {
        const struct weir_problem *problem = &problems->items[i];
        fprintf(out, "%s:%u:%u: %s: %s\n", path, problem->mark.line, problem->mark.column,
                problem->warning ? "warning" : "error", problem->message);
    }
}

// ---- small sections

void weir_read_version(struct weir_load *load, const struct weir_key *key, struct weir_node *node,
                       void *base, const char *where)
{
    (void)key;
    (void)base;
    if (!weir_table_scalar(load, node, where) && strcmp(node->text, "1"))
        weir_load_error(load, node->mark, "version: this weir reads version 1, not '%.60s'",
                        node->source);
}

void weir_read_listen(struct weir_load *load, const struct weir_key *key, struct weir_node *node,
                      void *base, const char *where)
{
    struct weir_config *config = base;
    (void)key;
    config->http_listen = "127.0.0.1:9464";
    if (!node || weir_table_scalar(load, node, where))
        return;
    const char *colon = strrchr(node->text, ':');
    char *end = NULL;
    long port = colon && colon[1] >= '0' && colon[1] <= '9' ? strtol(colon + 1, &end, 10) : -1;
    if (!strcmp(node->text, "off"))
        config->http_listen = NULL;
    else if (!colon || colon == node->text || !end || *end || port < 0 || port > 65535)
        weir_load_error(load, node->mark,
                        "%s: expected ADDRESS:PORT such as 127.0.0.1:9464, or "
                        "off",
                        where);
    else
        config->http_listen = node->text;
}

const char *weir_load_path(struct weir_load *load, const char *path)
{
    if (*path == '/' || !*load->folder)
        return path;
    while (!strncmp(path, "./", 2) && path[2])
        path += 2;
    return weir_pool_printf(load->pool, "%s%s%s", load->folder,
                            load->folder[strlen(load->folder) - 1] == '/' ? "" : "/", path);
}

// The absolute folder of the configuration's file, so that messages show where a path leads.
static const char *folder_of(struct weir_load *load, const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder =
        slash ? weir_pool_copy(load->pool, path, slash == path ? 1 : (size_t)(slash - path))
              : weir_pool_copy(load->pool, ".", 1);
    char absolute[PATH_MAX];
    if (!realpath(folder, absolute))
        return folder;
    return weir_pool_copy(load->pool, absolute, strlen(absolute));
}

// ---- the whole

static int read_all(struct weir_load *load, const char *text, size_t length)
{
    load->pool->out_of_memory = &load->out_of_memory;
    if (setjmp(load->out_of_memory))
        return WEIR_ENOMEM;
    load->config = weir_pool_alloc(load->pool, sizeof *load->config);
    load->config->path = weir_pool_copy(load->pool, load->path, strlen(load->path));
    load->config->folder = load->folder = folder_of(load, load->path);
    if (length <= WEIR_CONFIG_BYTES) { // else it is refused anyway
        load->config->text = weir_pool_copy(load->pool, text, length);
        load->config->length = length;
    }
    load->root = weir_node_read(load, text, length);
    load->config->root = load->root;
    if (!load->root)
        return WEIR_EINVAL;
    weir_table_read(load, weir_keys_root, load->root, load->config, "", NULL);
    weir_load_check(load);
    load->config->hash = weir_load_hash(load->root);
    load->config->arena = load->pool;
    return load->problems->errors ? WEIR_EINVAL : 0;
}

static void release(struct weir_load *load)
{
    if (load->event)
        yaml_event_delete(load->event);
    if (load->yaml)
        yaml_parser_delete(load->yaml);
    for (int i = 0; i < 2; i++) {
        if (load->scratch[i])
            rd_kafka_conf_destroy(load->scratch[i]);
    }
}

int weir_config_parse_in(struct weir_pool *pool, const char *text, size_t length, const char *path,
                         struct weir_plugins *plugins, unsigned flags, struct weir_config **config,
                         struct weir_problems *problems)
{
    struct weir_load load = {
        .pool = pool, .problems = problems, .path = path, .plugins = plugins, .flags = flags};
    int code = read_all(&load, text, length);
    release(&load);
    pool->out_of_memory = NULL;
    if (code == WEIR_ENOMEM)
        code = fail(problems, "the configuration needs more memory than there is");
    sort_problems(problems);
    if (!code)
        *config = load.config;
    else
        weir_pool_destroy(pool);
    return code;
}

int weir_config_parse_with(const char *text, size_t length, const char *path,
                           struct weir_plugins *plugins, unsigned flags,
                           struct weir_config **config, struct weir_problems *problems)
{
    memset(problems, 0, sizeof *problems);
    struct weir_pool *pool = weir_pool_create(POOL);
    if (!pool)
        return fail(problems, "out of memory");
    return weir_config_parse_in(pool, text, length, path, plugins, flags, config, problems);
}

int weir_config_parse(const char *text, size_t length, const char *path,
                      struct weir_plugins *plugins, struct weir_config **config,
                      struct weir_problems *problems)
{
    return weir_config_parse_with(text, length, path, plugins, 0, config, problems);
}

// The file's bytes, to be freed; NULL with a problem.
static char *read_file(const char *path, size_t *length, struct weir_problems *problems)
{
    enum { MAXIMUM = WEIR_CONFIG_BYTES + 1 };
    struct stat status;
    FILE *file = fopen(path, "rb");
    if (!file || fstat(fileno(file), &status)) {
        fail(problems, "the file cannot be opened (%m)");
    } else if (S_ISDIR(status.st_mode)) {
        fail(problems, "this is a folder, not a configuration");
    } else {
        char *text = malloc(MAXIMUM);
        *length = text ? fread(text, 1, MAXIMUM, file) : 0;
        int failed = !text || ferror(file);
        fclose(file);
        if (!failed)
            return text;
        fail(problems, text ? "the file cannot be read" : "out of memory");
        free(text);
        return NULL;
    }
    if (file)
        fclose(file);
    return NULL;
}

int weir_config_load_with(const char *path, struct weir_plugins *plugins, unsigned flags,
                          struct weir_config **config, struct weir_problems *problems)
{
    size_t length;
    memset(problems, 0, sizeof *problems);
    char *text = read_file(path, &length, problems);
    if (!text)
        return WEIR_EINVAL;
    int code = weir_config_parse_with(text, length, path, plugins, flags, config, problems);
    free(text);
    return code;
}

int weir_config_load(const char *path, struct weir_plugins *plugins, struct weir_config **config,
                     struct weir_problems *problems)
{
    return weir_config_load_with(path, plugins, 0, config, problems);
}

void weir_config_free(struct weir_config *config)
{
    if (config)
        weir_pool_destroy(config->arena);
}
