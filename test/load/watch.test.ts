import { rmSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import tap from 'tap'
import type { Test } from 'tap'
import type { LoadedConfig } from '../../core/load/config/config.ts'
import { loadConfig } from '../../core/load/config/config.ts'
import { watchConfig } from '../../core/load/config/watch.ts'
import { until } from './until.ts'

async function setup (
  t: Test,
  { text = '{ "server": { "port": 1 } }', watchAfterMs }: { text?: string, watchAfterMs?: number } = {}
) {
  const folder = t.testdir({ 'config.json': text })
  const file = join(folder, 'config.json')
  const changes: LoadedConfig[] = []
  const errors: string[] = []
  const watch = watchConfig({
    file,
    environment: 'test',
    watchAfterMs,
    current: await loadConfig({ file, environment: 'test' }),
    onChange: loaded => {
      changes.push(loaded)
    },
    onError: error => {
      errors.push(String(error))
    }
  })
  t.teardown(() => watch.stop())
  await watch.start()
  return { folder, file, changes, errors, watch, write: (next: string) => writeFileSync(file, next) }
}

tap.test('a saved change is reported once', async t => {
  const { write, changes, errors, watch } = await setup(t)
  t.equal(changes.length, 0, 'what is in force is no change')
  write('{ "server": { "port": 2 } }')
  await until(() => changes.length > 0)
  await watch.rescan()
  t.same(changes.map(({ config }) => config.server.port), [2])
  t.same(errors, [])
})

tap.test('a file replaced by rename and a change of the overlay are detected', async t => {
  const { folder, file, changes } = await setup(t)
  writeFileSync(join(folder, 'fresh'), '{ "server": { "port": 3 } }')
  renameSync(join(folder, 'fresh'), file)
  await until(() => changes.at(-1)?.config.server.port === 3)
  writeFileSync(join(folder, 'config.test.json'), '{ "server": { "port": 4 } }')
  await until(() => changes.at(-1)?.config.server.port === 4)
  rmSync(join(folder, 'config.test.json'))
  await until(() => changes.at(-1)?.config.server.port === 3)
  t.pass('each was reported')
})

tap.test('a fault is reported once, and its correction as a change', async t => {
  const { write, changes, errors, watch } = await setup(t)
  write('{ "server": { "port": "x" } }')
  await until(() => errors.length > 0)
  await watch.rescan()
  t.match(errors, [/found 'x'/])
  t.equal(changes.length, 0, 'the last good one stays in force')
  await watch.stop()
  await watch.rescan()
  t.equal(errors.length, 1)
  await watch.start()
  write('{ "server": { "port": 1 } }')
  await until(() => changes.length > 0)
  t.equal(errors.length, 1)
})

tap.test('a half-written file is read again [F38]', async t => {
  const { write, changes, errors, watch } = await setup(t)
  write('{ "server": { "po')
  await watch.rescan()
  t.same(errors, [])
  write('{ "server": { "port": 5 } }')
  await until(() => changes.at(-1)?.config.server.port === 5)
  t.same(errors, [])
})

tap.test('it starts and stops twice, and reports nothing afterwards', async t => {
  const { write, changes, watch } = await setup(t)
  await watch.start()
  await watch.stop()
  await watch.stop()
  write('{ "server": { "port": 6 } }')
  await watch.start()
  await until(() => changes.length > 0)
  t.equal(changes[0]!.config.server.port, 6, 'a change made while it was stopped is seen at the start')
})

tap.test('a change before the watch begins is reported when it begins', async t => {
  const { write, changes } = await setup(t, { watchAfterMs: 100 })
  write('{ "server": { "port": 2 } }')
  await until(() => changes.length > 0)
  t.equal(changes[0]!.config.server.port, 2)
})

tap.test('a watch that has not begun can read the files, and stops at once', async t => {
  const { write, changes, watch } = await setup(t, { watchAfterMs: 600_000 })
  write('{ "server": { "port": 2 } }')
  await watch.rescan()
  t.equal(changes.length, 1)
  await watch.stop()
  await watch.start()
  await watch.stop()
  t.equal(changes.length, 1)
})

tap.test('a listener that throws does not prevent later changes from being read', async t => {
  const file = join(t.testdir({ 'config.json': '{ "server": { "port": 1 } }' }), 'config.json')
  const ports: number[] = []
  const errors: string[] = []
  const watch = watchConfig({
    file,
    watchAfterMs: 600_000,
    current: await loadConfig({ file }),
    onChange: ({ config }) => {
      ports.push(config.server.port)
      throw new Error('of the host')
    },
    onError: error => {
      errors.push(String(error))
      throw new Error('of the host too')
    }
  })
  t.teardown(() => watch.stop())
  await watch.start()
  for (const port of [2, 3]) {
    writeFileSync(file, `{ "server": { "port": ${port} } }`)
    await watch.rescan()
  }
  t.same(ports, [2, 3])
  t.match(errors, [/of the host/, /of the host/])
})
