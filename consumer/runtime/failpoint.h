// SPDX-License-Identifier: Apache-2.0
// Places at which the kill test kills the process, in builds with WEIR_FAIL_POINTS.
//
// WEIR_FAIL=NAME[:COUNT] in the environment arms one of them: the process kills itself with
// SIGKILL when it comes there for the COUNT-th time (1 unless said).
//
//   after-begin, after-produce, after-send-offsets   within a transaction
//   during-commit                                    within 20 ms of the call that commits
//   restore                                          with some of a task's state read
//   revoke                                           in the callback that revokes partitions
#ifndef WEIR_RUNTIME_FAILPOINT_H
#define WEIR_RUNTIME_FAILPOINT_H

#ifdef WEIR_FAIL_POINTS
// Thread-safe. `NAME:delayed` style points kill from another thread while the caller goes on.
void weir_failpoint(const char *name);
void weir_failpoint_during(const char *name);
#else
static inline void weir_failpoint(const char *name)
{
    (void)name;
}
static inline void weir_failpoint_during(const char *name)
{
    (void)name;
}
#endif

#endif
