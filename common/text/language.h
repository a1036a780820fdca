// Which language is a text in? A small identifier of our own: scripts first, then letters, frequent words and endings.
// It names one of the languages that langdetect knows (ISO 639-1, "zh-cn", "zh-tw"), or says that it is not sure. It is
// made to be right or silent: short texts, mixed texts and texts in capitals often leave it unsure. Pure. Thread: any.
#ifndef MST_TEXT_LANGUAGE_H
#define MST_TEXT_LANGUAGE_H

#include "common/base/buf.h"

typedef enum {
    MST_LANG_SURE,    // code holds
    MST_LANG_UNSURE,  // code is the best guess
    MST_LANG_NOTHING, // no letter of a script that is known here; code is ""
} mst_lang_sure_t;

typedef struct {
    mst_lang_sure_t sure;
    const char *code;   // static, never NULL
    const char *script; // of nearly all letters; NULL when several scripts share the text
} mst_lang_t;

// Looks at the first 10,000 characters, and of those at 400 words. scratch: reset first. MST_LIMIT, MST_NOMEM.
MST_NODISCARD mst_rc mst_language_of(mst_str_t text, mst_buf_t *scratch, mst_lang_t *out);
// Can "is it `code`?" be answered, and is it yes? A script that `code` is not written in settles it even where the
// language is not sure.
MST_NODISCARD bool mst_language_is(const mst_lang_t *lang, mst_str_t code, bool *yes);

#endif
