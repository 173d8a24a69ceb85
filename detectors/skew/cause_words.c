// SPDX-License-Identifier: Apache-2.0
// Causes in words.
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "detectors/skew/cause.h"

enum { OFTEN = 50 }; // a value that stands so often is no single record's

static void say_time(int64_t ms, char *text, size_t size)
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{86400000, "day"}, {3600000, "hour"}, {60000, "minute"}, {1000, "second"}};
    size_t i = 0;
    // 36 hours, not 1.5 days.
    while (i < 3 && (ms < units[i].ms || ms % units[i].ms))
        i++;
    int64_t n = ms / units[i].ms;
    snprintf(text, size, "%" PRId64 " %s%s", n, units[i].name, n == 1 ? "" : "s");
}

static void say_default(const struct skew_cause *cause, const char *value, char *text, size_t size)
{
    int served = cause->kind == SKEW_DEFAULT_SERVED;
    snprintf(text, size,
             served ? "%s was served whatever the offline side has"
                    : "the offline side has %s whatever was served",
             value);
}

static void say_rounding(const struct skew_cause *cause, char *text, size_t size)
{
    if (cause->decimals <= 6)
        snprintf(text, size, "one side is the other rounded to %d decimal%s", cause->decimals,
                 cause->decimals == 1 ? "" : "s");
    else
        snprintf(text, size, "the two are equal but for the last digits, as float32 is to double");
}

static void say_zone(const struct skew_cause *cause, char *text, size_t size)
{
    int64_t minutes = llabs(cause->lag) / 60000;
    snprintf(text, size,
             "served times are %s by %" PRId64 ":%02" PRId64 " hours, as of another time zone",
             cause->lag > 0 ? "later" : "earlier", minutes / 60, minutes % 60);
}

void skew_say_cause(const struct skew_cause *cause, int redact, uint64_t differ, char *text,
                    size_t size)
{
    char value[48];
    int tell = !isnan(cause->b) && (!redact || cause->share * (double)differ >= OFTEN);
    switch (cause->kind) {
    case SKEW_MISSING_SERVED:
        snprintf(text, size, "nothing was served where the offline side has a value");
        break;
    case SKEW_MISSING_OFFLINE:
        snprintf(text, size, "the offline side has nothing where a value was served");
        break;
    case SKEW_DEFAULT_SERVED:
    case SKEW_DEFAULT_OFFLINE:
        snprintf(value, sizeof value, tell ? "%.6g" : "one and the same value", cause->b);
        say_default(cause, value, text, size);
        break;
    case SKEW_ENCODING:
        snprintf(text, size, "%s", cause->detail);
        break;
    case SKEW_ROUNDING:
        say_rounding(cause, text, size);
        break;
    case SKEW_SCALE:
        if (cause->a < 0 && fabs(cause->a + 1) < 1e-6)
            snprintf(text, size, "served is the offline value with the other sign");
        else if (fabs(cause->a) < 1)
            snprintf(text, size, "served is the offline value / %.6g%s%s", 1 / cause->a,
                     *cause->unit ? ", as from " : "", cause->unit);
        else
            snprintf(text, size, "served is the offline value x %.6g%s%s", cause->a,
                     *cause->unit ? ", as from " : "", cause->unit);
        break;
    case SKEW_OFFSET:
        snprintf(text, size, "served is the offline value %s %.6g", cause->b < 0 ? "-" : "+",
                 fabs(cause->b));
        break;
    case SKEW_ZONE:
        say_zone(cause, text, size);
        break;
    case SKEW_AFFINE:
        if (*cause->unit)
            snprintf(text, size, "served is %.6g times the offline value %s %.6g, as from %s",
                     cause->a, cause->b < 0 ? "-" : "+", fabs(cause->b), cause->unit);
        else
            snprintf(text, size,
                     "served is (offline %s %.6g) / %.6g, as where one side is standardised",
                     cause->b / cause->a < 0 ? "-" : "+", fabs(cause->b / cause->a), 1 / cause->a);
        break;
    case SKEW_LOGARITHM:
        snprintf(text, size, "%s is %s of %s", cause->inverse ? "the offline value" : "served",
                 cause->detail, cause->inverse ? "the served one" : "the offline value");
        break;
    case SKEW_STALE:
        say_time(cause->lag, value, sizeof value);
        snprintf(text, size, "served is the offline value of %s before", value);
        break;
    case SKEW_CODES:
        snprintf(text, size, "each served value stands for one offline value, under another name");
        break;
    default:
        snprintf(text, size, "no single cause explains half of them");
    }
}

const char *skew_advise(enum skew_kind kind)
{
    switch (kind) {
    case SKEW_MISSING_SERVED:
    case SKEW_DEFAULT_SERVED:
        return "see why the lookup at serving time finds nothing";
    case SKEW_MISSING_OFFLINE:
    case SKEW_DEFAULT_OFFLINE:
        return "see what the offline pipeline lacks before training on it";
    case SKEW_STALE:
        return "see the job that brings new values to serving";
    case SKEW_ZONE:
        return "let both sides keep times in UTC";
    case SKEW_ROUNDING:
        return "keep as many digits on both sides, or allow for it with `tolerance`";
    case SKEW_NO_CAUSE:
        return "compare the sample records on both sides";
    default:
        return "let both sides use one transformation";
    }
}
