"""A label printer for tests: reads our subset of ZPL II and draws it, bar by bar, from the tables of ISO/IEC 15417.

It shares nothing with what makes the ZPL but the language, so a wrong code set or a missing FNC1 shows in the picture.
"""

import io
import re
from dataclasses import dataclass, field

import zint
from PIL import Image, ImageDraw

# Widths of bars and spaces of symbol characters 0 to 106 (ISO/IEC 15417, table 1).
PATTERNS = (
    "212222", "222122", "222221", "121223", "121322", "131222", "122213", "122312", "132212", "221213",
    "221312", "231212", "112232", "122132", "122231", "113222", "123122", "123221", "223211", "221132",
    "221231", "213212", "223112", "312131", "311222", "321122", "321221", "312212", "322112", "322211",
    "212123", "212321", "232121", "111323", "131123", "131321", "112313", "132113", "132311", "211313",
    "231113", "231311", "112133", "112331", "132131", "113123", "113321", "133121", "313121", "211331",
    "231131", "213113", "213311", "213131", "311123", "311321", "331121", "312113", "312311", "332111",
    "314111", "221411", "431111", "111224", "111422", "121124", "121421", "141122", "141221", "112214",
    "112412", "122114", "122411", "142112", "142211", "241211", "221114", "413111", "241112", "134111",
    "111242", "121142", "121241", "114212", "124112", "124211", "411212", "421112", "421211", "212141",
    "214121", "412121", "111143", "111341", "131141", "114113", "114311", "411113", "411311", "113141",
    "114131", "311141", "411131", "211412", "211214", "211232", "2331112",
)  # fmt: skip
INVOKED = {">8": 102, ">:": 104, ">;": 105}
COMMAND = re.compile(r"\^([A-Z][A-Z0-9])([^\^]*)")


@dataclass
class Printed:
    """A label as it came out: its picture, the data of each bar code field, and what was written in letters."""

    picture: Image.Image
    bar_fields: list[str] = field(default_factory=list)
    matrix_fields: list[str] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    copies: int = 1


def print_zpl(sent: bytes) -> list[Printed]:
    """Every label of a ZPL stream."""
    text = sent.decode("ascii")
    assert text.count("^XA") == text.count("^XZ") > 0
    return [_label(one) for one in re.findall(r"\^XA(.*?)\^XZ", text, re.DOTALL)]


def _label(body: str) -> Printed:
    width = int(re.search(r"\^PW(\d+)", body)[1])  # type: ignore[index]
    height = int(re.search(r"\^LL(\d+)", body)[1])  # type: ignore[index]
    copies = re.search(r"\^PQ(\d+)", body)
    made = Printed(Image.new("L", (width, height), 255), copies=int(copies[1]) if copies else 1)
    for one in re.findall(r"\^FO(.*?)\^FS", body, re.DOTALL):
        _field(made, one)
    return made


def _field(made: Printed, text: str) -> None:
    place, _, rest = text.partition("^")
    x, y = (int(part) for part in place.split(","))
    commands = {name: given.strip("\n") for name, given in COMMAND.findall("^" + rest)}
    pen = ImageDraw.Draw(made.picture)
    if "BC" in commands:
        module = int(commands["BY"].split(",")[0])
        height = int(commands["BC"].split(",")[1])
        assert commands["BC"].endswith(",N,N,N,N"), "mode N: the code sets are ours to choose"
        made.bar_fields.append(commands["FD"])
        _bars(pen, x, y, module, height, code128_values(commands["FD"]))
    elif "BX" in commands:
        given = commands["BX"].split(",")
        assert given[2] == "200"
        assert given[6] == "_"
        made.matrix_fields.append(commands["FD"])
        _matrix(made.picture, x, y, int(given[1]), commands["FD"])
    elif "GF" in commands:
        form, n_bytes, _total, width, dots = commands["GF"].split(",")
        assert form == "A"
        assert len(dots) == 2 * int(n_bytes)
        row = int(width)
        picture = Image.frombytes("1", (row * 8, int(n_bytes) // row), bytes(b ^ 0xFF for b in bytes.fromhex(dots)))
        made.picture.paste(picture, (x, y))
    elif "GB" in commands:
        width, height, _thickness = (int(part) for part in commands["GB"].split(","))
        pen.rectangle((x, y, x + width - 1, y + height - 1), fill=0)
    else:
        assert "A0" in commands
        assert "FH" in commands
        made.texts.append(re.sub(r"_([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), commands["FD"]))


def code128_values(fields: str) -> list[int]:
    """The symbol characters of ^BC field data, check character and stop included."""
    values, in_c, place = [], False, 0
    while place < len(fields):
        two = fields[place : place + 2]
        if two in INVOKED:
            in_c = in_c if two == ">8" else two == ">;"
            values.append(INVOKED[two])
            place += 2
        elif two == ">6" and in_c:
            values.append(100)
            in_c, place = False, place + 2
        elif two == ">5" and not in_c:
            values.append(99)
            in_c, place = True, place + 2
        elif two in (">0", "><", ">="):
            assert not in_c
            values.append(ord({">0": ">", "><": "^", ">=": "~"}[two]) - 32)
            place += 2
        elif in_c:
            values.append(int(two))
            place += 2
        else:
            values.append(ord(fields[place]) - 32)
            place += 1
    check = (values[0] + sum(n * value for n, value in enumerate(values[1:], 1))) % 103
    return [*values, check, 106]


def _bars(pen: ImageDraw.ImageDraw, x: int, y: int, module: int, height: int, values: list[int]) -> None:
    for value in values:
        for n, width in enumerate(PATTERNS[value]):
            if n % 2 == 0:
                pen.rectangle((x, y, x + int(width) * module - 1, y + height - 1), fill=0)
            x += int(width) * module


def _matrix(picture: Image.Image, x: int, y: int, module: int, fields: str) -> None:
    """Encode the field as DataMatrix: ``_1`` is FNC1, ``__`` an underscore."""
    assert fields.startswith("_1"), "GS1 DataMatrix begins with FNC1"
    data = fields[2:].replace("__", "\0").replace("_1", "\x1d").replace("\0", "_")
    symbol = zint.Symbol()
    symbol.symbology = zint.Symbology.DATAMATRIX
    symbol.input_mode = zint.InputMode.GS1 | zint.InputMode.GS1RAW if hasattr(zint.InputMode, "GS1RAW") else (
        zint.InputMode.GS1
    )  # fmt: skip
    symbol.option_3 = zint.DataMatrixOptions.SQUARE
    symbol.scale = module / 2
    symbol.output_options = zint.OutputOptions.BARCODE_MEMORY_FILE
    symbol.outfile = "symbol.png"
    symbol.encode(data if hasattr(zint.InputMode, "GS1RAW") else _bracketed(data))
    symbol.print()
    picture.paste(Image.open(io.BytesIO(bytes(symbol.memfile or b""))).convert("L"), (x, y))


def _bracketed(data: str) -> str:
    from wms.codes import gs1

    return "".join(f"[{ai}]{value}" for ai, value in gs1.read(data, "]d2").elements)
