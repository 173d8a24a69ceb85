// SPDX-License-Identifier: Apache-2.0
#include "detectors/operations/hosts.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/operations/field_counts.h"
#include "detectors/operations/words.h"
#include "stats/hash.h"
#include "stats/sort.h"
#include "stats/summary.h"

enum { PEERS = 3, SHOWN = 4 };
static const double MONTH = 30 * 86400e3;
static const int64_t FORGOTTEN = INT64_C(28) * 86400000;
// Over what its peers' scores are apart, and over what its own were.
static const double OVER_PEERS = 3, OVER_PAST = 0.1, PAST_WINDOWS = 12;
// Traffic is unlike where a field is, by so much and by so much of what scores are.
static const double TRAFFIC_P = 1e-3, TRAFFIC_LEAST = 0.05, TRAFFIC_OF_SCORE = 0.25;

int operations_hosts_need(struct operations *operations, const struct weir_detector_config *config,
                          const struct weir_setup *setup, struct weir_error *error)
{
    const struct weir_field *fields = operations->stream->fields;
    int code = 0;
    for (size_t k = 0; k < config->n_by && operations->host >= 0; k++) {
        if (config->n_by_fields[k] == 1 && config->by[k][0] == operations->host)
            operations->host_by = (unsigned)k + 1;
    }
    if (!operations->host_by || !operations->n_scores) {
        operations->host_by = 0;
        return 0;
    }
    for (size_t i = 0; i < operations->n_inputs; i++) {
        int field = operations->inputs[i];
        if (operations->n_compared < OPERATIONS_COMPARED && !fields[field].is_list &&
            fields[field].type != WEIR_TYPE_UNKNOWN && fields[field].type != WEIR_TYPE_BYTES)
            operations->compared[operations->n_compared++] = field;
    }
    for (size_t i = 0; i <= operations->n_compared && !code; i++) {
        int field = i < operations->n_compared ? operations->compared[i] : operations->scores[0];
        unsigned parts = operations_count_parts(fields[field].type);
        code = setup->need(setup, 0, field, parts, error);
        if (!code)
            code = setup->need(setup, operations->host_by, field, parts, error);
    }
    return code;
}

// ---- what is known of hosts

void operations_hosts_free(struct operations_hosts *hosts)
{
    free(hosts->list);
    memset(hosts, 0, sizeof *hosts);
}

static size_t place_of(const struct operations_hosts *hosts, uint64_t hash)
{
    size_t low = 0, high = hosts->n;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (hosts->list[middle].hash < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static const struct operations_host *past_of(const struct operations_hosts *hosts, uint64_t hash)
{
    size_t at = place_of(hosts, hash);
    return at < hosts->n && hosts->list[at].hash == hash ? &hosts->list[at] : NULL;
}

static void forget(struct operations_hosts *hosts, int64_t before)
{
    size_t kept = 0;
    for (size_t i = 0; i < hosts->n; i++) {
        if (hosts->list[i].last >= before)
            hosts->list[kept++] = hosts->list[i];
    }
    hosts->n = kept;
}

static int learn(struct operations_hosts *hosts, uint64_t hash, double effect, int64_t end)
{
    size_t at = place_of(hosts, hash);
    if (at == hosts->n || hosts->list[at].hash != hash) {
        if (hosts->n == OPERATIONS_HOSTS_KEPT)
            return 0; // without a past it is judged by its peers alone
        void *grown = realloc(hosts->list, (hosts->n + 1) * sizeof *hosts->list);
        if (!grown)
            return WEIR_ENOMEM;
        hosts->list = grown;
        memmove(&hosts->list[at + 1], &hosts->list[at], (hosts->n - at) * sizeof *hosts->list);
        hosts->list[at] = (struct operations_host){.hash = hash};
        hosts->n++;
    }
    struct operations_host *host = &hosts->list[at];
    host->windows = fmin(host->windows + 1, 100);
    host->effect += (effect - host->effect) / host->windows;
    host->last = end;
    return 0;
}

// ---- a window's comparison

struct comparison {
    const struct operations_step *step;
    size_t n;      // hosts with enough scores
    size_t *which; // their slices
    double *effects, *p_values, *scratch;
    struct operations_field_counts counts;
};

static void comparison_free(struct comparison *comparison)
{
    free(comparison->which);
    free(comparison->effects);
    free(comparison->p_values);
    free(comparison->scratch);
    free(comparison->counts.slices);
}

static int comparison_make(struct comparison *comparison, const struct operations_step *step)
{
    const struct operations *operations = step->operations;
    const struct weir_window *window = step->window;
    size_t room = window->n_slices + 1;
    memset(comparison, 0, sizeof *comparison);
    comparison->step = step;
    comparison->which = calloc(room, sizeof *comparison->which);
    comparison->effects = calloc(room, sizeof *comparison->effects);
    comparison->p_values = calloc(room, sizeof *comparison->p_values);
    comparison->scratch = calloc(room, sizeof *comparison->scratch);
    comparison->counts.slices = calloc(room, sizeof *comparison->counts.slices);
    if (!comparison->which || !comparison->effects || !comparison->p_values ||
        !comparison->scratch || !comparison->counts.slices)
        return WEIR_ENOMEM;
    for (size_t s = 1; s < window->n_slices; s++) {
        const struct weir_summary *scores = window->slices[s].by == operations->host_by
                                                ? window->summary(window, s, operations->scores[0])
                                                : NULL;
        if (scores && (double)scores->values >= operations->host_records &&
            window->slices[s].n_values && window->slices[s].values[0].value)
            comparison->which[comparison->n++] = s;
    }
    return 0;
}

static void compare(struct comparison *comparison, int field)
{
    operations_field_counts(comparison->step->window, field, comparison->which, comparison->n,
                            &comparison->counts);
    for (size_t i = 0; i < comparison->n; i++)
        operations_unlike_peers(&comparison->counts, i, &comparison->effects[i],
                                &comparison->p_values[i]);
}

// The median of what the others are apart from their peers.
static double usual_effect(const struct comparison *comparison, size_t but)
{
    size_t n = 0;
    for (size_t i = 0; i < comparison->n; i++) {
        if (i != but)
            comparison->scratch[n++] = comparison->effects[i];
    }
    weir_sort_doubles(comparison->scratch, n);
    return n ? comparison->scratch[n / 2] : 0;
}

static const char *name_of(const struct comparison *comparison, size_t i)
{
    return comparison->step->window->slices[comparison->which[i]].values[0].value;
}

static double p_limit(const struct comparison *comparison)
{
    const struct operations *operations = comparison->step->operations;
    double windows = MONTH / (double)operations->step;
    return fmin(operations->alarms / windows / (double)comparison->n, 1e-6);
}

static int is_outlier(const struct comparison *comparison, size_t i,
                      const struct operations_host *past)
{
    double effect = comparison->effects[i];
    if (effect < comparison->step->operations->host_effect ||
        comparison->p_values[i] >= p_limit(comparison) ||
        effect < OVER_PEERS * usual_effect(comparison, i))
        return 0;
    return !past || past->windows < PAST_WINDOWS || effect >= past->effect + OVER_PAST;
}

// ---- words

struct outlier {
    size_t i; // of the comparison
    double effect, p_value, usual, median, peers;
    int is_new; // it was like its peers before
    char unlike[SHOWN * 64];
    size_t n_unlike;
};

// The median of the score over one host, and the median of its peers' medians.
static void medians(const struct comparison *comparison, struct outlier *outlier)
{
    const struct weir_window *window = comparison->step->window;
    int field = comparison->step->operations->scores[0];
    size_t n = 0;
    for (size_t k = 0; k < comparison->n; k++) {
        double median =
            weir_summary_quantile(window->summary(window, comparison->which[k], field), 0.5);
        if (k == outlier->i)
            outlier->median = median;
        else
            comparison->scratch[n++] = median;
    }
    weir_sort_doubles(comparison->scratch, n);
    outlier->peers = comparison->scratch[n / 2];
}

static void report(const struct comparison *comparison, const struct outlier *outlier)
{
    const struct operations *operations = comparison->step->operations;
    const struct weir_window *window = comparison->step->window;
    const struct weir_slice *slice = &window->slices[comparison->which[outlier->i]];
    const char *field = operations->stream->fields[operations->scores[0]].name;
    char text[900], before[80], after[80], share[OPERATIONS_TIME_TEXT];
    operations_share_text(outlier->effect, share);
    if (outlier->n_unlike)
        snprintf(text, sizeof text,
                 "%.80s %.80s scores unlike its peers (%.60s: median %.3g, "
                 "peers %.3g), but its traffic is unlike theirs too (%s): look at what is routed "
                 "to it before the host.",
                 slice->values[0].field, name_of(comparison, outlier->i), field, outlier->median,
                 outlier->peers, outlier->unlike);
    else
        snprintf(text, sizeof text,
                 "%.80s %.80s scores unlike its %zu peers on like traffic: %.60s has median %.3g "
                 "where theirs is %.3g, and %s of %llu scores would have to change; take it out "
                 "of service and compare its model file, build and hardware.",
                 slice->values[0].field, name_of(comparison, outlier->i), comparison->n - 1, field,
                 outlier->median, outlier->peers, share, (unsigned long long)slice->rows);
    snprintf(before, sizeof before, "peers: median %.4g", outlier->peers);
    snprintf(after, sizeof after, "median %.4g", outlier->median);
    struct weir_evidence evidence = {.type = "slice",
                                     .field = field,
                                     .slice = slice->values,
                                     .n_slice = slice->n_values,
                                     .before = before,
                                     .after = after,
                                     .contribution = NAN};
    struct weir_finding finding = {
        .size = sizeof finding,
        .rule = "host_outlier",
        .kind = "operations.host_outlier",
        .severity = outlier->n_unlike ? WEIR_INFO : WEIR_WARNING,
        .action = outlier->n_unlike ? WEIR_ACTION_INVESTIGATE_UPSTREAM : WEIR_ACTION_CHECK_HARDWARE,
        .fields = &field,
        .n_fields = 1,
        .slice = slice->values,
        .n_slice = slice->n_values,
        .provisional = 1,
        .share = outlier->effect,
        .count = slice->rows,
        .statistic = {"total_variation", outlier->effect, operations->host_effect, outlier->p_value,
                      outlier->usual},
        .summary = text,
        .evidence = &evidence,
        .n_evidence = 1,
    };
    window->emit(window, &finding);
}

// Which of the inputs of outliers are unlike those of their peers.
static void compare_traffic(struct comparison *comparison, struct outlier *outliers, size_t n)
{
    const struct operations *operations = comparison->step->operations;
    double limit = TRAFFIC_P / (double)(operations->n_compared ? operations->n_compared : 1);
    for (size_t f = 0; f < operations->n_compared; f++) {
        compare(comparison, operations->compared[f]);
        for (size_t k = 0; k < n; k++) {
            struct outlier *outlier = &outliers[k];
            double effect = comparison->effects[outlier->i];
            if (comparison->p_values[outlier->i] >= limit || effect < TRAFFIC_LEAST ||
                effect < TRAFFIC_OF_SCORE * outlier->effect)
                continue;
            size_t used = strlen(outlier->unlike);
            if (outlier->n_unlike++ < SHOWN)
                snprintf(outlier->unlike + used, sizeof outlier->unlike - used, "%s%.60s",
                         used ? ", " : "",
                         operations->stream->fields[operations->compared[f]].name);
        }
    }
}

static int judge(struct operations_hosts *hosts, struct comparison *comparison)
{
    struct outlier *outliers = calloc(comparison->n, sizeof *outliers);
    size_t n = 0;
    int code = outliers ? 0 : WEIR_ENOMEM;
    compare(comparison, comparison->step->operations->scores[0]);
    for (size_t i = 0; i < comparison->n && !code; i++) {
        const char *name = name_of(comparison, i);
        uint64_t hash = weir_hash(name, strlen(name));
        const struct operations_host *past = past_of(hosts, hash);
        if (!is_outlier(comparison, i, past)) {
            code = learn(hosts, hash, comparison->effects[i], comparison->step->window->end);
            continue;
        }
        outliers[n].is_new = past && past->windows >= PAST_WINDOWS;
        outliers[n].effect = comparison->effects[i];
        outliers[n].p_value = comparison->p_values[i];
        outliers[n].usual = usual_effect(comparison, i);
        outliers[n++].i = i;
    }
    if (n && !code)
        compare_traffic(comparison, outliers, n);
    for (size_t k = 0; k < n && !code; k++) {
        const char *name = name_of(comparison, outliers[k].i);
        // Traffic of its own is learnt, and no news of a host that has always had it.
        if (outliers[k].n_unlike)
            code = learn(hosts, weir_hash(name, strlen(name)), outliers[k].effect,
                         comparison->step->window->end);
        if (outliers[k].n_unlike && !outliers[k].is_new)
            continue;
        medians(comparison, &outliers[k]);
        report(comparison, &outliers[k]);
    }
    free(outliers);
    return code;
}

int operations_hosts_step(struct operations_hosts *hosts, const struct operations_step *step)
{
    struct comparison comparison;
    int code = comparison_make(&comparison, step);
    if (!code && comparison.n >= PEERS)
        code = judge(hosts, &comparison);
    forget(hosts, step->window->end - FORGOTTEN);
    comparison_free(&comparison);
    return code;
}

// ---- bytes

void operations_hosts_save(const struct operations_hosts *hosts, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)hosts->n);
    for (size_t i = 0; i < hosts->n; i++) {
        weir_put_fixed64(out, hosts->list[i].hash);
        weir_put_double(out, hosts->list[i].effect);
        weir_put_double(out, hosts->list[i].windows);
        weir_put_long(out, hosts->list[i].last);
    }
}

int operations_hosts_restore(struct operations_hosts *hosts, struct weir_reader *in)
{
    size_t n = weir_get_count(in, OPERATIONS_HOSTS_KEPT);
    for (size_t i = 0; i < n && !in->failed; i++) {
        struct operations_host host = {.hash = weir_get_fixed64(in)};
        host.effect = weir_get_double(in);
        host.windows = weir_get_double(in);
        host.last = operations_get_time(in);
        if (in->failed || !(host.effect >= 0 && host.effect <= 1) ||
            !(host.windows >= 1 && host.windows <= 100) || past_of(hosts, host.hash))
            return WEIR_ECORRUPT;
        int code = learn(hosts, host.hash, host.effect, host.last);
        if (code)
            return code;
        hosts->list[place_of(hosts, host.hash)] = host;
    }
    return in->failed ? WEIR_ECORRUPT : 0;
}
