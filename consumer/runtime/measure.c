// SPDX-License-Identifier: Apache-2.0
// What a task holds, for the ledger. Walking all of its windows takes time, so that it is done
// seldom enough to be no more than a fiftieth of it; slices, which can come fast, are counted as
// they come in between.
#include "consumer/runtime/inside.h"
#include "consumer/source/kafka.h"

enum { MEASURE_MS = 200, SELDOM = 50 };

// The room that is given to a task: a share of what is left, so that several workers together do
// not go beyond it.
static int64_t room_of(const struct weir_owned *owned)
{
    const struct weir_inside *inside = owned->inside;
    size_t n = inside->n_workers ? inside->n_workers : 1;
    return weir_memory_left(&inside->memory) / (int64_t)n;
}

void weir_owned_give_room(struct weir_owned *owned)
{
    for (size_t i = 0; i < owned->n_inputs; i++) {
        struct weir_input *input = &owned->inputs[i];
        // Records that were read before find the room that they found then.
        int64_t room = input->suppressed ? INT64_MAX : room_of(owned) / (int64_t)owned->n_inputs;
        if (input->edge)
            weir_edge_task_room(input->edge, room);
        else
            weir_merger_room(owned->merger, room);
        input->room = room;
    }
}

void weir_owned_take_room(struct weir_owned *owned)
{
    int64_t used = 0;
    for (size_t i = 0; i < owned->n_inputs; i++) {
        const struct weir_input *input = &owned->inputs[i];
        used += input->room - (input->edge ? weir_edge_task_room_left(input->edge)
                                           : weir_merger_room_left(owned->merger));
    }
    if (!used)
        return;
    enum weir_memory_part part = owned->merger ? WEIR_MEMORY_MERGERS : WEIR_MEMORY_WINDOWS;
    weir_memory_set(&owned->inside->memory, &owned->share, part, owned->share.parts[part] + used);
}

static int64_t ahead(const struct weir_input *input)
{
    size_t n = input->n - input->at + (input->queue ? rd_kafka_queue_length(input->queue) : 0);
    return (int64_t)(n * (input->message_bytes + WEIR_KAFKA_MESSAGE));
}

void weir_owned_measure(struct weir_owned *owned, int64_t now)
{
    struct weir_memory *memory = &owned->inside->memory;
    int64_t parts[WEIR_MEMORY_PARTS] = {0}, newest = INT64_MAX;
    int waits = 1;
    if (now < owned->measure_at)
        return;
    for (size_t i = 0; i < owned->n_inputs; i++) {
        const struct weir_input *input = &owned->inputs[i];
        struct weir_task_memory task =
            input->edge ? weir_edge_task_memory(input->edge) : weir_merger_memory(owned->merger);
        parts[input->edge ? WEIR_MEMORY_WINDOWS : WEIR_MEMORY_MERGERS] += (int64_t)task.windows;
        parts[WEIR_MEMORY_DETECTORS] += (int64_t)task.detectors;
        parts[WEIR_MEMORY_AHEAD] += ahead(input);
        if (input->decoder)
            parts[WEIR_MEMORY_BATCHES] += (int64_t)weir_decoder_memory(input->decoder);
        int64_t stopped, at = input->edge ? weir_edge_task_newest(input->edge) : INT64_MAX;
        newest = at < newest ? at : newest;
        waits &= input->at == input->n &&
                 (input->at_end || (input->edge && weir_edge_task_stopped(input->edge, &stopped)));
    }
    // What waits for its partner belongs to neither input.
    for (size_t i = 0; i < owned->n_beside; i++) {
        struct weir_task_memory task = weir_edge_task_memory(owned->beside[i].edge);
        parts[WEIR_MEMORY_WINDOWS] += (int64_t)task.windows;
        parts[WEIR_MEMORY_DETECTORS] += (int64_t)task.detectors;
    }
    parts[WEIR_MEMORY_BATCHES] +=
        (int64_t)(owned->n_inputs * WEIR_FETCH * 2 * sizeof(rd_kafka_message_t *));
    for (int part = 0; part < WEIR_MEMORY_PARTS; part++) {
        if (part != WEIR_MEMORY_OUTPUT)
            weir_memory_set(memory, &owned->share, (enum weir_memory_part)part, parts[part]);
    }
    atomic_store(&owned->newest, newest);
    atomic_store(&owned->waits, waits);
    int64_t took = weir_now() - now;
    owned->measure_at = now + (took * SELDOM > MEASURE_MS ? took * SELDOM : MEASURE_MS);
}
