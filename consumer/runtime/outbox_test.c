// SPDX-License-Identifier: Apache-2.0
#include "consumer/runtime/outbox.h"

#include <check.h>
#include <string.h>

static struct weir_span text(const char *bytes)
{
    return (struct weir_span){(const uint8_t *)bytes, bytes ? strlen(bytes) : 0};
}

static void add(struct weir_outbox *outbox, int i)
{
    char key[16], value[32];
    struct weir_header headers[2] = {{"name", {(const uint8_t *)"v", 1}}, {"null", {NULL, 0}}};
    snprintf(key, sizeof key, "key %d", i);
    snprintf(value, sizeof value, "value %d", i * 3);
    ck_assert_int_eq(
        weir_outbox_add(outbox, (uint32_t)i % 5, i % 4, i, text(key), text(value), headers, 2), 0);
}

static void check(const struct weir_outbox *outbox, size_t at, int i)
{
    const struct weir_outbox_record *record = &outbox->records[at];
    char value[32], name[8];
    size_t length;
    snprintf(value, sizeof value, "value %d", i * 3);
    ck_assert_uint_eq(record->topic, (uint32_t)i % 5);
    ck_assert_int_eq(record->partition, i % 4);
    ck_assert_uint_eq(record->value_length, strlen(value));
    ck_assert_mem_eq(outbox->bytes.data + record->value, value, record->value_length);
    struct weir_reader in = weir_reader_make(outbox->bytes.data + record->headers,
                                             outbox->bytes.length - record->headers);
    weir_get_string(&in, name, sizeof name);
    ck_assert_str_eq(name, "name");
    ck_assert_int_eq(weir_get_long(&in), 1);
    weir_get_bytes(&in, &length);
    ck_assert_uint_eq(length, 1);
    weir_get_string(&in, name, sizeof name);
    ck_assert_str_eq(name, "null");
    ck_assert_int_eq(weir_get_long(&in), 0);
}

START_TEST(records_keep_their_order_and_bytes_when_moved)
{
    struct weir_outbox pending, staging;
    weir_outbox_init(&pending);
    weir_outbox_init(&staging);
    int n = 0;
    for (int round = 0; round < 20; round++) {
        for (int k = 0; k < round; k++)
            add(&staging, n++);
        ck_assert_int_eq(weir_outbox_move(&pending, &staging), 0);
        ck_assert_uint_eq(staging.n, 0);
        ck_assert_uint_eq(staging.bytes.length, 0);
    }
    ck_assert_uint_eq(pending.n, (size_t)n);
    for (int i = 0; i < n; i++)
        check(&pending, (size_t)i, i);
    weir_outbox_reset(&pending);
    ck_assert_uint_eq(weir_outbox_size(&pending), 0);
    weir_outbox_free(&pending);
    weir_outbox_free(&staging);
}
END_TEST

START_TEST(null_and_empty_are_not_the_same)
{
    struct weir_outbox outbox, other;
    weir_outbox_init(&outbox);
    weir_outbox_init(&other);
    add(&other, 1);
    struct weir_span null = {NULL, 7}; // a length beside no bytes means nothing
    ck_assert_int_eq(weir_outbox_add(&outbox, 0, -1, 0, null, text(""), NULL, 0), 0);
    ck_assert_int_eq(weir_outbox_move(&other, &outbox), 0);
    ck_assert_uint_eq(other.records[1].key, WEIR_OUTBOX_NONE);
    ck_assert_uint_eq(other.records[1].key_length, 0);
    ck_assert_uint_ne(other.records[1].value, WEIR_OUTBOX_NONE);
    ck_assert_uint_eq(other.records[1].value_length, 0);
    weir_outbox_free(&outbox);
    weir_outbox_free(&other);
}
END_TEST

START_TEST(what_does_not_fit_leaves_nothing_behind)
{
    struct weir_outbox outbox;
    weir_outbox_init(&outbox);
    outbox.bytes.maximum = 64;
    add(&outbox, 1);
    size_t before = outbox.bytes.length;
    char large[100];
    memset(large, 'x', sizeof large);
    struct weir_span value = {(const uint8_t *)large, sizeof large};
    ck_assert_int_eq(weir_outbox_add(&outbox, 0, 0, 0, text("k"), value, NULL, 0), WEIR_ENOMEM);
    ck_assert_uint_eq(outbox.n, 1);
    ck_assert_uint_eq(outbox.bytes.length, before);
    ck_assert_int_eq(weir_outbox_add(&outbox, 0, 0, 0, text("k"), text("v"), NULL, 0), 0);
    check(&outbox, 0, 1);
    weir_outbox_free(&outbox);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("outbox");
    TCase *tests = tcase_create("outbox");
    tcase_add_test(tests, records_keep_their_order_and_bytes_when_moved);
    tcase_add_test(tests, null_and_empty_are_not_the_same);
    tcase_add_test(tests, what_does_not_fit_leaves_nothing_behind);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
