"""What the native build changes in Turbospectrum's own files, applied to a copy of its source at build.

Each change names the text that it replaces, or the text where it begins and the one before which it ends; each must
occur exactly once in the pinned source, or the build stops. What the new text calls is in fortran/.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

# Files of the package that one of ours stands in for, entry points included.
REPLACED = {
    "hydropac.f": "hydropac.f",
    "newvoigt.f": "lines.f90",
    "lint.f": "continuum.f90",
    "bsynbplatt.f": "transfer.f90",
}


@dataclass(frozen=True)
class Patch:
    """Replace `start`, or all from `start` to before `end`, by `new`."""

    start: str
    new: str
    end: str = ""

    def apply(self, text: str, name: str) -> str:
        """The text with the change made; AssertionError when the marks are not there exactly once."""
        for mark in filter(None, (self.start, self.end)):
            assert text.count(mark) == 1, f"{name}: {mark!r} occurs {text.count(mark)} times, expected once"
        first = text.index(self.start)
        last = text.index(self.end) if self.end else first + len(self.start)
        assert first < last, f"{name}: {self.end!r} comes before {self.start!r}"
        return text[:first] + self.new + text[last:]


PATCHES: dict[str, tuple[Patch, ...]] = {
    # No structure of ours has more than 80 layers; rows of 80 are whole cache lines and whole vectors.
    "spectrum.inc": (Patch("NDP=100,", "NDP=80,"),),
    "readmo.f": (
        Patch(
            "        do j=1,maxlam\n         xxll=xlambda(j)\n",
            "        call interpolate_continuum(k,nlq,xlp,xs,ss)\n",
            "*        \n        XI(K)=XI(K)*1.E5",
        ),
    ),
    "bsyn.f": (
        Patch("      PROGRAM BSYN\n", "      PROGRAM BSYN\n      use line_opacity\n"),
        # Steps of constant velocity: LAMBDA_STEP is the step at LAMBDA_MIN and grows in proportion to the wavelength,
        # for a line keeps its width in velocity.
        Patch("maxlam=int((xl2-xl1)/del)+1", "maxlam=int(log(xl2/xl1)*xl1/del)+1"),
        Patch("xlambda(J)=XL1+FLOAT(J-1)*DEL", "xlambda(J)=XL1*EXP(DBLE(J-1)*DEL/XL1)"),
        # Setting all opacities to zero, which they are at the start, of which most pages are never touched.
        Patch("      do j=1,maxlam\n        do k=1,ndp\n", "", "* EPS tells which small l/kappa"),
        # Lines are read from the binary file beside the headers, after the one example that tells their form.
        Patch(
            "        ILINE=0\n",
            "        ILINE=0\n        read(lunit,'(a)') oneline\n        call open_lines(inline,nline)\n",
        ),
        Patch(
            "        if (newformat) then\n",
            "        call next_line(xlb,chie,gfelog,fdamp,gu,raddmp,gamst,\n     &                 levlo,levup)\n*\n",
            "        if (nsegment.eq.1) then\n",
        ),
        Patch(
            "* Calculate damping parameters\n",
            "* Strength first: what is negligible needs no damping\n*\n"
            "        XL=XLB*1.D-8\n        calf=constant*f\n"
            "        if (iel.ne.ielp) call start_species(iel)\n        ielp=iel\n"
            "        if (is_negligible(xlb,calf).and.iel.le.nat) goto 255\n*\n"
            "* Calculate damping parameters\n",
        ),
        Patch(
            "          if (fdamp.lt.20.) then\n",
            "          if (is_weak()) then\n            recipe='R'\n          else if (fdamp.lt.20.) then\n",
        ),
        Patch("      WRITE(6,214) NREJCT", "      call finish_lines()\n      WRITE(6,214) NREJCT"),
        Patch("   54   CONTINUE\n", "   54   CONTINUE\n        call add_line(xlb)\n*\n", "255     continue\n"),
    ),
}


def apply(source: Path, ours: Path) -> None:
    """Make the native build's source of the package's, in place: `source` is its folder, `ours` that of fortran/."""
    for name, patches in PATCHES.items():
        text = (source / name).read_text(encoding="latin-1")
        for patch in patches:
            text = patch.apply(text, name)
        (source / name).write_text(text, encoding="latin-1")
    # The package's sizes for sources in free form, which its own file of them is not.
    sizes = re.search(r"PARAMETER \(NDP=(\d+),NRAYS=\d+,lpoint=(\d+)\)", (source / "spectrum.inc").read_text("latin-1"))
    assert sizes is not None, "spectrum.inc: no sizes"
    (source / "sizes.inc").write_text(f"integer, parameter :: ndp = {sizes[1]}, lpoint = {sizes[2]}\n", "ascii")
    for name, replacement in REPLACED.items():
        (source / name).unlink()
        (source / replacement).write_bytes((ours / replacement).read_bytes())
