# Generated protobuf code: made at build time, never committed, a SYSTEM include with its own warning level.
find_program(PROTOC_C NAMES protoc-c REQUIRED)
set(MST_PROTO_OUT ${PROJECT_BINARY_DIR}/gen)
file(MAKE_DIRECTORY ${MST_PROTO_OUT})
set(proto_sources)
foreach(name control work result)
    add_custom_command(
        OUTPUT ${MST_PROTO_OUT}/${name}.pb-c.c ${MST_PROTO_OUT}/${name}.pb-c.h
        COMMAND ${PROTOC_C} --proto_path=${PROJECT_SOURCE_DIR}/proto --c_out=${MST_PROTO_OUT}
                ${PROJECT_SOURCE_DIR}/proto/${name}.proto
        DEPENDS ${PROJECT_SOURCE_DIR}/proto/control.proto ${PROJECT_SOURCE_DIR}/proto/work.proto
                ${PROJECT_SOURCE_DIR}/proto/result.proto
        VERBATIM)
    list(APPEND proto_sources ${MST_PROTO_OUT}/${name}.pb-c.c)
endforeach()
add_library(mst_proto STATIC ${proto_sources})
target_include_directories(mst_proto SYSTEM PUBLIC ${MST_PROTO_OUT})
target_link_libraries(mst_proto PUBLIC PkgConfig::protobufc)
target_compile_options(mst_proto PRIVATE -w)
target_link_libraries(mst_proto PRIVATE mst_hardening)
