// SPDX-License-Identifier: Apache-2.0
// What is remembered to explain by, as bytes. Fields are found again by name and cells; what
// belongs to others is passed over.
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"
#include "stats/summary.h"

enum { NAME = 1024, FIELDS = 1 << 20, VALUES = 64 };

static uint64_t hash_of(const struct drift_memory *memory, size_t f)
{
    const struct weir_cells *cells = drift_memory_cells(memory, f);
    return cells ? weir_cells_hash(cells) : 0;
}

// ---- saving

static void put_episodes(const struct drift_episodes *episodes, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)episodes->n);
    for (size_t i = 0; i < episodes->n; i++) {
        const struct drift_episode *episode = &episodes->items[i];
        weir_put_long(out, (int64_t)episode->field);
        weir_put_long(out, episode->began);
        weir_put_long(out, episode->last);
        weir_put_long(out, episode->open);
        weir_put_long(out, episode->before.n > 0);
        drift_counts_write(&episode->counts, 1, out);
        if (episode->before.n)
            drift_counts_write(&episode->before, 1, out);
    }
}

static void put_slices(const struct drift_slices *slices, size_t n_fields, struct weir_buffer *out)
{
    weir_put_fixed64(out, slices->rows);
    weir_put_long(out, (int64_t)slices->windows);
    weir_put_long(out, (int64_t)slices->n);
    for (size_t i = 0; i < slices->n; i++) {
        const struct drift_usual_slice *item = &slices->items[i];
        weir_put_long(out, item->by);
        weir_put_long(out, (int64_t)item->n_values);
        for (size_t k = 0; k < item->n_values; k++)
            weir_put_string(out, item->values[k]);
        weir_put_long(out, item->seen);
        weir_put_long(out, (int64_t)item->windows);
        weir_put_fixed64(out, item->rows);
        drift_counts_write(item->fields, n_fields, out);
    }
}

static void put_fields(const struct drift_memory *memory, struct weir_buffer *out)
{
    const struct drift *drift = memory->drift;
    weir_put_long(out, (int64_t)drift->n_fields);
    for (size_t f = 0; f < drift->n_fields; f++) {
        weir_put_string(out, drift->fields[f].info->name);
        weir_put_fixed64(out, hash_of(memory, f));
    }
}

int drift_explain_write(const struct drift_memory *memory, struct weir_buffer *out)
{
    const struct drift *drift = memory->drift;
    const struct drift_explain *explain = &memory->explain;
    put_fields(memory, out);
    int code = drift_history_write(&explain->recent, out);
    put_episodes(&explain->episodes, out);
    put_slices(&explain->slices, drift->n_fields, out);
    return code ? code : out->failed ? WEIR_ENOMEM : 0;
}

// Nothing where nothing is charted.
int drift_explain_write_slow(const struct drift_memory *memory, struct weir_buffer *out)
{
    const struct drift *drift = memory->drift;
    const struct drift_slow *slow = &memory->calibration.slow;
    if (!slow->trace.width)
        return 0;
    put_fields(memory, out);
    for (size_t f = 0; f < drift->n_fields; f++) {
        weir_put_long(out, slow->suspected[f]);
        weir_put_long(out, slow->jumped[f]);
    }
    drift_trace_write(&slow->trace, out);
    put_slices(&memory->explain.lately, drift->n_fields, out);
    return out->failed ? WEIR_ENOMEM : 0;
}

// ---- restoring

struct reading {
    struct drift_memory *memory;
    struct weir_reader *in;
    int *map;
    size_t n_saved;
};

static int get_map(struct reading *reading)
{
    const struct drift *drift = reading->memory->drift;
    struct weir_reader *in = reading->in;
    size_t n = weir_get_count(in, FIELDS);
    if (in->failed || n > weir_reader_left(in) / 9)
        return WEIR_ECORRUPT;
    reading->map = malloc((n + 1) * sizeof *reading->map);
    reading->n_saved = n;
    if (!reading->map)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        char name[NAME];
        weir_get_string(in, name, sizeof name);
        uint64_t hash = weir_get_fixed64(in);
        reading->map[i] = -1;
        for (size_t f = 0; f < drift->n_fields && !in->failed; f++) {
            if (!strcmp(drift->fields[f].info->name, name) && hash == hash_of(reading->memory, f))
                reading->map[i] = (int)f;
        }
        for (size_t k = 0; k < i && reading->map[i] >= 0; k++) {
            if (reading->map[k] == reading->map[i])
                return WEIR_ECORRUPT;
        }
    }
    return weir_reader_code(in);
}

// Counts of one field into `out`, which takes them where they fit its cells.
static int get_counts(struct reading *reading, int field, struct drift_counts *out)
{
    size_t n = field >= 0 ? reading->memory->now[field].n : 0;
    if (field >= 0 && drift_counts_init(out, n))
        return WEIR_ENOMEM;
    return drift_counts_read_add(reading->in, &(int){field >= 0 ? 0 : -1}, 1, out);
}

static int get_episode(struct reading *reading, struct drift_episodes *episodes)
{
    struct weir_reader *in = reading->in;
    struct drift_episode episode = {.open = 0};
    size_t saved = weir_get_count(in, FIELDS);
    int64_t before = 0;
    episode.began = weir_get_long(in);
    episode.last = weir_get_long(in);
    episode.open = weir_get_count(in, 1) != 0;
    before = (int64_t)weir_get_count(in, 1);
    int field = !in->failed && saved < reading->n_saved ? reading->map[saved] : -1;
    int code = in->failed || episode.last < episode.began ? WEIR_ECORRUPT : 0;
    if (!code)
        code = get_counts(reading, field, &episode.counts);
    if (!code && before)
        code = get_counts(reading, field, &episode.before);
    if (code || field < 0) {
        drift_counts_free(&episode.counts);
        drift_counts_free(&episode.before);
        return code;
    }
    episode.field = (size_t)field;
    episodes->items[episodes->n++] = episode;
    return 0;
}

static int get_episodes(struct reading *reading)
{
    struct drift_episodes *episodes = &reading->memory->explain.episodes;
    size_t n = weir_get_count(reading->in, DRIFT_EPISODES);
    int code = 0;
    if (n && !episodes->items &&
        !(episodes->items = calloc(DRIFT_EPISODES, sizeof *episodes->items)))
        return WEIR_ENOMEM;
    for (size_t i = 0; i < n && !code && !reading->in->failed; i++)
        code = get_episode(reading, episodes);
    return code ? code : weir_reader_code(reading->in);
}

static int get_slice(struct reading *reading, struct drift_usual_slice *item)
{
    struct weir_reader *in = reading->in;
    const struct drift_memory *memory = reading->memory;
    item->by = (unsigned)weir_get_count(in, 1 << 16);
    size_t n = weir_get_count(in, VALUES);
    int code = weir_reader_code(in);
    if (code)
        return code;
    item->values = calloc(n + 1, sizeof *item->values);
    item->fields = calloc(memory->drift->n_fields, sizeof *item->fields);
    if (!item->values || !item->fields)
        return WEIR_ENOMEM;
    for (; item->n_values < n; item->n_values++) {
        if (!(item->values[item->n_values] = weir_get_string_alloc(in, SIZE_MAX)))
            return weir_reader_code(in);
    }
    item->seen = weir_get_long(in);
    item->windows = weir_get_count(in, INT32_MAX);
    item->rows = weir_get_fixed64(in);
    for (size_t f = 0; f < memory->drift->n_fields && !code; f++)
        code = drift_counts_init(&item->fields[f], memory->now[f].n);
    return code ? code : drift_counts_read_add(in, reading->map, reading->n_saved, item->fields);
}

static int get_slices(struct reading *reading, struct drift_slices *slices)
{
    slices->rows = weir_get_fixed64(reading->in);
    slices->windows = weir_get_count(reading->in, INT32_MAX);
    size_t n = weir_get_count(reading->in, DRIFT_SLICES);
    int code = weir_reader_code(reading->in);
    if (!code && n && !(slices->items = calloc(DRIFT_SLICES, sizeof *slices->items)))
        return WEIR_ENOMEM;
    for (size_t i = 0; i < n && !code && !reading->in->failed; i++)
        code = get_slice(reading, &slices->items[slices->n++]);
    return code ? code : weir_reader_code(reading->in);
}

int drift_explain_read(struct drift_memory *memory, struct weir_reader *in, uint32_t version)
{
    (void)version;
    struct reading reading = {.memory = memory, .in = in};
    int code = get_map(&reading);
    if (!code)
        code = drift_history_read(&memory->explain.recent, in, reading.map, reading.n_saved,
                                  memory->now, memory->drift->n_fields);
    drift_history_forget(&memory->explain.recent, INT64_MAX, DRIFT_RECENT);
    if (!code)
        code = get_episodes(&reading);
    if (!code)
        code = get_slices(&reading, &memory->explain.slices);
    free(reading.map);
    return code;
}

static int is_time(int64_t time)
{
    return time == INT64_MIN || (time > -(INT64_MAX / 4) && time < INT64_MAX / 4);
}

// What is charted may be learnt anew: then it is forgotten.
int drift_explain_read_slow(struct drift_memory *memory, struct weir_reader *in, uint32_t version)
{
    struct reading reading = {.memory = memory, .in = in};
    struct drift_slow *slow = &memory->calibration.slow;
    if (!slow->trace.width)
        return 0;
    int code = get_map(&reading);
    for (size_t i = 0; i < reading.n_saved && !code; i++) {
        int64_t suspected = weir_get_long(in);
        if (version < DRIFT_STATE_LEFT)
            weir_get_long(in);
        int64_t jumped = weir_get_long(in);
        if (in->failed || !is_time(suspected) || !is_time(jumped))
            code = WEIR_ECORRUPT;
        if (reading.map[i] < 0)
            continue;
        slow->suspected[reading.map[i]] = suspected;
        slow->jumped[reading.map[i]] = jumped;
    }
    if (!code)
        code = drift_trace_read(&slow->trace, in, reading.map, reading.n_saved, WEIR_SIGNALS);
    if (!code)
        code = get_slices(&reading, &memory->explain.lately);
    free(reading.map);
    return code;
}
