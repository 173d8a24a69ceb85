// SPDX-License-Identifier: Apache-2.0
#include "consumer/demo/broker.h"

#include <librdkafka/rdkafka.h>
// It must come behind rdkafka.h.
#include <librdkafka/rdkafka_mock.h>
#include <stdlib.h>

#include "consumer/log/log.h"

struct weir_demo_broker {
    rd_kafka_t *client; // whose threads it lives on
    rd_kafka_mock_cluster_t *cluster;
};

struct weir_demo_broker *weir_demo_broker_start(struct weir_error *error)
{
    char why[256] = "";
    struct weir_demo_broker *made = calloc(1, sizeof *made);
    if (!made) {
        weir_error_set(error, WEIR_ENOMEM, "out of memory");
        return NULL;
    }
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_conf_set(conf, "client.id", "weir-demo-broker", NULL, 0);
    rd_kafka_conf_set_log_cb(conf, weir_log_kafka);
    made->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
    if (!made->client)
        rd_kafka_conf_destroy(conf);
    else
        made->cluster = rd_kafka_mock_cluster_new(made->client, 1);
    if (made->cluster)
        return made;
    weir_error_set(error, WEIR_EIO, "the embedded broker does not start%s%s", *why ? ": " : "",
                   why);
    weir_demo_broker_stop(made);
    return NULL;
}

const char *weir_demo_broker_address(const struct weir_demo_broker *broker)
{
    return rd_kafka_mock_cluster_bootstraps(broker->cluster);
}

int weir_demo_broker_topic(struct weir_demo_broker *broker, const char *name, int partitions,
                           struct weir_error *error)
{
    rd_kafka_resp_err_t code = rd_kafka_mock_topic_create(broker->cluster, name, partitions, 1);
    return code ? weir_error_set(error, WEIR_EIO, "topic %s of the embedded broker: %s", name,
                                 rd_kafka_err2str(code))
                : 0;
}

void weir_demo_broker_stop(struct weir_demo_broker *broker)
{
    if (!broker)
        return;
    if (broker->cluster)
        rd_kafka_mock_cluster_destroy(broker->cluster);
    if (broker->client)
        rd_kafka_destroy(broker->client);
    free(broker);
}
