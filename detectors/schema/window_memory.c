// SPDX-License-Identifier: Apache-2.0
// What the owner remembers of earlier windows, a slice each, and its bytes.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/window.h"
#include "stats/hash.h"

enum {
    MEMORIES = 2000, // slices whose past is kept
    PASTS = 200000,  // and fields of slices
    SERIES = 64,     // of a field, in anybody's state
    WHOLE = 4,       // the first state_version that has categories, usual values and pairs
    RUNS = 6         // and with what many windows show
};

static void free_memory(struct schema_memory *memory)
{
    free(memory->fields);
    free(memory->usual);
    free(memory->runs);
    free(memory->presence);
    free(memory->swaps);
}

static void clear(struct schema_memories *memories)
{
    for (size_t i = 0; i < memories->n; i++)
        free_memory(&memories->items[i]);
    memories->n = 0;
}

void schema_memories_free(struct schema_memories *memories)
{
    clear(memories);
    free(memories->items);
    memories->items = NULL;
    memories->room = 0;
}

static uint64_t hash_of(const struct weir_slice *slice)
{
    uint64_t parts[3] = {0, 0, 0};
    for (size_t i = 0; i < slice->n_values; i++) {
        const char *value = slice->values[i].value;
        parts[1] = weir_hash(slice->values[i].field, strlen(slice->values[i].field));
        parts[2] = value ? weir_hash(value, strlen(value)) + 1 : 0;
        parts[0] = weir_hash(parts, sizeof parts) | 1;
    }
    return parts[0];
}

static struct schema_memory *add_memory(struct schema_memories *memories, uint64_t hash,
                                        int64_t since)
{
    if (memories->n == memories->room) {
        size_t room = memories->room ? 2 * memories->room : 4;
        struct schema_memory *grown = realloc(memories->items, room * sizeof *grown);
        if (!grown)
            return NULL;
        memories->items = grown;
        memories->room = room;
    }
    struct schema_memory *memory = &memories->items[memories->n];
    *memory = (struct schema_memory){.hash = hash, .since = since, .listed = 1};
    size_t n = memories->schema->n_fields;
    memory->fields = calloc(n ? n : 1, sizeof *memory->fields);
    if (!hash) {
        memory->usual = calloc(n ? n : 1, sizeof *memory->usual);
        memory->runs = calloc(n ? n : 1, sizeof *memory->runs);
        memory->presence = calloc(n ? n : 1, sizeof *memory->presence);
        memory->swaps = calloc(SCHEMA_PAIRS, sizeof *memory->swaps);
    }
    if (!memory->fields ||
        (!hash && (!memory->usual || !memory->runs || !memory->presence || !memory->swaps))) {
        free_memory(memory);
        return NULL;
    }
    memories->n++;
    return memory;
}

static struct schema_memory *find_memory(const struct schema_memories *memories, uint64_t hash)
{
    for (size_t i = 0; i < memories->n; i++) {
        if (memories->items[i].hash == hash)
            return &memories->items[i];
    }
    return NULL;
}

int schema_memories_match(struct schema_memories *memories, const struct weir_window *window,
                          size_t *of)
{
    size_t fields = memories->schema->n_fields ? memories->schema->n_fields : 1;
    size_t most = PASTS / fields + 1 < MEMORIES ? PASTS / fields + 1 : MEMORIES;
    for (size_t i = 0; i < memories->n; i++)
        memories->items[i].listed = 0;
    for (size_t s = 0; s < window->n_slices; s++) {
        uint64_t hash = hash_of(&window->slices[s]);
        struct schema_memory *memory = find_memory(memories, hash);
        of[s] = SIZE_MAX;
        if (!memory && memories->n >= most)
            continue;
        if (!memory)
            memory = add_memory(memories, hash, window->start);
        if (!memory)
            return WEIR_ENOMEM;
        memory->listed = 1;
        memory->since = window->start < memory->since ? window->start : memory->since;
        of[s] = (size_t)(memory - memories->items);
    }
    return 0;
}

void schema_memories_forget(struct schema_memories *memories)
{
    size_t kept = 0;
    for (size_t i = 0; i < memories->n; i++) {
        if (memories->items[i].listed)
            memories->items[kept++] = memories->items[i];
        else
            free_memory(&memories->items[i]);
    }
    memories->n = kept;
}

// ---- bytes

static int is_blank(const struct schema_past *past)
{
    int blank = !past->windows && !past->frozen && !past->gone;
    for (int k = 0; k < SCHEMA_SERIES; k++)
        blank &= !past->tracks[k].n;
    return blank;
}

static void write_past(const struct schema_past *past, struct weir_buffer *out)
{
    weir_put_long(out, !is_blank(past));
    if (is_blank(past))
        return;
    weir_put_long(out, past->windows);
    weir_put_long(out, past->constant);
    weir_put_long(out, past->frozen);
    weir_put_long(out, past->gone);
    weir_put_long(out, past->spiked);
    for (int k = 0; k < SCHEMA_SERIES; k++)
        schema_track_write(&past->tracks[k], out);
}

static void write_usual(const struct schema_usuals *usual, struct weir_buffer *out)
{
    int64_t n = 0;
    for (size_t i = 0; i < SCHEMA_USUAL; i++)
        n += usual->values[i].high > 0;
    weir_put_long(out, n);
    for (size_t i = 0; i < SCHEMA_USUAL; i++) {
        if (!(usual->values[i].high > 0))
            continue;
        weir_put_fixed64(out, usual->values[i].bits);
        weir_put_double(out, (double)usual->values[i].high);
        weir_rate_write(&usual->values[i].run, out);
    }
}

// Categories that nothing is known of are left out.
static void write_presence(const struct schema_presence *presence, struct weir_buffer *out)
{
    int64_t n = 0;
    for (size_t i = 0; i < SCHEMA_CATEGORIES; i++)
        n += presence->windows[i] != 0;
    weir_put_fixed64(out, presence->of);
    weir_put_fixed64(out, presence->absent);
    weir_put_long(out, n);
    for (size_t i = 0; i < SCHEMA_CATEGORIES; i++) {
        if (!presence->windows[i])
            continue;
        weir_put_long(out, (int64_t)i);
        weir_put_long(out, presence->windows[i]);
        weir_put_long(out, presence->since[i]);
    }
}

int schema_memories_write(const struct schema_memories *memories, struct weir_buffer *out)
{
    const struct schema *schema = memories->schema;
    weir_put_long(out, (int64_t)schema->n_fields);
    for (size_t f = 0; f < schema->n_fields; f++)
        weir_put_string(out, schema->fields[f].field->name);
    weir_put_long(out, (int64_t)schema->n_pairs);
    for (size_t p = 0; p < schema->n_pairs; p++)
        weir_put_fixed64(out, schema->pairs[p].hash);
    weir_put_long(out, SCHEMA_SERIES);
    weir_put_long(out, (int64_t)memories->n);
    for (size_t i = 0; i < memories->n; i++) {
        const struct schema_memory *memory = &memories->items[i];
        weir_put_fixed64(out, memory->hash);
        weir_put_long(out, memory->since);
        schema_track_write(&memory->rows, out);
        weir_put_long(out, memory->low);
        for (size_t f = 0; f < schema->n_fields; f++) {
            write_past(&memory->fields[f], out);
            if (memory->hash)
                continue;
            write_usual(&memory->usual[f], out);
            write_presence(&memory->presence[f], out);
            schema_long_write(&memory->runs[f], out);
        }
        for (size_t p = 0; memory->swaps && p < schema->n_pairs; p++)
            schema_track_write(&memory->swaps[p], out);
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

// Where the fields and pairs of the bytes are in the configuration of now: SIZE_MAX, nowhere.
struct layout {
    size_t *fields, n_fields;
    size_t pairs[SCHEMA_PAIRS], n_pairs, series;
    int whole, runs;
};

static void read_past(struct weir_reader *in, const struct layout *layout, struct schema_past *past)
{
    if (!weir_get_count(in, 1))
        return;
    past->windows = (uint32_t)weir_get_count(in, UINT32_MAX);
    past->constant = (uint32_t)weir_get_count(in, UINT32_MAX);
    past->frozen = (uint32_t)weir_get_count(in, UINT32_MAX);
    if (layout->whole) {
        past->gone = (uint32_t)weir_get_count(in, UINT32_MAX);
        past->spiked = (uint32_t)weir_get_count(in, 1);
    }
    for (size_t k = 0; k < layout->series; k++) {
        struct schema_track track = {0};
        schema_track_read(&track, in);
        if (k < SCHEMA_SERIES)
            past->tracks[k] = track;
    }
}

static void read_usual(struct weir_reader *in, const struct layout *layout,
                       struct schema_usuals *usual)
{
    size_t n = weir_get_count(in, SCHEMA_USUAL);
    for (size_t i = 0; i < n && !in->failed; i++) {
        usual->values[i].bits = weir_get_fixed64(in);
        double high = weir_get_double(in);
        in->failed |= !(high > 0 && high <= 1);
        usual->values[i].high = in->failed ? 0 : (float)high;
        if (layout->runs)
            weir_rate_read(&usual->values[i].run, in);
    }
}

static void read_presence(struct weir_reader *in, struct schema_presence *presence)
{
    presence->of = weir_get_fixed64(in);
    presence->absent = weir_get_fixed64(in);
    size_t n = weir_get_count(in, SCHEMA_CATEGORIES);
    for (size_t i = 0; i < n && !in->failed; i++) {
        size_t at = weir_get_count(in, SCHEMA_CATEGORIES - 1);
        presence->windows[at] = (uint32_t)weir_get_count(in, UINT32_MAX);
        presence->since[at] = weir_get_long(in);
    }
}

static void read_memory(struct schema_memory *memory, const struct layout *layout,
                        const struct schema *schema, struct weir_reader *in)
{
    if (layout->whole)
        memory->since = weir_get_long(in);
    schema_track_read(&memory->rows, in);
    memory->low = (uint32_t)weir_get_count(in, UINT32_MAX);
    for (size_t f = 0; f < layout->n_fields && !in->failed; f++) {
        struct schema_past past = {0};
        struct schema_usuals usual = {{{.bits = 0}}};
        struct schema_long runs = {.nulls = {.n = 0}};
        struct schema_presence presence = {.absent = 0};
        read_past(in, layout, &past);
        if (memory->usual && layout->whole) {
            read_usual(in, layout, &usual);
            read_presence(in, &presence);
        }
        if (memory->usual && layout->runs)
            schema_long_read(&runs, in);
        if (layout->fields[f] >= schema->n_fields)
            continue;
        memory->fields[layout->fields[f]] = past;
        if (!memory->usual)
            continue;
        memory->usual[layout->fields[f]] = usual;
        memory->runs[layout->fields[f]] = runs;
        memory->presence[layout->fields[f]] = presence;
    }
    for (size_t p = 0; memory->swaps && p < layout->n_pairs && !in->failed; p++) {
        struct schema_track track = {0};
        schema_track_read(&track, in);
        if (layout->pairs[p] < schema->n_pairs)
            memory->swaps[layout->pairs[p]] = track;
    }
}

static void read_layout(struct layout *layout, const struct schema *schema, struct weir_reader *in)
{
    for (size_t i = 0; i < layout->n_fields && !in->failed; i++) {
        size_t length;
        const uint8_t *name = weir_get_bytes(in, &length);
        layout->fields[i] = SIZE_MAX;
        for (size_t f = 0; f < schema->n_fields && !in->failed; f++) {
            const char *own = schema->fields[f].field->name;
            if (strlen(own) == length && (!length || !memcmp(own, name, length)))
                layout->fields[i] = f;
        }
    }
    layout->n_pairs = layout->whole ? weir_get_count(in, SCHEMA_PAIRS) : 0;
    for (size_t i = 0; i < layout->n_pairs && !in->failed; i++) {
        uint64_t hash = weir_get_fixed64(in);
        layout->pairs[i] = SIZE_MAX;
        for (size_t p = 0; p < schema->n_pairs; p++)
            layout->pairs[i] = schema->pairs[p].hash == hash ? p : layout->pairs[i];
    }
    layout->series = weir_get_count(in, SERIES);
}

static int read_all(struct schema_memories *memories, struct layout *layout, struct weir_reader *in)
{
    read_layout(layout, memories->schema, in);
    size_t n = weir_get_count(in, MEMORIES);
    for (size_t i = 0; i < n && !in->failed; i++) {
        struct schema_memory *memory = add_memory(memories, weir_get_fixed64(in), INT64_MAX);
        if (!memory)
            return WEIR_ENOMEM;
        read_memory(memory, layout, memories->schema, in);
    }
    return in->failed ? WEIR_ECORRUPT : 0;
}

int schema_memories_read(struct schema_memories *memories, uint32_t state_version,
                         struct weir_reader *in)
{
    struct layout layout = {.n_fields = weir_get_count(in, weir_reader_left(in)),
                            .whole = state_version >= WHOLE,
                            .runs = state_version >= RUNS};
    layout.fields = calloc(layout.n_fields + 1, sizeof *layout.fields);
    if (!layout.fields)
        return WEIR_ENOMEM;
    clear(memories);
    int code = read_all(memories, &layout, in);
    if (code)
        clear(memories);
    free(layout.fields);
    return code;
}
