// Behind Begin.hpp and the headers of flux.
#undef atomic
#undef atomic_ref
#undef thread_local
#undef sched_yield
#undef clock_gettime
#undef pthread_atfork
#undef pthread_key_create
#undef pthread_setspecific
#undef pthread_key_delete
#if defined(__clang__)
#pragma clang diagnostic pop
#endif
