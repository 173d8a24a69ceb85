// SPDX-License-Identifier: Apache-2.0
// The records of a join as bytes, and back. Those that wait are written in their order, so that a
// restored join goes on as the one that was saved.
#include <string.h>

#include "detectors/skew/join.h"
#include "detectors/skew/join_inside.h"
#include "weir/error.h"

static void write_row(const struct skew_join *join, uint32_t at, struct weir_buffer *out)
{
    const struct skew_row *row = &join->rows[at];
    weir_put_long(out, row->time);
    weir_put_long(out, row->pane);
    weir_put_long(out, row->offset);
    weir_put_long(out, row->partition);
    weir_put_fixed64(out, row->key);
    weir_put_fixed64(out, row->entity);
    for (size_t k = 0; k < SKEW_BY; k++)
        weir_put_fixed64(out, row->slice[k]);
    weir_put_long(out, row->side);
    for (size_t f = 0; f < join->n_fields; f++)
        skew_value_write(&join->values[(size_t)at * join->n_fields + f], out);
}

int skew_join_write(const struct skew_join *join, struct weir_buffer *out)
{
    size_t waiting = 0;
    weir_put_long(out, (int64_t)join->n_fields);
    weir_put_long(out, join->looked_to);
    for (size_t side = 0; side < 2; side++) {
        weir_put_long(out, join->first[side]);
        weir_put_long(out, join->newest[side]);
    }
    weir_put_long(out, join->level);
    weir_put_long(out, join->relaxed_from);
    // Between two looks none of those that wait has its partner.
    for (uint32_t at = join->oldest; at; at = join->rows[at - 1].newer)
        waiting++;
    weir_put_long(out, (int64_t)waiting);
    for (uint32_t at = join->oldest; at; at = join->rows[at - 1].newer)
        write_row(join, at - 1, out);
    for (size_t side = 0; side < 2; side++) {
        const struct skew_pending *pending = &join->pending[side];
        weir_put_long(out, (int64_t)pending->n);
        for (size_t i = 0; i < pending->n; i++)
            write_row(join, pending->tickets[i].row, out);
    }
    return skew_history_write(&join->history, out);
}

// Far enough from the ends of 64 bits that sums of times stay within them.
static int is_sane(int64_t time)
{
    return time > -((int64_t)1 << 60) && time < (int64_t)1 << 60;
}

static int read_row(struct skew_join *join, struct skew_row *row, uint32_t version,
                    struct weir_reader *in)
{
    *row = (struct skew_row){.time = weir_get_long(in)};
    row->pane = weir_get_long(in);
    row->offset = weir_get_long(in);
    row->partition = (int32_t)weir_get_count(in, INT32_MAX);
    row->key = weir_get_fixed64(in);
    row->entity = weir_get_fixed64(in);
    for (size_t k = 0; k < SKEW_BY && version >= 4; k++)
        row->slice[k] = weir_get_fixed64(in);
    row->side = (uint8_t)weir_get_count(in, 1);
    if (in->failed || !is_sane(row->time))
        return WEIR_ECORRUPT;
    struct skew_value *values = skew_join_room(join);
    if (!values)
        return WEIR_ENOMEM;
    for (size_t f = 0; f < join->n_fields; f++)
        values[f] = skew_value_get(in);
    return weir_reader_code(in);
}

static int read_waiting(struct skew_join *join, uint32_t version, struct weir_reader *in)
{
    size_t n = weir_get_count(in, join->maximum);
    int64_t last = INT64_MIN;
    int code = weir_reader_code(in);
    for (size_t i = 0; i < n && !code; i++) {
        struct skew_row row;
        code = read_row(join, &row, version, in);
        if (!code && row.time < last)
            code = WEIR_ECORRUPT;
        last = row.time;
        if (!code)
            skew_join_put_waiting(join, &row);
    }
    return code;
}

static int read_pending(struct skew_join *join, enum skew_side side, uint32_t version,
                        struct weir_reader *in)
{
    size_t n = weir_get_count(in, join->maximum);
    int code = weir_reader_code(in);
    for (size_t i = 0; i < n && !code; i++) {
        struct skew_row row;
        code = read_row(join, &row, version, in);
        if (!code && (row.side != side || row.time < join->looked_to))
            code = WEIR_ECORRUPT;
        if (!code)
            code = skew_join_put_pending(join, &row);
    }
    return code;
}

int skew_join_read(struct skew_join *join, uint32_t version, struct weir_reader *in)
{
    size_t n_fields = weir_get_count(in, SIZE_MAX >> 1);
    int64_t looked_to = weir_get_long(in), first[2], newest[2];
    for (size_t side = 0; side < 2; side++) {
        first[side] = weir_get_long(in);
        newest[side] = weir_get_long(in);
    }
    unsigned level = (unsigned)weir_get_count(in, 32);
    int64_t relaxed_from = weir_get_long(in);
    if (in->failed || n_fields != join->n_fields)
        return WEIR_ECORRUPT;
    int64_t times[] = {looked_to, first[0], first[1], newest[0], newest[1], relaxed_from};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        if (times[i] != INT64_MIN && !is_sane(times[i]))
            return WEIR_ECORRUPT;
    }
    join->looked_to = looked_to;
    int code = read_waiting(join, version, in);
    for (int side = 0; side < 2 && !code; side++)
        code = read_pending(join, (enum skew_side)side, version, in);
    for (size_t side = 0; side < 2; side++) {
        join->first[side] = first[side];
        join->newest[side] = newest[side];
    }
    join->level = level;
    join->relaxed_from = relaxed_from;
    return code ? code : skew_history_read(&join->history, in);
}
