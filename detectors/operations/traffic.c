// SPDX-License-Identifier: Apache-2.0
#include "detectors/operations/traffic.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "detectors/operations/traffic_say.h"

// Shares of the usual that are looked for: silence, and what is far from the season.
static const double stream_shares[] = {0.02, 0.3, 3, 10}, part_shares[] = {0.02};
static const int64_t FORGOTTEN = INT64_C(28) * 86400000;
static const double DAY = 86400e3, WEEK = 7 * 86400e3;
// Records that are due before silence is told of a part.
static const double DUE = 15;

// Parts come and go while a stream is young, and batches have no rhythm yet.
static struct weir_count_rules rules_of(const struct operations *operations,
                                        enum operations_part_kind kind)
{
    struct weir_count_rules rules = {
        .step = operations->step,
        .shares = kind == OPERATIONS_STREAM ? stream_shares : part_shares,
        .n_shares = kind == OPERATIONS_STREAM ? sizeof stream_shares / sizeof *stream_shares : 1,
        .depth = 0.5,
        .records = 10,
        .learn_delay = 2 * 3600000,
        .adopt = 24 * 3600000,
        .alarms = operations->alarms,
    };
    return rules;
}

void operations_traffic_free(struct operations_traffic *traffic)
{
    for (size_t i = 0; i < traffic->n; i++) {
        free(traffic->parts[i].name);
        weir_count_series_free(&traffic->parts[i].series);
    }
    free(traffic->parts);
    memset(traffic, 0, sizeof *traffic);
}

static size_t place_of(const struct operations_traffic *traffic, enum operations_part_kind kind,
                       const char *name, int *here)
{
    size_t low = 0, high = traffic->n;
    *here = 0;
    while (low < high && !*here) {
        size_t middle = (low + high) / 2;
        const struct operations_part *part = &traffic->parts[middle];
        int order = part->kind != kind ? (part->kind < kind ? -1 : 1) : strcmp(part->name, name);
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
        if (!order)
            *here = 1, low = middle;
    }
    return low;
}

// NULL: memory is out, or (`*full`) there is no room.
static struct operations_part *part_at(struct operations_traffic *traffic,
                                       const struct operations *operations,
                                       enum operations_part_kind kind, const char *name,
                                       int64_t start, int *full)
{
    int here;
    size_t at = place_of(traffic, kind, name, &here);
    if (here)
        return &traffic->parts[at];
    if ((*full = traffic->n > OPERATIONS_PARTS))
        return NULL;
    if (traffic->n == traffic->capacity) {
        size_t capacity = traffic->capacity ? traffic->capacity * 2 : 4;
        void *grown = realloc(traffic->parts, capacity * sizeof *traffic->parts);
        if (!grown)
            return NULL;
        traffic->parts = grown;
        traffic->capacity = capacity;
    }
    struct weir_count_rules rules = rules_of(operations, kind);
    struct operations_part made = {.kind = kind, .name = strdup(name), .seen = start};
    if (!made.name || weir_count_series_init(&made.series, &rules, 0, start)) {
        free(made.name);
        return NULL;
    }
    memmove(&traffic->parts[at + 1], &traffic->parts[at],
            (traffic->n - at) * sizeof *traffic->parts);
    traffic->parts[at] = made;
    traffic->n++;
    return &traffic->parts[at];
}

static void forget(struct operations_traffic *traffic, int64_t before)
{
    size_t kept = 0;
    for (size_t i = 0; i < traffic->n; i++) {
        struct operations_part *part = &traffic->parts[i];
        if (part->kind == OPERATIONS_STREAM || part->seen >= before) {
            traffic->parts[kept++] = *part;
            continue;
        }
        free(part->name);
        weir_count_series_free(&part->series);
    }
    traffic->n = kept;
}

// ---- a step

static int add_parts(struct operations_traffic *traffic, const struct operations_step *step,
                     const struct operations_table *table, enum operations_part_kind kind)
{
    int full = 0;
    for (uint32_t i = 0; i < table->names.n; i++) {
        int64_t start = step->window->end - step->operations->step;
        if (table->counts[i].rows &&
            !part_at(traffic, step->operations, kind, table->names.texts[i], start, &full) && !full)
            return WEIR_ENOMEM;
    }
    return 0;
}

// "route", 0x1f, "app", 0x1f; 0 where that is too long.
static size_t slice_name(const struct weir_slice *slice, char *out, size_t size)
{
    size_t used = 0;
    for (size_t i = 0; i < slice->n_values && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, "%s\x1f%s\x1f", slice->values[i].field,
                                 slice->values[i].value ? slice->values[i].value : "null");
    return used < size ? used : 0;
}

// Rows of slices that may have lost some to a cap are not known.
static int add_slices(struct operations_traffic *traffic, const struct operations_step *step)
{
    const struct weir_window *window = step->window;
    for (size_t i = 0; i < traffic->n; i++)
        traffic->parts[i].now = 0;
    for (size_t s = 1; s < window->n_slices; s++) {
        const struct weir_slice *slice = &window->slices[s];
        char name[WEIR_NAME_LENGTH + 1];
        int follow = 0, full = 0;
        for (size_t k = 0; k < step->operations->n_slices; k++)
            follow |= slice->by == step->operations->slices[k];
        if (!follow || !slice->rows || !slice_name(slice, name, sizeof name))
            continue;
        struct operations_part *part = part_at(traffic, step->operations, OPERATIONS_SLICE, name,
                                               window->end - step->operations->step, &full);
        if (!part && !full)
            return WEIR_ENOMEM;
        if (part)
            part->now = slice->rows;
    }
    return 0;
}

static uint64_t rows_of(const struct operations_step *step, const struct operations_part *part)
{
    const struct operations_table *table =
        part->kind == OPERATIONS_PARTITION ? &step->tally->partitions : &step->tally->sources;
    if (part->kind == OPERATIONS_STREAM || part->kind == OPERATIONS_SLICE)
        return part->kind == OPERATIONS_STREAM ? step->tally->rows : part->now;
    int at = weir_names_find(&table->names, part->name, strlen(part->name));
    return at < 0 ? 0 : table->counts[at].rows;
}

// Of what is usual, that is left; and of the evidence that would be enough, that makes it likely.
static const double SILENT = 0.05, LOW = 0.5, HIGH = 2, LIKELY = 0.4;
// A part with more of the stream than this is the stream.
static const double MOST = 0.95;

static int is_silent(const struct operations_found *found)
{
    return found->decision.left < SILENT;
}

// Whether this window alone says that it is over, which the sums would take hours to say. A
// window of few records says so only by more than chance would bring. Of a stream that is far off
// again and again it must be further off each time.
static int is_over(const struct operations_found *found)
{
    double rows = (double)found->rows, expected = found->decision.expected;
    double season = found->decision.season, left = found->decision.left;
    double share = is_silent(found) ? SILENT : left < 1 ? LOW : HIGH;
    if (!is_silent(found))
        share *= pow(share, fmin(round(found->part->restless), 20));
    double usual = share * expected, seasonal = share * season;
    if (left > 1)
        return rows < usual - 2 * sqrt(usual) || rows < seasonal - 2 * sqrt(seasonal) ||
               rows < share * found->decision.most;
    return rows > usual + 2 * sqrt(usual) ||
           (!is_silent(found) && rows > seasonal + 2 * sqrt(seasonal));
}

// How many records were due, since it fell silent, by less than its own rhythm: of a part by its
// share of what the stream has had, of the stream by the season alone. Bursts do not swell them.
static void count_quiet(struct operations_part *part, const struct operations_found *found,
                        double stream_rows)
{
    double rows = (double)found->rows, expected = found->decision.expected;
    double due =
        part->kind == OPERATIONS_STREAM
            ? (found->decision.season > 0 ? fmin(expected, found->decision.season) : expected)
            : (part->all > 0 ? fmin(expected, part->own / part->all * stream_rows) : 0);
    part->quiet = fmax(part->quiet + due - rows / SILENT, 0);
}

static void learn_share(const struct operations_step *step, struct operations_part *part,
                        double rows, double stream_rows)
{
    double keep = pow(0.5, (double)step->operations->step / DAY);
    part->own = part->own * keep + rows;
    part->all = part->all * keep + stream_rows;
}

// Of a part next to nothing must be left where the stream flows, and it must have a rhythm and not
// be all that there is.
static int is_told(const struct operations_found *found)
{
    const struct operations_part *part = found->part;
    if (!found->decision.found || is_over(found))
        return 0;
    if (part->kind == OPERATIONS_STREAM)
        return !is_silent(found) ||
               part->quiet >= found->decision.threshold * (1 + round(part->silences));
    return is_silent(found) && part->series.has_rhythm &&
           part->quiet >= DUE * (1 + round(part->silences)) && part->own < MOST * part->all;
}

static int is_likely(const struct operations_found *found)
{
    const struct weir_count_series *series = &found->part->series;
    return found->part->kind != OPERATIONS_STREAM && !found->rows && series->has_rhythm &&
           found->part->own < MOST * found->part->all &&
           series->sums[0].score > LIKELY * found->decision.threshold;
}

// Counts what is told of, once it is over.
static void count_told(const struct operations_step *step, struct operations_part *part,
                       const struct operations_found *found)
{
    double keep = pow(0.5, (double)step->operations->step / WEEK);
    int silent = found->told && is_silent(found), far = found->told && !silent;
    part->restless = part->restless * keep + (part->is_far && !far);
    part->silences = part->silences * keep + (part->is_silent && !silent);
    part->is_far = far;
    part->is_silent = silent;
}

// Those that are silent, or are likely to be, the stream first if it is among them, or is far from
// its season; returns how many.
static size_t judge_parts(struct operations_traffic *traffic, const struct operations_step *step,
                          struct operations_found *found)
{
    int64_t start = step->window->end - step->operations->step;
    size_t n = 0;
    for (size_t i = 0; i < traffic->n; i++) {
        struct operations_part *part = &traffic->parts[i];
        struct weir_count_rules rules = rules_of(step->operations, part->kind);
        found[n].part = part;
        found[n].rows = rows_of(step, part);
        weir_count_series_step(&rules, &part->series, start, (double)found[n].rows,
                               (double)traffic->n, &found[n].decision);
        if (found[n].rows)
            part->seen = step->window->end;
        count_quiet(part, &found[n], (double)step->tally->rows);
        int over = found[n].decision.found && is_over(&found[n]);
        double nothing = part->series.sums[0].score;
        int flows = i == 0 || traffic->parts[0].series.sums[0].score < nothing / 2;
        found[n].told = found[n].is_outer = flows && is_told(&found[n]);
        if (part->kind != OPERATIONS_STREAM && !found[n].decision.found && part->quiet < DUE / 2)
            learn_share(step, part, (double)found[n].rows, (double)step->tally->rows);
        count_told(step, part, &found[n]);
        n += found[n].told || (flows && is_likely(&found[n]));
        if (over)
            memset(part->series.sums, 0, sizeof part->series.sums);
    }
    return n;
}

// A part that is silent is no new normal of the stream's.
static void doubt_stream(struct operations_traffic *traffic, const struct operations_step *step,
                         const struct operations_found *parts, size_t n)
{
    struct weir_count_rules rules = rules_of(step->operations, OPERATIONS_STREAM);
    for (size_t i = 0; i < n; i++) {
        if (parts[i].told)
            weir_count_series_doubt(&rules, &traffic->parts[0].series, parts[i].decision.since);
    }
}

// Whether the slice `inner` lies within `outer`: has all its pairs, and more.
static int lies_within(const char *inner, const char *outer)
{
    if (strlen(inner) <= strlen(outer))
        return 0;
    while (*outer) {
        const char *end = strchr(outer, 0x1f);
        end = end ? strchr(end + 1, 0x1f) : NULL;
        if (!end)
            return 0;
        size_t length = (size_t)(end + 1 - outer);
        const char *at = inner;
        while (at && strncmp(at, outer, length) != 0) {
            at = strchr(at, 0x1f);
            at = at ? strchr(at + 1, 0x1f) : NULL;
            at = at ? at + 1 : NULL;
        }
        if (!at)
            return 0;
        outer = end + 1;
    }
    return 1;
}

// A slice within one that is told of is not told of itself. Returns how many parts are left.
static size_t drop_inner(struct operations_found *parts, size_t n)
{
    size_t kept = 0;
    for (size_t i = 0; i < n; i++) {
        int inner = 0;
        for (size_t k = 0; k < n && parts[i].part->kind == OPERATIONS_SLICE && !inner; k++)
            inner = parts[k].part->kind == OPERATIONS_SLICE && parts[k].is_outer &&
                    lies_within(parts[i].part->name, parts[k].part->name);
        parts[i].told &= !inner;
    }
    for (size_t i = 0; i < n; i++) {
        if (parts[i].told || !parts[i].is_outer)
            parts[kept++] = parts[i];
    }
    return kept;
}

// Whether parts of one kind that are silent are most of what the stream lacks.
static int explain(const struct operations_found *stream, const struct operations_found *parts,
                   size_t n)
{
    double missing[OPERATIONS_SLICE + 1] = {0}, most = 0;
    for (size_t i = 0; i < n; i++)
        most = fmax(most, missing[parts[i].part->kind] += parts[i].decision.expected);
    double lacks = stream->decision.expected - (double)stream->rows;
    return stream->decision.left < 1 && most > lacks / 2;
}

int operations_traffic_step(struct operations_traffic *traffic, const struct operations_step *step)
{
    int64_t start = step->window->end - step->operations->step;
    int full = 0;
    // Nothing is known of a stream before its first record.
    if (!traffic->n && !step->tally->rows)
        return 0;
    if (!part_at(traffic, step->operations, OPERATIONS_STREAM, "", start, &full) ||
        add_parts(traffic, step, &step->tally->partitions, OPERATIONS_PARTITION) ||
        (!step->operations->leave_producers &&
         add_parts(traffic, step, &step->tally->sources, OPERATIONS_PRODUCER)) ||
        add_slices(traffic, step))
        return WEIR_ENOMEM;
    struct operations_found *found = calloc(traffic->n, sizeof *found);
    if (!found)
        return WEIR_ENOMEM;
    size_t n = judge_parts(traffic, step, found);
    size_t whole = n && found[0].part->kind == OPERATIONS_STREAM;
    struct operations_found *parts = found + whole;
    n = whole + drop_inner(parts, n - whole);
    doubt_stream(traffic, step, parts, n - whole);
    // Where the stream is silent, that is the one incident; where parts of it are, they are.
    int left = whole && step->operations->leave_stream && found[0].decision.left < 1;
    if (whole && is_silent(&found[0])) {
        if (!left)
            operations_say_stream_silent(step, &found[0], parts, n - whole);
    } else {
        if (whole && !left && !explain(&found[0], parts, n - whole))
            operations_say_throughput(step, &found[0]);
        operations_say_parts_silent(step, parts, n - whole);
    }
    free(found);
    forget(traffic, step->window->end - FORGOTTEN);
    return 0;
}

// ---- bytes

void operations_traffic_save(const struct operations_traffic *traffic, struct weir_buffer *out)
{
    weir_put_long(out, (int64_t)traffic->n);
    for (size_t i = 0; i < traffic->n; i++) {
        weir_put_long(out, traffic->parts[i].kind);
        weir_put_string(out, traffic->parts[i].name);
        weir_put_long(out, traffic->parts[i].seen);
        weir_put_double(out, traffic->parts[i].own);
        weir_put_double(out, traffic->parts[i].all);
        weir_put_double(out, traffic->parts[i].quiet);
        weir_put_double(out, traffic->parts[i].restless);
        weir_put_double(out, traffic->parts[i].silences);
        weir_put_long(out, traffic->parts[i].is_far);
        weir_put_long(out, traffic->parts[i].is_silent);
        weir_count_series_save(&traffic->parts[i].series, out);
    }
}

static int is_slice_of(const struct weir_stream *stream, const int *fields, size_t n,
                       const char *name)
{
    for (size_t i = 0; i < n; i++) {
        const char *field = stream->fields[fields[i]].name;
        size_t length = strlen(field);
        if (strncmp(name, field, length) != 0 || name[length] != 0x1f)
            return 0;
        const char *end = strchr(name + length + 1, 0x1f);
        if (!end)
            return 0;
        name = end + 1;
    }
    return !*name;
}

// What is counted no more would look silent.
static int is_followed(const struct operations *operations, size_t kind, const char *name)
{
    int follow = kind == OPERATIONS_PRODUCER
                     ? operations->source >= 0 && !operations->leave_producers
                     : kind != OPERATIONS_SLICE;
    for (size_t k = 0; k < operations->n_slices && kind == OPERATIONS_SLICE; k++)
        follow |= is_slice_of(operations->stream, operations->slice_fields[k],
                              operations->n_slice_fields[k], name);
    return follow;
}

static int skip_series(const struct operations *operations, size_t kind, struct weir_reader *in)
{
    struct weir_count_rules rules = rules_of(operations, (enum operations_part_kind)kind);
    struct weir_count_series series;
    if (weir_count_series_init(&series, &rules, 0, 0))
        return WEIR_ENOMEM;
    int code = weir_count_series_restore(&series, in);
    weir_count_series_free(&series);
    return code;
}

int operations_traffic_restore(struct operations_traffic *traffic,
                               const struct operations *operations, struct weir_reader *in)
{
    size_t n = weir_get_count(in, OPERATIONS_PARTS + 1);
    for (size_t i = 0; i < n && !in->failed; i++) {
        size_t kind = weir_get_count(in, OPERATIONS_SLICE), before = traffic->n;
        char *name = weir_get_string_alloc(in, WEIR_NAME_LENGTH);
        int64_t seen = operations_get_time(in);
        double own = weir_get_double(in), all = weir_get_double(in);
        double quiet = weir_get_double(in), restless = weir_get_double(in);
        double silences = weir_get_double(in);
        int is_far = (int)weir_get_count(in, 1), silent = (int)weir_get_count(in, 1), full = 0;
        if (!(own >= 0 && own < 1e18 && all >= 0 && all < 1e18 && quiet >= 0 && quiet < 1e18 &&
              restless >= 0 && restless < 1e6 && silences >= 0 && silences < 1e6))
            in->failed = 1;
        if (!in->failed && !is_followed(operations, kind, name)) {
            int code = skip_series(operations, kind, in);
            free(name);
            if (code)
                return code;
            continue;
        }
        struct operations_part *part =
            in->failed
                ? NULL
                : part_at(traffic, operations, (enum operations_part_kind)kind, name, seen, &full);
        free(name);
        if (!part || traffic->n == before)
            return part || in->failed || full ? WEIR_ECORRUPT : WEIR_ENOMEM;
        part->own = own;
        part->all = all;
        part->quiet = quiet;
        part->restless = restless;
        part->silences = silences;
        part->is_far = is_far;
        part->is_silent = silent;
        if (weir_count_series_restore(&part->series, in))
            return WEIR_ECORRUPT;
    }
    // The stream is the first part.
    if (traffic->n && traffic->parts[0].kind != OPERATIONS_STREAM)
        in->failed = 1;
    return in->failed ? WEIR_ECORRUPT : 0;
}
