// SPDX-License-Identifier: Apache-2.0
// Findings in words.
#ifndef WEIR_LABEL_NOISE_REPORT_H
#define WEIR_LABEL_NOISE_REPORT_H

#include "detectors/label_noise/agreement.h"
#include "detectors/label_noise/label_noise.h"

// `truth`: the class within which the agreement is low, -1: over all.
void noise_report_annotator(const struct noise_instance *instance, const struct noise_tally *tally,
                            const struct weir_names *annotators, const struct weir_names *classes,
                            uint32_t annotator, int truth, const struct noise_verdict *verdict,
                            const struct weir_window *window);
void noise_report_conflicts(const struct noise_tally *tally, const struct weir_names *annotators,
                            double usual, double limit, double p_value,
                            const struct weir_window *window);
void noise_report_kappa(const struct noise_tally *tally, double kappa, double before, double limit,
                        const struct weir_window *window);

#endif
