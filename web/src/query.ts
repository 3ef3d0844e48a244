// The syntax of queries, as the server and the command line read it: words, "phrases", -not, 2:more and conditions such as type:image.
// The text is the one truth; the chips of the page are read off it and edit it.

export const conditionKeys = ['type', 'after', 'before', 'place', 'camera', 'path', 'tag', 'word', 'size', 'duration'] as const
export type Key = (typeof conditionKeys)[number]

export interface Token {
  start: number
  end: number
  key: string // before the colon, "" for none
  text: string
}

/** tokens cuts a query into its parts. A quote that is not closed yet goes to the end, since people are still typing. */
export function tokens(q: string): Token[] {
  const found: Token[] = []
  const pattern = /-?(?:([a-z]+|[0-9.]+):)?(?:"([^"]*)(?:"|$)|(\S+))/giu
  for (let m = pattern.exec(q); m; m = pattern.exec(q)) {
    let key = (m[1] ?? '').toLowerCase()
    let text = m[2] ?? m[3] ?? ''
    if (key && !isKey(key)) {
      text = m[0]
      key = ''
    }
    found.push({ start: m.index, end: m.index + m[0].length, key, text })
  }
  return found
}

const isKey = (key: string) => key === 'like' || /^[0-9.]+$/.test(key) || (conditionKeys as readonly string[]).includes(key)

/** conditions are the parts that a file has to fulfil. */
export const conditions = (q: string) => tokens(q).filter((t) => (conditionKeys as readonly string[]).includes(t.key))

/** lists tells whether a query only has conditions, so that files are listed, the newest first, and none is better than another. */
export const lists = (q: string) => tokens(q).length === conditions(q).length

/** value is the text of a query's first condition of a kind. */
export const value = (q: string, key: Key) => conditions(q).find((t) => t.key === key)?.text

/** without leaves parts out. */
export function without(q: string, parts: Token[]): string {
  let out = q
  for (const t of [...parts].sort((a, b) => b.start - a.start)) out = out.slice(0, t.start) + out.slice(t.end)
  return out.replace(/\s+/g, ' ').trim()
}

/** set gives a query one condition of a kind in place of those that it has; "" for none. */
export function set(q: string, key: Key, text: string): string {
  const rest = without(
    q,
    conditions(q).filter((t) => t.key === key),
  )
  return text === '' ? rest : add(rest, key, text)
}

/** add gives a query one more condition. */
export function add(q: string, key: Key, text: string): string {
  const clean = text.replaceAll('"', '')
  const part = `${key}:${/^[^\s]+$/.test(clean) ? clean : `"${clean}"`}`
  return tokens(q).some((t) => t.key === key && t.text === clean) ? q : `${q} ${part}`.trim()
}
