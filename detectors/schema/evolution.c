// SPDX-License-Identifier: Apache-2.0
#include "detectors/schema/evolution.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/record.h"

enum {
    KNOWN = 256,          // ids that are remembered
    NAME = 1024,          // bytes of a field's path, at most
    TEXT = 256,           // of a type, a default, a symbol
    BASE_MOST = 1 << 20,  // bytes that are kept of a schema
    SYMBOLS_MOST = 100000 // of a field
};

int schema_evolution_create(struct schema_make *make, struct weir_error *error)
{
    struct weir_rule rule = {.name = "evolution",
                             .kind = "schema.evolution",
                             .field = -1,
                             .severity = WEIR_WARNING,
                             .action = WEIR_ACTION_FIX_PRODUCER};
    make->schema->evolution = -1;
    if (!make->config->options[SCHEMA_OPTION_EVOLUTION].integer)
        return 0;
    int number = make->setup->rule(make->setup, &rule, error);
    if (number < 0)
        return number;
    make->schema->evolution = number;
    return 0;
}

int schema_evolution_start(const struct schema *schema, struct schema_evolution *state)
{
    *state = (struct schema_evolution){.schema = schema};
    weir_buffer_init(&state->base_fields, BASE_MOST);
    state->known = calloc(KNOWN, sizeof *state->known);
    state->told = calloc(schema->stream->n_fields + 1, 1);
    return state->known && state->told ? 0 : WEIR_ENOMEM;
}

void schema_evolution_stop(struct schema_evolution *state)
{
    weir_buffer_free(&state->base_fields);
    free(state->known);
    free(state->told);
}

// ---- what a writer has of the stream's fields

static int has_alias(const struct weir_writer_field *field, const char *name)
{
    for (size_t i = 0; i < field->n_aliases; i++) {
        if (!strcmp(field->aliases[i], name))
            return 1;
    }
    return 0;
}

static const struct weir_writer_field *find(const struct weir_writer *writer, const char *name)
{
    for (size_t i = 0; i < writer->n_fields; i++) {
        if (!strcmp(writer->fields[i].name, name))
            return &writer->fields[i];
    }
    for (size_t i = 0; i < writer->n_fields; i++) {
        if (has_alias(&writer->fields[i], name))
            return &writer->fields[i];
    }
    // What is below a map, say, may be there.
    for (size_t i = 0; i < writer->n_fields; i++) {
        size_t n = strlen(writer->fields[i].name);
        if (writer->fields[i].as == WEIR_TYPE_UNKNOWN &&
            !strncmp(writer->fields[i].name, name, n) && (name[n] == '.' || name[n] == '['))
            return &writer->fields[i];
    }
    return NULL;
}

// The number of elements of an array, which no schema has as a field.
static int is_length(const char *name)
{
    size_t n = strlen(name), tail = strlen(".length");
    return n > tail && !strcmp(name + n - tail, ".length");
}

static int find_in_stream(const struct weir_stream *stream, const char *name)
{
    for (size_t f = 0; f < stream->n_fields; f++) {
        if (!strcmp(stream->fields[f].name, name))
            return (int)f;
    }
    return -1;
}

// ---- the newest schema, in bytes

static void put_cut(struct weir_buffer *out, const char *text, size_t room)
{
    size_t n = strlen(text);
    weir_put_bytes(out, text, n < room - 1 ? n : room - 1);
}

static int keep_base(struct schema_evolution *state, const struct weir_writer *writer)
{
    const struct weir_stream *stream = state->schema->stream;
    struct weir_buffer *out = &state->base_fields;
    weir_buffer_reset(out);
    state->base = writer->id;
    for (size_t f = 0; f < stream->n_fields; f++) {
        const struct weir_writer_field *field = find(writer, stream->fields[f].name);
        if (!field || strlen(stream->fields[f].name) >= NAME)
            continue;
        put_cut(out, stream->fields[f].name, NAME);
        put_cut(out, field->type, TEXT);
        weir_put_long(out, field->nullable);
        weir_put_long(out, field->missing != NULL);
        put_cut(out, field->missing ? field->missing : "", TEXT);
        weir_put_long(out, (int64_t)field->n_symbols);
        for (size_t i = 0; i < field->n_symbols; i++)
            put_cut(out, field->symbols[i], TEXT);
    }
    if (!out->failed)
        return 0;
    int too_long = out->length > BASE_MOST / 2; // then nothing is compared with it
    weir_buffer_reset(out);
    return too_long ? 0 : WEIR_ENOMEM;
}

struct base_field {
    char name[NAME], type[TEXT], missing[TEXT];
    int nullable, has_missing;
    size_t n_symbols;
};

static void get_text(struct weir_reader *in, char *out, size_t size)
{
    size_t n;
    const uint8_t *bytes = weir_get_bytes(in, &n);
    if (in->failed || n >= size) {
        in->failed = 1;
        n = 0;
    }
    if (n)
        memcpy(out, bytes, n);
    out[n] = 0;
}

// All but its symbols, which follow.
static void read_base_field(struct weir_reader *in, struct base_field *field)
{
    get_text(in, field->name, sizeof field->name);
    get_text(in, field->type, sizeof field->type);
    field->nullable = weir_get_count(in, 1) != 0;
    field->has_missing = weir_get_count(in, 1) != 0;
    get_text(in, field->missing, sizeof field->missing);
    field->n_symbols = weir_get_count(in, SYMBOLS_MOST);
}

// ---- comparing

struct comparison {
    struct schema_evolution *state;
    const struct weir_writer *writer;
    const struct weir_edge *host;
    uint32_t row;
    int found;
};

__attribute__((format(printf, 2, 3))) static void tell(struct comparison *comparison,
                                                       const char *format, ...)
{
    char name[WEIR_RULE_DETAIL_BYTES + 1];
    unsigned rule = (unsigned)comparison->state->schema->evolution;
    double id = comparison->writer->id;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    if (!comparison->found++)
        comparison->host->flag(comparison->host, rule, &comparison->row, 1);
    comparison->host->detail(comparison->host, rule, name, strlen(name), &comparison->row, &id, 1);
}

// By Avro's rules the second can stand for the first, or both are read as strings.
static int widens(const char *from, const char *to)
{
    static const char *const wider[][2] = {
        {"int", "long"},     {"int", "float"},   {"int", "double"}, {"long", "double"},
        {"float", "double"}, {"string", "enum"}, {"enum", "string"}};
    for (size_t i = 0; i < sizeof wider / sizeof *wider; i++) {
        if (!strcmp(from, wider[i][0]) && !strcmp(to, wider[i][1]))
            return 1;
    }
    return !strcmp(from, to);
}

static int fits(enum weir_type as, enum weir_type wanted)
{
    return as == wanted || as == WEIR_TYPE_UNKNOWN || wanted == WEIR_TYPE_UNKNOWN ||
           (as == WEIR_TYPE_LONG && wanted == WEIR_TYPE_DOUBLE) ||
           (as == WEIR_TYPE_DOUBLE && wanted == WEIR_TYPE_LONG) ||
           (as == WEIR_TYPE_STRING && wanted == WEIR_TYPE_BYTES) ||
           (as == WEIR_TYPE_BYTES && wanted == WEIR_TYPE_STRING);
}

static void compare_symbols(struct comparison *comparison, struct weir_reader *in,
                            const struct base_field *base, const struct weir_writer_field *now)
{
    char symbol[TEXT];
    for (size_t i = 0; i < base->n_symbols && !in->failed; i++) {
        size_t k = 0;
        get_text(in, symbol, sizeof symbol);
        while (now && k < now->n_symbols && strncmp(now->symbols[k], symbol, TEXT - 1) != 0)
            k++;
        // One that is no enum any more has another type, which is said.
        if (now && now->n_symbols && k == now->n_symbols && !in->failed)
            tell(comparison, "symbol %.40s: %s", base->name, symbol);
    }
}

static void compare_with_base(struct comparison *comparison)
{
    struct schema_evolution *state = comparison->state;
    const struct weir_stream *stream = state->schema->stream;
    struct weir_reader in = weir_reader_make(state->base_fields.data, state->base_fields.length);
    struct base_field base;
    while (weir_reader_left(&in) && !in.failed) {
        read_base_field(&in, &base);
        int f = in.failed ? -1 : find_in_stream(stream, base.name);
        const struct weir_writer_field *now = find(comparison->writer, base.name);
        if (f >= 0 && !now) {
            tell(comparison, "removed %s", base.name);
        } else if (f >= 0 && !widens(base.type, now->type)) {
            tell(comparison, "type %.28s: %.16s -> %s", base.name, base.type, now->type);
        } else if (f >= 0 && now->nullable && !base.nullable && !stream->fields[f].nullable) {
            tell(comparison, "null %s", base.name);
        }
        if (f >= 0)
            state->told[f] = 1;
        if (f >= 0 && now && now->missing && base.has_missing &&
            strncmp(now->missing, base.missing, TEXT - 1) != 0)
            tell(comparison, "default %.30s: %.12s -> %.12s", base.name, base.missing,
                 now->missing);
        compare_symbols(comparison, &in, &base, f >= 0 ? now : NULL);
    }
}

// What has no schema before it to be compared with.
static void compare_with_stream(struct comparison *comparison)
{
    const struct weir_stream *stream = comparison->state->schema->stream;
    for (size_t f = 0; f < stream->n_fields; f++) {
        const struct weir_field *field = &stream->fields[f];
        const struct weir_writer_field *now = find(comparison->writer, field->name);
        if (comparison->state->told[f] || is_length(field->name) || (int)f == stream->time)
            continue;
        if (!now && !field->optional && field->role != WEIR_ROLE_KEY)
            tell(comparison, "removed %s", field->name);
        else if (now && !fits(now->as, field->type))
            tell(comparison, "type %.28s: %.16s -> %s", field->name, weir_type_name(field->type),
                 now->type);
    }
}

static int is_known(const struct schema_evolution *state, int32_t id)
{
    for (size_t i = 0; i < state->n_known; i++) {
        if (state->known[i] == id)
            return 1;
    }
    return 0;
}

static void learn(struct schema_evolution *state, int32_t id)
{
    if (state->n_known == KNOWN)
        memmove(state->known, state->known + 1, --state->n_known * sizeof *state->known);
    state->known[state->n_known++] = id;
}

static int meet(struct schema_evolution *state, const struct weir_writer *writer, uint32_t row,
                const struct weir_edge *host)
{
    struct comparison comparison = {state, writer, host, row, 0};
    // Registries count upwards: an older schema that comes late has lost nothing.
    int newer = !state->base_fields.length || writer->id > state->base;
    memset(state->told, 0, state->schema->stream->n_fields);
    if (state->base_fields.length && newer)
        compare_with_base(&comparison);
    compare_with_stream(&comparison);
    if (comparison.found && state->base_fields.length && newer) {
        unsigned rule = (unsigned)state->schema->evolution;
        double base = state->base;
        host->detail(host, rule, "before", 6, &row, &base, 1);
    }
    learn(state, writer->id);
    return newer ? keep_base(state, writer) : 0;
}

int schema_evolution_observe(struct schema_evolution *state, const struct weir_batch *batch,
                             const struct weir_edge *host)
{
    uint8_t last = WEIR_WRITER_NONE;
    int code = 0;
    if (state->schema->evolution < 0 || !batch->writer)
        return 0;
    for (uint32_t i = 0; i < batch->n_rows && !code; i++) {
        if (batch->writer[i] == last)
            continue;
        last = batch->writer[i];
        if (last != WEIR_WRITER_NONE && !is_known(state, batch->writers[last]->id))
            code = meet(state, batch->writers[last], i, host);
    }
    return code;
}

// ---- state

int schema_evolution_save(const struct schema_evolution *state, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)state->n_known);
    for (size_t i = 0; i < state->n_known; i++)
        weir_put_long(out, state->known[i]);
    weir_put_long(out, state->base);
    weir_put_bytes(out, state->base_fields.data, state->base_fields.length);
    return out->failed ? WEIR_ENOMEM : 0;
}

static int is_sound(const uint8_t *bytes, size_t length)
{
    struct weir_reader in = weir_reader_make(bytes, length);
    struct base_field field;
    while (weir_reader_left(&in) && !in.failed) {
        read_base_field(&in, &field);
        for (size_t i = 0; i < field.n_symbols && !in.failed; i++)
            get_text(&in, field.type, sizeof field.type);
    }
    return !in.failed;
}

int schema_evolution_restore(struct schema_evolution *state, struct weir_reader *in)
{
    size_t length = 0;
    state->n_known = weir_get_count(in, KNOWN);
    for (size_t i = 0; i < state->n_known; i++)
        state->known[i] = (int32_t)weir_get_long(in);
    state->base = (int32_t)weir_get_long(in);
    const uint8_t *bytes = weir_get_bytes(in, &length);
    weir_buffer_reset(&state->base_fields);
    if (in->failed || length > BASE_MOST || !is_sound(bytes, length)) {
        state->n_known = 0;
        return WEIR_ECORRUPT;
    }
    return length && weir_buffer_append(&state->base_fields, bytes, length) ? WEIR_ENOMEM : 0;
}

// ---- words

// "removed amount", "type amount: double -> string": the name of the field.
static size_t field_of(const char *change, const char **name)
{
    const char *space = strchr(change, ' ');
    *name = space ? space + 1 : change + strlen(change);
    return strcspn(*name, ":");
}

static void put_change(struct schema_text *out, const char *change)
{
    const char *name, *arrow = strstr(change, " -> "), *colon = strstr(change, ": ");
    size_t n = field_of(change, &name);
    int before = arrow && colon ? (int)(arrow - colon - 2) : 0;
    if (!strncmp(change, "removed", 7))
        schema_put(out, "%.*s is not in it", (int)n, name);
    else if (!strncmp(change, "type", 4) && arrow && colon)
        schema_put(out, "%.*s is %s, was %.*s", (int)n, name, arrow + 4, before, colon + 2);
    else if (!strncmp(change, "default", 7) && arrow && colon)
        schema_put(out, "the default of %.*s is %s, was %.*s", (int)n, name, arrow + 4, before,
                   colon + 2);
    else if (!strncmp(change, "symbol", 6) && colon)
        schema_put(out, "%.*s can no longer be %s", (int)n, name, colon + 2);
    else
        schema_put(out, "%.*s may be null", (int)n, name);
}

// Fields that a model cannot do without, or will misread.
static int is_critical(const struct schema *schema, const char *change, int *field)
{
    const char *name;
    size_t n = field_of(change, &name);
    for (size_t f = 0; f < schema->stream->n_fields; f++) {
        const struct weir_field *of = &schema->stream->fields[f];
        if (strlen(of->name) != n || strncmp(of->name, name, n) != 0)
            continue;
        *field = (int)f;
        return !strncmp(change, "type", 4) || (!strncmp(change, "removed", 7) && !of->optional);
    }
    return 0;
}

int schema_evolution_say(const struct schema *schema, const struct weir_rule_count *count,
                         struct weir_finding *finding, char *text, size_t size)
{
    enum { TOLD = 4 };
    struct schema_text out = {text, size, 0};
    double low = INFINITY, high = -INFINITY, before = NAN;
    size_t n = 0;
    int field = -1;
    if (schema->evolution < 0 || (unsigned)schema->evolution != count->rule)
        return 0;
    finding->severity = WEIR_WARNING;
    for (size_t i = 0; i < count->n_details; i++) {
        const struct weir_rule_detail *detail = &count->details[i];
        if (!strcmp(detail->name, "before")) {
            before = detail->minimum;
            continue;
        }
        low = fmin(low, detail->minimum);
        high = fmax(high, detail->maximum);
        if (is_critical(schema, detail->name, &field))
            finding->severity = WEIR_CRITICAL;
    }
    schema_put(&out, "Records come with writer schema %.0f", low);
    if (high > low)
        schema_put(&out, " to %.0f", high);
    schema_put(&out,
               isnan(before) ? ", which the contract does not fit: " : ", after %.0f: ", before);
    for (size_t i = 0; i < count->n_details; i++) {
        if (!strcmp(count->details[i].name, "before") || n++ >= TOLD)
            continue;
        schema_put(&out, n > 1 ? "; " : "");
        put_change(&out, count->details[i].name);
    }
    if (n > TOLD)
        schema_put(&out, "; and %zu changes more", n - TOLD);
    schema_put(&out, ". Roll the producer back, or change the contract and the model with it");
    if (field >= 0) {
        finding->fields = &schema->stream->fields[field].name;
        finding->n_fields = 1;
    }
    finding->summary = text;
    finding->count = count->count;
    finding->share = NAN;
    finding->action = WEIR_ACTION_FIX_PRODUCER;
    finding->statistic = (struct weir_statistic){"schema_id", high, NAN, NAN, before};
    return 1;
}
