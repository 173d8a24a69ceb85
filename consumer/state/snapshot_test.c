// SPDX-License-Identifier: Apache-2.0
#include "consumer/state/snapshot.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

// A compacted topic of a few records, in memory.
struct record {
    char key[64];
    uint8_t *value;
    size_t length;
};
static struct record records[64];
static size_t n_records;

static int sink(void *context, struct weir_span key, struct weir_span value)
{
    (void)context;
    struct record *record = &records[n_records++];
    memcpy(record->key, key.data, key.length);
    record->key[key.length] = 0;
    record->value = value.data ? malloc(value.length + 1) : NULL;
    if (value.data)
        memcpy(record->value, value.data, value.length);
    record->length = value.length;
    return 0;
}

static void empty(void)
{
    for (size_t i = 0; i < n_records; i++)
        free(records[i].value);
    n_records = 0;
}

static uint8_t state[1000];
static const struct weir_snapshot_position positions[] = {{"in", 3, 77}, {"labels", 3, 5}};

static size_t write_snapshot(int64_t sequence, size_t length, size_t old)
{
    struct weir_snapshot snapshot = {.task = "edge in 3",
                                     .sequence = sequence,
                                     .state_version = 4,
                                     .plan_hash = 0xfedcba9876543210u,
                                     .positions = positions,
                                     .n_positions = 2,
                                     .state = {state, length}};
    struct weir_error error;
    size_t chunks = 0;
    for (size_t i = 0; i < length; i++)
        state[i] = (uint8_t)(i * 7 + (size_t)sequence);
    ck_assert_int_eq(weir_snapshot_write(&snapshot, 100, old, sink, NULL, &chunks, &error), 0);
    return chunks;
}

static int read_snapshot(size_t from, size_t to, struct weir_snapshot_reader **reader,
                         struct weir_snapshot *snapshot, size_t *chunks, struct weir_error *error)
{
    ck_assert_int_eq(weir_snapshot_reader_create("edge in 3", reader, error), 0);
    for (size_t i = from; i < to; i++) {
        struct weir_span key = {(const uint8_t *)records[i].key, strlen(records[i].key)};
        struct weir_span value = {records[i].value, records[i].length};
        ck_assert_int_eq(weir_snapshot_reader_offer(*reader, key, value, error), 0);
    }
    return weir_snapshot_reader_finish(*reader, snapshot, chunks, error);
}

START_TEST(what_is_written_is_read)
{
    for (size_t length = 0; length <= 1000; length += 50) {
        struct weir_snapshot_reader *reader;
        struct weir_snapshot found;
        struct weir_error error;
        size_t chunks, written = write_snapshot(9, length, 0);
        ck_assert_uint_eq(written, (length + 99) / 100);
        ck_assert_int_eq(read_snapshot(0, n_records, &reader, &found, &chunks, &error), 1);
        ck_assert_uint_eq(chunks, written);
        ck_assert_int_eq(found.sequence, 9);
        ck_assert_uint_eq(found.state_version, 4);
        ck_assert_uint_eq(found.plan_hash, 0xfedcba9876543210u);
        ck_assert_uint_eq(found.n_positions, 2);
        ck_assert_str_eq(found.positions[1].topic, "labels");
        ck_assert_int_eq(found.positions[0].partition, 3);
        ck_assert_int_eq(found.positions[0].offset, 77);
        ck_assert_uint_eq(found.state.length, length);
        ck_assert(!length || !memcmp(found.state.data, state, length));
        weir_snapshot_reader_destroy(reader);
        empty();
    }
}
END_TEST

START_TEST(the_newest_counts_and_old_chunks_go)
{
    struct weir_snapshot_reader *reader;
    struct weir_snapshot found;
    struct weir_error error;
    size_t chunks, old = write_snapshot(1, 950, 0);
    write_snapshot(2, 250, old);
    ck_assert_uint_eq(n_records, 11 + 3 + 7 + 1);
    ck_assert_int_eq(read_snapshot(0, n_records, &reader, &found, &chunks, &error), 1);
    ck_assert_int_eq(found.sequence, 2);
    ck_assert_uint_eq(found.state.length, 250);
    ck_assert_int_eq(memcmp(found.state.data, state, 250), 0);
    weir_snapshot_reader_destroy(reader);
    empty();
}
END_TEST

START_TEST(other_tasks_are_passed_over)
{
    struct weir_snapshot_reader *reader;
    struct weir_snapshot found;
    struct weir_error error;
    size_t chunks;
    write_snapshot(1, 300, 0);
    for (size_t i = 0; i < n_records; i++) // "edge in 30" begins alike
        memmove(records[i].key + 10, records[i].key + 9, strlen(records[i].key + 9) + 1),
            records[i].key[9] = '0';
    ck_assert_int_eq(read_snapshot(0, n_records, &reader, &found, &chunks, &error), 0);
    ck_assert_uint_eq(chunks, 0);
    weir_snapshot_reader_destroy(reader);
    empty();
}
END_TEST

START_TEST(mixed_and_missing_chunks_are_refused)
{
    struct weir_snapshot_reader *reader;
    struct weir_snapshot found;
    struct weir_error error;
    size_t chunks;
    write_snapshot(1, 300, 0); // records 0..3
    write_snapshot(2, 300, 3); // records 4..7
    ck_assert_int_eq(read_snapshot(0, 6, &reader, &found, &chunks, &error), WEIR_ECORRUPT);
    ck_assert_ptr_nonnull(strstr(error.message, "several snapshots"));
    weir_snapshot_reader_destroy(reader);
    ck_assert_int_eq(read_snapshot(5, 8, &reader, &found, &chunks, &error), WEIR_ECORRUPT);
    ck_assert_ptr_nonnull(strstr(error.message, "missing"));
    weir_snapshot_reader_destroy(reader);
    empty();
}
END_TEST

START_TEST(every_changed_byte_and_every_truncation_is_refused)
{
    struct weir_snapshot_reader *reader;
    struct weir_snapshot found;
    struct weir_error error;
    size_t chunks;
    write_snapshot(1, 150, 0);
    for (size_t r = 0; r < n_records; r++) {
        for (size_t i = 0; i < records[r].length; i++) {
            records[r].value[i] ^= 0x55;
            int code = read_snapshot(0, n_records, &reader, &found, &chunks, &error);
            ck_assert_int_lt(code, 0);
            weir_snapshot_reader_destroy(reader);
            records[r].value[i] ^= 0x55;
            size_t whole = records[r].length;
            records[r].length = i;
            code = read_snapshot(0, n_records, &reader, &found, &chunks, &error);
            ck_assert_int_lt(code, 0);
            weir_snapshot_reader_destroy(reader);
            records[r].length = whole;
        }
    }
    empty();
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("snapshot");
    TCase *tests = tcase_create("snapshot");
    tcase_add_test(tests, what_is_written_is_read);
    tcase_add_test(tests, the_newest_counts_and_old_chunks_go);
    tcase_add_test(tests, other_tasks_are_passed_over);
    tcase_add_test(tests, mixed_and_missing_chunks_are_refused);
    tcase_add_test(tests, every_changed_byte_and_every_truncation_is_refused);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures != 0;
}
