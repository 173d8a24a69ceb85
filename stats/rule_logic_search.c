// SPDX-License-Identifier: Apache-2.0
// Looks for one record that meets a formula: and at once, or one by one, going back where a term
// has no value left or the orders of terms go round in a circle.
#include <math.h>
#include <stdlib.h>

#include "stats/rule_logic_inside.h"

enum { STEPS = 20000, ORDERED = 32 };

struct logic_undo {
    uint32_t term;
    struct logic_set set;
};

// x `op` y + k. Holds of values that are neither null nor NaN.
struct logic_order {
    uint32_t x, y;
    uint8_t op;     // OP_LT, OP_LE, OP_EQ, OP_NE
    uint8_t no_nan; // where it holds neither is NaN
    long double k;
};

// ---- what a term may be to begin with

static const struct logic_interval everything = {-INFINITY, INFINITY, 0, 0};
static const struct logic_interval finites = {-INFINITY, INFINITY, 1, 1};
static const struct logic_interval integers = {-0x1p63L, 0x1p63L - 1, 0, 0};
static const struct logic_interval booleans = {0, 1, 0, 0};
static const struct logic_interval lengths = {0, 0x1p31L, 0, 0};

static struct logic_set narrowed(struct logic *logic, const struct logic_set *set,
                                 struct logic_interval interval)
{
    struct logic_set other = logic_set_between(&logic->arena, interval);
    if (!other.intervals)
        return *set;
    other.null = set->null;
    other.nan = set->nan;
    return logic_set_and(&logic->arena, set, &other);
}

static struct logic_set listed(struct logic *logic, const struct logic_term *term,
                               const struct logic_set *set)
{
    struct logic_set values = term->values;
    if (!values.texts && !values.intervals)
        return *set;
    values.null = set->null;
    return logic_set_and(&logic->arena, set, &values);
}

static int asks(const struct logic_query *query, int field, enum weir_logic_piece piece)
{
    return field >= 0 && query->pieces[field] >> piece & 1;
}

static struct logic_set first_set(struct logic *logic, const struct logic_query *query,
                                  const struct logic_term *term)
{
    int field = term->field;
    struct logic_set set = {.null = 1, .is_text = term->is_text, .whole = term->whole, .n = 1};
    if (asks(query, term->null_with, WEIR_LOGIC_NULL))
        set.null = 0;
    if (term->is_text) {
        set.n = 0;
        set.except = 1;
    } else if (!term->whole) {
        int asked = asks(query, field, WEIR_LOGIC_NAN);
        set.nan = !asked || logic->in->fields[field].nan;
        set.intervals = asked && !logic->in->fields[field].infinite ? &finites : &everything;
    } else {
        set.intervals = term->is_boolean ? &booleans : term->length_of >= 0 ? &lengths : &integers;
    }
    if (asks(query, field, WEIR_LOGIC_RANGE) && !term->is_text) {
        const struct weir_field *of = &logic->in->stream->fields[field];
        set = narrowed(logic, &set, (struct logic_interval){of->low, of->high, 0, 0});
    }
    if (asks(query, field, WEIR_LOGIC_VALUES))
        set = listed(logic, term, &set);
    if (asks(query, term->length_of, WEIR_LOGIC_LENGTH)) {
        const struct weir_field *of = &logic->in->stream->fields[term->length_of];
        set = narrowed(
            logic, &set,
            (struct logic_interval){(long double)of->shortest, (long double)of->longest, 0, 0});
    }
    return set;
}

// ---- orders: shortest paths in a graph of differences

struct weight {
    long double most; // x - y is at most so much
    int strict;       // and less
};

struct graph {
    uint32_t terms[ORDERED + 1]; // from 1 on; 0 is the number 0
    uint32_t n;
    struct weight weights[ORDERED + 1][ORDERED + 1];
};

static int less(struct weight a, struct weight b)
{
    return a.most < b.most || (!(a.most > b.most) && a.strict > b.strict);
}

static void join(struct graph *graph, uint32_t x, uint32_t y, long double most, int strict)
{
    struct weight weight = {most, strict};
    if (less(weight, graph->weights[x][y]))
        graph->weights[x][y] = weight;
}

// 0: there is no room.
static uint32_t place_of(struct graph *graph, const struct logic *logic, uint32_t term)
{
    const struct logic_set *set = &logic->sets[term];
    for (uint32_t i = 1; i < graph->n; i++) {
        if (graph->terms[i] == term)
            return i;
    }
    if (graph->n > ORDERED)
        return 0;
    uint32_t at = graph->n++;
    graph->terms[at] = term;
    if (!set->is_text && set->n) {
        const struct logic_interval *low = &set->intervals[0];
        const struct logic_interval *high = &set->intervals[set->n - 1];
        if (!isinf(high->high))
            join(graph, at, 0, high->high, high->high_open);
        if (!isinf(low->low))
            join(graph, 0, at, -low->low, low->low_open);
    }
    return at;
}

static void find_shortest(struct graph *graph)
{
    for (uint32_t k = 0; k < graph->n; k++) {
        for (uint32_t i = 0; i < graph->n; i++) {
            struct weight first = graph->weights[i][k];
            for (uint32_t j = 0; j < graph->n && !isinf(first.most); j++) {
                struct weight second = graph->weights[k][j];
                if (!isinf(second.most))
                    join(graph, i, j, first.most + second.most, first.strict | second.strict);
            }
        }
    }
}

static int has_meaning(const struct logic *logic, const struct logic_order *order)
{
    const struct logic_set *x = &logic->sets[order->x], *y = &logic->sets[order->y];
    return !x->null && !y->null && (order->no_nan || (!x->nan && !y->nan));
}

static int is_equality(const struct logic_order *order)
{
    return order->op == OP_EQ && !(order->k < 0) && !(order->k > 0);
}

// Two terms that are equal have a value in common.
static int have_common(struct logic *logic, const struct logic_order *order)
{
    struct logic_set x = logic->sets[order->x], y = logic->sets[order->y];
    size_t used = logic->arena.used;
    x.nan = y.nan = 0;
    struct logic_set both = logic_set_and(&logic->arena, &x, &y);
    logic->arena.used = used;
    return !logic_set_is_empty(&both);
}

static int same_text(const struct logic *logic, const struct logic_order *order)
{
    const struct logic_set *x = &logic->sets[order->x], *y = &logic->sets[order->y];
    return order->op == OP_NE && x->is_text && x->n == 1 && y->n == 1 && !x->except && !y->except &&
           !expression_text_order(x->texts[0], y->texts[0]);
}

static void add_order(struct graph *graph, const struct logic *logic,
                      const struct logic_order *order)
{
    uint32_t x = place_of(graph, logic, order->x), y = place_of(graph, logic, order->y);
    int whole = logic->terms[order->x].whole && logic->terms[order->y].whole;
    if (!x || !y || order->op == OP_NE)
        return;
    if (order->op == OP_LT)
        join(graph, x, y, whole ? order->k - 1 : order->k, !whole);
    else
        join(graph, x, y, order->k, 0);
    if (order->op == OP_EQ)
        join(graph, y, x, -order->k, 0);
}

// The graph says that x is y + k, and another rule that it is not.
static int must_be(const struct graph *graph, const struct logic_order *order)
{
    uint32_t x = 0, y = 0;
    for (uint32_t i = 1; i < graph->n; i++) {
        x = graph->terms[i] == order->x ? i : x;
        y = graph->terms[i] == order->y ? i : y;
    }
    if (!x || !y)
        return 0;
    struct weight a = graph->weights[x][y], b = graph->weights[y][x];
    return !a.strict && !b.strict && !(a.most > order->k) && !(a.most < order->k) &&
           !(b.most > -order->k) && !(b.most < -order->k);
}

static int orders_hold(struct logic *logic)
{
    struct graph graph = {.n = 1};
    for (uint32_t i = 0; i <= ORDERED; i++) {
        for (uint32_t k = 0; k <= ORDERED; k++)
            graph.weights[i][k] = (struct weight){i == k ? 0 : INFINITY, 0};
    }
    for (size_t i = 0; i < logic->n_orders; i++) {
        const struct logic_order *order = &logic->orders[i];
        if (!has_meaning(logic, order))
            continue;
        if ((is_equality(order) && !have_common(logic, order)) || same_text(logic, order))
            return 0;
        add_order(&graph, logic, order);
    }
    find_shortest(&graph);
    for (uint32_t i = 0; i < graph.n; i++) {
        if (graph.weights[i][i].most < 0 || graph.weights[i][i].strict)
            return 0;
    }
    for (size_t i = 0; i < logic->n_orders; i++) {
        const struct logic_order *order = &logic->orders[i];
        if (order->op == OP_NE && has_meaning(logic, order) && must_be(&graph, order))
            return 0;
    }
    return 1;
}

// ---- a record is found

static int is_legal(const struct logic *logic, const struct logic_query *query,
                    const struct logic_term *term, struct weir_text text)
{
    static const enum weir_logic_piece pieces[] = {WEIR_LOGIC_LENGTH, WEIR_LOGIC_PATTERN};
    for (int i = 0; i < 2; i++) {
        if (asks(query, term->field, pieces[i]) && logic->in->legal &&
            !logic->in->legal(logic->in->context, term->field, pieces[i], text))
            return 0;
    }
    return 1;
}

// One of the texts that are left meets the field's length and pattern.
static int texts_are_legal(const struct logic *logic, const struct logic_query *query)
{
    for (uint32_t i = 0; i < logic->n_terms; i++) {
        const struct logic_set *set = &logic->sets[i];
        if (!set->is_text || set->except || set->null)
            continue;
        uint32_t k = 0;
        while (k < set->n && !is_legal(logic, query, &logic->terms[i], set->texts[k]))
            k++;
        if (k == set->n)
            return 0;
    }
    return 1;
}

// ---- and, or

struct search {
    struct logic *logic;
    const struct logic_query *query;
};

static void go_back(struct logic *logic, size_t trail, size_t orders, size_t used)
{
    while (logic->n_trail > trail) {
        logic->n_trail--;
        logic->sets[logic->trail[logic->n_trail].term] = logic->trail[logic->n_trail].set;
    }
    logic->n_orders = orders;
    logic->arena.used = used;
}

enum { TRAIL = 40000, ORDERS = 4000 };

// 0: nothing is left of it.
static int narrow(struct logic *logic, uint32_t term, const struct logic_set *to)
{
    if (logic->n_trail == TRAIL)
        return 1;
    struct logic_set left = logic_set_and(&logic->arena, &logic->sets[term], to);
    logic->trail[logic->n_trail++] = (struct logic_undo){term, logic->sets[term]};
    logic->sets[term] = left;
    return !logic_set_is_empty(&left);
}

// All values of a term's type, and NaN.
static struct logic_set any_value(const struct logic_term *term)
{
    if (term->is_text)
        return (struct logic_set){.is_text = 1, .except = 1};
    return (struct logic_set){.nan = 1, .n = 1, .intervals = &everything};
}

static int take_null(struct logic *logic, const struct logic_atom *atom, int negative)
{
    struct logic_set set = any_value(&logic->terms[atom->x]);
    if (atom->kind == LOGIC_MISSING && negative)
        return 1;
    if (!negative)
        set = (struct logic_set){.null = 1, .is_text = set.is_text};
    return narrow(logic, atom->x, &set);
}

static int take_set(struct logic *logic, const struct logic_atom *atom, int negative, int lifted)
{
    struct logic_set set = negative ? logic_set_not(&logic->arena, &atom->set) : atom->set;
    set.null = (uint8_t)lifted;
    return narrow(logic, atom->x, &set);
}

static int take_order(struct logic *logic, const struct logic_atom *atom, int negative, int lifted)
{
    struct logic_order order = {atom->x, atom->y, atom->op, 0, atom->k};
    if (logic->n_orders == ORDERS)
        return 1;
    order.no_nan = !negative;
    if (negative && atom->op == OP_EQ) {
        order.op = OP_NE;
    } else if (negative) { // not x < y + k: y <= x - k
        order =
            (struct logic_order){atom->y, atom->x, atom->op == OP_LT ? OP_LE : OP_LT, 0, -atom->k};
    }
    logic->orders[logic->n_orders++] = order;
    if (lifted)
        return 1;
    struct logic_set x = any_value(&logic->terms[atom->x]);
    struct logic_set y = any_value(&logic->terms[atom->y]);
    x.nan = y.nan = (uint8_t)negative;
    return narrow(logic, atom->x, &x) && narrow(logic, atom->y, &y);
}

static int take(struct logic *logic, const struct logic_goal *goal)
{
    const struct logic_atom *atom = &goal->formula->atoms[goal->node];
    int negative = goal->negative != atom->turned;
    switch (atom->kind) {
    case LOGIC_TRUTH:
        return atom->truth == 2 ? goal->lifted : atom->truth != goal->negative;
    case LOGIC_SET:
        return take_set(logic, atom, negative, goal->lifted);
    case LOGIC_NULL:
    case LOGIC_MISSING:
        return take_null(logic, atom, goal->negative);
    case LOGIC_ORDER:
        return take_order(logic, atom, negative, goal->lifted);
    default:
        return 1;
    }
}

// What a goal comes to: two others (1: both, 2: one of them), one (0), nothing to be done (3).
static int take_apart(const struct search *search, const struct logic_goal *goal,
                      struct logic_goal *a, struct logic_goal *b)
{
    *a = *b = *goal;
    if (!goal->formula) {
        const struct logic_rule *rule = &search->logic->rules[goal->rule];
        if (!rule->holds.tree || (rule->conditional && !rule->when.tree))
            return 3;
        *a = (struct logic_goal){&rule->holds, 0, rule->holds.tree->root, 0, 1, NULL};
        if (!rule->conditional)
            return 0;
        *b = (struct logic_goal){&rule->when, 0, rule->when.tree->root, 1, 1, NULL};
        return 2;
    }
    const struct tree *tree = goal->formula->tree;
    const struct node *node = &tree->nodes[goal->node];
    a->node = node->first;
    if (node->op == OP_NOT) {
        a->negative = !goal->negative;
        return 0;
    }
    b->node = tree->nodes[node->first].next;
    if (node->op == OP_IMPLIES)
        a->negative = !goal->negative;
    return (node->op == OP_AND) == !goal->negative ? 1 : 2;
}

static int find(const struct search *search, const struct logic_goal *now,
                const struct logic_goal *later);

static int branch(const struct search *search, const struct logic_goal *later)
{
    struct logic *logic = search->logic;
    struct logic_goal goals[2];
    take_apart(search, later, &goals[0], &goals[1]);
    for (int i = 0; i < 2; i++) {
        size_t trail = logic->n_trail, orders = logic->n_orders, used = logic->arena.used;
        goals[i].next = NULL;
        if (find(search, &goals[i], later->next))
            return 1;
        go_back(logic, trail, orders, used);
    }
    return 0;
}

// `now`: all have to hold; `later`: those of which one half has to.
static int find(const struct search *search, const struct logic_goal *now,
                const struct logic_goal *later)
{
    struct logic *logic = search->logic;
    if (++logic->steps > STEPS)
        return 1;
    for (; now; now = now->next) {
        struct logic_goal a, b;
        if (now->formula && !logic_is_junction(&now->formula->tree->nodes[now->node])) {
            if (!take(logic, now))
                return 0;
            continue;
        }
        int form = take_apart(search, now, &a, &b);
        if (form == 3)
            continue;
        a.next = form == 1 ? &b : now->next;
        b.next = now->next;
        if (form < 2)
            return find(search, &a, later);
        struct logic_goal wait = *now;
        wait.next = later;
        return find(search, now->next, &wait);
    }
    if (later)
        return branch(search, later);
    return orders_hold(logic) && texts_are_legal(logic, search->query);
}

static int begin(struct logic *logic, const struct logic_query *query)
{
    if (!logic->sets) {
        logic->sets = calloc(logic->n_terms + 1, sizeof *logic->sets);
        logic->trail = calloc(TRAIL, sizeof *logic->trail);
        logic->orders = calloc(ORDERS, sizeof *logic->orders);
        if (!logic->sets || !logic->trail || !logic->orders)
            return -1;
    }
    logic->arena.used = logic->base;
    logic->n_trail = logic->n_orders = logic->steps = 0;
    for (uint32_t i = 0; i < logic->n_terms; i++) {
        logic->sets[i] = first_set(logic, query, &logic->terms[i]);
        if (query->value_of == i)
            logic->sets[i].null = 0;
        if (logic_set_is_empty(&logic->sets[i]))
            return 0;
    }
    return 1;
}

int logic_possible(struct logic *logic, const struct logic_query *query)
{
    struct search search = {logic, query};
    int begun = begin(logic, query);
    if (begun <= 0)
        return begun < 0;
    struct logic_goal *goals = calloc(logic->in->n_rules + 1, sizeof *goals);
    if (!goals)
        return 1;
    size_t n = 0;
    const struct logic_goal *first = query->goals;
    for (size_t i = 0; i < logic->in->n_rules; i++) {
        if (!query->rules[i])
            continue;
        goals[n] = (struct logic_goal){.rule = i, .next = first};
        first = &goals[n++];
    }
    int possible = find(&search, first, NULL);
    free(goals);
    return possible;
}
