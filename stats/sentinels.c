// SPDX-License-Identifier: Apache-2.0
#include "stats/sentinels.h"

#include <math.h>

#include "stats/hll.h"
#include "stats/summary.h"

enum { CODES_FROM = 10 };

// The ends of a type are certain wherever they are not reached by chance.
const struct weir_usual_sentinel weir_usual_sentinels[] = {
    {"-1", 0},
    {"-9", 0},
    {"-99", 0},
    {"-999", 0},
    {"-9999", 0},
    {"-99999", 0},
    {"-999999", 0},
    {"-32768", 1},
    {"-2147483648", 1},
    {"0", 0},
    {"99", 0},
    {"999", 0},
    {"9999", 0},
    {"99999", 0},
    {"999999", 0},
    {"9999999", 0},
    {"99999999", 0},
    {"999999999", 0},
    {"32767", 1},
    {"65535", 1},
    {"2147483647", 1},
    {"4294967295", 1},
    {"253402300799", 1},    // 9999-12-31T23:59:59Z
    {"253402300799000", 1}, // in ms
    {"-9223372036854775808", 1},
    {"9223372036854775807", 1},
    {"-3.4028234663852886e38", 1},
    {"3.4028234663852886e38", 1},
    {"-1.7976931348623157e308", 1},
    {"1.7976931348623157e308", 1},
};

const size_t weir_n_usual_sentinels = sizeof weir_usual_sentinels / sizeof *weir_usual_sentinels;

struct weir_extent weir_extent_of(const struct weir_summary *reference, double below, double above)
{
    struct weir_extent extent = {
        .least = reference->moments.minimum,
        .most = reference->moments.maximum,
        .low = weir_summary_quantile(reference, fmax(.1, below)),
        .high = weir_summary_quantile(reference, fmin(.9, 1 - above)),
    };
    extent.integral = extent.least == floor(extent.least) && extent.most == floor(extent.most);
    // What is left out is told by its share, and what comes next by a quantile, which is not exact.
    if (below > 0)
        extent.least = weir_summary_quantile(reference, below);
    if (above > 0)
        extent.most = weir_summary_quantile(reference, 1 - above);
    if (extent.integral) {
        extent.least = nearbyint(extent.least);
        extent.most = nearbyint(extent.most);
    }
    // A sketch's median may be beyond what there is.
    double median = weir_summary_quantile(reference, below + (1 - below - above) / 2);
    extent.median = fmin(fmax(median, extent.least), extent.most);
    extent.identifies = extent.integral && reference->distinct &&
                        weir_hll_estimate(reference->distinct) > (double)reference->values / 2;
    return extent;
}

// Below everything. `reach`: how far the reference goes to that side.
static int is_apart_below(const struct weir_extent *extent, double value, int certain)
{
    double reach = extent->median - extent->least, apart = extent->least - value;
    if (certain)
        return apart >= reach;
    if (value == 0) // next to small whole numbers it is one of them
        return apart >= reach / 2 && (!extent->integral || apart >= CODES_FROM);
    if (extent->least < 0)
        return reach > 0 && reach <= 5 * (extent->median - extent->low) && apart >= 2 * reach;
    // Whole numbers that start at 0 count something, and none is less.
    int counts = extent->integral && extent->least == 0 && (value == -1 || value <= -999);
    return counts || apart >= reach / 2;
}

// Above everything: where large values come ever more seldom, any may come.
static int is_apart_above(const struct weir_extent *extent, double value, int certain)
{
    double reach = extent->most - extent->median, apart = value - extent->most;
    if (certain)
        return apart >= reach;
    return !extent->identifies && reach > 0 && reach <= 5 * (extent->high - extent->median) &&
           apart >= 2 * reach;
}

int weir_sentinel_is_apart(const struct weir_extent *extent, double value, int certain)
{
    if (extent->least == extent->most && !certain)
        return 0; // one value says nothing of others
    return value < extent->least  ? is_apart_below(extent, value, certain)
           : value > extent->most ? is_apart_above(extent, value, certain)
                                  : 0;
}
