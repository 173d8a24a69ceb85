// SPDX-License-Identifier: Apache-2.0
#include "consumer/runtime/memory.h"

#include "consumer/http/metrics.h"

void weir_memory_add(struct weir_memory *memory, enum weir_memory_part part, int64_t bytes)
{
    atomic_fetch_add_explicit(&memory->parts[part], bytes, memory_order_relaxed);
}

void weir_memory_set(struct weir_memory *memory, struct weir_memory_share *share,
                     enum weir_memory_part part, int64_t bytes)
{
    weir_memory_add(memory, part, bytes - share->parts[part]);
    share->parts[part] = bytes;
}

void weir_memory_leave(struct weir_memory *memory, struct weir_memory_share *share)
{
    for (int part = 0; part < WEIR_MEMORY_PARTS; part++)
        weir_memory_set(memory, share, (enum weir_memory_part)part, 0);
}

static int64_t part_of(const struct weir_memory *memory, enum weir_memory_part part)
{
    return atomic_load_explicit(&memory->parts[part], memory_order_relaxed);
}

int64_t weir_memory_total(const struct weir_memory *memory)
{
    int64_t total = 0;
    for (int part = 0; part < WEIR_MEMORY_PARTS; part++)
        total += part_of(memory, (enum weir_memory_part)part);
    return total;
}

int64_t weir_memory_left(const struct weir_memory *memory)
{
    int64_t total = weir_memory_total(memory);
    return total < memory->limit ? memory->limit - total : 0;
}

enum weir_memory_level weir_memory_level(const struct weir_memory *memory)
{
    int64_t total = weir_memory_total(memory), eighth = memory->limit / 8;
    if (total >= 7 * eighth)
        return WEIR_MEMORY_PRESSED;
    if (total >= 6 * eighth && part_of(memory, WEIR_MEMORY_AHEAD) >= eighth / 4)
        return WEIR_MEMORY_TIGHT;
    return total >= 5 * eighth ? WEIR_MEMORY_USUAL : WEIR_MEMORY_CALM;
}

void weir_memory_tell(const struct weir_memory *memory)
{
    WEIR_GAUGE(memory_limit, memory->limit);
    WEIR_GAUGE(memory_ahead, part_of(memory, WEIR_MEMORY_AHEAD));
    WEIR_GAUGE(memory_batches, part_of(memory, WEIR_MEMORY_BATCHES));
    WEIR_GAUGE(memory_windows, part_of(memory, WEIR_MEMORY_WINDOWS));
    WEIR_GAUGE(memory_mergers, part_of(memory, WEIR_MEMORY_MERGERS));
    WEIR_GAUGE(memory_detectors, part_of(memory, WEIR_MEMORY_DETECTORS));
    WEIR_GAUGE(memory_output, part_of(memory, WEIR_MEMORY_OUTPUT));
    WEIR_GAUGE(memory_restores, part_of(memory, WEIR_MEMORY_RESTORES));
}

// ---- shares of the limit

static int64_t between(int64_t low, int64_t value, int64_t high)
{
    return value < low ? low : value > high ? high : value;
}

uint32_t weir_memory_dictionary(int64_t limit, int64_t dictionaries)
{
    return (uint32_t)between(64 << 10, limit / 8 / (dictionaries > 0 ? dictionaries : 1), 4 << 20);
}

// ---- moves

// The one furthest behind (or ahead) among those that read or are parked; n: none.
static size_t furthest(const struct weir_memory_task *tasks, size_t n, int parked, int ahead)
{
    size_t best = n;
    for (size_t i = 0; i < n; i++) {
        if (tasks[i].parked != parked || (!parked && tasks[i].waits))
            continue;
        if (best == n ||
            (ahead ? tasks[i].newest >= tasks[best].newest : tasks[i].newest < tasks[best].newest))
            best = i;
    }
    return best;
}

enum weir_memory_move weir_memory_choose(enum weir_memory_level level,
                                         const struct weir_memory_task *tasks, size_t n,
                                         size_t *task)
{
    size_t behind = furthest(tasks, n, 1, 0), slowest = furthest(tasks, n, 0, 0);
    size_t fastest = furthest(tasks, n, 0, 1);
    int late = behind < n && (slowest == n || tasks[behind].newest < tasks[slowest].newest);
    if (behind < n && (level == WEIR_MEMORY_CALM || late)) {
        *task = behind;
        return WEIR_MEMORY_RESUME;
    }
    if (level < WEIR_MEMORY_TIGHT || fastest == slowest)
        return WEIR_MEMORY_STAY;
    *task = fastest;
    return WEIR_MEMORY_PARK;
}
