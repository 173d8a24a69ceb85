// SPDX-License-Identifier: Apache-2.0
// What is asked of the search, and which parts of an impossible whole it takes.
#include "stats/rule_logic.h"

#include <stdlib.h>
#include <string.h>

#include "stats/rule_logic_inside.h"

enum { PAIRS = 100 };

struct checker {
    struct logic logic;
    uint8_t *active;         // rules that others are held against: what they say is known
    uint8_t *rules, *pieces; // of the query under way
    size_t n_fields;
    void (*report)(void *context, const struct weir_logic_finding *finding);
    void *context;
};

static const struct weir_logic_rule *rule_at(const struct checker *checker, size_t rule)
{
    return &checker->logic.in->rules[rule];
}

// ---- queries

static void use_pieces(struct checker *checker)
{
    const struct weir_logic_field *fields = checker->logic.in->fields;
    for (size_t f = 0; fields && f < checker->n_fields; f++)
        checker->pieces[f] = (uint8_t)fields[f].pieces;
}

static void use_all(struct checker *checker)
{
    memcpy(checker->rules, checker->active, checker->logic.in->n_rules);
    use_pieces(checker);
}

// Those that are treated as `rule` is, and not itself: what they catch it need not.
static void use_like(struct checker *checker, size_t rule)
{
    const struct weir_logic *in = checker->logic.in;
    use_all(checker);
    for (size_t i = 0; i < in->n_rules; i++)
        checker->rules[i] &= i != rule && in->rules[i].route == in->rules[rule].route;
    for (size_t f = 0; in->fields && f < checker->n_fields; f++) {
        for (int piece = 0; piece < WEIR_LOGIC_PIECES; piece++) {
            if (in->fields[f].routes[piece] != in->rules[rule].route)
                checker->pieces[f] &= (uint8_t) ~(1u << piece);
        }
    }
}

static int possible(struct checker *checker, const struct logic_goal *goals, int64_t value_of)
{
    struct logic_query query = {checker->rules, checker->pieces, goals, value_of};
    return logic_possible(&checker->logic, &query);
}

static struct logic_goal condition_of(const struct checker *checker, size_t rule)
{
    const struct logic_formula *when = &checker->logic.rules[rule].when;
    return (struct logic_goal){.formula = when, .node = when->tree->root};
}

// ---- the parts that an impossible whole takes

static void drop_pieces(struct checker *checker, const struct logic_goal *goals, int64_t value_of)
{
    uint8_t *all = malloc(checker->n_fields + 1);
    if (!all)
        return;
    memcpy(all, checker->pieces, checker->n_fields);
    memset(checker->pieces, 0, checker->n_fields);
    int needed = possible(checker, goals, value_of);
    if (needed)
        memcpy(checker->pieces, all, checker->n_fields);
    free(all);
    for (size_t f = 0; f < checker->n_fields && needed; f++) {
        for (int piece = 0; piece < WEIR_LOGIC_PIECES; piece++) {
            uint8_t bit = (uint8_t)(1u << piece);
            if (!(checker->pieces[f] & bit))
                continue;
            checker->pieces[f] ^= bit;
            if (possible(checker, goals, value_of))
                checker->pieces[f] |= bit;
        }
    }
}

// Leaves in `rules` and `pieces` only what cannot be left out; the rule `keep` stays.
static void drop_needless(struct checker *checker, const struct logic_goal *goals, int64_t value_of,
                          size_t keep)
{
    drop_pieces(checker, goals, value_of);
    for (size_t i = checker->logic.in->n_rules; i--;) {
        if (!checker->rules[i] || i == keep)
            continue;
        checker->rules[i] = 0;
        if (possible(checker, goals, value_of))
            checker->rules[i] = 1;
    }
}

static void add_part(struct weir_logic_finding *finding, struct weir_logic_part part)
{
    if (finding->n_parts < WEIR_LOGIC_PARTS)
        finding->parts[finding->n_parts] = part;
    finding->n_parts++;
}

static void tell(struct checker *checker, enum weir_logic_kind kind, size_t rule, int field)
{
    struct weir_logic_finding finding = {.kind = kind, .rule = rule, .field = field};
    for (size_t i = 0; i < checker->logic.in->n_rules; i++) {
        if (checker->rules[i] && i != rule)
            add_part(&finding, (struct weir_logic_part){i, -1, 0});
    }
    for (size_t f = 0; f < checker->n_fields; f++) {
        for (int piece = 0; piece < WEIR_LOGIC_PIECES; piece++) {
            if (checker->pieces[f] >> piece & 1)
                add_part(&finding, (struct weir_logic_part){WEIR_LOGIC_NO_RULE, (int)f,
                                                            (enum weir_logic_piece)piece});
        }
    }
    checker->report(checker->context, &finding);
}

static size_t last_rule(const struct checker *checker)
{
    size_t last = WEIR_LOGIC_NO_RULE;
    for (size_t i = 0; i < checker->logic.in->n_rules; i++)
        last = checker->rules[i] ? i : last;
    return last;
}

// ---- nulls that are asked for

static int tests_null(const struct logic_formula *formula, uint32_t at, uint32_t term)
{
    const struct node *node = &formula->tree->nodes[at];
    if (!logic_is_junction(node)) {
        const struct logic_atom *atom = &formula->atoms[at];
        return (atom->kind == LOGIC_NULL || atom->kind == LOGIC_MISSING) && atom->x == term;
    }
    for (uint32_t child = node->first; child != NO_NODE; child = formula->tree->nodes[child].next) {
        if (tests_null(formula, child, term))
            return 1;
    }
    return 0;
}

// Whether one of the rules speaks of the term's nulls: then it may be meant to have no value.
static int null_is_meant(const struct checker *checker, uint32_t term)
{
    for (size_t i = 0; i < checker->logic.in->n_rules; i++) {
        const struct logic_rule *rule = &checker->logic.rules[i];
        if (!checker->rules[i])
            continue;
        if (tests_null(&rule->holds, rule->holds.tree->root, term) ||
            (rule->when.tree && tests_null(&rule->when, rule->when.tree->root, term)))
            return 1;
    }
    return 0;
}

static int field_of(const struct checker *checker, uint32_t term)
{
    const struct logic_term *of = &checker->logic.terms[term];
    return of->field >= 0 ? of->field : of->null_with;
}

// ---- what no record can keep

static void find_no_record(struct checker *checker)
{
    for (size_t tries = 0; tries < checker->logic.in->n_rules; tries++) {
        use_all(checker);
        if (possible(checker, NULL, -1))
            return;
        drop_needless(checker, NULL, -1, WEIR_LOGIC_NO_RULE);
        size_t rule = last_rule(checker);
        if (rule == WEIR_LOGIC_NO_RULE)
            return;
        tell(checker, WEIR_LOGIC_NO_RECORD, rule, -1);
        checker->active[rule] = 0;
    }
}

static void find_no_value(struct checker *checker)
{
    for (uint32_t term = 0; term < checker->logic.n_terms; term++) {
        use_all(checker);
        if (possible(checker, NULL, term))
            continue;
        drop_needless(checker, NULL, term, WEIR_LOGIC_NO_RULE);
        size_t rule = last_rule(checker);
        if (rule == WEIR_LOGIC_NO_RULE || null_is_meant(checker, term))
            continue;
        tell(checker, WEIR_LOGIC_NO_VALUE, rule, field_of(checker, term));
        checker->active[rule] = 0;
    }
}

// ---- conditions

static int has_condition(const struct checker *checker, size_t rule)
{
    return checker->active[rule] && checker->logic.rules[rule].when.tree;
}

static void find_never_holds(struct checker *checker, size_t rule)
{
    struct logic_goal when = condition_of(checker, rule);
    use_like(checker, rule);
    if (possible(checker, &when, -1))
        return;
    drop_needless(checker, &when, -1, WEIR_LOGIC_NO_RULE);
    tell(checker, WEIR_LOGIC_NEVER_HOLDS, rule, -1);
    checker->active[rule] = 0;
}

// `when`: the condition of the rule, and of `other` where there is one.
static int none_under(struct checker *checker, size_t rule, size_t other,
                      const struct logic_goal *when, int64_t value_of)
{
    use_all(checker);
    checker->rules[rule] = 0;
    if (!possible(checker, when, value_of))
        return 0; // its condition is for others' records
    use_all(checker);
    if (possible(checker, when, value_of))
        return 0;
    drop_needless(checker, when, value_of, rule);
    if (value_of >= 0 && null_is_meant(checker, (uint32_t)value_of))
        return 0;
    if (other != WEIR_LOGIC_NO_RULE && !checker->rules[other])
        return 0; // its condition alone keeps the rule apart
    size_t last = last_rule(checker);
    tell(checker, WEIR_LOGIC_NONE_UNDER, last,
         value_of < 0 ? -1 : field_of(checker, (uint32_t)value_of));
    checker->active[last] = 0;
    return 1;
}

static void find_none_under(struct checker *checker, size_t rule)
{
    struct logic_goal when = condition_of(checker, rule);
    const struct logic_formula *holds = &checker->logic.rules[rule].holds;
    if (none_under(checker, rule, WEIR_LOGIC_NO_RULE, &when, -1))
        return;
    for (uint32_t i = 0; i < holds->tree->n && checker->active[rule]; i++) {
        const struct logic_atom *atom = &holds->atoms[i];
        if (atom->kind == LOGIC_SET || atom->kind == LOGIC_ORDER)
            none_under(checker, rule, WEIR_LOGIC_NO_RULE, &when, atom->x);
    }
}

// Fields as they are, and nothing of which more would have to be known.
static int is_plain(const struct checker *checker, size_t rule)
{
    const struct logic_formula *when = &checker->logic.rules[rule].when;
    for (uint32_t i = 0; i < when->tree->n; i++) {
        const struct logic_atom *atom = &when->atoms[i];
        if (atom->kind == LOGIC_SET && checker->logic.terms[atom->x].field < 0)
            return 0;
        if (atom->kind == LOGIC_ORDER &&
            (checker->logic.terms[atom->x].field < 0 || checker->logic.terms[atom->y].field < 0))
            return 0;
    }
    return 1;
}

// Two conditions that are not the same can hold at once.
static void find_pair(struct checker *checker, size_t a, size_t b)
{
    struct logic_goal first = condition_of(checker, a), second = condition_of(checker, b);
    first.next = &second;
    if (is_plain(checker, a) || is_plain(checker, b))
        none_under(checker, b, a, &first, -1);
}

static void find_pairs(struct checker *checker)
{
    size_t n = checker->logic.in->n_rules, conditions = 0;
    for (size_t i = 0; i < n; i++)
        conditions += (size_t)has_condition(checker, i);
    for (size_t i = 0; i < n && conditions <= PAIRS; i++) {
        for (size_t k = i + 1; k < n && has_condition(checker, i); k++) {
            if (has_condition(checker, k))
                find_pair(checker, i, k);
        }
    }
}

// ---- what never fails

static void find_never_fails(struct checker *checker, size_t rule)
{
    const struct logic_rule *of = &checker->logic.rules[rule];
    struct logic_goal fails = {.formula = &of->holds, .node = of->holds.tree->root, .negative = 1};
    struct logic_goal when;
    if (of->conditional && !of->when.tree)
        return;
    if (of->conditional) {
        when = condition_of(checker, rule);
        fails.next = &when;
    }
    use_like(checker, rule);
    if (possible(checker, &fails, -1))
        return;
    drop_needless(checker, &fails, -1, WEIR_LOGIC_NO_RULE);
    tell(checker, WEIR_LOGIC_NEVER_FAILS, rule, -1);
    checker->active[rule] = 0;
}

// ----

static void check(struct checker *checker)
{
    size_t n = checker->logic.in->n_rules;
    // What needs no record to be known is told where it is read.
    for (size_t i = 0; i < n; i++) {
        const struct weir_logic_rule *rule = rule_at(checker, i);
        checker->active[i] = checker->logic.rules[i].holds.tree &&
                             weir_expression_always(rule->holds) < 0 &&
                             (!rule->when || weir_expression_always(rule->when) < 0);
    }
    use_pieces(checker);
    if (!possible(checker, NULL, -1))
        return; // the contract alone allows nothing
    find_no_record(checker);
    find_no_value(checker);
    for (size_t i = 0; i < n; i++) {
        if (has_condition(checker, i))
            find_never_holds(checker, i);
    }
    for (size_t i = 0; i < n; i++) {
        if (has_condition(checker, i))
            find_none_under(checker, i);
    }
    find_pairs(checker);
    for (size_t i = n; i--;) {
        if (checker->active[i])
            find_never_fails(checker, i);
    }
}

int weir_logic_check(const struct weir_logic *logic,
                     void (*report)(void *context, const struct weir_logic_finding *finding),
                     void *context)
{
    struct checker checker = {.logic = {.in = logic}, .report = report, .context = context};
    if (!logic->n_rules)
        return 0;
    checker.n_fields = logic->stream->n_fields;
    checker.active = calloc(logic->n_rules, 1);
    checker.rules = calloc(logic->n_rules, 1);
    checker.pieces = calloc(checker.n_fields + 1, 1);
    int read = checker.active && checker.rules && checker.pieces ? logic_read(&checker.logic) : -1;
    if (!read)
        check(&checker);
    logic_free(&checker.logic);
    free(checker.active);
    free(checker.rules);
    free(checker.pieces);
    return read < 0 ? WEIR_ENOMEM : 0;
}
