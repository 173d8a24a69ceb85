// SPDX-License-Identifier: Apache-2.0
// When records say that they happened, against when they came. A row of a file came when it says
// it happened, so that a replay has nothing to say against its own time.
#include "detectors/schema/record.h"

// Whether the row has an event time of its own.
static int has_time(const struct weir_batch *batch, uint32_t row)
{
    return batch->fault[row] == WEIR_ROW_GOOD;
}

static inline int is_far(const struct weir_batch *batch, uint32_t row, int behind, int64_t limit)
{
    int64_t time = batch->time[row], timestamp = batch->timestamp[row];
    uint64_t from = (uint64_t)(behind ? time : timestamp);
    uint64_t to = (uint64_t)(behind ? timestamp : time); // any number, so differences may wrap
    return (timestamp > 0) & ((int64_t)(to - from) > limit);
}

// Rows whose time is more than `limit` after (or, with `behind`, before) the Kafka timestamp. One
// that is not above 0 is none.
static void flag_distance(struct schema_pass *pass, enum schema_check check, int behind,
                          int64_t limit)
{
    const struct weir_batch *batch = pass->batch;
    uint32_t bad = 0, n = 0;
    for (uint32_t row = 0; row < batch->n_rows; row++)
        bad += is_far(batch, row, behind, limit);
    for (uint32_t row = 0; row < batch->n_rows && bad; row++) {
        pass->edge->found[n] = row;
        n += is_far(batch, row, behind, limit) && has_time(batch, row);
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

// Whether all of a batch lies within the limit, and so none of it is behind: then its newest is
// all there is to know.
static int is_ordered(struct schema_edge *edge, const struct weir_batch *batch,
                      const struct weir_edge *host)
{
    int64_t oldest = INT64_MAX, newest = INT64_MIN;
    uint32_t ahead = 0;
    if (batch->n_undecodable | batch->n_tombstones | batch->n_no_time)
        return 0;
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        int64_t time = batch->time[row], timestamp = batch->timestamp[row];
        oldest = time < oldest ? time : oldest;
        newest = time > newest ? time : newest;
        ahead += (timestamp > 0) & (time > timestamp);
    }
    if (newest > weir_edge_reached(host, batch->n_rows - 1))
        return 0;
    newest = newest > edge->newest ? newest : edge->newest;
    if (ahead || newest > SCHEMA_TIME_LIMIT || oldest < -SCHEMA_TIME_LIMIT ||
        oldest < newest - edge->schema->out_of_order)
        return 0;
    edge->newest = newest;
    return 1;
}

int schema_observe_order(struct schema_pass *pass)
{
    struct schema_edge *edge = pass->edge;
    const struct weir_batch *batch = pass->batch;
    int64_t limit = edge->schema->out_of_order;
    uint32_t n = 0;
    if (is_ordered(edge, batch, pass->host))
        return 0;
    for (uint32_t row = 0; row < batch->n_rows; row++) {
        if (!has_time(batch, row))
            continue;
        int64_t time = schema_sane_time(pass, row);
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
