// SPDX-License-Identifier: Apache-2.0
// What owners hold to be usual: what there is of it, a change of it to the log, and a stretch that
// a person accepted. That comes as a record of the partials topic, which every merger reads in one
// order: it takes effect between two windows, at the same place however often it is read again, and
// is in the state from then on.
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/text.h"
#include "consumer/http/metrics.h"
#include "consumer/log/log.h"
#include "consumer/task/merger.h"

static int has(const struct weir_owner *owner)
{
    const struct weir_plugin *plugin = owner->plan->plugin;
    size_t needed = offsetof(struct weir_plugin, owner_accept) + sizeof plugin->owner_accept;
    return owner->owner && plugin->size >= needed && plugin->owner_calibration &&
           plugin->owner_accept;
}

static struct weir_calibration calibration_of(const struct weir_owner *owner)
{
    struct weir_calibration of = {.size = sizeof of};
    if (has(owner))
        owner->plan->plugin->owner_calibration(owner->owner, &of);
    return of;
}

void weir_merger_calibrations(const struct weir_merger *merger,
                              void (*each)(void *context, const struct weir_calibrated *one),
                              void *context)
{
    for (size_t i = 0; i < merger->n_keys; i++) {
        const struct weir_merge_key *key = &merger->keys[i];
        for (size_t k = 0; k < key->n_owners; k++) {
            struct weir_calibrated one = {.detector = key->owners[k].plan->name,
                                          .disabled = key->owners[k].disabled,
                                          .calibration = calibration_of(&key->owners[k])};
            if (has(&key->owners[k]))
                each(context, &one);
        }
    }
}

// ---- to the log

static const char *day_text(int64_t time, char out[WEIR_TEXT_TIME])
{
    weir_text_time(time, out)[strlen("2026-01-31")] = 0;
    return out;
}

void weir_merger_tell_calibration(const struct weir_merger *merger, struct weir_owner *owner,
                                  int quietly)
{
    struct weir_calibration now = calibration_of(owner), before = owner->told;
    const char *name = owner->plan->name;
    char from[WEIR_TEXT_TIME], to[WEIR_TEXT_TIME];
    owner->told = now;
    if (merger->suppress || quietly || !has(owner) ||
        (now.whole == before.whole && now.accepted == before.accepted &&
         (now.origin == before.origin || !now.whole)))
        return;
    day_text(now.from, from);
    day_text(now.to, to);
    if (now.accepted && now.accepted != before.accepted) {
        WEIR_COUNT(calibrations_accepted, 1);
        weir_log(WEIR_LOG_INFO, "calibration",
                 "%s: calibration of %s..%s accepted; windows are judged by it from now on%s", name,
                 from, to,
                 now.whole ? "" : ", provisionally: it is not whole yet, and goes on growing");
    } else if (now.whole) {
        WEIR_COUNT(calibrations_frozen, 1);
        weir_log(WEIR_LOG_INFO, "calibration",
                 "%s: calibration of %s..%s is whole and frozen%s; it holds until another is "
                 "accepted (weir check --calibrate --accept)",
                 name, from, to,
                 now.origin == WEIR_CALIBRATION_PROFILE ? " (calibration.profile)" : "");
    } else {
        weir_log(WEIR_LOG_INFO, "calibration", "%s: calibration begins anew", name);
    }
}

// ---- taking over

struct trial { // context of a window that is none
    const struct weir_owner *owner;
    void (*report)(void *context, int field, const struct weir_statistic *statistic);
    void *context;
};

static const struct weir_summary *no_summary(const struct weir_window *window, size_t slice,
                                             int field)
{
    (void)window, (void)slice, (void)field;
    return NULL;
}

static const struct weir_summary *reference(const struct weir_window *window, size_t i, int field)
{
    const struct trial *trial = window->host;
    return weir_plan_reference_summary(trial->owner->plan, i, field);
}

static void report(const struct weir_window *window, size_t slice, int field,
                   const struct weir_statistic *statistic)
{
    const struct trial *trial = window->host;
    if (trial->report && !slice)
        trial->report(trial->context, field, statistic);
}

static struct weir_owner *find_owner(struct weir_merger *merger, const char *detector,
                                     struct weir_merge_key **key)
{
    for (size_t i = 0; i < merger->n_keys; i++) {
        for (size_t k = 0; k < merger->keys[i].n_owners; k++) {
            *key = &merger->keys[i];
            if (!strcmp(merger->keys[i].owners[k].plan->name, detector))
                return &merger->keys[i].owners[k];
        }
    }
    return NULL;
}

int weir_merger_take_over(struct weir_merger *merger, const char *detector,
                          const struct weir_acceptance *acceptance,
                          void (*each)(void *context, int field,
                                       const struct weir_statistic *statistic),
                          void *context, struct weir_error *error)
{
    struct weir_merge_key *key = NULL;
    struct weir_owner *owner = find_owner(merger, detector, &key);
    if (!owner || !has(owner))
        return weir_error_set(error, WEIR_EINVAL, "no detector of that name calibrates");
    if (owner->disabled)
        return weir_error_set(error, WEIR_EINVAL, "it is disabled, as it failed too often");
    struct trial trial = {owner, each, context};
    struct weir_window window = {.size = sizeof window,
                                 .host = &trial,
                                 .start = key->next,
                                 .end = key->next,
                                 .sequence = key->sequence,
                                 .summary = no_summary,
                                 .reference = reference,
                                 .report = report,
                                 .complete = key->next};
    return owner->plan->plugin->owner_accept(owner->owner, acceptance, &window, error);
}

// ---- the record

int weir_acceptance_write(const struct weir_plan *plan, const char *detector,
                          const struct weir_acceptance *acceptance, int32_t *partition,
                          struct weir_buffer *key, struct weir_buffer *value,
                          struct weir_error *error)
{
    const struct weir_plan_detector *found = NULL;
    for (size_t d = 0; d < plan->n_detectors; d++) {
        if (plan->detectors[d].plugin && !strcmp(plan->detectors[d].name, detector))
            found = &plan->detectors[d];
    }
    if (!found)
        return weir_error_set(error, WEIR_EINVAL, "there is no detector '%s'", detector);
    const struct weir_plan_spec *spec = &plan->streams[found->stream].specs[found->spec];
    struct weir_buffer payload;
    weir_buffer_init(&payload, WEIR_PARTIAL_BYTES);
    weir_put_string(&payload, detector);
    weir_put_long(&payload, acceptance->accepted);
    struct weir_partial partial = {.type = WEIR_PARTIAL_ACCEPTED,
                                   .key = spec->key,
                                   .hash = spec->hash,
                                   .start = acceptance->from,
                                   .end = acceptance->to,
                                   .payload = {payload.data, payload.length}};
    weir_buffer_append(key, spec->key, strlen(spec->key));
    int code = payload.failed || key->failed ? WEIR_ENOMEM : weir_partial_write(&partial, value);
    weir_buffer_free(&payload);
    *partition = spec->partition;
    return code ? weir_error_set(error, code, "out of memory") : 0;
}

int weir_merger_accept_calibration(struct weir_merger *merger, const struct weir_partial *partial,
                                   struct weir_error *error)
{
    struct weir_reader in = weir_reader_make(partial->payload.data, partial->payload.length);
    char detector[256], from[WEIR_TEXT_TIME], to[WEIR_TEXT_TIME];
    weir_get_string(&in, detector, sizeof detector);
    struct weir_acceptance acceptance = {sizeof acceptance, partial->start, partial->end,
                                         weir_get_long(&in)};
    if (in.failed || weir_reader_left(&in) || !weir_partial_is_time(acceptance.accepted))
        return weir_error_set(error, WEIR_ECORRUPT, "an accepted calibration does not decode");
    struct weir_merge_key *key = NULL;
    struct weir_owner *owner = find_owner(merger, detector, &key);
    struct weir_error refusal = {0};
    int code = !owner || strcmp(key->plan->key, partial->key) != 0
                   ? weir_error_set(&refusal, WEIR_EINVAL,
                                    "the configuration has it no more, or with other windows")
                   : weir_merger_take_over(merger, detector, &acceptance, NULL, NULL, &refusal);
    if (!code) {
        weir_merger_tell_calibration(merger, owner, !merger->tells);
        return 0;
    }
    if (code == WEIR_ENOMEM)
        return weir_error_set(error, code, "%s", refusal.message);
    if (merger->suppress)
        return 0;
    WEIR_COUNT(calibrations_refused, 1);
    weir_log(WEIR_LOG_WARNING, "calibration",
             "%s: the calibration of %s..%s that was accepted is refused, and nothing changes: %s",
             detector, day_text(partial->start, from), day_text(partial->end, to), refusal.message);
    return 0;
}
