// Versions as the loaded libraries tell them, not as the headers did at build time: a result must be traceable to
// what measured it.
#include "cli/version.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <curl/curl.h>
#include <openssl/crypto.h>
#include <pcre2.h>
#include <protobuf-c/protobuf-c.h>
#include <sqlite3.h>
#include <utf8proc.h>
#include <xxhash.h>
#include <yaml.h>
#include <zlib.h>
#include <zmq.h>
#include <zstd.h>

void
mst_version_print(FILE *f)
{
    int zmq_major, zmq_minor, zmq_patch, yaml_major, yaml_minor, yaml_patch;
    zmq_version(&zmq_major, &zmq_minor, &zmq_patch);
    yaml_get_version(&yaml_major, &yaml_minor, &yaml_patch);
    char pcre[64] = "";
    pcre2_config(PCRE2_CONFIG_VERSION, pcre);
    const curl_version_info_data *curl = curl_version_info(CURLVERSION_NOW);
    unsigned xxh = XXH_versionNumber();

    fprintf(f, "muster %s\n", MUSTER_VERSION);
    fprintf(f, "  libcurl    %s (%s)\n", curl->version, curl->ssl_version ? curl->ssl_version : "no TLS");
    fprintf(f, "  libcrypto  %s\n", OpenSSL_version(OPENSSL_VERSION_STRING));
    fprintf(f, "  libyaml    %d.%d.%d\n", yaml_major, yaml_minor, yaml_patch);
    fprintf(f, "  libzmq     %d.%d.%d\n", zmq_major, zmq_minor, zmq_patch);
    fprintf(f, "  pcre2      %s\n", pcre);
    fprintf(f, "  protobuf-c %s\n", protobuf_c_version());
    fprintf(f, "  sqlite     %s\n", sqlite3_libversion());
    fprintf(f, "  utf8proc   %s\n", utf8proc_version());
    fprintf(f, "  xxhash     %u.%u.%u\n", xxh / 10000, xxh / 100 % 100, xxh % 100);
    fprintf(f, "  zlib       %s\n", zlibVersion());
    fprintf(f, "  zstd       %s\n", ZSTD_versionString());
}
