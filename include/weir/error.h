// SPDX-License-Identifier: Apache-2.0
// What went wrong, in a sentence that a person can act on.
#ifndef WEIR_ERROR_H
#define WEIR_ERROR_H

#include <stdarg.h>
#include <stdio.h>

enum weir_error_code {
    WEIR_OK = 0,
    WEIR_EINVAL = -1,   // the caller's or the user's input is wrong
    WEIR_ENOMEM = -2,   // memory, or a stated maximum, is exhausted
    WEIR_ECORRUPT = -3, // bytes from outside do not decode
    WEIR_EIO = -4,      // a file, a broker or a registry failed
    WEIR_EAGAIN = -5,   // not now; the same call may succeed later
    WEIR_ENOTFOUND = -6,
    WEIR_EVERSION = -7, // written by, or built for, another version
    WEIR_EFENCED = -8   // another owner took over
};

// Functions return 0 or one of the codes and fill this where a person will read it. The
// sentence says what was wrong, where, and what to do. Output is untouched on failure.
struct weir_error {
    int code;
    int retriable; // the same call may succeed later
    int fatal;     // the process cannot go on
    char message[480];
};

// Fills `error` (which may be NULL) and returns `code`, so that a caller can
// `return weir_error_set(error, WEIR_EINVAL, "...")`.
__attribute__((format(printf, 3, 4))) static inline int
weir_error_set(struct weir_error *error, int code, const char *format, ...)
{
    if (error) {
        va_list args;
        error->code = code;
        error->retriable = code == WEIR_EAGAIN;
        error->fatal = 0;
        va_start(args, format);
        vsnprintf(error->message, sizeof error->message, format, args);
        va_end(args);
    }
    return code;
}

#ifdef __clang_analyzer__
// The analyzer does not look into variadic functions; this tells it what one returns.
#define weir_error_set(error, code, ...) (weir_error_set((error), (code), __VA_ARGS__), (code))
#endif

#endif
