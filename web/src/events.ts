// What the server tells by itself: how far indexing is, and that the library has changed.
import { api, Failure, type Job } from './api'
import { app } from './app.svelte'

let source: EventSource | null = null
let reading: ReturnType<typeof setTimeout> | undefined
const patience = 2000 // ms that the events may be broken off before the server is asked whether it is there

/** listen follows the server's events; the browser connects again where the connection breaks. */
export function listen() {
  source?.close()
  const now = (source = new EventSource('/v1/events'))
  let held: string | null = null // numbers of files by kind: tags that change are no new files
  source.addEventListener('job', (e: MessageEvent<string>) => (app.job = JSON.parse(e.data) as Job))
  source.addEventListener('library', (e: MessageEvent<string>) => {
    const now = JSON.stringify((JSON.parse(e.data) as { files: Record<string, number> }).files)
    if (held !== null && now !== held) app.stale = true
    held = now
    clearTimeout(reading)
    reading = setTimeout(() => void app.look(), 300)
  })
  source.onopen = () => app.offline && void reconnect()
  source.onerror = () =>
    setTimeout(() => {
      if (now === source && now.readyState !== EventSource.OPEN) api.health().catch((e) => e instanceof Failure && e.status === 0 && app.fail(e))
    }, patience)
}

/** A server that has gone is asked for until it is back; then everything goes on. */
export async function reconnect(): Promise<boolean> {
  try {
    await api.health()
  } catch {
    return false
  }
  app.answered()
  listen()
  await app.look()
  if (!app.results) await app.come()
  else app.results.retry()
  return true
}
