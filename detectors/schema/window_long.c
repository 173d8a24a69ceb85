// SPDX-License-Identifier: Apache-2.0
// What is kept to find a rate that is a little too high for many windows: bytes and words.
#include <math.h>
#include <stdio.h>
#include <time.h>

#include "detectors/schema/window.h"

double schema_long_threshold(double many)
{
    return log(many * WEIR_RATE_RISES / SCHEMA_P_VALUE);
}

const char *schema_since_text(const struct weir_rate_sum *sum, char *text)
{
    time_t at = (time_t)(sum->since / 1000);
    struct tm utc;
    char when[32] = "";
    // Rows without a time are numbered from 1970 on.
    if (sum->since > (int64_t)100 * 86400000 && gmtime_r(&at, &utc))
        strftime(when, sizeof when, " since %Y-%m-%d %H:%M UTC", &utc);
    snprintf(text, 64, "in %u window%s%s", sum->windows, sum->windows == 1 ? "" : "s", when);
    return text;
}

static int is_blank(const struct schema_suspect *suspect)
{
    return !suspect->sums[0].windows && !suspect->sums[1].windows;
}

void schema_long_write(const struct schema_long *runs, struct weir_buffer *out)
{
    int64_t n = 0;
    weir_rate_write(&runs->nulls, out);
    weir_rate_write(&runs->texts, out);
    for (int k = 0; k < SCHEMA_SUSPECTS; k++)
        n += !is_blank(&runs->suspects[k]);
    weir_put_long(out, n);
    for (int k = 0; k < SCHEMA_SUSPECTS; k++) {
        const struct schema_suspect *suspect = &runs->suspects[k];
        if (is_blank(suspect))
            continue;
        weir_put_fixed64(out, suspect->bits);
        weir_put_double(out, suspect->near);
        weir_put_double(out, suspect->near_before);
        weir_put_long(out, suspect->doubt);
        weir_put_long(out, suspect->told);
        for (int i = 0; i < WEIR_RATE_RISES; i++)
            weir_rate_sum_write(&suspect->sums[i], out);
    }
}

void schema_long_read(struct schema_long *runs, struct weir_reader *in)
{
    struct schema_long read = {.nulls = {.n = 0}};
    weir_rate_read(&read.nulls, in);
    weir_rate_read(&read.texts, in);
    size_t n = weir_get_count(in, SCHEMA_SUSPECTS);
    for (size_t k = 0; k < n; k++) {
        read.suspects[k].bits = weir_get_fixed64(in);
        read.suspects[k].near = weir_get_double(in);
        read.suspects[k].near_before = weir_get_double(in);
        read.suspects[k].doubt = (uint32_t)weir_get_count(in, UINT32_MAX);
        read.suspects[k].told = (uint32_t)weir_get_count(in, UINT32_MAX);
        for (int i = 0; i < WEIR_RATE_RISES; i++)
            weir_rate_sum_read(&read.suspects[k].sums[i], in);
    }
    if (!in->failed)
        *runs = read;
}
