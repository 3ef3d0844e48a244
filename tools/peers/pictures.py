"""What the race reads: two JPEG files, made once; and its peers for pictures: Pillow, libjpeg-turbo, libvips, transformers."""
import io
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
SIZES = {"12mp": (4000, 3000), "vga": (640, 480)}
FILTERS = {"nearest": 0, "box": 4, "bilinear": 2, "hamming": 5, "bicubic": 3, "lanczos": 1}  # Pillow's numbers


def file(size, cache):
    """A picture like a photograph, JPEG 4:2:0 of quality 90, in the cache."""
    path = os.path.join(cache, f"photo-{size}.jpg")
    if not os.path.exists(path):
        import numpy as np
        from PIL import Image, ImageFilter
        w, h = SIZES[size]
        rng = np.random.default_rng(7)
        picture = np.zeros((h, w, 3))
        for octave in range(2, 12):  # noise of all scales, as in photographs, the finer the weaker
            side = 2 ** octave
            if side > w:
                break
            noise = rng.normal(0, 1, (max(1, side * h // w), side, 3)) * 0.4 + rng.normal(0, 1, (max(1, side * h // w), side, 1))
            planes = [Image.fromarray(noise[:, :, c].astype(np.float32)).resize((w, h), Image.BICUBIC) for c in range(3)]
            picture += np.stack([np.asarray(p) for p in planes], axis=2) * 70 / 2 ** (0.9 * octave - 1)
        yy, xx = np.mgrid[0:h, 0:w]
        for _ in range(40):  # things with edges
            x, y, r = rng.integers(0, w), rng.integers(0, h), rng.integers(w // 60, w // 8)
            picture[(xx - x) ** 2 + 2 * (yy - y) ** 2 < r * r] += rng.normal(0, 35, 3)
        im = Image.fromarray(np.clip(picture + 120 + rng.normal(0, 2, (h, w, 1)), 0, 255).astype(np.uint8)).filter(ImageFilter.GaussianBlur(0.7))
        os.makedirs(cache, exist_ok=True)
        im.save(path + ".part", "JPEG", quality=90, subsampling="4:2:0")
        os.replace(path + ".part", path)
    return path


def sample(x, step):
    return [float(v) for v in x.reshape(-1)[::step]]


def contender(job):
    """For the peer and the work that the job names: a function that does it once, one that gives a sample of the result, and a note."""
    import numpy as np
    with open(job["file"], "rb") as f:
        data = f.read()
    verb, peer = job["verb"], job["peer"]
    if verb == "decode":
        return decoder(peer, data, job)
    from PIL import Image, features
    if verb == "resize":
        im = Image.open(io.BytesIO(data)).convert("RGB")
        resize = lambda: im.resize((298, 224), FILTERS[job["filter"]])  # noqa: E731
        return resize, lambda: sample(np.asarray(resize()), 499), "Pillow"
    if peer == "libvips":
        return shrinking(data, job)
    from transformers import CLIPImageProcessorPil
    processor = CLIPImageProcessorPil()
    decoded = Image.open(io.BytesIO(data)).convert("RGB")

    def run():
        if peer == "Pillow draft":  # decodes at the smallest scale that is at least as large
            im = Image.open(io.BytesIO(data))
            im.draft("RGB", (448, 448))
        else:
            im = decoded if verb == "apply" else Image.open(io.BytesIO(data)).convert("RGB")
        return processor(im, return_tensors="np")["pixel_values"]
    return run, lambda: sample(run(), 499), f"CLIPImageProcessorPil, libjpeg-turbo {features.version_feature('libjpeg_turbo')}"


def decoder(peer, data, job):
    import numpy as np
    if peer == "Pillow":
        from PIL import Image, features
        run = lambda: Image.open(io.BytesIO(data)).convert("RGB")  # noqa: E731
        return run, lambda: sample(np.asarray(run()), 49999), f"libjpeg-turbo {features.version_feature('libjpeg_turbo')}"
    if peer == "simplejpeg":
        import simplejpeg
        run = lambda: simplejpeg.decode_jpeg(data, "RGB", fastdct=False, fastupsample=False)  # noqa: E731
        return run, lambda: sample(run(), 49999), "libjpeg-turbo in process"
    if peer == "djpeg":
        command = [shutil.which("djpeg"), "-dct", "int", "-outfile", "/dev/null", job["file"]]
        version = subprocess.run([command[0], "-version"], capture_output=True, text=True).stderr.split("\n")[0]
        return lambda: subprocess.run(command, check=True), lambda: [], version + ", a process"
    if peer == "libvips":
        os.environ["VIPS_CONCURRENCY"] = str(job["threads"])
        import pyvips
        pyvips.cache_set_max(0)
        run = lambda: pyvips.Image.new_from_buffer(data, "", access="sequential").write_to_memory()  # noqa: E731
        return run, lambda: sample(np.frombuffer(run(), np.uint8), 49999), f"libvips {pyvips.version(0)}.{pyvips.version(1)}"
    sys.exit(f"pictures.py: unknown peer {peer!r}")


def shrinking(data, job):
    """libvips' thumbnail: decodes at a smaller scale, resizes, crops the centre. Not what the reference processor computes."""
    os.environ["VIPS_CONCURRENCY"] = str(job["threads"])
    import numpy as np
    import pyvips
    pyvips.cache_set_max(0)
    mean, std = (np.array(v, np.float32).reshape(3, 1, 1) for v in ((0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)))

    def run():
        im = pyvips.Image.thumbnail_buffer(data, 224, height=224, crop="centre")
        pixels = np.frombuffer(im.write_to_memory(), np.uint8).reshape(224, 224, 3).transpose(2, 0, 1)
        return (pixels.astype(np.float32) / 255 - mean) / std
    return run, lambda: sample(run(), 499), f"libvips {pyvips.version(0)}.{pyvips.version(1)}, shrink on load"
