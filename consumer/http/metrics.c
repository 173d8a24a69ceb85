// SPDX-License-Identifier: Apache-2.0
#include "consumer/http/metrics.h"

#include <inttypes.h>

struct weir_metrics weir_metrics;

int weir_metrics_print(struct weir_buffer *out)
{
#define X(identifier, kind, name, help)                                                            \
    weir_buffer_printf(                                                                            \
        out, "# HELP " name " " help "\n# TYPE " name " " #kind "\n" name " %" PRIu64 "\n",        \
        atomic_load_explicit(&weir_metrics.identifier, memory_order_relaxed));
    WEIR_METRICS(X)
#undef X
    return weir_buffer_printf(out,
                              "# HELP weir_build_info The version, as a label.\n"
                              "# TYPE weir_build_info gauge\n"
                              "weir_build_info{version=\"%s\"} 1\n",
                              WEIR_VERSION);
}
