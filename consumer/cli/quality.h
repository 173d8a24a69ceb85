// SPDX-License-Identifier: Apache-2.0
// A model's metrics, printed: of a profile, and of two beside each other.
#ifndef WEIR_CLI_QUALITY_H
#define WEIR_CLI_QUALITY_H

#include "consumer/codec/json_write.h"
#include "consumer/compare/answers.h"

// The value of a key: null where there are none.
void weir_cli_quality_json(struct weir_json_writer *json,
                           const struct weir_profile_quality *quality);
void weir_cli_compared_quality_json(struct weir_json_writer *json,
                                    const struct weir_compared_quality *quality);
// Nothing where there are none.
void weir_cli_quality_print(const struct weir_profile_quality *quality);
void weir_cli_compared_quality_print(const struct weir_compared_quality *quality);

#endif
