// SPDX-License-Identifier: Apache-2.0
// The charts of slow drift as bytes.
#include "detectors/drift/slow.h"

#include <math.h>

#include "detectors/drift/drift.h"

int drift_slow_write(const struct drift_memory *memory, struct weir_buffer *out)
{
    const struct drift_slow *slow = &memory->calibration.slow;
    int code = weir_tail_write(&slow->tail, out);
    weir_put_double(out, slow->rarity);
    for (size_t f = 0; f < memory->drift->n_fields && !code; f++) {
        weir_put_long(out, slow->apart[f]);
        weir_put_long(out, slow->open[f]);
        for (int k = 0; k < WEIR_SIGNALS; k++) {
            const struct drift_chart *chart = drift_slow_chart(memory, f, k);
            weir_put_double(out, chart->sd);
            if (!(chart->sd > 0))
                continue;
            weir_put_double(out, chart->mean);
            weir_put_double(out, chart->single);
            weir_put_double(out, chart->slack);
            weir_cusum_write(&chart->sum, out);
            weir_ewma_write(&chart->level, out);
            weir_ewma_write(&chart->trend, out);
            weir_put_long(out, chart->up_since);
            weir_put_long(out, chart->down_since);
            weir_put_long(out, chart->up_windows);
            weir_put_long(out, chart->down_windows);
        }
    }
    return code ? code : out->failed ? WEIR_ENOMEM : 0;
}

static int is_scale(double x)
{
    return x > 0 && x < 1e6;
}

static int read_chart(struct drift_chart *chart, struct weir_reader *in)
{
    *chart = (struct drift_chart){.sd = weir_get_double(in)};
    if (in->failed || !(chart->sd >= 0) || !(chart->sd < 1e6))
        return WEIR_ECORRUPT;
    if (!(chart->sd > 0))
        return 0;
    chart->mean = weir_get_double(in);
    chart->single = weir_get_double(in);
    chart->slack = weir_get_double(in);
    weir_cusum_read(&chart->sum, in);
    weir_ewma_read(&chart->level, in);
    weir_ewma_read(&chart->trend, in);
    chart->up_since = weir_get_long(in);
    chart->down_since = weir_get_long(in);
    chart->up_windows = (uint32_t)weir_get_count(in, UINT32_MAX);
    chart->down_windows = (uint32_t)weir_get_count(in, UINT32_MAX);
    return in->failed || !is_scale(chart->single) || !is_scale(chart->slack) ||
                   !(fabs(chart->mean) < 1e6) || !(chart->sum.up < 1e12) ||
                   !(chart->sum.down < 1e12)
               ? WEIR_ECORRUPT
               : 0;
}

int drift_slow_read(struct drift_memory *memory, struct weir_reader *in)
{
    struct drift_slow *slow = &memory->calibration.slow;
    int code = weir_tail_read(&slow->tail, in);
    slow->rarity = weir_get_double(in);
    if (!code && !(slow->rarity >= 0 && slow->rarity < 1e3))
        code = WEIR_ECORRUPT;
    for (size_t f = 0; f < memory->drift->n_fields && !code; f++) {
        slow->apart[f] = (uint32_t)weir_get_count(in, UINT32_MAX / 2);
        slow->open[f] = (uint8_t)weir_get_count(in, 1);
        for (int k = 0; k < WEIR_SIGNALS && !code; k++)
            code = read_chart(drift_slow_chart(memory, f, k), in);
    }
    return code ? code : weir_reader_code(in);
}
