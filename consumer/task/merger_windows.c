// SPDX-License-Identifier: Apache-2.0
// The `windows` output: a closed window's statistics as one JSON object, alert or not.
#include <math.h>

#include "consumer/codec/json_write.h"
#include "consumer/task/merger.h"

static void put_counts(struct weir_json_writer *json, const struct weir_summary *summary)
{
    static const char *const names[] = {"values", "null",     "missing", "fault",
                                        "nan",    "infinite", "empty",   "unseen"};
    const uint64_t counts[] = {summary->values,  summary->null,
                               summary->missing, summary->fault,
                               summary->nan,     summary->infinite_low + summary->infinite_high,
                               summary->empty,   summary->unseen};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        weir_json_put_count(json, names[i], counts[i]);
}

static void put_moments(struct weir_json_writer *json, const struct weir_summary *summary)
{
    if (!(summary->parts & WEIR_PART_MOMENTS) || !summary->moments.n)
        return;
    const double values[] = {weir_moments_mean(&summary->moments, summary->cells),
                             sqrt(weir_moments_variance(&summary->moments, summary->cells)),
                             summary->moments.minimum, summary->moments.maximum};
    static const char *const names[] = {"mean", "sd", "minimum", "maximum"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        weir_json_put_double(json, names[i], values[i]);
    static const double quantiles[] = {.05, .25, .5, .75, .95};
    static const char *const quantile_names[] = {"p05", "p25", "p50", "p75", "p95"};
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles && summary->quantiles; i++)
        weir_json_put_double(json, quantile_names[i], weir_summary_quantile(summary, quantiles[i]));
}

static void put_reported(struct weir_json_writer *json, const struct weir_merger *merger,
                         const struct weir_stream *stream)
{
    weir_json_key(json, "statistics");
    weir_json_open(json, '[');
    for (size_t i = 0; i < merger->n_reported; i++) {
        const struct weir_reported *one = &merger->reported[i];
        weir_json_open(json, '{');
        weir_json_put_text(json, "detector", one->detector);
        weir_json_put_text(json, "field", one->field >= 0 ? stream->fields[one->field].name : NULL);
        weir_json_put_text(json, "name", one->name);
        weir_json_put_double(json, "value", one->statistic.value);
        weir_json_put_double(json, "threshold", one->statistic.threshold);
        weir_json_put_double(json, "p_value", one->statistic.p_value);
        weir_json_put_double(json, "baseline", one->statistic.baseline);
        weir_json_close(json, '}');
    }
    weir_json_close(json, ']');
}

static void put_slices(struct weir_json_writer *json, const struct weir_merge_key *key,
                       const struct weir_pane *window)
{
    weir_json_key(json, "slices");
    weir_json_open(json, '[');
    for (size_t i = 0; i < key->n_tracked; i++) {
        const struct weir_tracked *tracked = &key->tracked[i];
        struct weir_span values[WEIR_SLICE_FIELDS];
        size_t n = weir_pane_key_values(tracked->key, tracked->length, values, WEIR_SLICE_FIELDS);
        int64_t at =
            weir_pane_find(window, tracked->by, tracked->key, tracked->length, tracked->hash);
        weir_json_open(json, '{');
        weir_json_key(json, "slice");
        weir_json_open(json, '{');
        for (size_t k = 0; k < n; k++) {
            weir_json_key(json, key->plan->by_names[tracked->by][k]);
            weir_json_string(json, (const char *)values[k].data, values[k].length);
        }
        weir_json_close(json, '}');
        weir_json_put_long(json, "records", at >= 0 ? (int64_t)window->slices[at].rows : 0);
        weir_json_close(json, '}');
    }
    weir_json_close(json, ']');
}

int weir_merger_window_json(struct weir_merger *merger, const struct weir_merge_key *key,
                            const struct weir_pane *window, int64_t start, int64_t end)
{
    const struct weir_stream *stream = &merger->plan->streams[key->stream].info;
    const struct weir_pane_layout *layout = &key->plan->layout;
    struct weir_json_writer json = {&merger->json, 0};
    weir_buffer_reset(&merger->json);
    weir_json_open(&json, '{');
    weir_json_put_text(&json, "stream", stream->name);
    weir_json_put_long(&json, "start", start);
    weir_json_put_long(&json, "end", end);
    weir_json_put_count(&json, "records", window->rows);
    weir_json_key(&json, "fields");
    weir_json_open(&json, '{');
    for (size_t i = layout->first_slot[0]; i < layout->first_slot[1]; i++) {
        // A field with two references has two slots; its counts are the same in both.
        if (i > layout->first_slot[0] && layout->slots[i].field == layout->slots[i - 1].field)
            continue;
        weir_json_key(&json, layout->slots[i].field_name);
        weir_json_open(&json, '{');
        put_counts(&json, &window->slices[0].summaries[i]);
        put_moments(&json, &window->slices[0].summaries[i]);
        weir_json_close(&json, '}');
    }
    weir_json_close(&json, '}');
    put_slices(&json, key, window);
    put_reported(&json, merger, stream);
    weir_json_close(&json, '}');
    if (merger->json.failed)
        return WEIR_ENOMEM;
    struct weir_emission emission = {
        .output = WEIR_OUTPUT_WINDOWS,
        .partition = -1,
        .timestamp = end,
        .key = {(const uint8_t *)stream->name, __builtin_strlen(stream->name)},
        .value = {merger->json.data, merger->json.length},
        .source_row = -1,
        .decided_at = end,
    };
    return merger->emitter.emit(merger->emitter.context, &emission);
}
