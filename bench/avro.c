// SPDX-License-Identifier: Apache-2.0
// Avro, CPU ns a record of 10 fields (seven doubles, a log-normal amount, two strings): Avro C's
// reader, weir's plan into columns, and a container file into batches. Medians of 7.
#include <avro.h>
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "consumer/codec/avro_container.h"
#include "consumer/codec/avro_encode.h"
#include "consumer/codec/avro_plan.h"
#include "stats/sort.h"

enum { ROWS = 4096, BATCHES = 50, RUNS = 7 };

static const char schema_text[] =
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":["
    "{\"name\":\"f0\",\"type\":\"double\"},{\"name\":\"f1\",\"type\":\"double\"},"
    "{\"name\":\"f2\",\"type\":\"double\"},{\"name\":\"f3\",\"type\":\"double\"},"
    "{\"name\":\"f4\",\"type\":\"double\"},{\"name\":\"f5\",\"type\":\"double\"},"
    "{\"name\":\"f6\",\"type\":\"double\"},{\"name\":\"amount\",\"type\":\"double\"},"
    "{\"name\":\"country\",\"type\":\"string\"},{\"name\":\"device\",\"type\":\"string\"}]}";

struct bench {
    struct weir_buffer data; // all records
    size_t at[ROWS + 1];
    struct weir_buffer file;
    struct weir_builder_options options;
    struct weir_builder *builder;
    struct weir_avro_plan *plan;
    avro_reader_t reader;
    avro_value_t value;
};

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e9 + (double)time.tv_nsec;
}

static int write_file(void *context, const void *data, size_t length, struct weir_error *error)
{
    (void)error;
    return weir_buffer_append(context, data, length);
}

static void fill(struct bench *bench)
{
    static const char *const countries[] = {"US", "DE", "JP", "FR", "BR", "IN"};
    static const char *const devices[] = {"iphone", "android", "web", "pos-terminal"};
    uint64_t seed = 42;
    weir_buffer_init(&bench->data, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&bench->file, WEIR_BUFFER_MAXIMUM);
    for (size_t i = 0; i < ROWS; i++) {
        bench->at[i] = bench->data.length;
        for (int k = 0; k < 8; k++) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            double uniform = ((double)(seed >> 11) + 0.5) / 9007199254740992.0;
            weir_put_double(&bench->data, k < 7 ? uniform : exp(3 + log(uniform / (1 - uniform))));
        }
        weir_put_string(&bench->data, countries[(seed >> 33) % 6]);
        weir_put_string(&bench->data, devices[(seed >> 43) % 4]);
    }
    bench->at[ROWS] = bench->data.length;
    struct weir_avro_writer_options options = {
        .schema = schema_text, .write = write_file, .context = &bench->file};
    struct weir_avro_writer *writer;
    if (weir_avro_writer_create(&options, &writer, NULL))
        abort();
    for (int batch = 0; batch < BATCHES; batch++) {
        for (size_t i = 0; i < ROWS; i++)
            weir_avro_writer_append(writer, bench->data.data + bench->at[i],
                                    bench->at[i + 1] - bench->at[i], NULL);
    }
    weir_avro_writer_flush(writer, NULL);
    weir_avro_writer_destroy(writer);
}

static double run_avro_c(struct bench *bench)
{
    double start = now();
    for (int batch = 0; batch < BATCHES; batch++) {
        for (size_t i = 0; i < ROWS; i++) {
            avro_reader_memory_set_source(bench->reader,
                                          (const char *)bench->data.data + bench->at[i],
                                          (int64_t)(bench->at[i + 1] - bench->at[i]));
            if (avro_value_read(bench->reader, &bench->value))
                abort();
        }
    }
    return (now() - start) / (ROWS * BATCHES);
}

static double run_plan(struct bench *bench)
{
    char reason[WEIR_AVRO_REASON];
    double start = now();
    for (int batch = 0; batch < BATCHES; batch++) {
        weir_builder_begin(bench->builder, "t", 0);
        for (size_t i = 0; i < ROWS; i++) {
            struct weir_span key = {0}, value = {bench->data.data + bench->at[i],
                                                 bench->at[i + 1] - bench->at[i]};
            size_t used;
            uint32_t row = weir_builder_row(bench->builder, (int64_t)i, 0, key, value);
            if (weir_avro_plan_run(bench->plan, row, value.data, value.length, &used, reason))
                abort();
        }
        if (weir_builder_finish(bench->builder)->n_undecodable)
            abort();
    }
    return (now() - start) / (ROWS * BATCHES);
}

static double run_container(struct bench *bench)
{
    struct weir_avro_container *container;
    const struct weir_batch *batch;
    uint64_t rows = 0;
    double start = now();
    if (weir_avro_container_open_memory(bench->file.data, bench->file.length, "f", &container,
                                        NULL) ||
        weir_avro_container_start(container, &bench->options, NULL))
        abort();
    while (weir_avro_container_next(container, ROWS, &batch, NULL) == 1)
        rows += batch->n_rows;
    weir_avro_container_close(container);
    if (rows != (uint64_t)ROWS * BATCHES)
        abort();
    return (now() - start) / (double)rows;
}

static double median(struct bench *bench, double (*run)(struct bench *))
{
    double times[RUNS];
    run(bench); // warm
    for (int i = 0; i < RUNS; i++)
        times[i] = run(bench);
    weir_sort_doubles(times, RUNS);
    return times[RUNS / 2];
}

int main(void)
{
    struct bench bench = {0};
    struct weir_schema_fields fields;
    struct weir_avro_schema *schema;
    avro_schema_t theirs;
    size_t length = strlen(schema_text);
    fill(&bench);
    if (weir_schema_fields_read(schema_text, &fields, NULL) ||
        weir_avro_schema_parse(schema_text, length, &schema, NULL) ||
        avro_schema_from_json_length(schema_text, length, &theirs))
        return 1;
    struct weir_stream stream = {
        .name = "s", .fields = fields.fields, .n_fields = fields.n, .key = -1, .time = -1};
    bench.options.stream = &stream;
    if (weir_builder_create(&bench.options, &bench.builder, NULL) ||
        weir_avro_plan_create(schema, bench.builder, &bench.options, &bench.plan, NULL))
        return 1;
    avro_value_iface_t *class = avro_generic_class_from_schema(theirs);
    avro_generic_value_new(class, &bench.value);
    bench.reader = avro_reader_memory("", 0);

    double avro_c = median(&bench, run_avro_c), plan = median(&bench, run_plan);
    double container = median(&bench, run_container);
    printf("%-28s %8.1f ns a record\n", "avro_value_read", avro_c);
    printf("%-28s %8.1f ns a record, %5.1f times as fast\n", "plan to columns", plan,
           avro_c / plan);
    printf("%-28s %8.1f ns a record, %5.2f million a second, %.0f MB/s\n", "container to batches",
           container, 1e3 / container, (double)bench.data.length / ROWS / container * 1e3);

    avro_reader_free(bench.reader);
    avro_value_decref(&bench.value);
    avro_value_iface_decref(class);
    avro_schema_decref(theirs);
    weir_avro_plan_destroy(bench.plan);
    weir_avro_schema_free(schema);
    weir_builder_destroy(bench.builder);
    weir_schema_fields_free(&fields);
    weir_buffer_free(&bench.data);
    weir_buffer_free(&bench.file);
    return 0;
}
