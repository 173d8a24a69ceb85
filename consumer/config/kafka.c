// SPDX-License-Identifier: Apache-2.0
// `kafka:` and `registry:`: properties of libraries, checked by name and value before use.
#include <librdkafka/rdkafka.h>
#include <string.h>

#include "consumer/config/table.h"
#include "consumer/config/value.h"

// Properties that weir sets itself, and why nobody else may.
static const struct reserved {
    const char *name, *why;
} reserved[] = {
    {"isolation.level", "weir reads committed records where that matters"},
    {"enable.auto.commit", "offsets are committed in the transaction that carries the outputs"},
    {"enable.auto.offset.store", "offsets are committed in the transaction that carries the "
                                 "outputs"},
    {"auto.offset.reset", "positions are always explicit; use `start:` of a stream, and `on_gap:` "
                          "for records that are gone"},
    {"partition.assignment.strategy", "partitions move one at a time, together with their state"},
    {"enable.idempotence", "a transactional producer always is"},
    {"transactional.id", "it is weir.APP.INSTANCE; use `app:` and `instance:`"},
    {"group.id", "it is weir.APP; use `app:`"},
    {"plugin.library.paths", "weir loads no librdkafka plug-ins"},
    {"enable.partition.eof", "weir needs the ends of partitions to restore state"},
};

static const char *reserved_why(const char *name)
{
    for (size_t i = 0; i < sizeof reserved / sizeof *reserved; i++) {
        if (!strcmp(reserved[i].name, name))
            return reserved[i].why;
    }
    return NULL;
}

static int is_secret(const char *name)
{
    return strstr(name, "password") || strstr(name, "oauthbearer") || strstr(name, "username") ||
           strstr(name, ".key") || strstr(name, "secret") || strstr(name, "token") ||
           strstr(name, ".pem") || strstr(name, "user.info");
}

static void report_unknown(struct weir_load *load, rd_kafka_conf_t *conf,
                           const struct weir_node *node, const char *where)
{
    // librdkafka lists only what has a value; these have none until they are set.
    static const char *const unset[] = {
        "bootstrap.servers",        "sasl.username",    "sasl.password",    "ssl.ca.location",
        "ssl.certificate.location", "ssl.key.location", "ssl.key.password", "group.instance.id"};
    struct weir_nearest nearest = {0};
    char best[64] = "";
    size_t n = 0;
    const char **known = rd_kafka_conf_dump(conf, &n);
    for (size_t i = 0; i < sizeof unset / sizeof *unset; i++)
        weir_nearest_offer(&nearest, node->key, unset[i]);
    for (size_t i = 0; known && i + 1 < n; i += 2)
        weir_nearest_offer(&nearest, node->key, known[i]);
    if (nearest.best)
        snprintf(best, sizeof best, "%s", nearest.best);
    rd_kafka_conf_dump_free(known, n);
    if (*best)
        weir_load_error(load, node->key_mark,
                        "%s: librdkafka has no property '%.60s'; did you "
                        "mean '%s'?",
                        where, node->key, best);
    else
        weir_load_error(load, node->key_mark, "%s: librdkafka has no property '%.60s'", where,
                        node->key);
}

static void check_property(struct weir_load *load, rd_kafka_conf_t *conf,
                           const struct weir_node *node, const char *where)
{
    char why[512] = "";
    if (reserved_why(node->key)) {
        weir_load_error(load, node->key_mark, "%s: %s is weir's own: %s", where, node->key,
                        reserved_why(node->key));
        return;
    }
    switch (rd_kafka_conf_set(conf, node->key, node->text, why, sizeof why)) {
    case RD_KAFKA_CONF_OK:
        break;
    case RD_KAFKA_CONF_UNKNOWN:
        report_unknown(load, conf, node, where);
        break;
    default:
        // librdkafka's sentence repeats the value.
        if (node->expanded || is_secret(node->key))
            weir_load_error(load, node->mark, "%s: librdkafka does not take this value of %s",
                            where, node->key);
        else
            weir_load_error(load, node->mark, "%s: %.250s", where, why);
    }
}

// The scalars of a map, but for `consumer` and `producer` at its top.
static void read_properties(struct weir_load *load, struct weir_node *map, int top,
                            rd_kafka_conf_t *conf, struct weir_properties *out, const char *where)
{
    if (weir_node_is_null(map))
        return;
    if (map->kind != WEIR_NODE_MAP) {
        weir_load_error(load, map->mark,
                        "%s: expected a mapping of librdkafka properties, found "
                        "%s",
                        where, weir_node_kind_name(map));
        return;
    }
    out->items = weir_pool_array(load->pool, map->n, sizeof *out->items);
    for (struct weir_node *node = map->first; node; node = node->next) {
        if (top && (!strcmp(node->key, "consumer") || !strcmp(node->key, "producer")))
            continue;
        const char *path = weir_pool_printf(load->pool, "%s.%s", where, node->key);
        if (weir_table_scalar(load, node, path))
            continue;
        check_property(load, conf, node, where);
        out->items[out->n++] = (struct weir_property){node->key, node->text, node->key_mark};
    }
}

void weir_read_kafka(struct weir_load *load, const struct weir_key *key, struct weir_node *map,
                     void *base, const char *where)
{
    struct weir_config *config = base;
    (void)key;
    if (!map)
        return;
    for (int i = 0; i < 2; i++) {
        if (!(load->scratch[i] = rd_kafka_conf_new()))
            longjmp(load->out_of_memory, 1);
    }
    read_properties(load, map, 1, load->scratch[0], &config->kafka, where);
    if (map->kind != WEIR_NODE_MAP)
        return;
    read_properties(load, weir_node_get(map, "consumer"), 0, load->scratch[0], &config->consumer,
                    "kafka.consumer");
    read_properties(load, weir_node_get(map, "producer"), 0, load->scratch[1], &config->producer,
                    "kafka.producer");
    struct weir_node *servers = weir_node_get(map, "bootstrap.servers");
    if (!servers)
        servers = weir_node_get(map, "metadata.broker.list");
    if (!servers)
        weir_load_error(load, map->key_mark,
                        "kafka.bootstrap.servers is missing: the brokers, as "
                        "HOST:PORT, HOST:PORT");
    else if (servers->kind == WEIR_NODE_SCALAR && !servers->length && !weir_node_is_null(servers))
        weir_load_error(load, servers->mark,
                        "kafka.bootstrap.servers is empty: the brokers, as "
                        "HOST:PORT, HOST:PORT");
}

void weir_read_registry(struct weir_load *load, const struct weir_key *key, struct weir_node *map,
                        void *base, const char *where)
{
    static const char known[] = "url|basic.auth.user.info|ssl.ca.location|"
                                "ssl.certificate.location|ssl.key.location|request.timeout.ms|"
                                "connect.timeout.ms";
    static const char *const names[] = {"url",
                                        "basic.auth.user.info",
                                        "ssl.ca.location",
                                        "ssl.certificate.location",
                                        "ssl.key.location",
                                        "request.timeout.ms",
                                        "connect.timeout.ms"};
    struct weir_config *config = base;
    (void)key;
    if (!map)
        return;
    if (map->kind != WEIR_NODE_MAP) {
        weir_load_error(load, map->mark, "%s: expected {url: URL}, found %s", where,
                        weir_node_kind_name(map));
        return;
    }
    config->registry.items = weir_pool_array(load->pool, map->n, sizeof *config->registry.items);
    for (struct weir_node *node = map->first; node; node = node->next) {
        const char *path = weir_pool_printf(load->pool, "%s.%s", where, node->key);
        struct weir_nearest nearest = {0};
        if (weir_value_choice(node->key, known) < 0) {
            for (size_t i = 0; i < sizeof names / sizeof *names; i++)
                weir_nearest_offer(&nearest, node->key, names[i]);
            weir_load_error(load, node->key_mark, "unknown key '%.60s' in %s%s%s%s", node->key,
                            where, nearest.best ? "; did you mean '" : "",
                            nearest.best ? nearest.best : "", nearest.best ? "'?" : "");
        } else if (!weir_table_scalar(load, node, path)) {
            if (!strcmp(node->key, "url"))
                config->registry_url = node->text;
            else
                config->registry.items[config->registry.n++] =
                    (struct weir_property){node->key, node->text, node->key_mark};
        }
    }
    struct weir_node *url = weir_node_get(map, "url");
    if (!url)
        weir_load_error(load, map->key_mark,
                        "registry.url is missing: where the schema registry "
                        "answers");
    else if (config->registry_url && strncmp(config->registry_url, "http://", 7) &&
             strncmp(config->registry_url, "https://", 8))
        weir_load_error(load, url->mark,
                        "registry.url: expected a URL that begins with http:// or "
                        "https://");
}
