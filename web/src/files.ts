// Files that are dropped, pasted or chosen: to search with, or to add to the library.
import { api } from './api'
import { app, type Example } from './app.svelte'
import { t } from './settings.svelte'

const side = 1024 // pixels, more than any model looks at
const most = 20e6 // bytes

// Of formats that a browser may know no media type for, or none of this sort.
const pictures = 'jpg jpeg jpe jfif png gif webp bmp dib tif tiff heic heif avif ppm pgm pbm pnm dng cr2 nef nrw arw sr2 pef srw rw2 rwl cr3 raf orf'.split(' ')
const sounds = 'wav wave flac mp3 aif aiff aifc ogg oga opus m4a m4b aac wma amr caf w64 au snd wv ac3 mka'.split(' ')
const videos = 'mp4 m4v mkv webm mov avi mpg mpeg ts flv 3gp asf wmv'.split(' ')

/** chosen is what a file chooser offers. */
export const chosen = ['image/*', 'audio/*', 'video/*', ...[...pictures, ...sounds, ...videos].map((e) => '.' + e)].join()

const ends = (name: string | undefined, extensions: string[]) => extensions.includes((name ?? '').split('.').pop()!.toLowerCase())
const isSound = (f: Blob & { name?: string }) => f.type.startsWith('audio/') || ends(f.name, sounds)
const isPicture = (f: Blob & { name?: string }) => f.type.startsWith('image/') || ends(f.name, pictures)

/** take is what happens to files that somebody brings: one that can be searched with leaves a choice, all others are added. */
export function take(files: File[]) {
  if (files.length > 0) app.dropped = files
}

export const canSearch = (files: File[]) => files.length === 1 && (isSound(files[0]!) || isPicture(files[0]!))

/** searchWith makes an example of a file and searches by it. */
export async function searchWith(file: Blob & { name?: string }, label?: string) {
  try {
    const example = isSound(file) ? await sound(file, label) : isPicture(file) ? await picture(file, label) : null
    if (!example) return app.say(t().notMedia, true)
    app.find(app.view === 'search' ? app.text : '', [...app.examples.filter((e) => e.kind !== example.kind), example])
  } catch (e) {
    app.fail(e)
  }
}

async function sound(file: Blob & { name?: string }, label?: string): Promise<Example> {
  if (file.size > most) throw new Error(t().tooLarge)
  return { kind: 'audio', label: label ?? file.name ?? t().exampleSound, data: await address(file, 'audio/wav') }
}

/** A picture is made smaller where the browser can read it: models look at few pixels. */
async function picture(file: Blob & { name?: string }, label?: string): Promise<Example> {
  const name = label ?? file.name ?? t().examplePicture
  const bitmap = await createImageBitmap(file).catch(() => null)
  if (!bitmap) {
    if (file.size > most) throw new Error(t().tooLarge)
    return { kind: 'image', label: name, data: await address(file, 'image/jpeg') } // HEIC or RAW, say: the server reads it, whatever it is called
  }
  const scale = Math.min(1, side / Math.max(bitmap.width, bitmap.height))
  const canvas = new OffscreenCanvas(Math.max(1, Math.round(bitmap.width * scale)), Math.max(1, Math.round(bitmap.height * scale)))
  const context = canvas.getContext('2d')!
  context.imageSmoothingQuality = 'high'
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height)
  bitmap.close()
  const small = await canvas.convertToBlob({ type: 'image/png' })
  return { kind: 'image', label: name, data: await address(small, 'image/png'), picture: URL.createObjectURL(small) }
}

/** address is a file as a data: address, of the kind that is named if it names none of media. */
async function address(file: Blob, kind: string): Promise<string> {
  const text = await new Promise<string>((resolve, reject) => {
    const r = new FileReader()
    r.onload = () => resolve(r.result as string)
    r.onerror = () => reject(r.error ?? new Error('the file cannot be read'))
    r.readAsDataURL(file)
  })
  return /^data:(image|audio)\//.test(text) ? text : `data:${kind};base64,${text.slice(text.indexOf(',') + 1)}`
}

/** add uploads files to the library; progress goes from 0 to 1. */
export async function add(files: File[], progress: (part: number) => void) {
  try {
    const { data } = await api.upload(files, progress)
    const good = data.filter((d) => !d.error)
    if (good.length > 0) app.say(t().uploaded(good.length))
    for (const d of data) if (d.error) app.say(t().uploadFailed(d.name, d.error), true)
  } catch (e) {
    app.fail(e)
  }
}
