// SPDX-License-Identifier: Apache-2.0
// At a window's end: every check of the table on every field, for the whole stream and then for
// each slice, and the memory of earlier windows that they judge by.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/window.h"

// Slices that may have lost more than this share of their rows to a cap are not judged.
static const double MAY_MISS = 0.02;
// Of what a check finds, the share that rules for records must have told of for it to be silent.
static const double TOLD = 0.8;
enum { SLICES_REPORTED = 20 }; // findings on slices in a window
enum { BY_STREAM = 1, BY_SLICE = 2 };

struct owner {
    const struct schema *schema;
    struct schema_memories memories;
    uint8_t *explained; // a field: something was found in this window; and at last, of no field
    size_t reported;
    struct held *held; // what is to be said
    size_t n_held, held_room;
    struct schema_extract extract;
    struct schema_verdict verdict;
    struct schema_bounds_judge bounds;
};

static int out_of_memory(struct weir_error *error)
{
    return weir_error_set(error, WEIR_ENOMEM, "schema: no memory to judge a window");
}

int schema_owner_create(void *instance, void **result, struct weir_error *error)
{
    struct owner *owner = calloc(1, sizeof *owner);
    if (owner) {
        owner->schema = instance;
        owner->memories.schema = instance;
        owner->explained = calloc(owner->schema->n_fields + 1, 1);
    }
    if (!owner || !owner->explained || schema_extract_init(&owner->extract, instance)) {
        if (owner)
            free(owner->explained);
        free(owner);
        return out_of_memory(error);
    }
    int code = schema_bounds_start(owner->schema, &owner->bounds, error);
    if (code) {
        schema_owner_destroy(owner);
        return code;
    }
    *result = owner;
    return 0;
}

void schema_owner_destroy(void *state)
{
    struct owner *owner = state;
    if (!owner)
        return;
    schema_memories_free(&owner->memories);
    schema_extract_free(&owner->extract);
    schema_bounds_stop(&owner->bounds);
    free(owner->explained);
    free(owner->held);
    free(owner);
}

// ---- saying

struct held { // a finding until the slices were looked at
    const struct schema_window_check *check;
    const struct schema_field *field;
    size_t slice;
    unsigned slices_blamed;
    struct schema_verdict verdict;
};

static int hold(struct owner *owner, const struct schema_judge *judge,
                const struct schema_window_check *check)
{
    if (owner->n_held == owner->held_room) {
        size_t room = owner->held_room ? 2 * owner->held_room : 4;
        struct held *grown = realloc(owner->held, room * sizeof *grown);
        if (!grown)
            return WEIR_ENOMEM;
        owner->held = grown;
        owner->held_room = room;
    }
    owner->held[owner->n_held++] =
        (struct held){check, judge->field, judge->slice, 0, owner->verdict};
    return 0;
}

// A value that comes too often because one slice has nothing else: says so.
static void blame_slice(struct held *held, const struct weir_slice *slice)
{
    struct schema_verdict *verdict = &held->verdict;
    size_t used = strlen(verdict->text);
    if (held->check != &schema_check_spike || !slice->n_values || held->slices_blamed++)
        return;
    snprintf(verdict->text + used, sizeof verdict->text - used, ". %.40s %.40s has nothing else",
             slice->values[0].field, slice->values[0].value ? slice->values[0].value : "null");
    verdict->slice = slice;
}

// What a slice says of a field that the whole stream's finding is about, too.
static void add_slice(struct owner *owner, const struct schema_judge *judge,
                      const struct schema_window_check *check)
{
    const struct weir_slice *slice = &judge->window->slices[judge->slice];
    for (size_t i = 0; i < owner->n_held; i++) {
        struct held *held = &owner->held[i];
        if (held->slice || held->field != judge->field)
            continue;
        size_t n = held->verdict.n_evidence;
        schema_verdict_add(&held->verdict, "slice", judge->field->field->name, NULL,
                           owner->verdict.text);
        if (held->verdict.n_evidence == n)
            return;
        held->verdict.evidence[n].slice = slice->values;
        held->verdict.evidence[n].n_slice = slice->n_values;
        if (check == &schema_check_frozen)
            blame_slice(held, slice);
        return;
    }
}

static void say(const struct weir_window *window, struct held *held)
{
    struct schema_verdict *verdict = &held->verdict;
    const struct weir_slice *slice = &window->slices[held->slice];
    const struct weir_slice *about = verdict->slice ? verdict->slice : slice;
    const char *fields[2] = {held->field ? held->field->field->name : NULL,
                             verdict->other ? verdict->other->name : NULL};
    char text[SCHEMA_TEXT + 160] = "";
    size_t used = 0;
    for (size_t i = 0; i < slice->n_values && used < 100; i++) {
        snprintf(text + used, 150 - used, "%s%.40s %.40s", i ? ", " : "In ", slice->values[i].field,
                 slice->values[i].value ? slice->values[i].value : "null");
        used = strlen(text);
    }
    snprintf(text + used, sizeof text - used, "%s%s", used ? ": " : "", verdict->text);
    for (size_t i = 0; i < verdict->n_evidence; i++) { // the verdict has moved since
        struct weir_evidence *evidence = &verdict->evidence[i];
        evidence->before = evidence->before ? verdict->words[2 * i] : NULL;
        evidence->after = evidence->after ? verdict->words[2 * i + 1] : NULL;
    }
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = verdict->rule ? verdict->rule : held->check->rule,
        .kind = held->check->kind,
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
    window->emit(window, &finding);
}

// ---- judging

static int run(struct owner *owner, struct schema_judge *judge,
               const struct schema_window_check *check)
{
    owner->verdict = (struct schema_verdict){
        .severity = WEIR_WARNING,
        .action = WEIR_ACTION_INVESTIGATE_UPSTREAM,
        .share = NAN,
        .statistic = {NULL, NAN, NAN, NAN, NAN},
        .provisional = 1,
    };
    return check->judge(judge, &owner->verdict);
}

static int is_judged(const struct weir_slice *slice)
{
    return (double)slice->rows_may_miss <= MAY_MISS * (double)slice->rows;
}

static void explain(struct owner *owner, const struct schema_judge *judge)
{
    const struct weir_field *other = owner->verdict.other;
    uint8_t by = judge->slice ? BY_SLICE : BY_STREAM;
    if (judge->field)
        owner->explained[judge->field - owner->schema->fields] |= by;
    for (size_t f = 0; other && f < owner->schema->n_fields; f++)
        owner->explained[f] |= owner->schema->fields[f].field == other ? by : 0;
}

// Whether rules for records have told of nearly all that the check has found.
static int is_told(const struct owner *owner, const struct schema_judge *judge,
                   const struct schema_window_check *check)
{
    if (!check->yields || !judge->field)
        return 0;
    const struct schema_told *told = &owner->extract.fields[judge->field - owner->schema->fields];
    double share = isnan(owner->verdict.share) ? 1 : owner->verdict.share;
    double count =
        owner->verdict.count ? (double)owner->verdict.count : share * (double)judge->now->values;
    return told->broken && (double)told->broken >= TOLD * count;
}

// What the whole stream shows of a field is said once; what slices alone show, of the first
// check that sees it.
static int found(struct owner *owner, const struct schema_judge *judge,
                 const struct schema_window_check *check)
{
    unsigned explained = judge->field ? owner->explained[judge->field - owner->schema->fields]
                                      : owner->explained[owner->schema->n_fields];
    if (!judge->slice && explained)
        return 0;
    if (judge->slice && (explained & BY_STREAM)) {
        if (judge->field)
            add_slice(owner, judge, check);
        return 0;
    }
    if (judge->slice && owner->reported++ >= SLICES_REPORTED)
        return 0;
    if (judge->slice && explained) { // by another check, in this or another slice
        for (size_t i = 0; i < owner->n_held; i++) {
            if (owner->held[i].field == judge->field && owner->held[i].slice == judge->slice)
                return 0;
        }
    }
    explain(owner, judge);
    if (is_told(owner, judge, check))
        return 0;
    if (!judge->field && !judge->slice)
        owner->explained[owner->schema->n_fields] |= BY_STREAM;
    return hold(owner, judge, check);
}

static int run_on(struct owner *owner, const struct weir_window *window, const size_t *of,
                  size_t slice, const struct schema_window_check *check,
                  const struct schema_field *field)
{
    const struct schema *schema = owner->schema;
    struct schema_judge judge = {.schema = schema,
                                 .window = window,
                                 .slice = slice,
                                 .field = field,
                                 .memory = &owner->memories.items[of[slice]],
                                 .extract = &owner->extract,
                                 .p_value = slice ? SCHEMA_P_VALUE / (double)(window->n_slices - 1)
                                                  : SCHEMA_P_VALUE,
                                 .adopt = schema_adopt(schema)};
    if (field) {
        judge.now = window->summary(window, slice, field->index);
        judge.all = window->summary(window, 0, field->index);
        judge.past = &judge.memory->fields[field - schema->fields];
        if (!judge.now || !judge.all)
            return 0;
    }
    return run(owner, &judge, check) ? found(owner, &judge, check) : 0;
}

static int run_checks(struct owner *owner, const struct weir_window *window, const size_t *of,
                      size_t slice)
{
    const struct schema *schema = owner->schema;
    int code = 0;
    for (size_t c = 0; c < schema_n_window_checks && !code; c++) {
        const struct schema_window_check *check = schema_window_checks[c];
        if (!(schema->window_checks & 1u << c))
            continue;
        if (check->scope == SCHEMA_OF_SLICE)
            code = run_on(owner, window, of, slice, check, NULL);
        for (size_t f = 0; f < schema->n_fields && check->scope == SCHEMA_OF_FIELD && !code; f++) {
            if (schema->fields[f].window_checks & 1u << c)
                code = run_on(owner, window, of, slice, check, &schema->fields[f]);
        }
    }
    return code;
}

static int judge(struct owner *owner, const struct weir_window *window)
{
    size_t *of = calloc(window->n_slices, sizeof *of);
    int code = of ? schema_memories_match(&owner->memories, window, of) : WEIR_ENOMEM;
    if (!code) {
        memset(owner->explained, 0, owner->schema->n_fields + 1);
        owner->reported = owner->n_held = 0;
        schema_extract_read(&owner->extract, owner->schema, window);
    }
    // The whole stream first: slices are named only where it says nothing.
    for (size_t s = 0; s < window->n_slices && !code; s++) {
        if (of[s] != SIZE_MAX && is_judged(&window->slices[s]))
            code = run_checks(owner, window, of, s);
    }
    for (size_t i = 0; i < owner->n_held && !code; i++)
        say(window, &owner->held[i]);
    if (!code)
        schema_memories_forget(&owner->memories);
    free(of);
    return code;
}

int schema_owner_window(void *state, const struct weir_window *window, struct weir_error *error)
{
    struct owner *owner = state;
    const struct schema *schema = owner->schema;
    if (window->phase != WEIR_FINAL || !window->n_slices ||
        (!schema->window_checks && !schema->bounds.conditions.n))
        return 0;
    // Too few records say nothing, for a change or against it.
    if (window->rows < schema->minimum && window->undecided)
        window->undecided(window);
    schema_bounds_window(schema, &owner->bounds, window);
    int code = schema->window_checks ? judge(owner, window) : 0;
    return code ? out_of_memory(error) : 0;
}

// ---- state: version 1 had none

int schema_owner_save(const void *state, struct weir_buffer *out)
{
    return schema_memories_write(&((const struct owner *)state)->memories, out);
}

int schema_owner_restore(void *state, uint32_t state_version, struct weir_reader *in,
                         struct weir_error *error)
{
    struct owner *owner = state;
    int code = state_version < 2 ? 0 : schema_memories_read(&owner->memories, state_version, in);
    if (code == WEIR_ENOMEM)
        return out_of_memory(error);
    return code ? weir_error_set(error, code, "the schema detector's state is damaged") : 0;
}
