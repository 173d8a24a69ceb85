// SPDX-License-Identifier: Apache-2.0
#include "consumer/profile/profile.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/codec/avro_container.h"
#include "consumer/profile/maker.h"
#include "stats/hash.h"
#include "stats/hll.h"

extern const char weir_profile_schema[]; // schemas/profile.avsc

static const struct weir_field fields[] = {
    {.name = "amount", .type = WEIR_TYPE_DOUBLE},
    {.name = "country", .type = WEIR_TYPE_STRING},
    {.name = "id", .type = WEIR_TYPE_STRING, .role = WEIR_ROLE_KEY},
    {.name = "n", .type = WEIR_TYPE_LONG},
    {.name = "fresh", .type = WEIR_TYPE_BOOLEAN},
    {.name = "tags[]", .type = WEIR_TYPE_STRING, .is_list = 1},
};
static const struct weir_stream stream = {
    .name = "payments", .fields = fields, .n_fields = 6, .key = 2, .time = -1};

enum { ROWS = 20000, HOUR = 3600000 };

static void add_row(struct weir_builder *builder, uint64_t i)
{
    char text[32];
    int64_t time = 1700000000000 + (int64_t)i * 5000;
    struct weir_span none = {0};
    weir_builder_row(builder, (int64_t)i, time, none, none);
    if (i % 10 == 7)
        weir_builder_null(builder, 0);
    else
        weir_builder_double(builder, 0, (double)(i * 7919 % 10007));
    static const char *const countries[] = {"JP", "US", "US", "DE", "", "US"};
    const char *country = countries[i % 6];
    weir_builder_string(builder, 1, country, strlen(country), 1);
    int n = snprintf(text, sizeof text, "transaction-%llu", (unsigned long long)i);
    weir_builder_string(builder, 2, text, (size_t)n, 1);
    weir_builder_long(builder, 3, (int64_t)(i % 3));
    weir_builder_boolean(builder, 4, i % 4 == 0);
    for (uint64_t k = 0; k < i % 3; k++)
        weir_builder_string(builder, 5, k ? "b" : "a", 1, 1);
    if (i % 1000 == 999)
        weir_builder_undecodable(builder, "short");
}

// `order` turns the row number into another, to shuffle.
static struct weir_profile *make(size_t batch_rows, uint64_t (*order)(uint64_t))
{
    struct weir_error error;
    struct weir_profile_maker *maker;
    struct weir_profile *profile = NULL;
    struct weir_builder_options options = {.stream = &stream};
    ck_assert_int_eq(weir_profile_maker_create(&stream, NULL, &maker, &error), 0);
    for (int pass = 0; pass < 2; pass++) {
        struct weir_builder *builder;
        ck_assert_int_eq(weir_builder_create(&options, &builder, &error), 0);
        for (uint64_t i = 0; i < ROWS;) {
            weir_builder_begin(builder, "file", 0);
            for (size_t k = 0; k < batch_rows && i < ROWS; k++, i++)
                add_row(builder, order ? order(i) : i);
            const struct weir_batch *batch = weir_builder_finish(builder);
            int code = pass ? weir_profile_maker_second(maker, batch, &error)
                            : weir_profile_maker_first(maker, batch, &error);
            ck_assert_int_eq(code, 0);
        }
        weir_builder_destroy(builder);
        if (!pass)
            ck_assert_int_eq(weir_profile_maker_turn(maker, &error), 0);
    }
    ck_assert_int_eq(weir_profile_maker_finish(maker, &profile, &error), 0);
    weir_profile_maker_destroy(maker);
    return profile;
}

static uint8_t *saved(const struct weir_profile *profile, size_t *length)
{
    char path[] = "/tmp/weir-profile-test-XXXXXX";
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
    struct weir_error error;
    ck_assert_int_eq(weir_profile_save(profile, path, &error), 0);
    struct weir_profile *loaded;
    ck_assert_int_eq(weir_profile_load(path, &loaded, &error), 0);
    weir_profile_free(loaded);
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(1 << 22);
    *length = fread(bytes, 1, 1 << 22, file);
    fclose(file);
    unlink(path);
    return bytes;
}

// The panes are there to be looked up in.
static void check_stretches(const struct weir_profile *profile)
{
    for (size_t f = 0; f < profile->n_fields; f++) {
        const struct weir_habits *habits = profile->fields[f].cells->habits;
        ck_assert_uint_eq(habits->n_stretches, profile->n_panes);
        for (size_t p = 0; p < profile->n_panes; p++) {
            ck_assert_int_eq(habits->stretches[p].start, profile->panes[p].start);
            ck_assert_ptr_eq(habits->stretches[p].summary, &profile->panes[p].fields[f]);
        }
    }
}

START_TEST(a_profile_says_what_was_in_the_rows)
{
    struct weir_profile *profile = make(4096, NULL);
    ck_assert_uint_eq(profile->rows, ROWS - ROWS / 1000);
    ck_assert_uint_eq(profile->n_fields, 6);
    const struct weir_profile_field *amount = weir_profile_find(profile, "amount");
    ck_assert_uint_eq(amount->summary.null, 2000);
    ck_assert_uint_eq(amount->summary.missing, 0);
    ck_assert_uint_eq(amount->cells->n, 36);
    ck_assert_double_eq_tol(weir_summary_quantile(&amount->summary, .5), 5000, 60);
    ck_assert_double_eq_tol(weir_moments_mean(&amount->summary.moments, amount->cells), 5003, 20);
    const struct weir_profile_field *country = weir_profile_find(profile, "country");
    ck_assert_int_eq(country->cells->shape, WEIR_SHAPE_CATEGORICAL);
    ck_assert_uint_eq(country->cells->n_categories, 4);
    ck_assert_mem_eq(country->cells->categories[0].data, "US", 2);
    ck_assert_uint_eq(country->summary.unseen, 0);
    const struct weir_profile_field *id = weir_profile_find(profile, "id");
    ck_assert_int_eq(id->cells->shape, WEIR_SHAPE_TEXT);
    ck_assert_double_eq_tol(id->cells->unseen_share, 1, 1e-9);
    const struct weir_profile_field *n = weir_profile_find(profile, "n");
    ck_assert_uint_eq(n->cells->n, 7); // three atoms
    ck_assert_ptr_null(weir_profile_find(profile, "odd"));
    ck_assert_uint_eq(weir_profile_find(profile, "tags[]")->summary.rows,
                      weir_profile_find(profile, "tags[]")->summary.values);
    ck_assert_uint_eq(profile->n_panes, 28); // 20,000 rows, one in 5 s, from within an hour on
    const struct weir_habits *habits = n->cells->habits;
    ck_assert_uint_eq(habits->n_values, 3);
    ck_assert_double_eq_tol(weir_habits_share(habits, 1), 1 / 3., .01);
    ck_assert_double_lt(weir_habits_share(habits, 5), .001);
    ck_assert_uint_eq(habits->panes, 28);
    ck_assert_uint_eq(habits->constant_panes, 0);
    ck_assert_int_eq(habits->span, 28 * HOUR);
    check_stretches(profile);
    ck_assert_double_lt(amount->habits->rest, .001);
    ck_assert_double_eq(country->habits->fresh, 0);
    ck_assert_uint_eq(country->habits->n_steady, 4);
    ck_assert_uint_eq(country->habits->steady[3], 1);
    ck_assert_double_eq(id->habits->fresh, 1);
    uint64_t rows = 0;
    for (size_t p = 0; p < profile->n_panes; p++) {
        rows += profile->panes[p].rows;
        ck_assert_int_eq(profile->panes[p].end - profile->panes[p].start, HOUR);
        ck_assert_uint_eq(profile->panes[p].fields[0].rows, profile->panes[p].rows);
    }
    ck_assert_uint_eq(rows, profile->rows);
    weir_profile_free(profile);
}
END_TEST

static uint64_t shuffled(uint64_t i)
{
    return i * 7919 % ROWS;
}

START_TEST(neither_batches_nor_order_change_the_numbers)
{
    struct weir_profile *a = make(4096, NULL), *b = make(100, NULL), *c = make(4096, shuffled);
    size_t x, y;
    uint8_t *in_one = saved(a, &x), *in_other = saved(b, &y);
    ck_assert_uint_eq(x, y);
    ck_assert_mem_eq(in_one, in_other, x);
    ck_assert_uint_eq(a->n_panes, c->n_panes);
    for (size_t f = 0; f < a->n_fields; f++) {
        ck_assert_uint_eq(weir_cells_hash(a->fields[f].cells), weir_cells_hash(c->fields[f].cells));
        ck_assert_mem_eq(a->panes[3].fields[f].cell, c->panes[3].fields[f].cell,
                         a->fields[f].cells->n * sizeof(uint64_t));
    }
    free(in_one);
    free(in_other);
    weir_profile_free(a);
    weir_profile_free(b);
    weir_profile_free(c);
}
END_TEST

START_TEST(what_is_saved_is_loaded)
{
    struct weir_profile *profile = make(4096, NULL), *loaded;
    size_t x, y;
    struct weir_error error;
    uint8_t *bytes = saved(profile, &x);
    ck_assert_int_eq(weir_profile_read(bytes, x, "p.avro", &loaded, &error), 0);
    ck_assert_str_eq(loaded->stream, "payments");
    ck_assert_int_eq(weir_profile_find(loaded, "id")->role, WEIR_ROLE_KEY);
    uint8_t *again = saved(loaded, &y);
    ck_assert_uint_eq(x, y);
    ck_assert_mem_eq(bytes, again, x);
    ck_assert_uint_lt(x, 500000);
    free(bytes);
    free(again);
    weir_profile_free(profile);
    weir_profile_free(loaded);
}
END_TEST

static int append(void *context, const void *data, size_t length, struct weir_error *error)
{
    (void)error;
    return weir_buffer_append(context, data, length);
}

// As weir_profile_save does, with whatever datum.
static void write_datum(const void *datum, size_t n, struct weir_buffer *out)
{
    char hash[17];
    struct weir_error error;
    snprintf(hash, sizeof hash, "%016llx", (unsigned long long)weir_hash(datum, n));
    struct weir_avro_metadata metadata = {"weir.hash", hash};
    struct weir_avro_writer_options options = {.schema = weir_profile_schema,
                                               .codec = WEIR_AVRO_DEFLATE,
                                               .metadata = &metadata,
                                               .n_metadata = 1,
                                               .write = append,
                                               .context = out};
    struct weir_avro_writer *writer;
    ck_assert_int_eq(weir_avro_writer_create(&options, &writer, &error), 0);
    ck_assert_int_eq(weir_avro_writer_append(writer, datum, n, &error), 0);
    ck_assert_int_eq(weir_avro_writer_flush(writer, &error), 0);
    weir_avro_writer_destroy(writer);
}

static struct weir_profile *stored(int version)
{
    char path[1024];
    const char *source = getenv("WEIR_SOURCE");
    snprintf(path, sizeof path, "%s/consumer/profile/testdata/version%d.avro",
             source ? source : ".", version);
    struct weir_profile *profile;
    struct weir_error error;
    int code = weir_profile_load(path, &profile, &error);
    ck_assert_msg(code == 0, "%s", error.message);
    ck_assert_int_eq(profile->version, version);
    return profile;
}

START_TEST(a_profile_of_version_1_is_read)
{
    struct weir_profile *profile = stored(1);
    ck_assert_uint_eq(profile->rows, 500);
    ck_assert_uint_eq(profile->n_panes, 9);
    const struct weir_profile_field *country = weir_profile_find(profile, "country");
    ck_assert(!profile->quality.counts && !profile->n_frames);
    ck_assert_uint_eq(country->cells->n_categories, 3);
    ck_assert_ptr_null(country->cells->habits);
    weir_profile_free(profile);
}
END_TEST

START_TEST(a_profile_of_version_2_is_read)
{
    struct weir_profile *profile = stored(2);
    ck_assert_uint_eq(profile->rows, 600);
    ck_assert_uint_eq(profile->n_fields, 9);
    ck_assert_uint_eq(profile->n_panes, 10);
    ck_assert_uint_eq(weir_profile_find(profile, "amount")->summary.null, 46);
    ck_assert_uint_eq(weir_profile_find(profile, "vector[]")->summary.values, 2400);
    ck_assert_ptr_nonnull(weir_profile_find(profile, "country")->clues.distinct);
    ck_assert_ptr_null(profile->sample);
    // It is written as one of today's.
    size_t length;
    free(saved(profile, &length));
    weir_profile_free(profile);
}
END_TEST

START_TEST(a_profile_of_version_3_is_read)
{
    struct weir_profile *profile = stored(3);
    struct weir_rows rows;
    ck_assert_uint_eq(profile->rows, 600);
    ck_assert_uint_eq(profile->n_panes, 10);
    ck_assert_uint_eq(weir_profile_find(profile, "note")->words->counts.texts, 600);
    ck_assert_int_eq(weir_rows_make(profile->sample, &rows), 0);
    ck_assert_uint_eq(rows.n, 100);
    ck_assert_uint_eq(rows.seen, 600);
    ck_assert_uint_eq(weir_rows_find(&rows, "vector[]")->n, 400);
    weir_rows_free(&rows);
    weir_profile_free(profile);
}
END_TEST

START_TEST(a_profile_of_version_4_is_read)
{
    struct weir_profile *profile = stored(4);
    struct weir_quality_metric metrics[WEIR_QUALITY_METRICS];
    ck_assert_uint_eq(profile->rows, 600);
    weir_quality_measure(profile->quality.counts, metrics);
    ck_assert_uint_eq(weir_quality_records(profile->quality.counts), 600);
    ck_assert_double_gt(metrics[WEIR_QUALITY_ROC_AUC].value, .7);
    ck_assert_double_lt(metrics[WEIR_QUALITY_ROC_AUC].value, .8);
    ck_assert_str_eq(profile->quality.score, "score");
    ck_assert_uint_eq(profile->n_frames, 2);
    ck_assert_uint_eq(profile->frames[0].n, 4); // score, y, x, n
    ck_assert_double_eq_tol(weir_co_moments_correlation(profile->frames[0].products, 0, 1).r, .6,
                            .1);
    ck_assert_uint_eq(weir_embedding_records(profile->frames[1].means), 600);
    weir_profile_free(profile);
}
END_TEST

START_TEST(it_keeps_a_sample_of_the_rows)
{
    struct weir_profile *profile = make(4096, NULL), *loaded;
    struct weir_error error;
    size_t length;
    uint8_t *bytes = saved(profile, &length);
    ck_assert_int_eq(weir_profile_read(bytes, length, "p.avro", &loaded, &error), 0);
    ck_assert_uint_eq(weir_reservoir_rows(loaded->sample), WEIR_PROFILE_ROWS);
    ck_assert_uint_eq(weir_reservoir_seen(loaded->sample), profile->rows);
    struct weir_rows rows;
    ck_assert_int_eq(weir_rows_make(loaded->sample, &rows), 0);
    const struct weir_rows_column *id = weir_rows_find(&rows, "id");
    const struct weir_rows_column *fresh = weir_rows_find(&rows, "fresh");
    const struct weir_rows_column *tags = weir_rows_find(&rows, "tags[]");
    const struct weir_rows_column *amount = weir_rows_find(&rows, "amount");
    for (size_t r = 0; r < rows.n; r++) {
        char text[32];
        snprintf(text, sizeof text, "%.*s", (int)id->text[r].length, (char *)id->text[r].data);
        uint64_t i = strtoull(text + strlen("transaction-"), NULL, 10);
        ck_assert_uint_eq(fresh->code[r], i % 4 == 0);
        ck_assert_uint_eq(tags->ends[r] - (r ? tags->ends[r - 1] : 0), i % 3);
        ck_assert(i % 10 == 7 ? isnan(amount->number[r])
                              : amount->number[r] == (double)(i * 7919 % 10007));
    }
    weir_rows_free(&rows);
    free(bytes);
    weir_profile_free(profile);
    weir_profile_free(loaded);
}
END_TEST

START_TEST(a_profile_of_a_newer_version_is_refused)
{
    struct weir_profile *profile = make(4096, NULL), *loaded = NULL;
    struct weir_error error;
    size_t length;
    uint8_t *bytes = saved(profile, &length), *datum = NULL;
    struct weir_avro_container *container;
    ck_assert_int_eq(weir_avro_container_open_memory(bytes, length, "p.avro", &container, &error),
                     0);
    const uint8_t *block;
    size_t n;
    uint64_t objects;
    ck_assert_int_gt(weir_avro_container_block(container, &block, &n, &objects, &error), 0);
    datum = malloc(n);
    memcpy(datum, block, n);
    weir_avro_container_close(container);
    datum[0] = 2 * (WEIR_PROFILE_VERSION + 1); // zig-zag
    struct weir_buffer newer;
    weir_buffer_init(&newer, WEIR_BUFFER_MAXIMUM);
    write_datum(datum, n, &newer);
    ck_assert_int_eq(weir_profile_read(newer.data, newer.length, "p.avro", &loaded, &error),
                     WEIR_EVERSION);
    ck_assert_ptr_nonnull(strstr(error.message, "newer weir"));
    ck_assert_ptr_null(loaded);
    weir_buffer_free(&newer);
    free(datum);
    free(bytes);
    weir_profile_free(profile);
}
END_TEST

START_TEST(damaged_and_foreign_files_are_refused)
{
    struct weir_profile *profile = make(4096, NULL), *loaded = NULL;
    size_t length;
    struct weir_error error;
    uint8_t *bytes = saved(profile, &length);
    for (size_t n = 0; n < length; n += 1 + n / 50) {
        uint8_t *copy = malloc(n ? n : 1);
        memcpy(copy, bytes, n);
        memset(error.message, 0, sizeof error.message);
        ck_assert_int_lt(weir_profile_read(copy, n, "p.avro", &loaded, &error), 0);
        ck_assert_ptr_nonnull(strstr(error.message, "p.avro"));
        free(copy);
    }
    size_t refused = 0, tried = 0;
    for (size_t i = 0; i < length; i += 1 + length / 300, tried++) {
        bytes[i] ^= 0x10;
        if (!weir_profile_read(bytes, length, "p.avro", &loaded, &error))
            weir_profile_free(loaded);
        else
            refused++;
        bytes[i] ^= 0x10;
        loaded = NULL;
    }
    // Only a change in the text of the schema can go unnoticed: weir does not read by it.
    ck_assert_uint_ge(refused * 10, tried * 6);
    ck_assert_int_lt(weir_profile_read("a,b\n1,2\n", 8, "x.csv", &loaded, &error), 0);
    ck_assert_ptr_nonnull(strstr(error.message, "not a profile"));
    ck_assert_int_lt(weir_profile_load("/nonexistent/p.avro", &loaded, &error), 0);
    ck_assert_ptr_null(loaded);
    free(bytes);
    weir_profile_free(profile);
}
END_TEST

// Behind the container's hash: what a datum holds is checked as well.
START_TEST(damaged_data_are_refused)
{
    struct weir_profile *profile = make(4096, NULL), *loaded = NULL;
    struct weir_avro_container *container;
    struct weir_error error;
    size_t length, n, refused = 0, tried = 0;
    uint64_t objects;
    const uint8_t *block;
    uint8_t *bytes = saved(profile, &length);
    ck_assert_int_eq(weir_avro_container_open_memory(bytes, length, "p.avro", &container, &error),
                     0);
    ck_assert_int_gt(weir_avro_container_block(container, &block, &n, &objects, &error), 0);
    for (size_t cut = 0; cut < n; cut += 1 + n / 200) {
        uint8_t *copy = malloc(cut + 1);
        memcpy(copy, block, cut);
        ck_assert_int_eq(weir_profile_read_datum(copy, cut, "p.avro", &loaded, &error),
                         WEIR_ECORRUPT);
        free(copy);
    }
    uint8_t *copy = malloc(n);
    memcpy(copy, block, n);
    for (size_t i = 7; i < n; i += 1 + n / 200, tried++) {
        copy[i] ^= 0x81;
        if (weir_profile_read_datum(copy, n, "p.avro", &loaded, &error))
            refused++;
        else
            weir_profile_free(loaded);
        copy[i] ^= 0x81;
    }
    ck_assert_uint_gt(refused, 0); // a number or a letter may be any
    ck_assert_uint_ge(tried, 190);
    free(copy);
    weir_avro_container_close(container);
    free(bytes);
    weir_profile_free(profile);
}
END_TEST

START_TEST(an_empty_file_gives_an_empty_profile)
{
    struct weir_error error;
    struct weir_profile_maker *maker;
    struct weir_profile *profile;
    ck_assert_int_eq(weir_profile_maker_create(&stream, NULL, &maker, &error), 0);
    ck_assert_int_eq(weir_profile_maker_turn(maker, &error), 0);
    ck_assert_int_eq(weir_profile_maker_finish(maker, &profile, &error), 0);
    weir_profile_maker_destroy(maker);
    size_t length;
    free(saved(profile, &length));
    weir_profile_free(profile);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("profile");
    TCase *cases = tcase_create("profile");
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, a_profile_says_what_was_in_the_rows);
    tcase_add_test(cases, neither_batches_nor_order_change_the_numbers);
    tcase_add_test(cases, what_is_saved_is_loaded);
    tcase_add_test(cases, a_profile_of_version_1_is_read);
    tcase_add_test(cases, a_profile_of_version_2_is_read);
    tcase_add_test(cases, a_profile_of_version_3_is_read);
    tcase_add_test(cases, a_profile_of_version_4_is_read);
    tcase_add_test(cases, it_keeps_a_sample_of_the_rows);
    tcase_add_test(cases, a_profile_of_a_newer_version_is_refused);
    tcase_add_test(cases, damaged_and_foreign_files_are_refused);
    tcase_add_test(cases, damaged_data_are_refused);
    tcase_add_test(cases, an_empty_file_gives_an_empty_profile);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
