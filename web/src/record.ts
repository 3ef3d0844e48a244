// Recording of the microphone, as a WAV file, which the server reads without help.

export const longest = 15 // seconds
const rate = 48000

/** A Recording goes on until stop, or for longest seconds. */
export class Recording {
  readonly done: Promise<Blob>
  #recorder: MediaRecorder

  private constructor(stream: MediaStream) {
    this.#recorder = new MediaRecorder(stream)
    const parts: Blob[] = []
    this.#recorder.ondataavailable = (e) => parts.push(e.data)
    this.done = new Promise((resolve, reject) => {
      this.#recorder.onstop = () => {
        for (const track of stream.getTracks()) track.stop()
        toWave(new Blob(parts)).then(resolve, reject)
      }
    })
    this.#recorder.start()
    setTimeout(() => this.stop(), longest * 1000)
  }

  static async start(): Promise<Recording> {
    return new Recording(await navigator.mediaDevices.getUserMedia({ audio: true }))
  }

  stop() {
    if (this.#recorder.state === 'recording') this.#recorder.stop()
  }
}

/** toWave decodes what the browser recorded, in whatever format it likes, into 16-bit mono. */
async function toWave(recorded: Blob): Promise<Blob> {
  const context = new OfflineAudioContext(1, 1, rate)
  const sound = await context.decodeAudioData(await recorded.arrayBuffer())
  const [left, right] = [sound.getChannelData(0), sound.getChannelData(sound.numberOfChannels - 1)]
  const out = new DataView(new ArrayBuffer(44 + 2 * left.length))
  const text = (at: number, s: string) => [...s].forEach((c, i) => out.setUint8(at + i, c.charCodeAt(0)))
  text(0, 'RIFF')
  out.setUint32(4, 36 + 2 * left.length, true)
  text(8, 'WAVEfmt ')
  out.setUint32(16, 16, true)
  out.setUint16(20, 1, true) // PCM
  out.setUint16(22, 1, true) // one channel
  out.setUint32(24, rate, true)
  out.setUint32(28, 2 * rate, true)
  out.setUint16(32, 2, true)
  out.setUint16(34, 16, true)
  text(36, 'data')
  out.setUint32(40, 2 * left.length, true)
  left.forEach((l, i) => out.setInt16(44 + 2 * i, Math.max(-1, Math.min(1, (l + right[i]!) / 2)) * 32767, true))
  return new Blob([out.buffer], { type: 'audio/wav' })
}
