// SPDX-License-Identifier: Apache-2.0
// Single values as they are written in a configuration. Each returns 0, or -1 with a sentence
// in `why` (static) that says how such a value is written; the output is untouched then.
#ifndef WEIR_CONFIG_VALUE_H
#define WEIR_CONFIG_VALUE_H

#include <stddef.h>
#include <stdint.h>

#include "stats/nearest.h"

int weir_value_boolean(const char *text, int *out, const char **why);
int weir_value_integer(const char *text, int64_t *out, const char **why);
int weir_value_number(const char *text, double *out, const char **why);    // .inf and -.inf too
int weir_value_share(const char *text, double *out, const char **why);     // 5% or 0.05, in [0, 1]
int weir_value_duration(const char *text, int64_t *out, const char **why); // ms; 1h30m
int weir_value_size(const char *text, int64_t *out, const char **why);     // bytes
int weir_value_time(const char *text, int64_t *out, const char **why);     // RFC 3339 to epoch ms
// An amount as it would be written: 1h, 64MiB. `out` takes `size` bytes.
void weir_value_print_duration(char *out, size_t size, double ms);
void weir_value_print_size(char *out, size_t size, double bytes);
// The index of `text` among "a|b|c", or -1.
int weir_value_choice(const char *text, const char *choices);

#endif
