/** Files that compile a program: for make and for CMake. */

export function makefileOf(prefix: string, hasTest: boolean): string {
  const test = `
.PHONY: test
test: ${prefix}_test
	./${prefix}_test

${prefix}_test: ${prefix}_test.c ${prefix}.c ${prefix}.h
	$(CC) $(CFLAGS) -o $@ ${prefix}_test.c
`;
  return `# ${prefix}: a spiking network in C. \`make\` compiles it${hasTest ? ", `make test` runs its self-test" : ""}, \`make size\`
# says how large code, constants, memory and stack are. For a microcontroller, for example:
#   make size CC=arm-none-eabi-gcc CFLAGS="-std=c11 -Os -mcpu=cortex-m4 -mthumb" SIZE=arm-none-eabi-size
CFLAGS ?= -std=c11 -O3 -Wall -Wextra -pedantic
SIZE ?= size

.PHONY: all
all: ${prefix}.o

${prefix}.o: ${prefix}.c ${prefix}.h
	$(CC) $(CFLAGS) -c -o $@ ${prefix}.c
${hasTest ? test : ""}
.PHONY: size
size: ${prefix}.c ${prefix}.h
	$(CC) $(CFLAGS) -fstack-usage -c -o ${prefix}.o ${prefix}.c
	$(SIZE) ${prefix}.o
	@echo "largest stack frames:"
	@sort -t "$$(printf '\\t')" -k 2 -n -r ${prefix}.su | head -n 5

.PHONY: clean
clean:
	rm -f ${prefix}.o ${prefix}.su ${prefix}_test
`;
}

export function cmakeOf(prefix: string, hasTest: boolean): string {
  return `# ${prefix}: a spiking network in C, as a static library.
cmake_minimum_required(VERSION 3.13)
project(${prefix} C)

add_library(${prefix} STATIC ${prefix}.c)
target_include_directories(${prefix} PUBLIC \${CMAKE_CURRENT_SOURCE_DIR})
set_target_properties(${prefix} PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
${
  hasTest
    ? `
# The self-test includes the source itself, to look into it.
enable_testing()
add_executable(${prefix}_test ${prefix}_test.c)
set_target_properties(${prefix}_test PROPERTIES C_STANDARD 11 C_STANDARD_REQUIRED ON C_EXTENSIONS OFF)
add_test(NAME ${prefix} COMMAND ${prefix}_test)
`
    : ""
}`;
}
