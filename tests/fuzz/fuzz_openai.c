// The decoder of provider openai.
#include "fuzz/provider_fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_plain_provider("openai", data, size);
    return 0;
}
