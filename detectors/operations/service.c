// SPDX-License-Identifier: Apache-2.0
#include "detectors/operations/service.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const int64_t FORGOTTEN = INT64_C(28) * 86400000;
// A dependency explains failures where it has so much of them.
static const double EXPLAINS = 0.7;
// And where the others have so many times fewer.
static const double LESS = 3;

int operations_service_init(struct operations_service *service, const struct operations *operations)
{
    int code = 0;
    for (size_t i = 0; i < operations->n_outcomes && !code; i++)
        code = operations_burn_init(&service->burns[i], &operations->outcomes[i].rules);
    return code;
}

static void free_dependency(struct operations_dependency *dependency)
{
    free(dependency->name);
    operations_burn_free(&dependency->burn);
}

void operations_service_free(struct operations_service *service)
{
    for (size_t i = 0; i < OPERATIONS_OUTCOMES; i++)
        operations_burn_free(&service->burns[i]);
    for (size_t i = 0; i < service->n; i++)
        free_dependency(&service->dependencies[i]);
    free(service->dependencies);
    operations_attribution_free(&service->hosts);
    operations_attribution_free(&service->versions);
    operations_attribution_free(&service->sources);
    memset(service, 0, sizeof *service);
}

static size_t place_of(const struct operations_service *service, size_t upstream, const char *name,
                       int *here)
{
    size_t low = 0, high = service->n;
    *here = 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const struct operations_dependency *at = &service->dependencies[middle];
        int order =
            at->upstream != upstream ? (at->upstream < upstream ? -1 : 1) : strcmp(at->name, name);
        *here |= !order;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

// Made where it is new. WEIR_ENOMEM; WEIR_EAGAIN: there is no room.
static int dependency_at(struct operations_service *service, const struct operations *operations,
                         size_t upstream, const char *name, size_t *at)
{
    int here;
    *at = place_of(service, upstream, name, &here);
    if (here)
        return 0;
    if (service->n == OPERATIONS_DEPENDENCIES)
        return WEIR_EAGAIN;
    if (service->n == service->capacity) {
        size_t capacity = service->capacity ? service->capacity * 2 : 4;
        void *grown = realloc(service->dependencies, capacity * sizeof *service->dependencies);
        if (!grown)
            return WEIR_ENOMEM;
        service->dependencies = grown;
        service->capacity = capacity;
    }
    struct operations_dependency made = {.upstream = upstream, .name = strdup(name)};
    if (!made.name || operations_burn_init(&made.burn, &operations->upstream_rules)) {
        free_dependency(&made);
        return WEIR_ENOMEM;
    }
    memmove(&service->dependencies[*at + 1], &service->dependencies[*at],
            (service->n - *at) * sizeof made);
    service->dependencies[*at] = made;
    service->n++;
    return 0;
}

static void forget(struct operations_service *service, int64_t before)
{
    size_t kept = 0;
    for (size_t i = 0; i < service->n; i++) {
        if (service->dependencies[i].last >= before)
            service->dependencies[kept++] = service->dependencies[i];
        else
            free_dependency(&service->dependencies[i]);
    }
    service->n = kept;
}

// ---- dependencies by name

static int add_names(struct operations_service *service, const struct operations_step *step)
{
    for (size_t u = 0; u < step->operations->n_upstreams; u++) {
        const struct operations_table *table = &step->tally->upstreams[u];
        for (uint32_t i = 0; i < table->names.n; i++) {
            size_t at;
            if (table->counts[i].n_failed &&
                dependency_at(service, step->operations, u, table->names.texts[i], &at) ==
                    WEIR_ENOMEM)
                return WEIR_ENOMEM;
        }
    }
    return 0;
}

static struct operations_sum sum_of_name(const struct operations_step *step,
                                         const struct operations_dependency *dependency)
{
    const struct operations_table *table = &step->tally->upstreams[dependency->upstream];
    int at = weir_names_find(&table->names, dependency->name, strlen(dependency->name));
    if (at < 0)
        return (struct operations_sum){0, 0};
    return (struct operations_sum){table->counts[at].n_failed, table->counts[at].failed};
}

// Those of one field that fail, while others have not done so since. Returns how many of the
// failures in the short window are theirs.
static uint64_t say_field(const struct operations_service *service,
                          const struct operations_step *step, size_t from, size_t to,
                          const struct operations_burn_verdict *verdicts)
{
    const struct operations_burn_rules *rules = &step->operations->upstream_rules;
    struct operations_sum failing = {0, 0}, others = {0, 0};
    int64_t span = rules->brief;
    uint64_t bad = 0;
    size_t n = 0, active = 0;
    for (size_t i = from; i < to; i++) {
        if (verdicts[i].found && step->window->end - verdicts[i].since > span)
            span = step->window->end - verdicts[i].since;
    }
    for (size_t i = from; i < to; i++) {
        struct operations_sum sum =
            operations_burn_sum(rules, &service->dependencies[i].burn, step->window->end, span);
        struct operations_sum *into = verdicts[i].found ? &failing : &others;
        into->rows += sum.rows;
        into->bad += sum.bad;
        bad += verdicts[i].found ? verdicts[i].brief.bad : 0;
        n += verdicts[i].found != 0;
        active += sum.rows > 0;
    }
    // Where three and all of them fail, or the others nearly as much, it is none of them.
    if (!n || (n == active && active > 2) ||
        (double)others.bad * (double)failing.rows * LESS >
            (double)failing.bad * (double)others.rows)
        return 0;
    for (size_t i = from; i < to; i++) {
        if (verdicts[i].found)
            operations_say_dependency(step, &service->dependencies[i], &verdicts[i], &others);
    }
    return bad;
}

static int judge_names(struct operations_service *service, const struct operations_step *step,
                       uint64_t *explained)
{
    const struct operations_burn_rules *rules = &step->operations->upstream_rules;
    const struct weir_window *window = step->window;
    *explained = 0;
    if (add_names(service, step))
        return WEIR_ENOMEM;
    if (!service->n)
        return 0;
    struct operations_burn_verdict *verdicts = calloc(service->n, sizeof *verdicts);
    if (!verdicts)
        return WEIR_ENOMEM;
    for (size_t i = 0; i < service->n; i++) {
        struct operations_dependency *dependency = &service->dependencies[i];
        struct operations_sum sum = sum_of_name(step, dependency);
        operations_burn_step(rules, &dependency->burn, window->end - step->operations->step,
                             window->end, &sum, &verdicts[i]);
        if (sum.rows)
            dependency->last = window->end;
    }
    for (size_t from = 0, to; from < service->n; from = to) {
        for (to = from; to < service->n &&
                        service->dependencies[to].upstream == service->dependencies[from].upstream;)
            to++;
        uint64_t bad = say_field(service, step, from, to, verdicts);
        *explained = bad > *explained ? bad : *explained;
    }
    free(verdicts);
    forget(service, window->end - FORGOTTEN);
    return 0;
}

// ---- a step

int operations_service_step(struct operations_service *service, const struct operations_step *step)
{
    const struct operations *operations = step->operations;
    const struct weir_window *window = step->window;
    uint64_t explained = 0;
    double keep = pow(0.5, (double)operations->step / (double)operations->upstream_rules.brief);
    int code = operations_attribution_add(&service->hosts, keep, &step->tally->hosts);
    if (!code)
        code = operations_attribution_add(&service->versions, keep, &step->tally->versions);
    if (!code)
        code = operations_attribution_add(&service->sources, keep, &step->tally->sources);
    if (!code && operations->n_upstreams && operations->first_status >= 0)
        code = judge_names(service, step, &explained);
    for (size_t i = 0; i < operations->n_outcomes && !code; i++) {
        const struct operations_outcome *outcome = &step->tally->outcomes[i];
        const struct operations_burn_rules *rules = &operations->outcomes[i].rules;
        struct operations_sum sum = {outcome->rows, outcome->bad};
        struct operations_burn_verdict verdict;
        operations_burn_step(rules, &service->burns[i], window->end - operations->step, window->end,
                             &sum, &verdict);
        // What a dependency brings about is told of it.
        struct operations_sum brief =
            operations_burn_sum(rules, &service->burns[i], window->end, rules->brief);
        int is_theirs = (int)i == operations->first_status && explained &&
                        (double)explained >= EXPLAINS * (double)brief.bad;
        if (verdict.found && !is_theirs)
            operations_say_outcome(service, step, i, &verdict);
    }
    return code;
}

// ---- bytes

void operations_service_save(const struct operations_service *service,
                             const struct operations *operations, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)operations->n_outcomes);
    for (size_t i = 0; i < operations->n_outcomes; i++) {
        weir_put_string(out, operations->stream->fields[operations->outcomes[i].field].name);
        operations_burn_save(&operations->outcomes[i].rules, &service->burns[i], out);
    }
    weir_put_long(out, (int64_t)service->n);
    for (size_t i = 0; i < service->n; i++) {
        const struct operations_dependency *dependency = &service->dependencies[i];
        int field = operations->upstreams[dependency->upstream];
        weir_put_string(out, operations->stream->fields[field].name);
        weir_put_string(out, dependency->name);
        weir_put_long(out, dependency->last);
        operations_burn_save(&operations->upstream_rules, &dependency->burn, out);
    }
    operations_attribution_save(&service->hosts, out);
    operations_attribution_save(&service->versions, out);
    operations_attribution_save(&service->sources, out);
}

// What is known of a field that is looked at no more is left behind.
static int restore_outcome(struct operations_service *service, const struct operations *operations,
                           struct weir_reader *in)
{
    struct operations_burn dropped = {0}, *burn = NULL;
    const struct operations_burn_rules *rules = &operations->upstream_rules;
    char *name = weir_get_string_alloc(in, 4096);
    if (!name)
        return WEIR_ECORRUPT;
    for (size_t i = 0; i < operations->n_outcomes; i++) {
        if (strcmp(operations->stream->fields[operations->outcomes[i].field].name, name) != 0)
            continue;
        burn = &service->burns[i];
        rules = &operations->outcomes[i].rules;
    }
    free(name);
    if (burn && burn->n)
        return WEIR_ECORRUPT;
    int code = burn ? 0 : operations_burn_init(&dropped, rules);
    if (!code)
        code = operations_burn_restore(rules, burn ? burn : &dropped, in);
    operations_burn_free(&dropped);
    return code;
}

static int restore_name(struct operations_service *service, const struct operations *operations,
                        struct weir_reader *in)
{
    struct operations_burn dropped = {0}, *burn = NULL;
    char *field = weir_get_string_alloc(in, 4096), *name = weir_get_string_alloc(in, 4096);
    int64_t last = operations_get_time(in);
    int code = field && name && !in->failed ? 0 : WEIR_ECORRUPT;
    for (size_t u = 0; u < operations->n_upstreams && !code; u++) {
        size_t before = service->n, at;
        if (strcmp(operations->stream->fields[operations->upstreams[u]].name, field) != 0)
            continue;
        code = dependency_at(service, operations, u, name, &at);
        if (!code && service->n == before)
            code = WEIR_ECORRUPT;
        if (code)
            break;
        service->dependencies[at].last = last;
        burn = &service->dependencies[at].burn;
    }
    free(field);
    free(name);
    if (!code && !burn)
        code = operations_burn_init(&dropped, &operations->upstream_rules);
    if (!code)
        code = operations_burn_restore(&operations->upstream_rules, burn ? burn : &dropped, in);
    operations_burn_free(&dropped);
    return code == WEIR_EAGAIN ? WEIR_ECORRUPT : code;
}

int operations_service_restore(struct operations_service *service,
                               const struct operations *operations, struct weir_reader *in)
{
    int code = 0;
    size_t n = weir_get_count(in, OPERATIONS_OUTCOMES);
    for (size_t i = 0; i < n && !code; i++)
        code = in->failed ? WEIR_ECORRUPT : restore_outcome(service, operations, in);
    n = code ? 0 : weir_get_count(in, OPERATIONS_DEPENDENCIES);
    for (size_t i = 0; i < n && !code; i++)
        code = in->failed ? WEIR_ECORRUPT : restore_name(service, operations, in);
    if (!code)
        code = operations_attribution_restore(&service->hosts, in);
    if (!code)
        code = operations_attribution_restore(&service->versions, in);
    if (!code)
        code = operations_attribution_restore(&service->sources, in);
    return code ? code : in->failed ? WEIR_ECORRUPT : 0;
}
