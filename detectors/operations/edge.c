// SPDX-License-Identifier: Apache-2.0
// Beside the records: what they come to, by pane, and scores that are no scores.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/operations/input_hash.h"
#include "detectors/operations/operations.h"
#include "detectors/operations/outcome.h"
#include "stats/value_text.h"

enum { PANES = 4096 };

struct pane {
    int64_t start;
    uint64_t serial; // unlike every other pane's of this edge, since it was made
    struct operations_tally tally;
};

// The numbers of a column's strings in the table of one pane, by code.
struct memo {
    uint64_t *serials;
    int *numbers;
    uint32_t capacity, generation;
};

// What a status' strings mean, by code.
struct meanings {
    uint8_t *of;
    uint32_t capacity, generation;
};

struct edge {
    const struct operations *operations;
    struct pane *panes; // open ones with something in them, ascending
    size_t n_panes, capacity;
    uint64_t serial;
    struct memo versions, hosts, sources, upstreams[OPERATIONS_UPSTREAMS];
    struct meanings meanings[OPERATIONS_OUTCOMES];
    // Of the rows at hand: WEIR_BATCH_ROWS.
    uint32_t *rows;
    // Numbers in the pane's tables, negative: none.
    int *version_of, *host_of, *source_of, *upstream_of;
    uint8_t *late_of, *failed_of; // of the first latency and status: enum operations_outcome_value
    uint64_t *input_of;           // hashes
};

static void clear(struct edge *edge)
{
    for (size_t i = 0; i < edge->n_panes; i++)
        operations_tally_free(&edge->panes[i].tally);
    free(edge->panes);
    edge->panes = NULL;
    edge->n_panes = edge->capacity = 0;
}

static void free_memo(struct memo *memo)
{
    free(memo->serials);
    free(memo->numbers);
}

void operations_edge_destroy(void *state)
{
    struct edge *edge = state;
    if (!edge)
        return;
    clear(edge);
    free_memo(&edge->versions);
    free_memo(&edge->hosts);
    free_memo(&edge->sources);
    for (size_t i = 0; i < OPERATIONS_UPSTREAMS; i++)
        free_memo(&edge->upstreams[i]);
    for (size_t i = 0; i < OPERATIONS_OUTCOMES; i++)
        free(edge->meanings[i].of);
    free(edge->rows);
    free(edge->version_of);
    free(edge->host_of);
    free(edge->source_of);
    free(edge->upstream_of);
    free(edge->late_of);
    free(edge->failed_of);
    free(edge->input_of);
    free(edge);
}

int operations_edge_create(void *instance, void **out, struct weir_error *error)
{
    struct edge *edge = calloc(1, sizeof *edge);
    if (edge) {
        edge->rows = calloc(WEIR_BATCH_ROWS, sizeof *edge->rows);
        edge->version_of = calloc(WEIR_BATCH_ROWS, sizeof *edge->version_of);
        edge->host_of = calloc(WEIR_BATCH_ROWS, sizeof *edge->host_of);
        edge->source_of = calloc(WEIR_BATCH_ROWS, sizeof *edge->source_of);
        edge->upstream_of = calloc(WEIR_BATCH_ROWS, sizeof *edge->upstream_of);
        edge->late_of = calloc(WEIR_BATCH_ROWS, sizeof *edge->late_of);
        edge->failed_of = calloc(WEIR_BATCH_ROWS, sizeof *edge->failed_of);
        edge->input_of = calloc(WEIR_BATCH_ROWS, sizeof *edge->input_of);
    }
    if (!edge || !edge->rows || !edge->version_of || !edge->host_of || !edge->source_of ||
        !edge->upstream_of || !edge->late_of || !edge->failed_of || !edge->input_of) {
        operations_edge_destroy(edge);
        return weir_error_set(error, WEIR_ENOMEM, "operations: no memory for a task");
    }
    edge->operations = instance;
    *out = edge;
    return 0;
}

// The pane that starts at `start`, made where it is new; NULL when memory is out. Valid until the
// next call.
static struct pane *pane_at(struct edge *edge, int64_t start)
{
    size_t at = edge->n_panes;
    while (at && edge->panes[at - 1].start > start)
        at--;
    if (at && edge->panes[at - 1].start == start)
        return &edge->panes[at - 1];
    if (edge->n_panes == edge->capacity) {
        size_t capacity = edge->capacity ? edge->capacity * 2 : 4;
        void *grown = realloc(edge->panes, capacity * sizeof *edge->panes);
        if (!grown)
            return NULL;
        edge->panes = grown;
        edge->capacity = capacity;
    }
    struct pane made = {.start = start, .serial = ++edge->serial};
    if (operations_tally_init(&made.tally, &edge->operations->shape)) {
        operations_tally_free(&made.tally);
        return NULL;
    }
    memmove(&edge->panes[at + 1], &edge->panes[at], (edge->n_panes - at) * sizeof *edge->panes);
    edge->panes[at] = made;
    edge->n_panes++;
    return &edge->panes[at];
}

static int has_record(const struct weir_batch *batch, uint32_t row)
{
    return !batch->fault ||
           (batch->fault[row] != WEIR_ROW_UNDECODABLE && batch->fault[row] != WEIR_ROW_TOMBSTONE);
}

// When a row happened, far enough from the ends of 64 bits that differences stay within them.
static int64_t sane_time(const struct weir_batch *batch, const struct weir_edge *host, uint32_t row)
{
    const int64_t far = (int64_t)1 << 59;
    int64_t time = batch->time[row], reached = weir_edge_reached(host, row);
    time = time > reached ? reached : time; // not after what other records confirm
    return time > far ? far : time < -far ? -far : time;
}

// ---- names of a column

static int reserve_memo(struct memo *memo, const struct weir_column *column)
{
    if (memo->generation != column->generation && memo->capacity)
        memset(memo->serials, 0, memo->capacity * sizeof *memo->serials);
    memo->generation = column->generation;
    if (column->n_dictionary <= memo->capacity)
        return 0;
    uint32_t capacity = column->n_dictionary + column->n_dictionary / 2 + 64;
    uint64_t *serials = realloc(memo->serials, capacity * sizeof *serials);
    if (serials)
        memo->serials = serials;
    int *numbers = realloc(memo->numbers, capacity * sizeof *numbers);
    if (numbers)
        memo->numbers = numbers;
    if (!serials || !numbers)
        return WEIR_ENOMEM;
    memset(serials + memo->capacity, 0, (capacity - memo->capacity) * sizeof *serials);
    memo->capacity = capacity;
    return 0;
}

// The number of a row's value in the pane's table; WEIR_EAGAIN: the value has none.
static int number_of(struct memo *memo, const struct pane *pane, struct operations_table *table,
                     const struct weir_column *column, uint32_t row)
{
    char buffer[40];
    const char *text;
    size_t length;
    int is_string = column->type == WEIR_TYPE_STRING || column->type == WEIR_TYPE_BYTES;
    uint32_t code = is_string ? column->values.code[row] : UINT32_MAX;
    if (column->state[row] != WEIR_STATE_VALUE)
        return WEIR_EAGAIN;
    if (is_string && code < column->n_dictionary && memo->serials[code] == pane->serial)
        return memo->numbers[code];
    if (!weir_value_text(column, row, buffer, sizeof buffer, &text, &length))
        return WEIR_EAGAIN;
    int number = operations_table_at(table, text, length);
    if (number == WEIR_EAGAIN)
        table->dropped++;
    else if (number >= 0 && is_string && code < column->n_dictionary) {
        memo->serials[code] = pane->serial;
        memo->numbers[code] = number;
    }
    return number;
}

// ---- what the rows of one pane come to

// Numbers of the rows' values in a table, counted there.
static int count_names(struct memo *memo, const struct weir_batch *batch, int field,
                       const struct pane *pane, struct operations_table *table,
                       const uint32_t *rows, uint32_t n, int *numbers, const struct weir_edge *host,
                       const char *what)
{
    const struct weir_column *column = &batch->columns[field];
    for (uint32_t i = 0; i < n; i++) {
        uint64_t dropped = table->dropped;
        int number = number_of(memo, pane, table, column, rows[i]);
        if (number == WEIR_ENOMEM)
            return number;
        if (table->dropped > dropped)
            host->limit_rows(host, what, &rows[i], 1);
        numbers[i] = number;
        if (number >= 0)
            operations_count_add(&table->counts[number], sane_time(batch, host, rows[i]));
    }
    return 0;
}

static int count_partition(struct operations_tally *tally, const struct weir_batch *batch,
                           const uint32_t *rows, uint32_t n, const struct weir_edge *host)
{
    char name[16];
    int length = snprintf(name, sizeof name, "%d", batch->partition);
    int number = operations_table_at(&tally->partitions, name, (size_t)length);
    if (number < 0)
        return number == WEIR_ENOMEM ? number : 0; // a task has one partition
    for (uint32_t i = 0; i < n; i++)
        operations_count_add(&tally->partitions.counts[number], sane_time(batch, host, rows[i]));
    return 0;
}

static void count_pairs(const struct edge *edge, struct operations_tally *tally, uint32_t n)
{
    for (uint32_t i = 0; tally->pairs && i < n; i++) {
        if (edge->version_of[i] < 0 || edge->host_of[i] < 0)
            continue;
        uint32_t *at = &tally->pairs[edge->version_of[i] * OPERATIONS_HOSTS + edge->host_of[i]];
        *at += *at < UINT32_MAX;
    }
}

static double number_at(const struct weir_column *column, uint32_t row)
{
    return column->type == WEIR_TYPE_DOUBLE ? column->values.f64[row]
                                            : (double)column->values.i64[row];
}

static int is_number(const struct weir_column *column)
{
    return column->type == WEIR_TYPE_DOUBLE || column->type == WEIR_TYPE_LONG;
}

static void count_scores(struct edge *edge, const struct weir_batch *batch, struct pane *pane,
                         const uint32_t *rows, uint32_t n)
{
    const struct operations *operations = edge->operations;
    for (size_t s = 0; s < operations->n_scores; s++) {
        const struct weir_column *column = &batch->columns[operations->scores[s]];
        for (uint32_t i = 0; is_number(column) && i < n; i++) {
            if (column->state[rows[i]] == WEIR_STATE_VALUE)
                operations_scores_add(&pane->tally.scores[s], number_at(column, rows[i]),
                                      batch->partition, batch->offset[rows[i]]);
        }
    }
}

// ---- how requests went

static int reserve_meanings(struct meanings *meanings, const struct weir_column *column)
{
    if (meanings->generation != column->generation && meanings->capacity)
        memset(meanings->of, 0, meanings->capacity);
    meanings->generation = column->generation;
    if (column->n_dictionary <= meanings->capacity)
        return 0;
    uint32_t capacity = column->n_dictionary + column->n_dictionary / 2 + 64;
    uint8_t *of = realloc(meanings->of, capacity);
    if (!of)
        return WEIR_ENOMEM;
    memset(of + meanings->capacity, 0, capacity - meanings->capacity);
    meanings->of = of;
    meanings->capacity = capacity;
    return 0;
}

// A status that is a failure, by its value.
static int count_code(struct operations_table *codes, const struct weir_column *column,
                      uint32_t row)
{
    char buffer[40];
    const char *text;
    size_t length;
    if (!weir_value_text(column, row, buffer, sizeof buffer, &text, &length))
        return 0;
    int number = operations_table_at(codes, text, length);
    if (number >= 0)
        codes->counts[number].rows++;
    return number == WEIR_ENOMEM ? number : 0;
}

static int count_outcomes(struct edge *edge, const struct weir_batch *batch,
                          struct operations_tally *tally, const uint32_t *rows, uint32_t n)
{
    const struct operations *operations = edge->operations;
    int code = 0;
    memset(edge->late_of, OPERATIONS_NO_OUTCOME, n);
    memset(edge->failed_of, OPERATIONS_NO_OUTCOME, n);
    for (size_t k = 0; k < operations->n_outcomes && !code; k++) {
        const struct operations_objective *objective = &operations->outcomes[k];
        const struct weir_column *column = &batch->columns[objective->field];
        uint8_t *first = (int)k == operations->first_latency  ? edge->late_of
                         : (int)k == operations->first_status ? edge->failed_of
                                                              : NULL;
        for (uint32_t i = 0; i < n && !code; i++) {
            enum operations_outcome_value value =
                objective->is_latency
                    ? operations_latency_outcome(operations->latency_at_most, column, rows[i])
                    : operations_status_outcome(&objective->failures, column, rows[i],
                                                edge->meanings[k].of);
            if (first)
                first[i] = (uint8_t)value;
            if (value == OPERATIONS_NO_OUTCOME)
                continue;
            operations_outcome_add(&tally->outcomes[k], value == OPERATIONS_BAD, batch->partition,
                                   batch->offset[rows[i]]);
            if (value == OPERATIONS_BAD && (int)k == operations->first_status)
                code = count_code(&tally->codes, column, rows[i]);
        }
    }
    return code;
}

// Whose requests they were that were late or failed.
static void attribute(const struct edge *edge, struct operations_table *table, const int *numbers,
                      uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (numbers[i] < 0)
            continue;
        struct operations_count *count = &table->counts[numbers[i]];
        count->n_late += edge->late_of[i] != OPERATIONS_NO_OUTCOME;
        count->late += edge->late_of[i] == OPERATIONS_BAD;
        count->n_failed += edge->failed_of[i] != OPERATIONS_NO_OUTCOME;
        count->failed += edge->failed_of[i] == OPERATIONS_BAD;
    }
}

static int count_service(struct edge *edge, const struct weir_batch *batch, struct pane *pane,
                         const uint32_t *rows, uint32_t n, const struct weir_edge *host)
{
    const struct operations *operations = edge->operations;
    struct operations_tally *tally = &pane->tally;
    int code = count_outcomes(edge, batch, tally, rows, n);
    if (!code) {
        attribute(edge, &tally->versions, edge->version_of, n);
        attribute(edge, &tally->hosts, edge->host_of, n);
        attribute(edge, &tally->sources, edge->source_of, n);
    }
    for (size_t u = 0; u < operations->n_upstreams && !code; u++) {
        struct operations_table *table = &tally->upstreams[u];
        code = count_names(&edge->upstreams[u], batch, operations->upstreams[u], pane, table, rows,
                           n, edge->upstream_of, host, "dependencies");
        if (!code)
            attribute(edge, table, edge->upstream_of, n);
    }
    return code;
}

// Rows whose score is no number, or outside the range that is declared for it.
static void flag_scores(struct edge *edge, const struct weir_batch *batch,
                        const struct weir_edge *host)
{
    const struct operations *operations = edge->operations;
    for (size_t s = 0; s < operations->n_scores; s++) {
        const struct weir_column *column = &batch->columns[operations->scores[s]];
        const struct weir_field *field = &operations->stream->fields[operations->scores[s]];
        uint32_t bad = 0, n = 0;
        if (!is_number(column))
            continue;
        for (uint32_t i = 0; column->type == WEIR_TYPE_DOUBLE && i < batch->n_rows; i++) {
            if (column->state[i] == WEIR_STATE_VALUE && !isfinite(column->values.f64[i]))
                edge->rows[bad++] = i;
        }
        if (bad)
            host->flag(host, (unsigned)operations->nan_rule[s], edge->rows, bad);
        for (uint32_t i = 0; operations->range_rule[s] >= 0 && i < batch->n_rows; i++) {
            double score = number_at(column, i);
            if (column->state[i] == WEIR_STATE_VALUE && isfinite(score) &&
                (score < field->low || score > field->high))
                edge->rows[n++] = i;
        }
        if (n)
            host->flag(host, (unsigned)operations->range_rule[s], edge->rows, n);
    }
}

// ---- inputs that come again

static int count_inputs(struct edge *edge, const struct weir_batch *batch,
                        struct operations_tally *tally, const uint32_t *rows, uint32_t n)
{
    const struct operations *operations = edge->operations;
    const struct weir_column *score = &batch->columns[operations->scores[0]];
    memset(edge->input_of, 0, n * sizeof *edge->input_of);
    for (size_t f = 0; f < operations->n_inputs; f++)
        operations_input_hash(&batch->columns[operations->inputs[f]], rows, n, edge->input_of);
    if (operations->version >= 0)
        operations_input_hash(&batch->columns[operations->version], rows, n, edge->input_of);
    for (uint32_t i = 0; is_number(score) && i < n; i++) {
        double value = score->state[rows[i]] == WEIR_STATE_VALUE ? number_at(score, rows[i]) : NAN;
        if (!isfinite(value) || !operations_repeats_wants(&tally->repeats, edge->input_of[i]))
            continue;
        struct operations_answer answer = {
            value + 0.0, edge->host_of[i] < 0 ? OPERATIONS_NO_HOST : (uint32_t)edge->host_of[i],
            batch->partition, batch->offset[rows[i]]};
        struct operations_input input = {edge->input_of[i], 1, answer, answer};
        if (operations_repeats_add(&tally->repeats, &tally->hosts.names, &input))
            return WEIR_ENOMEM;
    }
    return 0;
}

// ---- a batch

static int count_rows(struct edge *edge, const struct weir_batch *batch, int64_t start,
                      const uint32_t *rows, uint32_t n, const struct weir_edge *host)
{
    const struct operations *operations = edge->operations;
    struct pane *pane = pane_at(edge, start);
    if (!pane)
        return WEIR_ENOMEM;
    struct operations_tally *tally = &pane->tally;
    int code = operations_tally_topic(tally, batch->topic);
    tally->rows += n;
    for (uint32_t i = 0; i < n; i++)
        edge->version_of[i] = edge->host_of[i] = edge->source_of[i] = WEIR_EAGAIN;
    if (!code && operations->version >= 0)
        code = count_names(&edge->versions, batch, operations->version, pane, &tally->versions,
                           rows, n, edge->version_of, host, "model versions");
    if (!code && operations->host >= 0)
        code = count_names(&edge->hosts, batch, operations->host, pane, &tally->hosts, rows, n,
                           edge->host_of, host, "hosts");
    if (!code && operations->source >= 0)
        code = count_names(&edge->sources, batch, operations->source, pane, &tally->sources, rows,
                           n, edge->source_of, host, "producers");
    if (!code)
        code = count_partition(tally, batch, rows, n, host);
    if (!code && operations->n_outcomes)
        code = count_service(edge, batch, pane, rows, n, host);
    count_pairs(edge, tally, n);
    count_scores(edge, batch, pane, rows, n);
    if (!code && operations->shape.inputs)
        code = count_inputs(edge, batch, tally, rows, n);
    return code;
}

int operations_edge_observe(void *state, const struct weir_batch *batch,
                            const struct weir_edge *host, struct weir_error *error)
{
    struct edge *edge = state;
    int code = 0;
    flag_scores(edge, batch, host);
    if (edge->operations->version >= 0)
        code = reserve_memo(&edge->versions, &batch->columns[edge->operations->version]);
    if (!code && edge->operations->host >= 0)
        code = reserve_memo(&edge->hosts, &batch->columns[edge->operations->host]);
    if (!code && edge->operations->source >= 0)
        code = reserve_memo(&edge->sources, &batch->columns[edge->operations->source]);
    for (size_t u = 0; u < edge->operations->n_upstreams && !code; u++)
        code = reserve_memo(&edge->upstreams[u], &batch->columns[edge->operations->upstreams[u]]);
    for (size_t k = 0; k < edge->operations->n_outcomes && !code; k++)
        code = reserve_meanings(&edge->meanings[k],
                                &batch->columns[edge->operations->outcomes[k].field]);
    // Runs of rows of one pane.
    for (uint32_t row = 0; row < batch->n_rows && !code;) {
        int64_t start = host->pane[row];
        uint32_t n = 0;
        for (; row < batch->n_rows && host->pane[row] == start; row++) {
            if (has_record(batch, row))
                edge->rows[n++] = row;
        }
        if (n)
            code = count_rows(edge, batch, start, edge->rows, n, host);
    }
    return code ? weir_error_set(error, code, "operations: no memory to count a batch") : 0;
}

int operations_edge_close(void *state, int64_t start, int64_t end, struct weir_buffer *out,
                          struct weir_error *error)
{
    struct edge *edge = state;
    size_t closed = 0;
    int code = 0;
    (void)end;
    for (; !code && closed < edge->n_panes && edge->panes[closed].start <= start; closed++) {
        weir_put_long(out, edge->panes[closed].start);
        code = operations_tally_write(&edge->panes[closed].tally, out);
        operations_tally_free(&edge->panes[closed].tally);
    }
    if (closed)
        memmove(edge->panes, edge->panes + closed, (edge->n_panes - closed) * sizeof *edge->panes);
    edge->n_panes -= closed;
    return code ? weir_error_set(error, code, "operations: no memory to close a pane") : 0;
}

// ---- state

int operations_edge_save(const void *state, struct weir_buffer *out)
{
    const struct edge *edge = state;
    weir_put_long(out, (int64_t)edge->n_panes);
    for (size_t i = 0; i < edge->n_panes; i++) {
        weir_put_long(out, edge->panes[i].start);
        operations_tally_write(&edge->panes[i].tally, out);
    }
    return out->failed ? WEIR_ENOMEM : 0;
}

int operations_edge_restore(void *state, uint32_t state_version, struct weir_reader *in,
                            struct weir_error *error)
{
    struct edge *edge = state;
    (void)state_version; // all have the same of the edge
    size_t n = weir_get_count(in, PANES);
    int code = in->failed ? WEIR_ECORRUPT : 0;
    for (size_t i = 0; i < n && !code; i++) {
        int64_t start = weir_get_long(in);
        struct pane *pane = in->failed ? NULL : pane_at(edge, start);
        code = pane         ? operations_tally_read(&pane->tally, in)
               : in->failed ? WEIR_ECORRUPT
                            : WEIR_ENOMEM;
    }
    if (code)
        clear(edge);
    return code ? weir_error_set(error, code,
                                 "operations: the saved state of a task does not "
                                 "decode")
                : 0;
}
