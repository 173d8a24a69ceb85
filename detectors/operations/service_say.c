// SPDX-License-Identifier: Apache-2.0
// Words for requests that are late or fail.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "detectors/operations/service.h"
#include "detectors/operations/words.h"
#include "stats/ddsketch.h"

enum { TEXT = 900, PART = 200, CODES = 3, SEEN = 50 };

static const char *name_of(const struct operations_step *step, int field)
{
    return step->operations->stream->fields[field].name;
}

// "12%, where 0.3% is usual", with how far over an objective it is.
static void measure_text(const struct operations_burn_rules *rules,
                         const struct operations_burn_verdict *verdict, const char *verb, char *out,
                         size_t size)
{
    char usual[OPERATIONS_TIME_TEXT], allowed[OPERATIONS_TIME_TEXT], span[OPERATIONS_TIME_TEXT];
    size_t used = 0;
    operations_share_text(verdict->usual, usual);
    operations_share_text(rules->allowed, allowed);
    out[0] = 0;
    if (!isnan(verdict->usual))
        used = (size_t)snprintf(out, size, ", where %s is usual", usual);
    if (!isnan(rules->allowed) && used < size)
        used += (size_t)snprintf(out + used, size - used, "%s %s may %s", used ? " and" : ", where",
                                 allowed, verb);
    if (verdict->tier && used < size)
        snprintf(out + used, size - used, ": %.3g times too many over the last %s",
                 verdict->share / rules->allowed,
                 operations_span_text(verdict->lasting_span, span));
}

struct blamed {
    const char *field, *name;
    double share;
};

// Whose they were, where nearly all were one's: of a host, a version, a producer.
static void blame(const struct operations_service *service, const struct operations_step *step,
                  size_t outcome, struct blamed *blamed)
{
    const struct operations *operations = step->operations;
    const struct operations_attribution *const of[] = {&service->hosts, &service->versions,
                                                       &service->sources};
    int fields[] = {operations->host, operations->version, operations->source};
    int is_latency = operations->outcomes[outcome].is_latency;
    *blamed = (struct blamed){NULL, NULL, 0};
    if ((int)outcome != (is_latency ? operations->first_latency : operations->first_status))
        return;
    for (size_t i = 0; i < sizeof of / sizeof *of && !blamed->name; i++) {
        if (fields[i] < 0)
            continue;
        blamed->field = name_of(step, fields[i]);
        blamed->name = operations_attribution_find(of[i], is_latency, &blamed->share);
    }
}

static void advice_text(const struct blamed *blamed, const char *otherwise, char *out, size_t size)
{
    char share[OPERATIONS_TIME_TEXT];
    if (blamed->name)
        snprintf(out, size, "%s of them are of %.60s %.60s: look there first",
                 operations_share_text(blamed->share, share), blamed->field, blamed->name);
    else
        snprintf(out, size, "%s", otherwise);
}

// "503: 180, 500: 60", the most frequent; values that are few may be single records'.
static void codes_text(const struct operations_step *step, size_t outcome, char *out, size_t size)
{
    const struct operations_table *codes = &step->tally->codes;
    size_t used = 0;
    uint64_t below = UINT64_MAX;
    const char *last = "";
    out[0] = 0;
    for (int shown = 0; shown < CODES && (int)outcome == step->operations->first_status; shown++) {
        int best = -1;
        for (uint32_t i = 0; i < codes->names.n; i++) {
            uint64_t rows = codes->counts[i].rows;
            if (rows < SEEN || rows > below ||
                (rows == below && strcmp(codes->names.texts[i], last) <= 0))
                continue;
            if (best < 0 || rows > codes->counts[best].rows ||
                (rows == codes->counts[best].rows &&
                 strcmp(codes->names.texts[i], codes->names.texts[best]) < 0))
                best = (int)i;
        }
        if (best < 0)
            break;
        below = codes->counts[best].rows;
        last = codes->names.texts[best];
        if (used < size)
            used += (size_t)snprintf(out + used, size - used, "%s%.40s: %llu", used ? ", " : " (",
                                     last, (unsigned long long)below);
    }
    if (used && used + 2 < size)
        snprintf(out + used, size - used, ")");
}

// For three significant digits.
static int decimals(double x)
{
    int places = x > 0 ? 2 - (int)floor(log10(x)) : 0;
    return places < 0 ? 0 : places > 9 ? 9 : places;
}

static void quantiles_text(const struct operations_step *step, int field, char *out, size_t size)
{
    const struct weir_summary *summary = step->window->summary(step->window, 0, field);
    const char *unit = step->operations->stream->fields[field].unit;
    out[0] = 0;
    if (!summary || !summary->quantiles || !weir_ddsketch_count(summary->quantiles))
        return;
    double half = weir_ddsketch_quantile(summary->quantiles, 0.5);
    double most = weir_ddsketch_quantile(summary->quantiles, 0.99);
    snprintf(out, size, "; now half take up to %.*f%s%.20s, 99%% up to %.*f%s%.20s", decimals(half),
             half, unit ? " " : "", unit ? unit : "", decimals(most), most, unit ? " " : "",
             unit ? unit : "");
}

static void emit(const struct operations_step *step, const struct operations_burn_verdict *verdict,
                 struct weir_finding *finding)
{
    finding->size = sizeof *finding;
    finding->severity = verdict->critical ? WEIR_CRITICAL : WEIR_WARNING;
    finding->action = WEIR_ACTION_INVESTIGATE_UPSTREAM;
    finding->share = verdict->share;
    finding->count = verdict->lasting.bad;
    finding->statistic =
        (struct weir_statistic){finding->statistic.name, verdict->share, verdict->threshold,
                                verdict->p_value, verdict->usual};
    step->window->emit(step->window, finding);
}

static size_t list_evidence(const struct operations_step *step, size_t outcome,
                            struct weir_sample *samples, const struct blamed *blamed,
                            struct weir_slice_value *slice, struct weir_evidence *evidence)
{
    const struct operations_outcome *of = &step->tally->outcomes[outcome];
    size_t n = 0;
    for (size_t i = 0; i < of->n_samples; i++)
        samples[i] = (struct weir_sample){step->tally->topic ? step->tally->topic : "",
                                          of->samples[i].partition, of->samples[i].offset, NULL};
    if (of->n_samples)
        evidence[n++] = (struct weir_evidence){
            .type = "samples",
            .field = name_of(step, step->operations->outcomes[outcome].field),
            .contribution = NAN,
            .samples = samples,
            .n_samples = of->n_samples};
    *slice = (struct weir_slice_value){blamed->field, blamed->name};
    if (blamed->name)
        evidence[n++] = (struct weir_evidence){
            .type = "slice", .slice = slice, .n_slice = 1, .contribution = blamed->share};
    return n;
}

void operations_say_outcome(const struct operations_service *service,
                            const struct operations_step *step, size_t outcome,
                            const struct operations_burn_verdict *verdict)
{
    const struct operations *operations = step->operations;
    const struct operations_objective *objective = &operations->outcomes[outcome];
    const char *field = name_of(step, objective->field);
    const char *unit = operations->stream->fields[objective->field].unit;
    char text[TEXT], measure[PART], advice[PART], detail[PART], what[PART];
    char share[OPERATIONS_TIME_TEXT], span[OPERATIONS_TIME_TEXT], since[OPERATIONS_TIME_TEXT];
    struct weir_sample samples[OPERATIONS_SAMPLES];
    struct weir_evidence evidence[2];
    struct weir_slice_value slice;
    struct blamed blamed;
    double now = verdict->brief.rows ? (double)verdict->brief.bad / (double)verdict->brief.rows : 0;
    blame(service, step, outcome, &blamed);
    operations_share_text(now, share);
    operations_span_text(verdict->brief_span, span);
    operations_time_text(verdict->since, step->window->end, since);
    if (objective->is_latency) {
        quantiles_text(step, objective->field, detail, sizeof detail);
        snprintf(what, sizeof what, "took over %.4g%s%.20s", operations->latency_at_most,
                 unit ? " " : "", unit ? unit : "");
    } else {
        codes_text(step, outcome, detail, sizeof detail);
        snprintf(what, sizeof what, "failed");
    }
    measure_text(&objective->rules, verdict, objective->is_latency ? "be late" : "fail", measure,
                 sizeof measure);
    advice_text(&blamed,
                objective->is_latency
                    ? "look at load, at what the service waits for, and at its last release"
                : objective->is_dependency ? "look at that dependency, and at the way to it"
                                           : "look at the service's log and at its last release",
                advice, sizeof advice);
    snprintf(text, sizeof text,
             "%.80s: %s of %llu requests %s in the last %s%s%s%s; since about %s; %s.", field,
             share, (unsigned long long)verdict->brief.rows, what, span,
             objective->is_latency ? "" : detail, measure, objective->is_latency ? detail : "",
             since, advice);
    struct weir_finding finding = {
        .rule = objective->is_latency      ? "latency"
                : objective->is_dependency ? "dependency_status"
                                           : "errors",
        .kind = objective->is_latency      ? "operations.latency"
                : objective->is_dependency ? "operations.dependency"
                                           : "operations.errors",
        .fields = &field,
        .n_fields = 1,
        .statistic = {.name = objective->is_latency ? "late_share" : "failed_share"},
        .summary = text,
        .evidence = evidence,
        .n_evidence = list_evidence(step, outcome, samples, &blamed, &slice, evidence),
    };
    emit(step, verdict, &finding);
}

void operations_say_dependency(const struct operations_step *step,
                               const struct operations_dependency *dependency,
                               const struct operations_burn_verdict *verdict,
                               const struct operations_sum *others)
{
    const struct operations *operations = step->operations;
    const char *fields[] = {name_of(step, operations->upstreams[dependency->upstream]),
                            name_of(step, operations->outcomes[operations->first_status].field)};
    struct weir_slice_value slice = {fields[0], dependency->name};
    char text[TEXT], rest[PART] = "", measure[PART], share[OPERATIONS_TIME_TEXT];
    char span[OPERATIONS_TIME_TEXT], since[OPERATIONS_TIME_TEXT], rest_share[OPERATIONS_TIME_TEXT];
    double now = verdict->brief.rows ? (double)verdict->brief.bad / (double)verdict->brief.rows : 0;
    if (others->rows)
        snprintf(rest, sizeof rest, " (of the others' %llu, %s)", (unsigned long long)others->rows,
                 operations_share_text((double)others->bad / (double)others->rows, rest_share));
    measure_text(&operations->upstream_rules, verdict, "fail", measure, sizeof measure);
    snprintf(
        text, sizeof text,
        "%.80s %.80s fails: %s of its %llu requests in the last %s%s%s; since about %s; look at "
        "that dependency and at the way to it, and at what answers in its place.",
        fields[0], dependency->name, operations_share_text(now, share),
        (unsigned long long)verdict->brief.rows, operations_span_text(verdict->brief_span, span),
        measure, rest, operations_time_text(verdict->since, step->window->end, since));
    struct weir_finding finding = {
        .rule = "dependency",
        .kind = "operations.dependency",
        .fields = fields,
        .n_fields = 2,
        .slice = &slice,
        .n_slice = 1,
        .statistic = {.name = "failed_share"},
        .summary = text,
    };
    emit(step, verdict, &finding);
}
