import { chmodSync, lstatSync, readFileSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import type { Test } from 'tap'
import { editConfig } from '../../core/load/config/edit.ts'
import { loadConfig } from '../../core/load/config/config.ts'

function setup (t: Test, files: Record<string, string> = {}) {
  const folder = t.testdir(files)
  const file = join(folder, 'config.json')
  return { folder, file, text: () => readFileSync(file, 'utf8') }
}

tap.test('an edit keeps comments, layout and byte order mark', async t => {
  const { file, text } = setup(t, {
    'config.json':
      '\uFEFF{\n    // the port\n    "server": {\n        "port": 1, // low\n        "docs": true\n    }\n}\n'
  })
  await editConfig({
    file,
    edits: [{ path: ['server', 'port'], value: 2 }, { path: ['tasks', 'a', 'enabled'], value: false }]
  })
  t.match(text(), '// the port\n')
  t.match(text(), '"port": 2, // low')
  t.ok(text().startsWith('\uFEFF{'))
  t.match(text(), '\n    "tasks": {\n        "a": {')
  t.same((await loadConfig({ file })).config.tasks, { a: { enabled: false } })
})

tap.test('an undefined value removes the setting', async t => {
  const { file, text } = setup(t, { 'config.json': '{ "server": { "port": 1, "docs": false } }' })
  await editConfig({ file, edits: [{ path: ['server', 'port'], value: undefined }] })
  t.same(JSON.parse(text()), { server: { docs: false } })
})

tap.test('a missing file is created', async t => {
  const { file, text } = setup(t)
  await editConfig({ file, edits: [{ path: ['server', 'port'], value: 2 }] })
  t.same(JSON.parse(text()), { server: { port: 2 } })
})

tap.test('an edit with an invalid result is refused, and nothing is written', async t => {
  const { file, text, folder } = setup(t, { 'config.json': '{ "server": { "port": 1 } }' })
  await t.rejects(editConfig({ file, edits: [{ path: ['server', 'port'], value: 'x' }] }), {
    code: 'OFFPEAK_CONFIG_INVALID',
    place: { pointer: '/server/port' }
  })
  await t.rejects(editConfig({ file, edits: [{ path: ['services', '__proto__', 'x'], value: 1 }] }), {
    code: 'OFFPEAK_CONFIG_INVALID'
  })
  await t.rejects(editConfig({ file, edits: [{ path: ['server', 'port', 'x'], value: 1 }] }), {
    code: 'OFFPEAK_CONFIG_INVALID'
  })
  t.equal(text(), '{ "server": { "port": 1 } }')
  t.same(readdirSync(folder), ['config.json'])
})

tap.test('a file that is not JSON is not changed', async t => {
  const { file, text } = setup(t, { 'config.json': '{ "server": ' })
  await t.rejects(editConfig({ file, edits: [{ path: ['server', 'port'], value: 2 }] }), {
    code: 'OFFPEAK_CONFIG_INVALID'
  })
  t.equal(text(), '{ "server": ')
})

tap.test('an edit of an old version is refused', async t => {
  const { file, text } = setup(t, { 'config.json': '{}' })
  const { etag } = await loadConfig({ file })
  const next = await editConfig({ file, edits: [{ path: ['server', 'port'], value: 2 }], ifMatch: etag })
  await t.rejects(editConfig({ file, edits: [{ path: ['server', 'port'], value: 3 }], ifMatch: etag }), {
    code: 'OFFPEAK_CONFIG_CONFLICT'
  })
  t.equal(next.etag, (await loadConfig({ file })).etag)
  t.equal(JSON.parse(text()).server.port, 2)
})

tap.test('simultaneous edits are all applied', async t => {
  const { file, text } = setup(t, { 'config.json': '{}' })
  await Promise.all(
    Array.from({ length: 20 },
      (_, index) => editConfig({ file, edits: [{ path: ['tasks', `t${index}`, 'enabled'], value: true }] }))
  )
  t.equal(Object.keys(JSON.parse(text()).tasks).length, 20)
})

tap.test('a refused edit does not block the next', async t => {
  const { file, text } = setup(t, { 'config.json': '{}' })
  const [first] = await Promise.allSettled([
    editConfig({ file, edits: [{ path: ['nope'], value: 1 }] }),
    editConfig({ file, edits: [{ path: ['server', 'port'], value: 2 }] })
  ])
  t.equal(first.status, 'rejected')
  t.equal(JSON.parse(text()).server.port, 2)
})

tap.test('the mode is kept, and a link is followed', async t => {
  const { folder, file } = setup(t, { 'real.json': '{}' })
  const real = join(folder, 'real.json')
  chmodSync(real, 0o660)
  symlinkSync('real.json', file)
  await editConfig({ file, edits: [{ path: ['server', 'port'], value: 2 }] })
  t.ok(lstatSync(file).isSymbolicLink())
  t.equal(statSync(real).mode & 0o777, 0o660)
  t.equal(JSON.parse(readFileSync(real, 'utf8')).server.port, 2)
})

tap.test('an edit through a dangling link creates its target', async t => {
  const { folder, file } = setup(t)
  symlinkSync('real.json', file)
  await editConfig({ file, edits: [{ path: ['server', 'port'], value: 2 }] })
  t.ok(lstatSync(file).isSymbolicLink())
  t.equal(JSON.parse(readFileSync(join(folder, 'real.json'), 'utf8')).server.port, 2)
})

tap.test('Windows line endings are kept', async t => {
  const { file, text } = setup(t, { 'config.json': '{\r\n  "server": {}\r\n}\r\n' })
  writeFileSync(file, text())
  await editConfig({ file, edits: [{ path: ['log', 'level'], value: 'warn' }] })
  t.notMatch(text(), /[^\r]\n/)
})
