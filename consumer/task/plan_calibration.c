// SPDX-License-Identifier: Apache-2.0
// The ordered healthy stretch that `calibration: {profile: PATH}` names.
#include <string.h>

#include "consumer/task/plan.h"

int weir_plan_load_calibration(struct weir_plan *plan, struct weir_error *error)
{
    const struct weir_config *config = plan->config;
    if (!config->calibration_profile)
        return 0;
    int code = weir_profile_load(config->calibration_profile, &plan->calibration, error);
    if (code == WEIR_ENOMEM || (code && !plan->problems))
        return code;
    if (code) { // a check goes on without it
        weir_problems_add(plan->problems, config->calibration_mark, 0, "calibration.profile: %s",
                          error->message);
        return 0;
    }
    size_t n = plan->calibration->n_panes;
    plan->calibration_panes = weir_plan_alloc(plan, (n + 1) * sizeof *plan->calibration_panes);
    if (!plan->calibration_panes)
        return weir_plan_no_memory(error);
    for (size_t k = 0; k < n; k++) {
        const struct weir_profile_pane *pane = &plan->calibration->panes[k];
        plan->calibration_panes[k] = (struct weir_calibration_pane){
            sizeof *plan->calibration_panes, pane->start, pane->end, pane->rows};
    }
    return 0;
}

// Counts in other cells cannot be compared with windows, which count in the reference's.
static int check_cells(struct weir_plan *plan, const struct weir_plan_detector *detector,
                       const struct weir_profile *profile, const char *reference,
                       struct weir_error *error)
{
    const struct weir_profile *calibration = plan->calibration;
    for (size_t f = 0; f < calibration->n_fields; f++) {
        const struct weir_profile_field *field = &calibration->fields[f];
        const struct weir_profile_field *other = weir_profile_find(profile, field->name);
        if (!other || weir_plan_field(detector->config.stream, field->name) < 0 ||
            weir_cells_hash(field->cells) == weir_cells_hash(other->cells))
            continue;
        return weir_plan_fault(plan, plan->config->calibration_mark, error,
                               "calibration.profile: '%s' is counted in other cells there than in "
                               "reference '%s': make it with `weir profile --like` that profile",
                               field->name, reference);
    }
    return 0;
}

int weir_plan_set_calibration(struct weir_plan *plan, struct weir_plan_detector *detector,
                              struct weir_error *error)
{
    const struct weir_stream *stream = detector->config.stream;
    if (!plan->calibration || strcmp(plan->calibration->stream, stream->name) != 0)
        return 0;
    for (size_t i = 0; i < detector->config.n_references; i++) {
        if (!detector->references[i])
            continue;
        int code = check_cells(plan, detector, detector->references[i],
                               detector->config.references[i], error);
        if (code)
            return code;
    }
    detector->calibration = plan->calibration;
    return 0;
}

const struct weir_summary *weir_plan_calibration_summary(const struct weir_plan_detector *detector,
                                                         size_t pane, int field)
{
    const struct weir_profile *profile = detector->calibration;
    const struct weir_stream *stream = detector->config.stream;
    if (!profile || pane >= profile->n_panes || field < 0 || (size_t)field >= stream->n_fields)
        return NULL;
    // Its cells are those of the references that know the field, or else the detector's own.
    const struct weir_profile_field *found = weir_profile_find(profile, stream->fields[field].name);
    return found ? &profile->panes[pane].fields[found - profile->fields] : NULL;
}
