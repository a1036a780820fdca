// The decoder of provider ollama.
#include "fuzz/provider_fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_plain_provider("ollama", data, size);
    return 0;
}
