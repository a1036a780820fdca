// The decoder of provider vllm.
#include "fuzz/provider_fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_plain_provider("vllm", data, size);
    return 0;
}
