// SPDX-License-Identifier: Apache-2.0
// ns a JSON record of 10 fields: 7 doubles, an amount, two strings.
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "consumer/codec/json.h"

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
    struct weir_builder_options options = {.stream = &stream};
    struct weir_builder *builder = NULL;
    struct weir_json_decoder *json = NULL;
    struct weir_record records[ROWS];
    size_t bytes = 0;
    double best = 1e300;
    if (weir_builder_create(&options, &builder, NULL) ||
        weir_json_decoder_create(&options, builder, &json, NULL))
        return 1;
    for (int i = 0; i < ROWS; i++) {
        int n = snprintf(text + bytes, 256,
                         "{\"f0\":%.10g,\"f1\":%.10g,\"f2\":%.10g,\"f3\":%.10g,\"f4\":%.10g,"
                         "\"f5\":%.10g,\"f6\":%.10g,\"amount\":%.2f,\"country\":\"%s\","
                         "\"device\":\"%s\"}",
                         uniform(), uniform() * 10, uniform() * 100, -uniform(), uniform() * 1e3,
                         uniform() - 0.5, uniform(), uniform() * 1000, countries[rand() % 4],
                         devices[rand() % 3]);
        records[i] =
            (struct weir_record){.offset = i, .value = {(uint8_t *)text + bytes, (size_t)n}};
        bytes += (size_t)n;
    }
    for (int round = 0; round < ROUNDS; round++) {
        double start = now();
        weir_builder_begin(builder, "topic", 0);
        for (int i = 0; i < ROWS; i++)
            weir_json_decoder_add(json, &records[i]);
        const struct weir_batch *batch = weir_builder_finish(builder);
        double ns = (now() - start) / ROWS;
        if (batch->n_undecodable)
            return 1;
        best = ns < best ? ns : best;
    }
    printf("json: %.1f ns a record of %.0f bytes and 10 fields\n", best, (double)bytes / ROWS);
    weir_json_decoder_destroy(json);
    weir_builder_destroy(builder);
    return 0;
}
