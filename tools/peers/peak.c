// Prints the GFLOP/s of f32 multiply-adds in a loop that touches registers only, on as many threads as the argument says.
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__AVX512F__)
#define LANES 16
#elif defined(__AVX__)
#define LANES 8
#else
#define LANES 4
#endif
#if defined(__aarch64__)
#define REG "+w"
#elif defined(__AVX512F__)
#define REG "+v"
#else
#define REG "+x"
#endif
typedef float vec __attribute__((vector_size(LANES * 4)));
enum { CHAINS = 12, STEPS = 20000000 };

static void *run(void *arg) {
	vec x, y, a, b, c, d, e, f, g, h, i, j, k, m;
	for (int l = 0; l < LANES; l++) x[l] = 0.999f, y[l] = 0.001f * (float)(l + 1); // never a denormal
	a = b = c = d = e = f = g = h = i = j = k = m = y;
	for (long n = 0; n < STEPS; n++) {
		a = a * x + y, b = b * x + y, c = c * x + y, d = d * x + y, e = e * x + y, f = f * x + y;
		g = g * x + y, h = h * x + y, i = i * x + y, j = j * x + y, k = k * x + y, m = m * x + y;
		// keeps the compiler from merging the chains, which are equal
		__asm__ volatile("" : REG(a), REG(b), REG(c), REG(d), REG(e), REG(f));
		__asm__ volatile("" : REG(g), REG(h), REG(i), REG(j), REG(k), REG(m));
	}
	a += b + c + d + e + f + g + h + i + j + k + m;
	*(float *)arg = a[0];
	return 0;
}

int main(int argc, char **argv) {
	int n = argc > 1 ? atoi(argv[1]) : 1;
	if (n < 1 || n > 1024) return 2;
	pthread_t *t = malloc(sizeof *t * n);
	float *s = malloc(sizeof *s * n);
	double best = 0;
	for (int rep = 0; rep < 3; rep++) {
		struct timespec b, e;
		clock_gettime(CLOCK_MONOTONIC, &b);
		for (int i = 0; i < n; i++) pthread_create(&t[i], 0, run, &s[i]);
		for (int i = 0; i < n; i++) pthread_join(t[i], 0);
		clock_gettime(CLOCK_MONOTONIC, &e);
		double secs = (double)(e.tv_sec - b.tv_sec) + 1e-9 * (double)(e.tv_nsec - b.tv_nsec);
		double rate = 2.0 * LANES * CHAINS * STEPS * n / secs / 1e9;
		if (rate > best) best = rate;
	}
	printf("%.1f %d\n", best, LANES * 32);
	return s[0] == 12345.0f;
}
