// The decoder of provider llamacpp.
#include "fuzz/provider_fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_plain_provider("llamacpp", data, size);
    return 0;
}
