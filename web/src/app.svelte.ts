// The state of the page, and what changes it.
import { api, Failure, thumbnail, type Hit, type Job, type Library } from './api'
import { lists } from './query'
import { Results, sequence, type Sequence } from './results.svelte'
import { name, settings, t } from './settings.svelte'

/** An Example is a picture, a sound or an item to search by. */
export interface Example {
  kind: 'image' | 'audio' | 'item'
  label: string
  picture?: string
  data?: string // as a data: address
  id?: number
}

export type View = 'search' | 'duplicates' | 'bursts'
export type Panel = 'library' | 'help' | null

class App {
  text = $state('')
  examples = $state.raw<Example[]>([])
  view = $state<View>('search')
  panel = $state<Panel>(null)
  results = $state.raw<Results | null>(null)
  busy = $state(false)
  problem = $state<string | null>(null) // with the query
  viewing = $state.raw<{ in: Sequence; at: number } | null>(null)
  library = $state.raw<Library | null>(null)
  missing = $state(false) // the server has no library
  job = $state.raw<Job | null>(null)
  stale = $state(false) // the library has changed since the results came
  offline = $state(false)
  returns = $state(0) // how often the server has come back: what could not be loaded then is loaded again
  locked = $state(false) // the server wants a token
  toasts = $state<{ id: number; text: string; bad: boolean }[]>([])
  dropped = $state.raw<File[]>([]) // waiting for a choice
  #next: Results | null = null
  #toast = 0

  /** Whether files are listed, none being better than another. */
  readonly listing = $derived(this.results !== null && !this.results.ranked)

  say(text: string, bad = false) {
    const id = ++this.#toast
    this.toasts.push({ id, text, bad })
    setTimeout(() => (this.toasts = this.toasts.filter((x) => x.id !== id)), bad ? 8000 : 4000)
  }

  /** fail tells what went wrong, where it stops everything by what it stops. */
  fail(e: unknown) {
    if (e instanceof Failure && e.status === 401) this.locked = true
    else if (e instanceof Failure && e.status === 0) this.offline = true
    else this.say(`${t().error}: ${e instanceof Error ? e.message : String(e)}`, true)
  }

  /** answered is when the server has answered. */
  answered() {
    if (this.offline) this.returns++
    this.offline = false
  }

  /** search asks for what the text and the examples say; what is shown stays until the answer comes. */
  async search(strictness = settings.strictness): Promise<void> {
    const query = {
      q: this.text.trim(),
      like: this.examples.flatMap((e) => e.data ?? []),
      ids: this.examples.flatMap((e) => e.id ?? []),
      strictness,
    }
    this.#next?.stop()
    const ranked = !lists(query.q) || this.examples.length > 0
    let next = (this.#next = new Results(query, ranked))
    this.busy = true
    await next.load(0)
    if (next === this.#next && !next.failure && next.total === 0 && next.cut && strictness > 0) {
      next = this.#next = new Results({ ...query, strictness: 0 }, ranked, true)
      await next.load(0)
    }
    if (next !== this.#next) return
    this.busy = false
    const f = next.failure
    this.problem = f?.status === 400 ? f.message.replace(/^library: /, '') : null
    if (f?.status === 404) this.missing = true
    else if (f && !this.problem) this.fail(f)
    if (f) return
    this.results = next
    this.stale = this.missing = false
    this.answered()
  }

  /** find starts a search that the history keeps. */
  find(text = this.text, examples = this.examples, view: View = 'search') {
    this.text = text
    this.examples = examples
    this.view = view
    this.viewing = null
    this.#go(history.state?.typing !== true)
    if (view === 'search') void this.search()
  }

  /** refine searches while the text is being typed, which is one step in the history. */
  refine() {
    this.view = 'search'
    this.#go(history.state?.typing !== true, true)
    void this.search()
  }

  similar(hit: Hit) {
    const picture = hit.kind === 'audio' ? {} : { picture: thumbnail(hit, 96, hit.start) }
    this.find('', [{ kind: 'item', id: hit.id, label: name(hit.path), ...picture }])
  }

  show(at: number, sequence: Sequence = this.results!) {
    const first = this.viewing === null
    this.viewing = { in: sequence, at }
    sequence.want(at - 1, at + 1)
    this.#go(first)
  }

  step(by: number) {
    const v = this.viewing
    if (v && v.at + by >= 0 && v.at + by < v.in.total) this.show(v.at + by, v.in)
  }

  closeViewer() {
    if (history.state?.viewing) history.back()
    else {
      this.viewing = null
      this.#go(false)
    }
  }

  /** #go writes the state into the address. */
  #go(push: boolean, typing = false) {
    const p = new URLSearchParams()
    if (this.text.trim()) p.set('q', this.text.trim())
    for (const e of this.examples) if (e.id) p.append('like', String(e.id))
    if (this.view !== 'search') p.set('view', this.view)
    const hit = this.viewing?.in.at(this.viewing.at)
    if (hit) p.set('item', String(hit.id))
    const address = p.size > 0 ? `?${p}` : location.pathname
    const state = { typing, viewing: this.viewing !== null && (push || history.state?.viewing === true) }
    if (push) history.pushState(state, '', address)
    else history.replaceState(state, '', address)
  }

  /** come reads the state from the address: at the start, and when somebody goes back or forward. */
  async come(): Promise<void> {
    const p = new URLSearchParams(location.search)
    const [q, ids] = [p.get('q') ?? '', p.getAll('like').map(Number).filter(Boolean)]
    const view = (['duplicates', 'bursts'] as const).find((v) => v === p.get('view')) ?? 'search'
    const item = Number(p.get('item') ?? 0)
    const media = this.examples.filter((e) => !e.id)
    const same = q === this.text.trim() && ids.join() === this.examples.flatMap((e) => e.id ?? []).join() && this.results !== null
    this.text = q
    this.view = view
    if (!item) this.viewing = null
    if (!same) {
      this.examples = [...(this.results ? [] : media), ...(await Promise.all(ids.map((id) => this.#example(id))))]
      await this.search()
    }
    if (item && this.viewing?.in.at(this.viewing.at)?.id !== item) {
      const it = await api.item(item, settings.language).catch(() => null)
      if (it) this.viewing = { in: sequence([it]), at: 0 }
    }
  }

  async #example(id: number): Promise<Example> {
    const it = await api.item(id, settings.language).catch(() => null)
    const picture = it && it.kind !== 'audio' ? { picture: thumbnail(it, 96) } : {}
    return { kind: 'item', id, label: it ? name(it.path) : String(id), ...picture }
  }

  async look(): Promise<void> {
    try {
      this.library = await api.library()
      this.missing = false
    } catch (e) {
      if (e instanceof Failure && e.status === 404) this.missing = true
      else this.fail(e)
    }
  }

  async index(retry = false) {
    try {
      this.job = await api.startJob(retry)
    } catch (e) {
      this.fail(e)
    }
  }

  async stopIndexing() {
    if (this.job) await api.stopJob(this.job.id).catch((e) => this.fail(e))
  }
}

export const app = new App()
