"""Writes small picture files of every kind to media/image/testdata/pictures, and what the reference makes of each:
transformers' load_image, then the conversion to RGB that its CLIP processor begins with.

Exact formats are recorded as a hash in pictures.json. Lossy ones whose decoders differ (JPEG, HEIC, AVIF) are recorded as
NAME.ref.png beside the file.
"""
import hashlib
import io
import json
import os
import shutil
import struct
import warnings
import zlib

import numpy as np
import pillow_heif
from PIL import Image
from transformers.image_transforms import convert_to_rgb
from transformers.image_utils import load_image

from image_pixels import pixels

warnings.simplefilter("ignore")
pillow_heif.register_heif_opener()
OUT = os.path.join(os.path.dirname(__file__), "../../media/image/testdata/pictures")
shutil.rmtree(OUT, ignore_errors=True)
os.makedirs(OUT)
W, H = 23, 17
records = []


def put(name, data):
    path = os.path.join(OUT, name)
    with open(path, "wb") as f:
        f.write(data)
    record = {"file": name}
    try:
        rgb = convert_to_rgb(load_image(path), return_numpy=True)
    except Exception as e:
        record["error"] = type(e).__name__
        records.append(record)
        return
    record["w"], record["h"] = rgb.shape[1], rgb.shape[0]
    if name.endswith((".jpg", ".heic", ".avif")):
        Image.fromarray(rgb).save(path + ".ref.png", optimize=True)
    else:
        record["sha"] = hashlib.sha256(rgb.tobytes()).hexdigest()[:32]
    records.append(record)


def save(name, im, **options):
    b = io.BytesIO()
    im.save(b, **options)
    put(name, b.getvalue())
    return b.getvalue()


def photo(w=W, h=H, channels=3, style="photo"):
    return pixels(w, h, channels, style)


# PNG, written by hand: Pillow cannot write all of them.
def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(samples, kind, depth, interlace=False, before=b"", after=b""):
    """samples: [h, w, channels] of values that fit depth bits."""
    h, w, _ = samples.shape

    def rows(s):
        out = b""
        for row in s:
            flat = row.reshape(-1)
            if depth == 16:
                packed = flat.astype(">u2").tobytes()
            elif depth == 8:
                packed = flat.astype(np.uint8).tobytes()
            else:
                bits = "".join(format(int(v), f"0{depth}b") for v in flat)
                bits += "0" * (-len(bits) % 8)
                packed = bytes(int(bits[i : i + 8], 2) for i in range(0, len(bits), 8))
            out += b"\0" + packed
        return out

    if interlace:
        raw = b""
        for x0, y0, dx, dy in ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)):
            part = samples[y0::dy, x0::dx]
            if part.size:
                raw += rows(part)
    else:
        raw = rows(samples)
    head = struct.pack(">IIBBBBB", w, h, depth, kind, 0, 0, int(interlace))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + chunk(b"IDAT", zlib.compress(raw)) + after + chunk(b"IEND", b""))


def exif(orientation, endian="<", kind=3):
    head = (b"II*\0" if endian == "<" else b"MM\0*") + struct.pack(endian + "I", 8)
    value = struct.pack(endian + ("H2x" if kind == 3 else "I"), orientation)
    return head + struct.pack(endian + "HHHI", 1, 274, kind, 1) + value + struct.pack(endian + "I", 0)


def xmp(orientation):
    return b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:Description tiff:Orientation="%d"/></x:xmpmeta>' % orientation


def pngs():
    wide = photo(channels=4, style="noise").astype(np.int64)
    deep = wide * 256 + wide[::-1]
    palette = bytes(pixels(256, 1, 3, "noise", 7).reshape(-1))
    for interlace in (False, True):
        i = "i" if interlace else ""
        for depth in (1, 2, 4, 8):
            put(f"gray{depth}{i}.png", png(wide[:, :, :1] >> (8 - depth), 0, depth, interlace))
            put(f"palette{depth}{i}.png", png(wide[:, :, :1] >> (8 - depth), 3, depth, interlace, chunk(b"PLTE", palette[: 3 << depth])))
        put(f"gray16{i}.png", png(deep[:, :, :1] // 64, 0, 16, interlace))
        for depth, s in ((8, wide), (16, deep)):
            put(f"rgb{depth}{i}.png", png(s[:, :, :3], 2, depth, interlace))
            put(f"grayalpha{depth}{i}.png", png(s[:, :, :2], 4, depth, interlace))
            put(f"rgba{depth}{i}.png", png(s, 6, depth, interlace))
    t = lambda *v: chunk(b"tRNS", struct.pack(f">{len(v)}H", *v))
    for depth in (1, 2, 4, 8):
        for v in (0, 1, 3, 200):
            if v < 1 << depth:
                put(f"gray{depth}key{v}.png", png(wide[:, :, :1] >> (8 - depth), 0, depth, before=t(v)))
    low = wide[:, :, :1] * 4
    for v in (0, 256, 768, 1020, 12):
        put(f"gray16key{v}.png", png(low, 0, 16, before=t(v)))
    few = wide[:, :, :3] // 128 * 200
    put("rgb8key.png", png(few, 2, 8, before=t(200, 0, 200)))
    put("rgb8keyhigh.png", png(few, 2, 8, before=t(200 + 256, 0, 200)))
    put("rgb16key.png", png(few * 257, 2, 16, before=t(200 * 257, 0, 200 * 257)))
    put("rgb16keymiss.png", png(few * 256 + 7, 2, 16, before=t(200 * 256 + 7, 7, 200 * 256 + 7)))
    for name, alphas in (("one", [255] * 5 + [0] + [255] * 3), ("two", [255, 0, 255, 0]), ("half", [255, 128]), ("last", [255] * 15 + [0]), ("none", [255] * 4)):
        put(f"palette4{name}.png", png(wide[:, :, :1] >> 4, 3, 4, before=chunk(b"PLTE", palette[:48]) + chunk(b"tRNS", bytes(alphas))))
    same = palette[:3] * 2 + palette[6:48]  # two entries of one colour, one of them transparent
    put("palette4same.png", png(wide[:, :, :1] >> 4, 3, 4, before=chunk(b"PLTE", same) + chunk(b"tRNS", b"\xff\0")))
    put("palette4short.png", png(wide[:, :, :1] >> 4, 3, 4, before=chunk(b"PLTE", palette[:30])))
    rgb = photo().astype(np.int64)
    put("exif6.png", png(rgb, 2, 8, before=chunk(b"eXIf", exif(6, ">"))))
    put("exif8after.png", png(rgb, 2, 8, after=chunk(b"eXIf", exif(8))))
    put("xmp6.png", png(rgb, 2, 8, before=chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp(6))))
    put("xmp5packed.png", png(rgb, 2, 8, before=chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(xmp(5)))))
    e = b"Exif\0\0" + exif(3)
    lines = e.hex()
    profile = "\nexif\n%8d\n%s\n%s\n" % (len(e), lines[:40], lines[40:])
    put("rawprofile3.png", png(rgb, 2, 8, before=chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(profile.encode()))))


def adobe(data, transform):
    """Change the colour transform in a JPEG's Adobe marker, or remove the marker."""
    i = data.index(b"\xff\xee")
    if transform is None:
        return data[:i] + data[i + 16 :]
    return data[: i + 15] + bytes([transform]) + data[i + 16 :]


def jpegs():
    for w, h in ((64, 48), (37, 29), (1, 1), (2, 2), (3, 5), (5, 3), (17, 33)):
        im = Image.fromarray(photo(w, h))
        for s in (0, 1, 2):
            save(f"s{s}-{w}x{h}.jpg", im, format="JPEG", quality=92, subsampling=s)
    im = Image.fromarray(photo(64, 48))
    save("progressive.jpg", im, format="JPEG", quality=90, progressive=True)
    save("gray.jpg", im.convert("L"), format="JPEG", quality=90)
    save("grayprogressive.jpg", im.convert("L"), format="JPEG", quality=90, progressive=True)
    save("rgb.jpg", im, format="JPEG", quality=90, keep_rgb=True)
    save("restart.jpg", im, format="JPEG", quality=90, restart_marker_blocks=2)
    save("optimized.jpg", im, format="JPEG", quality=50, optimize=True)
    b = io.BytesIO()
    Image.fromarray(photo(40, 30, 4), "CMYK").save(b, "JPEG", quality=95)
    put("cmyk.jpg", b.getvalue())
    put("cmykplain.jpg", adobe(b.getvalue(), None))
    put("ycck.jpg", adobe(b.getvalue(), 2))
    small = Image.fromarray(photo())
    for o in range(0, 10):
        e = exif(o, "<>"[o % 2], 3 if o < 5 else 4)
        save(f"exif{o}.jpg", small, format="JPEG", quality=95, subsampling=0, exif=b"Exif\0\0" + e)
    save("xmp7.jpg", small, format="JPEG", quality=95, subsampling=0, xmp=xmp(7))
    save("exif6xmp8.jpg", small, format="JPEG", quality=95, subsampling=0, exif=b"Exif\0\0" + exif(6), xmp=xmp(8))
    data = save("plain.jpg", small, format="JPEG", quality=95, subsampling=0)
    put("noend.jpg", data[:-2])
    put("trailing.jpg", data + b"\0garbage" * 5)


def gifs():
    small = Image.fromarray(photo())
    p = small.quantize(32)
    save("plain.gif", p, format="GIF")
    save("progressive.gif", p, format="GIF", interlace=1)
    save("straight.gif", p, format="GIF", interlace=0)
    save("key.gif", p, format="GIF", transparency=3)
    save("gray.gif", small.convert("L"), format="GIF")
    save("graykey.gif", small.convert("L"), format="GIF", transparency=77)
    data = save("animated.gif", p, format="GIF", save_all=True, append_images=[p.transpose(0)], duration=50)
    one = b""
    b = io.BytesIO()
    p.save(b, "GIF", interlace=0)
    one = b.getvalue()
    i = one.index(b",", 13 + (3 << (one[10] & 7) + 1))
    moved = one[: i + 1] + struct.pack("<HH", 4, 3) + one[i + 5 :]
    put("offset.gif", moved[:6] + struct.pack("<HH", W + 9, H + 8) + moved[10:])
    put("outside.gif", moved)
    gce = b"!\xf9\4\1\0\0\5\0"
    put("offsetkey.gif", moved[:6] + struct.pack("<HH", W + 9, H + 8) + moved[10:i] + gce + moved[i:])
    pal = one[13 : 13 + (3 << (one[10] & 7) + 1)]
    n = len(pal)
    put("local.gif", one[:10] + bytes([one[10] & 0x70]) + one[11:13] + one[13 + n : i + 9] + bytes([one[i + 9] | 0x80 | (one[10] & 7)]) + pal + one[i + 10 :])
    put("nopalette.gif", one[:10] + bytes([one[10] & 0x70]) + one[11:13] + one[13 + n :])


def webps():
    for w, h in ((W, H), (64, 48), (1, 1), (2, 3), (3, 2), (33, 18)):
        im = Image.fromarray(photo(w, h))
        save(f"lossy{w}x{h}.webp", im, format="WEBP", quality=85)
        save(f"lossless{w}x{h}.webp", im, format="WEBP", lossless=True)
    rgba = Image.fromarray(photo(channels=4, style="photo"), "RGBA")
    save("lossyalpha.webp", rgba, format="WEBP", quality=85)
    save("losslessalpha.webp", rgba, format="WEBP", lossless=True, exact=True)
    save("exif6.webp", Image.fromarray(photo()), format="WEBP", quality=85, exif=b"Exif\0\0" + exif(6))
    save("exif5raw.webp", Image.fromarray(photo()), format="WEBP", quality=85, exif=exif(5, ">"))
    save("xmp8.webp", Image.fromarray(photo()), format="WEBP", quality=85, xmp=xmp(8))
    frames = [Image.fromarray(photo()), Image.fromarray(photo()[::-1].copy())]
    save("animated.webp", frames[0], format="WEBP", save_all=True, append_images=frames[1:], duration=50, quality=85)
    save("animatedlossless.webp", frames[0], format="WEBP", save_all=True, append_images=frames[1:], duration=50, lossless=True)


def bmp(bits, rows, w, h, compression=0, masks=b"", palette=b"", header=40):
    if header == 12:
        info = struct.pack("<IHHHH", 12, w, h, 1, bits)
    else:
        info = struct.pack("<IiiHHIIiiII", 40, w, h, 1, bits, compression, len(rows), 2835, 2835, len(palette) // 4, 0)
    offset = 14 + len(info) + len(masks) + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(rows), 0, 0, offset) + info + masks + palette + rows


def bmps():
    small = Image.fromarray(photo())
    save("rgb.bmp", small, format="BMP")
    save("gray.bmp", small.convert("L"), format="BMP")
    save("palette.bmp", small.quantize(200), format="BMP")
    save("bilevel.bmp", small.convert("1"), format="BMP")
    save("rgba.bmp", Image.fromarray(photo(channels=4), "RGBA"), format="BMP")
    n16 = pixels(W, H, 2, "noise")
    rows = b"".join(r.tobytes() + b"\0" * (-2 * W % 4) for r in n16)
    put("rgb555.bmp", bmp(16, rows, W, H))
    put("rgb565.bmp", bmp(16, rows, W, H, 3, struct.pack("<III", 0xF800, 0x7E0, 0x1F)))
    put("topdown.bmp", bmp(16, rows, W, -H))
    n32 = pixels(W, H, 4, "noise").tobytes()
    put("rgb32.bmp", bmp(32, n32, W, H))
    put("bitfields32.bmp", bmp(32, n32, W, H, 3, struct.pack("<III", 0xFF000000, 0xFF0000, 0xFF00)))
    pal = b"".join(bytes(c) + b"\0" for c in pixels(16, 1, 3, "noise", 9).reshape(-1, 3))
    n4 = pixels((W + 1) // 2, H, 1, "noise")
    rows = b"".join(r.tobytes() + b"\0" * (-len(r.tobytes()) % 4) for r in n4)
    put("palette4.bmp", bmp(4, rows, W, H, palette=pal))
    os2 = b"".join(bytes(c) for c in pixels(16, 1, 3, "noise", 9).reshape(-1, 3))
    put("os2.bmp", bmp(4, rows, W, H, palette=os2, header=12))
    put("gap.bmp", (lambda d: d[:10] + struct.pack("<I", struct.unpack("<I", d[10:14])[0] + 6) + d[14:-len(rows)] + b"xxxxxx" + d[-len(rows):])(bmp(4, rows, W, H, palette=pal)))
    code = b""
    for y in range(H):
        code += bytes([5, y % 16, 0, 7]) + bytes((y + i) % 16 for i in range(7)) + b"\0" + bytes([W - 12, 3]) + b"\0\0"
    put("rle8.bmp", bmp(8, code + b"\0\1", W, H, 1, palette=pal))
    code = b""
    for y in range(H):
        code += bytes([9, 16 * (y % 16) + 5, 0, 7]) + bytes(n4[y, :4, 0]) + bytes([W - 16, 0x3A]) + b"\0\0"
    put("rle4.bmp", bmp(4, code + b"\0\1", W, H, 2, palette=pal))


def tiffs():
    small = Image.fromarray(photo())
    for c in (None, "tiff_lzw", "tiff_adobe_deflate", "packbits"):
        save(f"rgb-{c}.tif", small, format="TIFF", compression=c)
    save("gray.tif", small.convert("L"), format="TIFF")
    save("bilevel.tif", small.convert("1"), format="TIFF")
    save("group4.tif", small.convert("1"), format="TIFF", compression="group4")
    save("palette.tif", small.quantize(100), format="TIFF")
    save("rgba.tif", Image.fromarray(photo(channels=4), "RGBA"), format="TIFF")
    save("gray16.tif", Image.fromarray(pixels(W, H, 1, "noise")[:, :, 0].astype(np.uint16) * 3), format="TIFF")
    save("cmyk.tif", Image.fromarray(photo(channels=4), "CMYK"), format="TIFF")
    for o in range(2, 9):
        save(f"exif{o}.tif", small, format="TIFF", tiffinfo={274: o}, compression="tiff_lzw")


def heifs():
    for w, h in ((64, 64), (70, 50), (150, 90), (37, 29)):
        im = Image.fromarray(photo(w, h))
        for chroma in (420, 444):
            save(f"c{chroma}-{w}x{h}.heic", im, format="HEIF", quality=90, chroma=chroma)
    for w, h in ((70, 50), (37, 29)):
        save(f"c444rgb-{w}x{h}.heic", Image.fromarray(photo(w, h)), format="HEIF", quality=90, chroma=444, matrix_coefficients=0, full_range_flag=1)
    save("c444bt709.heic", Image.fromarray(photo(70, 50)), format="HEIF", quality=90, chroma=444, matrix_coefficients=1, full_range_flag=1)
    save("c444video.heic", Image.fromarray(photo(70, 50)), format="HEIF", quality=90, chroma=444, matrix_coefficients=6, full_range_flag=0)
    save("gray.heic", Image.fromarray(photo(70, 50)).convert("L"), format="HEIF", quality=90)
    save("alpha.heic", Image.fromarray(photo(70, 50, 4), "RGBA"), format="HEIF", quality=90)
    for o in (1, 2, 3, 6, 7):
        save(f"exif{o}.heic", Image.fromarray(photo(70, 50)), format="HEIF", quality=90, exif=b"Exif\0\0" + exif(o))
    for w, h in ((64, 64), (37, 29)):
        for s in ("4:2:0", "4:4:4"):
            save(f"c{s.replace(':', '')}-{w}x{h}.avif", Image.fromarray(photo(w, h)), format="AVIF", quality=90, subsampling=s)
    save("alpha.avif", Image.fromarray(photo(40, 30, 4), "RGBA"), format="AVIF", quality=90)
    for o in range(1, 9):
        save(f"exif{o}.avif", Image.fromarray(photo(40, 30)), format="AVIF", quality=90, exif=b"Exif\0\0" + exif(o))


for make in (pngs, jpegs, gifs, webps, bmps, tiffs, heifs):
    make()
with open(os.path.join(OUT, "..", "pictures.json"), "w") as f:
    f.write("[\n" + ",\n".join(json.dumps(r) for r in records) + "\n]\n")
