// SPDX-License-Identifier: Apache-2.0
#include "detectors/operations/outcome.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { WORD = 64 };

static const char *const words[] = {"err",           "fail",        "failed",
                                    "timed_out",     "unavailable", "aborted",
                                    "abort",         "refused",     "internal",
                                    "unreachable",   "crashed",     "deadline_exceeded",
                                    "data_loss",     "nok",         "resource_exhausted",
                                    "service_error", "5xx"};
static const char *const ends[] = {"error", "exception", "timeout", "failure"};
static const char *const negations[] = {"no", "none", "non", "not", "without"};

// ---- values that the configuration names

// "500-599", "5xx", "503".
static int read_range(const char *text, double *low, double *high)
{
    char *end;
    if (strlen(text) == 3 && isdigit((unsigned char)text[0]) && !strcasecmp(text + 1, "xx")) {
        *low = 100 * (text[0] - '0');
        *high = *low + 99;
        return 1;
    }
    if (!isdigit((unsigned char)text[0]) && text[0] != '-')
        return 0;
    *low = *high = strtod(text, &end);
    if (end != text && *end == '-' && isdigit((unsigned char)end[1]))
        *high = strtod(end + 1, &end);
    return end != text && !*end && isfinite(*low) && isfinite(*high);
}

int operations_failure_valid(const char *text)
{
    double low, high;
    if (!*text || strlen(text) >= WORD)
        return 0;
    return !isdigit((unsigned char)*text) || !read_range(text, &low, &high) || low <= high;
}

int operations_failure_number(const struct operations_failures *failures, double value)
{
    if (!failures->n)
        return value >= 500 && value < 600;
    for (size_t i = 0; i < failures->n; i++) {
        double low, high;
        if (read_range(failures->texts[i], &low, &high) && value >= low && value <= high)
            return 1;
    }
    return 0;
}

// ---- words

static int is_among(const char *text, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcasecmp(text, list[i]))
            return 1;
    }
    return 0;
}

static int is_usual_word(const char *text)
{
    size_t length = strlen(text);
    if (is_among(text, words, sizeof words / sizeof *words))
        return 1;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        size_t tail = strlen(ends[i]);
        if (length < tail || strcasecmp(text + length - tail, ends[i]) != 0)
            continue;
        // "no_error" is none.
        char before[WORD];
        snprintf(before, sizeof before, "%.*s", (int)(length - tail), text);
        while (*before && !isalnum((unsigned char)before[strlen(before) - 1]))
            before[strlen(before) - 1] = 0;
        return !is_among(before, negations, sizeof negations / sizeof *negations);
    }
    return 0;
}

int operations_failure_text(const struct operations_failures *failures, const char *text,
                            size_t length)
{
    char word[WORD];
    double low, high;
    if (!length || length >= sizeof word)
        return 0;
    memcpy(word, text, length);
    word[length] = 0;
    for (size_t i = 0; i < length; i++)
        word[i] = word[i] == '-' || word[i] == ' ' ? '_' : word[i];
    if (is_among(word, failures->texts, failures->n))
        return 1;
    memcpy(word, text, length);
    if (is_among(word, failures->texts, failures->n))
        return 1;
    if (isdigit((unsigned char)*word) && read_range(word, &low, &high) && low == high)
        return operations_failure_number(failures, low);
    for (size_t i = 0; i < length; i++)
        word[i] = word[i] == '-' || word[i] == ' ' ? '_' : word[i];
    return !failures->n && is_usual_word(word);
}

int operations_failure_truth(const char *name)
{
    static const char *const signs[] = {"err", "fail", "timeout", "timed_out", "exception"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++) {
        if (strcasestr(name, signs[i]))
            return 1;
    }
    return 0;
}

// ---- rows

enum operations_outcome_value operations_status_outcome(const struct operations_failures *failures,
                                                        const struct weir_column *column,
                                                        uint32_t row, uint8_t *memo)
{
    int bad = 0;
    if (column->state[row] != WEIR_STATE_VALUE)
        return OPERATIONS_NO_OUTCOME;
    switch (column->type) {
    case WEIR_TYPE_DOUBLE:
        bad = operations_failure_number(failures, column->values.f64[row]);
        break;
    case WEIR_TYPE_LONG:
        bad = operations_failure_number(failures, (double)column->values.i64[row]);
        break;
    case WEIR_TYPE_BOOLEAN:
        bad = (column->values.i64[row] != 0) == (failures->truth != 0);
        break;
    case WEIR_TYPE_STRING:
    case WEIR_TYPE_BYTES: {
        uint32_t code = column->values.code[row];
        if (code < column->n_dictionary && memo[code])
            return (enum operations_outcome_value)memo[code];
        const struct weir_string *string = weir_column_string(column, code);
        bad = operations_failure_text(failures, string->data, string->length);
        if (code < column->n_dictionary)
            memo[code] = bad ? OPERATIONS_BAD : OPERATIONS_GOOD;
        break;
    }
    case WEIR_TYPE_UNKNOWN:
        return OPERATIONS_NO_OUTCOME;
    }
    return bad ? OPERATIONS_BAD : OPERATIONS_GOOD;
}

enum operations_outcome_value
operations_latency_outcome(double at_most, const struct weir_column *column, uint32_t row)
{
    if (column->state[row] != WEIR_STATE_VALUE ||
        (column->type != WEIR_TYPE_DOUBLE && column->type != WEIR_TYPE_LONG))
        return OPERATIONS_NO_OUTCOME;
    double value = column->type == WEIR_TYPE_DOUBLE ? column->values.f64[row]
                                                    : (double)column->values.i64[row];
    return isnan(value)      ? OPERATIONS_NO_OUTCOME
           : value > at_most ? OPERATIONS_BAD
                             : OPERATIONS_GOOD;
}
