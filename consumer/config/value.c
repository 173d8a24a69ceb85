// SPDX-License-Identifier: Apache-2.0
#include "consumer/config/value.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

int weir_value_boolean(const char *text, int *out, const char **why)
{
    if (!strcmp(text, "true") || !strcmp(text, "false")) {
        *out = *text == 't';
        return 0;
    }
    *why = "expected true or false";
    return -1;
}

int weir_value_integer(const char *text, int64_t *out, const char **why)
{
    char *end;
    const char *digits = text + (*text == '-' || *text == '+');
    errno = 0;
    long long value = strtoll(text, &end, 10);
    *why = "expected a whole number";
    if (!isdigit((unsigned char)*digits) || *end)
        return -1;
    if (errno) {
        *why = "the number is beyond 64 bits";
        return -1;
    }
    *out = value;
    return 0;
}

// strtod without hexadecimal, "nan" and "infinity". `*end` is where it stopped.
static int plain_number(const char *text, double *out, char **end)
{
    const char *at = text + (*text == '-' || *text == '+');
    if (!isdigit((unsigned char)*at) && !(*at == '.' && isdigit((unsigned char)at[1])))
        return -1;
    if (at[0] == '0' && (at[1] == 'x' || at[1] == 'X'))
        return -1;
    *out = strtod(text, end);
    return isfinite(*out) ? 0 : -1;
}

int weir_value_number(const char *text, double *out, const char **why)
{
    char *end;
    double value;
    if (!strcmp(text, ".inf") || !strcmp(text, "-.inf")) {
        *out = *text == '-' ? -INFINITY : INFINITY;
        return 0;
    }
    *why = "expected a number";
    if (plain_number(text, &value, &end) || *end)
        return -1;
    *out = value;
    return 0;
}

int weir_value_share(const char *text, double *out, const char **why)
{
    char *end;
    double value;
    *why = "expected a share, written 5% or 0.05";
    if (plain_number(text, &value, &end))
        return -1;
    if (*end == '%' && !end[1])
        value /= 100;
    else if (*end)
        return -1;
    if (value < 0 || value > 1) {
        *why = "a share lies between 0 and 1 (0% and 100%); five percent is written 5% or 0.05";
        return -1;
    }
    *out = value;
    return 0;
}

struct unit {
    const char *name;
    double factor;
};

// One `3.5h` at *at; moves *at behind it.
static int quantity(const char **at, const struct unit *units, double *sum)
{
    char *end;
    double value;
    if (plain_number(*at, &value, &end))
        return -1;
    size_t length = strspn(end, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");
    for (; units->name; units++) {
        if (strlen(units->name) == length && !strncmp(units->name, end, length)) {
            *sum += value * units->factor;
            *at = end + length;
            return 0;
        }
    }
    return -1;
}

int weir_value_duration(const char *text, int64_t *out, const char **why)
{
    static const struct unit units[] = {{"ms", 1},     {"s", 1e3},     {"m", 60e3},
                                        {"h", 3600e3}, {"d", 86400e3}, {"w", 7 * 86400e3},
                                        {NULL, 0}};
    double sum = 0;
    const char *at = text;
    *why = "expected a duration, written 500ms, 30s, 5m, 1h, 7d or 4w";
    if (*text == '-') {
        *why = "a duration must not be negative";
        return -1;
    }
    if (!strcmp(text, "0")) {
        *out = 0;
        return 0;
    }
    if (*text && strspn(text, "0123456789.") == strlen(text)) {
        *why = "a duration needs its unit: 500ms, 30s, 5m, 1h, 7d or 4w";
        return -1;
    }
    do {
        if (quantity(&at, units, &sum))
            return -1;
    } while (*at);
    if (sum > 36500 * 86400e3) {
        *why = "a duration must be under 100 years";
        return -1;
    }
    if (sum != floor(sum)) {
        *why = "a duration is a whole number of milliseconds";
        return -1;
    }
    *out = (int64_t)sum;
    return 0;
}

int weir_value_size(const char *text, int64_t *out, const char **why)
{
    static const struct unit units[] = {{"", 1},
                                        {"B", 1},
                                        {"kB", 1e3},
                                        {"KB", 1e3},
                                        {"MB", 1e6},
                                        {"GB", 1e9},
                                        {"TB", 1e12},
                                        {"KiB", 1024},
                                        {"MiB", 1048576.0},
                                        {"GiB", 1073741824.0},
                                        {"TiB", 1099511627776.0},
                                        {NULL, 0}};
    double sum = 0;
    const char *at = text;
    *why = "expected a size, written 64KiB, 512MiB or 2GiB";
    if (*text == '-') {
        *why = "a size must not be negative";
        return -1;
    }
    if (quantity(&at, units, &sum) || *at)
        return -1;
    if (sum > 9e15 || sum != floor(sum)) {
        *why = "a size is a whole number of bytes, under 8 PiB";
        return -1;
    }
    *out = (int64_t)sum;
    return 0;
}

void weir_value_print_duration(char *out, size_t size, double ms)
{
    static const struct unit units[] = {{"w", 7 * 86400e3}, {"d", 86400e3}, {"h", 3600e3},
                                        {"m", 60e3},        {"s", 1e3},     {"ms", 0}};
    size_t i = 0;
    while (units[i].factor > 0 && (ms < units[i].factor || fmod(ms, units[i].factor) != 0))
        i++;
    snprintf(out, size, "%.15g%s", units[i].factor > 0 ? ms / units[i].factor : ms, units[i].name);
}

void weir_value_print_size(char *out, size_t size, double bytes)
{
    if (bytes >= 1048576 && fmod(bytes, 1048576) == 0)
        snprintf(out, size, "%.15gMiB", bytes / 1048576);
    else
        snprintf(out, size, "%.15g", bytes);
}

// "+05:30" or "Z" at `text`; the offset in seconds.
static int zone(const char *text, long *offset)
{
    int hours, minutes, used = 0;
    if ((*text == 'Z' || *text == 'z') && !text[1]) {
        *offset = 0;
        return 0;
    }
    if ((*text != '+' && *text != '-') ||
        sscanf(text + 1, "%2d:%2d%n", &hours, &minutes, &used) != 2 || used != 5 || text[6] ||
        hours > 23 || hours < 0 || minutes > 59 || minutes < 0)
        return -1;
    *offset = (hours * 60L + minutes) * 60 * (*text == '-' ? -1 : 1);
    return 0;
}

int weir_value_time(const char *text, int64_t *out, const char **why)
{
    struct tm tm = {0};
    double fraction = 0;
    long offset = 0;
    int used = 0;
    *why = "expected a time, written 2026-01-31T18:30:00Z";
    if (sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec, &used) != 6 ||
        used != 19)
        return -1;
    const char *rest = text + used;
    if (*rest == '.') {
        char digits[16] = "0.";
        size_t n = strspn(rest + 1, "0123456789");
        if (!n || n > 9)
            return -1;
        memcpy(digits + 2, rest + 1, n);
        fraction = strtod(digits, NULL);
        rest += 1 + n;
    }
    if (zone(rest, &offset))
        return -1;
    struct tm given = tm;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    time_t seconds = timegm(&tm); // normalises: a date that does not exist comes back another
    if (tm.tm_mday != given.tm_mday || tm.tm_mon + 1 != given.tm_mon ||
        tm.tm_hour != given.tm_hour || tm.tm_min != given.tm_min || tm.tm_sec != given.tm_sec) {
        *why = "there is no such time";
        return -1;
    }
    *out = ((int64_t)seconds - offset) * 1000 + (int64_t)(fraction * 1000);
    return 0;
}

int weir_value_choice(const char *text, const char *choices)
{
    size_t length = strlen(text);
    for (int i = 0; choices && *choices; i++) {
        size_t n = strcspn(choices, "|");
        if (n == length && !strncmp(text, choices, n))
            return i;
        choices += n + (choices[n] == '|');
    }
    return -1;
}
