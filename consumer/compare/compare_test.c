// SPDX-License-Identifier: Apache-2.0
// Whole files are held against SciPy in tests/conformance; here: profiles say what files say,
// and what is broken is refused.
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "consumer/compare/matrix.h"
#include "consumer/compare/set.h"
#include "consumer/profile/profile.h"

static char folder[64];
static uint64_t state = 5;

static double uniform(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)(state >> 11) * 0x1p-53;
}

static void path_of(char out[128], const char *name)
{
    snprintf(out, 128, "%s/%s", folder, name);
}

static void write_rows(const char *name, int rows, double shift)
{
    static const char *const countries[] = {"US", "DE", "JP"};
    char path[128];
    path_of(path, name);
    FILE *file = fopen(path, "w");
    fprintf(file, "amount,country,flag\n");
    for (int i = 0; i < rows; i++) {
        if (uniform() < 0.1)
            fprintf(file, ",");
        else
            fprintf(file, "%.17g,", -log(1 - uniform()) + shift);
        fprintf(file, "%s,%s\n", countries[(int)(3 * uniform() * uniform())],
                uniform() < 0.3 + shift ? "true" : "false");
    }
    fclose(file);
}

static void write_profile(const char *from, const char *to)
{
    char source[128], target[128];
    struct weir_error error;
    struct weir_profile *profile;
    struct weir_field fields[] = {
        {.name = "amount", .type = WEIR_TYPE_DOUBLE, .nullable = 1},
        {.name = "country", .type = WEIR_TYPE_STRING, .nullable = 1},
        {.name = "flag", .type = WEIR_TYPE_BOOLEAN, .nullable = 1},
    };
    struct weir_stream stream = {
        .name = "rows", .fields = fields, .n_fields = 3, .key = -1, .time = -1};
    struct weir_profile_options options = {.stream = &stream, .format = WEIR_FORMAT_CSV};
    path_of(source, from);
    path_of(target, to);
    ck_assert_int_eq(weir_profile_make(source, &options, &profile, &error), 0);
    ck_assert_int_eq(weir_profile_save(profile, target, &error), 0);
    weir_profile_free(profile);
}

static void set_up(void)
{
    snprintf(folder, sizeof folder, "/tmp/weir-compare-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    write_rows("a.csv", 900, 0);
    write_rows("b.csv", 600, 0.2);
    write_profile("a.csv", "a.avro");
    write_profile("b.csv", "b.avro");
}

static void tear_down(void)
{
    static const char *const names[] = {"a.csv", "b.csv", "a.avro", "b.avro", "x.csv", "cut.avro"};
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
                                               const char *field, const char *name)
{
    for (size_t i = 0; i < set->n; i++)
        for (size_t k = 0; k < set->fields[i].comparison.n && !strcmp(set->fields[i].name, field);
             k++)
            if (!strcmp(set->fields[i].comparison.statistics[k].name, name))
                return &set->fields[i].comparison.statistics[k];
    ck_abort_msg("no %s of %s", name, field);
    return NULL;
}

static void same(const struct weir_comparison_set *a, const struct weir_comparison_set *b,
                 const char *field, const char *name, double tolerance)
{
    double want = statistic(a, field, name)->value, got = statistic(b, field, name)->value;
    if (!(fabs(got - want) <= tolerance * fabs(want)))
        ck_abort_msg("%s %s: %.12g, not %.12g", field, name, got, want);
}

START_TEST(profiles_say_what_files_say)
{
    struct weir_comparison_set files = compare("a.csv", "b.csv");
    const char *const pairs[][2] = {{"a.avro", "b.csv"}, {"a.csv", "b.avro"}, {"a.avro", "b.avro"}};
    ck_assert_int_eq(files.from_profiles, 0);
    ck_assert_uint_eq(files.n, 3);
    for (int i = 0; i < 3; i++) {
        struct weir_comparison_set set = compare(pairs[i][0], pairs[i][1]);
        ck_assert_int_eq(set.from_profiles, 1);
        ck_assert_uint_eq(set.n, 3);
        ck_assert_uint_eq(set.rows_reference, 900);
        ck_assert_uint_eq(set.rows_current, 600);
        // On the same cells exactly; by the current's sketch where it has cells of its own.
        double near = i == 0 ? 1e-9 : 0.25;
        same(&files, &set, "amount", "psi", near);
        same(&files, &set, "amount", "chi_square", near);
        same(&files, &set, "amount", "welch_t", 1e-5);
        same(&files, &set, "amount", "variance_ratio", 1e-5);
        same(&files, &set, "amount", "null_rate", 1e-12);
        same(&files, &set, "amount", "wasserstein", 0.05);
        same(&files, &set, "amount", "energy", 0.05);
        same(&files, &set, "amount", "mann_whitney", 0.01);
        same(&files, &set, "country", "chi_square", 1e-9);
        same(&files, &set, "country", "jensen_shannon", 1e-9);
        same(&files, &set, "flag", "psi", 1e-9);
        ck_assert_ptr_nonnull(set.multivariate[0].reason);
        weir_comparison_set_free(&set);
    }
    weir_comparison_set_free(&files);
}
END_TEST

START_TEST(a_field_that_is_gone_has_reasons)
{
    char path[128];
    path_of(path, "x.csv");
    FILE *file = fopen(path, "w");
    fputs("other\n1\n2\n", file);
    fclose(file);
    const char *const references[] = {"a.csv", "a.avro"};
    for (int i = 0; i < 2; i++) {
        struct weir_comparison_set set = compare(references[i], "x.csv");
        ck_assert_ptr_nonnull(statistic(&set, "amount", "ks")->reason);
        ck_assert(isnan(statistic(&set, "amount", "psi")->value));
        ck_assert_double_eq(statistic(&set, "amount", "null_rate")->value, 1);
        weir_comparison_set_free(&set);
    }
}
END_TEST

// A profile that is cut anywhere is refused with a sentence, or is no profile at all.
START_TEST(truncated_profiles_are_refused)
{
    char path[128], cut[128], other[128];
    path_of(path, "a.avro");
    path_of(cut, "cut.avro");
    path_of(other, "b.csv");
    FILE *file = fopen(path, "rb");
    char *bytes = malloc(1 << 20);
    size_t length = fread(bytes, 1, 1 << 20, file);
    fclose(file);
    ck_assert_uint_lt(length, 1 << 20);
    for (size_t n = 0; n < length; n += n < 64 ? 7 : length / 23) {
        struct weir_comparison_set set;
        struct weir_error error = {0, 0, 0, ""};
        file = fopen(cut, "wb");
        fwrite(bytes, 1, n, file);
        fclose(file);
        if (weir_compare_paths(cut, other, WEIR_PRESETS, &set, &error) == 0)
            weir_comparison_set_free(&set);
        else
            ck_assert(strlen(error.message) > 0);
        if (weir_compare_is_profile(cut))
            ck_assert_int_ne(error.code, 0);
    }
    free(bytes);
    ck_assert_int_eq(weir_compare_is_profile("/nowhere/at/all"), 0);
}
END_TEST

START_TEST(rules_tell_files_apart)
{
    char a[128], b[128];
    struct weir_comparison_set set;
    struct weir_error error;
    write_rows("a.csv", 1500, 0);
    write_rows("b.csv", 1500, 0.6);
    path_of(a, "a.csv");
    path_of(b, "b.csv");
    ck_assert_int_eq(weir_compare_paths(a, b, WEIR_PRESETS, &set, &error), 0);
    ck_assert_uint_ge(set.rules.contrast.n_rules, 1);
    int named = 0;
    for (size_t k = 0; k < set.rules.contrast.n_rules; k++)
        named |= strstr(set.rules.text[k], "flag = true") != NULL ||
                 strstr(set.rules.text[k], "flag = false") != NULL ||
                 strstr(set.rules.text[k], "amount > ") != NULL;
    ck_assert(named);
    weir_comparison_set_free(&set);
    write_rows("b.csv", 1500, 0);
    ck_assert_int_eq(weir_compare_paths(a, b, WEIR_PRESETS, &set, &error), 0);
    ck_assert_uint_eq(set.rules.contrast.n_rules, 0);
    weir_comparison_set_free(&set);
}
END_TEST

// Rows with a time and an id, which tell any two files apart, and a category that took over.
static void write_events(const char *name, int rows, int first, int moved)
{
    char path[128];
    path_of(path, name);
    FILE *file = fopen(path, "w");
    fprintf(file, "time,id,country\n");
    for (int i = 0; i < rows; i++)
        fprintf(file, "%d,%d,%s\n", first + i / 3, first + (i * 7919) % 100003,
                moved && uniform() < 0.4 ? "JP"
                : uniform() < 0.5        ? "DE"
                                         : "US");
    fclose(file);
}

START_TEST(times_and_ids_are_no_rules)
{
    char a[128], b[128];
    struct weir_comparison_set set;
    struct weir_error error;
    path_of(a, "a.csv");
    path_of(b, "b.csv");
    write_events("a.csv", 1000, 0, 0);
    for (int moved = 0; moved < 2; moved++) {
        write_events("b.csv", 1000, 200000, moved);
        ck_assert_int_eq(weir_compare_paths(a, b, WEIR_PRESETS, &set, &error), 0);
        ck_assert_uint_eq(set.rules.contrast.n_rules > 0, moved);
        if (moved)
            ck_assert_str_eq(set.rules.text[0], "country = JP");
        weir_comparison_set_free(&set);
    }
}
END_TEST

START_TEST(eigenvalues_and_solutions)
{
    double a[] = {4, 1, 0, 1, 3, 1, 0, 1, 2}, copy[9], values[3], vectors[9];
    memcpy(copy, a, sizeof a);
    weir_matrix_eigen(copy, 3, values, vectors);
    ck_assert_double_eq_tol(values[0] + values[1] + values[2], 9, 1e-12);
    ck_assert(values[0] >= values[1] && values[1] >= values[2]);
    for (int v = 0; v < 3; v++)
        for (int i = 0; i < 3; i++) {
            double sum = 0;
            for (int j = 0; j < 3; j++)
                sum += a[i * 3 + j] * vectors[v * 3 + j];
            ck_assert_double_eq_tol(sum, values[v] * vectors[v * 3 + i], 1e-9);
        }
    double b[] = {5, 5, 3};
    memcpy(copy, a, sizeof a);
    ck_assert_int_eq(weir_matrix_solve(copy, b, 3), 0);
    for (int i = 0; i < 3; i++)
        ck_assert_double_eq_tol(b[i], 1, 1e-12);
    double flat[] = {1, 1, 1, 1}, c[] = {1, 2};
    ck_assert_int_ne(weir_matrix_solve(flat, c, 2), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("compare");
    TCase *cases = tcase_create("compare");
    tcase_add_checked_fixture(cases, set_up, tear_down);
    tcase_add_test(cases, profiles_say_what_files_say);
    tcase_add_test(cases, a_field_that_is_gone_has_reasons);
    tcase_add_test(cases, truncated_profiles_are_refused);
    tcase_add_test(cases, rules_tell_files_apart);
    tcase_add_test(cases, times_and_ids_are_no_rules);
    tcase_add_test(cases, eigenvalues_and_solutions);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
