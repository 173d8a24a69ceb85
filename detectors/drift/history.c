// SPDX-License-Identifier: Apache-2.0
// An entry is, for each field: rows, nulls, values, unseen values, the number of cells, and the
// counts, where a zero stands with the number of zeros that follow it.
#include "detectors/drift/history.h"

#include <stdlib.h>
#include <string.h>

enum { CELLS = 1 << 17, ENTRIES = 1 << 20 };

// ---- counts

int drift_counts_init(struct drift_counts *counts, size_t n_cells)
{
    *counts = (struct drift_counts){.n = n_cells};
    if (n_cells && !(counts->cell = calloc(n_cells, sizeof *counts->cell)))
        return WEIR_ENOMEM;
    return 0;
}

void drift_counts_free(struct drift_counts *counts)
{
    free(counts->cell);
    *counts = (struct drift_counts){0};
}

int drift_counts_shape(struct drift_counts *counts, size_t n_cells)
{
    drift_counts_free(counts);
    return drift_counts_init(counts, n_cells);
}

struct drift_counts drift_counts_of(const struct weir_summary *summary)
{
    return (struct drift_counts){.rows = summary->rows,
                                 .null = summary->null + summary->missing,
                                 .values = summary->values,
                                 .unseen = summary->unseen,
                                 .cell = summary->cell,
                                 .n = summary->cell && summary->cells ? summary->cells->n : 0};
}

void drift_counts_reset(struct drift_counts *counts)
{
    counts->rows = counts->null = counts->values = counts->unseen = 0;
    if (counts->n)
        memset(counts->cell, 0, counts->n * sizeof *counts->cell);
}

void drift_counts_add(struct drift_counts *into, const struct drift_counts *from)
{
    into->rows += from->rows;
    into->null += from->null;
    into->values += from->values;
    into->unseen += from->unseen;
    for (size_t i = 0; i < into->n && i < from->n; i++)
        into->cell[i] += from->cell[i];
}

void drift_counts_take_off(struct drift_counts *from, const struct drift_counts *added)
{
    from->rows -= added->rows;
    from->null -= added->null;
    from->values -= added->values;
    from->unseen -= added->unseen;
    for (size_t i = 0; i < from->n && i < added->n; i++)
        from->cell[i] -= added->cell[i];
}

struct drift_counts *drift_counts_make_all(const struct drift_counts *like, size_t n)
{
    struct drift_counts *fields = calloc(n, sizeof *fields);
    for (size_t f = 0; fields && f < n; f++) {
        if (drift_counts_init(&fields[f], like[f].n)) {
            drift_counts_free_all(fields, n);
            return NULL;
        }
    }
    return fields;
}

void drift_counts_reset_all(struct drift_counts *fields, size_t n)
{
    for (size_t f = 0; f < n; f++)
        drift_counts_reset(&fields[f]);
}

void drift_counts_free_all(struct drift_counts *fields, size_t n)
{
    for (size_t f = 0; fields && f < n; f++)
        drift_counts_free(&fields[f]);
    free(fields);
}

struct weir_cell_observation drift_counts_seen(const struct drift_counts *counts)
{
    return (struct weir_cell_observation){counts->cell, counts->rows, counts->null, counts->values,
                                          counts->unseen};
}

int drift_counts_write(const struct drift_counts *fields, size_t n_fields, struct weir_buffer *out)
{
    for (size_t f = 0; f < n_fields; f++) {
        const struct drift_counts *counts = &fields[f];
        weir_put_long(out, (int64_t)counts->rows);
        weir_put_long(out, (int64_t)counts->null);
        weir_put_long(out, (int64_t)counts->values);
        weir_put_long(out, (int64_t)counts->unseen);
        // A field without records is the same whether it had cells or not.
        size_t n = counts->rows ? counts->n : 0;
        weir_put_long(out, (int64_t)n);
        for (size_t i = 0; i < n;) {
            size_t zeros = i;
            while (zeros < n && !counts->cell[zeros])
                zeros++;
            weir_put_long(out, (int64_t)counts->cell[i]);
            if (zeros > i)
                weir_put_long(out, (int64_t)(zeros - i - 1));
            i = zeros > i ? zeros : i + 1;
        }
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

// One field; `into` may be NULL.
static void read_field(struct weir_reader *in, struct drift_counts *into)
{
    struct drift_counts head = {.rows = weir_get_count(in, INT64_MAX / 2),
                                .null = weir_get_count(in, INT64_MAX / 2),
                                .values = weir_get_count(in, INT64_MAX / 2),
                                .unseen = weir_get_count(in, INT64_MAX / 2)};
    size_t n = weir_get_count(in, CELLS);
    int fits = into && into->n == n && !in->failed;
    if (fits)
        drift_counts_add(into, &head);
    for (size_t i = 0; i < n && !in->failed;) {
        uint64_t count = weir_get_count(in, INT64_MAX / 2);
        if (fits)
            into->cell[i] += count;
        i += count ? 1 : 1 + weir_get_count(in, n - i - 1);
    }
}

int drift_counts_read_add(struct weir_reader *in, const int *map, size_t n_saved,
                          struct drift_counts *fields)
{
    for (size_t i = 0; i < n_saved && !in->failed; i++)
        read_field(in, map[i] < 0 ? NULL : &fields[map[i]]);
    return weir_reader_code(in);
}

// ---- entries

void drift_history_free(struct drift_history *history)
{
    for (size_t i = 0; i < history->n; i++)
        free(history->items[i].bytes);
    free(history->items);
    *history = (struct drift_history){0};
}

static void drop(struct drift_history *history, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        history->bytes -= history->items[i].length;
        free(history->items[i].bytes);
    }
    history->n -= n;
    if (n && history->n)
        memmove(history->items, history->items + n, history->n * sizeof *history->items);
}

static int make_room(struct drift_history *history)
{
    if (history->n < history->capacity)
        return 0;
    size_t capacity = history->capacity ? history->capacity * 2 : 32;
    struct drift_entry *grown = realloc(history->items, capacity * sizeof *grown);
    if (!grown)
        return WEIR_ENOMEM;
    history->items = grown;
    history->capacity = capacity;
    return 0;
}

int drift_history_take(struct drift_history *history, const struct drift_entry *entry)
{
    struct drift_entry copy = *entry;
    if (make_room(history) || !(copy.bytes = malloc(entry->length ? entry->length : 1)))
        return WEIR_ENOMEM;
    if (entry->length)
        memcpy(copy.bytes, entry->bytes, entry->length);
    history->items[history->n++] = copy;
    history->bytes += copy.length;
    return 0;
}

int drift_history_add(struct drift_history *history, int64_t start, int64_t end,
                      const struct drift_counts *fields, size_t n_fields)
{
    if (history->n && start < history->items[history->n - 1].end)
        return 0;
    if (make_room(history))
        return WEIR_ENOMEM;
    struct weir_buffer out;
    struct drift_entry entry = {.start = start, .end = end};
    weir_buffer_init(&out, DRIFT_HISTORY_BYTES);
    int code = drift_counts_write(fields, n_fields, &out);
    entry.length = out.length;
    entry.bytes = malloc(out.length ? out.length : 1);
    if (!code && entry.bytes) {
        memcpy(entry.bytes, out.data, out.length);
        history->items[history->n++] = entry;
        history->bytes += entry.length;
    } else {
        free(entry.bytes);
        code = WEIR_ENOMEM;
    }
    weir_buffer_free(&out);
    size_t over = 0, bytes = history->bytes;
    for (; bytes > DRIFT_HISTORY_BYTES && over + 1 < history->n; over++)
        bytes -= history->items[over].length;
    drop(history, over);
    return code;
}

void drift_history_forget(struct drift_history *history, int64_t time, size_t keep)
{
    size_t n = 0;
    while (n + keep < history->n && history->items[n].end <= time)
        n++;
    drop(history, n);
}

void drift_history_fit(struct drift_history *history, size_t bytes, int64_t time, size_t keep)
{
    size_t n = 0, left = history->bytes;
    while (left > bytes && n + keep < history->n && history->items[n].end <= time)
        left -= history->items[n++].length;
    drop(history, n);
}

static int add_bytes(const struct drift_entry *entry, const int *map, size_t n_saved,
                     struct drift_counts *fields)
{
    struct weir_reader in = weir_reader_make(entry->bytes, entry->length);
    int code = drift_counts_read_add(&in, map, n_saved, fields);
    return code ? code : weir_reader_left(&in) ? WEIR_ECORRUPT : 0;
}

int drift_entry_add(const struct drift_entry *entry, struct drift_counts *fields, size_t n_fields)
{
    struct weir_reader in = weir_reader_make(entry->bytes, entry->length);
    for (size_t f = 0; f < n_fields && !in.failed; f++)
        read_field(&in, &fields[f]);
    return weir_reader_code(&in);
}

int drift_entry_add_one(const struct drift_entry *entry, size_t *at, struct drift_counts *field)
{
    if (*at > entry->length)
        return WEIR_ECORRUPT;
    struct weir_reader in = weir_reader_make(entry->bytes + *at, entry->length - *at);
    read_field(&in, field);
    *at = entry->length - weir_reader_left(&in);
    return weir_reader_code(&in);
}

int drift_history_write(const struct drift_history *history, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)history->n);
    for (size_t i = 0; i < history->n; i++) {
        weir_put_long(out, history->items[i].start);
        weir_put_long(out, history->items[i].end);
        weir_put_bytes(out, history->items[i].bytes, history->items[i].length);
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

int drift_history_read(struct drift_history *history, struct weir_reader *in, const int *map,
                       size_t n_saved, struct drift_counts *scratch, size_t n_fields)
{
    size_t n = weir_get_count(in, ENTRIES);
    int64_t last = INT64_MIN;
    int code = 0;
    for (size_t i = 0; i < n && !code && !in->failed; i++) {
        struct drift_entry entry = {.start = weir_get_long(in), .end = weir_get_long(in)};
        entry.bytes = (uint8_t *)weir_get_bytes(in, &entry.length);
        if (in->failed || entry.end < entry.start || entry.start < last)
            return WEIR_ECORRUPT;
        last = entry.end;
        drift_counts_reset_all(scratch, n_fields);
        code = add_bytes(&entry, map, n_saved, scratch);
        // Packed anew: the fields may have changed since.
        if (!code)
            code = drift_history_add(history, entry.start, entry.end, scratch, n_fields);
    }
    return code ? code : weir_reader_code(in);
}
