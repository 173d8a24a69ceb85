// SPDX-License-Identifier: Apache-2.0
// What the demo puts into a folder: its configuration, and the profile of a clean stretch.
#ifndef WEIR_DEMO_FOLDER_H
#define WEIR_DEMO_FOLDER_H

#include "consumer/config/config.h"
#include "consumer/generate/generate.h"

#define WEIR_DEMO_TRAINING_WEEKS 2.0

struct weir_demo_folder {
    char path[3072];
    char config[3200];
};

// A new folder below $TMPDIR, or /tmp.
int weir_demo_folder_make(struct weir_demo_folder *folder, struct weir_error *error);
// Writes FOLDER/demo.yaml for a broker at `address`, and FOLDER/profiles/payments.avro from the
// weeks before `options` begins; loads the configuration, which is the caller's. `rows` of the
// profile. `plugins` outlives it.
int weir_demo_folder_fill(const struct weir_demo_folder *folder, const char *address,
                          const struct weir_generate_options *options, struct weir_plugins *plugins,
                          struct weir_config **config, uint64_t *rows, struct weir_error *error);
void weir_demo_folder_remove(const struct weir_demo_folder *folder);

#endif
