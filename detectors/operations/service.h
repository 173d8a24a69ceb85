// SPDX-License-Identifier: Apache-2.0
// How requests go: latencies over their objective, statuses that are failures, dependencies that
// fail.
#ifndef WEIR_OPERATIONS_SERVICE_H
#define WEIR_OPERATIONS_SERVICE_H

#include "detectors/operations/attribution.h"
#include "detectors/operations/operations.h"

enum { OPERATIONS_DEPENDENCIES = 1024 }; // names that are followed

struct operations_dependency {
    size_t upstream; // which field's name it is
    char *name;
    int64_t last; // end of the last window that it was in
    struct operations_burn burn;
};

struct operations_service {
    struct operations_burn burns[OPERATIONS_OUTCOMES];
    struct operations_dependency *dependencies; // by field, then name
    size_t n, capacity;
    struct operations_attribution hosts, versions, sources;
};

// What the configuration says of latencies, statuses and dependencies.
int operations_service_create(struct operations *operations,
                              const struct weir_detector_config *config,
                              const struct weir_setup *setup, struct weir_error *error);

int operations_service_init(struct operations_service *service,
                            const struct operations *operations);
void operations_service_free(struct operations_service *service);
// Takes in a step and emits what there is to say. WEIR_ENOMEM.
int operations_service_step(struct operations_service *service, const struct operations_step *step);
void operations_service_save(const struct operations_service *service,
                             const struct operations *operations, struct weir_buffer *out);
int operations_service_restore(struct operations_service *service,
                               const struct operations *operations, struct weir_reader *in);

// service_say.c
void operations_say_outcome(const struct operations_service *service,
                            const struct operations_step *step, size_t outcome,
                            const struct operations_burn_verdict *verdict);
// `others`: of the other names of that field, since it began.
void operations_say_dependency(const struct operations_step *step,
                               const struct operations_dependency *dependency,
                               const struct operations_burn_verdict *verdict,
                               const struct operations_sum *others);

#endif
