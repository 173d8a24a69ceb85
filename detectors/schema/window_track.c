// SPDX-License-Identifier: Apache-2.0
// The past of one number: what is normal for it.
#include <float.h>
#include <math.h>
#include <stdlib.h>

#include "detectors/schema/window.h"

static const double SIGMAS = 6, RELAX = 1.0 / 5800;
enum { LEVEL_WINDOWS = 48 };

double schema_track_beyond(const struct schema_track *track, double value, double noise)
{
    if (track->n < SCHEMA_LEARN)
        return 0;
    double sd = sqrt((double)track->variance + noise * noise);
    double beyond = value > (double)track->high  ? value - (double)track->high
                    : value < (double)track->low ? value - (double)track->low
                                                 : 0;
    return fabs(value - (double)track->level) > SIGMAS * sd ? beyond : 0;
}

void schema_track_learn(struct schema_track *track, double value, int abnormal, uint32_t adopt)
{
    if (abnormal && ++track->streak < adopt)
        return;
    if (abnormal) // so it is now: what was before says nothing of it
        *track = (struct schema_track){0};
    track->streak = 0;
    float v = (float)value;
    if (!track->n) {
        *track = (struct schema_track){.n = 1, .level = v, .low = v, .high = v};
        return;
    }
    if (track->n < UINT32_MAX)
        track->n++;
    double weight = 1.0 / (track->n < LEVEL_WINDOWS ? track->n : LEVEL_WINDOWS);
    double off = value - (double)track->level;
    track->level = (float)((double)track->level + weight * off);
    track->variance = (float)((1 - weight) * ((double)track->variance + weight * off * off));
    track->low += (float)RELAX * (track->level - track->low);
    track->high += (float)RELAX * (track->level - track->high);
    track->low = v < track->low ? v : track->low;
    track->high = v > track->high ? v : track->high;
}

void schema_track_write(const struct schema_track *track, struct weir_buffer *out)
{
    weir_put_long(out, track->n);
    if (!track->n)
        return;
    weir_put_long(out, track->streak);
    weir_put_double(out, (double)track->level);
    weir_put_double(out, (double)track->variance);
    weir_put_double(out, (double)track->low);
    weir_put_double(out, (double)track->high);
}

static float get_float(struct weir_reader *in)
{
    double value = weir_get_double(in);
    in->failed |= !(fabs(value) <= (double)FLT_MAX);
    return in->failed ? 0 : (float)value;
}

void schema_track_read(struct schema_track *track, struct weir_reader *in)
{
    struct schema_track read = {.n = (uint32_t)weir_get_count(in, UINT32_MAX)};
    if (read.n) {
        read.streak = (uint32_t)weir_get_count(in, UINT32_MAX);
        read.level = get_float(in);
        read.variance = get_float(in);
        read.low = get_float(in);
        read.high = get_float(in);
        in->failed |= read.variance < 0 || read.low > read.high;
    }
    if (!in->failed)
        *track = read;
}
