// SPDX-License-Identifier: Apache-2.0
// A finding as one run of bytes: how an incident keeps its last finding, and how it is saved.
// Packing bounds everything; unpacking copies no text.
#ifndef WEIR_ALERT_PACK_H
#define WEIR_ALERT_PACK_H

#include "stats/buffer.h"
#include "weir/finding.h"

enum {
    WEIR_PACK_FIELDS = 64,
    WEIR_PACK_SLICE = 16,
    WEIR_PACK_EVIDENCE = 64,
    WEIR_PACK_SAMPLES = 5,
    WEIR_PACK_BYTES = 32 * 1024, // evidence beyond it is left out
    WEIR_PACK_NAME = 256,        // bytes of a name, with the NUL
    WEIR_PACK_VALUE = 512,       // of a value, before and after
    WEIR_PACK_SUMMARY = 2048
};

// A finding and all the arrays that it points to; the texts are in the packed bytes.
struct weir_pack_view {
    struct weir_finding finding;
    const char *fields[WEIR_PACK_FIELDS];
    struct weir_slice_value slice[WEIR_PACK_SLICE];
    struct weir_evidence evidence[WEIR_PACK_EVIDENCE];
    struct weir_slice_value evidence_slice[WEIR_PACK_EVIDENCE][WEIR_PACK_SLICE];
    struct weir_sample samples[WEIR_PACK_EVIDENCE][WEIR_PACK_SAMPLES];
};

// A text of at most `size` - 1 bytes, cut between characters; NULL stays NULL.
void weir_pack_text(struct weir_buffer *out, const char *text, size_t size);
// Points into the reader's bytes. A text that is not what weir_pack_text() writes fails it.
const char *weir_pack_get_text(struct weir_reader *in, size_t size);

// Appends the finding, with values of samples left out where `redact` is set. Longer lists and
// texts than stated above are cut. WEIR_ENOMEM.
int weir_pack_finding(struct weir_buffer *out, const struct weir_finding *finding, int redact);
// Reads what was packed, and any garbage: WEIR_ECORRUPT. `view` points into the bytes and itself.
int weir_pack_read(struct weir_reader *in, struct weir_pack_view *view);

#endif
