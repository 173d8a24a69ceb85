// SPDX-License-Identifier: Apache-2.0
#include "detectors/drift/trace.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/cell_signal.h"
#include "weir/error.h"

enum { BYTES = 8 << 20, FEWEST = 96 };
static const int64_t STEP = 3600000;
static const double SCALE = 4096;

size_t drift_trace_steps(size_t n_fields)
{
    size_t steps = BYTES / (sizeof(int16_t) * WEIR_SIGNALS) / (n_fields ? n_fields : 1);
    return steps < FEWEST ? FEWEST : steps > DRIFT_TRACE ? DRIFT_TRACE : steps;
}

int drift_trace_init(struct drift_trace *trace, size_t most, size_t width)
{
    *trace = (struct drift_trace){.most = most, .width = most ? width : 0};
    if (!trace->width)
        return 0;
    trace->start = calloc(most, sizeof *trace->start);
    trace->end = calloc(most, sizeof *trace->end);
    trace->of = calloc(most * width, sizeof *trace->of);
    trace->sum = calloc(width, sizeof *trace->sum);
    trace->count = calloc(width, sizeof *trace->count);
    if (trace->start && trace->end && trace->of && trace->sum && trace->count)
        return 0;
    drift_trace_free(trace);
    return WEIR_ENOMEM;
}

void drift_trace_free(struct drift_trace *trace)
{
    free(trace->start);
    free(trace->end);
    free(trace->of);
    free(trace->sum);
    free(trace->count);
    *trace = (struct drift_trace){0};
}

static size_t place(const struct drift_trace *trace, size_t i)
{
    return (trace->first + i) % trace->most;
}

static void begin_step(struct drift_trace *trace, int64_t start)
{
    trace->from = trace->to = start;
    memset(trace->sum, 0, trace->width * sizeof *trace->sum);
    memset(trace->count, 0, trace->width * sizeof *trace->count);
}

void drift_trace_reset(struct drift_trace *trace)
{
    trace->first = trace->n = 0;
    if (trace->width)
        begin_step(trace, 0);
}

// ---- adding

static void end_step(struct drift_trace *trace)
{
    if (trace->n == trace->most)
        trace->first = place(trace, 1);
    else
        trace->n++;
    size_t at = place(trace, trace->n - 1);
    trace->start[at] = trace->from;
    trace->end[at] = trace->to;
    for (size_t k = 0; k < trace->width; k++) {
        double mean = trace->count[k] ? (double)trace->sum[k] / trace->count[k] : NAN;
        trace->of[at * trace->width + k] =
            isnan(mean) ? INT16_MIN : (int16_t)lround(fmin(fmax(mean * SCALE, -32767), 32767));
    }
    begin_step(trace, trace->to);
}

void drift_trace_begin(struct drift_trace *trace, int64_t start, int64_t end)
{
    if (!trace->width)
        return;
    int going = trace->to > trace->from;
    int64_t last = trace->n ? trace->start[place(trace, trace->n - 1)] : INT64_MIN;
    int64_t until = trace->n ? trace->end[place(trace, trace->n - 1)] : INT64_MIN;
    // Of another time than what is kept: a profile's panes, say.
    if (start < last)
        drift_trace_reset(trace);
    trace->passes = start >= last && start < (going ? trace->to : until);
    if (trace->passes)
        return;
    if (going && start >= last && start - trace->from >= STEP)
        end_step(trace);
    if (!(trace->to > trace->from))
        begin_step(trace, start);
    trace->to = end;
}

void drift_trace_put(struct drift_trace *trace, size_t signal, double value)
{
    if (!trace->width || trace->passes || !isfinite(value))
        return;
    trace->sum[signal] += (float)value;
    trace->count[signal]++;
}

void drift_trace_end(struct drift_trace *trace)
{
    if (trace->width && !trace->passes && trace->to - trace->from >= STEP)
        end_step(trace);
}

void drift_trace_erase(struct drift_trace *trace, size_t signal, size_t n, int64_t from, int64_t to)
{
    for (size_t i = 0; i < trace->n; i++) {
        size_t at = place(trace, i);
        for (size_t k = signal; k < signal + n && trace->start[at] >= from && trace->start[at] < to;
             k++)
            trace->of[at * trace->width + k] = INT16_MIN;
    }
}

size_t drift_trace_take(const struct drift_trace *trace, size_t signal, int64_t from, double *y,
                        int64_t *start, int64_t *end)
{
    size_t n = 0;
    for (size_t i = 0; i < trace->n; i++) {
        size_t at = place(trace, i);
        int16_t value = trace->of[at * trace->width + signal];
        if (value == INT16_MIN || trace->start[at] < from)
            continue;
        y[n] = value / SCALE;
        start[n] = trace->start[at];
        end[n++] = trace->end[at];
    }
    return n;
}

// ---- bytes

// Times, then signal by signal: those that there are none of take a byte.
void drift_trace_write(const struct drift_trace *trace, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)trace->n);
    for (size_t i = 0; i < trace->n; i++) {
        weir_put_long(out, trace->start[place(trace, i)]);
        weir_put_long(out, trace->end[place(trace, i)] - trace->start[place(trace, i)]);
    }
    int going = trace->to > trace->from;
    weir_put_long(out, going);
    if (going) {
        weir_put_long(out, trace->from);
        weir_put_long(out, trace->to - trace->from);
    }
    for (size_t k = 0; k < trace->width; k++) {
        int any = 0;
        for (size_t i = 0; i < trace->n; i++)
            any |= trace->of[place(trace, i) * trace->width + k] != INT16_MIN;
        weir_put_long(out, any);
        for (size_t i = 0; i < trace->n && any; i++)
            weir_put_long(out, trace->of[place(trace, i) * trace->width + k]);
        if (!going)
            continue;
        weir_put_long(out, trace->count[k]);
        if (trace->count[k])
            weir_put_double(out, (double)trace->sum[k]);
    }
}

// Differences of such times do not overflow.
static int is_time(int64_t time)
{
    return time >= -(INT64_MAX / 4) && time <= INT64_MAX / 4;
}

static int read_times(struct drift_trace *trace, struct weir_reader *in, size_t n, size_t drop)
{
    int64_t last = INT64_MIN;
    for (size_t i = 0; i < n; i++) {
        int64_t start = weir_get_long(in);
        int64_t span = (int64_t)weir_get_count(in, INT64_MAX / 4);
        if (in->failed || start < last || !is_time(start))
            return WEIR_ECORRUPT;
        last = start + span;
        if (i < drop)
            continue;
        trace->start[i - drop] = start;
        trace->end[i - drop] = last;
    }
    return 0;
}

// One signal; `to`: its number now, or `width` and more for one that is no more.
static int read_signal(struct drift_trace *trace, struct weir_reader *in, size_t n, size_t drop,
                       size_t to)
{
    int any = (int)weir_get_count(in, 1), is_there = to < trace->width;
    for (size_t i = 0; i < n && any; i++) {
        int64_t value = weir_get_long(in);
        if (in->failed || value < INT16_MIN || value > INT16_MAX)
            return WEIR_ECORRUPT;
        if (is_there && i >= drop)
            trace->of[(i - drop) * trace->width + to] = (int16_t)value;
    }
    if (trace->to == trace->from || in->failed)
        return weir_reader_code(in);
    uint32_t count = (uint32_t)weir_get_count(in, INT32_MAX);
    double sum = count ? weir_get_double(in) : 0;
    if (in->failed || !(fabs(sum) < 1e9))
        return WEIR_ECORRUPT;
    if (is_there) {
        trace->count[to] = count;
        trace->sum[to] = (float)sum;
    }
    return 0;
}

int drift_trace_read(struct drift_trace *trace, struct weir_reader *in, const int *map,
                     size_t n_saved, size_t a_field)
{
    struct drift_trace read;
    size_t n = weir_get_count(in, DRIFT_TRACE), drop = n > trace->most ? n - trace->most : 0;
    if (in->failed || n > weir_reader_left(in) / 2)
        return WEIR_ECORRUPT;
    int code = drift_trace_init(&read, trace->most, trace->width);
    if (code)
        return code;
    for (size_t i = 0; i < read.most * read.width; i++)
        read.of[i] = INT16_MIN;
    read.n = n - drop;
    code = read_times(&read, in, n, drop);
    if (!code && weir_get_count(in, 1)) {
        read.from = weir_get_long(in);
        read.to = (int64_t)weir_get_count(in, INT64_MAX / 4);
        if (in->failed || !is_time(read.from) || !read.to)
            code = WEIR_ECORRUPT;
        read.to += code ? 0 : read.from;
    }
    for (size_t i = 0; i < n_saved * a_field && !code && !in->failed; i++) {
        int field = map[i / a_field];
        code = read_signal(&read, in, n, drop,
                           field < 0 ? SIZE_MAX : (size_t)field * a_field + i % a_field);
    }
    if (!code)
        code = weir_reader_code(in);
    if (code) {
        drift_trace_free(&read);
        return code;
    }
    drift_trace_free(trace);
    *trace = read;
    return 0;
}
