// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/writer.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FIELDS = 2000, MAX_PATH = 512, MAX_VISITS = 20000, OPEN = 64 };

struct block {
    struct block *next;
    char data[];
};

struct made {
    struct weir_writer writer; // first
    struct weir_writer_field *fields;
    size_t room;
    struct block *blocks;
};

struct walk {
    struct made *made;
    char path[MAX_PATH];
    size_t length;
    const struct weir_avro_type *open[OPEN]; // records that the value is in
    size_t n_open;
    int nullable, code;
    int capped; // it is too large, or too deep
    uint32_t visits;
    const struct weir_avro_field *field; // the innermost that holds the value
};

static void *take(struct walk *walk, size_t size)
{
    struct block *block = malloc(sizeof *block + size);
    if (!block) {
        walk->code = WEIR_ENOMEM;
        return NULL;
    }
    block->next = walk->made->blocks;
    walk->made->blocks = block;
    return block->data;
}

static const char *copy(struct walk *walk, const char *text)
{
    size_t size = text ? strlen(text) + 1 : 0;
    char *made = text ? take(walk, size) : NULL;
    return made ? memcpy(made, text, size) : NULL;
}

static const char *const *copy_list(struct walk *walk, const char *const *list, size_t n)
{
    const char **made = n ? take(walk, n * sizeof *made) : NULL;
    for (size_t i = 0; made && i < n; i++)
        made[i] = copy(walk, list[i]);
    return made;
}

static const char *type_name(const struct weir_avro_type *type)
{
    static const char *const logical[] = {[WEIR_AVRO_LOGICAL_NONE] = NULL,
                                          [WEIR_AVRO_LOGICAL_DATE] = "date",
                                          [WEIR_AVRO_LOGICAL_TIMESTAMP_MILLIS] = "timestamp-millis",
                                          [WEIR_AVRO_LOGICAL_TIMESTAMP_MICROS] = "timestamp-micros",
                                          [WEIR_AVRO_LOGICAL_TIMESTAMP_NANOS] = "timestamp-nanos",
                                          [WEIR_AVRO_LOGICAL_DECIMAL] = "decimal",
                                          [WEIR_AVRO_LOGICAL_UUID] = "uuid"};
    return logical[type->logical] ? logical[type->logical] : weir_avro_kind_name(type->kind);
}

// Other paths of the field: with its own aliases, not with those of what holds it.
static void add_aliases(struct walk *walk, struct weir_writer_field *field)
{
    const struct weir_avro_field *of = walk->field;
    size_t own = of ? strlen(of->name) : 0;
    const char **names = of && of->n_aliases ? take(walk, of->n_aliases * sizeof *names) : NULL;
    // In a list the path has a tail.
    if (!names || walk->length < own || strcmp(walk->path + walk->length - own, of->name) != 0)
        return;
    for (size_t i = 0; i < of->n_aliases; i++) {
        size_t before = walk->length - own, size = strlen(of->aliases[i]) + 1;
        char *name = take(walk, before + size);
        if (!name)
            return;
        memcpy(name, walk->path, before);
        memcpy(name + before, of->aliases[i], size);
        names[i] = name;
    }
    field->aliases = names;
    field->n_aliases = of->n_aliases;
}

static void add(struct walk *walk, const struct weir_avro_type *type, const char *name,
                enum weir_type as)
{
    struct made *made = walk->made;
    if (made->writer.n_fields == MAX_FIELDS) {
        walk->capped = 1;
        return;
    }
    if (made->writer.n_fields == made->room) {
        size_t room = made->room ? 2 * made->room : 16;
        struct weir_writer_field *grown = realloc(made->fields, room * sizeof *grown);
        if (!grown) {
            walk->code = WEIR_ENOMEM;
            return;
        }
        made->fields = grown;
        made->room = room;
    }
    struct weir_writer_field field = {.name = copy(walk, walk->path),
                                      .type = copy(walk, name),
                                      .as = as,
                                      .nullable = walk->nullable,
                                      .missing = walk->field ? copy(walk, walk->field->default_json)
                                                             : NULL};
    add_aliases(walk, &field);
    if (type->kind == WEIR_AVRO_KIND_ENUM) {
        field.symbols = copy_list(walk, type->symbols, type->n);
        field.n_symbols = field.symbols ? type->n : 0;
    }
    made->fields[made->writer.n_fields++] = field;
}

static void visit(struct walk *walk, const struct weir_avro_type *type);

static void visit_below(struct walk *walk, const char *separator, const char *name,
                        const struct weir_avro_type *type)
{
    size_t old = walk->length;
    int n = snprintf(walk->path + old, MAX_PATH - old, "%s%s", old ? separator : "", name);
    if (n >= 0 && (size_t)n < MAX_PATH - old) {
        walk->length = old + (size_t)n;
        visit(walk, type);
    } else {
        walk->capped = 1;
    }
    walk->length = old;
    walk->path[old] = 0;
}

static void visit_record(struct walk *walk, const struct weir_avro_type *type)
{
    const struct weir_avro_field *field = walk->field;
    int nullable = walk->nullable;
    for (size_t i = 0; i < walk->n_open; i++) {
        if (walk->open[i] == type) { // within itself
            add(walk, type, "record", WEIR_TYPE_UNKNOWN);
            return;
        }
    }
    if (walk->n_open == OPEN) {
        walk->capped = 1;
        return;
    }
    walk->open[walk->n_open++] = type;
    for (size_t i = 0; i < type->n; i++) {
        walk->field = &type->fields[i];
        walk->nullable = nullable;
        visit_below(walk, ".", type->fields[i].name, type->fields[i].type);
    }
    walk->field = field;
    walk->n_open--;
}

// A union of null and one type is that type; one of several goes by all their names.
static void visit_union(struct walk *walk, const struct weir_avro_type *type)
{
    const struct weir_avro_type *only = NULL;
    char names[200] = "";
    int nullable = walk->nullable;
    size_t n = 0, used = 0;
    for (size_t i = 0; i < type->n; i++) {
        if (type->types[i]->kind == WEIR_AVRO_KIND_NULL) {
            walk->nullable = 1;
            continue;
        }
        only = type->types[i];
        n++;
        if (used < sizeof names - 40)
            used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? " or " : "",
                                     type_name(only));
    }
    if (n == 1)
        visit(walk, only);
    else if (n)
        add(walk, type, names, WEIR_TYPE_UNKNOWN);
    walk->nullable = nullable;
}

static void visit(struct walk *walk, const struct weir_avro_type *type)
{
    walk->capped |= ++walk->visits > MAX_VISITS;
    if (walk->code || walk->capped)
        return;
    // A datum that is no record has one field.
    if (!walk->length && type->kind != WEIR_AVRO_KIND_RECORD &&
        type->kind != WEIR_AVRO_KIND_UNION && type->kind != WEIR_AVRO_KIND_NULL) {
        visit_below(walk, "", "value", type);
        return;
    }
    switch (type->kind) {
    case WEIR_AVRO_KIND_NULL:
        break;
    case WEIR_AVRO_KIND_MAP:
        add(walk, type, "map", WEIR_TYPE_UNKNOWN);
        break;
    case WEIR_AVRO_KIND_RECORD:
        visit_record(walk, type);
        break;
    case WEIR_AVRO_KIND_UNION:
        visit_union(walk, type);
        break;
    case WEIR_AVRO_KIND_ARRAY:
        visit_below(walk, "[]", "", type->types[0]);
        break;
    default:
        add(walk, type, type_name(type), weir_avro_column_type(type));
    }
}

int weir_writer_make(int32_t id, const struct weir_avro_schema *schema, struct weir_writer **writer)
{
    struct walk walk = {.made = calloc(1, sizeof *walk.made)};
    if (!walk.made)
        return WEIR_ENOMEM;
    visit(&walk, weir_avro_schema_root(schema));
    walk.made->writer.id = id;
    walk.made->writer.fields = walk.made->fields;
    if (!walk.code && walk.capped)
        walk.code = WEIR_EINVAL;
    if (walk.code)
        weir_writer_free(&walk.made->writer);
    else
        *writer = &walk.made->writer;
    return walk.code;
}

void weir_writer_free(struct weir_writer *writer)
{
    struct made *made = (struct made *)writer;
    if (!made)
        return;
    while (made->blocks) {
        struct block *next = made->blocks->next;
        free(made->blocks);
        made->blocks = next;
    }
    free(made->fields);
    free(made);
}
