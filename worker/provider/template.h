// Texts with places in them: "{{input}}", "{{metadata.user.id}}". Filled from one ask, and written so that what a case
// holds can never change the form of what it is put into: escaped for JSON, a URL or a form.
//
//   {{input}}                the case's input; of a conversation the text of its last user message
//   {{messages}}             the conversation, the run's system prompt first, as a list
//   {{system_prompt}}  {{id}}  {{context}}  {{retrieval_context}}
//   {{metadata}}, {{metadata.PATH}}
//   {{repeat_no}}  {{step_no}}  {{case_no}}
//   {{NAME}}                 a parameter of the provider: model, temperature, ...; unset: null
//
// In a tree of JSON a text that is one place and nothing else becomes the value itself, with its type.
// Thread: any; no shared state.
#ifndef MST_WORKER_PROVIDER_TEMPLATE_H
#define MST_WORKER_PROVIDER_TEMPLATE_H

#include "worker/provider/provider.h"

typedef struct {
    const mst_provider_cfg_t *cfg;
    const mst_ask_t *ask;
    mst_arena_t *arena; // values live here
} mst_template_t;

typedef enum { MST_FILL_PLAIN, MST_FILL_URL } mst_fill_t; // URL: percent-encoded, of a place's value only

// MST_INVAL names a place that does not exist, MST_NOTFOUND one that this case has nothing for.
MST_NODISCARD mst_rc mst_template_text(const mst_template_t *t, mst_str_t text, mst_fill_t fill, mst_buf_t *out,
                                       mst_err_t *err);
MST_NODISCARD mst_rc mst_template_json(const mst_template_t *t, const mst_json_t *tree, mst_jw_t *w, mst_err_t *err);
// As a form: the members of a map, name=value&...
MST_NODISCARD mst_rc mst_template_form(const mst_template_t *t, const mst_json_t *map, mst_buf_t *out, mst_err_t *err);

#endif
