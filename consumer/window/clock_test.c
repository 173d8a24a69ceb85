// SPDX-License-Identifier: Apache-2.0
// The event-time clock: what moves it, what it holds, what is confirmed and what denied.
#include "consumer/window/clock.h"

#include <check.h>
#include <stdlib.h>

static const int64_t minute = 60000, day = 86400000, now = 1760000000000, far = 4102444800000;

// Plays times one by one; writes for each what became of it: 'o' ordinary, 'h' held and still so,
// 'c' confirmed, 'd' denied. `cut` saves and restores the clock before that record.
static int64_t play(const int64_t *times, size_t n, size_t cut, int end, char *fates)
{
    struct weir_clock clock;
    size_t held[WEIR_CLOCK_HELD], n_held = 0;
    weir_clock_init(&clock, day);
    for (size_t i = 0; i <= n; i++) {
        struct weir_clock_step step = {0, 0, 0};
        if (i == cut) {
            struct weir_buffer out;
            weir_buffer_init(&out, 1024);
            ck_assert_int_eq(weir_clock_save(&clock, &out), 0);
            struct weir_reader in = weir_reader_make(out.data, out.length);
            weir_clock_init(&clock, day);
            weir_clock_restore(&clock, &in);
            ck_assert(!in.failed && !weir_reader_left(&in));
            weir_buffer_free(&out);
        }
        if (i == n && !end)
            break;
        int64_t before = INT64_MAX, newest = clock.newest;
        size_t taken = i < n ? weir_clock_run(&clock, &times[i], 1, &before) : 0;
        if (taken) {
            ck_assert_int_eq(before, newest);
            fates[i] = 'o';
            continue;
        }
        step = i < n ? weir_clock_step(&clock, times[i]) : weir_clock_end(&clock);
        ck_assert_uint_eq(step.confirm & step.deny, 0);
        size_t kept = 0;
        for (size_t k = 0; k < n_held; k++) {
            int confirmed = step.confirm >> k & 1, denied = step.deny >> k & 1;
            if (confirmed || denied)
                fates[held[k]] = confirmed ? 'c' : 'd';
            else
                held[kept++] = held[k];
        }
        ck_assert_uint_eq((step.confirm | step.deny) >> n_held, 0);
        n_held = kept;
        if (i < n) {
            fates[i] = step.hold ? 'h' : 'o';
            if (step.hold)
                held[n_held++] = i;
        }
        ck_assert_uint_eq(clock.n_held, n_held);
        ck_assert_int_ge(clock.newest, newest);
    }
    fates[n] = 0;
    return clock.newest;
}

// The same whether or not it is saved and restored anywhere.
static int64_t fate(const int64_t *times, size_t n, int end, const char *expected)
{
    char fates[200], again[200];
    int64_t newest = play(times, n, SIZE_MAX, end, fates);
    ck_assert_str_eq(fates, expected);
    for (size_t cut = 0; cut <= n; cut++) {
        ck_assert_int_eq(play(times, n, cut, end, again), newest);
        ck_assert_str_eq(again, expected);
    }
    return newest;
}

static size_t steady(int64_t *times, size_t n, int64_t step)
{
    for (size_t i = 0; i < n; i++)
        times[i] = now + (int64_t)i * step;
    return n;
}

START_TEST(in_and_out_of_order)
{
    int64_t times[] = {now, now + 5, now + 3, now + 3, now - 10 * day, now + minute, now + 7};
    ck_assert_int_eq(fate(times, 7, 0, "coooooo"), now + minute);
}
END_TEST

// A rhythm is known: three records have to say so.
START_TEST(jumps)
{
    int64_t times[40];
    size_t n = steady(times, 30, minute);
    char dense[] = "coooooooooooooooooooooooooooooXXXX";
    int64_t last = times[n - 1];
    times[n] = far;
    times[n + 1] = last + 1;
    dense[n] = 'd', dense[n + 1] = 'o', dense[n + 2] = 0;
    ck_assert_int_eq(fate(times, n + 2, 0, dense), last + 1);

    times[n + 1] = far + 1; // two do not suffice
    times[n + 2] = last + 1;
    dense[n] = dense[n + 1] = 'd', dense[n + 2] = 'o', dense[n + 3] = 0;
    ck_assert_int_eq(fate(times, n + 3, 0, dense), last + 1);

    times[n + 2] = far + 2;
    dense[n] = dense[n + 1] = 'c', dense[n + 2] = 'o';
    ck_assert_int_eq(fate(times, n + 3, 0, dense), far + 2);

    // Three jumps to different places: the two that agree are believed.
    times[n + 1] = now + 30 * day;
    times[n + 2] = now + 30 * day + minute;
    dense[n] = 'd', dense[n + 1] = 'h', dense[n + 2] = 'h';
    ck_assert_int_eq(fate(times, n + 3, 0, dense), last);
    times[n + 3] = now + 30 * day + 2 * minute;
    dense[n + 1] = dense[n + 2] = 'c', dense[n + 3] = 'o', dense[n + 4] = 0;
    ck_assert_int_eq(fate(times, n + 4, 0, dense), now + 30 * day + 2 * minute);

    // What is held when the input ends is not confirmed.
    times[n] = far;
    dense[n] = 'd', dense[n + 1] = 0;
    ck_assert_int_eq(fate(times, n + 1, 1, dense), last);
    dense[n] = 'h';
    ck_assert_int_eq(fate(times, n + 1, 0, dense), last);
}
END_TEST

START_TEST(weekend_gaps)
{
    int64_t times[60];
    size_t n = steady(times, 30, minute);
    for (size_t i = 0; i < 20; i++)
        times[n + i] = now + 3 * day + (int64_t)i * minute;
    ck_assert_int_eq(fate(times, n + 20, 1, "coooooooooooooooooooooooooooooccoooooooooooooooooo"),
                     now + 3 * day + 19 * minute);
}
END_TEST

START_TEST(a_first_record_that_is_off)
{
    int64_t early[] = {0, now, now + 1, now + 2};
    char fates[8];
    ck_assert_int_eq(play(early, 4, SIZE_MAX, 1, fates), now + 2);
    ck_assert(fates[1] == 'c' && fates[2] == 'o' && fates[3] == 'o');
    int64_t late[] = {far, now, now + 1, now + 2};
    ck_assert_int_eq(fate(late, 4, 1, "dcoo"), now + 2);
    int64_t alone[] = {now};
    ck_assert_int_eq(fate(alone, 1, 1, "c"), now);
    ck_assert_int_eq(fate(alone, 1, 0, "h"), INT64_MIN);
}
END_TEST

START_TEST(sparse_yearly_data)
{
    int64_t times[30];
    size_t n = steady(times, 30, 365 * day);
    char fates[40];
    ck_assert_int_eq(play(times, n, SIZE_MAX, 1, fates), times[n - 1]);
    for (size_t i = 0; i < n; i++)
        ck_assert(fates[i] == 'c' || fates[i] == 'o');
}
END_TEST

START_TEST(extremes_and_the_wall_clock)
{
    int64_t times[] = {INT64_MAX, INT64_MIN, 0, INT64_MAX, INT64_MIN, INT64_MAX, INT64_MAX - 1};
    char fates[8];
    play(times, 7, SIZE_MAX, 1, fates);
    struct weir_clock clock;
    weir_clock_init(&clock, day);
    weir_clock_advance(&clock, now);
    ck_assert_int_eq(clock.newest, INT64_MIN);
    weir_clock_step(&clock, now);
    weir_clock_step(&clock, now);
    weir_clock_advance(&clock, now + 40 * day);
    ck_assert_int_eq(clock.newest, now + 40 * day);
    weir_clock_advance(&clock, now);
    ck_assert_int_eq(clock.newest, now + 40 * day);
}
END_TEST

// However the times are cut into runs, the newest before each record is the same.
START_TEST(runs)
{
    int64_t times[500], one[500], many[500];
    srand(7);
    for (int i = 0; i < 500; i++)
        times[i] = now + i * 1000 + rand() % 5000;
    struct weir_clock clock;
    weir_clock_init(&clock, day);
    weir_clock_step(&clock, now);
    weir_clock_step(&clock, now);
    struct weir_clock other = clock;
    ck_assert_uint_eq(weir_clock_run(&clock, times, 500, one), 500);
    for (size_t at = 0; at < 500;) {
        size_t n = 1 + (size_t)rand() % 60;
        n = n < 500 - at ? n : 500 - at;
        ck_assert_uint_eq(weir_clock_run(&other, times + at, n, many + at), n);
        at += n;
    }
    ck_assert_mem_eq(one, many, sizeof one);
    ck_assert_int_eq(clock.newest, other.newest);
    ck_assert_int_eq(clock.advanced, other.advanced);
}
END_TEST

START_TEST(floors)
{
    ck_assert_int_eq(weir_pane_floor(0, 10), 0);
    ck_assert_int_eq(weir_pane_floor(19, 10), 10);
    ck_assert_int_eq(weir_pane_floor(-1, 10), -10);
    ck_assert_int_eq(weir_pane_floor(-10, 10), -10);
    ck_assert_int_eq(weir_pane_floor(INT64_MIN, 10), INT64_MIN);
    ck_assert_int_eq(weir_pane_floor(INT64_MIN + 8, 10), INT64_MIN + 8);
    ck_assert_int_eq(weir_time_add(INT64_MAX, 1), INT64_MAX);
    ck_assert_int_eq(weir_time_add(INT64_MIN, -1), INT64_MIN);
}
END_TEST

START_TEST(broken_state)
{
    struct weir_buffer out;
    struct weir_clock clock;
    weir_clock_init(&clock, day);
    weir_clock_step(&clock, now);
    weir_buffer_init(&out, 1024);
    weir_clock_save(&clock, &out);
    for (size_t n = 0; n < out.length; n++) {
        struct weir_reader in = weir_reader_make(out.data, n);
        weir_clock_restore(&clock, &in);
        ck_assert(in.failed);
        ck_assert_uint_le(clock.n_held, WEIR_CLOCK_HELD);
    }
    weir_buffer_free(&out);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("clock");
    TCase *cases = tcase_create("clock");
    tcase_add_test(cases, in_and_out_of_order);
    tcase_add_test(cases, jumps);
    tcase_add_test(cases, weekend_gaps);
    tcase_add_test(cases, a_first_record_that_is_off);
    tcase_add_test(cases, sparse_yearly_data);
    tcase_add_test(cases, extremes_and_the_wall_clock);
    tcase_add_test(cases, runs);
    tcase_add_test(cases, floors);
    tcase_add_test(cases, broken_state);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
