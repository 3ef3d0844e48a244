// Loaded before Bochs' core: it makes the core a Sapphire Rapids instead of a Cannon Lake, which knows AVX-512 but no products of bytes or bf16,
// and gives it the functions of a newer C library than some systems have.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void *_Z23create_corei3_cnl_cpuidP8BX_CPU_C(void *cpu) {
	void *core = dlopen(getenv("BOCHS_CORE"), RTLD_NOLOAD | RTLD_NOW);
	void *(*create)(void *) = core ? (void *(*)(void *))dlsym(core, "_Z28create_sapphire_rapids_cpuidP8BX_CPU_C") : NULL;
	if (!create) {
		fprintf(stderr, "bochs: no Sapphire Rapids in %s\n", getenv("BOCHS_CORE"));
		exit(2);
	}
	return create(cpu);
}

unsigned long long __isoc23_strtoull(const char *s, char **end, int base) { return strtoull(s, end, base); }

int __isoc23_sscanf(const char *s, const char *format, ...) {
	va_list args;
	va_start(args, format);
	int n = vsscanf(s, format, args);
	va_end(args);
	return n;
}
