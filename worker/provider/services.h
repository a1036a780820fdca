// Services by name and the variables that hold their keys: for the providers whose dialect they speak.
// Read-only tables.
#ifndef MST_WORKER_PROVIDER_SERVICES_H
#define MST_WORKER_PROVIDER_SERVICES_H

#include "common/config/kind.h"

extern const mst_service_t mst_services_openai[];    // speak OpenAI's dialect
extern const mst_service_t mst_services_anthropic[]; // Anthropic's

// The service of the kind whose address this is; NULL: none, or it needs no key.
const mst_service_t *mst_service_at(const mst_kind_t *kind, mst_str_t base_url);

#endif
