// What the tests share: a small library that is indexed by the model inside chiasm, the server over it, and a browser.
import { execFile, spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'

export const repository = fileURLToPath(new URL('../..', import.meta.url))
const chiasm = join(repository, 'bin', 'chiasm')
const pictures = join(repository, 'accuracy')

export const run = promisify(execFile)

export const folder = async () => mkdtemp(join(tmpdir(), 'chiasm-page-'))

/** index makes a library of a folder, or brings it up to date. */
export const index = (library, ...paths) => run(chiasm, ['index', '--library', library, ...paths])

/** collect fills a folder with pictures of open licences, two sounds, a film of three scenes, a copy and a damaged file. */
export async function collect(dir) {
  for (const [from, to] of [
    ['05-chelsea.jpg', 'animals/cat.jpg'], ['00-astronaut.jpg', 'space/astronaut.jpg'], ['14-rocket.jpg', 'space/rocket.jpg'], ['11-hubble-deep-field.jpg', 'space/galaxies.jpg'],
    ['07-coffee.jpg', 'home/coffee.jpg'], ['02-brick.jpg', 'home/bricks.jpg'], ['09-grass.jpg', 'home/grass.jpg'], ['13-retina.jpg', 'home/eye.jpg'], ['05-chelsea.jpg', 'copies/the same cat.jpg'],
  ]) await cp(join(pictures, from), join(dir, to))
  await cp(join(repository, 'examples/pictures/sunset.png'), join(dir, 'home/sunset.png'))
  await cp(join(repository, 'model/vad/testdata/voice.wav'), join(dir, 'sounds/voice.wav'))
  await writeFile(join(dir, 'sounds/beeps.wav'), beeps(6))
  await writeFile(join(dir, 'copies/damaged.jpg'), Buffer.from([0xff, 0xd8, 0xff, 0xe0, 0, 16, 74, 70, 73, 70, 0, 1]))
  await mkdir(join(dir, 'films'), { recursive: true })
  const scenes = ['14-rocket.jpg', '07-coffee.jpg', '05-chelsea.jpg']
  const scaled = scenes.map((_, i) => `[${i}]scale=320:240:force_original_aspect_ratio=increase,crop=320:240,setsar=1[s${i}]`).join(';')
  await run('ffmpeg', [
    '-v', 'error', ...scenes.flatMap((s) => ['-loop', '1', '-t', '4', '-r', '10', '-i', join(pictures, s)]), '-f', 'lavfi', '-i', 'sine=f=330:d=12',
    '-filter_complex', `${scaled};[s0][s1][s2]concat=n=3[v]`, '-map', '[v]', '-map', '3', '-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '200k', '-c:a', 'libopus',
    join(dir, 'films/three scenes.webm'),
  ])
}

/** beeps is a sound as a WAV file: short tones, some seconds of them. */
function beeps(seconds, rate = 16000) {
  const n = seconds * rate
  const b = Buffer.alloc(44 + 2 * n)
  b.write('RIFF', 0), b.writeUInt32LE(36 + 2 * n, 4), b.write('WAVEfmt ', 8), b.writeUInt32LE(16, 16), b.writeUInt16LE(1, 20), b.writeUInt16LE(1, 22)
  b.writeUInt32LE(rate, 24), b.writeUInt32LE(2 * rate, 28), b.writeUInt16LE(2, 32), b.writeUInt16LE(16, 34), b.write('data', 36), b.writeUInt32LE(2 * n, 40)
  for (let i = 0; i < n; i++) b.writeInt16LE((i / rate) % 0.5 < 0.2 ? Math.round(12000 * Math.sin((2 * Math.PI * 880 * i) / rate)) : 0, 44 + 2 * i)
  return b
}

async function freePort() {
  const s = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => s.once('listening', resolve))
  const { port } = s.address()
  await new Promise((resolve) => s.close(resolve))
  return port
}

/** serve starts the server and waits until it answers. */
export async function serve(library, { port, flags = [] } = {}) {
  port ??= await freePort()
  const url = `http://127.0.0.1:${port}`
  const child = spawn(chiasm, ['serve', '--library', library, '--addr', `127.0.0.1:${port}`, '--log', 'off', ...flags], { stdio: ['ignore', 'ignore', 'pipe'] })
  let said = ''
  child.stderr.on('data', (d) => (said += d))
  const ended = new Promise((resolve) => child.once('exit', resolve))
  for (let i = 0; ; i++) {
    if (child.exitCode !== null || i > 600) throw new Error(`the server does not start: ${said}`)
    if (await fetch(`${url}/health`).then((r) => r.ok, () => false)) break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { url, port, said: () => said, stop: () => (child.kill('SIGTERM'), ended) }
}

export const launch = () =>
  chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync',
      '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream', '--autoplay-policy=no-user-gesture-required',
    ],
  })

/** visit opens a page in a profile of its own. What it complains of, and what it asks of others, is kept in page.wrong. */
export async function visit(browser, url, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1200, height: 800 }, locale: 'en-GB', permissions: ['microphone'], reducedMotion: 'reduce', ...options })
  const page = await context.newPage()
  page.wrong = []
  page.on('console', (m) => m.type() === 'error' && !/status of (400|401|404)|ERR_CONNECTION_(REFUSED|RESET)|ERR_INCOMPLETE_CHUNKED/.test(m.text()) && page.wrong.push(m.text()))
  page.on('pageerror', (e) => page.wrong.push(e.message))
  page.on('request', (r) => !r.url().startsWith(new URL(url).origin) && !r.url().startsWith('blob:') && page.wrong.push(`asks for ${r.url()}`))
  page.setDefaultTimeout(60_000)
  await page.goto(url)
  return page
}

export const forget = (dir) => rm(dir, { recursive: true, force: true, maxRetries: 5 })
