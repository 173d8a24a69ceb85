// SPDX-License-Identifier: Apache-2.0
// Panes: any order and grouping of merges and pieces of any size give the same bytes; cut bytes
// are refused; slices beyond the limit overflow and are counted.
#include "consumer/window/pane.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

enum { PARTS = 6, SLICES = 12 };

static const char *const route[] = {"route"};
static const char *const *const by_names[] = {NULL, route};
static const size_t n_by_names[] = {0, 1}, first_slot[] = {0, 2, 3};
static const struct weir_slot slots[] = {
    {0, 0, "x", {.shape = WEIR_SHAPE_NUMERIC, .parts = WEIR_PART_MOMENTS}},
    {0, 1, "n", {.shape = WEIR_SHAPE_NUMERIC, .parts = 0}},
    {1, 0, "x", {.shape = WEIR_SHAPE_NUMERIC, .parts = WEIR_PART_MOMENTS}}};

static const struct weir_reservoir_field sampled[] = {{"x", WEIR_TYPE_LONG, 0, 0}};
static const struct weir_reservoir_spec sample = {sampled, 1, 50, 1 << 16};

static struct weir_pane_layout layout_of(size_t limit)
{
    return (struct weir_pane_layout){2, by_names, n_by_names, slots, 3, first_slot, limit, &sample};
}

static int64_t slice_of(struct weir_pane *pane, unsigned number)
{
    uint8_t key[3] = {2, 'a', (uint8_t)('a' + number)};
    return weir_pane_slice(pane, 1, key, 3, weir_pane_hash(1, key, 3));
}

static void add_rows(struct weir_pane_slice *slice, uint64_t n)
{
    slice->rows += n;
    for (size_t i = 0; i < first_slot[slice->by + 1] - first_slot[slice->by]; i++)
        slice->summaries[i].rows += n, slice->summaries[i].null += n;
}

static struct weir_pane *make(const struct weir_pane_layout *layout)
{
    struct weir_pane *pane;
    ck_assert_int_eq(weir_pane_create(layout, 1000, 2000, &pane), 0);
    return pane;
}

static void add_sample(struct weir_pane *pane, int number)
{
    static const uint8_t state[100];
    int64_t value[100], offset[100];
    for (int i = 0; i < 100; i++) {
        value[i] = rand();
        offset[i] = number * 100 + i;
    }
    struct weir_column column = {
        .type = WEIR_TYPE_LONG, .n = 100, .state = state, .values.i64 = value};
    struct weir_batch batch = {.n_rows = 100, .offset = offset, .columns = &column};
    ck_assert_int_eq(weir_reservoir_add(pane->sample, &batch, NULL, 100, 0), 0);
}

// Some slices, ranges and extracts, drawn.
static struct weir_pane *make_part(const struct weir_pane_layout *layout, int number)
{
    struct weir_pane *pane = make(layout);
    for (unsigned s = 0; s < SLICES; s++) {
        if (rand() % 3)
            continue;
        int64_t at = slice_of(pane, s);
        uint64_t n = 1 + (uint64_t)rand() % 9;
        if (at >= 0)
            add_rows(&pane->slices[at], n);
        else
            pane->overflow[1] += n;
        add_rows(&pane->slices[0], n);
        pane->rows += n;
    }
    pane->first_time = 1000 + rand() % 500;
    pane->last_time = 1500 + rand() % 500;
    ck_assert_int_eq(weir_pane_cover(pane, "t", number % 3, number * 100, number * 100 + 40), 0);
    add_sample(pane, number);
    ck_assert_int_eq(weir_pane_extract(pane, number % 2 ? "a" : "b", number, "bytes", 5), 0);
    return pane;
}

struct pieces {
    struct weir_buffer bytes[200];
    size_t n;
};

static int put(void *context, const struct weir_buffer *piece)
{
    struct pieces *pieces = context;
    ck_assert_uint_lt(pieces->n, 200);
    struct weir_buffer *to = &pieces->bytes[pieces->n++];
    weir_buffer_init(to, WEIR_BUFFER_MAXIMUM);
    return weir_buffer_append(to, piece->data, piece->length);
}

static void split(const struct weir_pane *pane, size_t size, struct pieces *pieces)
{
    struct weir_buffer buffer;
    weir_buffer_init(&buffer, WEIR_BUFFER_MAXIMUM);
    pieces->n = 0;
    ck_assert_int_eq(weir_pane_write(pane, size, &buffer, put, pieces), 0);
    weir_buffer_free(&buffer);
}

static void free_pieces(struct pieces *pieces)
{
    while (pieces->n)
        weir_buffer_free(&pieces->bytes[--pieces->n]);
}

static void check_same(const struct weir_pane *a, const struct weir_pane *b)
{
    static struct pieces x, y;
    split(a, SIZE_MAX, &x);
    split(b, SIZE_MAX, &y);
    ck_assert_uint_eq(x.n, 1);
    ck_assert_uint_eq(y.n, 1);
    ck_assert_uint_eq(x.bytes[0].length, y.bytes[0].length);
    ck_assert_mem_eq(x.bytes[0].data, y.bytes[0].data, x.bytes[0].length);
    free_pieces(&x);
    free_pieces(&y);
}

static void shuffle(int *order, int n)
{
    for (int i = n - 1; i > 0; i--) {
        int k = rand() % (i + 1), kept = order[i];
        order[i] = order[k];
        order[k] = kept;
    }
}

START_TEST(any_order_and_grouping)
{
    struct weir_pane_layout layout = layout_of(100);
    srand((unsigned)_i + 1);
    struct weir_pane *parts[PARTS], *expected = make(&layout);
    int order[PARTS];
    for (int i = 0; i < PARTS; i++) {
        parts[i] = make_part(&layout, i);
        order[i] = i;
        ck_assert_int_eq(weir_pane_merge(expected, parts[i]), 0);
    }
    for (int round = 0; round < 20; round++) {
        struct weir_pane *left = make(&layout), *right = make(&layout);
        shuffle(order, PARTS);
        int middle = rand() % PARTS;
        for (int i = 0; i < PARTS; i++)
            ck_assert_int_eq(weir_pane_merge(i < middle ? left : right, parts[order[i]]), 0);
        ck_assert_int_eq(weir_pane_merge(right, left), 0);
        check_same(expected, right);
        weir_pane_destroy(left);
        weir_pane_destroy(right);
    }
    for (int i = 0; i < PARTS; i++)
        weir_pane_destroy(parts[i]);
    weir_pane_destroy(expected);
}
END_TEST

START_TEST(pieces_of_any_size)
{
    static struct pieces pieces;
    struct weir_pane_layout layout = layout_of(100);
    srand((unsigned)_i + 50);
    struct weir_pane *whole = make(&layout);
    for (int i = 0; i < 3; i++) {
        struct weir_pane *part = make_part(&layout, i);
        ck_assert_int_eq(weir_pane_merge(whole, part), 0);
        weir_pane_destroy(part);
    }
    size_t most = 0;
    for (size_t size = 1; size < 4000; size = size * 3 / 2 + 1) {
        int order[200];
        split(whole, size, &pieces);
        most = pieces.n > most ? pieces.n : most;
        for (int i = 0; i < (int)pieces.n; i++)
            order[i] = i;
        shuffle(order, (int)pieces.n);
        struct weir_pane *back = make(&layout);
        for (size_t i = 0; i < pieces.n; i++) {
            const struct weir_buffer *piece = &pieces.bytes[order[i]];
            struct weir_reader in = weir_reader_make(piece->data, piece->length);
            ck_assert_int_eq(weir_pane_read_merge(back, &in), 0);
            ck_assert_uint_eq(weir_reader_left(&in), 0);
        }
        check_same(whole, back);
        weir_pane_destroy(back);
        free_pieces(&pieces);
    }
    ck_assert_uint_gt(most, 3);
    weir_pane_destroy(whole);
}
END_TEST

START_TEST(cut_and_changed_bytes)
{
    static struct pieces pieces;
    struct weir_pane_layout layout = layout_of(100);
    srand(9);
    struct weir_pane *whole = make_part(&layout, 1);
    split(whole, SIZE_MAX, &pieces);
    struct weir_buffer *bytes = &pieces.bytes[0];
    for (size_t n = 0; n < bytes->length; n++) {
        uint8_t *cut = malloc(n + 1);
        memcpy(cut, bytes->data, n);
        struct weir_pane *back = make(&layout);
        struct weir_reader in = weir_reader_make(cut, n);
        ck_assert_int_ne(weir_pane_read_merge(back, &in), 0);
        weir_pane_destroy(back);
        free(cut);
    }
    for (size_t bit = 0; bit < bytes->length * 8; bit++) {
        bytes->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
        struct weir_pane *back = make(&layout);
        struct weir_reader in = weir_reader_make(bytes->data, bytes->length);
        weir_pane_read_merge(back, &in);
        weir_pane_destroy(back);
        bytes->data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    free_pieces(&pieces);
    weir_pane_destroy(whole);
}
END_TEST

START_TEST(slices_beyond_the_limit)
{
    struct weir_pane_layout layout = layout_of(4);
    struct weir_pane *pane = make(&layout), *other = make(&layout);
    for (unsigned s = 0; s < SLICES; s++) {
        int64_t at = slice_of(pane, s);
        ck_assert(s < 4 ? at == 1 + (int64_t)s : at == -1);
    }
    ck_assert_int_eq(slice_of(pane, 2), 3); // those that are in stay in
    // In a merge what finds no room is counted.
    for (unsigned s = 6; s < 9; s++) {
        int64_t at = slice_of(other, s);
        add_rows(&other->slices[at], 10);
        add_rows(&other->slices[0], 10);
        other->rows += 10;
    }
    ck_assert_int_eq(weir_pane_merge(pane, other), 0);
    ck_assert_uint_eq(pane->n_slices, 5);
    ck_assert_uint_eq(pane->overflow[1], 30);
    ck_assert_uint_eq(pane->rows, 30);
    ck_assert_uint_eq(pane->slices[0].rows, 30);
    weir_pane_destroy(other);
    weir_pane_destroy(pane);
}
END_TEST

// Slices take from the room; without any left a new one is refused, those that are in stay in, and
// the whole stream has its place in any case.
START_TEST(slices_without_room)
{
    struct weir_pane_layout layout = layout_of(1000);
    struct weir_pane *pane = make(&layout), *other = make(&layout);
    int64_t room = 1;
    pane->room = &room;
    size_t before = weir_pane_memory(pane);
    ck_assert_int_eq(slice_of(pane, 0), 1);
    ck_assert_int_lt(room, 0);
    size_t grown = weir_pane_memory(pane) - before;
    ck_assert_uint_ge((size_t)(1 - room), sizeof(struct weir_pane_slice));
    ck_assert_uint_le((size_t)(1 - room), grown + sizeof(struct weir_pane_slice));
    ck_assert_int_eq(slice_of(pane, 1), -1);
    ck_assert_int_eq(slice_of(pane, 0), 1);
    ck_assert(pane->cramped);
    add_rows(&other->slices[slice_of(other, 0)], 3);
    add_rows(&other->slices[slice_of(other, 7)], 4);
    other->rows = 7;
    ck_assert_int_eq(weir_pane_merge(pane, other), 0);
    ck_assert_uint_eq(pane->rows, 7);
    ck_assert_uint_eq(pane->slices[1].rows, 3);
    ck_assert_uint_eq(pane->overflow[1], 4);
    room = 1 << 20;
    ck_assert_int_eq(slice_of(pane, 1), 2);
    // What a window is made of tells it.
    struct weir_pane *window = make(&layout);
    ck_assert_int_eq(weir_pane_merge(window, pane), 0);
    ck_assert(window->cramped);
    weir_pane_destroy(window);
    weir_pane_destroy(other);
    weir_pane_destroy(pane);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("pane");
    TCase *cases = tcase_create("pane");
    tcase_add_loop_test(cases, any_order_and_grouping, 0, 5);
    tcase_add_loop_test(cases, pieces_of_any_size, 0, 5);
    tcase_add_test(cases, cut_and_changed_bytes);
    tcase_add_test(cases, slices_beyond_the_limit);
    tcase_add_test(cases, slices_without_room);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
