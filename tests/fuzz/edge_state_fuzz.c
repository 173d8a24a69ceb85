// SPDX-License-Identifier: Apache-2.0
// State of an edge task: what is restored must go on working, and save again.
#include "tests/fuzz/engine.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct engine engine;
    struct weir_error error;
    struct weir_buffer again;
    size_t length;
    if (!engine.plan)
        engine_start(&engine);
    uint8_t *state = engine_change(&engine.edge, data, size, &length);
    struct weir_edge_task *edge = engine_edge(&engine);
    if (!weir_edge_task_restore(edge, state, length, &error)) {
        weir_buffer_init(&again, WEIR_BUFFER_MAXIMUM);
        if (engine_observe(&engine, edge, 100, 60) || weir_edge_task_save(edge, &again) ||
            weir_edge_task_finish(edge, &error))
            abort();
        struct weir_edge_task *other = engine_edge(&engine);
        if (weir_edge_task_restore(other, again.data, again.length, &error))
            abort();
        weir_edge_task_destroy(other);
        weir_buffer_free(&again);
    }
    weir_edge_task_destroy(edge);
    free(state);
    return 0;
}
