// SPDX-License-Identifier: Apache-2.0
// The rows of an Avro container as weir sees them, for comparison with fastavro.
//   avro_rows FILE [NAME:TYPE ...]     a line a row: STATE:VALUE of each field, strings in hex
//   avro_rows --copy CODEC FROM TO     the same records, written by weir's writer
#include <inttypes.h>
#include <stdlib.h>

#include "consumer/codec/avro_container.h"

static int fail(const struct weir_error *error)
{
    fprintf(stderr, "%s\n", error->message);
    return 1;
}

static long read_file(void *context, void *data, size_t size, struct weir_error *error)
{
    size_t n = fread(data, 1, size, context);
    return ferror(context) ? weir_error_set(error, WEIR_EIO, "cannot be read") : (long)n;
}

static int write_file(void *context, const void *data, size_t length, struct weir_error *error)
{
    return fwrite(data, 1, length, context) == length
               ? 0
               : weir_error_set(error, WEIR_EIO, "cannot be written");
}

static void print_value(const struct weir_column *column, uint32_t i)
{
    printf("%d:", column->state[i]);
    if (column->state[i] != WEIR_STATE_VALUE)
        return;
    if (column->type == WEIR_TYPE_DOUBLE) {
        printf("%.17g", column->values.f64[i]);
    } else if (column->type == WEIR_TYPE_LONG || column->type == WEIR_TYPE_BOOLEAN) {
        printf("%" PRId64, column->values.i64[i]);
    } else {
        const struct weir_string *text = weir_column_string(column, column->values.code[i]);
        for (uint32_t k = 0; k < text->length; k++)
            printf("%02x", (unsigned char)text->data[k]);
    }
}

static void print_rows(const struct weir_batch *batch)
{
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        for (size_t f = 0; f < batch->stream->n_fields; f++) {
            const struct weir_column *column = &batch->columns[f];
            printf("%s", f ? "\t" : "");
            if (!column->offsets)
                print_value(column, row);
            for (uint32_t i = column->offsets ? column->offsets[row] : 0;
                 column->offsets && i < column->offsets[row + 1]; i++) {
                print_value(column, i);
                printf(",");
            }
        }
        printf("\n");
    }
}

static int print_file(struct weir_avro_container *container, struct weir_stream *stream)
{
    struct weir_builder_options options = {.stream = stream};
    const struct weir_batch *batch;
    struct weir_error error;
    int code = weir_avro_container_start(container, &options, &error);
    for (size_t f = 0; f < stream->n_fields; f++)
        printf("%s%s", f ? "\t" : "", stream->fields[f].name);
    printf("\n");
    while (!code && (code = weir_avro_container_next(container, 100, &batch, &error)) == 1) {
        print_rows(batch);
        code = 0;
    }
    return code ? fail(&error) : 0;
}

static int copy_file(struct weir_avro_container *container, const char *codec, const char *path)
{
    struct weir_stream stream = {.name = "s", .key = -1, .time = -1};
    struct weir_builder_options options = {.stream = &stream};
    struct weir_avro_writer_options to = {.schema = weir_avro_container_schema(container),
                                          .codec = strcmp(codec, "deflate") == 0 ? WEIR_AVRO_DEFLATE
                                                                                 : WEIR_AVRO_NULL,
                                          .block_bytes = 1000,
                                          .write = write_file,
                                          .context = fopen(path, "wb")};
    struct weir_avro_writer *writer = NULL;
    const struct weir_batch *batch;
    struct weir_error error = {.message = "cannot be opened"};
    int code = to.context ? weir_avro_writer_create(&to, &writer, &error) : WEIR_EIO;
    if (!code)
        code = weir_avro_container_start(container, &options, &error);
    while (!code && (code = weir_avro_container_next(container, 100, &batch, &error)) == 1) {
        code = 0;
        for (uint32_t row = 0; !code && row < batch->n_rows; row++)
            code = weir_avro_writer_append(writer, batch->value[row].data, batch->value[row].length,
                                           &error);
    }
    if (!code)
        code = weir_avro_writer_flush(writer, &error);
    weir_avro_writer_destroy(writer);
    if (to.context)
        fclose(to.context);
    return code ? fail(&error) : 0;
}

static enum weir_type find_type(const char *name)
{
    for (int type = WEIR_TYPE_BOOLEAN; type <= WEIR_TYPE_BYTES; type++) {
        if (strcmp(weir_type_name((enum weir_type)type), name) == 0)
            return (enum weir_type)type;
    }
    return WEIR_TYPE_UNKNOWN;
}

int main(int argc, char **argv)
{
    static struct weir_field given[100];
    struct weir_schema_fields fields = {0};
    struct weir_avro_container *container;
    struct weir_error error;
    int copy = argc == 5 && strcmp(argv[1], "--copy") == 0;
    if (argc < 2 || argc > 100)
        return 2;
    const char *path = argv[copy ? 3 : 1];
    FILE *file = fopen(path, "rb");
    struct weir_avro_input input = {file, read_file};
    if (!file) {
        perror(path);
        return 1;
    }
    if (weir_avro_container_open(&input, path, &container, &error) ||
        weir_schema_fields_read(weir_avro_container_schema(container), &fields, &error))
        return fail(&error);
    struct weir_stream stream = {
        .name = "s", .fields = fields.fields, .n_fields = fields.n, .key = -1, .time = -1};
    for (int i = 2; !copy && i < argc; i++) {
        char *colon = strrchr(argv[i], ':');
        if (!colon)
            return 2;
        *colon = 0;
        given[i - 2] = (struct weir_field){.name = argv[i],
                                           .type = find_type(colon + 1),
                                           .is_list = strstr(argv[i], "[]") != NULL};
        stream.fields = given;
        stream.n_fields = (size_t)i - 1;
    }
    int code = copy ? copy_file(container, argv[2], argv[4]) : print_file(container, &stream);
    weir_avro_container_close(container);
    weir_schema_fields_free(&fields);
    fclose(file);
    return code;
}
