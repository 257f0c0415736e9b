"""A tiny static program whose linker note says for which level of x86-64 it was built."""

from __future__ import annotations

from hostfit_bed.command import need, run
from hostfit_bed.images import STARTED

SOURCE = """\
.globl _start
.text
_start:
    mov $1, %eax
    mov $1, %edi
    lea text(%rip), %rsi
    mov $length, %edx
    syscall
    mov $60, %eax
    mov $7, %edi
    syscall
.section .rodata
text: .ascii "TEXT\\n"
.set length, . - text
.section .note.GNU-stack, "", @progbits
"""
"""Writes one line and exits with 7, like the images' shell command."""


def build(directory, level):
    """Build the program with the note of `level`, such as "x86-64-v3", and give its path."""
    need("as", "ld")
    source, compiled, program = (directory / f"{level}.{ending}" for ending in ("s", "o", "bin"))
    source.write_text(SOURCE.replace("TEXT", STARTED))
    run(["as", "--64", "-o", compiled, source], check=True)
    run(["ld", "-z", level, "-o", program, compiled], check=True)
    return program
