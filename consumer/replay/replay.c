// SPDX-License-Identifier: Apache-2.0
#include "consumer/replay/replay.h"

#include <stdlib.h>
#include <string.h>

#include "consumer/http/metrics.h"
#include "consumer/replay/clean.h"
#include "consumer/replay/order.h"
#include "consumer/source/file.h"
#include "consumer/task/edge.h"

enum { STEP = 600000 }; // ms of event time that streams advance by, in turn

struct lane { // one stream's files, one after the other
    struct replay *replay;
    size_t stream;
    struct weir_edge_task *edge;
    struct weir_file *file;
    struct weir_clean *clean;       // NULL: nobody wants its good records
    const struct weir_batch *batch; // NULL: the next one is to be read
    uint32_t row;                   // the first that is not looked at yet
    int64_t newest;                 // of the rows that are
    int ended;
    struct weir_column *columns; // for views
    struct weir_unknown *unknown;
    size_t n_unknown;
};

struct joined { // two lanes side by side
    struct weir_edge_task *edge;
    struct lane *sides[2];
};

struct replay {
    struct joined *joined; // of which both lanes have files
    size_t n_joined;
    const struct weir_replay_options *options;
    struct weir_plan *plan;
    struct weir_merger *merger;
    struct weir_alert_order order;
    struct lane *lanes;
    size_t n_lanes;
    struct weir_replay_stats stats;
    uint64_t bytes_total;
    int failed; // the first file that could not be read to its end; the others go on
    struct weir_error file_error;
    struct weir_error merger_error; // why the merger refused a partial
    struct weir_error clean_error;  // why a good record could not be written
    struct weir_error error;
};

static int on_clean(struct lane *lane, const struct weir_emission *emission)
{
    lane->replay->stats.forwarded++;
    return lane->clean ? weir_clean_add(lane->clean, emission->value, &lane->replay->clean_error)
                       : 0;
}

// Partials go straight to the one merger, everything else out.
static int on_emission(struct replay *replay, const struct weir_emission *emission)
{
    if (emission->output == WEIR_OUTPUT_PARTIALS)
        return weir_merger_accept(replay->merger, emission->key, emission->value,
                                  &replay->merger_error);
    if (emission->output == WEIR_OUTPUT_ALERTS) {
        replay->stats.alerts++;
        return weir_alert_order_add(&replay->order, emission);
    }
    replay->stats.quarantined += emission->output == WEIR_OUTPUT_QUARANTINE;
    return replay->options->emit(replay->options->context, emission);
}

static int on_merged(void *context, const struct weir_emission *emission)
{
    return on_emission(context, emission);
}

static int on_edge(void *context, const struct weir_emission *emission)
{
    struct lane *lane = context;
    return emission->output == WEIR_OUTPUT_CLEAN ? on_clean(lane, emission)
                                                 : on_emission(lane->replay, emission);
}

static int release(struct replay *replay)
{
    return replay->order.n
               ? weir_alert_order_release(&replay->order, weir_merger_decided(replay->merger))
               : 0;
}

// ---- opening

static int open_lanes(struct replay *replay, struct weir_error *error)
{
    const struct weir_config *config = replay->options->config;
    replay->lanes = calloc(config->n_streams + 1, sizeof *replay->lanes);
    if (!replay->lanes)
        return weir_error_set(error, WEIR_ENOMEM, "no memory");
    for (size_t s = 0; s < config->n_streams; s++) {
        struct lane *lane = &replay->lanes[replay->n_lanes++];
        lane->replay = replay;
        lane->stream = s;
        lane->newest = INT64_MIN;
        lane->ended = 1;
    }
    for (size_t i = 0; i < replay->options->n_inputs; i++) {
        const struct weir_replay_input *input = &replay->options->inputs[i];
        struct lane *lane = &replay->lanes[input->stream];
        int code =
            weir_file_open(input->path, config->streams[input->stream].format, &lane->file, error);
        if (code)
            return code;
        lane->ended = 0;
        replay->bytes_total += weir_file_bytes_total(lane->file);
    }
    return 0;
}

static int make_plan(struct replay *replay, struct weir_error *error)
{
    const struct weir_schema_fields **fields = calloc(replay->n_lanes + 1, sizeof *fields);
    if (!fields)
        return weir_error_set(error, WEIR_ENOMEM, "no memory");
    int code = 0;
    for (size_t i = 0; i < replay->n_lanes && !code; i++) {
        if (!replay->lanes[i].file)
            continue;
        fields[i] = weir_file_fields(replay->lanes[i].file, error);
        if (!fields[i])
            code = WEIR_EIO;
    }
    struct weir_plan_options options = {
        .config = replay->options->config, .source_fields = fields, .partials_partitions = 1};
    if (!code)
        code = weir_plan_create(&options, &replay->plan, error);
    free(fields);
    return code;
}

static int start_joined(struct replay *replay, struct weir_error *error)
{
    size_t first, n = weir_plan_joined(replay->plan, &first);
    int code = 0;
    replay->joined = calloc(n + 1, sizeof *replay->joined);
    if (!replay->joined)
        return weir_error_set(error, WEIR_ENOMEM, "no memory");
    for (size_t i = 0; i < n && !code; i++) {
        size_t driver, follower;
        weir_plan_joined_of(replay->plan, first + i, &driver, &follower);
        struct joined *joined = &replay->joined[replay->n_joined];
        joined->sides[0] = &replay->lanes[driver];
        joined->sides[1] = &replay->lanes[follower];
        if (!joined->sides[0]->file || !joined->sides[1]->file)
            continue; // there is nothing to look at side by side
        struct weir_emitter emitter = {joined->sides[0], on_edge};
        code = weir_edge_task_create(replay->plan, first + i, 0, 1, &emitter, &joined->edge, error);
        replay->n_joined += !code;
    }
    return code;
}

static int start_lanes(struct replay *replay, struct weir_error *error)
{
    struct weir_emitter emitter = {replay, on_merged};
    int code = weir_merger_create(replay->plan, 0, &emitter, &replay->merger, error);
    if (code)
        return code;
    weir_merger_windows(replay->merger, replay->options->windows);
    for (size_t i = 0; i < replay->n_lanes && !code; i++) {
        struct lane *lane = &replay->lanes[i];
        struct weir_builder_options builder = weir_plan_builder(replay->plan, i);
        lane->columns = calloc(builder.stream->n_fields + 1, sizeof *lane->columns);
        if (!lane->columns)
            return weir_error_set(error, WEIR_ENOMEM, "no memory");
        struct weir_emitter edge = {lane, on_edge};
        code = weir_edge_task_create(replay->plan, i, 0, 1, &edge, &lane->edge, error);
        if (!code && replay->options->faults)
            weir_edge_task_faults(lane->edge);
        if (!code && lane->file)
            code = weir_file_start(lane->file, &builder, error);
    }
    if (!code)
        code = start_joined(replay, error);
    for (size_t i = 0; i < replay->options->n_clean && !code; i++) {
        const struct weir_replay_clean *clean = &replay->options->clean[i];
        struct lane *lane = &replay->lanes[clean->stream];
        weir_edge_task_forward(lane->edge);
        code = weir_clean_create(clean->path, lane->file, &lane->clean, error);
    }
    return code;
}

// ---- running

static void tell_progress(struct replay *replay)
{
    uint64_t read = 0;
    for (size_t i = 0; i < replay->n_lanes; i++)
        read += replay->lanes[i].file ? weir_file_bytes_read(replay->lanes[i].file) : 0;
    replay->stats.bytes = read;
    if (replay->options->progress)
        replay->options->progress(replay->options->context,
                                  replay->bytes_total ? (double)read / (double)replay->bytes_total
                                                      : -1,
                                  replay->stats.records);
}

static int finish_lane(struct replay *replay, struct lane *lane)
{
    tell_progress(replay);
    lane->ended = 1;
    lane->batch = NULL;
    int code = weir_edge_task_finish(lane->edge, &replay->error);
    for (size_t i = 0; i < replay->n_joined && !code; i++) {
        struct joined *joined = &replay->joined[i];
        int mine = joined->sides[0] == lane || joined->sides[1] == lane;
        if (mine && joined->sides[0]->ended && joined->sides[1]->ended)
            code = weir_edge_task_finish(joined->edge, &replay->error);
    }
    return code;
}

// What a lane's own task has looked at, to those that look at it beside another.
static int show_joined(struct replay *replay, const struct lane *lane,
                       const struct weir_batch *batch)
{
    int64_t next;
    uint32_t n = batch->n_rows;
    if (weir_edge_task_stopped(lane->edge, &next)) {
        for (n = 0; n < batch->n_rows && batch->offset[n] < next;)
            n++;
    }
    int code = 0;
    for (size_t i = 0; i < replay->n_joined && !code; i++) {
        for (int side = 0; side < 2 && !code; side++) {
            if (replay->joined[i].sides[side] == lane)
                code = weir_edge_task_join(replay->joined[i].edge, side, batch, n, &replay->error);
        }
    }
    return code;
}

static int read_batch(struct replay *replay, struct lane *lane)
{
    uint32_t rows = replay->options->batch ? replay->options->batch : WEIR_BATCH_ROWS;
    const char *topic = replay->options->config->streams[lane->stream].topic;
    int code = weir_file_next(lane->file, rows, &lane->batch, &replay->error);
    lane->row = 0;
    if (code < 0 && code != WEIR_ENOMEM) {
        // What was read of it counts, and so do the other streams.
        if (!replay->failed) {
            replay->failed = code;
            replay->file_error = replay->error;
        }
        memset(&replay->error, 0, sizeof replay->error);
        return finish_lane(replay, lane);
    }
    if (code < 0)
        return code;
    if (code == 0)
        return finish_lane(replay, lane);
    // A file stands for its topic, so that alerts say the same wherever records come from.
    ((struct weir_batch *)(uintptr_t)lane->batch)->topic = topic ? topic : lane->batch->topic;
    replay->stats.records += lane->batch->n_rows;
    tell_progress(replay);
    if (lane->batch->n_unknown > lane->n_unknown) {
        free(lane->unknown);
        lane->n_unknown = lane->batch->n_unknown;
        lane->unknown = malloc(lane->n_unknown * sizeof *lane->unknown);
        if (!lane->unknown)
            return WEIR_ENOMEM;
    }
    return 0;
}

// The gate may have stopped the stream: then this was its end.
static int finish_stopped(struct replay *replay, struct lane *lane)
{
    int64_t next;
    if (!weir_edge_task_stopped(lane->edge, &next))
        return 0;
    replay->stats.records -= (uint64_t)(lane->batch->offset[lane->batch->n_rows - 1] + 1 - next);
    if (!replay->failed)
        replay->failed = weir_error_set(
            &replay->file_error, WEIR_EINVAL,
            "stream %s: its gate stopped it before row %lld: too many records are bad",
            replay->options->config->streams[lane->stream].info.name, (long long)next);
    return finish_lane(replay, lane);
}

// A stream alone needs no steps: whole batches.
static int run_alone(struct replay *replay, struct lane *lane)
{
    int code = 0;
    while (!code && !lane->ended) {
        code = read_batch(replay, lane);
        if (!code && lane->batch)
            code = weir_edge_task_observe(lane->edge, lane->batch, &replay->error);
        if (!code && !lane->ended)
            code = finish_stopped(replay, lane);
        if (!code)
            code = release(replay);
    }
    return code;
}

static int observe_rows(struct replay *replay, struct lane *lane, uint32_t n)
{
    struct weir_batch view;
    const struct weir_batch *batch = lane->batch;
    if (lane->row || n < lane->batch->n_rows) {
        weir_batch_view(lane->batch, lane->row, n, &view, lane->columns, lane->unknown);
        batch = &view;
    }
    int code = weir_edge_task_observe(lane->edge, batch, &replay->error);
    if (!code)
        code = show_joined(replay, lane, batch);
    lane->row += n;
    return code ? code : finish_stopped(replay, lane);
}

// The running newest time with the lane's next row in it; reads on where it must.
static int peek(struct replay *replay, struct lane *lane, int64_t *time)
{
    while (!lane->ended && (!lane->batch || lane->row == lane->batch->n_rows)) {
        int code = read_batch(replay, lane);
        if (code)
            return code;
    }
    *time = INT64_MAX;
    if (!lane->ended) {
        int64_t next = lane->batch->time[lane->row];
        *time = next > lane->newest ? next : lane->newest;
    }
    return 0;
}

// All rows of a lane up to, but not at, `until`.
static int run_until(struct replay *replay, struct lane *lane, int64_t until)
{
    for (;;) {
        int64_t time;
        int code = peek(replay, lane, &time);
        if (code || lane->ended || time >= until)
            return code;
        uint32_t row = lane->row;
        while (row < lane->batch->n_rows) {
            int64_t at = lane->batch->time[row];
            if (at >= until)
                break;
            lane->newest = at > lane->newest ? at : lane->newest;
            row++;
        }
        code = observe_rows(replay, lane, row - lane->row);
        if (code || lane->ended)
            return code;
    }
}

static int run_together(struct replay *replay)
{
    for (;;) {
        int64_t first = INT64_MAX;
        int code = 0, live = 0;
        for (size_t i = 0; i < replay->n_lanes && !code; i++) {
            int64_t time;
            code = peek(replay, &replay->lanes[i], &time);
            first = time < first ? time : first;
            live |= !replay->lanes[i].ended;
        }
        if (code || !live)
            return code;
        int64_t until = weir_time_add(weir_pane_floor(first, STEP), STEP);
        for (size_t i = 0; i < replay->n_lanes && !code; i++)
            code = run_until(replay, &replay->lanes[i], until);
        // A stream that is silent learns from the others that time goes on.
        for (size_t i = 0; i < replay->n_lanes && !code; i++) {
            struct lane *lane = &replay->lanes[i];
            if (!lane->ended && lane->newest < until &&
                weir_edge_task_newest(lane->edge) > INT64_MIN)
                code = weir_edge_task_advance(lane->edge, until, &replay->error);
        }
        // Both were read up to here: the one that lags has nothing before.
        for (size_t i = 0; i < replay->n_joined && !code; i++) {
            const struct joined *joined = &replay->joined[i];
            if (!joined->sides[0]->ended || !joined->sides[1]->ended)
                code = weir_edge_task_join_alone(joined->edge, &replay->error);
        }
        if (!code)
            code = release(replay);
        if (code)
            return code;
    }
}

static int run(struct replay *replay)
{
    struct lane *alone = NULL;
    size_t live = 0;
    int code = 0;
    for (size_t i = 0; i < replay->n_lanes && !code; i++) {
        if (replay->lanes[i].file) {
            live++;
            alone = &replay->lanes[i];
        } else {
            code = finish_lane(replay, &replay->lanes[i]);
        }
    }
    if (!code && live)
        code = live == 1 ? run_alone(replay, alone) : run_together(replay);
    if (!code)
        code = weir_alert_order_release(&replay->order, INT64_MAX);
    for (size_t i = 0; i < replay->n_lanes && !code; i++) {
        code = weir_clean_close(replay->lanes[i].clean, &replay->clean_error);
        replay->lanes[i].clean = NULL;
    }
    return code;
}

static void close_all(struct replay *replay)
{
    for (size_t i = 0; i < replay->n_lanes; i++) {
        struct lane *lane = &replay->lanes[i];
        weir_edge_task_destroy(lane->edge);
        weir_clean_close(lane->clean, NULL);
        if (lane->file)
            weir_file_close(lane->file);
        free(lane->columns);
        free(lane->unknown);
    }
    for (size_t i = 0; i < replay->n_joined; i++)
        weir_edge_task_destroy(replay->joined[i].edge);
    free(replay->joined);
    weir_alert_order_free(&replay->order);
    weir_merger_destroy(replay->merger);
    weir_plan_destroy(replay->plan);
    free(replay->lanes);
}

int weir_replay(const struct weir_replay_options *options, struct weir_replay_stats *stats,
                struct weir_error *error)
{
    struct replay replay = {.options = options};
    uint64_t late = atomic_load(&weir_metrics.late);
    replay.order.emit = options->emit;
    replay.order.context = options->context;
    int code = open_lanes(&replay, error);
    if (!code)
        code = make_plan(&replay, error);
    if (!code)
        code = start_lanes(&replay, error);
    if (!code) {
        code = run(&replay);
        const struct weir_error *why = !code                            ? &replay.file_error
                                       : replay.clean_error.message[0]  ? &replay.clean_error
                                       : replay.merger_error.message[0] ? &replay.merger_error
                                                                        : &replay.error;
        code = code ? code : replay.failed;
        if (code)
            weir_error_set(error, code, "%s", why->message[0] ? why->message : "output failed");
    }
    replay.stats.late = atomic_load(&weir_metrics.late) - late;
    *stats = replay.stats;
    close_all(&replay);
    return code;
}
