// SPDX-License-Identifier: Apache-2.0
// Frames: which numbers are looked at together; parts, merged, are the whole; what is lost is said.
#include "consumer/profile/together.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/profile/lost.h"
#include "consumer/profile/merge.h"

enum { ROWS = 900 };

static char path[64];
static uint64_t state;
static const struct weir_field fields[] = {
    {.name = "at", .type = WEIR_TYPE_LONG, .role = WEIR_ROLE_TIME},
    {.name = "x", .type = WEIR_TYPE_DOUBLE, .nullable = 1},
    {.name = "same", .type = WEIR_TYPE_LONG},
    {.name = "position", .type = WEIR_TYPE_LONG},
    {.name = "v[]", .type = WEIR_TYPE_DOUBLE, .is_list = 1},
    {.name = "y", .type = WEIR_TYPE_DOUBLE},
    {.name = "n", .type = WEIR_TYPE_LONG},
    {.name = "text", .type = WEIR_TYPE_STRING},
};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = 8, .key = -1, .time = 0};

static double uniform(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return ((double)(state >> 11) + .5) * 0x1p-53;
}

static void set_up(void)
{
    snprintf(path, sizeof path, "/tmp/weir-together-XXXXXX");
    int fd = mkstemp(path);
    ck_assert_int_ge(fd, 0);
    close(fd);
}

static void tear_down(void)
{
    unlink(path);
}

// A row is the same in whatever part it is. Some x are null, one is far off; some vectors are
// short.
static void write_rows(int first, int end)
{
    FILE *file = fopen(path, "w");
    for (int i = first; i < end; i++) {
        state = 88172645463325252u + (uint64_t)i * 0x9e3779b97f4a7c15u;
        uniform();
        double x = uniform() + uniform(), y = x + uniform();
        fprintf(file, "{\"at\":%lld,", 1700000000000 + i * 60000LL);
        if (i % 9)
            fprintf(file, "\"x\":%.6g,", i == 500 ? 1e9 : x);
        else
            fputs("\"x\":null,", file);
        fprintf(file, "\"same\":3,\"position\":%d,\"v\":[%.5g,%.5g", i * 3 + 7, x - y, uniform());
        fprintf(file, i % 10 ? ",%.5g]" : "]", y);
        fprintf(file, ",\"y\":%.6g,\"n\":%d,\"text\":\"t%d\"}\n", y, (int)(6 * uniform()), i % 5);
    }
    fclose(file);
}

static struct weir_profile *make(int first, int end, const struct weir_profile *like)
{
    struct weir_profile_options options = {
        .stream = &stream, .format = WEIR_FORMAT_JSON, .like = like, .rows = 100, .pane = 3600000};
    struct weir_profile *profile;
    struct weir_error error;
    write_rows(first, end);
    ck_assert_msg(!weir_profile_make(path, &options, &profile, &error), "%s", error.message);
    return profile;
}

static void put(const struct weir_profile *profile, struct weir_buffer *out)
{
    weir_buffer_init(out, WEIR_BUFFER_MAXIMUM);
    for (size_t f = 0; f < profile->n_frames; f++)
        weir_frame_write(&profile->frames[f], out);
    ck_assert(!out->failed);
}

START_TEST(what_varies_and_tells_no_time_is_looked_at)
{
    struct weir_profile *profile = make(0, ROWS, NULL);
    ck_assert_uint_eq(profile->n_frames, 2);
    const struct weir_profile_frame *frame = &profile->frames[0], *vector = &profile->frames[1];
    ck_assert(!frame->is_vector);
    ck_assert_uint_eq(frame->n, 3); // x, y, n: neither the time, nor one value, nor a position
    ck_assert_uint_eq(frame->field[0], 1);
    ck_assert_uint_eq(frame->field[1], 5);
    ck_assert_uint_eq(frame->field[2], 6);
    ck_assert_uint_eq(frame->cut[0], 1);
    ck_assert_uint_eq(frame->cut[1], 0);
    ck_assert_uint_eq(weir_embedding_records(frame->means), ROWS);
    struct weir_correlation c = weir_co_moments_correlation(frame->products, 1, 2);
    ck_assert_uint_eq(c.n, ROWS);
    ck_assert_double_lt(fabs(c.r), .15);
    ck_assert_uint_eq(weir_co_moments_correlation(frame->products, 0, 1).n, ROWS - ROWS / 9);
    ck_assert(vector->is_vector);
    // The first row's size says what a vector is.
    ck_assert_uint_eq(vector->n, 2);
    ck_assert_uint_eq(weir_embedding_records(vector->means), ROWS / 10);
    ck_assert_ptr_null(vector->products);
    weir_profile_free(profile);
}
END_TEST

START_TEST(parts_are_the_whole)
{
    struct weir_profile *a = make(0, 400, NULL), *b = make(400, ROWS, a), *whole = make(0, ROWS, a);
    const struct weir_profile *const parts[] = {b, a};
    static const char *const names[] = {"b", "a"};
    struct weir_profile *merged;
    struct weir_buffer x, y;
    struct weir_error error;
    ck_assert_int_eq(weir_profile_merge(parts, names, 2, &merged, &error), 0);
    put(merged, &x);
    put(whole, &y);
    ck_assert_uint_eq(x.length, y.length);
    ck_assert_mem_eq(x.data, y.data, x.length);
    char text[256];
    for (int i = 0; i < WEIR_PROFILE_PARTS_LOST; i++)
        ck_assert(!weir_profile_lost(parts, names, 2, merged, i, text, sizeof text));
    weir_buffer_free(&x);
    weir_buffer_free(&y);
    weir_profile_free(merged);
    weir_profile_free(whole);
    weir_profile_free(a);
    weir_profile_free(b);
}
END_TEST

// As one of an older version.
static void drop_frames(struct weir_profile *profile)
{
    for (size_t f = 0; f < profile->n_frames; f++)
        weir_frame_free(&profile->frames[f]);
    profile->n_frames = 0;
    profile->version = 3;
}

START_TEST(what_is_lost_is_said)
{
    struct weir_profile *a = make(0, 400, NULL), *b = make(400, ROWS, a);
    const struct weir_profile *const parts[] = {a, b};
    static const char *const names[] = {"a.avro", "old.avro"};
    struct weir_profile *merged;
    struct weir_error error;
    char text[256];
    int lost = 0;
    drop_frames(b);
    ck_assert_int_eq(weir_profile_merge(parts, names, 2, &merged, &error), 0);
    ck_assert_uint_eq(merged->n_frames, 0);
    for (int i = 0; i < WEIR_PROFILE_PARTS_LOST; i++) {
        if (!weir_profile_lost(parts, names, 2, merged, i, text, sizeof text))
            continue;
        ck_assert_msg(strstr(text, "'old.avro' has none (it is of an older version)") != NULL, "%s",
                      text);
        lost++;
    }
    ck_assert_int_eq(lost, 2);
    weir_profile_free(merged);
    weir_profile_free(a);
    weir_profile_free(b);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("together");
    TCase *cases = tcase_create("together");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, what_varies_and_tells_no_time_is_looked_at);
    tcase_add_test(cases, parts_are_the_whole);
    tcase_add_test(cases, what_is_lost_is_said);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
