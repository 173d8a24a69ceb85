// SPDX-License-Identifier: Apache-2.0
#include "detectors/skew/compare.h"

#include <math.h>

static const double FLOAT_NOISE = 1e-5; // relative; float32 has 6e-8, sums of them more

static int is_number(const struct skew_value *value)
{
    return value->tag == SKEW_LONG || value->tag == SKEW_DOUBLE;
}

static double power_of_ten(int decimals)
{
    static const double powers[] = {1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    return powers[decimals];
}

int skew_decimals(double number)
{
    for (int d = 0; d <= 6; d++) {
        double scaled = number * power_of_ten(d);
        // Half a unit in the last place of `number`, scaled.
        if (fabs(scaled - rint(scaled)) <= fabs(scaled) * 4e-16)
            return d;
    }
    return 7;
}

static int rounds_to(double exact, double rounded, int decimals)
{
    double unit = 1 / power_of_ten(decimals);
    // Rounded, or cut off.
    return fabs(exact - rounded) <= unit * .5000001 ||
           (fabs(rounded) <= fabs(exact) && fabs(exact - rounded) < unit);
}

static int is_rounded(double a, double b)
{
    double largest = fabs(a) > fabs(b) ? fabs(a) : fabs(b);
    if (isinf(largest))
        return 0;
    if (fabs(a - b) <= FLOAT_NOISE * largest)
        return 1;
    // A digit or more must be left: 0.3 is not 0 rounded.
    if (!(largest < 1e15) || fabs(a - b) > .1 * largest)
        return 0;
    int of_a = skew_decimals(a), of_b = skew_decimals(b);
    if (of_a < of_b)
        return rounds_to(b, a, of_a);
    return of_b < of_a && rounds_to(a, b, of_b);
}

static int is_within(double a, double b, const struct skew_tolerance *tolerance)
{
    double largest = fabs(a) > fabs(b) ? fabs(a) : fabs(b);
    return a == b || (isfinite(largest) &&
                      fabs(a - b) <= tolerance->absolute + tolerance->relative * largest);
}

// Values of unlike tags, or texts that are unlike.
static enum skew_verdict compare_writing(const struct skew_value *a, const struct skew_value *b,
                                         const struct skew_tolerance *tolerance)
{
    if (a->tag == SKEW_TEXT && b->tag == SKEW_TEXT)
        return a->folded == b->folded ? SKEW_ENCODED : SKEW_DIFFERS;
    if (a->tag == SKEW_TEXT_TIME || b->tag == SKEW_TEXT_TIME)
        return a->tag == b->tag && a->bits == b->bits ? SKEW_ENCODED : SKEW_DIFFERS;
    double x = skew_value_number(a), y = skew_value_number(b);
    if (isnan(x) && skew_value_says(a) >= 0)
        x = skew_value_says(a);
    if (isnan(y) && skew_value_says(b) >= 0)
        y = skew_value_says(b);
    if (isnan(x) || isnan(y))
        return SKEW_DIFFERS;
    if (is_within(x, y, tolerance))
        return SKEW_ENCODED;
    return is_rounded(x, y) ? SKEW_ROUNDED : SKEW_DIFFERS;
}

enum skew_verdict skew_compare(const struct skew_value *served, const struct skew_value *offline,
                               const struct skew_tolerance *tolerance)
{
    if (skew_value_same(served, offline))
        return served->tag == SKEW_FAULT ? SKEW_UNKNOWN : SKEW_EQUAL;
    if (served->tag == SKEW_FAULT || offline->tag == SKEW_FAULT)
        return SKEW_UNKNOWN;
    if (served->tag == SKEW_ABSENT)
        return SKEW_NOT_SERVED;
    if (offline->tag == SKEW_ABSENT)
        return SKEW_NOT_OFFLINE;
    if (served->tag == SKEW_BOOLEAN && offline->tag == SKEW_BOOLEAN)
        return SKEW_DIFFERS;
    if (!is_number(served) || !is_number(offline))
        return compare_writing(served, offline, tolerance);
    double a = skew_value_number(served), b = skew_value_number(offline);
    if (served->tag == SKEW_LONG && offline->tag == SKEW_LONG && tolerance->absolute == 0 &&
        tolerance->relative == 0)
        return SKEW_DIFFERS; // whole numbers that are unlike are not rounded ones
    if (is_within(a, b, tolerance))
        return SKEW_EQUAL;
    return is_rounded(a, b) ? SKEW_ROUNDED : SKEW_DIFFERS;
}
