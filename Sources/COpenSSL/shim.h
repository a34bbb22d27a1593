// OpenSSL's libcrypto. Keep this header tiny: SwiftPM does not notice edits to a system library's header (run `swift package clean` after one).
#ifndef COPENSSL_SHIM_H
#define COPENSSL_SHIM_H

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>

#if OPENSSL_VERSION_NUMBER < 0x30000000L
#error "StreamBridge needs OpenSSL 3.0 or later"
#endif

#endif
