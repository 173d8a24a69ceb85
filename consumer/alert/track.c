// SPDX-License-Identifier: Apache-2.0
// The incidents of a detector, by key, and the windows that they share.
#include <stdlib.h>
#include <string.h>

#include "consumer/alert/incident.h"

int weir_hash128_compare(struct weir_hash128 a, struct weir_hash128 b)
{
    if (a.high != b.high)
        return a.high < b.high ? -1 : 1;
    return a.low < b.low ? -1 : a.low > b.low;
}

// ---- windows

void weir_alert_window_release(struct weir_alert_window *window)
{
    if (!window || --window->references)
        return;
    const char *topic = NULL;
    for (size_t i = 0; i < window->n_offsets; i++) {
        if (window->offsets[i].topic != topic)
            free((char *)window->offsets[i].topic);
        topic = window->offsets[i].topic;
    }
    free(window->offsets);
    free(window);
}

// ---- incidents of a track

void weir_incident_free(struct weir_incident *incident)
{
    if (!incident)
        return;
    weir_alert_window_release(incident->window);
    free(incident->bytes);
    free(incident);
}

size_t weir_alert_track_locate(const struct weir_alert_track_state *track, struct weir_hash128 key,
                               int *here)
{
    size_t low = 0, high = track->n;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int order = weir_hash128_compare(track->incidents[middle]->key, key);
        if (!order) {
            *here = 1;
            return middle;
        }
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    *here = 0;
    return low;
}

int weir_alert_track_add(struct weir_alert_track_state *track, struct weir_incident *incident)
{
    int here;
    size_t at = weir_alert_track_locate(track, incident->key, &here);
    if (here)
        return WEIR_EINVAL;
    if (weir_alert_recent_reserve(track))
        return WEIR_ENOMEM;
    if (track->n == track->capacity) {
        size_t capacity = track->capacity ? track->capacity * 2 : 8;
        void *grown = realloc(track->incidents, capacity * sizeof(struct weir_incident *));
        if (!grown)
            return WEIR_ENOMEM;
        track->incidents = grown;
        track->capacity = capacity;
    }
    memmove(track->incidents + at + 1, track->incidents + at,
            (track->n - at) * sizeof *track->incidents);
    track->incidents[at] = incident;
    track->n++;
    return 0;
}

void weir_alert_track_clear(struct weir_alert_track_state *track)
{
    for (size_t i = 0; i < track->n; i++)
        weir_incident_free(track->incidents[i]);
    free(track->incidents);
    free(track->recent);
    if (track->orphan) {
        free((char *)track->track.detector);
        free((char *)track->track.detector_type);
        free((char *)track->track.stream);
        free((char *)track->track.runbook);
    }
    memset(track, 0, sizeof *track);
}
