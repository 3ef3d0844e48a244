// The page in Chromium, against the server over a small library.
import assert from 'node:assert/strict'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { collect, folder, forget, index, launch, repository, serve, visit } from './world.js'

let dir, media, library, server, browser, page

before(async () => {
  dir = await folder()
  ;[media, library] = [join(dir, 'media'), join(dir, 'library')]
  await collect(media)
  await index(library, media)
  ;[server, browser] = await Promise.all([serve(library), launch()])
})

after(async () => {
  await browser?.close()
  await server?.stop()
  await forget(dir)
})

afterEach(async () => {
  const wrong = page?.wrong ?? []
  await page?.context().close()
  page = undefined
  assert.deepEqual(wrong, [])
})

const open = async (path = '/', options = {}) => {
  page = await visit(browser, server.url + path, options)
  await page.getByRole('listbox').waitFor()
}
const tiles = () => page.getByRole('option')
const names = () => tiles().evaluateAll((all) => all.map((a) => a.title))
const status = (text) => page.getByRole('status').filter({ hasText: text }).first().waitFor()
const box = () => page.getByRole('textbox', { name: /What to look for/ })
const query = () => page.evaluate(() => new URLSearchParams(location.search).get('q'))

/** seek types a query and waits for its answer. */
async function seek(q) {
  const answered = page.waitForResponse((r) => r.url().includes('/v1/search') && r.ok())
  await box().fill(q)
  await box().press('Enter')
  await answered
  await page.locator('form[aria-busy=false]').waitFor()
}

/** drop lets a file of the repository fall on an element of the page, as a hand would. */
async function drop(on, path, type) {
  const data = (await readFile(path)).toString('base64')
  const transfer = await page.evaluateHandle(
    ([data, name, type]) => {
      const t = new DataTransfer()
      t.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], name, { type }))
      return t
    },
    [data, path.split('/').pop(), type],
  )
  await page.dispatchEvent('body', 'dragenter', { dataTransfer: transfer })
  await page.dispatchEvent(on, 'drop', { dataTransfer: transfer })
}

test('everything is listed at first, and words find', async () => {
  await open()
  await status('13 files')
  await seek('a cat')
  assert.ok((await names()).slice(0, 3).includes('cat.jpg'), `a cat: ${await names()}`)
  assert.equal(await query(), 'a cat')
  await seek('咖啡')
  assert.ok((await names()).slice(0, 3).includes('coffee.jpg'), `coffee in Chinese: ${await names()}`)
  await page.goBack()
  assert.equal(await box().inputValue(), 'a cat')
  await page.getByRole('button', { name: 'Clear the search' }).click()
  await status('13 files')
})

test('a search begins while one types', async () => {
  await open()
  await box().pressSequentially('rocket', { delay: 20 })
  await page.waitForURL(/q=rocket$/)
  await page.locator('form[aria-busy=false]').waitFor()
  assert.match((await names())[0], /rocket|three scenes/)
})

test('filters edit the text, and chips take them away', async () => {
  await open()
  await page.getByRole('button', { name: 'Videos' }).click()
  await status('1 file')
  assert.equal(await box().inputValue(), 'type:video')
  await page.getByRole('button', { name: 'All' }).click()
  await page.getByRole('button', { name: 'Folder' }).click()
  await page.getByRole('dialog', { name: 'Folder' }).getByRole('textbox').fill('space')
  await page.keyboard.press('Enter')
  await status('3 files')
  assert.equal(await box().inputValue(), 'path:space')
  await page.getByRole('button', { name: 'Size' }).click()
  await page.getByRole('button', { name: '<1MB' }).click()
  assert.equal(await box().inputValue(), 'path:space size:<1MB')
  await page.getByRole('button', { name: 'Remove Folder: space' }).click()
  assert.equal(await box().inputValue(), 'size:<1MB')
})

test('a query that is not understood says so, and keeps what is shown', async () => {
  await open()
  await seek('type:video')
  await status('1 file')
  await box().fill('size:huge')
  await page.getByRole('alert').filter({ hasText: 'size:huge' }).waitFor()
  assert.equal(await tiles().count(), 1)
})

test('a picture that is dropped finds its like', async () => {
  await open()
  await drop('body', join(repository, 'accuracy/08-coffee.jpg'), 'image/jpeg')
  await page.getByRole('button', { name: 'Search with it' }).click()
  await page.getByRole('button', { name: 'Remove 08-coffee.jpg' }).waitFor()
  await page.waitForFunction(() => document.querySelector('[role=option]')?.getAttribute('aria-label')?.match(/^coffee|^three scenes/))
  await page.getByRole('button', { name: 'Remove 08-coffee.jpg' }).click()
  await status('13 files')
})

test('a picture that is pasted finds its like', async () => {
  await open()
  const data = (await readFile(join(repository, 'accuracy/14-rocket.jpg'))).toString('base64')
  await page.evaluate((data) => {
    const t = new DataTransfer()
    t.items.add(new File([Uint8Array.from(atob(data), (c) => c.charCodeAt(0))], 'image.jpg', { type: 'image/jpeg' }))
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData: t, bubbles: true }))
  }, data)
  await page.getByRole('button', { name: 'Remove A picture' }).waitFor()
  await page.locator('form[aria-busy=false]').waitFor()
  assert.equal((await names())[0], 'rocket.jpg')
})

test('a recorded sound, and one that is dropped, are searched by', async () => {
  await open()
  await page.getByRole('button', { name: 'Record a sound' }).click()
  await page.waitForTimeout(1200)
  const asked = page.waitForRequest((r) => r.url().endsWith('/v1/search') && r.method() === 'POST')
  await page.getByRole('button', { name: /Recording/ }).click()
  const { like } = (await asked).postDataJSON()
  const wave = Buffer.from(like[0].split(',')[1], 'base64')
  assert.equal(wave.toString('latin1', 0, 4) + wave.toString('latin1', 8, 12), 'RIFFWAVE')
  assert.ok(wave.length > 44 + 48000, `a second of sound has ${wave.length} bytes`)
  await page.getByRole('button', { name: 'Remove A sound' }).click()
  await status('13 files')
  await drop('body', join(media, 'sounds/beeps.wav'), 'audio/wav')
  await page.getByRole('button', { name: 'Search with it' }).click()
  await page.waitForFunction(() => document.querySelector('[role=option]')?.getAttribute('aria-label')?.startsWith('beeps.wav'))
})

test('the keyboard alone opens, steps, closes and finds its way back', async () => {
  await open()
  await page.keyboard.press('/')
  assert.equal(await page.evaluate(() => document.activeElement.id), 'q')
  await page.keyboard.type('type:image')
  await page.keyboard.press('Enter')
  await status('10 files')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowRight')
  const [first, second, third] = await names()
  assert.notEqual(first, second)
  await page.keyboard.press('Enter')
  const viewer = page.getByRole('dialog', { name: /Viewer/ })
  await viewer.waitFor()
  assert.match(await viewer.getAttribute('aria-label'), new RegExp(second))
  await page.keyboard.press('ArrowRight')
  assert.match(await viewer.getAttribute('aria-label'), new RegExp(third))
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press('Tab')
    assert.ok(await page.evaluate(() => document.activeElement === document.body || document.activeElement.closest('dialog') !== null), 'the focus left the viewer')
  }
  await page.keyboard.press('Escape')
  await viewer.waitFor({ state: 'detached' })
  await page.waitForFunction((name) => document.activeElement.getAttribute('aria-label')?.startsWith(name), third)
  await page.keyboard.press('?')
  await page.getByRole('dialog', { name: 'Help' }).waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog', { name: 'Help' }).waitFor({ state: 'detached' })
  await page.keyboard.press('s')
  await page.waitForURL(/like=/)
})

test('a moment of a film plays from where it is', async () => {
  await open()
  await seek('a cup of coffee type:video')
  await tiles().first().click()
  const moments = page.getByRole('list', { name: 'Moments found' }).getByRole('button')
  await moments.first().waitFor()
  const at = await page.evaluate(async () => {
    const a = await (await fetch('/v1/search?q=a+cup+of+coffee+type:video')).json()
    return { id: a.data[0].id, best: a.data[0].start, moments: a.data[0].moments.map((m) => m.start).sort((a, b) => a - b) }
  })
  assert.equal(await moments.count(), new Set(at.moments).size)
  const video = page.locator('video')
  await page.waitForFunction(() => document.querySelector('video').readyState >= 1)
  assert.ok(Math.abs((await video.evaluate((v) => v.currentTime)) - at.best) < 0.5, 'the viewer opens at the best moment')
  const ranges = []
  page.on('response', (r) => r.url().endsWith('/original') && ranges.push(r.status()))
  const last = at.moments.at(-1)
  await moments.last().click()
  await page.waitForFunction((t) => document.querySelector('video').currentTime > t + 0.3, last)
  assert.ok((await video.evaluate((v) => v.currentTime)) >= last)
  await page.keyboard.press('k')
  await page.waitForFunction(() => document.querySelector('video').paused)
  const part = await page.evaluate(async (id) => (await fetch(`/v1/items/${id}/original`, { headers: { Range: 'bytes=10-19' } })).status, at.id)
  assert.equal(part, 206)
})

test('a sound plays', async () => {
  await open('/?q=beeps.wav+type:audio')
  await tiles().first().click()
  await page.getByRole('button', { name: 'Play', exact: true }).click()
  await page.waitForFunction(() => document.querySelector('audio').currentTime > 0.2)
  await page.getByRole('slider', { name: 'Position' }).press('ArrowRight')
  await page.getByRole('button', { name: 'Pause' }).click()
})

test('tags are given, found and taken', async () => {
  await open('/?q=path:animals')
  await tiles().first().click()
  await page.getByRole('textbox', { name: 'Add a tag' }).or(page.getByRole('combobox', { name: 'Add a tag' })).fill('家 pet')
  await page.keyboard.press('Enter')
  const remove = page.getByRole('button', { name: 'Remove 家 pet' })
  await remove.waitFor()
  await page.getByRole('button', { name: '家 pet', exact: true }).click()
  await status('1 file')
  assert.equal(await box().inputValue(), 'tag:"家 pet"')
  await tiles().first().click()
  await remove.click()
  await remove.waitFor({ state: 'detached' })
  await page.keyboard.press('Escape')
  await page.reload()
  await page.getByText('Nothing fits').waitFor()
})

test('copies are shown in groups, and nothing is deleted', async () => {
  await open()
  await page.getByRole('button', { name: 'Duplicates' }).click()
  await page.getByRole('button', { name: 'Identical' }).click()
  await status('1 group')
  assert.deepEqual((await names()).sort(), ['cat.jpg', 'the same cat.jpg'])
  await page.getByText('would be kept').waitFor()
  await tiles().first().click()
  await page.getByRole('dialog', { name: /Viewer/ }).waitFor()
  await page.goBack()
  await page.getByRole('dialog', { name: /Viewer/ }).waitFor({ state: 'detached' })
})

test('the library tells what it holds and what it could not read', async () => {
  await open()
  await page.getByRole('button', { name: 'Library' }).click()
  const panel = page.getByRole('dialog', { name: 'Library' })
  await panel.getByText('1 file could not be read').waitFor()
  await panel.getByText('damaged.jpg').waitFor()
  await panel.getByText(media, { exact: true }).waitFor()
})

test('language and theme change and are kept', async () => {
  await open('/', { locale: 'zh-CN', colorScheme: 'light' })
  await page.getByRole('textbox', { name: '用文字描述要找的内容' }).waitFor()
  assert.equal(await page.evaluate(() => document.documentElement.lang), 'zh-CN')
  await page.getByRole('button', { name: '语言: English' }).click()
  await box().waitFor()
  const back = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const light = await back()
  await page.getByRole('button', { name: /Light or dark/ }).click() // light
  await page.getByRole('button', { name: /Light or dark/ }).click() // dark
  await page.waitForFunction((light) => getComputedStyle(document.body).backgroundColor !== light, light)
  const dark = await back()
  await page.reload()
  await box().waitFor()
  await page.waitForFunction((dark) => getComputedStyle(document.body).backgroundColor === dark, dark)
})

test('a phone is wide enough', async () => {
  await open('/', { viewport: { width: 360, height: 740 }, hasTouch: true, isMobile: true })
  const wide = await page.evaluate(() => document.documentElement.scrollWidth)
  assert.ok(wide <= 360, `the page is ${wide} wide`)
  const [a, , , d] = await tiles().evaluateAll((all) => all.map((t) => t.getBoundingClientRect().toJSON()))
  assert.ok(a.y < d.y && a.width > 100, 'three in a row')
  await tiles().nth(5).tap()
  await page.getByRole('dialog', { name: /Viewer/ }).waitFor()
  await page.getByRole('button', { name: 'Details' }).tap()
  await page.getByText('Dimensions').waitFor()
  assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360)
})

test('what nothing fits is said', async () => {
  await open()
  await seek('path:nowhere')
  await page.getByRole('heading', { name: 'Nothing fits' }).waitFor()
})

test('where nothing fits well, the closest are shown apart', async () => {
  await open()
  await seek('a wedding cake path:bricks')
  await status('probably not what you mean')
  assert.deepEqual(await names(), ['bricks.jpg'])
  await page.getByRole('button', { name: 'How sure' }).click()
  await page.getByRole('button', { name: 'Everything, nearest first' }).click()
  await status('1 found')
})

test('a server that goes is waited for', async () => {
  await open()
  await server.stop()
  await page.getByRole('alert').filter({ hasText: 'does not answer' }).waitFor() // though nothing was asked
  await page.getByRole('option', { name: 'bricks.jpg' }).click()
  const viewer = page.getByRole('dialog', { name: /Viewer/ })
  await viewer.waitFor()
  await page.waitForTimeout(500)
  assert.equal(await page.getByText('There is no picture').count(), 0)
  server = await serve(library, { port: server.port })
  await page.getByRole('alert').waitFor({ state: 'detached' })
  await page.waitForFunction(() => [...document.querySelectorAll('dialog img')].some((i) => i.naturalWidth > 0))
  await viewer.getByText('Dimensions').waitFor()
  await page.keyboard.press('Escape')
  await box().fill('grass')
  await seek('grass')
  assert.ok((await names()).slice(0, 3).includes('grass.jpg'))
})
