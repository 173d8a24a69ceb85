// SPDX-License-Identifier: Apache-2.0
// The written names of the enumerations in include/weir/: one place for reading and printing.
#include "weir/finding.h"
#include "weir/stream.h"

const char *weir_type_name(enum weir_type type)
{
    static const char *const names[] = {"unknown", "boolean", "long", "double", "string", "bytes"};
    return (unsigned)type < sizeof names / sizeof *names ? names[type] : "unknown";
}

const char *weir_role_name(enum weir_role role)
{
    static const char *const names[] = {"feature",   "prediction", "score",   "label",
                                        "annotator", "source",     "slice",   "model_version",
                                        "entity",    "host",       "latency", "status",
                                        "weight",    "key",        "time"};
    return (unsigned)role < sizeof names / sizeof *names ? names[role] : "feature";
}

const char *weir_severity_name(enum weir_severity severity)
{
    static const char *const names[] = {"info", "warning", "critical"};
    return (unsigned)severity < sizeof names / sizeof *names ? names[severity] : "info";
}

const char *weir_action_name(enum weir_action action)
{
    static const char *const names[] = {"none",
                                        "investigate_upstream",
                                        "fix_producer",
                                        "retrain",
                                        "roll_back",
                                        "exclude_from_training",
                                        "review_labels",
                                        "review_annotator",
                                        "add_training_data",
                                        "check_hardware",
                                        "tune_weir"};
    return (unsigned)action < sizeof names / sizeof *names ? names[action] : "none";
}
