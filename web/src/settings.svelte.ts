// What a person chooses for this browser: language and theme. Both follow the system until something else is chosen.
import { en, type Messages } from './words.en'
import { zh } from './words.zh'

export const tables: Record<string, Messages> = { en, zh }
export const themes = ['auto', 'light', 'dark'] as const
export type Theme = (typeof themes)[number]

/** The first of the browser's languages that the page speaks. */
const spoken = () => navigator.languages.map((l) => l.slice(0, 2).toLowerCase()).find((l) => l in tables) ?? 'en'

function kept<T extends string>(name: string, allowed: readonly T[]): T | undefined {
  try {
    return allowed.find((a) => a === localStorage.getItem(name))
  } catch {
    return undefined // storage may be forbidden
  }
}

function keep(name: string, value: string) {
  try {
    localStorage.setItem(name, value)
  } catch {
    // then it is forgotten
  }
}

class Settings {
  language = $state(kept('language', Object.keys(tables)) ?? spoken())
  theme = $state<Theme>(kept('theme', themes) ?? 'auto')
  strictness = $state(0.5)

  speak(language: string) {
    this.language = language
    keep('language', language)
    this.apply()
  }

  paint(theme: Theme) {
    this.theme = theme
    keep('theme', theme)
    this.apply()
  }

  apply() {
    const root = document.documentElement
    root.lang = this.language === 'zh' ? 'zh-CN' : this.language
    root.dataset.theme = this.theme
  }
}

export const settings = new Settings()

/** The messages in the language of the moment. */
export const t = (): Messages => tables[settings.language] ?? en

const formats = () => (settings.language === 'zh' ? 'zh-CN' : 'en')

export const number = (x: number, digits = 0) => new Intl.NumberFormat(formats(), { maximumFractionDigits: digits }).format(x)

export function bytes(x: number): string {
  const units = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte']
  const i = Math.min(units.length - 1, x < 1000 ? 0 : Math.floor(Math.log10(x) / 3))
  const value = x / 1000 ** i
  return new Intl.NumberFormat(formats(), { style: 'unit', unit: units[i]!, unitDisplay: 'short', maximumFractionDigits: value < 10 && i > 0 ? 1 : 0 }).format(value)
}

export const day = (iso: string, style: 'long' | 'month' = 'long') =>
  new Intl.DateTimeFormat(formats(), style === 'month' ? { year: 'numeric', month: 'long' } : { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(iso))

/** clock writes seconds as 1:02:03. */
export function clock(seconds: number): string {
  const s = Math.max(0, Math.round(seconds))
  const [h, m, rest] = [Math.floor(s / 3600), Math.floor(s / 60) % 60, String(s % 60).padStart(2, '0')]
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${rest}` : `${m}:${rest}`
}

/** name is the last part of a path. */
export const name = (path: string) => path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)

/** folder is a path without its last part. */
export const folder = (path: string) => path.slice(0, Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\'), 0))
