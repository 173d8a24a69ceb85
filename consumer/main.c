// SPDX-License-Identifier: Apache-2.0
#ifdef WEIR_MIMALLOC
#include <mimalloc.h>
#endif

#include "consumer/cli/cli.h"

int main(int argc, char **argv)
{
#ifdef WEIR_MIMALLOC
    // What a fetch took is free a moment later and wanted again by the next: to give it back to
    // the system at once means a page fault for every 4 KiB that is read. MIMALLOC_DECOMMIT_DELAY
    // in the environment goes before.
    mi_option_set_default(mi_option_decommit_delay, 1000); // ms
#endif
    return weir_cli_main(argc, argv);
}
