// SPDX-License-Identifier: Apache-2.0
#include "stats/depends.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "stats/hll.h"

enum { ROWS = 2000, FIELDS = 6 };

static uint64_t hashes[FIELDS][ROWS];

// 0 zip, of 100; 1 city, of 40, said by the zip; 2 a street, unlike every other; 3 a colour, of
// nothing; 4 constant; 5 a number, unlike every other.
static void make(struct weir_depends_field *fields)
{
    static const char *const names[FIELDS] = {"zip",    "city",     "street",
                                              "colour", "constant", "number"};
    memset(fields, 0, FIELDS * sizeof *fields);
    for (int i = 0; i < ROWS; i++) {
        int zip = i * 37 % 100, colour = (i * i + i / 7) % 3;
        const int value[FIELDS] = {zip, zip * 2 / 5, i, colour, 9, i};
        for (int f = 0; f < FIELDS; f++)
            hashes[f][i] = weir_hll_hash_long(1000 * f + value[f]);
    }
    for (int f = 0; f < FIELDS; f++)
        fields[f] = (struct weir_depends_field){
            .name = names[f], .type = WEIR_TYPE_LONG, .hash = hashes[f], .may_say = 1};
}

static void clear(struct weir_depends_field *fields)
{
    for (int f = 0; f < FIELDS; f++)
        weir_depends_free(fields[f].by, fields[f].n_by);
}

START_TEST(a_zip_says_the_city)
{
    struct weir_depends_field fields[FIELDS];
    make(fields);
    ck_assert_int_eq(weir_depends_find(fields, FIELDS, ROWS), 0);
    // No key of the streets comes again, a constant is said by anything, and the city does not say
    // the zip.
    for (int f = 0; f < FIELDS; f++)
        ck_assert_uint_eq(fields[f].n_by, f == 1);
    const struct weir_depends *by = fields[1].by;
    ck_assert_str_eq(by->by, "zip");
    ck_assert_uint_eq(by->n, 100);
    ck_assert_uint_eq(by->repeats, ROWS - 100);
    for (int i = 0; i < ROWS; i++)
        ck_assert_uint_eq(weir_depends_value(by, hashes[0][i]), hashes[1][i]);
    ck_assert_uint_eq(weir_depends_value(by, hashes[2][0]), 0);
    clear(fields);
}
END_TEST

START_TEST(few_exceptions_are_errors_and_many_are_not)
{
    struct weir_depends_field fields[FIELDS];
    make(fields);
    hashes[1][0] = hashes[1][1]; // the first of its key
    hashes[1][700] = hashes[1][701];
    hashes[1][900] = 0; // a null says nothing
    ck_assert_int_eq(weir_depends_find(fields, FIELDS, ROWS), 0);
    ck_assert_uint_eq(fields[1].n_by, 1);
    ck_assert_uint_eq(fields[1].by->n, 99); // both are of one key
    ck_assert_uint_eq(weir_depends_value(fields[1].by, hashes[0][700]), 0);
    clear(fields);
    make(fields);
    for (int i = 0; i < 10; i++)
        hashes[1][100 * i] = hashes[1][100 * i + 1];
    ck_assert_int_eq(weir_depends_find(fields, FIELDS, ROWS), 0);
    ck_assert_uint_eq(fields[1].n_by, 0);
    clear(fields);
}
END_TEST

START_TEST(too_few_repeats)
{
    struct weir_depends_field fields[FIELDS];
    make(fields);
    ck_assert_int_eq(weir_depends_find(fields, FIELDS, 199), 0); // of 100 keys
    ck_assert_uint_eq(fields[1].n_by, 0);
    clear(fields);
    make(fields);
    ck_assert_int_eq(weir_depends_find(fields, FIELDS, 200), 0);
    ck_assert_uint_eq(fields[1].n_by, 1);
    clear(fields);
    make(fields);
    fields[0].may_say = 0;
    ck_assert_int_eq(weir_depends_find(fields, FIELDS, ROWS), 0);
    ck_assert_uint_eq(fields[1].n_by, 0);
    clear(fields);
    ck_assert_int_eq(weir_depends_find(fields, FIELDS, 0), 0);
    ck_assert_int_eq(weir_depends_find(fields, 0, 0), 0);
}
END_TEST

// A value that is nearly always the same goes with anything.
START_TEST(a_rare_other_value)
{
    struct weir_depends_field fields[FIELDS];
    make(fields);
    for (int i = 0; i < ROWS; i++)
        hashes[4][i] = weir_hll_hash_long(i * 37 % 100 == 5);
    ck_assert_int_eq(weir_depends_find(fields, FIELDS, ROWS), 0);
    ck_assert_uint_eq(fields[4].n_by, 0); // 38 others would have come by chance
    clear(fields);
}
END_TEST

START_TEST(the_best_three)
{
    struct weir_depends_field fields[FIELDS];
    make(fields);
    for (int i = 0; i < ROWS; i++) { // each of them says the last
        int last = i % 7;
        for (int f = 0; f < 4; f++)
            hashes[f][i] = weir_hll_hash_long(last + 7 * (i % (3 * f + 2)));
        hashes[4][i] = weir_hll_hash_long(last);
    }
    ck_assert_int_eq(weir_depends_find(fields, FIELDS, ROWS), 0);
    ck_assert_uint_eq(fields[4].n_by, WEIR_DEPENDS_BY);
    for (int k = 0; k < WEIR_DEPENDS_BY; k++)
        ck_assert_str_eq(fields[4].by[k].by, fields[k].name); // of 14, 35 and 56 keys
    clear(fields);
}
END_TEST

// A record that is sent again is a copy: what came once only says nothing, even where one field
// (when it was received) tells the copies apart.
START_TEST(records_sent_twice)
{
    struct weir_depends_field fields[FIELDS];
    for (int apart = 0; apart < 2; apart++) {
        make(fields);
        for (int i = 0; i < ROWS; i++) // half of all are copies of the one before, or one in ten
            for (int f = 0; f < FIELDS - apart && i % (apart ? 10 : 2) == 1; f++)
                hashes[f][i] = hashes[f][i - 1];
        ck_assert_int_eq(weir_depends_find(fields, FIELDS, ROWS), 0);
        for (int f = 0; f < FIELDS; f++) {
            ck_assert_uint_eq(fields[f].n_by, f == 1);
            ck_assert(!fields[f].n_by || !strcmp(fields[f].by->by, "zip"));
        }
        clear(fields);
    }
}
END_TEST

START_TEST(forgetting)
{
    struct weir_depends_field fields[FIELDS];
    make(fields);
    ck_assert_int_eq(weir_depends_find(fields, FIELDS, ROWS), 0);
    struct weir_depends *by = fields[1].by;
    weir_depends_forget(by, hashes[0][3]);
    weir_depends_forget(by, 12345); // no key
    ck_assert_uint_eq(weir_depends_value(by, hashes[0][3]), 0);
    ck_assert_uint_eq(by->n, 100);
    weir_depends_pack(by);
    ck_assert_uint_eq(by->n, 99);
    ck_assert_uint_eq(weir_depends_value(by, hashes[0][3]), 0);
    ck_assert_uint_eq(weir_depends_value(by, hashes[0][4]), hashes[1][4]);
    clear(fields);
}
END_TEST

START_TEST(bytes)
{
    struct weir_depends_field fields[FIELDS];
    make(fields);
    ck_assert_int_eq(weir_depends_find(fields, FIELDS, ROWS), 0);
    struct weir_buffer out;
    weir_buffer_init(&out, 1 << 20);
    ck_assert_int_eq(weir_depends_write(fields[1].by, fields[1].n_by, &out), 0);
    struct weir_depends *read = NULL;
    size_t n = 0;
    struct weir_reader in = weir_reader_make(out.data, out.length);
    ck_assert_int_eq(weir_depends_read(&in, &read, &n), 0);
    ck_assert_uint_eq(weir_reader_left(&in), 0);
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(read->by, "zip");
    ck_assert_uint_eq(read->n, 100);
    ck_assert_int_eq(memcmp(read->keys, fields[1].by->keys, 100 * sizeof *read->keys), 0);
    ck_assert_int_eq(memcmp(read->values, fields[1].by->values, 100 * sizeof *read->values), 0);
    weir_depends_free(read, n);
    for (size_t cut = 0; cut < out.length; cut++) {
        uint8_t *bytes = malloc(cut ? cut : 1);
        memcpy(bytes, out.data, cut);
        in = weir_reader_make(bytes, cut);
        ck_assert_int_ne(weir_depends_read(&in, &read, &n), 0);
        free(bytes);
    }
    for (size_t at = 0; at < out.length; at++) { // garbage is refused, or read within bounds
        uint8_t was = out.data[at];
        out.data[at] = (uint8_t)(was ^ 0xa5);
        in = weir_reader_make(out.data, out.length);
        if (!weir_depends_read(&in, &read, &n))
            weir_depends_free(read, n);
        out.data[at] = was;
    }
    weir_buffer_free(&out);
    clear(fields);
}
END_TEST

// Random fields of all sorts: nothing is said that is not so.
START_TEST(chance)
{
    struct weir_depends_field fields[FIELDS];
    uint64_t state = 7;
    for (int run = 0; run < 200; run++) {
        make(fields);
        for (int f = 0; f < FIELDS; f++) {
            uint64_t values = (uint64_t)1 << (f * 2 + run % 3);
            for (int i = 0; i < ROWS; i++) {
                state = state * 6364136223846793005u + 1442695040888963407u;
                hashes[f][i] = weir_hll_hash_long((int64_t)((state >> 33) % values));
            }
        }
        ck_assert_int_eq(weir_depends_find(fields, FIELDS, ROWS), 0);
        for (int f = 0; f < FIELDS; f++)
            ck_assert_uint_eq(fields[f].n_by, 0);
        clear(fields);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("depends");
    TCase *tests = tcase_create("depends");
    tcase_add_test(tests, a_zip_says_the_city);
    tcase_add_test(tests, few_exceptions_are_errors_and_many_are_not);
    tcase_add_test(tests, too_few_repeats);
    tcase_add_test(tests, a_rare_other_value);
    tcase_add_test(tests, the_best_three);
    tcase_add_test(tests, records_sent_twice);
    tcase_add_test(tests, forgetting);
    tcase_add_test(tests, bytes);
    tcase_add_test(tests, chance);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
