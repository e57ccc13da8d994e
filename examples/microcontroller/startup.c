/*
 * The least that a Cortex-M needs before main: where the stack begins, where to start, and memory as C expects it.
 * For the board mps2-an386 of QEMU; a real board brings its own.
 */
#include <stdint.h>

extern uint32_t stack_top, data_start, data_end, data_load, bss_start, bss_end;
extern int main(void);
void initialise_monitor_handles(void); /* newlib's semihosting: prints through QEMU */
_Noreturn void exit(int status);

_Noreturn void reset(void) {
  uint32_t *from = &data_load;
  for (uint32_t *to = &data_start; to < &data_end; to++) *to = *from++;
  for (uint32_t *to = &bss_start; to < &bss_end; to++) *to = 0;
  *(volatile uint32_t *)0xE000ED88u |= 0xFu << 20; /* the floating-point unit, if there is one */
  initialise_monitor_handles();
  exit(main());
}

/* newlib calls these at the end. */
void _init(void);
void _fini(void);
void _init(void) {}
void _fini(void) {}

static void halt(void) {
  for (;;) {
  }
}

typedef void (*handler)(void);

__attribute__((section(".vectors"), used)) static const handler vectors[16] = {
    (handler)(uintptr_t)&stack_top, (handler)reset, halt, halt, halt, halt, halt,
};
