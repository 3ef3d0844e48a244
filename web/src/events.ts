// What the server tells by itself: how far indexing is, and that the library has changed.
import { api, type Job } from './api'
import { app } from './app.svelte'

let source: EventSource | null = null
let reading: ReturnType<typeof setTimeout> | undefined

/** listen follows the server's events; the browser connects again where the connection breaks. */
export function listen() {
  source?.close()
  source = new EventSource('/v1/events')
  let held: string | null = null // numbers of files by kind: tags that change are no new files
  source.addEventListener('job', (e: MessageEvent<string>) => (app.job = JSON.parse(e.data) as Job))
  source.addEventListener('library', (e: MessageEvent<string>) => {
    const now = JSON.stringify((JSON.parse(e.data) as { files: Record<string, number> }).files)
    if (held !== null && now !== held) app.stale = true
    held = now
    clearTimeout(reading)
    reading = setTimeout(() => void app.look(), 300)
  })
  source.onopen = () => (app.offline = false)
}

/** A server that has gone is asked for until it is back; then everything goes on. */
export async function reconnect(): Promise<boolean> {
  try {
    await api.health()
  } catch {
    return false
  }
  app.offline = false
  listen()
  await app.look()
  if (!app.results) await app.come()
  else app.results.retry()
  return true
}
