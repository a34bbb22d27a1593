// Counts heap allocations by the object that asked for them. For LD_PRELOAD.
//
// On SIGUSR2 it writes one line per object to the file that COUNTMALLOC_OUTPUT names: the count and the object's path. A load can then be
// measured as the difference of two runs. Counted: malloc, calloc, realloc, posix_memalign, aligned_alloc, by their return address.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

enum { most_objects = 256 };
static struct {
    uintptr_t from, to;
    char path[256];
    atomic_long count;
} objects[most_objects];
static atomic_int object_count;
static atomic_long unknown;

static int add_object(struct dl_phdr_info *info, size_t size, void *first) {
    (void)size;
    int index = atomic_load(&object_count);
    uintptr_t from = UINTPTR_MAX, to = 0;
    for (int i = 0; i < info->dlpi_phnum; i++) {
        const ElfW(Phdr) *segment = &info->dlpi_phdr[i];
        if (segment->p_type != PT_LOAD) continue;
        uintptr_t start = info->dlpi_addr + segment->p_vaddr;
        if (start < from) from = start;
        if (start + segment->p_memsz > to) to = start + segment->p_memsz;
    }
    if (index >= most_objects || to == 0) return 0;
    objects[index].from = from;
    objects[index].to = to;
    snprintf(objects[index].path, sizeof objects[index].path, "%s", *(int *)first ? "executable" : info->dlpi_name);
    *(int *)first = 0;
    atomic_store(&object_count, index + 1);
    return 0;
}

static void count(const void *caller) {
    uintptr_t address = (uintptr_t)caller;
    int known = atomic_load_explicit(&object_count, memory_order_acquire);
    for (int i = 0; i < known; i++) {
        if (address >= objects[i].from && address < objects[i].to) {
            atomic_fetch_add_explicit(&objects[i].count, 1, memory_order_relaxed);
            return;
        }
    }
    atomic_fetch_add_explicit(&unknown, 1, memory_order_relaxed);
}

void *malloc(size_t size) {
    count(__builtin_return_address(0));
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    count(__builtin_return_address(0));
    return __libc_calloc(number, size);
}

void *realloc(void *old, size_t size) {
    count(__builtin_return_address(0));
    return __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    count(__builtin_return_address(0));
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **result, size_t alignment, size_t size) {
    count(__builtin_return_address(0));
    *result = __libc_memalign(alignment, size);
    return *result ? 0 : ENOMEM;
}

static void report(int signal) {
    (void)signal;
    const char *path = getenv("COUNTMALLOC_OUTPUT");
    int file = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644) : -1;
    if (file < 0) return;
    int known = atomic_load(&object_count);
    for (int i = 0; i < known; i++) {
        if (atomic_load(&objects[i].count) > 0) dprintf(file, "%ld %s\n", atomic_load(&objects[i].count), objects[i].path);
    }
    dprintf(file, "%ld unknown\nend\n", atomic_load(&unknown));
    close(file);
}

// Once for what the dynamic linker has loaded; what is opened later counts as unknown.
__attribute__((constructor)) static void start(void) {
    int first = 1;
    dl_iterate_phdr(add_object, &first);
    struct sigaction action = {.sa_handler = report, .sa_flags = SA_RESTART};
    sigaction(SIGUSR2, &action, NULL);
}
