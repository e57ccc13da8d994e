#!/bin/sh
# test-in-qemu.sh FOLDER [NAME]: compiles the self-test of a built network for a Cortex-M4 and runs it in QEMU.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
name=${2:-snnc}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
arm-none-eabi-gcc -std=c11 -Os -Wall -Wextra -mcpu=cortex-m4 -mthumb -mfloat-abi=soft \
  -I"$folder" "$here/startup.c" "$folder/${name}_test.c" \
  -nostartfiles --specs=rdimon.specs -T "$here/mps2.ld" -o "$out/test.elf"
arm-none-eabi-size "$out/test.elf"
timeout 300 qemu-system-arm -M mps2-an386 -nographic -monitor none -serial none \
  -semihosting-config enable=on,target=native -kernel "$out/test.elf"
