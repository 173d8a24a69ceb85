// SPDX-License-Identifier: Apache-2.0
// A field in another unit or scale than the reference's: all of it, or what one producer sends.
// The statistics are in stats/unit_change.h; here is who is to blame, and the words.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/schema/window.h"
#include "stats/ddsketch.h"
#include "stats/preprocessing.h"
#include "stats/unit_change.h"
#include "stats/value_text.h"

// A slice is to blame when nearly all of its values were changed, and little of what shows the
// change is left in the stream without it.
static const double OF_SLICE = 0.7, LEFT = 20, LEFT_SHARE = 0.05;
enum { BLAMED = 3, NAMED = 3 };

// Another detector tells of what was done to the field on one side of training and serving only.
static int has_skew(const struct schema *schema, const struct weir_field *field)
{
    int usual = field->role == WEIR_ROLE_FEATURE || field->role == WEIR_ROLE_SCORE ||
                field->role == WEIR_ROLE_PREDICTION;
    for (size_t i = 0; i < schema->n_peers; i++) {
        const struct weir_peer *peer = &schema->peers[i];
        if (peer->size <= offsetof(struct weir_peer, n_fields) || strcmp(peer->type, "skew") != 0 ||
            !peer->n_references)
            continue;
        int looked_at = peer->fields ? 0 : usual;
        for (size_t k = 0; k < peer->n_fields; k++)
            looked_at |= !strcmp(peer->fields[k], field->name);
        if (looked_at)
            return 1;
    }
    return 0;
}

static int parts(const struct schema *schema, const struct schema_field *field,
                 const struct weir_summary *reference)
{
    enum weir_role role = field->field->role;
    if (!reference || reference->shape != WEIR_SHAPE_NUMERIC || !reference->cell ||
        !reference->quantiles)
        return -1;
    if (field->field->type != WEIR_TYPE_DOUBLE && field->field->type != WEIR_TYPE_LONG)
        return -1;
    if (role != WEIR_ROLE_FEATURE && role != WEIR_ROLE_SCORE && role != WEIR_ROLE_PREDICTION &&
        role != WEIR_ROLE_LABEL && role != WEIR_ROLE_LATENCY && role != WEIR_ROLE_WEIGHT)
        return -1;
    return WEIR_PART_CELLS | WEIR_PART_QUANTILES |
           (has_skew(schema, field->field) ? WEIR_PART_MOMENTS : 0);
}

// ---- words

__attribute__((format(printf, 2, 3))) static void put(struct schema_verdict *verdict,
                                                      const char *format, ...)
{
    size_t used = strlen(verdict->text);
    va_list args;
    va_start(args, format);
    vsnprintf(verdict->text + used, sizeof verdict->text - used, format, args);
    va_end(args);
}

// 155, 0.0254, 1,000,000: four digits are enough.
static const char *number_text(double x, char *text)
{
    if (fabs(x) >= 1e4 && fabs(x) < 1e15 && fabs(x - round(x)) < 1e-6 * fabs(x)) {
        text[0] = '-';
        weir_count_text((uint64_t)fabs(round(x)), text + (x < 0));
    } else {
        snprintf(text, 32, "%.4g", x);
    }
    return text;
}

// Three digits of an estimate.
static double rounded(double x)
{
    double unit = pow(10, floor(log10(fabs(x))) - 2);
    return x != 0 && isfinite(unit) && unit > 0 ? round(x / unit) * unit : x;
}

// Whether the factor is known, and not only estimated: all that fits has the same.
static int is_exact(const struct weir_unit_change *change)
{
    for (size_t i = 0; i < change->n_matches; i++)
        if (change->matches[i]->low != change->matches[i]->high ||
            fabs(change->matches[i]->map.a - change->map.a) > 1e-9 * fabs(change->map.a))
            return 0;
    return change->n_matches > 0;
}

// "155 times what it was in training", after "is" or "are".
static void put_change(struct schema_verdict *verdict, const struct weir_unit_change *change,
                       const char *reference)
{
    const struct weir_unit_map *map = &change->map;
    const struct weir_unit_entry *entry = change->n_matches ? change->matches[0] : NULL;
    char a[32], b[32], c[32];
    if (change->finding == WEIR_UNIT_STANDARDISED)
        put(verdict, "standardised now (mean 0, standard deviation 1) and was not in %s",
            reference);
    else if (change->finding == WEIR_UNIT_RAW)
        put(verdict, "not standardised any more, as it was in %s (mean 0, standard deviation 1)",
            reference);
    else if (map->form == WEIR_UNIT_LOG)
        put(verdict, "%s, where %s had the value itself", entry ? entry->to : "a logarithm",
            reference);
    else if (map->form == WEIR_UNIT_EXP)
        put(verdict, "the value itself, where %s had %s", reference,
            entry ? entry->from : "a logarithm");
    else if (map->b != 0)
        put(verdict, "%s times what it was in %s, %s %s", number_text(map->a, a), reference,
            map->b < 0 ? "less" : "plus", number_text(fabs(map->b), b));
    else if (map->a == -1)
        put(verdict, "of the opposite sign to %s", reference);
    else if (is_exact(change))
        put(verdict, "%s times what it was in %s", number_text(map->a, a), reference);
    else
        put(verdict, "about %s times what it was in %s (between %s and %s)",
            number_text(rounded(sqrt(change->ratio_low * change->ratio_high)), a), reference,
            number_text(rounded(change->ratio_low), b),
            number_text(rounded(change->ratio_high), c));
}

// The best entry, and others that fit as well.
static void put_names(struct schema_verdict *verdict, const struct weir_unit_change *change)
{
    if (!change->n_matches) {
        if (change->finding == WEIR_UNIT_FACTOR)
            put(verdict, "; no unit that weir knows explains the factor");
        return;
    }
    if (change->map.form != WEIR_UNIT_LINEAR || change->map.a == -1)
        return;
    put(verdict, ": looks like %s to %s", change->matches[0]->from, change->matches[0]->to);
    size_t n = change->n_matches < NAMED ? change->n_matches : NAMED;
    for (size_t i = 1; i < n; i++)
        put(verdict, "%s%s to %s", i == 1 ? " (or " : ", ", change->matches[i]->from,
            change->matches[i]->to);
    if (n > 1)
        put(verdict, ")");
}

static void describe_values(const struct weir_ddsketch *sketch, char *text, size_t size)
{
    char low[32], middle[32], high[32];
    snprintf(text, size, "median %s, 5%% to 95%%: %s to %s",
             number_text(weir_ddsketch_quantile(sketch, .5), middle),
             number_text(weir_ddsketch_quantile(sketch, .05), low),
             number_text(weir_ddsketch_quantile(sketch, .95), high));
}

// ---- who is to blame

struct blame {
    size_t slices[BLAMED];
    size_t n;
};

struct suspect {
    size_t slice;
    struct weir_law law;
    double share, left;
};

static int by_values(const void *a, const void *b)
{
    const struct suspect *x = a, *y = b;
    if (x->law.total != y->law.total)
        return x->law.total < y->law.total ? 1 : -1;
    return (x->slice > y->slice) - (x->slice < y->slice);
}

// Slices nearly all of which were changed, the largest first.
static int find_suspects(const struct schema_judge *judge,
                         const struct weir_unit_question *question,
                         const struct weir_unit_change *change, struct suspect *suspects, size_t *n)
{
    const struct weir_window *window = judge->window;
    for (size_t s = 1; s < window->n_slices; s++) {
        const struct weir_summary *now = window->summary(window, s, judge->field->index);
        struct suspect *it = &suspects[*n];
        uint64_t values = now && now->quantiles ? weir_ddsketch_count(now->quantiles) : 0;
        if (!values || (double)values > 1.2 * change->share * question->current->total + 10)
            continue;
        if (weir_law_make(now->quantiles, &it->law))
            return WEIR_ENOMEM;
        it->slice = s;
        it->share = weir_unit_share_of(question, change, &it->law);
        if (it->share >= OF_SLICE)
            ++*n;
        else
            weir_law_free(&it->law);
    }
    qsort(suspects, *n, sizeof *suspects, by_values);
    return 0;
}

// The fewest slices of one `by`, the largest first, without which the change is gone.
static void choose_blamed(const struct schema_judge *judge,
                          const struct weir_unit_question *question,
                          const struct weir_unit_change *change, const struct suspect *suspects,
                          size_t n, struct blame *blame)
{
    const struct weir_slice *slices = judge->window->slices;
    double enough = fmax(LEFT, LEFT_SHARE * change->gain);
    for (unsigned by = 1; by <= slices[judge->window->n_slices - 1].by; by++) {
        struct weir_law laws[BLAMED];
        struct blame made = {.n = 0};
        for (size_t i = 0; i < n && made.n < BLAMED; i++) {
            if (slices[suspects[i].slice].by != by)
                continue;
            laws[made.n] = suspects[i].law;
            made.slices[made.n++] = suspects[i].slice;
            if (weir_unit_left_without(question, change, laws, made.n) > enough)
                continue;
            if (!blame->n || made.n < blame->n)
                *blame = made;
            break;
        }
    }
}

static int find_blame(const struct schema_judge *judge, const struct weir_unit_question *question,
                      const struct weir_unit_change *change, struct blame *blame)
{
    blame->n = 0;
    if (change->finding != WEIR_UNIT_PART || judge->window->n_slices < 2)
        return 0;
    struct suspect *suspects = calloc(judge->window->n_slices, sizeof *suspects);
    size_t n = 0;
    int code = suspects ? find_suspects(judge, question, change, suspects, &n) : WEIR_ENOMEM;
    if (!code)
        choose_blamed(judge, question, change, suspects, n, blame);
    for (size_t i = 0; i < n; i++)
        weir_law_free(&suspects[i].law);
    free(suspects);
    return code;
}

static void put_slice(struct schema_verdict *verdict, const struct weir_slice *slice)
{
    for (size_t i = 0; i < slice->n_values; i++)
        put(verdict, "%s%.40s %.60s", i ? ", " : "", slice->values[i].field,
            slice->values[i].value ? slice->values[i].value : "null");
}

static void add_blame(struct schema_verdict *verdict, const struct schema_judge *judge,
                      const struct blame *blame)
{
    const struct weir_window *window = judge->window;
    const char *name = judge->field->field->name;
    if (!blame->n)
        return;
    put(verdict, "; all of them, and no others, come from ");
    for (size_t i = 0; i < blame->n; i++) {
        const struct weir_slice *slice = &window->slices[blame->slices[i]];
        const struct weir_summary *now =
            window->summary(window, blame->slices[i], judge->field->index);
        char after[160];
        put(verdict, "%s", i ? i + 1 < blame->n ? ", from " : " and from " : "");
        put_slice(verdict, slice);
        describe_values(now->quantiles, after, sizeof after);
        size_t at = verdict->n_evidence;
        schema_verdict_add(verdict, "slice", name, NULL, after);
        if (at < verdict->n_evidence) {
            verdict->evidence[at].slice = slice->values;
            verdict->evidence[at].n_slice = slice->n_values;
            verdict->evidence[at].contribution = 1 / (double)blame->n;
        }
    }
    if (blame->n == 1)
        verdict->slice = &window->slices[blame->slices[0]];
}

// ---- the check

static void fill(const struct schema_judge *judge, const struct weir_summary *then,
                 const char *reference, const struct weir_unit_change *change,
                 const struct blame *blame, struct schema_verdict *verdict)
{
    const char *name = judge->field->field->name;
    uint64_t values = weir_ddsketch_count(judge->now->quantiles);
    char before[160], after[160], share[32], count[32];
    describe_values(then->quantiles, before, sizeof before);
    describe_values(judge->now->quantiles, after, sizeof after);
    verdict->count = (uint64_t)(change->share * (double)values + .5);
    if (change->finding == WEIR_UNIT_PART)
        put(verdict, "%s: about %s of %s values are each ", name,
            schema_share_text(change->share, share), weir_count_text(values, count));
    else
        put(verdict, "%s: every one of %s values is ", name, weir_count_text(values, count));
    put_change(verdict, change, reference);
    put_names(verdict, change);
    schema_verdict_add(verdict, "field", name, before, after);
    verdict->evidence[0].contribution = change->share;
    add_blame(verdict, judge, blame);
    put(verdict, ". Look at %s: what was deployed, or which source was added",
        blame->n ? "what sends these" : "what fills it");
    verdict->share = change->share;
    verdict->severity =
        change->share >= judge->schema->critical_share ? WEIR_CRITICAL : WEIR_WARNING;
    verdict->action = WEIR_ACTION_FIX_PRODUCER;
    verdict->identity = WEIR_BY_KIND | WEIR_BY_FIELDS;
    verdict->statistic = (struct weir_statistic){"factor", change->map.a, NAN, NAN, 1};
    // Held to a fixed likelihood ratio: no calibration would move it.
    verdict->provisional = 0;
}

static int diagnose(const struct schema_judge *judge, const struct weir_summary *then,
                    const char *reference, struct schema_verdict *verdict)
{
    const struct weir_field *field = judge->field->field;
    struct weir_law laws[2] = {{.n = 0}, {.n = 0}};
    struct weir_unit_catalogue catalogue = {NULL, 0};
    struct weir_unit_change change = {.finding = WEIR_UNIT_NOTHING};
    struct blame blame = {.n = 0};
    int code = weir_law_make(then->quantiles, &laws[0]);
    if (!code)
        code = weir_law_make(judge->now->quantiles, &laws[1]);
    if (!code)
        code = weir_unit_catalogue_make(field->unit, field->name, &catalogue);
    if (!code) {
        struct weir_unit_question question = {&laws[0], &laws[1], &catalogue, 0};
        weir_unit_diagnose(&question, &change);
        code = find_blame(judge, &question, &change, &blame);
    }
    if (!code && change.finding != WEIR_UNIT_NOTHING)
        fill(judge, then, reference, &change, &blame, verdict);
    weir_unit_catalogue_free(&catalogue);
    weir_law_free(&laws[1]);
    weir_law_free(&laws[0]);
    // Without memory the window goes unjudged in this one respect.
    return !code && change.finding != WEIR_UNIT_NOTHING;
}

// Standardised, scaled to a range, a logarithm: preparation of a feature, and skew's to tell. What
// it would not call so, a unit or factor, it leaves to this detector.
static int is_preprocessing(const struct schema_judge *judge, const struct weir_summary *then)
{
    const struct weir_field *field = judge->field->field;
    struct weir_unlike both = {.name = field->name, .unit = field->unit, .type = field->type};
    struct weir_preprocessing found = {.kind = WEIR_PREPROCESSING_NONE};
    if (!has_skew(judge->schema, field))
        return 0;
    if (!weir_unlike_open(&both, then, judge->now))
        weir_preprocessing_of_scale(&both, &found);
    weir_unlike_close(&both);
    return found.kind != WEIR_PREPROCESSING_NONE && found.kind != WEIR_PREPROCESSING_UNIT;
}

static int judge_unit(struct schema_judge *judge, struct schema_verdict *verdict)
{
    const struct weir_summary *now = judge->now;
    // A slice is compared with nothing of its own: other routes may well have other amounts.
    if (judge->slice || !now->quantiles || now->values < judge->schema->minimum)
        return 0;
    for (size_t i = 0; i < judge->schema->n_references; i++) {
        const struct weir_summary *then = schema_reference(judge, i);
        if (!then || !then->quantiles || then->shape != WEIR_SHAPE_NUMERIC)
            continue;
        if (now->cell && then->cell && now->cells == then->cells &&
            !weir_unit_suspect(then->cell, now->cell, now->cells->n))
            continue;
        if (is_preprocessing(judge, then))
            return 0;
        if (diagnose(judge, then, judge->schema->references[i], verdict))
            return 1;
    }
    return 0;
}

const struct schema_window_check schema_check_unit = {
    .rule = "unit",
    .kind = "schema.unit",
    .scope = SCHEMA_OF_FIELD,
    .option = SCHEMA_OPTION_UNIT,
    .parts = parts,
    .judge = judge_unit,
};
