import { api, Failure, type Hit, type Query } from './api'

/** What can be stepped through in the viewer. */
export interface Sequence {
  readonly total: number
  at(i: number): Hit | undefined
  want(from: number, to: number): void
}

/** sequence makes one of what is all there. */
export const sequence = (hits: Hit[]): Sequence => ({ total: hits.length, at: (i) => hits[i], want: () => {} })

export const pageSize = 100

/**
 * Results are the answer to one query, page by page as they are looked at. A listing knows its length from the first page on, so that any part of
 * it can be looked at; of a ranking there is always one more page, until the last has come.
 */
export class Results implements Sequence {
  total = $state(0)
  cut = $state(false) // what came after was too far from the query
  more = $state(false)
  failure = $state.raw<Failure | null>(null)
  #loads = $state(0) // pages that have come, for who watches
  #pages = new Map<number, Hit[]>()
  #end: number | null = null // of a listing, once its last page has come
  #coming = new Map<number, AbortController>()

  constructor(
    readonly query: Query,
    readonly ranked: boolean,
    readonly doubtful = false, // nothing fits, these are only the nearest
  ) {}

  at(i: number): Hit | undefined {
    void this.#loads
    return this.#pages.get(Math.floor(i / pageSize))?.[i % pageSize]
  }

  /** want sees to it that some hits come. What else was on its way, and is not near to them, is given up. */
  want(from: number, to: number) {
    const [first, last] = [Math.floor(Math.max(0, from) / pageSize), Math.floor(Math.min(to, this.total - 1) / pageSize)]
    for (const [page, coming] of this.#coming) if (page < first - 1 || page > last + 1) {
        coming.abort()
        this.#coming.delete(page)
      }
    for (let page = first; page <= last; page++) if (!this.#pages.has(page) && !this.#coming.has(page)) void this.load(page)
  }

  /** load gets a page; its failures are kept for the page to show. */
  async load(page: number): Promise<void> {
    const control = new AbortController()
    this.#coming.set(page, control)
    try {
      const a = await api.search(this.query, pageSize, page * pageSize, control.signal)
      if (control.signal.aborted) return
      this.#pages.set(page, a.data)
      const end = page * pageSize + a.data.length
      if (this.ranked) {
        this.total = a.more ? Math.min(a.files, end + pageSize) : end
        this.more = a.more
      } else {
        if (!a.more) this.#end = end
        this.total = this.#end ?? Math.max(a.files, end)
      }
      this.cut = a.cut
      this.failure = null
      this.#loads++
    } catch (e) {
      if (!control.signal.aborted) this.failure = e instanceof Failure ? e : new Failure(-1, null, String(e))
    } finally {
      if (this.#coming.get(page) === control) this.#coming.delete(page)
    }
  }

  /** retry asks again for what did not come. */
  retry() {
    this.failure = null
    this.#loads++
  }

  stop() {
    for (const c of this.#coming.values()) c.abort()
  }
}
