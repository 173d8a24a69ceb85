// SPDX-License-Identifier: Apache-2.0
// Values that are not there, and values that are something else.
#include <string.h>

#include "detectors/schema/record.h"

int schema_observe_null(struct schema_pass *pass)
{
    const struct weir_column *column = pass->column;
    uint32_t n = 0;
    for (uint32_t i = pass->first; column->n_null && i < column->n; i++) {
        pass->edge->found[n] = i;
        n += column->state[i] == WEIR_STATE_NULL;
    }
    schema_flag(pass, SCHEMA_NULL, n);
    return 0;
}

int schema_observe_missing(struct schema_pass *pass)
{
    const struct weir_column *column = pass->column;
    uint32_t lost = pass->batch->n_undecodable + pass->batch->n_tombstones, n = 0;
    if (column->n_missing == lost)
        return 0;
    for (uint32_t i = pass->first; i < column->n; i++) {
        if (column->state[i] == WEIR_STATE_MISSING && schema_has_record(pass->batch, i))
            pass->edge->found[n++] = i;
    }
    schema_flag(pass, SCHEMA_MISSING, n);
    return 0;
}

int schema_observe_empty(struct schema_pass *pass)
{
    const struct weir_column *column = pass->column;
    uint32_t n = 0;
    for (uint32_t i = pass->first; column->n_fault && i < column->n; i++) {
        pass->edge->found[n] = i;
        n += column->state[i] == WEIR_STATE_FAULT_EMPTY;
    }
    schema_flag(pass, SCHEMA_EMPTY, n);
    return 0;
}

// What stands where the type is wanted: its name among the details, and for people.
static const struct {
    enum weir_state state;
    const char *words;
} faults[] = {
    {WEIR_STATE_FAULT, "something else"},
    {WEIR_STATE_FAULT_NUMBER_STRING, "text that spells a number (\"123\")"},
    {WEIR_STATE_FAULT_STRING, "text"},
    {WEIR_STATE_FAULT_BOOLEAN, "true or false"},
    {WEIR_STATE_FAULT_NUMBER, "a number"},
    {WEIR_STATE_FAULT_FRACTION, "a fraction (1.5)"},
    {WEIR_STATE_FAULT_OVERFLOW, "a number beyond what the type holds"},
    {WEIR_STATE_FAULT_OBJECT, "an object"},
    {WEIR_STATE_FAULT_ARRAY, "a list"},
    {WEIR_STATE_FAULT_UTF8, "text that is not UTF-8"},
    {WEIR_STATE_FAULT_BOOLEAN_STRING, "text that spells true or false (\"true\")"},
    {WEIR_STATE_FAULT_DATE, "a date written as text"},
};
enum { FAULTS = sizeof faults / sizeof *faults };

static uint8_t fault_of(uint8_t state)
{
    for (int i = 1; i < FAULTS; i++) {
        if (faults[i].state == state)
            return (uint8_t)i;
    }
    return 0;
}

int schema_observe_type(struct schema_pass *pass)
{
    const struct weir_column *column = pass->column;
    const char *names[FAULTS];
    uint8_t kind = 0, last = 0;
    uint32_t n = 0;
    if (!column->n_fault)
        return 0;
    for (uint32_t i = pass->first; i < column->n; i++) {
        uint8_t state = column->state[i];
        if (state < WEIR_STATE_FAULT || state == WEIR_STATE_FAULT_EMPTY)
            continue;
        if (state != last)
            kind = fault_of(last = state);
        pass->edge->kinds[n] = kind;
        pass->edge->found[n++] = i;
    }
    for (size_t i = 0; i < FAULTS; i++)
        names[i] = faults[i].words;
    schema_flag_kinds(pass, SCHEMA_TYPE, n, names, FAULTS, 0);
    return 0;
}

void schema_say_type(const struct schema_said *said, struct schema_text *text)
{
    enum { SHOWN = 4 };
    const struct weir_field *field = said->field->field;
    const struct weir_rule_count *count = said->count;
    const char *type = weir_type_name(field->type);
    if (count->n_details == 1) {
        schema_put(text, "have %s where a %s is wanted", count->details[0].name, type);
        return;
    }
    schema_put(text, "have a value that is not of the type %s", type);
    for (size_t i = 0; i < count->n_details && i < SHOWN; i++) {
        schema_put(text, i ? ", " : ": ");
        schema_put_count(text, count->details[i].count);
        schema_put(text, " with %s", count->details[i].name);
    }
    if (count->n_details > SHOWN)
        schema_put(text, ", and others");
}
