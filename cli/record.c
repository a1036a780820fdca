#include "cli/record.h"

#include "common/base/clock.h"
#include "common/base/prng.h"

#include <stdio.h>
#include <time.h>

mst_str_t
mst_record_hex(const mst_digest_t *d, mst_arena_t *arena)
{
    char hex[2 * MST_SHA256_BYTES + 1];
    mst_digest_hex(d, hex);
    return mst_arena_dup(arena, mst_str_c(hex), NULL);
}

static mst_str_t
new_run_id(int64_t wall_ns, mst_arena_t *arena)
{
    char id[64], stamp[32];
    time_t s = (time_t)(wall_ns / MST_NS_PER_S);
    struct tm tm;
    gmtime_r(&s, &tm);
    strftime(stamp, sizeof stamp, "%Y%m%d_%H%M%S", &tm);
    snprintf(id, sizeof id, "run_%s_%08x", stamp, (unsigned)(mst_entropy_u64() & 0xffffffffu));
    return mst_arena_dup(arena, mst_str_c(id), NULL);
}

void
mst_record_new(const mst_run_cfg_t *cfg, mst_arena_t *arena, mst_run_rec_t *out)
{
    mst_digest_t spec = mst_sha256(cfg->spec);
    out->run_no = 0;
    out->name = cfg->name;
    out->description = cfg->description;
    out->state = MST_RUN_RUNNING;
    out->state_reason = MST_STR_NULL;
    out->generation = 1;
    out->spec = cfg->spec;
    out->spec_digest = mst_record_hex(&spec, arena);
    out->muster_version = MST_STR(MUSTER_VERSION);
    out->started_wall_ns = mst_wall_ns();
    out->finished_wall_ns = out->active_ns = 0;
    out->exit_code = -1;
    out->run_id = new_run_id(out->started_wall_ns, arena);
}
