// SPDX-License-Identifier: Apache-2.0
// Formulas that others decide by, of a window against the training profile.
#ifndef WEIR_BENCH_ALARMS_PEERS_H
#define WEIR_BENCH_ALARMS_PEERS_H

enum peer { PEER_KS, PEER_PSI, PEER_JS, PEER_WASSERSTEIN, PEER_CHI, PEER_KS_P, PEERS };
extern const char *const peer_names[];

// Thresholds of mean +- 3 sd come from windows of the calibration.
void peers_forget(void);
void peers_learn(void); // from world.now
// The largest of all fields, in world.now; *three_sd: whether one is beyond its mean +- 3 sd.
void peers_of_window(double largest[PEERS], int *three_sd);

#endif
