// SPDX-License-Identifier: Apache-2.0
// Incidents that ended lately. What comes back soon after its end, again and again, is one trouble
// and not many: each time it has to be quiet for longer before it counts as over.
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/incident.h"

static const int64_t DAY = 24 * 3600 * 1000;
enum { LONGER = 4 };

int weir_alert_recent_reserve(struct weir_alert_track_state *track)
{
    if (!track->recent)
        track->recent = calloc(WEIR_ALERTS_RECENT, sizeof *track->recent);
    return track->recent ? 0 : WEIR_ENOMEM;
}

static void drop(struct weir_alert_track_state *track, size_t at, size_t n)
{
    memmove(&track->recent[at], &track->recent[at + n],
            (track->n_recent - at - n) * sizeof *track->recent);
    track->n_recent -= n;
}

unsigned weir_alert_recent_take(struct weir_alert_track_state *track, struct weir_hash128 key,
                                int64_t at)
{
    for (size_t i = 0; i < track->n_recent; i++) {
        struct weir_alert_recent recent = track->recent[i];
        if (weir_hash128_compare(recent.key, key))
            continue;
        drop(track, i, 1);
        return at - recent.at > DAY ? 0 : recent.level + 1;
    }
    return 0;
}

void weir_alert_recent_put(struct weir_alert_track_state *track, struct weir_alert_recent recent)
{
    size_t old = 0;
    if (track->orphan || !track->recent)
        return;
    while (old < track->n_recent && recent.at - track->recent[old].at > DAY)
        old++;
    drop(track, 0, old || track->n_recent < WEIR_ALERTS_RECENT ? old : 1);
    if (recent.level > WEIR_ALERTS_LEVEL)
        recent.level = WEIR_ALERTS_LEVEL;
    track->recent[track->n_recent++] = recent;
}

int64_t weir_alert_patience(const struct weir_alert_track *track, unsigned level)
{
    int64_t windows = track->resolve_after;
    int64_t most = track->step > 0 ? DAY / track->step : windows;
    for (; level && windows < most; level--)
        windows = windows * LONGER < most ? windows * LONGER : most;
    return windows;
}
