// Scorers whose code is not Muster's: shared objects (type plugin) and programs (type exec). What the pure scorer
// layer calls through mst_scorer_outside_t.
// Thread: a state belongs to the thread that opened it. Calls of plugins take as long as the plugin takes; calls of
// programs end within their time limits whatever the program does.
#ifndef MST_WORKER_PLUGIN_EDGE_H
#define MST_WORKER_PLUGIN_EDGE_H

#include "scorers/scorer.h"

// For scoring: plugins are loaded at once, programs are started with their first case.
const mst_scorer_outside_t *mst_plugin_edge(void);
// For a check before the run starts: programs are started at once and must say that they are ready.
const mst_scorer_outside_t *mst_plugin_edge_checking(void);

#endif
