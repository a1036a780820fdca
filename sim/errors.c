// Error bodies: each dialect's own.
#include "sim/dialect.h"

static void
add_str_or_null(mst_buf_t *out, const char *z)
{
    if (z == NULL)
        MST_SIM_ADD(out, "null");
    else
        mst_sim_json_str(out, mst_str_c(z));
}

// {"message","type","param","code"}, as OpenAI has them; number: the status as code
static void
add_fields(const mst_sim_refusal_t *why, const char *type, bool number, mst_buf_t *out)
{
    MST_SIM_ADD(out, "\"message\":");
    mst_sim_json_str(out, mst_str_c(why->message));
    MST_SIM_ADD(out, ",\"type\":");
    add_str_or_null(out, type);
    MST_SIM_ADD(out, ",\"param\":");
    add_str_or_null(out, why->param);
    MST_SIM_ADD(out, ",\"code\":");
    if (number)
        mst_sim_json_u64(out, (uint64_t)why->status);
    else
        add_str_or_null(out, why->code);
    MST_SIM_ADD(out, "}");
}

static const char *
server_type(int status)
{
    return status == 404 ? "NotFoundError" : status >= 500 ? "InternalServerError" : "BadRequestError";
}

static const char *
tgi_type(int status)
{
    return status == 429 ? "overloaded" : status >= 500 ? "generation" : "validation";
}

static const char *
llamacpp_type(int status)
{
    return status == 404   ? "not_found_error"
           : status == 401 ? "authentication_error"
           : status == 503 ? "unavailable_error"
           : status >= 500 ? "server_error"
                           : "invalid_request_error";
}

static const char *
anthropic_type(int status)
{
    switch (status) {
    case 401:
        return "authentication_error";
    case 404:
        return "not_found_error";
    case 413:
        return "request_too_large";
    case 429:
        return "rate_limit_error";
    case 503:
        return "overloaded_error";
    default:
        return status >= 500 ? "api_error" : "invalid_request_error";
    }
}

static void
add_typed(const char *before, const mst_sim_refusal_t *why, const char *between, const char *type, const char *after,
          mst_buf_t *out)
{
    mst_buf_add_c(out, before);
    mst_sim_json_str(out, mst_str_c(why->message));
    mst_buf_add_c(out, between);
    mst_buf_add_c(out, type);
    mst_buf_add_c(out, after);
}

void
mst_sim_render_error(mst_sim_dialect_t d, const mst_sim_refusal_t *why, mst_buf_t *out)
{
    switch (d) {
    case MST_SIM_VLLM:
        if (why->status == 401) {
            MST_SIM_ADD(out, "{\"error\":\"Unauthorized\"}");
            return;
        }
        MST_SIM_ADD(out, "{\"error\":{");
        add_fields(why, server_type(why->status), true, out);
        break;
    case MST_SIM_SGLANG: // flat: the closing brace is the fields' own
        MST_SIM_ADD(out, "{\"object\":\"error\",");
        add_fields(why, server_type(why->status), true, out);
        return;
    case MST_SIM_TGI:
    case MST_SIM_TEI:
        add_typed("{\"error\":", why, ",\"error_type\":\"", tgi_type(why->status), "\"", out);
        break;
    case MST_SIM_LLAMACPP:
        mst_sim_add_count(out, "{\"error\":{\"code\":", (uint64_t)why->status);
        add_typed(",\"message\":", why, ",\"type\":\"", llamacpp_type(why->status), "\"}", out);
        break;
    case MST_SIM_OLLAMA:
        MST_SIM_ADD(out, "{\"error\":");
        mst_sim_json_str(out, mst_str_c(why->message));
        break;
    case MST_SIM_ANTHROPIC:
        MST_SIM_ADD(out, "{\"type\":\"error\",\"error\":{\"type\":\"");
        mst_buf_add_c(out, anthropic_type(why->status));
        add_typed("\",\"message\":", why, "},\"request_id\":\"", "req_sim", "\"", out);
        break;
    case MST_SIM_ANY:
    case MST_SIM_OPENAI:
    case MST_SIM_DIALECTS:
        MST_SIM_ADD(out, "{\"error\":{");
        add_fields(why, why->type, false, out);
        break;
    }
    MST_SIM_ADD(out, "}");
}
