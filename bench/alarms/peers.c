// SPDX-License-Identifier: Apache-2.0
#include "bench/alarms/peers.h"

#include <math.h>
#include <string.h>

#include "bench/alarms/world.h"
#include "stats/special.h"

const char *const peer_names[] = {
    "KS D, largest field",           "PSI on 32 cells, largest field",
    "Jensen-Shannon, largest field", "Wasserstein / sd, largest field",
    "chi-square p, smallest field",  "KS p, smallest field"};

// One field, -> larger is more unlike. Wasserstein in normal scores of the reference's cells.
static void peers_of_field(size_t f, double *out)
{
    const struct weir_summary *now = &world.now[f], *then = &world.reference[f];
    size_t cells = now->cells->n;
    double n = (double)now->rows, m = (double)then->rows, below = 0, before = 0, chi = 0;
    double score = 0, last = -2.5 * 1.15;
    memset(out, 0, PEERS * sizeof *out);
    int used = 0;
    for (size_t i = 0; i < cells; i++) {
        double a = (double)now->cell[i], b = (double)then->cell[i], p = a / n, q = b / m;
        if (a + b <= 0)
            continue;
        used++;
        double x = (a + .5) / (n + .5 * (double)cells), y = (b + .5) / (m + .5 * (double)cells);
        out[PEER_PSI] += (x - y) * log(x / y);
        double middle = (p + q) / 2;
        out[PEER_JS] +=
            .5 * ((p > 0 ? p * log2(p / middle) : 0) + (q > 0 ? q * log2(q / middle) : 0));
        double gap = a * sqrt(m / n) - b * sqrt(n / m);
        chi += gap * gap / (a + b);
        if (now->shape != WEIR_SHAPE_NUMERIC)
            continue;
        double edge = i < CUTS ? now->cells->cuts[i] : 2.5 * 1.15 * 1.5;
        score += fabs(below - before) * (edge - last);
        last = edge;
        below += p;
        before += q;
        out[PEER_KS] = fmax(out[PEER_KS], fabs(below - before));
    }
    out[PEER_JS] = sqrt(fmax(out[PEER_JS], 0));
    out[PEER_WASSERSTEIN] = score;
    out[PEER_CHI] = -log(fmax(weir_chi_square_sf(chi, used > 1 ? used - 1 : 1), 1e-300));
    if (now->shape == WEIR_SHAPE_NUMERIC)
        out[PEER_KS_P] =
            -log(fmax(weir_kolmogorov_sf(out[PEER_KS] * sqrt(n * m / (n + m))), 1e-300));
}

static struct {
    double mean, square; // over the calibration, per field: for thresholds of mean + 3 sd
    uint64_t n;
} chunk[MOST];

void peers_forget(void)
{
    memset(chunk, 0, sizeof chunk);
}

void peers_learn(void)
{
    for (size_t f = world.first; f < world.first + world.n; f++) {
        double out[PEERS];
        peers_of_field(f, out);
        chunk[f].n++;
        chunk[f].mean += out[PEER_JS];
        chunk[f].square += out[PEER_JS] * out[PEER_JS];
    }
}

void peers_of_window(double largest[PEERS], int *three_sd)
{
    for (int k = 0; k < PEERS; k++)
        largest[k] = 0;
    *three_sd = 0;
    for (size_t f = world.first; f < world.first + world.n; f++) {
        double out[PEERS];
        peers_of_field(f, out);
        for (int k = 0; k < PEERS; k++)
            largest[k] = fmax(largest[k], out[k]);
        double mean = chunk[f].mean / (double)chunk[f].n;
        double sd = sqrt(fmax(chunk[f].square / (double)chunk[f].n - mean * mean, 0));
        *three_sd |= out[PEER_JS] > mean + 3 * sd || out[PEER_JS] < mean - 3 * sd;
    }
}
