// The decoder of provider anthropic.
#include "fuzz/provider_fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_plain_provider("anthropic", data, size);
    return 0;
}
