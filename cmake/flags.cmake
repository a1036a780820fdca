# Warnings on our own code, hardening and sanitizers on everything that we compile.
option(MUSTER_WERROR "warnings are errors" OFF)
set(MUSTER_SANITIZE "" CACHE STRING "sanitizers, such as address,undefined or thread")
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

add_library(mst_hardening INTERFACE)
target_compile_options(mst_hardening INTERFACE -fno-omit-frame-pointer -fno-common)
if(MUSTER_SANITIZE)
    target_compile_options(mst_hardening INTERFACE -fsanitize=${MUSTER_SANITIZE} -fno-sanitize-recover=all)
    target_link_options(mst_hardening INTERFACE -fsanitize=${MUSTER_SANITIZE})
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release" OR CMAKE_BUILD_TYPE STREQUAL "RelWithDebInfo")
    target_compile_options(mst_hardening INTERFACE -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2 -fstack-protector-strong)
    target_link_options(mst_hardening INTERFACE -pie -Wl,-z,relro,-z,now -Wl,--as-needed)
endif()

add_library(mst_flags INTERFACE)
target_link_libraries(mst_flags INTERFACE mst_hardening)
target_compile_definitions(mst_flags INTERFACE _GNU_SOURCE MUSTER_VERSION="${PROJECT_VERSION}")
set(warnings -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wsign-conversion -Wvla -Wformat=2 -Wundef -Wcast-qual
    -Wswitch-enum -Wdouble-promotion -Wnull-dereference)
target_compile_options(mst_flags INTERFACE
    $<$<COMPILE_LANGUAGE:C>:${warnings};-Wstrict-prototypes;-Wmissing-prototypes>
    $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra>)
if(MUSTER_WERROR)
    target_compile_options(mst_flags INTERFACE $<$<COMPILE_LANGUAGE:C>:-Werror>)
endif()
