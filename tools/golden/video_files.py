"""Makes the videos of media/video/testdata by the program ffmpeg: their frames are as bright as 16 + 7 times their number says."""
import os
import subprocess

OUT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../media/video/testdata"))
EXACT = ["-fflags", "+bitexact", "-flags:v", "+bitexact", "-map_metadata", "-1"]


def make(source, name, *codec):
    subprocess.run(["ffmpeg", "-loglevel", "error", "-y", "-f", "lavfi", "-i", source, *codec, *EXACT, os.path.join(OUT, name)], check=True)


os.makedirs(OUT, exist_ok=True)
BRIGHT = "geq=lum='16+N*7':cb=128:cr=128"
make("nullsrc=size=32x18:rate=10:duration=3," + BRIGHT, "counting.mp4", "-c:v", "mpeg4", "-q:v", "2", "-g", "15", "-bf", "2", "-pix_fmt", "yuv420p")
make("nullsrc=size=32x18:rate=30000/1001:duration=1," + BRIGHT, "counting.webm", "-c:v", "libvpx", "-b:v", "100k", "-pix_fmt", "yuv420p")
make("sine=duration=0.2", "tone.ogg", "-c:a", "libvorbis", "-q:a", "0")
