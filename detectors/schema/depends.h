// SPDX-License-Identifier: Apache-2.0
// Fields that go with others as they did in a reference: the option `depends`.
#ifndef WEIR_DETECTORS_SCHEMA_DEPENDS_H
#define WEIR_DETECTORS_SCHEMA_DEPENDS_H

#include "stats/depends.h"
#include "weir/detector.h"

// Values by key, by open addressing; made from a reference's.
struct schema_depends_table {
    uint64_t *slots; // key, then value; key 0: free
    size_t mask;
};

struct schema_depends_rule { // one a field that others say
    int field;
    int by[WEIR_DEPENDS_BY]; // fields that say it
    struct schema_depends_table tables[WEIR_DEPENDS_BY];
    size_t n;
    int number; // the host's
};

struct schema_depends {
    struct schema_depends_rule *rules;
    size_t n;
    const struct weir_stream *stream;
};

struct schema_make;
int schema_depends_create(struct schema_make *make, struct weir_error *error);
void schema_depends_destroy(struct schema_depends *depends);

// At the edge; `found` has room for a row each.
void schema_depends_observe(const struct schema_depends *depends, const struct weir_batch *batch,
                            const struct weir_edge *host, uint32_t *found);

// Says what a rule is about; 0 where the host's number is none of these rules.
int schema_depends_say(const struct schema_depends *depends, const struct weir_rule_count *count,
                       double critical_share, const char *reference, struct weir_finding *finding,
                       char *text, size_t size);

#endif
