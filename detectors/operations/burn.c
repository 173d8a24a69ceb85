// SPDX-License-Identifier: Apache-2.0
#include "detectors/operations/burn.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/operations/tally.h"
#include "stats/special.h"
#include "weir/error.h"

static const double DAY = 86400e3, WEEK = 7 * 86400e3;
static const int64_t ADOPT = 86400000;
// Windows so many times the long and the short one, the part of `rate` that counts in them, and
// how far from the allowed share to all records it may be at most.
static const struct {
    int64_t lasting, brief;
    double part, most;
    int critical;
} tiers[OPERATIONS_BURN_TIERS] = {
    {1, 1, 1, 0.5, 1}, {6, 3, 5.0 / 12, 0.25, 0}, {24, 6, 5.0 / 24, 0.125, 0}};
static const double TIMES = 3, POINTS = 0.005, OVER_WORST = 1.5;
static const double HOLD = 0.7;
static const double KNOWN = 200, SHRINK = 50; // records
enum { BUCKETS_A_BRIEF = 5, STILL = 3 };

void operations_burn_windows(struct operations_burn_rules *rules, int64_t lasting, int64_t brief,
                             int64_t step, int has_objective)
{
    int64_t steps = brief / step / BUCKETS_A_BRIEF;
    rules->bucket = step * (steps < 1 ? 1 : steps);
    rules->brief = brief < step ? step : brief;
    rules->lasting = lasting < rules->brief ? rules->brief : lasting;
    int64_t kept = rules->lasting * (has_objective ? tiers[OPERATIONS_BURN_TIERS - 1].lasting : 1);
    rules->capacity = (uint32_t)(kept / rules->bucket) + 2;
}

int operations_burn_init(struct operations_burn *burn, const struct operations_burn_rules *rules)
{
    memset(burn, 0, sizeof *burn);
    burn->learnt_to = burn->alarm_since = INT64_MIN;
    burn->ring = calloc(rules->capacity, sizeof *burn->ring);
    return burn->ring ? 0 : WEIR_ENOMEM;
}

void operations_burn_free(struct operations_burn *burn)
{
    free(burn->ring);
    memset(burn, 0, sizeof *burn);
}

static struct operations_bucket *bucket_at(const struct operations_burn_rules *rules,
                                           const struct operations_burn *burn, uint32_t i)
{
    uint32_t at = burn->oldest + i; // both are less than the capacity
    return &burn->ring[at < rules->capacity ? at : at - rules->capacity];
}

static void add(const struct operations_burn_rules *rules, struct operations_burn *burn,
                int64_t start, const struct operations_sum *now)
{
    int64_t at = start - (start % rules->bucket + rules->bucket) % rules->bucket;
    struct operations_bucket *last = burn->n ? bucket_at(rules, burn, burn->n - 1) : NULL;
    if (!now->rows)
        return;
    if (last && last->start >= at) {
        last->rows += now->rows;
        last->bad += now->bad;
        return;
    }
    if (burn->n == rules->capacity) {
        burn->oldest = burn->oldest + 1 < rules->capacity ? burn->oldest + 1 : 0;
        burn->n--;
        burn->n_learnt -= burn->n_learnt > 0;
    }
    *bucket_at(rules, burn, burn->n++) =
        (struct operations_bucket){.start = at, .rows = now->rows, .bad = now->bad};
}

struct operations_sum operations_burn_sum(const struct operations_burn_rules *rules,
                                          const struct operations_burn *burn, int64_t end,
                                          int64_t span)
{
    struct operations_sum sum = {0, 0};
    for (uint32_t i = burn->n; i-- > 0;) {
        const struct operations_bucket *bucket = bucket_at(rules, burn, i);
        if (bucket->start < end - span)
            break;
        sum.rows += bucket->rows;
        sum.bad += bucket->bad;
    }
    return sum;
}

static double share_of(const struct operations_sum *sum)
{
    return sum->rows ? (double)sum->bad / (double)sum->rows : 0;
}

// Buckets that have left the long window are learnt, but for those in which something was wrong.
static void learn(const struct operations_burn_rules *rules, struct operations_burn *burn,
                  int64_t end)
{
    for (; burn->n_learnt < burn->n; burn->n_learnt++) {
        const struct operations_bucket *bucket = bucket_at(rules, burn, burn->n_learnt);
        if (bucket->start >= end - rules->lasting)
            return;
        double rows = (double)bucket->rows, bad = (double)bucket->bad;
        double gone = burn->learnt_to == INT64_MIN || bucket->start < burn->learnt_to
                          ? 0
                          : (double)(bucket->start - burn->learnt_to);
        if (bucket->suspect)
            continue;
        burn->rows = burn->rows * pow(0.5, gone / DAY) + rows;
        burn->bad = burn->bad * pow(0.5, gone / DAY) + bad;
        burn->worst = fmax(burn->worst * pow(0.5, gone / WEEK), bad / (rows + SHRINK));
        burn->learnt_to = bucket->start;
    }
}

// Whether so many are bad that a true share of `threshold` would not bring it.
static int is_beyond(const struct operations_burn_rules *rules, const struct operations_sum *sum,
                     double threshold, double *p_value)
{
    if (sum->bad < OPERATIONS_BURN_LEAST || share_of(sum) <= threshold)
        return 0;
    *p_value = weir_binomial_sf((double)sum->bad, (double)sum->rows, threshold);
    return *p_value <= rules->chance;
}

static void take(struct operations_burn_verdict *verdict, int tier, int critical,
                 const struct operations_sum *share, double threshold, double p_value)
{
    verdict->found = 1;
    verdict->tier = tier;
    verdict->critical = critical;
    verdict->share = share_of(share);
    verdict->threshold = threshold;
    verdict->p_value = p_value;
}

static void judge_objective(const struct operations_burn_rules *rules,
                            const struct operations_burn *burn, int64_t end,
                            struct operations_burn_verdict *verdict)
{
    for (int k = 0; k < OPERATIONS_BURN_TIERS && !verdict->found; k++) {
        double threshold = fmin(rules->rate * tiers[k].part * rules->allowed,
                                rules->allowed + (1 - rules->allowed) * tiers[k].most);
        int64_t lasting = rules->lasting * tiers[k].lasting, brief = rules->brief * tiers[k].brief;
        if (burn->alarm_since != INT64_MIN) // what has opened stays open a little below
            threshold = fmax(rules->allowed, HOLD * threshold);
        struct operations_sum all = operations_burn_sum(rules, burn, end, lasting);
        struct operations_sum now = operations_burn_sum(rules, burn, end, brief);
        double p_value = 1;
        // The budget itself must be out of the question, the rate is but how soon it is told of.
        if (share_of(&all) < threshold || share_of(&now) < threshold ||
            !is_beyond(rules, &all, rules->allowed, &p_value))
            continue;
        take(verdict, k + 1, tiers[k].critical, &all, threshold, p_value);
        verdict->brief = now;
        verdict->lasting = all;
        verdict->brief_span = brief;
        verdict->lasting_span = lasting;
    }
}

static void judge_past(const struct operations_burn_rules *rules,
                       const struct operations_burn *burn, int64_t end,
                       struct operations_burn_verdict *verdict)
{
    if (burn->rows < KNOWN)
        return;
    double threshold =
        fmax(fmax(TIMES * verdict->usual, verdict->usual + POINTS), OVER_WORST * burn->worst);
    if (!isnan(rules->allowed))
        threshold = fmax(threshold, rules->allowed);
    struct operations_sum now = operations_burn_sum(rules, burn, end, rules->brief);
    struct operations_sum all = operations_burn_sum(rules, burn, end, rules->lasting);
    double p_value = 1;
    if (threshold >= 1)
        return;
    if (is_beyond(rules, &now, threshold, &p_value))
        take(verdict, 0, share_of(&now) >= 0.5, &now, threshold, p_value);
    else if (now.bad >= STILL && share_of(&now) > fmax(threshold, share_of(&all) / 2) &&
             is_beyond(rules, &all, threshold, &p_value))
        take(verdict, 0, 0, &all, threshold, p_value);
    // What has opened stays open, or it would come and go.
    else if (burn->alarm_since != INT64_MIN && now.bad >= STILL && share_of(&now) > threshold)
        take(verdict, 0, share_of(&now) >= 0.5, &now, threshold, NAN);
    verdict->brief = now;
    verdict->lasting = all;
    verdict->brief_span = rules->brief;
    verdict->lasting_span = rules->lasting;
}

// Back from now to where a bucket was more like the usual than like this.
static int64_t begun(const struct operations_burn_rules *rules, const struct operations_burn *burn,
                     const struct operations_burn_verdict *verdict, int64_t start)
{
    double usual = isnan(verdict->usual) ? rules->allowed : verdict->usual;
    double half = (usual + share_of(&verdict->brief)) / 2;
    for (uint32_t i = burn->n; i-- > 0;) {
        const struct operations_bucket *bucket = bucket_at(rules, burn, i);
        if ((double)bucket->bad <= half * (double)bucket->rows)
            break;
        start = bucket->start < start ? bucket->start : start;
    }
    return start;
}

void operations_burn_step(const struct operations_burn_rules *rules, struct operations_burn *burn,
                          int64_t start, int64_t end, const struct operations_sum *now,
                          struct operations_burn_verdict *verdict)
{
    memset(verdict, 0, sizeof *verdict);
    add(rules, burn, start, now);
    learn(rules, burn, end);
    verdict->usual = burn->rows >= KNOWN ? burn->bad / burn->rows : NAN;
    if (now->rows && !isnan(rules->allowed))
        judge_objective(rules, burn, end, verdict);
    if (now->rows && !verdict->found)
        judge_past(rules, burn, end, verdict);
    if (!now->rows) // nothing to judge by: it stays as it was
        return;
    if (!verdict->found) {
        burn->alarm_since = INT64_MIN;
        burn->was_critical = 0;
        return;
    }
    // What has been critical is so until it is over.
    burn->was_critical |= verdict->critical;
    verdict->critical = burn->was_critical;
    if (burn->alarm_since == INT64_MIN)
        burn->alarm_since = begun(rules, burn, verdict, start);
    verdict->since = burn->alarm_since;
    // What lasts for a day is usual from then on.
    for (uint32_t i = 0; i < burn->n && end - burn->alarm_since < ADOPT; i++) {
        struct operations_bucket *bucket = bucket_at(rules, burn, i);
        bucket->suspect |= bucket->start >= burn->alarm_since;
    }
}

// ---- bytes

void operations_burn_save(const struct operations_burn_rules *rules,
                          const struct operations_burn *burn, struct weir_buffer *out)
{
    weir_put_double(out, burn->rows);
    weir_put_double(out, burn->bad);
    weir_put_double(out, burn->worst);
    weir_put_long(out, burn->learnt_to == INT64_MIN);
    weir_put_long(out, burn->learnt_to == INT64_MIN ? 0 : burn->learnt_to);
    weir_put_long(out, burn->alarm_since == INT64_MIN);
    weir_put_long(out, burn->alarm_since == INT64_MIN ? 0 : burn->alarm_since);
    weir_put_long(out, burn->was_critical);
    weir_put_long(out, burn->n);
    weir_put_long(out, burn->n_learnt);
    for (uint32_t i = 0; i < burn->n; i++) {
        const struct operations_bucket *bucket = bucket_at(rules, burn, i);
        weir_put_long(out, bucket->start);
        weir_put_long(out, (int64_t)bucket->rows);
        weir_put_long(out, (int64_t)bucket->bad);
        weir_put_long(out, bucket->suspect);
    }
}

static int64_t get_time_or_none(struct weir_reader *in)
{
    int none = weir_get_count(in, 1) != 0;
    int64_t time = operations_get_time(in);
    return none ? INT64_MIN : time;
}

int operations_burn_restore(const struct operations_burn_rules *rules, struct operations_burn *burn,
                            struct weir_reader *in)
{
    burn->rows = weir_get_double(in);
    burn->bad = weir_get_double(in);
    burn->worst = weir_get_double(in);
    burn->learnt_to = get_time_or_none(in);
    burn->alarm_since = get_time_or_none(in);
    burn->was_critical = (int)weir_get_count(in, 1);
    size_t n = weir_get_count(in, weir_reader_left(in) / 4 + 1);
    size_t n_learnt = weir_get_count(in, n);
    for (size_t i = 0; i < n && !in->failed; i++) {
        struct operations_sum sum;
        int64_t start = operations_get_time(in);
        sum.rows = operations_get_amount(in);
        sum.bad = operations_get_amount(in);
        int suspect = (int)weir_get_count(in, 1);
        if (in->failed || !sum.rows || sum.bad > sum.rows)
            return WEIR_ECORRUPT;
        add(rules, burn, start, &sum);
        bucket_at(rules, burn, burn->n - 1)->suspect |= suspect;
    }
    // What there was no room for, or has another place, had been learnt first.
    size_t gone = n - burn->n;
    burn->n_learnt = n_learnt > gone ? (uint32_t)(n_learnt - gone) : 0;
    int sane = burn->rows >= 0 && burn->rows < 1e18 && burn->bad >= 0 &&
               burn->bad <= burn->rows * (1 + 1e-9) && burn->worst >= 0 && burn->worst <= 1;
    return in->failed || !sane ? WEIR_ECORRUPT : 0;
}
