// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/registry.h"

#include "consumer/http/metrics.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "consumer/codec/avro_schema.h"
#include "consumer/codec/registry_http.h"

enum {
    FIRST_PAUSE = 200,
    LAST_PAUSE = 10000, // ms
    GRACE = 10000,
    MAX_DOUBT = 60000,
    MAX_UNKNOWN = 4096, // ids without a schema that are remembered
    MAX_REFERENCES = 100,
    MAX_REFERENCE_DEPTH = 16,
    BUCKETS = 1024
};

struct pause { // until when not to ask again
    int64_t until;
    int64_t length;
};

struct slot { // of one schema id
    struct slot *next;
    int32_t id;
    char *schema; // NULL: not had yet; never changes afterwards
    int asking;   // a thread is at it
    int waiting;  // threads that wait for that
    struct pause pause;
    int64_t doubted_from;    // "there is none" was not believed since; 0: it was not said
    struct weir_error error; // of the last attempt
};

struct weir_registry {
    struct weir_registry_http http;
    pthread_mutex_t mutex;
    pthread_cond_t answered;
    struct slot *buckets[BUCKETS];
    size_t n_unknown;
    struct pause down; // the registry as a whole
    struct weir_error down_error;
    int64_t grace;            // ms
    atomic_int troubled;      // it gave no proper answer, last
    atomic_llong doubt_until; // ms: and then not long ago
    atomic_ullong errors;
};

int weir_registry_create(const struct weir_registry_options *options, struct weir_registry **result,
                         struct weir_error *error)
{
    struct weir_registry *registry = calloc(1, sizeof *registry);
    if (!registry)
        return weir_error_set(error, WEIR_ENOMEM, "registry: out of memory");
    int code = weir_registry_http_init(&registry->http, options, error);
    if (code) {
        free(registry);
        return code;
    }
    registry->grace = options->grace_ms ? options->grace_ms : GRACE;
    pthread_mutex_init(&registry->mutex, NULL);
    pthread_cond_init(&registry->answered, NULL);
    *result = registry;
    return 0;
}

void weir_registry_destroy(struct weir_registry *registry)
{
    if (!registry)
        return;
    for (size_t i = 0; i < BUCKETS; i++) {
        while (registry->buckets[i]) {
            struct slot *next = registry->buckets[i]->next;
            free(registry->buckets[i]->schema);
            free(registry->buckets[i]);
            registry->buckets[i] = next;
        }
    }
    weir_registry_http_free(&registry->http);
    pthread_mutex_destroy(&registry->mutex);
    pthread_cond_destroy(&registry->answered);
    free(registry);
}

uint64_t weir_registry_errors(const struct weir_registry *registry)
{
    return atomic_load_explicit(&((struct weir_registry *)(uintptr_t)registry)->errors,
                                memory_order_relaxed);
}

// ---- pauses ----

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void pause_longer(struct pause *pause)
{
    pause->length = pause->length ? pause->length * 2 : FIRST_PAUSE;
    if (pause->length > LAST_PAUSE)
        pause->length = LAST_PAUSE;
    pause->until = now_ms() + pause->length;
}

// ---- what the registry says ----

static void count_error(struct weir_registry *registry)
{
    atomic_fetch_add_explicit(&registry->errors, 1, memory_order_relaxed);
    WEIR_COUNT(registry_errors, 1);
}

static int ask(struct weir_registry *registry, const char *path, const char *body, json_t **answer,
               struct weir_error *error)
{
    int code = weir_registry_request(&registry->http, path, body, answer, error);
    if (code && code != WEIR_ENOTFOUND && code != WEIR_EINVAL)
        count_error(registry);
    if (code == WEIR_EAGAIN)
        atomic_store(&registry->troubled, 1);
    else if (atomic_exchange(&registry->troubled, 0))
        atomic_store(&registry->doubt_until, now_ms() + registry->grace);
    return code;
}

// Whether it was away so lately that it may not know its own schemas yet.
static int just_came_back(struct weir_registry *registry)
{
    return atomic_load(&registry->troubled) || now_ms() < atomic_load(&registry->doubt_until);
}

static int doubt(struct weir_error *error)
{
    struct weir_error said = {0};
    if (error)
        said = *error;
    return weir_error_set(error, WEIR_EAGAIN, "%.300s, but it has just come back: asked again",
                          said.message);
}

static int nonsense(struct weir_registry *registry, const char *path, const char *what,
                    struct weir_error *error)
{
    count_error(registry);
    return weir_error_set(error, WEIR_EAGAIN, "registry %.200s%.100s: %s", registry->http.url, path,
                          what);
}

struct references {
    char *texts[MAX_REFERENCES];
    size_t n;
};

static int read_answer(struct weir_registry *registry, const char *path, const json_t *answer,
                       struct references *references, int depth, const char **schema,
                       struct weir_error *error);

static int read_reference(struct weir_registry *registry, const json_t *reference,
                          struct references *references, int depth, struct weir_error *error)
{
    const char *subject = json_string_value(json_object_get(reference, "subject"));
    const json_t *version = json_object_get(reference, "version");
    const char *schema;
    char *path, *escaped = subject ? weir_registry_escape(subject) : NULL;
    json_t *answer = NULL;
    if (!subject || !json_is_integer(version))
        return nonsense(registry, "", "a reference without subject and version", error);
    if (depth >= MAX_REFERENCE_DEPTH || references->n >= MAX_REFERENCES) {
        free(escaped);
        return nonsense(registry, "", "references without end", error);
    }
    if (!escaped || asprintf(&path, "/subjects/%s/versions/%lld", escaped,
                             (long long)json_integer_value(version)) < 0) {
        free(escaped);
        return weir_error_set(error, WEIR_ENOMEM, "registry: out of memory");
    }
    free(escaped);
    int code = ask(registry, path, NULL, &answer, error);
    if (code == WEIR_ENOTFOUND)
        code = nonsense(registry, path, "a schema refers to it, and it is not there", error);
    if (!code)
        code = read_answer(registry, path, answer, references, depth + 1, &schema, error);
    if (!code) {
        char *copy = references->n < MAX_REFERENCES ? strdup(schema) : NULL;
        if (copy)
            references->texts[references->n++] = copy;
        else if (references->n < MAX_REFERENCES)
            code = weir_error_set(error, WEIR_ENOMEM, "registry: out of memory");
        else
            code = nonsense(registry, path, "too many references", error);
    }
    json_decref(answer);
    free(path);
    return code;
}

// The schema's text (borrowed from the answer), with its references, the innermost first.
static int read_answer(struct weir_registry *registry, const char *path, const json_t *answer,
                       struct references *references, int depth, const char **schema,
                       struct weir_error *error)
{
    const char *text = json_string_value(json_object_get(answer, "schema"));
    const char *type = json_string_value(json_object_get(answer, "schemaType"));
    const json_t *list = json_object_get(answer, "references");
    int code = 0;
    if (!text)
        return nonsense(registry, path, "an answer without a schema", error);
    if (type && strcasecmp(type, "AVRO") != 0)
        return nonsense(registry, path, "a schema that is not Avro", error);
    if (strlen(text) > WEIR_AVRO_MAX_TEXT)
        return nonsense(registry, path, "a schema that is too large", error);
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);
    json_decref(json);
    if (!json)
        return nonsense(registry, path, "a schema that is not JSON", error);
    for (size_t i = 0; !code && i < json_array_size(list); i++)
        code = read_reference(registry, json_array_get(list, i), references, depth, error);
    if (!code)
        *schema = text;
    return code;
}

// The complete schema of an answer, to be freed.
static int complete(struct weir_registry *registry, const char *path, const json_t *answer,
                    char **schema, struct weir_error *error)
{
    struct references references = {.n = 0};
    const char *text;
    int code = read_answer(registry, path, answer, &references, 0, &text, error);
    if (!code && references.n) {
        code = weir_avro_schema_join(text, (const char *const *)references.texts, references.n,
                                     schema, error);
        if (code == WEIR_EINVAL)
            code = nonsense(registry, path, "references that do not fit together", error);
    } else if (!code) {
        *schema = strdup(text);
        if (!*schema)
            code = weir_error_set(error, WEIR_ENOMEM, "registry: out of memory");
    }
    for (size_t i = 0; i < references.n; i++)
        free(references.texts[i]);
    return code;
}

// `unreachable`: there was no proper answer at all.
static int fetch(struct weir_registry *registry, int32_t id, char **schema, int *unreachable,
                 struct weir_error *error)
{
    char path[64];
    json_t *answer = NULL;
    snprintf(path, sizeof path, "/schemas/ids/%d", id);
    int code = ask(registry, path, NULL, &answer, error);
    *unreachable = code == WEIR_EAGAIN;
    if (!code)
        code = complete(registry, path, answer, schema, error);
    json_decref(answer);
    return code;
}

// ---- the cache; all of it under the mutex ----

static struct slot *find_slot(struct weir_registry *registry, int32_t id)
{
    struct slot *slot = registry->buckets[(uint32_t)id % BUCKETS];
    while (slot && slot->id != id)
        slot = slot->next;
    return slot;
}

// Ids that damaged records made up must not fill the memory.
static void forget_unknown(struct weir_registry *registry)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        struct slot **at = &registry->buckets[i];
        while (*at) {
            struct slot *slot = *at;
            if (slot->schema || slot->asking || slot->waiting) {
                at = &slot->next;
                continue;
            }
            *at = slot->next;
            free(slot);
            registry->n_unknown--;
        }
    }
}

static struct slot *get_slot(struct weir_registry *registry, int32_t id)
{
    struct slot *slot = find_slot(registry, id);
    if (slot)
        return slot;
    if (registry->n_unknown >= MAX_UNKNOWN)
        forget_unknown(registry);
    slot = calloc(1, sizeof *slot);
    if (!slot)
        return NULL;
    slot->id = id;
    slot->next = registry->buckets[(uint32_t)id % BUCKETS];
    registry->buckets[(uint32_t)id % BUCKETS] = slot;
    registry->n_unknown++;
    return slot;
}

// Takes `schema`. Another thread may have come by it first.
static void keep_schema(struct weir_registry *registry, struct slot *slot, char *schema)
{
    if (slot->schema) {
        free(schema);
        return;
    }
    slot->schema = schema;
    slot->pause = (struct pause){0};
    registry->n_unknown--;
}

// "There is none" of a registry that has just come back is to be asked again, within limits: where
// it fails at one id for ever, the others must not wait for ever.
static int believe(struct weir_registry *registry, struct slot *slot, int code,
                   struct weir_error *error)
{
    int64_t now = now_ms();
    if (code != WEIR_ENOTFOUND || !just_came_back(registry)) {
        slot->doubted_from = 0;
        return code;
    }
    if (!slot->doubted_from) {
        slot->doubted_from = now;
        slot->pause = (struct pause){0}; // it will not take as long as the outage did
    }
    return now - slot->doubted_from < MAX_DOUBT ? doubt(error) : code;
}

// Asks for the slot's schema, with the mutex released meanwhile.
static void fill_slot(struct weir_registry *registry, struct slot *slot)
{
    struct weir_error error = {0};
    char *schema = NULL;
    int unreachable;
    slot->asking = 1;
    pthread_mutex_unlock(&registry->mutex);
    int code = fetch(registry, slot->id, &schema, &unreachable, &error);
    pthread_mutex_lock(&registry->mutex);
    slot->asking = 0;
    code = believe(registry, slot, code, &error);
    if (!code) {
        keep_schema(registry, slot, schema);
    } else if (!slot->schema) {
        slot->error = error;
        pause_longer(&slot->pause);
    }
    // No other id need be asked for while there is no answer at all.
    if (unreachable) {
        registry->down_error = error;
        pause_longer(&registry->down);
    } else {
        registry->down = (struct pause){0};
    }
    pthread_cond_broadcast(&registry->answered);
}

static int answer_of(const struct slot *slot, const char **schema, struct weir_error *error)
{
    if (!slot->schema)
        return weir_error_set(error, slot->error.code, "%s", slot->error.message);
    *schema = slot->schema;
    return 0;
}

int weir_registry_schema(struct weir_registry *registry, int32_t id, const char **schema,
                         struct weir_error *error)
{
    int code;
    pthread_mutex_lock(&registry->mutex);
    struct slot *slot = get_slot(registry, id);
    if (!slot) {
        code = weir_error_set(error, WEIR_ENOMEM, "registry: out of memory");
    } else if (slot->schema) {
        code = answer_of(slot, schema, error);
    } else if (slot->asking) {
        slot->waiting++;
        while (slot->asking)
            pthread_cond_wait(&registry->answered, &registry->mutex);
        slot->waiting--;
        code = answer_of(slot, schema, error);
    } else if (slot->pause.until > now_ms()) {
        code = answer_of(slot, schema, error);
    } else if (registry->down.until > now_ms()) {
        code = weir_error_set(error, WEIR_EAGAIN, "%s", registry->down_error.message);
    } else {
        fill_slot(registry, slot);
        code = answer_of(slot, schema, error);
    }
    pthread_mutex_unlock(&registry->mutex);
    return code;
}

static int subject_path(const char *subject, const char *end, char **path, struct weir_error *error)
{
    char *escaped = weir_registry_escape(subject);
    int n = escaped ? asprintf(path, "/subjects/%s/versions%s", escaped, end) : -1;
    free(escaped);
    return n < 0 ? weir_error_set(error, WEIR_ENOMEM, "registry: out of memory") : 0;
}

static int read_id(struct weir_registry *registry, const char *path, const json_t *answer,
                   int32_t *id, struct weir_error *error)
{
    const json_t *number = json_object_get(answer, "id");
    json_int_t value = json_integer_value(number);
    if (!json_is_integer(number) || value < 0 || value > INT32_MAX)
        return nonsense(registry, path, "an answer without an id", error);
    *id = (int32_t)value;
    return 0;
}

int weir_registry_latest(struct weir_registry *registry, const char *subject, int32_t *id,
                         const char **schema, struct weir_error *error)
{
    char *path, *text = NULL;
    json_t *answer = NULL;
    int32_t number = 0;
    int code = subject_path(subject, "/latest", &path, error);
    if (code)
        return code;
    code = ask(registry, path, NULL, &answer, error);
    if (code == WEIR_ENOTFOUND && just_came_back(registry))
        code = doubt(error);
    if (!code)
        code = read_id(registry, path, answer, &number, error);
    if (!code)
        code = complete(registry, path, answer, &text, error);
    json_decref(answer);
    free(path);
    if (code)
        return code;
    pthread_mutex_lock(&registry->mutex);
    struct slot *slot = get_slot(registry, number);
    if (slot)
        keep_schema(registry, slot, text);
    if (slot && schema)
        *schema = slot->schema;
    pthread_mutex_unlock(&registry->mutex);
    if (!slot) {
        free(text);
        return weir_error_set(error, WEIR_ENOMEM, "registry: out of memory");
    }
    if (id)
        *id = number;
    return 0;
}

int weir_registry_register(struct weir_registry *registry, const char *subject, const char *schema,
                           int32_t *id, struct weir_error *error)
{
    char *path, *body = NULL;
    json_t *answer = NULL;
    int code = subject_path(subject, "", &path, error);
    if (code)
        return code;
    json_t *request = json_pack("{s:s}", "schema", schema);
    body = request ? json_dumps(request, JSON_COMPACT) : NULL;
    code = body ? ask(registry, path, body, &answer, error)
                : weir_error_set(error, WEIR_ENOMEM, "registry: out of memory");
    if (!code)
        code = read_id(registry, path, answer, id, error);
    free(body);
    json_decref(request);
    json_decref(answer);
    free(path);
    return code;
}
