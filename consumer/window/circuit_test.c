// SPDX-License-Identifier: Apache-2.0
#include "consumer/window/circuit.h"

#include <check.h>
#include <stdlib.h>

// What the circuit is, written down without cells: every record of the last `over` ms, cut at a
// cell's beginning.
struct plain {
    int64_t cell[20000];
    int bad[20000];
    size_t n;
    int open;
};

static int64_t floor_to(int64_t time, int64_t length)
{
    return time / length - (time % length < 0);
}

static int plain_count(struct plain *plain, const struct weir_circuit *like, int64_t now, int bad)
{
    size_t rows = 0, faulty = 0;
    plain->cell[plain->n] = floor_to(now, like->cell);
    plain->bad[plain->n++] = bad;
    for (size_t i = 0; i < plain->n; i++) {
        int in = plain->cell[i] > plain->cell[plain->n - 1] - WEIR_CIRCUIT_CELLS;
        rows += in;
        faulty += in && plain->bad[i];
    }
    double share = (double)faulty / (double)rows;
    if (plain->open)
        plain->open = share > 0.8 * like->at_most + 1e-12;
    else
        plain->open = rows >= like->at_least && share > like->at_most + 1e-12;
    return plain->open;
}

START_TEST(it_is_what_it_says)
{
    for (unsigned seed = 1; seed <= 20; seed++) {
        static struct plain plain;
        struct weir_circuit circuit;
        int64_t now = -5000;
        plain.n = 0;
        plain.open = 0;
        srand(seed);
        weir_circuit_init(&circuit, 0.05 + (double)(seed % 3) * 0.2, 60 * (int64_t)(seed * 7), 50);
        for (int i = 0; i < 2000; i++) {
            int phase = i / 300 % 2;
            now += rand() % (seed % 2 ? 3 : 40);
            if (rand() % 500 == 0)
                now += 100000;
            int bad = rand() % 100 < (phase ? 60 : 2);
            int expected = plain_count(&plain, &circuit, now, bad);
            ck_assert_int_eq(weir_circuit_count(&circuit, now, bad), expected);
        }
    }
}
END_TEST

START_TEST(few_records_do_not_open_it)
{
    struct weir_circuit circuit;
    weir_circuit_init(&circuit, 0.05, 300000, 100);
    for (int i = 0; i < 99; i++)
        ck_assert(!weir_circuit_count(&circuit, 1000, 1));
    ck_assert(weir_circuit_count(&circuit, 1000, 1));
}
END_TEST

START_TEST(just_the_share_is_allowed)
{
    struct weir_circuit circuit;
    for (int percent = 1; percent < 100; percent++) {
        weir_circuit_init(&circuit, percent / 100.0, 1000, 100);
        for (int i = 0; i < 100; i++)
            ck_assert(!weir_circuit_count(&circuit, 0, i < percent));
        weir_circuit_init(&circuit, percent / 100.0, 1000, 100);
        for (int i = 0; i < 99; i++)
            ck_assert(!weir_circuit_count(&circuit, 0, i <= percent));
        ck_assert(weir_circuit_count(&circuit, 0, 1));
    }
    weir_circuit_init(&circuit, 1, 1000, 1);
    for (int i = 0; i < 1000; i++)
        ck_assert(!weir_circuit_count(&circuit, i, 1));
}
END_TEST

START_TEST(it_closes_later_than_it_opens)
{
    struct weir_circuit circuit;
    weir_circuit_init(&circuit, 0.5, 60000, 10);
    for (int i = 0; i < 10; i++)
        weir_circuit_count(&circuit, 0, 1);
    ck_assert(circuit.open);
    int good = 0;
    while (weir_circuit_count(&circuit, 0, 0))
        good++;
    ck_assert_int_eq(good, 14); // 10 of 25 are 40%
    weir_circuit_count(&circuit, 0, 1);
    ck_assert(!circuit.open);
}
END_TEST

START_TEST(what_is_old_is_forgotten)
{
    struct weir_circuit circuit;
    weir_circuit_init(&circuit, 0.05, 60000, 10);
    for (int i = 0; i < 1000; i++)
        weir_circuit_count(&circuit, 0, 1);
    ck_assert(weir_circuit_count(&circuit, 59999, 0));
    ck_assert(!weir_circuit_count(&circuit, 60000, 0));
    ck_assert_uint_eq(circuit.all.rows, 2);
}
END_TEST

START_TEST(records_before_time_is_known_count)
{
    struct weir_circuit circuit;
    weir_circuit_init(&circuit, 0.05, 60000, 4);
    for (int i = 0; i < 3; i++)
        ck_assert(!weir_circuit_count(&circuit, INT64_MIN, 1));
    ck_assert_int_eq(weir_circuit_until(&circuit), INT64_MIN);
    ck_assert(weir_circuit_count(&circuit, 5000, 1));
    ck_assert_int_eq(weir_circuit_until(&circuit), 6000);
    ck_assert(!weir_circuit_count(&circuit, 65000, 0));
}
END_TEST

// However bad they are, so many records change nothing; and it is not far from the truth.
START_TEST(slack_is_safe_and_not_lazy)
{
    for (unsigned seed = 1; seed <= 200; seed++) {
        struct weir_circuit circuit, tried;
        srand(seed);
        weir_circuit_init(&circuit, (rand() % 100) / 100.0, 1000000, (uint64_t)(rand() % 300));
        int n = rand() % 3000;
        for (int i = 0; i < n && !circuit.open; i++)
            weir_circuit_count(&circuit, 0, rand() % 200 < (int)(circuit.at_most * 150));
        if (circuit.open)
            continue;
        uint64_t slack = weir_circuit_slack(&circuit), truth = 0;
        tried = circuit;
        while (truth < 1000000 && !weir_circuit_count(&tried, 0, 1))
            truth++;
        ck_assert_uint_le(slack, truth);
        ck_assert_uint_le(truth, slack + 2);
    }
}
END_TEST

START_TEST(state_goes_on)
{
    struct weir_circuit circuit, other;
    struct weir_buffer bytes;
    weir_buffer_init(&bytes, 1 << 16);
    weir_circuit_init(&circuit, 0.05, 60000, 100);
    for (int round = 0; round < 3; round++) {
        weir_buffer_reset(&bytes);
        ck_assert_int_eq(weir_circuit_save(&circuit, &bytes), 0);
        weir_circuit_init(&other, 0.05, 60000, 100);
        struct weir_reader in = weir_reader_make(bytes.data, bytes.length);
        weir_circuit_restore(&other, &in);
        ck_assert(!in.failed && !weir_reader_left(&in));
        ck_assert_mem_eq(&other, &circuit, sizeof other);
        for (size_t cut = 0; cut < bytes.length; cut++) {
            in = weir_reader_make(bytes.data, cut);
            weir_circuit_restore(&other, &in);
            ck_assert(in.failed);
            ck_assert_mem_eq(&other, &circuit, sizeof other);
        }
        for (int i = 0; i < 200; i++)
            weir_circuit_count(&circuit, round ? i * 700 - 20000 : INT64_MIN, i % 10 == 0);
    }
    weir_buffer_free(&bytes);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("circuit");
    TCase *tcase = tcase_create("circuit");
    tcase_add_test(tcase, it_is_what_it_says);
    tcase_add_test(tcase, few_records_do_not_open_it);
    tcase_add_test(tcase, just_the_share_is_allowed);
    tcase_add_test(tcase, it_closes_later_than_it_opens);
    tcase_add_test(tcase, what_is_old_is_forgotten);
    tcase_add_test(tcase, records_before_time_is_known_count);
    tcase_add_test(tcase, slack_is_safe_and_not_lazy);
    tcase_add_test(tcase, state_goes_on);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
