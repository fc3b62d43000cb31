"""Stroke templates of handwritten characters, and their compilation into smooth curves.

A template is a string of control points `x,y` in hundredths of the digit height, x to the right, y up from the
baseline; `;` separates strokes. The curve passes smoothly through the points and has a corner at a point marked `!`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from digitdet.common.types import FloatArray, Points

# Distance of the samples on a curve in digit heights; small enough that loops look round.
_STEP = 0.075

DIGITS: dict[str, tuple[tuple[float, str], ...]] = {
    "0": (
        (3.0, "36,100 12,88 2,50 12,12 34,0 58,13 66,50 56,87 33,100"),
        (1.5, "42,97 15,88 2,48 13,10 35,0 58,14 66,50 57,86 36,98 20,88"),  # overshoots inwards
        (1.0, "46,98 16,90 2,50 12,10 34,0 58,12 66,50 60,82 46,91"),  # not quite closed
        (1.0, "24,86 40,99 60,82 66,46 52,8 30,0 8,16 2,52 14,88 36,100"),  # clockwise
        (0.8, "30,97 8,80 2,45 14,8 34,0 58,14 64,50 54,86 34,96 30,86 48,80 72,88"),  # leaves with a loop
        (0.2, "36,100 12,88 2,50 12,12 34,0 58,13 66,50 56,87 33,100 ; 60,94! 8,6!"),
        (0.8, "36,64 10,54 2,28 16,4 38,0 60,18 58,48 33,66"),  # a small zero, as in amounts
        (0.5, "30,86 6,74 2,46 18,22 40,22 60,42 54,74 28,88"),
        (0.4, "14,58 34,66 58,54 60,24 40,2 14,4 2,26 10,52 36,66 66,70"),  # continues to the next digit
        (0.8, "44,46 18,42 2,22 20,2 62,0 92,14 88,36 60,47 36,44"),  # the same, lying
        (0.5, "36,100 10,84 4,46 22,6 52,2 68,40 58,84 34,98 22,76 40,54 92,62"),  # continues from within
        (0.4, "12,84 36,100 62,72 60,26 34,0 8,10 2,30"),  # clockwise, open at the left
        (0.4, "-24,64 2,88 34,100 60,82 64,44 48,6 24,0 4,24 6,66 30,96 56,96"),  # with a stroke that leads into it
    ),
    "1": (
        (2.0, "20,100! 20,0!"),
        (0.7, "22,100 17,50 20,0"),
        (2.0, "0,70! 25,100! 25,0!"),
        (2.0, "0,58! 36,100! 36,0!"),
        (1.0, "0,34! 40,100! 40,0!"),
        (0.8, "4,12! 42,100! 42,0!"),
        (0.6, "0,24 24,66 48,104! 40,-4!"),
        (0.8, "44,104! 2,-4!"),  # one leaning stroke
        (0.6, "30,76! 52,106! 4,-10!"),  # the same with a flag
        (0.8, "-8,-6 20,46 44,104! 32,-8!"),  # the flag begins below the baseline
        (0.5, "0,0 20,54 36,100! 22,50 16,-6!"),  # flag and stem are almost parallel
        (0.4, "-30,40 8,62 40,102! 28,-4!"),
        (1.0, "0,52 20,72 34,100! 32,0!"),
        (1.2, "5,80! 28,100! 28,1! ; 2,0! 56,1!"),
        (0.8, "0,58! 34,100! 26,1! ; 0,4 22,-2 50,3 64,0"),
        (0.6, "2,40 26,74 46,104! 36,40 34,8 46,0 66,8"),  # continues to the next digit
        (0.5, "0,6! 52,102! 34,0!"),
        (0.8, "0,8 20,50 40,102! 22,0!"),  # a long upstroke beside a parallel downstroke
        (0.6, "2,30 22,70 36,102! 30,14 36,2 50,8"),
    ),
    "2": (
        (2.5, "4,76 14,94 36,100 57,88 57,66 36,34 4,2! 64,2!"),
        (1.5, "4,78 18,97 40,99 56,80 44,44 16,6 4,6 9,18 26,14 46,2 68,8"),
        (1.0, "5,90 30,98 58,96! 4,3! 34,1 64,3!"),
        (1.5, "6,72 12,92 34,100 56,86 50,58 22,22 2,3! 28,8 52,1 72,8"),
        (0.8, "22,66 8,70 6,88 26,100 50,92 54,70 34,30 12,4 2,10 14,18 36,4 66,2"),  # loops at the top and bottom
        (0.8, "36,46 12,58 4,80 24,100 50,92 58,66 34,24 10,2 2,12 18,18 42,4 74,4"),  # closed, similar to a Q
        (0.7, "50,54 22,50 4,70 18,96 46,98 58,70 40,26 10,2! 38,4 72,0"),  # closed, similar to a 9 with a foot
        (0.4, "44,60 30,48 8,58 6,84 30,102 58,84 50,40 22,2 4,8 14,18 44,6 84,12"),
        (0.4, "6,84 20,98 40,96 46,78 30,34 4,-2! 54,14!"),  # narrow, the foot rises
        (0.6, "10,78 24,98 46,92 48,66 22,18 6,6 6,20 24,22 44,6 78,22"),
        (1.0, "18,76 8,82 16,97 37,100 56,88 54,66 30,30 2,2! 64,4!"),
        (0.8, "0,52 20,82 36,99 44,86 34,52 14,12 2,2! 20,5 44,0 72,9"),  # narrow, similar to a 1 with a foot
        (0.6, "4,60 14,84 30,98 42,84 30,44 8,8 0,14 10,22 26,8 42,0 62,10"),
    ),
    "3": (
        (2.5, "6,86 24,100 50,94 54,74 40,57 22,53! 46,50 61,30 52,6 26,0 2,14"),
        (1.0, "6,97! 56,98! 27,58! 52,53 62,30 50,6 24,0 2,12"),
        (1.0, "6,88 26,100 50,92 51,72 36,56 24,53 26,60 40,54 60,36 56,9 28,0 2,12"),
        (1.0, "10,90 32,100 50,88 44,68 24,56! 52,48 60,22 36,0 0,5"),
        (0.6, "4,90! 30,100 54,92 40,66 24,56! 48,50 52,20 28,-10 0,-12"),  # descends
        (0.3, "2,94 20,84 48,102! 22,60! 50,48 48,10 20,-8 2,2"),  # with a wavy top, similar to a 7
    ),
    "4": (
        (2.0, "16,98! 4,42! 66,43! ; 48,76! 46,0!"),
        (1.5, "6,96 4,62 16,47 36,50 54,60 ; 57,98! 54,60 51,0!"),
        (1.5, "5,98 4,62 18,47 40,52 55,96! 53,50 48,0!"),
        (1.2, "50,0! 50,100! 2,34! 72,35!"),
        (1.5, "44,100! 2,32! 70,36! ; 50,64! 46,0!"),
        (1.0, "18,100 4,60 9,43 30,42 68,46 ; 52,82! 50,0!"),
        (1.0, "26,100! 4,48! 34,44 64,52! ; 56,72! 44,0!"),
        (1.2, "14,98! 4,40! 24,44 48,50! ; 44,62! 38,-4!"),  # similar to an h
        (0.8, "20,100! 4,34! 64,40! ; 46,60 42,30 38,-12!"),
        (0.8, "24,84! 4,38 20,38 58,50! ; 62,108! 36,-8!"),  # the stem is taller than the rest, as in old registers
        (0.6, "10,92 6,64 12,48 30,46 50,58 56,90! 50,40 44,-6"),  # in one stroke, similar to a y
        (0.5, "30,102! 4,46! 54,52! ; 62,74! 30,-6!"),  # similar to a lightning bolt
        (0.4, "12,100 6,60 10,44 28,42 44,56 46,80! 44,40 40,0"),
    ),
    "5": (
        (2.0, "12,96! 8,56! 30,64 56,52 62,28 44,4 20,0 0,10 ; 12,95! 60,99!"),
        (2.0, "60,98! 14,96! 8,56! 34,65 60,48 60,20 36,0 2,8"),
        (1.0, "60,97 34,97 12,90 10,62 36,58 58,40 54,11 28,0 2,9"),
        (1.2, "14,86! 10,54! 34,61 56,46 56,18 34,0 2,8 ; 18,95! 70,100!"),
        (0.6, "12,88! 8,56! 34,64 58,48 58,18 34,0 2,8 ; 30,96! 80,104!"),
        # As in Chile: similar to a root sign, or a hook under a bar.
        (0.8, "2,52! 18,4! 36,97! 84,100!"),
        (0.6, "0,44 10,40! 20,0! 34,60 42,96! 92,102!"),
        (0.5, "76,100! 28,96! 34,50 28,14 14,0 0,10"),
        (0.5, "82,102 36,98! 28,60 38,30 26,2 2,6"),
        (0.5, "14,94! 10,58! 30,52 32,20 18,0 2,6 ; 14,94! 68,100!"),
        (0.5, "0,56! 16,0! 36,84! ; 46,92! 84,88!"),  # a root sign with a bar of its own
        (0.4, "2,44 10,56 18,0! 30,70 44,98 56,90 86,98"),
        (0.6, "14,80! 10,52! 34,58 54,40 46,12 26,0 4,8 ; 38,94! 92,98!"),  # the bar does not touch
        (0.4, "20,78! 12,50! 38,50 42,20 22,0 2,8 ; 24,80 48,72 84,84"),  # a low bar
        (0.5, "58,98 30,98 14,80 34,56 50,36 42,8 20,0 2,10"),  # similar to an S
    ),
    "6": (
        (2.0, "52,100 24,84 5,46 6,14 28,0 54,10 57,34 38,48 16,40 6,22"),
        (1.0, "44,100 16,70 2,34 8,6 30,0 52,12 52,34 34,43 18,35"),
        (1.2, "42,102 14,54 4,20 24,0 50,10 52,32 32,44 8,28"),
        (1.0, "58,91 44,100 20,86 4,50 6,14 30,0 54,12 56,38 34,50 8,30"),
        (1.0, "46,104 18,72 4,34 8,8 26,0 46,10 45,28 30,36 8,24"),
        (0.6, "40,102 14,60 2,18 16,1 44,2 58,16 36,24 14,12"),  # almost no loop, similar to an L
        (0.5, "56,84 42,102 16,88 4,44 12,8 34,0 56,14 54,40 34,50 6,42"),  # a closed loop, similar to an 8
        (0.5, "66,112 32,74 6,30 10,4 28,-2 44,16 40,38 12,22"),  # a long neck
        (0.8, "34,104! 10,46 4,14 16,0 34,12 44,44 36,52"),  # the loop stays open, similar to a u
        (0.6, "48,106! 16,48 2,14 12,0 30,8 44,36 34,50 14,30 4,16"),  # a straight stem
    ),
    "7": (
        (1.5, "4,96! 58,98! 20,0!"),
        (1.5, "4,96! 60,98! 18,0! ; 12,48! 58,52!"),
        (1.0, "3,85! 6,98! 60,97! 22,0!"),
        (1.0, "3,85! 6,98! 60,97! 24,0! ; 16,46! 58,50!"),
        (1.0, "2,84 9,98 26,94 42,92 60,100! 34,50 22,0"),
        (0.8, "2,84 9,98 26,94 42,92 60,100! 36,50 24,0 ; 14,44! 62,48!"),
        (1.0, "4,95! 56,97! 34,56 27,0"),
        (0.7, "2,92! 44,96! 28,0! ; 4,50! 58,54!"),
        (0.5, "8,104! 4,88! 50,94! 30,48 24,-4 ; 8,46! 60,56!"),
        (0.8, "4,92! 62,98! 30,-4! ; 2,50! 74,56!"),  # a wide crossbar, similar to an F
        (0.5, "0,78 6,96 30,92 66,100! 40,50 34,-2 ; 12,52 30,46 66,54"),
        (0.4, "0,80 12,97 42,99 58,84 38,44 22,0"),  # round, similar to a 2 without its foot
        (0.8, "2,80 12,96 38,99 52,86 36,44 18,0 ; 8,46! 62,52!"),
        (0.8, "14,86 24,96 42,97! 34,50 26,0 ; 4,52! 70,57!"),  # a short top, similar to a t
        (0.6, "24,98! 38,100! 32,50 26,0 ; 0,58! 60,60!"),  # almost a cross
        (0.5, "16,76 26,96 40,100! 34,60 24,20 28,0 ; -4,42! 30,46 80,58!"),  # the same, its bar reaches the next digit
        (0.5, "18,98 36,94! 30,40 34,6 44,2 ; 4,56! 66,54!"),  # similar to a t
        (0.6, "6,92! 54,98! 26,0! ; 10,46! 100,54!"),  # a bar that reaches the next digit
        (0.4, "4,78 10,94 22,86 14,74 6,88 30,96 58,98! 36,46 26,0 ; 8,48! 62,52!"),  # begins with a loop
        # The top hangs down to the crossbar: similar to a 9.
        (0.8, "4,64 2,82 10,95 26,88 40,86 58,100! 38,48 28,-8 ; 4,58 24,54 60,62"),
        (0.5, "8,70 2,88 12,98 30,90 56,100! 44,50 34,-6 ; 14,58! 58,64!"),
    ),
    "8": (
        (2.0, "54,84 34,100 12,88 14,68 36,54 58,34 52,6 28,0 6,12 8,36 34,54 54,72 55,86"),
        (1.2, "58,90 36,100 13,86 16,66 40,51 58,30 48,4 24,0 6,16 14,40 40,60 64,98"),
        (1.0, "34,100 14,90 16,64 34,54 53,66 52,90 33,100 ; 34,54 9,42 5,14 34,0 62,14 58,42 33,54"),
        (1.5, "34,53 13,70 16,94 36,100 54,90 53,68 34,52 8,34 8,8 34,0 58,10 58,36 33,53"),
        (1.0, "40,100 54,86 46,64 18,42 4,20 16,2 40,0 57,16 50,40 24,62 13,82 24,98 42,99"),
        (0.6, "62,92 40,100 16,86 18,68 44,46 54,20 36,0 12,8 14,26 40,56 70,104"),  # open at the top
    ),
    "9": (
        (2.0, "53,84 36,100 10,93 2,70 18,53 42,60 54,86! 52,40 46,0"),
        (1.5, "53,84 34,100 10,93 2,70 16,53 40,58 54,88! 53,30 40,3 18,0 4,12"),
        (1.0, "55,74 38,100 12,94 4,70 22,54 46,62 56,80 52,40 34,8 12,0"),
        (1.2, "50,88 28,100 5,85 6,60 28,53 47,72 52,96! 42,0!"),
        (0.8, "50,94 28,99 5,82 8,60 30,53 48,68 54,98! 50,40 44,0"),
        (0.6, "12,98 2,78 12,58 34,60 54,92! 48,40 40,0"),  # open at the top
        (0.6, "44,90 26,100 6,86 8,70 24,66 42,82 56,102! 40,40 30,-6"),  # a small loop before a long stem
        (0.5, "52,98! 40,0! ; 50,96 24,100 4,78 20,56 46,66"),
        (0.6, "28,-4 30,40 26,72 12,82 8,92 26,102 50,94 52,74 34,62 26,66"),  # similar to a Greek rho
        (0.9, "28,58 10,70 14,94 38,102 58,88 54,68 34,56! 26,30 22,-8"),  # the same, written from the loop
        (0.4, "8,78 18,98 42,102 58,84 48,64 28,58! 26,24 18,-10"),  # similar to a P or a question mark
        (1.0, "8,-10! 18,40 30,90 46,102 62,90 58,68 40,56 20,60"),  # similar to a P, in one stroke from below
        (0.8, "20,102! 10,-10! ; 4,84 28,104 58,92 54,68 30,54 12,58"),  # the same in two strokes
        (0.8, "34,60 54,66 64,88 46,102 26,88 26,60 18,20 6,-10"),  # a loop at the right of a leaning stem
        (0.6, "52,98 28,102 8,88 14,68 38,66 56,94 38,44 10,-4"),  # the stem leans across the loop
        (0.5, "46,88 26,102 6,86 16,66 42,76 50,96! 48,50 34,8 12,-16 -6,-8"),  # small loop, the tail turns back
        (0.8, "52,84 34,100 10,92 6,72 24,58 46,68 54,88! 46,30 26,-12 8,-14 14,4 40,20"),  # similar to a g
    ),
}
"""Forms of each digit with their weights, which are estimates; even rare forms are common enough to be learned."""

_CAPITALS: dict[str, str] = {
    "A": "2,0! 32,100! 60,0! ; 12,38! 50,38!",
    "B": "6,0! 6,100! ; 4,99! 40,97 50,78 34,56 6,53! 44,50 60,28 46,4 4,0!",
    "C": "60,84 38,100 12,84 4,48 16,10 40,0 62,14",
    "D": "6,0! 6,100! ; 2,99! 40,94 64,54 44,8 2,0!",
    "E": "54,98! 8,98! 8,0! 56,0! ; 8,52! 46,52!",
    "F": "8,0! 8,98! 56,98! ; 8,54! 44,54!",
    "G": "58,86 36,100 10,84 4,44 18,6 44,2 60,20 60,44! ; 36,44! 74,44!",
    "H": "6,100! 6,0! ; 56,100! 56,0! ; 6,52! 56,52!",
    "I": "26,98! 26,2! ; 2,98! 50,98! ; 2,2! 50,2!",
    "J": "48,100! 46,30 34,2 14,0 2,18 ; 24,100! 72,100!",
    "K": "6,100! 6,0! ; 54,100! 8,48! 58,0!",
    "L": "8,100! 8,2! 52,2!",
    "M": "2,0! 8,100! 38,34! 68,100! 74,0!",
    "N": "4,0! 6,100! 54,2! 56,100!",
    "O": "36,100 8,84 2,46 14,8 38,0 66,14 72,52 60,90 34,100",
    "P": "8,0! 8,100! ; 4,98! 44,98 56,76 42,52 8,50!",
    "Q": "36,100 8,84 2,46 14,8 38,0 66,14 72,52 60,90 34,100 ; 42,30! 78,-12!",
    "R": "8,0! 8,100! ; 4,98! 44,98 54,76 40,54 10,52! 58,0!",
    "S": "56,84 36,100 12,90 12,66 36,52 58,34 52,8 26,0 2,14",
    "T": "2,98! 66,98! ; 34,98! 34,0!",
    "U": "6,100! 6,30 18,2 42,2 56,30 58,100!",
    "V": "2,100! 30,0! 58,100!",
    "W": "2,100! 20,0! 40,70! 58,0! 78,100!",
    "X": "4,100! 58,0! ; 56,100! 4,0!",
    "Y": "2,100! 30,50! 60,100! ; 30,50! 28,0!",
    "Z": "6,98! 58,98! 4,0! 60,0! ; 14,50! 52,50!",
}

_SMALL_LETTERS: dict[str, str] = {
    "a": "42,44 22,52 4,36 6,8 22,0 40,16 44,50! 44,12 58,2",
    "b": "6,100! 6,2! 8,34 26,52 46,38 44,12 26,0 8,6",
    "c": "42,42 24,50 6,36 4,12 20,0 44,8",
    "d": "42,44 22,50 4,34 6,8 24,0 42,20! ; 44,100! 44,10 56,0",
    "e": "6,24! 38,28 38,45 20,50 4,32 8,6 26,0 46,10",
    "f": "44,92 32,100 20,84 18,0! ; 2,50! 42,50!",
    "g": "42,44 22,52 4,36 8,10 26,6 42,26 44,50! 44,-14 26,-38 8,-24 30,-6 60,10",
    "h": "6,100! 6,0! 10,34 28,50 42,38 44,0!",
    "i": "2,40! 10,50! 11,8 24,2 ; 11,70! 14,73!",
    "j": "24,50! 22,-20 8,-36 -8,-24 ; 24,70! 27,73!",
    "k": "6,100! 6,0! ; 42,50! 8,22! 46,0!",
    "l": "0,14 20,54 24,88 14,98 8,60 12,10 34,4",
    "m": "4,50! 4,0! 8,36 20,50 32,38 32,0! 36,36 50,50 62,38 62,8 74,2",
    "n": "4,50! 4,0! 8,34 24,50 38,38 38,8 52,2",
    "o": "24,50 5,38 6,8 24,0 42,14 40,40 22,50 30,40 60,46",
    "p": "6,50! 6,-38! 8,30 26,51 46,38 44,12 26,1 8,8",
    "q": "42,44 22,52 4,36 8,8 26,2 42,22 44,50! 44,-36! 62,-14!",
    "r": "4,50! 6,0! 8,28 20,46 38,48",
    "s": "0,6 20,30 28,52! 26,36 40,16 28,0 8,4",
    "t": "18,90! 18,16 26,0 42,6 ; 2,56! 40,58!",
    "u": "4,50! 6,12 18,0 36,14 42,50! 42,10 56,2",
    "v": "2,50! 18,0! 36,50! 48,46!",
    "w": "2,50! 14,0! 28,40! 42,0! 56,50!",
    "x": "2,50! 38,0! ; 38,50! 2,0!",
    "y": "4,50! 8,18 22,8 40,24 44,50! 40,-20 22,-38 8,-26 34,-4 60,8",
    "z": "4,48! 40,48! 4,0! 42,0! ; 8,25! 36,25!",
}

_SIGNS: dict[str, str] = {
    ".": "0,3! 4,5! 5,2!",
    ",": "5,7 6,-2 0,-16",
    "-": "0,46! 34,47!",
    "\u2013": "0,46! 62,47!",
    "\u2014": "0,46! 90,48!",
    "_": "0,-8! 62,-6!",
    "/": "0,-8! 46,108!",
    ":": "0,50! 4,51! 4,48! ; 0,6! 4,8! 4,4!",
    ";": "4,50! 8,51! 8,48! ; 5,9 6,0 0,-14",
    "=": "0,60! 40,62! ; 0,35! 40,36!",
    "#": "18,94! 8,4! ; 46,96! 36,6! ; 0,65! 58,67! ; -4,34! 54,36!",
    "+": "24,74! 24,20! ; 0,47! 50,48!",
    "*": "0,76! 38,50! ; 4,46! 34,80! ; 18,86! 18,38!",
    "(": "20,108 4,80 0,46 6,10 22,-10",
    ")": "0,108 16,80 20,46 14,10 -2,-10",
    "'": "2,102! 0,78!",
    '"': "2,102! 0,78! ; 18,102! 16,78!",
    "%": "22,100 4,88 6,68 22,60 34,74 34,92 20,100 ; 76,102! 6,-2! ; 62,40 46,30 46,8 62,0 76,12 76,32 60,40",
    "$": "56,80 36,92 12,84 12,64 36,51 58,36 52,14 26,6 2,16 ; 34,112! 28,-12!",
    "\u20ac": "64,84 44,98 20,84 12,50 22,12 46,0 66,14 ; 0,60! 48,60! ; 0,41! 44,41!",
    "\u00a3": "56,82 42,100 24,88 24,50 18,12 2,2! 62,4! ; 4,48! 48,50!",
    "\u00b0": "12,100 0,90 2,75 14,70 26,80 24,95 10,100",
    "\u00a5": "2,100! 30,52! 60,100! ; 30,52! 28,0! ; 8,44! 52,46! ; 8,24! 52,26!",
    "\u00d7": "4,68! 40,26! ; 40,70! 2,26!",
    # Marks beside numbers, as high as a digit: a large plus, daggers, a tick, crosses.
    "\uff0b": "44,92! 44,4! ; 0,47! 88,49!",
    "\u2020": "24,100! 22,-4! ; 0,68! 46,70!",
    "\u2021": "24,100! 22,-4! ; 0,70! 46,72! ; 2,28! 46,30!",
    "\u2713": "0,40! 20,4! 62,98!",
    "\u2717": "4,92! 58,6! ; 66,102! 0,0!",
    "\u03c7": "2,84 16,96 28,70 40,20 52,2 66,14 ; 62,98! 2,0!",
    "\u00f7": "0,47! 46,48! ; 22,74! 25,76! 25,72! ; 22,22! 25,24! 25,20!",
    "&": "64,4! 24,70 26,92 42,96 48,80 10,34 8,10 28,0 50,14 62,40",
    "@": "58,66 38,74 26,54 36,36 54,46 58,70! 60,40 76,36 88,62 68,96 28,96 4,60 18,18 54,8 80,18",
    "<": "52,80! 4,46! 52,14!",
    ">": "4,80! 52,46! 4,14!",
    "[": "22,108! 2,108! 2,-10! 22,-10!",
    "]": "0,108! 20,108! 20,-10! 0,-10!",
    "?": "4,82 20,100 42,88 38,66 22,48 22,28! ; 20,4! 24,5! 24,2!",
    "!": "4,100! 3,28! ; 0,4! 4,5! 4,2!",
}

MARKS: dict[str, str] = {**_CAPITALS, **_SMALL_LETTERS, **_SIGNS}
"""Template of each character that is not a digit."""

MAX_POINTS = 20
MAX_STROKES = 4
"""Greatest number of control points and strokes of a template."""


@dataclass(frozen=True)
class PenPath:
    """Where the strokes of T samples on the path of a pen begin and end."""

    starts: npt.NDArray[np.bool_]  # (T,) whether a sample begins a stroke
    from_end: FloatArray  # (T,) float32, number of samples to the nearer end of the stroke


@dataclass(frozen=True)
class StrokeShape(PenPath):
    """A compiled template with P control points and T samples on its curves.

    The curve is linear in its points: (`position` + roundness * `tangent`) @ points.
    """

    points: Points  # (P, 2) float32 in digit heights, y up
    stroke_of: npt.NDArray[np.int64]  # (P,) stroke of each point
    looseness: FloatArray  # (P,) float32, how freely a point may move; ends move more than the middle
    position: FloatArray  # (T, P) float32, weights of the points
    tangent: FloatArray  # (T, P) float32, weights of the points in the tangents

    def curve(self, points: Points, roundness: float) -> Points:
        """Return samples (T, 2) on the curves through moved `points` (P, 2); roundness 1 is a Catmull-Rom spline."""
        return (self.position + roundness * self.tangent) @ points


@cache
def compile_template(template: str) -> StrokeShape:
    """Compile a template."""
    return _compile([_parse(stroke) for stroke in template.split(";")])


@cache
def smooth_shape(count: int) -> StrokeShape:
    """Return one smooth stroke of `count` points, for `curve` with other points; its own points lie on a line."""
    points = np.stack([np.arange(count) * 4 * _STEP, np.zeros(count)], axis=1).astype(np.float32)
    return _compile([(points, np.ones(count, np.float32))])


def _parse(stroke: str) -> tuple[Points, FloatArray]:
    """Return points (N, 2) in digit heights, and (N,) 1 where the curve is smooth, 0 at corners."""
    words = stroke.split()
    points = [[float(value) / 100 for value in word.rstrip("!").split(",")] for word in words]
    return np.array(points, np.float32), np.array([not word.endswith("!") for word in words], np.float32)


def _compile(strokes: list[tuple[Points, FloatArray]]) -> StrokeShape:
    """Compile strokes given as points (N, 2) and their smoothness (N,)."""
    weights = [_hermite_weights(points, smooth) for points, smooth in strokes]
    counts = [len(points) for points, _ in strokes]
    looseness = [np.r_[1.6, np.ones(count - 2), 1.6] for count in counts]
    starts, from_end = stroke_ends([len(position) for position, _ in weights])
    return StrokeShape(
        starts,
        from_end,
        np.concatenate([points for points, _ in strokes]),
        np.repeat(np.arange(len(counts)), counts),
        np.concatenate(looseness).astype(np.float32),
        _block_diagonal([position for position, _ in weights]),
        _block_diagonal([tangent for _, tangent in weights]),
    )


def stroke_ends(counts: Sequence[int]) -> tuple[npt.NDArray[np.bool_], FloatArray]:
    """Return `starts` and `from_end` of a `PenPath` whose strokes have these numbers of samples."""
    starts = np.concatenate([np.arange(count) == 0 for count in counts])
    return starts, np.concatenate([_from_end(count) for count in counts])


def _from_end(count: int) -> FloatArray:
    """Return the samples to the nearer end (count,); a dot has no ends, so that a tapering pen does not erase it."""
    index = np.arange(count, dtype=np.float32)
    return np.minimum(index, index[::-1]) if count > 4 else np.full(count, count, np.float32)


def _hermite_weights(points: Points, smooth: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return cubic Hermite weights (T, N) of one stroke: for its points, and for the tangents at its points."""
    last = len(points) - 1
    chords = np.hypot(*np.diff(points, axis=0).T)
    position, tangent = [], []
    for i in range(last):
        steps = max(int(np.ceil(chords[i] / _STEP)), 1)
        t = np.arange(steps + (i == last - 1)) / steps
        rise = t * t * (3 - 2 * t)
        weights = np.zeros((2, len(t), last + 1))
        weights[0, :, i], weights[0, :, i + 1] = 1 - rise, rise
        for at, weight in ((i, t * (1 - t) ** 2), (i + 1, t * t * (t - 1))):
            weights[1, :, min(at + 1, last)] += weight * smooth[at] / 2
            weights[1, :, max(at - 1, 0)] -= weight * smooth[at] / 2
        position.append(weights[0])
        tangent.append(weights[1])
    return np.concatenate(position).astype(np.float32), np.concatenate(tangent).astype(np.float32)


def _block_diagonal(blocks: list[FloatArray]) -> FloatArray:
    matrix = np.zeros(np.sum([block.shape for block in blocks], axis=0), np.float32)
    row = column = 0
    for block in blocks:
        matrix[row : row + len(block), column : column + block.shape[1]] = block
        row, column = row + len(block), column + block.shape[1]
    return matrix
