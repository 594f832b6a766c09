// A function with EACH_PROCESSOR is compiled for several instruction sets, and the best one that the processor has is called.
#pragma once
#if defined(__x86_64__)
#define EACH_PROCESSOR __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define EACH_PROCESSOR
#endif
#pragma STDC FP_CONTRACT OFF
