// SPDX-License-Identifier: Apache-2.0
// Pieces of state that edge tasks and mergers save alike.
#ifndef WEIR_TASK_STATE_H
#define WEIR_TASK_STATE_H

#include "consumer/task/plan.h"

int weir_state_put_pane(const struct weir_pane *pane, struct weir_buffer *out);

// One detector's role (edge or owner), by name.
int weir_state_put_role(const struct weir_plan_detector *detector, const void *role,
                        int (*save)(const void *role, struct weir_buffer *out),
                        struct weir_buffer *out);
struct weir_state_role {
    char detector[256];
    uint64_t hash;
    uint32_t version;
    struct weir_reader bytes;
};
int weir_state_get_role(struct weir_reader *in, struct weir_state_role *role);
// Whether it is this detector's, and no option that resets state has changed since.
int weir_state_fits(const struct weir_state_role *role, const struct weir_plan_detector *detector);

#endif
