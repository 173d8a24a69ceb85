// SPDX-License-Identifier: Apache-2.0
#include "detectors/operations/tally.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// What single precision may leave beyond [0, 1].
static const double ROUNDING = 1e-6;

// ---- counts by name

void operations_table_init(struct operations_table *table, uint32_t maximum)
{
    memset(table, 0, sizeof *table);
    weir_names_init(&table->names, maximum);
}

void operations_table_free(struct operations_table *table)
{
    weir_names_free(&table->names);
    free(table->counts);
    table->counts = NULL;
    table->capacity = 0;
    table->dropped = 0;
}

// Room for one more first, so that no name is without its count.
static int reserve(struct operations_table *table)
{
    if (table->names.n < table->capacity)
        return 0;
    uint32_t capacity = table->capacity ? table->capacity * 2 : 8;
    void *grown = realloc(table->counts, capacity * sizeof *table->counts);
    if (!grown)
        return WEIR_ENOMEM;
    table->counts = grown;
    memset(table->counts + table->capacity, 0,
           (capacity - table->capacity) * sizeof *table->counts);
    table->capacity = capacity;
    return 0;
}

int operations_table_at(struct operations_table *table, const char *text, size_t length)
{
    return reserve(table) ? WEIR_ENOMEM : weir_names_add(&table->names, text, length);
}

void operations_count_add(struct operations_count *count, int64_t time)
{
    if (!count->rows || time < count->first)
        count->first = time;
    if (!count->rows || time > count->last)
        count->last = time;
    count->rows++;
}

static void merge_count(struct operations_count *into, const struct operations_count *from)
{
    if (!from->rows)
        return;
    if (!into->rows || from->first < into->first)
        into->first = from->first;
    if (!into->rows || from->last > into->last)
        into->last = from->last;
    into->rows += from->rows;
    into->n_late += from->n_late;
    into->late += from->late;
    into->n_failed += from->n_failed;
    into->failed += from->failed;
}

// ---- scores

static int offset_before(const struct operations_offset *a, const struct operations_offset *b)
{
    return a->partition != b->partition ? a->partition < b->partition : a->offset < b->offset;
}

static void add_sample(struct operations_offset *samples, size_t *n,
                       const struct operations_offset *sample)
{
    size_t at = *n;
    while (at && offset_before(sample, &samples[at - 1]))
        at--;
    if (at == OPERATIONS_SAMPLES)
        return;
    if (*n < OPERATIONS_SAMPLES)
        ++*n;
    memmove(&samples[at + 1], &samples[at], (*n - at - 1) * sizeof *sample);
    samples[at] = *sample;
}

void operations_scores_add(struct operations_scores *scores, double score, int32_t partition,
                           int64_t offset)
{
    if (!isfinite(score))
        return;
    score += 0.0; // no negative zero, or the bounds would depend on the order
    if (!scores->finite || score < scores->low)
        scores->low = score;
    if (!scores->finite || score > scores->high)
        scores->high = score;
    scores->changes += scores->finite && score != scores->last;
    scores->last = score;
    scores->finite++;
    if (score < -ROUNDING || score > 1 + ROUNDING) {
        struct operations_offset sample = {partition, offset};
        scores->outside++;
        add_sample(scores->samples, &scores->n_samples, &sample);
    }
}

static void merge_scores(struct operations_scores *into, const struct operations_scores *from)
{
    if (!from->finite)
        return;
    if (!into->finite || from->low < into->low)
        into->low = from->low;
    if (!into->finite || from->high > into->high)
        into->high = from->high;
    into->finite += from->finite;
    into->outside += from->outside;
    into->changes += from->changes;
    into->last = from->last;
    for (size_t i = 0; i < from->n_samples; i++)
        add_sample(into->samples, &into->n_samples, &from->samples[i]);
}

// ---- outcomes

void operations_outcome_add(struct operations_outcome *outcome, int bad, int32_t partition,
                            int64_t offset)
{
    struct operations_offset sample = {partition, offset};
    outcome->rows++;
    outcome->bad += bad != 0;
    if (bad)
        add_sample(outcome->samples, &outcome->n_samples, &sample);
}

// ---- the whole

int operations_tally_init(struct operations_tally *tally, const struct operations_shape *shape)
{
    memset(tally, 0, sizeof *tally);
    operations_table_init(&tally->versions, OPERATIONS_VERSIONS);
    operations_table_init(&tally->hosts, OPERATIONS_HOSTS);
    operations_table_init(&tally->partitions, OPERATIONS_HOSTS);
    operations_table_init(&tally->sources, OPERATIONS_HOSTS);
    operations_table_init(&tally->codes, OPERATIONS_CODES);
    for (size_t i = 0; i < OPERATIONS_UPSTREAMS; i++)
        operations_table_init(&tally->upstreams[i], OPERATIONS_HOSTS);
    tally->n_outcomes = shape->n_outcomes;
    tally->n_upstreams = shape->n_upstreams;
    tally->n_scores = shape->n_scores;
    tally->repeats.maximum = shape->inputs;
    tally->scores = calloc(shape->n_scores ? shape->n_scores : 1, sizeof *tally->scores);
    if (shape->pairs)
        tally->pairs = calloc(OPERATIONS_VERSIONS * OPERATIONS_HOSTS, sizeof *tally->pairs);
    return tally->scores && (tally->pairs || !shape->pairs) ? 0 : WEIR_ENOMEM;
}

void operations_tally_free(struct operations_tally *tally)
{
    free(tally->topic);
    operations_table_free(&tally->versions);
    operations_table_free(&tally->hosts);
    operations_table_free(&tally->partitions);
    operations_table_free(&tally->sources);
    operations_table_free(&tally->codes);
    for (size_t i = 0; i < OPERATIONS_UPSTREAMS; i++)
        operations_table_free(&tally->upstreams[i]);
    operations_repeats_free(&tally->repeats);
    free(tally->pairs);
    free(tally->scores);
    memset(tally, 0, sizeof *tally);
}

int operations_tally_topic(struct operations_tally *tally, const char *topic)
{
    if (!tally->topic && topic && *topic)
        tally->topic = strdup(topic);
    return tally->topic || !topic || !*topic ? 0 : WEIR_ENOMEM;
}

// ---- bytes

static void write_table(const struct operations_table *table, struct weir_buffer *out)
{
    weir_put_long(out, table->names.n);
    for (uint32_t i = 0; i < table->names.n; i++) {
        weir_put_string(out, table->names.texts[i]);
        weir_put_long(out, (int64_t)table->counts[i].rows);
        weir_put_long(out, table->counts[i].first);
        weir_put_long(out, table->counts[i].last);
        weir_put_long(out, (int64_t)table->counts[i].n_late);
        weir_put_long(out, (int64_t)table->counts[i].late);
        weir_put_long(out, (int64_t)table->counts[i].n_failed);
        weir_put_long(out, (int64_t)table->counts[i].failed);
    }
    weir_put_long(out, (int64_t)table->dropped);
}

uint64_t operations_get_amount(struct weir_reader *in)
{
    int64_t value = weir_get_long(in);
    if (value < 0 || value > ((int64_t)1 << 56))
        in->failed = 1;
    return in->failed ? 0 : (uint64_t)value;
}

int64_t operations_get_time(struct weir_reader *in)
{
    int64_t value = weir_get_long(in);
    if (value > ((int64_t)1 << 60) || value < -((int64_t)1 << 60))
        in->failed = 1;
    return in->failed ? 0 : value;
}

// `map` takes this table's number of each of the writer's names, UINT32_MAX where it has none;
// `*n_map` of them.
static int read_table(struct operations_table *table, struct weir_reader *in, uint32_t *map,
                      size_t *n_map)
{
    size_t n = weir_get_count(in, table->names.maximum);
    *n_map = 0;
    for (size_t i = 0; i < n && !in->failed; i++) {
        size_t length;
        const uint8_t *text = weir_get_bytes(in, &length);
        struct operations_count count = {.rows = operations_get_amount(in)};
        count.first = operations_get_time(in);
        count.last = operations_get_time(in);
        count.n_late = operations_get_amount(in);
        count.late = operations_get_amount(in);
        count.n_failed = operations_get_amount(in);
        count.failed = operations_get_amount(in);
        if (in->failed)
            break;
        if (count.n_late > count.rows || count.late > count.n_late || count.n_failed > count.rows ||
            count.failed > count.n_failed)
            return WEIR_ECORRUPT;
        int at = operations_table_at(table, (const char *)text, length);
        if (at == WEIR_ENOMEM)
            return at;
        if (at < 0)
            table->dropped += count.rows;
        else
            merge_count(&table->counts[at], &count);
        map[(*n_map)++] = at < 0 ? UINT32_MAX : (uint32_t)at;
    }
    table->dropped += operations_get_amount(in);
    return in->failed ? WEIR_ECORRUPT : 0;
}

static void write_pairs(const struct operations_tally *tally, struct weir_buffer *out)
{
    int64_t n = 0;
    for (size_t v = 0; tally->pairs && v < tally->versions.names.n; v++) {
        for (size_t h = 0; h < tally->hosts.names.n; h++)
            n += tally->pairs[v * OPERATIONS_HOSTS + h] != 0;
    }
    weir_put_long(out, n);
    for (size_t v = 0; n && v < tally->versions.names.n; v++) {
        for (size_t h = 0; h < tally->hosts.names.n; h++) {
            uint32_t rows = tally->pairs[v * OPERATIONS_HOSTS + h];
            if (!rows)
                continue;
            weir_put_long(out, (int64_t)v);
            weir_put_long(out, (int64_t)h);
            weir_put_long(out, rows);
        }
    }
}

struct maps {
    uint32_t versions[OPERATIONS_VERSIONS], hosts[OPERATIONS_HOSTS], others[OPERATIONS_HOSTS];
    size_t n_versions, n_hosts, n_others;
};

static int read_pairs(struct operations_tally *tally, const struct maps *maps,
                      struct weir_reader *in)
{
    size_t n = weir_get_count(in, OPERATIONS_VERSIONS * OPERATIONS_HOSTS);
    for (size_t i = 0; i < n && !in->failed; i++) {
        size_t v = weir_get_count(in, OPERATIONS_VERSIONS),
               h = weir_get_count(in, OPERATIONS_HOSTS);
        size_t rows = weir_get_count(in, UINT32_MAX);
        if (in->failed || v >= maps->n_versions || h >= maps->n_hosts)
            return WEIR_ECORRUPT;
        if (!tally->pairs || maps->versions[v] == UINT32_MAX || maps->hosts[h] == UINT32_MAX)
            continue;
        uint32_t *at = &tally->pairs[maps->versions[v] * OPERATIONS_HOSTS + maps->hosts[h]];
        *at = rows > UINT32_MAX - *at ? UINT32_MAX : *at + (uint32_t)rows;
    }
    return in->failed ? WEIR_ECORRUPT : 0;
}

static void write_scores(const struct operations_scores *scores, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)scores->finite);
    if (!scores->finite)
        return;
    weir_put_long(out, (int64_t)scores->outside);
    weir_put_long(out, (int64_t)scores->changes);
    weir_put_double(out, scores->last);
    weir_put_double(out, scores->low);
    weir_put_double(out, scores->high);
    weir_put_long(out, (int64_t)scores->n_samples);
    for (size_t i = 0; i < scores->n_samples; i++) {
        weir_put_long(out, scores->samples[i].partition);
        weir_put_long(out, scores->samples[i].offset);
    }
}

static int read_scores(struct operations_scores *into, struct weir_reader *in)
{
    struct operations_scores scores = {.finite = operations_get_amount(in)};
    if (in->failed || !scores.finite)
        return in->failed ? WEIR_ECORRUPT : 0;
    scores.outside = operations_get_amount(in);
    scores.changes = operations_get_amount(in);
    scores.last = weir_get_double(in);
    scores.low = weir_get_double(in);
    scores.high = weir_get_double(in);
    scores.n_samples = weir_get_count(in, OPERATIONS_SAMPLES);
    for (size_t i = 0; i < scores.n_samples; i++) {
        scores.samples[i].partition = (int32_t)weir_get_long(in);
        scores.samples[i].offset = weir_get_long(in);
    }
    if (in->failed || !(scores.low <= scores.high) || !isfinite(scores.low) ||
        !isfinite(scores.high) || !isfinite(scores.last) || scores.outside > scores.finite ||
        scores.changes > scores.finite)
        return WEIR_ECORRUPT;
    merge_scores(into, &scores);
    return 0;
}

static void write_outcomes(const struct operations_tally *tally, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)tally->n_outcomes);
    for (size_t i = 0; i < tally->n_outcomes; i++) {
        const struct operations_outcome *outcome = &tally->outcomes[i];
        weir_put_long(out, (int64_t)outcome->rows);
        weir_put_long(out, (int64_t)outcome->bad);
        weir_put_long(out, (int64_t)outcome->n_samples);
        for (size_t k = 0; k < outcome->n_samples; k++) {
            weir_put_long(out, outcome->samples[k].partition);
            weir_put_long(out, outcome->samples[k].offset);
        }
    }
    write_table(&tally->codes, out);
    weir_put_long(out, (int64_t)tally->n_upstreams);
    for (size_t i = 0; i < tally->n_upstreams; i++)
        write_table(&tally->upstreams[i], out);
}

static int read_outcomes(struct operations_tally *tally, struct maps *maps, struct weir_reader *in)
{
    size_t n = weir_get_count(in, OPERATIONS_OUTCOMES);
    for (size_t i = 0; i < n && !in->failed; i++) {
        struct operations_outcome *into = i < tally->n_outcomes ? &tally->outcomes[i] : NULL;
        struct operations_outcome dropped = {0};
        into = into ? into : &dropped;
        uint64_t rows = operations_get_amount(in), bad = operations_get_amount(in);
        size_t n_samples = weir_get_count(in, OPERATIONS_SAMPLES);
        if (bad > rows || n_samples > bad)
            return WEIR_ECORRUPT;
        into->rows += rows;
        into->bad += bad;
        for (size_t k = 0; k < n_samples; k++) {
            struct operations_offset sample = {(int32_t)weir_get_long(in), 0};
            sample.offset = weir_get_long(in);
            add_sample(into->samples, &into->n_samples, &sample);
        }
    }
    int code = read_table(&tally->codes, in, maps->others, &maps->n_others);
    n = code ? 0 : weir_get_count(in, OPERATIONS_UPSTREAMS);
    for (size_t i = 0; i < n && !code; i++) {
        struct operations_table dropped;
        operations_table_init(&dropped, OPERATIONS_HOSTS);
        code = read_table(i < tally->n_upstreams ? &tally->upstreams[i] : &dropped, in,
                          maps->others, &maps->n_others);
        operations_table_free(&dropped);
    }
    return code ? code : in->failed ? WEIR_ECORRUPT : 0;
}

int operations_tally_write(const struct operations_tally *tally, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)tally->rows);
    weir_put_string(out, tally->topic);
    write_table(&tally->versions, out);
    write_table(&tally->hosts, out);
    write_table(&tally->partitions, out);
    write_table(&tally->sources, out);
    write_outcomes(tally, out);
    write_pairs(tally, out);
    operations_repeats_write(&tally->repeats, out);
    weir_put_long(out, (int64_t)tally->n_scores);
    for (size_t i = 0; i < tally->n_scores; i++)
        write_scores(&tally->scores[i], out);
    return out->failed ? WEIR_ENOMEM : 0;
}

int operations_tally_read(struct operations_tally *tally, struct weir_reader *in)
{
    struct maps maps;
    tally->rows += operations_get_amount(in);
    char *topic = weir_get_string_alloc(in, 4096);
    int code = topic ? operations_tally_topic(tally, topic) : WEIR_ECORRUPT;
    free(topic);
    if (!code)
        code = read_table(&tally->versions, in, maps.versions, &maps.n_versions);
    if (!code)
        code = read_table(&tally->hosts, in, maps.hosts, &maps.n_hosts);
    if (!code)
        code = read_table(&tally->partitions, in, maps.others, &maps.n_others);
    if (!code)
        code = read_table(&tally->sources, in, maps.others, &maps.n_others);
    if (!code)
        code = read_outcomes(tally, &maps, in);
    if (!code)
        code = read_pairs(tally, &maps, in);
    if (!code)
        code = operations_repeats_read(&tally->repeats, &tally->hosts.names, maps.hosts,
                                       maps.n_hosts, in);
    // A configuration with other score fields may have written it.
    size_t n = code ? 0 : weir_get_count(in, OPERATIONS_SCORES);
    for (size_t i = 0; i < n && !code; i++) {
        struct operations_scores dropped = {0};
        code = read_scores(i < tally->n_scores ? &tally->scores[i] : &dropped, in);
    }
    return code ? code : in->failed ? WEIR_ECORRUPT : 0;
}
