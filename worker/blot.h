// A server may say back the key that it was given: in an error, a header, an answer. Whatever came from outside is
// blotted before anything is made of it, so that no store, report or log can hold the key. Lengths stay as they were.
#ifndef MST_WORKER_BLOT_H
#define MST_WORKER_BLOT_H

#include "common/model/completion.h"

// A shorter key would blot out ordinary text: it is left.
#define MST_BLOT_MIN 8

void mst_blot(char *p, size_t n, mst_str_t key);
// s itself when the key is not in it, else a copy without; empty when the arena is full.
mst_str_t mst_blot_str(mst_arena_t *arena, mst_str_t s, mst_str_t key);
// Every text of a completion: pieces without the key may make it up when they are put together.
void mst_blot_completion(mst_arena_t *arena, mst_completion_t *c, mst_str_t key);

#endif
