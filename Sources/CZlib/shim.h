#include <zlib.h>

/// Begins to unpack gzip, and nothing else: a macro of the library, which Swift cannot call.
static inline int unmask_gunzip_begin(z_stream *stream) { return inflateInit2(stream, 15 + 16); }
