// SPDX-License-Identifier: Apache-2.0
// Finds in expressions what the search works with: terms, and what comparisons say of them.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "stats/rule_logic_inside.h"

enum { JUNCTIONS = 3000, TERMS = 2000, ARENA = 16 << 20 };

static const struct node *child_of(const struct tree *tree, const struct node *node, unsigned i)
{
    uint32_t child = node->first;
    while (i--)
        child = tree->nodes[child].next;
    return &tree->nodes[child];
}

static uint32_t number_of(const struct tree *tree, const struct node *node)
{
    return (uint32_t)(node - tree->nodes);
}

int logic_is_junction(const struct node *node)
{
    return node->op == OP_AND || node->op == OP_OR || node->op == OP_NOT || node->op == OP_IMPLIES;
}

// ---- terms

static int same_constant(const struct node *a, const struct node *b)
{
    if (a->is_null || b->is_null)
        return a->is_null == b->is_null;
    switch ((enum weir_expression_type)a->type) {
    case WEIR_EXPRESSION_STRING:
        return !expression_text_order(a->value.text, b->value.text);
    case WEIR_EXPRESSION_NUMBER:
        return !(a->value.number < b->value.number) && !(a->value.number > b->value.number);
    case WEIR_EXPRESSION_BOOLEAN:
        return a->value.boolean == b->value.boolean;
    default:
        return a->value.integer == b->value.integer;
    }
}

static int same_input(const struct weir_expression_input *a, const struct weir_expression_input *b)
{
    return a->field == b->field && a->aggregate == b->aggregate && a->reference == b->reference &&
           !(a->parameter < b->parameter) && !(a->parameter > b->parameter);
}

// The same whatever the record says.
static int same(const struct tree *a, uint32_t at_a, const struct tree *b, uint32_t at_b)
{
    const struct node *x = &a->nodes[at_a], *y = &b->nodes[at_b];
    if (x->op != y->op || x->type != y->type || x->n != y->n)
        return 0;
    if (x->op == OP_CONSTANT)
        return same_constant(x, y);
    if (x->op == OP_INPUT)
        return same_input(&a->inputs[x->index], &b->inputs[y->index]);
    uint32_t i = x->first, k = y->first;
    while (i != NO_NODE && k != NO_NODE && same(a, i, b, k)) {
        i = a->nodes[i].next;
        k = b->nodes[k].next;
    }
    return i == NO_NODE && k == NO_NODE;
}

static int field_of(const struct tree *tree, const struct node *node)
{
    if (node->op != OP_INPUT || tree->inputs[node->index].aggregate >= 0)
        return -1;
    return tree->inputs[node->index].field;
}

// Of functions of strings, that always have a value where their string has.
static int null_with(const struct tree *tree, const struct node *node)
{
    if (node->op != OP_LENGTH && node->op != OP_LOWER && node->op != OP_UPPER &&
        node->op != OP_TRIM && node->op != OP_STARTS_WITH && node->op != OP_ENDS_WITH &&
        node->op != OP_CONTAINS)
        return field_of(tree, node);
    const struct node *of = child_of(tree, node, 0);
    if (node->n == 2 && child_of(tree, node, 1)->op != OP_CONSTANT)
        return -1;
    return null_with(tree, of);
}

// The number of a term; -1: there are too many.
static int64_t term_of(struct logic *logic, const struct tree *tree, const struct node *node)
{
    uint32_t at = number_of(tree, node);
    for (uint32_t i = 0; i < logic->n_terms; i++) {
        if (same(logic->terms[i].tree, logic->terms[i].node, tree, at))
            return i;
    }
    if (logic->n_terms == logic->most_terms)
        return -1;
    struct logic_term *term = &logic->terms[logic->n_terms];
    *term = (struct logic_term){.tree = tree,
                                .node = at,
                                .is_text = node->type == WEIR_EXPRESSION_STRING,
                                .whole = node->type == WEIR_EXPRESSION_INTEGER ||
                                         node->type == WEIR_EXPRESSION_TIME ||
                                         node->type == WEIR_EXPRESSION_BOOLEAN,
                                .is_boolean = node->type == WEIR_EXPRESSION_BOOLEAN,
                                .field = field_of(tree, node),
                                .length_of = -1,
                                .null_with = null_with(tree, node)};
    if (node->op == OP_LENGTH)
        term->length_of = field_of(tree, child_of(tree, node, 0));
    return logic->n_terms++;
}

// ---- constants

static int is_known(const struct node *node)
{
    return node->op == OP_CONSTANT && !node->is_null;
}

static long double number_at(const struct node *node)
{
    return node->type == WEIR_EXPRESSION_NUMBER    ? (long double)node->value.number
           : node->type == WEIR_EXPRESSION_BOOLEAN ? (long double)node->value.boolean
                                                   : (long double)node->value.integer;
}

// What a field's contract lists. Where memory is short it may be anything.
static void read_values(struct logic *logic, struct logic_term *term)
{
    const struct weir_logic_field *fields = logic->in->fields;
    if (term->field < 0 || !fields || !(fields[term->field].pieces >> WEIR_LOGIC_VALUES & 1))
        return;
    const struct weir_field *field = &logic->in->stream->fields[term->field];
    uint32_t n = (uint32_t)field->n_values;
    struct weir_text *texts = NULL;
    struct logic_interval *points = NULL;
    if (term->is_text)
        texts = logic_room(&logic->arena, n * sizeof *texts);
    else
        points = logic_room(&logic->arena, n * sizeof *points);
    for (uint32_t i = 0; i < n && (texts || points); i++) {
        const char *value = field->values[i];
        if (texts) {
            texts[i] = (struct weir_text){value, strlen(value)};
            continue;
        }
        long double number = term->is_boolean && (*value == 't' || *value == 'f')
                                 ? (long double)(*value == 't')
                                 : (long double)strtod(value, NULL);
        points[i] = (struct logic_interval){number, number, 0, 0};
    }
    if (texts)
        logic_sort_texts(texts, &n);
    else if (points)
        logic_sort_points(points, &n);
    term->values =
        (struct logic_set){.is_text = term->is_text, .n = n, .intervals = points, .texts = texts};
}

// ---- one side of a comparison: term + k, or term - other + k

struct side {
    const struct node *term, *less; // `less`: that is taken off, NULL: none
    long double k;
};

static int is_exact(const struct node *node)
{
    return node->type == WEIR_EXPRESSION_INTEGER || node->type == WEIR_EXPRESSION_TIME;
}

// Whole numbers alone: others are rounded.
static struct side side_of(const struct tree *tree, const struct node *node)
{
    struct side side = {node, NULL, 0};
    while (is_exact(side.term) && (side.term->op == OP_ADD || side.term->op == OP_SUB)) {
        const struct node *a = child_of(tree, side.term, 0), *b = child_of(tree, side.term, 1);
        int minus = side.term->op == OP_SUB;
        if (is_known(b)) {
            side.k += minus ? -number_at(b) : number_at(b);
            side.term = a;
        } else if (is_known(a) && !minus) {
            side.k += number_at(a);
            side.term = b;
        } else if (minus && !is_known(a)) {
            side.less = b;
            side.term = a;
            break;
        } else {
            break;
        }
    }
    return side;
}

// An integer that is compared with numbers is the number it is nearest to: up to 2^53 itself.
static const struct node *without_rounding(const struct tree *tree, const struct node *node,
                                           const struct node *constant)
{
    if (node->op != OP_TO_NUMBER)
        return node;
    return fabsl(number_at(constant)) < 0x1p53L ? child_of(tree, node, 0) : NULL;
}

// ---- atoms

static enum op mirrored(enum op op)
{
    return op == OP_LT   ? OP_GT
           : op == OP_LE ? OP_GE
           : op == OP_GT ? OP_LT
           : op == OP_GE ? OP_LE
                         : op;
}

static struct logic_interval interval_of(enum op op, long double c)
{
    switch (op) {
    case OP_LT:
        return (struct logic_interval){-INFINITY, c, 0, 1};
    case OP_LE:
        return (struct logic_interval){-INFINITY, c, 0, 0};
    case OP_GT:
        return (struct logic_interval){c, INFINITY, 1, 0};
    case OP_GE:
        return (struct logic_interval){c, INFINITY, 0, 0};
    default:
        return (struct logic_interval){c, c, 0, 0};
    }
}

static void set_term(struct logic *logic, const struct tree *tree, const struct node *node,
                     struct logic_atom *atom, enum logic_atom_kind kind)
{
    int64_t term = term_of(logic, tree, node);
    atom->kind = term < 0 ? LOGIC_ANYTHING : kind;
    atom->x = (uint32_t)term;
}

static void order_atom(struct logic *logic, const struct tree *tree, const struct node *x,
                       const struct node *y, enum op op, struct logic_atom *atom)
{
    int64_t of_x = term_of(logic, tree, x), of_y = term_of(logic, tree, y);
    if (of_x < 0 || of_y < 0)
        return;
    atom->kind = LOGIC_ORDER;
    atom->turned = op == OP_NE;
    int swap = op == OP_GT || op == OP_GE;
    atom->op = (uint8_t)(op == OP_GT ? OP_LT : op == OP_GE ? OP_LE : op == OP_NE ? OP_EQ : op);
    atom->x = (uint32_t)(swap ? of_y : of_x);
    atom->y = (uint32_t)(swap ? of_x : of_y);
    atom->k = swap ? -atom->k : atom->k;
}

static void text_atom(struct logic *logic, const struct tree *tree, const struct node *term,
                      const struct node *constant, enum op op, struct logic_atom *atom)
{
    struct weir_text *text = logic_room(&logic->arena, sizeof *text);
    if (!text || (op != OP_EQ && op != OP_NE))
        return;
    *text = constant->value.text;
    set_term(logic, tree, term, atom, LOGIC_SET);
    atom->turned = op == OP_NE;
    atom->set = (struct logic_set){.is_text = 1, .n = 1, .texts = text};
}

static void number_atom(struct logic *logic, const struct tree *tree, const struct node *node,
                        const struct node *constant, enum op op, struct logic_atom *atom)
{
    node = without_rounding(tree, node, constant);
    if (!node)
        return;
    struct side side = side_of(tree, node);
    long double c = number_at(constant) - side.k;
    if (side.less) {
        atom->k = c;
        order_atom(logic, tree, side.term, side.less, op, atom);
        return;
    }
    set_term(logic, tree, side.term, atom, LOGIC_SET);
    atom->turned = op == OP_NE;
    atom->set = logic_set_between(&logic->arena, interval_of(op, c));
    if (!atom->set.intervals)
        atom->kind = LOGIC_ANYTHING;
}

// Two terms: whole numbers with what is added to them, others as they are.
static void terms_atom(struct logic *logic, const struct tree *tree, const struct node *a,
                       const struct node *b, enum op op, struct logic_atom *atom)
{
    if (a->op == OP_TO_NUMBER || b->op == OP_TO_NUMBER)
        return;
    struct side x = side_of(tree, a), y = side_of(tree, b);
    if (x.less || y.less)
        return;
    atom->k = y.k - x.k;
    order_atom(logic, tree, x.term, y.term, op, atom);
}

static void comparison_atom(struct logic *logic, const struct tree *tree, const struct node *node,
                            struct logic_atom *atom)
{
    const struct node *a = child_of(tree, node, 0), *b = child_of(tree, node, 1);
    enum op op = (enum op)node->op;
    if (is_known(a)) {
        const struct node *other = a;
        a = b;
        b = other;
        op = mirrored(op);
    }
    if (!is_known(b) && a->op != OP_CONSTANT && b->op != OP_CONSTANT)
        terms_atom(logic, tree, a, b, op, atom);
    else if (is_known(b) && a->op != OP_CONSTANT && b->type == WEIR_EXPRESSION_STRING)
        text_atom(logic, tree, a, b, op, atom);
    else if (is_known(b) && a->op != OP_CONSTANT)
        number_atom(logic, tree, a, b, op, atom);
}

static void between_atom(struct logic *logic, const struct tree *tree, const struct node *node,
                         struct logic_atom *atom)
{
    const struct node *value = child_of(tree, node, 0), *low = child_of(tree, node, 1);
    const struct node *high = child_of(tree, node, 2);
    if (!is_known(low) || !is_known(high) || value->op == OP_CONSTANT ||
        low->type == WEIR_EXPRESSION_STRING)
        return;
    const struct node *wider = fabsl(number_at(low)) > fabsl(number_at(high)) ? low : high;
    value = without_rounding(tree, value, wider);
    struct side side = value ? side_of(tree, value) : (struct side){0};
    if (!value || side.less)
        return;
    struct logic_interval interval = {number_at(low) - side.k, number_at(high) - side.k, 0, 0};
    set_term(logic, tree, side.term, atom, LOGIC_SET);
    atom->set = logic_set_between(&logic->arena, interval);
    if (!atom->set.intervals)
        atom->kind = LOGIC_ANYTHING;
}

static int list_set(struct logic *logic, const struct tree *tree, const struct node *node,
                    struct logic_set *set, long double *most)
{
    uint32_t n = node->n - 1;
    int is_text = child_of(tree, node, 1)->type == WEIR_EXPRESSION_STRING;
    void *room = logic_room(
        &logic->arena, n * (is_text ? sizeof(struct weir_text) : sizeof(struct logic_interval)));
    if (!room)
        return -1;
    struct weir_text *texts = room;
    struct logic_interval *points = room;
    uint32_t child = tree->nodes[node->first].next;
    *most = 0;
    for (uint32_t i = 0; i < n; i++, child = tree->nodes[child].next) {
        const struct node *item = &tree->nodes[child];
        if (!is_known(item))
            return -1;
        if (is_text) {
            texts[i] = item->value.text;
            continue;
        }
        points[i] = interval_of(OP_EQ, number_at(item));
        *most = fmaxl(*most, fabsl(points[i].low));
    }
    if (is_text)
        logic_sort_texts(texts, &n);
    else
        logic_sort_points(points, &n);
    *set = (struct logic_set){.is_text = (uint8_t)is_text, .n = n};
    if (is_text)
        set->texts = texts;
    else
        set->intervals = points;
    return 0;
}

static void in_atom(struct logic *logic, const struct tree *tree, const struct node *node,
                    struct logic_atom *atom)
{
    const struct node *value = child_of(tree, node, 0);
    long double most;
    struct logic_set set;
    if (value->op == OP_CONSTANT || list_set(logic, tree, node, &set, &most))
        return;
    if (value->op == OP_TO_NUMBER && most < 0x1p53L)
        value = child_of(tree, value, 0);
    set_term(logic, tree, value, atom, LOGIC_SET);
    atom->set = set;
}

// A condition of which no more is known than that it is the same wherever it stands.
static void condition_atom(struct logic *logic, const struct tree *tree, const struct node *node,
                           struct logic_atom *atom)
{
    set_term(logic, tree, node, atom, LOGIC_SET);
    atom->turned = 0;
    atom->set = logic_set_between(&logic->arena, interval_of(OP_EQ, 1));
    if (!atom->set.intervals)
        atom->kind = LOGIC_ANYTHING;
}

static void read_atom(struct logic *logic, const struct tree *tree, const struct node *node,
                      struct logic_atom *atom)
{
    switch ((enum op)node->op) {
    case OP_CONSTANT:
        atom->kind = LOGIC_TRUTH;
        atom->truth = node->is_null ? 2 : node->value.boolean;
        return;
    case OP_LT:
    case OP_LE:
    case OP_GT:
    case OP_GE:
    case OP_EQ:
    case OP_NE:
        comparison_atom(logic, tree, node, atom);
        break;
    case OP_BETWEEN:
        between_atom(logic, tree, node, atom);
        break;
    case OP_IN:
        in_atom(logic, tree, node, atom);
        break;
    case OP_IS_NULL:
        set_term(logic, tree, child_of(tree, node, 0), atom, LOGIC_NULL);
        return;
    case OP_IS_MISSING:
        set_term(logic, tree, child_of(tree, node, 0), atom, LOGIC_MISSING);
        return;
    default:
        break;
    }
    if (atom->kind == LOGIC_ANYTHING)
        condition_atom(logic, tree, node, atom);
}

static void read_node(struct logic *logic, const struct logic_formula *formula, uint32_t at)
{
    const struct tree *tree = formula->tree;
    const struct node *node = &tree->nodes[at];
    if (!logic_is_junction(node)) {
        read_atom(logic, tree, node, &formula->atoms[at]);
        return;
    }
    for (uint32_t child = node->first; child != NO_NODE; child = tree->nodes[child].next)
        read_node(logic, formula, child);
}

static int read_formula(struct logic *logic, const struct weir_expression *expression,
                        struct logic_formula *formula)
{
    const struct tree *tree = expression ? &expression->tree : NULL;
    if (!tree || tree->unknown || tree->nodes[tree->root].type != WEIR_EXPRESSION_BOOLEAN)
        return 0;
    formula->atoms = calloc(tree->n, sizeof *formula->atoms);
    if (!formula->atoms)
        return -1;
    formula->tree = tree;
    read_node(logic, formula, tree->root);
    return 0;
}

static size_t count_junctions(const struct weir_expression *expression)
{
    size_t n = 0;
    for (uint32_t i = 0; expression && i < expression->tree.n; i++)
        n += (size_t)logic_is_junction(&expression->tree.nodes[i]);
    return n;
}

int logic_read(struct logic *logic)
{
    const struct weir_logic *in = logic->in;
    size_t junctions = in->n_rules;
    for (size_t i = 0; i < in->n_rules; i++)
        junctions += count_junctions(in->rules[i].holds) + count_junctions(in->rules[i].when);
    if (junctions > JUNCTIONS)
        return 1; // the search goes as deep
    logic->most_terms = TERMS;
    logic->rules = calloc(in->n_rules + 1, sizeof *logic->rules);
    logic->terms = calloc(TERMS, sizeof *logic->terms);
    logic->arena.data = malloc(ARENA);
    logic->arena.size = ARENA;
    if (!logic->rules || !logic->terms || !logic->arena.data)
        return -1;
    for (size_t i = 0; i < in->n_rules; i++) {
        struct logic_rule *rule = &logic->rules[i];
        rule->conditional = in->rules[i].when != NULL;
        if (read_formula(logic, in->rules[i].holds, &rule->holds) ||
            read_formula(logic, in->rules[i].when, &rule->when))
            return -1;
    }
    for (uint32_t i = 0; i < logic->n_terms; i++)
        read_values(logic, &logic->terms[i]);
    logic->base = logic->arena.used;
    return 0;
}

void logic_free(struct logic *logic)
{
    for (size_t i = 0; logic->rules && i < logic->in->n_rules; i++) {
        free(logic->rules[i].holds.atoms);
        free(logic->rules[i].when.atoms);
    }
    free(logic->rules);
    free(logic->terms);
    free(logic->arena.data);
    free(logic->sets);
    free(logic->trail);
    free(logic->orders);
}
