// SPDX-License-Identifier: Apache-2.0
// What only rows say, of profiles: within the stated bound of what the whole files say.
#include "consumer/compare/sampled.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { ROWS = 1200, SAMPLE = 300, ROUNDS = 3, DIMENSIONS = 4 };

static char folder[64];
static uint64_t state;

static double uniform(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return ((double)(state >> 11) + .5) * 0x1p-53;
}

static double normal(void)
{
    return sqrt(-2 * log(uniform())) * cos(6.283185307179586 * uniform());
}

static void path_of(char out[128], const char *name)
{
    snprintf(out, 128, "%s/%s", folder, name);
}

// Correlated numbers, a time that only grows, texts, vectors; `new` is another mixture.
static void write_rows(const char *name, int new)
{
    char path[128];
    path_of(path, name);
    FILE *file = fopen(path, "w");
    for (int i = 0; i < ROWS; i++) {
        double x = normal(), y = (new ? .2 : .7) * x + .7 * normal();
        double amount = new &&uniform() < .3 ? 900 + 100 * uniform() : 100 * uniform();
        fprintf(file, "{\"at\":%lld,\"x\":%.6g,\"y\":%.6g,\"amount\":%.6g,\"country\":\"%s\",",
                (new *ROWS + i) * 600000LL, x, y, amount, uniform() < .5 ? "JP" : "US");
        fputs("\"note\":\"", file);
        for (int k = 0, n = 8 + (int)(90 * uniform()); k < n; k++)
            fprintf(file, "%s%c%d", k ? " " : "", new &&uniform() < .1 ? 'N' : 'w',
                    (int)(300 * uniform() * uniform()));
        fputs("\",\"v\":[", file);
        for (int k = 0; k < DIMENSIONS; k++)
            fprintf(file, "%s%.6g", k ? "," : "", normal() * (1 + .2 * new) + .3 * new);
        fputs("]}\n", file);
    }
    fclose(file);
}

static void write_profile(const char *from, const char *to, int64_t rows)
{
    static const struct weir_field fields[] = {
        {.name = "at", .type = WEIR_TYPE_LONG, .role = WEIR_ROLE_TIME},
        {.name = "x", .type = WEIR_TYPE_DOUBLE},
        {.name = "y", .type = WEIR_TYPE_DOUBLE},
        {.name = "amount", .type = WEIR_TYPE_DOUBLE},
        {.name = "country", .type = WEIR_TYPE_STRING},
        {.name = "note", .type = WEIR_TYPE_STRING},
        {.name = "v[]", .type = WEIR_TYPE_DOUBLE, .is_list = 1},
    };
    static const struct weir_stream stream = {
        .name = "rows", .fields = fields, .n_fields = 7, .key = -1, .time = 0};
    struct weir_profile_options options = {
        .stream = &stream, .format = WEIR_FORMAT_JSON, .rows = rows};
    struct weir_profile *profile;
    struct weir_error error;
    char source[128], target[128];
    path_of(source, from);
    path_of(target, to);
    ck_assert_msg(!weir_profile_make(source, &options, &profile, &error), "%s", error.message);
    ck_assert_int_eq(weir_profile_save(profile, target, &error), 0);
    weir_profile_free(profile);
}

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/weir-sampled-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
}

static void tear_down(void)
{
    static const char *const names[] = {"a.jsonl", "b.jsonl", "a.avro", "b.avro"};
    char path[128];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        path_of(path, names[i]);
        unlink(path);
    }
    rmdir(folder);
}

static struct weir_comparison_set compare(const char *a, const char *b)
{
    struct weir_comparison_set set;
    struct weir_error error;
    char left[128], right[128];
    path_of(left, a);
    path_of(right, b);
    if (weir_compare_paths(left, right, WEIR_PRESETS, &set, &error))
        ck_abort_msg("%s", error.message);
    return set;
}

static const struct weir_comparison *statistic(const struct weir_comparison_set *set,
                                               const char *name)
{
    for (int i = 0; i < WEIR_MULTIVARIATE; i++)
        if (!strcmp(set->multivariate[i].name, name))
            return &set->multivariate[i];
    for (size_t i = 0; i < set->n; i++)
        for (size_t k = 0; k < set->fields[i].comparison.n; k++)
            if (!strcmp(set->fields[i].comparison.statistics[k].name, name))
                return &set->fields[i].comparison.statistics[k];
    ck_abort_msg("no %s", name);
    return NULL;
}

START_TEST(values_are_within_their_bounds)
{
    // (Not those of all fields: the files' include the time, which a profile knows to be one.)
    static const char *const sampled[] = {"out_of_vocabulary", "mean_shift", "norm_shift",
                                          "vector_mmd"};
    static const char *const exact[] = {"character_classes", "token_distribution"};
    static const char *const pairs[][2] = {{"a.avro", "b.avro"}, {"a.avro", "b.jsonl"}};
    int tried = 0, outside = 0;
    state = 88172645463325252u;
    for (int round = 0; round < ROUNDS; round++) {
        write_rows("a.jsonl", 0);
        write_rows("b.jsonl", round % 2);
        write_profile("a.jsonl", "a.avro", SAMPLE);
        write_profile("b.jsonl", "b.avro", SAMPLE);
        struct weir_comparison_set files = compare("a.jsonl", "b.jsonl");
        for (int p = 0; p < 2; p++) {
            struct weir_comparison_set set = compare(pairs[p][0], pairs[p][1]);
            for (size_t i = 0; i < sizeof sampled / sizeof *sampled; i++) {
                const struct weir_comparison *c = statistic(&set, sampled[i]);
                ck_assert_msg(!c->reason, "%s: %s", sampled[i], c->reason);
                ck_assert_double_gt(c->bound, 0);
                ck_assert_double_lt(c->bound, .25);
                tried++;
                outside += fabs(c->value - statistic(&files, sampled[i])->value) > c->bound;
            }
            for (size_t i = 0; i < sizeof exact / sizeof *exact; i++) {
                ck_assert_double_eq(statistic(&set, exact[i])->value,
                                    statistic(&files, exact[i])->value);
                ck_assert(isnan(statistic(&set, exact[i])->bound));
            }
            weir_comparison_set_free(&set);
        }
        weir_comparison_set_free(&files);
    }
    ck_assert_int_eq(tried, ROUNDS * 8);
    ck_assert_int_le(outside, 2);
}
END_TEST

// Of x, y and amount; a sample of 300 rows against one of all 1,200.
START_TEST(whole_rows_are_within_their_bounds)
{
    static const char *const names[] = {"mmd", "pca_error", "correlation_change"};
    int outside = 0;
    state = 362436069362436069u;
    for (int round = 0; round < ROUNDS; round++) {
        struct weir_comparison_set sets[2];
        write_rows("a.jsonl", 0);
        write_rows("b.jsonl", round % 2);
        for (int all = 0; all < 2; all++) {
            write_profile("a.jsonl", "a.avro", all ? ROWS : SAMPLE);
            write_profile("b.jsonl", "b.avro", all ? ROWS : SAMPLE);
            sets[all] = compare("a.avro", "b.avro");
        }
        for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
            const struct weir_comparison *c = statistic(&sets[0], names[i]);
            ck_assert_double_gt(c->bound, 0);
            outside += fabs(c->value - statistic(&sets[1], names[i])->value) > c->bound;
        }
        const struct weir_comparison *auc = statistic(&sets[0], "domain_auc");
        if (round % 2)
            ck_assert_double_gt(auc->value - auc->bound, .55);
        else
            ck_assert_double_le(fabs(auc->value - .5), 1.5 * auc->bound);
        weir_comparison_set_free(&sets[0]);
        weir_comparison_set_free(&sets[1]);
    }
    ck_assert_int_le(outside, 2);
}
END_TEST

// Neither the time nor anything else that tells records apart, but what has changed.
START_TEST(profiles_have_rules)
{
    state = 123456789123456789u;
    write_rows("a.jsonl", 0);
    write_rows("b.jsonl", 1);
    write_profile("a.jsonl", "a.avro", 0);
    write_profile("b.jsonl", "b.avro", 0);
    struct weir_comparison_set set = compare("a.avro", "b.avro");
    ck_assert_uint_ge(set.rules.contrast.n_rules, 1);
    ck_assert_msg(!strncmp(set.rules.text[0], "amount > ", 9), "%s", set.rules.text[0]);
    ck_assert_double_eq_tol(set.rules.contrast.rules[0].share[1], .3, .06);
    ck_assert_double_le(set.rules.contrast.rules[0].share[0], .01);
    for (size_t k = 0; k < set.rules.contrast.n_rules; k++)
        ck_assert_ptr_null(strstr(set.rules.text[k], "at "));
    weir_comparison_set_free(&set);
}
END_TEST

START_TEST(without_rows_there_are_reasons)
{
    state = 42424242424242u;
    write_rows("a.jsonl", 0);
    write_rows("b.jsonl", 1);
    write_profile("a.jsonl", "a.avro", -1);
    write_profile("b.jsonl", "b.avro", 0);
    struct weir_comparison_set set = compare("a.avro", "b.avro");
    // But for what is kept of all rows.
    for (int i = 0; i + 1 < WEIR_MULTIVARIATE; i++)
        ck_assert_str_eq(set.multivariate[i].reason, weir_test_status_text(WEIR_TEST_NO_ROWS));
    ck_assert_double_eq_tol(statistic(&set, "correlation_change")->value, .43, .1);
    ck_assert_double_lt(statistic(&set, "correlation_change")->p_value, 1e-6);
    ck_assert_ptr_nonnull(statistic(&set, "mean_shift")->reason);
    ck_assert_ptr_null(statistic(&set, "character_classes")->reason);
    ck_assert_int_eq(set.rules.contrast.status, WEIR_TEST_NO_ROWS);
    weir_comparison_set_free(&set);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("sampled");
    TCase *cases = tcase_create("sampled");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_set_timeout(cases, 60);
    tcase_add_test(cases, values_are_within_their_bounds);
    tcase_add_test(cases, whole_rows_are_within_their_bounds);
    tcase_add_test(cases, profiles_have_rules);
    tcase_add_test(cases, without_rows_there_are_reasons);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
