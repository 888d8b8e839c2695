/* A device that fails: loaded before libc, it answers EIO to one read or write, or to all from that one on, below a folder.

   OMNIKPI_TEST_EIO is the folder, a colon, `r` for reads or `w` for writes, the number of the first that fails, and a `+` where
   all later ones do too. Renaming, truncating and flushing to the device count as writes; copying within the kernel is both. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long seen;

/* How many reads, or writes, below the folder this process has asked for. */
long calls_seen(void) { return seen; }

static int fails_at(char kind, const char *path) {
    const char *asked = getenv("OMNIKPI_TEST_EIO"), *colon = asked ? strrchr(asked, ':') : NULL;
    if (!colon || colon[1] != kind || strncmp(path, asked, colon - asked)) return 0;
    char *end;
    long first = strtol(colon + 2, &end, 10), now = atomic_fetch_add(&seen, 1) + 1;
    if (now == first || (*end == '+' && now > first)) {
        errno = EIO;
        return 1;
    }
    return 0;
}

static int fails(char kind, int file) {
    char link[32], path[4096];
    if (!getenv("OMNIKPI_TEST_EIO")) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return fails_at(kind, path);
}

#define REPLACE(type, name, parameters, arguments, is_failing)                          \
    type name parameters {                                                              \
        static type(*real) parameters;                                                  \
        if (!real) real = (type(*) parameters)dlsym(RTLD_NEXT, #name);                  \
        return is_failing ? -1 : real arguments;                                        \
    }

REPLACE(ssize_t, read, (int file, void *data, size_t size), (file, data, size), fails('r', file))
REPLACE(ssize_t, pread, (int file, void *data, size_t size, off_t at), (file, data, size, at), fails('r', file))
REPLACE(ssize_t, pread64, (int file, void *data, size_t size, off64_t at), (file, data, size, at), fails('r', file))
REPLACE(ssize_t, readv, (int file, const struct iovec *data, int count), (file, data, count), fails('r', file))
REPLACE(ssize_t, write, (int file, const void *data, size_t size), (file, data, size), fails('w', file))
REPLACE(ssize_t, pwrite, (int file, const void *data, size_t size, off_t at), (file, data, size, at), fails('w', file))
REPLACE(ssize_t, pwrite64, (int file, const void *data, size_t size, off64_t at), (file, data, size, at), fails('w', file))
REPLACE(ssize_t, writev, (int file, const struct iovec *data, int count), (file, data, count), fails('w', file))
REPLACE(ssize_t, sendfile, (int to, int from, off_t *at, size_t size), (to, from, at, size), fails('r', from) || fails('w', to))
REPLACE(ssize_t, copy_file_range, (int from, off64_t *at, int to, off64_t *there, size_t size, unsigned flags),
        (from, at, to, there, size, flags), fails('r', from) || fails('w', to))
REPLACE(int, fsync, (int file), (file), fails('w', file))
REPLACE(int, fdatasync, (int file), (file), fails('w', file))
REPLACE(int, ftruncate, (int file, off_t size), (file, size), fails('w', file))
REPLACE(int, ftruncate64, (int file, off64_t size), (file, size), fails('w', file))
REPLACE(int, rename, (const char *from, const char *to), (from, to), fails_at('w', to))
