// SPDX-License-Identifier: Apache-2.0
// ns a CSV row of 10 cells: 7 doubles, an amount, two strings.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "consumer/codec/csv.h"

static const struct weir_field fields[] = {
    {.name = "f0", .type = WEIR_TYPE_DOUBLE},      {.name = "f1", .type = WEIR_TYPE_DOUBLE},
    {.name = "f2", .type = WEIR_TYPE_DOUBLE},      {.name = "f3", .type = WEIR_TYPE_DOUBLE},
    {.name = "f4", .type = WEIR_TYPE_DOUBLE},      {.name = "f5", .type = WEIR_TYPE_DOUBLE},
    {.name = "f6", .type = WEIR_TYPE_DOUBLE},      {.name = "amount", .type = WEIR_TYPE_DOUBLE},
    {.name = "country", .type = WEIR_TYPE_STRING}, {.name = "device", .type = WEIR_TYPE_STRING},
};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = 10, .key = -1, .time = -1};
enum { ROWS = WEIR_BATCH_ROWS, ROUNDS = 100 };

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double uniform(void)
{
    return (double)rand() / RAND_MAX;
}

int main(void)
{
    static const char *const countries[] = {"US", "DE", "JP", "FR"};
    static const char *const devices[] = {"android", "ios", "desktop-browser"};
    static char text[ROWS * 256]; // one after the other, as in a file
    static const char *const names[] = {"f0", "f1", "f2",     "f3",      "f4",
                                        "f5", "f6", "amount", "country", "device"};
    struct weir_decoder_options options = {.format = WEIR_FORMAT_CSV,
                                           .builder = {.stream = &stream},
                                           .csv_columns = names,
                                           .n_csv_columns = 10};
    struct weir_builder *builder = NULL;
    struct weir_csv_decoder *csv = NULL;
    struct weir_record records[ROWS];
    size_t bytes = 0;
    double best = 1e300;
    if (weir_builder_create(&options.builder, &builder, NULL) ||
        weir_csv_decoder_create(&options, builder, &csv, NULL))
        return 1;
    for (int i = 0; i < ROWS; i++) {
        int n = snprintf(
            text + bytes, 256, "%.10g,%.10g,%.10g,%.10g,%.10g,%.10g,%.10g,%.2f,%s,%s\n", uniform(),
            uniform() * 10, uniform() * 100, -uniform(), uniform() * 1e3, uniform() - 0.5,
            uniform(), uniform() * 1000, countries[rand() % 4], devices[rand() % 3]);
        records[i] =
            (struct weir_record){.offset = i, .value = {(uint8_t *)text + bytes, (size_t)n}};
        bytes += (size_t)n;
    }
    for (int round = 0; round < ROUNDS; round++) {
        double start = now();
        weir_builder_begin(builder, "topic", 0);
        for (int i = 0; i < ROWS; i++)
            weir_csv_decoder_add(csv, &records[i]);
        const struct weir_batch *batch = weir_builder_finish(builder);
        double ns = (now() - start) / ROWS;
        if (batch->n_undecodable)
            return 1;
        best = ns < best ? ns : best;
    }
    printf("csv: %.1f ns a record of %.0f bytes and 10 cells\n", best, (double)bytes / ROWS);
    weir_csv_decoder_destroy(csv);
    weir_builder_destroy(builder);
    return 0;
}
