// What Debian's libc++, which is built for glibc, asks of the C library and musl does not have.
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

int __vfprintf_chk(FILE* file, int flag, const char* format, va_list list) {
  (void)flag;
  return vfprintf(file, format, list);
}

int __fprintf_chk(FILE* file, int flag, const char* format, ...) {
  (void)flag;
  va_list list;
  va_start(list, format);
  const int written = vfprintf(file, format, list);
  va_end(list);
  return written;
}

// Destructors of thread_local objects, the last one registered first.
struct AtEnd {
  void (*call)(void*);
  void* object;
  struct AtEnd* next;
};

static _Thread_local struct AtEnd* first;
static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void call_all(void* unused) {
  (void)unused;
  while (first != NULL) {
    struct AtEnd* const at_end = first;
    first = at_end->next;
    at_end->call(at_end->object);
    free(at_end);
  }
}

static void call_all_of_main(void) { call_all(NULL); }

static void begin(void) {
  pthread_key_create(&key, call_all);
  atexit(call_all_of_main);
}

int __cxa_thread_atexit_impl(void (*call)(void*), void* object, void* library) {
  (void)library;
  struct AtEnd* const at_end = malloc(sizeof *at_end);
  if (at_end == NULL) return -1;
  pthread_once(&once, begin);
  pthread_setspecific(key, &key);
  *at_end = (struct AtEnd){call, object, first};
  first = at_end;
  return 0;
}
