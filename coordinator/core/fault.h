// Planted bugs, for the tests alone: each breaks one rule, so that the simulator can show that it would be seen.
// Never set in the product.
#ifndef MST_COORD_CORE_FAULT_H
#define MST_COORD_CORE_FAULT_H

#include "coordinator/core/core.h"

typedef enum {
    MST_COORD_FAULT_NONE = 0,
    MST_COORD_FAULT_LOST_REQUEUE, // keys of an expired or returned lease are forgotten
    MST_COORD_FAULT_DOUBLE_GRANT, // the last key of a unit stays open
} mst_coord_fault_t;

void mst_coord_set_fault(mst_coord_t *core, mst_coord_fault_t fault);

#endif
