// The decoder of provider tgi.
#include "fuzz/provider_fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_plain_provider("tgi", data, size);
    return 0;
}
