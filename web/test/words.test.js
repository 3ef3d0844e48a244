// Parts of the page without a browser: its tables of words, and its reading of queries.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { createServer } from 'vite'

let vite

before(async () => {
  vite = await createServer({ root: fileURLToPath(new URL('..', import.meta.url)), configFile: false, server: { middlewareMode: true, watch: null }, appType: 'custom', logLevel: 'error', optimizeDeps: { noDiscovery: true } })
})
after(() => vite.close())

test('every language says everything', async () => {
  const { en } = await vite.ssrLoadModule('/src/words.en.ts')
  const { zh } = await vite.ssrLoadModule('/src/words.zh.ts')
  assert.deepEqual(Object.keys(zh), Object.keys(en))
  for (const key of Object.keys(en)) {
    assert.equal(typeof zh[key], typeof en[key], key)
    if (typeof en[key] === 'function') assert.equal(zh[key].length, en[key].length, key)
    else assert.ok(zh[key].trim() && en[key].trim(), key)
  }
})

test('every word of the tables is used', async () => {
  const { en } = await vite.ssrLoadModule('/src/words.en.ts')
  const { readdir, readFile } = await import('node:fs/promises')
  const src = fileURLToPath(new URL('../src', import.meta.url))
  const files = (await readdir(src)).filter((f) => !f.startsWith('words.'))
  const text = (await Promise.all(files.map((f) => readFile(`${src}/${f}`, 'utf8')))).join('\n')
  assert.deepEqual(Object.keys(en).filter((key) => !new RegExp(`\\b(t\\(\\)|tables\\[.*\\]!)\\.${key}\\b`).test(text)), [])
})

test('queries are read and edited', async () => {
  const q = await vite.ssrLoadModule('/src/query.ts')
  const read = (s) => q.tokens(s).map((t) => [t.key, t.text])
  assert.deepEqual(read('a dog type:image tag:"old dog" -people 2:sunset "red bicycle"'), [
    ['', 'a'], ['', 'dog'], ['type', 'image'], ['tag', 'old dog'], ['', 'people'], ['2', 'sunset'], ['', 'red bicycle'],
  ])
  assert.deepEqual(read('12:30 http://x tag:"open'), [['12', '30'], ['', 'http://x'], ['tag', 'open']])
  assert.equal(q.set('dog type:image', 'type', 'video'), 'dog type:video')
  assert.equal(q.set('dog type:image beach', 'type', ''), 'dog beach')
  assert.equal(q.add('dog', 'path', 'my "old" pictures'), 'dog path:"my old pictures"')
  assert.equal(q.add('tag:a', 'tag', 'a'), 'tag:a')
  assert.equal(q.add('', 'tag', '狗'), 'tag:狗')
  assert.equal(q.without('a tag:x b', q.conditions('a tag:x b')), 'a b')
  assert.ok(q.lists('type:image after:2024') && q.lists('') && !q.lists('dog') && !q.lists('2:dog') && !q.lists('like:x.jpg'))
  assert.equal(q.value('type:image', 'type'), 'image')
})
