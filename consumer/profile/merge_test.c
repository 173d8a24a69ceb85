// SPDX-License-Identifier: Apache-2.0
// Profiles of parts of the data are one of the whole, in any order.
#include "consumer/profile/merge.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "stats/cells.h"

enum { PARTS = 3, ROWS = 900, MINUTE = 60000 };

static const struct weir_field fields[] = {
    {.name = "at", .type = WEIR_TYPE_LONG, .role = WEIR_ROLE_TIME},
    {.name = "amount", .type = WEIR_TYPE_DOUBLE},
    {.name = "route", .type = WEIR_TYPE_STRING},
    {.name = "fresh", .type = WEIR_TYPE_BOOLEAN},
};
static const struct weir_stream stream = {
    .name = "s", .fields = fields, .n_fields = 4, .key = -1, .time = 0};

static char path[128];
static struct weir_profile *whole, *parts[PARTS];
static const char *const names[] = {"a.avro", "b.avro", "c.avro", "d.avro"};

// Rows [first, end); a part has a route of its own.
static void write_rows(int first, int end)
{
    FILE *file = fopen(path, "w");
    fputs("at,amount,route,fresh\n", file);
    for (int i = first; i < end; i++) {
        fprintf(file, "%lld,", 1700000000000 / MINUTE * MINUTE + i * (long long)MINUTE);
        if (i % 9)
            fprintf(file, "%g", (double)(i * 7919 % 1009) / 4);
        fprintf(file, ",%s%d,%s\n", i % 5 ? "r" : "own", i % 5 ? i % 3 : i / ROWS,
                i % 2 ? "true" : "false");
    }
    fclose(file);
}

static struct weir_profile *make(int first, int end, const struct weir_profile *like, int64_t pane,
                                 int64_t rows)
{
    struct weir_profile_options options = {
        .stream = &stream, .format = WEIR_FORMAT_CSV, .like = like, .pane = pane, .rows = rows};
    struct weir_profile *profile;
    struct weir_error error;
    write_rows(first, end);
    ck_assert_msg(!weir_profile_make(path, &options, &profile, &error), "%s", error.message);
    return profile;
}

static void set_up(void)
{
    snprintf(path, sizeof path, "/tmp/weir-merge-XXXXXX.csv");
    int fd = mkstemps(path, 4);
    ck_assert_int_ge(fd, 0);
    close(fd);
    for (int k = 0; k < PARTS; k++)
        parts[k] = make(k * ROWS, (k + 1) * ROWS, k ? parts[0] : NULL, 0, 300);
    whole = make(0, PARTS * ROWS, parts[0], 0, 300);
}

static void tear_down(void)
{
    for (int k = 0; k < PARTS; k++)
        weir_profile_free(parts[k]);
    weir_profile_free(whole);
    unlink(path);
}

static struct weir_profile *merge(const struct weir_profile *a, const struct weir_profile *b,
                                  const struct weir_profile *c)
{
    const struct weir_profile *from[] = {a, b, c};
    struct weir_profile *into;
    struct weir_error error;
    ck_assert_msg(!weir_profile_merge(from, names, c ? 3 : 2, &into, &error), "%s", error.message);
    return into;
}

START_TEST(any_order_and_grouping_gives_the_same_bytes)
{
    static const int orders[][PARTS] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                        {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct weir_profile *first = merge(parts[0], parts[1], parts[2]);
    uint64_t hash = weir_profile_hash(first);
    for (int i = 0; i < 6; i++) {
        const struct weir_profile *x = parts[orders[i][0]], *y = parts[orders[i][1]],
                                  *z = parts[orders[i][2]];
        struct weir_profile *all = merge(x, y, z), *two = merge(x, y, NULL);
        struct weir_profile *later = merge(z, two, NULL);
        ck_assert_uint_eq(weir_profile_hash(all), hash);
        ck_assert_uint_eq(weir_profile_hash(later), hash);
        weir_profile_free(all);
        weir_profile_free(two);
        weir_profile_free(later);
    }
    weir_profile_free(first);
}
END_TEST

START_TEST(it_is_the_profile_of_the_whole)
{
    struct weir_profile *all = merge(parts[1], parts[0], parts[2]);
    ck_assert_uint_eq(all->rows, whole->rows);
    ck_assert_int_eq(all->first_time, whole->first_time);
    ck_assert_int_eq(all->last_time, whole->last_time);
    ck_assert_uint_eq(all->n_panes, whole->n_panes);
    for (size_t f = 0; f < all->n_fields; f++) {
        const struct weir_summary *x = &all->fields[f].summary, *y = &whole->fields[f].summary;
        ck_assert_uint_eq(x->values, y->values);
        ck_assert_uint_eq(x->null, y->null);
        ck_assert_uint_eq(x->cells->n, y->cells->n);
        ck_assert_mem_eq(x->cell, y->cell, x->cells->n * sizeof *x->cell);
        ck_assert(x->moments.sum == y->moments.sum);
        ck_assert(x->moments.sum_squares == y->moments.sum_squares);
        double q = weir_summary_quantile(x, .25), r = weir_summary_quantile(y, .25);
        ck_assert(q == r || (isnan(q) && isnan(r)));
        for (size_t p = 0; p < all->n_panes; p++) {
            const struct weir_summary *in = &all->panes[p].fields[f];
            ck_assert_int_eq(all->panes[p].start, whole->panes[p].start);
            ck_assert_mem_eq(in->cell, whole->panes[p].fields[f].cell,
                             x->cells->n * sizeof *x->cell);
        }
    }
    ck_assert_uint_eq(weir_reservoir_rows(all->sample), 300);
    ck_assert_uint_eq(weir_reservoir_seen(all->sample), PARTS * ROWS);
    weir_profile_free(all);
}
END_TEST

// To the first part's cells the others' own routes are new; to the whole they are not.
START_TEST(what_a_part_knows_the_whole_knows)
{
    ck_assert_uint_eq(weir_profile_find(parts[1], "route")->summary.unseen, ROWS / 5);
    struct weir_profile *all = merge(parts[0], parts[1], parts[2]);
    const struct weir_profile_field *route = weir_profile_find(all, "route");
    ck_assert_uint_eq(route->summary.unseen, 0);
    ck_assert_uint_eq(route->cells->n_known, 3 + PARTS);
    for (size_t i = 0; i < weir_profile_find(parts[2], "route")->also.n; i++)
        ck_assert(
            weir_cells_knows(route->cells, weir_profile_find(parts[2], "route")->also.hash[i]));
    ck_assert_uint_eq(weir_profile_find(parts[2], "route")->also.n, 1);
    weir_profile_free(all);
}
END_TEST

START_TEST(shorter_panes_are_added_up)
{
    struct weir_profile *short_panes = make(ROWS, 2 * ROWS, parts[0], 20 * MINUTE, 200);
    struct weir_profile *all = merge(short_panes, parts[0], NULL);
    struct weir_profile *same = merge(parts[1], parts[0], NULL);
    ck_assert_uint_gt(short_panes->n_panes, parts[1]->n_panes);
    ck_assert_uint_eq(all->n_panes, same->n_panes);
    for (size_t p = 0; p < all->n_panes; p++)
        ck_assert_uint_eq(all->panes[p].rows, same->panes[p].rows);
    ck_assert_uint_eq(weir_reservoir_rows(all->sample), 200);
    weir_profile_free(short_panes);
    weir_profile_free(all);
    weir_profile_free(same);
}
END_TEST

static void refused(const struct weir_profile *other, const char *why)
{
    const struct weir_profile *from[] = {parts[0], other};
    struct weir_profile *into = NULL;
    struct weir_error error;
    ck_assert_int_eq(weir_profile_merge(from, names, 2, &into, &error), WEIR_EINVAL);
    ck_assert_msg(strstr(error.message, why) != NULL, "%s", error.message);
    ck_assert_ptr_null(into);
}

START_TEST(what_does_not_fit_is_refused)
{
    struct weir_profile *other = make(ROWS, 2 * ROWS, NULL, 0, 0);
    refused(other, "make it with `weir profile --like a.avro`");
    weir_profile_free(other);
    other = make(ROWS, 2 * ROWS, parts[0], 25 * MINUTE, 0);
    refused(other, "--pane");
    weir_profile_free(other);
}
END_TEST

START_TEST(old_versions_can_be_merged)
{
    const char *source = getenv("WEIR_SOURCE");
    for (int version = 1; version <= 4; version++) {
        char stored[1024];
        struct weir_profile *profile;
        struct weir_error error;
        snprintf(stored, sizeof stored, "%s/consumer/profile/testdata/version%d.avro",
                 source ? source : ".", version);
        ck_assert_msg(!weir_profile_load(stored, &profile, &error), "%s", error.message);
        struct weir_profile *twice = merge(profile, profile, NULL);
        ck_assert_uint_eq(twice->rows, 2 * profile->rows);
        ck_assert_uint_eq(twice->n_panes, profile->n_panes);
        ck_assert_int_eq(twice->sample != NULL, version >= 3);
        ck_assert_int_eq(twice->quality.counts != NULL, version >= 4);
        ck_assert_uint_eq(twice->n_frames, version >= 4 ? 2 : 0);
        weir_profile_free(twice);
        weir_profile_free(profile);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("merge");
    TCase *cases = tcase_create("merge");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, any_order_and_grouping_gives_the_same_bytes);
    tcase_add_test(cases, it_is_the_profile_of_the_whole);
    tcase_add_test(cases, what_a_part_knows_the_whole_knows);
    tcase_add_test(cases, shorter_panes_are_added_up);
    tcase_add_test(cases, what_does_not_fit_is_refused);
    tcase_add_test(cases, old_versions_can_be_merged);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
