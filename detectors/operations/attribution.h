// SPDX-License-Identifier: Apache-2.0
// Whose requests were late or failed of late: of a host, a model version, a producer. Counts are
// discounted, so that they are about the last few windows.
#ifndef WEIR_OPERATIONS_ATTRIBUTION_H
#define WEIR_OPERATIONS_ATTRIBUTION_H

#include "detectors/operations/tally.h"

struct operations_share {
    char *name;
    double n_late, late, n_failed, failed; // as in struct operations_count
};

struct operations_attribution {
    struct operations_share *list; // by name
    size_t n;
};

void operations_attribution_free(struct operations_attribution *attribution);
// What there was counts for `keep` of it from now on. WEIR_ENOMEM.
int operations_attribution_add(struct operations_attribution *attribution, double keep,
                               const struct operations_table *table);
// Who has nearly all of what was late, or failed, without having most requests; NULL: nobody.
const char *operations_attribution_find(const struct operations_attribution *attribution,
                                        int is_latency, double *share);
void operations_attribution_save(const struct operations_attribution *attribution,
                                 struct weir_buffer *out);
int operations_attribution_restore(struct operations_attribution *attribution,
                                   struct weir_reader *in);

#endif
