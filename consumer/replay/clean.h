// SPDX-License-Identifier: Apache-2.0
// The records that a gate lets through, written in the format of the file that they came from and
// with its bytes: a CSV file with its header, JSON lines, an Avro container with its schema and
// codec. Of a file in which every record is good, text comes out byte for byte.
#ifndef WEIR_REPLAY_CLEAN_H
#define WEIR_REPLAY_CLEAN_H

#include "consumer/source/file.h"

struct weir_clean;

// `path` ending in .gz is compressed, "-" is standard output. Writes what stands before the first
// record; `like` outlives the result.
int weir_clean_create(const char *path, const struct weir_file *like, struct weir_clean **clean,
                      struct weir_error *error);
// A record's value, of the file's batch under way.
int weir_clean_add(struct weir_clean *clean, struct weir_span value, struct weir_error *error);
// Writes what is left, and frees it whatever happens.
int weir_clean_close(struct weir_clean *clean, struct weir_error *error);

#endif
