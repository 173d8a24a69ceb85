// SPDX-License-Identifier: Apache-2.0
// At a window's end: every check of the table on every field, for the whole stream and then for
// each slice, and the memory of earlier windows that they judge by.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/window.h"
#include "stats/hash.h"

// Slices that may have lost more than this share of their rows to a cap are not judged.
static const double MAY_MISS = 0.02;
enum {
    MEMORIES = 2000,      // slices whose past is kept
    PASTS = 200000,       // and fields of slices
    SLICES_REPORTED = 20, // findings on slices in a window
};

struct owner {
    const struct schema *schema;
    struct schema_memory *memories; // the first is the whole stream's
    size_t n_memories, room;
    uint8_t *explained; // a field: a check has said what is wrong with it, in this window
    size_t reported;
    struct schema_verdict verdict;
};

static int out_of_memory(struct weir_error *error)
{
    return weir_error_set(error, WEIR_ENOMEM, "schema: no memory to judge a window");
}

static void clear_memories(struct owner *owner)
{
    for (size_t i = 0; i < owner->n_memories; i++)
        free(owner->memories[i].fields);
    owner->n_memories = 0;
}

int schema_owner_create(void *instance, void **result, struct weir_error *error)
{
    struct owner *owner = calloc(1, sizeof *owner);
    if (owner) {
        owner->schema = instance;
        owner->explained = calloc(owner->schema->n_fields + 1, 1);
    }
    if (!owner || !owner->explained) {
        free(owner);
        return out_of_memory(error);
    }
    *result = owner;
    return 0;
}

void schema_owner_destroy(void *state)
{
    struct owner *owner = state;
    if (!owner)
        return;
    clear_memories(owner);
    free(owner->memories);
    free(owner->explained);
    free(owner);
}

// ---- memories

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

static struct schema_memory *add_memory(struct owner *owner, uint64_t hash)
{
    if (owner->n_memories == owner->room) {
        size_t room = owner->room ? 2 * owner->room : 4;
        struct schema_memory *grown = realloc(owner->memories, room * sizeof *grown);
        if (!grown)
            return NULL;
        owner->memories = grown;
        owner->room = room;
    }
    struct schema_memory *memory = &owner->memories[owner->n_memories];
    *memory = (struct schema_memory){.hash = hash, .listed = 1};
    size_t n = owner->schema->n_fields;
    memory->fields = calloc(n ? n : 1, sizeof *memory->fields);
    if (!memory->fields)
        return NULL;
    owner->n_memories++;
    return memory;
}

static struct schema_memory *find_memory(const struct owner *owner, uint64_t hash)
{
    for (size_t i = 0; i < owner->n_memories; i++) {
        if (owner->memories[i].hash == hash)
            return &owner->memories[i];
    }
    return NULL;
}

// What is kept of the window's slices: one a slice in `of`, NULL where there is no room for more.
// Slices that the host no longer lists are forgotten.
static int match_memories(struct owner *owner, const struct weir_window *window, size_t *of)
{
    size_t fields = owner->schema->n_fields ? owner->schema->n_fields : 1;
    size_t most = PASTS / fields + 1 < MEMORIES ? PASTS / fields + 1 : MEMORIES;
    for (size_t i = 0; i < owner->n_memories; i++)
        owner->memories[i].listed = 0;
    for (size_t s = 0; s < window->n_slices; s++) {
        uint64_t hash = hash_of(&window->slices[s]);
        struct schema_memory *memory = find_memory(owner, hash);
        of[s] = SIZE_MAX;
        if (!memory && owner->n_memories >= most)
            continue;
        if (!memory)
            memory = add_memory(owner, hash);
        if (!memory)
            return WEIR_ENOMEM;
        memory->listed = 1;
        of[s] = (size_t)(memory - owner->memories);
    }
    return 0;
}

static void forget_unlisted(struct owner *owner)
{
    size_t kept = 0;
    for (size_t i = 0; i < owner->n_memories; i++) {
        if (owner->memories[i].listed)
            owner->memories[kept++] = owner->memories[i];
        else
            free(owner->memories[i].fields);
    }
    owner->n_memories = kept;
}

// ---- saying

static void say(struct owner *owner, const struct schema_judge *judge,
                const struct schema_window_check *check)
{
    struct schema_verdict *verdict = &owner->verdict;
    const struct weir_slice *slice = &judge->window->slices[judge->slice];
    const struct weir_slice *about = verdict->slice ? verdict->slice : slice;
    const char *fields[2] = {judge->field ? judge->field->field->name : NULL,
                             verdict->other ? verdict->other->name : NULL};
    char text[SCHEMA_TEXT + 160] = "";
    size_t used = 0;
    for (size_t i = 0; i < slice->n_values && used < 120; i++)
        used += (size_t)snprintf(text + used, 150 - used, "%s%s %.40s", i ? ", " : "In ",
                                 slice->values[i].field,
                                 slice->values[i].value ? slice->values[i].value : "null");
    used = strlen(text);
    snprintf(text + used, sizeof text - used, "%s%s", used ? ": " : "", verdict->text);
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = check->rule,
        .kind = check->kind,
        .severity = verdict->severity,
        .action = verdict->action,
        .identity = verdict->identity,
        .fields = fields,
        .n_fields = (fields[0] != NULL) + (fields[1] != NULL),
        .slice = about->values,
        .n_slice = about->n_values,
        .provisional = verdict->provisional,
        .share = verdict->share,
        .count = verdict->count,
        .statistic = verdict->statistic,
        .summary = text,
        .evidence = verdict->evidence,
        .n_evidence = verdict->n_evidence,
    };
    judge->window->emit(judge->window, &finding);
}

static int run(struct owner *owner, struct schema_judge *judge,
               const struct schema_window_check *check)
{
    struct schema_verdict *verdict = &owner->verdict;
    *verdict = (struct schema_verdict){
        .severity = WEIR_WARNING,
        .action = WEIR_ACTION_INVESTIGATE_UPSTREAM,
        .share = NAN,
        .statistic = {NULL, NAN, NAN, NAN, NAN},
        .provisional = 1,
    };
    return check->judge(judge, verdict);
}

// ---- judging

static int is_judged(const struct weir_slice *slice)
{
    return (double)slice->rows_may_miss <= MAY_MISS * (double)slice->rows;
}

// The whole stream first: slices are named only where it says nothing.
static void run_everywhere(struct owner *owner, const struct weir_window *window, const size_t *of,
                           const struct schema_window_check *check,
                           const struct schema_field *field)
{
    const struct schema *schema = owner->schema;
    struct schema_judge judge = {.schema = schema,
                                 .window = window,
                                 .field = field,
                                 .p_value = SCHEMA_P_VALUE,
                                 .adopt = schema_adopt(schema)};
    uint8_t *explained = field ? &owner->explained[field - schema->fields] : NULL;
    int found = 0, before = explained && *explained;
    if (field)
        judge.all = window->summary(window, 0, field->index);
    for (size_t s = 0; s < window->n_slices; s++) {
        judge.slice = s;
        judge.now = field ? window->summary(window, s, field->index) : NULL;
        if (of[s] == SIZE_MAX || !is_judged(&window->slices[s]) || (field && !judge.now))
            continue;
        judge.memory = &owner->memories[of[s]];
        judge.past = field ? &judge.memory->fields[field - schema->fields] : NULL;
        judge.p_value = s ? SCHEMA_P_VALUE / (double)(window->n_slices - 1) : SCHEMA_P_VALUE;
        if (!run(owner, &judge, check) || before || (s && found == 1))
            continue;
        if (s && owner->reported++ >= SLICES_REPORTED)
            continue;
        found = s ? 2 : 1;
        if (explained)
            *explained = 1;
        say(owner, &judge, check);
    }
}

static void run_checks(struct owner *owner, const struct weir_window *window, const size_t *of)
{
    const struct schema *schema = owner->schema;
    for (size_t c = 0; c < schema_n_window_checks; c++) {
        const struct schema_window_check *check = schema_window_checks[c];
        if (!(schema->window_checks & 1u << c))
            continue;
        if (check->scope == SCHEMA_OF_SLICE) {
            run_everywhere(owner, window, of, check, NULL);
            continue;
        }
        for (size_t f = 0; f < schema->n_fields; f++) {
            if (schema->fields[f].window_checks & 1u << c)
                run_everywhere(owner, window, of, check, &schema->fields[f]);
        }
    }
}

int schema_owner_window(void *state, const struct weir_window *window, struct weir_error *error)
{
    struct owner *owner = state;
    if (window->phase != WEIR_FINAL || !window->n_slices || !owner->schema->window_checks)
        return 0;
    // Too few records say nothing, for a change or against it.
    if (window->rows < owner->schema->minimum && window->undecided)
        window->undecided(window);
    size_t *of = calloc(window->n_slices, sizeof *of);
    int code = of ? match_memories(owner, window, of) : WEIR_ENOMEM;
    if (!code) {
        memset(owner->explained, 0, owner->schema->n_fields);
        owner->reported = 0;
        run_checks(owner, window, of);
        forget_unlisted(owner);
    }
    free(of);
    return code ? out_of_memory(error) : 0;
}

// ---- state: version 1 had none

static int is_blank(const struct schema_past *past)
{
    return !past->windows && !past->tracks[SCHEMA_NULLS].n && !past->tracks[SCHEMA_DISTINCT].n &&
           !past->tracks[SCHEMA_SPIKE].n;
}

int schema_owner_save(const void *state, struct weir_buffer *out)
{
    const struct owner *owner = state;
    const struct schema *schema = owner->schema;
    weir_put_long(out, (int64_t)schema->n_fields);
    for (size_t f = 0; f < schema->n_fields; f++)
        weir_put_string(out, schema->fields[f].field->name);
    weir_put_long(out, SCHEMA_SERIES);
    weir_put_long(out, (int64_t)owner->n_memories);
    for (size_t i = 0; i < owner->n_memories; i++) {
        const struct schema_memory *memory = &owner->memories[i];
        weir_put_fixed64(out, memory->hash);
        schema_track_write(&memory->rows, out);
        weir_put_long(out, memory->low);
        for (size_t f = 0; f < schema->n_fields; f++) {
            const struct schema_past *past = &memory->fields[f];
            weir_put_long(out, !is_blank(past));
            if (is_blank(past))
                continue;
            weir_put_long(out, past->windows);
            weir_put_long(out, past->constant);
            weir_put_long(out, past->frozen);
            for (int k = 0; k < SCHEMA_SERIES; k++)
                schema_track_write(&past->tracks[k], out);
        }
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

static void read_past(struct weir_reader *in, size_t series, struct schema_past *past)
{
    if (!weir_get_count(in, 1))
        return;
    past->windows = (uint32_t)weir_get_count(in, UINT32_MAX);
    past->constant = (uint32_t)weir_get_count(in, UINT32_MAX);
    past->frozen = (uint32_t)weir_get_count(in, UINT32_MAX);
    for (size_t k = 0; k < series; k++) {
        struct schema_track track = {0};
        schema_track_read(&track, in);
        if (k < SCHEMA_SERIES)
            past->tracks[k] = track;
    }
}

// The configuration may have other fields by now: they are found by name.
static int read_memories(struct owner *owner, struct weir_reader *in, size_t *field_of, size_t n)
{
    size_t series = weir_get_count(in, 64), memories = weir_get_count(in, MEMORIES);
    for (size_t i = 0; i < memories && !in->failed; i++) {
        struct schema_memory *memory = add_memory(owner, weir_get_fixed64(in));
        if (!memory)
            return WEIR_ENOMEM;
        schema_track_read(&memory->rows, in);
        memory->low = (uint32_t)weir_get_count(in, UINT32_MAX);
        for (size_t f = 0; f < n && !in->failed; f++) {
            struct schema_past past = {0};
            read_past(in, series, &past);
            if (field_of[f] < owner->schema->n_fields)
                memory->fields[field_of[f]] = past;
        }
    }
    return in->failed ? WEIR_ECORRUPT : 0;
}

int schema_owner_restore(void *state, uint32_t state_version, struct weir_reader *in,
                         struct weir_error *error)
{
    struct owner *owner = state;
    const struct schema *schema = owner->schema;
    if (state_version < 2)
        return 0;
    size_t n = weir_get_count(in, weir_reader_left(in));
    size_t *field_of = calloc(n + 1, sizeof *field_of);
    if (!field_of)
        return out_of_memory(error);
    for (size_t i = 0; i < n && !in->failed; i++) {
        size_t length;
        const uint8_t *name = weir_get_bytes(in, &length);
        field_of[i] = SIZE_MAX;
        for (size_t f = 0; f < schema->n_fields && !in->failed; f++) {
            const char *own = schema->fields[f].field->name;
            if (strlen(own) == length && !memcmp(own, name, length))
                field_of[i] = f;
        }
    }
    clear_memories(owner);
    int code = in->failed ? WEIR_ECORRUPT : read_memories(owner, in, field_of, n);
    free(field_of);
    if (!code)
        return 0;
    clear_memories(owner);
    return code == WEIR_ENOMEM
               ? out_of_memory(error)
               : weir_error_set(error, code, "the schema detector's state is damaged");
}
