// SPDX-License-Identifier: Apache-2.0
#include "stats/rate_run.h"

#include <math.h>
#include <string.h>

static const double LATELY = 1.0 / 6, FADE = 1.0 / 5800, SPREAD = 1.0 / 48;
static const double SUSPECT = 3, BEYOND = 1.3; // nats; of the threshold
static const double LEAST = 1e-9;

double weir_rate_usual(const struct weir_rate_run *run, double known)
{
    if (run->n < WEIR_RATE_LEARN)
        return known;
    return isnan(known) ? run->high : fmax(known, run->high);
}

double weir_rate_part(const struct weir_rate_run *run, double part)
{
    return run->n < WEIR_RATE_LEARN ? part : 1 / fmax(1, run->spread);
}

double weir_rate_add(struct weir_rate_sum *sum, double usual, double risen, double hits, double of,
                     int64_t start, double most)
{
    double p = fmin(fmax(usual, LEAST), 1 - LEAST), q = fmin(fmax(risen, LEAST), 1 - LEAST);
    if (!(of > 0))
        return sum->score;
    if (!(sum->score > 0))
        *sum = (struct weir_rate_sum){.since = start};
    sum->score += hits * log(q / p) + (of - hits) * log((1 - q) / (1 - p));
    sum->hits += hits;
    sum->of += of;
    sum->windows += sum->windows < UINT32_MAX;
    if (!(sum->score > 0))
        memset(sum, 0, sizeof *sum);
    sum->score = fmin(sum->score, most);
    return sum->score;
}

// So it is now.
static void start_anew(struct weir_rate_run *run, double rate)
{
    *run = (struct weir_rate_run){.n = WEIR_RATE_LEARN, .high = rate, .spread = run->spread};
}

void weir_rate_skip(struct weir_rate_run *run, uint32_t adopt, double hits, double of)
{
    if (of > 0 && ++run->doubt >= adopt)
        start_anew(run, hits / of);
}

static void learn(struct weir_rate_run *run, uint32_t adopt, double hits, double of)
{
    const struct weir_rate_sum *most = &run->sums[0];
    for (int i = 1; i < WEIR_RATE_RISES; i++)
        most = run->sums[i].score > most->score ? &run->sums[i] : most;
    if (most->score > SUSPECT) {
        if (++run->doubt >= adopt)
            start_anew(run, most->hits / most->of);
        return;
    }
    run->doubt = 0;
    if (run->lately_of > 0 && run->n * LATELY >= 1) {
        double rate = run->lately_hits / run->lately_of, off = hits - of * rate;
        double square = off * off / (of * rate * (1 - rate) + 0.5);
        run->spread += fmax(SPREAD, 1 / (run->n - 1 / LATELY + 1)) * (square - run->spread);
    }
    run->lately_hits += hits - LATELY * run->lately_hits;
    run->lately_of += of - LATELY * run->lately_of;
    double rate = run->lately_hits / run->lately_of;
    run->n += run->n < UINT32_MAX;
    // Its first windows are too few to be a mean.
    if (run->n * LATELY < 1 || run->lately_of < of / (2 * LATELY))
        return;
    run->high += FADE * (rate - run->high);
    run->high = fmax(run->high, rate);
}

const struct weir_rate_sum *weir_rate_step(struct weir_rate_run *run,
                                           const struct weir_rate_rules *rules, double hits,
                                           double of, int64_t start)
{
    double usual = weir_rate_usual(run, rules->known), part = weir_rate_part(run, rules->part);
    struct weir_rate_sum *beyond = NULL;
    if (!(of > 0))
        return NULL;
    for (int i = 0; i < WEIR_RATE_RISES && !isnan(usual); i++) {
        struct weir_rate_sum *sum = &run->sums[i];
        if (weir_rate_add(sum, usual, rules->rises[i], hits * part, of * part, start,
                          BEYOND * rules->threshold) >= rules->threshold &&
            (!beyond || sum->score > beyond->score))
            beyond = sum;
    }
    uint32_t doubt = run->doubt;
    learn(run, rules->adopt, hits, of);
    return beyond && run->doubt > doubt ? beyond : NULL; // unless it is the new normal
}

// ---- bytes

void weir_rate_sum_write(const struct weir_rate_sum *sum, struct weir_buffer *out)
{
    weir_put_long(out, sum->windows);
    if (!sum->windows)
        return;
    weir_put_double(out, sum->score);
    weir_put_double(out, sum->hits);
    weir_put_double(out, sum->of);
    weir_put_long(out, sum->since);
}

static double get_number(struct weir_reader *in)
{
    double value = weir_get_double(in);
    in->failed |= !(value >= 0 && value < 1e300);
    return in->failed ? 0 : value;
}

void weir_rate_sum_read(struct weir_rate_sum *sum, struct weir_reader *in)
{
    struct weir_rate_sum read = {.windows = (uint32_t)weir_get_count(in, UINT32_MAX)};
    if (read.windows) {
        read.score = get_number(in);
        read.hits = get_number(in);
        read.of = get_number(in);
        read.since = weir_get_long(in);
    }
    if (!in->failed)
        *sum = read;
}

void weir_rate_write(const struct weir_rate_run *run, struct weir_buffer *out)
{
    weir_put_long(out, run->n);
    weir_put_long(out, run->doubt);
    weir_put_double(out, run->lately_hits);
    weir_put_double(out, run->lately_of);
    weir_put_double(out, run->high);
    weir_put_double(out, run->spread);
    for (int i = 0; i < WEIR_RATE_RISES; i++)
        weir_rate_sum_write(&run->sums[i], out);
}

void weir_rate_read(struct weir_rate_run *run, struct weir_reader *in)
{
    struct weir_rate_run read = {.n = (uint32_t)weir_get_count(in, UINT32_MAX)};
    read.doubt = (uint32_t)weir_get_count(in, UINT32_MAX);
    read.lately_hits = get_number(in);
    read.lately_of = get_number(in);
    read.high = get_number(in);
    read.spread = get_number(in);
    for (int i = 0; i < WEIR_RATE_RISES; i++)
        weir_rate_sum_read(&read.sums[i], in);
    in->failed |= read.high > 1;
    if (!in->failed)
        *run = read;
}
