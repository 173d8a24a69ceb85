// SPDX-License-Identifier: Apache-2.0
// Profiles without memory: made, saved, loaded; and the summaries that they are made of.
#include <check.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/codec/decoder.h"
#include "consumer/profile/maker.h"
#include "tests/allocation/fail.h"

enum { ROWS = 600, DISTINCT = 150 };
static const struct weir_field fields[] = {
    {.name = "at", .type = WEIR_TYPE_LONG, .role = WEIR_ROLE_TIME},
    {.name = "amount", .type = WEIR_TYPE_DOUBLE, .role = WEIR_ROLE_SCORE},
    {.name = "route", .type = WEIR_TYPE_STRING},
    {.name = "good", .type = WEIR_TYPE_BOOLEAN, .role = WEIR_ROLE_LABEL},
    {.name = "count", .type = WEIR_TYPE_LONG},
};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = 5, .key = -1, .time = 0};
static struct weir_decoder *decoder;
static const struct weir_batch *batch;
static char text[ROWS][96];
static char path[] = "/tmp/weir-profile-XXXXXX";

static void start(void)
{
    static const char *const columns[] = {"at", "amount", "route", "good", "count"};
    struct weir_decoder_options options = {.format = WEIR_FORMAT_CSV,
                                           .builder = {.stream = &stream},
                                           .csv_columns = columns,
                                           .n_csv_columns = 5};
    struct weir_error error;
    ck_assert_int_eq(weir_decoder_create(&options, &decoder, &error), 0);
    weir_decoder_begin(decoder, "f", 0);
    for (int i = 0; i < ROWS; i++) {
        int length =
            snprintf(text[i], sizeof text[i], "%lld,%d.25,route-%d,%d,%d",
                     1700000000000LL + i * 30000LL, i * i % 977, i % DISTINCT, i % 2, i % 17);
        struct weir_record record = {.offset = i, .value = {(uint8_t *)text[i], (size_t)length}};
        ck_assert_int_eq(weir_decoder_add(decoder, &record, NULL, &error), 0);
    }
    batch = weir_decoder_finish(decoder);
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void stop(void)
{
    unlink(path);
    weir_decoder_destroy(decoder);
}

static int make(struct weir_profile **profile, struct weir_error *error)
{
    // Few rows, each of which is allocated by itself.
    static const struct weir_profile_options options = {.rows = 10};
    struct weir_profile_maker *maker;
    int code = weir_profile_maker_create(&stream, &options, &maker, error);
    if (code)
        return code;
    code = weir_profile_maker_first(maker, batch, error);
    if (!code)
        code = weir_profile_maker_turn(maker, error);
    if (!code)
        code = weir_profile_maker_second(maker, batch, error);
    if (!code)
        code = weir_profile_maker_finish(maker, profile, error);
    weir_profile_maker_destroy(maker);
    return code;
}

static void check_whole(const struct weir_profile *profile)
{
    ck_assert_uint_eq(profile->n_fields, 5);
    ck_assert_uint_eq(profile->rows, ROWS);
    ck_assert_uint_eq(profile->n_panes, 6);
    ck_assert_uint_eq(weir_profile_find(profile, "route")->cells->n_categories, 64);
    ck_assert_double_gt(weir_summary_quantile(&weir_profile_find(profile, "amount")->summary, .5),
                        100);
    ck_assert_uint_eq(profile->quality.counts->scored, ROWS);
    ck_assert_ptr_nonnull(profile->frames[0].products);
}

START_TEST(made)
{
    struct weir_fail fail = {0};
    struct weir_error error = {0};
    while (weir_fail_next(&fail)) {
        struct weir_profile *profile = NULL;
        weir_fail_on(&fail);
        int code = make(&profile, &error);
        if (weir_fail_off(&fail)) {
            ck_assert_msg(code == WEIR_ENOMEM, "%ld: %d: %s", fail.nth, code, error.message);
            ck_assert_ptr_null(profile);
            continue;
        }
        ck_assert_int_eq(code, 0);
        check_whole(profile);
        weir_profile_free(profile);
    }
    ck_assert_int_ge(fail.points, 200);
}
END_TEST

// What stands under the name is a whole profile, before and after.
START_TEST(saved_and_loaded)
{
    struct weir_fail fail = {0};
    struct weir_error error = {0};
    struct weir_profile *profile, *loaded;
    ck_assert_int_eq(make(&profile, &error), 0);
    ck_assert_int_eq(weir_profile_save(profile, path, &error), 0);
    while (weir_fail_next(&fail)) {
        weir_fail_on(&fail);
        int code = weir_profile_save(profile, path, &error);
        weir_fail_off(&fail);
        ck_assert_msg(code == (fail.failed ? WEIR_ENOMEM : 0), "%ld: %d: %s", fail.nth, code,
                      error.message);
        ck_assert_int_eq(weir_profile_load(path, &loaded, &error), 0);
        check_whole(loaded);
        weir_profile_free(loaded);
    }
    ck_assert_int_ge(fail.points, 30);
    for (fail = (struct weir_fail){0}; weir_fail_next(&fail);) {
        loaded = NULL;
        weir_fail_on(&fail);
        int code = weir_profile_load(path, &loaded, &error);
        if (weir_fail_off(&fail)) {
            ck_assert_msg(code == WEIR_ENOMEM, "%ld: %d: %s", fail.nth, code, error.message);
            ck_assert_ptr_null(loaded);
            continue;
        }
        ck_assert_int_eq(code, 0);
        check_whole(loaded);
        weir_profile_free(loaded);
    }
    ck_assert_int_ge(fail.points, 150);
    weir_profile_free(profile);
}
END_TEST

// Every kind of summary: made, merged, written and read; what fails can still be freed.
static int merge_and_read(const struct weir_profile_field *field, struct weir_buffer *bytes,
                          struct weir_summary *merged, struct weir_summary *read)
{
    struct weir_summary_spec spec = {
        .shape = field->cells->shape, .parts = WEIR_PROFILE_PARTS, .cells = field->cells};
    int code = weir_summary_init(merged, &spec);
    if (code)
        return code;
    code = weir_summary_merge(merged, &field->summary);
    if (!code)
        code = weir_summary_write(merged, bytes);
    if (!code)
        code = weir_summary_init(read, &spec);
    if (code)
        return code;
    struct weir_reader in = weir_reader_make(bytes->data, bytes->length);
    code = weir_summary_read_merge(read, &in);
    return code ? code : weir_summary_merge(read, &field->summary);
}

START_TEST(summaries)
{
    struct weir_fail fail = {0};
    struct weir_error error = {0};
    struct weir_profile *profile;
    struct weir_buffer bytes;
    ck_assert_int_eq(make(&profile, &error), 0);
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    while (weir_fail_next(&fail)) {
        struct weir_summary merged = {0}, read = {0};
        weir_buffer_free(&bytes);
        weir_fail_on(&fail);
        int code = merge_and_read(&profile->fields[_i], &bytes, &merged, &read);
        weir_fail_off(&fail);
        ck_assert_int_eq(code, fail.failed ? WEIR_ENOMEM : 0);
        if (!code)
            ck_assert_uint_eq(read.rows, 2 * ROWS);
        weir_summary_free(&merged);
        weir_summary_free(&read);
    }
    ck_assert_int_ge(fail.points, 20);
    weir_buffer_free(&bytes);
    weir_profile_free(profile);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("allocation/profile");
    TCase *tests = tcase_create("all");
    weir_fail_libraries();
    tcase_add_checked_fixture(tests, start, stop);
    tcase_add_test(tests, made);
    tcase_add_test(tests, saved_and_loaded);
    tcase_add_loop_test(tests, summaries, 0, 4);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed != 0;
}
