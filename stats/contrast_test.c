// SPDX-License-Identifier: Apache-2.0
#include "stats/contrast.h"

#include <check.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stats/contrast_inside.h"

enum { COLUMNS = 12, ROWS = 3000, AMOUNT = 0, COUNTRY = 1, AGE = 2, TWICE = 3, SHOP = 4 };

static uint64_t state = 88172645463325252u;
static double number[COLUMNS][2][ROWS];
static uint64_t category[COLUMNS][2][ROWS];
static uint8_t absent[COLUMNS][2][ROWS];
static struct weir_contrast_column columns[COLUMNS];
static struct weir_contrast_samples samples;

static double uniform(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (double)((state * 0x2545f4914f6cdd1du) >> 11) * 0x1p-53;
}

// Twelve columns, nothing planted: amount (a long tail, some nulls), country (5, JP is 3), age,
// twice the amount and a bit, a shop of 200, noise of numbers and of categories in turn.
static void fill(size_t reference, size_t current)
{
    samples = (struct weir_contrast_samples){columns, COLUMNS, {reference, current}, 7, 0.55};
    for (int c = 0; c < COLUMNS; c++) {
        int numbers = c == AMOUNT || c == AGE || c == TWICE || (c > SHOP && c % 2);
        columns[c] = (struct weir_contrast_column){{NULL, NULL}, {NULL, NULL}, {NULL, NULL}};
        for (int side = 0; side < 2; side++) {
            if (numbers)
                columns[c].number[side] = number[c][side];
            else
                columns[c].category[side] = category[c][side];
            columns[c].absent[side] = absent[c][side];
            for (size_t i = 0; i < ROWS; i++) {
                number[c][side][i] = c == AMOUNT  ? 500 * -log(1 - uniform())
                                     : c == TWICE ? 2 * number[AMOUNT][side][i] + uniform()
                                                  : floor(80 * uniform());
                category[c][side][i] = (uint64_t)(uniform() * (c == SHOP ? 200 : 5));
                absent[c][side][i] = c != TWICE && uniform() < (c == AMOUNT ? 0.05 : 0.01);
            }
        }
    }
}

// Of `share` of the new records: amount beyond 900, from JP.
static void plant(double share)
{
    for (size_t i = 0; i < ROWS; i++)
        if (uniform() < share) {
            absent[AMOUNT][1][i] = absent[COUNTRY][1][i] = 0;
            number[AMOUNT][1][i] = 920 + 300 * uniform();
            number[TWICE][1][i] = 2 * number[AMOUNT][1][i] + uniform();
            category[COUNTRY][1][i] = 3;
        }
}

static struct weir_contrast found(void)
{
    struct weir_contrast out;
    ck_assert_int_eq(weir_contrast_find(&samples, &out), 0);
    ck_assert(out.low <= out.auc && out.auc <= out.high);
    return out;
}

static const char *name_of(const void *unused, size_t column)
{
    static const char *const names[] = {"amount", "country", "age", "twice", "shop"};
    (void)unused;
    return column < 5 ? names[column] : "noise";
}

static const char *text_of(const void *unused, size_t column, uint64_t value)
{
    (void)unused;
    static const char *const texts[] = {"JP", "New \"York\"", "", "null"};
    return column == COUNTRY && value >= 3 && value < 7 ? texts[value - 3] : NULL;
}

static void write(const struct weir_contrast_rule *rule, char out[256])
{
    struct weir_contrast_texts texts = {name_of, text_of, NULL};
    struct weir_buffer buffer;
    weir_buffer_init(&buffer, 4096);
    ck_assert_int_eq(weir_contrast_write(rule, &texts, &buffer), 0);
    ck_assert(buffer.length < 256);
    memcpy(out, buffer.data, buffer.length);
    out[buffer.length] = 0;
    weir_buffer_free(&buffer);
}

START_TEST(two_fields_that_moved_together_are_one_rule)
{
    int right = 0;
    for (int trial = 0; trial < 10; trial++) {
        fill(ROWS, ROWS);
        plant(0.3);
        struct weir_contrast c = found();
        ck_assert_uint_ge(c.n_rules, 1);
        const struct weir_contrast_rule *rule = &c.rules[0];
        ck_assert_double_gt(rule->share[1] - rule->share[0], 0.2);
        ck_assert_double_gt(c.low, 0.55);
        int amount = 0, country = 0;
        for (size_t i = 0; i < rule->n; i++) {
            const struct weir_contrast_clause *clause = &rule->clauses[i];
            double scale = clause->column == TWICE ? 2 : 1;
            amount |= (clause->column == AMOUNT || clause->column == TWICE) &&
                      clause->kind == WEIR_CONTRAST_ABOVE && clause->number >= 750 * scale &&
                      clause->number <= 930 * scale;
            country |= clause->column == COUNTRY && clause->kind == WEIR_CONTRAST_IS &&
                       clause->category == 3;
            ck_assert_uint_ne(clause->column, SHOP);
        }
        right += amount && country;
    }
    ck_assert_int_ge(right, 9);
}
END_TEST

START_TEST(shares_are_those_of_the_records)
{
    fill(ROWS, ROWS);
    plant(0.3);
    struct weir_contrast c = found();
    for (size_t k = 0; k < c.n_rules; k++)
        for (int side = 0; side < 2; side++) {
            double n = 0;
            for (size_t i = 0; i < ROWS; i++)
                n += weir_contrast_holds(&samples, &c.rules[k], (enum weir_contrast_side)side, i);
            ck_assert_double_le(fabs(n / ROWS - c.rules[k].share[side]),
                                4 * c.rules[k].error[side]);
        }
}
END_TEST

START_TEST(nothing_is_said_of_nothing)
{
    int said = 0, grown = 0;
    for (int trial = 0; trial < 150; trial++) {
        size_t rows = trial % 3 == 0 ? 100 : trial % 3 == 1 ? 600 : ROWS;
        fill(rows, trial % 2 ? rows : 400);
        samples.floor = 0.5; // the weakest promise
        struct weir_contrast c = found();
        said += c.n_rules > 0;
        grown += c.auc != 0.5;
    }
    ck_assert_int_le(said, 3); // one in a hundred trees times the chance of being confirmed
    ck_assert_int_le(grown, 9);
}
END_TEST

START_TEST(nulls_and_vanished_categories_have_rules)
{
    char text[256];
    fill(ROWS, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        absent[AMOUNT][1][i] |= uniform() < 0.4;
    struct weir_contrast c = found();
    ck_assert_uint_ge(c.n_rules, 1);
    write(&c.rules[0], text);
    ck_assert_str_eq(text, "amount is null");
    ck_assert_double_gt(c.rules[0].share[1], 0.3);

    fill(ROWS, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        if (category[COUNTRY][1][i] == 3)
            category[COUNTRY][1][i] = 2;
    c = found();
    ck_assert_uint_ge(c.n_rules, 2);
    int vanished = 0;
    for (size_t k = 0; k < c.n_rules; k++) {
        write(&c.rules[k], text);
        vanished |= !strcmp(text, "country = JP") && c.rules[k].count[1] == 0;
    }
    ck_assert(vanished);
}
END_TEST

START_TEST(order_and_surplus_rows_do_not_matter)
{
    fill(ROWS, ROWS);
    plant(0.2);
    struct weir_contrast first = found(), again = found();
    ck_assert_mem_eq(&first.rules, &again.rules, sizeof first.rules);
    for (size_t i = ROWS - 1; i > 0; i--) {
        size_t k = (size_t)(uniform() * (double)(i + 1));
        for (int c = 0; c < COLUMNS; c++)
            for (int side = 0; side < 2; side++) {
                double x = number[c][side][i];
                uint64_t y = category[c][side][i];
                uint8_t z = absent[c][side][i];
                number[c][side][i] = number[c][side][k];
                category[c][side][i] = category[c][side][k];
                absent[c][side][i] = absent[c][side][k];
                number[c][side][k] = x;
                category[c][side][k] = y;
                absent[c][side][k] = z;
            }
    }
    struct weir_contrast shuffled = found();
    ck_assert_mem_eq(&first.rules, &shuffled.rules, sizeof first.rules);
    ck_assert(first.auc == shuffled.auc && first.low == shuffled.low);
    ck_assert_uint_eq(first.judged[0] + first.learned[0], WEIR_CONTRAST_ROWS);
    samples.seed = 8;
    struct weir_contrast other = found();
    ck_assert(first.auc != other.auc);
}
END_TEST

START_TEST(what_moved_together_is_listed)
{
    fill(ROWS, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        number[AMOUNT][1][i] += 300;
        number[TWICE][1][i] += 600;
    }
    struct weir_contrast c = found();
    ck_assert_uint_ge(c.n_rules, 1);
    size_t column = c.rules[0].clauses[0].column;
    ck_assert(column == AMOUNT || column == TWICE);
    ck_assert_uint_eq(c.n_with, 1);
    ck_assert_uint_eq(c.with[0], (size_t)(AMOUNT + TWICE) - column);
}
END_TEST

START_TEST(bad_input_says_nothing)
{
    struct weir_contrast c;
    fill(59, ROWS);
    ck_assert_int_eq(found().status, WEIR_TEST_TOO_FEW);
    fill(ROWS, ROWS);
    samples.n_columns = 0;
    ck_assert_int_eq(found().status, WEIR_TEST_NO_ROWS);
    samples.n_columns = WEIR_CONTRAST_COLUMNS + 1;
    memset(&c, 42, sizeof c);
    struct weir_contrast untouched = c;
    ck_assert_int_eq(weir_contrast_find(&samples, &c), WEIR_EINVAL);
    ck_assert_mem_eq(&c, &untouched, sizeof c);
    // Infinities, constants, all null, signed zeros, NaN.
    fill(ROWS, ROWS);
    for (size_t i = 0; i < ROWS; i++)
        for (int side = 0; side < 2; side++) {
            number[AMOUNT][side][i] = i % 3 == 0 ? INFINITY : i % 3 == 1 ? -INFINITY : NAN;
            category[COUNTRY][side][i] = 1;
            absent[AGE][side][i] = 1;
            number[TWICE][side][i] = side ? 0.0 : -0.0;
            absent[COUNTRY][side][i] = 0;
        }
    c = found();
    ck_assert_uint_eq(c.n_rules, 0);
    for (size_t i = 0; i < ROWS; i++)
        number[AMOUNT][1][i] = INFINITY;
    c = found();
    ck_assert_uint_ge(c.n_rules, 1);
    for (size_t k = 0; k < c.n_rules; k++)
        ck_assert(isfinite(c.rules[k].share[0]) && isfinite(c.rules[k].error[0]));
    ck_assert(c.high <= 1 && c.low > 0.7);
}
END_TEST

// Gini's gain of a cut, from its definition: the impurity of a node less that of its parts.
static double gini_gain(const struct weir_contrast_work *w, const struct weir_contrast_clause *cut)
{
    double n[2][2] = {{0, 0}, {0, 0}}, before[2] = {0, 0}, gain = 0, all = 0;
    for (size_t i = 0; i < w->rows; i++)
        if (!w->judges[i]) {
            double weight = 1 / (double)w->total[0][w->side[i]];
            n[weir_contrast_clause_holds(w, cut, i)][w->side[i]] += weight;
            before[w->side[i]] += weight;
            all += weight;
        }
    for (int k = 0; k < 2; k++) {
        double sum = n[k][0] + n[k][1];
        if (sum > 0)
            gain -= sum * (1 - pow(n[k][0] / sum, 2) - pow(n[k][1] / sum, 2));
    }
    return gain + all * (1 - pow(before[0] / all, 2) - pow(before[1] / all, 2));
}

START_TEST(cuts_are_the_best_there_are)
{
    fill(400, 300);
    plant(0.5);
    struct weir_contrast_work *w = malloc(sizeof *w);
    ck_assert_int_eq(weir_contrast_open(&samples, w), 0);
    size_t first = weir_contrast_grow(w);
    double most = 0;
    for (size_t c = 0; c < COLUMNS; c++) {
        double best = 0;
        for (size_t i = 0; i < w->rows; i++) {
            uint64_t cell = w->cell[c * w->capacity + i];
            double x = w->numeric[c] ? weir_contrast_number(cell) : 0;
            for (int kind = WEIR_CONTRAST_ABOVE; kind <= WEIR_CONTRAST_NULL; kind++) {
                struct weir_contrast_clause cut = {c, (enum weir_contrast_kind)kind, 0, x, cell};
                size_t in = 0, all = 0;
                int of_nulls = kind == WEIR_CONTRAST_NULL;
                int of_numbers = kind != WEIR_CONTRAST_IS;
                if (w->judges[i] || w->null[c * w->capacity + i] != of_nulls ||
                    (!of_nulls && of_numbers != w->numeric[c]))
                    continue;
                for (size_t k = 0; k < w->rows; k++)
                    if (!w->judges[k]) {
                        all++;
                        in += (size_t)weir_contrast_clause_holds(w, &cut, k);
                    }
                if (in >= 10 && all - in >= 10)
                    best = fmax(best, gini_gain(w, &cut));
            }
        }
        const struct weir_contrast_split *own = &w->root[c];
        most = fmax(most, own->gain);
        ck_assert_double_le(own->gain, best + 1e-9);
        ck_assert_double_ge(own->gain, 0.98 * best - 1e-9); // rounder numbers are let near
        if (own->gain > 0)
            ck_assert_double_eq_tol(own->gain, gini_gain(w, &own->clause), 1e-9);
    }
    ck_assert_uint_lt(first, COLUMNS);
    ck_assert(w->root[first].gain == most);
    weir_contrast_close(w);
    free(w);
}
END_TEST

// A record that was sent again and again would teach the tree in one half what it is asked in the
// other.
START_TEST(copies_count_once)
{
    for (int round = 0; round < 10; round++) {
        fill(1500, 1500);
        for (int side = 0; side < 2; side++) {
            for (size_t i = 900; i < 1500; i++) { // 30 records, 20 more times each
                size_t of = i % 30;
                for (int c = 0; c < COLUMNS; c++) {
                    number[c][side][i] = number[c][side][of];
                    category[c][side][i] = category[c][side][of];
                    absent[c][side][i] = absent[c][side][of];
                }
            }
        }
        struct weir_contrast out = found();
        ck_assert_uint_eq(out.learned[0] + out.judged[0], 900);
        ck_assert_uint_eq(out.learned[1] + out.judged[1], 900);
        ck_assert_msg(!out.n_rules, "round %d: auc %g, at least %g", round, out.auc, out.low);
    }
}
END_TEST

// Few values put together are equal because they are few, and tell what they told.
START_TEST(equal_rows_of_categories_all_count)
{
    fill(1500, 1500);
    for (size_t i = 0; i < ROWS; i++)
        category[COUNTRY][1][i] = uniform() < 0.4 ? 3 : category[COUNTRY][1][i];
    columns[0] = columns[COUNTRY];
    samples.n_columns = 1;
    struct weir_contrast out = found();
    ck_assert_uint_eq(out.learned[0] + out.judged[0], 1500);
    ck_assert_uint_ge(out.n_rules, 1);
    ck_assert_double_eq_tol(out.rules[0].share[1], 0.52, 0.06);
    ck_assert_double_eq_tol(out.rules[0].share[0], 0.2, 0.05);
}
END_TEST

START_TEST(intervals_cover)
{
    // The area that the planted tree has is, near enough, the mean of many draws.
    double mean = 0;
    struct weir_contrast all[40];
    int in = 0;
    for (int k = 0; k < 40; k++) {
        fill(600, 600);
        for (size_t i = 0; i < ROWS; i++)
            category[COUNTRY][1][i] = uniform() < 0.5 ? 3 : category[COUNTRY][1][i];
        samples.n_columns = 2;
        all[k] = found();
        mean += all[k].auc / 40;
    }
    for (int k = 0; k < 40; k++)
        in += all[k].low <= mean && mean <= all[k].high;
    ck_assert_int_ge(in, 34);
}
END_TEST

START_TEST(clauses_read_well)
{
    char text[256];
    struct weir_contrast_rule rule = {
        .clauses = {{AMOUNT, WEIR_CONTRAST_ABOVE, 0, 900, 0}, {COUNTRY, WEIR_CONTRAST_IS, 0, 0, 3}},
        .n = 2};
    write(&rule, text);
    ck_assert_str_eq(text, "amount > 900 and country = JP");
    rule.clauses[0].negated = 1;
    rule.clauses[1].negated = 1;
    write(&rule, text);
    ck_assert_str_eq(text, "(amount <= 900 or null) and country != JP");
    // What could be read in another way, or not be seen, stands in quotes.
    static const char *const quoted[] = {"country != \"New \\\"York\\\"\"", "country != \"\"",
                                         "country != \"null\""};
    for (size_t k = 0; k < 3; k++) {
        rule.clauses[1].category = 4 + k;
        write(&rule, text);
        ck_assert_ptr_nonnull(strstr(text, quoted[k]));
    }
    rule.clauses[0] = (struct weir_contrast_clause){AGE, WEIR_CONTRAST_AT_MOST, 0, 0.125, 0};
    rule.clauses[1] = (struct weir_contrast_clause){SHOP, WEIR_CONTRAST_IS, 0, 0, 10};
    rule.clauses[2] = (struct weir_contrast_clause){AGE, WEIR_CONTRAST_NULL, 1, 0, 0};
    rule.n = 3;
    write(&rule, text);
    ck_assert_str_eq(text, "age <= 0.125 and shop = #000000000000000a and age is not null");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("contrast");
    TCase *tests = tcase_create("contrast");
    tcase_add_test(tests, two_fields_that_moved_together_are_one_rule);
    tcase_add_test(tests, shares_are_those_of_the_records);
    tcase_add_test(tests, nothing_is_said_of_nothing);
    tcase_add_test(tests, nulls_and_vanished_categories_have_rules);
    tcase_add_test(tests, order_and_surplus_rows_do_not_matter);
    tcase_add_test(tests, what_moved_together_is_listed);
    tcase_add_test(tests, bad_input_says_nothing);
    tcase_add_test(tests, cuts_are_the_best_there_are);
    tcase_add_test(tests, copies_count_once);
    tcase_add_test(tests, equal_rows_of_categories_all_count);
    tcase_add_test(tests, intervals_cover);
    tcase_add_test(tests, clauses_read_well);
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
