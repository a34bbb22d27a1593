// libmongoc. Keep this header tiny: SwiftPM does not notice edits to a system library's header (run `swift package clean` after one).
#ifndef CMONGO_SHIM_H
#define CMONGO_SHIM_H

#include <mongoc/mongoc.h>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#if !MONGOC_CHECK_VERSION(1, 23, 0)
#error "StreamBridge needs libmongoc 1.23 or later"
#endif

#endif
