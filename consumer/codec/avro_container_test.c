// SPDX-License-Identifier: Apache-2.0
#include <avro.h>
#include <check.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "consumer/codec/avro_container.h"
#include "consumer/codec/avro_encode.h"

static const char schema_text[] =
    "{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"id\",\"type\":\"long\"},"
    "{\"name\":\"x\",\"type\":[\"null\",\"double\"]},{\"name\":\"s\",\"type\":\"string\"}]}";

static const struct weir_field fields[] = {{.name = "id", .type = WEIR_TYPE_LONG},
                                           {.name = "x", .type = WEIR_TYPE_DOUBLE},
                                           {.name = "s", .type = WEIR_TYPE_STRING}};
static const struct weir_stream stream = {
    .name = "t", .fields = fields, .n_fields = 3, .key = -1, .time = -1};
static const struct weir_builder_options builder = {.stream = &stream};

static int to_buffer(void *context, const void *data, size_t length, struct weir_error *error)
{
    (void)error;
    return weir_buffer_append(context, data, length);
}

static void put_row(struct weir_buffer *datum, int i)
{
    char text[32];
    snprintf(text, sizeof text, "name %d", i % 7);
    weir_buffer_reset(datum);
    weir_put_long(datum, i);
    weir_avro_put_optional_double(datum, i % 3 ? i * 0.5 : NAN);
    weir_put_string(datum, text);
}

static void write_file(struct weir_buffer *file, enum weir_avro_codec codec, int rows,
                       size_t block_bytes)
{
    struct weir_avro_metadata metadata = {"weir.note", "hello"};
    struct weir_avro_writer_options options = {.schema = schema_text,
                                               .codec = codec,
                                               .block_bytes = block_bytes,
                                               .metadata = &metadata,
                                               .n_metadata = 1,
                                               .write = to_buffer,
                                               .context = file};
    struct weir_avro_writer *writer;
    struct weir_buffer datum;
    struct weir_error error;
    weir_buffer_init(file, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&datum, WEIR_BUFFER_MAXIMUM);
    ck_assert_int_eq(weir_avro_writer_create(&options, &writer, &error), 0);
    for (int i = 0; i < rows; i++) {
        put_row(&datum, i);
        ck_assert_int_eq(weir_avro_writer_append(writer, datum.data, datum.length, &error), 0);
    }
    ck_assert_int_eq(weir_avro_writer_flush(writer, &error), 0);
    weir_avro_writer_destroy(writer);
    weir_buffer_free(&datum);
}

struct pieces { // an input that gives a few bytes at a time
    const uint8_t *data;
    size_t left, step;
};

static long read_piece(void *context, void *data, size_t size, struct weir_error *error)
{
    struct pieces *pieces = context;
    size_t n = pieces->step < size ? pieces->step : size;
    (void)error;
    if (n > pieces->left)
        n = pieces->left;
    memcpy(data, pieces->data, n);
    pieces->data += n;
    pieces->left -= n;
    return (long)n;
}

static void check_row(const struct weir_batch *batch, uint32_t row, int i)
{
    struct weir_buffer datum;
    weir_buffer_init(&datum, WEIR_BUFFER_MAXIMUM);
    put_row(&datum, i);
    ck_assert_int_eq(batch->offset[row], i);
    ck_assert_int_eq(batch->time[row], i);
    ck_assert_int_eq(batch->columns[0].values.i64[row], i);
    ck_assert_int_eq(batch->columns[1].state[row], i % 3 ? WEIR_STATE_VALUE : WEIR_STATE_NULL);
    ck_assert_double_eq(batch->columns[1].values.f64[row], i % 3 ? i * 0.5 : 0);
    const struct weir_string *text =
        weir_column_string(&batch->columns[2], batch->columns[2].values.code[row]);
    ck_assert_int_eq(text->length, 6);
    ck_assert_int_eq(text->data[5], '0' + i % 7);
    ck_assert_uint_eq(batch->value[row].length, datum.length);
    ck_assert_mem_eq(batch->value[row].data, datum.data, datum.length);
    weir_buffer_free(&datum);
}

// Reads all rows; their number, or the code that ended it.
static int read_rows(struct weir_avro_container *container, uint32_t rows, struct weir_error *error)
{
    const struct weir_batch *batch;
    int n = 0, code;
    ck_assert_int_eq(weir_avro_container_start(container, &builder, error), 0);
    while ((code = weir_avro_container_next(container, rows, &batch, error)) == 1) {
        ck_assert_uint_le(batch->n_rows, rows);
        for (uint32_t row = 0; row < batch->n_rows; row++)
            check_row(batch, row, n++);
    }
    return code ? code : n;
}

START_TEST(reads_what_it_wrote)
{
    static const size_t blocks[] = {1, 100, 4000, 0}, steps[] = {1, 13, 5000, 1 << 20};
    static const uint32_t rows[] = {1, 7, 4096};
    for (int codec = WEIR_AVRO_NULL; codec <= WEIR_AVRO_DEFLATE; codec++) {
        struct weir_buffer file;
        write_file(&file, (enum weir_avro_codec)codec, 800, blocks[_i]);
        for (size_t k = 0; k < 12; k++) {
            struct pieces pieces = {file.data, file.length, steps[k / 3]};
            struct weir_avro_input input = {&pieces, read_piece};
            struct weir_avro_container *container;
            struct weir_error error;
            size_t length;
            ck_assert_int_eq(weir_avro_container_open(&input, "f.avro", &container, &error), 0);
            ck_assert_str_eq(weir_avro_container_schema(container), schema_text);
            ck_assert_str_eq(
                (const char *)weir_avro_container_metadata(container, "weir.note", &length),
                "hello");
            ck_assert_int_eq(read_rows(container, rows[k % 3], &error), 800);
            weir_avro_container_close(container);
        }
        weir_buffer_free(&file);
    }
}
END_TEST

START_TEST(writes_the_same_bytes_twice)
{
    struct weir_buffer a, b;
    write_file(&a, WEIR_AVRO_DEFLATE, 100, 0);
    write_file(&b, WEIR_AVRO_DEFLATE, 100, 0);
    ck_assert_uint_eq(a.length, b.length);
    ck_assert_mem_eq(a.data, b.data, a.length);
    weir_buffer_free(&a);
    weir_buffer_free(&b);
}
END_TEST

// Every truncation either ends at a block's end, with the rows before it, or is said.
START_TEST(finds_truncation)
{
    struct weir_buffer file;
    int complete = 0, opened = 0;
    write_file(&file, WEIR_AVRO_NULL, 24, 100);
    for (size_t cut = 0; cut < file.length; cut++) {
        struct weir_avro_container *container;
        struct weir_error error = {0};
        uint8_t *copy = malloc(cut ? cut : 1);
        ck_assert_ptr_nonnull(copy);
        memcpy(copy, file.data, cut);
        if (!weir_avro_container_open_memory(copy, cut, "cut.avro", &container, &error)) {
            int rows = read_rows(container, 7, &error);
            opened++;
            ck_assert(rows == WEIR_ECORRUPT || (rows >= 0 && rows < 24));
            complete += rows >= 0;
            if (rows < 0)
                ck_assert_msg(strstr(error.message, "cut.avro: block ") != NULL, "%s",
                              error.message);
            weir_avro_container_close(container);
        } else {
            ck_assert_int_eq(error.code, WEIR_ECORRUPT);
        }
        free(copy);
    }
    ck_assert_int_gt(opened, 50);
    ck_assert_int_ge(complete, 3); // the header alone, and each block but the last
    ck_assert_int_lt(complete, 30);
    weir_buffer_free(&file);
}
END_TEST

START_TEST(gives_rows_before_a_damaged_block)
{
    struct weir_buffer file;
    struct weir_avro_container *container;
    struct weir_error error;
    const struct weir_batch *batch;
    write_file(&file, WEIR_AVRO_NULL, 60, 100);
    file.data[file.length - 1] ^= 1; // the last sync marker
    ck_assert_int_eq(
        weir_avro_container_open_memory(file.data, file.length, "f", &container, &error), 0);
    ck_assert_int_eq(weir_avro_container_start(container, &builder, &error), 0);
    ck_assert_int_eq(weir_avro_container_next(container, 4096, &batch, &error), 1);
    ck_assert_uint_gt(batch->n_rows, 40);
    ck_assert_uint_lt(batch->n_rows, 60);
    for (int again = 0; again < 2; again++) {
        ck_assert_int_eq(weir_avro_container_next(container, 4096, &batch, &error), WEIR_ECORRUPT);
        ck_assert_msg(strstr(error.message, "sync marker") != NULL, "%s", error.message);
    }
    weir_avro_container_close(container);
    weir_buffer_free(&file);
}
END_TEST

// A header, and one block of `objects` and these data.
static void make_file(struct weir_buffer *file, const char *schema, const char *codec,
                      int64_t objects, const void *data, size_t length)
{
    static const uint8_t sync[16] = "0123456789abcdef";
    weir_buffer_init(file, WEIR_BUFFER_MAXIMUM);
    weir_buffer_append(file, "Obj\1", 4);
    weir_put_long(file, 2);
    weir_put_string(file, "avro.schema");
    weir_put_string(file, schema);
    weir_put_string(file, "avro.codec");
    weir_put_string(file, codec);
    weir_put_long(file, 0);
    weir_buffer_append(file, sync, sizeof sync);
    weir_put_long(file, objects);
    weir_put_bytes(file, data, length);
    weir_buffer_append(file, sync, sizeof sync);
}

static int read_made(const struct weir_buffer *file, struct weir_error *error)
{
    struct weir_avro_container *container;
    int code = weir_avro_container_open_memory(file->data, file->length, "f", &container, error);
    if (code)
        return code;
    code = read_rows(container, 4096, error);
    weir_avro_container_close(container);
    return code;
}

START_TEST(reads_snappy_and_its_checksum)
{
    struct weir_buffer datum, data, file;
    struct weir_error error = {0};
    char packed[4096];
    weir_buffer_init(&datum, WEIR_BUFFER_MAXIMUM);
    weir_buffer_init(&data, WEIR_BUFFER_MAXIMUM);
    for (int i = 0; i < 100; i++) {
        put_row(&datum, i);
        weir_buffer_append(&data, datum.data, datum.length);
    }
    size_t length = sizeof packed - 4;
    ck_assert_int_eq(snappy_compress((char *)data.data, data.length, packed, &length), SNAPPY_OK);
    uint32_t sum = (uint32_t)crc32_z(0, data.data, data.length);
    for (int i = 0; i < 4; i++)
        packed[length + (size_t)i] = (char)(sum >> (24 - 8 * i));
    make_file(&file, schema_text, "snappy", 100, packed, length + 4);
    ck_assert_int_eq(read_made(&file, &error), 100);
    weir_buffer_free(&file);
    packed[length] ^= 1;
    make_file(&file, schema_text, "snappy", 100, packed, length + 4);
    ck_assert_int_eq(read_made(&file, &error), WEIR_ECORRUPT);
    ck_assert_msg(strstr(error.message, "checksum") != NULL, "%s", error.message);
    weir_buffer_free(&file);
    weir_buffer_free(&data);
    weir_buffer_free(&datum);
}
END_TEST

START_TEST(refuses_what_is_not_so)
{
    static const struct {
        const char *schema, *codec;
        int64_t objects;
        const char *data, *message;
    } cases[] = {
        {schema_text, "zstandard", 0, "", "compressed with zstandard"},
        {"{\"type\":\"record\"}", "null", 0, "", "Avro schema"},
        {schema_text, "null", -1, "", "negative"},
        {schema_text, "null", INT64_MAX, "", "more records than bytes"},
        {"\"null\"", "null", INT64_MAX / 2, "", "more records than bytes"},
        {schema_text, "null", 1, "\x02\x00\x02x\x02", "left over"},
        {schema_text, "null", 1, "\x02\x00\x08x", "does not decode"},
        {schema_text, "deflate", 1, "\xff\xff\xff", "deflated data are damaged"},
        {schema_text, "snappy", 1, "x", "snappy data are damaged"},
    };
    struct weir_buffer file;
    struct weir_error error = {0};
    const char *data = cases[_i].data;
    // The data hold a NUL where it is the null branch.
    size_t length = _i == 5 ? 5 : _i == 6 ? 4 : strlen(data);
    make_file(&file, cases[_i].schema, cases[_i].codec, cases[_i].objects, data, length);
    struct weir_avro_container *container;
    const struct weir_batch *batch;
    int code = weir_avro_container_open_memory(file.data, file.length, "f", &container, &error);
    if (!code) {
        code = weir_avro_container_start(container, &builder, &error);
        while (!code)
            code = weir_avro_container_next(container, 4096, &batch, &error) == 1 ? 0 : error.code;
        weir_avro_container_close(container);
    }
    ck_assert_int_lt(code, 0);
    ck_assert_msg(strstr(error.message, cases[_i].message) != NULL, "%s", error.message);
    weir_buffer_free(&file);
}
END_TEST

START_TEST(reads_avro_c_files)
{
    char path[] = "/tmp/weir_avro_XXXXXX";
    static const char *const codecs[] = {"null", "deflate"};
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    avro_schema_t schema;
    avro_file_writer_t writer;
    avro_value_t value, field, branch;
    ck_assert(!avro_schema_from_json_length(schema_text, strlen(schema_text), &schema));
    ck_assert(!avro_file_writer_create_with_codec(path, schema, &writer, codecs[_i], 500));
    avro_value_iface_t *class = avro_generic_class_from_schema(schema);
    avro_generic_value_new(class, &value);
    for (int i = 0; i < 500; i++) {
        char text[32];
        snprintf(text, sizeof text, "name %d", i % 7);
        avro_value_get_by_index(&value, 0, &field, NULL);
        avro_value_set_long(&field, i);
        avro_value_get_by_index(&value, 1, &field, NULL);
        avro_value_set_branch(&field, i % 3 ? 1 : 0, &branch);
        if (i % 3)
            avro_value_set_double(&branch, i * 0.5);
        avro_value_get_by_index(&value, 2, &field, NULL);
        avro_value_set_string(&field, text);
        ck_assert(!avro_file_writer_append_value(writer, &value));
    }
    avro_file_writer_close(writer);
    avro_value_decref(&value);
    avro_value_iface_decref(class);
    avro_schema_decref(schema);

    FILE *file = fopen(path, "rb");
    ck_assert_ptr_nonnull(file);
    unlink(path);
    static uint8_t bytes[1 << 20];
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    struct weir_avro_container *container;
    struct weir_error error = {0};
    ck_assert_int_eq(weir_avro_container_open_memory(bytes, length, "c", &container, &error), 0);
    ck_assert_int_eq(read_rows(container, 100, &error), 500);
    weir_avro_container_close(container);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("avro_container");
    TCase *tests = tcase_create("container");
    tcase_add_loop_test(tests, reads_what_it_wrote, 0, 4);
    tcase_add_test(tests, writes_the_same_bytes_twice);
    tcase_add_test(tests, finds_truncation);
    tcase_add_test(tests, gives_rows_before_a_damaged_block);
    tcase_add_test(tests, reads_snappy_and_its_checksum);
    tcase_add_loop_test(tests, refuses_what_is_not_so, 0, 9);
    tcase_add_loop_test(tests, reads_avro_c_files, 0, 2);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
