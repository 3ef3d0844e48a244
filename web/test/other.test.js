// The page over other servers: a large library, an empty one, one that must not be changed, one that wants a token. And what a screen reader meets.
import assert from 'node:assert/strict'
import { appendFile, cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { collect, folder, forget, index, launch, repository, run, serve, visit } from './world.js'

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
let dir, media, library, browser

before(async () => {
  dir = await folder()
  ;[media, library] = [join(dir, 'media'), join(dir, 'library')]
  await collect(media)
  await run('ffmpeg', ['-v', 'error', '-i', join(media, 'animals/cat.jpg'), '-vf', 'scale=200:-2', join(media, 'copies/smaller.jpg')]) // kept beside it is what is kept beside a copy
  await index(library, media)
  browser = await launch()
})

after(async () => {
  await browser?.close()
  await forget(dir)
})

/** over opens the page over a library, and closes everything after the test. */
async function over(t, lib, { flags, path = '/', ...options } = {}) {
  const server = await serve(lib, { flags })
  t.after(() => server.stop())
  const page = await visit(browser, server.url + path, options)
  t.after(async () => {
    await page.context().close()
    assert.deepEqual(page.wrong, [])
  })
  return page
}

const tiles = (page) => page.getByRole('option')
const box = (page) => page.getByRole('textbox', { name: /What to look for/ })

/** accessible asks axe for what hinders people, by the rules of WCAG 2 to level AA. */
async function accessible(page, where) {
  await page.waitForTimeout(300) // colours that fade
  const found = await page.evaluate(async (axe) => {
    if (!window.axe) new Function(axe)()
    const r = await window.axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'], resultTypes: ['violations'] })
    return r.violations.flatMap((v) => v.nodes.map((n) => `${v.id}: ${n.html.slice(0, 160)} ${n.failureSummary}`))
  }, axe)
  assert.deepEqual(found, [], where)
}

for (const colorScheme of ['light', 'dark']) {
  test(`people with other senses: ${colorScheme}`, async (t) => {
    const page = await over(t, library, { colorScheme, bypassCSP: true }) // for axe's own script, which the page's policy would not let in
    await tiles(page).first().waitFor()
    await accessible(page, 'all files')
    await page.getByRole('button', { name: 'Size' }).click()
    await accessible(page, 'a filter')
    await page.getByRole('button', { name: '<1MB' }).click()
    await page.getByRole('button', { name: 'Videos' }).click()
    await tiles(page).first().click()
    await page.getByText('Dimensions').waitFor()
    await accessible(page, 'a film')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Library' }).click()
    await page.getByText('could not be read').waitFor()
    await accessible(page, 'the library')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Help' }).click()
    await accessible(page, 'help')
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Duplicates' }).click()
    await page.getByText('would be kept').nth(1).waitFor()
    await tiles(page).first().focus()
    const focused = () => page.evaluate(() => document.activeElement.title)
    for (const [press, name] of [['ArrowRight', 'the same cat.jpg'], ['ArrowDown', 'cat.jpg'], ['End', 'smaller.jpg']]) {
      await page.keyboard.press(press)
      assert.equal(await focused(), name)
    }
    assert.deepEqual(await page.getByRole('main').getByRole('heading').allTextContents(), ['Identical', 'Nearly the same'])
    await accessible(page, 'copies')
    await box(page).fill('path:nowhere')
    await page.getByRole('heading', { name: 'Nothing fits' }).waitFor()
    await accessible(page, 'nothing')
  })
}

test('an empty library says what to do', async (t) => {
  const nothing = join(dir, 'nothing')
  await mkdir(nothing)
  await index(join(dir, 'empty'), nothing)
  const page = await over(t, join(dir, 'empty'))
  await page.getByRole('heading', { name: 'Nothing is here yet' }).waitFor()
})

test('a server that changes nothing offers no changes', async (t) => {
  const page = await over(t, library, { flags: ['--read-only'], path: '/?q=path:animals' })
  await tiles(page).first().click()
  await page.getByText('Dimensions').waitFor()
  assert.equal(await page.getByRole('button', { name: 'Add a tag' }).count(), 0)
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Library' }).click()
  await page.getByText('read-only').waitFor()
  assert.equal(await page.getByRole('button', { name: 'Look for changes' }).count(), 0)
})

test('a token is asked for once', async (t) => {
  const file = join(dir, 'token')
  await writeFile(file, 'open-sesame-1234567\n', { mode: 0o600 })
  const page = await over(t, library, { flags: ['--token-file', file] })
  const asked = page.getByRole('dialog', { name: 'This server wants a token' })
  await asked.getByLabel('Token').fill('something else 123')
  await asked.getByRole('button', { name: 'Enter' }).click()
  await page.getByRole('alert').filter({ hasText: 'not the token' }).waitFor()
  await page.keyboard.press('Escape')
  await asked.waitFor()
  await asked.getByLabel('Token').fill('open-sesame-1234567')
  await page.keyboard.press('Enter')
  await tiles(page).first().waitFor()
  await page.reload()
  await tiles(page).first().waitFor()
  assert.equal(await asked.count(), 0)
})

test('what was added is found, and indexing is seen', async (t) => {
  const [pictures, lib] = [join(dir, 'growing'), join(dir, 'growing-library')]
  await mkdir(pictures)
  await cp(join(media, 'home/coffee.jpg'), join(pictures, 'coffee.jpg'))
  await index(lib, pictures)
  const page = await over(t, lib, { flags: ['--watch=false'] })
  await page.getByRole('status').filter({ hasText: '1 file' }).waitFor()
  await cp(join(media, 'animals/cat.jpg'), join(pictures, 'cat.jpg'))
  await page.getByRole('button', { name: 'Library' }).click()
  await page.getByRole('button', { name: 'Look for changes' }).click()
  await page.getByRole('dialog', { name: 'Library' }).getByText('2 files').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('button', { name: 'Show them' }).click()
  await page.getByRole('status').filter({ hasText: '2 files' }).waitFor()

  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: /Search by a picture or sound/ }).click()
  await (await chooser).setFiles([join(media, 'space/rocket.jpg'), join(media, 'space/galaxies.jpg')])
  await page.getByRole('button', { name: 'Add to the library' }).click()
  await page.getByText('2 files added').waitFor()
  await page.getByRole('button', { name: 'Show them' }).click()
  await page.getByRole('status').filter({ hasText: '4 files' }).waitFor()
  await box(page).fill('a rocket')
  await page.keyboard.press('Enter')
  await page.waitForFunction(() => document.querySelector('[role=option]')?.getAttribute('aria-label')?.startsWith('rocket'))
})

/** raw is a DNG file as a camera writes it, as far as its preview goes: one directory that names a JPEG picture of a size. */
function raw(jpeg, width, height) {
  const entries = [[254, 4, 1, 1], [256, 4, 1, width], [257, 4, 1, height], [259, 3, 1, 7], [262, 3, 1, 6], [273, 4, 1, 0], [277, 3, 1, 3], [279, 4, 1, jpeg.length], [50706, 1, 4, 0x0401]]
  const b = Buffer.alloc(8 + 2 + 12 * entries.length + 4)
  entries[5][3] = b.length
  b.write('II*\0', 0, 'latin1'), b.writeUInt32LE(8, 4), b.writeUInt16LE(entries.length, 8)
  entries.forEach(([tag, type, count, value], i) => (b.writeUInt16LE(tag, 10 + 12 * i), b.writeUInt16LE(type, 12 + 12 * i), b.writeUInt32LE(count, 14 + 12 * i), b.writeUInt32LE(value, 18 + 12 * i)))
  return Buffer.concat([b, jpeg])
}

test('what a browser cannot show the server renders', async (t) => {
  const [pictures, lib] = [join(dir, 'strange'), join(dir, 'strange-library')]
  await mkdir(pictures)
  const scaled = (name, ...flags) => run('ffmpeg', ['-v', 'error', '-i', join(media, 'home/coffee.jpg'), '-vf', 'scale=1800:1200', ...flags, join(pictures, name)])
  await Promise.all([scaled('a.tif', '-pix_fmt', 'rgb24'), scaled('b.ppm'), scaled('whole.jpg', '-q:v', '3')])
  await writeFile(join(pictures, 'c.dng'), raw(await readFile(join(pictures, 'whole.jpg')), 1800, 1200))
  await cp(join(pictures, 'a.tif'), join(pictures, 'no jpeg.jpg'))
  await appendFile(join(pictures, 'no jpeg.jpg'), 'x') // no copy of the other
  await index(lib, pictures)
  const page = await over(t, lib, { flags: ['--watch=false'] })
  await page.getByRole('status').filter({ hasText: '5 files' }).waitFor()
  for (const name of ['a.tif', 'b.ppm', 'c.dng', 'no jpeg.jpg', 'whole.jpg']) {
    await page.getByRole('option', { name }).click()
    await page.waitForFunction(() => [...document.querySelectorAll('dialog img')].some((i) => i.complete && i.naturalWidth === 1800 && getComputedStyle(i).opacity === '1'))
    await page.keyboard.press('Escape')
    await page.getByRole('dialog', { name: /Viewer/ }).waitFor({ state: 'detached' })
  }

  const chooser = page.waitForEvent('filechooser')
  await page.getByRole('button', { name: /Search by a picture or sound/ }).click()
  await (await chooser).setFiles(join(pictures, 'c.dng'))
  await page.getByRole('button', { name: 'Search with it' }).click()
  await page.getByRole('button', { name: 'Remove c.dng' }).waitFor()
  await page.getByRole('status').filter({ hasText: /found/ }).waitFor()
})

test('a hundred thousand files', async (t) => {
  const large = join(dir, 'large')
  await run('go', ['run', './tools/crowd', '-files', '100000', library, large, join(dir, 'links')], { cwd: repository, env: { ...process.env, CGO_ENABLED: '0' } })
  const page = await over(t, large, { flags: ['--watch=false'] })
  let asked = 0
  page.on('request', (r) => r.url().includes('/v1/search') && asked++)
  const { files } = await page.evaluate(async () => (await fetch('/v1/search?q=&limit=1')).json())
  assert.ok(files > 100_000, `${files} files`)
  await page.getByRole('status').filter({ hasText: `${files.toLocaleString('en')} files` }).waitFor()
  const main = page.getByRole('main')
  const seen = () => tiles(page).evaluateAll((all) => all.map((a) => Number(a.getAttribute('aria-posinset'))))
  // Waits until all that is shown lies between these places and has its name: right after scrolling, the former place may still stand there.
  const loaded = (from, to) =>
    page.waitForFunction(
      ([from, to]) => {
        const all = [...document.querySelectorAll('[role=option]')]
        const there = (o) => from <= Number(o.getAttribute('aria-posinset')) && Number(o.getAttribute('aria-posinset')) <= to
        return all.length > 0 && all.every((o) => there(o) && o.getAttribute('aria-label') !== '…')
      },
      [from, to],
    )

  // Somewhere in the middle, by the scroll bar.
  await main.evaluate((m) => (m.scrollTop = m.scrollHeight / 2))
  await loaded(49_000, 51_000)
  const middle = await seen()
  assert.ok(middle.length < 80, `in the middle ${middle[0]} to ${middle.at(-1)}`)
  const names = await tiles(page).evaluateAll((all) => all.map((a) => a.getAttribute('aria-label')))
  assert.equal(new Set(names).size, names.length, 'each file once')

  // What flies by is not asked for, and never are there many elements.
  const before = asked
  const most = await main.evaluate(async (m) => {
    let most = 0
    for (let i = 0; i <= 100; i++) {
      m.scrollTop = (m.scrollHeight * i) / 100
      await new Promise((resolve) => requestAnimationFrame(resolve))
      most = Math.max(most, document.querySelectorAll('[role=option]').length)
    }
    return most
  })
  assert.ok(most < 80, `${most} elements at once`)
  await loaded(files - 100, files)
  assert.ok(asked - before < 60, `${asked - before} questions while a hundred places flew by`)
  assert.equal((await seen()).at(-1), files)

  // The keyboard gets there too, and the last picture opens.
  await main.evaluate((m) => (m.scrollTop = 0))
  await loaded(1, 100)
  await tiles(page).first().focus()
  await page.keyboard.press('End')
  await loaded(files - 100, files)
  await page.keyboard.press('Enter')
  await page.getByRole('dialog', { name: /Viewer/ }).waitFor()
  await page.keyboard.press('Escape')
  await box(page).fill('a cup of coffee')
  await page.keyboard.press('Enter')
  await page.getByRole('status').filter({ hasText: /found/ }).waitFor()
})
