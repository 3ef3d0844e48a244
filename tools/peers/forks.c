// forks SECONDS THREADS MICROSECONDS shares so much work among OpenMP's threads, in eight parts as turns/main.go does, and takes turns as
// worker.py does: one JSON line when it is ready, then one for each line on standard input.
#include <omp.h>
#include <stdio.h>
#include <stdlib.h>

enum { CHUNKS = 8, MOST = 100000 };
static double ms[MOST];

static double spin(long steps) {
	double x = 1;
	for (long i = 0; i < steps; i++) {
		x = x * 0.999 + 0.001;
		__asm__ volatile("" : : : "memory"); // or the compiler would work once for all chunks
	}
	return x;
}

static void run(int threads, long steps) {
#pragma omp parallel for num_threads(threads) schedule(static)
	for (int i = 0; i < CHUNKS; i++)
		if (spin(steps) < 0) abort();
}

static int ascending(const void *a, const void *b) {
	double x = *(const double *)a, y = *(const double *)b;
	return (x > y) - (x < y);
}

int main(int argc, char **argv) {
	if (argc != 4) return fprintf(stderr, "usage: forks SECONDS THREADS MICROSECONDS\n"), 2;
	double seconds = atof(argv[1]), million = 1e9;
	int threads = atoi(argv[2]);
	for (int i = 0; i < 20; i++) {
		double start = omp_get_wtime();
		if (spin(1000000) < 0) abort();
		double took = omp_get_wtime() - start;
		if (took < million) million = took;
	}
	long steps = (long)(atof(argv[3]) * 1e-6 * 1e6 / million / CHUNKS);
	run(threads, steps);
	printf("{\"note\": \"OpenMP\", \"answer\": []}\n");
	fflush(stdout);
	for (int c; (c = getchar()) != EOF;) {
		if (c != '\n') continue;
		int n = 0;
		run(threads, steps);
		for (double begin = omp_get_wtime(); n == 0 || (n < MOST && omp_get_wtime() - begin < seconds);) {
			double start = omp_get_wtime();
			run(threads, steps);
			ms[n++] = 1e3 * (omp_get_wtime() - start);
		}
		double sum = 0;
		for (int i = 0; i < n; i++) sum += ms[i];
		qsort(ms, n, sizeof *ms, ascending);
		printf("{\"ms_median\": %.6f, \"ms_mean\": %.6f, \"ms_min\": %.6f, \"runs\": %d}\n", ms[n / 2], sum / n, ms[0], n + 1);
		fflush(stdout);
	}
	return 0;
}
