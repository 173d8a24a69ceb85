// SPDX-License-Identifier: Apache-2.0
#include "consumer/codec/number.h"

#include <math.h>
#include <string.h>

// What is exact in one multiplication or division: both operands are exact doubles.
static const double powers[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

struct scan {
    const char *at, *end;
    uint64_t mantissa; // the first 19 significant digits
    int digits;        // significant digits, leading zeros not counted
    int64_t exponent;  // of ten
};

static int is_digit(char c)
{
    return (unsigned char)(c - '0') <= 9;
}

// The run of digits at the cursor; returns how many.
static int64_t scan_digits(struct scan *scan)
{
    const char *from = scan->at;
    for (; scan->at < scan->end && is_digit(*scan->at); scan->at++) {
        if (scan->digits < 19) {
            scan->mantissa = scan->mantissa * 10 + (uint64_t)(*scan->at - '0');
            scan->digits += scan->mantissa != 0;
        } else {
            scan->digits++;
            scan->exponent++;
        }
    }
    return scan->at - from;
}

// The digits after "e"; 0, or -1 where there are none.
static int scan_exponent(struct scan *scan)
{
    int negative = 0;
    int64_t value = 0;
    if (scan->at < scan->end && (*scan->at == '+' || *scan->at == '-'))
        negative = *scan->at++ == '-';
    if (scan->at == scan->end || !is_digit(*scan->at))
        return -1;
    for (; scan->at < scan->end && is_digit(*scan->at); scan->at++) {
        if (value < 1000000000)
            value = value * 10 + (*scan->at - '0');
    }
    scan->exponent += negative ? -value : value;
    return 0;
}

static enum weir_number_kind integer(const struct scan *scan, int negative, const char *text,
                                     size_t length, struct weir_number *number)
{
    uint64_t limit = (uint64_t)INT64_MAX + (uint64_t)negative;
    if (scan->digits <= 19 && scan->mantissa <= limit) {
        number->integer = (int64_t)(negative ? 0 - scan->mantissa : scan->mantissa);
        number->real = negative && !scan->mantissa ? -0.0 : (double)number->integer;
        return WEIR_NUMBER_INTEGER;
    }
    if (weir_number_exact(text, length, &number->real)) {
        number->real = negative ? -INFINITY : INFINITY;
        return WEIR_NUMBER_OVERFLOW;
    }
    return WEIR_NUMBER_BIG;
}

static enum weir_number_kind real(const struct scan *scan, int negative, const char *text,
                                  size_t length, struct weir_number *number)
{
    int64_t exponent = scan->exponent;
    if (scan->mantissa == 0) {
        number->real = negative ? -0.0 : 0.0;
    } else if (scan->digits <= 19 && scan->mantissa <= (uint64_t)1 << 53 && exponent >= -22 &&
               exponent <= 22) {
        double value = (double)scan->mantissa;
        value = exponent < 0 ? value / powers[-exponent] : value * powers[exponent];
        number->real = negative ? -value : value;
    } else if (weir_number_exact(text, length, &number->real)) {
        if (exponent + scan->digits > 0) {
            number->real = negative ? -INFINITY : INFINITY;
            return WEIR_NUMBER_OVERFLOW;
        }
        number->real = negative ? -0.0 : 0.0;
    }
    return WEIR_NUMBER_REAL;
}

// Eight bytes that are all digits become their number: pairs, then fours, then all eight.
static int eight_digits(const char *at, uint64_t *value)
{
    uint64_t v;
    memcpy(&v, at, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    v = __builtin_bswap64(v);
#endif
    uint64_t high = v & 0xf0f0f0f0f0f0f0f0u,
             carry = (v + 0x0606060606060606u) & 0xf0f0f0f0f0f0f0f0u;
    if (high != 0x3030303030303030u || carry != 0x3030303030303030u)
        return 0;
    v -= 0x3030303030303030u;
    v = v * 10 + (v >> 8);
    v = (v & 0x000000ff000000ffu) * (100 + ((uint64_t)1000000 << 32)) +
        ((v >> 16) & 0x000000ff000000ffu) * (1 + ((uint64_t)10000 << 32));
    *value = v >> 32;
    return 1;
}

static inline const char *run(const char *at, const char *end, uint64_t *mantissa)
{
    uint64_t m = *mantissa, eight;
    while (end - at >= 8 && eight_digits(at, &eight)) {
        m = m * 100000000 + eight;
        at += 8;
    }
    for (; at < end && is_digit(*at); at++)
        m = m * 10 + (uint64_t)(*at - '0');
    *mantissa = m;
    return at;
}

// What most numbers are: "-123.456", in all at most 18 digits, exact in one division. Returns
// WEIR_NUMBER_NONE where it is not such a number, and perhaps another.
static inline enum weir_number_kind plain(const char *text, size_t length,
                                          struct weir_number *number)
{
    int negative = length && *text == '-';
    const char *at = text + negative, *end = text + length;
    uint64_t mantissa = 0;
    const char *point = at;
    for (; point < end && is_digit(*point); point++)
        mantissa = mantissa * 10 + (uint64_t)(*point - '0');
    // No digits, a leading zero that JSON does not have, too many.
    if (length > 20 || point == at || (point - at > 1 && *at == '0'))
        return WEIR_NUMBER_NONE;
    if (point == end) {
        if (length > 18 || !mantissa)
            return WEIR_NUMBER_NONE;
        number->integer = negative ? -(int64_t)mantissa : (int64_t)mantissa;
        number->real = (double)number->integer;
        return WEIR_NUMBER_INTEGER;
    }
    if (*point != '.' || run(point + 1, end, &mantissa) != end || end == point + 1 ||
        mantissa > (uint64_t)1 << 53 || end - at > 19)
        return WEIR_NUMBER_NONE;
    double value = (double)mantissa / powers[end - point - 1];
    static const double signs[] = {1, -1}; // no branch: a sign is hard to foretell
    number->real = value * signs[negative];
    return WEIR_NUMBER_REAL;
}

enum weir_number_kind weir_number_parse(const char *text, size_t length, int strict,
                                        struct weir_number *number)
{
    enum weir_number_kind kind = plain(text, length, number);
    if (kind != WEIR_NUMBER_NONE)
        return kind;
    struct scan scan = {text, text + length, 0, 0, 0};
    int negative = 0;
    if (length && (*text == '-' || (!strict && *text == '+'))) {
        negative = *text == '-';
        scan.at++;
        if (!negative) {
            text++; // which from_chars does not take
            length--;
        }
    }
    const char *first = scan.at;
    int64_t whole = scan_digits(&scan), part = 0;
    if (strict && (!whole || (whole > 1 && *first == '0')))
        return WEIR_NUMBER_NONE;
    if (scan.at == scan.end && whole)
        return integer(&scan, negative, text, length, number);
    if (scan.at < scan.end && *scan.at == '.') {
        scan.at++;
        part = scan_digits(&scan);
        scan.exponent -= part;
        if (strict && !part)
            return WEIR_NUMBER_NONE;
    }
    if (!whole && !part)
        return WEIR_NUMBER_NONE;
    if (scan.at < scan.end && (*scan.at == 'e' || *scan.at == 'E')) {
        scan.at++;
        if (scan_exponent(&scan))
            return WEIR_NUMBER_NONE;
    }
    if (scan.at != scan.end)
        return WEIR_NUMBER_NONE;
    return real(&scan, negative, text, length, number);
}
