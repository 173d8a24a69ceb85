// SPDX-License-Identifier: Apache-2.0
// Values that do not go together. Where several fields say what one is, more of them must be
// against it than for it: a wrong key would blame all that it says otherwise.
#include "detectors/schema/depends.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/record.h"
#include "stats/habits.h"

enum { NAME = 300, CRITICAL = 10 };

void schema_depends_destroy(struct schema_depends *depends)
{
    for (size_t i = 0; i < depends->n; i++) {
        for (size_t k = 0; k < depends->rules[i].n; k++)
            free(depends->rules[i].tables[k].slots);
    }
    free(depends->rules);
    *depends = (struct schema_depends){0};
}

static int out_of_memory(struct weir_error *error)
{
    return weir_error_set(error, WEIR_ENOMEM, "schema: no memory for what depends on what");
}

static int make_table(const struct weir_depends *from, struct schema_depends_table *table)
{
    size_t size = 16;
    while (size < 2 * from->n)
        size *= 2;
    table->slots = calloc(2 * size, sizeof *table->slots);
    table->mask = size - 1;
    if (!table->slots)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < from->n; i++) {
        size_t at = from->keys[i] & table->mask;
        while (table->slots[2 * at])
            at = (at + 1) & table->mask;
        table->slots[2 * at] = from->keys[i];
        table->slots[2 * at + 1] = from->values[i];
    }
    return 0;
}

// ---- the option

struct reading {
    struct schema_make *make;
    struct weir_error *error;
    size_t item;
    int by, field;
};

#define COMPLAIN(reading, warning, offset, ...)                                                    \
    schema_complain((reading)->make, warning, -1, "depends", (reading)->item, offset, __VA_ARGS__)

static int find_field(struct reading *reading, const char *text, size_t from, size_t to)
{
    const struct weir_stream *stream = reading->make->config->stream;
    while (from < to && text[from] == ' ')
        from++;
    while (to > from && text[to - 1] == ' ')
        to--;
    for (size_t f = 0; f < stream->n_fields; f++) {
        const char *name = stream->fields[f].name;
        if (strlen(name) != to - from || strncmp(name, text + from, to - from))
            continue;
        if (stream->fields[f].is_list)
            COMPLAIN(reading, 0, from, "%s is a list: lists depend on nothing", name);
        return (int)f;
    }
    if (!reading->make->setup->tentative)
        COMPLAIN(reading, 0, from, "there is no field '%.*s'", (int)(to - from), text + from);
    return -1;
}

// The two fields of "zip -> city"; 0 where they cannot be told.
static int read_fields(struct reading *reading, const char *text)
{
    const char *arrow = strstr(text, "->");
    if (!arrow) {
        COMPLAIN(reading, 0, 0, "say FIELD -> FIELD: `zip -> city`, where the zip says the city");
        return 0;
    }
    size_t at = (size_t)(arrow - text);
    reading->by = find_field(reading, text, 0, at);
    reading->field = find_field(reading, text, at + 2, strlen(text));
    if (reading->by >= 0 && reading->by == reading->field)
        COMPLAIN(reading, 0, at + 2, "a field says what it is itself");
    return reading->by >= 0 && reading->field >= 0;
}

// What the first reference that knows has learnt; NULL: none has.
static const struct weir_depends *learnt(const struct reading *reading)
{
    const struct weir_setup *setup = reading->make->setup;
    const struct weir_field *fields = reading->make->config->stream->fields;
    for (size_t r = 0; r < reading->make->config->n_references; r++) {
        const struct weir_summary *summary = setup->reference(setup, r, reading->field);
        const struct weir_habits *habits = summary ? summary->cells->habits : NULL;
        for (size_t i = 0; habits && i < habits->n_by; i++) {
            const struct weir_depends *by = &habits->by[i];
            if (!strcmp(by->by, fields[reading->by].name) &&
                by->by_type == fields[reading->by].type && by->type == fields[reading->field].type)
                return by;
        }
    }
    return NULL;
}

static struct schema_depends_rule *rule_for(struct schema_depends *depends, int field)
{
    for (size_t i = 0; i < depends->n; i++) {
        if (depends->rules[i].field == field)
            return &depends->rules[i];
    }
    struct schema_depends_rule *rule = &depends->rules[depends->n++];
    rule->field = field;
    return rule;
}

static int read_item(struct reading *reading, const char *text)
{
    struct schema_depends *depends = &reading->make->schema->depends;
    const struct weir_field *fields = reading->make->config->stream->fields;
    if (!read_fields(reading, text) || reading->make->faults)
        return 0;
    const struct weir_depends *from = learnt(reading);
    if (!from) {
        COMPLAIN(reading, 1, 0,
                 "no reference knows what %s goes with a %s: it was not so in the data of the "
                 "profile, or with too few repeats. It is not looked at",
                 fields[reading->field].name, fields[reading->by].name);
        return 0;
    }
    struct schema_depends_rule *rule = rule_for(depends, reading->field);
    for (size_t k = 0; k < rule->n; k++) {
        if (rule->by[k] == reading->by)
            return 0;
    }
    // A reference knows no more of them, but there may be several references.
    if (rule->n == WEIR_DEPENDS_BY)
        return 0;
    rule->by[rule->n] = reading->by;
    return make_table(from, &rule->tables[rule->n++]) ? out_of_memory(reading->error) : 0;
}

static int declare(struct schema_make *make, struct schema_depends_rule *rule,
                   struct weir_error *error)
{
    char name[NAME];
    snprintf(name, sizeof name, "depends:%s", make->config->stream->fields[rule->field].name);
    struct weir_rule declared = {.name = name,
                                 .kind = "schema.rule",
                                 .field = rule->field,
                                 .severity = WEIR_WARNING,
                                 .action = WEIR_ACTION_INVESTIGATE_UPSTREAM};
    return schema_declare(make, &declared, (struct schema_rule){0}, &rule->number, error);
}

int schema_depends_create(struct schema_make *make, struct weir_error *error)
{
    struct schema_depends *depends = &make->schema->depends;
    const struct weir_option_value *option = &make->config->options[SCHEMA_OPTION_DEPENDS];
    size_t n = option->set ? option->n_strings : 0;
    struct reading reading = {.make = make, .error = error};
    depends->stream = make->config->stream;
    if (!n)
        return 0;
    depends->rules = calloc(n, sizeof *depends->rules);
    int code = depends->rules ? 0 : out_of_memory(error);
    if (!code && !make->config->n_references)
        COMPLAIN(&reading, 0, 0, "a reference says what goes with what: `reference: NAME`");
    for (size_t i = 0; i < n && !code; i++) {
        reading.item = i;
        code = read_item(&reading, option->strings[i]);
    }
    for (size_t i = 0; i < depends->n && !code && !make->faults; i++)
        code = declare(make, &depends->rules[i], error);
    return code;
}

// ---- at the edge

// Adds 1 to the rows whose value is another than the key's, and takes 1 from those where it is the
// same.
static void vote(const struct schema_depends_table *table, const struct weir_column *by,
                 const uint64_t *value, uint32_t n, int8_t *against)
{
    for (uint32_t i = 0; i < n; i++) {
        uint64_t key = weir_depends_hash(by, i);
        size_t at = key & table->mask;
        if (!key)
            continue;
        while (table->slots[2 * at] && table->slots[2 * at] != key)
            at = (at + 1) & table->mask;
        if (table->slots[2 * at] && value[i])
            against[i] = (int8_t)(against[i] + (table->slots[2 * at + 1] == value[i] ? -1 : 1));
    }
}

void schema_depends_observe(const struct schema_depends *depends, const struct weir_batch *batch,
                            const struct weir_edge *host, uint32_t *found)
{
    int8_t against[WEIR_BATCH_ROWS];
    uint64_t value[WEIR_BATCH_ROWS];
    for (size_t r = 0; r < depends->n; r++) {
        const struct schema_depends_rule *rule = &depends->rules[r];
        uint32_t n = 0;
        const struct weir_column *column = &batch->columns[rule->field];
        memset(against, 0, batch->n_rows);
        for (uint32_t i = 0; i < batch->n_rows; i++)
            value[i] = weir_depends_hash(column, i);
        for (size_t k = 0; k < rule->n; k++)
            vote(&rule->tables[k], &batch->columns[rule->by[k]], value, batch->n_rows, against);
        for (uint32_t i = 0; i < batch->n_rows; i++) {
            found[n] = i;
            n += against[i] > 0;
        }
        if (n)
            host->flag(host, (unsigned)rule->number, found, n);
    }
}

// ---- words

int schema_depends_say(const struct schema_depends *depends, const struct weir_rule_count *count,
                       double critical_share, const char *reference, struct weir_finding *finding,
                       char *text, size_t size)
{
    const struct schema_depends_rule *rule = NULL;
    const struct weir_field *fields = depends->stream->fields;
    for (size_t i = 0; i < depends->n && !rule; i++)
        rule = (unsigned)depends->rules[i].number == count->rule ? &depends->rules[i] : NULL;
    if (!rule)
        return 0;
    struct schema_text out = {text, size, 0};
    double share = count->rows ? (double)count->count / (double)count->rows : NAN;
    const char *name = fields[rule->field].name;
    schema_put(&out, "%s: ", name);
    schema_put_records(&out, "all ", count->count, count->rows);
    schema_put(&out, "%s another %s than went with the same ", count->count == 1 ? "has" : "have",
               name);
    for (size_t k = 0; k < rule->n; k++)
        schema_put(&out, "%s%s",
                   !k                ? ""
                   : k + 1 < rule->n ? ", "
                                     : " or ",
                   fields[rule->by[k]].name);
    schema_put(&out,
               " in %s: look at the join or lookup that fills it. Where it has truly changed, make "
               "the profile anew",
               reference);
    finding->summary = text;
    finding->count = count->count;
    finding->share = share;
    finding->severity =
        count->count >= CRITICAL && share >= critical_share ? WEIR_CRITICAL : WEIR_WARNING;
    finding->statistic = (struct weir_statistic){"share", share, NAN, NAN, NAN};
    return 1;
}
