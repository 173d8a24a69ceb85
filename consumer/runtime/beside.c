// SPDX-License-Identifier: Apache-2.0
#include "consumer/runtime/beside.h"

// An input that is ahead by this part of `within` lets the other catch up.
enum { AHEAD = 2 };

static struct weir_input *other_side(const struct weir_beside *beside,
                                     const struct weir_input *input, int *side)
{
    *side = beside->sides[1] == input;
    return beside->sides[!*side];
}

static int is_side(const struct weir_beside *beside, const struct weir_input *input)
{
    return beside->sides[0] == input || beside->sides[1] == input;
}

// Nothing of it is left to read, for now.
static int is_at_end(const struct weir_input *input)
{
    int64_t next;
    return (input->at_end && input->at == input->n) || weir_edge_task_stopped(input->edge, &next);
}

static int is_ahead(const struct weir_beside *beside, int side, const struct weir_input *other)
{
    int64_t within, mine = weir_edge_task_side(beside->edge, side, &within);
    int64_t theirs = weir_edge_task_side(beside->edge, !side, &within);
    if (mine == INT64_MIN || is_at_end(other))
        return 0;
    return theirs == INT64_MIN || mine - within / AHEAD > theirs;
}

int weir_beside_waits(const struct weir_input *input)
{
    const struct weir_owned *owned = input->owned;
    for (size_t i = 0; i < owned->n_beside; i++) {
        const struct weir_beside *beside = &owned->beside[i];
        int side;
        if (!is_side(beside, input))
            continue;
        const struct weir_input *other = other_side(beside, input, &side);
        if (!input->suppressed && other->suppressed)
            return 1;
        // One that is live waits for this one, and not the other way about.
        if (input->suppressed == other->suppressed && is_ahead(beside, side, other))
            return 1;
    }
    return 0;
}

void weir_beside_live(struct weir_owned *owned)
{
    for (size_t i = 0; i < owned->n_beside; i++) {
        struct weir_beside *beside = &owned->beside[i];
        if (!beside->sides[0]->suppressed && !beside->sides[1]->suppressed)
            weir_edge_task_suppress(beside->edge, 0);
    }
}

int weir_beside_show(struct weir_input *input, const struct weir_batch *batch,
                     struct weir_error *error)
{
    struct weir_owned *owned = input->owned;
    uint32_t n = batch->n_rows;
    int64_t next;
    int code = 0;
    if (owned->n_beside && weir_edge_task_stopped(input->edge, &next)) {
        for (n = 0; n < batch->n_rows && batch->offset[n] < next;)
            n++;
    }
    for (size_t i = 0; i < owned->n_beside && !code; i++) {
        struct weir_beside *beside = &owned->beside[i];
        for (int side = 0; side < 2 && !code; side++) {
            if (beside->sides[side] == input)
                code = weir_edge_task_join(beside->edge, side, batch, n, error);
        }
    }
    return code;
}

int weir_beside_idle(struct weir_input *input, struct weir_error *error)
{
    struct weir_owned *owned = input->owned;
    int code = 0;
    for (size_t i = 0; i < owned->n_beside && !code; i++) {
        struct weir_beside *beside = &owned->beside[i];
        int idle = beside->sides[0]->idle && beside->sides[1]->idle;
        if (!is_side(beside, input) || idle == beside->idle)
            continue;
        beside->idle = idle;
        code = weir_edge_task_idle(beside->edge, idle, error);
    }
    return code;
}

int weir_beside_alone(struct weir_owned *owned, struct weir_error *error)
{
    size_t before = owned->staging.n;
    for (size_t i = 0; i < owned->n_beside; i++) {
        struct weir_beside *beside = &owned->beside[i];
        int64_t within, times[2];
        for (int side = 0; side < 2; side++)
            times[side] = weir_edge_task_side(beside->edge, side, &within);
        const struct weir_input *behind = beside->sides[times[0] > times[1]];
        if (behind->suppressed || beside->sides[times[0] <= times[1]]->suppressed ||
            !is_at_end(behind))
            continue;
        int code = weir_edge_task_join_alone(beside->edge, error);
        if (code)
            return code;
    }
    if (owned->staging.n == before)
        return 0;
    // No record tells a replay of this: where it had an effect, the state must have it.
    owned->snapshot_due = 1;
    return 1;
}
