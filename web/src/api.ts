// The server's routes, typed as its OpenAPI document describes them.

export type Kind = 'image' | 'video' | 'audio'

export interface Moment {
  start: number
  end: number
  score: number
}

export interface Hit {
  id: number
  path: string
  kind: Kind
  score?: number
  start?: number
  end?: number
  moments?: Moment[]
  width?: number
  height?: number
  duration?: number
  taken?: string
  version?: string
  probability?: number
}

export interface Answer {
  data: Hit[]
  more: boolean
  cut: boolean
  files: number
}

export interface Item extends Hit {
  root: string
  size: number
  modified: string
  camera?: string
  place?: string
  lat?: number
  lon?: number
  tags?: string[]
  caption?: string
  error?: string
  words?: { word: string; probability: number }[]
}

export interface Group {
  exact: boolean
  keep: Item
  same: Item[]
}

export interface Job {
  id: number
  state: 'running' | 'done' | 'failed' | 'stopped'
  found: number
  walking: boolean
  done: number
  failed: number
  path?: string
  rate: number
  left: number
  error?: string
}

export interface Library {
  dir: string
  roots: { path: string; files: number; missing?: boolean }[]
  files: Partial<Record<Kind, number>>
  failed: number
  vectors: number
  spaces: { name: string; model: string; dimension: number; state: string; files: number }[]
  bytes: number
  read_only: boolean
  model: string
  watching?: boolean
}

export interface Facet {
  value: string | number
  files: number
}

export type Facets = Partial<Record<'years' | 'cameras' | 'places' | 'folders' | 'tags' | 'words', Facet[]>>

export interface Uploaded {
  data: { name: string; path?: string; size?: number; error?: string }[]
}

/** What a search is: the text, and pictures, sounds and items to be near to. */
export interface Query {
  q: string
  like: string[]
  ids: number[]
  strictness: number
}

/** A Failure is an answer that says what is wrong. Status 0: there was no answer. */
export class Failure extends Error {
  constructor(
    readonly status: number,
    readonly code: string | null,
    message: string,
  ) {
    super(message)
  }
}

async function ask<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  let answer: Response
  try {
    answer = await fetch(path, {
      method,
      signal: signal ?? null,
      headers: body === undefined ? {} : { 'Content-Type': 'application/json' },
      body: body === undefined ? null : JSON.stringify(body),
    })
  } catch (e) {
    if (signal?.aborted) throw e
    throw new Failure(0, null, String(e))
  }
  if (!answer.ok) throw await failure(answer)
  return answer.status === 204 ? (undefined as T) : ((await answer.json()) as T)
}

async function failure(answer: Response): Promise<Failure> {
  const body: unknown = await answer.json().catch(() => null)
  const e = (body as { error?: { message?: string; code?: string } } | null)?.error
  return new Failure(answer.status, e?.code ?? null, e?.message ?? answer.statusText)
}

const list = <T>(path: string, signal?: AbortSignal) => ask<{ data: T[] }>('GET', path, undefined, signal).then((a) => a.data)

/** Media of an item, which elements load by themselves. */
export const original = (of: Pick<Hit, 'id' | 'version'>) => `/v1/items/${of.id}/original${of.version ? `?v=${of.version}` : ''}`

export function thumbnail(of: Pick<Hit, 'id' | 'version'>, size: number, at?: number): string {
  const p = new URLSearchParams({ size: String(size) })
  if (at !== undefined) p.set('at', at.toFixed(2))
  if (of.version) p.set('v', of.version)
  return `/v1/items/${of.id}/thumbnail?${p}`
}

export const api = {
  health: () => ask<unknown>('GET', '/health'),
  session: (token: string) => ask<void>('POST', '/v1/session', { token }),
  library: () => ask<Library>('GET', '/v1/library'),
  errors: () => list<{ path: string; error: string }>('/v1/errors'),
  item: (id: number, lang: string) => ask<Item>('GET', `/v1/items/${id}?lang=${lang}`),
  tag: (id: number, tag: string, add: boolean) => ask<Item>(add ? 'PUT' : 'DELETE', `/v1/items/${id}/tags/${encodeURIComponent(tag)}`),
  tags: (prefix: string) => list<{ tag: string; files: number }>(`/v1/tags?limit=20&prefix=${encodeURIComponent(prefix)}`),
  facets: (q: string, lang: string) => ask<Facets>('GET', `/v1/facets?lang=${lang}&q=${encodeURIComponent(q)}`),
  duplicates: (least: number, signal: AbortSignal) => list<Group>(`/v1/duplicates?least=${least}`, signal),
  bursts: (signal: AbortSignal) => list<Group>('/v1/bursts', signal),
  startJob: (retry: boolean) => ask<Job>('POST', '/v1/jobs', { retry }),
  stopJob: (id: number) => ask<Job>('DELETE', `/v1/jobs/${id}`),

  search(query: Query, limit: number, offset: number, signal: AbortSignal): Promise<Answer> {
    const { q, like, ids, strictness } = query
    if (like.length + ids.length > 0) return ask('POST', '/v1/search', { q, like, ids, limit, offset, strictness }, signal)
    const p = new URLSearchParams({ q, limit: String(limit), offset: String(offset), strictness: String(strictness) })
    return ask('GET', `/v1/search?${p}`, undefined, signal)
  },

  /** upload sends files; progress is told from 0 to 1, which fetch cannot. */
  upload(files: File[], progress: (part: number) => void): Promise<Uploaded> {
    const form = new FormData()
    for (const f of files) form.append('file', f, f.name)
    return new Promise((resolve, reject) => {
      const r = new XMLHttpRequest()
      r.open('POST', '/v1/uploads')
      r.responseType = 'json'
      r.upload.onprogress = (e) => e.lengthComputable && progress(e.loaded / e.total)
      r.onload = () =>
        r.status < 300
          ? resolve(r.response as Uploaded)
          : reject(new Failure(r.status, null, (r.response as { error?: { message?: string } } | null)?.error?.message ?? r.statusText))
      r.onerror = () => reject(new Failure(0, null, 'network'))
      r.send(form)
    })
  },
}
