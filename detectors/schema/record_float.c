// SPDX-License-Identifier: Apache-2.0
// Integers that are written as floats (3.0), told when a writer begins to: weir reads them as they
// are meant, others do not. Where they always came so, or both ways, nobody is told.
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/record.h"
#include "stats/buffer.h"

static const int64_t DAY = 86400000;
enum { SETTLED = SCHEMA_KNOWN_VALUES };

// Of one field, in the order of its records.
struct schema_floats {
    uint64_t plain;      // values without a point before the first with one; up to SETTLED
    int seen;            // one with a point
    int64_t since, last; // of those that are told, event times
};

struct schema_floats *schema_floats_create(const struct schema *schema)
{
    return calloc(schema->n_fields + 1, sizeof(struct schema_floats));
}

// Whether this one is told: it never came so before, or not for a day, or began to within a day.
static int is_told(struct schema_floats *floats, int64_t time)
{
    if (floats->plain < SETTLED)
        return 0;
    if (!floats->seen || time - floats->last > DAY)
        floats->since = time;
    if (!floats->seen || time > floats->last)
        floats->last = time;
    return time - floats->since < DAY;
}

static void count_plain(const struct weir_column *column, struct schema_floats *floats,
                        uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i < to && !floats->seen && floats->plain < SETTLED; i++)
        floats->plain += column->state[i] == WEIR_STATE_VALUE;
}

int schema_observe_float(struct schema_pass *pass)
{
    const struct weir_batch *batch = pass->batch;
    const struct schema *schema = pass->edge->schema;
    struct schema_floats *floats = &pass->edge->floats[pass->field - schema->fields];
    uint32_t n = 0, next = 0;
    for (uint32_t i = 0; i < batch->n_floats; i++) {
        uint32_t row = batch->floats[i].row - batch->floats_from;
        if (batch->floats[i].field != (uint32_t)pass->field->index || row < next)
            continue;
        count_plain(pass->column, floats, next, row);
        if (schema->float_is_error || is_told(floats, schema_sane_time(pass, row)))
            pass->edge->found[n++] = row;
        floats->seen = 1;
        next = row + 1;
    }
    count_plain(pass->column, floats, next, pass->column->n);
    if (n)
        pass->host->flag(pass->host, (unsigned)pass->field->rule[SCHEMA_FLOAT], pass->edge->found,
                         n);
    return 0;
}

void schema_say_float(const struct schema_said *said, struct schema_text *text)
{
    schema_put(text, "have an integer written as a float (3.0)%s",
               said->schema->float_is_error
                   ? ""
                   : ", as it never was before: weir reads it, stricter readers do not");
}

// ---- state

void schema_floats_save(const struct schema *schema, const struct schema_floats *floats,
                        struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)schema->n_fields);
    for (size_t i = 0; i < schema->n_fields; i++) {
        weir_put_fixed64(out, schema->fields[i].name_hash);
        weir_put_long(out, (int64_t)floats[i].plain);
        weir_put_long(out, floats[i].seen);
        weir_put_long(out, floats[i].since);
        weir_put_long(out, floats[i].last);
    }
}

static int is_time(int64_t time)
{
    return time != INT64_MIN && schema_time_is_sane(time);
}

int schema_floats_restore(const struct schema *schema, struct schema_floats *floats,
                          struct weir_reader *in)
{
    size_t n = weir_get_count(in, weir_reader_left(in) / 12);
    for (size_t i = 0; i < n && !in->failed; i++) {
        uint64_t name = weir_get_fixed64(in);
        struct schema_floats read = {.plain = (uint64_t)weir_get_long(in)};
        read.seen = weir_get_long(in) != 0;
        read.since = weir_get_long(in);
        read.last = weir_get_long(in);
        if (in->failed || read.plain > SETTLED || !is_time(read.since) || !is_time(read.last))
            return WEIR_ECORRUPT;
        for (size_t f = 0; f < schema->n_fields; f++) {
            if (schema->fields[f].name_hash == name)
                floats[f] = read;
        }
    }
    return in->failed ? WEIR_ECORRUPT : 0;
}
