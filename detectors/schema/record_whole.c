// SPDX-License-Identifier: Apache-2.0
// What is wrong with a record as a whole.
#include "detectors/schema/record.h"

static void flag_fault(struct schema_pass *pass, enum schema_check check, enum weir_row_fault fault)
{
    uint32_t n = 0;
    for (uint32_t row = 0; row < pass->batch->n_rows; row++) {
        pass->edge->found[n] = row;
        n += pass->batch->fault[row] == fault;
    }
    schema_flag(pass, check, n);
}

int schema_observe_undecodable(struct schema_pass *pass)
{
    if (pass->batch->n_undecodable)
        flag_fault(pass, SCHEMA_UNDECODABLE, WEIR_ROW_UNDECODABLE);
    return 0;
}

int schema_observe_no_time(struct schema_pass *pass)
{
    if (pass->batch->n_no_time)
        flag_fault(pass, SCHEMA_TIME, WEIR_ROW_NO_TIME);
    return 0;
}

int schema_observe_unknown(struct schema_pass *pass)
{
    const struct weir_batch *batch = pass->batch;
    int rule = pass->edge->schema->rule[SCHEMA_UNKNOWN_FIELD];
    uint32_t n = 0;
    for (uint32_t i = 0; i < batch->n_unknown; i++) {
        // In the order of rows, several of a row together.
        if (!n || pass->edge->found[n - 1] != batch->unknown[i].row)
            pass->edge->found[n++] = batch->unknown[i].row;
    }
    schema_flag(pass, SCHEMA_UNKNOWN_FIELD, n);
    for (uint32_t i = 0; i < batch->n_unknown; i++) {
        const struct weir_string *name = &batch->unknown[i].name;
        pass->host->detail(pass->host, (unsigned)rule, name->data, name->length,
                           &batch->unknown[i].row, NULL, 1);
    }
    return 0;
}

void schema_say_unknown(const struct schema_said *said, struct schema_text *text)
{
    enum { SHOWN = 4 };
    const struct weir_rule_count *count = said->count;
    schema_put(text, "have fields that the stream does not know");
    for (size_t i = 0; i < count->n_details && i < SHOWN; i++) {
        schema_put(text, "%s%s (", i ? ", " : ": ", count->details[i].name);
        schema_put_count(text, count->details[i].count);
        schema_put(text, ")");
    }
    if (count->n_details > SHOWN)
        schema_put(text, " and %s%zu more",
                   count->n_details == WEIR_RULE_DETAILS ? "at least " : "",
                   count->n_details - SHOWN);
}
