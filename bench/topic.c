// SPDX-License-Identifier: Apache-2.0
// The other side of bench/run.py and bench/gate.py:
//   topic fill BROKER TOPIC PARTITIONS RECORDS      records of ten fields, in plain Avro
//   topic discard BROKER TOPIC PARTITIONS RECORDS   reads them and throws them away, in the fastest
//                                                   way: batches from each partition's own queue
//   topic steady BROKER TOPIC PARTITIONS RECORDS RATE    so many a second; one in a hundred is bad;
//                                                        the key is the time of sending, in ns
//   topic latency BROKER TOPIC PARTITIONS RECORDS   reads as many committed ones that steady sent:
//                                                   ms from sending to reading, of all but the
//                                                   first tenth: median, 99th percentile, largest
#include <librdkafka/rdkafka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "stats/buffer.h"
#include "stats/sort.h"

static void set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[256];
    if (rd_kafka_conf_set(conf, name, value, why, sizeof why)) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
}

static rd_kafka_t *client(rd_kafka_type_t type, rd_kafka_conf_t *conf)
{
    char why[256];
    rd_kafka_t *made = rd_kafka_new(type, conf, why, sizeof why);
    if (!made) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
    return made;
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void put_record(struct weir_buffer *out, long i, uint64_t *state, int bad)
{
    static const char *const countries[] = {"US", "DE", "JP", "FR"};
    static const char *const routes[] = {"card", "wallet", "bank"};
    weir_buffer_reset(out);
    weir_put_long(out, 1700000000000 + i);
    for (int k = 0; k < 7; k++) {
        *state = *state * 6364136223846793005u + 1442695040888963407u;
        double u = (double)(*state >> 11) * 0x1p-53;
        weir_put_double(out, k ? u : bad ? 1e9 : exp(4 + u));
    }
    weir_put_string(out, countries[i & 3]);
    weir_put_string(out, routes[i % 3]);
}

static int fill(const char *broker, const char *topic, int partitions, long records)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    struct weir_buffer out;
    uint64_t state = 1;
    set(conf, "bootstrap.servers", broker);
    set(conf, "linger.ms", "20");
    set(conf, "queue.buffering.max.messages", "1000000");
    rd_kafka_t *producer = client(RD_KAFKA_PRODUCER, conf);
    rd_kafka_topic_t *handle = rd_kafka_topic_new(producer, topic, NULL);
    weir_buffer_init(&out, 1 << 20);
    for (long i = 0; i < records; i++) {
        put_record(&out, i, &state, 0);
        while (rd_kafka_produce(handle, (int32_t)(i % partitions), RD_KAFKA_MSG_F_COPY, out.data,
                                out.length, NULL, 0, NULL))
            rd_kafka_poll(producer, 10);
        if (i % 1000 == 0)
            rd_kafka_poll(producer, 0);
    }
    int left = rd_kafka_flush(producer, 60000) ? 1 : 0;
    rd_kafka_topic_destroy(handle);
    rd_kafka_destroy(producer);
    weir_buffer_free(&out);
    return left;
}

static int discard(const char *broker, const char *topic, int partitions, long records)
{
    static rd_kafka_message_t *messages[4096];
    rd_kafka_queue_t *queues[64];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    set(conf, "bootstrap.servers", broker);
    set(conf, "group.id", "discard");
    set(conf, "enable.auto.commit", "false");
    set(conf, "enable.auto.offset.store", "false");
    set(conf, "queued.min.messages", "1000000");
    set(conf, "fetch.message.max.bytes", "4000000");
    rd_kafka_t *consumer = client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(consumer);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int p = 0; p < partitions; p++) {
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = 0;
        queues[p] = rd_kafka_queue_get_partition(consumer, topic, p);
        rd_kafka_queue_forward(queues[p], NULL);
    }
    double began = now();
    rd_kafka_assign(consumer, list);
    long got = 0;
    for (int p = 0; got < records; p = (p + 1) % partitions) {
        ssize_t n = rd_kafka_consume_batch_queue(queues[p], 1, messages, 4096);
        for (ssize_t i = 0; i < n; i++) {
            got += !messages[i]->err;
            rd_kafka_message_destroy(messages[i]);
        }
    }
    printf("%.3f\n", now() - began);
    fflush(stdout);
    _Exit(0);
}

static int steady(const char *broker, const char *topic, int partitions, long records, double rate)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    struct weir_buffer out;
    uint64_t state = 1;
    set(conf, "bootstrap.servers", broker);
    set(conf, "linger.ms", "1");
    set(conf, "queue.buffering.max.messages", "1000000");
    rd_kafka_t *producer = client(RD_KAFKA_PRODUCER, conf);
    rd_kafka_topic_t *handle = rd_kafka_topic_new(producer, topic, NULL);
    weir_buffer_init(&out, 1 << 20);
    double began = now(), latest = 0;
    for (long i = 0; i < records; i++) {
        double due = began + (double)i / rate, at = now();
        while (at < due) {
            rd_kafka_poll(producer, 1);
            at = now();
        }
        latest = at - due > latest ? at - due : latest;
        int64_t sent = (int64_t)(at * 1e9);
        put_record(&out, i, &state, i % 100 == 50);
        while (rd_kafka_produce(handle, (int32_t)(i % partitions), RD_KAFKA_MSG_F_COPY, out.data,
                                out.length, &sent, sizeof sent, NULL))
            rd_kafka_poll(producer, 1);
    }
    int left = rd_kafka_flush(producer, 60000) ? 1 : 0;
    printf("%.0f %.1f\n", (double)records / (now() - began), latest * 1000);
    rd_kafka_topic_destroy(handle);
    rd_kafka_destroy(producer);
    weir_buffer_free(&out);
    return left;
}

static int latency(const char *broker, const char *topic, int partitions, long records)
{
    static rd_kafka_message_t *messages[4096];
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    double *ms = malloc((size_t)records * sizeof *ms);
    if (!ms)
        return 1;
    set(conf, "bootstrap.servers", broker);
    set(conf, "group.id", "latency");
    set(conf, "enable.auto.commit", "false");
    set(conf, "isolation.level", "read_committed");
    rd_kafka_t *consumer = client(RD_KAFKA_CONSUMER, conf);
    rd_kafka_poll_set_consumer(consumer);
    rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
    for (int p = 0; p < partitions; p++)
        rd_kafka_topic_partition_list_add(list, topic, p)->offset = 0;
    rd_kafka_assign(consumer, list);
    rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(consumer);
    for (long got = 0; got < records;) {
        ssize_t n = rd_kafka_consume_batch_queue(queue, 5, messages, 4096);
        double at = now();
        for (ssize_t i = 0; i < n; i++) {
            int64_t sent;
            if (!messages[i]->err && messages[i]->key_len == sizeof sent && got < records) {
                memcpy(&sent, messages[i]->key, sizeof sent);
                ms[got++] = (at - (double)sent * 1e-9) * 1000;
            }
            rd_kafka_message_destroy(messages[i]);
        }
    }
    size_t skip = (size_t)records / 10, n = (size_t)records - skip;
    weir_sort_doubles(ms + skip, n);
    printf("%.1f %.1f %.1f\n", ms[skip + n / 2], ms[skip + n * 99 / 100], ms[skip + n - 1]);
    fflush(stdout);
    _Exit(0);
}

int main(int argc, char **argv)
{
    int partitions = argc >= 6 ? atoi(argv[4]) : 0;
    long records = argc >= 6 ? atol(argv[5]) : 0;
    double rate = argc == 7 ? atof(argv[6]) : 1;
    if (argc > 7 || partitions < 1 || partitions > 64 || records < 1 || !(rate > 0)) {
        fprintf(stderr, "usage: topic fill|discard|steady|latency BROKER TOPIC PARTITIONS RECORDS "
                        "[RATE]\n");
        return 2;
    }
    if (!strcmp(argv[1], "steady"))
        return steady(argv[2], argv[3], partitions, records, rate);
    if (!strcmp(argv[1], "latency"))
        return latency(argv[2], argv[3], partitions, records);
    return (strcmp(argv[1], "fill") ? discard : fill)(argv[2], argv[3], partitions, records);
}
