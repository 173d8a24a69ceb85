// SPDX-License-Identifier: Apache-2.0
// Options of a benchmark: words anywhere on its command line.
#ifndef WEIR_BENCH_ARGUMENTS_H
#define WEIR_BENCH_ARGUMENTS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static inline int arguments_have(int argc, char **argv, const char *name)
{
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], name))
            return 1;
    }
    return 0;
}

// The word behind `name`; NULL.
static inline const char *arguments_text(int argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < argc; i++) {
        if (!strcmp(argv[i], name))
            return argv[i + 1];
    }
    return NULL;
}

static inline int64_t arguments_number(int argc, char **argv, const char *name, int64_t otherwise)
{
    const char *text = arguments_text(argc, argv, name);
    return text ? atoll(text) : otherwise;
}

#endif
