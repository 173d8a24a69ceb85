// SPDX-License-Identifier: Apache-2.0
// When records say that they happened, against when they came. A row of a file came when it says
// it happened, so that a replay has nothing to say against its own time.
#include "detectors/schema/record.h"

// Whether the row has an event time of its own.
static int has_time(const struct weir_batch *batch, uint32_t row)
{
    return batch->fault[row] == WEIR_ROW_GOOD;
}

// Rows whose time is more than `limit` after (or, with `behind`, before) the Kafka timestamp. One
// that is not above 0 is none.
static void flag_distance(struct schema_pass *pass, enum schema_check check, int behind,
                          int64_t limit)
{
    const struct weir_batch *batch = pass->batch;
    uint32_t n = 0;
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        int64_t time = batch->time[row], timestamp = batch->timestamp[row];
        int64_t ahead = timestamp > 0 ? time - timestamp : 0;
        pass->edge->found[n] = row;
        n += (behind ? -ahead : ahead) > limit && has_time(batch, row);
    }
    schema_flag(pass, check, n);
}

int schema_observe_future(struct schema_pass *pass)
{
    flag_distance(pass, SCHEMA_FUTURE, 0, pass->edge->schema->future);
    return 0;
}

int schema_observe_late(struct schema_pass *pass)
{
    flag_distance(pass, SCHEMA_LATE, 1, pass->edge->schema->too_late);
    return 0;
}

int schema_observe_order(struct schema_pass *pass)
{
    struct schema_edge *edge = pass->edge;
    const struct weir_batch *batch = pass->batch;
    int64_t limit = edge->schema->out_of_order;
    uint32_t n = 0;
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        if (!has_time(batch, row))
            continue;
        int64_t time = schema_sane_time(batch, row);
        if (edge->newest != INT64_MIN && batch->time[row] < edge->newest - limit)
            edge->found[n++] = row;
        edge->newest = time > edge->newest ? time : edge->newest;
    }
    schema_flag(pass, SCHEMA_ORDER, n);
    return 0;
}

void schema_say_future(const struct schema_said *said, struct schema_text *text)
{
    schema_put(text, "have an event time more than ");
    schema_put_duration(text, said->schema->future);
    schema_put(text, " ahead of their Kafka timestamp: a clock or a unit is wrong");
}

void schema_say_late(const struct schema_said *said, struct schema_text *text)
{
    schema_put(text, "came more than ");
    schema_put_duration(text, said->schema->too_late);
    schema_put(text, " after their event time");
}

void schema_say_order(const struct schema_said *said, struct schema_text *text)
{
    schema_put(text, "are more than ");
    schema_put_duration(text, said->schema->out_of_order);
    schema_put(text, " older than one before them in their partition");
}
