#include "scorers/models.h"

mst_rc
mst_models_none(mst_err_t *err)
{
    return MST_ERR(err, MST_UNSUPPORTED, "it needs a local model, and these scorers run where none can be loaded");
}
