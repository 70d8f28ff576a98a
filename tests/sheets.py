"""MusicXML written by hand, for tests that read it."""

import io
import zipfile

CONTAINER = '<container><rootfiles><rootfile full-path="score.xml"/></rootfiles></container>'


def note(pitch: str, duration: int, *, tie: str = "", chord=False, voice=1, staff=0, extra: str = "") -> str:
    """A note in MusicXML, two divisions a quarter; `pitch` is "" for a rest."""
    step, octave = (pitch[0], pitch[-1]) if pitch else ("", "")
    alter = {"#": 1, "b": -1}.get(pitch[1:2], 0)
    what = f"<pitch><step>{step}</step><alter>{alter}</alter><octave>{octave}</octave></pitch>" if pitch else "<rest/>"
    ties = "".join(f'<tie type="{t}"/>' for t in tie.split())
    where = f"<staff>{staff}</staff>" if staff else ""
    length = f"<duration>{duration}</duration>" if duration else ""
    return f"<note>{'<chord/>' * chord}{extra}{what}{length}{ties}<voice>{voice}</voice>{where}</note>"


def bar(*notes: str, time: str = "", head: str = "", kind: str = "", left: str = "", right: str = "") -> str:
    """`head` are attributes besides the meter, `kind` those of the element, `left` and `right` what its lines hold."""
    beats, unit = time.split("/") if time else ("", "")
    meter = f"<time><beats>{beats}</beats><beat-type>{unit}</beat-type></time>" if time else ""
    attributes = f"<attributes><divisions>2</divisions>{head}{meter}</attributes>" if time or head else ""
    left = f'<barline location="left">{left}</barline>' if left else ""
    right = f'<barline location="right">{right}</barline>' if right else ""
    return f"<measure {kind}>{left}{attributes}{''.join(notes)}{right}</measure>"


def back(duration: int) -> str:
    return f"<backup><duration>{duration}</duration></backup>"


def xml(*parts: list[str], names: tuple[str, ...] = (), info: str = "") -> bytes:
    listed = "".join(
        f'<score-part id="P{i}"><part-name>{names[i] if names else "Part"}</part-name>{info}</score-part>'
        for i in range(len(parts))
    )
    body = "".join(f'<part id="P{i}">{"".join(bars)}</part>' for i, bars in enumerate(parts))
    return f'<?xml version="1.0"?><score-partwise><part-list>{listed}</part-list>{body}</score-partwise>'.encode()


def mxl(data: bytes, container: str = CONTAINER, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", method) as archive:
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("score.xml", data)
    return packed.getvalue()
