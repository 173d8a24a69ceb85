// SPDX-License-Identifier: Apache-2.0
#include "consumer/source/file.h"

#include <check.h>
#include <stdlib.h>
#include <unistd.h>
#include <zlib.h>

#include "consumer/codec/avro_container.h"
#include "stats/buffer.h"

static char folder[64];
static struct weir_file *file;
static struct weir_error error;
static struct weir_stream stream;

static void setup(void)
{
    strcpy(folder, "/tmp/weir-file-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    memset(&error, 0, sizeof error);
    file = NULL;
}

static void teardown(void)
{
    char command[128];
    weir_file_close(file);
    snprintf(command, sizeof command, "rm -rf %s", folder);
    ck_assert_int_eq(system(command), 0);
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_bytes(const char *name, const void *data, size_t length)
{
    FILE *out = fopen(path_of(name), "wb");
    ck_assert_ptr_nonnull(out);
    ck_assert_uint_eq(fwrite(data, 1, length, out), length);
    fclose(out);
}

static void write_text(const char *name, const char *text)
{
    write_bytes(name, text, strlen(text));
}

static void open_file(const char *name, enum weir_format fallback)
{
    int code = weir_file_open(path_of(name), fallback, &file, &error);
    ck_assert_msg(code == 0, "%s", error.message);
}

// Starts with the fields that the file itself has.
static void start(void)
{
    const struct weir_schema_fields *fields = weir_file_fields(file, &error);
    ck_assert_msg(fields != NULL, "%s", error.message);
    stream = (struct weir_stream){
        .name = "s", .fields = fields->fields, .n_fields = fields->n, .key = -1, .time = -1};
    struct weir_builder_options options = {.stream = &stream};
    ck_assert_int_eq(weir_file_start(file, &options, &error), 0);
}

static const struct weir_field *field(const char *name)
{
    for (size_t i = 0; i < stream.n_fields; i++) {
        if (strcmp(stream.fields[i].name, name) == 0)
            return &stream.fields[i];
    }
    ck_abort_msg("no field %s", name);
}

// All rows; the text of each field's values one after the other, and the final code.
static int read_all(uint32_t rows, char *text, size_t size, uint64_t *n)
{
    const struct weir_batch *batch;
    size_t at = 0;
    int code;
    *n = 0;
    *text = 0;
    while ((code = weir_file_next(file, rows, &batch, &error)) == 1) {
        ck_assert_uint_le(batch->n_rows, rows);
        for (uint32_t i = 0; i < batch->n_rows; i++) {
            ck_assert_int_eq(batch->offset[i], (int64_t)(*n)++);
            ck_assert_int_eq(batch->time[i], batch->offset[i]);
            if (batch->fault[i])
                at += (size_t)snprintf(text + at, size - at, "!");
            for (size_t k = 0; k < stream.n_fields; k++) {
                const struct weir_column *column = &batch->columns[k];
                if (column->offsets || column->state[i] != WEIR_STATE_VALUE)
                    at += (size_t)snprintf(text + at, size - at, "-");
                else if (column->type == WEIR_TYPE_STRING) {
                    const struct weir_string *s =
                        weir_column_string(column, column->values.code[i]);
                    at += (size_t)snprintf(text + at, size - at, "%.*s", (int)s->length, s->data);
                } else if (column->type == WEIR_TYPE_DOUBLE)
                    at += (size_t)snprintf(text + at, size - at, "%g", column->values.f64[i]);
                else
                    at += (size_t)snprintf(text + at, size - at, "%lld",
                                           (long long)column->values.i64[i]);
                at += (size_t)snprintf(text + at, size - at, "|");
            }
        }
    }
    return code;
}

static char text[1 << 16];
static uint64_t n;

START_TEST(csv)
{
    write_text("a.csv",
               "\xef\xbb\xbfid,amount,name,ok,code,none\r\n1,2.5,\"x, \"\"y\"\"\r\nz\",true,"
               "007,\r\n2,nan,b,False,1,\r\n\r\n3,5,,TRUE,2,");
    open_file("a.csv", WEIR_FORMAT_JSON);
    ck_assert_int_eq(weir_file_kind(file), WEIR_FILE_CSV);
    start();
    ck_assert_uint_eq(stream.n_fields, 6);
    ck_assert_int_eq(field("id")->type, WEIR_TYPE_LONG);
    ck_assert_int_eq(field("amount")->type, WEIR_TYPE_DOUBLE);
    ck_assert_int_eq(field("name")->type, WEIR_TYPE_STRING);
    ck_assert_int_eq(field("ok")->type, WEIR_TYPE_BOOLEAN);
    ck_assert_int_eq(field("code")->type, WEIR_TYPE_STRING);
    ck_assert_int_eq(field("none")->type, WEIR_TYPE_STRING);
    ck_assert_int_eq(read_all(4096, text, sizeof text, &n), 0);
    ck_assert_str_eq(text, "1|2.5|x, \"y\"\r\nz|1|007|-|2|nan|b|0|1|-|3|5|-|1|2|-|");
    ck_assert_uint_eq(weir_file_bytes_read(file), weir_file_bytes_total(file));
}
END_TEST

START_TEST(separators_and_headers)
{
    write_text("a.tsv", "a,b\tc\n1\t2\n");
    open_file("a.tsv", WEIR_FORMAT_JSON);
    start();
    ck_assert_int_eq(field("a,b")->type, WEIR_TYPE_LONG);
    weir_file_close(file);
    write_text("a.csv", "a;\"b\";\n1,5;2;3\n");
    open_file("a.csv", WEIR_FORMAT_JSON);
    start();
    ck_assert_int_eq(field("b")->type, WEIR_TYPE_LONG);
    ck_assert_int_eq(field("column_3")->type, WEIR_TYPE_LONG);
    weir_file_close(file);
    file = NULL;
    write_text("b.csv", "a,b,a\n");
    ck_assert_int_eq(weir_file_open(path_of("b.csv"), WEIR_FORMAT_CSV, &file, &error), WEIR_EINVAL);
    ck_assert_ptr_nonnull(strstr(error.message, "two columns are named a"));
    write_text("c.csv", "");
    ck_assert_int_eq(weir_file_open(path_of("c.csv"), WEIR_FORMAT_CSV, &file, &error), WEIR_EINVAL);
    write_text("d.csv", "a,b\n");
    open_file("d.csv", WEIR_FORMAT_CSV);
    start();
    ck_assert_uint_eq(stream.n_fields, 2);
    ck_assert_int_eq(read_all(10, text, sizeof text, &n), 0);
    ck_assert_uint_eq(n, 0);
}
END_TEST

START_TEST(json_lines)
{
    write_text("a.jsonl", "{\"a\":1,\"o\":{\"b\":\"x\"},\"t\":[1.5,2]}\n\n{\"a\":null,\"o\":{\"b\":"
                          "\"\\u00e9\"}}\r\nnonsense\n{\"a\":3.5,\"t\":[],\"z\":false}");
    open_file("a.jsonl", WEIR_FORMAT_CSV);
    ck_assert_int_eq(weir_file_kind(file), WEIR_FILE_JSON_LINES);
    start();
    ck_assert_int_eq(field("a")->type, WEIR_TYPE_DOUBLE);
    ck_assert_int_eq(field("a")->nullable, 1);
    ck_assert_int_eq(field("a")->optional, 0);
    ck_assert_int_eq(field("o.b")->type, WEIR_TYPE_STRING);
    ck_assert_int_eq(field("o.b")->optional, 1);
    ck_assert_int_eq(field("t.length")->type, WEIR_TYPE_LONG);
    ck_assert_int_eq(field("t[]")->is_list, 1);
    ck_assert_int_eq(field("t[]")->type, WEIR_TYPE_DOUBLE);
    ck_assert_int_eq(read_all(2, text, sizeof text, &n), 0);
    ck_assert_uint_eq(n, 4);
    ck_assert_str_eq(text, "1|x|2|-|-|-|\xc3\xa9|-|-|-|!-|-|-|-|-|3.5|-|0|-|0|");
}
END_TEST

START_TEST(gzip_whole_and_cut_off)
{
    gzFile out = gzopen(path_of("a.csv.gz"), "wb");
    gzprintf(out, "n,x\n");
    for (int i = 0; i < 20000; i++)
        gzprintf(out, "%d,%d\n", i, rand());
    gzclose(out);
    open_file("a.csv.gz", WEIR_FORMAT_JSON);
    start();
    const struct weir_batch *batch;
    n = 0;
    while (weir_file_next(file, 4096, &batch, &error) == 1)
        n += batch->n_rows;
    ck_assert_uint_eq(n, 20000);
    ck_assert_uint_lt(weir_file_bytes_total(file), 200000);
    uint64_t size = weir_file_bytes_total(file);
    weir_file_close(file);
    ck_assert_int_eq(truncate(path_of("a.csv.gz"), (off_t)size / 2), 0);
    open_file("a.csv.gz", WEIR_FORMAT_JSON);
    start();
    n = 0;
    int code;
    while ((code = weir_file_next(file, 4096, &batch, &error)) == 1) {
        n += batch->n_rows;
        ck_assert_uint_eq(batch->n_undecodable, 0); // the half row is not taken for a row
    }
    ck_assert_int_eq(code, WEIR_ECORRUPT);
    ck_assert_ptr_nonnull(strstr(error.message, "cut off"));
    ck_assert_uint_gt(n, 5000);
    ck_assert_uint_lt(n, 15000);
}
END_TEST

static int put(void *context, const void *data, size_t length, struct weir_error *unused)
{
    (void)unused;
    return fwrite(data, 1, length, context) == length ? 0 : WEIR_EIO;
}

static void write_container(const char *name)
{
    FILE *out = fopen(path_of(name), "wb");
    struct weir_avro_writer_options options = {
        .schema = "{\"type\":\"record\",\"name\":\"r\",\"fields\":[{\"name\":\"a\",\"type\":"
                  "\"long\"},{\"name\":\"s\",\"type\":\"string\"}]}",
        .codec = WEIR_AVRO_DEFLATE,
        .block_bytes = 4096,
        .write = put,
        .context = out};
    struct weir_avro_writer *writer = NULL;
    struct weir_buffer datum;
    weir_buffer_init(&datum, 1024);
    ck_assert_int_eq(weir_avro_writer_create(&options, &writer, &error), 0);
    for (int i = 0; i < 10000; i++) {
        weir_buffer_reset(&datum);
        weir_put_long(&datum, i);
        weir_put_string(&datum, i % 2 ? "odd" : "even");
        ck_assert_int_eq(weir_avro_writer_append(writer, datum.data, datum.length, &error), 0);
    }
    ck_assert_int_eq(weir_avro_writer_flush(writer, &error), 0);
    weir_avro_writer_destroy(writer);
    weir_buffer_free(&datum);
    fclose(out);
}

START_TEST(containers)
{
    static char rows[1 << 18];
    write_container("a.data"); // told by its magic
    open_file("a.data", WEIR_FORMAT_CSV);
    ck_assert_int_eq(weir_file_kind(file), WEIR_FILE_AVRO);
    start();
    ck_assert_int_eq(field("a")->type, WEIR_TYPE_LONG);
    ck_assert_int_eq(field("s")->type, WEIR_TYPE_STRING);
    ck_assert_int_eq(read_all(4096, rows, sizeof rows, &n), 0);
    ck_assert_uint_eq(n, 10000);
    ck_assert_int_eq(strncmp(rows, "0|even|1|odd|2|even|", 20), 0);
    uint64_t size = weir_file_bytes_total(file);
    weir_file_close(file);
    ck_assert_int_eq(truncate(path_of("a.data"), (off_t)size / 2), 0);
    open_file("a.data", WEIR_FORMAT_CSV);
    start();
    ck_assert_int_eq(read_all(4096, rows, sizeof rows, &n), WEIR_ECORRUPT);
    ck_assert_uint_gt(n, 3000);
    ck_assert_uint_lt(n, 7000);
}
END_TEST

START_TEST(a_file_that_ends_in_a_quoted_cell)
{
    write_text("a.csv", "a,b\n1,2\n3,\"cut\noff");
    open_file("a.csv", WEIR_FORMAT_CSV);
    start();
    ck_assert_int_eq(read_all(4096, text, sizeof text, &n), WEIR_ECORRUPT);
    ck_assert_uint_eq(n, 1);
    ck_assert_ptr_nonnull(strstr(error.message, "quoted cell"));
}
END_TEST

START_TEST(any_batch_size_gives_the_same_rows)
{
    static char first[1 << 20], other[1 << 20];
    FILE *out = fopen(path_of("a.csv"), "w");
    fprintf(out, "a,b\n");
    for (int i = 0; i < 3000; i++)
        fprintf(out, "%d,%s\n", i, i % 7 ? "x" : "\"y\n\"\"z\"\"\"");
    fclose(out);
    uint32_t sizes[] = {4096, 1, 7, 1000};
    for (int i = 0; i < 4; i++) {
        open_file("a.csv", WEIR_FORMAT_CSV);
        start();
        ck_assert_int_eq(read_all(sizes[i], i ? other : first, sizeof first, &n), 0);
        ck_assert_uint_eq(n, 3000);
        if (i)
            ck_assert_str_eq(first, other);
        weir_file_close(file);
        file = NULL;
    }
}
END_TEST

START_TEST(rows_longer_than_the_buffer)
{
    size_t size = 10 << 20;
    char *line = malloc(size + 64);
    size_t at = (size_t)sprintf(line, "{\"a\":1,\"s\":\"");
    memset(line + at, 'x', size);
    strcpy(line + at + size, "\"}\n{\"a\":2,\"s\":\"y\"}\n");
    write_text("a.jsonl", line);
    free(line);
    open_file("a.jsonl", WEIR_FORMAT_CSV);
    start();
    const struct weir_batch *batch;
    n = 0;
    while (weir_file_next(file, 4096, &batch, &error) == 1)
        n += batch->n_rows;
    ck_assert_uint_eq(n, 2);
}
END_TEST

START_TEST(what_cannot_be_opened)
{
    ck_assert_int_eq(weir_file_open(path_of("none.csv"), WEIR_FORMAT_CSV, &file, &error),
                     WEIR_ENOTFOUND);
    ck_assert_int_eq(weir_file_open(folder, WEIR_FORMAT_CSV, &file, &error), WEIR_EINVAL);
    write_text("a.avro", "not one");
    ck_assert_int_eq(weir_file_open(path_of("a.avro"), WEIR_FORMAT_CSV, &file, &error),
                     WEIR_ECORRUPT);
    write_text("a.json", " [{\"a\":1}]");
    ck_assert_int_eq(weir_file_open(path_of("a.json"), WEIR_FORMAT_CSV, &file, &error),
                     WEIR_EINVAL);
    ck_assert_ptr_null(file);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("file");
    TCase *tcase = tcase_create("file");
    tcase_add_checked_fixture(tcase, setup, teardown);
    tcase_add_test(tcase, csv);
    tcase_add_test(tcase, separators_and_headers);
    tcase_add_test(tcase, json_lines);
    tcase_add_test(tcase, gzip_whole_and_cut_off);
    tcase_add_test(tcase, containers);
    tcase_add_test(tcase, a_file_that_ends_in_a_quoted_cell);
    tcase_add_test(tcase, any_batch_size_gives_the_same_rows);
    tcase_add_test(tcase, rows_longer_than_the_buffer);
    tcase_add_test(tcase, what_cannot_be_opened);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
