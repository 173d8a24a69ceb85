// SPDX-License-Identifier: Apache-2.0
// An owner's memory as bytes. Fields and references are found again by name; counts are kept where
// the cells are the same, and start anew where they are not.
#include <stdlib.h>
#include <string.h>

#include "detectors/drift/drift.h"
#include "stats/summary.h"

enum { NAME = 1024, FIELDS = 1 << 20 };

// ---- saving

static int put_own(const struct drift_own *own, struct weir_buffer *out)
{
    struct weir_buffer bytes;
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    int code = drift_own_write(own, &bytes);
    weir_put_long(out, own->cells ? 2 : own->first ? 1 : 0);
    weir_put_bytes(out, bytes.data, bytes.length);
    weir_buffer_free(&bytes);
    return code;
}

static int put_reference(const struct drift_memory *memory, size_t i, struct weir_buffer *out)
{
    const struct drift *drift = memory->drift;
    const struct weir_reference_spec *spec = &drift->specs[i];
    const struct drift_reference *reference = &memory->references[i];
    weir_put_string(out, drift->references[i]);
    weir_put_long(out, spec->kind);
    weir_put_long(out, spec->windows);
    weir_put_long(out, spec->span);
    weir_put_long(out, spec->from);
    weir_put_long(out, spec->to);
    weir_put_long(out, (int64_t)reference->windows);
    for (size_t f = 0; f < drift->n_fields; f++) {
        weir_put_long(out, reference->n_dispersion[f]);
        weir_put_double(out, reference->dispersion[f]);
    }
    weir_put_long(out, spec->kind == WEIR_REFERENCE_FIXED);
    return spec->kind == WEIR_REFERENCE_FIXED
               ? drift_counts_write(reference->sum, drift->n_fields, out)
               : 0;
}

// With its length: a detector that calibrates nothing any more passes over it.
static int put_calibration(const struct drift_memory *memory, struct weir_buffer *out)
{
    struct weir_buffer bytes;
    weir_buffer_init(&bytes, WEIR_BUFFER_MAXIMUM);
    int code = drift_calibration_write(memory, &bytes);
    weir_put_bytes(out, bytes.data, bytes.length);
    weir_buffer_free(&bytes);
    return code;
}

static int get_calibration(struct drift_memory *memory, struct weir_reader *in, const int *map,
                           size_t n_saved, int same, uint32_t version)
{
    size_t length;
    if (version < DRIFT_STATE_EARLY)
        return drift_calibration_read(memory, in, map, n_saved, same, version);
    const uint8_t *bytes = weir_get_bytes(in, &length);
    if (in->failed)
        return weir_reader_code(in);
    struct weir_reader inner = weir_reader_make(bytes, length);
    int code = drift_calibration_read(memory, &inner, map, n_saved, same, version);
    return code ? code : weir_reader_left(&inner) ? WEIR_ECORRUPT : weir_reader_code(&inner);
}

int drift_memory_write(const struct drift_memory *memory, struct weir_buffer *out)
{
    const struct drift *drift = memory->drift;
    int code = 0;
    if (!drift->specs)
        return 0;
    weir_put_long(out, memory->began);
    weir_put_long(out, (int64_t)drift->n_fields);
    for (size_t f = 0; f < drift->n_fields && !code; f++) {
        const struct weir_cells *cells = drift->fields[f].cells;
        weir_put_string(out, drift->fields[f].info->name);
        weir_put_fixed64(out, cells ? weir_cells_hash(cells) : 0);
        code = put_own(&memory->own[f], out);
    }
    weir_put_long(out, (int64_t)drift->n_references);
    for (size_t i = 0; i < drift->n_references && !code; i++)
        code = put_reference(memory, i, out);
    if (!code)
        code = drift_history_write(&memory->history, out);
    if (!code)
        code = put_calibration(memory, out);
    return code ? code : out->failed ? WEIR_ENOMEM : 0;
}

// ---- restoring

// What of the saved field f is now: its number, or -1.
static int get_own(struct drift_memory *memory, struct weir_reader *in, int field)
{
    size_t length;
    int64_t kind = weir_get_long(in);
    const uint8_t *bytes = weir_get_bytes(in, &length);
    struct weir_reader inner = weir_reader_make(bytes, length);
    if (in->failed || kind < 0 || kind > 2)
        return WEIR_ECORRUPT;
    if (field < 0 || !kind)
        return 0;
    struct drift_own *own = &memory->own[field];
    if (memory->drift->fields[field].cells || !own->first)
        return WEIR_ECORRUPT;
    int code = drift_own_read(own, kind == 2, &inner);
    if (code || !own->cells)
        return code;
    if (own->cells->shape != WEIR_SHAPE_NUMERIC)
        return WEIR_ECORRUPT;
    return drift_memory_shape(memory, (size_t)field);
}

static int get_fields(struct drift_memory *memory, struct weir_reader *in, int **out, size_t *n_out)
{
    const struct drift *drift = memory->drift;
    size_t n = weir_get_count(in, FIELDS);
    // Each takes 11 bytes or more.
    if (in->failed || n > weir_reader_left(in) / 11)
        return WEIR_ECORRUPT;
    int *map = malloc((n + 1) * sizeof *map), code = map ? 0 : WEIR_ENOMEM;
    for (size_t i = 0; i < n && !code; i++) {
        char name[NAME];
        weir_get_string(in, name, sizeof name);
        uint64_t hash = weir_get_fixed64(in);
        map[i] = -1;
        for (size_t f = 0; f < drift->n_fields && !in->failed; f++) {
            const struct weir_cells *cells = drift->fields[f].cells;
            if (!strcmp(drift->fields[f].info->name, name) &&
                hash == (cells ? weir_cells_hash(cells) : 0))
                map[i] = (int)f;
        }
        for (size_t k = 0; k < i && map[i] >= 0; k++) {
            if (map[k] == map[i])
                code = WEIR_ECORRUPT;
        }
        if (!code)
            code = in->failed ? WEIR_ECORRUPT : get_own(memory, in, map[i]);
    }
    *out = map;
    *n_out = n;
    return code;
}

static int is_same(const struct drift *drift, size_t i, const char *name,
                   const struct weir_reference_spec *spec)
{
    const struct weir_reference_spec *now = &drift->specs[i];
    return !strcmp(drift->references[i], name) && now->kind == spec->kind &&
           now->windows == spec->windows && now->span == spec->span && now->from == spec->from &&
           now->to == spec->to;
}

static int get_reference(struct drift_memory *memory, struct weir_reader *in, const int *map,
                         size_t n_saved, size_t *n_same)
{
    const struct drift *drift = memory->drift;
    struct drift_reference unknown = {0}, *reference = &unknown;
    char name[NAME];
    weir_get_string(in, name, sizeof name);
    struct weir_reference_spec spec = {.kind = (enum weir_reference_kind)weir_get_count(in, 255)};
    spec.windows = weir_get_long(in);
    spec.span = weir_get_long(in);
    spec.from = weir_get_long(in);
    spec.to = weir_get_long(in);
    for (size_t i = 0; i < drift->n_references && !in->failed; i++)
        reference = is_same(drift, i, name, &spec) ? &memory->references[i] : reference;
    *n_same += reference != &unknown;
    reference->windows = weir_get_count(in, INT32_MAX);
    for (size_t f = 0; f < n_saved && !in->failed; f++) {
        size_t n = weir_get_count(in, INT32_MAX);
        double mean = weir_get_double(in);
        if (in->failed || !(mean >= 0 && mean < 1e300))
            return WEIR_ECORRUPT;
        if (map[f] >= 0 && reference != &unknown) {
            reference->n_dispersion[map[f]] = (uint32_t)n;
            reference->dispersion[map[f]] = mean;
        }
    }
    if (!weir_get_count(in, 1) || in->failed)
        return weir_reader_code(in);
    if (reference != &unknown)
        return drift_counts_read_add(in, map, n_saved, reference->sum);
    for (size_t f = 0; f < n_saved && !in->failed; f++)
        drift_counts_read_add(in, &(int){-1}, 1, NULL);
    return weir_reader_code(in);
}

int drift_memory_read(struct drift_memory *memory, struct weir_reader *in, uint32_t version)
{
    const struct drift *drift = memory->drift;
    int *map = NULL;
    size_t n_saved = 0;
    if (!drift->specs)
        return 0;
    memory->began = weir_get_long(in);
    int code = get_fields(memory, in, &map, &n_saved);
    size_t n = code ? 0 : weir_get_count(in, weir_reader_left(in));
    size_t n_same = 0;
    for (size_t i = 0; i < n && !code; i++)
        code = get_reference(memory, in, map, n_saved, &n_same);
    if (!code)
        code = drift_history_read(&memory->history, in, map, n_saved, memory->now, drift->n_fields);
    int same = n_same == n && n == drift->n_references && n_saved == drift->n_fields;
    if (!code)
        code = get_calibration(memory, in, map, n_saved, same, version);
    free(map);
    if (!code && !in->failed && !drift->keeps)
        drift_history_free(&memory->history);
    return code ? code : weir_reader_code(in);
}
