// peak KIND THREADS prints the rate of this machine and the instruction that reaches it: operations in registers (f32, bf16, int8) in
// GFLOP/s, a multiply-add counted as two, or reading memory (read) in GB/s. Compile it with -march=native on the machine that runs it.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#if defined(__AMX_BF16__) || defined(__AMX_INT8__)
#include <sys/syscall.h>
#endif

enum { SUMS = 12, STEPS = 8000000, TILE_STEPS = 1000000, READ = 256 << 20 };

// LOOP makes a function that does one step on each of twelve sums, again and again. They don't depend on each other, which hides the
// latency of any of these instructions. In the text of a step %0 is the sum, %1 is for what lies between, %2 and %3 are factors.
#define STEP(S, REG, TEXT) __asm__ volatile(TEXT : "+" REG(S), "+" REG(t) : REG(x), REG(y));
#define LOOP(NAME, BYTES, REG, TEXT) \
	static void NAME(void *out) { \
		typedef unsigned char vec __attribute__((vector_size(BYTES))); \
		vec t = {0}, x = t + 0x3f, y = x; /* 0.75 in f32 and bf16 */ \
		vec a = t, b = t, c = t, d = t, e = t, f = t, g = t, h = t, i = t, j = t, k = t, l = t; \
		for (long n = 0; n < STEPS; n++) { \
			STEP(a, REG, TEXT) STEP(b, REG, TEXT) STEP(c, REG, TEXT) STEP(d, REG, TEXT) STEP(e, REG, TEXT) STEP(f, REG, TEXT) \
			STEP(g, REG, TEXT) STEP(h, REG, TEXT) STEP(i, REG, TEXT) STEP(j, REG, TEXT) STEP(k, REG, TEXT) STEP(l, REG, TEXT) \
		} \
		*(long *)out = (a ^ b ^ c ^ d ^ e ^ f ^ g ^ h ^ i ^ j ^ k ^ l)[0]; \
	}

// TILES does the same with four tiles of sums, whose products are long enough to hide each other.
#define TILES(NAME, OP) \
	static void NAME(void *out) { \
		struct { unsigned char palette, row, zero[14]; unsigned short bytes[16]; unsigned char rows[16]; } c = {.palette = 1}; \
		for (int i = 0; i < 8; i++) c.bytes[i] = 64, c.rows[i] = 16; \
		if (syscall(SYS_arch_prctl, 0x1023, 18)) exit(3); /* ask the system for tiles */ \
		__asm__ volatile("ldtilecfg %0" : : "m"(c)); \
		__asm__ volatile("tilezero %tmm0\n tilezero %tmm1\n tilezero %tmm2\n tilezero %tmm3\n tilezero %tmm4\n tilezero %tmm5\n tilezero %tmm6\n tilezero %tmm7"); \
		for (long n = 0; n < TILE_STEPS; n++) \
			__asm__ volatile(OP " %tmm6, %tmm4, %tmm0\n" OP " %tmm7, %tmm4, %tmm1\n" OP " %tmm6, %tmm5, %tmm2\n" OP " %tmm7, %tmm5, %tmm3"); \
		__asm__ volatile("tilerelease"); \
		*(long *)out = 0; \
	}
#define OPS(N) (double)(N) * SUMS * STEPS           // of a thread, N in an instruction
#define TILE_OPS(N) (double)(N) * 16 * 16 * 4 * TILE_STEPS

#if defined(__AVX512F__)
LOOP(f32, 64, "v", "vfmadd231ps %2, %3, %0")
#define F32 {"AVX-512 VFMADD231PS", OPS(32), f32}
#elif defined(__FMA__)
LOOP(f32, 32, "x", "vfmadd231ps %2, %3, %0")
#define F32 {"AVX2 VFMADD231PS", OPS(16), f32}
#elif defined(__aarch64__)
LOOP(f32, 16, "w", "fmla %0.4s, %2.4s, %3.4s")
#define F32 {"NEON FMLA", OPS(8), f32}
#endif

#if defined(__AMX_BF16__)
TILES(bf16, "tdpbf16ps")
#define BF16 {"AMX TDPBF16PS", TILE_OPS(64), bf16}
#elif defined(__AVX512BF16__)
LOOP(bf16, 64, "v", "vdpbf16ps %2, %3, %0")
#define BF16 {"AVX-512 VDPBF16PS", OPS(64), bf16}
#elif defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC)
LOOP(bf16, 16, "w", "bfmmla %0.4s, %2.8h, %3.8h")
#define BF16 {"NEON BFMMLA", OPS(32), bf16}
#else
#define BF16 F32 // has no products of bf16
#endif

#if defined(__AMX_INT8__)
TILES(int8, "tdpbssd")
#define INT8 {"AMX TDPBSSD", TILE_OPS(128), int8}
#elif defined(__AVX512VNNI__)
LOOP(int8, 64, "v", "vpdpbusd %2, %3, %0")
#define INT8 {"AVX-512 VPDPBUSD", OPS(128), int8}
#elif defined(__AVXVNNI__)
LOOP(int8, 32, "x", "%{vex%} vpdpbusd %2, %3, %0")
#define INT8 {"AVX VPDPBUSD", OPS(64), int8}
#elif defined(__AVX2__)
LOOP(int8, 32, "x", "vpmaddubsw %2, %3, %1\n vpmaddwd %2, %1, %1\n vpaddd %1, %0, %0")
#define INT8 {"AVX2 VPMADDUBSW, VPMADDWD, VPADDD", OPS(64), int8}
#elif defined(__ARM_FEATURE_MATMUL_INT8)
LOOP(int8, 16, "w", "smmla %0.4s, %2.16b, %3.16b")
#define INT8 {"NEON SMMLA", OPS(64), int8}
#elif defined(__ARM_FEATURE_DOTPROD)
LOOP(int8, 16, "w", "sdot %0.4s, %2.16b, %3.16b")
#define INT8 {"NEON SDOT", OPS(32), int8}
#else
#define INT8 F32
#endif

static const char *memory;
static void reading(void *arg) { // its own part of the memory, the number of which arg holds
	typedef long vec __attribute__((vector_size(64)));
	const vec *p = (const vec *)(memory + *(long *)arg * READ);
	vec s = {0};
	for (long i = 0; i < READ / 64; i += 4) s |= (p[i] | p[i + 1]) | (p[i + 2] | p[i + 3]);
	*(long *)arg = s[0] | s[1] | s[2] | s[3] | s[4] | s[5] | s[6] | s[7];
}

typedef struct { const char *name; double work; void (*run)(void *); } loop; // work of a thread
static loop chosen;

// A thread's rate is by its own processor time, so that a busy neighbour doesn't lower it.
typedef struct { long part; double rate; } job;
static void *thread(void *arg) {
	job *j = arg;
	struct timespec b, e;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &b);
	chosen.run(&j->part);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &e);
	j->rate = chosen.work / ((double)(e.tv_sec - b.tv_sec) * 1e9 + (double)(e.tv_nsec - b.tv_nsec));
	return 0;
}

int main(int argc, char **argv) {
	const char *kind = argc == 3 ? argv[1] : "";
	int n = argc == 3 ? atoi(argv[2]) : 0;
	if (!strcmp(kind, "f32")) chosen = (loop)F32;
	else if (!strcmp(kind, "bf16")) chosen = (loop)BF16;
	else if (!strcmp(kind, "int8")) chosen = (loop)INT8;
	else if (!strcmp(kind, "read")) chosen = (loop){"read", READ, reading};
	if (!chosen.run || n < 1 || n > 256) return fprintf(stderr, "usage: peak f32|bf16|int8|read THREADS\n"), 2;
	if (chosen.run == reading) {
		char *m = aligned_alloc(64, (size_t)READ * n);
		if (!m) return perror("peak"), 1;
		memory = memset(m, 1, (size_t)READ * n);
	}
	double best = 0;
	for (int rep = 0; rep < 3; rep++) {
		pthread_t t[256];
		job jobs[256];
		for (int i = 0; i < n; i++) jobs[i].part = i, pthread_create(&t[i], 0, thread, &jobs[i]);
		double rate = 0;
		for (int i = 0; i < n; i++) pthread_join(t[i], 0), rate += jobs[i].rate;
		if (rate > best) best = rate;
	}
	printf("%.1f %s\n", best, chosen.name);
	return 0;
}
