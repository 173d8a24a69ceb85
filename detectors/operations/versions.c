// SPDX-License-Identifier: Apache-2.0
#include "detectors/operations/versions.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/operations/words.h"
#include "stats/special.h"

// Records of one version alone until it is in charge: where it is the first, and later.
enum { ALONE_AT_FIRST = 500, ALONE = 20 };
// A version of share s stays away for 14 / s records by chance once in a million.
static const double ABSENCE = 14;
static const int64_t FORGOTTEN = 86400000; // without an answer for so long it is gone

void operations_versions_free(struct operations_versions *versions)
{
    for (size_t i = 0; i < versions->n; i++)
        free(versions->list[i].name);
    free(versions->list);
    free(versions->current);
    memset(versions, 0, sizeof *versions);
}

// ---- the list

static size_t place_of(const struct operations_versions *versions, const char *name, int *here)
{
    size_t at = 0;
    while (at < versions->n && strcmp(versions->list[at].name, name) < 0)
        at++;
    *here = at < versions->n && !strcmp(versions->list[at].name, name);
    return at;
}

static struct operations_version *find(const struct operations_versions *versions, const char *name)
{
    int here = 0;
    size_t at = name ? place_of(versions, name, &here) : 0;
    return here ? &versions->list[at] : NULL;
}

// The one that has not answered for longest makes room.
static void drop_oldest(struct operations_versions *versions)
{
    size_t oldest = 0;
    for (size_t i = 1; i < versions->n; i++) {
        if (versions->list[i].last < versions->list[oldest].last)
            oldest = i;
    }
    if (versions->current && !strcmp(versions->list[oldest].name, versions->current)) {
        free(versions->current);
        versions->current = NULL;
    }
    free(versions->list[oldest].name);
    memmove(&versions->list[oldest], &versions->list[oldest + 1],
            (versions->n - oldest - 1) * sizeof *versions->list);
    versions->n--;
}

static struct operations_version *add(struct operations_versions *versions, const char *name,
                                      int64_t first)
{
    if (versions->n == OPERATIONS_VERSIONS_KEPT)
        drop_oldest(versions);
    void *grown = realloc(versions->list, (versions->n + 1) * sizeof *versions->list);
    char *copy = strdup(name);
    if (grown)
        versions->list = grown;
    if (!grown || !copy) {
        free(copy);
        return NULL;
    }
    int here;
    size_t at = place_of(versions, name, &here);
    memmove(&versions->list[at + 1], &versions->list[at],
            (versions->n - at) * sizeof *versions->list);
    memset(&versions->list[at], 0, sizeof *versions->list);
    versions->list[at].name = copy;
    versions->list[at].first = versions->list[at].last = first;
    versions->n++;
    return &versions->list[at];
}

static size_t declared(const struct operations *operations, const char *name)
{
    size_t i = 0;
    while (i < operations->n_versions && strcmp(operations->versions[i], name) != 0)
        i++;
    return i;
}

// By the declared order; versions that it does not name come behind it, by first sight.
static int is_newer(const struct operations *operations, const struct operations_version *a,
                    const struct operations_version *b)
{
    size_t x = declared(operations, a->name), y = declared(operations, b->name);
    if (x != y)
        return x > y;
    return a->first != b->first ? a->first > b->first : strcmp(a->name, b->name) > 0;
}

// ---- counting

static void answer(struct operations_version *version, const struct operations_count *count,
                   uint64_t total)
{
    if (!version->active) {
        version->active = 1;
        version->since = count->first;
        version->own = version->all = version->others = 0;
    }
    version->now = count->rows;
    version->own += count->rows;
    version->all += version->others + total;
    version->others = 0;
    if (count->last > version->last)
        version->last = count->last;
}

static void stay_away(struct operations_version *version, uint64_t total, int64_t end)
{
    version->others += total;
    double enough = ABSENCE * (double)version->all / (double)version->own;
    if ((double)version->others >= fmax(enough, ALONE) || end - version->last > FORGOTTEN)
        version->active = 0;
}

static int count_step(struct operations_versions *versions, const struct operations_step *step,
                      uint64_t total)
{
    const struct operations_table *table = &step->tally->versions;
    for (size_t i = 0; i < versions->n; i++)
        versions->list[i].now = 0;
    for (uint32_t i = 0; i < table->names.n; i++) {
        const struct operations_count *count = &table->counts[i];
        struct operations_version *version = find(versions, table->names.texts[i]);
        if (!count->rows)
            continue;
        if (!version)
            version = add(versions, table->names.texts[i], count->first);
        if (!version)
            return WEIR_ENOMEM;
        answer(version, count, total);
    }
    for (size_t i = 0; i < versions->n; i++) {
        if (versions->list[i].active && !versions->list[i].now)
            stay_away(&versions->list[i], total, step->window->end);
    }
    return 0;
}

// ---- who is in charge

static int take_charge(struct operations_versions *versions, const struct operations_version *one)
{
    char *name = strdup(one->name);
    if (!name)
        return WEIR_ENOMEM;
    int64_t last = one->since;
    for (size_t i = 0; versions->current && i < versions->n; i++) {
        if (&versions->list[i] != one && versions->list[i].last > last)
            last = versions->list[i].last;
    }
    free(versions->current);
    versions->current = name;
    versions->took_over = last;
    versions->rolled_from = one->since;
    return 0;
}

// One version is active alone.
static int settle(struct operations_versions *versions, const struct operations_step *step)
{
    const struct operations *operations = step->operations;
    const struct operations_version *one = NULL, *current = find(versions, versions->current);
    for (size_t i = 0; i < versions->n; i++) {
        if (!versions->list[i].active)
            continue;
        if (one)
            return 0;
        one = &versions->list[i];
    }
    if (!one || one == current || one->own < (current ? ALONE : ALONE_AT_FIRST))
        return 0;
    if (!current || is_newer(operations, one, current))
        return take_charge(versions, one);
    // An older one: the roll-out was called off, or it is back for so long that it was meant.
    if (current->last < versions->rolled_from + operations->rollout ||
        step->window->end - current->last > operations->rollout)
        return take_charge(versions, one);
    return 0;
}

// ---- words

static double share_of(const struct operations_version *version)
{
    return (double)version->own / (double)(version->all + version->others);
}

static int is_canary(const struct operations *operations, const struct operations_version *version)
{
    return operations->canary > 0 &&
           weir_binomial_sf((double)version->own, (double)(version->all + version->others),
                            operations->canary) > 1e-4;
}

static void emit(const struct operations_step *step, const struct operations_version *version,
                 struct weir_finding *finding, const char *before, const char *after)
{
    const char *field = step->operations->stream->fields[step->operations->version].name;
    struct weir_slice_value slice = {field, version->name};
    struct weir_evidence evidence = {.type = "slice",
                                     .field = field,
                                     .slice = &slice,
                                     .n_slice = 1,
                                     .before = before,
                                     .after = after,
                                     .contribution = NAN};
    finding->size = sizeof *finding;
    finding->fields = &field;
    finding->n_fields = 1;
    finding->model_version = version->name;
    finding->share = share_of(version);
    finding->count = version->own;
    finding->evidence = &evidence;
    finding->n_evidence = 1;
    if (finding->n_slice)
        finding->slice = &slice;
    step->window->emit(step->window, finding);
}

struct host {
    const char *name;
    uint64_t rows;
};

static int by_rows(const void *a, const void *b)
{
    const struct host *x = a, *y = b;
    return x->rows != y->rows ? (x->rows < y->rows ? 1 : -1) : strcmp(x->name, y->name);
}

// "on 2 of 12 hosts: pod-3, pod-7" of the present window; empty where hosts are not known.
static void where_text(const struct operations_step *step, const struct operations_version *version,
                       char *out, size_t size)
{
    const struct operations_tally *tally = step->tally;
    struct host hosts[OPERATIONS_HOSTS];
    uint32_t v = 0, n = 0;
    size_t used = 0;
    *out = 0;
    while (v < tally->versions.names.n &&
           strcmp(tally->versions.names.texts[v], version->name) != 0)
        v++;
    for (uint32_t h = 0; tally->pairs && v < tally->versions.names.n && h < tally->hosts.names.n;
         h++) {
        uint32_t rows = tally->pairs[v * OPERATIONS_HOSTS + h];
        if (rows)
            hosts[n++] = (struct host){tally->hosts.names.texts[h], rows};
    }
    if (!n)
        return;
    qsort(hosts, n, sizeof *hosts, by_rows);
    used = (size_t)snprintf(out, size, " on %u of %u hosts: ", n, tally->hosts.names.n);
    for (uint32_t h = 0; h < n && h < 5 && used < size; h++)
        used += (size_t)snprintf(out + used, size - used, "%s%.60s", h ? ", " : "", hosts[h].name);
    if (n > 5 && used < size)
        snprintf(out + used, size - used, " ...");
}

static void report_stale(const struct operations_versions *versions,
                         const struct operations_step *step,
                         const struct operations_version *version)
{
    char text[1200], where[500], before[400], after[700], since[OPERATIONS_TIME_TEXT],
        over[OPERATIONS_TIME_TEXT], share[OPERATIONS_TIME_TEXT];
    int64_t end = step->window->end;
    operations_time_text(version->since, end, since);
    operations_time_text(versions->took_over, end, over);
    operations_share_text(share_of(version), share);
    where_text(step, version, where, sizeof where);
    snprintf(text, sizeof text,
             "Model %.100s answers again since %s (%s of predictions), after %.100s had taken over "
             "at %s: roll back or re-deploy? It runs%s.",
             version->name, since, share, versions->current, over,
             *where ? where : " where the roll-out did not reach, or in new pods of an old image");
    snprintf(before, sizeof before, "%.100s had taken over at %s", versions->current, over);
    snprintf(after, sizeof after, "%llu answers since %s%s", (unsigned long long)version->own,
             since, where);
    struct weir_finding finding = {
        .rule = "stale_model",
        .kind = "operations.stale_model",
        .severity = WEIR_CRITICAL,
        .action = WEIR_ACTION_ROLL_BACK,
        .n_slice = 1,
        .statistic = {"share", share_of(version), 0, NAN, 0},
        .summary = text,
    };
    emit(step, version, &finding, before, after);
}

static void report_mixed(const struct operations_step *step, const struct operations_version *newer,
                         const struct operations_version *older)
{
    char text[700], before[300], after[300], since[OPERATIONS_TIME_TEXT],
        span[OPERATIONS_TIME_TEXT], rollout[OPERATIONS_TIME_TEXT], share[OPERATIONS_TIME_TEXT];
    int64_t from = newer->since > older->since ? newer->since : older->since;
    operations_time_text(from, step->window->end, since);
    operations_span_text(step->window->end - from, span);
    operations_span_text(step->operations->rollout, rollout);
    operations_share_text(share_of(newer), share);
    snprintf(text, sizeof text,
             "Models %.100s and %.100s have answered side by side since %s (%s, and a roll-out may "
             "take %s); %.100s has %s of predictions: finish the roll-out, or roll it back.",
             older->name, newer->name, since, span, rollout, newer->name, share);
    snprintf(before, sizeof before, "%.100s alone, until %s", older->name, since);
    snprintf(after, sizeof after, "%.100s: %llu of %llu answers", newer->name,
             (unsigned long long)newer->own, (unsigned long long)(newer->all + newer->others));
    struct weir_finding finding = {
        .rule = "mixed_models",
        .kind = "operations.mixed_models",
        .severity = WEIR_WARNING,
        .action = WEIR_ACTION_ROLL_BACK,
        .statistic = {"side_by_side_ms", (double)(step->window->end - from),
                      (double)step->operations->rollout, NAN, NAN},
        .summary = text,
    };
    emit(step, newer, &finding, before, after);
}

// ---- judging

static int overlap_is_long(const struct operations *operations, const struct operations_version *a,
                           const struct operations_version *b)
{
    int64_t from = a->since > b->since ? a->since : b->since;
    int64_t to = a->last < b->last ? a->last : b->last;
    return to - from > operations->rollout && !is_canary(operations, a) &&
           !is_canary(operations, b);
}

static void judge_beside(const struct operations_versions *versions,
                         const struct operations_step *step,
                         const struct operations_version *current)
{
    const struct operations *operations = step->operations;
    for (size_t i = 0; i < versions->n; i++) {
        const struct operations_version *version = &versions->list[i];
        if (!version->active || version == current)
            continue;
        if (is_newer(operations, version, current)) {
            if (current->active && overlap_is_long(operations, version, current))
                report_mixed(step, version, current);
        } else if (version->last > versions->rolled_from + operations->rollout &&
                   !is_canary(operations, version)) {
            report_stale(versions, step, version);
        }
    }
}

// Nobody was ever alone. What has been so from the beginning is not known to be a fault, unless
// the order is declared: then these are versions of one model.
static void judge_declared(const struct operations_versions *versions,
                           const struct operations_step *step)
{
    const struct operations *operations = step->operations;
    const struct operations_version *newest = NULL;
    for (size_t i = 0; i < versions->n; i++) {
        const struct operations_version *version = &versions->list[i];
        if (version->active && declared(operations, version->name) < operations->n_versions &&
            (!newest || is_newer(operations, version, newest)))
            newest = version;
    }
    for (size_t i = 0; newest && i < versions->n; i++) {
        const struct operations_version *version = &versions->list[i];
        if (version != newest && version->active &&
            declared(operations, version->name) < operations->n_versions &&
            overlap_is_long(operations, newest, version))
            report_mixed(step, newest, version);
    }
}

int operations_versions_step(struct operations_versions *versions,
                             const struct operations_step *step)
{
    const struct operations_table *table = &step->tally->versions;
    uint64_t total = 0;
    for (uint32_t i = 0; i < table->names.n; i++)
        total += table->counts[i].rows;
    if (!total)
        return 0;
    int code = count_step(versions, step, total);
    if (!code)
        code = settle(versions, step);
    if (code)
        return code;
    const struct operations_version *current = find(versions, versions->current);
    if (current)
        judge_beside(versions, step, current);
    else
        judge_declared(versions, step);
    return 0;
}

// ---- bytes

void operations_versions_save(const struct operations_versions *versions, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)versions->n);
    for (size_t i = 0; i < versions->n; i++) {
        const struct operations_version *version = &versions->list[i];
        weir_put_string(out, version->name);
        weir_put_long(out, version->first);
        weir_put_long(out, version->last);
        weir_put_long(out, version->active);
        weir_put_long(out, version->since);
        weir_put_long(out, (int64_t)version->own);
        weir_put_long(out, (int64_t)version->all);
        weir_put_long(out, (int64_t)version->others);
    }
    weir_put_long(out, versions->current != NULL);
    weir_put_string(out, versions->current);
    weir_put_long(out, versions->took_over);
    weir_put_long(out, versions->rolled_from);
}

static int restore_version(struct operations_versions *versions, struct weir_reader *in)
{
    char *name = weir_get_string_alloc(in, WEIR_NAME_LENGTH);
    struct operations_version *version = NULL;
    if (!name)
        return in->failed ? WEIR_ECORRUPT : WEIR_ENOMEM;
    if (!find(versions, name))
        version = add(versions, name, operations_get_time(in));
    else
        in->failed = 1;
    free(name);
    if (!version)
        return in->failed ? WEIR_ECORRUPT : WEIR_ENOMEM;
    version->last = operations_get_time(in);
    version->active = (int)weir_get_count(in, 1);
    version->since = operations_get_time(in);
    version->own = operations_get_amount(in);
    version->all = operations_get_amount(in);
    version->others = operations_get_amount(in);
    if (version->active && !version->own)
        in->failed = 1;
    return in->failed ? WEIR_ECORRUPT : 0;
}

int operations_versions_restore(struct operations_versions *versions, struct weir_reader *in)
{
    size_t n = weir_get_count(in, OPERATIONS_VERSIONS_KEPT);
    int code = 0;
    for (size_t i = 0; i < n && !code; i++)
        code = restore_version(versions, in);
    if (code)
        return code;
    size_t there = weir_get_count(in, 1);
    char *current = weir_get_string_alloc(in, WEIR_NAME_LENGTH);
    if (!current)
        return in->failed ? WEIR_ECORRUPT : WEIR_ENOMEM;
    if (there)
        versions->current = current;
    else
        free(current);
    versions->took_over = operations_get_time(in);
    versions->rolled_from = operations_get_time(in);
    return in->failed || (there && !find(versions, versions->current)) ? WEIR_ECORRUPT : 0;
}
